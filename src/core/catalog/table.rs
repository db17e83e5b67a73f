//! The merged rules of each environment, for `check` to show.

use super::{
    approvals::ApprovalRule,
    environment::{EnvironmentRules, Landing, MergeMethod},
    template::PathTemplate,
};
use crate::core::names::{CommandName, ConnectionName, Environment};

/// One environment as `check` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// Its name.
    pub environment: Environment,
    /// Where its services' files are.
    pub path: PathTemplate,
    /// How changes enter the branch.
    pub landing: Landing,
    /// How pull requests are merged; `None` where there are none.
    pub merge: Option<MergeMethod>,
    /// The cluster it runs in.
    pub cluster: Option<ConnectionName>,
    /// What its commands need.
    pub approvals: Vec<(CommandName, ApprovalRule)>,
}

impl TableRow {
    pub(super) fn of(rules: &EnvironmentRules) -> Self {
        Self {
            environment: rules.name.clone(),
            path: rules.path.clone(),
            landing: rules.landing,
            merge: (rules.landing == Landing::PullRequest).then_some(rules.merge),
            cluster: rules.cluster.clone(),
            approvals: rules.approvals.usual.iter().map(|(command, rule)| (command.clone(), rule.clone())).collect(),
        }
    }
}
