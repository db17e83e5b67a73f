//! Changes that begin later, changes that are meant for a time, and the requests that give back what they changed.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ending, Request, State};
use crate::core::{
    entry::{Draft, Recorded},
    names::RequestId,
    span::Span,
};

/// For how long a change is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lasts {
    /// For so long after it landed.
    For(Span),
    /// Until then.
    Until(Timestamp),
}

/// What a request gives back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivesBack {
    /// The request that was meant for a time.
    pub of: RequestId,
    /// When, by itself, as people approved with that request. Absent where somebody changed the same since, so that
    /// people are asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<Timestamp>,
}

/// What became of giving back what a request changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenBack {
    /// This request does it.
    By(RequestId),
    /// It is not done, for this reason.
    Not(String),
}

/// How long before something begins or is given back people are told.
pub const AHEAD: SignedDuration = SignedDuration::from_mins(10);

const BY: &str = "give_back.opened";
const NOT: &str = "give_back.refused";

impl GivenBack {
    /// Its entry, about the request that was meant for a time.
    pub fn draft(&self, of: &RequestId) -> Draft {
        let entry = |kind: &str| Draft::new(kind, super::subject(of), crate::core::decide::ourselves());
        match self {
            Self::By(request) => entry(BY).with("by", request),
            Self::Not(why) => entry(NOT).with_text("why", why),
        }
    }

    /// Reads its entry back; nothing for entries of other kinds.
    ///
    /// # Errors
    /// When the entry lacks what it must have.
    pub(super) fn read(recorded: &Recorded) -> Result<Option<Self>, serde_json::Error> {
        let by = || serde_json::from_value(recorded.entry.body.get("by").cloned().unwrap_or(Value::Null));
        Ok(match recorded.entry.kind.as_str() {
            BY => Some(Self::By(by()?)),
            NOT => Some(Self::Not(recorded.texts.get("why").cloned().unwrap_or_default())),
            _ => None,
        })
    }
}

impl Request {
    /// When what it changed is given back; nothing before it landed, and where it is meant to stay.
    pub fn ends_at(&self) -> Option<Timestamp> {
        match (self.opened.lasts?, self.landed?) {
            (Lasts::For(span), landed) => {
                landed.checked_add(SignedDuration::from_secs(i64::try_from(span.seconds()).ok()?)).ok()
            }
            (Lasts::Until(at), landed) => Some(at.max(landed)),
        }
    }

    /// Whether it waits to be given back: it is in git, nothing of it is in flight, and no request took it up.
    pub fn is_lent(&self) -> bool {
        let is_in_git = match &self.state {
            State::Over { commit, ending, .. } => commit.is_some() && !matches!(ending, Ending::TakenOver { .. }),
            State::Planning | State::Deciding(_) | State::Landing(_) | State::Following(..) => false,
        };
        is_in_git && self.opened.lasts.is_some() && self.given_back.is_none()
    }

    /// When it begins, where it is approved and waits for that.
    pub fn waits_until(&self) -> Option<Timestamp> {
        match &self.state {
            State::Deciding(course) => course.scheduled.and(self.opened.begins),
            State::Planning | State::Landing(_) | State::Following(..) | State::Over { .. } => None,
        }
    }

    /// When it gives back something by itself.
    pub fn gives_back_at(&self) -> Option<Timestamp> {
        self.opened.gives_back.as_ref()?.at
    }
}
