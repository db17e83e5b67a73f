//! The life of a debt: live differs from git, and somebody owes that they agree again. It is opened in the same ledger
//! transaction as the intent to change the cluster, and ends only when git equals live was seen twice: while the
//! reconciler is still held off, and again after it goes on. A fold over the ledger's entries, as a request is.

mod event;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::{
    entry::{Actor, Draft, Recorded},
    names::{Field, RequestId, Target},
    request::Card,
};

pub use event::{Ending, Event};

/// What its first entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The break-glass that made it.
    pub breakglass: RequestId,
    /// The incident.
    pub incident: RequestId,
    /// Of what.
    #[serde(flatten)]
    pub target: Target,
    /// Which value.
    pub field: Field,
    /// What is live once it is changed.
    pub live: String,
    /// What git says, where that was known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub git: Option<String>,
    /// Who owes it: always a person.
    pub owner: Actor,
    /// Until when the change was meant to last.
    pub until: Timestamp,
    /// The channel of its card, `platform:id`.
    pub channel: String,
}

/// Which side gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Git gets what is live.
    Git,
    /// Live gets what git says.
    Live,
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The change may be live.
    Opened,
    /// The change is live, and git does not say so.
    Owed {
        /// Why the last proposal came to nothing; absent: one is about to be made.
        halted: Option<String>,
    },
    /// A request is under way that brings it into git.
    Proposed {
        /// The request.
        request: RequestId,
    },
    /// One side has given way; that they agree is yet to be seen.
    Settled {
        /// Which.
        side: Side,
        /// The request that brought it into git.
        request: Option<RequestId>,
    },
    /// Somebody chose to give the cluster what git says.
    Reverting,
    /// They agree, seen while the reconciler was held off: it may go on.
    Proven {
        /// Which side gave way.
        side: Side,
    },
    /// The reconciler goes on; that they still agree is yet to be seen.
    Resumed {
        /// Which side gave way.
        side: Side,
    },
    /// Over.
    Over {
        /// How.
        ending: Ending,
        /// By whom.
        by: Actor,
    },
}

/// An effect that a debt waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    /// Ask for the change of git.
    Propose,
    /// See how that request goes on.
    Await,
    /// Give the cluster what git says.
    Revert,
    /// See whether git equals live while the reconciler is held off.
    Prove,
    /// Let the reconciler go on.
    Resume,
    /// See whether git still equals live.
    ProveAgain,
}

/// An event that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` does not fit a debt that is {state}")]
pub struct Refused {
    /// The event's kind.
    pub event: &'static str,
    /// The state's word.
    pub state: &'static str,
}

/// One debt.
#[derive(Debug, Clone, PartialEq)]
pub struct Debt {
    /// Its id.
    pub id: RequestId,
    /// What is owed.
    pub opened: Opened,
    /// Since when.
    pub at: Timestamp,
    /// Its message.
    pub card: Option<Card>,
    /// Where it stands.
    pub state: State,
    /// How often its owner was reminded.
    pub reminded: u32,
    /// Until when the change is meant to last, extensions included.
    pub until: Timestamp,
    /// Who extended it last.
    pub extended_by: Option<Actor>,
    /// Whether it was said that the time is over.
    pub overdue: Overdue,
}

/// Whether it was said that the time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overdue {
    /// It was.
    Said,
    /// It was not, or the time is not over.
    #[default]
    Unsaid,
}

/// When the owner is reminded, counted from the beginning; after the last of them every day.
const REMINDERS: [SignedDuration; 3] =
    [SignedDuration::from_mins(15), SignedDuration::from_hours(1), SignedDuration::from_hours(4)];

impl State {
    /// The state in a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Owed { .. } => "owed",
            Self::Proposed { .. } => "proposed to git",
            Self::Settled { .. } => "being proven",
            Self::Reverting => "being given back",
            Self::Proven { .. } => "proven",
            Self::Resumed { .. } => "being proven again",
            Self::Over { .. } => "over",
        }
    }

    /// The state after an event; what is not named does not fit.
    ///
    /// # Errors
    /// When the event does not fit, which leaves the state as it was.
    pub fn after(self, event: Event) -> Result<Self, Refused> {
        let refused = Refused { event: event.kind(), state: self.word() };
        let next = match (self, event) {
            (Self::Opened, Event::Live) => Some(Self::Owed { halted: None }),
            (Self::Opened, Event::Ended(ending @ Ending::NeverLive, by)) => Some(Self::Over { ending, by }),
            (Self::Owed { .. }, Event::Proposed { request }) => Some(Self::Proposed { request }),
            (
                Self::Owed { .. } | Self::Proposed { .. } | Self::Reverting | Self::Settled { .. },
                Event::Halted { why },
            ) => Some(Self::Owed { halted: Some(why) }),
            (Self::Owed { halted: Some(_) }, Event::Retried) => Some(Self::Owed { halted: None }),
            (Self::Proposed { request }, Event::Settled { side: Side::Git }) => {
                Some(Self::Settled { side: Side::Git, request: Some(request) })
            }
            (Self::Owed { .. } | Self::Reverting, Event::Settled { side }) => {
                Some(Self::Settled { side, request: None })
            }
            (Self::Owed { .. } | Self::Proposed { .. }, Event::RevertChosen) => Some(Self::Reverting),
            (Self::Settled { side, .. }, Event::Proven) => Some(Self::Proven { side }),
            (Self::Proven { side }, Event::Resumed) => Some(Self::Resumed { side }),
            (Self::Resumed { side }, Event::Ended(Ending::Paid { .. }, by)) => {
                Some(Self::Over { ending: Ending::Paid { side }, by })
            }
            (
                state @ (Self::Opened
                | Self::Owed { .. }
                | Self::Proposed { .. }
                | Self::Settled { .. }
                | Self::Reverting
                | Self::Proven { .. }
                | Self::Resumed { .. }),
                Event::Reminded | Event::Overdue | Event::Extended { .. } | Event::Taken(_),
            ) => Some(state),
            _ => None,
        };
        next.ok_or(refused)
    }
}

