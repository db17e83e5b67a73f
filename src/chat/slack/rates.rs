//! Slack's rate limits: about a message a second into each channel, with short bursts, for every other method so many a
//! minute as its tier allows, and for all of them what Slack says when it was too much. What would be too much is not
//! sent; whoever wanted it is told how long to wait.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The method that has a limit for each channel.
pub(super) const POST: &str = "chat.postMessage";
/// The methods with a tier, and how often a minute it allows them.
const TIERS: [(&str, u32); 10] = [
    ("chat.update", 50),
    ("conversations.history", 50),
    ("conversations.info", 50),
    ("conversations.open", 50),
    ("chat.postEphemeral", 100),
    ("chat.unfurl", 50),
    ("usergroups.users.list", 20),
    ("users.info", 100),
    ("views.open", 100),
    ("views.publish", 100),
];
const MINUTE: Duration = Duration::from_secs(60);
/// What is remembered before what is free again is forgotten.
const REMEMBERED: usize = 1000;

/// What is limited together: a method, or one in a channel.
type Key = (&'static str, String);

/// How many calls may go at once, and the pause that makes up for one.
#[derive(Debug, Clone, Copy)]
struct Limit {
    burst: u32,
    pause: Duration,
}

impl Limit {
    /// The limit of a method; none where Slack names none.
    fn of(method: &str) -> Option<Self> {
        if method == POST {
            return Some(Self { burst: 10, pause: Duration::from_secs(1) });
        }
        let (_, minutely) = TIERS.into_iter().find(|(name, _)| *name == method)?;
        Some(Self { burst: minutely, pause: MINUTE / minutely })
    }
}

/// What is known of the limits.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Until when Slack wants no more.
    held: HashMap<Key, Instant>,
    /// When a burst would be whole again.
    whole: HashMap<Key, Instant>,
}

fn limited(method: &'static str, channel: &str) -> Key {
    (method, if method == POST { channel.to_owned() } else { String::new() })
}

impl Rates {
    /// Takes a place for a call, or says how long to wait for one.
    pub(super) fn take(&self, method: &'static str, channel: &str, now: Instant) -> Result<(), Duration> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = limited(method, channel);
        if let Some(until) = known.held.get(&key).filter(|until| **until > now) {
            return Err(*until - now);
        }
        let Some(Limit { burst, pause }) = Limit::of(method) else { return Ok(()) };
        if known.whole.len() >= REMEMBERED {
            known.whole.retain(|_, whole| *whole > now);
        }
        let whole = known.whole.entry(key).or_insert(now);
        let next = (*whole).max(now) + pause;
        let ahead = next - now;
        match ahead.checked_sub(pause * burst).filter(|over| !over.is_zero()) {
            Some(wait) => Err(wait),
            None => {
                *whole = next;
                Ok(())
            }
        }
    }

    /// Slack refused a call for its rate.
    pub(super) fn refused(&self, (method, channel): (&'static str, &str), wait: Duration, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.held.retain(|_, until| *until > now);
        known.held.insert(limited(method, channel), now + wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BURST: u32 = 10;
    const PAUSE: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_and_then_one_a_second_in_each_channel() {
        let (rates, now) = (Rates::default(), Instant::now());
        for _ in 0..BURST {
            assert_eq!(rates.take(POST, "C1", now), Ok(()));
        }
        assert_eq!(rates.take(POST, "C1", now), Err(PAUSE));
        assert_eq!(rates.take(POST, "C2", now), Ok(()));
        assert_eq!(rates.take("chat.update", "C1", now), Ok(()));
        assert_eq!(rates.take(POST, "C1", now + PAUSE / 2), Err(PAUSE / 2));
        assert_eq!(rates.take(POST, "C1", now + PAUSE), Ok(()));
        assert_eq!(rates.take(POST, "C1", now + PAUSE), Err(PAUSE));
        let later = now + PAUSE * 100;
        assert_eq!((0..=BURST).filter(|_| rates.take(POST, "C1", later).is_ok()).count(), 10);
    }

    #[test]
    fn a_method_goes_as_often_a_minute_as_its_tier_allows() {
        let (rates, now) = (Rates::default(), Instant::now());
        let went = |at| (0..200).filter(|_| rates.take("chat.update", "C1", at).is_ok()).count();
        assert_eq!((went(now), went(now + MINUTE / 2), went(now + MINUTE * 9)), (50, 25, 50));
        assert!((0..1000).all(|_| rates.take("chat.getPermalink", "", now).is_ok()));
    }

    #[test]
    fn what_slack_refused_is_held_and_nothing_else() {
        let (rates, now, wait) = (Rates::default(), Instant::now(), Duration::from_secs(7));
        rates.refused((POST, "C1"), wait, now);
        assert_eq!((rates.take(POST, "C1", now), rates.take(POST, "C2", now)), (Err(wait), Ok(())));
        rates.refused(("chat.update", "C1"), wait, now);
        assert_eq!((rates.take("chat.update", "C2", now), rates.take("users.info", "", now)), (Err(wait), Ok(())));
        assert_eq!(rates.take("chat.update", "C2", now + wait), Ok(()));
    }
}
