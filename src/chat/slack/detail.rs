//! What is too long for a card, in the thread under it.

use serde::Deserialize;
use serde_json::json;

use super::{
    client::{MessageRef, SlackClient},
    error::SlackError,
    rates::POST,
    render,
};
use crate::chat::detail::shortened;

/// What the one message of a thread holds, far below what Slack takes even where all of it is escaped.
const LONGEST: usize = 8000;

#[derive(Deserialize)]
struct Nothing {}

impl SlackClient {
    /// Says something in the thread of a message, as it is written (`chat.postMessage`).
    ///
    /// # Errors
    /// As every call.
    pub async fn detail(&self, at: &MessageRef, title: &str, text: &str) -> Result<(), SlackError> {
        let said = format!("{}\n{}", render::escaped(title), render::whole(&shortened(text, LONGEST)));
        let request = json!({"channel": at.channel, "thread_ts": at.ts, "text": said, "unfurl_links": false,
            "unfurl_media": false});
        let Nothing {} = self.tell((POST, &at.channel), &request).await?;
        Ok(())
    }
}
