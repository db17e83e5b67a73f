//! Keeps the rules fresh: fetches, reads catalog, policy and commands at the tip, and keeps the last good ones when
//! the newest do not load, saying so.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use super::{Busy, Inner};
use crate::{
    core::{
        change::SourceFile,
        names::{CommitId, Digest, RepoPath},
        rules::{Rules, RulesError},
    },
    git::GitError,
};

/// How long between two fetches when nothing else asks for one.
const EVERY: Duration = Duration::from_secs(20);
/// Where the repository keeps the rules.
pub(super) const OWN: &str = ".leverframe";
/// How many changes of the rules are looked back through for some that load.
const BACK: usize = 50;
/// How long after a fetch that failed.
const AFTER_TROUBLE: Duration = Duration::from_secs(2);

/// The newest commit that was read. Its rules are the ones in force only if they load; its files are what changes are
/// planned on either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadAt {
    /// The commit.
    pub(super) commit: CommitId,
    /// What stood under `.leverframe` there.
    pub(super) stood: Digest,
}

impl ReadAt {
    /// What stands under `.leverframe`, to be compared.
    pub(super) fn standing(files: &[SourceFile]) -> Digest {
        let all: String = files.iter().map(|file| format!("{} {}\n", file.blob, file.path)).collect();
        Digest::of(all.as_bytes())
    }
}

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

/// As [`refresh`], for work that the last good rules will do for: a catalog that does not load holds nothing up.
pub(super) async fn catch_up(inner: &Arc<Inner>) -> Result<(), Stale> {
    match refresh(inner).await {
        Err(error @ Stale::Rules(_)) if inner.rules().is_some() => {
            note(inner, &error);
            Ok(())
        }
        done => done,
    }
}

/// Reads the rules at a commit that is in the mirror, unless they are the ones in force.
pub(super) async fn read_at(inner: &Arc<Inner>, tip: &CommitId) -> Result<(), Stale> {
    let in_force = inner.rules().is_some_and(|rules| &rules.commit == tip);
    if !in_force || inner.read_at().is_none_or(|read| &read.commit != tip) {
        let mirror = &inner.reach.repository.mirror;
        let paths = mirror.paths(tip).await?;
        let files = own_files(inner, tip).await?;
        let read = Rules::read(tip.clone(), &files, &paths);
        if read.is_err() && inner.rules().is_none() {
            inner.rules.send_replace(last_good(inner, tip, &paths).await?.map(Arc::new));
        }
        let stood = ReadAt::standing(&files);
        let rules = read.inspect_err(|_| inner.note_read(ReadAt { commit: tip.clone(), stood: stood.clone() }))?;
        inner.rules.send_replace(Some(Arc::new(rules)));
        inner.note_read(ReadAt { commit: tip.clone(), stood });
    }
    *inner.rules_trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    Ok(())
}

async fn own_files(inner: &Arc<Inner>, commit: &CommitId) -> Result<Vec<SourceFile>, GitError> {
    match RepoPath::parse(OWN) {
        Ok(directory) => inner.reach.repository.mirror.directory(commit, &directory).await,
        Err(_) => Ok(Vec::new()),
    }
}

/// The newest rules on the branch that load, for a start while those at the tip do not.
async fn last_good(inner: &Arc<Inner>, tip: &CommitId, paths: &[RepoPath]) -> Result<Option<Rules>, Stale> {
    let Ok(directory) = RepoPath::parse(OWN) else { return Ok(None) };
    for commit in inner.reach.repository.mirror.history(tip, &directory, BACK).await? {
        let files = own_files(inner, &commit.id).await?;
        if let Ok(rules) = Rules::read(commit.id, &files, paths) {
            return Ok(Some(rules));
        }
    }
    Ok(None)
}

impl Inner {
    fn note_read(&self, at: ReadAt) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// The newest commit that was read; absent before the first.
    pub(super) fn read_at(&self) -> Option<ReadAt> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The commit that changes are planned on: the newest one, also while its rules do not load.
    pub(super) fn base(&self, rules: &Rules) -> CommitId {
        self.read_at().map_or_else(|| rules.commit.clone(), |read| read.commit)
    }
}

fn note(inner: &Inner, error: &Stale) {
    let words = error.to_string();
    let mut trouble = inner.rules_trouble.lock().unwrap_or_else(PoisonError::into_inner);
    if trouble.as_deref() != Some(words.as_str()) {
        tracing::warn!(%error, "the rules at the tip could not be read; the last good ones stay in force");
        *trouble = Some(words);
    }
}
