//! A Discord look-alike: the API that the bot calls, with what Discord refuses refused, commands and clicks as Discord
//! sends them, signed with a key of its own, and a browser page on which people type and press.

pub mod check;
pub mod forms;
pub mod guild;

mod api;
mod deliver;
mod gateway;
mod page;
mod typing;
mod words;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deliver::{About, Delivery, Origin, Token};
pub use deliver::{Answered, PATIENCE};
pub use gateway::Order;
use guild::{Author, Content, Guild, Message, channel, draft, somebody};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    error::PlayError,
    exchange::Exchanges,
    panel::Panel,
    pulse::Pulse,
    server::{Habits, Server, listen, url_of},
};
use crate::{core::names::hex, secret::Secret};

/// What a server needs.
pub struct DiscordOptions {
    /// The bot's token; every other is refused.
    pub token: Secret,
    /// The port of the page and the API; 0 takes a free one.
    pub port: u16,
    /// How long an answer may take: [`PATIENCE`], but in tests of slowness.
    pub patience: Duration,
    /// Beats whenever something is said or edited.
    pub pulse: Pulse,
}

/// A running server. Dropping it stops it.
pub struct DiscordLookalike {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    url: String,
    token: Secret,
    key: Ed25519KeyPair,
    patience: Duration,
    guild: Guild,
    deliveries: Deliveries,
    tokens: Mutex<HashMap<String, Token>>,
    commands: Mutex<Vec<Value>>,
    bot: Mutex<Option<Bot>>,
    panel: Mutex<Option<Panel>>,
    other: Mutex<Option<String>>,
    issued: AtomicU64,
    forms: Mutex<forms::Forms>,
    gateway: gateway::Gateway,
    /// The roles of accounts that were given others than everybody has.
    roles: Mutex<HashMap<&'static str, Vec<String>>>,
    /// The accounts that left the server.
    left: Mutex<std::collections::BTreeSet<&'static str>>,
}

/// How interactions reach the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bot {
    /// At `http://127.0.0.1:8080`.
    Listens(String),
    /// Over the connection that the bot keeps open.
    Connects,
}

#[derive(Default)]
struct Deliveries(Mutex<Vec<Delivery>>);

impl Deliveries {
    fn keep(&self, delivery: Delivery) -> usize {
        let mut kept = lock(&self.0);
        kept.push(delivery);
        kept.len() - 1
    }

    fn find(&self, number: usize) -> Option<Delivery> {
        lock(&self.0).get(number).cloned()
    }
}

/// Which message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// The newest in the channel that this person can see and that has the button.
    Newest(&'a str),
    /// The one with this id, in this channel.
    At(&'a str, &'a str),
}

impl DiscordLookalike {
    /// Starts on loopback.
    ///
    /// # Errors
    /// When the port is taken, or there is no randomness for a key.
    pub async fn start(options: DiscordOptions) -> Result<Self, PlayError> {
        let listener = listen(options.port).await?;
        let url = url_of(&listener)?;
        let shared = Arc::new(Shared {
            gateway: gateway::Gateway::start(options.token.clone()).await?,
            url,
            token: options.token,
            key: key()?,
            patience: options.patience,
            guild: Guild::new(options.pulse),
            deliveries: Deliveries::default(),
            tokens: Mutex::default(),
            commands: Mutex::default(),
            bot: Mutex::default(),
            panel: Mutex::default(),
            other: Mutex::default(),
            issued: AtomicU64::new(1),
            forms: Mutex::default(),
            roles: Mutex::default(),
            left: Mutex::default(),
        });
        let router = api::routes().merge(page::routes()).with_state(Arc::clone(&shared));
        let kept = &["/channels/", "/interactions/", "/webhooks/", "/applications/", "/guilds/", "/users/", "/gateway"];
        let server = Server::serve(listener, router, Exchanges::default(), Habits { kept, prefix: "/api/v10" })?;
        Ok(Self { server, shared })
    }

    /// Where the page is.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// What `discord.api` must be in the bot's configuration.
    pub fn api(&self) -> String {
        format!("{}/api", self.shared.url)
    }

    /// What `discord.public_key` must be in the bot's configuration.
    pub fn public_key(&self) -> String {
        hex(self.shared.key.public_key().as_ref())
    }

