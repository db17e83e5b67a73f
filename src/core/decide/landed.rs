//! A change came into the tracked branch: what becomes of older changes of the same targets, and of what waited meanwhile.

use super::{
    Decision, Facts, Reply, ourselves,
    outcome::{Landed, one_by},
};
use crate::core::{
    entry::Draft,
    names::{Service, Target},
    request::{Ending, Event, Request, State},
};

/// The newer change of the same target that landed while this one waited. Where nobody is asked, nothing else would
/// keep this one from undoing it.
pub(super) fn overtaken<'a>(request: &Request, facts: Facts<'a>) -> Option<&'a Request> {
    let newer = |other: &&Request| other.id > request.id && other.opened.meets(&request.opened);
    facts.requests.values().filter(newer).find(|other| other.commit().is_some())
}

/// Landed: older changes of the same target that are not yet seen live are no longer waited for. What landed as
/// another change than the one that was planned is not followed: it is not what this request is about.
pub(super) fn landed(request: &Request, how: &Landed, facts: Facts<'_>) -> Decision {
    let mut decision = one_by(request, Event::Landed { commit: how.commit.clone(), by: how.by.clone() }, &how.by);
    if decision.reply != Reply::Go {
        return decision;
    }
    decision.entries.extend(facts.requests.values().flat_map(|other| taken_over(other, request)));
    let target = &request.opened.target.environment;
    let environment = facts.rules.and_then(|rules| rules.catalog.environment(target));
    let end = match &how.differs {
        Some(why) => {
            let remedy = "Look at the commit; roll back if it is not wanted.".to_owned();
            Some(Ending::TakenOver { why: why.clone(), remedy })
        }
        None => environment.filter(|known| known.cluster.is_none()).map(|_| Ending::Landed),
    };
    decision.entries.extend(end.map(|end| Event::Ended(end, ourselves()).draft(&request.id, ourselves())));
    decision
}

/// What becomes of a change that is not seen live yet, now that a newer one of the same target has landed: it is over, or
/// it is over for the services that the newer one changes too.
fn taken_over(older: &Request, by: &Request) -> Vec<Draft> {
    let is_followed = older.id != by.id && matches!(older.state, State::Following(..));
    if !is_followed || !older.opened.meets(&by.opened) {
        return Vec::new();
    }
    let ending = || Ending::Superseded { by: by.id.clone() };
    let plan = by.course().map(|course| &course.plan);
    let changes =
        |target: &Target| by.opened.is_about(target) && plan.is_none_or(|plan| plan.of(&target.service).is_some());
    if older.opened.with.is_empty() {
        let is_taken = changes(&older.opened.target);
        let over = is_taken.then(|| Event::Ended(ending(), ourselves()).draft(&older.id, ourselves()));
        return over.into_iter().collect();
    }
    let open = older.unsettled().into_iter().filter(|service| changes(&target_of(older, service)));
    open.map(|service| Event::Settled { service, ending: ending() }.draft(&older.id, ourselves())).collect()
}

/// One of the services that a request is about.
pub(super) fn target_of(request: &Request, service: &Service) -> Target {
    Target { service: service.clone(), environment: request.opened.target.environment.clone() }
}
