//! The pagers that the configuration names.

use crate::{
    config::Config,
    net::Outgoing,
    pager::{Kind, Pager},
};

/// All of them.
pub(super) fn of(config: &Config, net: &Outgoing) -> Vec<Pager> {
    let pagerduty = config.pagers.pagerduty.iter();
    let pagerduty = pagerduty.map(|one| (Kind::PagerDuty, one.api.clone(), one.routing_key.clone()));
    let opsgenie = config.pagers.opsgenie.iter();
    let opsgenie = opsgenie.map(|one| (Kind::Opsgenie, one.api.clone(), one.key.clone()));
    pagerduty.chain(opsgenie).map(|(kind, api, key)| Pager::new(kind, (api, key), net)).collect()
}
