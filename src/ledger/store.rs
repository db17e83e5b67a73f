//! The sled store beside the journal: entries and their indexes, all of it derived from the journal except `notes`.
//! sled panics on some damage, so every call goes through [`guarded`]; what it says is never trusted over the journal.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use serde_json::Value;
use sled::Tree;

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

    /// Takes in whole lines of the journal. Each tree takes its part at once, `entries` last: what sled keeps of its
    /// log is its beginning, so an entry that is there after a crash has all that belongs to it, and what only came
    /// half is taken in again from the journal. Lines that are there already change nothing.
    pub(crate) fn apply(&self, batches: &[Batch]) -> Outcome<()> {
        let part = Part::of(batches)?;
        guarded(|| {
            let trees = [&self.by_subject, &self.texts, &self.seen, &self.seen_times, &self.entries];
            let parts = [part.by_subject, part.texts, part.seen, part.seen_times, part.entries];
            trees.into_iter().zip(parts).try_for_each(|(tree, part)| tree.apply_batch(part))
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
        self.places(&subject_key(subject, None))
    }

    /// The places of the entries of every subject that begins so, in order.
    pub(crate) fn by_prefix(&self, prefix: &str) -> Outcome<Vec<u64>> {
        let mut places = self.places(prefix.as_bytes())?;
        places.sort_unstable();
        Ok(places)
    }

    /// The places that the index names under a prefix, but for entries that are just coming: the index has them first.
    fn places(&self, prefix: &[u8]) -> Outcome<Vec<u64>> {
        let Some((last, _)) = self.last()? else { return Ok(Vec::new()) };
        let keys: Vec<_> = guarded(|| self.by_subject.scan_prefix(prefix).keys().collect())?;
        let place =
            |key: &sled::IVec| number(key.len().checked_sub(8).and_then(|at| key.get(at..)).unwrap_or_default());
        let places = keys.iter().map(place).filter(|place| place.as_ref().map_or(true, |place| *place <= last));
        places.collect()
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

/// What lines bring to each tree.
#[derive(Default)]
struct Part {
    entries: sled::Batch,
    by_subject: sled::Batch,
    texts: sled::Batch,
    seen: sled::Batch,
    seen_times: sled::Batch,
}

impl Part {
    fn of(batches: &[Batch]) -> Outcome<Self> {
        let mut part = Self::default();
        for batch in batches {
            for entry in &batch.entries {
                part.entries.insert(&entry.seq.to_be_bytes(), entry.bytes.as_slice());
                part.by_subject.insert(subject_key(&entry.subject, Some(entry.seq)), &[]);
            }
            for (hash, text) in &batch.texts {
                part.texts.insert(hash.as_str(), serde_json::to_vec(text).map_err(StoreError::new)?);
            }
            for answer in &batch.seen {
                part.seen.insert(answer.id.as_str(), serde_json::to_vec(answer).map_err(StoreError::new)?);
                part.seen_times.insert(time_key(answer.at, &answer.id), &[]);
            }
        }
        Ok(part)
    }
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
