//! Landing a change: fetch, look whether it has landed already, compose it on the tip, commit it without a
//! work tree, push under a lease; and when somebody else was faster, all of it again on the new tip. Lines are
//! never merged: the change is composed anew from what the tip holds.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::mpsc,
    time::Duration,
};

use git2::Oid;
use jiff::{SignedDuration, Timestamp};

use super::{
    commit::{self, Composed},
    error::GitError,
    history,
    read::{Tree, commit_id},
    remote::{self, Heads, Push, Pushed, Replace},
    worker::Room,
};
use crate::{
    clock,
    core::names::{CommitId, RequestId},
};

/// How often a race is run at most. With the pauses below, all of them take about ten seconds.
const TRIES: u32 = 24;
/// How often it is run at least; after that a slow host ends it sooner, so that others get their turn.
const FEWEST_TRIES: u32 = 10;
const LONGEST: SignedDuration = SignedDuration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Where a landing goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Onto {
    /// The tracked branch itself.
    Tracked,
    /// A branch of the request's own, from the tip of the tracked branch: `leverframe/<request id>`.
    Branch(String),
}

/// Composes a change on a tip; called once for every tip it is tried on.
pub type Compose<E> = Box<dyn FnMut(&Tree<'_>) -> Result<Composed, E> + Send>;

/// A change that should land once.
pub struct Landing<E> {
    /// Where to.
    pub onto: Onto,
    /// Whose change it is. The composed message must carry its trailer, `Leverframe-Request: <id>`.
    pub request: RequestId,
    /// When it was asked for: commits older than this (less an hour) cannot be it.
    pub opened: Timestamp,
    /// Makes the change from what a tip holds, or stops the landing with a reason of the caller's own.
    pub compose: Compose<E>,
}

/// What a landing came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<E> {
    /// It is on the server.
    Landed {
        /// The new commit.
        commit: CommitId,
        /// The tip it was composed on.
        parent: CommitId,
        /// How often it was tried, 1 when nobody else was faster.
        tries: u32,
    },
    /// It was there before: an earlier try had landed.
    AlreadyThere {
        /// The commit that carries it.
        commit: CommitId,
    },
    /// `compose` stopped it.
    Stopped(E),
}

/// Lands a change. Runs on the writer's thread.
pub(super) fn land<E>(room: &mut Room, landing: &mut Landing<E>) -> Result<Outcome<E>, GitError> {
    let reference = reference(room, &landing.onto)?;
    let began = clock::now();
    for tries in 1..=TRIES {
        let other = (landing.onto != Onto::Tracked).then_some(reference.as_str());
        let heads = fetch(room, other)?;
        let attempt = match heads.other {
            Some(ours) if other.is_some() => replace(room, landing, &reference, heads.tip, ours)?,
            _ => add(room, landing, &reference, &heads)?,
        };
        match attempt {
            Attempt::Landed(commit) => {
                let (commit, parent) = (commit_id(commit)?, commit_id(heads.tip)?);
                return Ok(Outcome::Landed { commit, parent, tries });
            }
            Attempt::There(commit) => return Ok(Outcome::AlreadyThere { commit: commit_id(commit)? }),
            Attempt::Stopped(reason) => return Ok(Outcome::Stopped(reason)),
            Attempt::Lost if tries >= FEWEST_TRIES && clock::now().duration_since(began) > LONGEST => {
                return Err(GitError::LostRace(tries));
            }
            Attempt::Lost => pause(&landing.request, tries),
        }
    }
    Err(GitError::LostRace(TRIES))
}

/// Fetches; a mirror that turns out damaged is made anew once.
pub(super) fn fetch(room: &mut Room, other: Option<&str>) -> Result<Heads, GitError> {
    room.heal_if_damaged()?;
    match remote::fetch(room, other) {
        Err(GitError::Damaged(_)) => {
            room.mark_damaged();
            room.heal_if_damaged()?;
            remote::fetch(room, other)
        }
        done => done,
    }
}

enum Attempt<E> {
    Landed(Oid),
    There(Oid),
    Stopped(E),
    Lost,
}

