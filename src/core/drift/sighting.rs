//! What a watch keeps of an object: the values that levers move, and who wrote them as the cluster has it. Read from the
//! object's JSON; everything else of it is let go at once, so that a thousand of them stay small.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::{
    break_glass::{Kind, Way},
    names::Field,
};

/// Who wrote a value last, by `metadata.managedFields`. A client chooses its name, so it is a hint and no proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// The name that the client gave itself: `kubectl`.
    pub manager: String,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<Timestamp>,
}

/// What that name tells of who wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// What follows git.
    Follower,
    /// An autoscaler, or another controller of Kubernetes.
    Controller,
    /// Ourselves.
    Us,
    /// Somebody else: a person or a script.
    SomebodyElse,
}

const FOLLOWERS: [&str; 7] = ["argocd", "kustomize-controller", "helm-controller", "flux", "gotk", "helm", "kluctl"];
const CONTROLLERS: [&str; 6] = [
    "kube-controller-manager",
    "horizontal-pod-autoscaler",
    "keda",
    "vpa-",
    "cluster-autoscaler",
    "rollouts-controller",
];

impl Hand {
    /// What the name tells.
    pub fn writer(&self) -> Writer {
        let begins = |names: &[&str]| names.iter().any(|name| self.manager.starts_with(name));
        if self.manager == "leverframe" {
            Writer::Us
        } else if begins(&FOLLOWERS) {
            Writer::Follower
        } else if begins(&CONTROLLERS) {
            Writer::Controller
        } else {
            Writer::SomebodyElse
        }
    }
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image, as it is written.
    pub image: String,
    /// Who wrote that.
    pub by: Option<Hand>,
}

/// What of an object is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Its kind.
    pub kind: Kind,
    /// Where it is.
    pub namespace: String,
    /// What it is called.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// `spec.replicas`; 1 where nothing is said.
    pub replicas: i64,
    /// Who wrote that.
    pub replicas_by: Option<Hand>,
    /// Its containers.
    pub containers: Vec<Container>,
    /// Of an autoscaler: the kind and name of what it scales.
    pub scales: Option<(String, String)>,
    /// Whether what follows git is told on the object itself to leave it alone.
    pub is_left_alone: bool,
}

/// One value of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// As people write it.
    pub live: String,
    /// As the object writes it.
    pub value: Value,
    /// Where it is.
    pub pointer: String,
    /// What stands beside it and must still stand there.
    pub beside: Vec<(String, Value)>,
    /// Who wrote it.
    pub by: Option<Hand>,
}

const LEFT_ALONE: [(&str, &[&str]); 3] = [
    ("kustomize.toolkit.fluxcd.io/reconcile", &["disabled"]),
    ("kustomize.toolkit.fluxcd.io/ssa", &["Ignore", "IfNotPresent"]),
    ("helm.toolkit.fluxcd.io/driftDetection", &["disabled"]),
];

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Sighting {
    /// Reads an object.
    pub fn of(kind: Kind, object: &Value) -> Self {
        let annotations = object.pointer("/metadata/annotations");
        let says = |(name, values): &(&str, &[&str])| {
            let value = annotations.and_then(|all| all.get(*name)).and_then(Value::as_str);
            value.is_some_and(|value| values.contains(&value))
        };
        let found = object.pointer("/spec/template/spec/containers").and_then(Value::as_array);
        let containers = found.into_iter().flatten().map(|one| {
            let name = text(one, "/name");
            let place =
                ["f:spec", "f:template", "f:spec", "f:containers", &format!("k:{{\"name\":\"{name}\"}}"), "f:image"];
            Container { image: text(one, "/image"), by: writer(object, &place), name }
        });
        let scaled = (text(object, "/spec/scaleTargetRef/kind"), text(object, "/spec/scaleTargetRef/name"));
        Self {
            kind,
            namespace: text(object, "/metadata/namespace"),
            name: text(object, "/metadata/name"),
            uid: text(object, "/metadata/uid"),
            replicas: object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1),
            replicas_by: writer(object, &["f:spec", "f:replicas"]),
            containers: containers.collect(),
            scales: (!scaled.1.is_empty()).then_some(scaled),
            is_left_alone: LEFT_ALONE.iter().any(says),
        }
    }

    /// A value of it; `None` where it has none of that, or where `image` does not tell which container is meant.
    pub fn value(&self, field: &Field, image: Option<&str>) -> Option<Seen> {
        match field {
            Field::Replicas => Some(Seen {
                live: self.replicas.to_string(),
                value: Value::from(self.replicas),
                pointer: "/spec/replicas".to_owned(),
                beside: Vec::new(),
                by: self.replicas_by.clone(),
            }),
            Field::ImageTag => self.tag(image),
            Field::ImageDigest
            | Field::ReplicasMin
            | Field::ReplicasMax
            | Field::Cpu
            | Field::Memory
            | Field::Env(_)
            | Field::Config(_) => None,
        }
    }

    /// The tag of the service's own image. An image by digest alone has none to compare.
    fn tag(&self, image: Option<&str>) -> Option<Seen> {
        let own = |one: &Container| image == Some(parted(&one.image).0);
        let index = self.containers.iter().position(own);
        let index = index.or_else(|| (self.containers.len() == 1).then_some(0))?;
        let container = self.containers.get(index)?;
        let under = format!("/spec/template/spec/containers/{index}");
        Some(Seen {
            live: parted(&container.image).1?.to_owned(),
            value: Value::from(container.image.as_str()),
            pointer: format!("{under}/image"),
            beside: vec![(format!("{under}/name"), Value::from(container.name.as_str()))],
            by: container.by.clone(),
        })
    }
}

impl Seen {
    /// The way from what git says to this, as the object writes both; `None` where git's word cannot stand there.
    pub fn way_from(&self, git: &str) -> Option<Way> {
        let from = match &self.value {
            Value::Number(_) => Value::from(git.parse::<i64>().ok()?),
            Value::String(image) => Value::from(format!("{}:{git}", parted(image).0)),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(Way { pointer: self.pointer.clone(), from, to: self.value.clone() })
    }
}

/// Repository and tag of `repository:tag@digest`.
fn parted(image: &str) -> (&str, Option<&str>) {
    let named = image.split_once('@').map_or(image, |(named, _)| named);
    match named.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        Some(_) | None => (named, (named == image).then_some("latest")),
    }
}

/// Who owns a field: of several the one who wrote last.
fn writer(object: &Value, place: &[&str]) -> Option<Hand> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array)?;
    let owns = |entry: &&Value| {
        let start = entry.get("fieldsV1");
        place.iter().try_fold(start, |at, step| at.map(|at| at.get(*step))).flatten().is_some()
    };
    let hand = |entry: &Value| Hand { manager: text(entry, "/manager"), at: text(entry, "/time").parse().ok() };
    entries.iter().filter(owns).map(hand).max_by_key(|hand| hand.at)
}
