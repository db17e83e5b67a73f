//! Which reminders of an open approval, and of what is about to begin, were said. Each is an entry before it is said and another one after, so that a
//! restart finds those on their way, looks whether they arrived, and neither loses nor repeats one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::core::{
    entry::{Draft, Recorded},
    names::PersonId,
};

/// Whom a reminder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Those who are asked first, each directly.
    Approver,
    /// Everybody in the channel of the card.
    Channel,
    /// Those who are asked next, each directly.
    Next,
    /// Those who may review what went through the emergency lane, each directly.
    Review,
    /// The same, once more.
    ReviewAgain,
    /// Everybody in the channel of the card: nobody reviewed it in time.
    ReviewLate,
    /// Everybody in the channel of the card, of what is approved and about to begin.
    Begins,
}

impl Step {
    /// Those of an open approval, in the order in which they come.
    pub const ALL: [Self; 3] = [Self::Approver, Self::Channel, Self::Next];
    /// Those of a review that is owed.
    pub const OF_REVIEWS: [Self; 3] = [Self::Review, Self::ReviewAgain, Self::ReviewLate];

    /// After how long that one of a review comes; `None` for those of approvals.
    pub fn of_review(self) -> Option<SignedDuration> {
        match self {
            Self::Review => Some(SignedDuration::ZERO),
            Self::ReviewAgain => Some(SignedDuration::from_hours(12)),
            Self::ReviewLate => Some(SignedDuration::from_hours(24)),
            Self::Approver | Self::Channel | Self::Next | Self::Begins => None,
        }
    }

    /// As the catalog and the entries write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approver => "approver",
            Self::Channel => "channel",
            Self::Next => "next",
            Self::Review => "review",
            Self::ReviewAgain => "review_again",
            Self::ReviewLate => "review_late",
            Self::Begins => "begins",
        }
    }
}

/// How far one reminder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It is about to be said, or was: nobody knows yet.
    Begun {
        /// Since when.
        at: Timestamp,
        /// To whom; the channel has nobody here.
        to: Vec<PersonId>,
    },
    /// It was said.
    Said,
}

/// The reminders of one asking.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reminders(BTreeMap<Step, Stage>);

/// With which its entry begins.
const INTENT: &str = "reminder.intent";
const SAID: &str = "reminder.said";

impl Reminders {
    /// How far that one is; `None` where it did not begin.
    pub fn stage(&self, step: Step) -> Option<&Stage> {
        self.0.get(&step)
    }

    /// Takes an entry in, where it is about a reminder; whether it is.
    ///
    /// # Errors
    /// When the entry lacks what its kind must have.
    pub fn fold(&mut self, recorded: &Recorded) -> Result<bool, serde_json::Error> {
        let entry = &recorded.entry;
        if !is_reminder(&entry.kind) {
            return Ok(false);
        }
        let member = |name: &str| entry.body.get(name).cloned().unwrap_or_default();
        let stage = match entry.kind.as_str() {
            INTENT => Stage::Begun {
                at: entry.at().map_err(serde::de::Error::custom)?,
                to: serde_json::from_value(member("to"))?,
            },
            _ => Stage::Said,
        };
        self.0.insert(serde_json::from_value(member("step"))?, stage);
        Ok(true)
    }

    /// None were said: it is asked anew.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Whether an entry of this kind is about a reminder.
pub fn is_reminder(kind: &str) -> bool {
    matches!(kind, INTENT | SAID)
}

/// The entry before a reminder is said to these people.
pub fn begun(subject: String, step: Step, to: &[PersonId]) -> Draft {
    Draft::new(INTENT, subject, crate::core::decide::ourselves()).with("step", step).with("to", to)
}

/// The entry after it.
pub fn said(subject: String, step: Step) -> Draft {
    Draft::new(SAID, subject, crate::core::decide::ourselves()).with("step", step)
}
