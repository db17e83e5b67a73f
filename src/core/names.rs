//! Names from outside. Each is a type with a private field and one constructor, `parse`, which refuses what
//! could climb out of a directory, break a ref, or be taken for something else; `Deserialize` goes through it.

use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not the name it was meant to be. `Display` is for people and ends with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {kind}: {rule}. Write it like `{example}`.")]
pub struct NotAName {
    /// The text as it was given, cut at 80 characters.
    pub found: String,
    /// What it should have been, with its article: "a service".
    pub kind: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
    /// A name that would pass.
    pub example: &'static str,
}

/// Makes a parse-only newtype over `String`.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $example:literal, $rule:literal, $fits:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("Parses ", $kind, ": ", $rule, ".")]
            ///
            /// # Errors
            /// When the text breaks that rule.
            pub fn parse(text: &str) -> Result<Self, NotAName> {
                let fits: fn(&str) -> bool = $fits;
                if fits(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(NotAName { found: text.chars().take(80).collect(), kind: $kind, rule: $rule, example: $example })
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = NotAName;
            fn try_from(text: String) -> Result<Self, NotAName> {
                Self::parse(&text)
            }
        }
        impl FromStr for $name {
            type Err = NotAName;
            fn from_str(text: &str) -> Result<Self, NotAName> {
                Self::parse(text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

/// A DNS label: what Kubernetes and Argo CD allow for names, too.
fn is_label(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A path inside a repository: relative, `/`-separated, no empty, `.` or `..` step, nothing of git's own.
fn is_repository_path(text: &str) -> bool {
    text.len() <= 1000
        && !text.chars().any(|c| c.is_control() || c == '\\')
        && text.split('/').all(|step| !matches!(step, "" | "." | "..") && !step.eq_ignore_ascii_case(".git"))
}

name!(
    /// What runs. A key of the catalog, or a directory that fits an environment's path.
    Service, "a service", "checkout",
    "1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends", is_label
);
name!(
    /// Where it runs. A key of the catalog.
    Environment, "an environment", "prod-eu",
    "1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends", is_label
);
name!(
    /// A repository, cluster or other connection: a key of `leverframe.yaml`.
    ConnectionName, "a connection name", "deployments",
    "1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends", is_label
);
name!(
    /// What can be asked: the name of a file in `commands/`.
    CommandName, "a command", "deploy",
    "1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends", is_label
);
name!(
    /// A person: a key of the catalog, and the pseudonym in the ledger.
    PersonId, "a person", "alice",
    "1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends", is_label
);
name!(
    /// The version of an image, by tag, as the OCI distribution specification has it.
    ImageTag, "an image tag", "v1.2.5",
    "1 to 128 letters, digits, `_`, `.` and `-`, not starting with `.` or `-`",
    |text| {
        text.len() <= 128
            && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    }
);
name!(
    /// The version of an image, by digest.
    ImageDigest, "an image digest", "sha256:<64 hexadecimal digits>",
    "`sha256:` and 64 lower-case hexadecimal digits",
    |text| text.strip_prefix("sha256:").is_some_and(|hex| is_hex(hex, 64))
);
name!(
    /// One asking. A ULID, made by `clock::request_id`.
    RequestId, "a request id", "01JD2Z6V8Q3K5N7P9R1T3W5Y7A",
    "26 digits and upper-case letters",
    |text| text.len() == 26 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
);
name!(
    /// A git commit.
    CommitId, "a commit", "2f1c7e9b8a6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b",
    "40 lower-case hexadecimal digits", |text| is_hex(text, 40)
);
name!(
    /// The SHA-256 of something, in hexadecimal: of a change (what people approve), of an entry.
    Digest, "a digest", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "64 lower-case hexadecimal digits", |text| is_hex(text, 64)
);
name!(
    /// A file or directory inside a repository.
    RepoPath, "a path in the repository", "apps/checkout/prod/kustomization.yaml",
    "relative, with `/` between its steps, and no empty, `.`, `..` or `.git` step", is_repository_path
);

impl RequestId {
    /// Wraps a ULID's text.
    pub fn from_ulid(ulid: String) -> Self {
        Self(ulid)
    }
}

impl Digest {
    /// The SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(hex(&sha2::Sha256::digest(bytes)))
    }

    /// The first twelve digits, as cards show them.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl CommitId {
    /// The first seven digits, as git shows them.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl RepoPath {
    /// Whether this is a path that Leverframe never writes: its own configuration, the forge's, git's.
    pub fn is_protected(&self) -> bool {
        let first = self.0.split('/').next().unwrap_or_default();
        first == ".leverframe" || first == ".github" || first.starts_with(".git")
    }

    /// Whether this path is `directory` or lies below it.
    pub fn is_within(&self, directory: &RepoPath) -> bool {
        self.0 == directory.0 || self.0.strip_prefix(directory.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The directory it lies in; `None` at the top.
    pub fn parent(&self) -> Option<RepoPath> {
        self.0.rsplit_once('/').map(|(directory, _)| Self(directory.to_owned()))
    }

    /// The last step.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' + half - 10 });
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
        text
    })
}

/// A named value of a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Field {
    /// The version, by tag.
    ImageTag,
    /// The version, by digest.
    ImageDigest,
    /// How many run.
    Replicas,
    /// The fewest an autoscaler keeps.
    ReplicasMin,
    /// The most an autoscaler makes.
    ReplicasMax,
    /// CPU asked for.
    Cpu,
    /// Memory asked for.
    Memory,
    /// An environment variable of the container.
    Env(String),
    /// A key of the target's ConfigMap.
    Config(String),
}

impl Field {
    /// Parses `image_tag`, `replicas`, `env.NAME`, `config.KEY`, ...
    ///
    /// # Errors
    /// When no field has that name.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let named = |prefix: &str| text.strip_prefix(prefix).filter(|rest| !rest.is_empty()).map(str::to_owned);
        Ok(match text {
            "image_tag" => Self::ImageTag,
            "image_digest" => Self::ImageDigest,
            "replicas" => Self::Replicas,
            "replicas_min" => Self::ReplicasMin,
            "replicas_max" => Self::ReplicasMax,
            "cpu" => Self::Cpu,
            "memory" => Self::Memory,
            _ => match (named("env."), named("config.")) {
                (Some(name), _) => Self::Env(name),
                (None, Some(key)) => Self::Config(key),
                (None, None) => {
                    return Err(NotAName {
                        found: text.chars().take(80).collect(),
                        kind: "a field",
                        rule: "one of image_tag, image_digest, replicas, replicas_min, replicas_max, cpu, memory, env.NAME, config.KEY",
                        example: "image_tag",
                    });
                }
            },
        })
    }
}

impl Field {
    /// Whether it says which version runs.
    pub fn is_version(&self) -> bool {
        matches!(self, Self::ImageTag | Self::ImageDigest)
    }

    /// What people call it, to open a line with.
    pub fn label(&self) -> String {
        match self {
            Self::ImageTag => "Version".to_owned(),
            Self::ImageDigest => "Image digest".to_owned(),
            Self::Replicas => "Replicas".to_owned(),
            Self::ReplicasMin => "Fewest replicas".to_owned(),
            Self::ReplicasMax => "Most replicas".to_owned(),
            Self::Cpu => "CPU".to_owned(),
            Self::Memory => "Memory".to_owned(),
            Self::Env(name) => format!("Environment variable {name}"),
            Self::Config(key) => format!("Configuration {key}"),
        }
    }

    /// In the midst of a sentence: `version`, `replicas`, `env.PORT`.
    pub fn word(&self) -> String {
        match self {
            Self::ImageTag => "version".to_owned(),
            Self::ImageDigest => "image digest".to_owned(),
            Self::Replicas
            | Self::ReplicasMin
            | Self::ReplicasMax
            | Self::Cpu
            | Self::Memory
            | Self::Env(_)
            | Self::Config(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImageTag => f.write_str("image_tag"),
            Self::ImageDigest => f.write_str("image_digest"),
            Self::Replicas => f.write_str("replicas"),
            Self::ReplicasMin => f.write_str("replicas_min"),
            Self::ReplicasMax => f.write_str("replicas_max"),
            Self::Cpu => f.write_str("cpu"),
            Self::Memory => f.write_str("memory"),
            Self::Env(name) => write!(f, "env.{name}"),
            Self::Config(key) => write!(f, "config.{key}"),
        }
    }
}
impl TryFrom<String> for Field {
    type Error = NotAName;
    fn try_from(text: String) -> Result<Self, NotAName> {
        Self::parse(&text)
    }
}
impl From<Field> for String {
    fn from(field: Field) -> Self {
        field.to_string()
    }
}

/// A service in an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// What runs.
    pub service: Service,
    /// Where.
    pub environment: Environment,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.service, self.environment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_cannot_climb_or_inject() {
        for bad in ["", "..", "../etc", "a/b", "A", "-a", "a-", "a b", "a\n", "ä", &"a".repeat(64)] {
            assert!(Service::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Service::parse("checkout-2").unwrap().as_str(), "checkout-2");
    }

    #[test]
    fn tags_follow_the_oci_grammar() {
        for bad in ["", ".1", "-x", "v1:2", "v1@sha256", "v 1", "v1\"", &"a".repeat(129)] {
            assert!(ImageTag::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["v1.2.5", "latest", "_x", "1", "2024-01-01_abc.def"] {
            assert!(ImageTag::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn repository_paths_stay_inside() {
        for bad in ["", "/etc/passwd", "a//b", "a/../b", ".", "a/.git/config", "a\\b", "a/\u{0}"] {
            assert!(RepoPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(RepoPath::parse(".leverframe/catalog.yaml").unwrap().is_protected());
        assert!(RepoPath::parse(".gitattributes").unwrap().is_protected());
        let file = RepoPath::parse("apps/checkout/prod/values.yaml").unwrap();
        assert!(!file.is_protected());
        assert!(file.is_within(&RepoPath::parse("apps/checkout").unwrap()));
        assert!(!file.is_within(&RepoPath::parse("apps/check").unwrap()));
    }
}
