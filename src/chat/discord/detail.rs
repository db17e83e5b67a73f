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
use crate::{
    chat::{Place, card::Step, detail::pieces},
    core::names::Digest,
};

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

/// Whether a thread was there already.
#[derive(PartialEq, Eq)]
enum Branch {
    Fresh,
    Known,
}

impl DiscordClient {
    /// Says something in the thread of a message, which is made where there is none. Pieces that stand there already, said
    /// before a crash, are not said again.
    ///
    /// # Errors
    /// As every call.
    pub async fn detail(&self, at: &Place, title: &str, text: &str) -> Result<(), DiscordError> {
        let said =
            if self.branch(at, title).await? == Branch::Fresh { Vec::new() } else { self.said_in(&at.message).await? };
        for (number, piece) in pieces(text, PIECE).iter().enumerate() {
            let content = markup::diff(piece, CONTENT);
            if said.iter().any(|one| one.trim() == content.trim()) {
                continue;
            }
            let nonce = nonce(&[&at.message, text, &number.to_string()]);
            // A thread has the id of the message that it hangs on.
            self.post(&at.message, &render::as_written(content, nonce)).await?;
        }
        Ok(())
    }

    /// Makes the thread of a message, where there is none.
    async fn branch(&self, at: &Place, title: &str) -> Result<Branch, DiscordError> {
        let route = of_channel(Method::POST, "threads", &at.channel);
        let path = ["channels", &at.channel, "messages", &at.message, "threads"];
        let wanted = json!({"name": cut(title, NAME), "auto_archive_duration": ASIDE});
        match self.ask::<Made>(route, &path, Some(&wanted)).await {
            Ok(_) => Ok(Branch::Fresh),
            Err(error) if error.is_code(code::THREAD_EXISTS) => Ok(Branch::Known),
            Err(error) => Err(error),
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
        let nonce = nonce(&[&at.message, &last.to_string()]);
        self.post(&at.message, &render::as_written(content, nonce)).await.map(drop)
    }

    /// The last step that was said in the thread of a message; none where there is no thread.
    ///
    /// # Errors
    /// As every call.
    pub async fn told_steps(&self, at: &Place) -> Result<Option<u64>, DiscordError> {
        let last = |said: &String| said.rsplit_once(UP_TO)?.1.trim().parse::<u64>().ok();
        Ok(self.said_in(&at.message).await?.iter().filter_map(last).max())
    }
}

/// A nonce for what these say together, as long as Discord takes one: what differs in anything has another.
fn nonce(parts: &[&str]) -> String {
    Digest::of(parts.join("\n").as_bytes()).as_str().chars().take(NONCE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_differ_are_not_taken_for_one() {
        let message = "1400000000000000000";
        // Cut at the length that Discord takes, these two would have begun alike.
        let nonces = [&["123456"][..], &["123457"], &["+ a", "0"], &["+ a", "1"], &["+ b", "0"]];
        let all: std::collections::BTreeSet<String> =
            nonces.iter().map(|parts| nonce(&[&[message], *parts].concat())).collect();
        assert!(all.len() == nonces.len() && all.iter().all(|one| one.len() == NONCE), "{all:?}");
    }
}
