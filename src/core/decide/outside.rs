//! A commit that is not ours changed what levers move: recorded with who, where, and from what to what.

use serde::Serialize;

use super::{Decision, Reply};
use crate::core::{
    change::Line,
    entry::{Actor, Draft},
    names::{CommitId, ConnectionName, Target},
};

/// A commit of the tracked branch that came past us.
#[derive(Debug, Clone, PartialEq)]
pub struct OutsideCommit {
    /// The repository.
    pub repository: ConnectionName,
    /// The commit.
    pub commit: CommitId,
    /// Who wrote it, as far as the forge and the catalog tell.
    pub by: Actor,
    /// The author's name as it stands in the commit.
    pub author: String,
    /// Its first line.
    pub subject: String,
    /// What it changed, target by target.
    pub touched: Vec<Touched>,
}

/// What a commit changed of one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Touched {
    /// The target.
    #[serde(flatten)]
    pub target: Target,
    /// The fields; empty where only other parts of its files differ.
    pub fields: Vec<Line>,
}

pub(super) fn decide(outside: &OutsideCommit) -> Decision {
    let entry = Draft::new("outside.commit", format!("repository/{}", outside.repository), outside.by.clone())
        .with("commit", &outside.commit)
        .with("targets", &outside.touched)
        .with_text("author", &outside.author)
        .with_text("message", &outside.subject);
    Decision { entries: vec![entry], reply: Reply::Taken }
}
