//! The HTTP edge: bounded bodies, signatures on raw bytes, answers within a second, health.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use crate::{engine::Engine, ledger::ship::Status, secret::Secret, tasks::Tasks};

mod dashboard;
mod discord;
mod github;
mod metrics;
mod notes;
mod refused;
mod registration;
mod skew;
mod slack;

pub use discord::{Desk, DiscordEdge, answer_all};
pub use registration::keep_registered;
pub use slack::{SlackDesk, SlackEdge, answer_socket};

/// The largest body that is read.
const BODY: usize = 1024 * 1024;

struct Edge {
    engine: Engine,
    slack: Option<SlackDesk>,
    discord: Option<discord::Door>,
    /// What signs GitHub's webhooks.
    webhook_secret: Option<Secret>,
    /// How shipping the ledger goes, where it is shipped.
    shipping: Option<Status>,
    tasks: Tasks,
    refusals: refused::Refusals,
}

/// What comes in from outside, by whom.
#[derive(Clone, Default)]
pub struct Edges {
    /// Slack.
    pub slack: Option<SlackEdge>,
    /// Discord.
    pub discord: Option<DiscordEdge>,
    /// What signs GitHub's webhooks.
    pub webhook_secret: Option<Secret>,
    /// How shipping the ledger goes, where it is shipped.
    pub shipping: Option<Status>,
}

/// The routes. Without a platform, or without a secret for GitHub's webhooks, theirs are 404.
pub fn router(engine: Engine, edges: Edges, tasks: Tasks) -> Router {
    let Edges { slack, discord, webhook_secret, shipping } = edges;
    let slack = slack.map(|slack| SlackDesk::new(slack, engine.clone(), tasks.clone()));
    let discord = discord.map(|edge| discord::Door::new(edge, &engine, &tasks));
    let refusals = refused::Refusals::default();
    let edge = Arc::new(Edge { engine, slack, discord, webhook_secret, shipping, tasks, refusals });
    Router::new()
        .route("/slack/commands", post(slack::command))
        .route("/slack/interactions", post(slack::interaction))
        .route("/slack/options", post(slack::interaction))
        .route("/slack/events", post(slack::event))
        .route("/discord/interactions", post(discord::interaction))
        .route("/github/webhooks", post(github::webhook))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::page))
        .route("/", get(dashboard::page))
        .route("/requests/{id}", get(dashboard::request))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(edge)
}

/// Ready when the ledger takes entries and the catalog was loaded.
async fn ready(State(edge): State<Arc<Edge>>) -> Response {
    let trouble = edge.engine.rules_trouble();
    match (edge.engine.rules(), edge.engine.ledger().trouble()) {
        (Some(_), None) => "ready\n".into_response(),
        (None, _) => {
            let why = trouble.unwrap_or_else(|| "the repository was not read yet".to_owned());
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response()
        }
        (Some(_), Some(why)) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response(),
    }
}
