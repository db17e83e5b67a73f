//! The emergency lane: while such an incident is open on a target, the rules under `during` hold there instead of the usual
//! ones. What went this way owes a review by those whose approval it would have needed in peace.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    Asker, Click, Decision, Facts, Reply, ask, is_one_human, ourselves,
    vote::{self, no},
};
use crate::core::{
    catalog::{ApprovalRule, EmergencyRule, Person},
    entry::{Actor, Draft},
    incident::Incident,
    matters::Matters,
    names::{CommandName, PersonId, Service, Target},
    request::{Course, Lane, Request, Review, State, Vote, Way},
    rules::Rules,
};

/// How long people have to review what went through the lane.
const REVIEWED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// What votes are weighed by at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// The present.
    pub at: Timestamp,
    /// The rules in force.
    pub rules: &'a Rules,
    /// Which incidents are open.
    pub matters: &'a Matters,
}

impl<'a> Facts<'a> {
    pub(super) fn by(self, rules: &'a Rules) -> Now<'a> {
        Now { at: self.now, rules, matters: self.matters }
    }
}

/// No incident at all.
static NONE: Matters =
    Matters { incidents: BTreeMap::new(), overrides: BTreeMap::new(), debts: BTreeMap::new(), drifts: BTreeMap::new() };

impl<'a> Now<'a> {
    /// What begins later is no emergency, nor what is of several services at once: of them the usual rules hold.
    pub(super) fn unless_later(self, begins: Option<Timestamp>, with: &[Service]) -> Self {
        if begins.is_some() || !with.is_empty() { Self { matters: &NONE, ..self } } else { self }
    }

    /// The rule that holds for a command on a target; `None`: nothing beyond what policy permits.
    pub(super) fn rule(self, command: &CommandName, target: &Target) -> Option<&'a ApprovalRule> {
        match self.lane(command, target) {
            Some((_, emergency)) => Some(&emergency.rule),
            None => self.usual(command, target),
        }
    }

    /// The rule that holds in peace.
    pub(super) fn usual(self, command: &CommandName, target: &Target) -> Option<&'a ApprovalRule> {
        self.rules.catalog.environment(&target.environment)?.approvals_for(command)
    }

    /// The lane that is open for a command on a target: that of the gravest incident there which has one.
    pub(super) fn lane(self, command: &CommandName, target: &Target) -> Option<(Lane, &'a EmergencyRule)> {
        let environment = self.rules.catalog.environment(&target.environment)?;
        if environment.approvals.during.is_empty() {
            return None;
        }
        let mut open: Vec<&Incident> = self.matters.open_on(&target.service).collect();
        open.sort_by_key(|one| (one.opened.severity, &one.id));
        open.into_iter().find_map(|one| {
            let severity = one.opened.severity;
            let emergency = environment.emergency_for(command, severity)?;
            Some((Lane { incident: one.id.clone(), severity }, emergency))
        })
    }
}

/// The lane that a request would go through now.
pub fn lane_of(request: &Request, now: Now<'_>) -> Option<Lane> {
    now.unless_later(request.opened.begins, &request.opened.with)
        .lane(&request.opened.command, &request.opened.target)
        .map(|(lane, _)| lane)
}

/// What is recorded with an approval that would not have been enough in peace: whose review is owed, and until when.
pub(super) fn owed(request: &Request, course: (&[Vote], Way), now: Now<'_>) -> Option<Draft> {
    let (votes, way) = course;
    let now = now.unless_later(request.opened.begins, &request.opened.with);
    let about = (&request.opened.command, &request.opened.target);
    owed_for(about, (&request.requester, votes, way), now).map(|review| review.draft(&request.id, ourselves()))
}

/// As [`owed`], of what is only about to be a request.
pub(super) fn owed_for(
    (command, target): (&CommandName, &Target),
    (requester, votes, way): (&Actor, &[Vote], Way),
    now: Now<'_>,
) -> Option<Review> {
    let (lane, _) = now.lane(command, target)?;
    let usual = now.usual(command, target);
    let lands_as_usual = way == Way::Live || way == ask::way(now.rules, target, None);
    let voters: Vec<&Person> = people(votes.iter().map(|vote| &vote.actor), requester, usual, now);
    if lands_as_usual && missing(usual, &voters) == 0 {
        return None;
    }
    Some(Review {
        lane,
        since: now.at,
        until: now.at.checked_add(REVIEWED_WITHIN).unwrap_or(now.at),
        count: usual.map_or(1, ApprovalRule::total).max(1),
        from: usual.map(ask::asked_of).unwrap_or_default(),
        by: Vec::new(),
        done: None,
    })
}

