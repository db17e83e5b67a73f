//! What people are told beside a change: which versions there were to choose from, what is left as it is, what is
//! held off and until when. Facts of the moment of planning; none of them is approved or done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Line;
use crate::core::names::{CommitId, Environment, PersonId, RepoPath, Target};

/// What a line shows for a field that has no value.
pub const NOT_SET: &str = "(not set)";

impl Line {
    /// Whether the field has a value after the change.
    pub fn is_set(&self) -> bool {
        self.new != NOT_SET
    }
}

/// What stands beside a change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// The version that comes back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub back_to: Option<Past>,
    /// The other versions, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub others: Vec<Past>,
    /// What else was different then and stays as it is now: `old` is now, `new` was then.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub differs: Vec<Line>,
    /// What is held off.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub paused: Vec<Paused>,
    /// What goes on.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub resumed: Vec<String>,
    /// Where it was taken from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub copied: Option<Copied>,
    /// The targets that a commit which is undone changed beside this one; each takes a request of its own.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub elsewhere: Vec<Target>,
    /// What it changed that no lever moves, and stays.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left: Vec<RepoPath>,
    /// The files that templates gave, as they came out: what somebody changed in them by hand is told by it later.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rendered: Vec<Rendered>,
}

/// A file that came out of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// The file.
    pub path: RepoPath,
    /// Its content.
    pub text: String,
}

/// Where a change was taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// The environment.
    pub from: Environment,
    /// How the version did there: `2 of 2 pods run v1.2.5`. Absent where no version was taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seen: Option<String>,
}

/// A version that git had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Its tag.
    pub version: String,
    /// The commit that brought it.
    pub commit: CommitId,
    /// When.
    pub at: Timestamp,
    /// Who asked for it or committed it, where the catalog knows them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<PersonId>,
    /// How it ran.
    pub health: Health,
}

/// How a version ran, as far as requests tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// The pods were seen running it.
    Healthy,
    /// The pods did not come to run it, or it was rolled back from.
    NotHealthy,
    /// Nobody looked.
    Unknown,
}

impl Health {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::NotHealthy => "not healthy",
            Self::Unknown => "not seen",
        }
    }
}

/// An automation that would bring another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Which, in words.
    pub what: String,
    /// Until when it is meant to be held off.
    pub until: Timestamp,
    /// What a person has to do, where git cannot say that it is held off.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to_do: Option<String>,
}
