//! Landing changes: look whether they have landed already, compose each on the tip, commit them one on another without
//! a work tree, push them together under a lease; and when somebody else was faster, fetch and do all of it again on
//! the new tip. Lines are never merged: each change is composed anew from what the tip holds.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use git2::Oid;
use jiff::{SignedDuration, Timestamp};

use super::{
    commit::{self, Composed},
    error::GitError,
    objects::{Made, Objects},
    read::{Tree, commit_id},
    remote::{self, Heads, Push, Pushed, Replace},
    stack,
    worker::{Reply, Room},
};
use crate::{
    clock,
    core::names::{CommitId, RequestId},
};

/// How often a race is run at most.
const TRIES: u32 = 200;
/// How often it is run at least; after that it ends when it took this long, so that others get their turn.
const FEWEST_TRIES: u32 = 10;
const LONGEST: SignedDuration = SignedDuration::from_secs(20);
/// How many of one's own tries the first pause may last; each later one half a try less.
const PATIENCE: u32 = 2;
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long after a lost race the branch counts as fought for, and how many of one's own tries others get then.
const CONTESTED_FOR: SignedDuration = SignedDuration::from_secs(2);
const TURNS: u32 = 2;

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

/// Composes, or stops.
type Composer = Box<dyn FnMut(&Tree<'_>) -> Option<Composed> + Send>;

/// A landing without the type of its caller's reasons, as the queue holds it.
pub(super) struct Asked {
    pub(super) onto: Onto,
    pub(super) request: RequestId,
    pub(super) opened: Timestamp,
    /// `None` where the caller stopped it; the reason is kept for the answer.
    pub(super) compose: Composer,
    pub(super) answer: Answer,
}

/// How the caller is answered, and whether anybody still waits.
pub(super) struct Answer {
    pub(super) give: Box<dyn FnOnce(Result<Came, GitError>) + Send>,
    pub(super) is_awaited: Box<dyn Fn() -> bool + Send>,
}

/// What a landing came to, but for the reason of a stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    Landed { commit: Oid, parent: Oid, tries: u32 },
    There(Oid),
    Stopped,
}

impl Asked {
    pub(super) fn new<E: Send + 'static>(landing: Landing<E>, reply: Reply<Outcome<E>>) -> Self {
        let Landing { onto, request, opened, compose: mut composed } = landing;
        let stopped: Arc<Mutex<Option<E>>> = Arc::default();
        let reason = Arc::clone(&stopped);
        let compose = Box::new(move |tree: &Tree<'_>| match composed(tree) {
            Ok(composed) => Some(composed),
            Err(why) => {
                *reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                None
            }
        });
        let reply = Arc::new(Mutex::new(Some(reply)));
        let waits = Arc::clone(&reply);
        let is_awaited = Box::new(move || {
            let reply = waits.lock().unwrap_or_else(PoisonError::into_inner);
            reply.as_ref().is_some_and(|reply| !reply.is_closed())
        });
        let give = Box::new(move |came: Result<Came, GitError>| {
            let reason = stopped.lock().unwrap_or_else(PoisonError::into_inner).take();
            let outcome = came.and_then(|came| outcome(&came, reason));
            if let Some(reply) = reply.lock().unwrap_or_else(PoisonError::into_inner).take() {
                let _ = reply.send(outcome);
            }
        });
        Self { onto, request, opened, compose, answer: Answer { give, is_awaited } }
    }

    pub(super) fn finish(self, came: Result<Came, GitError>) {
        (self.answer.give)(came);
    }
}

fn outcome<E>(came: &Came, reason: Option<E>) -> Result<Outcome<E>, GitError> {
    match (came, reason) {
        (Came::Landed { commit, parent, tries }, _) => {
            Ok(Outcome::Landed { commit: commit_id(*commit)?, parent: commit_id(*parent)?, tries: *tries })
        }
        (Came::There(commit), _) => Ok(Outcome::AlreadyThere { commit: commit_id(*commit)? }),
        (Came::Stopped, Some(reason)) => Ok(Outcome::Stopped(reason)),
        (Came::Stopped, None) => Err(GitError::Other("a change was stopped without a reason".to_owned())),
    }
}

/// How sure it is where the server's branch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tip {
    /// It was there a while ago; a push on it finds out.
    Likely,
    /// The server said so just now.
    Proven,
}

/// Lands changes: those for the tracked branch together, those with branches of their own one after the other. Says
/// whether a push proved the tracked branch's tip.
pub(super) fn land(room: &mut Room, asked: Vec<Asked>) -> Tip {
    let (together, alone): (Vec<Asked>, Vec<Asked>) =
        asked.into_iter().filter(|one| (one.answer.is_awaited)()).partition(|one| one.onto == Onto::Tracked);
    let tip = if together.is_empty() { Tip::Likely } else { stack::land(room, together) };
    for mut one in alone {
        let came = room.attempt(|room| onto_branch(room, &mut one));
        one.finish(came);
    }
    tip
}

/// The tries that one landing, or one stack of them, has.
pub(super) struct Tries {
    began: Timestamp,
    last: Timestamp,
    done: u32,
}

impl Tries {
    pub(super) fn new() -> Self {
        let now = clock::now();
        Self { began: now, last: now, done: 0 }
    }

