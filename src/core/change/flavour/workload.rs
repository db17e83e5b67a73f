//! Workloads as they are applied: Deployment, StatefulSet, DaemonSet, Job, CronJob, Pod, Argo Rollout. The container
//! is the one with the catalog's image, else the one named like the service, else the only one.

use super::{Candidate, is_image};
use crate::core::{
    change::{
        Flavour,
        at::At,
        binding::{Form, Presence},
        image::split_image,
        sight::{Fit, Sight},
    },
    names::Field,
    yaml::Path,
};

/// A container of a workload.
#[derive(Debug, Clone)]
pub(in crate::core::change) struct Container<'s> {
    pub(in crate::core::change) at: At<'s>,
    pub(in crate::core::change) fit: Fit,
    /// The workload's API: `apps/v1`.
    pub(in crate::core::change) api: String,
    /// The workload's kind and name.
    pub(in crate::core::change) workload: (String, String),
    pub(in crate::core::change) name: Option<String>,
    /// Its place among the containers.
    pub(in crate::core::change) place: usize,
    pub(in crate::core::change) image: Option<String>,
    /// The images of other containers of the same pod that are the same.
    pub(in crate::core::change) twins: Vec<Path>,
}

impl Container<'_> {
    /// The image without tag and digest.
    pub(in crate::core::change) fn repository(&self) -> Option<&str> {
        self.image.as_deref().map(|image| split_image(image).repository)
    }
}

/// The way to the pod's specification.
pub(super) fn pod(kind: &str) -> Option<&'static [&'static str]> {
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" | "Rollout" => {
            Some(&["spec", "template", "spec"])
        }
        "CronJob" => Some(&["spec", "jobTemplate", "spec", "template", "spec"]),
        "Pod" => Some(&["spec"]),
        _ => None,
    }
}

/// Containers of one image in one version are one; of these the one that fits best stands for all.
fn together(containers: Vec<Container<'_>>) -> Vec<Container<'_>> {
    let mut found: Vec<Container<'_>> = Vec::new();
    for one in containers {
        match found.iter_mut().find(|other| one.image.is_some() && other.image == one.image) {
            Some(other) if other.fit >= one.fit => other.twins.push(one.at.path.key("image")),
            Some(other) => {
                let mut before = std::mem::replace(other, one);
                other.twins = std::mem::take(&mut before.twins);
                other.twins.push(before.at.path.key("image"));
            }
            None => found.push(one),
        }
    }
    found
}

fn scales(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "ReplicaSet" | "Rollout")
}

