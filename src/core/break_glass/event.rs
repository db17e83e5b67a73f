//! What happens to a break-glass, one kind of entry each; written to entries and read back.

use jiff::Timestamp;
use serde_json::Value;

use super::{Alarm, Ending, LivePlan, Paused, Vote, subject};
use crate::core::{
    entry::{Actor, Draft, Recorded},
    names::RequestId,
};

/// What happens to it, one kind of entry each.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The cluster was looked at, and the change would be taken.
    Planned(LivePlan),
    /// The object is another than it was, and so is the change: approvals start again.
    Replanned(LivePlan),
    /// A person said yes.
    Voted(Vote),
    /// Enough did.
    Approved,
    /// The reconciler is about to be held off.
    PauseBegun(Paused),
    /// It is held off, read back.
    Paused(Paused),
    /// The object is about to be changed; the debt is opened in the same breath.
    Begun {
        /// The debt.
        debt: RequestId,
    },
    /// The object has the value, seen.
    Changed {
        /// When.
        at: Timestamp,
    },
    /// It was undone, and done once more.
    Redone,
    /// Something is wrong that a person must look at.
    Alarmed(Alarm),
    /// It is right again.
    Calmed,
    /// It could not be done, and nothing was changed.
    Failed {
        /// Why.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// Over.
    Ended(Ending, Actor),
}

impl Event {
    /// The kind of its entry.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Planned(_) => "breakglass.planned",
            Self::Replanned(_) => "breakglass.replanned",
            Self::Voted(_) => "breakglass.approval",
            Self::Approved => "breakglass.approved",
            Self::PauseBegun(_) => "pause.intent",
            Self::Paused(_) => "pause.done",
            Self::Begun { .. } => "breakglass.intent",
            Self::Changed { .. } => "breakglass.changed",
            Self::Redone => "breakglass.redone",
            Self::Alarmed(_) => "breakglass.alarm",
            Self::Calmed => "breakglass.calm",
            Self::Failed { .. } => "breakglass.failed",
            Self::Ended(..) => "breakglass.ended",
        }
    }

    /// Its entry.
    pub fn draft(&self, id: &RequestId, actor: Actor) -> Draft {
        let draft = Draft::new(self.kind(), subject(id), actor);
        match self {
            Self::Planned(plan) | Self::Replanned(plan) => draft.with("plan", plan),
            Self::Voted(vote) => draft.with("digest", &vote.digest),
            Self::PauseBegun(paused) | Self::Paused(paused) => draft.with("paused", paused),
            Self::Begun { debt } => draft.with("debt", debt),
            Self::Alarmed(alarm) => draft.with_text("what", &alarm.what),
            Self::Failed { why, remedy } => draft.with_text("why", why).with_text("remedy", remedy),
            Self::Ended(ending @ Ending::Rejected { why: Some(why) }, _) => {
                draft.with("end", ending).with_text("why", why)
            }
            Self::Ended(ending, _) => draft.with("end", ending),
            Self::Approved | Self::Changed { .. } | Self::Redone | Self::Calmed => draft,
        }
    }

    /// Reads an entry back; `None` for kinds that change no state.
    ///
    /// # Errors
    /// When the entry lacks what its kind must have.
    pub fn read(recorded: &Recorded) -> Result<Option<Self>, serde_json::Error> {
        let entry = &recorded.entry;
        let text = |name: &str| recorded.texts.get(name).cloned().unwrap_or_default();
        let member = |name: &str| entry.body.get(name).cloned().unwrap_or(Value::Null);
        let at = || entry.at().map_err(serde::de::Error::custom);
        Ok(Some(match entry.kind.as_str() {
            "breakglass.planned" => Self::Planned(serde_json::from_value(member("plan"))?),
            "breakglass.replanned" => Self::Replanned(serde_json::from_value(member("plan"))?),
            "breakglass.approval" => Self::Voted(Vote {
                actor: entry.actor.clone(),
                digest: serde_json::from_value(member("digest"))?,
                at: at()?,
            }),
            "breakglass.approved" => Self::Approved,
            "pause.intent" => Self::PauseBegun(serde_json::from_value(member("paused"))?),
            "pause.done" => Self::Paused(serde_json::from_value(member("paused"))?),
            "breakglass.intent" => Self::Begun { debt: serde_json::from_value(member("debt"))? },
            "breakglass.changed" => Self::Changed { at: at()? },
            "breakglass.redone" => Self::Redone,
            "breakglass.alarm" => Self::Alarmed(Alarm { what: text("what"), at: at()? }),
            "breakglass.calm" => Self::Calmed,
            "breakglass.failed" => Self::Failed { why: text("why"), remedy: text("remedy") },
            "breakglass.ended" => {
                let ending: Ending = serde_json::from_value(member("end"))?;
                let why = recorded.texts.get("why").cloned();
                let is_rejected = matches!(ending, Ending::Rejected { .. });
                Self::Ended(if is_rejected { Ending::Rejected { why } } else { ending }, entry.actor.clone())
            }
            _ => return Ok(None),
        }))
    }
}
