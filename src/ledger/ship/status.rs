//! How shipping goes, for whoever looks: metrics, the dashboard, tests.

use std::sync::{Arc, Mutex};

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

/// A handle on how shipping goes.
#[derive(Debug, Clone, Default)]
pub struct Status(Arc<Mutex<Shipped>>);

impl Status {
    /// How it goes now.
    pub fn now(&self) -> Shipped {
        locked(&self.0).clone()
    }

    pub(super) fn well(&self, next: u64, at: Timestamp) {
        *locked(&self.0) = Shipped { next: Some(next), at: Some(at), trouble: None };
    }

    pub(super) fn in_trouble(&self, why: String) {
        locked(&self.0).trouble = Some(why);
    }
}
