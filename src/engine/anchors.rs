//! Holds the ledger against what git remembers of it: the checkpoints in our commits. A ledger that is shorter or
//! another one takes nothing new, before anything is decided on it.

use std::sync::{Arc, PoisonError};

use super::{
    Inner, Repository,
    effects::{ADDRESS, Trouble},
};
use crate::{
    core::names::{CommitId, RequestId},
    git::{GitError, Marked},
    ledger::{self, Anchor, Disagreement, Trailer, note::PublicKey},
};

/// So many of the newest commits with a checkpoint are looked at.
const NEWEST: usize = 16;
/// And so many where one of those is not met.
const ALL: usize = 10_000;

/// Once in a life of the process for each repository, at the first tip that its host gives.
pub(super) async fn hold(inner: &Arc<Inner>, repository: &Repository, tip: &CommitId) -> Result<(), GitError> {
    let held = || inner.held.lock().unwrap_or_else(PoisonError::into_inner);
    if !held().contains(&repository.name) {
        look(inner, repository, tip).await?;
        held().insert(repository.name.clone());
    }
    Ok(())
}

/// Holds the ledger against a tip. Where it does not fit, it is held against everything that git remembers.
pub(super) async fn look(inner: &Arc<Inner>, repository: &Repository, tip: &CommitId) -> Result<(), GitError> {
    if let Some(found) = compare(inner, repository, tip, NEWEST).await? {
        let Disagreement { anchors, why } = compare(inner, repository, tip, ALL).await?.unwrap_or(found);
        inner.ledger.dispute(anchors, why);
    }
    Ok(())
}

async fn compare(
    inner: &Arc<Inner>,
    repository: &Repository,
    tip: &CommitId,
    most: usize,
) -> Result<Option<Disagreement>, GitError> {
    let marked = repository.mirror.newest_with(tip, ledger::TRAILER, most).await?;
    let key = inner.ledger.public_key();
    Ok(differ(inner, marked.iter().filter_map(|commit| of_ours(commit, key.as_ref())).collect()).await)
}

/// What the ledger does not continue of these, those that were given up aside.
pub(super) async fn differ(inner: &Arc<Inner>, mut anchors: Vec<Anchor>) -> Option<Disagreement> {
    let given_up = inner.ledger.accepted_gaps().unwrap_or_default();
    anchors.retain(|anchor| !given_up.contains(&anchor.head));
    if anchors.is_empty() {
        return None;
    }
    let (directory, all) = (inner.ledger.directory().to_owned(), anchors.clone());
    let compared = tokio::task::spawn_blocking(move || ledger::disagreement(&directory, anchors)).await;
    let unread = |why: String| Some(Disagreement { anchors: all, why });
    match compared {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => unread(error.to_string()),
        Err(_) => unread("it could not be held against git".to_owned()),
    }
}

/// What a commit anchors: it is signed with our key, or committed by us. Anybody may write a trailer, and what others
/// wrote is no reason to stop.
fn of_ours(commit: &Marked, key: Option<&PublicKey>) -> Option<Anchor> {
    let Trailer { head, signature } = ledger::parse_trailer(commit.trailers.get(ledger::TRAILER)?)?;
    let is_signed = key.is_some_and(|key| key.signed(head, &signature));
    (is_signed || commit.committer == ADDRESS).then(|| Anchor { head, found: format!("commit {}", commit.id.short()) })
}

/// The trailer of a commit: the tree just after the intent that it follows. The same for every try.
pub(super) async fn trailer(inner: &Arc<Inner>, id: &RequestId, intent: &str) -> Result<Option<String>, Trouble> {
    let Some(place) = inner.request(id).await.and_then(|request| request.intended(intent)) else { return Ok(None) };
    let trailer = inner.ledger.trailer_at(place + 1).await;
    trailer.map(Some).map_err(|error| Trouble::Other(format!("{error}. {}", error.remedy())))
}
