//! The thread that brings the store up to the journal. What is durable is answered without waiting for sled; whoever
//! reads the store waits until it has what was durable when they asked. What comes together goes in together.

use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use super::{
    State,
    line::Batch,
    shared::{Shared, locked},
};

/// How long lines gather while nobody asks for them.
const GATHERING: Duration = Duration::from_millis(20);
/// So many entries wait at most before appends wait too.
const HIGHEST: u64 = 4096;

/// What the store does not have yet.
#[derive(Default)]
pub(crate) struct Behind {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    batches: Vec<Batch>,
    entries: u64,
    /// How many lines were handed over since the start, and how many of them the store has.
    handed: u64,
    done: u64,
    /// Somebody waits for all of it.
    is_wanted: bool,
    is_closed: bool,
    /// Why the store took nothing more; then lines are no longer kept, the journal has them.
    failed: Option<String>,
    /// The events in what the store does not have.
    events: BTreeSet<String>,
}

impl Behind {
    /// Hands over a line that is durable; waits while too much is waiting.
    pub(crate) fn hand_over(&self, batch: Batch) {
        let full = |waiting: &mut Waiting| waiting.entries >= HIGHEST && waiting.failed.is_none();
        let mut waiting = locked(&self.waiting);
        if full(&mut waiting) {
            waiting = self.changed.wait_while(waiting, full).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.handed += 1;
        waiting.events.extend(batch.seen.iter().map(|seen| seen.id.clone()));
        if waiting.failed.is_none() {
            waiting.entries += batch.header.count;
            waiting.batches.push(batch);
            // In between the thread looks by itself.
            if waiting.batches.len() == 1 || waiting.entries >= HIGHEST / 2 {
                drop(waiting);
                self.changed.notify_all();
            }
        }
    }

    /// Returns once the store has everything that was handed over before, or has failed.
    pub(crate) fn settle(&self) {
        let mut waiting = locked(&self.waiting);
        let end = waiting.handed;
        if waiting.done >= end || waiting.failed.is_some() {
            return;
        }
        waiting.is_wanted = true;
        self.changed.notify_all();
        let lacks = |waiting: &mut Waiting| waiting.done < end && waiting.failed.is_none();
        drop(self.changed.wait_while(waiting, lacks).unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether the store has failed.
    pub(crate) fn has_failed(&self) -> bool {
        locked(&self.waiting).failed.is_some()
    }

    /// The events in what the store does not have.
    pub(crate) fn events(&self) -> BTreeSet<String> {
        locked(&self.waiting).events.clone()
    }

    /// The store was opened again, and so has what the journal has. Gives the events that it did not have before.
    pub(crate) fn renewed(&self) -> BTreeSet<String> {
        let mut waiting = locked(&self.waiting);
        waiting.batches.clear();
        (waiting.entries, waiting.done, waiting.failed) = (0, waiting.handed, None);
        let events = std::mem::take(&mut waiting.events);
        self.changed.notify_all();
        events
    }

    /// Nothing more comes.
    pub(crate) fn close(&self) {
        locked(&self.waiting).is_closed = true;
        self.changed.notify_all();
    }

    /// Takes what waits, once somebody asks for it, it is much, or it has gathered for a while. `None` at the end.
    fn take(&self) -> Option<Vec<Batch>> {
        let mut waiting = locked(&self.waiting);
        let idle = |waiting: &mut Waiting| waiting.batches.is_empty() && !waiting.is_closed;
        waiting = self.changed.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner);
        let patient = |waiting: &mut Waiting| !waiting.is_wanted && !waiting.is_closed && waiting.entries < HIGHEST / 2;
        let gathered = self.changed.wait_timeout_while(waiting, GATHERING, patient);
        waiting = gathered.unwrap_or_else(PoisonError::into_inner).0;
        waiting.is_wanted = false;
        waiting.entries = 0;
        let batches = std::mem::take(&mut waiting.batches);
        (!batches.is_empty() || !waiting.is_closed).then_some(batches)
    }

    fn finish(&self, batches: &[Batch], failed: Option<String>) {
        let mut waiting = locked(&self.waiting);
        match failed {
            None => {
                waiting.done += batches.len() as u64;
                for seen in batches.iter().flat_map(|batch| &batch.seen) {
                    waiting.events.remove(&seen.id);
                }
            }
            Some(_) => {
                waiting.batches.clear();
                waiting.entries = 0;
                waiting.failed = failed;
            }
        }
        drop(waiting);
        self.changed.notify_all();
    }
}

impl Shared {
    /// Follows the journal until nothing more comes.
    pub(crate) fn follow(&self) {
        while let Some(batches) = self.behind.take() {
            if batches.is_empty() {
                continue;
            }
            match self.ask_now(|store| store.apply(&batches)) {
                Ok(()) => {
                    self.forget_events(batches.iter().flat_map(|batch| &batch.seen).map(|seen| seen.id.as_str()));
                    self.behind.finish(&batches, None);
                }
                // What it holds is recorded all the same, so those answers stay yes.
                Err(error) => {
                    self.behind.finish(&batches, Some(error.to_string()));
                    self.refuse(error.to_string());
                }
            }
        }
    }

    /// The ledger takes nothing new until it can.
    pub(crate) fn refuse(&self, why: String) {
        let mut state = locked(&self.state);
        if let State::Ready = &*state {
            tracing::error!(%why, "the ledger takes nothing new until this is over; it is tried again by itself");
        }
        if !matches!(&*state, State::ReadOnly { .. }) {
            *state = State::Refusing { why };
        }
    }

    /// The ledger takes entries again, unless the store has failed meanwhile.
    pub(crate) fn well(&self) {
        let mut state = locked(&self.state);
        if let (State::Refusing { .. }, false) = (&*state, self.behind.has_failed()) {
            tracing::info!("the ledger takes entries again");
            *state = State::Ready;
        }
    }

    /// Events are answered from the store from now on; old ones go.
    pub(crate) fn forget_events<'a>(&self, events: impl Iterator<Item = &'a str>) {
        let now = {
            let mut ahead = locked(&self.ahead);
            events.for_each(|event| drop(ahead.seen.remove(event)));
            ahead.chain.time.as_millisecond()
        };
        if let Err(error) = self.ask_now(|store| store.prune_seen(now)) {
            tracing::warn!(%error, "old events stay in the ledger's store");
        }
    }
}
