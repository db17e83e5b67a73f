//! Kubernetes' JSON for deployments, pods, lists and failures.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::rollout::{Pod, PodState, Rollout};
use crate::{core::names::Digest, play::json::put};

/// A Deployment with its status.
pub(super) fn deployment(rollout: &Rollout, version: u64, since: Timestamp) -> Value {
    let wanted = &rollout.wanted;
    let containers: Vec<Value> =
        wanted.containers.iter().map(|(name, image)| container(name, image, wanted.settings.get(name))).collect();
    let mut template = json!({"labels": wanted.labels});
    if !rollout.annotations.is_empty() {
        put(&mut template, "annotations", json!(rollout.annotations));
    }
    let mut metadata = metadata(&wanted.name, &wanted.namespace, version, since);
    put(&mut metadata, "generation", json!(rollout.generation));
    put(&mut metadata, "labels", json!(wanted.labels));
    put(&mut metadata, "annotations", json!({"deployment.kubernetes.io/revision": rollout.revision.to_string()}));
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
        "spec": {"replicas": wanted.replicas, "selector": {"matchLabels": wanted.labels},
            "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"metadata": template,
                "spec": {"containers": containers, "restartPolicy": "Always"}}},
        "status": status(rollout, since)})
}

/// The status of a Deployment; as in Kubernetes a number that is zero is left out.
fn status(rollout: &Rollout, since: Timestamp) -> Value {
    let updated = rollout.count(|pod| rollout.is_updated(pod));
    let mut status = json!({"observedGeneration": rollout.observed, "conditions": conditions(rollout, since)});
    for (member, number) in [
        ("replicas", rollout.pods.len()),
        ("updatedReplicas", updated),
        ("readyReplicas", rollout.ready()),
        ("availableReplicas", rollout.ready()),
        ("unavailableReplicas", rollout.pods.len() - rollout.ready()),
    ] {
        if number > 0 {
            put(&mut status, member, json!(number));
        }
    }
    status
}

fn conditions(rollout: &Rollout, since: Timestamp) -> Value {
    let least = rollout.wanted.replicas - rollout.wanted.replicas / 4;
    let available = if rollout.ready() >= least {
        ("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.".to_owned())
    } else {
        let words = "Deployment does not have minimum availability.".to_owned();
        ("Available", "False", "MinimumReplicasUnavailable", words)
    };
    let set = set_name(rollout, &rollout.wanted.containers);
    let progressing = if rollout.is_done() {
        let words = format!("ReplicaSet \"{set}\" has successfully progressed.");
        ("Progressing", "True", "NewReplicaSetAvailable", words)
    } else if rollout.is_overdue() {
        let words = format!("ReplicaSet \"{set}\" has timed out progressing.");
        ("Progressing", "False", "ProgressDeadlineExceeded", words)
    } else {
        ("Progressing", "True", "ReplicaSetUpdated", format!("ReplicaSet \"{set}\" is progressing."))
    };
    let stamp = seconds(since);
    let written = [available, progressing].map(|(kind, status, reason, message)| {
        json!({"type": kind, "status": status, "reason": reason, "message": message,
            "lastUpdateTime": stamp, "lastTransitionTime": stamp})
    });
    json!(written)
}

/// A pod.
pub(super) fn pod(rollout: &Rollout, pod: &Pod, version: u64, since: Timestamp) -> Value {
    let set = set_name(rollout, &pod.containers);
    let suffix = word(&format!("{set}/{}", pod.number), 5);
    let mut metadata = metadata(&format!("{set}-{suffix}"), &rollout.wanted.namespace, version, since);
    let mut labels: Map<String, Value> =
        rollout.wanted.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    labels.insert("pod-template-hash".to_owned(), json!(word(&format!("{:?}", pod.containers), 10)));
    put(&mut metadata, "labels", Value::Object(labels));
    put(
        &mut metadata,
        "ownerReferences",
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "uid": uid(&set),
            "controller": true, "blockOwnerDeletion": true}]),
    );
    let shown = |(name, image): &(String, String)| container(name, image, pod.rest.settings.get(name));
    let containers: Vec<Value> = pod.containers.iter().map(shown).collect();
    let ready = pod.state == PodState::Ready;
    let truth = if ready { "True" } else { "False" };
    let statuses: Vec<Value> =
        pod.containers.iter().map(|(name, image)| container_status(name, image, &pod.state, since)).collect();
    let stamp = seconds(since);
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": stamp});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"containers": containers,
            "nodeName": "node-1", "restartPolicy": "Always"},
        "status": {"phase": if ready { "Running" } else { "Pending" }, "startTime": stamp, "hostIP": "10.0.0.1",
            "conditions": [condition("PodScheduled", "True"), condition("Initialized", "True"),
                condition("ContainersReady", truth), condition("Ready", truth)],
            "containerStatuses": statuses}})
}

