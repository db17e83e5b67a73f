//! A yes taken back: on the forge, where a review was dismissed, or by a press before anything was done.

use super::{
    Click, Decision, Now, Reply, lane, starting,
    vote::{missing, no},
};
use crate::core::{
    entry::Draft,
    request::{Course, Event, Request, State, Vote},
};

/// A yes that was dismissed on the forge no longer counts; what no longer has enough goes back to its people.
pub(super) fn dismissed(click: &Click, request: &Request, course: &Course, now: Now<'_>) -> Decision {
    let given_there = |vote: &&Vote| vote.actor.via == click.asker.via && click.asker.is(&vote.actor);
    let Some(vote) = course.votes.iter().find(given_there) else { return Decision::silent(Reply::Stop) };
    let event = Event::Withdrawn { of: vote.actor.clone(), why: "the review was dismissed".to_owned() };
    let mut entries = vec![event.draft(&request.id, super::ourselves())];
    entries.extend(still_enough(request, (course, vote), now));
    Decision { entries, reply: Reply::Taken }
}

/// A yes taken back before anything was done: what no longer has enough goes back to its people.
pub(super) fn withdraw(click: &Click, request: &Request, now: Now<'_>) -> Decision {
    let course = match &request.state {
        State::Deciding(course) | State::Landing(course) => course,
        State::Planning | State::Following(..) | State::Over { .. } => {
            return no(click, "Nothing waits for approvals here any more.", "Roll back if it is not wanted.");
        }
    };
    let Some(vote) = course.votes.iter().find(|vote| click.asker.is(&vote.actor)) else {
        return no(click, "You have not approved this.", "Press Reject to say no.");
    };
    // Pushed or merged it may be already: what is on its way is not called back by a word.
    if ["push.intent", "merge.intent", "restart.intent"].iter().any(|kind| request.intended(kind).is_some())
        && matches!(request.state, State::Landing(_))
    {
        return no(click, "It is on its way already.", "Roll back once it is there.");
    }
    let mut entries = vec![
        Event::Withdrawn { of: vote.actor.clone(), why: "it was taken back".to_owned() }
            .draft(&request.id, click.asker.actor()),
    ];
    entries.extend(still_enough(request, (course, vote), now));
    Decision { entries, reply: Reply::Taken }
}

/// The approval again, where what is landing has enough without one of its votes.
fn still_enough(request: &Request, (course, gone): (&Course, &Vote), now: Now<'_>) -> Vec<Draft> {
    let left: Vec<Vote> = course.votes.iter().filter(|other| *other != gone).cloned().collect();
    let was_enough = matches!(request.state, State::Landing(_)) || course.scheduled.is_some();
    if !was_enough || missing(request, &left, now) > 0 {
        return Vec::new();
    }
    let approved = starting::approved((request.opened.begins, now.at)).draft(&request.id, super::ourselves());
    std::iter::once(approved).chain(lane::owed(request, (&left, request.opened.way), now)).collect()
}
