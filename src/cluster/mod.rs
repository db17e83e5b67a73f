//! What runs in a Kubernetes cluster, read through its API with kube over our HTTP client.
//! Of what runs only the one value of an approved break-glass is changed (`direct.rs`), with reconcilers held off
//! (`holding.rs`); else they are asked to look, and told to sync where they do not by themselves.
//! Objects are read by us and not by kube, which would log what it cannot read: a Deployment may hold secrets in plain
//! text.

mod argocd;
pub mod checkup;
mod direct;
mod flux;
mod holding;
mod reconciler;
mod watching;
mod workload;

use std::{collections::BTreeMap, fmt, time::Duration};

use http::Request;
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{ConfigMap, Pod},
    },
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};
use kube::{
    Resource,
    api::{GetParams, ListParams, Patch, PatchParams},
    core::{ApiResource, DynamicObject, ObjectList, Selector, Status},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

pub use direct::DryRun;
pub use reconciler::{Call, How, Mark, Order, PAUSED_BY, Reconciler, reconciler};
pub use watching::{Told, Watching};

use crate::{
    core::rollout::Workload,
    net::{HttpService, NetError},
    secret::{Renewal, Secret},
};

/// How long the cluster may take for one answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much of what a cluster says is worth repeating.
const SAID: usize = 300;

/// Why a cluster could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No connection, or the API is out of order.
    #[error("the cluster cannot be reached: {cause}")]
    Unreachable {
        /// What the connection or the API said.
        cause: String,
    },
    /// No answer in time.
    #[error("the cluster did not answer in time")]
    TimedOut,
    /// The cluster does not know who asks.
    #[error("the cluster does not accept the token")]
    Unauthorized,
    /// The cluster knows who asks, and that they may not.
    #[error("the cluster refuses: {said}")]
    Forbidden {
        /// The cluster's own words: who may not do what.
        said: String,
    },
    /// Somebody changed the object meanwhile.
    #[error("the object was changed meanwhile")]
    Conflict,
    /// The object is not what a patch tests for, or would not be taken.
    #[error("the cluster does not take the change: {said}")]
    Invalid {
        /// The cluster's own words.
        said: String,
    },
    /// The answer is not a Kubernetes API's.
    #[error("the answer is not one of a Kubernetes API: {cause}")]
    Garbage {
        /// What was wrong with it.
        cause: String,
    },
    /// A namespace or a name that Kubernetes could not have.
    #[error("`{0}` cannot be the name of a namespace, a Deployment or a StatefulSet")]
    BadName(String),
    /// The settings in `leverframe.yaml` cannot be used.
    #[error("the settings under `clusters` cannot be used: {0}")]
    Settings(NetError),
}

impl ClusterError {
    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreachable { .. } | Self::TimedOut => {
                "Look whether the cluster's API answers from here; it is asked again by itself.".into()
            }
            Self::Unauthorized => {
                "Put a fresh token of the bot's service account into `clusters` in `leverframe.yaml`.".into()
            }
            Self::Forbidden { .. } => {
                "Give the bot's service account the rights of `deploy/rbac.yaml` in that namespace.".into()
            }
            Self::Conflict => "It is tried again by itself.".into(),
            Self::Invalid { .. } => "Look at the object, and ask again for what it shall be.".into(),
            Self::Garbage { .. } => "Look whether `api` under `clusters` is the address of the cluster's API.".into(),
            Self::BadName(_) => "Mend `namespace` or the service's name in `.leverframe/catalog.yaml`.".into(),
            Self::Settings(error) => error.remedy(),
        }
    }

    /// Whether asking again later may help without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            // What stands between may answer in its place for a while.
            Self::Unreachable { .. } | Self::TimedOut | Self::Conflict | Self::Garbage { .. } => true,
            Self::Unauthorized
            | Self::Forbidden { .. }
            | Self::Invalid { .. }
            | Self::BadName(_)
            | Self::Settings(_) => false,
        }
    }
}

