//! What a reconciler will do about a value that somebody changed by hand, and when. Read from its object as JSON; what
//! the team told it to leave alone is no difference to anybody.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What it will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "when", rename_all = "snake_case")]
pub enum Undoes {
    /// It sets it back as soon as it sees it.
    AtOnce,
    /// It sets it back when its time comes.
    Within {
        /// How long that is at most, as its object says: `10m0s`.
        interval: String,
    },
    /// It sets it back with the next change of git.
    WithNextChange,
    /// Only when somebody tells it to.
    WhenTold,
    /// It is held off.
    Held,
    /// Nothing follows git there, or nobody can see what does.
    Nobody,
}

/// Where the value is.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'a> {
    /// The kind of its object.
    pub kind: &'a str,
    /// What that is called.
    pub name: &'a str,
    /// The JSON pointer to the value.
    pub pointer: &'a str,
    /// Who wrote it, as the cluster has it.
    pub manager: Option<&'a str>,
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn texts<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a str> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// An Argo CD Application; `None` where it is told to leave this alone.
pub fn of_application(found: &Value, spot: &Spot<'_>) -> Option<Undoes> {
    let rules = found.pointer("/spec/ignoreDifferences").and_then(Value::as_array);
    if rules.into_iter().flatten().any(|rule| covers(rule, spot)) {
        return None;
    }
    let automated = found.pointer("/spec/syncPolicy/automated").filter(|value| !value.is_null());
    Some(match automated {
        None => Undoes::WhenTold,
        Some(automated) if automated.get("enabled") == Some(&Value::Bool(false)) => Undoes::Held,
        Some(automated) if automated.get("selfHeal") == Some(&Value::Bool(true)) => Undoes::AtOnce,
        Some(_) => Undoes::WithNextChange,
    })
}

/// Whether one of `ignoreDifferences` is about the value.
fn covers(rule: &Value, spot: &Spot<'_>) -> bool {
    let names = |member: &str, own: &str| {
        let named = text(rule, member);
        named.is_empty() || named == "*" || named == own
    };
    let below = |pointer: &str| spot.pointer == pointer || spot.pointer.starts_with(&format!("{pointer}/"));
    let dotted = |path: &str| below(&path.replace('.', "/"));
    let by = || texts(rule, "/managedFieldsManagers").any(|manager| Some(manager) == spot.manager);
    let at = || texts(rule, "/jsonPointers").any(below) || texts(rule, "/jqPathExpressions").any(dotted);
    names("/kind", spot.kind) && names("/name", spot.name) && (at() || by())
}

/// A Flux Kustomization.
pub fn of_kustomization(found: &Value) -> Undoes {
    if found.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Undoes::Held;
    }
    Undoes::Within { interval: text(found, "/spec/interval").to_owned() }
}

/// A Flux HelmRelease; `None` where it is told to leave this alone.
pub fn of_release(found: &Value, spot: &Spot<'_>) -> Option<Undoes> {
    if found.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Some(Undoes::Held);
    }
    let rules = found.pointer("/spec/driftDetection/ignore").and_then(Value::as_array);
    let covers = |rule: &Value| {
        let names = |member: &str, own: &str| matches!(text(rule, member), named if named.is_empty() || named == own);
        let below =
            |path: &str| path.is_empty() || spot.pointer == path || spot.pointer.starts_with(&format!("{path}/"));
        names("/target/kind", spot.kind) && names("/target/name", spot.name) && texts(rule, "/paths").any(below)
    };
    if rules.into_iter().flatten().any(covers) {
        return None;
    }
    Some(match text(found, "/spec/driftDetection/mode") {
        "enabled" => Undoes::Within { interval: text(found, "/spec/interval").to_owned() },
        _ => Undoes::WithNextChange,
    })
}

impl Undoes {
    /// As a sentence of whoever follows git: `what` is `Application argocd/checkout-prod`; `git` is what git says.
    pub fn words(&self, what: &str, git: &str) -> String {
        match self {
            Self::AtOnce => format!("{what} heals itself: it sets it back to {git} at once"),
            Self::Within { interval } if interval.is_empty() => {
                format!("{what} sets it back to {git} when its time comes")
            }
            Self::Within { interval } => format!("{what} sets it back to {git} within {}", spoken(interval)),
            Self::WithNextChange => format!("{what} sets it back to {git} with the next change of git"),
            Self::WhenTold => format!("{what} sets it back to {git} only when somebody syncs"),
            Self::Held => format!("{what} is held off, so nothing sets it back for now"),
            Self::Nobody => "Nothing is known to set it back".to_owned(),
        }
    }
}

