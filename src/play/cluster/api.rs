//! The routes of the Kubernetes API that show deployments and pods, and show and patch the reconciler's objects; and
//! enough of its index for a person's kubectl.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ReconcilerKind, Shared, argocd, change,
    custom::{APPLICATION, GIT_REPOSITORY, KUSTOMIZATION, Kind, Unpatched},
    flux, objects,
    rollout::Rollout,
    watching::{self, Watched},
};

type Held = State<Arc<Shared>>;

/// Everything that is served.
pub(super) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/version", get(version))
        .route("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", post(may))
        .route("/api", get(|| index(CORE_VERSIONS)))
        .route("/apis", get(groups))
        .route("/api/v1", get(|| index(CORE)))
        .route("/apis/apps/v1", get(|| index(APPS)))
        .route("/apis/apps/v1/deployments", get(deployments_anywhere))
        .route("/apis/apps/v1/namespaces/{namespace}/deployments", get(deployments))
        .route("/apis/apps/v1/namespaces/{namespace}/deployments/{name}", get(deployment).patch(change::deployment))
        .route(
            "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale",
            get(change::scale).patch(change::set_scale).put(change::set_scale),
        )
        .route("/apis/apps/v1/statefulsets", get(stateful_sets))
        .route("/apis/autoscaling/v2/horizontalpodautoscalers", get(autoscalers_anywhere))
        .route("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers", get(autoscalers))
        .route("/apis/{group}/{version}", get(resources))
        .route("/apis/{group}/{version}/{plural}", get(customs_anywhere).fallback(nothing))
        .route("/apis/{group}/{version}/namespaces/{namespace}/{plural}", get(customs))
        .route("/apis/{group}/{version}/namespaces/{namespace}/{plural}/{name}", get(custom).patch(patch))
        .route("/api/v1/namespaces/{namespace}/configmaps/{name}", get(config_map))
        .route("/api/v1/pods", get(pods_anywhere))
        .route("/api/v1/namespaces/{namespace}/pods", get(pods))
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard))
}

const CORE_VERSIONS: &str = r#"{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[]}"#;
const CORE: &str = r#"{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list"],"shortNames":["po"]}]}"#;
const APPS: &str = r#"{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps/v1","resources":[{"name":"deployments","singularName":"deployment","namespaced":true,"kind":"Deployment","verbs":["get","list","patch","watch"],"shortNames":["deploy"]},{"name":"deployments/scale","singularName":"","namespaced":true,"group":"autoscaling","version":"v1","kind":"Scale","verbs":["get","patch","update"]}]}"#;

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

/// Whoever has the token may look at everything but Secrets, and change nothing by what it says here.
async fn may(Json(review): Json<Value>) -> Response {
    let verb = review.pointer("/spec/resourceAttributes/verb").and_then(Value::as_str);
    let resource = review.pointer("/spec/resourceAttributes/resource").and_then(Value::as_str);
    let allowed = matches!(verb, Some("get" | "list" | "watch")) && resource != Some("secrets");
    let status = json!({"allowed": allowed});
    let (api, kind) = ("authorization.k8s.io/v1", "SelfSubjectAccessReview");
    let body = json!({"apiVersion": api, "kind": kind, "spec": review.get("spec"), "status": status});
    (StatusCode::CREATED, Json(body)).into_response()
}

async fn config_map(State(shared): Held, Path((namespace, name)): Path<(String, String)>) -> Response {
    let live = shared.live();
    let mut beside = live.rollouts.values().filter(|rollout| rollout.wanted.namespace == namespace);
    let found = beside.find_map(|rollout| rollout.wanted.config_maps.get(&name));
    let shown = found.map(|data| objects::config_map((&namespace, &name), data, (live.version, shared.since)));
    let missing = || failed(StatusCode::NOT_FOUND, "NotFound", &format!("configmaps \"{name}\" not found"));
    shown.map_or_else(missing, |shown| Json(shown).into_response())
}

async fn index(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn groups(State(shared): Held) -> Response {
    let kinds = kinds(shared.reconciler).iter().map(|kind| (kind.group, kind.version));
    let groups = std::iter::once(("apps", "v1")).chain(kinds).map(|(group, version)| {
        let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
        json!({"name": group, "versions": [version], "preferredVersion": version})
    });
    let groups: Vec<Value> = groups.collect();
    Json(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})).into_response()
}

