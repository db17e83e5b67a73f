//! Freezes: periods in which environments may not change. People declare them in chat, which the ledger remembers; the
//! catalog has windows that come again. A freeze ends by itself. What of the ledger cannot be read freezes everything.

#[cfg(test)]
mod tests;
mod window;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::core::{
    catalog::{Approvers, Catalog, Person},
    entry::{Actor, Recorded},
    moment,
    names::{CommandName, Environment, NotAName, RequestId, Service, Target},
};

pub use window::Window;

/// Who or what a freeze does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Exempt {
    /// People: `group:leads`, `team:payments`, `person:ana`.
    Who(Approvers),
    /// A service: `service:checkout`.
    Service(Service),
    /// A command: `command:rollback`.
    Command(CommandName),
}

impl Exempt {
    /// Parses `group:NAME`, `team:NAME`, `person:NAME`, `service:NAME` or `command:NAME`.
    ///
    /// # Errors
    /// When the text is none of them.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        match text.split_once(':') {
            Some(("service", name)) => Service::parse(name).map(Self::Service),
            Some(("command", name)) => CommandName::parse(name).map(Self::Command),
            Some(("group" | "team" | "person", _)) => Approvers::parse(text).map(Self::Who),
            Some(_) | None => Err(NotAName {
                found: text.chars().take(80).collect(),
                kind: "somebody or something that a freeze exempts",
                rule: "one of `group:NAME`, `team:NAME`, `person:NAME`, `service:NAME`, `command:NAME`",
                example: "group:leads",
            }),
        }
    }

    /// Several between commas or spaces.
    ///
    /// # Errors
    /// The first that is none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, NotAName> {
        text.split([',', ' ']).filter(|word| !word.is_empty()).map(Self::parse).collect()
    }

    fn fits(&self, person: Option<&Person>, command: &CommandName, service: &Service) -> bool {
        match self {
            Self::Who(approvers) => person.is_some_and(|person| person.is_one_of(std::slice::from_ref(approvers))),
            Self::Service(name) => name == service,
            Self::Command(name) => name == command,
        }
    }
}

impl fmt::Display for Exempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Who(approvers) => approvers.fmt(f),
            Self::Service(name) => write!(f, "service:{name}"),
            Self::Command(name) => write!(f, "command:{name}"),
        }
    }
}

impl TryFrom<String> for Exempt {
    type Error = NotAName;
    fn try_from(text: String) -> Result<Self, NotAName> {
        Self::parse(&text)
    }
}

impl From<Exempt> for String {
    fn from(exempt: Exempt) -> Self {
        exempt.to_string()
    }
}

/// A freeze that somebody declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The environments.
    pub environments: BTreeSet<Environment>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who and what may change things all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<Exempt>,
    /// Where it was declared, `platform:channel`, and its end is told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// Why, in the words of whoever declared it.
    #[serde(skip)]
    pub reason: Option<String>,
    /// Who declared it.
    #[serde(skip, default = "nobody")]
    pub by: Actor,
}

fn nobody() -> Actor {
    Actor { person: None, account: None, via: String::new() }
}

/// The freezes that people declared and that nobody has ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Freezes {
    declared: BTreeMap<RequestId, Declared>,
    readable: Readable,
}

/// Whether every entry about freezes could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Readable {
    #[default]
    Yes,
    No,
}

/// The kinds of entries: one begins a freeze, one ends it before its time, one says that its time came.
pub const DECLARED: &str = "freeze.declared";
/// Somebody ended it before its time.
pub const LIFTED: &str = "freeze.lifted";
/// It ended by itself.
pub const ENDED: &str = "freeze.ended";

/// The ledger's subject of a freeze.
pub fn subject(id: &RequestId) -> String {
    format!("freeze/{id}")
}

/// The freeze that a subject names.
pub fn of_subject(subject: &str) -> Option<RequestId> {
    RequestId::parse(subject.strip_prefix("freeze/")?).ok()
}

impl Freezes {
    /// Folds one entry in; those of other kinds change nothing.
    pub fn fold(&mut self, recorded: &Recorded) {
        let entry = &recorded.entry;
        let Some(id) = of_subject(&entry.subject) else { return };
        match entry.kind.as_str() {
            DECLARED => match serde_json::from_value::<Declared>(serde_json::Value::Object(entry.body.clone())) {
                Ok(declared) => {
                    let reason = recorded.texts.get("reason").cloned();
                    self.declared.insert(id, Declared { reason, by: entry.actor.clone(), ..declared });
                }
                Err(_) => self.readable = Readable::No,
            },
            LIFTED | ENDED => drop(self.declared.remove(&id)),
            _ => {}
        }
    }

    /// Those that nobody has ended, also those whose time has come.
    pub fn declared(&self) -> impl Iterator<Item = (&RequestId, &Declared)> {
        self.declared.iter()
    }
}

/// One reason why something is frozen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause<'a> {
    /// Somebody declared it.
    Person(&'a RequestId, &'a Declared),
    /// The catalog says so.
    Window(&'a Window),
    /// The ledger holds a freeze that cannot be read.
    Unreadable,
}

/// A freeze that holds now, or will.
#[derive(Debug, Clone, PartialEq)]
pub struct Frozen<'a> {
    /// Why.
    pub cause: Cause<'a>,
    /// From when.
    pub from: Timestamp,
    /// Until when; the end of time where nobody can tell.
    pub until: Timestamp,
}

