//! Stories: scripted conversations that are played in a world and told as a transcript.
//!
//! A story is a list of steps, each a line: `ana says: /deploy checkout prod v1.2.5`, `bo presses: Approve`,
//! `expect card: merged`. README of the format: `fixtures/stories/README.md`.

mod names;
mod parse;
mod readable;
mod tell;
mod watch;

pub use parse::parse;
pub(super) use readable::readable;
pub use tell::{Failed, tell};

use crate::play::{github::forge::Verdict, people::Person, slack::workspace::Channel};

/// A conversation to play.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// What it is called.
    pub title: String,
    /// What it shows.
    pub about: String,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One line of a story.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// How it is written: `bo presses: Approve`.
    pub written: String,
    /// What it does.
    pub act: Act,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Somebody types.
    Says(&'static Person, &'static Channel, String),
    /// Somebody presses the newest button that is called so.
    Presses(&'static Person, &'static Channel, String),
    /// Somebody fills in one field of the form that is open for them, and sends it.
    Fills(&'static Person, String, String),
    /// Somebody reviews a pull request on its page.
    Reviews(&'static Person, Verdict, u64),
    /// Somebody merges a pull request on its page.
    Merges(&'static Person, u64),
    /// Somebody closes a pull request on its page.
    Closes(&'static Person, u64),
    /// Somebody changes a file on the branch with an editor.
    Edits(&'static Person, Edit),
    /// Somebody scales a service in an environment with kubectl, past git.
    Scales(&'static Person, String, String, usize),
    /// A version never becomes ready from now on, for this reason.
    Breaks(String, String),
    /// A remark for the reader of the transcript.
    Notes(String),
    /// Something that must be true now.
    Expects(Expectation),
}

impl Act {
    /// Whether somebody does something; otherwise the story only looks or remarks.
    pub fn is_deed(&self) -> bool {
        !matches!(self, Self::Notes(_) | Self::Expects(_))
    }
}

/// A change somebody makes with an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file.
    pub file: String,
    /// The text that goes.
    pub replace: String,
    /// The text that comes.
    pub with: String,
    /// The commit's message.
    pub message: String,
}

/// What must be true.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// The bot's newest message in the channel contains this.
    Card(&'static Channel, String),
    /// The newest message that only this person sees contains this.
    Private(&'static Person, String),
    /// So many commits have come to the branch since the last thing that somebody did.
    Commits(u64),
    /// The branch's newest commit has this in its message.
    Commit(String),
    /// So many pull requests are open.
    PullRequests(u64),
    /// So many pods of this service are ready in this environment, and no more are wanted.
    Pods {
        /// The service.
        service: String,
        /// How many.
        count: usize,
        /// The environment.
        environment: String,
    },
    /// This version of this service is healthy in this environment.
    Running {
        /// The service.
        service: String,
        /// The version.
        version: String,
        /// The environment.
        environment: String,
    },
}
