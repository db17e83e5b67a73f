//! Reading entries: from the store by its indexes, and from the journal where the store cannot be read.

use super::{
    Ledger, LedgerError,
    journal::Reader,
    shared::recorded,
    store::{Store, StoreError},
};
use crate::core::entry::Recorded;

impl Ledger {
    /// Entries from `from` on, at most `limit`, in order.
    ///
    /// # Errors
    /// When neither the store nor the journal can be read.
    pub fn read(&self, from: u64, limit: usize) -> Result<Vec<Recorded>, LedgerError> {
        let length = self.len();
        let found = self.shared.ask(|store| {
            let expected = usize::try_from(length.saturating_sub(from)).unwrap_or(limit).min(limit);
            let entries = store.entries(from, limit)?;
            if entries.len() < expected && !self.is_quarantined() {
                return Err(StoreError::new("entries are missing at its end"));
            }
            entries.into_iter().map(|bytes| recorded(store, &bytes)).collect()
        });
        self.shared.or_from_journal(found, || {
            let records = Reader::open_from(&self.shared.directory, from)?.take(limit);
            records.map(|record| Ok(record?.recorded())).collect()
        })
    }

    /// The entries about a subject, in order.
    ///
    /// # Errors
    /// As [`Ledger::read`].
    pub fn by_subject(&self, subject: &str) -> Result<Vec<Recorded>, LedgerError> {
        let found = self.shared.ask(|store| all(store, store.by_subject(subject)?));
        self.shared.or_from_journal(found, || self.in_journal(|found| found == subject))
    }

    /// The entries about every subject that begins so (`freeze/`), in order. For what there is little of: the time
    /// that it takes grows with what is found, and not with the ledger.
    ///
    /// # Errors
    /// As [`Ledger::read`].
    pub fn by_prefix(&self, prefix: &str) -> Result<Vec<Recorded>, LedgerError> {
        let found = self.shared.ask(|store| all(store, store.by_prefix(prefix)?));
        self.shared.or_from_journal(found, || self.in_journal(|subject| subject.starts_with(prefix)))
    }

    fn in_journal(&self, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Recorded>, LedgerError> {
        let records = Reader::open(&self.shared.directory)?.map(|record| Ok(record?.recorded()));
        records.filter(|one| one.as_ref().map_or(true, |one| is_wanted(&one.entry.subject))).collect()
    }
}

/// The entries at these places.
fn all(store: &Store, places: Vec<u64>) -> Result<Vec<Recorded>, StoreError> {
    let entry = |seq| {
        let bytes = store.entry(seq)?.ok_or_else(|| StoreError::new(format!("entry {seq} is missing")))?;
        recorded(store, &bytes)
    };
    places.into_iter().map(entry).collect()
}
