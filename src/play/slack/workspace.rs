//! What is in the workspace: channels and messages, each with all its earlier contents.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::words;
use crate::{
    clock,
    play::{
        error::PlayError,
        json::put,
        people::{self, Person},
        pulse::Pulse,
    },
};

/// The workspace's id.
pub const TEAM: &str = "T0ACME";
/// The workspace's name in addresses.
pub const DOMAIN: &str = "acme";
/// The bot's user id.
pub const BOT_USER: &str = "U0LEVERFRAME";
/// The bot's id as a bot.
pub const BOT: &str = "B0LEVERFRAME";
/// The app's id.
pub const APP: &str = "A0LEVERFRAME";
/// The name under which the bot speaks.
pub const BOT_NAME: &str = "Leverframe";

/// A channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// `C0DEPLOYS`.
    pub id: &'static str,
    /// Without `#`.
    pub name: &'static str,
    /// What it is for.
    pub topic: &'static str,
    /// Whether the bot has been invited.
    pub bot: Membership,
}

/// Whether somebody is in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// They are.
    Member,
    /// They are not.
    Stranger,
}

/// The channels of the workspace; the first is the one people start in.
pub const CHANNELS: &[Channel] = &[
    Channel { id: "C0DEPLOYS", name: "deploys", topic: "What goes out, and who said yes", bot: Membership::Member },
    Channel { id: "C0INCIDENTS", name: "incidents", topic: "When something burns", bot: Membership::Member },
    Channel { id: "C0RANDOM", name: "random", topic: "Lunch and everything else", bot: Membership::Stranger },
];

/// What is between each person and the bot alone.
pub const DIRECT: &[Channel] = &[
    direct("D0ANA", "with-ana"),
    direct("D0BO", "with-bo"),
    direct("D0CLEO", "with-cleo"),
    direct("D0DAN", "with-dan"),
    direct("D0ZED", "with-zed"),
];

/// The channel between somebody and the bot.
pub fn direct_to(person: &Person) -> Option<&'static Channel> {
    DIRECT.iter().find(|channel| channel.name.strip_prefix("with-") == Some(person.key))
}

const fn direct(id: &'static str, name: &'static str) -> Channel {
    Channel { id, name, topic: "For your eyes only", bot: Membership::Member }
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

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// Somebody.
    Person(&'static Person),
    /// The bot.
    Bot,
    /// Slack itself, where the bot failed to answer.
    Slack,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Content {
    /// The text; with blocks it is what notifications show.
    pub text: String,
    /// Block Kit.
    pub blocks: Vec<Value>,
}

impl Content {
    /// Only words.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), blocks: Vec::new() }
    }

    /// What a person reads.
    pub fn words(&self) -> String {
        words::of(&self.text, &self.blocks)
    }
}

/// A message, in a channel or for one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The channel's id.
    pub channel: &'static str,
    /// Its time stamp, which is its id in the channel: `1700000000.000100`.
    pub ts: String,
    /// Who wrote it.
    pub author: Author,
    /// For one person's eyes only.
    pub only: Option<&'static Person>,
    /// What it says now.
    pub content: Content,
    /// What it said before each edit, oldest first.
    pub earlier: Vec<Content>,
    /// `{event_type, event_payload}`.
    pub metadata: Option<Value>,
    /// The message it answers in a thread.
    pub thread: Option<String>,
    /// When it was last edited, as a time stamp.
    pub edited: Option<String>,
    /// What the bot shows of links in it: attachments with blocks.
    pub unfurls: Vec<Value>,
}

impl Message {
    /// The message as Slack's answers, payloads and histories show it.
    pub fn json(&self, metadata: Metadata) -> Value {
        let mut json = json!({"type": "message", "ts": self.ts, "text": self.content.text, "team": TEAM});
        match self.author {
            Author::Person(person) => put(&mut json, "user", json!(person.slack)),
            Author::Bot | Author::Slack => {
                put(&mut json, "user", json!(BOT_USER));
                put(&mut json, "bot_id", json!(BOT));
                put(&mut json, "app_id", json!(APP));
                put(&mut json, "bot_profile", bot_profile());
            }
        }
        if !self.content.blocks.is_empty() {
            put(&mut json, "blocks", json!(self.content.blocks));
        }
        if let Some(thread) = &self.thread {
            put(&mut json, "thread_ts", json!(thread));
        }
        if let Some(edited) = &self.edited {
            put(&mut json, "edited", json!({"user": BOT_USER, "ts": edited}));
        }
        if let (Metadata::Shown, Some(value)) = (metadata, &self.metadata) {
            put(&mut json, "metadata", value.clone());
        }
        json
    }
}

