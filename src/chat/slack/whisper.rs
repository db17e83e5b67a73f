//! Messages that one person sees (`chat.postEphemeral`), with or without buttons.

use slack_morphism::prelude::*;

use super::{
    client::{Nothing, SlackClient},
    error::SlackError,
};

impl SlackClient {
    /// Says something that one person sees, with blocks.
    ///
    /// # Errors
    /// As every call.
    pub async fn whisper_with(
        &self,
        to: (&str, &str),
        text: String,
        blocks: Vec<SlackBlock>,
    ) -> Result<(), SlackError> {
        self.whispers(to, SlackMessageContent::new().with_text(text).with_blocks(blocks)).await
    }

    pub(super) async fn whispers(
        &self,
        (channel, user): (&str, &str),
        content: SlackMessageContent,
    ) -> Result<(), SlackError> {
        let (to, user) = (SlackChannelId(channel.to_owned()), SlackUserId(user.to_owned()));
        let request = SlackApiChatPostEphemeralRequest::new(to, user, content);
        let Nothing {} = self.tell(("chat.postEphemeral", channel), &request).await?;
        Ok(())
    }
}
