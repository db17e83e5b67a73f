//! A look-alike of the two APIs that wake people: PagerDuty's events and Opsgenie's alerts. What they refuse is refused.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
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
    /// Who is on call, by schedule: e-mail addresses.
    schedules: Mutex<BTreeMap<String, Vec<String>>>,
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
        let shared = Arc::new(Shared { key, pulse, alerts: Mutex::default(), schedules: Mutex::default() });
        let routes = Router::new()
            .route("/v2/enqueue", post(enqueue))
            .route("/v2/alerts", post(create))
            .route("/v2/alerts/{alias}/close", post(close))
            .route("/oncalls", get(on_calls))
            .route("/v2/schedules/{schedule}/on-calls", get(of_schedule))
            .with_state(Arc::clone(&shared));
        let habits = Habits { kept: &["/v2/", "/oncalls"], prefix: "" };
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

    /// These are on call in a schedule from now on, of both pagers.
    pub fn set_on_call(&self, schedule: &str, emails: &[&str]) {
        let emails = emails.iter().map(|email| (*email).to_owned()).collect();
        self.shared.schedules.lock().unwrap_or_else(PoisonError::into_inner).insert(schedule.to_owned(), emails);
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

/// PagerDuty: `GET /oncalls`, with the users written out where `include[]=users` asks for that.
async fn on_calls(State(shared): State<Arc<Shared>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let login = headers.get(header::AUTHORIZATION).and_then(|login| login.to_str().ok());
    if login != Some(format!("Token token={}", shared.key.reveal()).as_str()) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": {"message": "Unauthorized", "code": 2006}})))
            .into_response();
    }
    let query = query.unwrap_or_default();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let given = |name: &'static str| pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str());
    let number =
        |name: &'static str, usual| given(name).next().and_then(|text| text.parse::<usize>().ok()).unwrap_or(usual);
    let (limit, offset) = (number("limit", 25), number("offset", 0));
    let is_whole = given("include[]").any(|what| what == "users");
    let schedules = shared.schedules.lock().unwrap_or_else(PoisonError::into_inner);
    let all: Vec<Value> = given("schedule_ids[]")
        .flat_map(|schedule| schedules.get(schedule).into_iter().flatten().map(move |email| (schedule, email)))
        .map(|(schedule, email)| {
            let user = if is_whole {
                json!({"id": "PUSER", "type": "user", "summary": email, "name": email, "email": email})
            } else {
                json!({"id": "PUSER", "type": "user_reference", "summary": email})
            };
            json!({
                "escalation_policy": {"id": "PPOLICY", "type": "escalation_policy_reference", "summary": "Shop"},
                "escalation_level": 1, "schedule": {"id": schedule, "type": "schedule_reference", "summary": schedule},
                "user": user, "start": null, "end": null,
            })
        })
        .collect();
    let more = all.len() > offset + limit;
    let page: Vec<Value> = all.into_iter().skip(offset).take(limit).collect();
    Json(json!({"oncalls": page, "limit": limit, "offset": offset, "more": more, "total": null})).into_response()
}

/// Opsgenie: `GET /v2/schedules/{id}/on-calls?flat=true`.
async fn of_schedule(
    State(shared): State<Arc<Shared>>,
    Path(schedule): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if let Some(refusal) = turned_away(&shared, &headers) {
        return refusal;
    }
    let found = shared.schedules.lock().unwrap_or_else(PoisonError::into_inner).get(&schedule).cloned();
    let Some(emails) = found else {
        let says = json!({"message": "No schedule exists with id", "took": 0.001, "requestId": "1"});
        return (StatusCode::NOT_FOUND, Json(says)).into_response();
    };
    let is_flat = query.unwrap_or_default().split('&').any(|part| part == "flat=true");
    let parent = json!({"id": schedule, "name": schedule, "enabled": true});
    let data = if is_flat {
        json!({"_parent": parent, "onCallRecipients": emails})
    } else {
        let of = |email: &String| json!({"id": "u", "name": email, "type": "user"});
        json!({"_parent": parent, "onCallParticipants": emails.iter().map(of).collect::<Vec<_>>()})
    };
    Json(json!({"data": data, "took": 0.001, "requestId": "1"})).into_response()
}
