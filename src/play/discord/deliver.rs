//! What Discord sends to the bot, signed, and what it shows of the answer.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{
    Shared, check, forms,
    guild::{APPLICATION, Author, Channel, Content, GUILD, Message, draft, member_json, user_json},
};
use crate::{
    clock,
    core::names::hex,
    play::{
        error::PlayError,
        json::put,
        people::Person,
        post::{Posted, post},
    },
};

/// How long Discord waits for the first answer.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// What came of something that was delivered to the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The number under which it can be delivered again.
    pub delivery: usize,
    /// The bot's status; over the open connection 200 when it answered; none when it did not answer in time.
    pub status: Option<u16>,
    /// The bot's answer as it came.
    pub body: String,
    /// What the person was shown of it, where there was anything to show.
    pub shown: Option<String>,
}

/// Something delivered, so that it can be delivered again.
#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) interaction: Value,
    pub(super) origin: Origin,
}

/// Who did it, and where.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) person: &'static Person,
    pub(super) channel: &'static Channel,
}

/// How far the answer to an interaction has come.
pub(super) struct Token {
    pub(super) origin: Origin,
    /// The interaction's id.
    pub(super) id: String,
    /// Told when the first answer comes as a call of its own.
    pub(super) waiting: Option<oneshot::Sender<Value>>,
    /// Whether the first answer came.
    pub(super) is_answered: bool,
    /// The message that the first answer made.
    pub(super) original: Option<String>,
}

/// What an interaction is about.
pub(super) enum About<'a> {
    /// A command with its data.
    Command(Value),
    /// Typing an option, with the command's data.
    Typing(Value),
    /// A button on a message.
    Button(&'a Message, &'a str),
    /// A form that was filled in, and the message whose button opened it.
    Form(Value, Option<&'a Message>),
}

impl Shared {
    /// An interaction as Discord writes it; its token can be answered from now on.
    pub(super) fn interaction(&self, origin: Origin, about: &About<'_>) -> Value {
        let Origin { person, channel } = origin;
        let (id, token) = (self.guild.fresh(), self.fresh_token());
        let mut member = member_json(&user_json(person));
        put(&mut member, "permissions", json!("2248473465835073"));
        let mut interaction = json!({"id": id, "application_id": APPLICATION, "token": token, "version": 1,
            "guild_id": GUILD, "guild": {"id": GUILD, "locale": "en-US", "features": []}, "channel_id": channel.id,
            "channel": {"id": channel.id, "type": 0, "name": channel.name, "guild_id": GUILD},
            "member": member, "locale": "en-US", "guild_locale": "en-US", "app_permissions": "85056",
            "entitlements": [], "authorizing_integration_owners": {"0": GUILD}, "context": 0,
            "attachment_size_limit": 10_485_760});
        let (kind, data) = match about {
            About::Command(data) => (2, data.clone()),
            About::Typing(data) => (4, data.clone()),
            About::Button(message, custom_id) => {
                put(&mut interaction, "message", message.json());
                (3, json!({"custom_id": custom_id, "component_type": 2, "id": 2}))
            }
            About::Form(data, message) => {
                if let Some(message) = message {
                    put(&mut interaction, "message", message.json());
                }
                (5, data.clone())
            }
        };
        put(&mut interaction, "type", json!(kind));
        put(&mut interaction, "data", data);
        let told = Token { origin, id, waiting: None, is_answered: false, original: None };
        super::lock(&self.tokens).insert(token, told);
        interaction
    }

    /// Delivers, waits for the first answer and shows it.
    pub(super) async fn deliver(&self, delivery: Delivery) -> Result<Answered, PlayError> {
        let number = self.deliveries.keep(delivery.clone());
        let token = delivery.interaction.get("token").and_then(Value::as_str).unwrap_or_default();
        let answer = match self.bot()? {
            super::Bot::Listens(url) => self.posted(&url, &delivery.interaction).await,
            super::Bot::Connects => self.dispatched(token, &delivery.interaction).await,
        };
        let (status, body) = match &answer {
            Ok(Posted { status, body }) => (Some(*status), String::from_utf8_lossy(body).into_owned()),
            Err(()) => (None, String::new()),
        };
        let shown = match (status, serde_json::from_str::<Value>(&body)) {
            (Some(200), Ok(answer)) => {
                self.first_answer(&delivery, &answer).unwrap_or_else(|()| self.failed(&delivery))
            }
            (_, _) => self.failed(&delivery),
        };
        Ok(Answered { delivery: number, status, body, shown })
    }

