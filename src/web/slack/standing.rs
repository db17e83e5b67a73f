//! Who somebody is, by Slack's own word: asked at every vote, and of whoever asks where that was not done lately.

use tokio::time::Instant;

use super::SlackDesk;
use crate::{
    chat::{
        Act,
        slack::{account::Guests, accounts::Seen, client::SlackUser},
    },
    core::decide::{Reply, Words},
    engine::{Standing, Typed},
};

impl SlackDesk {
    /// What Slack itself says of whoever votes, asked at the vote. Who cannot be looked up cannot vote.
    pub(super) async fn barred(&self, user: &str) -> Option<Words> {
        match self.edge.accounts.now(&self.edge.client, user).await {
            Ok(account) => self.bars(user, &account, Act::Vote),
            Err(why) => {
                let remedy = "Press again in a moment; if it stays, ask whoever runs Leverframe to look into its log.";
                let text = format!("Slack could not say who you are ({why}), so {}.", Act::Vote.undone());
                Some(Words::new(text, remedy))
            }
        }
    }

    /// Takes what somebody typed or filled in, with what Slack says of them.
    pub(super) async fn asked(&self, typed: Typed, user: &str, event: String) -> Reply {
        // What was answered already is answered again without asking.
        if !self.engine.wants_standing(&typed) || self.engine.knows(&event).await {
            return self.engine.typed(typed, Some(event)).await;
        }
        let standing = self.standing(user).await;
        self.engine.asked(typed, standing, Some(event)).await
    }

    async fn standing(&self, user: &str) -> Standing {
        let good =
            |account: &SlackUser, otherwise| self.bars(user, account, Act::Ask).map_or(otherwise, Standing::Barred);
        match self.edge.accounts.seen(&self.edge.client, user, Instant::now()).await {
            Seen::Now(account) => good(&account, Standing::Good),
            Seen::Earlier { account, age } => good(&account, Standing::Unseen(Some(age))),
            Seen::Never => Standing::Unseen(None),
        }
    }

    fn bars(&self, user: &str, account: &SlackUser, act: Act) -> Option<Words> {
        account.barred(&self.edge.tenant, self.guests(user), act)
    }

    /// Whether the catalog names whoever has this account as a guest.
    fn guests(&self, user: &str) -> Guests {
        let rules = self.engine.rules();
        let person = rules.as_ref().and_then(|rules| rules.catalog.person_by_slack(user));
        if person.is_some_and(|person| person.guest_until.is_some()) { Guests::Named } else { Guests::Barred }
    }
}
