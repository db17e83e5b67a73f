//! Pins: where looking finds no version, or several, and the files still leave no doubt. A chart's values may keep the
//! image deeper than anybody looks (`controllers.web.containers.app.image`); if one such place is the service's, the
//! same in every environment, the catalog can say so.

use super::{
    family::Trial,
    look::{Looked, Repository},
};
use crate::core::{
    change::SourceFile,
    names::{RepoPath, Service},
    yaml::{self, Node, Path},
};

/// How deep values are looked into.
const DEEP: usize = 12;
/// What charts call the container that is the application, among those beside it.
const MAIN: [&str; 3] = ["app", "main", "application"];

/// Where the version of a service is, in every environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedPin {
    /// The file, from the target's directory.
    pub file: String,
    /// Which document of it.
    pub document: usize,
    /// The way to the tag.
    pub path: String,
}

/// An image in values: its name, and the way to its tag.
struct Image {
    name: String,
    pin: ProposedPin,
    keys: Vec<String>,
}

/// The pin of a service whose version is not found by looking; `None` where it is, or where there is no one place.
pub(super) fn pin(service: &Service, trials: &[Trial], repository: &Repository<'_>) -> Option<ProposedPin> {
    let mut pin: Option<ProposedPin> = None;
    for trial in trials {
        for (name, place, looked) in &trial.targets {
            if name != service {
                continue;
            }
            if matches!(looked, Looked::Found { version: Some(_), .. }) {
                return None;
            }
            let found = one(service, &images(place, repository))?;
            if pin.get_or_insert_with(|| found.clone()) != &found {
                return None;
            }
        }
    }
    pin
}

/// The one image that is the service's, by its own name or by its container's. That it is the only one says nothing:
/// what a chart runs by itself need not be written down.
fn one(service: &Service, images: &[Image]) -> Option<ProposedPin> {
    let last = |image: &Image| image.name.rsplit('/').next().unwrap_or_default().to_owned();
    let by_name = |image: &&Image| last(image) == service.as_str();
    let is_main = |image: &&Image| {
        let mut keys = image.keys.iter().rev().skip(1);
        let container = keys.next().is_some_and(|key| MAIN.contains(&key.as_str()) || key == service.as_str());
        container && keys.next().is_some_and(|key| key == "containers")
    };
    // A second place of the same image would have to change with it.
    let again = |one: &Image| images.iter().filter(|image| image.name == one.name).count() > 1;
    let only = |found: Vec<&Image>| match found.as_slice() {
        [one] if !one.pin.path.is_empty() && !again(one) => Some(one.pin.clone()),
        [] | [_, ..] => None,
    };
    let named: Vec<&Image> = images.iter().filter(by_name).collect();
    if !named.is_empty() {
        return only(named);
    }
    only(images.iter().filter(is_main).collect())
}

fn images(place: &RepoPath, repository: &Repository<'_>) -> Vec<Image> {
    let mut found = Vec::new();
    for file in repository.files(place) {
        let inside = file.path.as_str().strip_prefix(place.as_str()).map(|rest| rest.trim_start_matches('/'));
        let inside = inside.filter(|inside| !inside.is_empty()).unwrap_or(file.path.file_name()).to_owned();
        in_file(&file, &inside, &mut found);
    }
    found
}

fn in_file(file: &SourceFile, inside: &str, found: &mut Vec<Image>) {
    let documents = yaml::tree(&file.text).unwrap_or_default();
    for (document, root) in documents.iter().enumerate() {
        let kind = root.get("kind").and_then(Node::as_str);
        let values = match kind {
            Some("HelmRelease") => {
                root.get("spec").and_then(|spec| Some((vec!["spec", "values"], spec.get("values")?)))
            }
            Some(_) => None,
            None => Some((Vec::new(), root)),
        };
        if let Some((keys, values)) = values {
            let keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
            below(values, &keys, (inside, document), found);
        }
    }
}

fn below(node: &Node, keys: &[String], (file, document): (&str, usize), found: &mut Vec<Image>) {
    if keys.len() > DEEP {
        return;
    }
    let tag = node.get("tag").and_then(Node::scalar);
    if let (Some(name), Some(tag)) = (node.get("repository").and_then(Node::as_str), tag) {
        let written = tag.to_json();
        // A digest beside or in the tag would have to change with it.
        let by_digest = written.as_str().is_some_and(|tag| tag.contains('@')) || node.get("digest").is_some();
        if !written.is_null() && written != "" && !by_digest && !written.to_string().contains("${") {
            let way = keys.iter().fold(Path::root(), |path, key| path.key(key)).key("tag");
            let pin = ProposedPin { file: file.to_owned(), document, path: way.to_string() };
            found.push(Image { name: name.to_owned(), pin, keys: keys.to_vec() });
        } else if by_digest {
            // It counts when asking whether there is only one, and is none itself.
            let pin = ProposedPin { file: String::new(), document, path: String::new() };
            found.push(Image { name: name.to_owned(), pin, keys: keys.to_vec() });
        }
    }
    for (key, value) in node.entries() {
        let deeper: Vec<String> = keys.iter().cloned().chain([key.clone()]).collect();
        below(value, &deeper, (file, document), found);
    }
}
