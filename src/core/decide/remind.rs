//! Who is to be reminded of what waits for approval: those who are named first directly, then the channel, then those who
//! are named next. What was said stands in the ledger, so each comes once, whatever restarts between.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Decision, Facts, Now, Reply, ask::asked_of, emergency, is_one_human, lane, vote};
use crate::core::{
    break_glass,
    catalog::{ApprovalRule, Approvers, Person},
    entry::Actor,
    moment,
    names::{PersonId, RequestId},
    reminder::{self, Reminders, Stage, Step},
    request::{self, Card, Request, State},
    rules::Rules,
};

/// One reminder that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// Of what.
    pub of: RequestId,
    /// Which.
    pub step: Step,
    /// Whom; nobody where it is for the channel.
    pub to: Vec<PersonId>,
    /// Since when it may have been said already.
    pub begun: Option<Timestamp>,
    /// Since when people are asked.
    pub since: Timestamp,
    /// The card.
    pub card: Card,
    /// What waits, in words: with values for a person, without for a channel.
    pub what: String,
    /// Who asked.
    pub requester: Actor,
    /// What is still needed: `1 of group:leads`.
    pub needed: Vec<String>,
}

/// What an engine says of a reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reminded {
    /// It is about to be said.
    Begin,
    /// It was said, or cannot be.
    Said,
}

/// What people are asked to approve.
struct Open<'a> {
    id: &'a RequestId,
    what: (String, String),
    requester: &'a Actor,
    since: Timestamp,
    card: &'a Card,
    reminders: &'a Reminders,
    rule: &'a ApprovalRule,
    /// Who said yes, and counts.
    voters: BTreeSet<PersonId>,
}

/// Every reminder that is due now.
pub fn reminders_due(facts: Facts<'_>) -> Vec<Reminder> {
    let Some(now) = facts.rules.map(|rules| facts.by(rules)) else { return Vec::new() };
    let requests = facts.requests.values().filter_map(|request| of_request(request, now));
    let glasses = facts.matters.overrides.values().filter_map(|glass| of_glass(glass, now.rules, facts.now));
    let begins = facts.requests.values().filter_map(|request| about_to_begin(request, now.rules, facts.now));
    let reviews = facts.requests.values().filter(|request| request.is_review_owed());
    let approvals = requests.chain(glasses).flat_map(|open| steps(&open, now.rules, facts.now));
    approvals.chain(begins).chain(reviews.flat_map(|request| of_review(request, now))).collect()
}

/// What is still needed of whom, in words, under the catalog of now; nothing where nobody is asked.
pub fn still_needed(request: &Request, now: Now<'_>) -> Vec<String> {
    let State::Deciding(course) = &request.state else { return Vec::new() };
    let Some(rule) = vote::rule(request, now) else { return Vec::new() };
    words(rule, &vote::counted(request, &course.votes, now), now.rules)
}

/// The reminders of a review that is owed: who may give it directly, when it begins and again, and the channel when its
/// time is over.
fn of_review(request: &Request, now: Now<'_>) -> Vec<Reminder> {
    let (Some(review), Some(card)) = (&request.review, &request.card) else { return Vec::new() };
    let (people, usual) = lane::still_unreviewed(request, review, now);
    let has_said = |id: &PersonId| people.iter().any(|person| person.id == *id);
    let asks = |person: &&Person| {
        let asker = Actor { person: Some(person.id.clone()), account: None, via: String::new() };
        let is_named = usual.is_some_and(|rule| {
            let named = rule.shares().any(|(_, from)| person.is_one_of(from));
            named && now.rules.catalog.may_vote(rule, person, vote::today(now.at))
        });
        is_named && !has_said(&person.id) && !is_one_human(&asker, &request.requester)
    };
    let due = |step: Step| {
        let (to, begun) = match request.reminders.stage(step) {
            Some(Stage::Said) => return None,
            Some(Stage::Begun { at, to }) => (to.clone(), Some(*at)),
            None => {
                let named = now.rules.catalog.people().filter(|_| step != Step::ReviewLate).filter(asks);
                (named.map(|person| person.id.clone()).collect(), None)
            }
        };
        let is_for_somebody = step == Step::ReviewLate || !to.is_empty();
        let reached = review.since.checked_add(step.of_review()?).ok()? <= now.at;
        let (is_late, target) = (step == Step::ReviewLate, request.opened.about());
        let what =
            if is_late { format!("{} of {target}", request.opened.command) } else { request.opened.title.clone() };
        (reached && is_for_somebody).then(|| Reminder {
            of: request.id.clone(),
            step,
            to,
            begun,
            since: review.since,
            card: card.clone(),
            what,
            requester: request.requester.clone(),
            needed: usual.map_or_else(|| vec!["1 of anybody".to_owned()], needed_in_all),
        })
    };
    Step::OF_REVIEWS.into_iter().filter_map(due).collect()
}

