//! What points at directories of the repository: Argo CD Applications and ApplicationSets, Flux Kustomizations. They
//! say which reconciler follows a directory, in which cluster and namespace, and which directories are environments.

use crate::core::{names::RepoPath, yaml::Node};

/// Who follows a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Follower {
    /// An Argo CD Application.
    ArgoCd,
    /// A Flux Kustomization.
    Flux,
}

/// One object that makes a cluster follow a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    /// What it is.
    pub(super) follower: Follower,
    /// Its name.
    pub(super) name: String,
    /// Where it lives.
    pub(super) namespace: Option<String>,
    /// The file it stands in.
    pub(super) file: RepoPath,
    /// The directory it follows, without `./`; it may hold `{{...}}`.
    pub(super) path: String,
    /// The cluster it names.
    pub(super) cluster: Option<String>,
    /// The namespace it deploys to.
    pub(super) deploys_to: Option<String>,
}

fn text<'a>(node: &'a Node, way: &[&str]) -> Option<&'a str> {
    way.iter().try_fold(node, |node, key| node.get(key)).and_then(Node::as_str)
}

/// What a document points at; an ApplicationSet with a list of elements points once for each.
pub(super) fn pointers(file: &RepoPath, document: &Node) -> Vec<Pointer> {
    let version = text(document, &["apiVersion"]).unwrap_or_default();
    match text(document, &["kind"]) {
        Some("Application") if version.starts_with("argoproj.io/") => {
            let name = text(document, &["metadata", "name"]).unwrap_or_default();
            let namespace = text(document, &["metadata", "namespace"]);
            application(file, document, (name, namespace)).into_iter().collect()
        }
        Some("ApplicationSet") if version.starts_with("argoproj.io/") => application_set(file, document),
        Some("Kustomization") if version.starts_with("kustomize.toolkit.fluxcd.io/") => {
            flux(file, document).into_iter().collect()
        }
        Some(_) | None => Vec::new(),
    }
}

/// Whether an Application itself sets what a chart or kustomization takes.
pub(super) fn sets_something(document: &Node) -> bool {
    let sources = document.get("spec").into_iter().flat_map(|spec| {
        spec.get("source").into_iter().chain(spec.get("sources").map(Node::items).unwrap_or_default())
    });
    let sets = |source: &Node| {
        let helm = ["parameters", "values", "valuesObject"].iter().any(|key| at(source, &["helm", key]).is_some());
        helm || at(source, &["kustomize", "images"]).is_some() || source.get("chart").is_some()
    };
    sources.into_iter().any(sets)
}

fn at<'a>(node: &'a Node, way: &[&str]) -> Option<&'a Node> {
    way.iter().try_fold(node, |node, key| node.get(key))
}

fn plain(path: &str) -> String {
    path.trim_start_matches("./").trim_matches('/').to_owned()
}

fn application(file: &RepoPath, node: &Node, (name, namespace): (&str, Option<&str>)) -> Option<Pointer> {
    let spec = node.get("spec")?;
    let path = text(spec, &["source", "path"])?;
    Some(Pointer {
        follower: Follower::ArgoCd,
        name: name.to_owned(),
        namespace: namespace.map(str::to_owned),
        file: file.clone(),
        path: plain(path),
        cluster: text(spec, &["destination", "name"]).filter(|name| *name != "in-cluster").map(str::to_owned),
        deploys_to: text(spec, &["destination", "namespace"]).map(str::to_owned),
    })
}

/// The elements of an ApplicationSet's lists, each filled into the template.
fn application_set(file: &RepoPath, document: &Node) -> Vec<Pointer> {
    let template = at(document, &["spec", "template"]);
    let name = template.and_then(|template| text(template, &["metadata", "name"])).unwrap_or_default();
    let namespace = text(document, &["metadata", "namespace"]);
    let Some(pointer) = template.and_then(|template| application(file, template, (name, namespace))) else {
        return Vec::new();
    };
    let mut elements = Vec::new();
    for generator in at(document, &["spec", "generators"]).map(Node::items).unwrap_or_default() {
        list_elements(generator, &mut elements);
        for inner in at(generator, &["matrix", "generators"]).map(Node::items).unwrap_or_default() {
            list_elements(inner, &mut elements);
        }
    }
    elements.into_iter().map(|element| filled(&pointer, element)).collect()
}

fn list_elements<'a>(generator: &'a Node, found: &mut Vec<&'a Node>) {
    found.extend(at(generator, &["list", "elements"]).map(Node::items).unwrap_or_default());
}

fn filled(pointer: &Pointer, element: &Node) -> Pointer {
    let fill = |text: &str| {
        element.entries().iter().fold(text.to_owned(), |text, (key, value)| {
            let value = value.as_str().unwrap_or_default();
            let forms = [format!("{{{{{key}}}}}"), format!("{{{{.{key}}}}}"), format!("{{{{ {key} }}}}")];
            let spaced = format!("{{{{ .{key} }}}}");
            forms.iter().chain([&spaced]).fold(text, |text, form| text.replace(form, value))
        })
    };
    let (cluster, deploys_to) = (pointer.cluster.as_deref().map(fill), pointer.deploys_to.as_deref().map(fill));
    Pointer { name: fill(&pointer.name), path: fill(&pointer.path), cluster, deploys_to, ..pointer.clone() }
}

fn flux(file: &RepoPath, document: &Node) -> Option<Pointer> {
    Some(Pointer {
        follower: Follower::Flux,
        name: text(document, &["metadata", "name"])?.to_owned(),
        namespace: text(document, &["metadata", "namespace"]).map(str::to_owned),
        file: file.clone(),
        path: plain(text(document, &["spec", "path"])?),
        cluster: None,
        deploys_to: text(document, &["spec", "targetNamespace"]).map(str::to_owned),
    })
}
