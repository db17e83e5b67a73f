//! What is too long for a card, in the thread that hangs on it.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::{DiscordClient, of_channel},
    error::{DiscordError, code},
    limits::{CONTENT, NONCE, cut},
    markup, render,
};
use crate::chat::{Place, detail::pieces};

/// What one message of a thread holds beside its frame.
const PIECE: usize = 1800;
/// The longest name of a thread.
const NAME: usize = 100;
/// After how many minutes without a word Discord puts a thread aside: a day.
const ASIDE: u32 = 1440;

#[derive(Deserialize)]
struct Made {}

impl DiscordClient {
    /// Says something in the thread of a message, which is made where there is none.
    ///
    /// # Errors
    /// As every call.
    pub async fn detail(&self, at: &Place, title: &str, text: &str) -> Result<(), DiscordError> {
        let route = of_channel(Method::POST, "threads", &at.channel);
        let path = ["channels", &at.channel, "messages", &at.message, "threads"];
        let wanted = json!({"name": cut(title, NAME), "auto_archive_duration": ASIDE});
        match self.ask::<Made>(route, &path, Some(&wanted)).await {
            Err(error) if !error.is_code(code::THREAD_EXISTS) => return Err(error),
            Ok(_) | Err(_) => {}
        }
        for (number, piece) in pieces(text, PIECE).iter().enumerate() {
            let nonce = format!("{}-{number}", at.message);
            let message = render::as_written(markup::diff(piece, CONTENT), cut(&nonce, NONCE));
            // A thread has the id of the message that it hangs on.
            self.post(&at.message, &message).await?;
        }
        Ok(())
    }
}
