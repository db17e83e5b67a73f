//! A kustomization's own lists, `images` and `replicas`: they have the last word over what they name. Where an
//! overlay has no entry yet and the value lives in a base that others share, the entry is added to the overlay.

use super::{Candidate, Container, best, holds_digest};
use crate::core::{
    change::{
        Flavour,
        at::At,
        binding::{Form, Presence},
        sight::{Fit, Sight},
    },
    names::Field,
    yaml::Node,
};

impl<'s> Sight<'s> {
    /// The entries of one layer's kustomizations that are about the field.
    pub(in crate::core::change) fn transformers(&self, depth: usize) -> Vec<Candidate> {
        self.transformers_in(
            self.layers.get(depth).map(|layer| layer.kustomizations.as_slice()).unwrap_or_default(),
            depth,
        )
    }

    /// The same of these kustomizations, which lie in the layer of this depth.
    pub(super) fn transformers_in(&self, kustomizations: &[At<'s>], depth: usize) -> Vec<Candidate> {
        let all = kustomizations.iter().flat_map(|at| match self.field {
            Field::ImageTag | Field::ImageDigest => self.images(at, depth),
            Field::Replicas => self.counts(at),
            Field::Config(key) => self.generated(at, key),
            Field::ReplicasMin | Field::ReplicasMax | Field::Cpu | Field::Memory | Field::Env(_) => Vec::new(),
        });
        best(all.collect())
    }

    /// Entries by name; where no name fits, the one whose name is that of the service's container's image; where no
    /// container is known, the only one. Where the service's container and its image are known, an entry of another
    /// name changes nothing that runs.
    pub(super) fn images(&self, at: &At<'s>, depth: usize) -> Vec<Candidate> {
        let items = at.key("images").map(|list| list.items_by("name")).unwrap_or_default();
        let containers = self.containers(&self.manifests());
        let patched = self.patched_image(depth);
        let used = |name: &str| match &patched {
            Some(image) => self.renamed(image, depth + 1) == name,
            None => containers
                .iter()
                .any(|one| one.repository().is_some_and(|image| self.renamed(image, depth + 1) == name)),
        };
        let is_known = |one: &Container<'_>| one.fit > Fit::Unnamed && one.repository().is_some();
        let known = !containers.is_empty() && containers.iter().all(is_known);
        let entry = |item: &At<'s>| {
            let name = item.text_of("name")?;
            if known && !used(&name) {
                return None;
            }
            let by_name = item.text_of("newName").map_or(Fit::Unnamed, |name| self.fit(&name)).max(self.fit(&name));
            let fit = if by_name >= Fit::Service {
                by_name
            } else if used(&name) && containers.len() == 1 {
                Fit::Near
            } else {
                Fit::Unnamed
            };
            let form = (Flavour::Kustomize, Form::Value, fit);
            if let Some(tag) = item.key("newTag").filter(|tag| item.node.get("digest").is_none() && holds_digest(tag)) {
                return Some(Candidate::tag(self, &tag, form.0, form.1, fit));
            }
            let key = if *self.field == Field::ImageDigest { "digest" } else { "newTag" };
            let mut candidate = Candidate::key(self, item, key, form);
            candidate.binding.digest = item.text_of("digest");
            Some(candidate)
        };
        let mut all: Vec<_> = items.iter().filter_map(entry).collect();
        if !containers.is_empty() {
            all.retain(|candidate| candidate.fit > Fit::Unnamed);
        }
        all
    }

    /// The image that the outermost patch from this layer on sets: lists of images come after patches.
    fn patched_image(&self, depth: usize) -> Option<String> {
        let found = (depth..self.layers.len()).flat_map(|depth| self.patches(depth));
        found.into_iter().find_map(|candidate| match candidate.binding.form {
            Form::ImageOf { repository, .. } => Some(repository),
            Form::Value | Form::Text | Form::Like | Form::After(_) | Form::TagOf => None,
        })
    }

    fn counts(&self, at: &At<'s>) -> Vec<Candidate> {
        let items = at.key("replicas").map(|list| list.items_by("name")).unwrap_or_default();
        let containers = self.containers(&self.manifests());
        let entry = |item: &At<'s>| {
            let name = item.text_of("name")?;
            let used = containers.iter().find(|container| self.called(&container.workload.1).contains(&name));
            let fit = self.fit(&name).max(used.map_or(Fit::Unnamed, |used| used.fit.max(Fit::Near)));
            Some(Candidate::new(self, &item.key("count")?, Flavour::Kustomize, Form::Value, fit))
        };
        let mut all: Vec<_> = items.iter().filter_map(entry).collect();
        if !containers.is_empty() {
            all.retain(|candidate| candidate.fit > Fit::Unnamed);
        }
        all
    }

    /// What an image is called once the layers from `depth` on have renamed it.
    fn renamed(&self, image: &str, depth: usize) -> String {
        let mut name = image.to_owned();
        for layer in self.layers.iter().skip(depth).rev() {
            let lists = layer.kustomizations.iter().filter_map(|at| at.node.get("images"));
            let entries = lists.flat_map(Node::items);
            let text = |entry: &Node, key: &str| entry.get(key).and_then(Node::as_str).map(str::to_owned);
            let new = entries
                .filter(|entry| text(entry, "name").as_ref() == Some(&name))
                .find_map(|entry| text(entry, "newName"));
            name = new.unwrap_or(name);
        }
        name
    }

    /// What an object is called in turn, as the layers put `namePrefix` before and `nameSuffix` behind its name. Lists
    /// and patches may use any of these.
    pub(super) fn called(&self, name: &str) -> Vec<String> {
        let mut names = vec![name.to_owned()];
        for layer in self.layers.iter().rev() {
            let renamed = layer.kustomizations.iter().flat_map(|at| {
                let (before, behind) = (at.text_of("namePrefix"), at.text_of("nameSuffix"));
                let changes = before.is_some() || behind.is_some();
                let (before, behind) = (before.unwrap_or_default(), behind.unwrap_or_default());
                names.iter().filter(|_| changes).map(|name| format!("{before}{name}{behind}")).collect::<Vec<_>>()
            });
            let renamed: Vec<String> = renamed.collect();
            names.extend(renamed);
        }
        names
    }

    /// The entry that the target's own kustomization gets, instead of a value that others share.
    pub(in crate::core::change) fn overlay(&self, shared: &Candidate) -> Option<Candidate> {
        let root = self.layers.first()?.kustomizations.first().filter(|at| self.is_own(&at.file.path))?;
        let containers: Vec<Container<'s>> = self.containers(&self.manifests());
        let container = containers.first().filter(|_| containers.len() == 1)?;
        let (list, name, key) = match self.field {
            Field::ImageTag => ("images", self.renamed(container.repository()?, 1), "newTag"),
            Field::ImageDigest => ("images", self.renamed(container.repository()?, 1), "digest"),
            // kustomize counts only what it knows.
            Field::Replicas if container.workload.0 != "Rollout" => ("replicas", container.workload.1.clone(), "count"),
            Field::Replicas
            | Field::ReplicasMin
            | Field::ReplicasMax
            | Field::Cpu
            | Field::Memory
            | Field::Env(_)
            | Field::Config(_) => return None,
        };
        let now = self.value_of(shared);
        let mut candidate = Candidate::new(self, root, Flavour::Kustomize, Form::Value, shared.fit);
        candidate.binding.yaml_path = root.path.clone().key(list).select("name", &name).key(key);
        candidate.binding.presence = Presence::Item { now };
        candidate.binding.digest.clone_from(&shared.binding.digest);
        Some(candidate)
    }
}
