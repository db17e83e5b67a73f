//! An API server on loopback that knows the objects it is given.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Value, json};

use super::*;
use crate::{
    core::{
        names::ImageTag,
        rollout::{Verdict, Wanted, verdict},
    },
    net::tests::{Served, client, nobody, serve},
};

const DEPLOYMENT: &str = "/k8s/apis/apps/v1/namespaces/shop/deployments/checkout";
const STATEFUL_SET: &str = "/k8s/apis/apps/v1/namespaces/shop/statefulsets/checkout";
const PODS: &str = "/k8s/api/v1/namespaces/shop/pods";

/// A cluster that answers these paths, and Kubernetes' own 404 to others; and what it was asked.
async fn cluster(objects: Vec<(&'static str, Value)>) -> (Served, Cluster, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&asked);
    let router = Router::new().fallback(any(move |request: Request| async move {
        kept.lock().unwrap().push(request.uri().to_string());
        assert_eq!(request.headers()["authorization"], "Bearer t0ken");
        let found = objects.iter().find(|(path, _)| *path == request.uri().path());
        found.map_or_else(missing, |(_, object)| Json(object).into_response())
    }));
    let server = serve(router).await;
    let cluster = Cluster::new(client(), &server.base.join("k8s").unwrap(), Some(&Secret::new("t0ken"))).unwrap();
    (server, cluster, asked)
}

fn missing() -> Response {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "deployments.apps \"checkout\" not found", "reason": "NotFound", "code": 404});
    (StatusCode::NOT_FOUND, Json(status)).into_response()
}

fn object(kind: &str, status: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "checkout", "generation": 7},
        "spec": {"replicas": 1, "serviceName": "checkout",
            "selector": {"matchLabels": {"app": "checkout"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["web"]}]},
            "template": {"metadata": {}, "spec": {"containers": [{"name": "app", "image": "acme/checkout:v1.2.5"}]}}},
        "status": status})
}

fn pod(name: &str, owner: (&str, &str), image: &str) -> Value {
    json!({"metadata": {"name": name, "ownerReferences": [{"apiVersion": "apps/v1", "kind": owner.0, "name": owner.1, "uid": "u", "controller": true}]},
        "spec": {"containers": [{"name": "app", "image": image}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "app", "image": image, "imageID": "acme/checkout@sha256:aa", "ready": true, "restartCount": 0,
                "state": {"running": {}}}]}})
}

fn pods(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items})
}

fn five() -> Wanted {
    Wanted { tag: Some(ImageTag::parse("v1.2.5").unwrap()), ..Wanted::default() }
}

const SETTLED: &str =
    r#"{"observedGeneration": 7, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}"#;

#[tokio::test]
async fn a_deployment_is_read_with_its_own_pods() {
    let settled = serde_json::from_str(SETTLED).unwrap();
    let items = [
        pod("checkout-66cf-a", ("ReplicaSet", "checkout-66cf"), "acme/checkout:v1.2.5"),
        pod("checkout-canary-77-a", ("ReplicaSet", "checkout-canary-77"), "acme/checkout:v1.3.0"),
        pod("checkout-job-a", ("Job", "checkout-job"), "acme/checkout:v1.2.4"),
    ];
    let (_server, cluster, asked) =
        cluster(vec![(DEPLOYMENT, object("Deployment", &settled)), (PODS, pods(&items))]).await;
    let found = cluster.workload("shop", "checkout").await.unwrap().unwrap();
    let names: Vec<_> = found.pods.iter().map(|pod| pod.name.as_str()).collect();
    assert_eq!(names, ["checkout-66cf-a"]);
    assert_eq!(found.pods[0].images["app"].image_id, "acme/checkout@sha256:aa");
    assert_eq!((found.desired, found.generation, found.observed_generation), (1, 7, 7));
    assert_eq!(verdict(&found, &five()), Verdict::Live);
    let selected = format!("{PODS}?&labelSelector=app%3Dcheckout%2Ctier+in+%28web%29");
    assert_eq!(*asked.lock().unwrap(), [DEPLOYMENT, &selected]);
}

#[tokio::test]
async fn a_stateful_set_is_tried_second() {
    let settled = serde_json::from_str(SETTLED).unwrap();
    let items = [pod("checkout-0", ("StatefulSet", "checkout"), "acme/checkout:v1.2.5")];
    let (_server, cluster, _) =
        cluster(vec![(STATEFUL_SET, object("StatefulSet", &settled)), (PODS, pods(&items))]).await;
    let found = cluster.workload("shop", "checkout").await.unwrap().unwrap();
    assert_eq!(verdict(&found, &five()), Verdict::Live);
}

#[tokio::test]
async fn what_is_not_there_is_none_and_what_is_bare_is_read() {
    let (_server, empty, asked) = cluster(Vec::new()).await;
    assert_eq!(empty.workload("shop", "checkout").await.unwrap(), None);
    assert_eq!(*asked.lock().unwrap(), [DEPLOYMENT, STATEFUL_SET]);
    let bare = json!({"metadata": {"name": "checkout"}});
    let (_server, cluster, asked) = cluster(vec![(DEPLOYMENT, bare), (PODS, pods(&[]))]).await;
    let found = cluster.workload("shop", "checkout").await.unwrap().unwrap();
    assert_eq!((found.desired, found.pods.len(), asked.lock().unwrap().len()), (1, 0, 1));
}

