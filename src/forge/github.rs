//! GitHub through octocrab, which lends its requests, headers and error bodies; the answers are read into shapes
//! of our own that hold only what is used, so that an answer with more, less or newer members is still read.
//! octocrab repeats nothing here: a write whose answer was lost is looked for before anybody asks again.

use std::{future::Future, time::Duration};

use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;

use super::{ForgeError, Login, Merge, Method, NewPullRequest, PullRequest, Review, ReviewState, State, calls::Calls};
use crate::{
    core::names::CommitId,
    net::{HttpService, bearer},
    secret::Secret,
};

/// How long one call may take, its answer read whole.
const LONGEST: Duration = Duration::from_secs(60);

/// How many reviews a page holds, and how many pages are read.
const PAGE: usize = 100;
const PAGES: u32 = 10;

/// A repository on GitHub or GitHub Enterprise.
#[derive(Clone)]
pub struct GitHub {
    pub(super) api: Octocrab,
    pub(super) owner: String,
    pub(super) name: String,
    /// `/repos/acme/deployments`
    pub(super) repository: String,
    /// `/repos/acme/deployments/pulls`
    pub(super) pulls: String,
    login: Login,
}

impl GitHub {
    /// A repository below `api` (`https://api.github.com`, `https://git.example.com/api/v3`). Must be called on
    /// a runtime: octocrab starts a task of its own there.
    ///
    /// # Errors
    /// When the address, the token, `owner` or `name` cannot be part of a request.
    pub fn new(
        client: reqwest::Client,
        api: &Url,
        login: Login,
        owner: String,
        name: String,
    ) -> Result<Self, ForgeError> {
        for name in [&owner, &name] {
            if !is_plain(name) {
                return Err(ForgeError::Settings(format!("`{name}` is no owner and no repository of GitHub's")));
            }
        }
        let settings = |error: crate::net::NetError| ForgeError::Settings(error.to_string());
        if let Login::Token(token) = &login {
            bearer(token, api).map_err(settings)?;
        }
        let http = HttpService::at(client, api, None).map_err(settings)?;
        let calls = Calls::new(http, api.clone(), login.clone());
        let Ok(api) = OctocrabBuilder::new_empty().with_service(calls).with_auth(AuthState::None).build();
        let repository = format!("/repos/{owner}/{name}");
        Ok(Self { api, pulls: format!("{repository}/pulls"), repository, owner, name, login })
    }

    /// Whether a name in a delivery (`acme/deployments`, in whatever case) is this repository's.
    pub fn is_called(&self, full_name: &str) -> bool {
        full_name.eq_ignore_ascii_case(&format!("{}/{}", self.owner, self.name))
    }

    /// A token that opens this repository over git's HTTP too, as the password of `x-access-token`.
    ///
    /// # Errors
    /// When an App's token cannot be had.
    pub async fn token(&self) -> Result<Secret, ForgeError> {
        self.login.token().await
    }

