//! The calls of Discord's API that the bot makes, answered as Discord answers them, errors by code and words.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared, check,
    deliver::content,
    guild::{self, APPLICATION, Access, Author, Channel, GUILD, Message, bot_json, draft, member_json, user_json},
    lock,
};
use crate::play::{json::put, people};

/// The routes, without the version before them.
pub(super) fn routes() -> Router<Arc<Shared>> {
    let of_bot = Router::new()
        .route("/gateway/bot", get(gateway))
        .route("/users/@me", get(async || Json(bot_json())))
        .route("/users/@me/channels", post(direct))
        .route("/applications/@me", get(application))
        .route("/guilds/{guild}/roles", get(roles))
        .route("/guilds/{guild}/members/{user}", get(member))
        .route("/channels/{channel}/messages", post(post_message).get(messages))
        .route("/channels/{channel}/messages/{message}", patch(edit_message))
        .route("/channels/{channel}/messages/{message}/threads", post(branch))
        .route("/applications/{application}/guilds/{guild}/commands", get(commands).put(overwrite))
        .route_layer(middleware::from_fn(of_bot));
    let of_token = Router::new()
        .route("/interactions/{id}/{token}/callback", post(callback))
        .route("/webhooks/{application}/{token}", post(follow_up))
        .route("/webhooks/{application}/{token}/messages/@original", patch(edit_original).delete(delete_original));
    of_bot.merge(of_token)
}

/// An error by its code.
struct Refused(StatusCode, u64, &'static str, Option<Value>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, code, message, errors) = self;
        let mut body = json!({"code": code, "message": message});
        if let Some(errors) = errors {
            put(&mut body, "errors", errors);
        }
        (status, Json(body)).into_response()
    }
}

type Answer = Result<Response, Refused>;

const UNKNOWN_CHANNEL: Refused = Refused(StatusCode::NOT_FOUND, 10003, "Unknown Channel", None);
const UNKNOWN_MESSAGE: Refused = Refused(StatusCode::NOT_FOUND, 10008, "Unknown Message", None);
const UNKNOWN_WEBHOOK: Refused = Refused(StatusCode::NOT_FOUND, 10015, "Unknown Webhook", None);

/// Whoever speaks as the bot shows its token; the handlers look whether it is the right one.
async fn of_bot(headers: HeaderMap, request: Request, next: Next) -> Response {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match header {
        Some(header) if header.starts_with("Bot ") && agent.starts_with("DiscordBot (") => next.run(request).await,
        Some(_) | None => Refused(StatusCode::UNAUTHORIZED, 0, "401: Unauthorized", None).into_response(),
    }
}

impl Shared {
    /// The channel, where the token is the bot's and the bot sees it.
    fn seen(&self, headers: &HeaderMap, id: &str) -> Result<&'static Channel, Refused> {
        self.is_bot(headers)?;
        let channel =
            guild::CHANNELS.iter().chain(guild::DIRECT).find(|channel| channel.id == id).ok_or(UNKNOWN_CHANNEL)?;
        match channel.bot {
            Access::Granted => Ok(channel),
            Access::Missing => Err(Refused(StatusCode::FORBIDDEN, 50001, "Missing Access", None)),
        }
    }

    fn is_bot(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let wanted = format!("Bot {}", self.token.reveal());
        let fits = headers.get(header::AUTHORIZATION).is_some_and(|value| value == wanted.as_str());
        if fits { Ok(()) } else { Err(Refused(StatusCode::UNAUTHORIZED, 0, "401: Unauthorized", None)) }
    }
}

/// Complains as Discord does about a form.
fn checked(message: &Value) -> Result<guild::Content, Refused> {
    let invalid = |errors| Refused(StatusCode::BAD_REQUEST, 50035, "Invalid Form Body", Some(errors));
    if let Some(errors) = check::message(message).into_json() {
        return Err(invalid(errors));
    }
    content(message).ok_or(Refused(StatusCode::BAD_REQUEST, 50006, "Cannot send an empty message", None))
}

