//! Who has a say in what waits: by which rule, who still may, and whose role is too new.

use super::{
    Asker, Now, emergency,
    vote::{rule, today},
};
use crate::core::{
    break_glass::Override,
    catalog::{ApprovalRule, Person},
    request::{Request, State},
};

/// Why the role that would let somebody vote does not count yet.
pub(crate) fn withheld(person: &Person, rule: &ApprovalRule) -> Option<String> {
    let (role, counts) = rule.shares().find_map(|(_, from)| person.counts_from(from))?;
    let name = role.split_once(':').map_or(role, |(_, name)| name);
    let at = counts.strftime("%H:%M UTC");
    Some(format!("You are in `{name}` for less than an hour; your vote counts from {at} on."))
}

/// The rule that a vote on a request or a break-glass is weighed by.
pub fn rule_of<'a>((request, glass): (Option<&Request>, Option<&Override>), now: Now<'a>) -> Option<&'a ApprovalRule> {
    match (request, glass) {
        (Some(request), _) if request.is_review_owed() => now.usual(&request.opened.command, &request.opened.target),
        (Some(request), _) => rule(request, now),
        (None, Some(glass)) => emergency::rule(now.rules, &glass.opened.target),
        (None, None) => None,
    }
}

/// Whether somebody may still decide on a request: they have a say in it and have not said it.
pub fn awaits(asker: &Asker, request: &Request, now: Now<'_>) -> bool {
    let State::Deciding(course) = &request.state else { return false };
    let Some(person) = asker.person.as_ref().and_then(|id| now.rules.catalog.person(id)) else { return false };
    let listed = rule(request, now).is_none_or(|rule| now.rules.catalog.may_vote(rule, person, today(now.at)));
    let has_said = course.votes.iter().any(|vote| asker.is(&vote.actor));
    listed && !has_said && course.scheduled.is_none() && course.foreign.is_none() && !asker.is(&request.requester)
}
