//! The sled store beside the journal: entries and their indexes, all of it derived from the journal except `notes`.
//! sled panics on some damage, so every call goes through [`guarded`]; what it says is never trusted over the journal.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use serde_json::Value;
use sled::{
    Transactional, Tree,
    transaction::{ConflictableTransactionError, TransactionError, TransactionalTree},
};

use super::line::{Batch, SeenAnswer};
use crate::core::entry::SaltedText;

/// What the store, or a panic inside it, said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StoreError(String);

impl StoreError {
    pub(crate) fn new(why: impl std::fmt::Display) -> Self {
        Self(why.to_string())
    }
}

/// How long the first answer to an event is kept, in milliseconds.
pub(crate) const SEEN_FOR: i64 = 24 * 60 * 60 * 1000;
/// At most so many old events are dropped at a time, so that no append waits for it.
const PRUNED_AT_ONCE: usize = 256;

/// Trees: `entries` (seq -> exact bytes), `by_subject` (subject, 0, seq), `texts` (hash -> salt and text),
/// `seen` (event -> answer), `seen_times` (milliseconds, event), `notes`. Numbers are big-endian.
pub(crate) struct Store {
    database: sled::Db,
    entries: Tree,
    by_subject: Tree,
    texts: Tree,
    seen: Tree,
    seen_times: Tree,
    notes: Tree,
}

type Outcome<T> = Result<T, StoreError>;

/// Runs sled with its panics turned into errors.
fn guarded<T>(work: impl FnOnce() -> Result<T, sled::Error>) -> Outcome<T> {
    // Nothing of ours is left half-changed by a panic in sled, and after one the store is set aside and rebuilt.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(StoreError::new),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(StoreError(said.unwrap_or_else(|| "sled panicked".to_owned())))
        }
    }
}

impl Store {
    /// Opens or creates the store.
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Outcome<Self> {
        guarded(|| {
            // No flusher thread: it would `fsync` twice a second beside the journal's, and sled waits for ever on
            // one that panicked. What a crash loses here, the journal brings back.
            let config = sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(None);
            let database = config.open()?;
            Ok(Self {
                entries: database.open_tree("entries")?,
                by_subject: database.open_tree("by_subject")?,
                texts: database.open_tree("texts")?,
                seen: database.open_tree("seen")?,
                seen_times: database.open_tree("seen_times")?,
                notes: database.open_tree("notes")?,
                database,
            })
        })
    }

    /// The last entry and its exact bytes.
    pub(crate) fn last(&self) -> Outcome<Option<(u64, Vec<u8>)>> {
        let last = guarded(|| self.entries.last())?;
        last.map(|(key, bytes)| Ok((number(&key)?, bytes.to_vec()))).transpose()
    }

    /// Takes in whole lines of the journal, all or nothing. Lines that are there already change nothing.
    pub(crate) fn apply(&self, batches: &[Batch]) -> Outcome<()> {
        let trees = (&self.entries, &self.by_subject, &self.texts, &self.seen, &self.seen_times);
        guarded(|| {
            let done = trees.transaction(|(entries, by_subject, texts, seen, seen_times)| {
                for batch in batches {
                    apply_entries(batch, entries, by_subject)?;
                    apply_rest(batch, texts, seen, seen_times)?;
                }
                Ok(())
            });
            done.map_err(|error| match error {
                TransactionError::Abort(error) => sled::Error::Unsupported(error.to_string()),
                TransactionError::Storage(error) => error,
            })
        })
    }

    /// Exact bytes of entries from `from` on, at most `limit`, without a gap.
    pub(crate) fn entries(&self, from: u64, limit: usize) -> Outcome<Vec<Vec<u8>>> {
        let found: Vec<_> = guarded(|| self.entries.range(from.to_be_bytes()..).take(limit).collect())?;
        let mut entries = Vec::with_capacity(found.len());
        for ((key, bytes), seq) in found.into_iter().zip(from..) {
            if number(&key)? != seq {
                return Err(StoreError(format!("entry {seq} is missing")));
            }
            entries.push(bytes.to_vec());
        }
        Ok(entries)
    }

    /// One entry's exact bytes.
    pub(crate) fn entry(&self, seq: u64) -> Outcome<Option<Vec<u8>>> {
        Ok(guarded(|| self.entries.get(seq.to_be_bytes()))?.map(|bytes| bytes.to_vec()))
    }

    /// The places of a subject's entries, in order.
    pub(crate) fn by_subject(&self, subject: &str) -> Outcome<Vec<u64>> {
        let prefix = subject_key(subject, None);
        let keys: Vec<_> = guarded(|| self.by_subject.scan_prefix(&prefix).keys().collect())?;
        keys.iter().map(|key| number(key.get(prefix.len()..).unwrap_or_default())).collect()
    }

