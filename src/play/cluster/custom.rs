//! Objects of kinds that Kubernetes itself does not have, as JSON: those of Argo CD and Flux. What people and bots may
//! change of them is merged in; their controllers write the status.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::objects::{seconds, uid};
use crate::play::json::put;

/// A kind.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    pub(super) kind: &'static str,
    pub(super) short: &'static [&'static str],
}

impl Kind {
    /// `argoproj.io/v1alpha1`.
    pub(super) fn api(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }
}

/// Argo CD's Application.
pub(super) const APPLICATION: Kind = Kind {
    group: "argoproj.io",
    version: "v1alpha1",
    plural: "applications",
    singular: "application",
    kind: "Application",
    short: &["app", "apps"],
};

/// Flux's Kustomization.
pub(super) const KUSTOMIZATION: Kind = Kind {
    group: "kustomize.toolkit.fluxcd.io",
    version: "v1",
    plural: "kustomizations",
    singular: "kustomization",
    kind: "Kustomization",
    short: &["ks"],
};

/// Flux's GitRepository.
pub(super) const GIT_REPOSITORY: Kind = Kind {
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    plural: "gitrepositories",
    singular: "gitrepository",
    kind: "GitRepository",
    short: &["gitrepo"],
};

/// Why a patch was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unpatched {
    /// There is no such object.
    Missing,
    /// It has another `resourceVersion` by now.
    Conflict,
    /// What was sent is not an object.
    Garbage,
}

/// What of an object anybody may change.
const OPEN: [&str; 2] = ["spec", "operation"];
const OPEN_METADATA: [&str; 2] = ["annotations", "labels"];

type Key = (&'static str, String);

/// The objects of one cluster, by kind and name. Each kind lives in one namespace.
#[derive(Debug, Default)]
pub(super) struct Store {
    objects: BTreeMap<Key, Value>,
    version: u64,
}

impl Store {
    /// Adds an object, with what Kubernetes writes into its metadata.
    pub(super) fn add(
        &mut self,
        kind: &'static Kind,
        (namespace, name): (&str, &str),
        mut object: Value,
        now: Timestamp,
    ) {
        self.version += 1;
        let metadata = json!({"name": name, "namespace": namespace, "generation": 1,
            "uid": uid(&format!("{}/{namespace}/{name}", kind.plural)),
            "resourceVersion": self.version.to_string(), "creationTimestamp": seconds(now)});
        put(&mut object, "apiVersion", json!(kind.api()));
        put(&mut object, "kind", json!(kind.kind));
        put(&mut object, "metadata", metadata);
        self.objects.insert((kind.plural, name.to_owned()), object);
    }

    pub(super) fn get(&self, kind: &Kind, name: &str) -> Option<&Value> {
        self.objects.get(&(kind.plural, name.to_owned()))
    }

    /// All of a kind.
    pub(super) fn all(&self, kind: &Kind) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(|((plural, _), _)| *plural == kind.plural).map(|(_, object)| object)
    }

    pub(super) fn names(&self, kind: &Kind) -> Vec<String> {
        self.all(kind).map(|object| text(object, "/metadata/name").to_owned()).collect()
    }

    /// Changes an object; says whether that made a difference.
    pub(super) fn change(&mut self, kind: &Kind, name: &str, change: impl FnOnce(&mut Value)) -> bool {
        let Some(object) = self.objects.get_mut(&(kind.plural, name.to_owned())) else { return false };
        let before = object.clone();
        change(object);
        if *object == before {
            return false;
        }
        self.version += 1;
        let generation = number(&before, "/metadata/generation") + i64::from(before.get("spec") != object.get("spec"));
        if let Some(metadata) = object.get_mut("metadata") {
            put(metadata, "resourceVersion", json!(self.version.to_string()));
            put(metadata, "generation", json!(generation));
        }
        true
    }

    /// Merges a patch in, as RFC 7396 has it, where it touches what is open to all.
    pub(super) fn patch(&mut self, kind: &Kind, name: &str, patch: &Value) -> Result<(), Unpatched> {
        let found = self.get(kind, name).ok_or(Unpatched::Missing)?;
        if !patch.is_object() {
            return Err(Unpatched::Garbage);
        }
        let named = patch.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        if named.is_some_and(|named| named != text(found, "/metadata/resourceVersion")) {
            return Err(Unpatched::Conflict);
        }
        let open = |members: &[&str], from: Option<&Value>| -> Map<String, Value> {
            let member = |name: &&str| Some(((*name).to_owned(), from?.get(*name)?.clone()));
            members.iter().filter_map(member).collect()
        };
        let mut taken = open(&OPEN, Some(patch));
        taken.insert("metadata".into(), Value::Object(open(&OPEN_METADATA, patch.get("metadata"))));
        self.change(kind, name, |object| merge(object, &Value::Object(taken)));
        Ok(())
    }
}

/// RFC 7396.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The text at a JSON pointer, or nothing.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at a JSON pointer, or zero.
pub(super) fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// An annotation.
pub(super) fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(name)?.as_str()
}

/// Takes an annotation off.
pub(super) fn unannotate(object: &mut Value, name: &str) {
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(name);
    }
}

/// Sets a member of `status`.
pub(super) fn report(object: &mut Value, member: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        put(object.entry("status").or_insert_with(|| json!({})), member, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_reach_what_is_open_and_nothing_else() {
        let mut store = Store::default();
        let object = json!({"spec": {"suspend": true, "path": "x"}, "status": {"ready": true}});
        store.add(&KUSTOMIZATION, ("flux-system", "apps"), object, Timestamp::UNIX_EPOCH);
        let patch = json!({"metadata": {"name": "other", "annotations": {"a": "1"}}, "spec": {"suspend": null},
            "status": {"ready": false}});
        assert_eq!(store.patch(&KUSTOMIZATION, "apps", &patch), Ok(()));
        let found = store.get(&KUSTOMIZATION, "apps").unwrap();
        assert_eq!((&found["spec"], &found["status"]), (&json!({"path": "x"}), &json!({"ready": true})));
        let metadata = &found["metadata"];
        assert_eq!((&metadata["name"], &metadata["generation"]), (&json!("apps"), &json!(2)));
        assert_eq!((&metadata["resourceVersion"], annotation(found, "a")), (&json!("2"), Some("1")));
        let late = json!({"metadata": {"resourceVersion": "1"}, "spec": {"suspend": true}});
        assert_eq!(store.patch(&KUSTOMIZATION, "apps", &late), Err(Unpatched::Conflict));
        assert_eq!(store.patch(&KUSTOMIZATION, "none", &late), Err(Unpatched::Missing));
        assert_eq!(store.patch(&KUSTOMIZATION, "apps", &json!([])), Err(Unpatched::Garbage));
        assert_eq!(number(store.get(&KUSTOMIZATION, "apps").unwrap(), "/metadata/generation"), 2);
    }
}
