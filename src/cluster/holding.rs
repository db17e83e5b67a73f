//! Holding Argo CD and Flux off one target: what is patched, what shows that it holds, and who would undo it at once.

use kube::core::ApiResource;
use serde_json::{Value, json};

use super::{
    Cluster, ClusterError,
    argocd::{ArgoCd, applications},
    flux::{FluxObject, kustomizations},
    reconciler::{How, Mark, PAUSED_BY, PAUSED_UNTIL, annotation, is_there, items, kind, text, unmarked},
};
use crate::core::reconciler::{Hold, Obstacle};

const TRACKING: &str = "argocd.argoproj.io/tracking-id";
const INSTANCE: &str = "app.kubernetes.io/instance";
const APPLIED_BY: [&str; 2] = ["kustomize.toolkit.fluxcd.io/namespace", "kustomize.toolkit.fluxcd.io/name"];
const NOTICE: [&str; 2] = ["notice.argocd.argoproj.io/content", "notice.argocd.argoproj.io/severity"];

fn application_sets() -> ApiResource {
    kind(("argoproj.io", "v1alpha1"), "ApplicationSet", "applicationsets")
}

/// What an Application shows of being held off.
pub(super) async fn of_application(own: &ArgoCd) -> Result<Option<Hold>, ClusterError> {
    let Some(found) = own.cluster.object(&applications(), &own.namespace, &own.name).await? else { return Ok(None) };
    let automated = found.pointer("/spec/syncPolicy/automated").filter(|value| !value.is_null()).cloned();
    let is_off = automated.as_ref().and_then(|value| value.get("enabled")) == Some(&json!(false));
    let phase = text(&found, "/status/operationState/phase");
    let obstacle = match of_a_set(&own.cluster, &found).await? {
        Some(obstacle) => Some(obstacle),
        None => of_a_parent(&own.cluster, &found).await?,
    };
    Ok(Some(Hold {
        version: text(&found, "/metadata/resourceVersion"),
        is_automatic: automated.is_some() && !is_off,
        is_busy: is_there(&found, "/operation") || matches!(phase.as_str(), "Running" | "Terminating"),
        by: annotation(&found, PAUSED_BY),
        until: annotation(&found, PAUSED_UNTIL),
        policy: automated,
        obstacle,
    }))
}

/// An ApplicationSet writes its Applications anew at once, unless it is told to leave their sync policy alone.
async fn of_a_set(cluster: &Cluster, found: &Value) -> Result<Option<Obstacle>, ClusterError> {
    let owner = items(found, "/metadata/ownerReferences").find(|owner| text(owner, "/kind") == "ApplicationSet");
    let Some(name) = owner.map(|owner| text(owner, "/name")) else { return Ok(None) };
    let set = cluster.object(&application_sets(), &text(found, "/metadata/namespace"), &name).await;
    let set = match set {
        Err(ClusterError::Forbidden { .. }) => None,
        read => read?,
    };
    let set = set.unwrap_or_default();
    if text(&set, "/spec/strategy/type") == "RollingSync" {
        let why =
            format!("the ApplicationSet `{name}` starts the syncs itself (RollingSync), whatever its Application says");
        let way = "Take `spec.strategy` out of the ApplicationSet in git first, or change it through git.";
        return Ok(Some(Obstacle { why, way: way.to_owned() }));
    }
    let leaves = matches!(text(&set, "/spec/syncPolicy/applicationsSync").as_str(), "create-only" | "create-delete");
    if leaves || items(&set, "/spec/ignoreApplicationDifferences").any(|rule| ignores(rule, found)) {
        return Ok(None);
    }
    let why = format!("the ApplicationSet `{name}` would write its sync policy back at once");
    let way = "Add `ignoreApplicationDifferences: [{ jsonPointers: [/spec/syncPolicy] }]` to the ApplicationSet in git, \
               or change it through git.";
    Ok(Some(Obstacle { why, way: way.to_owned() }))
}

/// Whether differences in this Application's sync policy are left alone.
fn ignores(rule: &Value, found: &Value) -> bool {
    let name = text(rule, "/name");
    let covers = |pointer: &Value| matches!(pointer.as_str(), Some("/spec/syncPolicy" | "/spec/syncPolicy/automated"));
    (name.is_empty() || name == text(found, "/metadata/name")) && items(rule, "/jsonPointers").any(covers)
}

