//! The life of a debt: live differs from git, and somebody owes that they agree again. It is opened in the same ledger
//! transaction as the intent to change the cluster, and ends only when git equals live was seen twice: while the
//! reconciler is still held off, and again after it goes on. A fold over the ledger's entries, as a request is.

mod event;
mod item;
mod state;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::{
    entry::{Actor, Draft, Recorded},
    names::{Digest, Field, RequestId, Target},
    request::Card,
};

pub use event::{Ending, Event, Moved, WriteOff};
pub use item::{Item, is_count};
pub use state::{Refused, Side, State};

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

/// An effect that a debt waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    /// Ask for the change of git.
    Propose,
    /// See how that request goes on, and whether one side moved.
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
    /// What became live of it, in order; the last of a value is what is owed (see [`Debt::items`]).
    pub all: Vec<Item>,
    /// What one person asks for and another has not agreed to yet: that it be written off.
    pub write_off: Option<WriteOff>,
    /// What moved since it was opened, and when: its change of git was planned anew for that.
    pub moved: Option<(Timestamp, String)>,
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
            all: vec![opened.item()],
            write_off: None,
            moved: None,
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
        self.folded(event, recorded)
    }

    fn folded(mut self, event: Event, recorded: &Recorded) -> Result<Self, String> {
        match event {
            Event::Reminded => self.reminded = self.reminded.saturating_add(1),
            Event::Overdue => self.overdue = Overdue::Said,
            Event::Extended { until } => {
                (self.until, self.overdue) = (until, Overdue::Unsaid);
                self.extended_by = Some(recorded.entry.actor.clone());
            }
            Event::Taken(owner) => self.opened.owner = owner,
            Event::Grown { item, until } => {
                self.write_off = None;
                self.all.push(item);
                if until > self.until {
                    (self.until, self.overdue) = (until, Overdue::Unsaid);
                }
            }
            Event::Shrunk { breakglass } => self.all.retain(|item| item.breakglass != breakglass),
            Event::Moved { field, to } => {
                self.write_off = None;
                let at = recorded.entry.at().map_err(|error| error.to_string())?;
                self.moves(&field, &to, at);
            }
            Event::WriteOffAsked(wanted) => self.write_off = Some(wanted),
            Event::WrittenOff(..) => (self.write_off, self.overdue) = (None, Overdue::Unsaid),
            Event::Returned => {
                let at = recorded.entry.at().map_err(|error| error.to_string())?;
                self.until = at.checked_add(SignedDuration::from_hours(24)).unwrap_or(at);
            }
            Event::WriteOffRefused | Event::Live | Event::Settled { .. } | Event::RevertChosen => self.write_off = None,
            Event::Proposed { .. }
            | Event::Halted { .. }
            | Event::Retried
            | Event::Proven
            | Event::Resumed
            | Event::Ended(..) => {}
        }
        Ok(self)
    }

    /// Until when git and live differ on purpose, where two persons said so.
    pub fn written_off_until(&self) -> Option<Timestamp> {
        match &self.state {
            State::WrittenOff { asked, .. } => Some(asked.until),
            State::Opened
            | State::Owed { .. }
            | State::Proposed { .. }
            | State::Settled { .. }
            | State::Reverting
            | State::Proven { .. }
            | State::Resumed { .. }
            | State::Over { .. } => None,
        }
    }

    /// Whether the time of its being written off is over.
    pub fn is_back(&self, now: Timestamp) -> bool {
        self.written_off_until().is_some_and(|until| now >= until)
    }

    /// The digest of what is asked for: what it is about and until when. Who agrees, agrees to exactly that.
    pub fn write_off_digest(&self) -> Option<Digest> {
        let wanted = self.write_off.as_ref()?;
        Some(Digest::of(format!("{} {} {}", self.id, wanted.until, self.values()).as_bytes()))
    }

    /// One side of a value is another one now.
    fn moves(&mut self, field: &Field, to: &Moved, at: Timestamp) {
        let Some(item) = self.all.iter_mut().rev().find(|item| item.field == *field) else { return };
        let words = match to {
            Moved::Live(live) => {
                format!("{field} is {live} live now, not {}", std::mem::replace(&mut item.live, live.clone()))
            }
            Moved::Git(git) => {
                let before = std::mem::replace(&mut item.git, git.clone());
                let told = |side: Option<&str>| side.unwrap_or("nothing").to_owned();
                format!("git says {} for {field} now, not {}", told(git.as_deref()), told(before.as_deref()))
            }
        };
        self.moved = Some((at, words));
    }

    /// What the world owes it now.
    pub fn due(&self) -> Option<Due> {
        match &self.state {
            State::Owed { halted: None } => Some(Due::Propose),
            // Also what waits for a person ends when both sides agree by themselves.
            State::Proposed { .. } | State::Owed { halted: Some(_) } | State::WrittenOff { .. } => Some(Due::Await),
            State::Settled { .. } => Some(Due::Prove),
            State::Reverting => Some(Due::Revert),
            State::Proven { .. } => Some(Due::Resume),
            State::Resumed { .. } => Some(Due::ProveAgain),
            State::Opened | State::Over { .. } => None,
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

    /// Whether nobody is asked for it now.
    fn is_at_rest(&self) -> bool {
        self.is_over() || self.written_off_until().is_some()
    }

    /// Whether the owner is to be reminded now.
    pub fn is_reminder_due(&self, now: Timestamp) -> bool {
        let day = SignedDuration::from_hours(24);
        let at = match REMINDERS.get(usize::try_from(self.reminded).unwrap_or(usize::MAX)) {
            Some(after) => *after,
            None => day * i32::try_from(self.reminded).unwrap_or(i32::MAX).saturating_sub(2),
        };
        !self.is_at_rest() && now.duration_since(self.at) >= at
    }

    /// Whether it is to be said now that the time is over.
    pub fn is_newly_overdue(&self, now: Timestamp) -> bool {
        !self.is_at_rest() && self.overdue == Overdue::Unsaid && now >= self.until
    }

    /// `owed to git: replicas of checkout in prod`.
    pub fn title(&self) -> String {
        format!("owed to git: {} of {}", self.fields(), self.opened.target)
    }
}

impl Opened {
    /// The value that it was opened for.
    fn item(&self) -> Item {
        let Self { breakglass, field, live, git, .. } = self;
        Item { breakglass: breakglass.clone(), field: field.clone(), live: live.clone(), git: git.clone() }
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