    /// The newest pull request from a branch of this repository, whatever its state.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn find_pull_request(&self, head_branch: &str) -> Result<Option<PullRequest>, ForgeError> {
        let head = format!("{}:{head_branch}", self.owner);
        let query = [("head", head.as_str()), ("state", "all"), ("sort", "created"), ("direction", "desc")];
        let found: Vec<Pull> = limited(self.api.get(&self.pulls, Some(&query))).await?;
        // A head that GitHub does not understand is ignored, and everything listed.
        let ours = found.into_iter().filter(|pull| pull.is_from(&self.owner, head_branch));
        Ok(ours.max_by_key(|pull| pull.number).map(PullRequest::from))
    }

    /// Opens a pull request, or gives the one there is from this branch, whatever its state. Safe to call again
    /// after any failure.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses. Where its answer was lost, the pull request was looked for and
    /// not found.
    pub async fn open_pull_request(&self, new: NewPullRequest) -> Result<PullRequest, ForgeError> {
        if let Some(found) = self.find_pull_request(&new.head).await? {
            return Ok(found);
        }
        let asked = Opening { title: &new.title, body: &new.body, head: &new.head, base: &new.base };
        match limited(self.api.post::<_, Pull>(&self.pulls, Some(&asked))).await {
            Ok(opened) => Ok(opened.into()),
            Err(error) if error.is_ambiguous() || matches!(error, ForgeError::Invalid(_)) => {
                self.find_pull_request(&new.head).await.ok().flatten().ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// A pull request as it is now.
    ///
    /// # Errors
    /// When GitHub cannot be asked or has no such pull request.
    pub async fn pull_request(&self, number: u64) -> Result<PullRequest, ForgeError> {
        let route = format!("{}/{number}", self.pulls);
        Ok(limited(self.api.get::<Pull, _, ()>(&route, None)).await?.into())
    }

    /// Every review of a pull request, oldest first; the same person may appear several times.
    ///
    /// # Errors
    /// As [`GitHub::pull_request`].
    pub async fn reviews(&self, number: u64) -> Result<Vec<Review>, ForgeError> {
        let route = format!("{}/{number}/reviews", self.pulls);
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let query = [("per_page", PAGE.to_string()), ("page", page.to_string())];
            let found: Vec<GivenReview> = limited(self.api.get(&route, Some(&query))).await?;
            let last = found.len() < PAGE;
            all.extend(found.into_iter().map(Review::from));
            if last {
                break;
            }
        }
        Ok(all)
    }

    /// Writes another title and description.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn describe(&self, number: u64, title: &str, body: &str) -> Result<(), ForgeError> {
        let route = format!("{}/{number}", self.pulls);
        let asked = serde_json::json!({ "title": title, "body": body });
        limited(self.api.patch::<Pull, _, _>(&route, Some(&asked))).await.map(|_| ())
    }

    /// Closes a pull request that nobody shall merge any more. Closing what is closed changes nothing.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn close_pull_request(&self, number: u64) -> Result<(), ForgeError> {
        let route = format!("{}/{number}", self.pulls);
        let asked = serde_json::json!({ "state": "closed" });
        limited(self.api.patch::<Pull, _, _>(&route, Some(&asked))).await.map(|_| ())
    }

    /// Merges exactly the approved commit and gives the commit it became. Safe to call again after any failure:
    /// what has been merged is found merged.
    ///
    /// # Errors
    /// [`ForgeError::HeadMoved`] where other commits are there, or were merged; [`ForgeError::NotMergeable`] with
    /// GitHub's reason; others when GitHub cannot be asked or refuses.
    pub async fn merge(&self, number: u64, merge: Merge) -> Result<CommitId, ForgeError> {
        let route = format!("{}/{number}/merge", self.pulls);
        let asked = Merging {
            sha: merge.head.as_str(),
            merge_method: merge.method,
            commit_title: &merge.title,
            commit_message: &merge.message,
        };
        let error = match limited(self.api.put::<Merged, _, _>(&route, Some(&asked))).await {
            Ok(Merged { merged: true, sha: Some(commit), .. }) => return Ok(commit),
            Ok(Merged { message, .. }) => ForgeError::NotMergeable(message.unwrap_or_default()),
            Err(error) => error,
        };
        let refused = matches!(error, ForgeError::NotMergeable(_) | ForgeError::HeadMoved);
        if !refused && !error.is_ambiguous() {
            return Err(error);
        }
        match self.pull_request(number).await {
            Ok(seen) => judge(&seen, &merge.head, error),
            Err(_) => Err(error),
        }
    }
}

/// What a merge that failed came to, from what the pull request shows now.
fn judge(seen: &PullRequest, approved: &CommitId, error: ForgeError) -> Result<CommitId, ForgeError> {
    match &seen.state {
        _ if seen.head != *approved => Err(ForgeError::HeadMoved),
        State::Merged { commit: Some(commit) } => Ok(commit.clone()),
        State::Merged { commit: None } => Err(ForgeError::Garbage("it is merged, as no commit that is named".into())),
        State::Closed => Err(ForgeError::NotMergeable("it is closed".into())),
        // GitHub says so too when the base moved under it.
        State::Open if error == ForgeError::HeadMoved => Err(ForgeError::BaseMoved),
        State::Open => Err(error),
    }
}

