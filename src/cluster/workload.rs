//! Kubernetes objects as the core judges them. What is absent is what Kubernetes would assume.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{ContainerStatus, Pod, PodSpec},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use crate::core::rollout::{self, PodImage, Workload};

/// Reasons to wait that every pod has while it starts.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// A Deployment and those of `pods` that are its own.
pub(super) fn of_deployment(found: &Deployment, pods: &[Pod]) -> Workload {
    let (spec, status) = (found.spec.clone().unwrap_or_default(), found.status.clone().unwrap_or_default());
    let late = status.conditions.iter().flatten().find(|condition| {
        condition.type_ == "Progressing" && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
    });
    Workload {
        images: images(spec.template.spec.as_ref()),
        variables: variables(spec.template.spec.as_ref()),
        config_maps: config_maps(spec.template.spec.as_ref()),
        desired: count(spec.replicas.or(Some(1))),
        updated: count(status.updated_replicas),
        ready: count(status.ready_replicas),
        available: count(status.available_replicas),
        total: count(status.replicas),
        generation: found.metadata.generation.unwrap_or_default(),
        observed_generation: status.observed_generation.unwrap_or_default(),
        paused: spec.paused.unwrap_or_default(),
        progress_deadline_exceeded: late.map(|late| late.message.clone().unwrap_or_else(|| "deadline exceeded".into())),
        pods: of_pods(pods, &found.metadata, "ReplicaSet"),
    }
}

/// A StatefulSet and those of `pods` that are its own.
pub(super) fn of_stateful_set(found: &StatefulSet, pods: &[Pod]) -> Workload {
    let (spec, status) = (found.spec.clone().unwrap_or_default(), found.status.clone().unwrap_or_default());
    // Of one that is at rest, clusters may count only the present revision's pods, which then is the new one.
    let rests = status.current_revision.is_some() && status.current_revision == status.update_revision;
    let updated = status.updated_replicas.or(status.current_replicas.filter(|_| rests));
    Workload {
        images: images(spec.template.spec.as_ref()),
        variables: variables(spec.template.spec.as_ref()),
        config_maps: config_maps(spec.template.spec.as_ref()),
        desired: count(spec.replicas.or(Some(1))),
        updated: count(updated),
        ready: count(status.ready_replicas),
        available: count(status.available_replicas.or(status.ready_replicas)),
        total: count(Some(status.replicas)),
        generation: found.metadata.generation.unwrap_or_default(),
        observed_generation: status.observed_generation.unwrap_or_default(),
        paused: false,
        progress_deadline_exceeded: None,
        pods: of_pods(pods, &found.metadata, "StatefulSet"),
    }
}

fn count(number: Option<i32>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}

fn images(spec: Option<&PodSpec>) -> BTreeMap<String, String> {
    let containers = spec.into_iter().flat_map(|spec| &spec.containers);
    containers.map(|container| (container.name.clone(), container.image.clone().unwrap_or_default())).collect()
}

/// The variables that are written out, not taken from elsewhere.
fn variables(spec: Option<&PodSpec>) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for variable in spec.into_iter().flat_map(|spec| &spec.containers).flat_map(|one| one.env.iter().flatten()) {
        if variable.value_from.is_none() {
            found.entry(variable.name.clone()).or_default().insert(variable.value.clone().unwrap_or_default());
        }
    }
    found
}

/// The ConfigMaps that containers and volumes take values from.
fn config_maps(spec: Option<&PodSpec>) -> BTreeSet<String> {
    let containers = || spec.into_iter().flat_map(|spec| &spec.containers);
    let whole = containers().flat_map(|one| one.env_from.iter().flatten());
    let whole = whole.filter_map(|from| from.config_map_ref.as_ref()).map(|from| from.name.clone());
    let each = containers().flat_map(|one| one.env.iter().flatten());
    let each =
        each.filter_map(|one| one.value_from.as_ref()?.config_map_key_ref.as_ref()).map(|from| from.name.clone());
    let mounted = spec.into_iter().flat_map(|spec| spec.volumes.iter().flatten());
    let mounted = mounted.filter_map(|volume| volume.config_map.as_ref()).map(|from| from.name.clone());
    whole.chain(each).chain(mounted).filter(|name| !name.is_empty()).collect()
}

fn of_pods(pods: &[Pod], owner: &ObjectMeta, kind: &str) -> Vec<rollout::Pod> {
    let name = owner.name.as_deref().unwrap_or_default();
    pods.iter().filter(|pod| is_own(pod, name, kind)).map(of_pod).collect()
}

/// Selectors overlap (a canary beside its service), so the controller decides whose a pod is. A ReplicaSet is
/// named after its Deployment, a dash and a hash without dashes. A pod that nobody controls yet is taken along.
fn is_own(pod: &Pod, name: &str, kind: &str) -> bool {
    let owners = pod.metadata.owner_references.iter().flatten();
    let Some(controller) = owners.into_iter().find(|owner| owner.controller == Some(true)) else { return true };
    let named = match kind {
        "ReplicaSet" => controller
            .name
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|hash| !hash.is_empty() && !hash.contains('-')),
        _ => controller.name == name,
    };
    controller.kind == kind && named
}

pub(super) fn of_pod(pod: &Pod) -> rollout::Pod {
    let status = pod.status.clone().unwrap_or_default();
    let pulled = |name: &str| {
        let statuses = status.container_statuses.iter().flatten();
        statuses
            .into_iter()
            .find(|status| status.name == name)
            .map(|status| status.image_id.clone())
            .unwrap_or_default()
    };
    let images = images(pod.spec.as_ref()).into_iter().map(|(name, image)| {
        let image_id = pulled(&name);
        (name, PodImage { image, image_id })
    });
    let condition = |kind: &str| status.conditions.iter().flatten().find(|condition| condition.type_ == kind);
    let going = pod.metadata.deletion_timestamp.is_some();
    let statuses = status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten());
    let unscheduled = condition("PodScheduled").filter(|scheduled| scheduled.status == "False");
    rollout::Pod {
        name: pod.metadata.name.clone().unwrap_or_default(),
        images: images.collect(),
        ready: condition("Ready").is_some_and(|ready| ready.status == "True"),
        trouble: statuses.filter_map(trouble).next().or_else(|| unscheduled?.reason.clone()),
        phase: if going { "Terminating".into() } else { status.phase.clone().unwrap_or_else(|| "Unknown".into()) },
    }
}

/// Why a container does not run, when it is more than starting: what it waits for, or how it ended.
fn trouble(status: &ContainerStatus) -> Option<String> {
    let state = status.state.clone()?;
    let waiting = state.waiting.and_then(|waiting| waiting.reason);
    let ended = state.terminated.filter(|ended| ended.exit_code != 0);
    let ended = ended.map(|ended| ended.reason.unwrap_or_else(|| format!("exit code {}", ended.exit_code)));
    waiting.filter(|reason| !STARTING.contains(&reason.as_str())).or(ended)
}
