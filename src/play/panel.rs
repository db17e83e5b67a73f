//! What happened behind the chat, for the panel beside it: the newest commits, the open pull requests, what runs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    cluster::{ClusterLookalike, Running, rollout::Progress},
    error::PlayError,
    github::{
        GithubLookalike,
        forge::{PullRequest, State},
    },
    repository::{CommitShown, DemoRepository},
};

/// How many commits are shown.
const COMMITS: usize = 6;

/// Reads the rest of the world for the page.
#[derive(Clone)]
pub struct Panel {
    repository: DemoRepository,
    github: Arc<GithubLookalike>,
    clusters: Vec<Arc<ClusterLookalike>>,
}

impl Panel {
    /// A panel over these.
    pub fn new<'a>(
        repository: &DemoRepository,
        github: &Arc<GithubLookalike>,
        clusters: impl Iterator<Item = &'a Arc<ClusterLookalike>>,
    ) -> Self {
        Self { repository: repository.clone(), github: Arc::clone(github), clusters: clusters.cloned().collect() }
    }

    /// What the page draws: `{repository, commits, pulls, running}`.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn json(&self) -> Result<Value, PlayError> {
        let mut commits = Vec::new();
        for commit in self.repository.commits(COMMITS)? {
            let diff = self.repository.diff(&commit.id, 1)?;
            commits.push(self.commit(&commit, &diff));
        }
        let pulls = self.github.pulls()?;
        let open = pulls.iter().filter(|pull| pull.state == State::Open).map(|pull| self.pull(pull));
        let running = self.clusters.iter().flat_map(|cluster| cluster.running());
        Ok(json!({"repository": self.github.page(), "branch": self.repository.branch(), "commits": commits,
            "pulls": open.collect::<Vec<_>>(), "running": running.map(|found| target(&found)).collect::<Vec<_>>()}))
    }

    fn commit(&self, commit: &CommitShown, diff: &str) -> Value {
        json!({"id": commit.id, "url": format!("{}/commit/{}", self.github.page(), commit.id),
            "subject": commit.subject, "author": commit.author, "at": commit.at.as_second(),
            "changes": changes(diff)})
    }

    fn pull(&self, pull: &PullRequest) -> Value {
        json!({"number": pull.number, "title": pull.title, "url": self.github.page_of(pull),
            "author": pull.author.name})
    }
}

/// The changed lines of a diff, by file; at most twelve lines of all.
fn changes(diff: &str) -> Vec<Value> {
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    let mut budget = 12_usize;
    for line in diff.lines() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            let path = names.rsplit_once(" b/").map(|(_, path)| path).unwrap_or_default();
            files.push((path.to_owned(), Vec::new()));
        } else if let Some((_, lines)) = files.last_mut()
            && (line.starts_with('+') || line.starts_with('-'))
            && !line.starts_with("+++ ")
            && !line.starts_with("--- ")
            && budget > 0
        {
            budget -= 1;
            lines.push(line.to_owned());
        }
    }
    files.into_iter().take(4).map(|(path, lines)| json!({"path": path, "lines": lines})).collect()
}

fn target(running: &Running) -> Value {
    let (state, note) = match &running.progress {
        Progress::Healthy => ("healthy", String::new()),
        Progress::Rolling => ("rolling", format!("{} of {} updated", running.updated, running.wanted)),
        Progress::Stuck(reason) => ("stuck", reason.clone()),
    };
    json!({"service": running.service, "environment": running.environment, "version": running.version,
        "ready": running.ready, "wanted": running.wanted, "state": state, "note": note})
}