    async fn posted(&self, url: &str, interaction: &Value) -> Result<Posted, ()> {
        let body = interaction.to_string();
        let timestamp = clock::now().as_second().to_string();
        let signature = hex(self.key.sign(&[timestamp.as_bytes(), body.as_bytes()].concat()).as_ref());
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("x-signature-ed25519", signature),
            ("x-signature-timestamp", timestamp),
        ];
        let url = format!("{url}/discord/interactions");
        tokio::time::timeout(self.patience, post(&url, &headers, body)).await.map_err(drop)?.map_err(drop)
    }

    /// Sends an interaction over the open connection; the answer comes as a call.
    async fn dispatched(&self, token: &str, interaction: &Value) -> Result<Posted, ()> {
        let (sender, receiver) = oneshot::channel();
        if let Some(told) = super::lock(&self.tokens).get_mut(token) {
            told.waiting = Some(sender);
            told.is_answered = false;
        }
        self.gateway.dispatch("INTERACTION_CREATE", interaction.clone());
        let answer = tokio::time::timeout(self.patience, receiver).await.map_err(drop)?.map_err(drop)?;
        Ok(Posted { status: 200, body: answer.to_string().into() })
    }

    /// What Discord shows where the bot did not answer as it must.
    fn failed(&self, delivery: &Delivery) -> Option<String> {
        let words = "The application did not respond".to_owned();
        let message = draft(delivery.origin.channel, Author::Discord, Content::text(words.as_str()));
        self.guild.add(Message { only: Some(delivery.origin.person), ..message });
        Some(words)
    }

    /// Puts the first answer in front of the person and returns its words.
    fn first_answer(&self, delivery: &Delivery, answer: &Value) -> Result<Option<String>, ()> {
        let token = delivery.interaction.get("token").and_then(Value::as_str).unwrap_or_default();
        let origin = {
            let mut tokens = super::lock(&self.tokens);
            let told = tokens.get_mut(token).ok_or(())?;
            told.is_answered = true;
            told.origin
        };
        let said = match answer["type"].as_u64() {
            Some(1 | 6 | 8) => return Ok(None),
            Some(4) => content(&answer["data"]).ok_or(())?,
            Some(5) => Content::text("Leverframe is thinking…"),
            Some(9) => return forms::open(self, delivery, &answer["data"]).map(|()| None),
            _ => return Err(()),
        };
        let flags = answer.pointer("/data/flags").and_then(Value::as_u64).unwrap_or(0);
        let only = (flags & 64 != 0).then_some(origin.person);
        let shown = (answer["type"] == 4).then(|| said.words());
        let message = self.guild.add(Message { only, ..draft(origin.channel, Author::Bot, said) });
        if let Some(told) = super::lock(&self.tokens).get_mut(token) {
            told.original = Some(message.id);
        }
        Ok(shown)
    }
}

/// What a message of the bot says, where Discord would take it.
pub(super) fn content(message: &Value) -> Option<Content> {
    let list = |name: &str| message[name].as_array().cloned().unwrap_or_default();
    let text = message["content"].as_str().unwrap_or_default().to_owned();
    let content = Content { content: text, embeds: list("embeds"), components: list("components") };
    (check::message(message).into_json().is_none() && content != Content::default()).then_some(content)
}

/// The buttons of a message: words, custom id.
pub(super) fn buttons(message: &Message) -> Vec<(String, String)> {
    let rows = message.content.components.iter().flat_map(|row| row["components"].as_array().into_iter().flatten());
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows.map(|button| (word(&button["label"]), word(&button["custom_id"]))).collect()
}
