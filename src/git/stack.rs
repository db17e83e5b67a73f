//! Changes that wait for the tracked branch, landed together: one commit each, one on another, one push. What was
//! decided on a tip that the server had not just confirmed (nothing to do, landed before, cannot be committed) is
//! told only when a push or a fetch has confirmed it.

use git2::Oid;

use super::{
    commit,
    error::GitError,
    land::{self, Asked, Came, Tip, Tries, compose, fetch},
    objects::{Made, Objects},
    read::Tree,
    remote::{self, Push, Pushed, Replace},
    worker::Room,
};
use crate::{clock, core::names::RequestId};

/// How many commits go out in one push at most.
const HIGHEST: usize = 128;

/// Lands them, and answers whoever asked. Says whether a push proved the tip.
pub(super) fn land(room: &mut Room, mut asked: Vec<Asked>) -> Tip {
    let mut tip = Tip::Likely;
    while !asked.is_empty() {
        let rest = asked.split_off(asked.len().min(HIGHEST));
        tip = one_stack(room, asked);
        asked = rest;
    }
    tip
}

/// One stack. Where the host refuses it for good, each change is tried alone: one may be at fault for all.
fn one_stack(room: &mut Room, mut asked: Vec<Asked>) -> Tip {
    let done = room.attempt(|room| race(room, &mut asked));
    match done {
        Ok((verdicts, tip)) => {
            for (one, verdict) in asked.into_iter().zip(verdicts) {
                one.finish(verdict);
            }
            tip
        }
        Err(error) if error.is_final() && asked.len() > 1 => {
            let mut tip = Tip::Likely;
            for one in asked {
                tip = one_stack(room, vec![one]);
            }
            tip
        }
        Err(error) => {
            for one in asked {
                one.finish(Err(error.clone()));
            }
            Tip::Likely
        }
    }
}

type Verdict = Result<Came, GitError>;

/// Tries until the stack is on the server, or nothing is left to push.
fn race(room: &mut Room, asked: &mut [Asked]) -> Result<(Vec<Verdict>, Tip), GitError> {
    let waited = land::let_others_go_first(room);
    let mut tries = Tries::new();
    let mut likely = room.likely_tip().filter(|_| !waited);
    let mut proven = None;
    while let Some(number) = tries.next() {
        let (base, sure) = match (likely.take(), proven.take()) {
            (Some(tip), _) => (tip, Tip::Likely),
            (None, Some(tip)) => (tip, Tip::Proven),
            (None, None) => (fetch(room, None)?.tip, Tip::Proven),
        };
        let stack = Stack::compose(room, asked, base, number)?;
        match stack.push(room, base)? {
            Attempt::Done => return Ok((stack.verdicts, Tip::Proven)),
            Attempt::Nothing if sure == Tip::Proven => return Ok((stack.verdicts, Tip::Likely)),
            Attempt::Nothing => {}
            Attempt::Refused(error) => {
                // A server says many things when the branch has moved; what it says of one that has not is meant.
                let now = fetch(room, None)?.tip;
                if now == base {
                    return Err(error);
                }
                proven = Some(now);
            }
            Attempt::Lost(named) => {
                let mut waited = false;
                if sure == Tip::Proven {
                    room.contested = Some((clock::now(), tries.last_took()));
                    waited = pause_for(asked, &tries);
                }
                // What the server named is where it was just now; after a pause it is asked again.
                proven = named.filter(|_| !waited).filter(|tip| follow_to(room, *tip));
            }
        }
    }
    Err(tries.lost())
}

/// Whether it waited.
fn pause_for(asked: &[Asked], tries: &Tries) -> bool {
    let first: Option<&RequestId> = asked.first().map(|one| &one.request);
    first.is_some_and(|request| tries.pause(request))
}

/// Whether the mirror is there now. Where that failed, the fetch that follows says why.
fn follow_to(room: &mut Room, tip: Oid) -> bool {
    remote::follow_to(room, tip).unwrap_or_else(|error| {
        tracing::debug!(%error, "the tip that the server named is not in the mirror");
        false
    })
}

/// Commits, one on another, and what became of each change.
struct Stack {
    top: Oid,
    made: Vec<Made>,
    verdicts: Vec<Verdict>,
}

enum Attempt {
    Done,
    Nothing,
    Lost(Option<Oid>),
    Refused(GitError),
}

impl Stack {
    fn compose(room: &mut Room, asked: &mut [Asked], base: Oid, tries: u32) -> Result<Self, GitError> {
        let sought: Vec<_> = asked.iter().map(|one| (&one.request, one.opened)).collect();
        let there = room.marks.find(&room.repository, base, &sought)?;
        let objects = Objects::of(&room.repository)?;
        let (mut top, mut verdicts) = (base, Vec::new());
        for one in asked {
            let verdict = match there.get(&one.request) {
                Some(found) => Ok(Came::There(*found)),
                None => add(room, &objects, one, top),
            };
            verdicts.push(match verdict {
                Ok(Came::Landed { commit, parent, .. }) => {
                    top = commit;
                    Ok(Came::Landed { commit, parent, tries })
                }
                Err(error @ GitError::Damaged(_)) => return Err(error),
                verdict => verdict,
            });
        }
        Ok(Self { top, made: objects.into_made(), verdicts })
    }

    fn push(&self, room: &mut Room, base: Oid) -> Result<Attempt, GitError> {
        if self.top == base {
            return Ok(Attempt::Nothing);
        }
        let reference = room.shared.tracked();
        let push = Push { reference: &reference, commit: self.top, expected: Some(base), replace: Replace::No };
        match remote::push(room, push, &self.made) {
            Ok(Pushed::Done) => Ok(Attempt::Done),
            Ok(Pushed::Lost(tip)) => Ok(Attempt::Lost(tip)),
            Err(error @ GitError::Refused(_)) => Ok(Attempt::Refused(error)),
            Err(error) => Err(error),
        }
    }
}

/// Puts one change on top.
fn add(room: &Room, objects: &Objects<'_>, asked: &mut Asked, top: Oid) -> Verdict {
    let tree = Tree::of(objects, top)?;
    let Some(composed) = compose(&tree, asked)? else { return Ok(Came::Stopped) };
    let commit = commit::make(&tree, objects, (top, &composed), &asked.request, room.shared.key.as_ref())?;
    Ok(Came::Landed { commit, parent: top, tries: 0 })
}
