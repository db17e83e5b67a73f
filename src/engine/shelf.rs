//! Which requests are in memory. Of a small ledger all; of a large one those that are open and the newest at the start,
//! older ones behind it, and of those only so many. Any other is read when somebody names it: the ledger has it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Inner, effects, fold::fold_into};
use crate::{
    clock,
    core::{
        names::RequestId,
        request::{self, Request},
    },
    ledger::{Head, Ledger, LedgerError},
};

/// A ledger of no more entries is read whole at the start.
const WHOLE: u64 = 20_000;
/// Of a larger one so many of the newest.
const NEWEST: u64 = 4_000;
/// So many entries are read at a time.
const AT_ONCE: usize = 1000;
/// So many requests that nothing more will happen to stay in memory.
pub(super) const KEPT: usize = 10_000;
/// How often it is noted which requests are open.
const NOTED_EVERY: Duration = Duration::from_secs(60);
/// How old a request that is over may be for its card to be looked at again at a start: a crash may have come between
/// its end and its card, and nobody looks at older ones.
const STILL_DRAWN: jiff::SignedDuration = jiff::SignedDuration::from_hours(48);
/// The name of that note.
const NOTE: &str = "requests.open";

type Requests = BTreeMap<RequestId, Request>;

/// Which requests were open when the ledger ended here.
#[derive(Debug, Serialize, Deserialize)]
struct Noted {
    entries: u64,
    hash: String,
    open: BTreeSet<RequestId>,
}

/// Whether something may still happen to a request, or rests on it.
pub(super) fn is_open(request: &Request) -> bool {
    let aside = request.course().and_then(|course| course.plan.aside.as_ref());
    let holds = aside.is_some_and(|one| !one.paused.is_empty() || !one.rendered.is_empty());
    !request.is_over() || request.due().is_some() || request.is_lent() || request.is_review_owed() || holds
}

/// At the start: what is open goes on, and its cards are looked at again.
pub(super) async fn take_up(inner: &Arc<Inner>) {
    let oldest = clock::now().saturating_sub(STILL_DRAWN).unwrap_or(jiff::Timestamp::MIN);
    let taken_up = |request: &&Request| request.due().is_some() || !request.is_over() || request.at > oldest;
    let open: Vec<RequestId> = {
        let book = inner.book.lock().await;
        let requests = book.iter().filter(taken_up).map(|request| request.id.clone());
        requests.chain(book.matters().open()).collect()
    };
    for request in open {
        inner.redraw(&request);
        effects::kick(inner, request);
    }
}

/// Lets go of the oldest that are over, so that so many stay.
pub(super) fn trim(requests: &mut Requests) {
    let too_many = requests.len().saturating_sub(KEPT);
    let old: Vec<RequestId> = requests.keys().take(too_many).cloned().collect();
    for id in old {
        if requests.get(&id).is_some_and(|request| !is_open(request)) {
            requests.remove(&id);
        }
    }
}

/// The requests to begin with, and how many of the ledger's first entries were not read for them.
pub(super) fn begin(ledger: &Ledger) -> Result<(Requests, u64), LedgerError> {
    let end = ledger.len();
    let Some(noted) = noted(ledger).filter(|_| end > WHOLE) else {
        return fold(ledger, 0..end, &|| false).map(|requests| (requests, 0));
    };
    let from = noted.entries.min(end.saturating_sub(NEWEST));
    let mut ids = noted.open;
    let mut next = from;
    while next < end {
        let entries = ledger.read(next, AT_ONCE)?;
        let Some(last) = entries.last() else { break };
        next = last.entry.seq + 1;
        ids.extend(entries.iter().filter_map(|one| request::of_subject(&one.entry.subject)));
    }
    let mut requests = Requests::new();
    for id in ids {
        requests.extend(recall(ledger, &id)?.map(|request| (id, request)));
    }
    Ok((requests, from))
}

/// The requests of these entries, the oldest that are over left out where they are many.
pub(super) fn fold(
    ledger: &Ledger,
    entries: std::ops::Range<u64>,
    is_stopping: &dyn Fn() -> bool,
) -> Result<Requests, LedgerError> {
    let (mut requests, mut next) = (Requests::new(), entries.start);
    while next < entries.end && !is_stopping() {
        let read = ledger.read(next, AT_ONCE)?;
        let Some(last) = read.last() else { break };
        next = last.entry.seq + 1;
        fold_into(&mut requests, &read);
        if requests.len() > 2 * KEPT {
            trim(&mut requests);
        }
    }
    Ok(requests)
}

/// One request, from its entries.
pub(super) fn recall(ledger: &Ledger, id: &RequestId) -> Result<Option<Request>, LedgerError> {
    let mut requests = Requests::new();
    fold_into(&mut requests, &ledger.by_subject(&request::subject(id))?);
    Ok(requests.remove(id))
}

/// What was noted, where it is about this ledger.
fn noted(ledger: &Ledger) -> Option<Noted> {
    let noted: Noted = serde_json::from_slice(&ledger.note(NOTE).ok()??).ok()?;
    let last = ledger.read(noted.entries.checked_sub(1)?, 1).ok()?;
    let hash = last.first()?.entry.hash().ok()?;
    (hash.as_str() == noted.hash).then_some(noted)
}

/// Notes which requests are open, now and then and at the end, so that the next start need not read everything.
pub(super) async fn keep_noted(inner: Arc<Inner>) {
    loop {
        let is_last = inner.tasks.is_stopping();
        // Where it ends is read first: whatever is in it was placed in the book before.
        let Head { entries, hash } = inner.ledger.head();
        if entries > WHOLE {
            let open = inner.book.lock().await.open();
            let note = serde_json::to_vec(&Noted { entries, hash, open }).unwrap_or_default();
            if let Err(error) = inner.ledger.set_note(NOTE, &note) {
                tracing::debug!(%error, "the next start reads more of the ledger");
            }
        }
        if is_last {
            return;
        }
        inner.tasks.pause(NOTED_EVERY).await;
    }
}

/// Reads what the start left out.
pub(super) async fn fill(inner: Arc<Inner>, until: u64) {
    let (ledger, tasks) = (inner.ledger.clone(), inner.tasks.clone());
    let read = tokio::task::spawn_blocking(move || fold(&ledger, 0..until, &|| tasks.is_stopping())).await;
    match read {
        Ok(Ok(older)) => inner.book.lock().await.add_older(older),
        Ok(Err(error)) => tracing::error!(%error, "older requests cannot be read"),
        Err(error) => tracing::error!(%error, "older requests were not read"),
    }
    inner.is_filled.send_replace(true);
}

impl Inner {
    /// A request as it is durably.
    pub(super) async fn request(&self, id: &RequestId) -> Option<Request> {
        let at_hand = self.book.lock().await.get(id).cloned();
        at_hand.or_else(|| recall(&self.ledger, id).ok().flatten())
    }

    /// Brings a request into the book that was let go.
    pub(super) async fn bring(&self, id: &RequestId) {
        let mut book = self.book.lock().await;
        if !book.ahead().contains_key(id)
            && let Ok(Some(request)) = recall(&self.ledger, id)
        {
            book.add_older([(id.clone(), request)].into());
        }
    }

    /// Resolves when no request is missing in the book but those that are let go.
    pub(super) async fn filled(&self) {
        let mut filled = self.is_filled.subscribe();
        let _ = filled.wait_for(|filled| *filled).await;
    }
}
