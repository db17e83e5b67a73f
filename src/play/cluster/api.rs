//! The routes of the Kubernetes API that show deployments and pods, and enough of its index for a person's kubectl.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Shared, objects, rollout::Rollout};

type Held = State<Arc<Shared>>;

/// Everything that is served.
pub(super) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/version", get(version))
        .route("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", post(may))
        .route("/api", get(|| index(CORE_VERSIONS)))
        .route("/apis", get(|| index(GROUPS)))
        .route("/api/v1", get(|| index(CORE)))
        .route("/apis/apps/v1", get(|| index(APPS)))
        .route("/apis/apps/v1/deployments", get(deployments_anywhere))
        .route("/apis/apps/v1/namespaces/{namespace}/deployments", get(deployments))
        .route("/apis/apps/v1/namespaces/{namespace}/deployments/{name}", get(deployment))
        .route("/api/v1/pods", get(pods_anywhere))
        .route("/api/v1/namespaces/{namespace}/pods", get(pods))
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard))
}

const CORE_VERSIONS: &str = r#"{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[]}"#;
const GROUPS: &str = r#"{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apps/v1","version":"v1"}}]}"#;
const CORE: &str = r#"{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list"],"shortNames":["po"]}]}"#;
const APPS: &str = r#"{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps/v1","resources":[{"name":"deployments","singularName":"deployment","namespaced":true,"kind":"Deployment","verbs":["get","list"],"shortNames":["deploy"]}]}"#;

async fn guard(State(shared): Held, headers: HeaderMap, request: Request, next: Next) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given.and_then(|value| value.strip_prefix("Bearer ")) != Some(shared.token.reveal()) {
        return failed(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized");
    }
    next.run(request).await
}

async fn version() -> Response {
    Json(json!({"major": "1", "minor": "33", "gitVersion": "v1.33.0", "gitCommit": "0000000", "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.24", "compiler": "gc", "platform": "linux/amd64"}))
    .into_response()
}

/// Whoever has the token may look at everything and change nothing.
async fn may(Json(review): Json<Value>) -> Response {
    let verb = review.pointer("/spec/resourceAttributes/verb").and_then(Value::as_str);
    let status = json!({"allowed": matches!(verb, Some("get" | "list" | "watch"))});
    let (api, kind) = ("authorization.k8s.io/v1", "SelfSubjectAccessReview");
    let body = json!({"apiVersion": api, "kind": kind, "spec": review.get("spec"), "status": status});
    (StatusCode::CREATED, Json(body)).into_response()
}

async fn index(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn nothing() -> Response {
    failed(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    label_selector: Option<String>,
    watch: Option<String>,
}

async fn deployments_anywhere(State(shared): Held, Query(asked): Query<Asked>) -> Response {
    list_deployments(&shared, None, &asked)
}

async fn deployments(State(shared): Held, Path(namespace): Path<String>, Query(asked): Query<Asked>) -> Response {
    list_deployments(&shared, Some(&namespace), &asked)
}

async fn pods_anywhere(State(shared): Held, Query(asked): Query<Asked>) -> Response {
    list_pods(&shared, None, &asked)
}

async fn pods(State(shared): Held, Path(namespace): Path<String>, Query(asked): Query<Asked>) -> Response {
    list_pods(&shared, Some(&namespace), &asked)
}

async fn deployment(State(shared): Held, Path((namespace, name)): Path<(String, String)>) -> Response {
    let live = shared.live();
    match live.rollouts.get(&(namespace, name.clone())) {
        Some(rollout) => Json(objects::deployment(rollout, live.version, shared.since)).into_response(),
        None => {
            let message = format!("deployments.apps \"{name}\" not found");
            failed(StatusCode::NOT_FOUND, "NotFound", &message)
        }
    }
}

fn list_deployments(shared: &Shared, namespace: Option<&str>, asked: &Asked) -> Response {
    selected(shared, namespace, asked, |rollouts, version| {
        let items = rollouts.iter().map(|rollout| objects::deployment(rollout, version, shared.since)).collect();
        objects::list("DeploymentList", "apps/v1", version, items)
    })
}

fn list_pods(shared: &Shared, namespace: Option<&str>, asked: &Asked) -> Response {
    selected(shared, namespace, asked, |rollouts, version| {
        let of = |rollout: &&Rollout| -> Vec<Value> {
            rollout.pods.iter().map(|pod| objects::pod(rollout, pod, version, shared.since)).collect()
        };
        objects::list("PodList", "v1", version, rollouts.iter().flat_map(of).collect())
    })
}

fn selected(
    shared: &Shared,
    namespace: Option<&str>,
    asked: &Asked,
    show: impl FnOnce(&[&Rollout], u64) -> Value,
) -> Response {
    if asked.watch.as_deref().is_some_and(|watch| watch == "true" || watch == "1") {
        return failed(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "this cluster does not serve watches");
    }
    let live = shared.live();
    let selector = asked.label_selector.as_deref().unwrap_or_default();
    let found: Vec<&Rollout> = live
        .rollouts
        .values()
        .filter(|rollout| namespace.is_none_or(|namespace| namespace == rollout.wanted.namespace))
        .filter(|rollout| fits(selector, &rollout.wanted.labels))
        .collect();
    Json(show(&found, live.version)).into_response()
}

/// Whether labels fit a selector of equalities: `app=checkout,team!=core`, or bare names that must be there.
fn fits(selector: &str, labels: &BTreeMap<String, String>) -> bool {
    let label = |name: &str| labels.get(name.trim()).map(String::as_str);
    selector.split(',').filter(|term| !term.trim().is_empty()).all(|term| match term.split_once('=') {
        Some((name, value)) if name.ends_with('!') => label(name.trim_end_matches('!')) != Some(value.trim()),
        Some((name, value)) => label(name) == Some(value.trim_start_matches('=').trim()),
        None => label(term).is_some(),
    })
}

fn failed(status: StatusCode, reason: &str, message: &str) -> Response {
    (status, Json(objects::failure(status.as_u16(), reason, message))).into_response()
}
