//! Keeps the rules fresh: fetches, reads catalog, policy and commands at the tip, and keeps the last good ones when
//! the newest do not load, saying so.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Busy, Inner, Repository, anchors,
    effects::{self, Trouble},
    glass, groups,
};
use crate::{
    core::{
        access,
        change::SourceFile,
        names::{CommitId, ConnectionName, RepoPath},
        rules::{Elsewhere, FOLDER, Rules, RulesError, Sources, Tip, sources},
    },
    git::{GitError, Tree},
};

/// How long between two fetches when nothing else asks for one.
const EVERY: Duration = Duration::from_secs(20);
/// How long after a fetch that failed.
const AFTER_TROUBLE: Duration = Duration::from_secs(2);
/// How many changes of the rules back one that loads is looked for.
const BACK: usize = 50;
/// The longest rest after a fetch that somebody caused.
const LONGEST_REST: Duration = Duration::from_secs(10);

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
    /// Why a repository cannot be read now.
    repositories: BTreeMap<ConnectionName, String>,
    /// Why the rules at the tip are not the ones in force.
    tip: Option<String>,
}

impl Troubles {
    /// The gravest, in words that go on after a colon: what keeps the rules from being fresh.
    pub(super) fn words(&self, catalog: &ConnectionName) -> Option<String> {
        self.repositories.get(catalog).or(self.tip.as_ref()).cloned()
    }

