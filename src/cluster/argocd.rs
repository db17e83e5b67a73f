//! Argo CD's Applications: read, asked to look, and told to sync one commit.

use jiff::Timestamp;
use kube::core::ApiResource;
use serde_json::{Value, json};

use super::{
    Cluster, ClusterError, holding,
    reconciler::{Call, Mark, Order, Reconciler, annotation, is_there, items, kind, text},
};
use crate::core::{
    names::{CommitId, RequestId},
    reconciler::{
        Hold, Seen, Undoes,
        argocd::{Application, Hydrator, Operation, Resource, Source},
        undo::{self, Spot},
    },
};

const REFRESH: &str = "argocd.argoproj.io/refresh";
const SKIP: &str = "argocd.argoproj.io/skip-reconcile";

/// One Application.
pub(super) struct ArgoCd {
    pub(super) cluster: Cluster,
    pub(super) name: String,
    pub(super) namespace: String,
}

pub(super) fn applications() -> ApiResource {
    kind(("argoproj.io", "v1alpha1"), "Application", "applications")
}

impl Reconciler for ArgoCd {
    fn read(&self) -> Call<'_, Seen> {
        Box::pin(async {
            let found = self.cluster.object(&applications(), &self.namespace, &self.name).await?;
            let missing =
                || format!("there is no Argo CD Application `{}` in the namespace `{}`", self.name, self.namespace);
            Ok(found.map_or_else(|| Seen::Missing(missing()), |found| Seen::ArgoCd(Box::new(of(&found)))))
        })
    }

    fn tell<'a>(&'a self, order: Order<'a>) -> Call<'a, ()> {
        Box::pin(async move {
            match order {
                Order::Refresh { .. } => self.patch(&asked_to_look("normal")).await,
                Order::LookAgain { .. } => self.patch(&asked_to_look("hard")).await,
                Order::Sync { commit, request, version } => self.sync(commit, request, version).await,
            }
        })
    }

    fn hold(&self) -> Call<'_, Option<Hold>> {
        Box::pin(holding::of_application(self))
    }

    fn undoes<'a>(&'a self, spot: Spot<'a>) -> Call<'a, Option<Undoes>> {
        Box::pin(async move {
            let found = self.cluster.object(&applications(), &self.namespace, &self.name).await?;
            Ok(found.map_or(Some(Undoes::Nobody), |found| undo::of_application(&found, &spot)))
        })
    }

    fn pause<'a>(&'a self, mark: &'a Mark<'a>) -> Call<'a, ()> {
        Box::pin(async move { self.patch(&holding::pause_application(mark)).await })
    }

    fn go_on<'a>(&'a self, before: Option<&'a Value>, version: &'a str) -> Call<'a, ()> {
        Box::pin(async move { self.patch(&holding::application_goes_on(before, version)).await })
    }
}

impl ArgoCd {
    pub(super) async fn patch(&self, patch: &Value) -> Result<(), ClusterError> {
        self.cluster.patch(&applications(), (&self.namespace, &self.name), patch).await
    }

    /// Starts one sync, as people do with its own tools: with the options that the Application has, pruning nothing.
    async fn sync(&self, commit: &CommitId, request: &RequestId, version: &str) -> Result<(), ClusterError> {
        let found = self.cluster.object(&applications(), &self.namespace, &self.name).await?.unwrap_or_default();
        if text(&found, "/metadata/resourceVersion") != version {
            return Err(ClusterError::Conflict);
        }
        let mut operation = json!({
            "initiatedBy": {"username": "leverframe"},
            "info": [{"name": "Leverframe-Request", "value": request.as_str()}],
            "sync": {"revision": commit.as_str()},
        });
        let policy = |member: &str| found.pointer(&format!("/spec/syncPolicy/{member}")).cloned();
        set(&mut operation, "retry", policy("retry"));
        if let Some(sync) = operation.get_mut("sync") {
            set(sync, "syncOptions", policy("syncOptions"));
        }
        self.patch(&json!({"metadata": {"resourceVersion": version}, "operation": operation})).await
    }
}

fn set(object: &mut Value, member: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(member.to_owned(), value);
    }
}

fn asked_to_look(how: &str) -> Value {
    json!({"metadata": {"annotations": {REFRESH: how}}})
}

