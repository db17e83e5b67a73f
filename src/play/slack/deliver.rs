//! What Slack sends to the bot, signed: slash commands and clicks, and what it shows of the answer.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Bot, Shared, limits, signature,
    workspace::{APP, Author, Channel, Content, DOMAIN, Message, Metadata, TEAM, draft},
};
use crate::{
    clock,
    play::{
        error::PlayError,
        json::put,
        people::Person,
        post::{Posted, post},
    },
};

/// How long Slack waits for an answer.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// Where the bot takes slash commands.
pub(super) const COMMANDS: &str = "/slack/commands";
/// Where the bot takes clicks.
pub(super) const INTERACTIONS: &str = "/slack/interactions";

/// Where the bot is asked what it offers in a form.
pub(super) const OPTIONS: &str = "/slack/options";
/// Where the bot takes events.
pub(super) const EVENTS: &str = "/slack/events";

/// What came of something that was delivered to the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The number under which it can be delivered again.
    pub delivery: usize,
    /// The bot's status; none when it could not be reached or was too slow.
    pub status: Option<u16>,
    /// The bot's answer as it came.
    pub body: String,
    /// What the person was shown of it, where there was anything to show.
    pub shown: Option<String>,
}

/// Something delivered, so that it can be delivered again.
#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) path: &'static str,
    pub(super) form: String,
    pub(super) from: Option<Origin>,
}

/// Who did it, and where.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) person: &'static Person,
    pub(super) channel: &'static Channel,
    /// The slash command, `/deploy`; none for a click.
    pub(super) command: Option<String>,
}

/// Which time it is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    First,
    Again,
}

impl Shared {
    /// The form of a slash command, as Slack writes it.
    pub(super) fn command_form(&self, origin: &Origin, command: &str, text: &str) -> String {
        let response_url = self.responses.issue(origin, None);
        let trigger = self.trigger_of(origin);
        form(&[
            ("token", &self.verification),
            ("team_id", TEAM),
            ("team_domain", DOMAIN),
            ("channel_id", origin.channel.id),
            ("channel_name", origin.channel.name),
            ("user_id", origin.person.slack),
            ("user_name", origin.person.key),
            ("command", command),
            ("text", text),
            ("api_app_id", APP),
            ("is_enterprise_install", "false"),
            ("response_url", &response_url),
            ("trigger_id", &trigger),
        ])
    }

    /// The form of a click on a button, as Slack writes it.
    pub(super) fn click_form(&self, origin: &Origin, message: &Message, action: Value) -> String {
        let response_url = self.responses.issue(origin, Some(message.ts.clone()));
        let Origin { person, channel, .. } = origin;
        let private = message.only.is_some();
        let mut payload = json!({
            "type": "block_actions",
            "user": {"id": person.slack, "username": person.key, "name": person.key, "team_id": TEAM},
            "api_app_id": APP, "token": self.verification,
            "container": {"type": "message", "message_ts": message.ts, "channel_id": channel.id,
                "is_ephemeral": private},
            "trigger_id": self.trigger_of(origin), "team": {"id": TEAM, "domain": DOMAIN}, "enterprise": null,
            "is_enterprise_install": false, "channel": {"id": channel.id, "name": channel.name},
            "state": {"values": {}}, "response_url": response_url, "actions": [action],
        });
        // Of an ephemeral message Slack tells the bot nothing but where it was.
        if !private {
            put(&mut payload, "message", message.json(Metadata::Shown));
        }
        form(&[("payload", &payload.to_string())])
    }

    /// Delivers, waits as long as Slack waits, and shows the person what Slack would show.
    pub(super) async fn deliver(&self, delivery: Delivery, attempt: Attempt) -> Result<Answered, PlayError> {
        let number = self.deliveries.keep(delivery.clone());
        let posted = self.send(&delivery, attempt).await?;
        let shown = match &delivery.from {
            Some(origin) => self.show(origin, &posted),
            None => None,
        };
        let (status, body) = match posted {
            Ok(Posted { status, body }) => (Some(status), String::from_utf8_lossy(&body).into_owned()),
            Err(_) => (None, String::new()),
        };
        Ok(Answered { delivery: number, status, body, shown })
    }

