//! Somebody linked their account on the forge, or ended that. Recorded; the token itself is none of the ledger's.

use super::{Asker, Decision, Reply};
use crate::core::entry::Draft;

/// What came of linking an account.
#[derive(Debug, Clone)]
pub struct Linked {
    asker: Asker,
    login: String,
    kind: &'static str,
}

impl Linked {
    /// It is linked.
    pub fn made(asker: Asker, login: String) -> Self {
        Self { asker, login, kind: "account.linked" }
    }

    /// It is no longer.
    pub fn ended(asker: Asker, login: String) -> Self {
        Self { asker, login, kind: "account.unlinked" }
    }

    /// The code was typed by another account than the catalog's, so nothing is kept.
    pub fn refused(asker: Asker, login: String) -> Self {
        Self { asker, login, kind: "account.refused" }
    }
}

pub(super) fn decide(linked: &Linked) -> Decision {
    let entry =
        Draft::new(linked.kind, "account", linked.asker.actor()).with("account", format!("github:{}", linked.login));
    Decision { entries: vec![entry], reply: Reply::Taken }
}