/// One cluster. Clones share the connections.
#[derive(Clone)]
pub struct Cluster {
    kube: kube::Client,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

impl Cluster {
    /// A cluster whose API is at `api` (a path in it is kept). Nothing is sent yet. Must be called within a
    /// tokio runtime, which kube's queue runs on.
    ///
    /// # Errors
    /// When `api` is not an HTTP address, or the token cannot stand in a header.
    pub fn new(http: reqwest::Client, api: &Url, token: Option<&Secret>) -> Result<Self, ClusterError> {
        let service = HttpService::at(http, api, token).map_err(ClusterError::Settings)?;
        Ok(Self { kube: kube::Client::new(service, "default") })
    }

    /// The same with a token that somebody else renews.
    ///
    /// # Errors
    /// As [`Cluster::new`].
    pub fn renewed(http: reqwest::Client, api: &Url, token: (&Secret, Renewal)) -> Result<Self, ClusterError> {
        let service = HttpService::renewed(http, api, token).map_err(ClusterError::Settings)?;
        Ok(Self { kube: kube::Client::new(service, "default") })
    }

    /// The Deployment of that name, or else the StatefulSet, with its pods; none where there is neither.
    ///
    /// # Errors
    /// When the cluster cannot be reached, refuses, or answers something else than a Kubernetes API.
    pub async fn workload(&self, namespace: &str, name: &str) -> Result<Option<Workload>, ClusterError> {
        checked(namespace)?;
        checked(name)?;
        if let Some(found) = self.named::<Deployment>(namespace, name).await? {
            let pods = self.pods(namespace, found.spec.as_ref().map(|spec| &spec.selector)).await?;
            return Ok(Some(workload::of_deployment(&found, &pods)));
        }
        let Some(found) = self.named::<StatefulSet>(namespace, name).await? else { return Ok(None) };
        let pods = self.pods(namespace, found.spec.as_ref().map(|spec| &spec.selector)).await?;
        Ok(Some(workload::of_stateful_set(&found, &pods)))
    }

    /// What a ConfigMap holds as text; none where it is not there.
    ///
    /// # Errors
    /// As [`Cluster::workload`].
    pub async fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<BTreeMap<String, String>>, ClusterError> {
        checked(namespace)?;
        checked(name)?;
        Ok(self.named::<ConfigMap>(namespace, name).await?.map(|found| found.data.unwrap_or_default()))
    }

    async fn named<K>(&self, namespace: &str, name: &str) -> Result<Option<K>, ClusterError>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        let request = kube::core::Request::new(K::url_path(&(), Some(namespace))).get(name, &GetParams::default());
        self.fetch(request.map_err(|error| ClusterError::Garbage { cause: error.to_string() })?).await
    }

    /// One object of any kind, as it is.
    async fn object(&self, kind: &ApiResource, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
        checked(namespace)?;
        checked(name)?;
        let path = DynamicObject::url_path(kind, Some(namespace));
        let request = kube::core::Request::new(path).get(name, &GetParams::default());
        self.fetch(request.map_err(|error| ClusterError::Garbage { cause: error.to_string() })?).await
    }

    /// Merges members into an object. An object that is gone is none of our business any more.
    async fn patch(&self, kind: &ApiResource, at: (&str, &str), patch: &Value) -> Result<(), ClusterError> {
        let (namespace, name) = at;
        checked(namespace)?;
        checked(name)?;
        let path = DynamicObject::url_path(kind, Some(namespace));
        let parameters = PatchParams { field_manager: Some("leverframe".to_owned()), ..PatchParams::default() };
        let request = kube::core::Request::new(path).patch(name, &parameters, &Patch::Merge(patch));
        let request = request.map_err(|error| ClusterError::Garbage { cause: error.to_string() })?;
        self.fetch::<Value>(request).await.map(drop)
    }

