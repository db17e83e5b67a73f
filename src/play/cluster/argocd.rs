//! A controller like Argo CD's: an Application for each service. It looks at the branch when it is asked to, and now and
//! then; it syncs by itself where auto-sync is on, else when an operation is put into the Application.

use serde_json::{Value, json};

use super::{
    Live, ReconcilerKind, Surroundings,
    custom::{APPLICATION, annotation, report, text, unannotate},
    objects::seconds,
    render::Workload,
    rollout::Progress,
};
use crate::play::json::put;

/// Where Applications live.
pub(super) const NAMESPACE: &str = "argocd";
const REFRESH: &str = "argocd.argoproj.io/refresh";
const SKIP: &str = "argocd.argoproj.io/skip-reconcile";

/// What an Application of a service is called.
fn name_of(service: &str, environment: &str) -> String {
    format!("{service}-{environment}")
}

fn service_of<'a>(name: &'a str, environment: &str) -> &'a str {
    name.strip_suffix(environment).and_then(|rest| rest.strip_suffix('-')).unwrap_or(name)
}

/// One step of the controller; says whether anything changed.
pub(super) fn step(live: &mut Live, around: &Surroundings<'_>) -> bool {
    let mut changed = false;
    for service in live.wanted.keys().cloned().collect::<Vec<_>>() {
        let name = name_of(&service, around.environment);
        if live.custom.get(&APPLICATION, &name).is_none() {
            live.custom.add(&APPLICATION, (NAMESPACE, &name), application(&service, around), around.now);
            changed = true;
        }
    }
    for name in live.custom.names(&APPLICATION) {
        changed |= attend(live, &name, around);
    }
    changed
}

fn application(service: &str, around: &Surroundings<'_>) -> Value {
    let path = format!("apps/{service}/{}", around.environment);
    json!({"spec": {"project": "default",
        "source": {"repoURL": around.url, "path": path, "targetRevision": around.branch},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": service},
        "syncPolicy": {"automated": {"prune": true, "selfHeal": true}}}})
}

/// What one Application needs next.
fn attend(live: &mut Live, name: &str, around: &Surroundings<'_>) -> bool {
    let Some(found) = live.custom.get(&APPLICATION, name).cloned() else { return false };
    if annotation(&found, SKIP) == Some("true") {
        return false;
    }
    if text(&found, "/status/operationState/phase") == "Running" {
        return finish(live, name, &found, around);
    }
    if found.get("operation").is_some() {
        return begin(live, name, found.get("operation").cloned().unwrap_or_default(), around);
    }
    look(live, name, &found, around)
}

/// An operation begins: from then on it is in the status.
fn begin(live: &mut Live, name: &str, operation: Value, around: &Surroundings<'_>) -> bool {
    let state = json!({"phase": "Running", "message": "waiting for completion of tasks",
        "operation": operation, "startedAt": seconds(around.now)});
    live.custom.change(&APPLICATION, name, |app| {
        report(app, "operationState", state);
        if let Some(app) = app.as_object_mut() {
            app.remove("operation");
        }
    })
}

/// It applies what its revision holds, and is done or has failed.
fn finish(live: &mut Live, name: &str, found: &Value, around: &Surroundings<'_>) -> bool {
    let mut state = found.pointer("/status/operationState").cloned().unwrap_or_default();
    let revision = text(&state, "/operation/sync/revision").to_owned();
    let service = service_of(name, around.environment);
    let (phase, message) = match (around.render)(&revision).remove(service) {
        Some(Ok(workloads)) => {
            live.apply(service, workloads, ReconcilerKind::ArgoCd.manager());
            ("Succeeded", "successfully synced (all tasks run)".to_owned())
        }
        Some(Err(problem)) => ("Failed", problem),
        None => {
            live.apply(service, Vec::new(), ReconcilerKind::ArgoCd.manager());
            ("Succeeded", "successfully synced (no more tasks)".to_owned())
        }
    };
    let source = found.pointer("/spec/source").cloned().unwrap_or_default();
    put(&mut state, "phase", json!(phase));
    put(&mut state, "message", json!(message));
    put(&mut state, "finishedAt", json!(seconds(around.now)));
    put(&mut state, "syncResult", json!({"revision": revision, "source": source}));
    live.custom.change(&APPLICATION, name, |app| report(app, "operationState", state));
    // As the real one does, it looks at once at what came of it.
    let synced = live.custom.get(&APPLICATION, name).cloned().unwrap_or_default();
    compare(live, name, &synced, &revision, around);
    true
}

/// Looks where it was asked to, where its time has come, and where what runs has changed.
fn look(live: &mut Live, name: &str, found: &Value, around: &Surroundings<'_>) -> bool {
    let asked = annotation(found, REFRESH).is_some();
    let known = text(found, "/status/sync/revision").to_owned();
    let reads = (asked || around.is_time || known.is_empty()) && around.follows;
    let revision = if reads { live.tip.clone().unwrap_or_default() } else { known };
    let mut changed = compare(live, name, found, &revision, around);
    if reads && asked {
        changed |= live.custom.change(&APPLICATION, name, |app| unannotate(app, REFRESH));
    }
    let Some(seen) = live.custom.get(&APPLICATION, name).cloned() else { return changed };
    let is_out = text(&seen, "/status/sync/status") == "OutOfSync";
    let tried = text(&seen, "/status/operationState/syncResult/revision") == revision
        && text(&seen, "/status/operationState/phase") == "Failed";
    if is_out && is_automated(&seen) && !tried {
        let operation = json!({"initiatedBy": {"automated": true}, "sync": {"revision": revision, "prune": true}});
        changed |= begin(live, name, operation, around);
    }
    changed
}

