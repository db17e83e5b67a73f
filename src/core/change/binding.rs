//! Bindings: where a field of a target lives, and how its value is written there.

use std::fmt;

use serde_json::Value;

use super::{
    image::{Image, Tag, split_image},
    marker::Automation,
    plan::{fact, shown},
};
use crate::core::{
    catalog::Pin as CatalogPin,
    names::{Environment, Field, RepoPath, Service},
    yaml::{self, Document, Path, Scalar},
};

/// A place named in the catalog, which ends the looking.
pub type Pin = CatalogPin;

/// What kind of file a field was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// A kustomization's own lists: `images`, `replicas`, `configMapGenerator`.
    Kustomize,
    /// A patch of a kustomization.
    Patch,
    /// A workload as it is applied.
    Plain,
    /// The values of a Helm chart, wherever they stand.
    Helm,
    /// An Argo CD Application.
    ArgoCd,
    /// A ConfigMap, or a file that one is made of.
    ConfigMap,
    /// A HorizontalPodAutoscaler or ScaledObject.
    Autoscaler,
    /// A variable that Flux substitutes.
    Variable,
    /// Where the catalog says.
    Pinned,
}

/// How the field's value is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// As itself.
    Value,
    /// As text, a number too.
    Text,
    /// As text, unless a number or a yes or no stands there and the new value is one, too, written as every reader writes
    /// it: `0777` and `1.10` are text.
    Like,
    /// After a fixed beginning: `KEY=` in `KEY=value`.
    After(String),
    /// As a part of a whole image reference: `registry/name:tag@digest`.
    ImageOf {
        /// What stands before the reference: `name=` in Argo CD's `kustomize.images`.
        before: String,
        /// Everything before the tag's colon.
        repository: String,
    },
    /// As a part of a tag that the digest stands behind: `v1.2.4@sha256:...`.
    TagOf,
}

/// Whether the place is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    There,
    /// Its key is added; what holds until then comes from elsewhere.
    Added {
        /// The value that holds now, where one is known.
        now: Option<String>,
    },
    /// The item of a list that holds it is added. The path ends in a selector and a key.
    Item {
        /// The value that holds now, where one is known.
        now: Option<String>,
    },
}

/// Where a field lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The field. Where an autoscaler owns the replicas, `replicas` is found as `replicas_min`.
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
    /// Whether it is there.
    pub presence: Presence,
    /// What else writes here, by a marker in the file.
    pub automation: Option<Automation>,
    /// The digest by which the image is pinned there, beside or behind its tag.
    pub digest: Option<String>,
    /// The container's own limit, for `cpu` and `memory`.
    pub limit: Option<String>,
    /// Other places of the same document with the same image of the same version, which change with it: init
    /// containers, a worker beside the server.
    pub twins: Vec<(Path, Form)>,
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.document {
            Document::Index(0) => write!(f, "`{}` at `{}`", self.file, self.yaml_path),
            document @ (Document::Index(_) | Document::Named { .. }) => {
                write!(f, "`{}` at `{}` of document {document}", self.file, self.yaml_path)
            }
        }
    }
}

/// What is looked for, and where.
#[derive(Debug, Clone)]
pub struct Locator {
    /// The service.
    pub service: Service,
    /// The environment.
    pub environment: Environment,
    /// The target's directory, or its one file.
    pub directory: Option<RepoPath>,
    /// The service's image as the catalog names it, without a tag.
    pub image: Option<String>,
    /// The catalog's pin, which ends the looking.
    pub pin: Option<Pin>,
}

impl Form {
    /// The form of a whole image reference.
    pub(super) fn image(before: &str, reference: &str) -> Self {
        Self::ImageOf { before: before.to_owned(), repository: split_image(reference).repository.to_owned() }
    }

    /// The field's value in what stands in the file, as people write it; nothing where that part is missing.
    pub(super) fn shown(&self, field: &Field, value: &Value) -> Option<String> {
        let whole = shown(value);
        let part = match self {
            Self::Value | Self::Text | Self::Like => whole,
            Self::After(before) => unquoted(whole.strip_prefix(before.as_str()).unwrap_or(&whole)).to_owned(),
            Self::ImageOf { before, .. } => {
                let image = split_image(whole.strip_prefix(before.as_str()).unwrap_or(&whole));
                let part = if *field == Field::ImageDigest { image.digest } else { image.tag };
                part.unwrap_or_default().to_owned()
            }
            Self::TagOf => {
                let tag = Tag::of(&whole);
                let part = if *field == Field::ImageDigest { tag.digest } else { tag.tag };
                part.unwrap_or_default().to_owned()
            }
        };
        Some(part).filter(|part| !part.is_empty())
    }

