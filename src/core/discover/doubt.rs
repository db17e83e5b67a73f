//! Doubt: a version that was found may be that of something beside the service: the one entry of a kustomization that
//! runs several images, the sidecar that a patch adds. Where that cannot be told, nothing is proposed.

use std::collections::BTreeSet;

use super::look::{Place, Repository};
use crate::core::{
    catalog::ImageName,
    change::{Flavour, SourceFile},
    names::{RepoPath, Service},
    yaml::{Node, Path, Step},
};

/// How far the bases of a kustomization are followed.
const DEEP: usize = 6;

/// The image whose version that is, without tag, where the file says it and the catalog can hold it.
pub(super) fn image_at(place: &Place, repository: &Repository<'_>) -> Option<String> {
    let file = repository.file(&place.binding.file)?;
    let way = place.binding.yaml_path.to_string();
    let text_at = |way: &str| repository.text(&file, &place.binding.document, &Path::parse(way).ok()?);
    let whole = text_at(&way).filter(|text| text.contains('/') || text.contains(':'));
    let beside = || {
        let above = way.rsplit_once('.').map(|(above, _)| above)?;
        let name = |key: &str| text_at(&format!("{above}.{key}"));
        // Half a name would be another image's.
        let has_registry = name("registry").is_some_and(|registry| !registry.is_empty());
        name("newName").or_else(|| name("repository")).or_else(|| name("name")).filter(|_| !has_registry)
    };
    let named = || Some(way.strip_prefix("images[name=")?.rsplit_once("].")?.0.trim_matches('"').to_owned());
    let image = whole.as_deref().map(without_tag).map(str::to_owned).or_else(beside).or_else(named)?;
    ImageName::parse(&image).is_ok().then_some(image)
}

/// A colon before the last slash is a port, not a tag.
fn without_tag(image: &str) -> &str {
    let rest = image.split_once('@').map_or(image, |(rest, _)| rest);
    match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        Some(_) | None => rest,
    }
}

/// Why the version at that place may be another's, or not count; `None` where it is the service's.
pub(super) fn doubt(service: &Service, version: &Place, repository: &Repository<'_>) -> Option<String> {
    let way = version.binding.yaml_path.to_string();
    let image = image_at(version, repository);
    if let Some(over) = image.as_deref().and_then(|image| overruled(&version.binding.file, image, repository)) {
        return Some(format!("`{over}` sets the version of that image over it"));
    }
    let is_its = |name: &str| name.contains(service.as_str()) || service.as_str().contains(name);
    let last = |image: &str| image.rsplit('/').next().unwrap_or_default().to_owned();
    if image.as_deref().is_some_and(|image| is_its(&last(image))) || way.contains(&format!("name={service}]")) {
        return None;
    }
    let name = image.unwrap_or_else(|| "an image".to_owned());
    if version.binding.flavour == Flavour::Helm {
        return part_of_chart(service, version, repository);
    }
    if way.starts_with("images[") {
        let runs = images_of(&version.binding.file, repository, DEEP);
        let several = runs.len() > 1;
        return several
            .then(|| format!("its kustomization sets the version of `{name}` alone, one of {} images", runs.len()));
    }
    let is_patch = repository.file(&version.binding.file).is_some_and(|file| is_partial(&file, version, repository));
    is_patch
        .then(|| format!("its only version is that of `{name}`, which a patch adds or changes, {}", version.binding))
}

/// Why a version in a chart's values may be that of a part of it: one of several images, neither at the top nor under a
/// name that means the application.
fn part_of_chart(service: &Service, version: &Place, repository: &Repository<'_>) -> Option<String> {
    const WHOLE: [&str; 6] = ["values", "valuesObject", "", "app", "main", "application"];
    let keys: Vec<&str> = version.binding.yaml_path.steps().iter().map(key_of).collect();
    let above = keys.iter().rev().skip(1).find(|key| **key != "image").copied().unwrap_or_default();
    if WHOLE.contains(&above) || above == service.as_str() {
        return None;
    }
    let file = repository.file(&version.binding.file)?;
    let images: usize = repository.documents(&file).iter().map(images).sum();
    (images > 1)
        .then(|| format!("its version is that of one of {images} images in a chart's values, {}", version.binding))
}

fn images(node: &Node) -> usize {
    let here = usize::from(node.get("repository").is_some());
    here + node.entries().iter().map(|(_, value)| images(value)).sum::<usize>()
}

/// Why a count in a chart's values may be that of a part of it; `None` where it is the whole service's.
pub(super) fn count_doubt(service: &Service, count: &Place, repository: &Repository<'_>) -> Option<String> {
    let keys: Vec<&str> = count.binding.yaml_path.steps().iter().map(key_of).collect();
    let above = keys.iter().rev().nth(1).copied().unwrap_or("values");
    let is_whole = ["values", "valuesObject", "autoscaling"].contains(&above) || keys.contains(&service.as_str());
    if count.binding.flavour != Flavour::Helm || is_whole {
        return None;
    }
    let file = repository.file(&count.binding.file)?;
    let documents = repository.documents(&file);
    let counts: usize = documents.iter().map(counts).sum();
    (counts > 1).then(|| format!("its count is one of {counts} in the values of a chart, {}", count.binding))
}