fn container(name: &str, image: &str, settings: Option<&Value>) -> Value {
    let mut container = json!({"name": name, "image": image, "imagePullPolicy": "IfNotPresent", "resources": {},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"});
    for (member, value) in settings.and_then(Value::as_object).into_iter().flatten() {
        put(&mut container, member, value.clone());
    }
    container
}

/// A ConfigMap.
pub(super) fn config_map(
    (namespace, name): (&str, &str),
    data: &std::collections::BTreeMap<String, String>,
    (version, since): (u64, Timestamp),
) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name, namespace, version, since), "data": data})
}

fn container_status(name: &str, image: &str, state: &PodState, since: Timestamp) -> Value {
    let (ready, image_id, state) = match state {
        PodState::Ready => {
            let id = format!("{}@sha256:{}", super::render::split(image).0, Digest::of(image.as_bytes()));
            (true, id, json!({"running": {"startedAt": seconds(since)}}))
        }
        PodState::Creating => (false, String::new(), json!({"waiting": {"reason": "ContainerCreating"}})),
        PodState::Waiting(reason) => {
            let message = format!("Back-off pulling image \"{image}\"");
            (false, String::new(), json!({"waiting": {"reason": reason, "message": message}}))
        }
    };
    json!({"name": name, "image": image, "imageID": image_id, "ready": ready, "started": ready,
        "restartCount": 0, "state": state, "lastState": {}})
}

fn metadata(name: &str, namespace: &str, version: u64, since: Timestamp) -> Value {
    json!({"name": name, "namespace": namespace, "uid": uid(&format!("{namespace}/{name}")),
        "resourceVersion": version.to_string(), "creationTimestamp": seconds(since)})
}

/// A list of objects.
/// What scales a service by itself; both have its name.
pub(super) fn autoscaler(service: &str, (least, most): (usize, usize)) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": service, "namespace": service, "uid": uid(&format!("hpa/{service}"))},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": service},
            "minReplicas": least, "maxReplicas": most}})
}

pub(super) fn list(kind: &str, api: &str, version: u64, items: Vec<Value>) -> Value {
    json!({"kind": kind, "apiVersion": api, "metadata": {"resourceVersion": version.to_string()}, "items": items})
}

/// A failure in Kubernetes' words.
pub(super) fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code})
}

fn set_name(rollout: &Rollout, containers: &[(String, String)]) -> String {
    format!("{}-{}", rollout.wanted.name, word(&format!("{containers:?}"), 10))
}

/// A word of the letters that Kubernetes uses in generated names, the same for the same seed.
pub(super) fn word(seed: &str, length: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let digest = Digest::of(seed.as_bytes());
    let letter = |byte: u8| LETTERS.get(usize::from(byte) % LETTERS.len()).copied().unwrap_or(b'x');
    digest
        .as_str()
        .as_bytes()
        .chunks(2)
        .take(length)
        .map(|pair| letter(pair.iter().fold(0, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(*byte))) as char)
        .collect()
}

/// A uid, the same for the same name.
pub(super) fn uid(name: &str) -> String {
    let digest = Digest::of(name.as_bytes());
    let part = |range: std::ops::Range<usize>| digest.as_str().get(range).unwrap_or_default().to_owned();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

/// A time as Kubernetes writes it: `2026-11-21T08:00:00Z`.
pub(super) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
