//! Holds the store against the journal while that is read. The journal is the truth.

use std::ops::Range;

use super::{
    error::JournalError,
    line::{self, Batch, Header},
    store::{Store, StoreError},
};
use crate::core::entry::{Entry, NO_PREVIOUS};

/// Holds the store against the journal line by line, and gives it the lines it lacks.
pub(crate) struct Comparison<'a> {
    store: Option<&'a Store>,
    /// Entries in the store at the beginning.
    length: u64,
    last_hash: String,
    compared_from: u64,
    lacking: Vec<Batch>,
    /// Entries that the store lacked and got.
    pub(crate) caught_up: u64,
    /// Why the store cannot be used.
    pub(crate) distrust: Option<String>,
}

/// So many entries go into the store in one transaction.
const AT_ONCE: usize = 500;

impl<'a> Comparison<'a> {
    pub(crate) fn new(store: Option<&'a Store>, distrust: Option<String>, compared: u64) -> Self {
        let last = store.map_or(Ok(None), Store::last);
        let distrust = distrust.or_else(|| last.as_ref().err().map(StoreError::to_string));
        let last = last.ok().flatten();
        let length = last.as_ref().map_or(0, |(seq, _)| seq + 1);
        let last_hash = last.map_or_else(|| NO_PREVIOUS.to_owned(), |(_, bytes)| line::hash(&bytes));
        let compared_from = length.saturating_sub(compared);
        Self { store, length, last_hash, compared_from, lacking: Vec::new(), caught_up: 0, distrust }
    }

    /// Takes the next line of the journal.
    pub(crate) fn take(&mut self, header: &Header, line: &[u8]) {
        if self.distrust.is_some() {
            return;
        }
        if let Err(why) = self.try_take(header, line) {
            self.distrust = Some(why);
        }
    }

    fn try_take(&mut self, header: &Header, line: &[u8]) -> Result<(), String> {
        let Some(store) = self.store else { return Ok(()) };
        if header.first < self.length && self.length < header.next() {
            return Err("it ends in the middle of a record".into());
        }
        if header.next() == self.length && header.hash != self.last_hash {
            return Err(format!("its entry {} differs from the journal's", self.length.saturating_sub(1)));
        }
        if header.first >= self.length {
            self.lacking.push(Batch::decode(header, line)?);
            return if self.lacking.len() >= AT_ONCE { self.give(store) } else { Ok(()) };
        }
        if header.next() > self.compared_from {
            return compare(store, &Batch::decode(header, line)?);
        }
        Ok(())
    }

    fn give(&mut self, store: &Store) -> Result<(), String> {
        store.apply(&self.lacking).map_err(|error| error.to_string())?;
        self.caught_up += self.lacking.iter().map(|batch| batch.header.count).sum::<u64>();
        self.lacking.clear();
        Ok(())
    }

    /// Called when the journal has ended before entry `next`. Entries that only the store has are trusted where each
    /// follows the one before; in a damaged journal they cannot be judged.
    pub(crate) fn finish(&mut self, next: u64, hash: &str, damaged: Option<&JournalError>) {
        let Some(store) = self.store.filter(|_| self.distrust.is_none()) else { return };
        let given = self.give(store);
        let judged = given.and_then(|()| match damaged {
            Some(_) => Ok(()),
            None => follows_on(store, next..self.length, hash),
        });
        self.distrust = judged.err();
    }
}

fn follows_on(store: &Store, entries: Range<u64>, hash: &str) -> Result<(), String> {
    let mut hash = hash.to_owned();
    for seq in entries {
        let bytes = store.entry(seq).map_err(|error| error.to_string())?.unwrap_or_default();
        let entry: Option<Entry> = serde_json::from_slice(&bytes).ok();
        if !entry.is_some_and(|entry| entry.seq == seq && entry.prev == hash) {
            return Err(format!("its entry {seq} does not follow the journal's last"));
        }
        hash = line::hash(&bytes);
    }
    Ok(())
}

fn compare(store: &Store, batch: &Batch) -> Result<(), String> {
    let said = |error: StoreError| error.to_string();
    for entry in &batch.entries {
        if store.entry(entry.seq).map_err(said)?.as_deref() != Some(&entry.bytes) {
            return Err(format!("its entry {} differs from the journal's", entry.seq));
        }
        if !store.is_indexed(&entry.subject, entry.seq).map_err(said)? {
            return Err(format!("entry {} is not in its index", entry.seq));
        }
    }
    for (hash, text) in &batch.texts {
        if store.text(hash).map_err(said)?.as_ref() != Some(text) {
            return Err("a text differs from the journal's".into());
        }
    }
    Ok(())
}
