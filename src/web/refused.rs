//! What the door turned away because nobody we know had signed it. Said in the log and recorded, but at most once a
//! minute, so that nobody can fill the ledger; what came in between is counted.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::{
    chat::{discord, slack::verify::BadSignature},
    clock,
    core::decide::Incoming,
    engine::Engine,
    forge::webhook,
};

/// When something was last recorded, and how much was not since.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    at: Option<Timestamp>,
    unsaid: u64,
}

impl Refusals {
    /// Records a refusal, unless one was recorded within the last minute.
    pub(super) async fn note(&self, engine: &Engine, refused: Refused) {
        let Some(unsaid) = self.is_due(clock::now()) else { return };
        let Refused { cause, words, remedy } = refused;
        tracing::warn!(unsaid, remedy, "turned away at the door: {words}");
        engine.take(Incoming::TurnedAway { cause, unsaid }, None).await;
    }

    /// How many were turned away without a word since the last one, when it is time for another word.
    fn is_due(&self, now: Timestamp) -> Option<u64> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.at.is_some_and(|at| now.duration_since(at) < SignedDuration::from_mins(1)) {
            last.unsaid += 1;
            return None;
        }
        last.at = Some(now);
        Some(std::mem::take(&mut last.unsaid))
    }
}

/// What was turned away, for the ledger and for the log.
pub(super) struct Refused {
    cause: &'static str,
    words: String,
    remedy: String,
}

impl From<BadSignature> for Refused {
    fn from(error: BadSignature) -> Self {
        let cause = match error {
            BadSignature::Missing => "signature missing",
            BadSignature::Stale => "signature stale",
            BadSignature::Wrong => "signature wrong",
        };
        Self { cause, words: error.to_string(), remedy: error.remedy() }
    }
}

impl From<discord::verify::BadSignature> for Refused {
    fn from(error: discord::verify::BadSignature) -> Self {
        Self { cause: error.cause(), words: error.to_string(), remedy: error.remedy() }
    }
}

impl From<webhook::BadSignature> for Refused {
    fn from(error: webhook::BadSignature) -> Self {
        let cause = match error {
            webhook::BadSignature::Missing => "webhook signature missing",
            webhook::BadSignature::Wrong => "webhook signature wrong",
        };
        Self { cause, words: error.to_string(), remedy: error.remedy() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_a_minute_that_counts_the_others() {
        let refusals = Refusals::default();
        let due = |text: &str| refusals.is_due(text.parse::<Timestamp>().unwrap());
        assert_eq!(due("2026-11-21T08:00:00Z"), Some(0));
        assert_eq!(due("2026-11-21T08:00:01Z"), None);
        assert_eq!(due("2026-11-21T08:00:59Z"), None);
        assert_eq!(due("2026-11-21T08:01:00Z"), Some(2));
        assert_eq!(due("2026-11-21T08:02:01Z"), Some(0));
    }
}
