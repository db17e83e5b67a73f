//! The small sections: `limits`, `channels`, `tickets`, `commands`.

use super::names::refused;
use crate::core::{
    located::{Fields, Node, Problem},
    names::{CommandName, NotAName},
};

/// How many may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplicaLimits {
    /// The fewest; 0 unless said otherwise.
    pub min: u32,
    /// The most; absent: no limit.
    pub max: Option<u32>,
}

impl ReplicaLimits {
    /// Whether so many may run.
    pub fn allow(self, replicas: u32) -> bool {
        replicas >= self.min && self.max.is_none_or(|max| replicas <= max)
    }

    /// `limits`.
    pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Self {
        let limits = node.fields(&["replicas"], problems);
        let Some(node) = limits.get("replicas") else { return Self::default() };
        let fields = node.fields(&["min", "max"], problems);
        let min = fields.get("min").and_then(|node| node.count(problems)).unwrap_or(0);
        let max = fields.get("max").and_then(|node| node.count(problems));
        if max.is_some_and(|max| max < min) {
            let found = format!("`min: {min}` above `max: {}`", max.unwrap_or(0));
            problems.push(Problem { found, ..node.problem("`min` up to `max`", "Swap the two.") });
        }
        Self { min, max }
    }
}

/// Where the bot speaks when nobody asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Channels {
    /// Cards of what happens by itself, and of requests from channels where the bot is no member.
    pub home: Option<String>,
    /// Checkpoints of the ledger.
    pub audit: Option<String>,
    /// What the names of incident channels begin with.
    pub incident_prefix: Option<String>,
}

impl Channels {
    pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Self {
        let fields = node.fields(&["home", "audit", "incident_prefix"], problems);
        let mut channel = |key: &str| fields.get(key).and_then(|node| node.named(channel, problems));
        Self { home: channel("home"), audit: channel("audit"), incident_prefix: channel("incident_prefix") }
    }
}

fn channel(text: &str) -> Result<String, NotAName> {
    let fits = text.len() <= 80 && text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    let rule = "its id or name, letters, digits, `-` and `_`, without `#`";
    fits.then(|| text.to_owned()).ok_or_else(|| refused(text, "a channel", rule, "C0123456789"))
}

/// Where tickets are opened, and with what on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tickets {
    /// Where.
    pub tracker: Tracker,
    /// Their labels.
    pub labels: Vec<String>,
    /// Their priority, in the tracker's words.
    pub priority: Option<String>,
}

/// What keeps tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tracker {
    /// Issues of the catalog's repository.
    GitHub,
    /// Anything that takes a POST at this `http` or `https` URL.
    Webhook(String),
}

impl Tickets {
    pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Option<Self> {
        let fields = node.fields(&["in", "webhook", "labels", "priority"], problems);
        let tracker = Tracker::read(fields, problems);
        let plain = |text: &str| Ok(text.to_owned());
        let labels = fields.get("labels").map(|node| node.named_items(plain, problems)).unwrap_or_default();
        let priority = fields.get("priority").and_then(|node| node.named(plain, problems));
        Some(Self { tracker: tracker?, labels, priority })
    }
}

impl Tracker {
    fn read(fields: Fields<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        match (fields.get("in"), fields.get("webhook")) {
            (Some(node), None) => node.choice(&[("github", Self::GitHub)], problems),
            (None, Some(node)) => node.named(webhook, problems).map(Self::Webhook),
            (None, None) => {
                problems.push(fields.missing("in", "in: github"));
                None
            }
            (Some(_), Some(node)) => {
                let found = "`webhook` beside `in`".to_owned();
                problems.push(Problem { found, ..node.problem("one of the two", "Remove `in` or `webhook`.") });
                None
            }
        }
    }
}

fn webhook(text: &str) -> Result<String, NotAName> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let strange = |c: char| c.is_whitespace() || c.is_control() || c == '@';
    let fits = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(strange));
    let rule = "an `http://` or `https://` URL without a user or a password in it";
    fits.then(|| text.to_owned()).ok_or_else(|| refused(text, "a webhook", rule, "https://tickets.example.com/hook"))
}

/// What commands are called where they are registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandNames {
    /// The one command under which all are found: `lf` in `/lf deploy`.
    pub name: CommandName,
    /// Those that are registered on their own, too: `/deploy`.
    pub bare: Vec<CommandName>,
}

impl CommandNames {
    /// `commands`; `None` where it is absent or wrong.
    pub(super) fn read(node: Option<&Node>, problems: &mut Vec<Problem>) -> Option<Self> {
        let usual = CommandName::parse("lf").ok();
        let Some(node) = node else { return usual.map(|name| Self { name, bare: Vec::new() }) };
        let fields = node.fields(&["name", "bare"], problems);
        let name = match fields.get("name") {
            Some(node) => node.named(CommandName::parse, problems),
            None => usual,
        };
        let bare = fields.get("bare").map(|node| node.named_items(CommandName::parse, problems)).unwrap_or_default();
        Some(Self { name: name?, bare })
    }

    /// A text in which commands stand by their own names (`/status`), as they are typed where only these are registered
    /// (`/lf status`). `is_command` tells a command's name from other words behind a slash.
    pub fn spelled(&self, is_command: impl Fn(&str) -> bool, text: &str) -> String {
        let mut pieces = text.split("`/");
        let mut spelled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let word = piece.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
            let as_it_is = !is_command(word) || self.bare.iter().any(|bare| bare.as_str() == word);
            spelled.push_str("`/");
            if !as_it_is {
                spelled.push_str(self.name.as_str());
                spelled.push(' ');
            }
            spelled.push_str(piece);
        }
        spelled
    }
}
