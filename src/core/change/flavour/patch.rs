//! Patches of a kustomization, in files or in its own text: strategic merges, which look like parts of manifests, and
//! lists of JSON 6902 operations.

use super::{Barrier, Candidate, Container, is_image};
use crate::core::{
    change::{
        Flavour,
        at::At,
        binding::{Form, Presence},
        references::{joined, parent},
        sight::Sight,
    },
    names::Field,
    yaml::{Format, Node},
};

/// A patch and what it is said to be for.
struct Patch<'s> {
    at: At<'s>,
    target: Option<Target>,
}

/// The objects that a patch says it is for.
#[derive(Debug, Clone, Default)]
struct Target {
    group: Option<String>,
    version: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    /// What else it selects by, which is not followed: labels, annotations, a namespace.
    further: Option<&'static str>,
}

impl Target {
    fn of(at: &At<'_>) -> Self {
        let text = |key: &str| at.text_of(key).filter(|text| !text.is_empty());
        let further = ["labelSelector", "annotationSelector", "namespace"];
        Self {
            group: text("group"),
            version: text("version"),
            kind: text("kind"),
            name: text("name"),
            further: further.into_iter().find(|key| at.key(key).is_some()),
        }
    }

    /// Whether it may be the workload of this API, kind and one of these names.
    fn fits(&self, api: &str, kind: &str, names: &[String]) -> bool {
        let (group, version) = api.split_once('/').unwrap_or(("", api));
        let is = |pattern: &Option<String>, name: &str| pattern.as_ref().is_none_or(|pattern| matches(pattern, name));
        is(&self.group, group)
            && is(&self.version, version)
            && is(&self.kind, kind)
            && (self.name.is_none() || names.iter().any(|name| is(&self.name, name)))
    }
}

impl Patch<'_> {
    /// Whether the patch may be for this workload: by its target, or without one by its own kind and name.
    fn fits(&self, api: &str, kind: &str, names: &[String]) -> bool {
        match &self.target {
            Some(target) => target.fits(api, kind, names),
            None => self.at.kind() == kind && names.contains(&self.at.name()),
        }
    }
}

/// Whether a target's pattern is a name's. kustomize takes regular expressions, of which people use `.*` and `a|b`.
fn matches(pattern: &str, name: &str) -> bool {
    let one = |pattern: &str| {
        let mut parts =
            pattern.trim_start_matches('^').trim_end_matches('$').split(".*").map(|part| part.replace('\\', ""));
        let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(&first)) else { return false };
        let parts: Vec<String> = parts.collect();
        let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
        for part in between {
            let Some((_, after)) = rest.split_once(part.as_str()) else { return false };
            rest = after;
        }
        rest.ends_with(last.as_str())
    };
    pattern.split('|').any(|pattern| one(pattern.trim_matches(['(', ')'])))
}

impl<'s> Sight<'s> {
    /// The field in the patches of one layer.
    pub(in crate::core::change) fn patches(&self, depth: usize) -> Vec<Candidate> {
        self.patches_in(self.layers.get(depth).map(|layer| layer.kustomizations.as_slice()).unwrap_or_default())
    }

