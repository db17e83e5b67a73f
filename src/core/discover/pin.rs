//! Pins: where looking finds no version, or several, and the files still leave no doubt. A chart's values may keep the
//! image deeper than anybody looks (`controllers.web.containers.app.image`); if one such place is the service's, the
//! same in every environment, the catalog can say so.

use super::{
    family::Trial,
    look::{Looked, Repository},
};
use crate::core::{
    names::{RepoPath, Service},
    yaml::{Node, Path},
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
    /// Whether the digest stands behind the tag, so that both have this one place.
    pub holds_digest: bool,
}

/// An image in values: its name and version, and the way to its tag.
struct Image {
    name: String,
    version: String,
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
    // A second place of the same image would have to change with it, and does in one controller and version.
    let again = |one: &Image| images.iter().any(|image| image.name == one.name && !image.goes_with(one));
    let only = |found: Vec<&Image>| match found.as_slice() {
        [one] if !one.pin.path.is_empty() && !again(one) => Some(one.pin.clone()),
        [] | [_, ..] => None,
    };
    let named: Vec<&Image> = images.iter().filter(by_name).collect();
    let main: Vec<&Image> = images.iter().filter(is_main).collect();
    match (named.as_slice(), main.as_slice()) {
        ([], _) => only(main),
        ([first, rest @ ..], [one]) if rest.iter().all(|image| image.goes_with(first)) && one.goes_with(first) => {
            only(main)
        }
        _ => only(named),
    }
}

impl Image {
    /// The controller whose container or init container runs it.
    fn controller(&self) -> Option<&[String]> {
        let place = self.keys.iter().position(|key| key == "controllers")?;
        self.keys.get(..place + 2)
    }

    /// Whether it is the same image in the same version of the same controller, which moves along.
    fn goes_with(&self, other: &Image) -> bool {
        let here =
            |image: &Image| (image.pin.file.clone(), image.pin.document, image.controller().map(<[String]>::to_vec));
        let same = self.name == other.name && self.version == other.version;
        std::ptr::eq(self, other) || (same && self.controller().is_some() && here(self) == here(other))
    }
}

fn images(place: &RepoPath, repository: &Repository<'_>) -> Vec<Image> {
    let mut found = Vec::new();
    for file in repository.files(place) {
        let inside = file.path.as_str().strip_prefix(place.as_str()).map(|rest| rest.trim_start_matches('/'));
        let inside = inside.filter(|inside| !inside.is_empty()).unwrap_or(file.path.file_name()).to_owned();
        in_file(&repository.documents(&file), &inside, &mut found);
    }
    found
}

fn in_file(documents: &[Node], inside: &str, found: &mut Vec<Image>) {
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
        let version = written.as_str().map_or_else(|| written.to_string(), str::to_owned);
        let counts = !written.is_null() && !version.is_empty() && !version.contains("${");
        let way = keys.iter().fold(Path::root(), |path, key| path.key(key)).key("tag");
        // A digest beside the tag would have to change with it: that is no pin, and counts as another place.
        let path = if node.get("digest").is_some() { String::new() } else { way.to_string() };
        let (file, holds_digest) = (file.to_owned(), version.contains('@'));
        let pin = ProposedPin { file, document, path, holds_digest };
        found.extend(counts.then(|| Image { name: name.to_owned(), version, pin, keys: keys.to_vec() }));
    }
    for (key, value) in node.entries() {
        let deeper: Vec<String> = keys.iter().cloned().chain([key.clone()]).collect();
        below(value, &deeper, (file, document), found);
    }
}
