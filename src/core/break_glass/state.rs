//! Where a break-glass stands, and the one function that says what each event makes of each state.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Event, LivePlan};
use crate::core::{
    entry::Actor,
    names::{Digest, RequestId},
};

/// One person's yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// Who.
    pub actor: Actor,
    /// To what.
    pub digest: Digest,
    /// When.
    pub at: Timestamp,
}

/// What it carries along.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The change.
    pub plan: LivePlan,
    /// Who said yes to it.
    pub votes: Vec<Vote>,
}

/// A reconciler that was held off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// How it was told to follow before; absent where nothing is to be given back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Value>,
    /// Whether it followed git by itself before.
    pub follows: bool,
    /// Whether another break-glass held it off already, and goes on doing so.
    pub shared: bool,
    /// The mark of the person who held it off by hand before: it is let go on in their stead.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
}

/// Something that must not be: the pause was lost, or the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// What.
    pub what: String,
    /// When it was seen.
    pub at: Timestamp,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum Ending {
    /// Git and the cluster agree again.
    Reconciled,
    /// Somebody said no.
    Rejected {
        /// Why, where they said it.
        #[serde(skip)]
        why: Option<String>,
    },
    /// Whoever asked took it back.
    Cancelled,
    /// Nobody approved in time.
    Expired,
    /// It could not be done; nothing was changed.
    Failed {
        /// Why.
        #[serde(skip)]
        why: String,
        /// What to do.
        #[serde(skip)]
        remedy: String,
    },
}

impl Ending {
    /// In a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Reconciled => "reconciled",
            Self::Rejected { .. } => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Where it stands. Data exists only in the states that have it.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Taken; the cluster is looked at.
    Checking,
    /// People decide.
    Deciding(Course),
    /// Decided; the reconciler is being held off.
    Pausing {
        /// What it carries.
        course: Course,
        /// How the reconciler was told to follow, once that was looked up: recorded before it is told otherwise.
        before: Option<Paused>,
    },
    /// The reconciler is held off, seen to be.
    Paused {
        /// What it carries.
        course: Course,
        /// What is held off.
        paused: Paused,
    },
    /// The debt is open, so the object may be changed, or is changed already.
    Changing {
        /// What it carries.
        course: Course,
        /// What is held off.
        paused: Paused,
        /// What is owed for it.
        debt: RequestId,
    },
    /// It is so, and watched.
    Active {
        /// What it carries.
        course: Course,
        /// What is held off.
        paused: Paused,
        /// What is owed for it.
        debt: RequestId,
        /// Since when.
        at: Timestamp,
        /// How often it was undone and done again.
        redone: u32,
        /// What is wrong, where something is.
        alarm: Option<Alarm>,
    },
    /// It could not be done: the reconciler goes on.
    Undoing {
        /// What it carries.
        course: Course,
        /// What was held off.
        paused: Paused,
        /// How it ends.
        ending: Ending,
    },
    /// Over.
    Over {
        /// What it carried, when it got that far.
        course: Option<Course>,
        /// How.
        ending: Ending,
        /// By whom.
        by: Actor,
    },
}

/// An event that does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` does not fit a break-glass that is {state}")]
pub struct Refused {
    /// The event's kind.
    pub event: &'static str,
    /// The state's word.
    pub state: &'static str,
}

impl State {
    /// The state in a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Checking => "being checked",
            Self::Deciding(_) => "waiting for approval",
            Self::Pausing { .. } => "pausing",
            Self::Paused { .. } => "paused",
            Self::Changing { .. } => "being changed",
            Self::Active { .. } => "live",
            Self::Undoing { .. } => "being undone",
            Self::Over { .. } => "over",
        }
    }

    /// What it carries, once planned.
    pub fn course(&self) -> Option<&Course> {
        match self {
            Self::Checking => None,
            Self::Deciding(course)
            | Self::Pausing { course, .. }
            | Self::Paused { course, .. }
            | Self::Changing { course, .. }
            | Self::Active { course, .. }
            | Self::Undoing { course, .. } => Some(course),
            Self::Over { course, .. } => course.as_ref(),
        }
    }

    /// The state after an event; what is not named does not fit.
    ///
    /// # Errors
    /// When the event does not fit, which leaves the state as it was.
    pub fn after(self, event: Event) -> Result<Self, Refused> {
        let refused = Refused { event: event.kind(), state: self.word() };
        let next = match self {
            Self::Checking => checking(event),
            Self::Deciding(course) => deciding(course, event),
            Self::Pausing { course, before } => pausing(course, before, event),
            Self::Paused { course, paused } => held(course, paused, event),
            Self::Changing { course, paused, debt } => changing(course, paused, debt, event),
            active @ Self::Active { .. } => active.when_active(event),
            Self::Undoing { course, ending, .. } => undoing(course, ending, event),
            Self::Over { .. } => None,
        };
        next.ok_or(refused)
    }

    fn when_active(self, event: Event) -> Option<Self> {
        let Self::Active { course, paused, debt, at, redone, alarm } = self else { return None };
        let still = |redone, alarm| {
            Some(Self::Active { course: course.clone(), paused: paused.clone(), debt: debt.clone(), at, redone, alarm })
        };
        match event {
            Event::Redone => still(redone.saturating_add(1), alarm),
            Event::Alarmed(alarm) => still(redone, Some(alarm)),
            Event::Calmed => still(redone, None),
            Event::Ended(ending @ Ending::Reconciled, by) => Some(Self::Over { course: Some(course), ending, by }),
            Event::Planned(_)
            | Event::Replanned(_)
            | Event::Voted(_)
            | Event::Approved
            | Event::PauseBegun(_)
            | Event::Paused(_)
            | Event::Begun { .. }
            | Event::Changed { .. }
            | Event::Failed { .. }
            | Event::Ended(..) => None,
        }
    }
}