    async fn send(&self, delivery: &Delivery, attempt: Attempt) -> Result<Result<Posted, &'static str>, PlayError> {
        let told = self.organisation.told(delivery.path, &delivery.form);
        let delivery = &Delivery { form: told, ..delivery.clone() };
        let (url, secret) = match self.bot().ok_or(PlayError::NoBot)? {
            Bot::Listens { url, signing_secret } => (url, signing_secret),
            Bot::Connects => {
                let (kind, payload) = in_an_envelope(delivery);
                let sent = self.sockets.deliver(kind, &payload);
                return Ok(tokio::time::timeout(self.patience, sent).await.map_err(|_| "operation_timeout"));
            }
        };
        let timestamp = clock::now().as_second().to_string();
        let mut headers = signature::headers(&secret, &timestamp, &delivery.form);
        if attempt == Attempt::Again {
            headers.push(("x-slack-retry-num", "1".to_owned()));
            headers.push(("x-slack-retry-reason", "http_timeout".to_owned()));
        }
        let url = format!("{url}{}", delivery.path);
        let sent = post(&url, &headers, delivery.form.clone());
        Ok(match tokio::time::timeout(self.patience, sent).await {
            Ok(Ok(posted)) => Ok(posted),
            Ok(Err(_)) => Err("dispatch_failed"),
            Err(_) => Err("operation_timeout"),
        })
    }

    /// Puts the answer in front of the person and returns its words.
    fn show(&self, origin: &Origin, posted: &Result<Posted, &'static str>) -> Option<String> {
        let (author, content, only) = match (posted, &origin.command) {
            (Ok(Posted { status: 200, .. }), None) => return None,
            (Ok(Posted { status: 200, body }), Some(command)) => match said(&String::from_utf8_lossy(body)) {
                Said::Nothing => return None,
                Said::Privately(content) => (Author::Bot, content, Some(origin.person)),
                Said::Openly(content) => (Author::Bot, content, None),
                Said::Badly => (Author::Slack, failed(command, "invalid_command_response"), Some(origin.person)),
            },
            (Ok(_), Some(command)) => (Author::Slack, failed(command, "dispatch_failed"), Some(origin.person)),
            (Err(error), Some(command)) => (Author::Slack, failed(command, error), Some(origin.person)),
            (Ok(Posted { status, .. }), None) => {
                let words = format!("This app responded with status code {status}.");
                (Author::Slack, Content::text(words), Some(origin.person))
            }
            (Err(error), None) => {
                let words = format!("This app did not respond to your click (`{error}`).");
                (Author::Slack, Content::text(words), Some(origin.person))
            }
        };
        let words = content.words();
        self.workspace.add(Message { only, ..draft(origin.channel, author, content) });
        Some(words)
    }
}

fn failed(command: &str, error: &str) -> Content {
    Content::text(format!("{command} failed with the error \"{error}\""))
}

/// What the bot said in its answer to a command, or through a response address.
pub(super) enum Said {
    Nothing,
    Privately(Content),
    Openly(Content),
    /// Something that Slack does not understand.
    Badly,
}

/// Reads an answer: nothing, plain text, or JSON with `text`, `blocks` and `response_type`.
pub(super) fn said(body: &str) -> Said {
    if body.trim().is_empty() {
        return Said::Nothing;
    }
    match serde_json::from_str::<Value>(body) {
        Ok(json) if json.is_object() => said_as_json(&json),
        _ => Said::Privately(Content::text(body)),
    }
}

fn said_as_json(json: &Value) -> Said {
    let text = json["text"].as_str().unwrap_or_default().to_owned();
    let content = Content { text, blocks: json["blocks"].as_array().cloned().unwrap_or_default() };
    if !limits::complaints(&content.blocks).is_empty() {
        return Said::Badly;
    }
    if content == Content::default() {
        return Said::Nothing;
    }
    match json["response_type"].as_str() {
        Some("in_channel") => Said::Openly(content),
        _ => Said::Privately(content),
    }
}

/// What a form holds, as a socket carries it.
fn in_an_envelope(delivery: &Delivery) -> (&'static str, Value) {
    if delivery.path == EVENTS {
        return ("events_api", serde_json::from_str(&delivery.form).unwrap_or_default());
    }
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(&delivery.form).unwrap_or_default();
    if delivery.path == COMMANDS {
        return ("slash_commands", fields.into_iter().map(|(name, value)| (name, Value::from(value))).collect());
    }
    let payload = fields.into_iter().find(|(name, _)| name == "payload").map(|(_, json)| json).unwrap_or_default();
    ("interactive", serde_json::from_str(&payload).unwrap_or_default())
}

pub(super) fn form(fields: &[(&str, &str)]) -> String {
    // Pairs of texts always encode.
    serde_urlencoded::to_string(fields).unwrap_or_default()
}

/// The buttons of a message with the action Slack would report for each: words, action.
pub(super) fn buttons(message: &Message) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for block in &message.content.blocks {
        let elements = block["elements"].as_array().into_iter().flatten();
        for element in elements.chain(block.get("accessory")).filter(|element| element["type"] == "button") {
            let words = super::words::text_of(&element["text"]);
            let mut action = json!({"action_id": element["action_id"], "block_id": block["block_id"],
                "text": element["text"], "type": "button", "action_ts": message.ts});
            for member in ["value", "style", "url"] {
                if let Some(value) = element.get(member) {
                    put(&mut action, member, value.clone());
                }
            }
            found.push((words, action));
        }
    }
    found
}

/// The button that is called so: by its words, its action id, or the beginning of its words.
pub(super) fn button(message: &Message, wanted: &str) -> Option<Value> {
    let buttons = buttons(message);
    let exact = buttons.iter().find(|(words, action)| words == wanted || action["action_id"] == wanted);
    let begins = || buttons.iter().find(|(words, _)| words.starts_with(wanted));
    let mut action = exact.or_else(begins)?.1.clone();
    put(&mut action, "action_ts", json!(clock::now().as_second().to_string()));
    Some(action)
}

#[cfg(test)]
#[path = "deliver_tests.rs"]
mod tests;
