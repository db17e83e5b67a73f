//! What is only useful on the forge: it may be refused without stopping anything.

use serde::{Deserialize, Serialize};

/// Something useful that the forge did not let us do. Nothing waits for it; the card says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotDone {
    /// What.
    pub what: Nicety,
    /// Why not, in words that end with the remedy.
    #[serde(skip)]
    pub why: String,
}

/// What the forge may refuse without stopping anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nicety {
    /// Writing what changed into the pull request's title and description.
    Description,
    /// Labels.
    Labels,
    /// Asking people for a review.
    Reviewers,
    /// Publishing the approvals as a commit status.
    Status,
    /// Closing the pull request of a request that ended.
    Closing,
    /// Giving the approvals of chat as reviews in their people's names.
    Review,
}

impl Nicety {
    /// As words go on after "Not done:".
    pub fn words(self) -> &'static str {
        match self {
            Self::Description => "the pull request's description still tells of the earlier change",
            Self::Labels => "the pull request has no labels",
            Self::Reviewers => "nobody was asked for a review on the pull request",
            Self::Status => "the approvals are not published as the status `leverframe/approval`",
            Self::Closing => "the pull request is still open",
            Self::Review => "an approval is no review on GitHub",
        }
    }

    /// A word for entries.
    pub fn word(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::Labels => "labels",
            Self::Reviewers => "reviewers",
            Self::Status => "status",
            Self::Closing => "closing",
            Self::Review => "review",
        }
    }
}
