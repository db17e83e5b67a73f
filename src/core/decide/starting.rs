//! Changes that begin later: approved now, announced ten minutes before, begun when their time comes if policy permits it
//! then, and held in words while it does not. Whether it is still the same change is asked where it lands.

use jiff::Timestamp;

use super::{Click, Decision, Facts, Reply, Subject, ask::sentence, ourselves, outcome::STALE, permitted, vote};
use crate::core::{
    entry::Draft,
    policy::Verdict,
    request::{Course, Event, Request, State, Way},
    rules::Rules,
};

/// What enough approvals come to: it goes on, or waits for its time.
pub(super) fn approved((begins, now): (Option<Timestamp>, Timestamp)) -> Event {
    match begins.filter(|begins| *begins > now) {
        Some(_) => Event::Scheduled { at: now },
        None => Event::Approved,
    }
}

/// It need not wait. It was approved for later, so that somebody says it whose yes would count for asking so.
pub(super) fn at_once(click: &Click, request: &Request, rules: &Rules, facts: Facts<'_>) -> Decision {
    if request.waits_until().is_none() {
        return vote::undecided(click, request).err().unwrap_or_else(|| {
            vote::no(click, "This is not approved yet, so it cannot begin.", "Approve it first, or ask who may.")
        });
    }
    let refused = vote::ineligible(click, request, facts.by(rules));
    if let Some(decision) = refused.filter(|_| !vote::confirms(click, request, facts.by(rules))) {
        return decision;
    }
    if let State::Deciding(Course { plan, .. }) = &request.state
        && let Verdict::Denied(denial) =
            permitted(rules, Subject { begins: None, ..Subject::of(request, facts) }, Some(plan))
    {
        return vote::no(click, &sentence(&denial.reason), &denial.remedy);
    }
    let entry = Event::Approved.draft(&request.id, click.asker.actor());
    Decision { entries: vec![entry], reply: Reply::Taken }
}

/// What becomes of one whose time has come: it begins; it is held while policy forbids it; and where it could not begin
/// for a while people are asked again, as of all that waited.
pub(super) fn due(request: &Request, course: &Course, facts: Facts<'_>) -> Option<Draft> {
    let begins = request.opened.begins.filter(|begins| *begins <= facts.now && course.foreign.is_none())?;
    let event = match permitted(facts.rules?, Subject::of(request, facts), Some(&course.plan)) {
        Verdict::Denied(denial) => Event::Held { why: denial.reason },
        Verdict::Permitted => {
            let late = facts.now.duration_since(begins);
            let is_reviewed = request.opened.way != Way::Commit || !course.votes.is_empty();
            if late > STALE && is_reviewed {
                let held = course.held.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
                let why = format!("it could not begin for {} minutes after its time{held}", late.as_mins());
                Event::Replanned { plan: course.plan.clone(), why }
            } else {
                Event::Approved
            }
        }
    };
    let is_said = matches!(&event, Event::Held { why } if course.held.as_ref() == Some(why));
    (!is_said).then(|| event.draft(&request.id, ourselves()))
}