fn reference(room: &Room, onto: &Onto) -> Result<String, GitError> {
    let name = match onto {
        Onto::Tracked => return Ok(room.shared.tracked()),
        Onto::Branch(name) => format!("refs/heads/{name}"),
    };
    if name == room.shared.tracked() || !git2::Reference::is_valid_name(&name) {
        return Err(GitError::Unfit(format!("`{name}` cannot be a request's branch")));
    }
    Ok(name)
}

/// Composes on a tip. Where that failed because the mirror could not be read, the failure is ours to report.
fn compose<E>(room: &Room, landing: &mut Landing<E>, tip: Oid) -> Result<Result<Composed, E>, GitError> {
    let tree = Tree::of(&room.repository, tip)?;
    let composed = (landing.compose)(&tree);
    match tree.trouble() {
        Some(error) if composed.is_err() => Err(error),
        Some(_) | None => Ok(composed),
    }
}

/// Adds a commit to the tracked branch, or begins the request's branch with it.
fn add<E>(room: &Room, landing: &mut Landing<E>, reference: &str, heads: &Heads) -> Result<Attempt<E>, GitError> {
    let expected = match landing.onto {
        Onto::Tracked => Some(heads.tip),
        Onto::Branch(_) => None,
    };
    if let Some(found) = history::find_marked(&room.repository, heads.tip, &landing.request, landing.opened)? {
        return Ok(Attempt::There(found));
    }
    let composed = match compose(room, landing, heads.tip)? {
        Ok(composed) => composed,
        Err(reason) => return Ok(Attempt::Stopped(reason)),
    };
    let commit = commit::write(&room.repository, heads.tip, &composed, &landing.request)?;
    let push = Push { reference, commit, expected, replace: Replace::No };
    Ok(match remote::push(room, push)? {
        Pushed::Done => Attempt::Landed(commit),
        Pushed::Lost => Attempt::Lost,
    })
}

/// The request's branch exists. Where it holds this very change it is left alone, also when the tracked branch
/// has moved on since: its pull request and reviews hang on that commit. Where the change now reads otherwise
/// it is replaced, but only if its tip was made by us.
fn replace<E>(
    room: &Room,
    landing: &mut Landing<E>,
    reference: &str,
    tip: Oid,
    there: Oid,
) -> Result<Attempt<E>, GitError> {
    if let Some(found) = history::find_marked(&room.repository, tip, &landing.request, landing.opened)? {
        return Ok(Attempt::There(found));
    }
    let composed = match compose(room, landing, tip)? {
        Ok(composed) => composed,
        Err(reason) => return Ok(Attempt::Stopped(reason)),
    };
    let found = room.repository.find_commit(there)?;
    if !commit::is_ours(&found, &composed, &landing.request) {
        let Onto::Branch(name) = &landing.onto else { return Ok(Attempt::Lost) };
        return Err(GitError::BranchTaken(name.clone()));
    }
    if commit::holds(&room.repository, &found, &composed)? {
        return Ok(Attempt::There(there));
    }
    let commit = commit::write(&room.repository, tip, &composed, &landing.request)?;
    let push = Push { reference, commit, expected: Some(there), replace: Replace::Yes };
    Ok(match remote::push(room, push)? {
        Pushed::Done => Attempt::Landed(commit),
        Pushed::Lost => Attempt::Lost,
    })
}

/// Waits before the next try: twice as long each time, up to a limit, of which a part that differs between
/// requests is left out, so that they do not meet again.
fn pause(request: &RequestId, tries: u32) {
    let longest = FIRST_PAUSE.saturating_mul(1_u32 << tries.min(10)).min(LONGEST_PAUSE);
    let mut hasher = DefaultHasher::new();
    (request.as_str(), tries).hash(&mut hasher);
    let part = u32::try_from(hasher.finish() % 1000).unwrap_or_default();
    // Nobody sends on this channel: it is how this thread waits.
    let (_open, nothing) = mpsc::channel::<()>();
    let _ = nothing.recv_timeout(longest * part / 1000 + FIRST_PAUSE / 2);
}
