//! `approvals` of an environment: how many people must say yes, and whose votes count. Counts live only here.

use std::collections::BTreeMap;

use super::{
    environment::{LANDINGS, Landing},
    names::{Approvers, Severity},
    people::Person,
};
use crate::core::{
    located::{Node, Problem, Value},
    names::CommandName,
    span::Span,
};

/// The commands that can bring anything about.
const STRONGEST: [&str; 2] = ["revert", "resume"];
/// The commands that need nothing beyond what policy permits, unless the catalog names them.
const FREE: [&str; 14] = [
    "scale",
    "rollback",
    "restart",
    "breakglass",
    "status",
    "help",
    "audit",
    "link",
    "unlink",
    "incident",
    "debts",
    "debt",
    "freeze",
    "unfreeze",
];
/// The command whose rule is for all that the catalog does not name.
const DEPLOY: &str = "deploy";

/// What one command needs in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRule {
    /// How many people beside the requester.
    pub count: u32,
    /// Whose votes count; empty: every person of the catalog.
    pub from: Vec<Approvers>,
    /// How long a vote is good for.
    pub expires: Span,
    /// More that must say yes, each person for one of them: `2 of leads and 1 of security`.
    pub and: Vec<Share>,
}

/// So many of some people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// How many people beside the requester.
    pub count: u32,
    /// Whose votes count; empty: every person of the catalog.
    pub from: Vec<Approvers>,
}

/// What changes for one command while an incident of some severity is open. What it does not say stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyRule {
    /// The whole rule: the usual one with what is said here.
    pub rule: ApprovalRule,
    /// How many people beside the requester.
    pub count: Option<u32>,
    /// Whose votes count.
    pub from: Option<Vec<Approvers>>,
    /// How long a vote is good for.
    pub expires: Option<Span>,
    /// How the change enters the branch.
    pub landing: Option<Landing>,
}

/// All approvals of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approvals {
    /// In peace, by command.
    pub usual: BTreeMap<CommandName, ApprovalRule>,
    /// While an incident is open, by its severity and command.
    pub during: BTreeMap<Severity, BTreeMap<CommandName, EmergencyRule>>,
}

impl Approvals {
    pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Self {
        let (mut approvals, mut during) = (Self::default(), None);
        for (command, node) in node.named_entries(CommandName::parse, problems) {
            if command.as_str() == "during" {
                during = Some(node);
                continue;
            }
            if let Some(rule) = ApprovalRule::read(node, problems) {
                approvals.usual.insert(command, rule);
            }
        }
        approvals.during = during.map(|node| read_during(node, &approvals, problems)).unwrap_or_default();
        approvals
    }

    /// What a command needs in peace; `None`: nothing beyond what policy permits. What undoes any commit, or lets an
    /// automation bring any version, needs as much as whatever needs most, and any other command that the catalog does
    /// not name, one that somebody adds too, as much as `deploy`.
    pub(super) fn usual_for(&self, command: &CommandName) -> Option<&ApprovalRule> {
        let strictest = || {
            let does_anything = STRONGEST.contains(&command.as_str());
            self.usual.values().filter(|_| does_anything).max_by_key(|rule| rule.total())
        };
        let is_free = FREE.contains(&command.as_str());
        let like_deploy = || self.usual.iter().find(|(name, _)| !is_free && name.as_str() == DEPLOY);
        let named = self.usual.get(command).or_else(strictest);
        named.or_else(|| like_deploy().map(|(_, rule)| rule))
    }
}

impl ApprovalRule {
    fn read(node: &Node, problems: &mut Vec<Problem>) -> Option<Self> {
        if let Value::List(items) = &node.value {
            return Self::several(node, items, problems);
        }
        let fields = node.fields(&["count", "from", "expires"], problems);
        let count = fields.required("count", "count: 1", problems).and_then(|node| node.count(problems));
        let from = fields.get("from").map(|node| node.named_items(Approvers::parse, problems)).unwrap_or_default();
        let expires = match fields.get("expires") {
            Some(node) => node.named(Span::parse, problems),
            None => Some(Span::HOUR),
        };
        Some(Self { count: count?, from, expires: expires?, and: Vec::new() })
    }

    /// Several rules, all of which must be met; a vote is good for the shortest of their times.
    fn several(node: &Node, items: &[Node], problems: &mut Vec<Problem>) -> Option<Self> {
        let mut rules = items.iter().filter_map(|item| Self::read(item, problems)).collect::<Vec<_>>().into_iter();
        let Some(first) = rules.next() else {
            if items.is_empty() {
                problems.push(node.problem("at least one rule", "Write `[{ count: 1, from: [group:leads] }]`."));
            }
            return None;
        };
        Some(rules.fold(first, |mut all, one| {
            all.expires = all.expires.min(one.expires);
            all.and.push(Share { count: one.count, from: one.from });
            all.and.extend(one.and);
            all
        }))
    }

    /// What must be met, one after the other.
    pub fn shares(&self) -> impl Iterator<Item = (u32, &[Approvers])> {
        std::iter::once((self.count, self.from.as_slice()))
            .chain(self.and.iter().map(|share| (share.count, share.from.as_slice())))
    }