/// An Application that applies Applications puts back what is changed of them, where it heals itself.
async fn of_a_parent(cluster: &Cluster, found: &Value) -> Result<Option<Obstacle>, ClusterError> {
    let own = text(found, "/metadata/name");
    let tracked = annotation(found, TRACKING).and_then(|id| id.split_once(':').map(|(parent, _)| parent.to_owned()));
    let labelled = || found.pointer("/metadata/labels")?.get(INSTANCE)?.as_str().map(str::to_owned);
    let Some(parent) = tracked.or_else(labelled).filter(|parent| *parent != own) else { return Ok(None) };
    let namespace = text(found, "/metadata/namespace");
    let Some(parent_found) = cluster.object(&applications(), &namespace, &parent).await? else { return Ok(None) };
    let heals = parent_found.pointer("/spec/syncPolicy/automated/selfHeal") == Some(&json!(true));
    let is_off = parent_found.pointer("/spec/syncPolicy/automated/enabled") == Some(&json!(false));
    let covered = items(&parent_found, "/spec/ignoreDifferences")
        .any(|rule| text(rule, "/kind") == "Application" && ignores(rule, found));
    if !heals || is_off || covered {
        return Ok(None);
    }
    let why = format!("the Application `{parent}` applies this one and would put its sync policy back");
    let way = format!(
        "Add `ignoreDifferences: [{{ group: argoproj.io, kind: Application, jsonPointers: [/spec/syncPolicy] }}]` to \
         `{parent}` in git, or change it through git."
    );
    Ok(Some(Obstacle { why, way }))
}

pub(super) fn pause_application(mark: &Mark<'_>) -> Value {
    let mut annotations = mark.annotations();
    let [content, severity] = NOTICE;
    if let Some(annotations) = annotations.as_object_mut() {
        let words = format!("Auto-sync is paused until {} by a break-glass ({}).", mark.until, mark.by);
        annotations.insert(content.to_owned(), json!(words));
        annotations.insert(severity.to_owned(), json!("warning"));
    }
    let metadata = json!({"resourceVersion": mark.version, "annotations": annotations});
    match mark.how {
        How::Switch => json!({"metadata": metadata, "spec": {"syncPolicy": {"automated": {"enabled": false}}}}),
        How::Removal => json!({"metadata": metadata, "spec": {"syncPolicy": {"automated": null}}}),
        How::Marks => json!({"metadata": metadata}),
    }
}

/// What it followed by is written back as it was; where it had no `enabled`, that goes.
pub(super) fn application_goes_on(before: Option<&Value>, version: &str) -> Value {
    let mut annotations = unmarked();
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.extend(NOTICE.map(|name| (name.to_owned(), Value::Null)));
        annotations.insert("argocd.argoproj.io/refresh".to_owned(), json!("normal"));
    }
    let metadata = json!({"resourceVersion": version, "annotations": annotations});
    let Some(before) = before.and_then(Value::as_object) else { return json!({"metadata": metadata}) };
    let mut automated = before.clone();
    automated.entry("enabled").or_insert(Value::Null);
    json!({"metadata": metadata, "spec": {"syncPolicy": {"automated": automated}}})
}

/// What a Kustomization or HelmRelease shows of being held off.
pub(super) async fn of_flux(own: &FluxObject) -> Result<Option<Hold>, ClusterError> {
    let Some(found) = own.cluster.object(&own.resource(), &own.namespace, &own.name).await? else { return Ok(None) };
    let suspend = found.pointer("/spec/suspend").cloned();
    let condition = |kind: &str| {
        items(&found, "/status/conditions").any(|one| text(one, "/type") == kind && text(one, "/status") == "True")
    };
    Ok(Some(Hold {
        version: text(&found, "/metadata/resourceVersion"),
        is_automatic: suspend != Some(json!(true)),
        is_busy: condition("Reconciling"),
        by: annotation(&found, PAUSED_BY),
        until: annotation(&found, PAUSED_UNTIL),
        obstacle: of_a_kustomization(&own.cluster, &found).await?,
        policy: suspend,
    }))
}

/// A Kustomization that applies this object and says `suspend` in git puts it back.
async fn of_a_kustomization(cluster: &Cluster, found: &Value) -> Result<Option<Obstacle>, ClusterError> {
    let label = |name: &str| found.pointer("/metadata/labels")?.get(name)?.as_str().map(str::to_owned);
    let [Some(namespace), Some(name)] = APPLIED_BY.map(label) else { return Ok(None) };
    let declares = items(found, "/metadata/managedFields").any(|entry| {
        text(entry, "/manager") == "kustomize-controller" && is_there(entry, "/fieldsV1/f:spec/f:suspend")
    });
    if !declares {
        return Ok(None);
    }
    let parent = cluster.object(&kustomizations(), &namespace, &name).await?.unwrap_or_default();
    if parent.pointer("/spec/suspend") == Some(&json!(true)) {
        return Ok(None);
    }
    let why = format!("git says `suspend` of it, and the Kustomization `{namespace}/{name}` puts that back");
    let way = format!("Take `suspend` out of its manifest in git, or suspend `{name}` first.");
    Ok(Some(Obstacle { why, way }))
}

pub(super) fn pause_flux(mark: &Mark<'_>) -> Value {
    let metadata = json!({"resourceVersion": mark.version, "annotations": mark.annotations()});
    match mark.how {
        How::Switch | How::Removal => json!({"metadata": metadata, "spec": {"suspend": true}}),
        How::Marks => json!({"metadata": metadata}),
    }
}

/// `suspend` is as it was before: mostly absent.
pub(super) fn flux_goes_on(before: Option<&Value>, version: &str) -> Value {
    let suspend = before.cloned().unwrap_or(Value::Null);
    json!({"metadata": {"resourceVersion": version, "annotations": unmarked()}, "spec": {"suspend": suspend}})
}