fn checking(event: Event) -> Option<State> {
    match event {
        Event::Planned(plan) => Some(State::Deciding(Course { plan, votes: Vec::new() })),
        Event::Failed { why, remedy } => Some(State::over(None, Ending::Failed { why, remedy })),
        Event::Ended(ending, by) => Some(State::Over { course: None, ending, by }),
        Event::Replanned(_)
        | Event::Voted(_)
        | Event::Approved
        | Event::PauseBegun(_)
        | Event::Paused(_)
        | Event::Begun { .. }
        | Event::Changed { .. }
        | Event::Redone
        | Event::Alarmed(_)
        | Event::Calmed => None,
    }
}

fn deciding(mut course: Course, event: Event) -> Option<State> {
    match event {
        Event::Replanned(plan) => Some(State::Deciding(Course { plan, votes: Vec::new() })),
        Event::Voted(vote) => {
            course.votes.push(vote);
            Some(State::Deciding(course))
        }
        Event::Approved => Some(State::Pausing { course, before: None }),
        Event::Failed { why, remedy } => Some(State::over(Some(course), Ending::Failed { why, remedy })),
        Event::Ended(ending, by) => Some(State::Over { course: Some(course), ending, by }),
        Event::Planned(_)
        | Event::PauseBegun(_)
        | Event::Paused(_)
        | Event::Begun { .. }
        | Event::Changed { .. }
        | Event::Redone
        | Event::Alarmed(_)
        | Event::Calmed => None,
    }
}

fn pausing(course: Course, before: Option<Paused>, event: Event) -> Option<State> {
    match event {
        Event::PauseBegun(paused) => Some(State::Pausing { course, before: Some(paused) }),
        Event::Paused(paused) => Some(State::Paused { course, paused }),
        // The object is another one now, before anything was done: people look again.
        Event::Replanned(plan) if before.is_none() => Some(State::Deciding(Course { plan, votes: Vec::new() })),
        Event::Failed { why, remedy } => Some(failed(course, before, why, remedy)),
        Event::Replanned(_)
        | Event::Planned(_)
        | Event::Voted(_)
        | Event::Approved
        | Event::Begun { .. }
        | Event::Changed { .. }
        | Event::Redone
        | Event::Alarmed(_)
        | Event::Calmed
        | Event::Ended(..) => None,
    }
}

/// What was told to hold off, or may have been, is let go first.
fn failed(course: Course, before: Option<Paused>, why: String, remedy: String) -> State {
    let ending = Ending::Failed { why, remedy };
    match before {
        Some(paused) => State::Undoing { course, paused, ending },
        None => State::over(Some(course), ending),
    }
}

fn held(course: Course, paused: Paused, event: Event) -> Option<State> {
    match event {
        Event::Begun { debt } => Some(State::Changing { course, paused, debt }),
        Event::Failed { why, remedy } => Some(failed(course, Some(paused), why, remedy)),
        Event::Planned(_)
        | Event::Replanned(_)
        | Event::Voted(_)
        | Event::Approved
        | Event::PauseBegun(_)
        | Event::Paused(_)
        | Event::Changed { .. }
        | Event::Redone
        | Event::Alarmed(_)
        | Event::Calmed
        | Event::Ended(..) => None,
    }
}

fn changing(course: Course, paused: Paused, debt: RequestId, event: Event) -> Option<State> {
    match event {
        Event::Changed { at } => Some(State::Active { course, paused, debt, at, redone: 0, alarm: None }),
        Event::Failed { why, remedy } => Some(failed(course, Some(paused), why, remedy)),
        Event::Planned(_)
        | Event::Replanned(_)
        | Event::Voted(_)
        | Event::Approved
        | Event::PauseBegun(_)
        | Event::Paused(_)
        | Event::Begun { .. }
        | Event::Redone
        | Event::Alarmed(_)
        | Event::Calmed
        | Event::Ended(..) => None,
    }
}

fn undoing(course: Course, ending: Ending, event: Event) -> Option<State> {
    match event {
        // The entry holds no texts of the failure a second time.
        Event::Ended(Ending::Failed { .. }, by) => Some(State::Over { course: Some(course), ending, by }),
        Event::Planned(_)
        | Event::Replanned(_)
        | Event::Voted(_)
        | Event::Approved
        | Event::PauseBegun(_)
        | Event::Paused(_)
        | Event::Begun { .. }
        | Event::Changed { .. }
        | Event::Redone
        | Event::Alarmed(_)
        | Event::Calmed
        | Event::Failed { .. }
        | Event::Ended(..) => None,
    }
}

impl State {
    fn over(course: Option<Course>, ending: Ending) -> Self {
        let by = Actor { person: None, account: None, via: "leverframe".to_owned() };
        Self::Over { course, ending, by }
    }
}
