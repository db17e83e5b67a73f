//! What waits for a repository's thread, sorted: changes that wait for the tracked branch go out together, fetches
//! that wait are answered by one, and upkeep is done when nothing else is.

use super::{
    error::GitError,
    land,
    read::commit_id,
    worker::{Job, Reply, Room},
};
use crate::core::names::CommitId;

/// Does all of it.
pub(super) fn work(room: &mut Room, jobs: Vec<Job>) {
    let (mut asked, mut fetches, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        match job {
            Job::Land(one) => asked.push(*one),
            Job::Fetch(reply) => fetches.push(reply),
            Job::Run(run) => others.push(run),
        }
    }
    let landed = !asked.is_empty() && land::land(room, asked) == land::Tip::Proven;
    fetch(room, fetches, if landed { land::Tip::Proven } else { land::Tip::Likely });
    for run in others {
        run(room);
    }
    room.begin_anew();
    room.keep_up();
}

/// A push that went through proves the tip: whoever waits for a fetch need not wait for one.
fn fetch(room: &mut Room, waiting: Vec<Reply<CommitId>>, tip: land::Tip) {
    let waiting: Vec<_> = waiting.into_iter().filter(|reply| !reply.is_closed()).collect();
    if waiting.is_empty() {
        return;
    }
    let found: Result<CommitId, GitError> =
        room.attempt(|room| match room.likely_tip().filter(|_| tip == land::Tip::Proven) {
            Some(tip) => commit_id(tip),
            None => commit_id(land::fetch(room, None)?.tip),
        });
    for reply in waiting {
        let _ = reply.send(found.clone());
    }
}
