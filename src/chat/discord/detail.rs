//! What stands in the thread that hangs on a card: what is too long for it, and its steps.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::{DiscordClient, of_channel},
    error::{DiscordError, code},
    limits::{CONTENT, NONCE, cut},
    markup, render,
};
use crate::chat::{Place, card::Step, detail::pieces};

/// What one message of a thread holds beside its frame.
const PIECE: usize = 1800;
/// The longest name of a thread.
const NAME: usize = 100;
/// After how many minutes without a word Discord puts a thread aside: a day.
const ASIDE: u32 = 1440;

/// What stands before the place of the last step.
const UP_TO: &str = "up to entry ";

#[derive(Deserialize)]
struct Made {}

#[derive(Deserialize)]
struct Said {
    author: Author,
    #[serde(default)]
    content: String,
}

#[derive(Deserialize)]
struct Author {
    id: String,
}

impl DiscordClient {
    /// Says something in the thread of a message, which is made where there is none.
    ///
    /// # Errors
    /// As every call.
    pub async fn detail(&self, at: &Place, title: &str, text: &str) -> Result<(), DiscordError> {
        self.branch(at, title).await?;
        for (number, piece) in pieces(text, PIECE).iter().enumerate() {
            let nonce = format!("{}-{number}", at.message);
            let message = render::as_written(markup::diff(piece, CONTENT), cut(&nonce, NONCE));
            // A thread has the id of the message that it hangs on.
            self.post(&at.message, &message).await?;
        }
        Ok(())
    }

    /// Makes the thread of a message, where there is none.
    async fn branch(&self, at: &Place, title: &str) -> Result<(), DiscordError> {
        let route = of_channel(Method::POST, "threads", &at.channel);
        let path = ["channels", &at.channel, "messages", &at.message, "threads"];
        let wanted = json!({"name": cut(title, NAME), "auto_archive_duration": ASIDE});
        match self.ask::<Made>(route, &path, Some(&wanted)).await {
            Err(error) if !error.is_code(code::THREAD_EXISTS) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Says steps in the thread of a message, as one message whose last line names the last.
    ///
    /// # Errors
    /// As every call.
    pub async fn tell_steps(&self, at: &Place, title: &str, steps: &[Step]) -> Result<(), DiscordError> {
        self.branch(at, title).await?;
        let last = steps.last().map_or(0, |step| step.seq);
        let content = format!("{}\n-# {UP_TO}{last}", render::steps(steps, PIECE));
        let nonce = format!("{}-{last}s", at.message);
        self.post(&at.message, &render::as_written(content, cut(&nonce, NONCE))).await.map(drop)
    }

    /// The last step that was said in the thread of a message; none where there is no thread.
    ///
    /// # Errors
    /// As every call.
    pub async fn told_steps(&self, at: &Place) -> Result<Option<u64>, DiscordError> {
        let me = self.me().await?.to_owned();
        let route = of_channel(Method::GET, "messages", &at.message);
        let said: Vec<Said> = match self.ask(route, &["channels", &at.message, "messages"], None).await {
            Ok(said) => said,
            Err(error) if error.is_code(code::UNKNOWN_CHANNEL) => return Ok(None),
            Err(error) => return Err(error),
        };
        let ours = said.iter().filter(|one| one.author.id == me);
        let last = |one: &Said| one.content.rsplit_once(UP_TO)?.1.trim().parse::<u64>().ok();
        Ok(ours.filter_map(last).max())
    }
}
