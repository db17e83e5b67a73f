//! The browser page with Slack's look: its state as JSON (waiting for changes), and what people do on it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared, Which, forms,
    workspace::{self, Author, BOT_NAME, CHANNELS, Channel, Content, DIRECT, DOMAIN, Message, draft, somebody},
};
use crate::play::{
    error::PlayError,
    page::{TRY, files, own_pages_only},
    people::{PEOPLE, Person},
};

/// How long a page waits for news before it asks again.
const WAIT: Duration = Duration::from_secs(20);

/// A command as the composer suggests it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandHint {
    /// `/deploy`.
    pub command: String,
    /// `SERVICE ENVIRONMENT VERSION`.
    pub usage: String,
    /// What it does, in a few words.
    pub summary: String,
}

impl CommandHint {
    /// A hint.
    pub fn new(command: &str, usage: &str, summary: &str) -> Self {
        Self { command: command.to_owned(), usage: usage.to_owned(), summary: summary.to_owned() }
    }
}

/// What the composer suggests and the welcome offers until somebody says otherwise.
pub(super) fn default_commands() -> Vec<CommandHint> {
    [
        ("/deploy", "service environment version [replicas=]", "Run a version of a service"),
        ("/rollback", "service environment [version]", "Go back to an earlier version"),
        ("/scale", "service environment replicas", "Run more or fewer replicas"),
        ("/status", "[service] [environment]", "What runs where, and who changed it last"),
        ("/help", "", "What you can type"),
        ("/lf", "command ...", "Every command under one name"),
    ]
    .map(|(command, usage, summary)| CommandHint::new(command, usage, summary))
    .to_vec()
}

/// The routes of the page.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .merge(files())
        .route("/page/state", get(state))
        .route("/page/say", post(say))
        .route("/page/press", post(press))
        .route("/page/submit", post(submit))
        .route("/page/search", post(search))
        .route("/page/close", post(close))
        .route("/page/pick", post(pick))
        .route("/page/home", post(home))
        .layer(middleware::from_fn(own_pages_only))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "as")]
    who: String,
    #[serde(default)]
    after: u64,
}

