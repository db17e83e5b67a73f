//! Requests of several services in one environment, leg by leg: each is planned as if it stood alone, and all of them
//! together are one change.

mod again;

use std::sync::Arc;

use futures::future::join_all;

use super::{
    Inner,
    effects::Trouble,
    facts::{self, NotPlanned},
};
use crate::{
    core::{
        change::{self, Plan, PlanRefusal, Planned},
        command,
        decide::Words,
        names::{CommandName, ConnectionName, Service, Target},
        request::Request,
        rules::Rules,
    },
    git::Tree,
};

/// Plans what a command asks for, of one service or of several.
pub(super) async fn plan_asked(
    inner: &Arc<Inner>,
    rules: &Rules,
    (command, target, with): (&CommandName, &Target, &[Service]),
    asked: command::Asked,
) -> Result<Result<Planned, Words>, Trouble> {
    if with.is_empty() {
        return facts::plan_asked(inner, rules, (command, target), asked).await;
    }
    let environment = &target.environment;
    let one = |service: &Service| {
        let (asked, target) = (asked.clone(), Target { service: service.clone(), environment: environment.clone() });
        async move { facts::plan_one(inner, rules, (command, &target), asked).await }
    };
    let services: Vec<&Service> = std::iter::once(&target.service).chain(with).collect();
    let each = join_all(services.iter().map(|service| one(service))).await;
    let mut planned = Vec::new();
    for (service, of_it) in services.into_iter().zip(each) {
        let of_it = match of_it? {
            Ok(of_it) => Ok(of_it),
            Err(NotPlanned::Refused(refusal)) => Err(refusal),
            Err(NotPlanned::Said(words)) => {
                let remedy = format!("{} None of the others was asked for.", words.remedy.unwrap_or_default());
                return Ok(Err(Words::new(format!("`{service}`: {}", words.text), remedy.trim().to_owned())));
            }
        };
        planned.push((service.clone(), of_it));
    }
    let all = change::together((command, environment), planned);
    Ok(all.map_err(|refusal| NotPlanned::Refused(refusal).into()))
}

/// Plans the same edits again, on the newest commit.
pub(super) async fn plan_again(
    inner: &Arc<Inner>,
    rules: &Rules,
    request: &Request,
    plan: &Plan,
) -> Result<Result<Plan, PlanRefusal>, Trouble> {
    let (command, target) = (&request.opened.command, &request.opened.target);
    if plan.legs.is_empty() {
        let again = again::plan_again(inner, rules, (command, target), plan).await?;
        return Ok(again.map(|planned| planned.plan));
    }
    let mut planned = Vec::new();
    for leg in &plan.legs {
        let of_it = Target { service: leg.service.clone(), environment: target.environment.clone() };
        let again = again::plan_again(inner, rules, (command, &of_it), &leg.plan).await?;
        planned.push((leg.service.clone(), again));
    }
    Ok(change::together((command, &target.environment), planned).map(|planned| planned.plan))
}

/// Plans the same edits again, on a tree at hand.
pub(super) fn plan_on_tree(
    repository: &ConnectionName,
    rules: &Rules,
    request: &Request,
    plan: &Plan,
    tree: &Tree<'_>,
) -> Result<Planned, PlanRefusal> {
    let (command, target) = (&request.opened.command, &request.opened.target);
    if plan.legs.is_empty() {
        return again::plan_on_tree(repository, rules, (command, target), plan, tree);
    }
    let again = plan.legs.iter().map(|leg| {
        let of_it = Target { service: leg.service.clone(), environment: target.environment.clone() };
        (leg.service.clone(), again::plan_on_tree(repository, rules, (command, &of_it), &leg.plan, tree))
    });
    change::together((command, &target.environment), again.collect())
}
