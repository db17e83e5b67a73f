//! What stands behind links of ours, shown under the message that they are in.

use std::collections::BTreeMap;

use super::{
    client::{MessageRef, Nothing, SlackClient},
    error::SlackError,
    render::Rendered,
};

impl SlackClient {
    /// Shows what stands behind links in a message, each by its address as Slack gave it (`chat.unfurl`).
    ///
    /// # Errors
    /// As every call.
    pub async fn unfurl(&self, at: &MessageRef, shown: &BTreeMap<String, Rendered>) -> Result<(), SlackError> {
        let attachment =
            |rendered: &Rendered| serde_json::json!({"blocks": rendered.blocks, "fallback": rendered.text});
        let unfurls: serde_json::Map<_, _> = shown.iter().map(|(url, one)| (url.clone(), attachment(one))).collect();
        let request = serde_json::json!({"channel": at.channel, "ts": at.ts, "unfurls": unfurls});
        let Nothing {} = self.tell(("chat.unfurl", &at.channel), &request).await?;
        Ok(())
    }
}
