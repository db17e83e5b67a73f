//! A controller like Flux's: one GitRepository that fetches the branch when it is asked to, and now and then; and a
//! Kustomization for each service, which applies what was fetched.

use serde_json::{Value, json};

use super::{
    Live, Surroundings,
    custom::{GIT_REPOSITORY, KUSTOMIZATION, annotation, number, report, text},
    objects::seconds,
};
use crate::core::names::Digest;

/// Where its objects live.
pub(super) const NAMESPACE: &str = "flux-system";
/// What the source is called.
const SOURCE: &str = "deployments";
const REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";

/// One step of the controllers; says whether anything changed.
pub(super) fn step(live: &mut Live, around: &Surroundings<'_>) -> bool {
    let mut changed = false;
    if live.custom.get(&GIT_REPOSITORY, SOURCE).is_none() {
        let source = json!({"spec": {"interval": "1m0s", "url": around.url, "ref": {"branch": around.branch}}});
        live.custom.add(&GIT_REPOSITORY, (NAMESPACE, SOURCE), source, around.now);
    }
    changed |= fetch(live, around);
    for service in live.wanted.keys().cloned().collect::<Vec<_>>() {
        if live.custom.get(&KUSTOMIZATION, &service).is_none() {
            live.custom.add(&KUSTOMIZATION, (NAMESPACE, &service), kustomization(&service, around), around.now);
            changed = true;
        }
    }
    for service in live.custom.names(&KUSTOMIZATION) {
        changed |= attend(live, &service, around);
    }
    changed
}

fn kustomization(service: &str, around: &Surroundings<'_>) -> Value {
    json!({"spec": {"interval": "10m0s", "prune": true, "path": format!("./apps/{service}/{}", around.environment),
        "sourceRef": {"kind": "GitRepository", "name": SOURCE}}})
}

fn is_suspended(object: &Value) -> bool {
    object.pointer("/spec/suspend") == Some(&json!(true))
}

/// Whether it was asked, or changed, since it looked last.
fn is_asked(object: &Value) -> bool {
    annotation(object, REQUESTED).is_some_and(|mark| mark != text(object, "/status/lastHandledReconcileAt"))
        || number(object, "/metadata/generation") != number(object, "/status/observedGeneration")
}

/// It has taken up what it was asked.
fn handled(object: &mut Value) {
    let (mark, generation) = (annotation(object, REQUESTED).map(str::to_owned), number(object, "/metadata/generation"));
    if let Some(mark) = mark {
        report(object, "lastHandledReconcileAt", json!(mark));
    }
    report(object, "observedGeneration", json!(generation));
}

fn condition((kind, status): (&str, &str), reason: &str, message: &str, around: &Surroundings<'_>) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": seconds(around.now)})
}

/// The source fetches the branch.
fn fetch(live: &mut Live, around: &Surroundings<'_>) -> bool {
    let Some(found) = live.custom.get(&GIT_REPOSITORY, SOURCE) else { return false };
    let first = text(found, "/status/artifact/revision").is_empty();
    if is_suspended(found) || !around.follows || !(first || around.is_time || is_asked(found)) {
        return false;
    }
    let revision = format!("{}@sha1:{}", around.branch, live.tip.clone().unwrap_or_default());
    let is_new = text(found, "/status/artifact/revision") != revision;
    live.custom.change(&GIT_REPOSITORY, SOURCE, |source| {
        handled(source);
        if is_new {
            let path = format!("gitrepository/{NAMESPACE}/{SOURCE}/{}.tar.gz", Digest::of(revision.as_bytes()).short());
            let words = format!("stored artifact for revision '{revision}'");
            let artifact = json!({"revision": revision, "digest": format!("sha256:{}", Digest::of(path.as_bytes())),
                "lastUpdateTime": seconds(around.now), "path": path,
                "url": format!("http://source-controller.{NAMESPACE}.svc.cluster.local./{path}")});
            report(source, "artifact", artifact);
            report(source, "conditions", json!([condition(("Ready", "True"), "Succeeded", &words, around)]));
        }
    })
}