/// What is read of an Application.
pub(super) fn of(found: &Value) -> Application {
    let hydrator = is_there(found, "/spec/sourceHydrator").then(|| hydrator(found));
    let sources = if hydrator.is_some() { vec![hydrated(found)] } else { sources(found, "/spec") };
    let enabled = found.pointer("/spec/syncPolicy/automated/enabled").and_then(Value::as_bool);
    Application {
        name: text(found, "/metadata/name"),
        version: text(found, "/metadata/resourceVersion"),
        compared: self::sources(found, "/status/sync/comparedTo"),
        sources,
        revisions: revisions(found, "/status/sync"),
        sync: text(found, "/status/sync/status"),
        hydrator,
        is_refreshing: annotation(found, REFRESH).is_some(),
        is_skipped: annotation(found, SKIP).is_some_and(|skip| skip == "true"),
        is_automated: is_there(found, "/spec/syncPolicy/automated") && enabled != Some(false),
        is_of_a_set: items(found, "/metadata/ownerReferences").any(|owner| text(owner, "/kind") == "ApplicationSet"),
        is_asked: is_there(found, "/operation"),
        operation: found.pointer("/status/operationState").map(operation),
        health: text(found, "/status/health/status"),
        reconciled_at: time(found, "/status/reconciledAt"),
        conditions: items(found, "/status/conditions").map(|one| (text(one, "/type"), text(one, "/message"))).collect(),
        resources: items(found, "/status/resources").map(resource).collect(),
    }
}

fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer).parse().ok()
}

fn source(found: &Value) -> Source {
    Source {
        url: text(found, "/repoURL"),
        path: text(found, "/path"),
        revision: text(found, "/targetRevision"),
        chart: text(found, "/chart"),
    }
}

/// `sources` where there are any, else `source`.
fn sources(found: &Value, under: &str) -> Vec<Source> {
    let several: Vec<Source> = items(found, &format!("{under}/sources")).map(source).collect();
    let single = found.pointer(&format!("{under}/source")).filter(|_| several.is_empty());
    several.into_iter().chain(single.map(source)).collect()
}

/// The same for what stands beside them.
fn revisions(found: &Value, under: &str) -> Vec<String> {
    let under_several = format!("{under}/revisions");
    let several: Vec<String> = items(found, &under_several).filter_map(Value::as_str).map(str::to_owned).collect();
    let single = Some(text(found, &format!("{under}/revision"))).filter(|one| !one.is_empty() && several.is_empty());
    several.into_iter().chain(single).collect()
}

/// The source of a hydrated Application: the branch that the rendered manifests are on.
fn hydrated(found: &Value) -> Source {
    Source {
        url: text(found, "/spec/sourceHydrator/drySource/repoURL"),
        path: text(found, "/spec/sourceHydrator/syncSource/path"),
        revision: text(found, "/spec/sourceHydrator/syncSource/targetBranch"),
        chart: String::new(),
    }
}

fn hydrator(found: &Value) -> Hydrator {
    let (last, now) = ("/status/sourceHydrator/lastSuccessfulOperation", "/status/sourceHydrator/currentOperation");
    let dry = |of: &str| text(found, &format!("{of}/drySHA"));
    let failed = text(found, &format!("{now}/phase")) == "Failed";
    Hydrator {
        source: found.pointer("/spec/sourceHydrator/drySource").map(source).unwrap_or_default(),
        rendered: is_there(found, last).then(|| (dry(last), text(found, &format!("{last}/hydratedSHA")))),
        failed: failed.then(|| (dry(now), text(found, &format!("{now}/message")))),
    }
}

/// What it applied where that is known, else what it was told to apply.
fn operation(found: &Value) -> Operation {
    let applied = revisions(found, "/syncResult");
    let told = || revisions(found, "/operation/sync");
    Operation {
        phase: text(found, "/phase"),
        message: text(found, "/message"),
        revisions: if applied.is_empty() { told() } else { applied },
        finished_at: time(found, "/finishedAt"),
    }
}

fn resource(found: &Value) -> Resource {
    Resource {
        kind: text(found, "/kind"),
        namespace: text(found, "/namespace"),
        name: text(found, "/name"),
        sync: text(found, "/status"),
        health: text(found, "/health/status"),
    }
}
