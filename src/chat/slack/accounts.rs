//! What Slack said of accounts lately. Whoever votes is looked up at the vote; whoever asks, where that was not done within
//! ten minutes. Looking up takes no longer than an answer may.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::client::{SlackClient, SlackUser};

/// How long looking up whoever asks may take, so that what they did is answered in time.
const LOOK_UP: Duration = Duration::from_millis(800);
/// How long at a vote, which is not counted without it: half of what Slack waits for an answer.
const AT_THE_VOTE: Duration = Duration::from_millis(1500);
/// How long what Slack said of somebody who asks counts as what it says.
const FRESH: Duration = Duration::from_secs(600);
/// How long it counts where Slack cannot be asked.
const AGED: Duration = Duration::from_secs(12 * 3600);
/// How many accounts are remembered.
const REMEMBERED: usize = 5000;

/// What is known of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// What Slack says.
    Now(SlackUser),
    /// What it said earlier; now it cannot be asked.
    Earlier {
        /// That.
        account: SlackUser,
        /// How long ago.
        age: Duration,
    },
    /// Nothing, and it cannot be asked.
    Never,
}

/// What Slack said of accounts, and when.
#[derive(Debug)]
pub struct Accounts {
    known: Mutex<HashMap<String, (Instant, SlackUser)>>,
    look_up: Duration,
}

impl Default for Accounts {
    fn default() -> Self {
        Self::patient(LOOK_UP)
    }
}

impl Accounts {
    /// Nothing is known yet; looking up whoever asks may take so long.
    pub fn patient(look_up: Duration) -> Self {
        Self { known: Mutex::default(), look_up }
    }

    /// What Slack says at this very moment.
    ///
    /// # Errors
    /// Why it cannot be asked, in words.
    pub async fn now(&self, client: &SlackClient, user: &str) -> Result<SlackUser, String> {
        self.within(AT_THE_VOTE, client, user, Instant::now()).await
    }

    async fn within(
        &self,
        limit: Duration,
        client: &SlackClient,
        user: &str,
        now: Instant,
    ) -> Result<SlackUser, String> {
        let account = match tokio::time::timeout(limit, client.user(user)).await {
            Ok(Ok(account)) => account,
            Ok(Err(error)) => {
                tracing::warn!(%error, remedy = error.remedy(), "an account could not be looked up");
                return Err(error.to_string());
            }
            Err(_) => return Err("it did not answer in time".to_owned()),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(user.to_owned(), (now, account.clone()));
        Ok(account)
    }

    /// What Slack says, or said lately before `now`.
    pub async fn seen(&self, client: &SlackClient, user: &str, now: Instant) -> Seen {
        let known = self.known(user, now);
        if let Some((_, account)) = known.clone().filter(|(age, _)| *age < FRESH) {
            return Seen::Now(account);
        }
        match (self.within(self.look_up, client, user, now).await, known) {
            (Ok(account), _) => Seen::Now(account),
            (Err(_), Some((age, account))) if age < AGED => Seen::Earlier { account, age },
            (Err(_), _) => Seen::Never,
        }
    }

    fn known(&self, user: &str, now: Instant) -> Option<(Duration, SlackUser)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(user).map(|(at, account)| (now.saturating_duration_since(*at), account.clone()))
    }
}
