//! Changes that could not land for a while, as when the git host was down: of those of one target one goes on. A
//! rollback goes before everything else, and among equals the newest is what people want.

use jiff::{SignedDuration, Timestamp};

use super::{Decision, Facts, Reply, outcome::stopped};
use crate::core::{
    decide::ourselves,
    names::RequestId,
    request::{Course, Ending, Event, Request, State},
};

/// What waits no longer than this lands in its turn.
const A_WHILE: SignedDuration = SignedDuration::from_secs(60);

/// What becomes of a change that is about to land and is not the one of its target that goes on; `None` where it is.
pub(super) fn gives_way(request: &Request, course: &Course, facts: Facts<'_>) -> Option<Decision> {
    if facts.now.duration_since(course.since) <= A_WHILE || course.since == Timestamp::UNIX_EPOCH {
        return None;
    }
    let theirs = facts.requests.values().filter(|other| other.opened.meets(&request.opened));
    let first = theirs.filter(|other| waits(other)).max_by_key(|other| rank(other))?;
    if first.id == request.id || rank(first) < rank(request) {
        return None;
    }
    // A newer change of one of several services leaves the others to this one; it is planned anew when it lands itself.
    if first.id > request.id && !first.opened.covers(&request.opened) {
        return None;
    }
    if first.id > request.id {
        return Some(stopped(request, Event::Ended(Ending::Superseded { by: first.id.clone() }, ourselves())));
    }
    // It was asked for after a rollback that lands first; then it is planned anew.
    matches!(first.state, State::Landing(_)).then(|| Decision::silent(Reply::Stop))
}

/// Rollbacks come first, then what was asked for last.
fn rank(request: &Request) -> (bool, &RequestId) {
    (request.opened.command.as_str() == "rollback", &request.id)
}

/// Whether it is on its way, or was and asks again.
fn waits(request: &Request) -> bool {
    match &request.state {
        State::Landing(_) => true,
        State::Deciding(course) => course.replanned.is_some(),
        State::Planning | State::Following(..) | State::Over { .. } => false,
    }
}
