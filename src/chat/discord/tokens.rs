//! The tokens of interactions, for as long as something can be said under them: Discord lets a bot speak to one person
//! alone only in answer to something that this person did.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long a token is good for, with some time to spare.
const GOOD_FOR: Duration = Duration::from_secs(14 * 60);
/// How many are kept, the newest first to be used and the oldest first to go.
const KEPT: usize = 1000;

/// The newest tokens.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<VecDeque<Kept>>);

struct Kept {
    channel: String,
    user: String,
    token: String,
    until: Instant,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a token of {} in {}", self.user, self.channel)
    }
}

impl Tokens {
    /// Keeps the token of an interaction that was just received.
    pub(super) fn keep(&self, (channel, user): (&str, &str), token: &str, now: Instant) {
        let until = now + GOOD_FOR;
        let (channel, user, token) = (channel.to_owned(), user.to_owned(), token.to_owned());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front(Kept { channel, user, token, until });
        kept.truncate(KEPT);
    }

    /// The newest token of this person in this channel that is still good.
    pub(super) fn of(&self, (channel, user): (&str, &str), now: Instant) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|one| one.channel == channel && one.user == user);
        found.filter(|one| one.until > now).map(|one| one.token.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_forgotten_in_time() {
        let (tokens, start) = (Tokens::default(), Instant::now());
        let later = start + Duration::from_secs(60);
        tokens.keep(("c", "ana"), "old", start);
        tokens.keep(("c", "ana"), "new", later);
        assert_eq!(tokens.of(("c", "ana"), later).as_deref(), Some("new"));
        assert_eq!((tokens.of(("c", "bo"), later), tokens.of(("d", "ana"), later)), (None, None));
        assert_eq!(tokens.of(("c", "ana"), later + GOOD_FOR), None);
    }
}
