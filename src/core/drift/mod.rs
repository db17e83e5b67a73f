//! The life of a drift: live differs from git in a value that levers move, and nobody said so beforehand. Seen, kept as
//! it is or given back or left to somebody else for a while, over when both agree again. A fold over the ledger's
//! entries, as a request is. What keeps it is a break-glass of its own, which owes git the change.

mod event;
pub mod sighting;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::{
    break_glass::{Object, Way},
    entry::{Actor, Draft, Recorded},
    names::{Field, RequestId, Target},
    reconciler::Undoes,
    request::Card,
};

pub use event::{Ending, Event};
pub use sighting::{Hand, Sighting};

/// How much a drift weighs, as its environment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It is said.
    Report,
    /// Git and the cluster owe each other an agreement: people are reminded until there is one.
    Debt,
}

/// What people are offered first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// To keep what is live: bringing it into git takes its time there.
    Hold,
    /// To bring it into git at once.
    Adopt,
}

/// What its first entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Of what.
    #[serde(flatten)]
    pub target: Target,
    /// The object.
    pub object: Object,
    /// Its uid.
    pub uid: String,
    /// Which value.
    pub field: Field,
    /// Where it is: what git says there, and what is live, as the object writes them.
    pub way: Way,
    /// JSON pointers with what stood there beside it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub beside: Vec<(String, Value)>,
    /// What git says, as people write it.
    pub git: String,
    /// What is live, as people write it.
    pub live: String,
    /// Who wrote it, as the cluster has it: a hint, since a client names itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<Hand>,
    /// What follows git there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub follower: Option<Object>,
    /// What that will do about it, and when.
    pub undoes: Undoes,
    /// How much it weighs.
    pub weight: Weight,
    /// What is offered first.
    pub first: First,
    /// Whom to call where it lowers what holds production up: `team:shop`, `group:leads`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub call: Vec<String>,
    /// The channel of its card, `platform:id`.
    pub channel: String,
}

impl Opened {
    /// How many fewer would run by git's word; `None` where it is no count, or more would.
    pub fn loses(&self) -> Option<i64> {
        let is_count = matches!(self.field, Field::Replicas | Field::ReplicasMin);
        let lost = self.live.parse::<i64>().ok()?.checked_sub(self.git.parse().ok()?)?;
        (is_count && lost > 0).then_some(lost)
    }

    /// `live 10, git 3`.
    pub fn words(&self) -> String {
        format!("live {}, git {}", self.live, self.git)
    }

    /// Whether the reconciler will take it back without anybody doing anything.
    pub fn is_undone_soon(&self) -> bool {
        matches!(self.undoes, Undoes::AtOnce | Undoes::Within { .. })
    }
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Somebody should say what becomes of it.
    Open {
        /// Why what was tried came to nothing.
        halted: Option<String>,
    },
    /// A break-glass keeps it as it is, and owes git the change.
    Kept {
        /// Which.
        glass: RequestId,
    },
    /// The cluster is being given what git says.
    Restoring {
        /// By whose choice.
        by: Actor,
    },
    /// Somebody else's for a while.
    Left {
        /// Who said so and answers for it.
        by: Actor,
        /// Until then.
        until: Timestamp,
    },
    /// Over.
    Over {
        /// How.
        ending: Ending,
        /// By whom.
        by: Actor,
        /// Since when.
        at: Timestamp,
    },
}

impl State {
    /// The state in a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Kept { .. } => "kept as it is",
            Self::Restoring { .. } => "being given back",
            Self::Left { .. } => "left to somebody else",
            Self::Over { .. } => "over",
        }
    }

    /// The state after an event by somebody at a time; what is not named does not fit.
    ///
    /// # Errors
    /// When the event does not fit, which leaves the state as it was.
    pub fn after(self, event: Event, at: Timestamp) -> Result<Self, Refused> {
        let refused = Refused { event: event.kind(), state: self.word() };
        let next = match (self, event) {
            (Self::Open { .. }, Event::Kept { glass }) => Some(Self::Kept { glass }),
            (Self::Open { .. }, Event::Restoring { by }) => Some(Self::Restoring { by }),
            (Self::Open { .. }, Event::Left { by, until }) => Some(Self::Left { by, until }),
            (Self::Kept { .. } | Self::Restoring { .. }, Event::Halted { why }) => {
                Some(Self::Open { halted: Some(why) })
            }
            (Self::Left { .. }, Event::Returned) => Some(Self::Open { halted: None }),
            (Self::Over { .. }, Event::Again(_)) => Some(Self::Open { halted: None }),
            (state @ (Self::Open { .. } | Self::Left { .. }), Event::Moved(_)) => Some(state),
            (
                state @ (Self::Open { .. } | Self::Kept { .. } | Self::Restoring { .. } | Self::Left { .. }),
                Event::Reminded,
            ) => Some(state),
            (
                Self::Open { .. } | Self::Kept { .. } | Self::Restoring { .. } | Self::Left { .. },
                Event::Ended(ending, by),
            ) => Some(Self::Over { ending, by, at }),
            (
                Self::Open { .. } | Self::Kept { .. } | Self::Restoring { .. } | Self::Left { .. } | Self::Over { .. },
                _,
            ) => None,
        };
        next.ok_or(refused)
    }
}