/// What one Kustomization needs next: to begin, or to finish what it began.
fn attend(live: &mut Live, service: &str, around: &Surroundings<'_>) -> bool {
    let Some(found) = live.custom.get(&KUSTOMIZATION, service) else { return false };
    // What it has begun it finishes, suspended or not.
    if text(found, "/status/conditions/0/type") == "Reconciling" {
        return finish(live, service, around);
    }
    if is_suspended(found) {
        return false;
    }
    let fetched = live.custom.get(&GIT_REPOSITORY, SOURCE).map(|source| text(source, "/status/artifact/revision"));
    let fetched = fetched.unwrap_or_default().to_owned();
    let is_new = is_asked(found) || text(found, "/status/lastAttemptedRevision") != fetched;
    // When its time comes it also puts back what was changed by hand.
    if fetched.is_empty() || !(is_new || (around.is_time && has_drifted(live, service))) {
        return false;
    }
    live.custom.change(&KUSTOMIZATION, service, |own| {
        let words = "Building manifests for the revision with a timeout of 9m30s";
        let conditions = [
            condition(("Reconciling", "True"), "Progressing", words, around),
            condition(("Ready", "Unknown"), "Progressing", "Reconciliation in progress", around),
        ];
        report(own, "lastAttemptedRevision", json!(fetched));
        report(own, "conditions", json!(conditions));
    })
}

/// Whether something else runs than what was applied last.
fn has_drifted(live: &Live, service: &str) -> bool {
    let wanted = live.wanted.get(service).and_then(|found| found.as_ref().ok());
    let differs = |workload: &super::render::Workload| {
        live.rollouts.get(&super::key(workload)).is_none_or(|rollout| &rollout.wanted != workload)
    };
    wanted.into_iter().flatten().any(differs)
}

fn finish(live: &mut Live, service: &str, around: &Surroundings<'_>) -> bool {
    let Some(found) = live.custom.get(&KUSTOMIZATION, service) else { return false };
    let revision = text(found, "/status/lastAttemptedRevision").to_owned();
    let commit = revision.rsplit(':').next().unwrap_or_default();
    let rendered = match live.tip.as_deref() == Some(commit) {
        true => live.wanted.get(service).cloned(),
        false => (around.render)(commit).remove(service),
    };
    let failed = match rendered.unwrap_or_else(|| Ok(Vec::new())) {
        Ok(workloads) => {
            live.apply(service, workloads, super::ReconcilerKind::Flux.manager());
            None
        }
        Err(problem) => Some(problem),
    };
    let rollouts = live.rollouts.values().filter(|rollout| rollout.wanted.service == service);
    let entries: Vec<Value> = rollouts
        .map(|own| json!({"id": format!("{}_{}_apps_Deployment", own.wanted.namespace, own.wanted.name), "v": "v1"}))
        .collect();
    live.custom.change(&KUSTOMIZATION, service, |own| {
        handled(own);
        let ready = match failed {
            Some(problem) => condition(("Ready", "False"), "BuildFailed", &problem, around),
            None => {
                report(own, "lastAppliedRevision", json!(revision));
                report(own, "inventory", json!({"entries": entries}));
                let words = format!("Applied revision: {revision}");
                condition(("Ready", "True"), "ReconciliationSucceeded", &words, around)
            }
        };
        report(own, "conditions", json!([ready]));
    })
}

/// Whether they have done all that they do by themselves.
pub(super) fn is_settled(live: &Live) -> bool {
    let ends =
        |object: &Value, pointer: &str| live.tip.as_deref().is_some_and(|tip| text(object, pointer).ends_with(tip));
    let idle = |object: &Value| !is_asked(object) && text(object, "/status/conditions/0/type") == "Ready";
    let source = live.custom.get(&GIT_REPOSITORY, SOURCE);
    if source.is_none_or(is_suspended) {
        return true;
    }
    source.is_some_and(|source| idle(source) && ends(source, "/status/artifact/revision"))
        && live
            .custom
            .all(&KUSTOMIZATION)
            .all(|own| is_suspended(own) || (idle(own) && ends(own, "/status/lastAttemptedRevision")))
}
