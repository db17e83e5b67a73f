//! Keeps the rules fresh: fetches, reads catalog, policy and commands at the tip, and keeps the last good ones when
//! the newest do not load, saying so.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use super::{
    Busy, Inner, anchors,
    effects::{self, Trouble},
};
use crate::{
    core::{
        change::SourceFile,
        names::{CommitId, RepoPath},
        rules::{FOLDER, Rules, RulesError, Sources, sources},
    },
    git::{GitError, Tree},
};

/// How long between two fetches when nothing else asks for one.
const EVERY: Duration = Duration::from_secs(20);
/// How long after a fetch that failed.
const AFTER_TROUBLE: Duration = Duration::from_secs(2);
/// How many changes of the rules back one that loads is looked for.
const BACK: usize = 50;

/// Why the rules are not fresh.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stale {
    /// The repository could not be read.
    #[error("the repository cannot be read: {0}")]
    Git(#[from] GitError),
    /// The files at the tip do not load, and none before them did.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

impl From<Stale> for Trouble {
    fn from(stale: Stale) -> Self {
        match stale {
            Stale::Git(error) => Self::Git(error),
            Stale::Rules(error) => Self::Other(format!("{error}. {}", error.remedy())),
        }
    }
}

/// What is wrong with the rules, for people.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// Why the repository cannot be read now.
    repository: Option<String>,
    /// Why the rules at the tip are not the ones in force.
    tip: Option<String>,
}

impl Troubles {
    /// The gravest, in words that go on after a colon.
    pub(super) fn words(&self) -> Option<String> {
        self.repository.clone().or_else(|| self.tip.clone())
    }

    /// The same as a sentence of its own, beside what is shown.
    pub(super) fn notice(&self) -> Option<String> {
        let old = self.repository.as_ref().map(|why| format!("What is shown may be old: {why}."));
        old.or_else(|| self.tip.as_ref().map(|why| kept(why)))
    }
}

fn kept(why: &str) -> String {
    format!("The newest rules do not load, so the last good ones stay in force: {why}")
}

pub(super) async fn keep_fresh(inner: Arc<Inner>) {
    begin(&inner).await;
    while !inner.tasks.is_stopping() {
        let wait = match refresh(&inner).await {
            Ok(()) => EVERY,
            Err(error) => {
                unreadable(&inner, &error);
                AFTER_TROUBLE
            }
        };
        inner.tasks.pause(wait).await;
    }
}

/// Begins with what was fetched last, so that a start while the host is down leaves nobody unrecognised. Whatever
/// lands is held to the rules at the tip all the same.
async fn begin(inner: &Arc<Inner>) {
    let read = async {
        match inner.reach.repository.mirror.tip().await? {
            Some(tip) => {
                anchors::look(inner, &tip).await?;
                read_at(inner, &tip).await
            }
            None => Ok(()),
        }
    };
    if let Err(error) = read.await {
        unreadable(inner, &error);
    }
}

/// The host says that the branch has moved: also what is being fetched at this moment may be from before.
pub(super) fn refresh_again(inner: &Arc<Inner>) {
    let fresh = Arc::clone(inner);
    let busy = Busy::new(inner);
    inner.tasks.start(async move {
        if let Err(error) = refresh(&fresh).await {
            unreadable(&fresh, &error);
        }
        drop(busy);
    });
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
            unreadable(&fresh, &error);
        }
        fresh.refreshing.store(false, Ordering::Release);
        drop(busy);
    });
}

/// Fetches and reads the rules at the tip.
pub(super) async fn refresh(inner: &Arc<Inner>) -> Result<(), Stale> {
    let tip = inner.reach.repository.mirror.fetch().await?;
    anchors::hold(inner, &tip).await?;
    read_at(inner, &tip).await?;
    if inner.troubles.lock().unwrap_or_else(PoisonError::into_inner).repository.take().is_some() {
        // What waits for the host need not wait out its pause.
        effects::wake_all(inner);
    }
    Ok(())
}