    /// The field in the patches of these kustomizations.
    pub(super) fn patches_in(&self, kustomizations: &[At<'s>]) -> Vec<Candidate> {
        let containers = self.containers(&self.manifests());
        let patches = kustomizations.iter().flat_map(|at| self.patches_of(at));
        patches.flat_map(|patch| self.barred_if_wide(&patch, self.patched(&patch, &containers))).collect()
    }

    /// What a patch changes in several workloads, or in those that it selects in a way that is not followed, is no place of
    /// this target's.
    fn barred_if_wide(&self, patch: &Patch<'s>, found: Vec<Candidate>) -> Vec<Candidate> {
        if found.is_empty() {
            return found;
        }
        let manifests = self.manifests();
        let workloads = manifests.iter().filter(|at| super::workload::pod(&at.kind()).is_some());
        let fitting = workloads.filter(|at| patch.fits(&at.api(), &at.kind(), &self.called(&at.name())));
        let others: Vec<String> = fitting.map(|at| format!("`{}/{}`", at.kind(), at.name())).collect();
        let barrier = match patch.target.as_ref().and_then(|target| target.further) {
            Some(key) => Barrier::Selected(format!("by `{key}`")),
            None if others.len() > 1 => Barrier::Selected(format!("several workloads: {}", others.join(", "))),
            None => return found,
        };
        found.into_iter().map(|candidate| candidate.barred(barrier.clone())).collect()
    }

    fn patches_of(&self, kustomization: &At<'s>) -> Vec<Patch<'s>> {
        let listed = |list: &str| kustomization.key(list).map(|list| list.items()).unwrap_or_default();
        let mut patches = Vec::new();
        for item in listed("patches").iter().chain(&listed("patchesJson6902")) {
            let target = item.key("target").map(|target| Target::of(&target));
            let (file, inline) = (item.key("path"), item.key("patch"));
            patches.extend(
                self.read_patch(file.as_ref(), inline.as_ref())
                    .into_iter()
                    .map(|at| Patch { at, target: target.clone() }),
            );
        }
        for item in listed("patchesStrategicMerge") {
            let is_text = item.text().is_some_and(|text| text.contains('\n'));
            let (file, inline) = if is_text { (None, Some(&item)) } else { (Some(&item), None) };
            patches.extend(self.read_patch(file, inline).into_iter().map(|at| Patch { at, target: None }));
        }
        patches
    }

    fn read_patch(&self, file: Option<&At<'s>>, inline: Option<&At<'s>>) -> Vec<At<'s>> {
        let path = file.and_then(|at| joined(parent(&at.file.path), at.text()?));
        let in_file = path.map(|path| self.documents_of(&path)).unwrap_or_default();
        in_file.into_iter().chain(inline.and_then(|at| at.inside(Format::Yaml))).collect()
    }

    fn patched(&self, patch: &Patch<'s>, containers: &[Container<'s>]) -> Vec<Candidate> {
        if !patch.at.node.items().is_empty() {
            return containers.iter().filter_map(|container| self.operation(patch, container)).collect();
        }
        let (kind, name) = (patch.at.kind(), patch.at.name());
        if let Some(candidate) = self.patched_bound(&patch.at) {
            return vec![candidate];
        }
        let is_for = |container: &Container<'_>| {
            let (of, names) = (&container.workload.0, self.called(&container.workload.1));
            patch.fits(&container.api, of, &names)
        };
        let wanted: Vec<_> = containers.iter().filter(|container| is_for(container)).collect();
        if !containers.is_empty() && wanted.is_empty() {
            return Vec::new();
        }
        if *self.field == Field::Replicas {
            let at = patch.at.keys(&["spec", "replicas"]).filter(|_| super::workload::pod(&kind).is_some());
            return at
                .map(|at| Candidate::new(self, &at, Flavour::Patch, Form::Value, self.fit(&name)))
                .into_iter()
                .collect();
        }
        let mut found = Vec::new();
        for mut part in self.containers_of(&patch.at) {
            if let Some(whole) = wanted.iter().find(|whole| whole.name == part.name) {
                part.fit = whole.fit;
            } else if !containers.is_empty() {
                continue;
            }
            let candidate = self.in_container(&part, Flavour::Patch);
            found.extend(candidate.filter(|candidate| candidate.binding.presence == Presence::There));
        }
        found
    }

    /// The operation of a list that sets the field of this container.
    fn operation(&self, patch: &Patch<'s>, container: &Container<'s>) -> Option<Candidate> {
        let targeted = patch.target.is_some();
        if targeted && !patch.fits(&container.api, &container.workload.0, &self.called(&container.workload.1)) {
            return None;
        }
        let pod = super::workload::pod(&container.workload.0)?.join("/");
        let ours = format!("/{pod}/containers/{}", container.place);
        patch.at.items().iter().rev().find_map(|operation| {
            let sets = matches!(operation.text_of("op").as_deref(), Some("add" | "replace"));
            let (path, value) = (operation.text_of("path")?, operation.key("value").filter(|_| sets)?);
            let value = match (path.strip_prefix(&ours), self.field) {
                (Some("/image"), field) if is_image(field) => {
                    return Some(Candidate::image(self, &value, "", (Flavour::Patch, container.fit)));
                }
                (None, Field::Replicas) if path == "/spec/replicas" => value,
                (Some(rest), Field::Env(name)) => return self.operated_variable((rest, name), &value, container),
                (Some(rest), field @ (Field::Cpu | Field::Memory))
                    if rest == format!("/resources/requests/{field}") =>
                {
                    value
                }
                _ => return None,
            };
            let mut candidate = Candidate::new(self, &value, Flavour::Patch, Form::Value, container.fit);
            let limit = container.at.keys(&["resources", "limits", &self.field.to_string()]);
            candidate.binding.limit = limit.and_then(|limit| limit.shown());
            Some(candidate)
        })
    }

    /// A variable by the place that it has in the container, or in an operation that appends it.
    fn operated_variable(
        &self,
        (rest, name): (&str, &str),
        value: &At<'s>,
        container: &Container<'s>,
    ) -> Option<Candidate> {
        let form = (Flavour::Patch, container.fit);
        match rest.strip_prefix("/env")? {
            "" => self.in_list(value, name, form),
            "/-" if value.text_of("name").as_deref() == Some(name) => {
                Some(Candidate::new(self, &value.key("value")?, form.0, Form::Text, form.1))
            }
            place => {
                let place: usize = place.strip_prefix('/')?.strip_suffix("/value")?.parse().ok()?;
                let there = container.at.node.get("env")?.items().get(place)?;
                let is_it = there.get("name").and_then(Node::as_str) == Some(name);
                is_it.then(|| Candidate::new(self, value, form.0, Form::Text, form.1))
            }
        }
    }
}
