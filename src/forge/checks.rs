//! Commit statuses: ours published, everybody's read, so that a card can say which check fails and which is awaited.

use serde::{Deserialize, Serialize};

use super::{ForgeError, GitHub, github::limited};
use crate::core::names::CommitId;

/// The longest description that GitHub takes, in characters.
const LONGEST: usize = 140;
/// The rule of a branch that lets only the merge queue merge.
const QUEUE: &str = "merge_queue";

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

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Deserialize, Default)]
struct Parameters {
    #[serde(default)]
    required_approving_review_count: u32,
    #[serde(default)]
    required_status_checks: Vec<RequiredCheck>,
}

#[derive(Deserialize)]
struct RequiredCheck {
    context: String,
}

/// What the rules of a branch ask of a pull request before it may be merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Required {
    /// How many approving reviews.
    pub reviews: u32,
    /// The names of the checks and statuses.
    pub checks: Vec<String>,
}

impl Required {
    /// Where whoever asks for a change could approve its pull request on GitHub themselves: what is so, and what to do.
    /// The bot is its author there, so that GitHub takes them for somebody else; only our status knows who asked.
    pub fn self_approval(&self, branch: &str) -> Option<(String, String)> {
        let is_held = self.checks.iter().any(|check| check == APPROVAL);
        (!is_held).then(|| {
            let what = format!(
                "Whoever asks for a change could approve and merge its pull request on GitHub themselves, because the bot \
                 is its author there, and `{APPROVAL}` is no required check of `{branch}`."
            );
            (what, format!("Make `{APPROVAL}` a required status check of `{branch}` in a ruleset on GitHub."))
        })
    }
}

/// The status that carries the approvals of chat.
const APPROVAL: &str = "leverframe/approval";

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

    /// What the rules of a branch require, as far as rulesets say it.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn required(&self, branch: &str) -> Result<Required, ForgeError> {
        let mut required = Required::default();
        for rule in self.rules(branch).await? {
            required.reviews = required.reviews.max(rule.parameters.required_approving_review_count);
            required.checks.extend(rule.parameters.required_status_checks.into_iter().map(|check| check.context));
        }
        Ok(required)
    }

    /// Whether the rules of a branch let only a merge queue merge.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn has_merge_queue(&self, branch: &str) -> Result<bool, ForgeError> {
        Ok(self.rules(branch).await?.iter().any(|rule| rule.kind == QUEUE))
    }

    async fn rules(&self, branch: &str) -> Result<Vec<Rule>, ForgeError> {
        let branch: String = url::form_urlencoded::byte_serialize(branch.as_bytes()).collect();
        let route = format!("{}/rules/branches/{}", self.repository, branch.replace('+', "%20"));
        limited(self.api.get(&route, None::<&()>)).await
    }
}
