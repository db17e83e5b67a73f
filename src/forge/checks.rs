//! Commit statuses: ours published, everybody's read, so that a card can say which check fails and which is awaited.

use serde::{Deserialize, Serialize};

use super::{ForgeError, GitHub, github::limited};
use crate::core::names::CommitId;

/// The longest description that GitHub takes, in characters.
const LONGEST: usize = 140;

/// A status of ours on a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its name: `leverframe/approval`.
    pub context: &'static str,
    /// What it says.
    pub state: StatusState,
    /// In words, cut at 140 characters.
    pub description: String,
}

/// What a status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusState {
    /// Not decided.
    Pending,
    /// Yes.
    Success,
    /// No.
    Failure,
}

impl Status {
    /// A status whose words GitHub takes.
    pub fn new(context: &'static str, state: StatusState, words: &str) -> Self {
        Self { context, state, description: words.chars().take(LONGEST).collect() }
    }
}

/// What checks say of a commit, those of ours left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// The names of those that failed.
    pub failing: Vec<String>,
    /// The names of those that run, or have not begun.
    pub pending: Vec<String>,
}

#[derive(Deserialize)]
struct Combined {
    #[serde(default)]
    statuses: Vec<Given>,
}

#[derive(Deserialize)]
struct Given {
    context: String,
    state: String,
}

#[derive(Deserialize)]
struct Runs {
    #[serde(default)]
    check_runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    status: String,
    conclusion: Option<String>,
}

impl Checks {
    fn add(&mut self, name: String, failed: Option<bool>) {
        let list = match failed {
            Some(true) => &mut self.failing,
            Some(false) => return,
            None => &mut self.pending,
        };
        if !is_ours(&name) && !list.contains(&name) {
            list.push(name);
        }
    }
}

/// Whether a status is one that we publish.
pub(super) fn is_ours(context: &str) -> bool {
    context.starts_with("leverframe/")
}

impl GitHub {
    /// Publishes a status on a commit; the newest of a name counts.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn publish(&self, commit: &CommitId, status: &Status) -> Result<(), ForgeError> {
        let route = format!("{}/statuses/{commit}", self.repository);
        limited(self.api.post::<_, serde_json::Value>(&route, Some(status))).await.map(|_| ())
    }

    /// What statuses and check runs say of a commit.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses either.
    pub async fn checks(&self, commit: &CommitId) -> Result<Checks, ForgeError> {
        let mut checks = Checks::default();
        let query = [("per_page", "100")];
        let route = format!("{}/commits/{commit}", self.repository);
        let combined: Combined = limited(self.api.get(format!("{route}/status"), Some(&query))).await?;
        for given in combined.statuses {
            let failed = match given.state.as_str() {
                "failure" | "error" => Some(true),
                "success" => Some(false),
                _ => None,
            };
            checks.add(given.context, failed);
        }
        let runs: Runs = limited(self.api.get(format!("{route}/check-runs"), Some(&query))).await?;
        for run in runs.check_runs {
            let failed = match (run.status.as_str(), run.conclusion.as_deref()) {
                ("completed", Some("success" | "neutral" | "skipped")) => Some(false),
                ("completed", _) => Some(true),
                (_, _) => None,
            };
            checks.add(run.name, failed);
        }
        Ok(checks)
    }
}
