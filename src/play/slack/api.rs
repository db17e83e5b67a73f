//! The Web API methods that the bot calls, answered as Slack answers them: HTTP 200 with `ok` and, where it is
//! false, Slack's own error word. Arguments come as JSON, as a form, or in the query.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, OriginalUri, Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Map, Value, json};

use super::{
    Shared, forms, limits, lock,
    workspace::{self, Author, BOT, BOT_USER, Channel, Content, DOMAIN, Membership, Message, Metadata, TEAM, draft},
};
use crate::play::{
    json::put,
    people::{self, Person},
};

/// The routes under `/api`.
pub(super) fn routes() -> Router<Arc<Shared>> {
    let method = post(call).get(call);
    Router::new().route("/api/{method}", method).layer(DefaultBodyLimit::max(4 * 1024 * 1024))
}

/// An error word, with what Slack adds to it.
struct Refused {
    error: &'static str,
    messages: Vec<String>,
}

impl From<&'static str> for Refused {
    fn from(error: &'static str) -> Self {
        Self { error, messages: Vec::new() }
    }
}

type Answer = Result<Value, Refused>;

async fn call(
    State(shared): State<Arc<Shared>>,
    Path(method): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = Arguments::read(&headers, uri.query().unwrap_or_default(), &body).and_then(|arguments| {
        if method == "apps.connections.open" {
            return shared.sockets.open(token(&headers, &arguments)).map_err(Refused::from);
        }
        authenticate(&shared, &headers, &arguments)?;
        answer(&shared, &method, &arguments)
    });
    let json = match answer {
        Ok(mut json) => {
            put(&mut json, "ok", json!(true));
            json
        }
        Err(Refused { error, messages }) if messages.is_empty() => json!({"ok": false, "error": error}),
        Err(Refused { error, messages }) => {
            json!({"ok": false, "error": error, "errors": messages, "response_metadata": {"messages": messages}})
        }
    };
    Json(json).into_response()
}

fn token<'a>(headers: &'a HeaderMap, arguments: &'a Arguments) -> Option<&'a str> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    header.and_then(|value| value.strip_prefix("Bearer ")).or_else(|| arguments.word("token"))
}

fn authenticate(shared: &Shared, headers: &HeaderMap, arguments: &Arguments) -> Result<(), Refused> {
    match token(headers, arguments) {
        None => Err("not_authed".into()),
        Some(token) if token == shared.token.reveal() => Ok(()),
        Some(_) => Err("invalid_auth".into()),
    }
}

fn answer(shared: &Shared, method: &str, arguments: &Arguments) -> Answer {
    match method {
        "auth.test" => Ok(auth_test(shared)),
        "chat.postMessage" => post_message(shared, arguments),
        "chat.update" => update(shared, arguments),
        "chat.postEphemeral" => post_ephemeral(shared, arguments),
        "chat.unfurl" => unfurl(shared, arguments),
        "chat.getPermalink" => permalink(shared, arguments),
        "conversations.history" => history(shared, arguments),
        "conversations.replies" => replies(shared, arguments),
        "conversations.info" => {
            let channel = channel(arguments)?;
            let mut told = channel_json(channel);
            put(&mut told, "is_ext_shared", json!(lock(&shared.shared_channels).contains(channel.id)));
            Ok(json!({"channel": told}))
        }
        "conversations.open" => open(arguments),
        "usergroups.users.list" if shared.organisation.lacks_a_team(arguments.word("team_id")) => {
            Err("missing_argument".into())
        }
        "usergroups.users.list" => {
            shared.people.members(arguments.word("usergroup").unwrap_or_default()).ok_or("no_such_subteam".into())
        }
        "users.info" => user_info(shared, arguments),
        "views.open" => {
            let view = arguments.structured("view", "invalid_arguments")?.unwrap_or_default();
            forms::open(shared, arguments.word("trigger_id"), view).map_err(Refused::from)
        }
        "views.publish" => {
            let view = arguments.structured("view", "invalid_arguments")?.unwrap_or_default();
            forms::publish(shared, arguments.word("user_id"), &view).map_err(Refused::from)
        }
        _ => Err("unknown_method".into()),
    }
}

