//! Bindings: where a field of a target lives. Found by looking into the files of the target's path; a kustomization
//! has the last word over what it lists. When two places fit, none is taken: the refusal names both and how to pin one.

use std::fmt;

use serde_json::Value;

use super::{
    SourceFile,
    image::{image_form, split_image},
    plan::{fact, shown},
    spot::{Candidate, Spot},
};
use crate::core::{
    catalog::Pin as CatalogPin,
    names::{Field, RepoPath, Service},
    yaml::{self, Document, Path, Scalar},
};

/// A place named in the catalog, which ends the looking.
pub type Pin = CatalogPin;

/// What kind of file a field was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// `images` or `replicas` of a kustomization.
    Kustomize,
    /// A Deployment, StatefulSet or DaemonSet as it is applied.
    Plain,
    /// The values of a Helm chart.
    Helm,
    /// Where the catalog says.
    Pinned,
}

/// How the field's value is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// As itself.
    Value,
    /// As the tag of a whole image reference: `registry/name:tag`.
    ImageOf {
        /// Everything before the tag's colon.
        repository: String,
    },
}

impl Form {
    /// The field's value in what stands in the file, as people write it.
    pub(super) fn shown(&self, value: &Value) -> String {
        match self {
            Self::Value => shown(value),
            Self::ImageOf { .. } => {
                let whole = shown(value);
                split_image(&whole).tag.map(str::to_owned).unwrap_or(whole)
            }
        }
    }
}