    /// The server: its exchanges, its faults, stopping and starting it.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Tells Discord where the bot listens (`http://127.0.0.1:8080`).
    pub fn set_bot(&self, url: &str) {
        *lock(&self.shared.bot) = Some(Bot::Listens(url.trim_end_matches('/').to_owned()));
    }

    /// Tells Discord that the bot keeps a connection open, over which interactions go from now on.
    pub fn set_connected(&self) {
        *lock(&self.shared.bot) = Some(Bot::Connects);
    }

    /// Tells the bot to connect to another address (`wss://...`); gives the one that it must lead to.
    pub fn gateway_known_as(&self, alias: &str) -> String {
        self.shared.gateway.known_as(alias)
    }

    /// Does something to the connection that the bot keeps open.
    pub fn order(&self, order: Order) {
        self.shared.gateway.order(order);
    }

    /// The next connection is to beat so fast, and nobody answers its heartbeats until [`Self::wake_up`].
    pub fn play_dead(&self, beat: Duration) {
        self.shared.gateway.play_dead(beat);
    }

    /// Heartbeats are answered again.
    pub fn wake_up(&self) {
        self.shared.gateway.wake_up();
    }

    /// How many sessions were begun over the open connection, and how often one was taken up again.
    pub fn sessions(&self) -> (u64, u64) {
        self.shared.gateway.counts()
    }

    /// Resolves when it is so, of the sessions begun and resumed.
    pub async fn sessions_are(&self, so: impl Fn(u64, u64) -> bool) {
        let mut news = self.shared.gateway.news();
        loop {
            let (begun, resumed) = self.sessions();
            if so(begun, resumed) {
                return;
            }
            // The sender lives in `self`.
            let _ = news.changed().await;
        }
    }

    /// Somebody types in a channel. What starts with `/` is delivered to the bot as a command and its answer shown to
    /// them; anything else is a message that everybody sees (then `None`).
    ///
    /// # Errors
    /// When there is no such person, channel or command, or no bot. A bot that is down is no error: see [`Answered`].
    pub async fn says(&self, who: &str, in_channel: &str, text: &str) -> Result<Option<Answered>, PlayError> {
        self.shared.says(who, in_channel, text).await
    }

    /// Somebody presses a button, named by its words or the beginning of its id.
    ///
    /// # Errors
    /// When there is no such person, message or button, or no bot.
    pub async fn presses(&self, who: &str, which: Which<'_>, button: &str) -> Result<Answered, PlayError> {
        self.shared.presses(who, which, button).await
    }

    /// Somebody is typing an option of a command: what the bot offers.
    ///
    /// # Errors
    /// When there is no such person, channel or command, or no bot.
    pub async fn offers(&self, who: &str, command: &str, options: &[Value]) -> Result<Vec<String>, PlayError> {
        let origin = Origin { person: somebody(who)?, channel: channel("deploys")? };
        let data = json!({"id": "930000000000000001", "name": command, "type": 1, "options": options});
        let interaction = self.shared.interaction(origin, &About::Typing(data));
        let answered = self.shared.deliver(Delivery { interaction, origin }).await?;
        let answer: Value = serde_json::from_str(&answered.body).unwrap_or_default();
        let choices = answer.pointer("/data/choices").and_then(Value::as_array).into_iter().flatten();
        Ok(choices.filter_map(|choice| choice["value"].as_str().map(str::to_owned)).collect())
    }

    /// Delivers the same once more, with the same id and a fresh signature.
    ///
    /// # Errors
    /// When nothing was delivered under that number, or there is no bot.
    pub async fn deliver_again(&self, delivery: usize) -> Result<Answered, PlayError> {
        let again = self.shared.deliveries.find(delivery).ok_or(PlayError::NoSuchDelivery(delivery))?;
        self.shared.deliver(again).await
    }

    /// Delivers what was delivered under this number, changed; the changes replace members.
    ///
    /// # Errors
    /// When nothing was delivered under that number, or there is no bot.
    pub async fn deliver_changed(&self, delivery: usize, changes: &Value) -> Result<Answered, PlayError> {
        let mut again = self.shared.deliveries.find(delivery).ok_or(PlayError::NoSuchDelivery(delivery))?;
        for (name, value) in changes.as_object().into_iter().flatten() {
            super::json::put(&mut again.interaction, name, value.clone());
        }
        self.shared.deliver(again).await
    }

