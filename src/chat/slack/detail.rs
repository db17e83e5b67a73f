//! What stands in the thread under a card: what is too long for it, and its steps.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{MessageRef, SlackClient},
    error::SlackError,
    rates::POST,
    render,
};
use crate::chat::{card::Step, detail::shortened};

/// What the one message of a thread holds, far below what Slack takes even where all of it is escaped.
const LONGEST: usize = 8000;

/// The `event_type` of the metadata that tells how far the steps were said.
const STEPS: &str = "leverframe_steps";
/// How many messages of a thread are looked at.
const PAGE: &str = "200";

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct Replies {
    messages: Vec<Reply>,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    metadata: Option<Value>,
}

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

    /// Says steps in the thread of a message (`chat.postMessage`), as one message that remembers the last.
    ///
    /// # Errors
    /// As every call.
    pub async fn tell_steps(&self, at: &MessageRef, steps: &[Step]) -> Result<(), SlackError> {
        let last = steps.last().map(|step| step.seq);
        let metadata = json!({"event_type": STEPS, "event_payload": {"last": last}});
        let request = json!({"channel": at.channel, "thread_ts": at.ts, "text": render::steps(steps, LONGEST),
            "unfurl_links": false, "unfurl_media": false, "metadata": metadata});
        let Nothing {} = self.tell((POST, &at.channel), &request).await?;
        Ok(())
    }

    /// The last step that was said in the thread of a message (`conversations.replies`).
    ///
    /// # Errors
    /// As every call.
    pub async fn told_steps(&self, at: &MessageRef) -> Result<Option<u64>, SlackError> {
        let parameters =
            [("channel", at.channel.as_str()), ("ts", &at.ts), ("include_all_metadata", "true"), ("limit", PAGE)];
        let Replies { messages } = self.ask("conversations.replies", &parameters).await?;
        let told = messages.iter().filter_map(|reply| reply.metadata.as_ref());
        let told = told.filter(|metadata| metadata.get("event_type").is_some_and(|kind| kind == STEPS));
        Ok(told.filter_map(|metadata| metadata.pointer("/event_payload/last")?.as_u64()).max())
    }
}
