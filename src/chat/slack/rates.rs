//! Slack's rate limits: about a message a second into each channel, with short bursts, and for every method what Slack
//! says when it was too much. What would be too much is not sent; whoever wanted it is told how long to wait.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The method that has a limit for each channel.
pub(super) const POST: &str = "chat.postMessage";
/// How many messages may go into a channel at once; after them one a second.
const BURST: u32 = 10;
/// The pause that makes up for a message.
const PAUSE: Duration = Duration::from_secs(1);
/// What is remembered of channels before those that are free again are forgotten.
const REMEMBERED: usize = 1000;

/// What is known of the limits.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Until when Slack wants no more of a method, in a channel where that has its own limit.
    held: HashMap<(&'static str, String), Instant>,
    /// When a channel's burst would be whole again.
    whole: HashMap<String, Instant>,
}

/// What is limited together: a method, or one in a channel.
fn limited(method: &'static str, channel: &str) -> (&'static str, String) {
    (method, if method == POST { channel.to_owned() } else { String::new() })
}

impl Rates {
    /// Takes a place for a call, or says how long to wait for one.
    pub(super) fn take(&self, method: &'static str, channel: &str, now: Instant) -> Result<(), Duration> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = known.held.get(&limited(method, channel)).filter(|until| **until > now) {
            return Err(*until - now);
        }
        if method != POST {
            return Ok(());
        }
        if known.whole.len() >= REMEMBERED {
            known.whole.retain(|_, whole| *whole > now);
        }
        let whole = known.whole.entry(channel.to_owned()).or_insert(now);
        let next = (*whole).max(now) + PAUSE;
        let ahead = next - now;
        match ahead.checked_sub(PAUSE * BURST).filter(|over| !over.is_zero()) {
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
    fn what_slack_refused_is_held_and_nothing_else() {
        let (rates, now, wait) = (Rates::default(), Instant::now(), Duration::from_secs(7));
        rates.refused((POST, "C1"), wait, now);
        assert_eq!((rates.take(POST, "C1", now), rates.take(POST, "C2", now)), (Err(wait), Ok(())));
        rates.refused(("chat.update", "C1"), wait, now);
        assert_eq!((rates.take("chat.update", "C2", now), rates.take("users.info", "", now)), (Err(wait), Ok(())));
        assert_eq!(rates.take("chat.update", "C2", now + wait), Ok(()));
    }
}
