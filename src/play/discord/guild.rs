//! What is in the server: channels and messages, each with all its earlier contents.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::words;
use crate::{
    clock,
    play::{
        error::PlayError,
        people::{self, Person},
        pulse::Pulse,
    },
};

/// The server's id.
pub const GUILD: &str = "900000000000000001";
/// The application's id, which is its bot's too.
pub const APPLICATION: &str = "900000000000000002";
/// The name under which the bot speaks.
pub const BOT_NAME: &str = "Leverframe";
/// When Discord's ids begin, in milliseconds.
const EPOCH: i64 = 1_420_070_400_000;

/// A channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// Its id.
    pub id: &'static str,
    /// Without `#`.
    pub name: &'static str,
    /// What it is for.
    pub topic: &'static str,
    /// Whether the bot sees it.
    pub bot: Access,
}

/// Whether the bot sees a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It does.
    Granted,
    /// It does not.
    Missing,
}

/// The channels of the server; the first is the one people start in.
pub const CHANNELS: &[Channel] = &[
    Channel {
        id: "910000000000000001",
        name: "deploys",
        topic: "What goes out, and who said yes",
        bot: Access::Granted,
    },
    Channel { id: "910000000000000002", name: "incidents", topic: "When something burns", bot: Access::Granted },
    Channel { id: "910000000000000003", name: "random", topic: "Lunch and everything else", bot: Access::Missing },
];

/// What is between each person and the bot alone.
pub const DIRECT: &[Channel] = &[
    direct("930000000000000001", "with-ana"),
    direct("930000000000000002", "with-bo"),
    direct("930000000000000003", "with-cleo"),
    direct("930000000000000004", "with-dan"),
    direct("930000000000000005", "with-zed"),
];

/// The channel between somebody and the bot.
pub fn direct_to(person: &Person) -> Option<&'static Channel> {
    DIRECT.iter().find(|channel| channel.name.strip_prefix("with-") == Some(person.key))
}

const fn direct(id: &'static str, name: &'static str) -> Channel {
    Channel { id, name, topic: "For your eyes only", bot: Access::Granted }
}

/// Finds a channel by id or name, with or without `#`.
///
/// # Errors
/// When there is none.
pub fn channel(name: &str) -> Result<&'static Channel, PlayError> {
    let bare = name.strip_prefix('#').unwrap_or(name);
    let found = CHANNELS.iter().chain(DIRECT).find(|channel| channel.id == bare || channel.name == bare);
    found.ok_or_else(|| PlayError::UnknownChannel(name.to_owned()))
}

/// Finds somebody by key or account.
///
/// # Errors
/// When nobody here is called so.
pub fn somebody(who: &str) -> Result<&'static Person, PlayError> {
    people::find(who).ok_or_else(|| PlayError::UnknownPerson(who.to_owned()))
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// Somebody.
    Person(&'static Person),
    /// The bot.
    Bot,
    /// Discord itself, where the bot failed to answer.
    Discord,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Content {
    /// Its words, in Discord's markup.
    pub content: String,
    /// Its embeds.
    pub embeds: Vec<Value>,
    /// Its rows of buttons.
    pub components: Vec<Value>,
}

impl Content {
    /// Only words.
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: text.into(), ..Self::default() }
    }

    /// What a person reads, with its markup.
    pub fn words(&self) -> String {
        words::of(self)
    }
}

/// A message, in a channel or for one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The channel's id.
    pub channel: &'static str,
    /// Who wrote it.
    pub author: Author,
    /// For one person's eyes only.
    pub only: Option<&'static Person>,
    /// What it says now.
    pub content: Content,
    /// What it said before each edit, oldest first.
    pub earlier: Vec<Content>,
    /// By what the bot knows it again.
    pub nonce: Option<String>,
    /// The message that it hangs under, in a thread.
    pub thread: Option<String>,
}

/// A message that is not yet in the server.
pub fn draft(channel: &'static Channel, author: Author, content: Content) -> Message {
    let (id, at, earlier) = (String::new(), Timestamp::UNIX_EPOCH, Vec::new());
    Message { id, at, channel: channel.id, author, only: None, content, earlier, nonce: None, thread: None }
}

/// An account as Discord shows it.
pub fn user_json(person: &Person) -> Value {
    json!({"id": person.discord, "username": person.key, "global_name": person.name, "discriminator": "0",
        "avatar": null, "public_flags": 0, "flags": 0, "accent_color": null, "banner": null,
        "avatar_decoration_data": null, "collectibles": null, "clan": null, "primary_guild": null})
}

/// The bot as Discord shows it.
pub fn bot_json() -> Value {
    json!({"id": APPLICATION, "username": "leverframe", "global_name": BOT_NAME, "discriminator": "0", "avatar": null,
        "bot": true, "public_flags": 0, "flags": 0, "accent_color": null, "banner": null,
        "avatar_decoration_data": null, "collectibles": null, "clan": null, "primary_guild": null})
}

