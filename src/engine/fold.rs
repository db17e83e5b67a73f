//! Requests, incidents, break-glasses and debts from the ledger's entries.

use std::collections::{BTreeMap, BTreeSet};

use super::shelf;
use crate::{
    core::{
        entry::Recorded,
        freeze::Freezes,
        matters::{self, Matters},
        names::RequestId,
        request::{self, Request},
    },
    ledger::{Ledger, LedgerError},
};

/// The requests that are at hand, the other matters, and what people froze.
pub(super) type Folded = (BTreeMap<RequestId, Request>, Matters, Freezes);

/// Of a ledger that is longer, incidents, break-glasses and debts are looked up by their subjects.
const WHOLE: u64 = 20_000;
/// So many entries are read at a time.
const AT_ONCE: usize = 1000;

/// What people froze, from the ledger's entries.
pub(super) fn freezes_of(ledger: &Ledger) -> Result<Freezes, LedgerError> {
    let mut freezes = Freezes::default();
    ledger.by_prefix("freeze/")?.iter().for_each(|one| freezes.fold(one));
    Ok(freezes)
}

/// Incidents, break-glasses and debts. Of a long ledger the timelines of incidents that were closed before it ends lack
/// the requests that belonged to them.
pub(super) fn matters_of(ledger: &Ledger) -> Result<Matters, LedgerError> {
    let mut about = BTreeMap::new();
    for prefix in matters::PREFIXES {
        about.extend(ledger.by_prefix(prefix)?.into_iter().map(|one| (one.entry.seq, one)));
    }
    let mut alone = Matters::default();
    fold_matters(&mut alone, about.values());
    let open: BTreeSet<RequestId> = alone.open().into_iter().collect();
    let is_open = |one: &Recorded| matters::id_of(&one.entry.subject).is_some_and(|id| open.contains(&id));
    let first_open = about.iter().find(|(_, one)| is_open(one)).map(|(seq, _)| *seq);
    let mut next = if ledger.len() <= WHOLE { 0 } else { first_open.unwrap_or(ledger.len()) };
    while next < ledger.len() {
        let entries = ledger.read(next, AT_ONCE)?;
        let Some(last) = entries.last() else { break };
        next = last.entry.seq + 1;
        about.extend(entries.into_iter().filter(matters::concerns).map(|one| (one.entry.seq, one)));
    }
    let mut found = Matters::default();
    fold_matters(&mut found, about.values());
    Ok(found)
}

/// Folds entries into incidents, break-glasses and debts, and names those that stand elsewhere now.
pub(super) fn fold_matters<'e>(
    matters: &mut Matters,
    entries: impl IntoIterator<Item = &'e Recorded>,
) -> BTreeSet<RequestId> {
    let mut touched = BTreeSet::new();
    for recorded in entries.into_iter().filter(|one| matters::concerns(one)) {
        match matters.fold(recorded) {
            Ok(ids) => touched.extend(ids),
            Err(error) => tracing::error!(seq = recorded.entry.seq, %error, "an entry does not fit"),
        }
    }
    touched
}

/// The requests of a ledger that are open, the oldest first.
///
/// # Errors
/// When the ledger cannot be read.
pub fn open_requests_of(ledger: &Ledger) -> Result<Vec<Request>, LedgerError> {
    let requests = shelf::fold(ledger, 0..ledger.len(), &|| false)?;
    Ok(requests.into_values().filter(|request| !request.is_over()).collect())
}

/// Folds entries into their requests and names those that stand elsewhere now. An intent or a posted card moves
/// nothing: whoever recorded it goes on by itself.
pub(super) fn fold_into(requests: &mut BTreeMap<RequestId, Request>, entries: &[Recorded]) -> BTreeSet<RequestId> {
    let mut touched = BTreeSet::new();
    for recorded in entries {
        let Some(id) = request::of_subject(&recorded.entry.subject) else { continue };
        let stood = requests.get(&id).map(|request| (request.state.clone(), request.review.clone()));
        let folded = match requests.remove(&id) {
            None if recorded.entry.kind == "request.opened" => {
                Request::opened(id.clone(), recorded).map_err(|error| error.to_string())
            }
            None => continue,
            Some(request) => request.clone().after(recorded).map_err(|error| {
                requests.insert(id.clone(), request);
                error.to_string()
            }),
        };
        match folded {
            Ok(request) => {
                let stands = |(state, review)| state == request.state && review == request.review;
                if !stood.is_some_and(stands) {
                    touched.insert(id.clone());
                }
                requests.insert(id, request);
            }
            Err(error) => tracing::error!(seq = recorded.entry.seq, %error, "an entry does not fit its request"),
        }
    }
    touched
}
