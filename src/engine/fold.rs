//! Requests, incidents, break-glasses and debts from the ledger's entries.

use std::collections::{BTreeMap, BTreeSet};

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

/// The requests, the other matters, and what people froze.
pub(super) type Folded = (BTreeMap<RequestId, Request>, Matters, Freezes);

/// All requests and freezes, from the ledger's entries.
pub(super) fn fold(ledger: &Ledger) -> Result<Folded, LedgerError> {
    const AT_ONCE: usize = 1000;
    let (mut requests, mut matters, mut freezes) = (BTreeMap::new(), Matters::default(), Freezes::default());
    let mut from = 0;
    loop {
        let entries = ledger.read(from, AT_ONCE)?;
        fold_into(&mut requests, &mut matters, &entries);
        entries.iter().for_each(|one| freezes.fold(one));
        let Some(last) = entries.last() else { return Ok((requests, matters, freezes)) };
        from = last.entry.seq + 1;
    }
}

/// All requests of a ledger, the oldest first.
///
/// # Errors
/// When the ledger cannot be read.
pub fn requests_of(ledger: &Ledger) -> Result<Vec<Request>, LedgerError> {
    fold(ledger).map(|(requests, ..)| requests.into_values().collect())
}

/// Folds entries into what they are about and names what stands elsewhere now. An intent or a posted card moves
/// nothing: whoever recorded it goes on by itself.
pub(super) fn fold_into(
    requests: &mut BTreeMap<RequestId, Request>,
    matters: &mut Matters,
    entries: &[Recorded],
) -> BTreeSet<RequestId> {
    let mut touched = BTreeSet::new();
    for recorded in entries {
        if matters::concerns(recorded) {
            match matters.fold(recorded) {
                Ok(ids) => touched.extend(ids),
                Err(error) => tracing::error!(seq = recorded.entry.seq, %error, "an entry does not fit"),
            }
        }
        let Some(id) = request::of_subject(&recorded.entry.subject) else { continue };
        let state = requests.get(&id).map(|request| request.state.clone());
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
                if state.as_ref() != Some(&request.state) {
                    touched.insert(id.clone());
                }
                requests.insert(id, request);
            }
            Err(error) => tracing::error!(seq = recorded.entry.seq, %error, "an entry does not fit its request"),
        }
    }
    touched
}
