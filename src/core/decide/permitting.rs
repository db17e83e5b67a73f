//! What policy is asked, with the facts of the moment: of several services each, and all must be permitted.

use jiff::Timestamp;

use super::{Facts, TagSeen, surroundings, tag};
use crate::core::{
    catalog::{Catalog, Team},
    change::Plan,
    entry::Actor,
    names::{CommandName, Field, RequestId, Service, Target},
    policy::{Circumstances, Denial, Known, Principal, Question, Standing, Verdict},
    request::Request,
    rules::Rules,
};

/// Whether policy permits the change to whoever asked, with the facts of now: all of it, where it is of several services.
pub(super) fn permitted(rules: &Rules, request: Subject<'_>, plan: Option<&Plan>) -> Verdict {
    if request.with.is_empty() {
        return permitted_for(rules, request, plan);
    }
    for service in std::iter::once(&request.target.service).chain(request.with) {
        let target = Target { service: service.clone(), environment: request.target.environment.clone() };
        // Of what is so already nothing changes; whether it might be asked for is asked all the same.
        let of_it = plan.and_then(|plan| plan.of(service));
        if let Verdict::Denied(denial) = permitted_for(rules, Subject { target: &target, ..request }, of_it) {
            return Verdict::Denied(Denial { reason: format!("`{service}`: {}", denial.reason), ..denial });
        }
    }
    Verdict::Permitted
}

fn permitted_for(rules: &Rules, request: Subject<'_>, plan: Option<&Plan>) -> Verdict {
    let principal = principal(&rules.catalog, request.actor);
    let circumstances = circumstances(rules, request, plan);
    rules.policy.ask(&Question {
        principal: &principal,
        action: request.command,
        target: Some(request.target),
        environment: None,
        team: rules.catalog.team_of(&request.target.service).map(Team::as_str),
        circumstances: &circumstances,
    })
}

/// What policy is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The request, where it is one already.
    pub(super) id: Option<&'a RequestId>,
    pub(super) actor: &'a Actor,
    pub(super) command: &'a CommandName,
    pub(super) target: &'a Target,
    /// The services beside that one.
    pub(super) with: &'a [Service],
    pub(super) channel: &'a str,
    pub(super) tag: Option<&'a TagSeen>,
    /// What else is known; `None` where it is asked for nobody and no moment.
    pub(super) facts: Option<Facts<'a>>,
    /// When it begins, where that is not at once: freezes and clocks are looked at as they will be then.
    pub(super) begins: Option<Timestamp>,
    /// Whether it goes on all the same where something is frozen.
    pub(super) ignores_freezes: bool,
}

impl<'a> Subject<'a> {
    /// The facts of the moment in which it would change something.
    pub(super) fn facts_then(&self) -> Option<Facts<'a>> {
        self.facts.map(|facts| Facts { now: self.begins.unwrap_or(facts.now).max(facts.now), ..facts })
    }

    pub(super) fn of(request: &'a Request, facts: Facts<'a>) -> Self {
        Self {
            id: Some(&request.id),
            actor: &request.requester,
            command: &request.opened.command,
            target: &request.opened.target,
            with: &request.opened.with,
            channel: &request.opened.channel,
            tag: request.opened.tag.as_ref(),
            facts: Some(facts),
            begins: request.opened.begins,
            // What only pays a debt changes nothing that runs, so no freeze holds it up.
            ignores_freezes: request.only_pays(facts.matters),
        }
    }
}

/// An account as policies see it.
pub fn principal(catalog: &Catalog, actor: &Actor) -> Principal {
    let person = actor.person.as_ref().and_then(|id| catalog.person(id));
    let account = actor.account.clone().unwrap_or_default();
    match (person, &actor.person) {
        (Some(person), Some(id)) => Principal {
            id: id.to_string(),
            standing: Standing::Mapped,
            teams: person.teams.iter().map(ToString::to_string).collect(),
            groups: person.groups.iter().map(ToString::to_string).collect(),
        },
        (None, _) | (_, None) => {
            Principal { id: account, standing: Standing::Unmapped, teams: [].into(), groups: [].into() }
        }
    }
}

fn circumstances(rules: &Rules, request: Subject<'_>, plan: Option<&Plan>) -> Circumstances {
    let lines = plan.map(|plan| plan.lines.as_slice()).unwrap_or_default();
    let line = |field: Field| lines.iter().find(move |line| line.field == field);
    // Where an autoscaler owns the count, the fewest that it keeps are what somebody asks for.
    let replicas = line(Field::Replicas).or_else(|| line(Field::ReplicasMin));
    let locked = plan.and_then(|plan| surroundings::lock(rules, request.target, plan));
    let (limits, frozen) = (rules.catalog.replica_limits(), surroundings::frozen(rules, request));
    let healthy = request.facts.map(|facts| surroundings::healthy(facts, request.target, lines));
    let (healthy_in, healthy_minutes) = healthy.unwrap_or_default();
    Circumstances {
        freeze: if frozen.is_some() { Known::Yes } else { Known::No },
        frozen,
        tag_exists: tag::known(request.tag),
        locked: locked.map(|lock| lock.because.clone()),
        replicas_before: replicas.and_then(|line| line.old.as_ref()?.parse().ok()),
        replicas_after: replicas.and_then(|line| line.new.parse().ok()),
        replica_limits: Some((i64::from(limits.min), limits.max.map_or(i64::MAX, i64::from))),
        healthy_in,
        healthy_minutes,
        image_pinned: surroundings::is_pinned(lines),
        incident: request.facts.and_then(|facts| surroundings::incident(facts, request.target)),
        owes: request.facts.map_or(Known::Unknown, |facts| surroundings::owes(facts, request.target)),
        clock: request.facts_then().map(|facts| surroundings::clock(rules, facts, &request.target.environment)),
        recent_requests: request.facts.map_or(0, |facts| surroundings::recent(facts, (request.actor, request.id))),
        channel: request.channel.to_owned(),
        platform: request.actor.via.clone(),
    }
}