fn is_automated(app: &Value) -> bool {
    let automated = app.pointer("/spec/syncPolicy/automated").filter(|automated| !automated.is_null());
    automated.is_some_and(|automated| automated.get("enabled") != Some(&json!(false)))
}

/// Compares live with a revision. Where nothing is different, the time of the look stays too, unless it was asked for.
fn compare(live: &mut Live, name: &str, found: &Value, revision: &str, around: &Surroundings<'_>) -> bool {
    let service = service_of(name, around.environment);
    let rendered = if live.tip.as_deref() == Some(revision) {
        live.wanted.get(service).cloned()
    } else {
        (around.render)(revision).remove(service)
    };
    let wanted = match rendered {
        Some(Err(problem)) => {
            let now = seconds(around.now);
            let condition = json!([{"type": "ComparisonError", "message": problem, "lastTransitionTime": now}]);
            return write(live, name, around, |app| {
                report(app, "conditions", condition);
                report(app, "sync", sync(app, "Unknown", revision));
            });
        }
        Some(Ok(workloads)) => workloads,
        None => Vec::new(),
    };
    let resources: Vec<Value> = wanted.iter().map(|workload| resource(live, workload)).collect();
    let extra = live.rollouts.values().filter(|rollout| rollout.wanted.service == service).count() > wanted.len();
    let differs = extra || resources.iter().any(|resource| text(resource, "/status") == "OutOfSync");
    let health = worst(&resources);
    let (status, asked) = (if differs { "OutOfSync" } else { "Synced" }, annotation(found, REFRESH).is_some());
    let stale = text(found, "/status/operationState/finishedAt") > text(found, "/status/reconciledAt");
    write(live, name, around, |app| {
        report(app, "conditions", json!([]));
        report(app, "sync", sync(app, status, revision));
        report(app, "resources", json!(resources));
        report(app, "health", json!({"status": health}));
        if asked || stale {
            report(app, "reconciledAt", json!(seconds(around.now)));
        }
    })
}

/// Writes a look down, with its time where it shows anything new.
fn write(live: &mut Live, name: &str, around: &Surroundings<'_>, change: impl FnOnce(&mut Value)) -> bool {
    let changed = live.custom.change(&APPLICATION, name, change);
    if changed {
        let now = json!(seconds(around.now));
        live.custom.change(&APPLICATION, name, |app| report(app, "reconciledAt", now));
    }
    changed
}

fn sync(app: &Value, status: &str, revision: &str) -> Value {
    let part = |pointer: &str| app.pointer(pointer).cloned().unwrap_or_default();
    let compared = json!({"source": part("/spec/source"), "destination": part("/spec/destination")});
    json!({"status": status, "revision": revision, "comparedTo": compared})
}

fn resource(live: &Live, wanted: &Workload) -> Value {
    let rollout = live.rollouts.get(&super::key(wanted));
    let status = if rollout.is_some_and(|rollout| &rollout.wanted == wanted) { "Synced" } else { "OutOfSync" };
    let health = match rollout.map(|rollout| (rollout.progress(), rollout.is_overdue())) {
        None => "Missing",
        Some((Progress::Healthy, _)) => "Healthy",
        Some((Progress::Rolling | Progress::Stuck(_), true)) => "Degraded",
        Some((Progress::Rolling | Progress::Stuck(_), false)) => "Progressing",
    };
    json!({"group": "apps", "version": "v1", "kind": "Deployment", "namespace": wanted.namespace,
        "name": wanted.name, "status": status, "health": {"status": health}})
}

fn worst(resources: &[Value]) -> &'static str {
    let any = |health: &&str| resources.iter().any(|resource| text(resource, "/health/status") == *health);
    ["Degraded", "Missing", "Progressing"].into_iter().find(any).unwrap_or("Healthy")
}

/// Whether it has done all that it does by itself.
pub(super) fn is_settled(live: &Live, environment: &str) -> bool {
    live.custom.all(&APPLICATION).all(|app| {
        let idle = app.get("operation").is_none() && text(app, "/status/operationState/phase") != "Running";
        let current = live.tip.as_deref() == Some(text(app, "/status/sync/revision"));
        let done = text(app, "/status/sync/status") != "OutOfSync" || !is_automated(app);
        let service = service_of(text(app, "/metadata/name"), environment);
        let shown = live.rollouts.values().filter(|rollout| rollout.wanted.service == service);
        let health = text(app, "/status/health/status");
        let healthy = health == "Healthy" || shown.into_iter().any(|rollout| rollout.progress() != Progress::Healthy);
        annotation(app, SKIP) == Some("true")
            || (idle && current && done && healthy && annotation(app, REFRESH).is_none())
    })
}