/// Those of some people whose word counts by a rule, each once, never whoever asked.
fn people<'a, 'b>(
    actors: impl Iterator<Item = &'b Actor>,
    requester: &Actor,
    rule: Option<&ApprovalRule>,
    now: Now<'a>,
) -> Vec<&'a Person> {
    let counts = |actor: &Actor| {
        let person = now.rules.catalog.person(actor.person.as_ref()?)?;
        let listed = rule.is_none_or(|rule| now.rules.catalog.may_vote(rule, person, vote::today(now.at)));
        (listed && !is_one_human(actor, requester)).then_some(person)
    };
    let mut found: Vec<&Person> = actors.filter_map(counts).collect();
    found.sort_by_key(|person| &person.id);
    found.dedup_by_key(|person| &person.id);
    if found.iter().all(|person| person.guest_until.is_some()) { Vec::new() } else { found }
}

fn missing(rule: Option<&ApprovalRule>, people: &[&Person]) -> usize {
    let asked = rule.map_or(0, |rule| usize::try_from(rule.total()).unwrap_or(usize::MAX));
    asked.saturating_sub(rule.map_or(0, |rule| rule.filled(people)))
}

/// What the usual rule still asks of people after the fact: those who approved in the lane and those who reviewed count.
pub(super) fn still_unreviewed<'a>(
    request: &Request,
    review: &Review,
    now: Now<'a>,
) -> (Vec<&'a Person>, Option<&'a ApprovalRule>) {
    let usual = now.usual(&request.opened.command, &request.opened.target);
    let votes = request.course().map(|course| course.votes.as_slice()).unwrap_or_default();
    let actors = votes.iter().map(|vote| &vote.actor).chain(review.by.iter().map(|(actor, _)| actor));
    (people(actors, &request.requester, usual, now), usual)
}

/// Whether somebody's review is awaited.
pub fn may_review(asker: &Asker, request: &Request, now: Now<'_>) -> bool {
    let Some(review) = request.review.as_ref().filter(|_| request.is_review_owed()) else { return false };
    let Some(person) = asker.person.as_ref().and_then(|id| now.rules.catalog.person(id)) else { return false };
    let usual = now.usual(&request.opened.command, &request.opened.target);
    let listed = usual.is_none_or(|rule| now.rules.catalog.may_vote(rule, person, vote::today(now.at)));
    let has_said = review.by.iter().any(|(actor, _)| asker.is(actor));
    listed && !has_said && !asker.is(&request.requester)
}

/// Somebody reviewed what went through the lane.
pub(super) fn reviewed(click: &Click, request: &Request, now: Now<'_>) -> Decision {
    let Some(review) = request.review.as_ref().filter(|_| request.is_review_owed()) else {
        return no(click, "No review is owed here.", "Read the card as it is now.");
    };
    if let Some((_, at)) = review.by.iter().find(|(actor, _)| click.asker.is(actor)) {
        let words = format!("Your review was already recorded at {} UTC.", at.strftime("%H:%M:%S"));
        return Decision::silent(Reply::Private(super::Words::plain(words)));
    }
    let usual = now.usual(&request.opened.command, &request.opened.target);
    let Some(person) = click.asker.person.as_ref().and_then(|id| now.rules.catalog.person(id)) else {
        let remedy =
            format!("Ask to be added under `people` in the catalog; your account is `{}`.", click.asker.account);
        return no(click, "Your account belongs to nobody in the catalog, so it cannot review.", &remedy);
    };
    if click.asker.is(&request.requester) {
        return no(click, "You asked for this, so somebody else must review it.", &vote::ask_whom(usual));
    }
    if usual.is_some_and(|rule| !now.rules.catalog.may_vote(rule, person, vote::today(now.at))) {
        return no(click, "Your review does not count here.", &vote::ask_whom(usual));
    }
    let given = Review::given(&request.id, click.asker.actor());
    let with =
        Review { by: review.by.iter().cloned().chain([(click.asker.actor(), now.at)]).collect(), ..review.clone() };
    let (people, usual) = still_unreviewed(request, &with, now);
    let is_done = !people.is_empty() && missing(usual, &people) == 0;
    let by: Vec<PersonId> = people.iter().map(|person| person.id.clone()).collect();
    let done = is_done.then(|| Review::over(&request.id, &by));
    Decision { entries: std::iter::once(given).chain(done).collect(), reply: Reply::Taken }
}

/// Why something that was approved in the lane does not land any more: the incident is over, and in peace it would land
/// otherwise.
pub(super) fn closed(request: &Request, course: &Course, now: Now<'_>) -> Option<String> {
    let opened = request.opened.lane.as_ref()?;
    let lands = now.lane(&request.opened.command, &request.opened.target).and_then(|(_, rule)| rule.landing);
    let way = ask::way(now.rules, &request.opened.target, lands);
    let is_other = request.opened.way != Way::Live && way != request.opened.way && course.plan.live.is_none();
    is_other.then(|| format!("the {} incident that let it land this way is over", opened.severity))
}

/// Whether what waits was let through by a lane that is no longer there.
pub(super) fn has_ended(request: &Request, now: Now<'_>) -> bool {
    let approved_there = matches!(request.state, State::Landing(_)) && request.review.is_some();
    (approved_there || request.opened.lane.is_some()) && lane_of(request, now).is_none()
}
