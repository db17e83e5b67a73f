//! Looking into one document of one file: which of its places could be the field, and how well each one's name fits.

use super::{
    Binding, Flavour, Locator,
    binding::Form,
    image::{image_form, split_image},
};
use crate::core::{
    names::{Field, RepoPath},
    yaml::{Document, Node, Path},
};

/// A place that may be it, and how well its name fits.
pub(super) struct Candidate {
    pub(super) binding: Binding,
    pub(super) fit: Fit,
    pub(super) by_digest: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// The only hope is that it is the only one.
    Unnamed,
    /// Named like the service.
    Service,
    /// Named like the image in the catalog.
    Image,
}

/// One document of one file.
pub(super) struct Spot<'a> {
    pub(super) field: &'a Field,
    pub(super) locator: &'a Locator,
    pub(super) file: &'a RepoPath,
    pub(super) document: Document,
    pub(super) node: &'a Node,
}

impl Spot<'_> {
    fn candidate(&self, yaml_path: Path, flavour: Flavour, form: Form, fit: Fit) -> Candidate {
        let binding = Binding {
            field: self.field.clone(),
            file: self.file.clone(),
            document: self.document.clone(),
            yaml_path,
            flavour,
            form,
        };
        Candidate { binding, fit, by_digest: false }
    }

    /// How well an image or workload name fits the service.
    fn fit(&self, name: &str) -> Fit {
        let last = name.rsplit('/').next().unwrap_or(name);
        if self.locator.image.as_deref() == Some(name) {
            Fit::Image
        } else if last == self.locator.service.as_str() {
            Fit::Service
        } else {
            Fit::Unnamed
        }
    }

    pub(super) fn kustomization(&self) -> Vec<Candidate> {
        let (list, value) = if *self.field == Field::ImageTag { ("images", "newTag") } else { ("replicas", "count") };
        let items = self.node.get(list).map(Node::items).unwrap_or_default();
        let name = |item: &Node| item.get("name").and_then(Node::as_str).map(str::to_owned);
        let named = items.iter().enumerate().filter_map(|(place, item)| Some((place, item, name(item)?)));
        let twice = |wanted: &str| items.iter().filter(|item| name(item).as_deref() == Some(wanted)).count() > 1;
        named
            .map(|(place, item, name)| {
                let new_name = item.get("newName").and_then(Node::as_str);
                let fit = new_name.map_or(Fit::Unnamed, |name| self.fit(name)).max(self.fit(&name));
                let list = Path::root().key(list);
                let item_path = if twice(&name) { list.index(place) } else { list.select("name", &name) };
                let path = item_path.key(value);
                let mut candidate = self.candidate(path, Flavour::Kustomize, Form::Value, fit);
                candidate.by_digest = *self.field == Field::ImageTag && item.get("digest").is_some();
                candidate
            })
            .collect()
    }

    pub(super) fn manifest(&self) -> Vec<Candidate> {
        let kind = self.node.get("kind").and_then(Node::as_str).unwrap_or_default();
        let name = self.node.get("metadata").and_then(|meta| meta.get("name")?.as_str()).unwrap_or_default();
        let scales = matches!(kind, "Deployment" | "StatefulSet");
        if !scales && kind != "DaemonSet" {
            return Vec::new();
        }
        let Some(spec) = self.node.get("spec") else { return Vec::new() };
        if *self.field == Field::Replicas {
            let there = scales && spec.get("replicas").is_some();
            let path = Path::root().key("spec").key("replicas");
            let candidate = self.candidate(path, Flavour::Plain, Form::Value, self.fit(name));
            return if there { vec![candidate] } else { Vec::new() };
        }
        let pod = spec.get("template").and_then(|template| template.get("spec"));
        let containers = pod.and_then(|pod| pod.get("containers")).map(Node::items).unwrap_or_default();
        containers.iter().enumerate().filter_map(|(index, container)| self.container(index, container)).collect()
    }

    fn container(&self, index: usize, container: &Node) -> Option<Candidate> {
        let image = container.get("image")?.as_str()?;
        let list = Path::root().key("spec").key("template").key("spec").key("containers");
        let item = match container.get("name").and_then(Node::as_str) {
            Some(name) => list.select("name", name),
            None => list.index(index),
        };
        Some(self.whole_image(item.key("image"), Flavour::Plain, image))
    }

    fn whole_image(&self, path: Path, flavour: Flavour, image: &str) -> Candidate {
        let parts = split_image(image);
        let mut candidate = self.candidate(path, flavour, image_form(image), self.fit(parts.repository));
        candidate.by_digest = parts.digest.is_some();
        candidate
    }

    /// At the top, or under a sub-chart's name.
    pub(super) fn values(&self) -> Vec<Candidate> {
        let service = self.locator.service.as_str();
        let nested = self.node.get(service).map(|node| (Path::root().key(service), node));
        let places = [(Path::root(), self.node)].into_iter().chain(nested);
        places.flat_map(|(path, node)| self.values_at(&path, node)).collect()
    }

    fn values_at(&self, path: &Path, node: &Node) -> Vec<Candidate> {
        if *self.field == Field::Replicas {
            let keys = ["replicaCount", "replicas"].into_iter().filter(|key| node.get(key).is_some());
            return keys
                .map(|key| self.candidate(path.clone().key(key), Flavour::Helm, Form::Value, Fit::Unnamed))
                .collect();
        }
        let Some(image) = node.get("image") else { return Vec::new() };
        let path = path.clone().key("image");
        if let Some(whole) = image.as_str() {
            return vec![self.whole_image(path, Flavour::Helm, whole)];
        }
        if image.get("tag").is_none() && image.get("repository").is_none() {
            return Vec::new();
        }
        let fit = image.get("repository").and_then(Node::as_str).map_or(Fit::Unnamed, |name| self.fit(name));
        let mut candidate = self.candidate(path.key("tag"), Flavour::Helm, Form::Value, fit);
        candidate.by_digest = image.get("digest").and_then(Node::as_str).is_some_and(|digest| !digest.is_empty());
        vec![candidate]
    }
}
