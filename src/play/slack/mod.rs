//! A Slack look-alike: the Web API that the bot calls, signed commands and clicks as Slack sends them,
//! and a browser page on which people type and press.

pub mod limits;
pub mod signature;
pub mod words;
pub mod workspace;

mod api;
mod deliver;
mod forms;
mod organisation;
mod page;
mod people;
mod response;
mod socket;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use deliver::{Answered, PATIENCE};
use deliver::{Attempt, COMMANDS, Delivery, INTERACTIONS, Origin};
pub use organisation::Home;
pub use page::CommandHint;
pub use socket::SocketOrder;
use socket::Sockets;
use tokio::sync::watch;
use workspace::{Author, BOT_USER, Content, Message, Workspace, draft, somebody};

use super::{
    error::PlayError,
    exchange::Exchanges,
    panel::Panel,
    people::Person,
    pulse::Pulse,
    server::{Habits, Server, listen, url_of},
};
use crate::{clock, secret::Secret};

/// What a workspace needs.
pub struct SlackOptions {
    /// The bot's token; every other is refused with `invalid_auth`.
    pub token: Secret,
    /// The app's own token, which opens connections of Socket Mode.
    pub app_token: Secret,
    /// The old verification token in every payload; the bot must not rely on it.
    pub verification: String,
    /// The port of the page and the API; 0 takes a free one.
    pub port: u16,
    /// How long an answer may take: [`PATIENCE`], but in tests of slowness.
    pub patience: Duration,
    /// Beats whenever something is said or edited.
    pub pulse: Pulse,
}

/// A running workspace. Dropping it stops it.
pub struct SlackLookalike {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    url: String,
    token: Secret,
    verification: String,
    patience: Duration,
    workspace: Workspace,
    responses: response::Responses,
    deliveries: Deliveries,
    bot: Mutex<Option<Bot>>,
    sockets: Sockets,
    forms: Mutex<forms::Forms>,
    shared_channels: Mutex<std::collections::BTreeSet<&'static str>>,
    people: people::Standings,
    organisation: organisation::Organisation,
    commands: Mutex<Vec<CommandHint>>,
    panel: Mutex<Option<Panel>>,
    other: Mutex<Option<String>>,
    triggers: AtomicU64,
}

/// How what people do reaches the bot.
#[derive(Clone)]
enum Bot {
    /// Over HTTP: where it listens, and what deliveries are signed with.
    Listens { url: String, signing_secret: Secret },
    /// Over the connections that it keeps open.
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
    /// The one with this time stamp, in this channel.
    At(&'a str, &'a str),
    /// The newest in this channel whose words contain this text.
    Saying(&'a str, &'a str),
}

