//! `approvals` of an environment: how many people must say yes, and whose votes count. Counts live only here.

use std::collections::BTreeMap;

use super::{
    environment::{LANDINGS, Landing},
    names::{Approvers, Severity},
};
use crate::core::{
    located::{Node, Problem},
    names::CommandName,
    span::Span,
};

/// What one command needs in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRule {
    /// How many people beside the requester.
    pub count: u32,
    /// Whose votes count; empty: every person of the catalog.
    pub from: Vec<Approvers>,
    /// How long a vote is good for.
    pub expires: Span,
}

/// What changes for one command while an incident of some severity is open. What it does not say stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EmergencyRule {
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
        let mut approvals = Self::default();
        for (command, node) in node.named_entries(CommandName::parse, problems) {
            if command.as_str() == "during" {
                approvals.during = read_during(node, problems);
                continue;
            }
            if let Some(rule) = ApprovalRule::read(node, problems) {
                approvals.usual.insert(command, rule);
            }
        }
        approvals
    }
}

impl ApprovalRule {
    fn read(node: &Node, problems: &mut Vec<Problem>) -> Option<Self> {
        let fields = node.fields(&["count", "from", "expires"], problems);
        let count = fields.required("count", "count: 1", problems).and_then(|node| node.count(problems));
        let from = fields.get("from").map(|node| node.named_items(Approvers::parse, problems)).unwrap_or_default();
        let expires = match fields.get("expires") {
            Some(node) => node.named(Span::parse, problems),
            None => Some(Span::HOUR),
        };
        Some(Self { count: count?, from, expires: expires? })
    }
}

fn read_during(node: &Node, problems: &mut Vec<Problem>) -> BTreeMap<Severity, BTreeMap<CommandName, EmergencyRule>> {
    let mut during = BTreeMap::new();
    for (severity, node) in node.named_entries(Severity::parse, problems) {
        let rules = node.named_entries(CommandName::parse, problems).into_iter();
        let rules = rules.map(|(command, node)| (command, EmergencyRule::read(node, problems))).collect();
        during.insert(severity, rules);
    }
    during
}

impl EmergencyRule {
    fn read(node: &Node, problems: &mut Vec<Problem>) -> Self {
        let fields = node.fields(&["count", "from", "expires", "landing"], problems);
        Self {
            count: fields.get("count").and_then(|node| node.count(problems)),
            from: fields.get("from").map(|node| node.named_items(Approvers::parse, problems)),
            expires: fields.get("expires").and_then(|node| node.named(Span::parse, problems)),
            landing: fields.get("landing").and_then(|node| node.choice(&LANDINGS, problems)),
        }
    }
}
