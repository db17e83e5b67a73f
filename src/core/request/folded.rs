//! Requests that bring into git what is live there already: alone, or together with what somebody asked for beside.

use serde::{Deserialize, Serialize};

use super::Request;
use crate::core::matters::Matters;

/// Whether a request that somebody asked for was folded into what pays a debt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Folded {
    /// It was.
    Yes,
    /// It pays none, or it is there for nothing else.
    #[default]
    No,
}

impl Folded {
    pub(super) fn is_no(&self) -> bool {
        *self == Self::No
    }
}

impl Request {
    /// Whether it brings into git what is live already and nothing more.
    pub fn only_pays(&self, matters: &Matters) -> bool {
        let debt = self.opened.debt.as_ref().and_then(|debt| matters.debts.get(debt));
        let lines = self.course().map(|course| course.plan.lines.as_slice()).unwrap_or_default();
        debt.is_some_and(|debt| !debt.is_exceeded_by(lines))
    }
}
