//! Reminders: said in a channel or to one person directly, and found again after a crash by their mark.

use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::{DiscordClient, of_channel},
    error::DiscordError,
    render,
};
use crate::chat::{Nudge, To};

#[derive(Deserialize)]
struct Direct {
    id: String,
}

impl DiscordClient {
    /// Says a reminder.
    ///
    /// # Errors
    /// As every call.
    pub async fn remind(&self, to: To<'_>, nudge: Nudge<'_>) -> Result<(), DiscordError> {
        let channel = self.place_of(to).await?;
        self.post(&channel, &render::reminding(nudge)).await.map(drop)
    }

    /// Whether a reminder with this mark was said at `since` or later.
    ///
    /// # Errors
    /// As every call.
    pub async fn reminded(&self, to: To<'_>, mark: &str, since: Timestamp) -> Result<bool, DiscordError> {
        let channel = self.place_of(to).await?;
        Ok(self.find(&channel, mark, since).await?.is_some())
    }

    /// The channel; of a person the one that is between them and the bot.
    async fn place_of(&self, to: To<'_>) -> Result<String, DiscordError> {
        match to {
            To::Channel(channel) => Ok(channel.to_owned()),
            To::Account(account) => {
                let route = of_channel(Method::POST, "direct", "");
                let wanted = json!({ "recipient_id": account });
                let opened: Direct = self.ask(route, &["users", "@me", "channels"], Some(&wanted)).await?;
                Ok(opened.id)
            }
        }
    }
}
