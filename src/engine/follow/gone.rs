//! Follows what was deleted: it is done when the cluster runs nothing of it any more.

use std::sync::Arc;

use super::{
    super::{
        Inner,
        effects::{Trouble, report},
        rules,
    },
    FAILED_LOOKS, LOOKS, pace, runs_in,
};
use crate::core::{
    change::How,
    decide::Outcome,
    names::Target,
    request::{Course, Ending, Request},
};

/// Whether a change took all files of its target away.
pub(super) async fn is_gone(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<bool, Trouble> {
    let takes = |how: &How| matches!(how, How::Rendered | How::File { .. });
    if !course.plan.exact.iter().any(|one| takes(&one.how) && one.edit.new.is_null()) {
        return Ok(false);
    }
    rules::refresh(inner, inner.home_of(request)?).await?;
    let Target { service, environment } = &request.opened.target;
    let rules = inner.rules();
    Ok(rules.is_some_and(|rules| rules.services.get(service).is_none_or(|places| !places.contains(environment))))
}

/// Looks until nothing of it runs.
pub(super) async fn follow(inner: &Arc<Inner>, request: &Request) -> Result<(), Trouble> {
    let Some(rules) = inner.rules() else { return Err(Trouble::Other("the rules are not read yet.".to_owned())) };
    let (environment, cluster) = match runs_in(inner, &rules, &request.opened.target) {
        Ok(there) => there,
        Err(ending) => {
            report(inner, request, Outcome::Ended(ending)).await;
            return Ok(());
        }
    };
    let namespace = &environment.namespace_of(&request.opened.target.service);
    let name = request.opened.target.service.as_str();
    let mut unseen = 0;
    for look in 0..LOOKS {
        let ending = match cluster.workload(namespace, name).await {
            Ok(None) => Some(Ending::Live { seen: "nothing of it runs any more".to_owned() }),
            Ok(Some(_)) => None,
            Err(error) => {
                unseen += 1;
                let seen = format!("the cluster cannot be seen ({error})");
                (unseen >= FAILED_LOOKS).then_some(Ending::Unseen { seen })
            }
        };
        if let Some(ending) = ending {
            report(inner, request, Outcome::Ended(ending)).await;
            return Ok(());
        }
        inner.tasks.pause(pace(look)).await;
        if inner.tasks.is_stopping() {
            return Ok(());
        }
    }
    let seen = format!("`{name}` still runs in `{namespace}`");
    report(inner, request, Outcome::Ended(Ending::NotLive { seen })).await;
    Ok(())
}