/// Whether a message's metadata is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metadata {
    /// With it.
    Shown,
    /// Without it.
    Hidden,
}

fn bot_profile() -> Value {
    json!({"id": BOT, "app_id": APP, "team_id": TEAM, "name": BOT_NAME, "deleted": false, "updated": 1_763_000_000,
        "user_id": BOT_USER, "icons": {"image_36": "https://a.slack-edge.com/bot_36.png",
        "image_48": "https://a.slack-edge.com/bot_48.png", "image_72": "https://a.slack-edge.com/bot_72.png"}})
}

/// Everything said; cloning shares it.
#[derive(Clone, Default)]
pub struct Workspace {
    state: Arc<Mutex<State>>,
    pulse: Pulse,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    last: i64,
    blocks_named: u64,
}

impl Workspace {
    /// An empty workspace that beats on this pulse.
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

    /// A message by channel and time stamp.
    pub fn find(&self, channel: &str, ts: &str) -> Option<Message> {
        self.state().messages.iter().find(|message| message.channel == channel && message.ts == ts).cloned()
    }

    /// Adds a message; its `ts` is given to it here, and to every block without one a `block_id`.
    pub fn add(&self, mut message: Message) -> Message {
        {
            let mut state = self.state();
            message.ts = state.stamp();
            state.name_blocks(&mut message.content.blocks);
            state.messages.push(message.clone());
        }
        self.pulse.beat();
        message
    }

    /// Changes what a message says and keeps what it said.
    pub fn edit(&self, channel: &str, ts: &str, content: Content, metadata: Option<Value>) -> Option<Message> {
        let edited = self.change(channel, ts, content, metadata)?;
        self.pulse.beat();
        Some(edited)
    }

    /// Shows what stands behind links of a message under it.
    pub fn unfurl(&self, channel: &str, ts: &str, shown: Vec<Value>) -> bool {
        let found = {
            let mut state = self.state();
            let mut messages = state.messages.iter_mut();
            let found = messages.find(|message| message.channel == channel && message.ts == ts);
            found.map(|message| message.unfurls = shown).is_some()
        };
        self.pulse.beat();
        found
    }

    /// Takes a message away, as `delete_original` does.
    pub fn delete(&self, channel: &str, ts: &str) {
        self.state().messages.retain(|message| message.channel != channel || message.ts != ts);
        self.pulse.beat();
    }

    /// A fresh time stamp; no two are the same.
    pub fn stamp(&self) -> String {
        self.state().stamp()
    }

    fn change(&self, channel: &str, ts: &str, mut content: Content, metadata: Option<Value>) -> Option<Message> {
        let mut state = self.state();
        let stamp = state.stamp();
        state.name_blocks(&mut content.blocks);
        let mut messages = state.messages.iter_mut();
        let message = messages.find(|message| message.channel == channel && message.ts == ts)?;
        message.earlier.push(std::mem::replace(&mut message.content, content));
        message.edited = Some(stamp);
        match metadata {
            Some(value) if value == json!({}) => message.metadata = None,
            Some(value) => message.metadata = Some(value),
            None => {}
        }
        Some(message.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stamp(&mut self) -> String {
        self.last = clock::now().as_microsecond().max(self.last + 1);
        format!("{}.{:06}", self.last / 1_000_000, self.last % 1_000_000)
    }

    fn name_blocks(&mut self, blocks: &mut [Value]) {
        for block in blocks.iter_mut().filter_map(Value::as_object_mut) {
            if !block.contains_key("block_id") {
                self.blocks_named += 1;
                block.insert("block_id".to_owned(), json!(format!("blk{}", self.blocks_named)));
            }
        }
    }
}

/// A message that is not yet in the workspace.
pub fn draft(channel: &'static Channel, author: Author, content: Content) -> Message {
    Message {
        channel: channel.id,
        ts: String::new(),
        author,
        only: None,
        content,
        earlier: Vec::new(),
        metadata: None,
        thread: None,
        edited: None,
        unfurls: Vec::new(),
    }
}

/// Finds somebody by key or Slack id.
///
/// # Errors
/// When nobody here is called so.
pub fn somebody(who: &str) -> Result<&'static Person, PlayError> {
    people::find(who).ok_or_else(|| PlayError::UnknownPerson(who.to_owned()))
}
