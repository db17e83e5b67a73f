//! Conversations: cards that say how a request stands, and the platforms that show them, one folder each. Platform
//! JSON stays in its folder; the engine speaks to all of them through [`Chat`].

mod act;
pub mod card;
mod detail;
pub mod discord;
pub mod form;
mod plain;
pub mod remark;
pub mod slack;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use jiff::Timestamp;

pub use act::Act;

use self::{
    card::{Card, Step},
    discord::error::DiscordError,
    slack::error::SlackError,
};
use crate::core::{
    catalog::Platform,
    decide::Words,
    names::{Digest, RequestId},
};

/// What a call to a platform comes to.
pub type Call<'a, T> = BoxFuture<'a, Result<T, ChatError>>;

/// Where a message is, in the platform's own words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The channel.
    pub channel: String,
    /// The message in it.
    pub message: String,
}

/// Whom a reminder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To<'a> {
    /// Whoever reads this channel.
    Channel(&'a str),
    /// This account alone, directly.
    Account(&'a str),
}

/// What the button says by which somebody says who they are.
pub const LINK_LABEL: &str = "Link my account";

/// A reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nudge<'a> {
    /// What it says.
    pub words: &'a str,
    /// Where to look; empty where that is not known.
    pub link: &'a str,
    /// By what it is told from every other.
    pub mark: &'a str,
}

/// A chat platform, as the engine uses it. Channels and accounts are the platform's ids, without its name before them.
/// Nothing is retried here.
pub trait Chat: Send + Sync {
    /// Which one.
    fn platform(&self) -> Platform;

    /// What a card looks like there, as a digest: two cards with the same one need no edit.
    fn face(&self, card: &Card) -> Digest;

    /// Posts the card of a request. After an error that is passing it may be there all the same.
    fn post<'a>(&'a self, channel: &'a str, card: &'a Card, request: &'a RequestId) -> Call<'a, Place>;

    /// Replaces what a message shows.
    fn edit<'a>(&'a self, at: &'a Place, card: &'a Card) -> Call<'a, ()>;

    /// Finds the card of a request that was asked for at `since`.
    fn find<'a>(&'a self, channel: &'a str, request: &'a RequestId, since: Timestamp) -> Call<'a, Option<Place>>;

    /// Says what is too long for a card, such as a whole diff, in the thread under it.
    fn detail<'a>(&'a self, at: &'a Place, title: &'a str, text: &'a str) -> Call<'a, ()>;

    /// Says steps, the oldest first, in the thread under a message; `title` is what the thread is about.
    fn tell<'a>(&'a self, at: &'a Place, title: &'a str, steps: &'a [Step]) -> Call<'a, ()>;

    /// The last step that was said in the thread under a message, by its place in the ledger.
    fn told<'a>(&'a self, at: &'a Place) -> Call<'a, Option<u64>>;

    /// Says something in a channel that is no card.
    fn say<'a>(&'a self, channel: &'a str, words: &'a str) -> Call<'a, ()>;

    /// Tells one account, in a channel where the bot cannot post, where its card is instead.
    fn point<'a>(&'a self, channel: &'a str, account: &'a str, at: &'a Place) -> Call<'a, ()>;

    /// Why an account cannot vote, by the platform's own word of this moment; `None` for a member in good standing.
    fn barred<'a>(&'a self, account: &'a str) -> Call<'a, Option<Words>>;

    /// Reminds somebody of something.
    fn remind<'a>(&'a self, to: To<'a>, nudge: Nudge<'a>) -> Call<'a, ()>;

    /// Whether a reminder arrived that was sent at `since` or later.
    fn reminded<'a>(&'a self, to: To<'a>, mark: &'a str, since: Timestamp) -> Call<'a, bool>;

    /// Those of some accounts that are in a user group or have a role now.
    fn members<'a>(&'a self, group: &'a str, asked: &'a BTreeSet<String>) -> Call<'a, BTreeSet<String>>;

    /// Whether an account ended: deactivated, or no longer here.
    fn is_gone<'a>(&'a self, account: &'a str) -> Call<'a, bool>;

    /// Where people find a message: an address to press.
    fn link<'a>(&'a self, at: &'a Place) -> Call<'a, String>;

    /// Whether a channel of the catalog is written as this platform's are.
    fn has_channel(&self, channel: &str) -> bool;
}

/// The platforms in use.
#[derive(Clone, Default)]
pub struct Chats(BTreeMap<Platform, Arc<dyn Chat>>);

impl Chats {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, chat: Option<Arc<dyn Chat>>) -> Self {
        self.0.extend(chat.map(|chat| (chat.platform(), chat)));
        self
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Chat>> {
        self.0.values()
    }

    /// One of them.
    pub fn on(&self, platform: Platform) -> Option<&Arc<dyn Chat>> {
        self.0.get(&platform)
    }

    /// The one that `slack:C1` belongs to, and what stands after the colon.
    pub fn of<'a>(&self, address: &'a str) -> Option<(&Arc<dyn Chat>, &'a str)> {
        let (word, id) = address.split_once(':')?;
        self.iter().find(|chat| chat.platform().word() == word).map(|chat| (chat, id))
    }
}

/// Why a platform did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// Slack.
    #[error(transparent)]
    Slack(#[from] SlackError),
    /// Discord.
    #[error(transparent)]
    Discord(#[from] DiscordError),
}

impl ChatError {
    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::Slack(error) => error.remedy(),
            Self::Discord(error) => error.remedy(),
        }
    }

    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Slack(error) => error.is_passing(),
            Self::Discord(error) => error.is_passing(),
        }
    }

    /// How long the platform asks us to wait.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Slack(SlackError::RateLimited { retry_after })
            | Self::Discord(DiscordError::RateLimited { retry_after }) => Some(*retry_after),
            Self::Slack(_) | Self::Discord(_) => None,
        }
    }
}
