//! What happens to a debt, one kind of entry each, and how it ends; written to entries and read back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Item, Side, subject};
use crate::core::{
    entry::{Actor, Draft, Recorded},
    names::{Field, RequestId},
};

/// Which side of a value is another one now, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moved {
    /// The cluster.
    Live(String),
    /// Git; nothing where it says nothing any more.
    Git(Option<String>),
}

/// That git and live differ on purpose for a time: asked for by one person, agreed to by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteOff {
    /// When it is owed again.
    pub until: Timestamp,
    /// Who asked for it.
    pub by: Actor,
}

/// How a debt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum Ending {
    /// Git equals live, seen before and after the reconciler went on.
    Paid {
        /// Which side gave way.
        side: Side,
    },
    /// The cluster was never changed.
    NeverLive,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The change is live.
    Live,
    /// A request was opened that brings it into git.
    Proposed {
        /// The request.
        request: RequestId,
    },
    /// That came to nothing, or could not be tried.
    Halted {
        /// Why.
        why: String,
    },
    /// It is to be tried again.
    Retried,
    /// One side has given way.
    Settled {
        /// Which.
        side: Side,
    },
    /// The cluster shall get what git says.
    RevertChosen,
    /// Git equals live while the reconciler is held off.
    Proven,
    /// The reconciler goes on.
    Resumed,
    /// The owner was reminded.
    Reminded,
    /// It was said that the time is over.
    Overdue,
    /// The change may last longer.
    Extended {
        /// Until then.
        until: Timestamp,
    },
    /// Somebody else owes it now.
    Taken(Actor),
    /// A further break-glass on the same target is about to change the cluster: its value is owed with the others.
    Grown {
        /// The value.
        item: Item,
        /// Until when it is meant to last.
        until: Timestamp,
    },
    /// That came to nothing, and the cluster was not changed by it.
    Shrunk {
        /// The break-glass.
        breakglass: RequestId,
    },
    /// Somebody asks that it be written off.
    WriteOffAsked(WriteOff),
    /// That is not wanted after all.
    WriteOffRefused,
    /// Another person agreed.
    WrittenOff(WriteOff, Actor),
    /// The time of that is over, or somebody wants it owed again.
    Returned,
    /// One side of a value is another one now.
    Moved {
        /// Of which value.
        field: Field,
        /// Which side, and what it says.
        to: Moved,
    },
    /// Over.
    Ended(Ending, Actor),
}

impl Event {
    /// The kind of its entry.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Live => "debt.live",
            Self::Proposed { .. } => "debt.proposed",
            Self::Halted { .. } => "debt.halted",
            Self::Retried => "debt.retried",
            Self::Settled { .. } => "debt.settled",
            Self::RevertChosen => "debt.revert",
            Self::Proven => "debt.proven",
            Self::Resumed => "debt.resumed",
            Self::Reminded => "debt.reminded",
            Self::Overdue => "debt.overdue",
            Self::Extended { .. } => "debt.extended",
            Self::Taken(_) => "debt.taken",
            Self::Grown { .. } => "debt.grown",
            Self::Shrunk { .. } => "debt.shrunk",
            Self::Moved { .. } => "debt.moved",
            Self::WriteOffAsked(_) => "debt.write_off_asked",
            Self::WriteOffRefused => "debt.write_off_refused",
            Self::WrittenOff(..) => "debt.written_off",
            Self::Returned => "debt.returned",
            Self::Ended(..) => "debt.ended",
        }
    }

    /// Its entry.
    pub fn draft(&self, id: &RequestId, actor: Actor) -> Draft {
        let draft = Draft::new(self.kind(), subject(id), actor);
        match self {
            Self::Proposed { request } => draft.with("request", request),
            Self::Halted { why } => draft.with_text("why", why),
            Self::Settled { side } => draft.with("side", side),
            Self::Extended { until } => draft.with("until", until),
            Self::Taken(owner) => draft.with("owner", owner),
            Self::Grown { item, until } => draft.with("item", item).with("until", until),
            Self::Shrunk { breakglass } => draft.with("breakglass", breakglass),
            Self::Moved { field, to } => draft.with("field", field).with("to", to),
            Self::WriteOffAsked(wanted) | Self::WrittenOff(wanted, _) => draft.with("write_off", wanted),
            Self::Ended(ending, _) => draft.with("end", ending),
            Self::WriteOffRefused
            | Self::Returned
            | Self::Live
            | Self::Retried
            | Self::RevertChosen
            | Self::Proven
            | Self::Resumed
            | Self::Reminded
            | Self::Overdue => draft,
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
            "debt.live" => Self::Live,
            "debt.proposed" => Self::Proposed { request: serde_json::from_value(member("request"))? },
            "debt.halted" => Self::Halted { why: recorded.texts.get("why").cloned().unwrap_or_default() },
            "debt.retried" => Self::Retried,
            "debt.settled" => Self::Settled { side: serde_json::from_value(member("side"))? },
            "debt.revert" => Self::RevertChosen,
            "debt.proven" => Self::Proven,
            "debt.resumed" => Self::Resumed,
            "debt.reminded" => Self::Reminded,
            "debt.overdue" => Self::Overdue,
            "debt.extended" => Self::Extended { until: serde_json::from_value(member("until"))? },
            "debt.taken" => Self::Taken(serde_json::from_value(member("owner"))?),
            "debt.grown" => Self::Grown {
                item: serde_json::from_value(member("item"))?,
                until: serde_json::from_value(member("until"))?,
            },
            "debt.shrunk" => Self::Shrunk { breakglass: serde_json::from_value(member("breakglass"))? },
            "debt.moved" => Self::Moved {
                field: serde_json::from_value(member("field"))?,
                to: serde_json::from_value(member("to"))?,
            },
            "debt.write_off_asked" => Self::WriteOffAsked(serde_json::from_value(member("write_off"))?),
            "debt.write_off_refused" => Self::WriteOffRefused,
            "debt.written_off" => Self::WrittenOff(serde_json::from_value(member("write_off"))?, entry.actor.clone()),
            "debt.returned" => Self::Returned,
            "debt.ended" => Self::Ended(serde_json::from_value(member("end"))?, entry.actor.clone()),
            _ => return Ok(None),
        }))
    }
}
