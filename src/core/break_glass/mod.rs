//! The life of one break-glass: one exact change of one live object, outside git. Asked within an incident, decided by
//! people while the cluster is asked for a dry run, then the reconciler is held off, the object is changed and watched.
//! State is a fold over the ledger's entries; what is due next follows from it alone, so that a crash anywhere finds
//! the same work. What is owed to git afterwards is the debt's life (`core::debt`).

mod event;
mod plan;
mod state;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::{
    entry::{Actor, Draft, Recorded},
    names::{Digest, Field, ImageTag, RequestId, Target},
    reminder::Reminders,
    request::{Card, Needs},
    span::Span,
};

pub use event::Event;
pub use plan::{Kind, Live, LivePlan, Object, Way, describe};
pub use state::{Alarm, Course, Ending, Paused, Refused, State, Vote};

/// What is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// How many pods run.
    Scale(u32),
    /// Which version they run.
    Image(ImageTag),
    /// How many pods the autoscaler keeps at least.
    Bounds(u32),
    /// What somebody changed by hand stays as it is. Nothing is changed for it but that what follows git is held off.
    Keep(Kept),
    /// What somebody did by hand is taken into the books. Nothing is changed for it either.
    Record(ByHand),
}

impl Action {
    /// Whether the cluster stays as it is.
    pub fn is_keeping(&self) -> bool {
        matches!(self, Self::Keep(_) | Self::Record(_))
    }
}

/// What somebody did by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByHand {
    /// Which value.
    pub field: Field,
    /// What is live by it.
    pub live: String,
}

/// What is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The drift.
    pub drift: RequestId,
    /// Which value.
    pub field: Field,
    /// What is live.
    pub live: String,
    /// What comes next.
    pub then: Then,
}

/// What comes once it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Somebody decides which side gives way.
    Decide,
    /// Git gets it.
    Propose,
}

/// What its first entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// What is changed.
    pub action: Action,
    /// Of what.
    #[serde(flatten)]
    pub target: Target,
    /// How long it is meant to last.
    pub span: Span,
    /// Who must say yes.
    pub needs: Needs,
    /// The channel where it was typed and its card belongs, `platform:id`.
    pub channel: String,
    /// The incident that it belongs to.
    pub incident: RequestId,
}

impl Opened {
    /// `break glass: scale checkout in prod to 10 for 1h`.
    pub fn title(&self) -> String {
        let Target { service, environment } = &self.target;
        let what = match &self.action {
            Action::Keep(kept) => {
                return format!("keep {} of {} at {} for {}", kept.field, self.target, kept.live, self.span);
            }
            Action::Record(done) => {
                return format!("record what was done by hand: {} of {} is {}", done.field, self.target, done.live);
            }
            Action::Scale(count) => format!("scale {service} in {environment} to {count}"),
            Action::Image(tag) => format!("run {service} {tag} in {environment}"),
            Action::Bounds(least) => format!("keep at least {least} of {service} in {environment}"),
        };
        format!("break glass: {what} for {}", self.span)
    }
}

/// An effect on the world that a break-glass waits for. Each looks at the world before it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    /// Look at the object, who owns it and what holds it, and try the change without doing it.
    Check,
    /// Hold the reconciler off, and read that back.
    Pause,
    /// Change the object, and see that it is so.
    Change,
    /// See that it stays so.
    Watch,
    /// Let the reconciler go on: nothing was changed.
    Resume,
}

/// One break-glass. In messages it is never called so.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Its id.
    pub id: RequestId,
    /// What was asked.
    pub opened: Opened,
    /// Why, in the words of whoever asked.
    pub reason: Option<String>,
    /// Who asked.
    pub requester: Actor,
    /// When.
    pub at: Timestamp,
    /// Its message.
    pub card: Option<Card>,
    /// Where it stands.
    pub state: State,
    /// Since when it stands there.
    pub since: Timestamp,
    /// Who was reminded of it since people are asked.
    pub reminders: Reminders,
}

impl Override {
    /// Reads the entry that opens it.
    ///
    /// # Errors
    /// When the entry lacks what it must have.
    pub fn opened(id: RequestId, recorded: &Recorded) -> Result<Self, serde_json::Error> {
        let entry = &recorded.entry;
        let mut body = entry.body.clone();
        body.remove("reason");
        let at = entry.at().map_err(serde::de::Error::custom)?;
        Ok(Self {
            id,
            opened: serde_json::from_value(Value::Object(body))?,
            reason: recorded.texts.get("reason").cloned(),
            requester: entry.actor.clone(),
            at,
            card: None,
            state: State::Checking,
            since: at,
            reminders: Reminders::default(),
        })
    }

    /// The break-glass after one more of its entries.
    ///
    /// # Errors
    /// When the entry does not fit, in words.
    pub fn after(mut self, recorded: &Recorded) -> Result<Self, String> {
        if let Some(card) = recorded.entry.body.get("card").filter(|_| recorded.entry.kind == "card.posted") {
            self.card = Some(serde_json::from_value(card.clone()).map_err(|error| error.to_string())?);
            return Ok(self);
        }
        if self.reminders.fold(recorded).map_err(|error| error.to_string())? {
            return Ok(self);
        }
        if let Some(event) = Event::read(recorded).map_err(|error| error.to_string())? {
            if matches!(event, Event::Replanned(_)) {
                self.reminders.clear();
            }
            self.state = self.state.after(event).map_err(|error| error.to_string())?;
            self.since = recorded.entry.at().map_err(|error| error.to_string())?;
        }
        Ok(self)
    }

    /// What the world owes it now.
    pub fn due(&self) -> Option<Due> {
        match &self.state {
            State::Checking => Some(Due::Check),
            State::Pausing { .. } => Some(Due::Pause),
            State::Paused { .. } | State::Changing { .. } => Some(Due::Change),
            State::Active { .. } => Some(Due::Watch),
            State::Undoing { .. } => Some(Due::Resume),
            State::Deciding(_) | State::Over { .. } => None,
        }
    }

    /// What it carries, once planned.
    pub fn course(&self) -> Option<&Course> {
        self.state.course()
    }

    /// Whether nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over { .. })
    }

    /// Whether it has told a reconciler to hold off, or is about to.
    pub fn holds(&self) -> Option<&Object> {
        match &self.state {
            State::Pausing { course, .. }
            | State::Paused { course, .. }
            | State::Changing { course, .. }
            | State::Active { course, .. }
            | State::Undoing { course, .. } => course.plan.pause.as_ref(),
            State::Checking | State::Deciding(_) | State::Over { .. } => None,
        }
    }
}

/// The entry that opens a break-glass.
pub fn asked(id: &RequestId, opened: &Opened, reason: Option<&str>, actor: Actor) -> Draft {
    let mut draft = Draft::new("breakglass.opened", subject(id), actor);
    if let Ok(Value::Object(body)) = serde_json::to_value(opened) {
        draft.body = body;
    }
    draft.with_text("reason", reason.unwrap_or_default())
}

/// The ledger's subject of a break-glass.
pub fn subject(id: &RequestId) -> String {
    format!("breakglass/{id}")
}

/// Whose yes it was, to be told.
pub fn approvers(votes: &[Vote]) -> impl Iterator<Item = (&Actor, &Digest)> {
    votes.iter().map(|vote| (&vote.actor, &vote.digest))
}
