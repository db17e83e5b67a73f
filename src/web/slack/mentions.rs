//! The bot is mentioned in plain words, somebody opens its home tab, or a link of ours is posted.

use futures::FutureExt as _;
use serde_json::Value;

use super::SlackDesk;
use crate::{
    chat::slack::{
        event::{Event, Mention},
        home,
    },
    core::decide::{Reply, Words},
    engine::{Said, Typed},
};

impl SlackDesk {
    /// Takes an event. It has no answer of its own: words for somebody are whispered where they spoke.
    pub(super) async fn event(&self, event: Event) -> Option<Value> {
        match event {
            Event::Mention(mention) => self.mentioned(mention).await,
            Event::HomeOpened { teams, user } => {
                self.home_opened(&teams, user);
                None
            }
            Event::Linked(shared) => {
                self.unfurl(shared);
                None
            }
            Event::Challenge(_) | Event::Other { .. } => None,
        }
    }

    /// What is said to the bot is a command as it stands under the one name for all.
    async fn mentioned(&self, mention: Mention) -> Option<Value> {
        let (desk, event) = (self.clone(), format!("slack:event:{}", mention.event));
        let of = event.clone();
        let work = async move {
            let place = (mention.channel.clone(), mention.user.clone());
            let foreign = desk.edge.tenant.foreign(&mention.teams).map(str::to_owned);
            let reply = match foreign {
                Some(team) => desk.stranger(&mention.user, team, Some(of.clone())).await,
                None => {
                    let user = mention.user.clone();
                    desk.asked(desk.as_typed(mention), &user, of.clone()).await
                }
            };
            if let Reply::Private(words) = reply {
                desk.tell(&of, place, words);
            }
            None
        };
        self.once(event, work.boxed()).await
    }

    fn as_typed(&self, mention: Mention) -> Typed {
        let one_for_all = self.engine.rules().map(|rules| rules.catalog.commands().name.to_string());
        Typed {
            account: format!("slack:{}", mention.user),
            via: "slack".to_owned(),
            channel: format!("slack:{}", mention.channel),
            invoked: one_for_all.unwrap_or_default(),
            said: Said::Text(mention.text),
        }
    }

    /// Draws the home tab of whoever looks at it. Others see nothing of us there.
    fn home_opened(&self, teams: &[String], user: String) {
        if self.edge.tenant.foreign(teams).is_some() {
            return;
        }
        let (desk, busy) = (self.clone(), self.engine.busy());
        self.tasks.start(async move {
            let asker = desk.engine.asker(&format!("slack:{user}"), "slack");
            let overview = desk.engine.overview(&asker).await;
            let help = desk.text(&Words::plain("Type `/help` in a channel for what you can ask."));
            let shown = home::Shown {
                trouble: overview.trouble.as_deref(),
                approvals: &overview.approvals,
                own: &overview.own,
                incidents: &overview.incidents,
                debts: &overview.debts,
                freezes: &overview.freezes,
                over: &overview.over,
            };
            let blocks = home::blocks(&asker, shown, &help);
            if let Err(error) = desk.edge.client.publish_home(&user, blocks).await {
                tracing::warn!(%error, remedy = error.remedy(), "a home tab could not be drawn");
            }
            drop(busy);
        });
    }
}
