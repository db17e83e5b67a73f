//! What a request is about: one service, or several in one environment. Of several it is known of each how far it came.

use super::{Course, Ending, Opened, Request, State};
use crate::core::{
    change::{Leg, Line},
    names::{Service, Target},
    several,
};

impl Opened {
    /// All that it is about, as it was named.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        let environment = &self.target.environment;
        self.services().map(|service| Target { service: service.clone(), environment: environment.clone() })
    }

    /// Their services.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        std::iter::once(&self.target.service).chain(&self.with)
    }

    /// All of it in words: `checkout in prod`, `checkout and payments in prod`.
    pub fn about(&self) -> String {
        let services: Vec<Service> = self.services().cloned().collect();
        format!("{} in {}", several::named(&services), self.target.environment)
    }

    /// Whether this is one of them.
    pub fn is_about(&self, target: &Target) -> bool {
        self.target.environment == target.environment && self.services().any(|service| *service == target.service)
    }

    /// Whether both are about something that is the same.
    pub fn meets(&self, other: &Self) -> bool {
        other.targets().any(|target| self.is_about(&target))
    }

    /// Whether it is about all that the other is about.
    pub fn covers(&self, other: &Self) -> bool {
        other.targets().all(|target| self.is_about(&target))
    }
}

impl Request {
    /// What it changes of a service.
    pub fn lines_of(&self, service: &Service) -> &[Line] {
        self.course().map(|course| course.plan.lines_of(service)).unwrap_or_default()
    }

    /// Whether it brought a change of a service into the branch.
    pub fn changed(&self, target: &Target) -> bool {
        let plan = self.course().map(|course| &course.plan);
        self.commit().is_some()
            && self.opened.is_about(target)
            && plan.is_none_or(|plan| plan.of(&target.service).is_some())
    }

    /// How it ended for a service, where that is known already.
    pub fn ending_of(&self, service: &Service) -> Option<&Ending> {
        let settled = self.course().and_then(|course| course.settled.iter().find(|(name, _)| name == service));
        match (&self.state, settled) {
            (_, Some((_, ending))) => Some(ending),
            (State::Over { ending, .. }, None) => Some(ending),
            (State::Planning | State::Deciding(_) | State::Landing(_) | State::Following(..), None) => None,
        }
    }

    /// Whether the pods of a service were seen running it.
    pub fn was_live_of(&self, service: &Service) -> bool {
        matches!(self.ending_of(service), Some(Ending::Live { .. }))
    }

    /// The services that are still looked for in the cluster, after it landed.
    pub fn unsettled(&self) -> Vec<Service> {
        let State::Following(course, _) = &self.state else { return Vec::new() };
        let is_open = |service: &&Service| course.settled.iter().all(|(name, _)| name != *service);
        course.plan.legs.iter().map(|leg| &leg.service).filter(is_open).cloned().collect()
    }
}

/// How a request of several services ended, by how each of them did.
pub fn whole(course: &Course) -> Ending {
    let of_it = |leg: &Leg| course.settled.iter().find(|(service, _)| *service == leg.service).cloned();
    let settled: Vec<(Service, Ending)> = course.plan.legs.iter().filter_map(of_it).collect();
    let of = |wanted: fn(&Ending) -> bool| -> Vec<&(Service, Ending)> {
        settled.iter().filter(|(_, ending)| wanted(ending)).collect()
    };
    let (live, over) =
        (of(|one| matches!(one, Ending::Live { .. })), of(|one| matches!(one, Ending::Superseded { .. })));
    let names = |all: &[&(Service, Ending)]| {
        let names: Vec<Service> = all.iter().map(|(service, _)| service.clone()).collect();
        several::named(&names)
    };
    let beside = || {
        let taken = (!over.is_empty()).then(|| format!("a newer change took over {}", names(&over)));
        let ran = (!live.is_empty()).then(|| format!("{} live", names(&live)));
        taken.into_iter().chain(ran).map(|words| format!("; {words}")).collect::<String>()
    };
    let told = |all: Vec<&(Service, Ending)>| {
        let told: Vec<String> = all.iter().map(|(service, ending)| format!("{service}: {}", ending.seen())).collect();
        format!("{}{}", told.join("; "), beside())
    };
    let (failed, unseen) =
        (of(|one| matches!(one, Ending::NotLive { .. })), of(|one| matches!(one, Ending::Unseen { .. })));
    match (failed.is_empty(), unseen.is_empty(), over.last()) {
        (false, ..) => Ending::NotLive { seen: told(failed.into_iter().chain(unseen).collect()) },
        (true, false, _) => Ending::Unseen { seen: told(unseen) },
        (true, true, Some((_, ending))) if live.is_empty() => ending.clone(),
        (true, true, None) => Ending::Live { seen: names(&live) },
        (true, true, Some(_)) => {
            Ending::Live { seen: format!("{}; a newer change took over {}", names(&live), names(&over)) }
        }
    }
}