#[tokio::test]
async fn a_deployment_that_gave_up_says_why() {
    let late = json!({"observedGeneration": 7, "conditions": [{"type": "Progressing", "status": "False",
        "reason": "ProgressDeadlineExceeded", "message": "ReplicaSet \"checkout-66cf\" has timed out progressing."}]});
    let mut stuck = pod("checkout-66cf-a", ("ReplicaSet", "checkout-66cf"), "acme/checkout:v1.2.5");
    stuck["status"]["conditions"][0]["status"] = "False".into();
    stuck["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "ImagePullBackOff"}});
    let (_server, cluster, _) = cluster(vec![(DEPLOYMENT, object("Deployment", &late)), (PODS, pods(&[stuck]))]).await;
    let found = cluster.workload("shop", "checkout").await.unwrap().unwrap();
    let reason = "ReplicaSet \"checkout-66cf\" has timed out progressing. (checkout-66cf-a: ImagePullBackOff)";
    assert_eq!(verdict(&found, &five()), Verdict::Failed { reason: reason.into() });
}

/// What a cluster that answers everything so comes to.
async fn refused(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> ClusterError {
    let server = serve(Router::new().fallback(any(move || std::future::ready(answer())))).await;
    let cluster = Cluster::new(client(), &server.base, None).unwrap();
    cluster.workload("shop", "checkout").await.unwrap_err()
}

fn status(code: u16, reason: &'static str, message: &'static str) -> impl Fn() -> Response + Clone {
    let status = json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message});
    move || (StatusCode::from_u16(code).unwrap(), Json(status.clone())).into_response()
}

#[tokio::test]
async fn refusals_faults_and_garbage_are_told_apart() {
    assert!(matches!(refused(status(401, "Unauthorized", "Unauthorized")).await, ClusterError::Unauthorized));
    let may_not = refused(status(403, "Forbidden", "User \"bot\" cannot get deployments")).await;
    assert_eq!(may_not.to_string(), "the cluster refuses: User \"bot\" cannot get deployments");
    assert!(may_not.remedy().contains("service account") && !may_not.is_passing());
    let busy = refused(status(503, "ServiceUnavailable", "etcd is down")).await;
    assert_eq!(busy.to_string(), "the cluster cannot be reached: 503: etcd is down");
    assert!(busy.is_passing() && refused(status(429, "TooManyRequests", "")).await.is_passing());
    let html = refused(|| (StatusCode::NOT_FOUND, "<html>\nno").into_response()).await;
    assert_eq!(html.to_string(), "the answer is not one of a Kubernetes API: 404: <html>");
    let denied = refused(|| (StatusCode::UNAUTHORIZED, "who?").into_response()).await;
    assert!(matches!(denied, ClusterError::Unauthorized));
    let hidden = refused(|| Json(json!({"spec": "hunter2"})).into_response()).await;
    assert!(matches!(hidden, ClusterError::Garbage { .. }) && !format!("{hidden:?}").contains("hunter2"));
    assert!(matches!(refused(|| "<html>".into_response()).await, ClusterError::Garbage { .. }));
    let away = refused(|| (StatusCode::FOUND, [("location", "http://localhost/login")]).into_response()).await;
    assert!(matches!(away, ClusterError::Garbage { .. }), "{away:?}");
}

#[tokio::test]
async fn a_cluster_that_is_gone_or_breaks_off_is_unreachable() {
    let gone = Cluster::new(client(), &nobody().await, None).unwrap();
    let error = gone.workload("shop", "checkout").await.unwrap_err();
    assert!(matches!(error, ClusterError::Unreachable { .. }) && error.is_passing(), "{error:?}");
    let broken = refused(|| {
        let parts = [Ok(r#"{"metadata""#), Err(std::io::Error::other("cut"))];
        axum::body::Body::from_stream(futures::stream::iter(parts)).into_response()
    });
    assert!(matches!(broken.await, ClusterError::Unreachable { .. }));
}

#[tokio::test]
async fn names_cannot_lead_elsewhere() {
    let (_server, cluster, asked) = cluster(Vec::new()).await;
    for bad in ["", "..", "a/b", "../secrets", "a?b", "A", "a b", "-a", &"a".repeat(254)] {
        assert!(matches!(cluster.workload(bad, "checkout").await, Err(ClusterError::BadName(_))), "{bad}");
        assert!(matches!(cluster.workload("shop", bad).await, Err(ClusterError::BadName(_))), "{bad}");
    }
    assert_eq!(asked.lock().unwrap().len(), 0);
}

/// Argo CD's samples of pods and what is wrong with them, where they are at hand.
#[test]
#[expect(clippy::disallowed_methods, reason = "tests may be told where the reading material is")]
fn sample_pods_show_their_trouble() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("LEVERFRAME_SHARED").map_or(beside, PathBuf::from);
    let folder = shared.join("contracts/kubernetes/objects/argo-cd/gitops-engine/pkg/health/testdata");
    if !folder.is_dir() {
        writeln!(std::io::stderr(), "NOT CHECKED against sample pods: {} is not there", folder.display()).unwrap();
        return;
    }
    let cases = [
        ("pod-crashloop", Some("CrashLoopBackOff"), false, "Running"),
        ("pod-imagepullbackoff", Some("ImagePullBackOff"), false, "Pending"),
        ("pod-running-not-ready", None, false, "Running"),
        ("pod-running-restart-always", None, true, "Running"),
        ("pod-pending", None, false, "Pending"),
        ("pod-succeeded", None, false, "Succeeded"),
        ("pod-deletion", None, false, "Terminating"),
    ];
    for (file, trouble, ready, phase) in cases {
        let text = fs::read_to_string(folder.join(format!("{file}.yaml"))).unwrap();
        let found = workload::of_pod(&serde_yaml::from_str(&text).unwrap());
        assert_eq!((found.trouble.as_deref(), found.ready, found.phase.as_str()), (trouble, ready, phase), "{file}");
    }
}
