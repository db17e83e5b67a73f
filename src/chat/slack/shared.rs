//! Channels that are shared with other organisations (Slack Connect): who reads along decides what a card says.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tokio::time::Instant;

use super::{client::SlackClient, error::SlackError};

/// How long what Slack said of a channel counts.
const FRESH: Duration = Duration::from_secs(600);
/// How many channels are remembered.
const REMEMBERED: usize = 1000;

/// Whether people of other organisations read along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outsiders {
    /// They do, or are invited to.
    Read,
    /// Nobody does.
    None,
}

#[derive(Deserialize)]
struct Described {
    channel: Sharing,
}

#[derive(Deserialize)]
struct Sharing {
    #[serde(default)]
    is_ext_shared: bool,
    #[serde(default)]
    is_pending_ext_shared: bool,
}

impl SlackClient {
    /// Whether people of other organisations read along in a channel (`conversations.info`).
    ///
    /// # Errors
    /// As every call.
    pub async fn outsiders(&self, channel: &str) -> Result<Outsiders, SlackError> {
        let Described { channel } = self.ask("conversations.info", &[("channel", channel)]).await?;
        let read = channel.is_ext_shared || channel.is_pending_ext_shared;
        Ok(if read { Outsiders::Read } else { Outsiders::None })
    }
}

/// What is known of channels.
#[derive(Debug, Default)]
pub struct Channels(Mutex<HashMap<String, (Instant, Outsiders)>>);

impl Channels {
    /// Whether outsiders read along in a channel. Where the app may not look, nobody is taken to; `doctor` names the
    /// permission that is missing.
    ///
    /// # Errors
    /// What passes: Slack did not answer, or wants to be asked later.
    pub async fn outsiders(&self, client: &SlackClient, channel: &str) -> Result<Outsiders, SlackError> {
        if let Some(known) = self.known(channel) {
            return Ok(known);
        }
        let outsiders = match client.outsiders(channel).await {
            Ok(outsiders) => outsiders,
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => {
                tracing::warn!(%error, remedy = error.remedy(), "whether a channel is shared cannot be seen");
                Outsiders::None
            }
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(channel.to_owned(), (Instant::now(), outsiders));
        Ok(outsiders)
    }

    fn known(&self, channel: &str) -> Option<Outsiders> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(channel).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, outsiders)| *outsiders)
    }
}