    /// The server itself; cloning shares it.
    pub fn guild(&self) -> Guild {
        self.shared.guild.clone()
    }

    /// The commands that the bot registered.
    pub fn commands(&self) -> Vec<Value> {
        lock(&self.shared.commands).clone()
    }

    /// Gives somebody these roles and no others.
    pub fn set_roles(&self, who: &str, roles: &[&str]) {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        lock(&self.shared.roles).extend(super::people::find(who).map(|person| (person.discord, roles)));
    }

    /// Somebody leaves the server.
    pub fn leaves(&self, who: &str) {
        lock(&self.shared.left).extend(super::people::find(who).map(|person| person.discord));
    }

    /// What the page shows beside the conversation.
    pub fn set_panel(&self, panel: Panel) {
        *lock(&self.shared.panel) = Some(panel);
    }

    /// Where the same world can be seen with the other look.
    pub fn set_other(&self, url: &str) {
        *lock(&self.shared.other) = Some(url.to_owned());
    }

    /// Everything said anywhere to anybody, oldest first.
    pub fn everything(&self) -> Vec<Message> {
        self.shared.guild.all()
    }

    /// The words of the buttons of a message.
    pub fn buttons(message: &Message) -> Vec<String> {
        deliver::buttons(message).into_iter().map(|(words, _)| words).collect()
    }

    /// Follows changes: the revision grows whenever something is said or edited.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.guild.pulse().changed()
    }
}

fn key() -> Result<Ed25519KeyPair, PlayError> {
    let random = ring::rand::SystemRandom::new();
    let bytes = Ed25519KeyPair::generate_pkcs8(&random).map_err(|_| PlayError::Random)?;
    Ed25519KeyPair::from_pkcs8(bytes.as_ref()).map_err(|_| PlayError::Random)
}

impl Shared {
    async fn says(&self, who: &str, in_channel: &str, text: &str) -> Result<Option<Answered>, PlayError> {
        let origin = Origin { person: somebody(who)?, channel: channel(in_channel)? };
        if !text.starts_with('/') {
            self.guild.add(draft(origin.channel, Author::Person(origin.person), Content::text(text)));
            return Ok(None);
        }
        let registered = lock(&self.commands).clone();
        let filled = typing::fill(&registered, text).ok_or_else(|| PlayError::NoSuchCommand(text.to_owned()))?;
        let command = &filled.command;
        let data = json!({"id": command["id"], "name": command["name"], "type": 1,
            "guild_id": guild::GUILD, "options": filled.options});
        let interaction = self.interaction(origin, &About::Command(data));
        self.deliver(Delivery { interaction, origin }).await.map(Some)
    }

    async fn presses(&self, who: &str, which: Which<'_>, button: &str) -> Result<Answered, PlayError> {
        let person = somebody(who)?;
        let (Which::Newest(name) | Which::At(name, _)) = which;
        let channel = channel(name)?;
        let sees = |message: &&Message| message.channel == channel.id && message.only.is_none_or(|only| only == person);
        let all = self.guild.all();
        let mut seen = all.iter().filter(sees).rev();
        let has = |message: &Message| {
            let found = deliver::buttons(message).into_iter().find(|(words, id)| words == button || id == button);
            found.map(|(_, id)| id)
        };
        let found = match which {
            Which::Newest(_) => seen.find_map(|message| Some((message, has(message)?))),
            Which::At(_, id) => {
                let message = seen.find(|message| message.id == id);
                let message =
                    message.ok_or_else(|| PlayError::NoSuchMessage(format!("`{id}` in #{}", channel.name)))?;
                has(message).map(|id| (message, id))
            }
        };
        let none = || PlayError::NoSuchButton { wanted: button.to_owned(), found: "others or none".to_owned() };
        let (message, custom_id) = found.ok_or_else(none)?;
        let origin = Origin { person, channel };
        let interaction = self.interaction(origin, &About::Button(message, &custom_id));
        self.deliver(Delivery { interaction, origin }).await
    }

    fn bot(&self) -> Result<Bot, PlayError> {
        lock(&self.bot).clone().ok_or(PlayError::NoBot)
    }

    /// A token as long as Discord's.
    fn fresh_token(&self) -> String {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let seed = format!("{number}/{}", self.token.reveal());
        format!("aW50ZXJhY3Rpb246{}", crate::core::names::Digest::of(seed.as_bytes()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
