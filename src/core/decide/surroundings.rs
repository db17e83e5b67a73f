//! Facts for policy that follow from other requests and from the clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::{Facts, is_one_human};
use crate::core::{
    change::Line,
    entry::Actor,
    moment,
    names::{Environment, Field, Target},
    policy::LocalClock,
    request::Request,
    rules::Rules,
};

/// The environments where the version that is asked for was the last that landed, and was seen healthy.
pub(super) fn healthy_in(facts: Facts<'_>, target: &Target, lines: &[Line]) -> BTreeSet<String> {
    let Some(version) = lines.iter().find(|line| line.field == Field::ImageTag).map(|line| &line.new) else {
        return BTreeSet::new();
    };
    let mut last: BTreeMap<&Environment, &Request> = BTreeMap::new();
    for request in facts.requests.values() {
        if request.opened.target.service == target.service && request.commit().is_some() && brings(request).is_some() {
            last.insert(&request.opened.target.environment, request);
        }
    }
    let healthy = last.into_iter().filter(|(_, request)| request.was_live() && brings(request) == Some(version));
    healthy.map(|(environment, _)| environment.to_string()).collect()
}

/// The version that a request brings.
fn brings(request: &Request) -> Option<&String> {
    let lines = &request.course()?.plan.lines;
    lines.iter().find(|line| line.field == Field::ImageTag).map(|line| &line.new)
}

/// What clocks show where the environment is.
pub(super) fn clock(rules: &Rules, facts: Facts<'_>, environment: &Environment) -> LocalClock {
    let there = facts.now.to_zoned(rules.catalog.zone_of(environment));
    LocalClock { hour: i64::from(there.hour()), weekday: moment::weekday_word(there.weekday()) }
}

/// How many requests somebody opened within the last hour.
pub(super) fn recent(facts: Facts<'_>, actor: &Actor) -> i64 {
    let since = facts.now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(facts.now);
    let theirs = facts.requests.values().rev().take_while(|request| request.at >= since);
    i64::try_from(theirs.filter(|request| is_one_human(&request.requester, actor)).count()).unwrap_or(i64::MAX)
}
