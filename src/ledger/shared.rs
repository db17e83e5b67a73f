//! What the handles on a ledger and its writer share, and reading from the store with the journal behind it.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use serde_json::Value;

use super::{
    Append, LedgerError, Seen, State,
    ahead::Ahead,
    anchor::{Anchor, Recent},
    behind::Behind,
    line,
    note::SigningKey,
    opening::{self, Chain},
    store::{Store, StoreError},
};
use crate::core::entry::{Entry, Recorded};

/// What the handles and the writer share.
pub(crate) struct Shared {
    pub(crate) directory: PathBuf,
    /// Absent once the ledger is closed.
    pub(crate) store: RwLock<Option<Arc<Store>>>,
    pub(crate) is_closed: AtomicBool,
    /// What is durable.
    pub(crate) chain: Mutex<Chain>,
    /// What waits to be.
    pub(crate) ahead: Mutex<Ahead>,
    /// What is durable and not in the store yet.
    pub(crate) behind: Behind,
    pub(crate) recent: Mutex<Recent>,
    pub(crate) state: Mutex<State>,
    /// The anchors that it is read-only for.
    pub(crate) disputed: Mutex<Vec<Anchor>>,
    /// Absent where nothing is signed.
    pub(crate) key: Option<Arc<SigningKey>>,
    pub(crate) thread: Mutex<Option<JoinHandle<()>>>,
}

/// The first answer to an event, and whether it is durable.
pub(crate) enum Earlier {
    Durable(Value),
    Waiting(Value),
}

impl Shared {
    pub(crate) fn milliseconds(&self) -> i64 {
        locked(&self.chain).time.as_millisecond()
    }

    pub(crate) fn state(&self) -> State {
        locked(&self.state).clone()
    }

    pub(crate) fn store(&self) -> Result<Arc<Store>, LedgerError> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        store.as_ref().map(Arc::clone).ok_or_else(|| match self.is_closed.load(Ordering::Acquire) {
            true => LedgerError::Closed,
            false => LedgerError::Store { cause: "it could not be opened again".into() },
        })
    }

    /// The first answer to the event of an append.
    pub(crate) fn earlier(&self, ahead: &Ahead, append: &Append) -> Result<Option<Earlier>, LedgerError> {
        let Some(Seen { id, .. }) = &append.seen else { return Ok(None) };
        if let Some(answer) = ahead.seen.get(id) {
            return Ok(Some(Earlier::Waiting(answer.clone())));
        }
        let now = ahead.chain.time.max(append.at).as_millisecond();
        Ok(self.ask_now(|store| store.seen(id, now))?.map(Earlier::Durable))
    }

    /// Asks the store, once it has what is durable now.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Store) -> Result<T, StoreError>) -> Result<T, LedgerError> {
        self.behind.settle();
        if self.behind.has_failed() {
            return Err(LedgerError::Store { cause: "it took nothing more".into() });
        }
        self.ask_now(question)
    }

    /// Asks the store as it is, which may lack what became durable last.
    pub(crate) fn ask_now<T>(&self, question: impl FnOnce(&Store) -> Result<T, StoreError>) -> Result<T, LedgerError> {
        let store = self.store()?;
        question(&store).map_err(|error| LedgerError::Store { cause: error.to_string() })
    }

    /// Answers from the journal where the store could not, and remembers to rebuild the store at the next start.
    pub(crate) fn or_from_journal<T>(
        &self,
        found: Result<T, LedgerError>,
        from_journal: impl FnOnce() -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        match found {
            Err(LedgerError::Store { cause }) => {
                self.distrust_store(&cause);
                from_journal()
            }
            other => other,
        }
    }

    pub(crate) fn distrust_store(&self, cause: &str) {
        tracing::warn!(%cause, "the ledger's store is damaged; the next start rebuilds it from the journal");
        // Without the mark the damage is found again when it is read again.
        let _ = std::fs::write(opening::distrust_mark(&self.directory), cause);
    }
}

pub(crate) fn recorded(store: &Store, bytes: &[u8]) -> Result<Recorded, StoreError> {
    let entry: Entry = serde_json::from_slice(bytes).map_err(StoreError::new)?;
    let mut texts = std::collections::BTreeMap::new();
    for (member, hash) in line::text_hashes(&entry.body) {
        if let Some(salted) = store.text(hash)? {
            texts.insert(member.to_owned(), salted.text);
        }
    }
    Ok(Recorded { entry, texts })
}

/// A lock whose holder panicked still guards whole values here: each is replaced in one step.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
