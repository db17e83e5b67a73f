//! Image references: `registry:port/name:tag@digest` in its parts.

use super::binding::Form;

/// An image reference in its parts.
pub(super) struct Image<'a> {
    pub(super) repository: &'a str,
    pub(super) tag: Option<&'a str>,
    pub(super) digest: Option<&'a str>,
}

/// A colon before the last slash is a port, not a tag.
pub(super) fn split_image(image: &str) -> Image<'_> {
    let (rest, digest) = image.split_once('@').map_or((image, None), |(rest, digest)| (rest, Some(digest)));
    match rest.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => Image { repository, tag: Some(tag), digest },
        _ => Image { repository: rest, tag: None, digest },
    }
}

pub(super) fn image_form(image: &str) -> Form {
    Form::ImageOf { repository: split_image(image).repository.to_owned() }
}
