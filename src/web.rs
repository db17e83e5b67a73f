//! The HTTP edge: bounded bodies, signatures on raw bytes, answers within a second, health.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::{
    chat::slack::{
        client::SlackClient,
        incoming::{self, Interaction, Place, SlashCommand},
        render,
        verify::{Verified, verify},
    },
    clock,
    core::{
        decide::{Asker, Click, Incoming, Press, Reply, Words},
        names::RequestId,
    },
    engine::{Engine, Said, Typed},
    ledger::ship::Status,
    secret::Secret,
    tasks::Tasks,
};

mod dashboard;
mod discord;
mod github;
mod metrics;
mod refused;
mod registration;

pub use discord::{Desk, DiscordEdge, answer_all};
pub use registration::keep_registered;

/// How long looking up a voter may take, so that the click is answered in time.
const LOOK_UP: Duration = Duration::from_millis(800);
/// The largest body that is read.
const BODY: usize = 1024 * 1024;

/// What the edge needs of Slack.
#[derive(Clone)]
pub struct SlackEdge {
    /// The secret that signs what Slack sends.
    pub signing_secret: Secret,
    /// The workspace; others are refused.
    pub team: String,
    /// For private answers to clicks.
    pub client: SlackClient,
}

struct Edge {
    engine: Engine,
    slack: Option<SlackEdge>,
    discord: Option<DiscordEdge>,
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
    let refusals = refused::Refusals::default();
    let edge = Arc::new(Edge { engine, slack, discord, webhook_secret, shipping, tasks, refusals });
    Router::new()
        .route("/slack/commands", post(slack_command))
        .route("/slack/interactions", post(slack_interaction))
        .route("/discord/interactions", post(discord::interaction))
        .route("/github/webhooks", post(github::webhook))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::page))
        .route("/", get(dashboard::page))
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

/// Verifies a body as Slack's, or answers 401.
async fn of_slack<'e>(
    edge: &'e Edge,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<(&'e SlackEdge, Verified<Bytes>), Response> {
    let Some(slack) = &edge.slack else { return Err(StatusCode::NOT_FOUND.into_response()) };
    match verify(&slack.signing_secret, headers, body, clock::now()) {
        Ok(verified) => Ok((slack, verified)),
        Err(error) => {
            edge.refusals.note(&edge.engine, error.into()).await;
            Err((StatusCode::UNAUTHORIZED, "not signed by Slack\n").into_response())
        }
    }
}