/// A length of time as people say it, of one as Go writes it: `1h30m0s` is `1 h 30 min`.
fn spoken(interval: &str) -> String {
    let mut parts = Vec::new();
    for part in interval.split_inclusive(|c: char| c.is_ascii_alphabetic()) {
        let number = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        match part.strip_prefix(number) {
            // `500ms`, of which `s` is no part of its own.
            _ if number.is_empty() => return interval.to_owned(),
            Some("h" | "m" | "s") if number == "0" => {}
            Some("h") => parts.push(format!("{number} h")),
            Some("m") => parts.push(format!("{number} min")),
            Some("s") => parts.push(format!("{number} s")),
            _ => return interval.to_owned(),
        }
    }
    if parts.is_empty() { interval.to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SPOT: Spot<'_> =
        Spot { kind: "Deployment", name: "checkout", pointer: "/spec/replicas", manager: Some("kubectl") };

    #[test]
    fn what_an_application_does_about_a_change_by_hand() {
        let of = |spec: Value| of_application(&json!({"spec": spec}), &SPOT);
        let heals = json!({"automated": {"prune": true, "selfHeal": true}});
        assert_eq!(of(json!({"syncPolicy": heals})), Some(Undoes::AtOnce));
        assert_eq!(of(json!({"syncPolicy": {"automated": {}}})), Some(Undoes::WithNextChange));
        assert_eq!(of(json!({"syncPolicy": {"automated": {"enabled": false}}})), Some(Undoes::Held));
        assert_eq!(of(json!({"syncPolicy": {}})), Some(Undoes::WhenTold));
        for rule in [
            json!({"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}),
            json!({"kind": "*", "jqPathExpressions": [".spec.replicas"]}),
            json!({"kind": "Deployment", "name": "checkout", "jsonPointers": ["/spec"]}),
            json!({"managedFieldsManagers": ["kubectl"]}),
        ] {
            assert_eq!(of(json!({"syncPolicy": heals, "ignoreDifferences": [rule]})), None, "{rule}");
        }
        for rule in [
            json!({"kind": "Deployment", "name": "cart", "jsonPointers": ["/spec/replicas"]}),
            json!({"kind": "StatefulSet", "jsonPointers": ["/spec/replicas"]}),
            json!({"kind": "Deployment", "jsonPointers": ["/spec/template"]}),
            json!({"managedFieldsManagers": ["kube-controller-manager"]}),
        ] {
            assert_eq!(of(json!({"syncPolicy": heals, "ignoreDifferences": [rule]})), Some(Undoes::AtOnce), "{rule}");
        }
    }

    #[test]
    fn what_flux_does_about_it() {
        let kustomization = |spec: Value| of_kustomization(&json!({"spec": spec}));
        assert_eq!(kustomization(json!({"interval": "10m0s"})), Undoes::Within { interval: "10m0s".into() });
        assert_eq!(kustomization(json!({"interval": "10m0s", "suspend": true})), Undoes::Held);
        let release = |spec: Value| of_release(&json!({"spec": spec}), &SPOT);
        assert_eq!(release(json!({"interval": "5m"})), Some(Undoes::WithNextChange));
        let enabled = json!({"interval": "5m", "driftDetection": {"mode": "enabled"}});
        assert_eq!(release(enabled), Some(Undoes::Within { interval: "5m".into() }));
        let ignored =
            json!({"mode": "enabled", "ignore": [{"paths": ["/spec/replicas"], "target": {"kind": "Deployment"}}]});
        assert_eq!(release(json!({"interval": "5m", "driftDetection": ignored})), None);
    }

    #[test]
    fn lengths_are_said_as_people_say_them() {
        for (written, said) in [
            ("10m0s", "10 min"),
            ("1h30m0s", "1 h 30 min"),
            ("90s", "90 s"),
            ("500ms", "500ms"),
            ("0s", "0s"),
            ("x", "x"),
        ] {
            assert_eq!(spoken(written), said);
        }
    }
}
