//! The one button for whoever the catalog does not know: it says who they are, by their account on GitHub.

use serde_json::{Value, json};

use super::{Desk, account, nothing_more, private, typed};
use crate::{
    chat::{
        LINK_LABEL,
        discord::{incoming::Origin, render},
    },
    core::decide::{Reply, Words},
};

/// The button by which somebody whom the catalog does not know says who they are.
pub(super) const LINK: &str = "link";

/// The same with that button under it.
pub(super) fn offering(mut message: Value) -> Value {
    let button = json!({"type": 2, "style": 1, "label": LINK_LABEL, "custom_id": LINK});
    if let Some(members) = message.as_object_mut() {
        members.insert("components".to_owned(), json!([{"type": 1, "components": [button]}]));
    }
    message
}

impl Desk {
    /// Words for one person, with the button where nobody knows them.
    pub(super) fn privately(&self, origin: &Origin, words: &Words) -> Value {
        let message = render::privately(render::words(words));
        if self.engine.offers_link(&account(origin), "discord") { offering(message) } else { message }
    }

    /// As typing `/link`.
    pub(super) async fn links(&self, origin: &Origin) -> Value {
        let pressed = typed(&self.engine, origin, LINK.to_owned(), Vec::new());
        match self.engine.typed(pressed, None).await {
            Reply::Private(words) => private(&words),
            Reply::Taken | Reply::Go | Reply::Stop => nothing_more(),
        }
    }
}