/// Where a field lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The field.
    pub field: Field,
    /// The file.
    pub file: RepoPath,
    /// Which document of it.
    pub document: Document,
    /// The way to the value.
    pub yaml_path: Path,
    /// The kind of file.
    pub flavour: Flavour,
    /// How it is written.
    pub form: Form,
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` at `{}`", self.file, self.yaml_path)
    }
}

/// What is looked for, and where.
#[derive(Debug, Clone)]
pub struct Locator {
    /// The service.
    pub service: Service,
    /// The target's directory.
    pub directory: Option<RepoPath>,
    /// The service's image as the catalog names it, without a tag.
    pub image: Option<String>,
    /// The catalog's pin, which ends the looking.
    pub pin: Option<Pin>,
}

/// Why a field has no one place.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LocateRefusal {
    /// Nothing is there at all.
    #[error("there are no files under `{directory}`")]
    Empty {
        /// The target's directory.
        directory: String,
    },
    /// No place for it.
    #[error("no `{field}` was found in {looked}")]
    NotFound {
        /// The field.
        field: Field,
        /// The files that were looked into.
        looked: String,
    },
    /// Several places fit.
    #[error("`{field}` could be {candidates}")]
    Ambiguous {
        /// The field.
        field: Field,
        /// The places.
        candidates: String,
    },
    /// A file in the way does not parse.
    #[error("`{path}` cannot be read: {refusal}")]
    Unreadable {
        /// The file.
        path: RepoPath,
        /// Why.
        refusal: yaml::Refusal,
    },
    /// The image is pinned by digest, which a tag would not change.
    #[error("{place} is pinned by digest, so a tag there would change nothing")]
    ByDigest {
        /// The place.
        place: String,
    },
    /// The catalog names a file that is not there.
    #[error("`{path}` is not in the repository")]
    NoSuchFile {
        /// The file.
        path: RepoPath,
    },
    /// The catalog's pin is no place.
    #[error("the pin of `{field}` cannot be followed: {what}")]
    BadPin {
        /// The field.
        field: Field,
        /// Why.
        what: String,
    },
    /// A field that is not found by looking.
    #[error("`{field}` is not found by looking into files yet")]
    Unsupported {
        /// The field.
        field: Field,
    },
}

impl LocateRefusal {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        let pin = |field: &Field| {
            format!(
                "Pin it in the catalog: `bindings: {{ {field}: {{ file: <file>, path: <yaml path> }} }}` under the service."
            )
        };
        match self {
            Self::Empty { .. } => "Check the service and the environment's `path` in the catalog.".to_owned(),
            Self::NotFound { field, .. } | Self::Ambiguous { field, .. } | Self::Unsupported { field } => pin(field),
            Self::Unreadable { refusal, .. } => refusal.remedy(),
            Self::ByDigest { .. } => "Take the digest out in git first, in a reviewed commit.".to_owned(),
            Self::NoSuchFile { .. } | Self::BadPin { .. } => "Correct the pin in the catalog.".to_owned(),
        }
    }
}

/// Finds the one place of a field.
///
/// # Errors
/// When there is none, when several fit, or when a file in the way does not parse.
pub fn locate(field: &Field, locator: &Locator, files: &[SourceFile]) -> Result<Binding, LocateRefusal> {
    let directory = locator.directory.as_ref().map(ToString::to_string).unwrap_or_default();
    if let Some(pin) = &locator.pin {
        return pinned(field, pin, locator, files);
    }
    if !matches!(field, Field::ImageTag | Field::Replicas) {
        return Err(LocateRefusal::Unsupported { field: field.clone() });
    }
    if files.is_empty() {
        return Err(LocateRefusal::Empty { directory });
    }
    let in_kustomization = looked_into(field, locator, files, Room::Kustomization)?;
    if !in_kustomization.is_empty() {
        return one(field, in_kustomization);
    }
    let mut candidates = looked_into(field, locator, files, Room::Manifest)?;
    candidates.extend(looked_into(field, locator, files, Room::Values)?);
    if candidates.is_empty() {
        return Err(LocateRefusal::NotFound { field: field.clone(), looked: looked(files) });
    }
    one(field, candidates)
}

/// The field's value at its place, as people write it.
///
/// # Errors
/// When the file does not parse or the way is not there.
pub fn value_at(binding: &Binding, text: &str) -> Result<Option<String>, yaml::Refusal> {
    let value = yaml::read(text, &binding.document, &binding.yaml_path)?;
    Ok(value.as_ref().and_then(fact).map(|value| binding.form.shown(&value)))
}

fn looked(files: &[SourceFile]) -> String {
    let mut names: Vec<String> = files.iter().take(5).map(|file| format!("`{}`", file.path)).collect();
    if files.len() > 5 {
        names.push(format!("{} more", files.len() - 5));
    }
    names.join(", ")
}

fn pinned(field: &Field, pin: &Pin, locator: &Locator, files: &[SourceFile]) -> Result<Binding, LocateRefusal> {
    let path = match &locator.directory {
        Some(directory) => RepoPath::parse(&format!("{directory}/{}", pin.file)).unwrap_or_else(|_| pin.file.clone()),
        None => pin.file.clone(),
    };
    let Some(file) = files.iter().find(|file| file.path == path) else {
        return Err(LocateRefusal::NoSuchFile { path });
    };
    let unreadable = |refusal| LocateRefusal::Unreadable { path: path.clone(), refusal };
    let wrong = |what: &dyn fmt::Display| LocateRefusal::BadPin { field: field.clone(), what: what.to_string() };
    let yaml_path = Path::parse(&pin.path).map_err(|error| wrong(&error))?;
    let document = Document::parse(&pin.document.to_string()).map_err(|error| wrong(&error))?;
    let value = yaml::read(&file.text, &document, &yaml_path).map_err(unreadable)?;
    let form = match (field, value) {
        (Field::ImageTag, Some(Scalar::String(text))) if text.contains('/') => image_form(&text),
        (_, _) => Form::Value,
    };
    Ok(Binding { field: field.clone(), file: path, document, yaml_path, flavour: Flavour::Pinned, form })
}

/// The three rooms a field can live in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Kustomization,
    Manifest,
    Values,
}

fn room(file: &SourceFile, directory: &str, has_chart: HasChart) -> Option<Room> {
    let inside = file.path.as_str().strip_prefix(directory)?.trim_start_matches('/');
    match inside {
        "kustomization.yaml" | "kustomization.yml" | "Kustomization" => Some(Room::Kustomization),
        "values.yaml" | "values.yml" => Some(Room::Values),
        "Chart.yaml" => None,
        _ if has_chart == HasChart::Yes && inside.starts_with("templates/") => None,
        _ if inside.ends_with(".yaml") || inside.ends_with(".yml") => Some(Room::Manifest),
        _ => None,
    }
}

/// Templates of a chart are no manifests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HasChart {
    Yes,
    No,
}

/// The best candidates of one room.
fn looked_into(
    field: &Field,
    locator: &Locator,
    files: &[SourceFile],
    wanted: Room,
) -> Result<Vec<Candidate>, LocateRefusal> {
    let directory = locator.directory.as_ref().map(ToString::to_string).unwrap_or_default();
    let chart = format!("{directory}/Chart.yaml");
    let has_chart = if files.iter().any(|file| file.path.as_str() == chart) { HasChart::Yes } else { HasChart::No };
    let mut candidates = Vec::new();
    for file in files.iter().filter(|file| room(file, &directory, has_chart) == Some(wanted)) {
        let unreadable = |refusal| LocateRefusal::Unreadable { path: file.path.clone(), refusal };
        let documents = yaml::tree(&file.text).map_err(unreadable)?;
        for (index, document) in documents.iter().enumerate() {
            let at = Spot { field, locator, file: &file.path, document: Document::Index(index), node: document };
            candidates.extend(match wanted {
                Room::Kustomization => at.kustomization(),
                Room::Manifest => at.manifest(),
                Room::Values => at.values(),
            });
        }
    }
    let best = candidates.iter().map(|candidate| candidate.fit).max();
    candidates.retain(|candidate| Some(candidate.fit) == best);
    Ok(candidates)
}

fn one(field: &Field, mut candidates: Vec<Candidate>) -> Result<Binding, LocateRefusal> {
    if candidates.len() > 1 {
        let places: Vec<String> = candidates.iter().map(|candidate| candidate.binding.to_string()).collect();
        return Err(LocateRefusal::Ambiguous { field: field.clone(), candidates: places.join(" or ") });
    }
    match candidates.pop() {
        Some(candidate) if candidate.by_digest => Err(LocateRefusal::ByDigest { place: candidate.binding.to_string() }),
        Some(candidate) => Ok(candidate.binding),
        None => Err(LocateRefusal::NotFound { field: field.clone(), looked: String::new() }),
    }
}
