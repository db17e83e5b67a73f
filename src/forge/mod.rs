//! Pull requests: what they are to us and what can go wrong with them. [`GitHub`] is the one forge there is;
//! git itself (branches, commits) is `git`'s.

mod account;
mod app;
mod calls;
mod checks;
pub mod checkup;
mod error;
mod extras;
mod github;
pub mod manifest;
mod owners;
mod required;
mod sorting;
mod team;
pub mod webhook;

pub use account::{Accounts, Code, Grant, Typed};
pub use app::{App, Login};
pub use checks::{Checks, Status, StatusState};
pub use error::ForgeError;
pub use extras::{Authored, ChangedFile, Closed, Compared, Reviewers};
pub use github::GitHub;
pub use owners::{Owners, PLACES as OWNERS_PLACES};
pub use required::{Linking, Merging, Mode, Protected, Required};

use crate::core::names::CommitId;

/// A pull request as last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in its repository.
    pub number: u64,
    /// Its page, for people.
    pub url: String,
    /// Open, merged or closed.
    pub state: State,
    /// The newest commit of its branch.
    pub head: CommitId,
    /// Its branch.
    pub head_branch: String,
    /// The branch it wants to change.
    pub base_branch: String,
    /// Who opened it: a login; `ghost` where the account is gone.
    pub author: String,
    /// Whether it could be merged without a conflict; `None` while the host does not know.
    pub mergeable: Option<bool>,
    /// Who merged it, as far as the host tells.
    pub merged_by: Option<String>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Who was asked for a review and has not given it: logins, then `team/<slug>`.
    pub awaited: Vec<String>,
}

/// Where a pull request is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Waiting.
    Open,
    /// On the base branch.
    Merged {
        /// The commit it became there; the host may not name it.
        commit: Option<CommitId>,
    },
    /// Closed without merging.
    Closed,
}

/// A pull request to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPullRequest {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The branch with the change, in the same repository.
    pub head: String,
    /// The branch to change.
    pub base: String,
}

/// One review of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Who: a login; `ghost` where the account is gone.
    pub login: String,
    /// What it says.
    pub state: ReviewState,
    /// The commit that was reviewed; `None` where the host no longer knows.
    pub commit: Option<CommitId>,
    /// Its number, unique on the host.
    pub id: u64,
    /// When it was submitted; `None` while it is not.
    pub at: Option<jiff::Timestamp>,
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewState {
    /// Yes.
    Approved,
    /// No.
    ChangesRequested,
    /// Neither.
    Commented,
    /// Taken back.
    Dismissed,
    /// Not given yet.
    Pending,
    /// Something newer than this program.
    Unknown,
}

/// How a pull request becomes part of its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// One commit.
    Squash,
    /// A merge commit.
    Merge,
    /// Its commits, made anew on the base.
    Rebase,
}

/// How to merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The commit that was approved; anything newer is refused.
    pub head: CommitId,
    /// How.
    pub method: Method,
    /// The new commit's subject.
    pub title: String,
    /// The rest of its message.
    pub message: String,
}
