//! Names of images without their tag, in full: `checkout` is `docker.io/library/checkout`.

use std::fmt;

use crate::core::names::NotAName;

/// The host under which images of Docker Hub are known.
pub(super) const DOCKER_HUB: &str = "docker.io";
/// Other names of Docker Hub's.
const HUB_TOO: [&str; 3] = ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];
/// The longest a name may be.
const LONGEST: usize = 255;

/// The name of an image: a registry, and a repository there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName {
    host: String,
    repository: String,
}

impl ImageName {
    /// Parses `ghcr.io/acme/checkout`, `localhost:5000/checkout` or `acme/checkout`.
    ///
    /// # Errors
    /// When it is no such name.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let is_host = |first: &str| {
            first.starts_with(|c: char| c.is_ascii_alphanumeric())
                && (first.contains(['.', ':']) || first == "localhost")
        };
        let (host, rest) = match text.split_once('/') {
            Some((first, rest)) if is_host(first) => (canonical(first), rest.to_owned()),
            Some(_) | None => (DOCKER_HUB.to_owned(), text.to_owned()),
        };
        let alone = host == DOCKER_HUB && !rest.contains('/');
        let repository = if alone { format!("library/{rest}") } else { rest };
        let fits = text.len() <= LONGEST && is_plain_host(&host) && repository.split('/').all(is_part);
        fits.then_some(Self { host, repository }).ok_or_else(|| NotAName {
            found: text.chars().take(80).collect(),
            kind: "an image",
            rule: "a registry's host and lower-case letters, digits, `.`, `_` and `-` in parts, without a tag",
            example: "ghcr.io/acme/checkout",
        })
    }

    /// The registry's host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository there: `acme/checkout`.
    pub fn repository(&self) -> &str {
        &self.repository
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)
    }
}

/// The one name of a host that has several.
pub(super) fn canonical(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    if HUB_TOO.contains(&host.as_str()) { DOCKER_HUB.to_owned() } else { host }
}

fn is_plain_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    !name.is_empty() && name.chars().all(is_name) && port.parse::<u16>().is_ok()
}

fn is_part(part: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.chars().all(inner) && part.starts_with(edge) && part.ends_with(edge)
}
