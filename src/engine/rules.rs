//! Keeps the rules fresh: fetches, reads catalog, policy and commands at the tip, and keeps the last good ones when
//! the newest do not load, saying so.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use super::{Busy, Inner};
use crate::{
    core::{
        names::{CommitId, Digest, RepoPath},
        rules::{Rules, RulesError},
    },
    git::{GitError, SourceFile},
};

/// How long between two fetches when nothing else asks for one.
const EVERY: Duration = Duration::from_secs(20);
/// Where the rules are.
pub(super) const DIRECTORY: &str = ".leverframe";
/// How long after a fetch that failed.
const AFTER_TROUBLE: Duration = Duration::from_secs(2);

/// Why the rules are not fresh.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stale {
    /// The repository could not be read.
    #[error("the repository cannot be read: {0}")]
    Git(#[from] GitError),
    /// The files at the tip do not load.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

pub(super) async fn keep_fresh(inner: Arc<Inner>) {
    begin(&inner).await;
    while !inner.tasks.is_stopping() {
        let fetched = refresh(&inner).await;
        let wait = if fetched.is_ok() && inner.rules().is_some() { EVERY } else { AFTER_TROUBLE };
        inner.tasks.pause(wait).await;
    }
}

/// Begins with what was fetched last, so that a restart while the host is down leaves nobody unrecognised. Whatever
/// lands is held to the rules at the tip all the same.
async fn begin(inner: &Arc<Inner>) {
    if let Ok(Some(tip)) = inner.reach.repository.mirror.tip().await
        && let Err(error) = read_at(inner, &tip).await
    {
        note(inner, &error);
    }
}

/// Somebody is at it: what they do next is done on a fresh tip. Nobody waits for it.
pub(super) fn refresh_soon(inner: &Arc<Inner>) {
    if inner.refreshing.swap(true, Ordering::AcqRel) {
        return;
    }
    let fresh = Arc::clone(inner);
    let busy = Busy::new(inner);
    inner.tasks.start(async move {
        // A failure is noted there, and looked into again soon.
        let _ = refresh(&fresh).await;
        fresh.refreshing.store(false, Ordering::Release);
        drop(busy);
    });
}

/// Fetches, reads the rules at the tip and says which commit that is. Rules there that do not load are said aloud,
/// and the last good ones stay in force.
///
/// # Errors
/// When the repository cannot be fetched or read.
pub(super) async fn refresh(inner: &Arc<Inner>) -> Result<CommitId, GitError> {
    let read = async {
        let tip = inner.reach.repository.mirror.fetch().await?;
        read_at(inner, &tip).await.map(|()| tip.clone()).or_else(|stale| match stale {
            Stale::Rules(_) => {
                note(inner, &stale);
                Ok(tip)
            }
            Stale::Git(error) => Err(error),
        })
    };
    read.await.inspect_err(|error| note(inner, &Stale::Git(error.clone())))
}

/// Reads the rules at a commit that is in the mirror, unless they are the ones in force.
async fn read_at(inner: &Arc<Inner>, tip: &CommitId) -> Result<(), Stale> {
    if inner.rules().is_some_and(|rules| &rules.commit == tip) {
        return well(inner);
    }
    let mirror = &inner.reach.repository.mirror;
    let paths = mirror.paths(tip).await?;
    let files = match RepoPath::parse(DIRECTORY) {
        Ok(directory) => mirror.directory(tip, &directory).await?,
        Err(_) => Vec::new(),
    };
    if is_overtaken(inner, tip).await? {
        return Ok(());
    }
    *inner.rules_mark.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark(&files));
    let rules = Rules::read(tip.clone(), &files, &paths)?;
    inner.rules.send_replace(Some(Arc::new(rules)));
    well(inner)
}

/// Whether newer rules came into force while these were read: a commit below theirs that is no longer the tip.
async fn is_overtaken(inner: &Arc<Inner>, tip: &CommitId) -> Result<bool, GitError> {
    let mirror = &inner.reach.repository.mirror;
    let Some(rules) = inner.rules() else { return Ok(false) };
    Ok(mirror.tip().await?.as_ref() != Some(tip) && mirror.is_ancestor(tip, &rules.commit).await?)
}

/// What the rules are made of, to be compared: whether a tip holds the files that were read last, good or bad.
pub(super) fn mark(files: &[SourceFile]) -> Digest {
    let listed: String = files.iter().map(|file| format!("{} {}\n", file.blob, file.path)).collect();
    Digest::of(listed.as_bytes())
}

fn well(inner: &Inner) -> Result<(), Stale> {
    *inner.rules_trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    Ok(())
}

fn note(inner: &Inner, error: &Stale) {
    let words = error.to_string();
    let mut trouble = inner.rules_trouble.lock().unwrap_or_else(PoisonError::into_inner);
    if trouble.as_deref() != Some(words.as_str()) {
        tracing::warn!(%error, "the rules at the tip could not be read; the last good ones stay in force");
        *trouble = Some(words);
    }
}
