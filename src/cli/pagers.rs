//! The pagers that the configuration names.

use crate::{
    config::Config,
    net::Outgoing,
    pager::{Kind, Pager},
};

/// All of them.
pub(super) fn of(config: &Config, net: &Outgoing) -> Vec<Pager> {
    let pagerduty = config.pagers.pagerduty.iter().map(|one| {
        let pager = Pager::new(Kind::PagerDuty, (one.api.clone(), one.routing_key.clone()), net);
        match &one.schedules {
            Some(schedules) => pager.with_schedules(schedules.api.clone(), schedules.token.clone()),
            None => pager,
        }
    });
    let opsgenie = config.pagers.opsgenie.iter();
    let opsgenie = opsgenie.map(|one| Pager::new(Kind::Opsgenie, (one.api.clone(), one.key.clone()), net));
    pagerduty.chain(opsgenie).collect()
}
