//! What others did to a tracked branch past us, a commit or a rewriting: recorded with who, where, and from what to what.

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

/// A tracked branch that no longer holds all that it held.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewritten {
    /// The repository.
    pub repository: ConnectionName,
    /// Its tip as it was known.
    pub from: CommitId,
    /// Its tip now.
    pub to: CommitId,
    /// What differs between the two, target by target; empty where the earlier one cannot be read any more.
    pub touched: Vec<Touched>,
}

pub(super) fn rewritten(rewritten: &Rewritten) -> Decision {
    let nobody = Actor { person: None, account: None, via: "git".to_owned() };
    let entry = Draft::new("outside.rewritten", format!("repository/{}", rewritten.repository), nobody)
        .with("from", &rewritten.from)
        .with("to", &rewritten.to)
        .with("targets", &rewritten.touched);
    Decision { entries: vec![entry], reply: Reply::Taken }
}

pub(super) fn decide(outside: &OutsideCommit) -> Decision {
    let entry = Draft::new("outside.commit", format!("repository/{}", outside.repository), outside.by.clone())
        .with("commit", &outside.commit)
        .with("targets", &outside.touched)
        .with_text("author", &outside.author)
        .with_text("message", &outside.subject);
    Decision { entries: vec![entry], reply: Reply::Taken }
}
