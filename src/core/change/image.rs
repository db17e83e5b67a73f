//! Image references: `registry:port/name:tag@digest` in its parts, and tags that hold a digest too.

use std::fmt;

use super::{Binding, Form, SourceFile, apply};
use crate::core::yaml::{Path, Step};

/// An image reference in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Image<'a> {
    pub(super) repository: &'a str,
    pub(super) tag: Option<&'a str>,
    pub(super) digest: Option<&'a str>,
}

impl fmt::Display for Image<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.repository)?;
        self.tag.map_or(Ok(()), |tag| write!(f, ":{tag}"))?;
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

/// A colon before the last slash is a port, not a tag.
pub(super) fn split_image(image: &str) -> Image<'_> {
    let (rest, digest) = image.split_once('@').map_or((image, None), |(rest, digest)| (rest, Some(digest)));
    match rest.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => Image { repository, tag: Some(tag), digest },
        Some(_) | None => Image { repository: rest, tag: None, digest },
    }
}

/// A tag as charts take it: `v1.2.4`, `v1.2.4@sha256:...`, or a digest alone with or without its `@`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    pub(super) tag: Option<&'a str>,
    /// Whether an `@` stands before the digest.
    at: &'static str,
    pub(super) digest: Option<&'a str>,
}

impl<'a> Tag<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let there = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        match text.split_once('@') {
            Some((tag, digest)) => Self { tag: there(tag), at: "@", digest: there(digest) },
            None if is_digest(text) => Self { tag: None, at: "", digest: Some(text) },
            None => Self { tag: there(text), at: "@", digest: None },
        }
    }
}

impl fmt::Display for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.tag.is_some() { "@" } else { self.at };
        f.write_str(self.tag.unwrap_or_default())?;
        self.digest.map_or(Ok(()), |digest| write!(f, "{at}{digest}"))
    }
}

/// `sha256:` and hexadecimal digits.
pub(super) fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("sha512:"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The image whose tag a binding holds, without a tag: from the reference itself, or from what stands beside the tag
/// there or, in a chart's values, in another file of the target.
pub fn image_of(binding: &Binding, files: &[SourceFile]) -> Option<String> {
    if let Form::ImageOf { repository, .. } = &binding.form {
        return Some(repository.clone()).filter(|name| !name.is_empty());
    }
    let steps = binding.yaml_path.steps();
    let parent = binding.yaml_path.prefix(steps.len().checked_sub(1)?);
    let here = files.iter().find(|file| file.path == binding.file);
    let at = |file: &SourceFile, path: &Path| {
        let value = apply::read(&file.text, &binding.document, path).ok().flatten()?;
        value.as_str().map(str::to_owned).filter(|text| !text.is_empty())
    };
    match steps.last()? {
        Step::Key(key) if key == "newTag" => {
            let entry = steps.iter().rev().find_map(|step| match step {
                Step::Select { value, .. } => Some(value.clone()),
                Step::Key(_) | Step::Index(_) | Step::Inside(_) => None,
            });
            let beside = |key: &str| at(here?, &parent.clone().key(key));
            beside("newName").or_else(|| beside("name")).or(entry)
        }
        Step::Key(key) if key == "tag" => {
            let anywhere = |key: &str| {
                let path = parent.clone().key(key);
                here.into_iter().chain(files).find_map(|file| at(file, &path))
            };
            let name = anywhere("repository").or_else(|| anywhere("name"))?;
            Some(anywhere("registry").map_or_else(|| name.clone(), |registry| format!("{registry}/{name}")))
        }
        Step::Key(_) | Step::Index(_) | Step::Select { .. } | Step::Inside(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_apart_and_together() {
        for (text, tag, digest) in [
            ("v1", Some("v1"), None),
            ("v1@sha256:ab", Some("v1"), Some("sha256:ab")),
            ("@sha256:ab", None, Some("sha256:ab")),
            ("sha256:ab", None, Some("sha256:ab")),
            ("sha256:xy", Some("sha256:xy"), None),
            ("", None, None),
        ] {
            let parts = Tag::of(text);
            assert_eq!((parts.tag, parts.digest), (tag, digest), "{text}");
            assert_eq!(parts.to_string(), text);
        }
        assert_eq!(Tag { tag: Some("v2"), ..Tag::of("sha256:ab") }.to_string(), "v2@sha256:ab");
    }

    #[test]
    fn references_come_apart_and_together() {
        for (text, repository, tag, digest) in [
            ("checkout", "checkout", None, None),
            ("shop/checkout:v1", "shop/checkout", Some("v1"), None),
            ("r.example.com:5000/shop/checkout", "r.example.com:5000/shop/checkout", None, None),
            ("r.example.com:5000/checkout:v1", "r.example.com:5000/checkout", Some("v1"), None),
            ("checkout@sha256:ab", "checkout", None, Some("sha256:ab")),
            ("r:5000/checkout:v1@sha256:ab", "r:5000/checkout", Some("v1"), Some("sha256:ab")),
        ] {
            let image = split_image(text);
            assert_eq!((image.repository, image.tag, image.digest), (repository, tag, digest), "{text}");
            assert_eq!(image.to_string(), text);
        }
    }
}
