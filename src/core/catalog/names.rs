//! The catalog's own names. As everywhere, each has one constructor, `parse`.

use std::{borrow::Borrow, fmt};

use serde::Serialize;

use crate::core::names::{NotAName, PersonId};

/// Makes a parse-only newtype over `String`.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $example:literal, $rule:literal, $fits:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(into = "String")]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("Parses ", $kind, ": ", $rule, ".")]
            ///
            /// # Errors
            /// When the text breaks that rule.
            pub fn parse(text: &str) -> Result<Self, NotAName> {
                let fits: fn(&str) -> bool = $fits;
                fits(text).then(|| Self(text.to_owned())).ok_or_else(|| refused(text, $kind, $rule, $example))
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
        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

/// The refusal of a name that fits no rule of its kind.
pub(super) fn refused(text: &str, kind: &'static str, rule: &'static str, example: &'static str) -> NotAName {
    NotAName { found: text.chars().take(80).collect(), kind, rule, example }
}

fn is_team(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=63).contains(&text.len()) && text.chars().all(inner) && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

name!(
    /// Who owns services: a word in `teams:` of people and `team:` of services.
    Team, "a team", "payments",
    "1 to 63 letters, digits, `-` and `_`, starting with a letter or digit", is_team
);
name!(
    /// A role that people hold across teams: a word in `groups:` of people.
    Group, "a group", "leads",
    "1 to 63 letters, digits, `-` and `_`, starting with a letter or digit", is_team
);
name!(
    /// An image without its version.
    ImageName, "an image", "ghcr.io/acme/checkout",
    "its name without tag or digest, in lower case", is_image
);
name!(
    /// A time zone by its IANA name. Its shape is checked, not whether this machine knows it.
    TimeZoneName, "a time zone", "Europe/Madrid",
    "an IANA name, `UTC` or an area and a place", is_time_zone
);

/// A registry with an optional port, then lower-case steps; a tag or digest would make a pin of it.
fn is_image(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let step = |step: &str| !step.is_empty() && step.chars().all(plain) && !step.starts_with(['.', '-', '_']);
    let registry = |host: &str| match host.split_once(':') {
        Some((host, port)) => step(host) && port.parse::<u16>().is_ok(),
        None => step(host),
    };
    match text.split_once('/') {
        Some((first, rest)) => registry(first) && rest.split('/').all(step),
        None => step(text),
    }
}

const AREAS: [&str; 17] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Brazil",
    "Canada",
    "Chile",
    "Etc",
    "Europe",
    "Indian",
    "Mexico",
    "Pacific",
    "US",
    "UTC",
];

fn is_time_zone(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+-".contains(c);
    let place = |step: &str| step.starts_with(|c: char| c.is_ascii_uppercase()) && step.chars().all(plain);
    match text.split_once('/') {
        Some((area, places)) => AREAS.contains(&area) && area != "UTC" && places.split('/').all(place),
        None => text == "UTC",
    }
}

/// How bad an incident is: `sev1`, the worst, to `sev5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Severity(u8);

impl TryFrom<String> for Severity {
    type Error = NotAName;
    fn try_from(text: String) -> Result<Self, NotAName> {
        Self::parse(&text)
    }
}

impl From<Severity> for String {
    fn from(severity: Severity) -> Self {
        severity.to_string()
    }
}

impl Severity {
    /// What a break-glass declares where no incident is open.
    pub const SECOND: Severity = Severity(2);

    /// What is declared for what was done by hand and is told afterwards: nobody is to be woken for it.
    pub const THIRD: Severity = Severity(3);

    /// Parses `sev1` to `sev5`.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let level = text.strip_prefix("sev").and_then(|level| level.parse().ok());
        let known = level.filter(|level| (1..=5).contains(level) && text.len() == 4);
        known.map(Self).ok_or_else(|| refused(text, "a severity", "one of `sev1` to `sev5`", "sev1"))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sev{}", self.0)
    }
}

/// Whose votes count: an item of `from:`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Approvers {
    /// The members of a team.
    Team(Team),
    /// The holders of a role.
    Group(Group),
    /// Whoever is on call now.
    OnCall {
        /// Who knows: `pagerduty`, `opsgenie`, or `slack` by a user group that a schedule fills.
        provider: String,
        /// The schedule's id there.
        schedule: String,
    },
    /// One person.
    Person(PersonId),
}

impl Approvers {
    /// Parses `team:NAME`, `group:NAME`, `person:NAME` or `oncall:PROVIDER/SCHEDULE`.
    ///
    /// # Errors
    /// When the text is none of them.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        match text.split_once(':') {
            Some(("team", name)) => Team::parse(name).map(Self::Team),
            Some(("group", name)) => Group::parse(name).map(Self::Group),
            Some(("person", name)) => PersonId::parse(name).map(Self::Person),
            Some(("oncall", schedule)) => on_call(schedule).ok_or_else(|| {
                let rule = "`pagerduty`, `opsgenie` or `slack`, a slash and the id of the schedule or the user group";
                refused(text, "a schedule", rule, "oncall:pagerduty/PSCHED1")
            }),
            Some(_) | None => {
                let rule = "one of `team:NAME`, `group:NAME`, `person:NAME`, `oncall:PROVIDER/SCHEDULE`";
                Err(refused(text, "who may approve", rule, "team:payments"))
            }
        }
    }
}

fn on_call(text: &str) -> Option<Approvers> {
    let (provider, schedule) = text.split_once('/')?;
    let known = matches!(provider, "pagerduty" | "opsgenie" | "slack");
    let plain = !schedule.is_empty() && schedule.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    (known && plain).then(|| Approvers::OnCall { provider: provider.to_owned(), schedule: schedule.to_owned() })
}

impl fmt::Display for Approvers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Team(team) => write!(f, "team:{team}"),
            Self::Group(group) => write!(f, "group:{group}"),
            Self::OnCall { provider, schedule } => write!(f, "oncall:{provider}/{schedule}"),
            Self::Person(person) => write!(f, "person:{person}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks which texts a name's `parse` accepts.
    fn check<T>(parse: fn(&str) -> Result<T, NotAName>, good: &[&str], bad: &[&str]) {
        good.iter().for_each(|text| assert!(parse(text).is_ok(), "{text:?}"));
        bad.iter().for_each(|text| assert!(parse(text).is_err(), "{text:?}"));
    }

    #[test]
    fn names_have_their_rules() {
        check(Team::parse, &["payments", "SRE_1"], &["", "-a", "a b", "a:b", "ä"]);
        check(
            ImageName::parse,
            &["nginx", "ghcr.io/acme/checkout", "localhost:5000/a/b_c"],
            &["", "a:v1", "a/b:v1", "a@sha256:0", "A/b", "a//b", "/a", "a/", "host:99999/a"],
        );
        check(
            TimeZoneName::parse,
            &["UTC", "Europe/Madrid", "America/Argentina/Ushuaia", "Etc/GMT+3"],
            &["", "Madrid", "UTC/x", "Europe", "Europe/", "europe/madrid", "CEST", "Mars/Olympus"],
        );
        check(Severity::parse, &["sev1", "sev5"], &["sev0", "sev6", "sev+1", "SEV1", "1"]);
        check(
            Approvers::parse,
            &["team:a", "group:b", "person:c", "oncall:pagerduty/P1", "oncall:opsgenie/a-b", "oncall:slack/S1"],
            &["a", "team:", "user:a", "oncall:pagerduty", "oncall:victorops/x", "person:A", "oncall:pagerduty/a/b"],
        );
    }
}
