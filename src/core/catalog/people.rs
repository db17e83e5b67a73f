//! `people`: who is who on every platform. Approvals count persons, so no account may belong to two of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};

use super::names::{Approvers, Group, Team, refused};
use crate::core::{
    located::{Fields, Node, Problem},
    names::{NotAName, PersonId},
};

/// A human of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The key: the pseudonym in the ledger.
    pub id: PersonId,
    /// The display name; the key where none is given.
    pub name: String,
    /// For commits.
    pub email: Option<String>,
    /// The accounts, at most one on each platform.
    pub accounts: BTreeMap<Platform, String>,
    /// The teams this person is in.
    pub teams: BTreeSet<Team>,
    /// The roles this person has.
    pub groups: BTreeSet<Group>,
    /// A guest's last day; absent: no guest.
    pub guest_until: Option<Date>,
    /// Where they are on call, as the catalog writes it; other places tell.
    pub on_call: BTreeSet<String>,
    /// Roles that were given by hand so lately that they do not count yet, as the catalog writes them, and when they do.
    pub withheld: BTreeMap<String, Timestamp>,
}

/// Where a person has an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// Slack, by user id.
    Slack,
    /// Discord, by user id.
    Discord,
    /// GitHub, by login, in lower case.
    GitHub,
    /// A terminal, by SSH key: type and key without the comment.
    Ssh,
    /// PagerDuty, which knows people by their e-mail. Nobody acts there.
    PagerDuty,
    /// Opsgenie, likewise.
    Opsgenie,
}

impl Platform {
    /// As the catalog writes it, and as accounts begin in the ledger.
    pub fn word(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::GitHub => "github",
            Self::Ssh => "ssh",
            Self::PagerDuty => "pagerduty",
            Self::Opsgenie => "opsgenie",
        }
    }

    /// The form in which accounts are compared.
    fn parse(self, text: &str) -> Result<String, NotAName> {
        match self {
            Self::Slack => slack_user(text),
            Self::Discord => discord_user(text),
            Self::GitHub => github_login(text),
            Self::Ssh => ssh_key(text),
            Self::PagerDuty | Self::Opsgenie => email(text),
        }
    }
}

const PLATFORMS: [Platform; 4] = [Platform::Slack, Platform::Discord, Platform::GitHub, Platform::Ssh];

const KEYS: [&str; 9] = ["name", "email", "slack", "discord", "github", "ssh", "teams", "groups", "guest_until"];

/// All people, found by id and by account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct People {
    by_id: BTreeMap<PersonId, Person>,
    by_account: BTreeMap<(Platform, String), PersonId>,
}

impl People {
    pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Self {
        let mut people = Self::default();
        for (id, node) in node.named_entries(PersonId::parse, problems) {
            let person = Person::read(id, node, problems);
            for (platform, account) in &person.accounts {
                let earlier = people.by_account.insert((*platform, account.clone()), person.id.clone());
                problems.extend(earlier.map(|other| shared(node, *platform, &other)));
            }
            people.by_id.insert(person.id.clone(), person);
        }
        people
    }

    pub(super) fn by_id(&self, id: &PersonId) -> Option<&Person> {
        self.by_id.get(id)
    }

    pub(super) fn by_account(&self, platform: Platform, account: &str) -> Option<&Person> {
        let account = platform.parse(account).ok()?;
        self.by_id.get(self.by_account.get(&(platform, account))?)
    }

