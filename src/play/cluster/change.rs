//! Changing what runs directly, as kubectl and bots do: JSON patches with their tests, merge patches, the scale
//! subresource, dry runs. Whoever changed something is in `managedFields`. What follows the branch sees it at once.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Live, ReconcilerKind, Shared,
    api::failed,
    custom::merge,
    objects::{self, seconds},
    render::Workload,
};
use crate::clock;

type Held = State<Arc<Shared>>;
type At = Path<(String, String)>;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Asked {
    dry_run: Option<String>,
    field_manager: Option<String>,
}

/// Why a patch was not taken.
enum Refused {
    /// It is no patch.
    Garbage(String),
    /// A test in it does not hold, or what comes out cannot be.
    Invalid(String),
}

/// `PATCH` of a Deployment.
pub(super) async fn deployment(
    State(shared): Held,
    Path((namespace, name)): At,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let patch = serde_json::from_slice(&body).unwrap_or_default();
    let show = |shared: &Shared, live: &Live, key: &(String, String)| {
        live.rollouts.get(key).map(|rollout| shown(shared, live, key, rollout))
    };
    apply(&shared, (namespace, name), (&asked, None), &|object| patched(object, &kind, &patch), &show)
}

/// `GET` of a Deployment's scale.
pub(super) async fn scale(State(shared): Held, Path((namespace, name)): At) -> Response {
    let live = shared.live();
    let key = (namespace, name.clone());
    live.rollouts
        .get(&key)
        .map_or_else(|| missing(&name), |rollout| Json(scale_of(&shared, &live, rollout)).into_response())
}

/// `PATCH` and `PUT` of a Deployment's scale.
pub(super) async fn set_scale(
    State(shared): Held,
    Path((namespace, name)): At,
    Query(asked): Query<Asked>,
    body: Bytes,
) -> Response {
    let wanted: Value = serde_json::from_slice(&body).unwrap_or_default();
    let count = wanted.pointer("/spec/replicas").cloned().unwrap_or_else(|| json!(0));
    let change = |object: &mut Value| {
        merge(object, &json!({"spec": {"replicas": count}}));
        Ok(())
    };
    let show = |shared: &Shared, live: &Live, key: &(String, String)| {
        live.rollouts.get(key).map(|rollout| scale_of(shared, live, rollout))
    };
    apply(&shared, (namespace, name), (&asked, Some("scale")), &change, &show)
}

fn missing(name: &str) -> Response {
    failed(StatusCode::NOT_FOUND, "NotFound", &format!("deployments.apps \"{name}\" not found"))
}

fn scale_of(shared: &Shared, live: &Live, rollout: &super::rollout::Rollout) -> Value {
    let mut deployment = objects::deployment(rollout, live.version, shared.since);
    let metadata = deployment.get_mut("metadata").map(Value::take).unwrap_or_default();
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": {"replicas": rollout.wanted.replicas},
        "status": {"replicas": rollout.pods.len()}})
}

/// A Deployment with whoever changed what of it.
pub(super) fn shown(shared: &Shared, live: &Live, key: &(String, String), rollout: &super::rollout::Rollout) -> Value {
    let mut object = objects::deployment(rollout, live.version, shared.since);
    if let (Some(managed), Some(metadata)) = (live.managed.get(key), object.get_mut("metadata")) {
        crate::play::json::put(metadata, "managedFields", json!(managed));
    }
    object
}

/// How a Deployment is shown once it is changed.
type Shows = dyn Fn(&Shared, &Live, &(String, String)) -> Option<Value>;

