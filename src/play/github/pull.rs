//! What GitHub remembers of a pull request.

use jiff::Timestamp;

use super::accounts::Account;

/// A pull request.
#[derive(Debug, Clone, PartialEq)]
pub struct PullRequest {
    /// `#1`, `#2`, ...
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its description.
    pub body: String,
    /// Who opened it.
    pub author: Account,
    /// The branch with the changes.
    pub head: String,
    /// The newest commit of that branch, or the last one seen.
    pub head_sha: String,
    /// The branch it goes into.
    pub base: String,
    /// That branch's newest commit when it was opened.
    pub base_sha: String,
    /// Open, closed or merged.
    pub state: State,
    /// When it was opened.
    pub opened: Timestamp,
    /// When something about it last changed.
    pub updated: Timestamp,
    /// Oldest first.
    pub reviews: Vec<Review>,
}

/// Where a pull request is in its life.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// It waits.
    Open,
    /// It was closed without merging.
    Closed {
        /// When.
        at: Timestamp,
    },
    /// It is in the base branch.
    Merged {
        /// The commit that brought it there.
        sha: String,
        /// Who merged it; none when somebody pushed it by hand.
        by: Option<Account>,
        /// When.
        at: Timestamp,
    },
}

/// A review.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// Its number.
    pub id: u64,
    /// Who.
    pub by: Account,
    /// What they said of it.
    pub verdict: Verdict,
    /// The words with it.
    pub body: String,
    /// The commit they looked at.
    pub commit: String,
    /// When.
    pub at: Timestamp,
}

/// What a reviewer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Approve,
    /// Not like this.
    RequestChanges,
    /// Neither.
    Comment,
    /// It was one of the first two, and somebody dismissed it.
    Dismissed,
}

impl Verdict {
    /// Parses the word of a request: `APPROVE`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "APPROVE" => Some(Self::Approve),
            "REQUEST_CHANGES" => Some(Self::RequestChanges),
            "COMMENT" => Some(Self::Comment),
            _ => None,
        }
    }

    /// The word of an answer: `APPROVED`.
    pub fn state(self) -> &'static str {
        match self {
            Self::Approve => "APPROVED",
            Self::RequestChanges => "CHANGES_REQUESTED",
            Self::Comment => "COMMENTED",
            Self::Dismissed => "DISMISSED",
        }
    }
}