impl Debt {
    /// Reads the entry that opens it.
    ///
    /// # Errors
    /// When the entry lacks what it must have.
    pub fn opened(id: RequestId, recorded: &Recorded) -> Result<Self, serde_json::Error> {
        let opened: Opened = serde_json::from_value(Value::Object(recorded.entry.body.clone()))?;
        Ok(Self {
            id,
            at: recorded.entry.at().map_err(serde::de::Error::custom)?,
            card: None,
            state: State::Opened,
            reminded: 0,
            until: opened.until,
            extended_by: None,
            overdue: Overdue::Unsaid,
            opened,
        })
    }

    /// The debt after one more of its entries.
    ///
    /// # Errors
    /// When the entry does not fit, in words.
    pub fn after(mut self, recorded: &Recorded) -> Result<Self, String> {
        if let Some(card) = recorded.entry.body.get("card").filter(|_| recorded.entry.kind == "card.posted") {
            self.card = Some(serde_json::from_value(card.clone()).map_err(|error| error.to_string())?);
            return Ok(self);
        }
        let Some(event) = Event::read(recorded).map_err(|error| error.to_string())? else { return Ok(self) };
        self.state = self.state.after(event.clone()).map_err(|error| error.to_string())?;
        match event {
            Event::Reminded => self.reminded = self.reminded.saturating_add(1),
            Event::Overdue => self.overdue = Overdue::Said,
            Event::Extended { until } => {
                (self.until, self.overdue) = (until, Overdue::Unsaid);
                self.extended_by = Some(recorded.entry.actor.clone());
            }
            Event::Taken(owner) => self.opened.owner = owner,
            Event::Live
            | Event::Proposed { .. }
            | Event::Halted { .. }
            | Event::Retried
            | Event::Settled { .. }
            | Event::RevertChosen
            | Event::Proven
            | Event::Resumed
            | Event::Ended(..) => {}
        }
        Ok(self)
    }

    /// What the world owes it now.
    pub fn due(&self) -> Option<Due> {
        match &self.state {
            State::Owed { halted: None } => Some(Due::Propose),
            State::Proposed { .. } => Some(Due::Await),
            State::Settled { .. } => Some(Due::Prove),
            State::Reverting => Some(Due::Revert),
            State::Proven { .. } => Some(Due::Resume),
            State::Resumed { .. } => Some(Due::ProveAgain),
            State::Opened | State::Owed { halted: Some(_) } | State::Over { .. } => None,
        }
    }

    /// Whether nothing is owed any more.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over { .. })
    }

    /// Whether the reconciler must still be held off for it.
    pub fn holds(&self) -> bool {
        !matches!(self.state, State::Proven { .. } | State::Resumed { .. } | State::Over { .. })
    }

    /// Whether the cluster gets, or has got, what git says: nobody shall do the change once more.
    pub fn is_given_back(&self) -> bool {
        matches!(self.state, State::Reverting | State::Settled { side: Side::Live, .. })
    }

    /// Whether the owner is to be reminded now.
    pub fn is_reminder_due(&self, now: Timestamp) -> bool {
        let day = SignedDuration::from_hours(24);
        let at = match REMINDERS.get(usize::try_from(self.reminded).unwrap_or(usize::MAX)) {
            Some(after) => *after,
            None => day * i32::try_from(self.reminded).unwrap_or(i32::MAX).saturating_sub(2),
        };
        !self.is_over() && now.duration_since(self.at) >= at
    }

    /// Whether it is to be said now that the time is over.
    pub fn is_newly_overdue(&self, now: Timestamp) -> bool {
        !self.is_over() && self.overdue == Overdue::Unsaid && now >= self.until
    }

    /// `live 10, git 3`.
    pub fn words(&self) -> String {
        let git = self.opened.git.as_deref().unwrap_or("unknown");
        format!("live {}, git {git}", self.opened.live)
    }

    /// `owed: replicas of checkout in prod`.
    pub fn title(&self) -> String {
        format!("owed to git: {} of {}", self.opened.field, self.opened.target)
    }
}

/// The entry that opens a debt.
pub fn opened(id: &RequestId, opened: &Opened, actor: Actor) -> Draft {
    let mut draft = Draft::new("debt.opened", subject(id), actor);
    if let Ok(Value::Object(body)) = serde_json::to_value(opened) {
        draft.body = body;
    }
    draft
}

/// The ledger's subject of a debt.
pub fn subject(id: &RequestId) -> String {
    format!("debt/{id}")
}