/// An event that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` does not fit a drift that is {state}")]
pub struct Refused {
    /// The event's kind.
    pub event: &'static str,
    /// The state's word.
    pub state: &'static str,
}

/// One drift.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// Its id.
    pub id: RequestId,
    /// What differs, as it was seen last.
    pub opened: Opened,
    /// Since when.
    pub at: Timestamp,
    /// Its message.
    pub card: Option<Card>,
    /// Where it stands.
    pub state: State,
    /// How often people were reminded.
    pub reminded: u32,
    /// How often it came again after it was gone.
    pub again: u32,
}

/// When people are reminded of one that weighs as a debt; after the last of them every day.
const REMINDERS: [SignedDuration; 3] =
    [SignedDuration::from_mins(15), SignedDuration::from_hours(1), SignedDuration::from_hours(4)];
/// What comes again so soon after it was gone is the same one, and keeps its card.
const SOON: SignedDuration = SignedDuration::from_mins(10);

impl Drift {
    /// Reads the entry that opens it.
    ///
    /// # Errors
    /// When the entry lacks what it must have.
    pub fn opened(id: RequestId, recorded: &Recorded) -> Result<Self, serde_json::Error> {
        let opened: Opened = serde_json::from_value(Value::Object(recorded.entry.body.clone()))?;
        let at = recorded.entry.at().map_err(serde::de::Error::custom)?;
        let state = State::Open { halted: None };
        Ok(Self { id, opened, at, card: None, state, reminded: 0, again: 0 })
    }

    /// The drift after one more of its entries.
    ///
    /// # Errors
    /// When the entry does not fit, in words.
    pub fn after(mut self, recorded: &Recorded) -> Result<Self, String> {
        if let Some(card) = recorded.entry.body.get("card").filter(|_| recorded.entry.kind == "card.posted") {
            self.card = Some(serde_json::from_value(card.clone()).map_err(|error| error.to_string())?);
            return Ok(self);
        }
        let Some(event) = Event::read(recorded).map_err(|error| error.to_string())? else { return Ok(self) };
        let at = recorded.entry.at().map_err(|error| error.to_string())?;
        self.state = self.state.after(event.clone(), at).map_err(|error| error.to_string())?;
        match event {
            Event::Moved(seen) => self.opened = *seen,
            Event::Again(seen) => (self.opened, self.again) = (*seen, self.again.saturating_add(1)),
            Event::Reminded => self.reminded = self.reminded.saturating_add(1),
            Event::Kept { .. }
            | Event::Restoring { .. }
            | Event::Left { .. }
            | Event::Halted { .. }
            | Event::Returned
            | Event::Ended(..) => {}
        }
        Ok(self)
    }

    /// Whether the cluster is to be given what git says.
    pub fn is_restoring(&self) -> bool {
        matches!(self.state, State::Restoring { .. })
    }

    /// Whether git and the cluster agree again, or it is none of ours.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over { .. })
    }

    /// Whether it is about this value.
    pub fn is_of(&self, object: &Object, field: &Field) -> bool {
        self.opened.object == *object && self.opened.field == *field
    }

    /// Whether what is seen again now is this one.
    pub fn comes_again(&self, now: Timestamp) -> bool {
        matches!(&self.state, State::Over { at, .. } if now.duration_since(*at) < SOON)
    }

    /// Whether people are to be reminded now.
    pub fn is_reminder_due(&self, now: Timestamp) -> bool {
        let day = SignedDuration::from_hours(24);
        let at = match REMINDERS.get(usize::try_from(self.reminded).unwrap_or(usize::MAX)) {
            Some(after) => *after,
            None => day * i32::try_from(self.reminded).unwrap_or(i32::MAX).saturating_sub(2),
        };
        let counts = self.opened.weight == Weight::Debt && matches!(self.state, State::Open { .. });
        counts && now.duration_since(self.at) >= at
    }

    /// Whether it is ours again.
    pub fn is_back(&self, now: Timestamp) -> bool {
        matches!(&self.state, State::Left { until, .. } if now >= *until)
    }

    /// `drift: replicas of checkout in prod`.
    pub fn title(&self) -> String {
        format!("drift: {} of {}", self.opened.field.word(), self.opened.target)
    }
}

/// The entry that opens a drift.
pub fn opened(id: &RequestId, opened: &Opened, actor: Actor) -> Draft {
    let mut draft = Draft::new("drift.opened", subject(id), actor);
    if let Ok(Value::Object(body)) = serde_json::to_value(opened) {
        draft.body = body;
    }
    draft.with("title", format!("{} of {}: {}", opened.field, opened.target, opened.words()))
}

/// The ledger's subject of a drift.
pub fn subject(id: &RequestId) -> String {
    format!("drift/{id}")
}
