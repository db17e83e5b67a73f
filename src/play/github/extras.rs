//! What GitHub keeps beside a pull request: statuses and check runs of commits, labels, who was asked for a review, who
//! closed it, and the rules that protect the branch.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::accounts::Account;

/// A status of a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The commit.
    pub sha: String,
    /// Its name.
    pub context: String,
    /// `pending`, `success`, `failure` or `error`.
    pub state: String,
    /// In words.
    pub description: String,
    /// Who published it.
    pub by: Account,
    /// When.
    pub at: Timestamp,
}

/// A check run of a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The commit.
    pub sha: String,
    /// Its name.
    pub name: String,
    /// `success`, `failure`, ...; none while it runs.
    pub conclusion: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// All of it.
#[derive(Default)]
pub(super) struct Extras(Mutex<Kept>);

#[derive(Default)]
pub(super) struct Kept {
    pub(super) statuses: Vec<Status>,
    pub(super) runs: Vec<Run>,
    pub(super) labels: BTreeMap<u64, BTreeSet<String>>,
    /// Logins and `team/<slug>`.
    pub(super) asked: BTreeMap<u64, BTreeSet<String>>,
    pub(super) closed_by: BTreeMap<u64, Account>,
    pub(super) required: BTreeSet<String>,
    pub(super) queue: Option<Queue>,
}

/// The branch merges through a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Queue;

impl Extras {
    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The newest status of each name.
    pub(super) fn statuses_of(&self, sha: &str) -> Vec<&Status> {
        let mut newest: Vec<&Status> = Vec::new();
        for status in self.statuses.iter().filter(|status| status.sha == sha) {
            newest.retain(|other| other.context != status.context);
            newest.push(status);
        }
        newest
    }

    /// The newest run of each name.
    pub(super) fn runs_of(&self, sha: &str) -> Vec<&Run> {
        let mut newest: Vec<&Run> = Vec::new();
        for run in self.runs.iter().filter(|run| run.sha == sha) {
            newest.retain(|other| other.name != run.name);
            newest.push(run);
        }
        newest
    }

    /// GitHub's words where the rules of the branch do not let a commit be merged.
    pub(super) fn in_the_way(&self, sha: &str) -> Option<String> {
        if self.queue.is_some() {
            return Some("Changes must be made through the merge queue".to_owned());
        }
        let missing: Vec<&String> = self.required.iter().filter(|name| !self.is_green(sha, name)).collect();
        match missing.as_slice() {
            [] => None,
            [one] => Some(format!("Required status check \"{one}\" is expected.")),
            more => Some(format!("{} of {} required status checks are expected.", more.len(), self.required.len())),
        }
    }

    fn is_green(&self, sha: &str, name: &str) -> bool {
        let status = self.statuses_of(sha).into_iter().find(|status| status.context == name);
        let run = self.runs_of(sha).into_iter().find(|run| run.name == name);
        status.is_some_and(|status| status.state == "success")
            || run.is_some_and(|run| run.conclusion.as_deref() == Some("success"))
    }
}