impl<'s> Sight<'s> {
    /// The containers that fit best among these documents.
    pub(in crate::core::change) fn containers(&self, documents: &[At<'s>]) -> Vec<Container<'s>> {
        let mut all: Vec<_> = documents.iter().flat_map(|document| self.containers_of(document)).collect();
        let best = all.iter().map(|container| container.fit).max();
        all.retain(|container| Some(container.fit) == best);
        all
    }

    pub(super) fn containers_of(&self, document: &At<'s>) -> Vec<Container<'s>> {
        let kind = document.kind();
        let Some(spec) = pod(&kind).and_then(|way| document.keys(way)) else { return Vec::new() };
        let (api, workload) = (document.api(), (kind, document.name()));
        let listed = |list: &str| spec.key(list).map(|list| list.items_by("name")).unwrap_or_default();
        let (main, first) = (listed("containers"), listed("initContainers"));
        let alone = main.len() == 1;
        let container = |(place, at): (usize, &At<'s>)| {
            let (name, image) = (at.text_of("name"), at.text_of("image"));
            let by_image = image.as_deref().map_or(Fit::Unnamed, |image| self.fit(split_image(image).repository));
            let by_name = name.as_deref().map_or(Fit::Unnamed, |name| self.fit(name)).min(Fit::Service);
            let near = if alone && self.is_named(&workload.1) { Fit::Near } else { Fit::Unnamed };
            let fit = by_image.max(by_name).max(near);
            let (api, workload) = (api.clone(), workload.clone());
            Container { at: at.clone(), fit, api, workload, name, place, image, twins: Vec::new() }
        };
        let mut containers: Vec<_> = main.iter().enumerate().map(container).collect();
        if is_image(self.field) {
            containers = together(containers);
        }
        for init in first.iter().enumerate().map(container) {
            let same = containers.iter_mut().find(|one| one.image.is_some() && one.image == init.image);
            match same {
                Some(main) => main.twins.push(init.at.path.key("image")),
                None if init.fit == Fit::Image => containers.push(init),
                None => {}
            }
        }
        containers
    }

    /// The field in the workloads among these documents.
    pub(in crate::core::change) fn workloads(&self, documents: &[At<'s>]) -> Vec<Candidate> {
        if *self.field == Field::Replicas {
            return documents.iter().filter_map(|document| self.count(document, documents)).collect();
        }
        let containers = self.containers(documents);
        containers.iter().filter_map(|container| self.in_container(container, Flavour::Plain)).collect()
    }

    /// `spec.replicas`, where it is written: without it something else may own the count.
    fn count(&self, document: &At<'s>, all: &[At<'s>]) -> Option<Candidate> {
        let (kind, name) = (document.kind(), document.name());
        let at = document.keys(&["spec", "replicas"]).filter(|_| scales(&kind))?;
        let used_by_rollout = |other: &At<'s>| {
            let reference = other.keys(&["spec", "workloadRef"]).filter(|_| other.kind() == "Rollout");
            reference.is_some_and(|reference| {
                reference.text_of("kind").as_deref() == Some(&kind)
                    && reference.text_of("name").as_deref() == Some(&name)
            })
        };
        if all.iter().any(used_by_rollout) {
            return None;
        }
        // A workload is named like the service, or its container is the service's.
        let by_container = self.containers_of(document).iter().map(|container| container.fit).max();
        let fit = self.fit(&name).max(by_container.unwrap_or(Fit::Unnamed));
        Some(Candidate::new(self, &at, Flavour::Plain, Form::Value, fit))
    }

    /// The field in one container; nothing where it has no such thing.
    pub(super) fn in_container(&self, container: &Container<'s>, flavour: Flavour) -> Option<Candidate> {
        let (at, fit) = (&container.at, container.fit);
        match self.field {
            Field::ImageTag | Field::ImageDigest => {
                let image = at.key("image").filter(|image| image.text() != Some(""))?;
                let mut candidate = Candidate::image(self, &image, "", (flavour, fit));
                let form = candidate.binding.form.clone();
                candidate.binding.twins = container.twins.iter().map(|path| (path.clone(), form.clone())).collect();
                Some(candidate)
            }
            Field::Env(name) => self.in_list(&at.key("env")?, name, (flavour, fit)),
            Field::Cpu | Field::Memory => Some(self.in_resources(at, (flavour, fit))),
            Field::Replicas | Field::ReplicasMin | Field::ReplicasMax | Field::Config(_) => None,
        }
    }

    /// `resources.requests`, beside which a limit may stand. Added where it is missing.
    pub(super) fn in_resources(&self, parent: &At<'s>, (flavour, fit): (Flavour, Fit)) -> Candidate {
        let key = self.field.to_string();
        let limit = parent.keys(&["resources", "limits", &key]).and_then(|limit| limit.shown());
        let mut candidate = match parent.keys(&["resources", "requests"]).filter(|at| at.node.scalar().is_none()) {
            Some(requests) => Candidate::key(self, &requests, &key, (flavour, Form::Like, fit)),
            None => {
                let mut candidate = Candidate::new(self, parent, flavour, Form::Like, fit);
                candidate.binding.yaml_path = parent.path.clone().key("resources").key("requests").key(&key);
                candidate.binding.presence = Presence::Added { now: limit.clone() };
                candidate
            }
        };
        candidate.binding.limit = limit;
        candidate
    }
}
