//! The kinds of files in which fields live, each with what it knows of them. Each comes back with candidates; which
//! of them counts is decided in `locate.rs`.

mod argo;
mod autoscaler;
mod configmap;
mod flux;
mod generator;
mod helm;
mod inflated;
mod kustomize;
mod over;
mod patch;
mod secret;
mod twins;
mod variables;
mod workload;

pub(super) use helm::best;
pub(super) use secret::is_encrypted;
pub(super) use twins::of_pin;
use workload::Container;

use super::{
    Binding, Flavour, LocateRefusal,
    at::At,
    binding::{Form, Presence},
    image::{Tag, split_image},
    marker,
    sight::{Fit, Sight},
};
use crate::core::names::Field;

/// A place that may be it, and how well its name fits.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) binding: Binding,
    pub(super) fit: Fit,
    /// Why it cannot be changed there.
    pub(super) barrier: Option<Barrier>,
}

/// Why a value cannot be changed where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Barrier {
    /// It is a `Secret` or a `SealedSecret`.
    Secret(String),
    /// It is taken from there; what to change instead.
    From(String, String),
    /// A list that this environment's values would replace as a whole.
    WholeList,
    /// A patch that is not for this workload alone: what it selects.
    Selected(String),
    /// Something above writes over it: what, in words.
    WrittenOver(String),
}

impl Candidate {
    pub(super) fn new(sight: &Sight<'_>, at: &At<'_>, flavour: Flavour, form: Form, fit: Fit) -> Self {
        let binding = Binding {
            field: sight.field.clone(),
            file: at.file.path.clone(),
            document: at.document(),
            yaml_path: at.path.clone(),
            flavour,
            form,
            presence: Presence::There,
            automation: marker::flux(at),
            digest: None,
            limit: None,
            twins: Vec::new(),
        };
        Self { binding, fit, barrier: None }
    }

    /// A key of `parent` that is there, or is added.
    pub(super) fn key(
        sight: &Sight<'_>,
        parent: &At<'_>,
        key: &str,
        (flavour, form, fit): (Flavour, Form, Fit),
    ) -> Self {
        match parent.key(key) {
            Some(at) => Self::new(sight, &at, flavour, form, fit),
            None => {
                let mut candidate = Self::new(sight, parent, flavour, form, fit);
                candidate.binding.yaml_path = parent.path.clone().key(key);
                candidate.binding.presence = Presence::Added { now: None };
                candidate
            }
        }
    }

    /// A tag, behind which the digest may stand.
    pub(super) fn tag(sight: &Sight<'_>, at: &At<'_>, flavour: Flavour, form: Form, fit: Fit) -> Self {
        let mut candidate = Self::new(sight, at, flavour, form, fit);
        if let Some(digest) = at.text().and_then(|text| Tag::of(text).digest) {
            candidate.binding.form = Form::TagOf;
            candidate.binding.digest = Some(digest.to_owned());
        }
        candidate
    }

    /// A whole image reference, after `before`.
    pub(super) fn image(sight: &Sight<'_>, at: &At<'_>, before: &str, (flavour, fit): (Flavour, Fit)) -> Self {
        let whole = at.text().unwrap_or_default();
        let reference = whole.strip_prefix(before).unwrap_or(whole);
        let mut candidate = Self::new(sight, at, flavour, Form::image(before, reference), fit);
        candidate.binding.digest = split_image(reference).digest.map(str::to_owned);
        candidate
    }

    pub(super) fn barred(mut self, barrier: Barrier) -> Self {
        self.barrier = Some(barrier);
        self
    }

    /// The refusal of a place that cannot be changed.
    pub(super) fn refusal(&self, field: &Field) -> Option<LocateRefusal> {
        let place = self.binding.to_string();
        Some(match self.barrier.clone()? {
            Barrier::Secret(kind) => LocateRefusal::Secret { place, kind },
            Barrier::From(source_name, instead) => LocateRefusal::Elsewhere { place, source_name, instead },
            Barrier::Selected(what) => LocateRefusal::Selected { place, what },
            Barrier::WrittenOver(what) => LocateRefusal::WrittenOver { place, what },
            Barrier::WholeList => LocateRefusal::Shared {
                field: field.clone(),
                place,
                instead: "Helm replaces lists as a whole: copy the list into this environment's values in git first."
                    .to_owned(),
            },
        })
    }
}

/// Whether a tag holds the digest too.
pub(super) fn holds_digest(at: &At<'_>) -> bool {
    at.text().is_some_and(|text| Tag::of(text).digest.is_some())
}

/// Whether a field is a part of an image reference.
pub(super) fn is_image(field: &Field) -> bool {
    matches!(field, Field::ImageTag | Field::ImageDigest)
}
