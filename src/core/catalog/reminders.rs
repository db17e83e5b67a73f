//! `reminders`: after how long who is reminded of what waits for approval.

use crate::core::{
    located::{Node, Problem},
    reminder::Step,
    span::Span,
};

/// After how long each reminder comes; absent: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminding {
    approver: Option<Span>,
    channel: Option<Span>,
    next: Option<Span>,
}

impl Default for Reminding {
    fn default() -> Self {
        let after = |text| Span::parse(text).ok();
        Self { approver: after("2m"), channel: after("5m"), next: after("10m") }
    }
}

impl Reminding {
    pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Self {
        let fields = node.fields(&Step::ALL.map(Step::word), problems);
        let usual = Self::default();
        let mut after = |step: Step| match fields.get(step.word()) {
            None => usual.after(step),
            Some(node) if node.text(&mut Vec::new()) == Some("off") => None,
            Some(node) => node.named(Span::parse, problems),
        };
        Self { approver: after(Step::Approver), channel: after(Step::Channel), next: after(Step::Next) }
    }

    /// After how long one comes; `None`: never.
    pub fn after(&self, step: Step) -> Option<Span> {
        match step {
            Step::Approver => self.approver,
            Step::Channel => self.channel,
            Step::Next => self.next,
            Step::Review | Step::ReviewAgain | Step::ReviewLate => None,
            // It comes so long before its time, whatever the catalog says of approvals.
            Step::Begins => None,
        }
    }
}