/// What is between one person and the bot.
fn open(arguments: &Arguments) -> Answer {
    let person = arguments.word("users").and_then(people::find).ok_or("user_not_found")?;
    let direct = workspace::direct_to(person).ok_or("channel_not_found")?;
    Ok(json!({"channel": {"id": direct.id}}))
}

fn auth_test(shared: &Shared) -> Value {
    let mut tested = json!({"url": format!("https://{DOMAIN}.slack.com/"), "team": "Acme", "user": "leverframe", "team_id": TEAM,
        "user_id": BOT_USER, "bot_id": BOT, "is_enterprise_install": false});
    shared.organisation.identify(&mut tested);
    tested
}

fn post_message(shared: &Shared, arguments: &Arguments) -> Answer {
    let channel = joined(arguments)?;
    let mut message = draft(channel, Author::Bot, content(arguments)?);
    message.thread = arguments.word("thread_ts").map(str::to_owned);
    message.metadata = arguments.object("metadata")?;
    let message = shared.workspace.add(message);
    Ok(json!({"channel": channel.id, "ts": message.ts, "message": message.json(Metadata::Shown)}))
}

fn update(shared: &Shared, arguments: &Arguments) -> Answer {
    let channel = joined(arguments)?;
    let ts = arguments.word("ts").ok_or("message_not_found")?;
    let old = shared.workspace.find(channel.id, ts).filter(|old| old.only.is_none()).ok_or("message_not_found")?;
    if old.author != Author::Bot {
        return Err("cant_update_message".into());
    }
    let content = updated(arguments, &old)?;
    let metadata = arguments.object("metadata")?;
    let message = shared.workspace.edit(channel.id, ts, content, metadata).ok_or("message_not_found")?;
    let text = message.content.text.clone();
    Ok(json!({"channel": channel.id, "ts": ts, "text": text, "message": message.json(Metadata::Shown)}))
}

/// Members that are left out keep what they were, as Slack keeps them.
fn updated(arguments: &Arguments, old: &Message) -> Result<Content, Refused> {
    let blocks = arguments.blocks()?;
    if blocks.is_none() && arguments.word("text").is_none() {
        return Err("no_text".into());
    }
    check(blocks.as_deref().unwrap_or_default())?;
    Ok(Content {
        text: arguments.word("text").map_or_else(|| old.content.text.clone(), str::to_owned),
        blocks: blocks.unwrap_or_else(|| old.content.blocks.clone()),
    })
}

fn post_ephemeral(shared: &Shared, arguments: &Arguments) -> Answer {
    let channel = joined(arguments)?;
    let person = arguments.word("user").and_then(people::find).ok_or("user_not_in_channel")?;
    let mut message = draft(channel, Author::Bot, content(arguments)?);
    message.only = Some(person);
    message.thread = arguments.word("thread_ts").map(str::to_owned);
    Ok(json!({"message_ts": shared.workspace.add(message).ts}))
}

fn unfurl(shared: &Shared, arguments: &Arguments) -> Answer {
    let channel = channel(arguments)?;
    let ts = arguments.word("ts").unwrap_or_default();
    let unfurls = arguments.structured("unfurls", "invalid_unfurls_format")?.unwrap_or_default();
    let shown: Vec<Value> = unfurls.as_object().ok_or("invalid_unfurls_format")?.values().cloned().collect();
    for one in &shown {
        check(one["blocks"].as_array().map(Vec::as_slice).unwrap_or_default())?;
    }
    if !shared.workspace.unfurl(channel.id, ts, shown) {
        return Err("cannot_unfurl_url".into());
    }
    Ok(json!({}))
}