impl SlackLookalike {
    /// Starts on loopback.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(options: SlackOptions) -> Result<Self, PlayError> {
        let listener = listen(options.port).await?;
        let url = url_of(&listener)?;
        let shared = Arc::new(Shared {
            responses: response::Responses::new(&url),
            url,
            token: options.token,
            verification: options.verification,
            patience: options.patience,
            workspace: Workspace::new(options.pulse),
            deliveries: Deliveries::default(),
            bot: Mutex::default(),
            sockets: Sockets::start(options.app_token).await?,
            forms: Mutex::default(),
            shared_channels: Mutex::default(),
            people: people::Standings::default(),
            organisation: organisation::Organisation::default(),
            commands: Mutex::new(page::default_commands()),
            panel: Mutex::default(),
            other: Mutex::default(),
            triggers: AtomicU64::new(1),
        });
        let router = api::routes().merge(response::routes()).merge(page::routes()).with_state(Arc::clone(&shared));
        let habits = Habits { kept: &["/api/", "/response/"], prefix: "" };
        let server = Server::serve(listener, router, Exchanges::default(), habits)?;
        Ok(Self { server, shared })
    }

    /// Where the page is.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// What `slack.api` must be in the bot's configuration.
    pub fn api(&self) -> String {
        format!("{}/api", self.shared.url)
    }

    /// The server: its exchanges, its faults, stopping and starting it.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Tells the workspace where the bot listens (`http://127.0.0.1:8080`) and what deliveries are signed with.
    pub fn set_bot(&self, url: &str, signing_secret: Secret) {
        let url = url.trim_end_matches('/').to_owned();
        *lock(&self.shared.bot) = Some(Bot::Listens { url, signing_secret });
    }

    /// Tells the workspace that the bot keeps connections open, over which everything goes from now on.
    pub fn set_connected(&self) {
        *lock(&self.shared.bot) = Some(Bot::Connects);
    }

    /// Does something to the connections that the bot keeps open.
    pub fn order(&self, order: SocketOrder) {
        self.shared.sockets.order(order);
    }

    /// Tells the bot to open its connections at another address (`wss://...`); gives the one that it must lead to.
    pub fn sockets_known_as(&self, alias: &str) -> String {
        self.shared.sockets.known_as(alias)
    }

    /// How many connections are open and not about to be closed, how many were ever opened, and how often something was
    /// sent again because its connection broke.
    pub fn sockets(&self) -> (usize, u64, u64) {
        self.shared.sockets.counts()
    }

    /// Resolves when the connections are so: open, and ever opened.
    pub async fn sockets_are(&self, are_so: impl Fn(usize, u64) -> bool) {
        let mut news = self.shared.sockets.news();
        loop {
            let (open, opened, _) = self.sockets();
            if are_so(open, opened) || news.changed().await.is_err() {
                return;
            }
        }
    }

    /// Somebody types in a channel. What starts with `/` is delivered to the bot as a slash command and its answer
    /// shown to them; anything else is a message that everybody sees (then `None`).
    ///
    /// # Errors
    /// When there is no such person or channel, or no bot. A bot that is down is no error: see [`Answered`].
    pub async fn says(&self, who: &str, channel: &str, text: &str) -> Result<Option<Answered>, PlayError> {
        self.shared.says(who, channel, text).await
    }

    /// Somebody presses a button, named by its words or its action id.
    ///
    /// # Errors
    /// When there is no such person, message or button, or no bot.
    pub async fn presses(&self, who: &str, which: Which<'_>, button: &str) -> Result<Answered, PlayError> {
        self.shared.presses(who, which, button).await
    }

    /// Delivers the same once more, with the same ids and a fresh signature, as Slack does when it saw no answer.
    ///
    /// # Errors
    /// When nothing was delivered under that number, or there is no bot.
    pub async fn deliver_again(&self, delivery: usize) -> Result<Answered, PlayError> {
        let again = self.shared.deliveries.find(delivery).ok_or(PlayError::NoSuchDelivery(delivery))?;
        self.shared.deliver(again, Attempt::Again).await
    }

    /// Delivers a form of the test's own making to `/slack/commands` or `/slack/interactions`, signed.
    ///
    /// # Errors
    /// When there is no bot.
    pub async fn deliver_form(&self, path: &'static str, form: String) -> Result<Answered, PlayError> {
        self.shared.deliver(Delivery { path, form, from: None }, Attempt::First).await
    }

    /// The form that was delivered under this number, to be changed and delivered with [`Self::deliver_form`].
    ///
    /// # Errors
    /// When nothing was delivered under that number.
    pub fn form_of(&self, delivery: usize) -> Result<String, PlayError> {
        Ok(self.shared.deliveries.find(delivery).ok_or(PlayError::NoSuchDelivery(delivery))?.form)
    }

    /// What the composer of the page suggests. On the page a command that is not among these is answered by Slack
    /// itself; [`Self::says`] delivers everything.
    pub fn set_commands(&self, commands: Vec<CommandHint>) {
        *lock(&self.shared.commands) = commands;
    }

    /// Shares a channel with another organisation (Slack Connect).
    ///
    /// # Errors
    /// When there is no such channel.
    pub fn share(&self, channel: &str) -> Result<(), PlayError> {
        lock(&self.shared.shared_channels).insert(workspace::channel(channel)?.id);
        Ok(())
    }

    /// What the page shows beside the conversation.
    pub fn set_panel(&self, panel: Panel) {
        *lock(&self.shared.panel) = Some(panel);
    }

    /// Where the same world can be seen with the other look.
    pub fn set_other(&self, url: &str) {
        *lock(&self.shared.other) = Some(url.to_owned());
    }

    /// What everybody sees in a channel, oldest first.
    ///
    /// # Errors
    /// When there is no such channel.
    pub fn messages(&self, channel: &str) -> Result<Vec<Message>, PlayError> {
        let channel = workspace::channel(channel)?;
        let all = self.shared.workspace.all().into_iter();
        Ok(all.filter(|message| message.only.is_none() && message.channel == channel.id).collect())
    }

    /// What only this person sees, in any channel, oldest first.
    ///
    /// # Errors
    /// When there is no such person.
    pub fn ephemerals(&self, who: &str) -> Result<Vec<Message>, PlayError> {
        let person = somebody(who)?;
        Ok(self.shared.workspace.all().into_iter().filter(|message| message.only == Some(person)).collect())
    }

    /// Everything said anywhere to anybody, oldest first.
    pub fn everything(&self) -> Vec<Message> {
        self.shared.workspace.all()
    }

    /// The words of the buttons of a message.
    pub fn buttons(message: &Message) -> Vec<String> {
        deliver::buttons(message).into_iter().map(|(words, _)| words).collect()
    }

    /// Follows changes: the revision grows whenever something is said or edited.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.workspace.pulse().changed()
    }
}

