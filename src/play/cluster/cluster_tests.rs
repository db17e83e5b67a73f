//! The cluster look-alike: through the types of Kubernetes, and against its published description.

use http::Request;
use http_body_util::Full;
use k8s_openapi::{
    List,
    api::{apps::v1::Deployment, core::v1::Pod},
};
use serde_json::{Value, json};

use super::*;
use crate::play::{people, post::send, repository::HandEdit, tests::contracts};

struct Scene {
    _folder: tempfile::TempDir,
    demo: DemoRepository,
    cluster: ClusterLookalike,
}

async fn scene() -> Scene {
    scene_with(ReconcilerKind::ArgoCd).await
}

async fn scene_with(reconciler: ReconcilerKind) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let demo = DemoRepository::create(&folder.path().join("acme/deployments.git")).unwrap();
    let cluster = ClusterLookalike::start(ClusterOptions {
        name: "prod".into(),
        repository: demo.clone(),
        url: "https://git.example.com/acme/deployments.git".into(),
        reconciler,
        token: Secret::new("kube"),
        step: Duration::from_millis(2),
        pulse: Pulse::default(),
    });
    Scene { _folder: folder, cluster: cluster.await.unwrap(), demo }
}

impl Scene {
    async fn get(&self, path: &str) -> (u16, Value) {
        self.get_as("kube", path).await
    }