/// The kinds that the reconciler brings along, and no others.
fn kinds(reconciler: ReconcilerKind) -> &'static [&'static Kind] {
    match reconciler {
        ReconcilerKind::ArgoCd => &[&APPLICATION],
        ReconcilerKind::Flux => &[&KUSTOMIZATION, &GIT_REPOSITORY],
    }
}

fn namespace_of(reconciler: ReconcilerKind) -> &'static str {
    match reconciler {
        ReconcilerKind::ArgoCd => argocd::NAMESPACE,
        ReconcilerKind::Flux => flux::NAMESPACE,
    }
}

async fn resources(State(shared): Held, Path((group, version)): Path<(String, String)>) -> Response {
    let own = kinds(shared.reconciler).iter().filter(|kind| kind.group == group && kind.version == version);
    let resources: Vec<Value> = own
        .map(|kind| {
            json!({"name": kind.plural, "singularName": kind.singular, "namespaced": true, "kind": kind.kind,
                "verbs": ["get", "list", "patch"], "shortNames": kind.short})
        })
        .collect();
    if resources.is_empty() {
        return nothing().await;
    }
    let group_version = format!("{group}/{version}");
    let list = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
        "resources": resources});
    Json(list).into_response()
}

async fn customs_anywhere(
    State(shared): Held,
    Path((group, version, plural)): Path<(String, String, String)>,
) -> Response {
    list_customs(&shared, None, (&group, &version, &plural)).await
}

async fn customs(
    State(shared): Held,
    Path((group, version, namespace, plural)): Path<(String, String, String, String)>,
) -> Response {
    list_customs(&shared, Some(&namespace), (&group, &version, &plural)).await
}

async fn list_customs(shared: &Shared, namespace: Option<&str>, of: (&str, &str, &str)) -> Response {
    let Some(kind) = kind_of(shared, of) else { return nothing().await };
    let live = shared.live();
    let here = namespace.is_none_or(|namespace| namespace == namespace_of(shared.reconciler));
    let items = live.custom.all(kind).filter(|_| here).cloned().collect();
    Json(objects::list(&format!("{}List", kind.kind), &kind.api(), live.version, items)).into_response()
}

fn kind_of(shared: &Shared, (group, version, plural): (&str, &str, &str)) -> Option<&'static Kind> {
    let mut kinds = kinds(shared.reconciler).iter().copied();
    kinds.find(|kind| (kind.group, kind.version, kind.plural) == (group, version, plural))
}

/// Which object a path names: group, version, namespace, plural, name.
type At = Path<(String, String, String, String, String)>;

async fn custom(State(shared): Held, Path((group, version, namespace, plural, name)): At) -> Response {
    let Some(kind) = kind_of(&shared, (&group, &version, &plural)) else { return nothing().await };
    let here = namespace == namespace_of(shared.reconciler);
    let found = shared.live().custom.get(kind, &name).filter(|_| here).cloned();
    found.map_or_else(|| missing(kind, &name), |found| Json(found).into_response())
}

fn missing(kind: &Kind, name: &str) -> Response {
    let message = format!("{}.{} \"{name}\" not found", kind.plural, kind.group);
    failed(StatusCode::NOT_FOUND, "NotFound", &message)
}

async fn patch(
    State(shared): Held,
    Path((group, version, namespace, plural, name)): At,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(kind) = kind_of(&shared, (&group, &version, &plural)) else { return nothing().await };
    if namespace != namespace_of(shared.reconciler) {
        return missing(kind, &name);
    }
    if headers.get(header::CONTENT_TYPE).is_none_or(|given| given != "application/merge-patch+json") {
        let message = "the body of the request was in an unknown format - accepted media types include: application/merge-patch+json";
        return failed(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message);
    }
    let patch = serde_json::from_slice(&body).unwrap_or_default();
    let patched = shared.live().custom.patch(kind, &name, &patch);
    let changed =
        |words: &str| format!("Operation cannot be fulfilled on {}.{} \"{name}\": {words}", kind.plural, kind.group);
    match patched {
        Ok(()) => {
            shared.pulse.beat();
            let found = shared.live().custom.get(kind, &name).cloned();
            found.map_or_else(|| missing(kind, &name), |found| Json(found).into_response())
        }
        Err(Unpatched::Missing) => missing(kind, &name),
        Err(Unpatched::Conflict) => {
            let words = "the object has been modified; please apply your changes to the latest version and try again";
            failed(StatusCode::CONFLICT, "Conflict", &changed(words))
        }
        Err(Unpatched::Garbage) => failed(StatusCode::BAD_REQUEST, "BadRequest", "the patch is not a JSON object"),
    }
}

