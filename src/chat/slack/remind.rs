//! Reminders: said in a channel or to one person directly, and found again after a crash by their mark.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use slack_morphism::blocks::SlackBlock;

use super::{
    client::{Post, SlackClient},
    error::SlackError,
    render,
};
use crate::chat::{Nudge, To};

#[derive(Deserialize)]
struct Opened {
    channel: Direct,
}

#[derive(Deserialize)]
struct Direct {
    id: String,
}

impl SlackClient {
    /// Says a reminder.
    ///
    /// # Errors
    /// As every call.
    pub async fn remind(&self, to: To<'_>, nudge: Nudge<'_>) -> Result<(), SlackError> {
        let channel = self.place_of(to).await?;
        let text = render::escaped(format!("{} {}", nudge.words, nudge.link).trim_end());
        let blocks: Vec<SlackBlock> = vec![render::section(&text)];
        self.post(Post { channel, text, blocks, request: nudge.mark.to_owned() }).await.map(drop)
    }

    /// Whether a reminder with this mark was said at `since` or later.
    ///
    /// # Errors
    /// As every call.
    pub async fn reminded(&self, to: To<'_>, mark: &str, since: Timestamp) -> Result<bool, SlackError> {
        let channel = self.place_of(to).await?;
        Ok(self.find(&channel, mark, since).await?.is_some())
    }

    /// The channel; of a person the one that is between them and the bot (`conversations.open`).
    async fn place_of(&self, to: To<'_>) -> Result<String, SlackError> {
        match to {
            To::Channel(channel) => Ok(channel.to_owned()),
            To::Account(account) => {
                let request = json!({ "users": account });
                let Opened { channel } = self.tell(("conversations.open", ""), &request).await?;
                Ok(channel.id)
            }
        }
    }
}
