//! Changing one value of one object directly, with a JSON patch that tests first what it is about; and who else owns
//! that value. Nothing else of what runs is ever changed.

use http::{Method, Request, header::CONTENT_TYPE};
use kube::Resource as _;
use kube::core::{ApiResource, DynamicObject};
use serde_json::Value;

use super::{
    Cluster, ClusterError, checked,
    reconciler::{items, kind, text},
};
use crate::core::break_glass::{Kind, Object};

/// Whether a patch is only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    /// Everything is checked, and nothing is kept.
    Yes,
    /// It is done.
    No,
}

pub(super) fn resource(of: Kind) -> ApiResource {
    let (group, version) = of.api_version().split_once('/').unwrap_or_default();
    kind((group, version), of.word(), of.plural())
}

impl Cluster {
    /// The Deployment of that name, or else the StatefulSet, as it is.
    ///
    /// # Errors
    /// As [`Cluster::workload`].
    pub async fn raw_workload(&self, namespace: &str, name: &str) -> Result<Option<(Kind, Value)>, ClusterError> {
        for kind in [Kind::Deployment, Kind::StatefulSet] {
            if let Some(found) = self.object(&resource(kind), namespace, name).await? {
                return Ok(Some((kind, found)));
            }
        }
        Ok(None)
    }

    /// An object as it is; none where it is gone.
    ///
    /// # Errors
    /// As [`Cluster::workload`].
    pub async fn live(&self, object: &Object) -> Result<Option<Value>, ClusterError> {
        self.object(&resource(object.kind), &object.namespace, &object.name).await
    }

    /// The autoscaler that owns the count of a workload, where there is one.
    ///
    /// # Errors
    /// As [`Cluster::workload`].
    pub async fn autoscaler(&self, namespace: &str, of: Kind, name: &str) -> Result<Option<Value>, ClusterError> {
        checked(namespace)?;
        let path = DynamicObject::url_path(&resource(Kind::HorizontalPodAutoscaler), Some(namespace));
        let request = kube::core::Request::new(path).list(&kube::api::ListParams::default());
        let request = request.map_err(|error| ClusterError::Garbage { cause: error.to_string() })?;
        let list: Value = self.fetch(request).await?.unwrap_or_default();
        let owns = |one: &&Value| {
            text(one, "/spec/scaleTargetRef/kind") == of.word() && text(one, "/spec/scaleTargetRef/name") == name
        };
        Ok(items(&list, "/items").find(owns).cloned())
    }

    /// Merges members into one object. Where the patch names a uid, another object of that name is
    /// [`ClusterError::Conflict`].
    ///
    /// # Errors
    /// As [`Cluster::workload`].
    pub async fn merge(&self, object: &Object, patch: &Value) -> Result<(), ClusterError> {
        self.patch(&resource(object.kind), (&object.namespace, &object.name), patch).await
    }

    /// Patches one object, and gives it back as it is then. A test in the patch that does not hold changes nothing and
    /// is [`ClusterError::Invalid`].
    ///
    /// # Errors
    /// As [`Cluster::workload`], and where the cluster does not take the patch.
    pub async fn change(&self, object: &Object, patch: &[Value], dry: DryRun) -> Result<Value, ClusterError> {
        checked(&object.namespace)?;
        checked(&object.name)?;
        let garbage = |cause: String| ClusterError::Garbage { cause };
        let path = DynamicObject::url_path(&resource(object.kind), Some(&object.namespace));
        let tried = if dry == DryRun::Yes { "&dryRun=All" } else { "" };
        let body = serde_json::to_vec(patch).map_err(|error| garbage(error.to_string()))?;
        let request = Request::builder()
            .method(Method::PATCH)
            .uri(format!("{path}/{}?fieldManager=leverframe{tried}", object.name))
            .header(CONTENT_TYPE, "application/json-patch+json")
            .body(body)
            .map_err(|error| garbage(error.to_string()))?;
        let gone = || ClusterError::Invalid { said: format!("{object} is gone") };
        self.fetch(request).await?.ok_or_else(gone)
    }
}