async fn autoscalers(State(shared): Held, Path(namespace): Path<String>) -> Response {
    list_autoscalers(&shared, Some(&namespace))
}

async fn autoscalers_anywhere(State(shared): Held, Query(asked): Query<Asked>) -> Response {
    if asked.watches() {
        return watching::watch(&shared, Watched("HorizontalPodAutoscaler", "autoscaling/v2"), asked.version());
    }
    list_autoscalers(&shared, None)
}

fn list_autoscalers(shared: &Shared, namespace: Option<&str>) -> Response {
    let live = shared.live();
    let here = live.scalers.iter().filter(|((own, _), _)| namespace.is_none_or(|namespace| namespace == own));
    let items = here.map(|((_, name), bounds)| objects::autoscaler(name, *bounds)).collect();
    Json(objects::list("HorizontalPodAutoscalerList", "autoscaling/v2", live.version, items)).into_response()
}

/// There are none here.
async fn stateful_sets(State(shared): Held, Query(asked): Query<Asked>) -> Response {
    if asked.watches() {
        return watching::watch(&shared, Watched("StatefulSet", "apps/v1"), asked.version());
    }
    let version = shared.live().version;
    Json(objects::list("StatefulSetList", "apps/v1", version, Vec::new())).into_response()
}

async fn nothing() -> Response {
    failed(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    label_selector: Option<String>,
    watch: Option<String>,
    resource_version: Option<String>,
}

impl Asked {
    fn watches(&self) -> bool {
        self.watch.as_deref().is_some_and(|watch| watch == "true" || watch == "1")
    }

    fn version(&self) -> &str {
        self.resource_version.as_deref().unwrap_or_default()
    }
}

async fn deployments_anywhere(State(shared): Held, Query(asked): Query<Asked>) -> Response {
    if asked.watches() && asked.label_selector.is_none() {
        return watching::watch(&shared, Watched("Deployment", "apps/v1"), asked.version());
    }
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
    let key = (namespace, name.clone());
    match live.rollouts.get(&key) {
        Some(rollout) => Json(change::shown(&shared, &live, &key, rollout)).into_response(),
        None => {
            let message = format!("deployments.apps \"{name}\" not found");
            failed(StatusCode::NOT_FOUND, "NotFound", &message)
        }
    }
}

fn list_deployments(shared: &Shared, namespace: Option<&str>, asked: &Asked) -> Response {
    selected(shared, namespace, asked, |rollouts, live| {
        let show = |rollout: &&Rollout| change::shown(shared, live, &super::key(&rollout.wanted), rollout);
        objects::list("DeploymentList", "apps/v1", live.version, rollouts.iter().map(show).collect())
    })
}

fn list_pods(shared: &Shared, namespace: Option<&str>, asked: &Asked) -> Response {
    selected(shared, namespace, asked, |rollouts, live| {
        let version = live.version;
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
    show: impl FnOnce(&[&Rollout], &super::Live) -> Value,
) -> Response {
    if asked.watches() {
        return failed(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "this cluster serves only watches of everything of a kind",
        );
    }
    let live = shared.live();
    let selector = asked.label_selector.as_deref().unwrap_or_default();
    let found: Vec<&Rollout> = live
        .rollouts
        .values()
        .filter(|rollout| namespace.is_none_or(|namespace| namespace == rollout.wanted.namespace))
        .filter(|rollout| fits(selector, &rollout.wanted.labels))
        .collect();
    Json(show(&found, &live)).into_response()
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

pub(super) fn failed(status: StatusCode, reason: &str, message: &str) -> Response {
    (status, Json(objects::failure(status.as_u16(), reason, message))).into_response()
}
