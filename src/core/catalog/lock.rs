//! `locked`: what changes only by hand in git; `sensitive`: what is shown as changed and never with its value.

use std::collections::BTreeSet;

use super::{groups::EnvironmentGroup, names::refused};
use crate::core::{
    located::{Node, Problem, either, nearest},
    names::{Environment, Field, NotAName, RepoPath, Service, Target},
};

/// Something that changes only by hand in git: whatever fits all that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// In these environments; absent: in all.
    pub environments: Option<BTreeSet<Environment>>,
    /// Of this service; absent: of all.
    pub service: Option<Service>,
    /// These fields; absent: all.
    pub field: Option<FieldPattern>,
    /// In this file or below this directory; absent: anywhere.
    pub path: Option<RepoPath>,
    /// Why, for whoever is refused.
    pub because: String,
}

/// A field's name in which `*` stands for any text: `config.*_KEY`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPattern(String);

/// The fields that a pattern is checked against, so that a slip of the pen does not protect nothing.
const STARTS: [&str; 9] =
    ["image_tag", "image_digest", "replicas", "replicas_min", "replicas_max", "cpu", "memory", "env.", "config."];

impl FieldPattern {
    /// Parses a field's name with any number of `*`.
    ///
    /// # Errors
    /// When no field could have such a name.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let start = text.split('*').next().unwrap_or_default();
        let open = text.contains('*') && STARTS.iter().any(|field| is_start(start, field));
        if open || Field::parse(text).is_ok() {
            return Ok(Self(text.to_owned()));
        }
        let rule = "a field's name, such as `image_tag`, `replicas`, `env.NAME` or `config.KEY`, with `*` for any text";
        Err(refused(text, "a field", rule, "config.*_KEY"))
    }

    /// Whether that field's name fits.
    pub fn fits(&self, field: &Field) -> bool {
        let name = field.to_string();
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else { return rest.is_empty() };
        for part in parts {
            let Some((_, after)) = rest.split_once(part) else { return false };
            rest = after;
        }
        rest.ends_with(last)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a name that starts like this can be a field: `env.`, or a name that has members, may go on.
fn is_start(start: &str, field: &str) -> bool {
    field.starts_with(start) || (field.ends_with('.') && start.starts_with(field))
}

impl Lock {
    /// Whether the lock holds that field of that target, wherever it is written.
    /// A lock with a path holds it when all of the target's directory lies there.
    pub(super) fn holds(&self, target: &Target, field: &Field, directory: Option<&RepoPath>) -> bool {
        self.holds_target(target, field)
            && self.path.as_ref().is_none_or(|path| directory.is_some_and(|dir| dir.is_within(path)))
    }

    fn holds_target(&self, target: &Target, field: &Field) -> bool {
        self.environments.as_ref().is_none_or(|environments| environments.contains(&target.environment))
            && self.service.as_ref().is_none_or(|service| *service == target.service)
            && self.field.as_ref().is_none_or(|pattern| pattern.fits(field))
    }

    pub(super) fn read(node: &Node, known: Known<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let fields = node.fields(&["environment", "service", "field", "path", "because"], problems);
        let environments = fields.get("environment").map(|node| known.environments(node, problems));
        let service = fields.get("service").map(|node| node.named(Service::parse, problems));
        let field = fields.get("field").map(|node| node.named(FieldPattern::parse, problems));
        let path = fields.get("path").map(|node| node.named(RepoPath::parse, problems));
        let because = fields.get("because").and_then(|node| node.text(problems));
        if fields.is_empty_of(&["environment", "service", "field", "path"]) {
            let remedy = "Name at least one of `environment`, `service`, `field` and `path`.";
            problems.push(node.problem("what is locked", remedy));
        }
        let because = because.unwrap_or("it is changed only by hand in git").to_owned();
        let lock = Self {
            environments: environments.flatten(),
            service: service.flatten(),
            field: field.flatten(),
            path: path.flatten(),
            because,
        };
        (problems.len() == before).then_some(lock)
    }
}

/// The names that a lock may use.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) environments: &'a [Environment],
    pub(super) groups: &'a [EnvironmentGroup],
}

impl Known<'_> {
    /// The environments that an environment's or a group's name stands for.
    pub(super) fn environments(self, node: &Node, problems: &mut Vec<Problem>) -> Option<BTreeSet<Environment>> {
        let text = node.text(problems)?;
        if let Some(environment) = self.environments.iter().find(|environment| environment.as_str() == text) {
            return Some(BTreeSet::from([environment.clone()]));
        }
        if let Some(group) = self.groups.iter().find(|group| group.name.as_str() == text) {
            return Some(group.steps.iter().map(|step| step.environment.clone()).collect());
        }
        let names = || {
            let environments = self.environments.iter().map(Environment::as_str);
            environments.chain(self.groups.iter().map(|group| group.name.as_str()))
        };
        let remedy = match nearest(text, names()) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("Write {}.", either(names())),
        };
        problems.push(node.problem("an environment or a group of them", remedy));
        None
    }
}
