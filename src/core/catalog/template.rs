//! Templates with `{service}` in them: where a service's files are, and what its namespace is called. `{environment}`
//! is filled in where an environment is read, so that two environments can say the same words.

use std::fmt;

use super::names::refused;
use crate::core::names::{Environment, NotAName, RepoPath, Service};

const PLACE: &str = "{service}";
const ENVIRONMENT: &str = "{environment}";
/// A step that any one directory fits.
const ANY: &str = "*";

/// A service with as many characters as one may have, so that a template that takes it takes every service.
const LONGEST: &str = "sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss";

/// A text with `{environment}` in it, for that environment.
pub(super) fn in_environment(text: &str, environment: &Environment) -> String {
    text.replace(ENVIRONMENT, environment.as_str())
}

/// The directory of a service, in every environment at its own place (`apps/{service}/prod`), or its one file
/// (`clusters/prod/{service}.yaml`). A step that is `*` stands for any one directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathTemplate(String);

/// One step of a path template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A directory of this name.
    Literal(&'a str),
    /// A directory whose name has the service between these two texts.
    Service { before: &'a str, after: &'a str },
    /// Any one directory.
    Any,
}

impl PathTemplate {
    /// Parses a path with `{service}` in it, at most once in a step and at least once in all; a step may be `*`.
    ///
    /// # Errors
    /// When it is no path inside a repository, has no `{service}` or another placeholder, or when a service's name
    /// could make it one of the paths that are never written.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let refuse = |rule| Err(refused(text, "a path template", rule, "apps/{service}/prod"));
        let bare = text.replace(PLACE, LONGEST);
        if bare == text {
            return refuse("it has `{service}` where the service's name stands");
        }
        if bare.contains(['{', '}']) {
            return refuse("`{service}` and `{environment}` are the only placeholders");
        }
        if text.split('/').any(|step| step.contains(ANY) && step != ANY) || text.ends_with(ANY) {
            return refuse("`*` stands for one whole directory between two slashes, and not at the end");
        }
        if text.split('/').any(|step| step.matches(PLACE).count() > 1) {
            return refuse("`{service}` stands once between two slashes");
        }
        if text.split('/').any(|step| step.starts_with('.') && step.contains(PLACE)) {
            return refuse("a name with `{service}` in it does not start with a dot");
        }
        match RepoPath::parse(&bare) {
            Ok(path) if !path.is_protected() => Ok(Self(text.to_owned())),
            Ok(_) => refuse("it lies outside `.leverframe`, `.github` and whatever begins with `.git`"),
            Err(_) if bare.len() > 1000 => refuse("it is at most 1000 characters with the longest service in it"),
            Err(error) => refuse(error.rule),
        }
    }

    /// The directory or file of that service; `None` where a `*` leaves it to the repository's files.
    pub fn path_of(&self, service: &Service) -> Option<RepoPath> {
        let whole = !self.0.split('/').any(|step| step == ANY);
        whole.then(|| RepoPath::parse(&self.0.replace(PLACE, service.as_str())).ok()).flatten()
    }

    /// Whether it names one file for each service and not a directory: it ends in `.yaml` or `.yml`.
    pub fn is_file(&self) -> bool {
        self.0.ends_with(".yaml") || self.0.ends_with(".yml")
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        self.0.split('/').map(|step| match step.split_once(PLACE) {
            Some((before, after)) => Step::Service { before, after },
            None if step == ANY => Step::Any,
            None => Step::Literal(step),
        })
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Kubernetes name that may have `{service}` in it: a namespace, an Application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameTemplate(String);

impl NameTemplate {
    /// `{service}` itself.
    pub(super) fn service() -> Self {
        Self(PLACE.to_owned())
    }

    /// Parses a name of lower-case letters, digits and dashes, with or without `{service}`.
    ///
    /// # Errors
    /// When it could be no name in Kubernetes.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let fits = Service::parse(&text.replace(PLACE, "s")).is_ok();
        let rule = "lower-case letters, digits, dashes and `{service}`";
        fits.then(|| Self(text.to_owned())).ok_or_else(|| refused(text, "a name in Kubernetes", rule, "{service}"))
    }

    /// The name for that service.
    pub fn name_of(&self, service: &Service) -> String {
        self.0.replace(PLACE, service.as_str())
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_template_makes_a_path_for_every_service(
            template in r"([a.g/-]|it|/\*/|\{service\}){0,12}(/\{service\}){0,20}",
            service in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        ) {
            if let Ok(template) = PathTemplate::parse(&template) {
                let path = template.path_of(&Service::parse(&service).unwrap());
                prop_assert_eq!(path.is_none(), template.as_str().contains('*'));
                prop_assert!(path.is_none_or(|path| !path.is_protected()));
            }
        }
    }
}
