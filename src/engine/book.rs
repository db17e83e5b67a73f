//! The requests, as decisions see them and as everybody else does. A decision sees what was decided before it, even
//! while that waits for the disk; what is shown and done rests on what is durable.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    fold::fold_into,
    shelf::{self, KEPT},
};
use crate::{
    core::{
        entry::Recorded,
        freeze::Freezes,
        names::RequestId,
        request::{self, Request},
    },
    ledger::{Generation, Ledger},
};

/// All requests but old ones that are over.
pub(super) struct Book {
    ahead: BTreeMap<RequestId, Request>,
    /// What people froze, as decisions see it.
    freezes: Freezes,
    generation: Generation,
    waiting: VecDeque<Waiting>,
    tickets: u64,
}

/// Entries that are folded in and not durable yet.
struct Waiting {
    ticket: Ticket,
    /// Where the ledger ends once they are.
    end: u64,
    /// Their requests as they were before; absent ones were not there.
    before: BTreeMap<RequestId, Option<Request>>,
    /// What was frozen before.
    freezes: Freezes,
}

/// The place of a decision among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

impl Book {
    pub(super) fn new(requests: BTreeMap<RequestId, Request>, freezes: Freezes, generation: Generation) -> Self {
        Self { ahead: requests, freezes, generation, waiting: VecDeque::new(), tickets: 0 }
    }

    /// What a decision sees.
    pub(super) fn ahead(&self) -> &BTreeMap<RequestId, Request> {
        &self.ahead
    }

    /// What decisions see of freezes; what is shown of them may be ahead of the disk, which only refuses more.
    pub(super) fn freezes(&self) -> &Freezes {
        &self.freezes
    }

    /// Since when what it sees holds.
    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether anything that a decision sees is not durable yet.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A request as it is durably.
    pub(super) fn get(&self, id: &RequestId) -> Option<&Request> {
        let earliest = self.waiting.iter().find_map(|waiting| waiting.before.get(id));
        earliest.map_or_else(|| self.ahead.get(id), Option::as_ref)
    }

    /// The requests that are open as a decision sees them, or durably.
    pub(super) fn open(&self) -> BTreeSet<RequestId> {
        let is_open =
            |(id, ahead): &(&RequestId, &Request)| shelf::is_open(ahead) || self.get(id).is_some_and(shelf::is_open);
        self.ahead.iter().filter(is_open).map(|(id, _)| id.clone()).collect()
    }

    /// Adds requests that were not read yet, or were let go.
    pub(super) fn add_older(&mut self, older: BTreeMap<RequestId, Request>) {
        for (id, request) in older {
            self.ahead.entry(id).or_insert(request);
        }
    }

    /// Every request as it is durably, the oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Request> {
        self.ahead.keys().filter_map(|id| self.get(id))
    }

    /// Folds in what was placed; names the requests that stand elsewhere now.
    pub(super) fn place(&mut self, recorded: &[Recorded]) -> (Ticket, Vec<RequestId>) {
        let ids = recorded.iter().filter_map(|one| request::of_subject(&one.entry.subject));
        let before = ids.map(|id| (id.clone(), self.ahead.get(&id).cloned())).collect();
        let end = recorded.last().map_or(0, |last| last.entry.seq + 1);
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.waiting.push_back(Waiting { ticket, end, before, freezes: self.freezes.clone() });
        recorded.iter().for_each(|one| self.freezes.fold(one));
        (ticket, fold_into(&mut self.ahead, recorded).into_iter().collect())
    }

    /// Everything up to this ticket is durable.
    pub(super) fn settle(&mut self, ticket: Ticket) {
        while self.waiting.front().is_some_and(|first| first.ticket <= ticket) {
            self.waiting.pop_front();
        }
        if self.waiting.is_empty() && self.ahead.len() > 2 * KEPT {
            shelf::trim(&mut self.ahead);
        }
    }

    /// Forgets what could not be written, and everything that was decided on it.
    pub(super) fn catch_up(&mut self, ledger: &Ledger) {
        let Some(end) = ledger.end_of(self.generation) else { return };
        while let Some(last) = self.waiting.pop_back() {
            if last.end <= end {
                // It and all before it were written in time; whoever waits for them need not settle them any more.
                self.waiting.clear();
                break;
            }
            self.freezes = last.freezes;
            for (id, before) in last.before {
                match before {
                    Some(request) => drop(self.ahead.insert(id, request)),
                    None => drop(self.ahead.remove(&id)),
                }
            }
        }
        self.generation = ledger.generation();
    }

    /// Begins anew with what the ledger says. Nothing may wait.
    pub(super) fn reset(&mut self, requests: BTreeMap<RequestId, Request>, freezes: Freezes) {
        self.waiting.clear();
        self.ahead = requests;
        self.freezes = freezes;
    }
}
