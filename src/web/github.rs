//! `POST /github/webhooks`: verified on the raw bytes, known by its delivery id, answered at once, looked at after.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::Edge;
use crate::{
    core::names::ConnectionName,
    forge::webhook::{self, DELIVERY, Delivery, EVENT, Hint},
};

/// The longest id of a delivery that is remembered.
const LONGEST_ID: usize = 100;

pub(super) async fn webhook(State(edge): State<Arc<Edge>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(secret) = &edge.webhook_secret else { return StatusCode::NOT_FOUND.into_response() };
    let verified = match webhook::verify(secret, &headers, body) {
        Ok(verified) => verified,
        Err(error) => {
            edge.refusals.note(&edge.engine, error.into()).await;
            return (StatusCode::UNAUTHORIZED, "not signed by GitHub\n").into_response();
        }
    };
    let (Some(event), Some(delivery)) = (text(&headers, EVENT), text(&headers, DELIVERY)) else {
        return (StatusCode::BAD_REQUEST, "no `X-GitHub-Event` or `X-GitHub-Delivery`\n").into_response();
    };
    match webhook::read(event, &verified) {
        Ok(Delivery::Ignored { reason }) => ignored(&reason),
        Ok(Delivery::About { repository, hint }) => match edge.engine.repository_called(&repository) {
            Some(repository) => taken(&edge, (repository, hint), delivery).await,
            None => ignored("another repository than those in the configuration"),
        },
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

/// Remembered, then looked at: who sends it need not wait for that.
async fn taken(edge: &Arc<Edge>, (repository, hint): (ConnectionName, Hint), delivery: &str) -> Response {
    match edge.engine.is_new(&format!("github:delivery:{delivery}")).await {
        Ok(true) => {
            let (at, busy) = (Arc::clone(edge), edge.engine.busy());
            edge.tasks.start(async move {
                at.engine.hint(&repository, hint).await;
                drop(busy);
            });
            "taken\n".into_response()
        }
        Ok(false) => "taken before\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, remedy = error.remedy(), "a webhook could not be remembered; polling fills in");
            (StatusCode::SERVICE_UNAVAILABLE, "not remembered; send it again\n").into_response()
        }
    }
}

fn ignored(reason: &str) -> Response {
    (StatusCode::ACCEPTED, format!("ignored: {reason}\n")).into_response()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get(name)?.to_str().ok()?;
    (!value.is_empty() && value.len() <= LONGEST_ID).then_some(value)
}
