//! Giving back what was meant for a time: a request of its own that people approved with the first. It goes on when its
//! time comes, unless somebody who may approve such a change says that it shall stay.

use super::{
    Click, Decision, Facts, Press, Reply, ourselves,
    vote::{ended, ineligible, no, rule, undecided},
};
use crate::core::{
    entry::Draft,
    request::{AHEAD, Ending, Event, GivesBack, Needs, Request, State},
    rules::Rules,
};

/// What is given back by itself was approved with what it gives back; there is time for it until a while after.
pub(super) fn needs(needs: Needs, gives_back: Option<&GivesBack>) -> Needs {
    match gives_back.and_then(|gives| gives.at) {
        Some(at) => {
            let until = at.checked_add(AHEAD * 6).unwrap_or(at).max(needs.until);
            Needs { count: 0, until, ..needs }
        }
        None => needs,
    }
}

/// A press on the card of what is given back by itself; nothing where the press is like on any other card.
pub(super) fn pressed(click: &Click, request: &Request, rules: &Rules, facts: Facts<'_>) -> Option<Decision> {
    if request.gives_back_at().is_none() {
        let other = matches!(click.press, Press::Keep | Press::GiveBack);
        return other.then(|| no(click, "This button belongs to another card.", "Read the card as it is now."));
    }
    match click.press {
        Press::GiveBack => Some(now(click, request, rules, facts)),
        Press::Keep => Some(keep(click, request, rules, facts)),
        Press::Cancel => Some(no(click, "This was approved with what it gives back.", "Press Keep if it shall stay.")),
        Press::Approve
        | Press::Reject
        | Press::Stable
        | Press::Close
        | Press::Reopen
        | Press::Extend
        | Press::Retry
        | Press::Hold
        | Press::Adopt
        | Press::Restore
        | Press::Leave
        | Press::Ours
        | Press::Again
        | Press::Reviewed
        | Press::Start
        | Press::Withdraw => None,
    }
}

/// It need not wait: what was approved for later may come sooner.
fn now(click: &Click, request: &Request, rules: &Rules, facts: Facts<'_>) -> Decision {
    if let Err(decision) = undecided(click, request) {
        return decision;
    }
    if !click.asker.is(&request.requester)
        && let Some(decision) = ineligible(click, request, facts.by(rules))
    {
        return decision;
    }
    let entry = Event::Approved.draft(&request.id, click.asker.actor());
    Decision { entries: vec![entry], reply: Reply::Taken }
}

/// It stays: another thing than was approved, so that somebody says it whose yes would count for asking so.
fn keep(click: &Click, request: &Request, rules: &Rules, facts: Facts<'_>) -> Decision {
    if let Err(decision) = undecided(click, request) {
        return decision;
    }
    let needs_nobody = rule(request, facts.by(rules)).is_none_or(|rule| rule.total() == 0);
    let is_own = needs_nobody && click.asker.is(&request.requester);
    match ineligible(click, request, facts.by(rules)).filter(|_| !is_own) {
        Some(decision) => decision,
        None => ended(request, Ending::Rejected { why: None }, click),
    }
}

/// What goes on now that its time has come.
pub(super) fn due(request: &Request, facts: Facts<'_>) -> Option<Draft> {
    let State::Deciding(course) = &request.state else { return None };
    let has_come = request.gives_back_at().is_some_and(|at| at <= facts.now);
    (has_come && course.foreign.is_none()).then(|| Event::Approved.draft(&request.id, ourselves()))
}
