//! Holds the ledger against what git remembers of it: the checkpoints in our commits. A ledger that is shorter or
//! another one takes nothing new, before anything is decided on it.

use std::sync::{Arc, PoisonError};

use super::{Inner, Repository, effects::Trouble};
use crate::{
    core::names::{CommitId, RequestId},
    git::GitError,
    ledger::{self, Anchor},
};

/// So many of the newest commits with a checkpoint are looked at.
const NEWEST: usize = 16;

/// Once in a life of the process for each repository, at the first tip that its host gives.
pub(super) async fn hold(inner: &Arc<Inner>, repository: &Repository, tip: &CommitId) -> Result<(), GitError> {
    let held = || inner.held.lock().unwrap_or_else(PoisonError::into_inner);
    if !held().contains(&repository.name) {
        look(inner, repository, tip).await?;
        held().insert(repository.name.clone());
    }
    Ok(())
}

/// Holds the ledger against a tip.
pub(super) async fn look(inner: &Arc<Inner>, repository: &Repository, tip: &CommitId) -> Result<(), GitError> {
    let marked = repository.mirror.newest_with(tip, ledger::TRAILER, NEWEST).await?;
    let anchor = |commit: &crate::git::Marked| {
        let head = ledger::parse_trailer(commit.trailers.get(ledger::TRAILER)?)?;
        Some(Anchor { head, found: format!("commit {}", commit.id.short()) })
    };
    let anchors: Vec<Anchor> = marked.iter().filter_map(anchor).collect();
    if !anchors.is_empty() {
        let directory = inner.ledger.directory().to_owned();
        let looked = tokio::task::spawn_blocking(move || ledger::disagreement(&directory, anchors)).await;
        let why = match looked {
            Ok(Ok(None)) => None,
            Ok(Ok(Some(why))) => Some(why),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("it could not be held against git".to_owned()),
        };
        why.into_iter().for_each(|why| inner.ledger.quarantine(why));
    }
    Ok(())
}

/// The trailer of a commit: the tree just after the intent that it follows. The same for every try.
pub(super) async fn trailer(inner: &Arc<Inner>, id: &RequestId, intent: &str) -> Result<Option<String>, Trouble> {
    let Some(place) = inner.request(id).await.and_then(|request| request.intended(intent)) else { return Ok(None) };
    let head = inner.ledger.head_at(place + 1).await;
    head.map(|head| Some(ledger::trailer(head))).map_err(|error| Trouble::Other(format!("{error}. {}", error.remedy())))
}
