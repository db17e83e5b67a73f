//! Response addresses: where the bot may answer later, at most five times within half an hour.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Shared,
    deliver::{Origin, Said, said},
    workspace::{Author, Content, Message, draft},
};
use crate::clock;

const USES: u8 = 5;
const LIFETIME: SignedDuration = SignedDuration::from_mins(30);

/// The addresses given out in this run.
pub(super) struct Responses {
    url: String,
    issued: Mutex<BTreeMap<String, Issued>>,
}

#[derive(Clone)]
struct Issued {
    origin: Origin,
    /// The message that was clicked.
    original: Option<String>,
    at: Timestamp,
    used: u8,
}

impl Responses {
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), issued: Mutex::default() }
    }

    /// A fresh address for what this person did.
    pub(super) fn issue(&self, origin: &Origin, original: Option<String>) -> String {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!("{}", issued.len() + 1);
        issued.insert(id.clone(), Issued { origin: origin.clone(), original, at: clock::now(), used: 0 });
        format!("{}/response/{id}", self.url)
    }

    fn take(&self, id: &str) -> Result<Issued, &'static str> {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        let found = issued.get_mut(id).ok_or("no_such_url")?;
        if clock::now().duration_since(found.at) > LIFETIME {
            return Err("expired_url");
        }
        if found.used >= USES {
            return Err("used_url");
        }
        found.used += 1;
        Ok(found.clone())
    }
}

/// The route of the response addresses.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/response/{id}", post(respond))
}

async fn respond(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "invalid_payload").into_response();
    };
    match shared.responses.take(&id) {
        Ok(issued) => perform(&shared, &issued, &body),
        Err(error) => (StatusCode::NOT_FOUND, Json(json!({"ok": false, "error": error}))).into_response(),
    }
}

fn perform(shared: &Shared, issued: &Issued, body: &Value) -> Response {
    let channel = issued.origin.channel;
    if let (true, Some(ts)) = (body["delete_original"] == true, &issued.original) {
        shared.workspace.delete(channel.id, ts);
        return "ok".into_response();
    }
    let (content, only): (Content, _) = match said(&body.to_string()) {
        Said::Privately(content) => (content, Some(issued.origin.person)),
        Said::Openly(content) => (content, None),
        Said::Nothing => return (StatusCode::BAD_REQUEST, "no_text").into_response(),
        Said::Badly => return (StatusCode::BAD_REQUEST, "invalid_blocks").into_response(),
    };
    match (&issued.original, body["replace_original"] == true) {
        (Some(ts), true) => drop(shared.workspace.edit(channel.id, ts, content, None)),
        _ => drop(shared.workspace.add(Message { only, ..draft(channel, Author::Bot, content) })),
    }
    "ok".into_response()
}
