//! How shipping goes, for whoever looks: metrics, the dashboard, tests.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;

use crate::ledger::shared::locked;

/// How far shipping is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shipped {
    /// The first entry that is not elsewhere yet; absent until the place was reached.
    pub next: Option<u64>,
    /// When everything that there was had been shipped last.
    pub at: Option<Timestamp>,
    /// What is in the way now.
    pub trouble: Option<String>,
}

/// A handle on how shipping goes, to each place by its name.
#[derive(Debug, Clone, Default)]
pub struct Status(Arc<Mutex<BTreeMap<String, Shipped>>>);

impl Status {
    /// How it goes now, where it goes worst.
    pub fn now(&self) -> Shipped {
        let places = locked(&self.0);
        let behind = places.values().min_by_key(|one| (one.next, one.at)).cloned().unwrap_or_default();
        Shipped { trouble: places.values().find_map(|one| one.trouble.clone()), ..behind }
    }

    pub(super) fn begin(&self, place: &str) {
        locked(&self.0).entry(place.to_owned()).or_default();
    }

    pub(super) fn well(&self, place: &str, next: u64, at: Timestamp) {
        locked(&self.0).insert(place.to_owned(), Shipped { next: Some(next), at: Some(at), trouble: None });
    }

    pub(super) fn in_trouble(&self, place: &str, why: String) {
        locked(&self.0).entry(place.to_owned()).or_default().trouble = Some(why);
    }
}