    /// The places of the entries of every subject that begins so, in order.
    pub(crate) fn by_prefix(&self, prefix: &str) -> Outcome<Vec<u64>> {
        let keys: Vec<_> = guarded(|| self.by_subject.scan_prefix(prefix).keys().collect())?;
        let place =
            |key: &sled::IVec| number(key.len().checked_sub(8).and_then(|at| key.get(at..)).unwrap_or_default());
        let mut places = keys.iter().map(place).collect::<Outcome<Vec<u64>>>()?;
        places.sort_unstable();
        Ok(places)
    }

    /// Whether an entry can be found by its subject.
    pub(crate) fn is_indexed(&self, subject: &str, seq: u64) -> Outcome<bool> {
        guarded(|| self.by_subject.contains_key(subject_key(subject, Some(seq))))
    }

    /// The free text behind a hash, unless it was erased.
    pub(crate) fn text(&self, hash: &str) -> Outcome<Option<SaltedText>> {
        read(guarded(|| self.texts.get(hash))?)
    }

    /// The first answer to an event, when it is not older than a day at `now` (milliseconds).
    pub(crate) fn seen(&self, event: &str, now: i64) -> Outcome<Option<Value>> {
        let seen: Option<SeenAnswer> = read(guarded(|| self.seen.get(event))?)?;
        Ok(seen.filter(|seen| seen.at >= now.saturating_sub(SEEN_FOR)).map(|seen| seen.answer))
    }

    /// Drops events that are older than a day at `now`, a bounded number of them.
    pub(crate) fn prune_seen(&self, now: i64) -> Outcome<()> {
        let end = time_key(now.saturating_sub(SEEN_FOR), "");
        let old: Vec<_> = guarded(|| self.seen_times.range(..end).keys().take(PRUNED_AT_ONCE).collect())?;
        for key in old {
            let (time, event) = key.split_at_checked(8).unwrap_or_default();
            guarded(|| {
                let current = self.seen.get(event)?.and_then(|bytes| serde_json::from_slice::<SeenAnswer>(&bytes).ok());
                // The same event may have come again after a day; then the later answer stays.
                if current.is_some_and(|current| current.at.to_be_bytes() == time) {
                    self.seen.remove(event)?;
                }
                self.seen_times.remove(&key)
            })?;
        }
        Ok(())
    }

    /// A note.
    pub(crate) fn note(&self, key: &str) -> Outcome<Option<Vec<u8>>> {
        Ok(guarded(|| self.notes.get(key))?.map(|bytes| bytes.to_vec()))
    }

    /// Keeps a note.
    pub(crate) fn set_note(&self, key: &str, value: &[u8]) -> Outcome<()> {
        guarded(|| self.notes.insert(key, value)).map(|_| ())
    }

    /// Hands everything to the disk.
    pub(crate) fn flush(&self) -> Outcome<()> {
        guarded(|| self.database.flush()).map(|_| ())
    }

    /// Lets go of the store; sled may write, and panic, while it goes.
    pub(crate) fn close(self) {
        let closed = guarded(|| {
            drop(self);
            Ok(())
        });
        if let Err(error) = closed {
            tracing::warn!(%error, "the ledger's store did not close well; the journal has everything");
        }
    }
}

type Applied = Result<(), ConflictableTransactionError<StoreError>>;

fn apply_entries(batch: &Batch, entries: &TransactionalTree, by_subject: &TransactionalTree) -> Applied {
    for entry in &batch.entries {
        entries.insert(&entry.seq.to_be_bytes(), entry.bytes.as_slice())?;
        by_subject.insert(subject_key(&entry.subject, Some(entry.seq)), &[])?;
    }
    Ok(())
}

fn apply_rest(
    batch: &Batch,
    texts: &TransactionalTree,
    seen: &TransactionalTree,
    seen_times: &TransactionalTree,
) -> Applied {
    let json = |error: serde_json::Error| ConflictableTransactionError::Abort(StoreError::new(error));
    for (hash, text) in &batch.texts {
        texts.insert(hash.as_str(), serde_json::to_vec(text).map_err(json)?)?;
    }
    for answer in &batch.seen {
        seen.insert(answer.id.as_str(), serde_json::to_vec(answer).map_err(json)?)?;
        seen_times.insert(time_key(answer.at, &answer.id), &[])?;
    }
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(bytes: Option<sled::IVec>) -> Outcome<Option<T>> {
    bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(StoreError::new)).transpose()
}

fn number(key: &[u8]) -> Outcome<u64> {
    key.try_into().map(u64::from_be_bytes).map_err(|_| StoreError("a key has the wrong length".to_owned()))
}

fn subject_key(subject: &str, seq: Option<u64>) -> Vec<u8> {
    let seq = seq.map(u64::to_be_bytes);
    [subject.as_bytes(), &[0], seq.as_ref().map_or(&[][..], |seq| seq)].concat()
}

fn time_key(at: i64, event: &str) -> Vec<u8> {
    [&at.max(0).to_be_bytes(), event.as_bytes()].concat()
}
