//! The browser page with Discord's look: the same files as Slack's, its own state, and what people do on it.

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
    guild::{self, Author, BOT_NAME, CHANNELS, Channel, Content, DIRECT, Message, draft, somebody},
    lock,
};
use crate::play::{
    error::PlayError,
    page::{TRY, files, own_pages_only},
    people::{PEOPLE, Person},
};

/// How long a page waits for news before it asks again.
const WAIT: Duration = Duration::from_secs(20);

/// The routes of the page.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .merge(files())
        .route("/page/state", get(state))
        .route("/page/say", post(say))
        .route("/page/press", post(press))
        .route("/page/submit", post(submit))
        .route("/page/close", post(close))
        .route("/page/pick", post(pick))
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
    let mut revision = shared.guild.pulse().changed();
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
    let panel = lock(&shared.panel).clone().map(|panel| panel.json());
    let panel = match panel {
        Some(Ok(panel)) => panel,
        Some(Err(error)) => json!({"problem": error.to_string()}),
        None => Value::Null,
    };
    let all = shared.guild.all();
    let own = guild::direct_to(person).filter(|own| all.iter().any(|message| message.channel == own.id));
    let elsewhere = |message: &Message| DIRECT.iter().any(|direct| direct.id == message.channel && own != Some(direct));
    let seen = all.iter().filter(|message| message.only.is_none_or(|only| only == person) && !elsewhere(message));
    let messages: Vec<Value> = seen.map(|one| message(one, &all)).collect();
    let other = lock(&shared.other).clone().map(|url| json!({"name": "Slack", "url": url}));
    json!({"look": "discord", "revision": revision, "workspace": "Acme", "domain": "acme", "me": person.key,
        "bot": BOT_NAME, "other": other, "people": PEOPLE.iter().map(profile).collect::<Vec<_>>(),
        "channels": CHANNELS.iter().chain(own).map(channel).collect::<Vec<_>>(), "messages": messages,
        "commands": hints(&lock(&shared.commands)), "try": TRY, "panel": panel, "form": forms::shown(shared, person),
        "shortcuts": shortcuts(&lock(&shared.commands))})
}

fn profile(person: &Person) -> Value {
    json!({"key": person.key, "id": person.discord, "name": person.name, "role": person.role})
}

fn channel(channel: &Channel) -> Value {
    json!({"id": channel.id, "name": channel.name, "topic": channel.topic})
}

fn message(message: &Message, all: &[Message]) -> Value {
    let author = match message.author {
        Author::Person(person) => json!({"kind": "person", "key": person.key, "name": person.name}),
        Author::Bot => json!({"kind": "app", "name": BOT_NAME}),
        Author::Discord => json!({"kind": "app", "name": "Discord"}),
    };
    let ts = |message: &Message| format!("{}.{:06}", message.at.as_second(), message.at.subsec_microsecond());
    let thread = message.thread.as_ref().and_then(|id| all.iter().find(|one| one.id == *id)).map(ts);
    let ts = ts(message);
    json!({"channel": message.channel, "id": message.id, "ts": ts, "author": author,
        "private": message.only.is_some(), "text": message.content.content, "blocks": [],
        "embeds": message.content.embeds, "components": message.content.components, "thread": thread,
        "edited": !message.earlier.is_empty() && message.author != Author::Bot, "edits": message.earlier.len()})
}

/// What the composer suggests: the commands that the bot registered.
fn hints(commands: &[Value]) -> Vec<Value> {
    let hint = |command: &Value| {
        let options = command["options"].as_array().into_iter().flatten();
        let usage: Vec<String> = options
            .map(|option| {
                let name = option["name"].as_str().unwrap_or_default();
                if option["required"] == true { name.to_owned() } else { format!("[{name}]") }
            })
            .collect();
        let name = format!("/{}", command["name"].as_str().unwrap_or_default());
        json!({"command": name, "usage": usage.join(" "), "summary": command["description"]})
    };
    commands.iter().filter(|command| command["type"] != 3).map(hint).collect()
}

/// What stands in the menu of every message.
fn shortcuts(commands: &[Value]) -> Vec<Value> {
    commands.iter().filter(|command| command["type"] == 3).map(|command| command["name"].clone()).collect()
}

#[derive(Deserialize)]
struct Say {
    #[serde(rename = "as")]
    who: String,
    channel: String,
    text: String,
}

async fn say(State(shared): State<Arc<Shared>>, Json(said): Json<Say>) -> Response {
    let answer = match shared.says(&said.who, &said.channel, &said.text).await {
        Err(error @ PlayError::NoSuchCommand(_)) => shared.whisper(&said, &error),
        answer => answer.map(drop),
    };
    answer.map_or_else(|error| refused(&error), |()| Json(json!({"ok": true})).into_response())
}

impl Shared {
    /// Discord itself tells somebody something.
    fn whisper(&self, said: &Say, error: &PlayError) -> Result<(), PlayError> {
        let (person, channel) = (somebody(&said.who)?, super::channel(&said.channel)?);
        let message = draft(channel, Author::Discord, Content::text(format!("{error}. {}", error.remedy())));
        self.guild.add(Message { only: Some(person), ..message });
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

#[derive(Deserialize)]
struct Pick {
    #[serde(rename = "as")]
    who: String,
    channel: String,
    ts: String,
    shortcut: String,
}

async fn pick(State(shared): State<Arc<Shared>>, Json(picked): Json<Pick>) -> Response {
    match shared.picks(&picked.who, Which::At(&picked.channel, &picked.ts), &picked.shortcut).await {
        Ok(answered) => Json(json!({"ok": true, "shown": answered.shown})).into_response(),
        Err(error) => refused(&error),
    }
}

fn refused(error: &PlayError) -> Response {
    let words = format!("{error}. {}", error.remedy());
    (StatusCode::BAD_REQUEST, Json(json!({"ok": false, "error": words}))).into_response()
}
