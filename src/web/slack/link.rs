//! The one button for whoever the catalog does not know: it says who they are, by their account on GitHub.

use serde_json::{Value, json};

use super::{DELIVERY, SlackDesk};
use crate::{
    chat::slack::{
        incoming::{Click as Pressed, Place},
        render,
    },
    core::decide::{Reply, Words},
    engine::{Said, Typed},
};

impl SlackDesk {
    pub(super) fn offers_link(&self, user: &str) -> bool {
        self.engine.offers_link(&format!("slack:{user}"), "slack")
    }

    /// As typing `/link`.
    pub(super) async fn links(&self, press: &Pressed) -> Reply {
        let (Place::Message(place) | Place::Whisper(place)) = &press.place else { return Reply::Taken };
        let (account, channel) = (format!("slack:{}", press.user), format!("slack:{}", place.channel));
        let (via, invoked, said) = ("slack".to_owned(), render::LINK.to_owned(), Said::Text(String::new()));
        self.engine.typed(Typed { account, via, channel, invoked, said }, None).await
    }

    /// What somebody is told, with the button where nobody knows them.
    pub(super) fn offering(&self, user: &str, reply: Reply) -> Option<Value> {
        let mut answer = self.privately(reply)?;
        if self.offers_link(user)
            && let Some(text) = answer.get("text").and_then(Value::as_str)
        {
            let blocks = render::with_link(text);
            answer.as_object_mut()?.insert("blocks".to_owned(), json!(blocks));
        }
        Some(answer)
    }

    /// Says something that only one person sees, with the button under it.
    pub(super) fn whisper_offering(&self, (channel, user): (String, String), words: &Words) {
        let (client, text, busy) = (self.edge.client.clone(), self.text(words), self.engine.busy());
        self.tasks.start(async move {
            let blocks = render::with_link(&text);
            let told = client.whisper_with((&channel, &user), text, blocks);
            if let Ok(Err(error)) = tokio::time::timeout(DELIVERY, told).await {
                tracing::warn!(%error, "a private answer could not be delivered");
            }
            drop(busy);
        });
    }
}
