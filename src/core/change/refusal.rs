//! Why a field has no place that can be changed, and what to do about it.

use crate::core::{
    names::{Field, RepoPath},
    yaml,
};

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
    /// The only image there is another than the catalog names.
    #[error("{place} is of another image than `{image}`, which the catalog names")]
    OtherImage {
        /// The place.
        place: String,
        /// The image in the catalog.
        image: String,
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
    /// The file is encrypted by SOPS, which signs every value of it.
    #[error("{place} is in a file that SOPS encrypts")]
    Encrypted {
        /// The place.
        place: String,
        /// The file.
        path: RepoPath,
    },
    /// The value is a secret.
    #[error("{place} is in a {kind}")]
    Secret {
        /// The place.
        place: String,
        /// `Secret` or `SealedSecret`.
        kind: String,
    },
    /// The value stands elsewhere, and here is only where from.
    #[error("{place} takes its value from {source_name}")]
    Elsewhere {
        /// The place.
        place: String,
        /// Where from, in words.
        source_name: String,
        /// What to change instead.
        instead: String,
    },
    /// The value stands in files that other targets use, too.
    #[error("{place} is shared with other targets, and `{field}` cannot be overridden from this one")]
    Shared {
        /// The field.
        field: Field,
        /// The place.
        place: String,
        /// How it would be overridden.
        instead: String,
    },
    /// A patch is not for this workload alone.
    #[error("{place} is in a patch that selects {what}")]
    Selected {
        /// The place.
        place: String,
        /// What it selects, or by what.
        what: String,
    },
    /// A change there would have no effect.
    #[error("{place} is written over by {what}")]
    WrittenOver {
        /// The place.
        place: String,
        /// By what.
        what: String,
    },
    /// Kustomizations that refer to each other in a circle.
    #[error("`{path}` leads back to itself through its `resources`")]
    Circle {
        /// The kustomization.
        path: RepoPath,
    },
}

impl LocateRefusal {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Empty { .. } => "Check the service and the environment's `path` in the catalog.".to_owned(),
            Self::NotFound { field, .. } | Self::Ambiguous { field, .. } => pin(field),
            Self::OtherImage { .. } => {
                "Correct the service's `image` in the catalog, or pin `image_tag` there if that image is meant.".to_owned()
            }
            Self::Unreadable { refusal, .. } => refusal.remedy(),
            Self::ByDigest { .. } => {
                "Give the digest with the tag in the same command, or take the digest out in git first, in a reviewed commit."
                    .to_owned()
            }
            Self::NoSuchFile { .. } | Self::BadPin { .. } => "Correct the pin in the catalog.".to_owned(),
            Self::Encrypted { path, .. } => format!("Change it with `sops edit {path}`, in a reviewed commit."),
            Self::Secret { kind, .. } if kind == "SealedSecret" => {
                "Seal the new value with `kubeseal`, in a reviewed commit.".to_owned()
            }
            Self::Secret { .. } => "Change it where your secrets are kept; Leverframe never writes one.".to_owned(),
            Self::Selected { .. } => {
                "Give this workload a patch of its own in git, with its `kind` and `name` as the target.".to_owned()
            }
            Self::WrittenOver { .. } => "Change it there, in a reviewed commit, or take that out first.".to_owned(),
            Self::Elsewhere { instead, .. } | Self::Shared { instead, .. } => instead.clone(),
            Self::Circle { .. } => "Take the circle out of the kustomizations, in a reviewed commit.".to_owned(),
        }
    }
}

fn pin(field: &Field) -> String {
    format!(
        "Pin it in the catalog: `bindings: {{ {field}: {{ file: <file>, path: <yaml path> }} }}` under the service."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_remedy() {
        let (field, path) = (Field::ImageTag, RepoPath::parse("apps/a.yaml").unwrap());
        let place = || "`apps/a.yaml` at `image`".to_owned();
        let every = [
            LocateRefusal::Empty { directory: "apps/a".into() },
            LocateRefusal::NotFound { field: field.clone(), looked: "`a.yaml`".into() },
            LocateRefusal::Ambiguous { field: field.clone(), candidates: "this or that".into() },
            LocateRefusal::OtherImage { place: place(), image: "acme/a".into() },
            LocateRefusal::Unreadable { path: path.clone(), refusal: yaml::Refusal::Template { line: 1 } },
            LocateRefusal::ByDigest { place: place() },
            LocateRefusal::NoSuchFile { path: path.clone() },
            LocateRefusal::BadPin { field: field.clone(), what: "a word".into() },
            LocateRefusal::Encrypted { place: place(), path: path.clone() },
            LocateRefusal::Secret { place: place(), kind: "Secret".into() },
            LocateRefusal::Secret { place: place(), kind: "SealedSecret".into() },
            LocateRefusal::Elsewhere { place: place(), source_name: "`X`".into(), instead: "Change `X`.".into() },
            LocateRefusal::Shared { field, place: place(), instead: "Add a patch.".into() },
            LocateRefusal::Circle { path },
        ];
        let shown: String = every.iter().map(|refusal| format!("{refusal}. {}\n", refusal.remedy())).collect();
        insta::assert_snapshot!(shown, @r"
        there are no files under `apps/a`. Check the service and the environment's `path` in the catalog.
        no `image_tag` was found in `a.yaml`. Pin it in the catalog: `bindings: { image_tag: { file: <file>, path: <yaml path> } }` under the service.
        `image_tag` could be this or that. Pin it in the catalog: `bindings: { image_tag: { file: <file>, path: <yaml path> } }` under the service.
        `apps/a.yaml` at `image` is of another image than `acme/a`, which the catalog names. Correct the service's `image` in the catalog, or pin `image_tag` there if that image is meant.
        `apps/a.yaml` cannot be read: line 1: the file holds a template, `{{`, here. Change the template by hand in git, or bind the field to the values file that fills it.
        `apps/a.yaml` at `image` is pinned by digest, so a tag there would change nothing. Give the digest with the tag in the same command, or take the digest out in git first, in a reviewed commit.
        `apps/a.yaml` is not in the repository. Correct the pin in the catalog.
        the pin of `image_tag` cannot be followed: a word. Correct the pin in the catalog.
        `apps/a.yaml` at `image` is in a file that SOPS encrypts. Change it with `sops edit apps/a.yaml`, in a reviewed commit.
        `apps/a.yaml` at `image` is in a Secret. Change it where your secrets are kept; Leverframe never writes one.
        `apps/a.yaml` at `image` is in a SealedSecret. Seal the new value with `kubeseal`, in a reviewed commit.
        `apps/a.yaml` at `image` takes its value from `X`. Change `X`.
        `apps/a.yaml` at `image` is shared with other targets, and `image_tag` cannot be overridden from this one. Add a patch.
        `apps/a.yaml` leads back to itself through its `resources`. Take the circle out of the kustomizations, in a reviewed commit.
        ");
    }
}
