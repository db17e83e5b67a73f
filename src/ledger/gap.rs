//! The way out of a ledger that disagrees with what is outside, as one brought back from an older copy does: an
//! operator gives up what is missing, which is an entry that names every anchor it gives up. Those count no more.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Append, Ledger, LedgerError, State, Submitted,
    anchor::Anchor,
    journal::{JournalError, Reader},
    note::TreeHead,
    shared::locked,
    submit::Admission,
    tree::Hash,
};
use crate::core::entry::{Actor, Draft, Entry};

/// The kind of the entry.
const ACCEPTED: &str = "ledger.gap_accepted";

/// The heads that an entry gives up.
fn given_up(entry: &Entry) -> impl Iterator<Item = TreeHead> {
    let list = entry.body.get("anchors").filter(|_| entry.kind == ACCEPTED).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|anchor| {
        let root = Hash::parse(anchor.get("root")?.as_str()?)?;
        Some(TreeHead { size: anchor.get("size")?.as_u64()?, root })
    })
}

/// The heads that the ledger in `directory` was given up for, each with the entry that says so.
///
/// # Errors
/// When the journal cannot be read on.
pub fn accepted_gaps(directory: &Path) -> Result<Vec<(u64, TreeHead)>, JournalError> {
    let mut found = Vec::new();
    for record in Reader::open(directory)? {
        let entry = record?.entry;
        found.extend(given_up(&entry).map(|head| (entry.seq, head)));
    }
    Ok(found)
}

impl Ledger {
    /// The heads that were given up.
    ///
    /// # Errors
    /// As [`Ledger::read`].
    pub fn accepted_gaps(&self) -> Result<Vec<TreeHead>, LedgerError> {
        let about = self.by_subject("ledger")?;
        Ok(about.iter().flat_map(|recorded| given_up(&recorded.entry)).collect())
    }

    /// Takes nothing new, because it does not continue these anchors, until an operator gives them up or it is opened
    /// again.
    pub fn dispute(&self, anchors: Vec<Anchor>, why: String) {
        let mut state = locked(&self.shared.state);
        // A ledger that is read-only for its own damage stays so, whatever is given up.
        if matches!(&*state, State::ReadOnly { .. }) && locked(&self.shared.disputed).is_empty() {
            return;
        }
        tracing::error!(%why, "the ledger is read-only");
        let mut disputed = locked(&self.shared.disputed);
        let new: Vec<Anchor> = anchors.into_iter().filter(|anchor| !disputed.contains(anchor)).collect();
        disputed.extend(new);
        *state = State::ReadOnly { why };
    }

    /// What the ledger is read-only for.
    pub fn disputed(&self) -> Vec<Anchor> {
        locked(&self.shared.disputed).clone()
    }

    /// Gives up the anchors that the ledger does not continue, and takes entries again.
    ///
    /// # Errors
    /// When there are none, or the entry that says so cannot be written; then everything stays as it is.
    pub async fn accept_gap(&self, reason: &str, actor: Actor, at: Timestamp) -> Result<Vec<Anchor>, LedgerError> {
        let anchors = self.disputed();
        if anchors.is_empty() {
            return Err(LedgerError::NoGap);
        }
        let list: Vec<Value> = anchors
            .iter()
            .map(|one| json!({ "size": one.head.size, "root": one.head.root.to_string(), "found": one.found }))
            .collect();
        let draft = Draft::new(ACCEPTED, "ledger", actor).with("anchors", list).with("entries", self.len());
        let append = Append { at, drafts: vec![draft.with_text("reason", reason)], seen: None };
        if let Submitted::Placed { receipt, .. } = self.place(append, None, Admission::Always).await? {
            receipt.durable().await?;
        }
        let mut state = locked(&self.shared.state);
        locked(&self.shared.disputed).clear();
        *state = State::Ready;
        Ok(anchors)
    }
}