fn permalink(shared: &Shared, arguments: &Arguments) -> Answer {
    let channel = channel(arguments)?;
    let ts = arguments.word("message_ts").unwrap_or_default();
    shared.workspace.find(channel.id, ts).ok_or("message_not_found")?;
    let link = format!("{}/archives/{}/p{}", shared.url, channel.id, ts.replace('.', ""));
    Ok(json!({"channel": channel.id, "permalink": link}))
}

fn history(shared: &Shared, arguments: &Arguments) -> Answer {
    let channel = joined(arguments)?;
    let metadata = arguments.metadata();
    let latest = arguments.word("cursor").or_else(|| arguments.word("latest"));
    let inclusive = arguments.says_yes("inclusive");
    let within = |message: &Message| {
        let ts = message.ts.as_str();
        let before = latest.is_none_or(|latest| ts < latest || (inclusive && ts == latest));
        let after = arguments.word("oldest").is_none_or(|oldest| ts > oldest || (inclusive && ts == oldest));
        message.channel == channel.id && message.only.is_none() && message.thread.is_none() && before && after
    };
    let limit = arguments.word("limit").and_then(|limit| limit.parse().ok()).unwrap_or(100).clamp(1, 999);
    let mut found: Vec<Message> = shared.workspace.all().into_iter().filter(within).rev().take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let cursor = found.last().filter(|_| more).map(|message| message.ts.clone()).unwrap_or_default();
    let messages: Vec<Value> = found.iter().map(|message| message.json(metadata)).collect();
    Ok(json!({"messages": messages, "has_more": more, "pin_count": 0, "channel_actions_ts": null,
        "channel_actions_count": 0, "response_metadata": {"next_cursor": cursor}}))
}

fn replies(shared: &Shared, arguments: &Arguments) -> Answer {
    let channel = joined(arguments)?;
    let ts = arguments.word("ts").unwrap_or_default();
    let metadata = arguments.metadata();
    let belongs = |message: &Message| message.ts == ts || message.thread.as_deref() == Some(ts);
    let all = shared.workspace.all().into_iter();
    let thread: Vec<Value> = all
        .filter(|message| message.channel == channel.id && message.only.is_none() && belongs(message))
        .map(|message| message.json(metadata))
        .collect();
    if thread.is_empty() {
        return Err("thread_not_found".into());
    }
    Ok(json!({"messages": thread, "has_more": false, "response_metadata": {"next_cursor": ""}}))
}

fn user_info(shared: &Shared, arguments: &Arguments) -> Answer {
    let id = arguments.word("user").unwrap_or_default();
    if id == BOT_USER {
        return Ok(json!({"user": user_json(BOT_USER, "leverframe", workspace::BOT_NAME, None)}));
    }
    let person = people::PEOPLE.iter().find(|person| person.slack == id).ok_or("user_not_found")?;
    let mut user = user_json(person.slack, person.key, person.name, Some(person));
    put(&mut user, "deleted", json!(shared.people.is_gone(id)));
    shared.organisation.describe(id, &mut user);
    Ok(json!({"user": user}))
}

fn user_json(id: &str, name: &str, real_name: &str, person: Option<&Person>) -> Value {
    let picture = "https://a.slack-edge.com/avatar.png";
    json!({"id": id, "team_id": TEAM, "name": name, "deleted": false, "color": "9f69e7", "real_name": real_name,
        "tz": "Europe/Madrid", "tz_label": "Central European Time", "tz_offset": 3600, "updated": 1_763_000_000,
        "is_admin": false, "is_owner": false, "is_primary_owner": false, "is_restricted": false,
        "is_ultra_restricted": false, "is_bot": person.is_none(), "is_app_user": false, "has_2fa": true,
        "profile": {"title": person.map(|person| person.role), "real_name": real_name,
            "real_name_normalized": real_name, "display_name": name, "display_name_normalized": name,
            "status_text": "", "status_emoji": "", "avatar_hash": "g0", "team": TEAM,
            "email": person.map(|person| person.email), "image_24": picture, "image_32": picture,
            "image_48": picture, "image_72": picture, "image_192": picture, "image_512": picture}})
}