fn needed_in_all(rule: &ApprovalRule) -> Vec<String> {
    match (rule.total(), asked_of(rule)) {
        (0, _) => vec!["1 of anybody".to_owned()],
        (_, shares) if !rule.and.is_empty() => shares,
        (count, from) if from.is_empty() => vec![format!("{count} of anybody")],
        (count, from) => vec![format!("{count} of {}", from.join(" or "))],
    }
}

/// Records that a reminder is about to be said, or was.
pub(super) fn decide((of, step, reminded): (&RequestId, Step, Reminded), facts: Facts<'_>) -> Decision {
    let subject = match (facts.requests.get(of), facts.matters.overrides.get(of)) {
        (Some(_), _) => request::subject(of),
        (None, Some(_)) => break_glass::subject(of),
        (None, None) => return Decision::silent(Reply::Stop),
    };
    match reminded {
        Reminded::Said => Decision { entries: vec![reminder::said(subject, step)], reply: Reply::Go },
        Reminded::Begin => {
            let due = reminders_due(facts).into_iter().find(|due| due.of == *of && due.step == step);
            match due.filter(|due| due.begun.is_none()) {
                Some(due) => Decision { entries: vec![reminder::begun(subject, step, &due.to)], reply: Reply::Go },
                None => Decision::silent(Reply::Stop),
            }
        }
    }
}

fn of_request<'a>(request: &'a Request, now: Now<'a>) -> Option<Open<'a>> {
    let State::Deciding(course) = &request.state else { return None };
    let is_approved = course.scheduled.is_some() || request.gives_back_at().is_some();
    let waits = course.foreign.is_none() && !is_approved && now.at <= request.deadline();
    let target = request.opened.about();
    Some(Open {
        id: &request.id,
        what: (request.opened.title.clone(), format!("{} of {target}", request.opened.command)),
        requester: &request.requester,
        since: request.asked_since(),
        card: request.card.as_ref()?,
        reminders: &request.reminders,
        rule: vote::rule(request, now).filter(|_| waits)?,
        voters: vote::counted(request, &course.votes, now),
    })
}

/// What is said in the channel a while before something begins.
fn about_to_begin(request: &Request, rules: &Rules, now: Timestamp) -> Option<Reminder> {
    let begins = request.waits_until()?;
    let is_near = begins.checked_sub(request::AHEAD).ok()? <= now;
    let begun = match request.reminders.stage(Step::Begins) {
        Some(Stage::Said) => return None,
        Some(Stage::Begun { at, .. }) => Some(*at),
        None => None,
    };
    let target = &request.opened.target;
    let at = moment::told(begins, &rules.catalog.zone_of(&target.environment));
    is_near.then_some(Reminder {
        of: request.id.clone(),
        step: Step::Begins,
        to: Vec::new(),
        begun,
        since: begins,
        card: request.card.clone()?,
        what: format!(
            "`{} of {}` begins {at}. Its card has Start now and Cancel",
            request.opened.command,
            request.opened.about()
        ),
        requester: request.requester.clone(),
        needed: Vec::new(),
    })
}

