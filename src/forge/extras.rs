//! What is only useful of a pull request: labels, reviewers, who closed it, what it changes, who wrote a commit.
//! Each may be refused without stopping anything.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::json;

use super::{
    ForgeError, GitHub, PullRequest,
    github::{Pull, User, commit, limited},
};
use crate::core::names::{CommitId, RepoPath};

/// How many items a page has, and how many pages of files are read.
const PAGE: usize = 100;
const PAGES: usize = 5;

/// Who shall review.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reviewers {
    /// Logins.
    pub people: Vec<String>,
    /// Slugs of teams.
    pub teams: Vec<String>,
}

/// A file that a pull request or a commit changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Where it is, or was.
    pub path: RepoPath,
    /// Where it was before it was moved.
    pub before: Option<RepoPath>,
    /// Its content's blob; `None` where it was removed.
    pub blob: Option<String>,
}

/// Who closed a pull request: a login, as far as the host tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed(pub Option<String>);

/// Who wrote a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authored {
    /// The login behind its author's address, where the host knows one.
    pub login: Option<String>,
    /// Its files.
    pub files: Vec<ChangedFile>,
}

/// A commit against the branch it wants to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The commit that both have in common.
    pub from: CommitId,
    /// How many commits it has beyond that one.
    pub commits: u64,
    /// The files that differ from there; at most 300.
    pub files: Vec<ChangedFile>,
}

#[derive(Deserialize)]
struct Comparison {
    merge_base_commit: Named,
    total_commits: u64,
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Deserialize)]
struct Named {
    sha: CommitId,
}

#[derive(Deserialize)]
struct Issue {
    closed_by: Option<User>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    previous_filename: Option<String>,
    status: String,
    sha: Option<String>,
}

#[derive(Deserialize)]
struct Commit {
    author: Option<User>,
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Deserialize)]
struct Blob {
    content: String,
    encoding: String,
}

impl From<File> for Option<ChangedFile> {
    fn from(file: File) -> Self {
        let path = RepoPath::parse(&file.filename).ok()?;
        let before = file.previous_filename.and_then(|name| RepoPath::parse(&name).ok());
        let blob = file.sha.filter(|_| file.status != "removed");
        Some(ChangedFile { path, before, blob })
    }
}

impl GitHub {
    /// Adds labels; those that the repository does not have are made.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn label(&self, number: u64, labels: &[String]) -> Result<(), ForgeError> {
        let route = format!("{}/issues/{number}/labels", self.repository);
        let asked = json!({ "labels": labels });
        limited(self.api.post::<_, serde_json::Value>(&route, Some(&asked))).await.map(|_| ())
    }

    /// Asks people and teams for a review.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses, which it does when one of them may not read the repository.
    pub async fn ask_for_review(&self, number: u64, of: &Reviewers) -> Result<(), ForgeError> {
        let route = format!("{}/{number}/requested_reviewers", self.pulls);
        let asked = json!({ "reviewers": of.people, "team_reviewers": of.teams });
        limited(self.api.post::<_, serde_json::Value>(&route, Some(&asked))).await.map(|_| ())
    }

    /// Who closed a pull request.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn closed_by(&self, number: u64) -> Result<Closed, ForgeError> {
        let route = format!("{}/issues/{number}", self.repository);
        let issue: Issue = limited(self.api.get(&route, None::<&()>)).await?;
        Ok(Closed(issue.closed_by.map(|user| user.login)))
    }

    /// The open pull requests into a branch, the last changed first; at most 100.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn open_pull_requests(&self, base: &str) -> Result<Vec<PullRequest>, ForgeError> {
        let query =
            [("state", "open"), ("base", base), ("sort", "updated"), ("direction", "desc"), ("per_page", "100")];
        let found: Vec<Pull> = limited(self.api.get(&self.pulls, Some(&query))).await?;
        Ok(found.into_iter().map(PullRequest::from).collect())
    }

    /// The files that a pull request changes; at most 500.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn files(&self, number: u64) -> Result<Vec<ChangedFile>, ForgeError> {
        let route = format!("{}/{number}/files", self.pulls);
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let query = [("per_page", PAGE.to_string()), ("page", page.to_string())];
            let found: Vec<File> = limited(self.api.get(&route, Some(&query))).await?;
            let last = found.len() < PAGE;
            all.extend(found.into_iter().filter_map(Option::from));
            if last {
                break;
            }
        }
        Ok(all)
    }

    /// What a commit changes beside a branch.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn compare(&self, base: &str, head: &CommitId) -> Result<Compared, ForgeError> {
        let base: String = url::form_urlencoded::byte_serialize(base.as_bytes()).collect();
        let route = format!("{}/compare/{}...{head}", self.repository, base.replace('+', "%20"));
        let found: Comparison = limited(self.api.get(&route, None::<&()>)).await?;
        let files = found.files.into_iter().filter_map(Option::from).collect();
        Ok(Compared { from: found.merge_base_commit.sha, commits: found.total_commits, files })
    }

    /// Who wrote a commit, and which files it changes; at most 300.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn commit(&self, id: &CommitId) -> Result<Authored, ForgeError> {
        let route = format!("{}/commits/{id}", self.repository);
        let found: Commit = limited(self.api.get(&route, None::<&()>)).await?;
        let login = found.author.map(|user| user.login);
        Ok(Authored { login, files: found.files.into_iter().filter_map(Option::from).collect() })
    }

    /// The text of a blob; `None` where it is not UTF-8.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn text_of(&self, blob: &str) -> Result<Option<String>, ForgeError> {
        if commit(Some(blob.to_owned())).is_none() {
            return Ok(None);
        }
        let route = format!("{}/git/blobs/{blob}", self.repository);
        let found: Blob = limited(self.api.get(&route, None::<&()>)).await?;
        let packed: String = found.content.split_whitespace().collect();
        let bytes = match found.encoding.as_str() {
            "base64" => STANDARD.decode(packed).map_err(|error| ForgeError::Garbage(error.to_string()))?,
            _ => found.content.into_bytes(),
        };
        Ok(String::from_utf8(bytes).ok())
    }
}
