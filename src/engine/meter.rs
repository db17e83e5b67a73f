//! What is counted for whoever watches the bot: entries by kind since the start, and how things stand now.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use super::{Engine, Inner};
use crate::core::entry::Recorded;

/// Counts since the start of the process.
#[derive(Debug, Default)]
pub(super) struct Meter(Mutex<Counts>);

#[derive(Debug, Clone, Default)]
struct Counts {
    entries: BTreeMap<String, u64>,
    repeated: u64,
    tries: u64,
}

impl Meter {
    fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn recorded(&self, recorded: &[Recorded]) {
        self.count(|counts| {
            for one in recorded {
                *counts.entries.entry(one.entry.kind.clone()).or_default() += 1;
            }
        });
    }

    /// An event came again and got its first answer.
    pub(super) fn repeated(&self) {
        self.count(|counts| counts.repeated += 1);
    }

    /// An effect did not come to its end and will be tried again.
    pub(super) fn tried(&self) {
        self.count(|counts| counts.tries += 1);
    }
}

/// How things stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Entries recorded since the start, by kind.
    pub entries: BTreeMap<String, u64>,
    /// Events that came again since the start and got their first answer.
    pub repeated: u64,
    /// Effects that failed since the start and are tried again.
    pub failed_tries: u64,
    /// Open requests, by the word for their state.
    pub open: BTreeMap<&'static str, u64>,
    /// When the oldest of them was asked.
    pub oldest: Option<Timestamp>,
    /// Requests whose next step is in the way of something now.
    pub held_up: u64,
    /// Cards that do not say yet what their request says.
    pub undrawn: u64,
    /// Effects, cards and answers under way.
    pub in_flight: u64,
}

impl Engine {
    /// How things stand, for whoever watches.
    pub async fn gauges(&self) -> Gauges {
        let inner = &self.inner;
        let Counts { entries, repeated, tries } = inner.meter.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut gauges = Gauges { entries, repeated, failed_tries: tries, ..inner.at_hand() };
        for request in inner.book.lock().await.iter().filter(|request| !request.is_over()) {
            *gauges.open.entry(request.state.word()).or_default() += 1;
            gauges.oldest = Some(gauges.oldest.map_or(request.at, |oldest| oldest.min(request.at)));
        }
        gauges
    }
}

impl Inner {
    fn at_hand(&self) -> Gauges {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let held_up = progress.values().filter(|progress| progress.trouble.is_some()).count() as u64;
        let undrawn = self.undrawn.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
        Gauges { held_up, undrawn, in_flight: *self.busy.borrow() as u64, ..Gauges::default() }
    }
}
