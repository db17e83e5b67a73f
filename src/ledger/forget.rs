//! Erasing a person's texts as the ledger does it: said in an entry first, done, and said in another. What was begun
//! and is not done follows from the entries, as all work does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{Append, Ledger, LedgerError, erasure::Erased, writer::Message};
use crate::core::{
    entry::{Actor, Draft},
    names::PersonId,
};

/// The subject of the entries about erasures.
const ERASURES: &str = "erasure";

impl Ledger {
    /// Removes the texts of a person from the disk: first an entry that says so, then the texts, then an entry that
    /// it is done.
    ///
    /// # Errors
    /// When the ledger takes no entries or its files cannot be written. Then [`Ledger::finish_erasures`] goes on.
    pub async fn erase(&self, person: &PersonId, actor: Actor, at: Timestamp) -> Result<Erased, LedgerError> {
        let draft = |kind: &str| Draft::new(kind, ERASURES, actor.clone()).with("person", person);
        self.append(Append { at, drafts: vec![draft("erasure.begun")], seen: None }).await?;
        let person = person.clone();
        let erased = self.ask_writer(|reply| Message::Erase { person, reply }).await?;
        let done = draft("erasure.done").with("texts", erased.texts);
        self.append(Append { at, drafts: vec![done], seen: None }).await?;
        Ok(erased)
    }

    /// Finishes erasures that a crash cut short: those that begun and were not done.
    ///
    /// # Errors
    /// As [`Ledger::erase`].
    pub async fn finish_erasures(&self, at: Timestamp) -> Result<(), LedgerError> {
        let mut open = BTreeMap::new();
        for recorded in self.by_subject(ERASURES)? {
            let Some(person) = recorded.entry.body.get("person").and_then(Value::as_str) else { continue };
            match recorded.entry.kind.as_str() {
                "erasure.begun" => drop(open.insert(person.to_owned(), recorded.entry.actor)),
                "erasure.done" => drop(open.remove(person)),
                _ => {}
            }
        }
        for (person, actor) in open {
            if let Ok(person) = PersonId::parse(&person) {
                self.erase(&person, actor, at).await?;
            }
        }
        Ok(())
    }
}