    /// Counts one more; `None` when there were enough.
    pub(super) fn next(&mut self) -> Option<u32> {
        self.last = clock::now();
        let slow = self.done >= FEWEST_TRIES && self.last.duration_since(self.began) > LONGEST;
        let more = self.done < TRIES && !slow;
        self.done += u32::from(more);
        more.then_some(self.done)
    }

    /// Waits before the next one, unless it lost too often for that. Whether it waited.
    pub(super) fn pause(&self, request: &RequestId) -> bool {
        let time = pause(request, self.done, self.last_took());
        wait(time);
        !time.is_zero()
    }

    /// How long the try that is going on has taken.
    pub(super) fn last_took(&self) -> Duration {
        Duration::try_from(clock::now().duration_since(self.last)).unwrap_or_default()
    }

    /// What it is when there were enough.
    pub(super) fn lost(&self) -> GitError {
        GitError::LostRace(self.done)
    }
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

/// Composes on a tree; `None` where the caller stopped it. Where that failed because the mirror could not be read,
/// the failure is ours to report; a composer that panics costs only its own change.
pub(super) fn compose(tree: &Tree<'_>, asked: &mut Asked) -> Result<Option<Composed>, GitError> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (asked.compose)(tree)));
    let composed = done.map_err(|_| GitError::Other("the work on the repository broke off".to_owned()))?;
    match tree.trouble() {
        Some(error) if composed.is_none() => Err(error),
        Some(_) | None => Ok(composed),
    }
}

/// Lands a change on a branch of its own. The lease says nothing of the tracked branch, so its tip is fetched.
fn onto_branch(room: &mut Room, asked: &mut Asked) -> Result<Came, GitError> {
    let reference = reference(room, &asked.onto)?;
    let mut tries = Tries::new();
    while let Some(number) = tries.next() {
        let heads = fetch(room, Some(&reference))?;
        let sought = [(&asked.request, asked.opened)];
        if let Some(found) = room.marks.find(&room.repository, heads.tip, &sought)?.remove(&asked.request) {
            return Ok(Came::There(found));
        }
        match make(room, asked, &reference, &heads)? {
            Next::Came(came) => return Ok(came),
            Next::Push { commit, made } => {
                let replace = if heads.other.is_some() { Replace::Yes } else { Replace::No };
                let push = Push { reference: &reference, commit, expected: heads.other, replace };
                if remote::push(room, push, &made)? == Pushed::Done {
                    return Ok(Came::Landed { commit, parent: heads.tip, tries: number });
                }
                tries.pause(&asked.request);
            }
        }
    }
    Err(tries.lost())
}

/// What follows from looking at a request's branch.
enum Next {
    Came(Came),
    Push { commit: Oid, made: Vec<Made> },
}

/// Makes the commit for the request's branch. Where the branch exists and holds this very change it is left alone,
/// also when the tracked branch has moved on since: its pull request and reviews hang on that commit. Where the
/// change now reads otherwise it is replaced, but only if its tip was made by us.
fn make(room: &Room, asked: &mut Asked, reference: &str, heads: &Heads) -> Result<Next, GitError> {
    let objects = Objects::of(&room.repository)?;
    let tree = Tree::of(&objects, heads.tip)?;
    let Some(composed) = compose(&tree, asked)? else { return Ok(Next::Came(Came::Stopped)) };
    if let Some(there) = heads.other {
        let found = room.repository.find_commit(there)?;
        if !commit::is_ours(&found, &composed, &asked.request) {
            let name = reference.strip_prefix("refs/heads/").unwrap_or(reference);
            return Err(GitError::BranchTaken(name.to_owned()));
        }
        // On a branch that was rewritten beneath it, it would bring back what was taken out.
        let rests =
            |parent: Oid| parent == heads.tip || room.repository.graph_descendant_of(heads.tip, parent) == Ok(true);
        if found.parent_id(0).is_ok_and(rests) && commit::holds(&room.repository, &found, &composed)? {
            return Ok(Next::Came(Came::There(there)));
        }
    }
    let change = (heads.tip, &composed);
    let commit = commit::make(&tree, &objects, change, &asked.request, room.shared.key.as_ref())?;
    drop(tree);
    Ok(Next::Push { commit, made: objects.into_made() })
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

/// How long to wait before the next try, by how long the last one took: whoever has lost least waits longest, and whoever has
/// lost often not at all, so that nobody loses for ever. A part that differs between requests is left out, so that they
/// do not meet again.
fn pause(request: &RequestId, tries: u32, last: Duration) -> Duration {
    let halves = (2 * PATIENCE).saturating_sub(tries);
    let longest = (last.saturating_mul(halves) / 2).min(LONGEST_PAUSE);
    let mut hasher = DefaultHasher::new();
    (request.as_str(), tries).hash(&mut hasher);
    let part = u32::try_from(hasher.finish() % 1000).unwrap_or_default();
    longest * part / 1000
}

/// Lets others go first for a while, where the branch was fought for just now: whoever landed last knows the tip
/// before everybody, and would win again and again.
pub(super) fn let_others_go_first(room: &mut Room) -> bool {
    let recently = |when: Timestamp| clock::now().duration_since(when) < CONTESTED_FOR;
    let Some((_, try_took)) = room.contested.filter(|(when, _)| recently(*when)) else { return false };
    wait((try_took * TURNS).min(LONGEST_PAUSE));
    true
}

fn wait(time: Duration) {
    // Nobody sends on this channel: it is how this thread waits.
    let (_open, nothing) = mpsc::channel::<()>();
    let _ = nothing.recv_timeout(time);
}