async fn slack_command(State(edge): State<Arc<Edge>>, headers: HeaderMap, body: Bytes) -> Response {
    let (slack, verified) = match of_slack(&edge, &headers, body).await {
        Ok(verified) => verified,
        Err(response) => return response,
    };
    let command = match incoming::command(&verified) {
        Ok(command) => command,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let event = format!("slack:command:{}", command.trigger);
    if slack.team != command.team {
        return answered(stranger(&edge, &command.user, command.team, event).await);
    }
    answered(edge.engine.typed(typed(command), Some(event)).await)
}

fn typed(command: SlashCommand) -> Typed {
    Typed {
        account: format!("slack:{}", command.user),
        via: "slack".to_owned(),
        channel: format!("slack:{}", command.channel),
        invoked: command.command.trim_start_matches('/').to_owned(),
        said: Said::Text(command.text),
    }
}

/// Somebody from another workspace is told so, privately, and it is recorded.
async fn stranger(edge: &Edge, user: &str, team: String, event: String) -> Reply {
    let asker = Asker { account: format!("slack:{user}"), via: "slack".to_owned(), person: None };
    edge.engine.take(Incoming::Stranger { asker, team }, Some(event)).await
}

fn ephemeral(words: &Words) -> Json<Value> {
    Json(json!({ "response_type": "ephemeral", "text": render::words(words) }))
}

/// 200 with nothing when it was taken (the card follows), or with words for whoever asked.
fn answered(reply: Reply) -> Response {
    match reply {
        Reply::Taken | Reply::Go | Reply::Stop => StatusCode::OK.into_response(),
        Reply::Private(words) => ephemeral(&words).into_response(),
    }
}

async fn slack_interaction(State(edge): State<Arc<Edge>>, headers: HeaderMap, body: Bytes) -> Response {
    let (slack, verified) = match of_slack(&edge, &headers, body).await {
        Ok(verified) => verified,
        Err(response) => return response,
    };
    let press = match incoming::interaction(&verified) {
        Ok(Interaction::Click(press)) => press,
        Ok(Interaction::Other { .. }) => return StatusCode::OK.into_response(),
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let event = format!("slack:click:{}", press.trigger);
    // What was answered already is not whispered again.
    if edge.engine.knows(&event).await {
        return StatusCode::OK.into_response();
    }
    // In a channel shared with another workspace both are named, and both must be ours.
    let foreign = [Some(&press.team), press.user_team.as_ref()].into_iter().flatten().find(|team| **team != slack.team);
    let reply = match foreign {
        None => pressed(&edge, slack, &press, event).await,
        Some(team) => stranger(&edge, &press.user, team.clone(), event).await,
    };
    if let Reply::Private(words) = reply {
        whisper(&edge, slack, &press, words);
    }
    StatusCode::OK.into_response()
}

/// What a button asks for; those that are only links ask for nothing.
async fn pressed(edge: &Edge, slack: &SlackEdge, press: &incoming::Click, event: String) -> Reply {
    let event = Some(event);
    let (Some((request, digest)), Place::Message(place)) = (press.value.split_once(':'), &press.place) else {
        return Reply::Taken;
    };
    let Ok(request) = RequestId::parse(request) else { return Reply::Taken };
    let (account, channel) = (format!("slack:{}", press.user), format!("slack:{}", place.channel));
    if press.action == "rollback" {
        let (via, invoked, said) = ("slack".to_owned(), String::new(), Said::Text(String::new()));
        return edge.engine.roll_back(&request, Typed { account, via, channel, invoked, said }, event).await;
    }
    let Some(button) = Press::parse(&press.action) else { return Reply::Taken };
    let click = Click {
        asker: edge.engine.asker(&account, "slack"),
        request,
        press: button,
        digest: digest.to_owned(),
        channel,
        message: place.ts.clone(),
        barred: match button {
            Press::Approve | Press::Reject => barred(slack, &press.user).await,
            Press::Cancel => None,
        },
    };
    edge.engine.take(Incoming::Clicked(click), event).await
}

/// What Slack itself says of whoever votes, asked at the vote. Who cannot be looked up cannot vote.
async fn barred(slack: &SlackEdge, user: &str) -> Option<Words> {
    let unknown = |why: String| {
        let remedy = "Press again in a moment; if it stays, somebody who runs Leverframe should look at its log.";
        Some(Words::new(format!("Slack could not say who you are ({why}), so this was not counted."), remedy))
    };
    match tokio::time::timeout(LOOK_UP, slack.client.user(user)).await {
        Ok(Ok(account)) => account.barred(&slack.team),
        Ok(Err(error)) => {
            tracing::warn!(%error, remedy = error.remedy(), "a voter could not be looked up");
            unknown(error.to_string())
        }
        Err(_) => unknown("it did not answer in time".to_owned()),
    }
}

/// A refused click is answered where it was made, for the presser's eyes only, after the acknowledgement.
fn whisper(edge: &Edge, slack: &SlackEdge, press: &incoming::Click, words: Words) {
    let (Place::Message(place) | Place::Whisper(place)) = &press.place else { return };
    let (client, channel, user) = (slack.client.clone(), place.channel.clone(), press.user.clone());
    let busy = edge.engine.busy();
    edge.tasks.start(async move {
        let text = render::words(&words);
        let told = tokio::time::timeout(Duration::from_secs(10), client.whisper(&channel, &user, text)).await;
        if let Ok(Err(error)) = told {
            tracing::warn!(%error, "a private answer could not be delivered");
        }
        drop(busy);
    });
}
