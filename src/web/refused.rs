//! What the door turned away. Recorded, but at most once a minute for each cause, so that nobody can fill the ledger.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::{clock, core::decide::Incoming, engine::Engine};

/// When each cause was last recorded.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    last: Mutex<HashMap<&'static str, Timestamp>>,
}

impl Refusals {
    /// Records a refusal, unless the same cause was recorded within the last minute.
    pub(super) async fn note(&self, engine: &Engine, cause: &'static str) {
        if self.is_due(cause, clock::now()) {
            engine.take(Incoming::TurnedAway { cause }, None).await;
        }
    }

    fn is_due(&self, cause: &'static str, now: Timestamp) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = last.get(cause).is_some_and(|at| now.duration_since(*at) < SignedDuration::from_mins(1));
        if !recent {
            last.insert(cause, now);
        }
        !recent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_a_minute_for_each_cause() {
        let refusals = Refusals::default();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(refusals.is_due("signature wrong", at("2026-11-21T08:00:00Z")));
        assert!(!refusals.is_due("signature wrong", at("2026-11-21T08:00:59Z")));
        assert!(refusals.is_due("another workspace", at("2026-11-21T08:00:59Z")));
        assert!(refusals.is_due("signature wrong", at("2026-11-21T08:01:01Z")));
    }
}