/// Changes what a Deployment wants, or only tries it.
fn apply(
    shared: &Shared,
    key: (String, String),
    (asked, subresource): (&Asked, Option<&str>),
    change: &dyn Fn(&mut Value) -> Result<(), Refused>,
    show: &Shows,
) -> Response {
    let mut live = shared.live();
    let Some(rollout) = live.rollouts.get(&key) else { return missing(&key.1) };
    let mut object = objects::deployment(rollout, live.version, shared.since);
    let changed = change(&mut object).and_then(|()| wanted(&object, &rollout.wanted));
    let wanted = match changed {
        Ok(wanted) => wanted,
        Err(Refused::Garbage(words)) => return failed(StatusCode::BAD_REQUEST, "BadRequest", &words),
        Err(Refused::Invalid(words)) => return failed(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", &words),
    };
    if asked.dry_run.as_deref() == Some("All") {
        return Json(object).into_response();
    }
    let manager = asked.field_manager.as_deref().unwrap_or("unknown");
    let annotations = object.pointer("/spec/template/metadata/annotations").cloned().unwrap_or_default();
    if let Some(rollout) = live.rollouts.get_mut(&key) {
        rollout.annotate(serde_json::from_value(annotations).unwrap_or_default());
    }
    live.change_by_hand(&key, wanted, (manager, subresource));
    let told = show(shared, &live, &key);
    super::watching::noted(shared, &mut live);
    shared.seen_at_once(&mut live);
    drop(live);
    shared.pulse.beat();
    told.map_or_else(|| missing(&key.1), |told| Json(told).into_response())
}

impl Live {
    /// Somebody wants something else to run than the branch does.
    pub(super) fn change_by_hand(
        &mut self,
        key: &(String, String),
        wanted: Workload,
        (manager, subresource): (&str, Option<&str>),
    ) {
        let Some(rollout) = self.rollouts.get_mut(key) else { return };
        let (before, replicas, containers) = (rollout.wanted.clone(), wanted.replicas, wanted.containers.clone());
        rollout.want(wanted);
        self.version += 1;
        let changed: &[(String, String)] = if before.containers == containers { &[] } else { &containers };
        let counts = before.replicas != replicas;
        let mut entry = written(manager, subresource, changed);
        if !counts && let Some(spec) = entry.pointer_mut("/fieldsV1/f:spec").and_then(Value::as_object_mut) {
            spec.remove("f:replicas");
        }
        let managed = self.managed.entry(key.clone()).or_default();
        managed.retain(|one| one.get("manager") != entry.get("manager"));
        // Whoever writes a value owns it, and nobody else does any more.
        for spec in managed.iter_mut().filter_map(|one| one.pointer_mut("/fieldsV1/f:spec")?.as_object_mut()) {
            if counts {
                spec.remove("f:replicas");
            }
            if !changed.is_empty() {
                spec.remove("f:template");
            }
        }
        managed.push(entry);
    }

    /// All that runs was written by one.
    pub(super) fn written_by(&mut self, manager: &str) {
        for (key, rollout) in &self.rollouts {
            self.managed.insert(key.clone(), vec![written(manager, None, &rollout.wanted.containers)]);
        }
    }
}

/// Who wrote the count and the images of these containers, now.
pub(super) fn written(manager: &str, subresource: Option<&str>, containers: &[(String, String)]) -> Value {
    let image = |(name, _): &(String, String)| (format!("k:{{\"name\":\"{name}\"}}"), json!({".": {}, "f:image": {}}));
    let images: serde_json::Map<String, Value> = containers.iter().map(image).collect();
    let mut spec = json!({"f:replicas": {}});
    if !images.is_empty() {
        crate::play::json::put(&mut spec, "f:template", json!({"f:spec": {"f:containers": images}}));
    }
    let mut entry = json!({"manager": manager, "operation": "Update", "apiVersion": "apps/v1",
        "time": seconds(clock::now()), "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": spec}});
    if let Some(subresource) = subresource {
        crate::play::json::put(&mut entry, "subresource", json!(subresource));
    }
    entry
}

impl Shared {
    /// What heals itself does so at once: Argo CD. Flux looks when its time comes.
    pub(super) fn seen_at_once(&self, live: &mut Live) {
        while self.reconciler == ReconcilerKind::ArgoCd && self.reconcile(live) {}
        super::watching::noted(self, live);
    }
}

fn patched(object: &mut Value, kind: &str, patch: &Value) -> Result<(), Refused> {
    match kind {
        "application/json-patch+json" => {
            let ops = patch.as_array().ok_or_else(|| Refused::Garbage("the patch is not a list".to_owned()))?;
            ops.iter().try_for_each(|op| one(object, op))
        }
        "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
            merge(object, patch);
            Ok(())
        }
        _ => Err(Refused::Garbage("the body of the request was in an unknown format".to_owned())),
    }
}

/// One operation of RFC 6902, of those that are used here.
fn one(object: &mut Value, op: &Value) -> Result<(), Refused> {
    let text = |name: &str| op.get(name).and_then(Value::as_str).unwrap_or_default();
    let (path, value) = (text("path").to_owned(), op.get("value").cloned().unwrap_or_default());
    let invalid = |words: &str| {
        Refused::Invalid(format!("the server rejected our request due to an error in our request: {words} ({path})"))
    };
    match text("op") {
        "test" if object.pointer(&path) == Some(&value) => Ok(()),
        "test" => Err(invalid("testing value failed")),
        "replace" => {
            *object.pointer_mut(&path).ok_or_else(|| invalid("replace of what is not there"))? = value;
            Ok(())
        }
        other => Err(Refused::Garbage(format!("this cluster does not know the operation `{other}`"))),
    }
}

/// What a changed object wants to run.
fn wanted(object: &Value, before: &Workload) -> Result<Workload, Refused> {
    let invalid = |what: &str| Refused::Invalid(format!("Deployment.apps \"{}\" is invalid: {what}", before.name));
    let count = object.pointer("/spec/replicas").and_then(Value::as_u64);
    let count = count.and_then(|count| usize::try_from(count).ok()).ok_or_else(|| invalid("spec.replicas"))?;
    let containers = object.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let text = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let containers = containers.into_iter().flatten().map(|one| (text(one, "name"), text(one, "image"))).collect();
    Ok(Workload { replicas: count, containers, ..before.clone() })
}
