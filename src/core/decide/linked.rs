//! Somebody linked their account on the forge, or ended that. Recorded; the token itself is none of the ledger's.

use super::{Asker, Decision, Reply};
use crate::core::{
    entry::{Actor, Draft},
    names::PersonId,
};

/// What came of linking an account.
#[derive(Debug, Clone)]
pub struct Linked {
    asker: Asker,
    login: String,
    kind: &'static str,
    /// Whose the account on the chat platform is from now on, where that was proven.
    person: Option<PersonId>,
}

impl Linked {
    /// It is linked.
    pub fn made(asker: Asker, login: String) -> Self {
        Self { asker, login, kind: "account.linked", person: None }
    }

    /// It is no longer.
    pub fn ended(asker: Asker, login: String) -> Self {
        Self { asker, login, kind: "account.unlinked", person: None }
    }

    /// The code was typed by another account than the catalog's, so nothing is kept.
    pub fn refused(asker: Asker, login: String) -> Self {
        Self { asker, login, kind: "account.refused", person: None }
    }

    /// Somebody whom the catalog did not know on this platform proved by their account on GitHub who they are.
    pub fn joined(asker: Asker, login: String, person: PersonId) -> Self {
        Self { asker, login, kind: "account.joined", person: Some(person) }
    }
}

pub(super) fn decide(linked: &Linked) -> Decision {
    let subject = linked.person.as_ref().map_or_else(|| "account".to_owned(), |person| format!("person/{person}"));
    let actor = Actor { person: linked.person.clone().or_else(|| linked.asker.person.clone()), ..linked.asker.actor() };
    let entry = Draft::new(linked.kind, subject, actor).with("account", format!("github:{}", linked.login));
    Decision { entries: vec![entry], reply: Reply::Taken }
}