    async fn get_as(&self, token: &str, path: &str) -> (u16, Value) {
        let request = Request::get(format!("{}{path}", self.cluster.api()));
        let request = request.header("authorization", format!("Bearer {token}")).body(Full::default()).unwrap();
        let response = send(request).await.unwrap();
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    async fn patch(&self, path: &str, patch: &Value) -> (u16, Value) {
        let request = Request::patch(format!("{}{path}", self.cluster.api())).header("authorization", "Bearer kube");
        let request = request.header("content-type", "application/merge-patch+json");
        let response = send(request.body(patch.to_string().into()).unwrap()).await.unwrap();
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    fn deploy(&self, before: &str, after: &str) {
        let path = "apps/checkout/prod/kustomization.yaml";
        let edit = HandEdit { path, before, after, message: "deploy\n" };
        self.demo.edit_by_hand(people::find("ana").unwrap(), &edit, clock::now()).unwrap();
    }

    fn checkout(&self) -> Running {
        self.cluster.running().into_iter().find(|running| running.service == "checkout").unwrap()
    }
}

#[tokio::test]
async fn a_commit_on_the_branch_rolls_out() {
    let scene = scene().await;
    assert_eq!((scene.checkout().version.as_str(), scene.checkout().updated), ("v1.2.4", 3));
    scene.deploy("v1.2.4", "v1.2.5");
    scene.cluster.settled().await.unwrap();
    assert_eq!((scene.checkout().version.as_str(), scene.checkout().updated), ("v1.2.5", 3));
    let (_, json) = scene.get("/apis/apps/v1/namespaces/checkout/deployments/checkout").await;
    let deployment: Deployment = serde_json::from_value(json).unwrap();
    let status = deployment.status.unwrap();
    assert_eq!((deployment.metadata.generation, status.observed_generation), (Some(2), Some(2)));
    assert_eq!((status.ready_replicas, status.updated_replicas, status.replicas), (Some(3), Some(3), Some(3)));
    let (_, json) = scene.get("/api/v1/namespaces/checkout/pods?labelSelector=app%3Dcheckout").await;
    let pods: List<Pod> = serde_json::from_value(json).unwrap();
    let container = &pods.items[0].status.as_ref().unwrap().container_statuses.as_ref().unwrap()[0];
    assert_eq!((pods.items.len(), container.image.as_str()), (3, "registry.example.com/shop/checkout:v1.2.5"));
    assert!(container.image_id.contains("@sha256:") && container.ready);
}

#[tokio::test]
async fn a_broken_version_never_becomes_ready() {
    let scene = scene().await;
    scene.cluster.break_version("v1.2.5", "ImagePullBackOff");
    scene.deploy("v1.2.4", "v1.2.5");
    scene.cluster.settled().await.unwrap();
    assert_eq!(scene.checkout().progress, Progress::Stuck("ImagePullBackOff".into()));
    assert_eq!((scene.checkout().ready, scene.checkout().updated), (3, 0));
    let (_, pods) = scene.get("/api/v1/namespaces/checkout/pods?labelSelector=app=checkout").await;
    let waits = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].clone();
    assert!(pods["items"].as_array().unwrap().iter().any(|pod| waits(pod) == "ImagePullBackOff"));
    scene.deploy("v1.2.5", "v1.2.3");
    scene.cluster.settled().await.unwrap();
    assert_eq!(scene.checkout().progress, Progress::Healthy);
}

#[tokio::test]
async fn a_cluster_that_does_not_follow_stays_as_it_is() {
    let scene = scene().await;
    scene.cluster.follow(Following::No);
    scene.deploy("v1.2.4", "v1.2.5");
    scene.cluster.settled().await.unwrap();
    assert_eq!(scene.checkout().version, "v1.2.4");
    scene.cluster.follow(Following::Yes);
    scene.cluster.settled().await.unwrap();
    assert_eq!(scene.checkout().version, "v1.2.5");
}

#[tokio::test]
async fn strangers_and_unknown_names_get_kubernetes_own_failures() {
    let scene = scene().await;
    let (status, body) = scene.get_as("wrong", "/version").await;
    assert_eq!((status, body["reason"].as_str()), (401, Some("Unauthorized")));
    let (status, body) = scene.get("/apis/apps/v1/namespaces/checkout/deployments/nothing").await;
    assert_eq!((status, body["message"].as_str()), (404, Some("deployments.apps \"nothing\" not found")));
    let (_, all) = scene.get("/apis/apps/v1/deployments?labelSelector=team=shop").await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn answers_have_what_the_published_description_requires() {
    let scene = scene().await;
    let Some(description) = contracts::read("kubernetes/openapi.swagger2.trimmed.json") else { return };
    for (path, template) in [
        ("/version", "/version/"),
        ("/apis/apps/v1/namespaces/cart/deployments", "/apis/apps/v1/namespaces/{namespace}/deployments"),
        ("/apis/apps/v1/namespaces/cart/deployments/cart", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"),
        ("/api/v1/namespaces/cart/pods", "/api/v1/namespaces/{namespace}/pods"),
    ] {
        let schema = &description["paths"][template]["get"]["responses"]["200"]["schema"];
        assert!(schema.is_object(), "{template}");
        contracts::holds(&description, schema, &scene.get(path).await.1, path);
    }
}

const APPLICATION: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/checkout-prod";
const KUSTOMIZATION: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/checkout";
const SOURCE: &str = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/deployments";

#[tokio::test]
async fn an_application_without_auto_sync_waits_for_an_operation() {
    let scene = scene().await;
    let off = json!({"spec": {"syncPolicy": {"automated": {"enabled": false}}}});
    assert_eq!(scene.patch(APPLICATION, &off).await.0, 200);
    scene.deploy("v1.2.4", "v1.2.5");
    scene.cluster.settled().await.unwrap();
    let (_, seen) = scene.get(APPLICATION).await;
    let tip = scene.demo.tip().unwrap();
    assert_eq!((&seen["status"]["sync"]["status"], scene.checkout().version.as_str()), (&json!("OutOfSync"), "v1.2.4"));
    assert_eq!(seen["status"]["sync"]["revision"], tip);
    let stale = json!({"metadata": {"resourceVersion": "0"}, "operation": {"sync": {"revision": tip}}});
    assert_eq!(scene.patch(APPLICATION, &stale).await.0, 409);
    assert_eq!(scene.patch(APPLICATION, &json!({"operation": {"sync": {"revision": tip}}})).await.0, 200);
    scene.cluster.settled().await.unwrap();
    let (_, seen) = scene.get(APPLICATION).await;
    let status = &seen["status"];
    assert_eq!((&status["sync"]["status"], &status["health"]["status"]), (&json!("Synced"), &json!("Healthy")));
    assert_eq!(status["operationState"]["syncResult"]["revision"], tip);
    assert_eq!(scene.checkout().version, "v1.2.5");
}

#[tokio::test]
async fn a_suspended_kustomization_applies_nothing_until_it_is_resumed() {
    let scene = scene_with(ReconcilerKind::Flux).await;
    assert_eq!(scene.patch(KUSTOMIZATION, &json!({"spec": {"suspend": true}})).await.0, 200);
    scene.deploy("v1.2.4", "v1.2.5");
    scene.cluster.settled().await.unwrap();
    assert_eq!(scene.checkout().version, "v1.2.4");
    let asked =
        json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}, "spec": {"suspend": null}});
    assert_eq!(scene.patch(KUSTOMIZATION, &asked).await.0, 200);
    scene.cluster.settled().await.unwrap();
    let (_, seen) = scene.get(KUSTOMIZATION).await;
    assert_eq!(seen["status"]["lastHandledReconcileAt"], "now");
    assert_eq!(seen["status"]["lastAppliedRevision"], format!("main@sha1:{}", scene.demo.tip().unwrap()));
    assert_eq!(scene.checkout().version, "v1.2.5");
    assert_eq!(scene.get(APPLICATION).await.0, 404, "this cluster has no Argo CD");
}

#[tokio::test]
async fn reconcilers_objects_have_what_their_definitions_require() {
    let kinds = [
        (ReconcilerKind::ArgoCd, APPLICATION, "argoproj.application-crd.yaml"),
        (ReconcilerKind::Flux, KUSTOMIZATION, "fluxcd.kustomize.toolkit.fluxcd.io_kustomizations.yaml"),
        (ReconcilerKind::Flux, SOURCE, "fluxcd.source.toolkit.fluxcd.io_gitrepositories.yaml"),
    ];
    for (reconciler, path, definition) in kinds {
        let Some(file) = contracts::find(&format!("kubernetes/crds/{definition}")) else { return };
        let definition: Value = serde_yaml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let scene = scene_with(reconciler).await;
        scene.deploy("v1.2.4", "v1.2.5");
        scene.cluster.settled().await.unwrap();
        let (_, found) = scene.get(path).await;
        let version = found["apiVersion"].as_str().unwrap().rsplit('/').next().unwrap();
        let versions = definition["spec"]["versions"].as_array().unwrap();
        let schema = &versions.iter().find(|one| one["name"] == version).unwrap()["schema"]["openAPIV3Schema"];
        contracts::holds(&definition, schema, &found, path);
    }
}
