//! `groups`: where who is in a group is read beside the catalog: a user group of Slack, a role of Discord, a team of GitHub.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{
    approvals::Approvals,
    names::{Approvers, Group, refused},
    people::Platform,
};
use crate::core::{
    located::{Node, Problem},
    names::NotAName,
};

/// One place that tells who is in a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Source {
    /// Whose accounts it tells.
    pub platform: Platform,
    /// The user group's id, the role's id, `organisation/team`, or a pager's schedule.
    pub id: String,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.platform.word(), self.id)
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl TryFrom<String> for Source {
    type Error = NotAName;

    fn try_from(text: String) -> Result<Self, NotAName> {
        let of = |platform: &Platform| {
            let id = text.strip_prefix(platform.word())?.strip_prefix(':')?;
            Some(Self::parse(*platform, id))
        };
        PLATFORMS.iter().chain(&PAGERS).find_map(of).unwrap_or_else(|| Err(Self::parse_error(&text)))
    }
}

const PLATFORMS: [Platform; 3] = [Platform::Slack, Platform::Discord, Platform::GitHub];
/// Those that tell who is on call, and nothing else.
const PAGERS: [Platform; 2] = [Platform::PagerDuty, Platform::Opsgenie];

impl Source {
    /// The place of a platform with this id.
    ///
    /// # Errors
    /// When the id is none of that platform's.
    pub fn parse(platform: Platform, id: &str) -> Result<Self, NotAName> {
        let plain = |text: &str| {
            (1..=100).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        let fits = match platform {
            Platform::Slack => plain(id) && id.starts_with('S'),
            Platform::Discord => plain(id) && id.chars().all(|c| c.is_ascii_digit()),
            Platform::GitHub => {
                id.split_once('/').is_some_and(|(organisation, team)| plain(organisation) && plain(team))
            }
            Platform::PagerDuty | Platform::Opsgenie => plain(id),
            Platform::Ssh => false,
        };
        fits.then(|| Self { platform, id: id.to_owned() }).ok_or_else(|| Self::parse_error(id))
    }

    fn parse_error(text: &str) -> NotAName {
        let rule =
            "a user group's id of Slack (`S...`), a role's id of Discord (digits in quotes), or `organisation/team`";
        refused(text, "a place that tells who is in a group", rule, "S0123ABCD")
    }
}

/// The places that tell who is on call, by how rules name them.
pub(super) fn on_call<'r>(rules: impl Iterator<Item = &'r Approvals>) -> BTreeMap<String, Source> {
    let usual = |approvals: &'r Approvals| {
        let during = approvals.during.values().flat_map(|rules| rules.values()).map(|emergency| &emergency.rule);
        approvals.usual.values().chain(during).flat_map(|rule| rule.shares()).flat_map(|(_, from)| from)
    };
    let place = |approvers: &Approvers| match approvers {
        Approvers::OnCall { provider, schedule } => {
            let tells = PAGERS.into_iter().chain([Platform::Slack]).find(|platform| platform.word() == provider)?;
            Some((approvers.to_string(), Source::parse(tells, schedule).ok()?))
        }
        Approvers::Team(_) | Approvers::Group(_) | Approvers::Person(_) => None,
    };
    rules.flat_map(usual).filter_map(place).collect()
}

/// Each group with its places.
pub(super) type Sources = BTreeMap<Group, Vec<Source>>;

/// Reads `groups`.
pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Sources {
    let mut all = Sources::new();
    for (group, node) in node.named_entries(Group::parse, problems) {
        let fields = node.fields(&PLATFORMS.map(Platform::word), problems);
        let found = PLATFORMS.iter().filter_map(|platform| {
            let node = fields.get(platform.word())?;
            node.named(|text| Source::parse(*platform, text), problems)
        });
        let found: Vec<Source> = found.collect();
        if found.is_empty() {
            let remedy = "Write `{ slack: S0123ABCD }`, `{ discord: \"123456\" }` or `{ github: acme/leads }`.";
            problems.push(node.problem("at least one place", remedy));
        }
        all.insert(group, found);
    }
    all
}