    /// The pods that a selector picks. An empty selector picks none: to Kubernetes it would be all.
    async fn pods(&self, namespace: &str, selector: Option<&LabelSelector>) -> Result<Vec<Pod>, ClusterError> {
        let garbage = |cause: String| ClusterError::Garbage { cause };
        let selector = selector.cloned().unwrap_or_default();
        let selector = Selector::try_from(selector).map_err(|error| garbage(error.to_string()))?;
        if selector.selects_all() {
            return Ok(Vec::new());
        }
        let parameters = ListParams::default().labels_from(&selector);
        let request = kube::core::Request::new(Pod::url_path(&(), Some(namespace))).list(&parameters);
        let list: Option<ObjectList<Pod>> = self.fetch(request.map_err(|error| garbage(error.to_string()))?).await?;
        Ok(list.map(|list| list.items).unwrap_or_default())
    }

    /// One object, or none where the cluster says that there is none.
    async fn fetch<K: DeserializeOwned>(&self, request: Request<Vec<u8>>) -> Result<Option<K>, ClusterError> {
        let answer = tokio::time::timeout(PATIENCE, self.kube.request_text(request)).await;
        match answer.map_err(|_| ClusterError::TimedOut)? {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(|error| unreadable(&error)),
            Err(kube::Error::Api(status)) if status.code == 404 && status.reason == "NotFound" => Ok(None),
            Err(error) => Err(sorted(error)),
        }
    }
}

/// Names stand in the address of a request, so they must be nothing but names.
fn checked(name: &str) -> Result<(), ClusterError> {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let fits = bytes.len() <= 253
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    if fits { Ok(()) } else { Err(ClusterError::BadName(name.chars().take(80).collect())) }
}

/// Where it could not be read, without what stood there.
fn unreadable(error: &serde_json::Error) -> ClusterError {
    ClusterError::Garbage { cause: format!("unexpected JSON at line {}, column {}", error.line(), error.column()) }
}

/// Sorts what kube says by what can be done about it.
fn sorted(error: kube::Error) -> ClusterError {
    if let kube::Error::Api(status) = &error {
        return refused(status);
    }
    let text = said(&error.to_string());
    let kube::Error::Service(cause) = error else { return ClusterError::Garbage { cause: text } };
    match cause.downcast::<NetError>().map(|error| *error) {
        Ok(NetError::TimedOut { .. }) => ClusterError::TimedOut,
        Ok(error) if error.is_passing() => ClusterError::Unreachable { cause: error.to_string() },
        Ok(error) => ClusterError::Garbage { cause: error.to_string() },
        Err(other) => lost(other.as_ref()),
    }
}

/// A connection that broke while the answer was read.
fn lost(cause: &(dyn std::error::Error + 'static)) -> ClusterError {
    let mut causes = std::iter::successors(Some(cause), |cause| cause.source());
    match causes.find_map(|cause| cause.downcast_ref::<reqwest::Error>()).map(NetError::of) {
        Some(NetError::TimedOut { .. }) => ClusterError::TimedOut,
        Some(error) => ClusterError::Unreachable { cause: error.to_string() },
        None => ClusterError::Unreachable { cause: said(&cause.to_string()) },
    }
}

fn refused(status: &Status) -> ClusterError {
    match (status.code, status.reason.as_str()) {
        (401, _) | (_, "Unauthorized") => ClusterError::Unauthorized,
        (409, _) | (_, "Conflict") => ClusterError::Conflict,
        (422, _) | (_, "Invalid") => ClusterError::Invalid { said: said(&status.message) },
        (403, _) | (_, "Forbidden") => ClusterError::Forbidden { said: said(&status.message) },
        (429 | 500..=599, _) => {
            ClusterError::Unreachable { cause: format!("{}: {}", status.code, said(&status.message)) }
        }
        (code, _) => ClusterError::Garbage { cause: format!("{code}: {}", said(&status.message)) },
    }
}

/// The first line of what somebody said, cut.
fn said(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(SAID).collect()
}

#[cfg(test)]
mod tests;