/// The state as one person sees it, once it is newer than what the page has.
async fn state(State(shared): State<Arc<Shared>>, Query(asked): Query<Asked>) -> Response {
    let Ok(person) = somebody(&asked.who) else { return refused(&PlayError::UnknownPerson(asked.who)) };
    let mut revision = shared.workspace.pulse().changed();
    // Waiting ends with news or without; both are answered with the state as it is.
    let _ = tokio::time::timeout(WAIT, revision.wait_for(|now| *now > asked.after)).await;
    let revision = *revision.borrow();
    let task = Arc::clone(&shared);
    match tokio::task::spawn_blocking(move || seen(&task, person, revision)).await {
        Ok(json) => Json(json).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn seen(shared: &Shared, person: &'static Person, revision: u64) -> Value {
    let panel = shared.panel().map(|panel| panel.json());
    let panel = match panel {
        Some(Ok(panel)) => panel,
        Some(Err(error)) => json!({"problem": error.to_string()}),
        None => Value::Null,
    };
    let all = shared.workspace.all();
    let own = workspace::direct_to(person).filter(|own| all.iter().any(|message| message.channel == own.id));
    let elsewhere = |message: &Message| DIRECT.iter().any(|direct| direct.id == message.channel && own != Some(direct));
    let seen = all.iter().filter(|message| message.only.is_none_or(|only| only == person) && !elsewhere(message));
    let messages: Vec<Value> = seen.map(message).collect();
    let hint = |hint: &CommandHint| json!({"command": hint.command, "usage": hint.usage, "summary": hint.summary});
    let other = super::lock(&shared.other).clone().map(|url| json!({"name": "Discord", "url": url}));
    json!({"look": "slack", "other": other, "revision": revision, "workspace": "Acme", "domain": DOMAIN, "me": person.key, "bot": BOT_NAME,
        "people": PEOPLE.iter().map(profile).collect::<Vec<_>>(),
        "channels": CHANNELS.iter().chain(own).map(channel).collect::<Vec<_>>(), "messages": messages,
        "commands": shared.commands().iter().map(hint).collect::<Vec<_>>(), "try": TRY, "panel": panel,
        "form": forms::shown(shared, person), "shortcuts": [forms::SHORTCUT],
        "home": forms::home(shared, person)})
}

fn profile(person: &Person) -> Value {
    json!({"key": person.key, "id": person.slack, "name": person.name, "role": person.role})
}

fn channel(channel: &Channel) -> Value {
    json!({"id": channel.id, "name": channel.name, "topic": channel.topic})
}

fn message(message: &Message) -> Value {
    let author = match message.author {
        Author::Person(person) => json!({"kind": "person", "key": person.key, "name": person.name}),
        Author::Bot => json!({"kind": "app", "name": BOT_NAME}),
        Author::Slack => json!({"kind": "slack", "name": "Slackbot"}),
    };
    json!({"channel": message.channel, "ts": message.ts, "author": author, "private": message.only.is_some(),
        "text": message.content.text, "blocks": message.content.blocks, "thread": message.thread,
        "edited": message.edited.is_some(), "edits": message.earlier.len() + message.unfurls.len(),
        "unfurls": message.unfurls})
}

#[derive(Deserialize)]
struct Say {
    #[serde(rename = "as")]
    who: String,
    channel: String,
    text: String,
}

async fn say(State(shared): State<Arc<Shared>>, Json(said): Json<Say>) -> Response {
    let answer = match not_a_command(&shared, &said) {
        Some(words) => shared.whisper(&said, words),
        None => shared.says(&said.who, &said.channel, &said.text).await.map(drop),
    };
    answer.map_or_else(|error| refused(&error), |()| Json(json!({"ok": true})).into_response())
}

/// What Slack itself says to a command that no app has registered.
fn not_a_command(shared: &Shared, said: &Say) -> Option<String> {
    let command = said.text.split_whitespace().next().filter(|word| word.starts_with('/'))?;
    let known = shared.commands().iter().any(|hint| hint.command == command);
    (!known).then(|| {
        format!(
            "`{command}` is not a valid command. In Slack, all messages that start with the \"/\" character are \
             interpreted as commands. If you are trying to send a message, add a space in front of it."
        )
    })
}

impl Shared {
    /// Slack itself tells somebody something.
    fn whisper(&self, said: &Say, words: String) -> Result<(), PlayError> {
        let (person, channel) = (somebody(&said.who)?, workspace::channel(&said.channel)?);
        let message = draft(channel, Author::Slack, Content::text(words));
        self.workspace.add(Message { only: Some(person), ..message });
        Ok(())
    }
}

#[derive(Deserialize)]
struct Press {
    #[serde(rename = "as")]
    who: String,
    channel: String,
    ts: String,
    action: String,
}

async fn press(State(shared): State<Arc<Shared>>, Json(pressed): Json<Press>) -> Response {
    match shared.presses(&pressed.who, Which::At(&pressed.channel, &pressed.ts), &pressed.action).await {
        Ok(answered) => Json(json!({"ok": true, "shown": answered.shown})).into_response(),
        Err(error) => refused(&error),
    }
}

#[derive(Deserialize)]
struct Submit {
    #[serde(rename = "as")]
    who: String,
    values: BTreeMap<String, String>,
}

async fn submit(State(shared): State<Arc<Shared>>, Json(sent): Json<Submit>) -> Response {
    let filled: Vec<(&str, &str)> = sent.values.iter().map(|(field, value)| (field.as_str(), value.as_str())).collect();
    match shared.submits(&sent.who, &filled).await {
        Ok(answered) => Json(json!({"ok": true, "shown": answered.shown})).into_response(),
        Err(error) => refused(&error),
    }
}

#[derive(Deserialize)]
struct Search {
    #[serde(rename = "as")]
    who: String,
    field: String,
    text: String,
}

async fn search(State(shared): State<Arc<Shared>>, Json(asked): Json<Search>) -> Response {
    match shared.searches(&asked.who, (&asked.field, &asked.text), &[]).await {
        Ok(found) => Json(json!({"ok": true, "found": found})).into_response(),
        Err(error) => refused(&error),
    }
}

#[derive(Deserialize)]
struct Close {
    #[serde(rename = "as")]
    who: String,
}

async fn close(State(shared): State<Arc<Shared>>, Json(asked): Json<Close>) -> Response {
    match somebody(&asked.who) {
        Ok(person) => {
            forms::close(&shared, person);
            Json(json!({"ok": true})).into_response()
        }
        Err(error) => refused(&error),
    }
}

async fn home(State(shared): State<Arc<Shared>>, Json(asked): Json<Close>) -> Response {
    match shared.opens_home(&asked.who).await {
        Ok(_) => Json(json!({"ok": true})).into_response(),
        Err(error) => refused(&error),
    }
}

#[derive(Deserialize)]
struct Pick {
    #[serde(rename = "as")]
    who: String,
    channel: String,
    ts: String,
}

async fn pick(State(shared): State<Arc<Shared>>, Json(picked): Json<Pick>) -> Response {
    match shared.picks(&picked.who, Which::At(&picked.channel, &picked.ts)).await {
        Ok(answered) => Json(json!({"ok": true, "shown": answered.shown})).into_response(),
        Err(error) => refused(&error),
    }
}

fn refused(error: &PlayError) -> Response {
    let words = format!("{error}. {}", error.remedy());
    (StatusCode::BAD_REQUEST, Json(json!({"ok": false, "error": words}))).into_response()
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
