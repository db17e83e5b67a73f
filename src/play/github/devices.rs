//! OAuth's device flow: a program asks for a code, a person types it on a page, the program gets a token of theirs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Shared,
    accounts::{Account, account},
    api::failure,
};
use crate::play::error::PlayError;

/// The App's client id here.
pub const CLIENT_ID: &str = "Iv23playground";

/// Codes that were asked for, and the tokens that came of them.
#[derive(Default)]
pub(super) struct Devices(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    codes: Vec<(String, Option<Account>)>,
    tokens: Vec<(String, Account)>,
}

#[derive(Deserialize)]
struct Asked {
    client_id: String,
    #[serde(default)]
    device_code: String,
}

impl Devices {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose token that is.
    pub(super) fn holder(&self, token: &str) -> Option<Account> {
        self.kept().tokens.iter().find(|(known, _)| known == token).map(|(_, account)| *account)
    }

    /// Somebody types the newest code on the page.
    pub(super) fn types_code(&self, who: &str) -> Result<(), PlayError> {
        let by = account(who)?;
        if let Some((_, typed)) = self.kept().codes.last_mut() {
            *typed = Some(by);
        }
        Ok(())
    }

    /// All tokens of people are worth nothing from now on.
    pub(super) fn revoke(&self) {
        self.kept().tokens.clear();
    }
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/login/device/code", post(code))
        .route("/login/oauth/access_token", post(token))
        .route("/user", get(user))
}

/// The account whose token a request carries.
pub(super) fn holder(shared: &Shared, headers: &HeaderMap) -> Option<Account> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    shared.devices.holder(given?.split_once(' ')?.1)
}

async fn code(State(shared): State<Arc<Shared>>, Form(asked): Form<Asked>) -> Response {
    if asked.client_id != CLIENT_ID {
        return failure(404, "Not Found", &[]);
    }
    let mut kept = shared.devices.kept();
    let number = kept.codes.len() + 1;
    kept.codes.push((format!("device-{number}"), None));
    Json(json!({"device_code": format!("device-{number}"), "user_code": format!("PLAY-{number:04}"),
        "verification_uri": format!("{}/login/device", shared.places.url), "expires_in": 900, "interval": 0}))
    .into_response()
}

async fn token(State(shared): State<Arc<Shared>>, Form(asked): Form<Asked>) -> Response {
    let mut kept = shared.devices.kept();
    let found = kept.codes.iter().find(|(code, _)| *code == asked.device_code).map(|(_, typed)| *typed);
    match found {
        None => Json(json!({"error": "expired_token"})).into_response(),
        // A second is as short as its patience gets.
        Some(None) => Json(json!({"error": "authorization_pending", "interval": 1})).into_response(),
        Some(Some(by)) => {
            let token = format!("ghu_{}_{}", by.login, kept.tokens.len() + 1);
            kept.tokens.push((token.clone(), by));
            Json(json!({"access_token": token, "token_type": "bearer", "scope": ""})).into_response()
        }
    }
}

async fn user(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    match holder(&shared, &headers) {
        Some(by) => Json(json!({"login": by.login, "id": by.id, "type": by.kind})).into_response(),
        // The bot's own token is no person's.
        None => failure(404, "Not Found", &[]),
    }
}
