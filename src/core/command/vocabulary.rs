//! The names that exist, against which what people type is read, and what they may have meant instead.

use std::collections::{BTreeMap, BTreeSet};

use super::refusal::ParseRefusal;
use crate::core::names::{Environment, PersonId, Service};

/// The names of the catalog. Built once when a catalog loads, lent to every parse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// What runs.
    pub services: BTreeSet<Service>,
    /// Where.
    pub environments: BTreeSet<Environment>,
    /// Groups of environments, each with its members in their order.
    pub groups: BTreeMap<Environment, Vec<Environment>>,
    /// People, by catalog key.
    pub people: BTreeSet<PersonId>,
}

/// What to offer somebody who typed a name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestions {
    /// Names that are near to it, nearest first.
    Near(Vec<String>),
    /// None is near, but there are so few that all can be shown.
    All(Vec<String>),
    /// None is near and there are many, or there are none at all.
    Nothing,
}

/// How many names are near enough to show, and how many are few enough to show all.
const SHOWN_NEAR: usize = 3;
const SHOWN_ALL: usize = 5;
/// How much of a long word is compared.
const COMPARED: usize = 80;

impl Suggestions {
    /// Looks for `found` among `names`.
    pub fn of<'a>(found: &str, names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let found: String = found.to_lowercase().chars().take(COMPARED).collect();
        let mut near: Vec<(f64, &str)> =
            names.clone().filter_map(|name| Some((likeness(&found, name)?, name))).collect();
        near.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
        if !near.is_empty() {
            return Self::Near(near.into_iter().take(SHOWN_NEAR).map(|(_, name)| name.to_owned()).collect());
        }
        let few: Vec<String> = names.take(SHOWN_ALL + 1).map(str::to_owned).collect();
        if few.is_empty() || few.len() > SHOWN_ALL { Self::Nothing } else { Self::All(few) }
    }

    /// Whether a name is near.
    pub fn is_near(&self) -> bool {
        matches!(self, Self::Near(_))
    }

    /// A sentence that offers them, or `otherwise`.
    pub(super) fn sentence(&self, otherwise: &str) -> String {
        match self {
            Self::Near(names) => format!("Did you mean {}?", either(names)),
            Self::All(names) if names.len() == 1 => format!("There is only {}.", either(names)),
            Self::All(names) => format!("Choose {}.", either(names)),
            Self::Nothing => otherwise.to_owned(),
        }
    }
}

/// Names in a sentence: "`a`, `b` or `c`".
pub(super) fn either(names: &[impl AsRef<str>]) -> String {
    crate::core::located::either(names.iter().map(AsRef::as_ref))
}

/// How alike two names are, if they are at all: a slip of the fingers, a part of the name, or the same beginning.
fn likeness(found: &str, name: &str) -> Option<f64> {
    let (short, long) = if found.len() < name.len() { (found, name) } else { (name, found) };
    if short.len() >= 2 && long.contains(short) {
        return Some(2.0 - (long.len() - short.len()) as f64 / 100.0);
    }
    let allowed = long.len() / 3;
    if long.len() - short.len() <= allowed && strsim::damerau_levenshtein(found, name) <= allowed {
        return Some(strsim::jaro_winkler(found, name) + 0.5);
    }
    Some(strsim::jaro_winkler(found, name)).filter(|likeness| *likeness >= 0.85)
}

impl Vocabulary {
    pub(super) fn service(&self, text: &str) -> Option<Service> {
        self.services.get(text.to_ascii_lowercase().as_str()).cloned()
    }

    pub(super) fn environment(&self, text: &str) -> Option<Environment> {
        self.environments.get(text.to_ascii_lowercase().as_str()).cloned()
    }

    pub(super) fn person(&self, text: &str) -> Option<PersonId> {
        self.people.get(text.trim_start_matches('@').to_ascii_lowercase().as_str()).cloned()
    }

    /// Whether `text` names a group and no environment.
    pub(super) fn is_group(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        self.groups.contains_key(text.as_str()) && !self.environments.contains(text.as_str())
    }

    /// The group of that name, where no environment has it.
    pub(super) fn group(&self, text: &str) -> Option<Environment> {
        let text = text.to_ascii_lowercase();
        self.groups.get_key_value(text.as_str()).map(|(name, _)| name.clone())
    }

    pub(super) fn no_service(&self, found: &str) -> ParseRefusal {
        let names = self.services.iter().map(Service::as_str);
        ParseRefusal::UnknownService { found: shown(found), suggestions: Suggestions::of(found, names) }
    }

    pub(super) fn no_environment(&self, found: &str) -> ParseRefusal {
        if self.is_group(found) {
            let members = self.groups.get(found.to_ascii_lowercase().as_str()).into_iter().flatten();
            return ParseRefusal::Group { found: shown(found), members: members.map(Environment::to_string).collect() };
        }
        let names = self.environments.iter().map(Environment::as_str);
        ParseRefusal::UnknownEnvironment { found: shown(found), suggestions: Suggestions::of(found, names) }
    }

    pub(super) fn no_person(&self, found: &str) -> ParseRefusal {
        let names = self.people.iter().map(PersonId::as_str);
        let suggestions = Suggestions::of(found.trim_start_matches('@'), names);
        ParseRefusal::UnknownPerson { found: shown(found), suggestions }
    }
}

/// What was typed, fit to stand in backticks in a message.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(COMPARED).map(|c| if c == '`' { '\'' } else { c }).collect();
    if text.chars().count() > COMPARED { cut + "…" } else { cut }
}