    /// These people instead.
    pub(super) fn of(people: Vec<Person>) -> Self {
        let accounts = |person: &Person| {
            let id = person.id.clone();
            let all = person.accounts.iter().map(|(platform, account)| (*platform, account.clone()));
            all.map(move |account| (account, id.clone())).collect::<Vec<_>>()
        };
        let by_account = people.iter().flat_map(accounts).collect();
        Self { by_account, by_id: people.into_iter().map(|person| (person.id.clone(), person)).collect() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Person> {
        self.by_id.values()
    }
}

impl Person {
    /// As whom a place knows this person; a pager does by their e-mail, for which their key stands here and in the ledger.
    pub fn known_to(&self, platform: Platform) -> Option<&str> {
        match platform {
            Platform::PagerDuty | Platform::Opsgenie => self.email.as_ref().map(|_| self.id.as_str()),
            Platform::Slack | Platform::Discord | Platform::GitHub | Platform::Ssh => {
                self.accounts.get(&platform).map(String::as_str)
            }
        }
    }

    /// Whether this person is among `from`. Empty: everybody is.
    pub(super) fn is_among(&self, from: &[Approvers]) -> bool {
        from.is_empty()
            || from.iter().any(|approvers| match approvers {
                Approvers::Team(team) => self.teams.contains(team),
                Approvers::Group(group) => self.groups.contains(group),
                Approvers::Person(id) => self.id == *id,
                Approvers::OnCall { .. } => self.on_call.contains(&approvers.to_string()),
            })
    }

    /// Whether this person is one of those named; nobody is one of none.
    pub fn is_one_of(&self, named: &[Approvers]) -> bool {
        !named.is_empty() && self.is_among(named)
    }

    /// A role of theirs does not count before that moment.
    pub(crate) fn withhold(&mut self, role: &str, counts: Timestamp) {
        self.teams.retain(|team| role != format!("team:{team}"));
        self.groups.retain(|group| role != format!("group:{group}"));
        self.withheld.insert(role.to_owned(), counts);
    }

    /// When a role of theirs counts that does not yet, where it is among these.
    pub fn counts_from(&self, from: &[Approvers]) -> Option<(&str, Timestamp)> {
        let named = |role: &str| from.iter().any(|approvers| approvers.to_string() == role);
        self.withheld.iter().find(|(role, _)| named(role)).map(|(role, at)| (role.as_str(), *at))
    }

    fn read(id: PersonId, node: &Node, problems: &mut Vec<Problem>) -> Self {
        let fields = node.fields(&KEYS, problems);
        let name = fields.get("name").and_then(|node| node.text(problems)).unwrap_or(id.as_str()).to_owned();
        Self {
            name,
            email: fields.get("email").and_then(|node| node.named(email, problems)),
            accounts: accounts(fields, problems),
            teams: members(fields, "teams", Team::parse, problems),
            groups: members(fields, "groups", Group::parse, problems),
            guest_until: fields.get("guest_until").and_then(|node| node.named(date, problems)),
            on_call: BTreeSet::new(),
            withheld: BTreeMap::new(),
            id,
        }
    }
}

fn accounts(fields: Fields<'_>, problems: &mut Vec<Problem>) -> BTreeMap<Platform, String> {
    let mut accounts = BTreeMap::new();
    for platform in PLATFORMS {
        let account = fields.get(platform.word()).and_then(|node| node.named(|text| platform.parse(text), problems));
        accounts.extend(account.map(|account| (platform, account)));
    }
    accounts
}

fn members<T: Ord>(
    fields: Fields<'_>,
    key: &str,
    parse: fn(&str) -> Result<T, NotAName>,
    problems: &mut Vec<Problem>,
) -> BTreeSet<T> {
    fields.get(key).map(|node| node.named_items(parse, problems)).unwrap_or_default().into_iter().collect()
}

fn shared(node: &Node, platform: Platform, other: &PersonId) -> Problem {
    let account = node.fields(&KEYS, &mut Vec::new()).get(platform.word()).unwrap_or(node);
    let found = format!("{}, which `{other}` has too", account.found());
    let remedy = "Give each person an account of their own: approvals count persons.";
    Problem { found, ..account.problem("an account that nobody else has", remedy) }
}

fn slack_user(text: &str) -> Result<String, NotAName> {
    let plain = text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let fits = plain && text.len() > 1 && text.starts_with(['U', 'W']);
    let rule = "the user's id, `U` or `W` and upper-case letters and digits, not a name";
    fits.then(|| text.to_owned()).ok_or_else(|| refused(text, "a Slack user", rule, "U111"))
}

fn discord_user(text: &str) -> Result<String, NotAName> {
    let fits = (1..=20).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
    let rule = "the user's id, digits in quotes, not a name";
    fits.then(|| text.to_owned()).ok_or_else(|| refused(text, "a Discord user", rule, "\"9111\""))
}

fn github_login(text: &str) -> Result<String, NotAName> {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let fits = plain && (1..=50).contains(&text.len());
    let rule = "a login, letters, digits, `-` and `_`, without `@`";
    fits.then(|| text.to_ascii_lowercase()).ok_or_else(|| refused(text, "a GitHub user", rule, "alicem"))
}

/// Type and key, as in a `.pub` file; the comment does not matter.
fn ssh_key(text: &str) -> Result<String, NotAName> {
    let mut words = text.split_whitespace();
    let known =
        |kind: &&str| ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-", "sk-"].iter().any(|start| kind.starts_with(start));
    match (words.next().filter(known), words.next()) {
        (Some(kind), Some(key)) => Ok(format!("{kind} {key}")),
        (None, _) | (_, None) => {
            Err(refused(text, "an SSH public key", "a line as in a `.pub` file", "ssh-ed25519 AAAAC3Nz..."))
        }
    }
}

fn email(text: &str) -> Result<String, NotAName> {
    let strange = |c: char| c.is_control() || c.is_whitespace() || c == '<' || c == '>';
    let fits =
        text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
    let fits = fits && !text.contains(strange);
    fits.then(|| text.to_owned())
        .ok_or_else(|| refused(text, "an e-mail address", "a user, `@` and a host", "alice@example.com"))
}

fn date(text: &str) -> Result<Date, NotAName> {
    let date = text.parse().ok().filter(|_| text.len() == 10);
    date.ok_or_else(|| refused(text, "a day", "year, month and day", "2027-03-31"))
}
