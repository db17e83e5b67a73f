//! Flux's Kustomizations and HelmReleases, with the source that they depend on: read, and asked to reconcile.

use kube::core::ApiResource;
use serde_json::{Value, json};

use super::{
    Cluster, ClusterError, holding,
    reconciler::{Call, Mark, Order, Reconciler, annotation, items, kind, text},
};
use crate::core::{
    catalog::FluxKind,
    reconciler::{
        Hold, Seen, Undoes,
        flux::{Condition, Flux, HelmRelease, Kustomization, Object},
        undo::{self, Spot},
    },
};

const REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";
const APPLIED_BY: [&str; 2] = ["kustomize.toolkit.fluxcd.io/namespace", "kustomize.toolkit.fluxcd.io/name"];

/// One Kustomization or HelmRelease.
pub(super) struct FluxObject {
    pub(super) cluster: Cluster,
    pub(super) kind: FluxKind,
    pub(super) name: String,
    pub(super) namespace: String,
}

/// The objects as they are.
struct Raw {
    source: Option<Value>,
    kustomization: Option<Value>,
    release: Option<Value>,
}

pub(super) fn kustomizations() -> ApiResource {
    kind(("kustomize.toolkit.fluxcd.io", "v1"), "Kustomization", "kustomizations")
}

fn releases() -> ApiResource {
    kind(("helm.toolkit.fluxcd.io", "v2"), "HelmRelease", "helmreleases")
}

/// The kinds of sources that carry commits.
fn sources(kind_of: &str) -> Option<ApiResource> {
    let plural = match kind_of {
        "GitRepository" => "gitrepositories",
        "OCIRepository" => "ocirepositories",
        _ => return None,
    };
    Some(kind(("source.toolkit.fluxcd.io", "v1"), kind_of, plural))
}

impl Reconciler for FluxObject {
    fn read(&self) -> Call<'_, Seen> {
        Box::pin(async {
            let raw = self.fetch().await?;
            let named = match self.kind {
                FluxKind::Kustomization => &raw.kustomization,
                FluxKind::HelmRelease => &raw.release,
            };
            if named.is_none() {
                let word = self.word();
                let words = format!("there is no Flux {word} `{}` in the namespace `{}`", self.name, self.namespace);
                return Ok(Seen::Missing(words));
            }
            Ok(Seen::Flux(Box::new(Flux {
                source: raw.source.as_ref().map(object),
                kustomization: raw.kustomization.as_ref().map(kustomization),
                release: raw.release.as_ref().map(release),
            })))
        })
    }

    /// Flux applies by itself what it fetched, so being told to sync is being told to look.
    fn tell<'a>(&'a self, order: Order<'a>) -> Call<'a, ()> {
        Box::pin(async move {
            match order {
                Order::Refresh { mark } => self.refresh(mark).await,
                Order::LookAgain { mark } => self.ask(&self.resource(), &self.namespace, &self.name, mark).await,
                Order::Sync { version, .. } => self.refresh(version).await,
            }
        })
    }

    fn hold(&self) -> Call<'_, Option<Hold>> {
        Box::pin(holding::of_flux(self))
    }

    fn undoes<'a>(&'a self, spot: Spot<'a>) -> Call<'a, Option<Undoes>> {
        Box::pin(async move {
            let found = self.cluster.object(&self.resource(), &self.namespace, &self.name).await?;
            Ok(match (found, self.kind) {
                (None, _) => Some(Undoes::Nobody),
                (Some(found), FluxKind::Kustomization) => Some(undo::of_kustomization(&found)),
                (Some(found), FluxKind::HelmRelease) => undo::of_release(&found, &spot),
            })
        })
    }

    fn pause<'a>(&'a self, mark: &'a Mark<'a>) -> Call<'a, ()> {
        let patch = holding::pause_flux(mark);
        Box::pin(async move { self.cluster.patch(&self.resource(), (&self.namespace, &self.name), &patch).await })
    }

    fn go_on<'a>(&'a self, before: Option<&'a Value>, version: &'a str) -> Call<'a, ()> {
        let patch = holding::flux_goes_on(before, version);
        Box::pin(async move { self.cluster.patch(&self.resource(), (&self.namespace, &self.name), &patch).await })
    }
}

