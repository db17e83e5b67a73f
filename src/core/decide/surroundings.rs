//! Facts for policy that follow from other requests, from the clock, from freezes and from locks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::{Facts, Subject, is_one_human};
use crate::core::{
    catalog::Lock,
    change::{Line, Plan},
    entry::Actor,
    moment,
    names::{Environment, Field, RequestId, Service, Target},
    policy::{Known, LocalClock},
    request::Request,
    rules::Rules,
};

/// The environments where the version that is asked for was the last that landed, and was seen healthy; and for how many
/// minutes it has been in that of them where it is longest.
pub(super) fn healthy(facts: Facts<'_>, target: &Target, lines: &[Line]) -> (BTreeSet<String>, i64) {
    let Some(version) = lines.iter().find(|line| line.field == Field::ImageTag).map(|line| &line.new) else {
        return (BTreeSet::new(), 0);
    };
    let mut last: BTreeMap<&Environment, &Request> = BTreeMap::new();
    // Of each environment the newest that landed; what waits for people is passed over at once.
    let landed = facts.requests.values().rev().filter(|request| request.commit().is_some());
    for request in landed.filter(|request| request.opened.services().any(|service| *service == target.service)) {
        let environment = &request.opened.target.environment;
        let there = Target { service: target.service.clone(), environment: environment.clone() };
        let is_newest = !last.contains_key(environment) && request.changed(&there);
        if is_newest && brings(request, &target.service).is_some() {
            last.insert(environment, request);
        }
    }
    let healthy = || {
        last.iter().filter(|(_, request)| {
            request.was_live_of(&target.service) && brings(request, &target.service) == Some(version)
        })
    };
    let since = healthy().filter_map(|(_, request)| request.live_since).min();
    let minutes = since.map_or(0, |since| facts.now.duration_since(since).as_mins());
    (healthy().map(|(environment, _)| environment.to_string()).collect(), minutes)
}

/// Whether the image is pinned by digest with the change; unknown where it brings no version.
pub(super) fn is_pinned(lines: &[Line]) -> Known {
    let has = |field: Field| lines.iter().any(|line| line.field == field);
    match (has(Field::ImageDigest), has(Field::ImageTag)) {
        (true, _) => Known::Yes,
        (false, true) => Known::No,
        (false, false) => Known::Unknown,
    }
}

/// The gravest open incident of the service, or of everything.
pub(super) fn incident(facts: Facts<'_>, target: &Target) -> Option<String> {
    facts.matters.open_on(&target.service).map(|one| one.opened.severity).min().map(|severity| severity.to_string())
}

/// Whether something of the target is live without being in git.
pub(super) fn owes(facts: Facts<'_>, target: &Target) -> Known {
    if facts.matters.debts_of(target).next().is_some() { Known::Yes } else { Known::No }
}

/// The version of a service that a request brings.
fn brings<'r>(request: &'r Request, service: &Service) -> Option<&'r String> {
    request.lines_of(service).iter().find(|line| line.field == Field::ImageTag).map(|line| &line.new)
}

/// What clocks show where the environment is.
pub(super) fn clock(rules: &Rules, facts: Facts<'_>, environment: &Environment) -> LocalClock {
    let there = facts.now.to_zoned(rules.catalog.zone_of(environment));
    LocalClock { hour: i64::from(there.hour()), weekday: moment::weekday_word(there.weekday()) }
}

/// How many requests somebody opened within the last hour.
/// Of a request that is open already, those before it: what was permitted when it was asked stays so.
pub(super) fn recent(facts: Facts<'_>, (actor, before): (&Actor, Option<&RequestId>)) -> i64 {
    let since = facts.now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(facts.now);
    let theirs = facts.requests.values().rev().take_while(|request| request.at >= since);
    let is_before = |request: &&Request| before.is_none_or(|id| request.id < *id);
    i64::try_from(theirs.filter(is_before).filter(|request| is_one_human(&request.requester, actor)).count())
        .unwrap_or(i64::MAX)
}

/// Why the target is frozen for whoever asks, and what to do about it.
pub(super) fn frozen(rules: &Rules, request: Subject<'_>) -> Option<(String, String)> {
    let person = request.actor.person.as_ref().and_then(|id| rules.catalog.person(id));
    let facts = request.facts_then().filter(|_| !request.ignores_freezes)?;
    let frozen = facts.calendar()?.holds(person, request.command, request.target)?;
    let environment = &request.target.environment;
    Some((frozen.words(&rules.catalog.zone_of(environment)), frozen.remedy(environment)))
}

/// The lock that holds a plan: on one of its fields, or on one of its files.
pub(super) fn lock<'r>(rules: &'r Rules, target: &Target, plan: &Plan) -> Option<&'r Lock> {
    let catalog = &rules.catalog;
    let held = |field: &Field| {
        let in_files = || plan.edits.iter().find_map(|edit| catalog.is_locked_in(target, field, &edit.path));
        catalog.is_locked(target, field).or_else(in_files)
    };
    let is_count = |field: &Field| matches!(field, Field::ReplicasMin | Field::ReplicasMax);
    let exact = plan.exact.iter().find_map(|one| catalog.is_all_locked_in(target, &one.edit.path));
    let fields = plan.lines.iter().map(|line| &line.field).find_map(|field| {
        // Whoever locks `replicas` means the count, whatever it is called in the files.
        held(field).or_else(|| is_count(field).then(|| held(&Field::Replicas)).flatten())
    });
    exact.or(fields)
}
