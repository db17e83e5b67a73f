//! The message shortcut "Add to incident timeline".

use futures::FutureExt as _;
use serde_json::{Value, json};

use super::{DELIVERY, SlackDesk};
use crate::{
    chat::slack::{form::Begun, shortcut::Shortcut},
    core::decide::{Reply, Words},
    engine::{Said, Typed},
    web::notes::{Noted, note},
};

impl SlackDesk {
    /// Notes a message on an incident. What came of it is told to whoever picked the message, at the address that came
    /// with it: the bot need not be in that channel.
    pub(super) async fn picked(&self, shortcut: Shortcut) -> Option<Value> {
        let (desk, event) = (self.clone(), format!("slack:shortcut:{}", shortcut.trigger));
        let of = event.clone();
        let work = async move {
            if let Reply::Private(words) = desk.noted(&shortcut, of.clone()).await
                && desk.open.heard.note(&of)
            {
                desk.told_at(shortcut, &words);
            }
            None
        };
        self.once(event, work.boxed()).await
    }

    async fn noted(&self, shortcut: &Shortcut, event: String) -> Reply {
        if let Some(team) = self.edge.tenant.foreign(&shortcut.teams) {
            return self.stranger(&shortcut.user, team.to_owned(), Some(event)).await;
        }
        let by = Typed {
            account: format!("slack:{}", shortcut.user),
            via: "slack".to_owned(),
            channel: format!("slack:{}", shortcut.channel),
            invoked: String::new(),
            said: Said::Text(String::new()),
        };
        match note(&self.engine, &shortcut.remark, by, event.clone()).await {
            Noted::Said(words) => Reply::Private(words),
            Noted::Asks(form) => {
                let at = Begun { channel: shortcut.channel.clone(), message: None };
                self.opens(&form, at, (&shortcut.trigger, &event)).await
            }
        }
    }

    fn told_at(&self, shortcut: Shortcut, words: &Words) {
        let (client, text, busy) = (self.edge.client.clone(), self.text(words), self.engine.busy());
        let answer = json!({"response_type": "ephemeral", "replace_original": false, "text": text});
        self.tasks.start(async move {
            let told = tokio::time::timeout(DELIVERY, client.respond(&shortcut.response_url, &answer)).await;
            if let Ok(Err(error)) = told {
                tracing::warn!(%error, "a private answer could not be delivered");
            }
            drop(busy);
        });
    }
}