    /// All of it, as sentences beside what is shown.
    pub(super) fn notice(&self, catalog: &ConnectionName) -> Option<String> {
        let own = self.repositories.get(catalog).map(|why| format!("What is shown may be old: {why}."));
        let own = own.or_else(|| self.tip.as_ref().map(|why| kept(why)));
        let others = self.repositories.iter().filter(|(name, _)| *name != catalog);
        let others = others.map(|(name, why)| format!("What is shown of `{name}` may be old: {why}."));
        let all: Vec<String> = own.into_iter().chain(others).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

fn kept(why: &str) -> String {
    format!("The newest rules do not load, so the last good ones stay in force: {why}")
}

pub(super) async fn keep_fresh(inner: Arc<Inner>, repository: Repository) {
    begin(&inner, &repository).await;
    while !inner.tasks.is_stopping() {
        let wait = match refresh(&inner, &repository).await {
            Ok(()) => EVERY,
            Err(error) => {
                unreadable(&inner, &repository, &error);
                AFTER_TROUBLE
            }
        };
        inner.tasks.pause(wait).await;
    }
}

/// Begins with what was fetched last, so that a start while the host is down leaves nobody unrecognised. Whatever
/// lands is held to the rules at the tip all the same.
async fn begin(inner: &Arc<Inner>, repository: &Repository) {
    let read = async {
        match repository.mirror.tip().await? {
            Some(tip) => {
                anchors::look(inner, repository, &tip).await?;
                read_in(inner, repository, &tip).await
            }
            None => Ok(()),
        }
    };
    if let Err(error) = read.await {
        unreadable(inner, repository, &error);
    }
}

/// The host says that the branch has moved: also what is being fetched at this moment may be from before.
pub(super) fn refresh_again(inner: &Arc<Inner>, repository: &Repository) {
    let (fresh, repository) = (Arc::clone(inner), repository.clone());
    let busy = Busy::new(inner);
    inner.tasks.start(async move {
        if let Err(error) = refresh(&fresh, &repository).await {
            unreadable(&fresh, &repository, &error);
        }
        drop(busy);
    });
}

/// Somebody is at it: what they do next is done on fresh tips. Nobody waits for it.
pub(super) fn refresh_soon(inner: &Arc<Inner>) {
    for repository in inner.reach.repositories() {
        let mut refreshing = inner.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(again) = refreshing.get_mut(&repository.name) {
            *again = Some(Busy::new(inner));
            continue;
        }
        refreshing.insert(repository.name.clone(), None);
        drop(refreshing);
        inner.tasks.start(refresh_in_turn(Arc::clone(inner), repository.clone(), Busy::new(inner)));
    }
}

/// Fetches, and again where that was asked for meanwhile; twice as long as a fetch takes nothing is fetched after it, so
/// that many who are at it do not keep the host busy for nothing.
async fn refresh_in_turn(inner: Arc<Inner>, repository: Repository, mut busy: Busy) {
    loop {
        let began = Instant::now();
        if let Err(error) = refresh(&inner, &repository).await {
            unreadable(&inner, &repository, &error);
        }
        drop(busy);
        inner.tasks.pause((began.elapsed() * 2).min(LONGEST_REST)).await;
        let mut refreshing = inner.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        match refreshing.remove(&repository.name).flatten().filter(|_| !inner.tasks.is_stopping()) {
            Some(again) => {
                refreshing.insert(repository.name.clone(), None);
                busy = again;
            }
            None => return,
        }
    }
}

/// Fetches a repository and takes its tip in; the catalog's brings the rules.
pub(super) async fn refresh(inner: &Arc<Inner>, repository: &Repository) -> Result<(), Stale> {
    let tip = repository.mirror.fetch().await?;
    anchors::hold(inner, repository, &tip).await?;
    read_in(inner, repository, &tip).await?;
    let mut troubles = inner.troubles.lock().unwrap_or_else(PoisonError::into_inner);
    if troubles.repositories.remove(&repository.name).is_some() {
        drop(troubles);
        // What waits for the host need not wait out its pause.
        effects::wake_all(inner);
    }
    Ok(())
}

/// The rules, and the repository that a request changes.
pub(super) async fn refresh_for(inner: &Arc<Inner>, repository: &Repository) -> Result<(), Stale> {
    if repository.name != inner.reach.repository.name {
        refresh(inner, repository).await?;
    }
    refresh(inner, &inner.reach.repository).await
}

async fn read_in(inner: &Arc<Inner>, repository: &Repository, tip: &CommitId) -> Result<(), Stale> {
    match repository.name == inner.reach.repository.name {
        true => read_at(inner, tip).await,
        false => Ok(stand_at(inner, repository, tip).await?),
    }
}

/// Reads the rules at a commit that is in the mirror, unless they are the ones in force. Where they do not load, the
/// last good ones move along: those in force, or after a start the newest in git that load.
async fn read_at(inner: &Arc<Inner>, commit: &CommitId) -> Result<(), Stale> {
    if inner.rules_in_git().is_some_and(|rules| &rules.commit == commit) {
        return Ok(());
    }
    let repository = &inner.reach.repository;
    let tip = Tip { commit: commit.clone(), paths: repository.mirror.paths(commit).await? };
    let files = files_at(inner, commit).await?;
    let (in_force, same) = {
        // Together: rules that were in force a moment earlier may come from other files than those considered now.
        let considered = inner.considered.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.rules_in_git(), sources(&files) == *considered)
    };
    let rules = match (in_force, same) {
        (Some(last), true) => last.kept_at(tip),
        (in_force, _) => read(inner, tip, (&files, in_force)).await?,
    };
    if !is_overtaken(repository, commit, inner.rules_in_git().as_ref().map(|rules| &rules.commit)).await? {
        // Together, so that of two readings at the same time never one gives the rules and the other their files.
        let mut considered = inner.considered.lock().unwrap_or_else(PoisonError::into_inner);
        let elsewhere = elsewhere(inner);
        inner.rules.send_replace(Some(Arc::new(rules.among(elsewhere))));
        *considered = sources(&files);
        groups::note_looked(inner, commit);
        inner.forge.note_moved(inner);
        glass::git_moved(inner);
    }
    Ok(())
}

/// Reads other rules than those that were looked at last.
async fn read(
    inner: &Arc<Inner>,
    tip: Tip,
    (files, in_force): (&[SourceFile], Option<Arc<Rules>>),
) -> Result<Rules, Stale> {
    match (Rules::read_among(tip.clone(), files, elsewhere(inner)), in_force) {
        (Ok(rules), in_force) => {
            loads(inner);
            match in_force {
                Some(last) => {
                    groups::granted(inner, &last, &rules).await;
                    tell_the_effect(inner, last, rules.clone());
                }
                None => granted_meanwhile(inner, &tip, &rules).await,
            }
            Ok(rules)
        }
        (Err(error), Some(last)) => {
            keeps(inner, &error, &last);
            Ok(last.kept_at(tip))
        }
        (Err(error), None) => {
            let Some(last) = last_good(inner, &tip).await? else { return Err(error.into()) };
            keeps(inner, &error, &last);
            Ok(last)
        }
    }
}

/// Roles that came into the catalog while nobody looked.
async fn granted_meanwhile(inner: &Arc<Inner>, tip: &Tip, rules: &Rules) {
    let Some(commit) = groups::looked(inner) else { return };
    let Ok(files) = files_at(inner, &commit).await else { return };
    if let Ok(before) = Rules::read_among(tip.clone(), &files, elsewhere(inner)) {
        groups::granted(inner, &before, rules).await;
    }
}

fn elsewhere(inner: &Inner) -> Elsewhere {
    inner.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Another repository is at this commit now.
async fn stand_at(inner: &Arc<Inner>, repository: &Repository, commit: &CommitId) -> Result<(), GitError> {
    let before = elsewhere(inner).others.get(&repository.name).map(|tip| tip.commit.clone());
    if before.as_ref() == Some(commit) || is_overtaken(repository, commit, before.as_ref()).await? {
        return Ok(());
    }
    let tip = Tip { commit: commit.clone(), paths: repository.mirror.paths(commit).await? };
    // Whoever changes the rules holds this, so that nothing is lost of two changes at the same time.
    let considered = inner.considered.lock().unwrap_or_else(PoisonError::into_inner);
    let now = {
        let mut elsewhere = inner.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        elsewhere.others.insert(repository.name.clone(), tip);
        elsewhere.clone()
    };
    if let Some(rules) = inner.rules_in_git() {
        inner.rules.send_replace(Some(Arc::new(rules.among(now))));
        inner.forge.note_moved(inner);
        glass::git_moved(inner);
    }
    drop(considered);
    Ok(())
}

/// Whether a newer commit was taken in while this one was read: where this is not the tip any more.
async fn is_overtaken(repository: &Repository, commit: &CommitId, taken: Option<&CommitId>) -> Result<bool, GitError> {
    let (mirror, Some(taken)) = (&repository.mirror, taken) else { return Ok(false) };
    Ok(mirror.tip().await?.as_ref() != Some(commit) && mirror.is_ancestor(commit, taken).await?)
}

async fn files_at(inner: &Arc<Inner>, commit: &CommitId) -> Result<Vec<SourceFile>, GitError> {
    match RepoPath::parse(FOLDER) {
        Ok(folder) => inner.reach.repository.mirror.directory(commit, &folder).await,
        Err(_) => Ok(Vec::new()),
    }
}

/// The newest rules before those at the tip that load, in force at the tip.
async fn last_good(inner: &Arc<Inner>, tip: &Tip) -> Result<Option<Rules>, GitError> {
    let Ok(folder) = RepoPath::parse(FOLDER) else { return Ok(None) };
    for change in inner.reach.repository.mirror.history(&tip.commit, &folder, BACK).await?.iter().skip(1) {
        let files = files_at(inner, &change.id).await?;
        if let Ok(rules) = Rules::read_among(tip.clone(), &files, elsewhere(inner)) {
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

/// A repository cannot be read now, which the log says once.
fn unreadable(inner: &Inner, repository: &Repository, error: &Stale) {
    let words = error.to_string();
    let mut troubles = inner.troubles.lock().unwrap_or_else(PoisonError::into_inner);
    if troubles.repositories.get(&repository.name) != Some(&words) {
        tracing::warn!(repository = %repository.name, %error, "a repository could not be read");
        troubles.repositories.insert(repository.name.clone(), words);
    }
}

/// The rules at the tip load; where those before did not, the chat hears of it.
fn loads(inner: &Arc<Inner>) {
    if inner.troubles.lock().unwrap_or_else(PoisonError::into_inner).tip.take().is_some() {
        announce(inner, None, "The rules in git load again and are in force.".to_owned());
    }
}

/// What other rules change about who may do what is said in the home channel.
fn tell_the_effect(inner: &Arc<Inner>, before: Arc<Rules>, after: Rules) {
    let (again, busy) = (Arc::clone(inner), super::Busy::new(inner));
    inner.tasks.start(async move {
        let _busy = busy;
        let changed = tokio::task::spawn_blocking(move || access::changed(&before, &after)).await.ok().flatten();
        let Some(words) = changed.and_then(|changed| effect(&changed)) else { return };
        announce(&again, None, words);
    });
}

/// How many sentences about changed rights one message holds.
const SAID: usize = 8;

/// The sentences in one message; `None` where nothing changed.
fn effect(changed: &[String]) -> Option<String> {
    let lines: Vec<String> = changed.iter().take(SAID).map(|line| format!("• {line}")).collect();
    let more = match changed.len().saturating_sub(SAID) {
        0 => String::new(),
        more => format!("\n{more} more: `leverframe audit access --changed-since COMMIT`."),
    };
    (!lines.is_empty()).then(|| format!("The rules in git changed:\n{}{more}", lines.join("\n")))
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
pub(super) fn announce(inner: &Arc<Inner>, home: Option<String>, words: String) {
    let home = home.or_else(|| inner.rules()?.catalog.channels().home.clone());
    let Some(channel) = home else { return };
    let Some(chat) = inner.reach.chats.iter().find(|chat| chat.has_channel(&channel)).cloned() else { return };
    let busy = super::Busy::new(inner);
    inner.tasks.start(async move {
        let _busy = busy;
        if let Err(error) = chat.say(&channel, &words).await {
            tracing::warn!(%error, remedy = error.remedy(), "the home channel could not be told");
        }
    });
}