/// Reads the rules at a commit that is in the mirror, unless they are the ones in force. Where they do not load, the
/// last good ones move along: those in force, or after a start the newest in git that load.
async fn read_at(inner: &Arc<Inner>, tip: &CommitId) -> Result<(), Stale> {
    let in_force = inner.rules();
    if in_force.as_ref().is_some_and(|rules| &rules.commit == tip) {
        return Ok(());
    }
    let paths = inner.reach.repository.mirror.paths(tip).await?;
    let files = files_at(inner, tip).await?;
    let rules = match (Rules::read(tip.clone(), &files, &paths), in_force) {
        (Ok(rules), _) => {
            loads(inner);
            rules
        }
        (Err(error), Some(last)) => {
            keeps(inner, &error, &last);
            last.kept_at(tip.clone(), &paths)
        }
        (Err(error), None) => {
            let Some(last) = last_good(inner, tip, &paths).await? else { return Err(error.into()) };
            keeps(inner, &error, &last);
            last
        }
    };
    if !is_overtaken(inner, tip).await? {
        // Together, so that of two readings at the same time never one gives the rules and the other their files.
        let mut considered = inner.considered.lock().unwrap_or_else(PoisonError::into_inner);
        inner.rules.send_replace(Some(Arc::new(rules)));
        *considered = sources(&files);
        inner.forge.note_moved(inner);
    }
    Ok(())
}

/// Whether newer rules came into force while these were read: those of a later commit, where these are not the tip's.
async fn is_overtaken(inner: &Arc<Inner>, tip: &CommitId) -> Result<bool, GitError> {
    let mirror = &inner.reach.repository.mirror;
    let Some(rules) = inner.rules() else { return Ok(false) };
    Ok(mirror.tip().await?.as_ref() != Some(tip) && mirror.is_ancestor(tip, &rules.commit).await?)
}

async fn files_at(inner: &Arc<Inner>, commit: &CommitId) -> Result<Vec<SourceFile>, GitError> {
    match RepoPath::parse(FOLDER) {
        Ok(folder) => inner.reach.repository.mirror.directory(commit, &folder).await,
        Err(_) => Ok(Vec::new()),
    }
}

/// The newest rules before those at the tip that load, in force at the tip.
async fn last_good(inner: &Arc<Inner>, tip: &CommitId, paths: &[RepoPath]) -> Result<Option<Rules>, GitError> {
    let Ok(folder) = RepoPath::parse(FOLDER) else { return Ok(None) };
    for change in inner.reach.repository.mirror.history(tip, &folder, BACK).await?.iter().skip(1) {
        if let Ok(rules) = Rules::read(tip.clone(), &files_at(inner, &change.id).await?, paths) {
            return Ok(Some(rules));
        }
    }
    Ok(None)
}

/// Whether a tip has other rules than those that were looked at last.
pub(super) fn are_others(considered: &Sources, tip: &Tree<'_>) -> bool {
    let files = RepoPath::parse(FOLDER).ok().and_then(|folder| tip.directory(&folder).ok()).unwrap_or_default();
    sources(&files) != *considered
}

/// The repository cannot be read now, which the log says once.
fn unreadable(inner: &Inner, error: &Stale) {
    let words = error.to_string();
    let mut troubles = inner.troubles.lock().unwrap_or_else(PoisonError::into_inner);
    if troubles.repository.as_deref() != Some(words.as_str()) {
        tracing::warn!(%error, "the rules could not be read");
        troubles.repository = Some(words);
    }
}

/// The rules at the tip load; where those before did not, the chat hears of it.
fn loads(inner: &Arc<Inner>) {
    if inner.troubles.lock().unwrap_or_else(PoisonError::into_inner).tip.take().is_some() {
        announce(inner, None, "The rules in git load again and are in force.".to_owned());
    }
}

/// The rules at the tip do not load: said in the log, on the dashboard, in `/status` and once in the home channel.
fn keeps(inner: &Arc<Inner>, error: &RulesError, last: &Rules) {
    let words = format!("{}. {}", error.to_string().trim_end_matches('.'), error.remedy());
    let mut troubles = inner.troubles.lock().unwrap_or_else(PoisonError::into_inner);
    if troubles.tip.as_deref() != Some(words.as_str()) {
        tracing::warn!(%error, "the newest rules do not load; the last good ones stay in force");
        announce(inner, last.catalog.channels().home.clone(), kept(&words));
        troubles.tip = Some(words);
    }
}

/// Says something in the home channel. It informs, so a platform that is down holds up nothing.
fn announce(inner: &Arc<Inner>, home: Option<String>, words: String) {
    let home = home.or_else(|| inner.rules()?.catalog.channels().home.clone());
    let Some(channel) = home else { return };
    let Some(chat) = inner.reach.chats.iter().find(|chat| chat.has_channel(&channel)).cloned() else { return };
    inner.tasks.start(async move {
        if let Err(error) = chat.say(&channel, &words).await {
            tracing::warn!(%error, remedy = error.remedy(), "the home channel could not be told");
        }
    });
}