async fn post_message(
    State(shared): State<Arc<Shared>>,
    Path(channel): Path<String>,
    headers: HeaderMap,
    Json(message): Json<Value>,
) -> Answer {
    let under = shared.guild.under(&channel);
    let channel = shared.seen(&headers, under.as_ref().map_or(channel.as_str(), |under| under.channel))?;
    let content = checked(&message)?;
    let thread = under.map(|under| under.id);
    let (message, nonce) = (&message, message.get("nonce").and_then(Value::as_str).map(str::to_owned));
    let twin = nonce.as_deref().and_then(|nonce| shared.guild.by_nonce(channel.id, nonce));
    let posted = match twin.filter(|_| message["enforce_nonce"] == true) {
        Some(twin) => twin,
        None => shared.guild.add(Message { nonce, thread, ..draft(channel, Author::Bot, content) }),
    };
    Ok(Json(posted.json()).into_response())
}

/// A thread under a message, which has the message's id.
async fn branch(
    State(shared): State<Arc<Shared>>,
    Path((channel, id)): Path<(String, String)>,
    headers: HeaderMap,
    Json(wanted): Json<Value>,
) -> Answer {
    let channel = shared.seen(&headers, &channel)?;
    shared.guild.find(channel.id, &id).ok_or(UNKNOWN_MESSAGE)?;
    let wanted = &wanted;
    let name = wanted["name"].as_str().map_or(0, |name| name.chars().count());
    let ways = [60, 1440, 4320, 10_080];
    if !(1..=100).contains(&name) || !ways.iter().any(|minutes| wanted["auto_archive_duration"] == *minutes) {
        return Err(Refused(StatusCode::BAD_REQUEST, 50035, "Invalid Form Body", None));
    }
    if !shared.guild.branch(&id) {
        let words = "A thread has already been created for this message";
        return Err(Refused(StatusCode::BAD_REQUEST, 160_004, words, None));
    }
    let begun = crate::clock::now().to_string();
    let told = json!({"id": id, "type": 11, "guild_id": GUILD, "parent_id": channel.id, "name": wanted["name"],
        "owner_id": APPLICATION, "flags": 0, "message_count": 0, "member_count": 1, "total_message_sent": 0,
        "thread_metadata": {"archived": false, "auto_archive_duration": wanted["auto_archive_duration"],
            "archive_timestamp": begun, "locked": false}});
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

async fn edit_message(
    State(shared): State<Arc<Shared>>,
    Path((channel, id)): Path<(String, String)>,
    headers: HeaderMap,
    Json(message): Json<Value>,
) -> Answer {
    let channel = shared.seen(&headers, &channel)?;
    let old = shared.guild.find(channel.id, &id).filter(|old| old.only.is_none()).ok_or(UNKNOWN_MESSAGE)?;
    if old.author != Author::Bot {
        let words = "Cannot edit a message authored by another user";
        return Err(Refused(StatusCode::FORBIDDEN, 50005, words, None));
    }
    let edited = shared.guild.edit(&id, merged(&old, &message)?).ok_or(UNKNOWN_MESSAGE)?;
    Ok(Json(edited.json()).into_response())
}

/// Members that are left out keep what they were.
fn merged(old: &Message, message: &Value) -> Result<guild::Content, Refused> {
    let mut whole = message.clone();
    for (name, value) in [
        ("content", json!(old.content.content)),
        ("embeds", json!(old.content.embeds)),
        ("components", json!(old.content.components)),
    ] {
        if message.get(name).is_none() {
            put(&mut whole, name, value);
        }
    }
    checked(&whole)
}

/// What is between one person and the bot.
async fn direct(State(shared): State<Arc<Shared>>, headers: HeaderMap, Json(wanted): Json<Value>) -> Answer {
    shared.is_bot(&headers)?;
    let invalid = || Refused(StatusCode::BAD_REQUEST, 50033, "Invalid Recipient(s)", None);
    let recipient = wanted.get("recipient_id").and_then(Value::as_str).unwrap_or_default();
    let person = people::PEOPLE.iter().find(|person| person.discord == recipient).ok_or_else(invalid)?;
    let channel = guild::direct_to(person).ok_or_else(invalid)?;
    let told = json!({"id": channel.id, "type": 1, "last_message_id": null, "flags": 0,
        "recipients": [user_json(person)]});
    Ok(Json(told).into_response())
}

async fn gateway(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Answer {
    shared.is_bot(&headers)?;
    let limit = json!({"total": 1000, "remaining": 999, "reset_after": 86_400_000, "max_concurrency": 1});
    Ok(Json(json!({"url": shared.gateway.url(), "shards": 1, "session_start_limit": limit})).into_response())
}

#[derive(Deserialize)]
struct Page {
    after: Option<u64>,
    limit: Option<usize>,
}

/// Newest first; with `after` the oldest of those that came later.
async fn messages(
    State(shared): State<Arc<Shared>>,
    Path(channel): Path<String>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Answer {
    let under = shared.guild.under(&channel);
    let channel = shared.seen(&headers, under.as_ref().map_or(channel.as_str(), |under| under.channel))?;
    let thread = under.map(|under| under.id);
    let after = page.after.unwrap_or(0);
    let later = |message: &Message| message.id.parse::<u64>().is_ok_and(|id| id > after);
    let all = shared.guild.all().into_iter();
    let found = all.filter(|message| {
        message.channel == channel.id && message.only.is_none() && message.thread == thread && later(message)
    });
    let mut found: Vec<Value> =
        found.take(page.limit.unwrap_or(50).clamp(1, 100)).map(|message| message.json()).collect();
    found.reverse();
    Ok(Json(found).into_response())
}

/// The application as its own bot sees it.
async fn application(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Answer {
    shared.is_bot(&headers)?;
    let endpoint = match lock(&shared.bot).as_ref() {
        Some(super::Bot::Listens(url)) => Some(format!("{url}/discord/interactions")),
        Some(super::Bot::Connects) | None => None,
    };
    let key = crate::core::names::hex(ring::signature::KeyPair::public_key(&shared.key).as_ref());
    let told = json!({"id": APPLICATION, "name": "leverframe", "bot_public": false, "verify_key": key,
        "interactions_endpoint_url": endpoint});
    Ok(Json(told).into_response())
}

/// The roles of the server: everybody's, and the bot's with the permissions that it needs.
async fn roles(State(shared): State<Arc<Shared>>, Path(guild): Path<String>, headers: HeaderMap) -> Answer {
    shared.is_bot(&headers)?;
    if guild != GUILD {
        return Err(Refused(StatusCode::NOT_FOUND, 10004, "Unknown Guild", None));
    }
    let role = |id: &str, name: &str, permissions: u64| json!({"id": id, "name": name, "permissions": permissions.to_string()});
    let ours = 1 << 11 | 1 << 14 | 1 << 16;
    Ok(Json(json!([role(GUILD, "@everyone", 1 << 10), role("920000000000000001", "levers", ours)])).into_response())
}

async fn member(
    State(shared): State<Arc<Shared>>,
    Path((guild, user)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    shared.is_bot(&headers)?;
    if guild != GUILD {
        return Err(Refused(StatusCode::NOT_FOUND, 10004, "Unknown Guild", None));
    }
    if user == APPLICATION {
        return Ok(Json(member_json(&bot_json())).into_response());
    }
    let person = people::PEOPLE.iter().find(|person| person.discord == user);
    let person = person.filter(|person| !lock(&shared.left).contains(person.discord));
    let person = person.ok_or(Refused(StatusCode::NOT_FOUND, 10007, "Unknown Member", None))?;
    let mut member = member_json(&user_json(person));
    if let Some(roles) = lock(&shared.roles).get(person.discord) {
        put(&mut member, "roles", json!(roles));
    }
    Ok(Json(member).into_response())
}

async fn commands(
    State(shared): State<Arc<Shared>>,
    Path((_, guild)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    shared.is_bot(&headers)?;
    if guild != GUILD {
        return Err(Refused(StatusCode::FORBIDDEN, 50001, "Missing Access", None));
    }
    Ok(Json(lock(&shared.commands).clone()).into_response())
}

async fn overwrite(
    State(shared): State<Arc<Shared>>,
    Path((application, guild)): Path<(String, String)>,
    headers: HeaderMap,
    Json(mut told): Json<Vec<Value>>,
) -> Answer {
    shared.is_bot(&headers)?;
    if guild != GUILD || application != APPLICATION {
        return Err(Refused(StatusCode::FORBIDDEN, 50001, "Missing Access", None));
    }
    if let Some(errors) = check::commands(&told).into_json() {
        return Err(Refused(StatusCode::BAD_REQUEST, 50035, "Invalid Form Body", Some(errors)));
    }
    for command in &mut told {
        for (name, value) in [
            ("id", json!(shared.guild.fresh())),
            ("application_id", json!(APPLICATION)),
            ("guild_id", json!(GUILD)),
            ("version", json!(shared.guild.fresh())),
            ("default_member_permissions", Value::Null),
            ("nsfw", json!(false)),
        ] {
            put(command, name, value);
        }
        for (name, value) in [("type", json!(1)), ("description", json!(""))] {
            if command.get(name).is_none() {
                put(command, name, value);
            }
        }
    }
    lock(&shared.commands).clone_from(&told);
    shared.guild.pulse().beat();
    Ok(Json(told).into_response())
}

/// The first answer to an interaction that came over the open connection.
async fn callback(
    State(shared): State<Arc<Shared>>,
    Path((id, token)): Path<(String, String)>,
    Json(answer): Json<Value>,
) -> Answer {
    let mut tokens = lock(&shared.tokens);
    let unknown = Refused(StatusCode::NOT_FOUND, 10062, "Unknown interaction", None);
    let told = tokens.get_mut(&token).filter(|told| told.id == id).ok_or(unknown)?;
    let waiting = told.waiting.take().filter(|_| !told.is_answered);
    let words = "Interaction has already been acknowledged.";
    let waiting = waiting.ok_or(Refused(StatusCode::BAD_REQUEST, 40060, words, None))?;
    told.is_answered = true;
    // Who waited may be gone; then it is too late.
    let sent = waiting.send(answer);
    sent.map_err(|_| Refused(StatusCode::NOT_FOUND, 10062, "Unknown interaction", None))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn follow_up(
    State(shared): State<Arc<Shared>>,
    Path((application, token)): Path<(String, String)>,
    Json(message): Json<Value>,
) -> Answer {
    let origin = {
        let tokens = lock(&shared.tokens);
        let told = tokens.get(&token).filter(|told| told.is_answered && application == APPLICATION);
        told.ok_or(UNKNOWN_WEBHOOK)?.origin
    };
    let content = checked(&message)?;
    let flags = message.get("flags").and_then(Value::as_u64).unwrap_or(0);
    let only = (flags & 64 != 0).then_some(origin.person);
    let posted = shared.guild.add(Message { only, ..draft(origin.channel, Author::Bot, content) });
    Ok(Json(posted.json()).into_response())
}

fn original(shared: &Shared, application: &str, token: &str) -> Result<String, Refused> {
    let tokens = lock(&shared.tokens);
    let told = tokens.get(token).filter(|told| told.is_answered && application == APPLICATION);
    told.ok_or(UNKNOWN_WEBHOOK)?.original.clone().ok_or(UNKNOWN_MESSAGE)
}

async fn edit_original(
    State(shared): State<Arc<Shared>>,
    Path((application, token)): Path<(String, String)>,
    Json(message): Json<Value>,
) -> Answer {
    let id = original(&shared, &application, &token)?;
    let edited = shared.guild.edit(&id, checked(&message)?).ok_or(UNKNOWN_MESSAGE)?;
    Ok(Json(edited.json()).into_response())
}

async fn delete_original(
    State(shared): State<Arc<Shared>>,
    Path((application, token)): Path<(String, String)>,
) -> Answer {
    let id = original(&shared, &application, &token)?;
    if shared.guild.delete(&id) { Ok(StatusCode::NO_CONTENT.into_response()) } else { Err(UNKNOWN_MESSAGE) }
}
