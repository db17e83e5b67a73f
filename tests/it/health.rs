//! What Argo CD's own tests say of objects, beside what we say of them: every case of a kind that we read. Of what we do not
//! read (its own jobs, image automation, Argo Rollouts, DaemonSets, autoscalers) nothing can be said, and it is named.

use std::{collections::BTreeMap, path::Path};

use axum::{Json, Router, extract::Request, http::StatusCode, response::IntoResponse as _};
use leverframe::{
    cluster::{Cluster, reconciler},
    core::{
        catalog::{FluxKind, NameTemplate, Reconciler},
        names::{CommitId, Service},
        reconciler::{Ancestry, Sight, Verdict as Applied},
        rollout::{Verdict, Wanted, verdict},
    },
};
use serde_json::{Value, json};
use url::Url;

use crate::{contract::shared, git::client};

/// A cluster with these objects, by path; and what keeps it running.
async fn cluster(objects: BTreeMap<String, Value>) -> (tokio::task::JoinSet<()>, Cluster) {
    let answer = move |request: Request| {
        let found = objects.get(request.uri().path()).cloned();
        let missing =
            json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "no"});
        std::future::ready(match found {
            Some(found) => Json(found).into_response(),
            None => (StatusCode::NOT_FOUND, Json(missing)).into_response(),
        })
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let api = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
    (serving, Cluster::new(client(), &api, None).unwrap())
}

/// What we say of a workload, in Argo CD's words.
async fn of_workload(plural: &str, object: Value, pods: Vec<Value>) -> &'static str {
    let base = "/apis/apps/v1/namespaces/shop";
    let pods = json!({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": pods});
    let objects = [(format!("{base}/{plural}/app"), object), ("/api/v1/namespaces/shop/pods".to_owned(), pods)];
    let (_serving, cluster) = cluster(objects.into()).await;
    let found = cluster.workload("shop", "app").await.unwrap().unwrap();
    match verdict(&found, &Wanted::default()) {
        Verdict::Live => "Healthy",
        Verdict::Failed { .. } => "Degraded",
        Verdict::Progressing { .. } | Verdict::NotYet { .. } if found.paused => "Suspended",
        Verdict::Progressing { .. } | Verdict::NotYet { .. } => "Progressing",
    }
}

/// A pod of a workload's template, as ready as its counters say.
fn pod_of(object: &Value, number: u64, ready: bool) -> Value {
    let (owner, kind) = match object["kind"].as_str().unwrap() {
        "Deployment" => ("app-77", "ReplicaSet"),
        kind => ("app", kind),
    };
    let containers = object.pointer("/spec/template/spec/containers").unwrap();
    let statuses: Vec<Value> = containers
        .as_array()
        .unwrap()
        .iter()
        .map(|one| json!({"name": one["name"], "image": one["image"], "imageID": "", "ready": ready, "restartCount": 0, "state": {"running": {}}}))
        .collect();
    let ready = if ready { "True" } else { "False" };
    json!({"metadata": {"name": format!("{owner}-{number}"), "ownerReferences": [owner_of(kind, owner)]},
        "spec": {"containers": containers},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}], "containerStatuses": statuses}})
}

fn owner_of(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": true})
}

/// A Deployment or StatefulSet of a case, with as many pods as its status counts.
async fn workload(mut object: Value, plural: &str) -> &'static str {
    object["metadata"]["name"] = json!("app");
    let count = |key: &str| object.pointer(&format!("/status/{key}")).and_then(Value::as_u64).unwrap_or(0);
    let (all, ready) = (count("replicas"), count("readyReplicas"));
    let pods = (0..all).map(|number| pod_of(&object, number, number < ready)).collect();
    of_workload(plural, object, pods).await
}

/// A pod of a case, as the only one of a Deployment that has settled as far as its counters go.
async fn pod(mut pod: Value) -> &'static str {
    let containers = pod.pointer("/spec/containers").unwrap().clone();
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "generation": 1},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "app"}}, "template": {"metadata": {}, "spec": {"containers": containers}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}});
    pod["metadata"]["name"] = json!("app-77-a");
    pod["metadata"]["ownerReferences"] = json!([owner_of("ReplicaSet", "app-77")]);
    of_workload("deployments", deployment, vec![pod]).await
}

/// The commit that arrived.
const COMMIT: &str = "1111111111111111111111111111111111111111";

/// The status of an object of Flux's in which nothing is missing that its controllers write, whatever its conditions say.
fn complete(mut object: Value, applies: &str) -> Value {
    let revision = format!("main@sha1:{COMMIT}");
    let newest = object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let generation = newest.filter_map(|one| one["observedGeneration"].as_i64()).max().unwrap_or(1);
    object["metadata"]["generation"] = json!(generation);
    let status = object["status"].as_object_mut().unwrap();
    // One that found no source never began.
    if status.get("observedGeneration") == Some(&json!(-1)) {
        return object;
    }
    for (key, value) in [
        ("observedGeneration", json!(generation)),
        ("lastAppliedRevision", json!(revision)),
        ("lastAttemptedRevision", json!(revision)),
        ("inventory", json!({"entries": [{"id": applies, "v": "v1"}]})),
        ("history", json!([{"status": "deployed", "configDigest": "sha256:aa"}])),
    ] {
        status.entry(key).or_insert(value);
    }
    object
}

