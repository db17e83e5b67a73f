//! Requests from the ledger's entries.

use std::collections::{BTreeMap, BTreeSet};

use super::shelf;
use crate::{
    core::{
        entry::Recorded,
        freeze::Freezes,
        names::RequestId,
        request::{self, Request},
    },
    ledger::{Ledger, LedgerError},
};

/// What people froze, from the ledger's entries.
pub(super) fn freezes_of(ledger: &Ledger) -> Result<Freezes, LedgerError> {
    let mut freezes = Freezes::default();
    ledger.by_prefix("freeze/")?.iter().for_each(|one| freezes.fold(one));
    Ok(freezes)
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