fn key_of(step: &Step) -> &str {
    match step {
        Step::Key(key) => key,
        Step::Index(_) | Step::Select { .. } | Step::Inside(_) => "",
    }
}

fn counts(node: &Node) -> usize {
    let of = |(key, value): &(String, Node)| {
        usize::from(["replicas", "replicaCount"].contains(&key.as_str()) && value.scalar().is_some()) + counts(value)
    };
    node.entries().iter().map(of).sum()
}

/// The kustomization beside or above a file that has the last word over that image.
fn overruled(file: &RepoPath, image: &str, repository: &Repository<'_>) -> Option<RepoPath> {
    let mut directory = file.parent();
    while let Some(here) = directory {
        let found = inner(&here, repository).filter(|found| found != file);
        if let Some(found) = found.filter(|found| sets_image(found, image, repository)) {
            return Some(found);
        }
        directory = here.parent();
    }
    None
}

fn sets_image(kustomization: &RepoPath, image: &str, repository: &Repository<'_>) -> bool {
    let Some(file) = repository.file(kustomization) else { return false };
    let documents = repository.documents(&file);
    let items = documents.iter().filter_map(|document| document.get("images")).flat_map(Node::items);
    items.filter_map(|item| item.get("name").and_then(Node::as_str)).any(|name| name == image)
}

/// Whether the object that holds the version is a patch: a workload without a selector.
fn is_partial(file: &SourceFile, version: &Place, repository: &Repository<'_>) -> bool {
    let documents = repository.documents(file);
    let holds = |node: &&Node| ["Deployment", "StatefulSet", "DaemonSet"].iter().any(|kind| kind_of(node) == *kind);
    let in_pods = version.binding.yaml_path.to_string().starts_with("spec.template.spec.");
    let mut workloads = documents.iter().filter(holds).peekable();
    in_pods
        && workloads.peek().is_some()
        && workloads.all(|node| node.get("spec").is_none_or(|spec| spec.get("selector").is_none()))
}

fn kind_of(node: &Node) -> &str {
    node.get("kind").and_then(Node::as_str).unwrap_or_default()
}

/// The images that a kustomization's own objects and those of its bases run.
fn images_of(kustomization: &RepoPath, repository: &Repository<'_>, deep: usize) -> BTreeSet<String> {
    let mut images = BTreeSet::new();
    let Some(file) = repository.file(kustomization).filter(|_| deep > 0) else { return images };
    let documents = repository.documents(&file);
    let directory = kustomization.parent();
    for key in ["resources", "bases", "components"] {
        let lists = documents.iter().filter_map(|document| document.get(key)).flat_map(Node::items);
        for item in lists.filter_map(Node::as_str) {
            let Some(path) = resolved(directory.as_ref(), item) else { continue };
            match inner(&path, repository) {
                Some(inner) => images.extend(images_of(&inner, repository, deep - 1)),
                None => images.extend(repository.file(&path).map(|file| run_by(&file, repository)).unwrap_or_default()),
            }
        }
    }
    images
}

/// The kustomization of a directory.
fn inner(directory: &RepoPath, repository: &Repository<'_>) -> Option<RepoPath> {
    ["kustomization.yaml", "kustomization.yml", "Kustomization"].iter().find_map(|name| {
        let path = RepoPath::parse(&format!("{directory}/{name}")).ok()?;
        repository.file(&path).map(|_| path)
    })
}

/// `../../base` from a directory.
pub(super) fn resolved(directory: Option<&RepoPath>, item: &str) -> Option<RepoPath> {
    let mut steps: Vec<&str> = directory.map(|path| path.as_str().split('/').collect()).unwrap_or_default();
    for step in item.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop()?;
            }
            step => steps.push(step),
        }
    }
    RepoPath::parse(&steps.join("/")).ok()
}

/// The images of a file's workloads, without tags.
fn run_by(file: &SourceFile, repository: &Repository<'_>) -> BTreeSet<String> {
    let documents = repository.documents(file);
    let pods = documents.iter().filter_map(|node| {
        let spec = node.get("spec")?;
        let spec = spec.get("jobTemplate").and_then(|job| job.get("spec")).unwrap_or(spec);
        spec.get("template")?.get("spec")
    });
    let containers = pods.filter_map(|pod| pod.get("containers")).flat_map(Node::items);
    let images = containers.filter_map(|container| container.get("image").and_then(Node::as_str));
    images.map(|image| without_tag(image).to_owned()).collect()
}