    /// What stands in the file once the field has its value; `before` is what stands there so far.
    pub(super) fn written(&self, field: &Field, value: &Value, before: Option<&Scalar>) -> Option<Scalar> {
        let text = || Scalar::String(shown(value));
        Some(match self {
            Self::Value => Scalar::from_json(value).ok()?,
            Self::Text => text(),
            Self::Like => {
                let read = Scalar::of_plain(&shown(value));
                let canonical = match &read {
                    Scalar::Integer(number) => number.to_string() == shown(value),
                    Scalar::Float(text) => {
                        serde_json::from_str::<f64>(text).is_ok_and(|number| number.to_string() == *text)
                    }
                    Scalar::Bool(_) | Scalar::Null | Scalar::String(_) => true,
                };
                let same = canonical
                    && before.is_some_and(|before| {
                        matches!(
                            (before, &read),
                            (Scalar::Integer(_) | Scalar::Float(_), Scalar::Integer(_) | Scalar::Float(_))
                                | (Scalar::Bool(_), Scalar::Bool(_))
                        )
                    });
                if same { read } else { text() }
            }
            // kustomize takes one pair of quotes off.
            Self::After(start) => match shown(value) {
                text if unquoted(&text) == text => Scalar::String(format!("{start}{text}")),
                text if text.starts_with('"') => Scalar::String(format!("{start}'{text}'")),
                text => Scalar::String(format!("{start}\"{text}\"")),
            },
            Self::ImageOf { before: start, repository } => {
                let (whole, part) = (before.and_then(Scalar::as_str).unwrap_or_default(), shown(value));
                let stood = split_image(whole.strip_prefix(start.as_str()).unwrap_or(whole));
                let digests = *field == Field::ImageDigest;
                let tag = if digests { stood.tag } else { Some(part.as_str()) };
                let digest = if digests { Some(part.as_str()) } else { stood.digest };
                Scalar::String(format!("{start}{}", Image { repository, tag, digest }))
            }
            Self::TagOf => {
                let (whole, part) = (before.and_then(Scalar::as_str).unwrap_or_default(), shown(value));
                let mut tag = Tag::of(whole);
                *(if *field == Field::ImageDigest { &mut tag.digest } else { &mut tag.tag }) = Some(&part);
                Scalar::String(tag.to_string())
            }
        })
    }

    /// Whether several fields meet in one value.
    pub(super) fn is_part(&self) -> bool {
        match self {
            Self::ImageOf { .. } | Self::TagOf => true,
            Self::Value | Self::Text | Self::Like | Self::After(_) => false,
        }
    }
}

/// Without the quotes that kustomize takes off a literal.
fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// The field's value at its place, as people write it; what holds instead where the place is not there yet.
///
/// # Errors
/// When the file does not parse or the way is not there.
pub fn value_at(binding: &Binding, text: &str) -> Result<Option<String>, yaml::Refusal> {
    let now = match &binding.presence {
        Presence::There => None,
        Presence::Added { now } | Presence::Item { now } => now.clone(),
    };
    match super::apply::read(text, &binding.document, &binding.yaml_path) {
        Ok(value) => Ok(value_of(binding, value.as_ref().and_then(fact).as_ref())),
        Err(
            yaml::Refusal::NotFound { .. } | yaml::Refusal::WrongKind { .. } | yaml::Refusal::DocumentNotFound { .. },
        ) if binding.presence != Presence::There => Ok(now),
        Err(refusal) => Err(refusal),
    }
}

/// The field's value in what stands at its place, as people write it; what holds instead where that has none.
pub(super) fn value_of(binding: &Binding, stands: Option<&Value>) -> Option<String> {
    let here = stands.and_then(|value| binding.form.shown(&binding.field, value));
    here.or_else(|| match &binding.presence {
        Presence::There => None,
        Presence::Added { now } | Presence::Item { now } => now.clone(),
    })
}