    /// How many people beside the requester in all.
    pub fn total(&self) -> u32 {
        self.shares().map(|(count, _)| count).sum()
    }

    /// How many of the places these people fill, each of them one at most.
    pub fn filled(&self, people: &[&Person]) -> usize {
        self.seated(people).iter().sum()
    }

    /// What is still needed beside these people: so many of whom, for each rule that is not met.
    pub fn open(&self, people: &[&Person]) -> Vec<(u32, &[Approvers])> {
        let left = |(count, taken): (u32, usize)| count.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX));
        let shares = self.shares().zip(self.seated(people));
        shares.map(|((count, from), taken)| (left((count, taken)), from)).filter(|(count, _)| *count > 0).collect()
    }

    /// How many places of each rule these people fill, each of them one at most, as many as can be in all.
    fn seated(&self, people: &[&Person]) -> Vec<usize> {
        let seats: Vec<(usize, &[Approvers])> = self
            .shares()
            .enumerate()
            .flat_map(|(share, (count, from))| {
                std::iter::repeat_n((share, from), usize::try_from(count).unwrap_or(usize::MAX).min(people.len()))
            })
            .collect();
        let whose: Vec<&[Approvers]> = seats.iter().map(|(_, from)| *from).collect();
        let mut taken: Vec<Option<usize>> = vec![None; seats.len()];
        for at in 0..people.len() {
            seat(at, people, &whose, &mut taken, &mut vec![false; seats.len()]);
        }
        let of = |share: usize| seats.iter().zip(&taken).filter(|((one, _), by)| *one == share && by.is_some()).count();
        (0..=self.and.len()).map(of).collect()
    }
}

/// Finds somebody a place, moving others to other places of theirs where that makes room.
fn seat(
    at: usize,
    people: &[&Person],
    seats: &[&[Approvers]],
    taken: &mut Vec<Option<usize>>,
    tried: &mut Vec<bool>,
) -> bool {
    let Some(person) = people.get(at) else { return false };
    for (place, from) in seats.iter().enumerate() {
        if tried.get(place).copied().unwrap_or(true) || !person.is_among(from) {
            continue;
        }
        tried.iter_mut().skip(place).take(1).for_each(|tried| *tried = true);
        let sitting = taken.get(place).copied().flatten();
        if sitting.is_none_or(|other| seat(other, people, seats, taken, tried)) {
            taken.iter_mut().skip(place).take(1).for_each(|taken| *taken = Some(at));
            return true;
        }
    }
    false
}

impl ApprovalRule {
    /// In words, for people: `2 of group:leads and 1 of group:security`.
    pub fn words(&self) -> String {
        let share = |(count, from): (u32, &[Approvers])| {
            let from: Vec<String> = from.iter().map(ToString::to_string).collect();
            let from = if from.is_empty() { "anybody else".to_owned() } else { from.join(" or ") };
            format!("{count} of {from}")
        };
        self.shares().map(share).collect::<Vec<_>>().join(" and ")
    }
}

fn read_during(
    node: &Node,
    approvals: &Approvals,
    problems: &mut Vec<Problem>,
) -> BTreeMap<Severity, BTreeMap<CommandName, EmergencyRule>> {
    let mut during = BTreeMap::new();
    for (severity, node) in node.named_entries(Severity::parse, problems) {
        let mut rules = BTreeMap::new();
        for (command, node) in node.named_entries(CommandName::parse, problems) {
            let rule = EmergencyRule::read(node, approvals.usual_for(&command), problems);
            rules.insert(command, rule);
        }
        during.insert(severity, rules);
    }
    during
}

impl EmergencyRule {
    fn read(node: &Node, usual: Option<&ApprovalRule>, problems: &mut Vec<Problem>) -> Self {
        let fields = node.fields(&["count", "from", "expires", "landing"], problems);
        let count = fields.get("count").and_then(|node| node.count(problems));
        let from = fields.get("from").map(|node| node.named_items(Approvers::parse, problems));
        let expires = fields.get("expires").and_then(|node| node.named(Span::parse, problems));
        let landing = fields.get("landing").and_then(|node| node.choice(&LANDINGS, problems));
        let rule = over(usual, (count, from.as_deref(), expires));
        Self { rule, count, from, expires, landing }
    }
}

/// A rule with some of it said otherwise. Where there are several rules, so many of any that they name.
fn over(
    usual: Option<&ApprovalRule>,
    (count, from, expires): (Option<u32>, Option<&[Approvers]>, Option<Span>),
) -> ApprovalRule {
    let nothing = || ApprovalRule { count: 0, from: Vec::new(), expires: Span::HOUR, and: Vec::new() };
    let usual = usual.cloned().unwrap_or_else(nothing);
    let expires = expires.unwrap_or(usual.expires);
    if count.is_none() && from.is_none() {
        return ApprovalRule { expires, ..usual };
    }
    let is_anybody = usual.shares().any(|(_, from)| from.is_empty());
    let named = || usual.shares().flat_map(|(_, from)| from).filter(|_| !is_anybody).cloned().collect();
    let count = count.unwrap_or_else(|| usual.total());
    ApprovalRule { count, from: from.map_or_else(named, <[Approvers]>::to_vec), expires, and: Vec::new() }
}
