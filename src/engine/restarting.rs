//! Restarting: the pods of a service are made anew by an annotation of their template that git does not manage. Asked,
//! permitted, approved and recorded like any change; git stays as it is, and nothing is owed.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Inner, Typed,
    effects::{Trouble, may, report},
    facts::{self, IN_TIME},
    follow::{self, Place},
};
use crate::{
    clock,
    cluster::{Cluster, ClusterError},
    core::{
        break_glass::Object,
        change::{Live, Plan, RESTARTED_BY},
        command::Command,
        decide::{Asked, Asker, Incoming, Outcome, Planning, Step, Words},
        names::Target,
        request::{Course, Ending, Request},
        rollout::Wanted,
        rules::Rules,
    },
};

/// What somebody asks for, with what would be restarted.
pub(super) async fn asked(
    inner: &Arc<Inner>,
    rules: &Rules,
    command: &Command,
    (asker, typed): (&Asker, &Typed),
) -> Result<Incoming, Words> {
    let missing = || Words::new("A service and an environment are needed.", "Type `/help restart`.");
    let target = command.target().ok_or_else(missing)?;
    let id = clock::request_id(clock::now());
    let looked = tokio::time::timeout(IN_TIME * 2, planned(inner, rules, (command, &target))).await;
    let late =
        || Err(Words::new(format!("The cluster of {} did not answer in time.", target.environment), "Ask again."));
    let planning = match looked.unwrap_or_else(|_| late()) {
        Ok(plan) => Planning::Planned(plan),
        Err(words) => Planning::Refused(words),
    };
    Ok(Incoming::Asked(Box::new(Asked {
        id,
        asker: asker.clone(),
        command: command.name().clone(),
        words: command.to_text().to_owned(),
        title: command.subject(),
        reason: command.reason().map(str::to_owned),
        target,
        with: Vec::new(),
        channel: typed.channel.clone(),
        tag: None,
        planning,
        debt: None,
        lasts: None,
        begins: None,
        gives_back: None,
    })))
}

async fn planned(inner: &Arc<Inner>, rules: &Rules, (command, target): (&Command, &Target)) -> Result<Plan, Words> {
    let none = || {
        let text = format!("No cluster is configured for {}.", target.environment);
        Words::new(text, "Name its `cluster` in the catalog, and configure that under `clusters`.")
    };
    let environment = rules.catalog.environment(&target.environment).ok_or_else(none)?;
    let name = environment.cluster.as_ref().ok_or_else(none)?;
    let cluster = inner.reach.clusters.get(name).ok_or_else(none)?;
    let namespace = environment.namespace_of(&target.service);
    let unseen = |error: ClusterError| Words::new(format!("The cluster cannot be seen: {error}."), error.remedy());
    let found = cluster.raw_workload(&namespace, target.service.as_str()).await.map_err(unseen)?;
    let Some((kind, workload)) = found else {
        let text = format!("There is no Deployment and no StatefulSet `{}` in `{namespace}`.", target.service);
        return Err(Words::new(text, "Look at the names in the cluster and in the catalog."));
    };
    let uid = workload.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
    let object = Object { cluster: name.clone(), kind, namespace, name: target.service.to_string() };
    let live = Live::restart(object, uid);
    let plan = live.plan((command.name(), target), (&rules.commit, rules.policy.hash()));
    plan.map_err(|error| Words::new(format!("The restart could not be planned: {error}."), "Ask again."))
}

/// Restarts, unless that is done already, and watches until the pods are new.
pub(super) async fn restart(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
    let Some(live) = &course.plan.live else { return Ok(()) };
    let Some(cluster) = inner.reach.clusters.get(&live.object.cluster) else {
        return Err(Trouble::Other(format!("the cluster `{}` is not in the configuration.", live.object.cluster)));
    };
    let trouble = |error: ClusterError| Trouble::Other(format!("{error}. {}", error.remedy()));
    let now = cluster.live(&live.object).await.map_err(trouble)?.unwrap_or_default();
    if now.pointer("/metadata/uid").and_then(Value::as_str) != Some(live.uid.as_str()) {
        let why = format!("{} is another one now than when this was asked for", live.object);
        end(inner, request, Ending::Failed { why, remedy: "Ask again.".to_owned() }).await;
        return Ok(());
    }
    let done_by = now.pointer("/spec/template/metadata/annotations").and_then(|all| all.get(RESTARTED_BY));
    if done_by.and_then(Value::as_str) != Some(request.id.as_str()) {
        if !may(inner, request, Step::Restart { digest: course.plan.digest.clone() }).await {
            return Ok(());
        }
        cluster.merge(&live.object, &live.patch_by(&request.id)).await.map_err(trouble)?;
    }
    watch(inner, request, (course, live, cluster)).await;
    Ok(())
}

async fn watch(inner: &Arc<Inner>, request: &Request, (course, live, cluster): (&Course, &Live, &Cluster)) {
    let rules = inner.rules();
    let image = rules.and_then(|rules| facts::image(&rules, &request.opened.target));
    let place = Place {
        cluster,
        namespace: live.object.namespace.clone(),
        name: &live.object.name,
        apart: None,
        wanted: Wanted { image, ..Wanted::default() },
        settings: Vec::new(),
        commit: &course.plan.base,
    };
    let remedy = || "Look at the pods.".to_owned();
    match follow::look_until(inner, request, &place, None).await {
        Some(Ending::NotLive { seen }) => {
            end(inner, request, Ending::Failed { why: format!("restarted, and not well: {seen}"), remedy: remedy() })
                .await;
        }
        Some(Ending::Unseen { seen }) => {
            let why = format!("restarted; how it went could not be seen: {seen}");
            end(inner, request, Ending::Failed { why, remedy: remedy() }).await;
        }
        Some(ending) => end(inner, request, ending).await,
        None => {}
    }
}

async fn end(inner: &Arc<Inner>, request: &Request, ending: Ending) {
    report(inner, request, Outcome::Ended(ending)).await;
}
