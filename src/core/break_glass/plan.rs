//! The exact change of a live object: what is patched, what undoes it, what is held off meanwhile. People approve its
//! digest. A patch tests first that the object is the one that was looked at and still has the value that was shown.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::core::names::{ConnectionName, Digest, Field, Target};

/// A kind of object that is changed or held off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A HorizontalPodAutoscaler.
    HorizontalPodAutoscaler,
    /// An Argo CD Application.
    Application,
    /// A Flux Kustomization.
    Kustomization,
    /// A Flux HelmRelease.
    HelmRelease,
}

impl Kind {
    /// The word for it, as Kubernetes has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::Application => "Application",
            Self::Kustomization => "Kustomization",
            Self::HelmRelease => "HelmRelease",
        }
    }

    /// Group and version.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet => "apps/v1",
            Self::HorizontalPodAutoscaler => "autoscaling/v2",
            Self::Application => "argoproj.io/v1alpha1",
            Self::Kustomization => "kustomize.toolkit.fluxcd.io/v1",
            Self::HelmRelease => "helm.toolkit.fluxcd.io/v2",
        }
    }

    /// As kubectl names several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::HorizontalPodAutoscaler => "horizontalpodautoscalers",
            Self::Application => "applications",
            Self::Kustomization => "kustomizations",
            Self::HelmRelease => "helmreleases",
        }
    }
}

/// One object of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Object {
    /// The cluster, by its name in the configuration.
    pub cluster: ConnectionName,
    /// Its kind.
    pub kind: Kind,
    /// Where it is.
    pub namespace: String,
    /// What it is called.
    pub name: String,
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.kind.word(), self.namespace, self.name)
    }
}

/// One value of an object as it was seen, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The object's uid.
    pub uid: String,
    /// JSON pointers with what stood there and must still stand there: the name of the container, for example.
    pub beside: Vec<(String, Value)>,
    /// The JSON pointer to the value.
    pub way: Way,
}

/// The way to a value, and the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// JSON pointer.
    pub pointer: String,
    /// What stands there.
    pub from: Value,
    /// What shall stand there.
    pub to: Value,
}

/// A planned change of a live object, as the ledger records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LivePlan {
    /// SHA-256 over the RFC 8785 form of the command, the target and `live`.
    pub digest: Digest,
    /// The object.
    pub object: Object,
    /// Its uid.
    pub uid: String,
    /// What the value is called.
    pub field: Field,
    /// Where it is, from what to what.
    pub way: Way,
    /// The value before, as people write it.
    pub old: String,
    /// The value after, as people write it.
    pub new: String,
    /// What git says of the field, where that could be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub git: Option<String>,
    /// The JSON patch, with its tests.
    pub patch: Vec<Value>,
    /// The JSON patch that undoes it, with its tests.
    pub inverse: Vec<Value>,
    /// What is held off meanwhile.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pause: Option<Object>,
    /// What people should know beside it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub remarks: Vec<String>,
}

/// Plans the change of one value.
///
/// # Errors
/// When a value holds a number that RFC 8785 cannot write.
pub fn describe(
    target: &Target,
    object: Object,
    live: &Live,
    (field, old, new): (Field, String, String),
) -> Result<LivePlan, serde_json::Error> {
    let Way { pointer, from, to } = &live.way;
    let (patch, inverse) = (patch(live, pointer, (from, to)), self::patch(live, pointer, (to, from)));
    let change = json!({
        "v": 1, "command": "breakglass", "service": target.service, "environment": target.environment,
        "live": {
            "cluster": object.cluster, "apiVersion": object.kind.api_version(), "kind": object.kind,
            "namespace": object.namespace, "name": object.name, "uid": live.uid, "patch": patch,
        },
    });
    let digest = Digest::of(&serde_json_canonicalizer::to_vec(&change)?);
    Ok(LivePlan {
        digest,
        object,
        uid: live.uid.clone(),
        field,
        way: live.way.clone(),
        old,
        new,
        git: None,
        patch,
        inverse,
        pause: None,
        remarks: Vec::new(),
    })
}

/// First the tests, then the one change.
fn patch(live: &Live, pointer: &str, (from, to): (&Value, &Value)) -> Vec<Value> {
    let test = |path: &str, value: &Value| json!({"op": "test", "path": path, "value": value});
    let mut patch = vec![test("/metadata/uid", &json!(live.uid))];
    patch.extend(live.beside.iter().map(|(path, value)| test(path, value)));
    patch.extend([test(pointer, from), json!({"op": "replace", "path": pointer, "value": to})]);
    patch
}
