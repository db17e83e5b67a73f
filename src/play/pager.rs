//! A look-alike of the two APIs that wake people: PagerDuty's events and Opsgenie's alerts. What they refuse is refused.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use super::{
    exchange::Exchanges,
    pulse::Pulse,
    server::{Habits, Server, listen},
};
use crate::secret::Secret;

/// An alert, as on-call has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// What it says.
    pub summary: String,
    /// Whether it still calls.
    pub is_open: bool,
    /// How often it was told so.
    pub times: u32,
}

/// A running server. Dropping it stops it.
pub struct PagerLookalike {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    key: Secret,
    pulse: Pulse,
    /// By pager (`pagerduty`, `opsgenie`) and key.
    alerts: Mutex<BTreeMap<(&'static str, String), Called>>,
}

impl Shared {
    fn alerts(&self) -> MutexGuard<'_, BTreeMap<(&'static str, String), Called>> {
        self.alerts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, pager: &'static str, key: &str, summary: &str) {
        let mut alerts = self.alerts();
        let fresh = Called { summary: summary.to_owned(), is_open: true, times: 0 };
        let alert = alerts.entry((pager, key.to_owned())).or_insert(fresh);
        (alert.is_open, alert.times) = (true, alert.times + 1);
        drop(alerts);
        self.pulse.beat();
    }

    fn over(&self, pager: &'static str, key: &str) {
        if let Some(alert) = self.alerts().get_mut(&(pager, key.to_owned())) {
            alert.is_open = false;
        }
        self.pulse.beat();
    }
}

impl PagerLookalike {
    /// Starts it on a free port; `key` opens both APIs, and `pulse` beats with each change.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(key: Secret, pulse: Pulse) -> io::Result<Self> {
        let shared = Arc::new(Shared { key, pulse, alerts: Mutex::default() });
        let routes = Router::new()
            .route("/v2/enqueue", post(enqueue))
            .route("/v2/alerts", post(create))
            .route("/v2/alerts/{alias}/close", post(close))
            .with_state(Arc::clone(&shared));
        let habits = Habits { kept: &["/v2/"], prefix: "" };
        let server = Server::serve(listen(0).await?, routes, Exchanges::default(), habits)?;
        Ok(Self { server, shared })
    }

    /// The base of both APIs.
    pub fn api(&self) -> String {
        self.server.url()
    }

    /// The server, to put faults in or to stop.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// What on-call has of a pager, by key.
    pub fn alerts(&self, pager: &str) -> BTreeMap<String, Called> {
        let alerts = self.shared.alerts();
        let of_it = alerts.iter().filter(|((name, _), _)| *name == pager);
        of_it.map(|((_, key), alert)| (key.clone(), alert.clone())).collect()
    }
}

fn text<'v>(body: &'v Value, pointer: &str) -> &'v str {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

async fn enqueue(State(shared): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    let key = text(&body, "/dedup_key");
    let is_call = text(&body, "/event_action") == "trigger";
    let severity = text(&body, "/payload/severity");
    let known = matches!(severity, "critical" | "error" | "warning" | "info");
    let summary = text(&body, "/payload/summary");
    let wrong = [
        (text(&body, "/routing_key") != shared.key.reveal(), "'routing_key' is invalid"),
        (key.is_empty() || key.len() > 255, "'dedup_key' is missing or too long"),
        (is_call && !known, "'payload.severity' is invalid"),
        (is_call && (summary.is_empty() || summary.chars().count() > 1024), "'payload.summary' is missing or too long"),
        (is_call && text(&body, "/payload/source").is_empty(), "'payload.source' is missing"),
        (!is_call && text(&body, "/event_action") != "resolve", "'event_action' is invalid"),
    ];
    let errors: Vec<&str> = wrong.into_iter().filter(|(wrong, _)| *wrong).map(|(_, words)| words).collect();
    if !errors.is_empty() {
        let says = json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors});
        return (StatusCode::BAD_REQUEST, Json(says)).into_response();
    }
    if is_call {
        shared.call("pagerduty", key, summary)
    } else {
        shared.over("pagerduty", key)
    }
    let says = json!({"status": "success", "message": "Event processed", "dedup_key": key});
    (StatusCode::ACCEPTED, Json(says)).into_response()
}

fn turned_away(shared: &Shared, headers: &HeaderMap) -> Option<Response> {
    let login = headers.get(header::AUTHORIZATION).and_then(|login| login.to_str().ok());
    let expected = format!("GenieKey {}", shared.key.reveal());
    let says = json!({"message": "Could not authenticate", "took": 0.001, "requestId": "1"});
    (login != Some(expected.as_str())).then(|| (StatusCode::UNAUTHORIZED, Json(says)).into_response())
}

fn accepted() -> Response {
    let says = json!({"result": "Request will be processed", "took": 0.001, "requestId": "1"});
    (StatusCode::ACCEPTED, Json(says)).into_response()
}

async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if let Some(refusal) = turned_away(&shared, &headers) {
        return refusal;
    }
    let (alias, message) = (text(&body, "/alias"), text(&body, "/message"));
    if alias.is_empty() || message.is_empty() || message.chars().count() > 130 {
        let says = json!({"message": "Request body is not processable. Please check the errors.", "took": 0.001, "requestId": "1"});
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(says)).into_response();
    }
    shared.call("opsgenie", alias, message);
    accepted()
}

async fn close(State(shared): State<Arc<Shared>>, Path(alias): Path<String>, headers: HeaderMap) -> Response {
    if let Some(refusal) = turned_away(&shared, &headers) {
        return refusal;
    }
    shared.over("opsgenie", &alias);
    accepted()
}