impl FluxObject {
    fn word(&self) -> &'static str {
        match self.kind {
            FluxKind::Kustomization => "Kustomization",
            FluxKind::HelmRelease => "HelmRelease",
        }
    }

    pub(super) fn resource(&self) -> ApiResource {
        match self.kind {
            FluxKind::Kustomization => kustomizations(),
            FluxKind::HelmRelease => releases(),
        }
    }

    async fn fetch(&self) -> Result<Raw, ClusterError> {
        let (release, applied_by) = match self.kind {
            FluxKind::Kustomization => (None, Some((self.namespace.clone(), self.name.clone()))),
            FluxKind::HelmRelease => {
                let release = self.cluster.object(&releases(), &self.namespace, &self.name).await?;
                let applied_by = release.as_ref().and_then(applied_by);
                (release, applied_by)
            }
        };
        let kustomization = match &applied_by {
            Some((namespace, name)) => self.cluster.object(&kustomizations(), namespace, name).await?,
            None => None,
        };
        let source = match kustomization.as_ref().and_then(source_of) {
            // Without rights on its source the Kustomization still tells what it applied.
            Some((kind, namespace, name)) => match self.cluster.object(&kind, &namespace, &name).await {
                Err(ClusterError::Forbidden { .. }) => None,
                found => found?,
            },
            None => None,
        };
        Ok(Raw { source, kustomization, release })
    }

    /// Asks the source first: what it fetches anew reaches the Kustomization by itself.
    async fn refresh(&self, mark: &str) -> Result<(), ClusterError> {
        let raw = self.fetch().await?;
        if let Some((kind, namespace, name)) = raw.kustomization.as_ref().and_then(source_of) {
            self.ask(&kind, &namespace, &name, mark).await?;
        }
        if let Some(found) = &raw.kustomization {
            let (namespace, name) = (text(found, "/metadata/namespace"), text(found, "/metadata/name"));
            self.ask(&kustomizations(), &namespace, &name, mark).await?;
        }
        Ok(())
    }

    async fn ask(&self, kind: &ApiResource, namespace: &str, name: &str, mark: &str) -> Result<(), ClusterError> {
        let patch = json!({"metadata": {"annotations": {REQUESTED: mark}}});
        self.cluster.patch(kind, (namespace, name), &patch).await
    }
}

/// Which Kustomization applies a HelmRelease: its namespace and name.
fn applied_by(release: &Value) -> Option<(String, String)> {
    let labels = release.pointer("/metadata/labels")?;
    let [namespace, name] = APPLIED_BY.map(|label| labels.get(label).and_then(Value::as_str));
    Some((namespace?.to_owned(), name?.to_owned()))
}

/// The source of a Kustomization: its kind, namespace and name.
fn source_of(found: &Value) -> Option<(ApiResource, String, String)> {
    let own = text(found, "/metadata/namespace");
    let namespace = Some(text(found, "/spec/sourceRef/namespace")).filter(|other| !other.is_empty());
    let kind = sources(&text(found, "/spec/sourceRef/kind"))?;
    Some((kind, namespace.unwrap_or(own), text(found, "/spec/sourceRef/name")))
}

pub(super) fn object(found: &Value) -> Object {
    let number = |pointer: &str| found.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    Object {
        kind: text(found, "/kind"),
        namespace: text(found, "/metadata/namespace"),
        name: text(found, "/metadata/name"),
        generation: number("/metadata/generation"),
        observed_generation: number("/status/observedGeneration"),
        is_suspended: found.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or_default(),
        requested: annotation(found, REQUESTED),
        handled: Some(text(found, "/status/lastHandledReconcileAt")).filter(|mark| !mark.is_empty()),
        conditions: items(found, "/status/conditions").map(condition).collect(),
        revision: text(found, "/status/artifact/revision"),
    }
}

fn condition(found: &Value) -> Condition {
    Condition {
        kind: text(found, "/type"),
        status: text(found, "/status"),
        reason: text(found, "/reason"),
        message: text(found, "/message"),
    }
}

/// Where the source is no git repository, the commit that it was made from stands in a place of its own.
pub(super) fn kustomization(found: &Value) -> Kustomization {
    let (applied, attempted) =
        (text(found, "/status/lastAppliedRevision"), text(found, "/status/lastAttemptedRevision"));
    let origin = Some(text(found, "/status/lastAppliedOriginRevision")).filter(|origin| !origin.is_empty());
    let of = |own: &str| origin.clone().unwrap_or_else(|| own.to_owned());
    Kustomization {
        object: object(found),
        applied: of(&applied),
        attempted: of(&attempted),
        source_revisions: (applied, attempted),
        inventory: items(found, "/status/inventory/entries").map(|entry| text(entry, "/id")).collect(),
    }
}

pub(super) fn release(found: &Value) -> HelmRelease {
    let newest = |member: &str| text(found, &format!("/status/history/0/{member}"));
    HelmRelease {
        object: object(found),
        status: newest("status"),
        released: newest("configDigest"),
        attempted: text(found, "/status/lastAttemptedConfigDigest"),
    }
}
