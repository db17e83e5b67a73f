//! Where a request stands, and the one function that says what each event makes of each state.

use super::{Ending, Event, PullRequest, Vote};
use crate::core::{change::Plan, entry::Actor, names::CommitId};

/// What a request carries along.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The change.
    pub plan: Plan,
    /// Who said yes to it.
    pub votes: Vec<Vote>,
    /// Its pull request, once there is one.
    pub pull_request: Option<PullRequest>,
    /// Why earlier approvals no longer count, when that happened.
    pub replanned: Option<String>,
}

/// Where a request stands. Data exists only in the states that have it.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Taken; the facts to plan with are awaited.
    Planning,
    /// People decide.
    Deciding(Course),
    /// Decided; on its way into the branch.
    Landing(Course),
    /// In the branch; the cluster follows.
    Following(Course, CommitId),
    /// Over.
    Over {
        /// What it carried, when it got that far.
        course: Option<Course>,
        /// Its commit in the branch, when it landed.
        commit: Option<CommitId>,
        /// How.
        ending: Ending,
        /// Who ended it.
        by: Actor,
    },
}

/// An event that does not fit the state. A ledger that holds one was not written by this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` does not fit a request that is {state}")]
pub struct Refused {
    /// The event's kind.
    pub event: &'static str,
    /// The state's word.
    pub state: &'static str,
}

impl Course {
    /// A change that nobody has voted on.
    pub fn new(plan: Plan) -> Self {
        Self { plan, votes: Vec::new(), pull_request: None, replanned: None }
    }
}

impl State {
    /// The state in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Deciding(_) => "waiting for approval",
            Self::Landing(_) => "landing",
            Self::Following(..) => "rolling out",
            Self::Over { .. } => "over",
        }
    }

    fn ended(course: Course, commit: Option<CommitId>, ending: Ending, by: Actor) -> Self {
        Self::Over { course: Some(course), commit, ending, by }
    }

    /// The state after an event; every pair is named.
    ///
    /// # Errors
    /// When the event does not fit, which leaves the state as it was.
    pub fn after(self, event: Event) -> Result<Self, Refused> {
        use State::{Deciding, Following, Landing, Over, Planning};
        let refused = Refused { event: event.kind(), state: self.word() };
        match (self, event) {
            (Planning, Event::Planned(plan)) => Ok(Deciding(Course::new(plan))),
            (Planning, Event::Ended(ending, by)) => Ok(Over { course: None, commit: None, ending, by }),
            (Deciding(course), Event::Planned(plan)) => course.redrawn(plan).map(Deciding).ok_or(refused),
            (Landing(course), Event::Planned(plan)) => course.redrawn(plan).map(Landing).ok_or(refused),
            (Deciding(course), Event::Voted(vote)) => Ok(Deciding(course.voted(vote))),
            (Deciding(course), Event::Approved) => Ok(Landing(course)),
            (Deciding(course), Event::PullRequestOpened(at)) => Ok(Deciding(course.at(at))),
            (Landing(course), Event::PullRequestOpened(at)) => Ok(Landing(course.at(at))),
            (Deciding(course) | Landing(course), Event::Replanned { plan, why }) => Ok(course.anew(plan, why)),
            (Deciding(course) | Landing(course), Event::Landed(commit)) => Ok(Following(course, commit)),
            (Deciding(course) | Landing(course), Event::Ended(ending, by)) => Ok(Self::ended(course, None, ending, by)),
            (Following(course, commit), Event::Ended(ending, by)) => Ok(Self::ended(course, Some(commit), ending, by)),
            // Its pull request was on its way when the request ended: known, so that it can be closed.
            (Over { course: Some(course), commit: None, ending, by }, Event::PullRequestOpened(at)) => {
                Ok(Over { course: Some(course.at(at)), commit: None, ending, by })
            }
            // Somebody merged it on the forge all the same: what is in the branch counts.
            (Over { course: Some(course), commit: None, .. }, Event::Landed(commit)) => Ok(Following(course, commit)),
            (Over { course: Some(course), commit, ending, by }, Event::PullRequestClosed) => {
                Ok(Over { course: Some(Course { pull_request: None, ..course }), commit, ending, by })
            }
            (
                Planning,
                Event::Replanned { .. }
                | Event::Voted(_)
                | Event::Approved
                | Event::PullRequestOpened(_)
                | Event::PullRequestClosed
                | Event::Landed(_),
            )
            | (Deciding(_), Event::PullRequestClosed)
            | (Landing(_), Event::Voted(_) | Event::Approved | Event::PullRequestClosed)
            | (
                Following(..),
                Event::Planned(_)
                | Event::Replanned { .. }
                | Event::Voted(_)
                | Event::Approved
                | Event::PullRequestOpened(_)
                | Event::PullRequestClosed
                | Event::Landed(_),
            )
            | (
                Over { .. },
                Event::Planned(_)
                | Event::Replanned { .. }
                | Event::Voted(_)
                | Event::Approved
                | Event::PullRequestOpened(_)
                | Event::PullRequestClosed
                | Event::Landed(_)
                | Event::Ended(..),
            ) => Err(refused),
        }
    }
}

impl Course {
    /// Another change, on which nobody has voted.
    fn anew(self, plan: Plan, why: String) -> State {
        State::Deciding(Self { plan, votes: Vec::new(), replanned: Some(why), ..self })
    }

    /// The same change on a newer tip: only what stands around it differs, so its votes stand.
    fn redrawn(self, plan: Plan) -> Option<Self> {
        (plan.digest == self.plan.digest).then_some(Self { plan, ..self })
    }

    fn voted(mut self, vote: Vote) -> Self {
        self.votes.push(vote);
        self
    }

    fn at(mut self, pull_request: PullRequest) -> Self {
        self.pull_request = Some(pull_request);
        self
    }
}