fn no_button(wanted: &str, messages: &[&Message]) -> PlayError {
    let found: Vec<String> = messages.iter().flat_map(|message| SlackLookalike::buttons(message)).collect();
    let found = if found.is_empty() { "none".into() } else { found.join(", ") };
    PlayError::NoSuchButton { wanted: wanted.to_owned(), found }
}

impl Shared {
    async fn says(&self, who: &str, channel: &str, text: &str) -> Result<Option<Answered>, PlayError> {
        let (person, channel) = (somebody(who)?, workspace::channel(channel)?);
        if !text.starts_with('/') {
            // Slack keeps what people type with these three escaped, and names of people as mentions.
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let (text, mention) =
                (text.replace("@leverframe", &format!("<@{BOT_USER}>")), text.contains("@leverframe"));
            let message = self.workspace.add(draft(channel, Author::Person(person), Content::text(text)));
            let links: Vec<&str> = message.content.text.split_whitespace().filter(|word| self.is_ours(word)).collect();
            if !links.is_empty() {
                self.shared_links(channel, &message, (person, &links)).await?;
            }
            return match mention {
                true => self.mentioned(channel, &message, person).await.map(Some),
                false => Ok(None),
            };
        }
        let (command, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let origin = Origin { person, channel, command: Some(command.to_owned()) };
        let form = self.command_form(&origin, command, rest.trim());
        let delivery = Delivery { path: COMMANDS, form, from: Some(origin) };
        self.deliver(delivery, Attempt::First).await.map(Some)
    }

    async fn presses(&self, who: &str, which: Which<'_>, button: &str) -> Result<Answered, PlayError> {
        let person = somebody(who)?;
        let message = self.message(person, which, button)?;
        let action = deliver::button(&message, button).ok_or_else(|| no_button(button, &[&message]))?;
        let origin = Origin { person, channel: workspace::channel(message.channel)?, command: None };
        let form = self.click_form(&origin, &message, action);
        let delivery = Delivery { path: INTERACTIONS, form, from: Some(origin) };
        self.deliver(delivery, Attempt::First).await
    }

    fn message(&self, person: &'static Person, which: Which<'_>, button: &str) -> Result<Message, PlayError> {
        let all = self.workspace.all();
        let (Which::Newest(name) | Which::At(name, _) | Which::Saying(name, _)) = which;
        let channel = workspace::channel(name)?;
        let sees = |message: &&Message| message.channel == channel.id && message.only.is_none_or(|only| only == person);
        let mut seen = all.iter().filter(sees).rev();
        let found = match which {
            Which::Newest(_) => {
                let newest = seen.clone().find(|message| deliver::button(message, button).is_some());
                newest.ok_or_else(|| no_button(button, &seen.collect::<Vec<_>>()))?
            }
            Which::At(_, ts) => seen
                .find(|message| message.ts == ts)
                .ok_or_else(|| PlayError::NoSuchMessage(format!("`{ts}` in #{}", channel.name)))?,
            Which::Saying(_, text) => seen
                .find(|message| message.content.words().contains(text))
                .ok_or_else(|| PlayError::NoSuchMessage(format!("`{text}` in #{}", channel.name)))?,
        };
        Ok(found.clone())
    }

    fn bot(&self) -> Option<Bot> {
        lock(&self.bot).clone()
    }
    fn panel(&self) -> Option<Panel> {
        lock(&self.panel).clone()
    }

    fn commands(&self) -> Vec<CommandHint> {
        lock(&self.commands).clone()
    }

    /// A fresh trigger id that may open a form for whoever did something.
    fn trigger_of(&self, origin: &Origin) -> String {
        let trigger = self.trigger();
        lock(&self.forms).expect(&trigger, origin);
        trigger
    }

    /// A fresh trigger id, in Slack's form.
    fn trigger(&self) -> String {
        let number = self.triggers.fetch_add(1, Ordering::Relaxed);
        let now = clock::now().as_millisecond();
        format!("{now}.{number}.{}", crate::core::names::Digest::of(format!("{now}/{number}").as_bytes()).short())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
