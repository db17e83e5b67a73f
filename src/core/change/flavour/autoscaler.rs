//! Autoscalers: a HorizontalPodAutoscaler or a KEDA ScaledObject that owns the workload's replicas.

use super::Candidate;
use crate::core::{
    change::{
        Flavour,
        at::At,
        binding::{Form, Presence},
        sight::{Fit, Sight},
    },
    names::Field,
};

/// The key of the fewest or the most, and what holds where it is missing.
fn key(kind: &str, field: &Field) -> Option<(&'static str, Option<&'static str>)> {
    match (kind, field) {
        ("HorizontalPodAutoscaler", Field::ReplicasMin) => Some(("minReplicas", Some("1"))),
        ("HorizontalPodAutoscaler", Field::ReplicasMax) => Some(("maxReplicas", None)),
        ("ScaledObject", Field::ReplicasMin) => Some(("minReplicaCount", Some("0"))),
        ("ScaledObject", Field::ReplicasMax) => Some(("maxReplicaCount", Some("100"))),
        _ => None,
    }
}

impl<'s> Sight<'s> {
    /// The fewest or the most of the autoscalers among these documents that own the service's workload.
    pub(in crate::core::change) fn autoscalers(&self, documents: &[At<'s>]) -> Vec<Candidate> {
        let containers = self.containers(&self.manifests());
        let owns = |at: &At<'s>| {
            let Some(target) = at.keys(&["spec", "scaleTargetRef"]) else { return Fit::Unnamed };
            let (kind, name) = (target.text_of("kind"), target.text_of("name").unwrap_or_default());
            let is_it =
                |(of, called): &(String, String)| *called == name && kind.as_ref().is_none_or(|kind| kind == of);
            if containers.iter().any(|one| is_it(&one.workload)) { Fit::Service } else { self.fit(&name) }
        };
        let known = !containers.is_empty();
        let scalers = documents.iter().filter_map(|at| Some((at, key(&at.kind(), self.field)?)));
        let fitting = scalers.map(|(at, key)| (at, key, owns(at))).filter(|(.., fit)| !known || *fit >= Fit::Service);
        fitting.filter_map(|(at, key, fit)| self.bound(at, key, fit)).collect()
    }

    fn bound(&self, at: &At<'s>, (key, usual): (&str, Option<&str>), fit: Fit) -> Option<Candidate> {
        let mut candidate = Candidate::key(self, &at.key("spec")?, key, (Flavour::Autoscaler, Form::Value, fit));
        if candidate.binding.presence != Presence::There {
            candidate.binding.presence = Presence::Added { now: usual.map(str::to_owned) };
        }
        Some(candidate)
    }

    /// The same in a patch, where it is written there.
    pub(super) fn patched_bound(&self, patch: &At<'s>) -> Option<Candidate> {
        let (key, _) = key(&patch.kind(), self.field)?;
        let at = patch.key("spec")?.key(key)?;
        Some(Candidate::new(self, &at, Flavour::Patch, Form::Value, self.fit(&patch.name()).max(Fit::Near)))
    }
}