fn of_glass<'a>(glass: &'a break_glass::Override, rules: &'a Rules, now: Timestamp) -> Option<Open<'a>> {
    let break_glass::State::Deciding(course) = &glass.state else { return None };
    let target = &glass.opened.target;
    Some(Open {
        id: &glass.id,
        what: (glass.opened.title(), format!("break glass on {target}")),
        requester: &glass.requester,
        since: if course.votes.is_empty() { glass.since } else { glass.at },
        card: glass.card.as_ref()?,
        reminders: &glass.reminders,
        rule: emergency::rule(rules, target).filter(|_| now <= glass.opened.needs.until)?,
        voters: emergency::counted(glass, &course.votes, rules, now),
    })
}

/// The reminders of one asking that are due.
fn steps(open: &Open<'_>, rules: &Rules, now: Timestamp) -> Vec<Reminder> {
    let needed = words(open.rule, &open.voters, rules);
    if needed.is_empty() {
        return Vec::new();
    }
    let due = |step: Step| {
        let (to, begun) = match open.reminders.stage(step) {
            Some(Stage::Said) => return None,
            Some(Stage::Begun { at, to }) => (to.clone(), Some(*at)),
            None => (whom(open, step, rules, now)?, None),
        };
        let reached = open.since.checked_add(after(rules, step)?).ok()? <= now;
        let what = if step == Step::Channel { open.what.1.clone() } else { open.what.0.clone() };
        reached.then(|| Reminder {
            of: open.id.clone(),
            step,
            to,
            begun,
            since: open.since,
            card: open.card.clone(),
            what,
            requester: open.requester.clone(),
            needed: needed.clone(),
        })
    };
    Step::ALL.into_iter().filter_map(due).collect()
}

fn after(rules: &Rules, step: Step) -> Option<SignedDuration> {
    let span = rules.catalog.reminding().after(step)?;
    Some(SignedDuration::from_secs(i64::try_from(span.seconds()).ok()?))
}

/// Whom a reminder is for; `None` where there is nobody to remind.
fn whom(open: &Open<'_>, step: Step, rules: &Rules, now: Timestamp) -> Option<Vec<PersonId>> {
    if matches!(step, Step::Channel | Step::Begins) {
        return Some(Vec::new());
    }
    let voters: Vec<&Person> = open.voters.iter().filter_map(|id| rules.catalog.person(id)).collect();
    let mut first = BTreeSet::new();
    let mut next = BTreeSet::new();
    for (_, from) in open.rule.open(&voters) {
        let Some((one, rest)) = from.split_first() else { continue };
        first.extend(among(open, std::slice::from_ref(one), rules, now));
        next.extend(among(open, rest, rules, now));
    }
    let chosen: Vec<PersonId> = match step {
        Step::Approver => first.into_iter().collect(),
        Step::Channel | Step::Begins | Step::Review | Step::ReviewAgain | Step::ReviewLate => Vec::new(),
        Step::Next => next.difference(&first).cloned().collect(),
    };
    (!chosen.is_empty()).then_some(chosen)
}

/// Those of some people who may say yes and have not.
fn among<'r>(
    open: &'r Open<'_>,
    from: &'r [Approvers],
    rules: &'r Rules,
    now: Timestamp,
) -> impl Iterator<Item = PersonId> + 'r {
    let asks = move |person: &&Person| {
        let asker = Actor { person: Some(person.id.clone()), account: None, via: String::new() };
        let may = person.is_one_of(from) && rules.catalog.may_vote(open.rule, person, vote::today(now));
        may && !open.voters.contains(&person.id) && !is_one_human(&asker, open.requester)
    };
    rules.catalog.people().filter(asks).map(|person| person.id.clone())
}

fn words(rule: &ApprovalRule, voters: &BTreeSet<PersonId>, rules: &Rules) -> Vec<String> {
    let people: Vec<&Person> = voters.iter().filter_map(|id| rules.catalog.person(id)).collect();
    let names = |from: &[Approvers]| from.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    let share = |(count, from): (u32, &[Approvers])| match from {
        [] => format!("{count} of anybody"),
        from => format!("{count} of {}", names(from)),
    };
    rule.open(&people).into_iter().map(share).collect()
}
