//! The review that is owed for what went through the emergency lane: by whom, until when, and who gave it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ending, Request, State, subject};
use crate::core::{
    catalog::Severity,
    entry::{Actor, Draft, Recorded},
    names::{PersonId, RequestId},
};

/// Which lane: the incident that opened it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// The incident.
    pub incident: RequestId,
    /// How bad it is.
    pub severity: Severity,
}

/// A review that is owed, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Which lane it went through.
    pub lane: Lane,
    /// Since when.
    pub since: Timestamp,
    /// Until when it is due.
    pub until: Timestamp,
    /// How many would have had to approve in peace.
    pub count: u32,
    /// Of whom, as the catalog writes it; empty: any person of the catalog.
    pub from: Vec<String>,
    /// Who reviewed it, and when.
    #[serde(skip)]
    pub by: Vec<(Actor, Timestamp)>,
    /// Since when enough did.
    #[serde(skip)]
    pub done: Option<Timestamp>,
}

const OWED: &str = "review.owed";
const GIVEN: &str = "review.given";
const DONE: &str = "review.done";

impl Review {
    /// The entry that says what is owed.
    pub fn draft(&self, request: &RequestId, actor: Actor) -> Draft {
        let mut draft = Draft::new(OWED, subject(request), actor);
        if let Ok(Value::Object(body)) = serde_json::to_value(self) {
            draft.body = body;
        }
        Draft { incident: Some(self.lane.incident.to_string()), ..draft }
    }

    /// The entry of somebody's review.
    pub fn given(request: &RequestId, actor: Actor) -> Draft {
        Draft::new(GIVEN, subject(request), actor)
    }

    /// The entry that says that enough was reviewed, and by whom.
    pub fn over(request: &RequestId, by: &[PersonId]) -> Draft {
        Draft::new(DONE, subject(request), crate::core::decide::ourselves()).with("by", by)
    }

    /// Takes an entry in, where it is about a review; whether it is.
    ///
    /// # Errors
    /// When the entry lacks what its kind must have.
    pub(super) fn fold(review: &mut Option<Self>, recorded: &Recorded) -> Result<bool, serde_json::Error> {
        let entry = &recorded.entry;
        let at = || entry.at().map_err(serde::de::Error::custom);
        match (entry.kind.as_str(), review.as_mut()) {
            (OWED, _) => *review = Some(serde_json::from_value(Value::Object(entry.body.clone()))?),
            (GIVEN, Some(review)) => review.by.push((entry.actor.clone(), at()?)),
            (DONE, Some(review)) => review.done = Some(at()?),
            (GIVEN | DONE, None) => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Request {
    /// Whether somebody owes it a review: it went through the emergency lane, and something was changed.
    pub fn is_review_owed(&self) -> bool {
        let changed_what_runs = match &self.state {
            State::Over { ending, .. } => {
                matches!(ending, Ending::Live { .. } | Ending::NotLive { .. } | Ending::Unseen { .. })
            }
            State::Planning | State::Deciding(_) | State::Landing(_) | State::Following(..) => false,
        };
        let is_open = self.review.as_ref().is_some_and(|review| review.done.is_none());
        is_open && (self.commit().is_some() || changed_what_runs)
    }
}

/// What an entry about a review says in a line; `None` for every other entry.
pub fn step(recorded: &Recorded) -> Option<&'static str> {
    match recorded.entry.kind.as_str() {
        OWED => Some("Approved in the emergency lane; a review is owed"),
        GIVEN => Some("Reviewed"),
        DONE => Some("The review is complete"),
        _ => None,
    }
}
