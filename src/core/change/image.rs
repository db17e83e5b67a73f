//! Image references: `registry:port/name:tag@digest` in its parts.

use std::fmt;

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

#[cfg(test)]
mod tests {
    use super::*;

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