/// What we say of an object of Flux's once its commit has arrived, in Argo CD's words. A HelmRelease is judged below a
/// Kustomization that is well.
async fn flux(kind: FluxKind, object: Value, well: &Value) -> &'static str {
    let kustomization = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/default/kustomizations/podinfo".to_owned();
    let release = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/default/helmreleases/podinfo".to_owned();
    let objects = match kind {
        FluxKind::Kustomization => vec![(kustomization, complete(object, "shop_app_apps_Deployment"))],
        FluxKind::HelmRelease => {
            let applies = "default_podinfo_helm.toolkit.fluxcd.io_HelmRelease";
            let mut object = complete(object, "");
            object["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "podinfo",
                "kustomize.toolkit.fluxcd.io/namespace": "default"});
            vec![(kustomization, complete(well.clone(), applies)), (release, object)]
        }
    };
    let (_serving, cluster) = cluster(objects.into_iter().collect()).await;
    let template = |text: &str| NameTemplate::parse(text).unwrap();
    let named = Reconciler::Flux { kind, name: template("podinfo"), namespace: template("default") };
    let service = Service::parse("app").unwrap();
    let seen = reconciler(&cluster, &named, &service).unwrap().read().await.unwrap();
    let ancestry = seen.revisions().into_iter().map(|revision| (revision.to_owned(), Ancestry::Contains)).collect();
    let commit = CommitId::parse(COMMIT).unwrap();
    let found = seen.verdict(&Sight {
        commit: &commit,
        branch: "main",
        repository: "https://git.example.com/acme/deployments",
        ancestry: &ancestry,
        namespace: "shop",
        name: "app",
    });
    match found {
        Applied::Synced | Applied::NoChangeNeeded => "Healthy",
        Applied::Failed(_) => "Degraded",
        Applied::NotYet(_) | Applied::Progressing(_) => "Progressing",
        Applied::Held(_) => "Suspended",
        Applied::CannotSee(_) => "Unknown",
    }
}

/// One object of a case; nothing where there are several.
fn object(file: &Path) -> Value {
    let mut object: Value = serde_yaml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap_or_default();
    // The Kustomization that is well has a reason which only a HelmRelease ever has.
    if object["kind"] == "Kustomization"
        && let Some(reason) = object.pointer_mut("/status/conditions/0/reason")
        && reason == "InstallSucceeded"
    {
        *reason = json!("ReconciliationSucceeded");
    }
    object
}

/// What we say of a case, and what its kind is; nothing of kinds that we do not read.
async fn ours(file: &Path, well: &Value) -> (String, Option<&'static str>) {
    let object = object(file);
    let kind = object["kind"].as_str().unwrap_or("several documents").to_owned();
    // The pods of what we read are restarted whenever they end: nothing else may stand in their template.
    let restarts = object.pointer("/spec/restartPolicy").is_none_or(|policy| policy == "Always");
    let found = match kind.as_str() {
        "Deployment" => Some(workload(object, "deployments").await),
        "StatefulSet" => Some(workload(object, "statefulsets").await),
        "Pod" if restarts => Some(pod(object).await),
        "Kustomization" => Some(flux(FluxKind::Kustomization, object, well).await),
        "HelmRelease" => Some(flux(FluxKind::HelmRelease, object, well).await),
        _ => None,
    };
    (kind, found)
}

#[tokio::test]
async fn what_argo_cd_says_of_the_health_of_what_we_read_we_say_too() {
    let Some(cases) = shared("contracts/kubernetes/objects/expected-health.json") else { return };
    let folder = cases.parent().unwrap().parent().unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(&cases).unwrap()).unwrap();
    let customizations = folder.join("objects/argo-cd/resource_customizations");
    let well = object(&customizations.join("kustomize.toolkit.fluxcd.io/Kustomization/testdata/healthy.yaml"));
    let (mut unread, mut other, mut agreed) = (BTreeMap::<String, usize>::new(), Vec::new(), 0);
    for case in &cases {
        let (file, expected) = (case["file"].as_str().unwrap(), case["status"].as_str().unwrap());
        match ours(&folder.join(file), &well).await {
            (kind, None) => *unread.entry(kind).or_default() += 1,
            (_, Some(found)) if found == expected => agreed += 1,
            (_, Some(found)) => other.push(format!("{file}: {expected}, by us {found}")),
        }
    }
    println!("{agreed} of {} cases agree; not read: {unread:?}", cases.len());
    // A container that ended is started again; that it does not help is what the cluster says with CrashLoopBackOff.
    let later = "objects/argo-cd/gitops-engine/pkg/health/testdata/pod-error.yaml: Degraded, by us Progressing";
    assert_eq!(other, [later]);
    assert!(agreed >= 17, "{agreed}");
}