/// What is frozen at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Calendar<'a> {
    /// What people declared.
    pub freezes: &'a Freezes,
    /// The catalog's windows.
    pub catalog: &'a Catalog,
    /// The moment.
    pub now: Timestamp,
}

impl<'a> Calendar<'a> {
    /// All freezes of an environment that hold now, those that last longest first.
    pub fn of(&self, environment: &Environment) -> Vec<Frozen<'a>> {
        let mut found = self.all();
        found.retain(|frozen| frozen.concerns(environment) && frozen.from <= self.now);
        found
    }

    /// All that hold now and all declared or coming within `ahead` of now, those that last longest first.
    pub fn within(&self, ahead: jiff::SignedDuration) -> Vec<Frozen<'a>> {
        let horizon = self.now.checked_add(ahead).unwrap_or(self.now);
        let mut found = self.all();
        found.retain(|frozen| frozen.from <= horizon);
        found
    }

    fn all(&self) -> Vec<Frozen<'a>> {
        let people = self.freezes.declared.iter().filter(|(_, declared)| self.now < declared.until);
        let people = people.map(|(id, declared)| Frozen {
            cause: Cause::Person(id, declared),
            from: declared.from,
            until: declared.until,
        });
        let windows = self.catalog.freezes().iter().filter_map(|window| {
            let (from, until) = window.around(self.now).or_else(|| window.next(self.now))?;
            Some(Frozen { cause: Cause::Window(window), from, until })
        });
        let unreadable = (self.freezes.readable == Readable::No).then_some(Frozen {
            cause: Cause::Unreadable,
            from: Timestamp::MIN,
            until: Timestamp::MAX,
        });
        let mut found: Vec<Frozen<'a>> = people.chain(windows).chain(unreadable).collect();
        found.sort_by_key(|frozen| std::cmp::Reverse(frozen.until));
        found
    }

    /// The freeze that forbids this command on this target to somebody; `None` where none does.
    pub fn holds(&self, person: Option<&Person>, command: &CommandName, target: &Target) -> Option<Frozen<'a>> {
        let all = self.of(&target.environment);
        all.into_iter().find(|frozen| {
            let exempt = frozen.exempt();
            !exempt.iter().any(|one| one.fits(person, command, &target.service))
        })
    }
}

impl<'a> Frozen<'a> {
    /// Whether it freezes that environment.
    pub fn concerns(&self, environment: &Environment) -> bool {
        match self.cause {
            Cause::Person(_, declared) => declared.environments.contains(environment),
            Cause::Window(window) => window.environments.contains(environment),
            Cause::Unreadable => true,
        }
    }

    /// Who and what it does not hold.
    pub fn exempt(&self) -> &'a [Exempt] {
        match self.cause {
            Cause::Person(_, declared) => &declared.exempt,
            Cause::Window(window) => &window.exempt,
            Cause::Unreadable => &[],
        }
    }

    /// The environments that it freezes, in words: "`prod`", "`prod-eu` and `prod-us`".
    pub fn places(&self) -> String {
        let environments = match self.cause {
            Cause::Person(_, declared) => &declared.environments,
            Cause::Window(window) => &window.environments,
            Cause::Unreadable => return "everything".to_owned(),
        };
        let names: Vec<String> = environments.iter().map(|name| format!("`{name}`")).collect();
        match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            None => "nothing".to_owned(),
        }
    }

    /// Until when, by whom and why: "until Mon 2026-11-23 09:00 Europe/Madrid, by `bo`: release night".
    pub fn words(&self, zone: &TimeZone) -> String {
        match self.cause {
            Cause::Person(_, declared) => {
                let by = declared.by.person.as_ref().map(ToString::to_string);
                let by = by.or_else(|| declared.by.account.clone()).unwrap_or_else(|| declared.by.via.clone());
                let reason = declared.reason.as_deref().map(|reason| format!(": {}", tame(reason)));
                format!("until {}, by `{by}`{}", moment::told(self.until, zone), reason.unwrap_or_default())
            }
            Cause::Window(window) => {
                format!("until {}, by the catalog: {}", moment::told(self.until, &window.zone), tame(&window.because))
            }
            Cause::Unreadable => "because the ledger holds a freeze that this version cannot read".to_owned(),
        }
    }

    /// What to do for somebody whom it holds.
    pub fn remedy(&self, environment: &Environment) -> String {
        let exempt: Vec<String> = self.exempt().iter().map(|exempt| format!("`{exempt}`")).collect();
        let exempt = match exempt.is_empty() {
            true => String::new(),
            false => format!(" Exempt are {}.", exempt.join(", ")),
        };
        match self.cause {
            Cause::Person(..) => {
                format!(
                    "Wait until it ends, or ask for `/unfreeze {environment}` by whoever declared it or may approve there.{exempt}"
                )
            }
            Cause::Window(window) => format!(
                "Wait until it ends, or change line {} of `.leverframe/catalog.yaml` in a reviewed commit.{exempt}",
                window.line
            ),
            Cause::Unreadable => "Ask whoever runs Leverframe to look into its log.".to_owned(),
        }
    }
}

/// Words of others among ours: no backticks, on one line.
fn tame(text: &str) -> String {
    let line: String = text.chars().map(|c| if c == '`' { '\'' } else { c }).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}