/// A member as Discord shows one.
pub fn member_json(user: &Value) -> Value {
    json!({"user": user, "nick": null, "avatar": null, "banner": null, "roles": ["920000000000000001"],
        "joined_at": "2024-01-01T00:00:00.000000+00:00", "premium_since": null, "deaf": false, "mute": false,
        "flags": 0, "pending": false, "communication_disabled_until": null, "avatar_decoration_data": null,
        "collectibles": null})
}

impl Message {
    /// The message as Discord's answers and payloads show it.
    pub fn json(&self) -> Value {
        let author = match self.author {
            Author::Person(person) => user_json(person),
            Author::Bot | Author::Discord => bot_json(),
        };
        let at = self.at.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string();
        let edited = if self.earlier.is_empty() { Value::Null } else { json!(at) };
        let embed = |embed: &Value| {
            let mut embed = embed.clone();
            crate::play::json::put(&mut embed, "type", json!("rich"));
            embed
        };
        let mut json = json!({"id": self.id, "channel_id": self.channel, "author": author,
            "content": self.content.content, "timestamp": at, "edited_timestamp": edited, "tts": false,
            "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [],
            "embeds": self.content.embeds.iter().map(embed).collect::<Vec<_>>(), "pinned": false, "type": 0,
            "components": numbered(&self.content.components), "flags": if self.only.is_some() { 64 } else { 0 }});
        if let Some(nonce) = &self.nonce {
            crate::play::json::put(&mut json, "nonce", json!(nonce));
        }
        json
    }
}

/// Components as Discord gives them back: each with a number.
fn numbered(rows: &[Value]) -> Value {
    let mut next = 0;
    let mut number = |component: &mut Value| {
        next += 1;
        crate::play::json::put(component, "id", json!(next));
    };
    let mut rows = rows.to_vec();
    for row in &mut rows {
        number(row);
        row.get_mut("components").and_then(Value::as_array_mut).into_iter().flatten().for_each(&mut number);
    }
    Value::from(rows)
}

/// Everything said; cloning shares it.
#[derive(Clone, Default)]
pub struct Guild {
    state: Arc<Mutex<State>>,
    pulse: Pulse,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    last: u64,
    /// The messages with a thread, which has the message's id.
    threads: BTreeSet<String>,
}

impl Guild {
    /// An empty server that beats on this pulse.
    pub fn new(pulse: Pulse) -> Self {
        Self { state: Arc::default(), pulse }
    }

    /// Beats whenever something is said or edited.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Every message, oldest first, those for one person among them.
    pub fn all(&self) -> Vec<Message> {
        self.state().messages.clone()
    }

    /// A message by channel and id.
    pub fn find(&self, channel: &str, id: &str) -> Option<Message> {
        self.state().messages.iter().find(|message| message.channel == channel && message.id == id).cloned()
    }

    /// The message that was posted under this nonce.
    pub fn by_nonce(&self, channel: &str, nonce: &str) -> Option<Message> {
        let same = |message: &&Message| message.channel == channel && message.nonce.as_deref() == Some(nonce);
        self.state().messages.iter().find(same).cloned()
    }

    /// Forgets every nonce, as Discord does within minutes.
    pub fn forget_nonces(&self) {
        self.state().messages.iter_mut().for_each(|message| message.nonce = None);
    }

    /// Makes a thread under a message; whether it is new.
    pub fn branch(&self, id: &str) -> bool {
        self.state().threads.insert(id.to_owned())
    }

    /// The message under which a thread hangs.
    pub fn under(&self, thread: &str) -> Option<Message> {
        let state = self.state();
        state.threads.get(thread).and_then(|id| state.messages.iter().find(|message| message.id == *id)).cloned()
    }

    /// Adds a message; its id and its time are given to it here.
    pub fn add(&self, mut message: Message) -> Message {
        {
            let mut state = self.state();
            message.id = state.fresh();
            message.at = clock::now();
            state.messages.push(message.clone());
        }
        self.pulse.beat();
        message
    }

    /// Changes what a message says and keeps what it said.
    pub fn edit(&self, id: &str, content: Content) -> Option<Message> {
        let edited = {
            let mut state = self.state();
            let message = state.messages.iter_mut().find(|message| message.id == id)?;
            message.earlier.push(std::mem::replace(&mut message.content, content));
            message.clone()
        };
        self.pulse.beat();
        Some(edited)
    }

    /// Takes a message away; whether it was there.
    pub fn delete(&self, id: &str) -> bool {
        let mut state = self.state();
        let before = state.messages.len();
        state.messages.retain(|message| message.id != id);
        let gone = state.messages.len() < before;
        drop(state);
        self.pulse.beat();
        gone
    }

    /// A fresh id; no two are the same, and they sort by time.
    pub fn fresh(&self) -> String {
        self.state().fresh()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fresh(&mut self) -> String {
        let millis = u64::try_from(clock::now().as_millisecond() - EPOCH).unwrap_or(0);
        self.last = (millis << 22).max(self.last + 1);
        self.last.to_string()
    }
}
