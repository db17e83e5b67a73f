//! Holding off what would bring a version back that was rolled back from. Flux's image automation writes only where a
//! marker stands, so turning the marker off in the same commit holds it off for that field and no other, at once.
//! Argo CD's Image Updater takes no tag that an annotation of the Application tells it to ignore.

use serde_json::Value;

use super::{
    Binding, Edit, Exact, How, SourceFile,
    at::At,
    exact::json,
    marker::{self, Turn},
};
use crate::core::{
    names::ConnectionName,
    yaml::{self, Path},
};

/// An automation, and what holds it off or gives it back.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// Which, in words.
    pub what: String,
    /// The edits; none where git cannot say it.
    pub exact: Vec<Exact>,
    /// What a person has to do instead.
    pub to_do: Option<String>,
}

/// The image whose updates are held off.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// Its name without tag, where it is known.
    pub name: Option<&'a str>,
    /// The Application that applies the target, by the catalog.
    pub application: Option<&'a str>,
    /// The target's directory.
    pub directory: &'a str,
}

/// The annotations of Argo CD's Image Updater begin so.
const PREFIX: &str = "argocd-image-updater.argoproj.io/";
/// No tag at all.
const EVERY_TAG: &str = "*";

/// What holds Flux's automation off at the places of a field.
pub fn held_off(repository: &ConnectionName, binding: &Binding, files: &[SourceFile]) -> Vec<Held> {
    turned(repository, binding, files, Turn::Off)
}

/// What gives the places of a field back to Flux's automation.
pub fn given_back(repository: &ConnectionName, binding: &Binding, files: &[SourceFile]) -> Vec<Held> {
    turned(repository, binding, files, Turn::On)
}

fn turned(repository: &ConnectionName, binding: &Binding, files: &[SourceFile], turn: Turn) -> Vec<Held> {
    let Some(file) = files.iter().find(|file| file.path == binding.file) else { return Vec::new() };
    let documents = yaml::tree(&file.text).unwrap_or_default();
    let mut roots = documents.iter().enumerate().map(|(place, node)| At::root(file, place, node));
    let Some(root) = roots.find(|root| root.is_in(&binding.document)) else { return Vec::new() };
    let held = |path: &Path| {
        let line = root.along(path).and_then(|at| marker::line(&at))?;
        let (old, new) = marker::turned(line, turn)?;
        let edit = Edit {
            repository: repository.clone(),
            path: file.path.clone(),
            document: binding.document.clone(),
            yaml_path: path.clone(),
            old: Some(Value::String(old.clone())),
            new: Value::String(new),
        };
        let exact = vec![Exact { edit, how: How::Marker }];
        Some(Held { what: format!("Flux's image policy `{}`", policy(&old)), exact, to_do: None })
    };
    [&binding.yaml_path].into_iter().chain(binding.twins.iter().map(|(path, _)| path)).filter_map(held).collect()
}

/// `flux-system:checkout` of a marker.
fn policy(marker: &str) -> String {
    let name = marker.split_once(':').and_then(|(_, rest)| rest.split('"').nth(1)).unwrap_or_default();
    name.split(':').take(2).collect::<Vec<_>>().join(":")
}

/// What holds Argo CD's Image Updater off the image, in the files where Applications may stand.
pub fn updaters(repository: &ConnectionName, image: Image<'_>, files: &[SourceFile]) -> Vec<Held> {
    let mut held = Vec::new();
    for file in files.iter().filter(|file| file.text.contains(PREFIX)) {
        let documents = yaml::tree(&file.text).unwrap_or_default();
        for (place, node) in documents.iter().enumerate() {
            let at = At::root(file, place, node);
            match at.kind().as_str() {
                "Application" if applies(&at, image) => held.extend(application(repository, &at, image)),
                "ImageUpdater" => held.extend(image_updater(&at, image)),
                _ => {}
            }
        }
    }
    held
}

/// Whether an Application is the target's: by its name in the catalog, or by the directory that it applies.
fn applies(at: &At<'_>, image: Image<'_>) -> bool {
    if image.application.is_some_and(|name| name == at.name()) {
        return true;
    }
    let Some(spec) = at.key("spec") else { return false };
    let several = spec.key("sources").map(|list| list.items()).unwrap_or_default();
    let paths = spec.key("source").into_iter().chain(several).filter_map(|source| source.text_of("path"));
    let bare = |path: &str| path.trim_start_matches("./").trim_matches('/').to_owned();
    paths.into_iter().any(|path| bare(&path) == image.directory)
}

/// The annotation by which an Application's image gets no new tag.
fn application(repository: &ConnectionName, at: &At<'_>, image: Image<'_>) -> Vec<Held> {
    let Some(annotations) = at.keys(&["metadata", "annotations"]) else { return Vec::new() };
    let list = annotations.text_of(&format!("{PREFIX}image-list")).unwrap_or_default();
    let entries: Vec<&str> = list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
    let is_it = |entry: &&&str| entries.len() == 1 || image.name.is_some_and(|name| named(entry).1 == name);
    let held = |entry: &&str| {
        let key = match named(entry).0 {
            Some(alias) => format!("{PREFIX}{}.ignore-tags", alias.replace('/', "_")),
            None => format!("{PREFIX}ignore-tags"),
        };
        let old = annotations.key(&key).and_then(|at| json(&at.node)).filter(|old| !old.is_null());
        let edit = Edit {
            repository: repository.clone(),
            path: at.file.path.clone(),
            document: at.document(),
            yaml_path: annotations.path.clone().key(&key),
            old,
            new: Value::from(EVERY_TAG),
        };
        let what = format!("Argo CD's Image Updater of `{}` for `{}`", at.name(), named(entry).1);
        let is_off = edit.old.as_ref() == Some(&edit.new);
        (!is_off).then(|| Held { what, exact: vec![Exact { edit, how: How::Value }], to_do: None })
    };
    entries.iter().filter(is_it).filter_map(held).collect()
}

/// An entry of an image list, `[alias=]image[:constraint]`: its alias and the image without the constraint.
fn named(entry: &str) -> (Option<&str>, &str) {
    let (alias, image) = entry.split_once('=').map_or((None, entry), |(alias, image)| (Some(alias), image));
    (alias, super::image::split_image(image).repository)
}

/// An object by which newer Image Updaters are told what to update. It holds patterns of names for many Applications,
/// so a person says what it shall leave out.
fn image_updater(at: &At<'_>, image: Image<'_>) -> Option<Held> {
    let name = image.name?;
    let text = &at.file.text;
    text.contains(name).then(|| Held {
        what: format!("Argo CD's Image Updater by `ImageUpdater/{}` in `{}`", at.name(), at.file.path),
        exact: Vec::new(),
        to_do: Some(format!(
            "In `{}` give the image `{name}` `commonUpdateSettings: {{ ignoreTags: [\"*\"] }}`, and take it out again \
             to go on.",
            at.file.path
        )),
    })
}
