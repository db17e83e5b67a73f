//! The teams of organisations, by their members.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{GithubLookalike, Shared, api::failure};
use crate::play::people;

/// The logins in each team, by `organisation/team`.
#[derive(Default)]
pub(super) struct Teams(Mutex<BTreeMap<String, Vec<&'static str>>>);

/// The routes under `/orgs`.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/orgs/{organisation}/teams/{team}/members", get(members))
}

async fn members(State(shared): State<Arc<Shared>>, Path((organisation, team)): Path<(String, String)>) -> Response {
    let teams = shared.teams.0.lock().unwrap_or_else(PoisonError::into_inner);
    match teams.get(&format!("{organisation}/{team}")) {
        Some(logins) => {
            let member = |login: &&str| json!({"login": login, "id": 1, "type": "User", "site_admin": false});
            Json(logins.iter().map(member).collect::<Vec<Value>>()).into_response()
        }
        None => failure(404, "Not Found", &[]),
    }
}

impl GithubLookalike {
    /// Makes a team of these people, by their keys: `acme/leads`.
    pub fn set_team(&self, name: &str, who: &[&str]) {
        let logins = who.iter().filter_map(|key| people::find(key)).map(|person| person.github).collect();
        self.shared.teams.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), logins);
    }
}
