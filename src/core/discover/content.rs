//! What the files of a repository hold: which of them a service can live in, and which only point at others.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    doubt::resolved,
    pointer::{Pointer, pointers},
    words::{is_never_deployed, is_shown_only},
};
use crate::core::{
    change::{SourceFile, Trees},
    names::RepoPath,
    yaml::Node,
};

/// A file that a service can live in.
#[derive(Debug, Clone)]
pub(super) struct Content {
    /// The file.
    pub(super) path: RepoPath,
    /// What its objects are called.
    pub(super) names: Vec<String>,
    /// Whether it holds values of a chart and no objects.
    pub(super) is_values: bool,
    /// Whether it is a kustomization.
    pub(super) is_kustomization: bool,
    /// Whether several kustomizations include its directory, or one above it.
    pub(super) is_shared: bool,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Files that services can live in, by path.
    pub(super) files: Vec<Content>,
    /// What points at directories of this repository.
    pub(super) pointers: Vec<Pointer>,
    /// Files that do not parse.
    pub(super) unreadable: Vec<RepoPath>,
    /// Every YAML file of the repository that is looked into.
    pub(super) sources: BTreeMap<RepoPath, SourceFile>,
}

/// How far one looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// What is deployed.
    Deployed,
    /// Examples too.
    Examples,
}

/// Whether a file is YAML that could be deployed.
pub(super) fn is_looked_into(path: &RepoPath, reach: Reach, charts: &[RepoPath]) -> bool {
    let text = path.as_str();
    let steps: Vec<&str> = text.split('/').collect();
    let directories = steps.split_last().map(|(_, directories)| directories).unwrap_or_default();
    let set_aside = |step: &&str| is_never_deployed(step) || (reach == Reach::Deployed && is_shown_only(step));
    let in_chart = |chart: &RepoPath| {
        let inside = text.strip_prefix(chart.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let first = inside.and_then(|inside| inside.split_once('/')).map(|(first, _)| first);
        first.is_some_and(|first| ["templates", "crds", "ci", "tests", "charts"].contains(&first))
    };
    is_yaml(text) && !directories.iter().any(set_aside) && !charts.iter().any(in_chart)
}

/// Whether discovery reads a file of that name at all.
pub fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with("/Kustomization")
}

/// Reads the files that are to be looked into.
pub(super) fn contents(
    files: Vec<RepoPath>,
    read: &dyn Fn(&RepoPath) -> Option<SourceFile>,
    trees: &Trees,
) -> Contents {
    let mut contents = Contents::default();
    let mut included: BTreeMap<RepoPath, BTreeSet<RepoPath>> = BTreeMap::new();
    for path in files {
        let Some(source) = read(&path) else { continue };
        match &*trees.of(&source) {
            Ok(documents) => {
                for directory in includes(&path, documents) {
                    included.entry(directory).or_default().insert(path.clone());
                }
                contents.files.extend(content(&path, documents));
                contents.pointers.extend(documents.iter().flat_map(|document| pointers(&path, document)));
            }
            Err(_) => contents.unreadable.push(path.clone()),
        }
        contents.sources.insert(path, source);
    }
    included.retain(|_, by| by.len() > 1);
    for content in &mut contents.files {
        content.is_shared = included.keys().any(|directory| content.path.is_within(directory));
    }
    contents
}

/// What a kustomization includes: files and directories.
fn includes(path: &RepoPath, documents: &[Node]) -> Vec<RepoPath> {
    if !is_kustomization(path.file_name()) {
        return Vec::new();
    }
    let lists = documents.iter().flat_map(|node| ["resources", "bases", "components"].map(|key| node.get(key)));
    let items = lists.flatten().flat_map(Node::items).filter_map(Node::as_str);
    items.filter(|item| !item.contains("://")).filter_map(|item| resolved(path.parent().as_ref(), item)).collect()
}

fn is_kustomization(name: &str) -> bool {
    matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
}

fn content(path: &RepoPath, documents: &[Node]) -> Option<Content> {
    let name = path.file_name();
    let (is_kustomization, is_shared) = (is_kustomization(name), false);
    let first = documents.first()?;
    if is_kustomization {
        let has_own = changes_something(first);
        return has_own.then(|| Content {
            path: path.clone(),
            names: Vec::new(),
            is_values: false,
            is_kustomization,
            is_shared,
        });
    }
    let names: Vec<String> = documents.iter().filter(|document| is_workload(document)).map(named).collect();
    if !names.is_empty() {
        return Some(Content { path: path.clone(), names, is_values: false, is_kustomization, is_shared });
    }
    let is_values = is_values(name, first);
    is_values.then(|| Content { path: path.clone(), names, is_values, is_kustomization, is_shared })
}

/// Whether a kustomization does more than put together files beside and below it, which speak for themselves.
fn changes_something(document: &Node) -> bool {
    const OWN: [&str; 3] = ["images", "replicas", "helmCharts"];
    let lists = ["resources", "bases", "components"].into_iter().filter_map(|key| document.get(key));
    let mut listed = lists.flat_map(Node::items).filter_map(Node::as_str);
    OWN.iter().any(|key| document.get(key).is_some()) || listed.any(|item| item.starts_with("../"))
}

/// Whether an object runs something, or makes something run.
fn is_workload(document: &Node) -> bool {
    let text = |key: &str| document.get(key).and_then(Node::as_str).unwrap_or_default();
    match text("kind") {
        "Deployment" | "StatefulSet" | "DaemonSet" | "CronJob" | "Rollout" => true,
        "HelmRelease" => text("apiVersion").starts_with("helm.toolkit.fluxcd.io/"),
        "Module" => text("apiVersion").starts_with("cyclops-ui.com/"),
        "Application" => text("apiVersion").starts_with("argoproj.io/") && super::pointer::sets_something(document),
        _ => false,
    }
}

fn named(document: &Node) -> String {
    let name = document.get("metadata").and_then(|meta| meta.get("name")).and_then(Node::as_str);
    name.unwrap_or_default().to_owned()
}

/// Whether a file without objects holds values of a chart: by its name, or by what such values hold.
fn is_values(name: &str, document: &Node) -> bool {
    const TELLING: [&str; 3] = ["image", "replicaCount", "replicas"];
    let objects = ["kind", "apiVersion"].iter().any(|key| document.get(key).is_some());
    if objects || document.entries().is_empty() || name == "Chart.yaml" {
        return false;
    }
    let tells = |node: &Node| TELLING.iter().any(|key| node.get(key).is_some());
    name.contains("values") || tells(document) || document.entries().iter().any(|(_, node)| tells(node))
}