/// One call, within the time that calls have.
pub(super) async fn limited<T: DeserializeOwned>(
    call: impl Future<Output = octocrab::Result<T>>,
) -> Result<T, ForgeError> {
    let done = tokio::time::timeout(LONGEST, call).await.map_err(|_| ForgeError::TimedOut)?;
    Ok(done?)
}

/// A name that stands in a path as it is.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !matches!(name, "" | "." | "..") && name.bytes().all(plain)
}

#[derive(Serialize)]
struct Opening<'a> {
    title: &'a str,
    body: &'a str,
    head: &'a str,
    base: &'a str,
}

#[derive(Serialize)]
struct Merging<'a> {
    sha: &'a str,
    merge_method: Method,
    commit_title: &'a str,
    commit_message: &'a str,
}

impl Serialize for Method {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Squash => "squash",
            Self::Merge => "merge",
            Self::Rebase => "rebase",
        })
    }
}

#[derive(Deserialize)]
struct Merged {
    merged: bool,
    sha: Option<CommitId>,
    message: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Pull {
    number: u64,
    html_url: String,
    state: String,
    merged_at: Option<String>,
    merge_commit_sha: Option<String>,
    head: Side,
    base: Side,
    user: Option<User>,
    mergeable: Option<bool>,
    merged_by: Option<User>,
    #[serde(default)]
    labels: Vec<Label>,
    #[serde(default)]
    requested_reviewers: Option<Vec<User>>,
    #[serde(default)]
    requested_teams: Option<Vec<Team>>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct Team {
    slug: String,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: CommitId,
    label: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: String,
}

pub(super) fn commit(found: Option<String>) -> Option<CommitId> {
    CommitId::parse(&found?).ok()
}

fn login(user: Option<User>) -> String {
    user.map_or_else(|| "ghost".to_owned(), |user| user.login)
}

impl Pull {
    fn is_from(&self, owner: &str, branch: &str) -> bool {
        let from = self.head.label.as_deref().and_then(|label| label.split_once(':'));
        self.head.branch == branch && from.is_none_or(|(from, _)| from.eq_ignore_ascii_case(owner))
    }
}

impl From<Pull> for PullRequest {
    fn from(pull: Pull) -> Self {
        // While it is open, the merge commit is one that GitHub tries out.
        let state = match (pull.state.as_str(), pull.merged_at) {
            ("open", _) => State::Open,
            (_, Some(_)) => State::Merged { commit: commit(pull.merge_commit_sha) },
            (_, None) => State::Closed,
        };
        let people = pull.requested_reviewers.unwrap_or_default().into_iter().map(|user| user.login);
        let teams = pull.requested_teams.unwrap_or_default().into_iter().map(|team| format!("team/{}", team.slug));
        Self {
            number: pull.number,
            url: pull.html_url,
            state,
            mergeable: pull.mergeable,
            merged_by: pull.merged_by.map(|user| user.login),
            labels: pull.labels.into_iter().map(|label| label.name).collect(),
            awaited: people.chain(teams).collect(),
            head: pull.head.sha,
            head_branch: pull.head.branch,
            base_branch: pull.base.branch,
            author: login(pull.user),
        }
    }
}

#[derive(Deserialize)]
struct GivenReview {
    id: u64,
    submitted_at: Option<jiff::Timestamp>,
    user: Option<User>,
    state: String,
    commit_id: Option<String>,
}

impl From<GivenReview> for Review {
    fn from(review: GivenReview) -> Self {
        let state = match review.state.as_str() {
            "APPROVED" => ReviewState::Approved,
            "CHANGES_REQUESTED" => ReviewState::ChangesRequested,
            "COMMENTED" => ReviewState::Commented,
            "DISMISSED" => ReviewState::Dismissed,
            "PENDING" => ReviewState::Pending,
            _ => ReviewState::Unknown,
        };
        Self {
            login: login(review.user),
            state,
            commit: commit(review.commit_id),
            id: review.id,
            at: review.submitted_at,
        }
    }
}
