//! What stands in the thread under a card: what is too long for it, and its steps.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{Cursor, MessageRef, SlackClient},
    error::SlackError,
    rates::POST,
    render,
};
use crate::{
    chat::{card::Step, detail::shortened},
    core::names::Digest,
};

/// What the one message of a thread holds, far below what Slack takes even where all of it is escaped.
const LONGEST: usize = 8000;

/// The `event_type` of the metadata that tells how far the steps were said.
const STEPS: &str = "leverframe_steps";
/// The `event_type` of the metadata that tells which long text was said.
const DETAIL: &str = "leverframe_detail";
/// Messages on one page of a thread, and pages that are looked at.
const PAGE: &str = "200";
const PAGES: usize = 20;

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct Replies {
    messages: Vec<Reply>,
    #[serde(default)]
    response_metadata: Option<Cursor>,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    metadata: Option<Value>,
}

impl SlackClient {
    /// Says something in the thread of a message, as it is written (`chat.postMessage`), unless it stands there already,
    /// said before a crash.
    ///
    /// # Errors
    /// As every call.
    pub async fn detail(&self, at: &MessageRef, title: &str, text: &str) -> Result<(), SlackError> {
        let digest = Digest::of(text.as_bytes());
        let is_it = |said: &Value| said.get("text").and_then(Value::as_str) == Some(digest.as_str());
        if self.noted_in(at, DETAIL).await?.iter().any(is_it) {
            return Ok(());
        }
        let said = format!("{}\n{}", render::escaped(title), render::whole(&shortened(text, LONGEST)));
        let metadata = json!({"event_type": DETAIL, "event_payload": {"text": digest.as_str()}});
        let request = json!({"channel": at.channel, "thread_ts": at.ts, "text": said, "unfurl_links": false,
            "unfurl_media": false, "metadata": metadata});
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
        let said = self.noted_in(at, STEPS).await?;
        Ok(said.iter().filter_map(|payload| payload.get("last")?.as_u64()).max())
    }

    /// What messages of a thread remember under this name, in up to 4,000 of them (`conversations.replies`).
    async fn noted_in(&self, at: &MessageRef, kind: &str) -> Result<Vec<Value>, SlackError> {
        let (mut noted, mut cursor) = (Vec::new(), String::new());
        for _ in 0..PAGES {
            let mut parameters = vec![
                ("channel", at.channel.as_str()),
                ("ts", &at.ts),
                ("include_all_metadata", "true"),
                ("limit", PAGE),
            ];
            parameters.extend((!cursor.is_empty()).then_some(("cursor", cursor.as_str())));
            let Replies { messages, response_metadata } = self.ask("conversations.replies", &parameters).await?;
            let of_kind = |metadata: &Value| metadata.get("event_type").is_some_and(|named| named == kind);
            let told = messages.into_iter().filter_map(|reply| reply.metadata.filter(of_kind));
            noted.extend(told.filter_map(|metadata| metadata.get("event_payload").cloned()));
            match response_metadata.and_then(|next| next.next_cursor).filter(|next| !next.is_empty()) {
                Some(next) => cursor = next,
                None => break,
            }
        }
        Ok(noted)
    }
}