fn channel_json(channel: &Channel) -> Value {
    let said = |value: &str| json!({"value": value, "creator": "U0BO", "last_set": 1_763_000_000});
    json!({"id": channel.id, "name": channel.name, "name_normalized": channel.name, "created": 1_763_000_000,
        "creator": "U0BO", "is_channel": true, "is_group": false, "is_im": false, "is_mpim": false,
        "is_private": false, "is_archived": false, "is_general": false, "is_shared": false, "is_ext_shared": false,
        "is_org_shared": false, "is_pending_ext_shared": false, "pending_shared": [], "previous_names": [],
        "parent_conversation": null, "unlinked": 0, "last_read": "0000000000.000000", "locale": "en-US",
        "is_member": channel.bot == Membership::Member, "is_read_only": false,
        "topic": said(channel.topic), "purpose": said("")})
}

fn channel(arguments: &Arguments) -> Result<&'static Channel, Refused> {
    let name = arguments.word("channel").unwrap_or_default();
    workspace::channel(name).map_err(|_| "channel_not_found".into())
}

/// The channel, where the bot is in it.
fn joined(arguments: &Arguments) -> Result<&'static Channel, Refused> {
    let channel = channel(arguments)?;
    match channel.bot {
        Membership::Member => Ok(channel),
        Membership::Stranger => Err("not_in_channel".into()),
    }
}

fn content(arguments: &Arguments) -> Result<Content, Refused> {
    let blocks = arguments.blocks()?.unwrap_or_default();
    let text = arguments.word("text").unwrap_or_default();
    if text.is_empty() && blocks.is_empty() {
        return Err("no_text".into());
    }
    check(&blocks)?;
    Ok(Content { text: text.chars().take(40_000).collect(), blocks })
}

fn check(blocks: &[Value]) -> Result<(), Refused> {
    let messages = limits::complaints(blocks);
    if messages.is_empty() { Ok(()) } else { Err(Refused { error: "invalid_blocks", messages }) }
}

/// A call's arguments by name.
struct Arguments(Map<String, Value>);

impl Arguments {
    fn read(headers: &HeaderMap, query: &str, body: &[u8]) -> Result<Self, Refused> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut arguments = form(query.as_bytes()).ok_or("invalid_form_data")?;
        if body.is_empty() {
            return Ok(Self(arguments));
        }
        if kind.starts_with("application/json") {
            let Value::Object(json) = serde_json::from_slice(body).map_err(|_| "invalid_json")? else {
                return Err("json_not_object".into());
            };
            arguments.extend(json);
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            arguments.extend(form(body).ok_or("invalid_form_data")?);
        } else {
            return Err("invalid_post_type".into());
        }
        Ok(Self(arguments))
    }

    fn word(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    fn says_yes(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value == true || value == "true" || value == "1")
    }

    fn metadata(&self) -> Metadata {
        if self.says_yes("include_all_metadata") { Metadata::Shown } else { Metadata::Hidden }
    }

    fn blocks(&self) -> Result<Option<Vec<Value>>, Refused> {
        match self.structured("blocks", "invalid_blocks_format")? {
            None => Ok(None),
            Some(Value::Array(blocks)) => Ok(Some(blocks)),
            Some(_) => Err("invalid_blocks_format".into()),
        }
    }

    fn object(&self, name: &str) -> Result<Option<Value>, Refused> {
        match self.structured(name, "invalid_metadata_format")? {
            None => Ok(None),
            Some(value) if value.is_object() => Ok(Some(value)),
            Some(_) => Err("invalid_metadata_format".into()),
        }
    }

    /// A member that is JSON, or JSON written as text, as forms carry it.
    fn structured(&self, name: &str, error: &'static str) -> Result<Option<Value>, Refused> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| error.into()),
            Some(value) => Ok(Some(value.clone())),
        }
    }
}

fn form(bytes: &[u8]) -> Option<Map<String, Value>> {
    let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(bytes).ok()?;
    Some(fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
}
