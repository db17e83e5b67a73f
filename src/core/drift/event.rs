//! What happens to a drift, one kind of entry each, and how it ends; written to entries and read back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Opened, subject};
use crate::core::{
    entry::{Actor, Draft, Recorded},
    names::RequestId,
};

/// How a drift ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum Ending {
    /// The cluster has what git says again, and nobody of us did that.
    Undone {
        /// Who wrote it, as the cluster has it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        manager: Option<String>,
    },
    /// Git says what is live.
    Adopted,
    /// We gave the cluster what git says.
    Restored,
    /// A break-glass kept it until git said so.
    Settled,
    /// The object is gone, or git says nothing of it any more.
    Gone,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// One of the two differs otherwise now.
    Moved(Box<Opened>),
    /// It came again.
    Again(Box<Opened>),
    /// It is kept as it is.
    Kept {
        /// By this break-glass.
        glass: RequestId,
    },
    /// The cluster shall get what git says.
    Restoring {
        /// By whose choice.
        by: Actor,
    },
    /// It is somebody else's.
    Left {
        /// Who says so and answers for it.
        by: Actor,
        /// Until then.
        until: Timestamp,
    },
    /// What was tried came to nothing.
    Halted {
        /// Why.
        why: String,
    },
    /// It is ours again.
    Returned,
    /// People were reminded.
    Reminded,
    /// Over.
    Ended(Ending, Actor),
}

impl Event {
    /// The kind of its entry.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Moved(_) => "drift.moved",
            Self::Again(_) => "drift.again",
            Self::Kept { .. } => "drift.kept",
            Self::Restoring { .. } => "drift.restoring",
            Self::Left { .. } => "drift.left",
            Self::Halted { .. } => "drift.halted",
            Self::Returned => "drift.returned",
            Self::Reminded => "drift.reminded",
            Self::Ended(..) => "drift.ended",
        }
    }

    /// Its entry.
    pub fn draft(&self, id: &RequestId, actor: Actor) -> Draft {
        let draft = Draft::new(self.kind(), subject(id), actor);
        match self {
            Self::Moved(seen) | Self::Again(seen) => draft.with("seen", seen),
            Self::Kept { glass } => draft.with("breakglass", glass),
            Self::Left { until, .. } => draft.with("until", until),
            Self::Halted { why } => draft.with_text("why", why),
            Self::Ended(ending, _) => draft.with("end", ending),
            Self::Restoring { .. } | Self::Returned | Self::Reminded => draft,
        }
    }

    /// Reads an entry back; `None` for kinds that change nothing.
    ///
    /// # Errors
    /// When the entry lacks what its kind must have.
    pub fn read(recorded: &Recorded) -> Result<Option<Self>, serde_json::Error> {
        let entry = &recorded.entry;
        let member = |name: &str| entry.body.get(name).cloned().unwrap_or(Value::Null);
        Ok(Some(match entry.kind.as_str() {
            "drift.moved" => Self::Moved(serde_json::from_value(member("seen"))?),
            "drift.again" => Self::Again(serde_json::from_value(member("seen"))?),
            "drift.kept" => Self::Kept { glass: serde_json::from_value(member("breakglass"))? },
            "drift.restoring" => Self::Restoring { by: entry.actor.clone() },
            "drift.left" => Self::Left { by: entry.actor.clone(), until: serde_json::from_value(member("until"))? },
            "drift.halted" => Self::Halted { why: recorded.texts.get("why").cloned().unwrap_or_default() },
            "drift.returned" => Self::Returned,
            "drift.reminded" => Self::Reminded,
            "drift.ended" => Self::Ended(serde_json::from_value(member("end"))?, entry.actor.clone()),
            _ => return Ok(None),
        }))
    }
}
