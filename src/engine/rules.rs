//! Keeps the rules fresh: fetches, reads catalog, policy and commands at the tip, and keeps the last good ones when
//! the newest do not load, saying so.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use super::{Busy, Inner};
use crate::{
    core::{
        names::{CommitId, RepoPath},
        rules::{Rules, RulesError},
    },
    git::GitError,
};

/// How long between two fetches when nothing else asks for one.
const EVERY: Duration = Duration::from_secs(20);
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
    while !inner.tasks.is_stopping() {
        let wait = match refresh(&inner).await {
            Ok(()) => EVERY,
            Err(error) => {
                note(&inner, &error);
                AFTER_TROUBLE
            }
        };
        inner.tasks.pause(wait).await;
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
        if let Err(error) = refresh(&fresh).await {
            note(&fresh, &error);
        }
        fresh.refreshing.store(false, Ordering::Release);
        drop(busy);
    });
}

/// Fetches and reads the rules at the tip.
pub(super) async fn refresh(inner: &Arc<Inner>) -> Result<(), Stale> {
    let tip = inner.reach.repository.mirror.fetch().await?;
    read_at(inner, &tip).await
}

/// Reads the rules at a commit that is in the mirror, unless they are the ones in force.
pub(super) async fn read_at(inner: &Arc<Inner>, tip: &CommitId) -> Result<(), Stale> {
    if inner.rules().is_some_and(|rules| &rules.commit == tip) {
        return Ok(());
    }
    let mirror = &inner.reach.repository.mirror;
    let paths = mirror.paths(tip).await?;
    let files = match RepoPath::parse(".leverframe") {
        Ok(directory) => mirror.directory(tip, &directory).await?,
        Err(_) => Vec::new(),
    };
    let rules = Rules::read(tip.clone(), &files, &paths)?;
    inner.rules.send_replace(Some(Arc::new(rules)));
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
