//! Reads what commits say of us: marks, checkpoints and committers. For auditors, who bring any repository, and for
//! the start, which holds the ledger against the checkpoints in git.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use git2::{Oid, Repository, Sort};

use super::{
    error::GitError,
    history::{REQUEST_TRAILER, trailers},
    read::commit_id,
};
use crate::core::names::CommitId;

/// A commit that is ours, by its committer or by its mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Its id.
    pub id: CommitId,
    /// Its subject.
    pub subject: String,
    /// The address of whoever committed it.
    pub committer: String,
    /// Its trailers by name; of several of one name the last.
    pub trailers: BTreeMap<String, String>,
}

impl Marked {
    /// The request that it carries.
    pub fn request(&self) -> Option<&str> {
        self.trailers.get(REQUEST_TRAILER).map(String::as_str)
    }
}

/// What a repository holds of us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Commits committed with our address, or that carry a request's mark.
    pub ours: Vec<Marked>,
    /// Those of the commits asked for that no branch or tag holds.
    pub missing: Vec<CommitId>,
}

/// Looks through every commit of every branch and tag of a repository on this machine. `email` is our address.
///
/// # Errors
/// When there is no repository, or it cannot be read.
pub fn survey(repository: &Path, email: &str, asked_for: &[CommitId]) -> Result<Survey, GitError> {
    let repository = Repository::open(repository)?;
    let mut walk = repository.revwalk()?;
    for reference in repository.references()?.flatten() {
        if let Ok(commit) = reference.peel_to_commit() {
            walk.push(commit.id())?;
        }
    }
    if let Ok(head) = repository.head().and_then(|head| head.peel_to_commit()) {
        walk.push(head.id())?;
    }
    let mut missing: BTreeSet<&CommitId> = asked_for.iter().collect();
    let mut ours = Vec::new();
    for id in walk {
        let id = id?;
        ours.extend(marked(&repository, id, Some(email))?);
        if !missing.is_empty() {
            missing.remove(&commit_id(id)?);
        }
    }
    Ok(Survey { ours, missing: missing.into_iter().cloned().collect() })
}

/// The newest commits at or before a tip that carry a request's mark and this trailer, at most `most`, among the
/// last `deepest` commits.
pub(super) fn newest_with(
    repository: &Repository,
    tip: Oid,
    trailer: &str,
    (most, deepest): (usize, usize),
) -> Result<Vec<Marked>, GitError> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TIME)?;
    walk.push(tip)?;
    let mut found = Vec::new();
    for id in walk.take(deepest) {
        let marked = marked(repository, id?, None)?;
        found.extend(marked.filter(|marked| marked.trailers.contains_key(trailer)));
        if found.len() >= most {
            break;
        }
    }
    Ok(found)
}

fn marked(repository: &Repository, id: Oid, email: Option<&str>) -> Result<Option<Marked>, GitError> {
    let commit = repository.find_commit(id)?;
    let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
    let by_us = email.is_some_and(|email| commit.committer().email_bytes() == email.as_bytes());
    if !by_us && !message.contains(REQUEST_TRAILER) {
        return Ok(None);
    }
    let trailers: BTreeMap<String, String> = trailers(&message).into_iter().collect();
    if !by_us && !trailers.contains_key(REQUEST_TRAILER) {
        return Ok(None);
    }
    let subject = message.lines().next().unwrap_or_default().to_owned();
    let committer = String::from_utf8_lossy(commit.committer().email_bytes()).into_owned();
    Ok(Some(Marked { id: commit_id(id)?, subject, committer, trailers }))
}
