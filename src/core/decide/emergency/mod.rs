//! Incidents, break-glasses and debts: what people ask of them, what they press, and what effects report back. As with
//! requests, a decision only names entries; what is due follows from the states that they make.

mod ask;
mod clock;
mod drift;
mod fights;
mod folding;
mod outcome;
mod press;
mod record;
mod stamp;
#[cfg(test)]
mod tests;
mod write_off;

use super::{Asker, Decision, Facts, Reply, Words};
use crate::core::{
    break_glass::{Action, LivePlan, Paused},
    catalog::Severity,
    debt::{Moved, Side},
    drift::{Ending, Opened},
    entry::Draft,
    moment::Moment,
    names::{Field, PersonId, RequestId, Service, Target},
    request::Card,
    span::Span,
};

pub(super) use clock::deadlines;
pub use drift::KeepAsked;
pub(super) use fights::{fights, is_held};
pub use folding::{folds_into, open_debt, paying_command};
pub(super) use folding::{gives_way, paid_by, unpaid};
pub(super) use press::{counted, decide as pressed, rule};
pub(super) use stamp::stamp;

/// What came in about them.
#[derive(Debug, Clone)]
pub enum Emergency {
    /// Somebody declares an incident.
    Declared(Declared),
    /// Somebody says something of one.
    OfIncident(OfIncident),
    /// Somebody asks to break glass.
    Asked(Box<GlassAsked>),
    /// Live differs from git in a value.
    Drifted {
        /// A fresh id.
        id: RequestId,
        /// What differs.
        seen: Box<Opened>,
    },
    /// Git and the cluster agree again, or it is none of ours.
    Agreed {
        /// Which drift.
        of: RequestId,
        /// How it ended.
        ending: Ending,
    },
    /// Somebody wants to keep a drift as it is.
    Keep(Box<KeepAsked>),
    /// Somebody asks that a debt be written off for a time.
    WriteOff(Box<WriteOffAsked>),
    /// An effect came to something.
    Happened {
        /// Of which break-glass, debt or incident.
        of: RequestId,
        /// What.
        came: Came,
    },
}

/// An incident that is declared.
#[derive(Debug, Clone)]
pub struct Declared {
    /// A fresh id.
    pub id: RequestId,
    /// Who declares it.
    pub asker: Asker,
    /// How bad it is.
    pub severity: Severity,
    /// The service in trouble.
    pub service: Option<Service>,
    /// What is wrong.
    pub title: String,
    /// `platform:channel`.
    pub channel: String,
}

/// Something said of an incident.
#[derive(Debug, Clone)]
pub struct OfIncident {
    /// Who.
    pub asker: Asker,
    /// Which; where nothing is said, the one that can be meant.
    pub incident: Option<RequestId>,
    /// What.
    pub act: IncidentAct,
}

/// What is said of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentAct {
    /// The trouble is over.
    Stable,
    /// It is over.
    Close,
    /// It is not.
    Reopen,
    /// A note.
    Note(String),
    /// Somebody else commands it.
    Lead(PersonId),
}

/// A break-glass that is asked for.
#[derive(Debug, Clone)]
pub struct GlassAsked {
    /// A fresh id.
    pub id: RequestId,
    /// A fresh id for its incident, where none is open.
    pub incident: RequestId,
    /// Who asks.
    pub asker: Asker,
    /// What for.
    pub action: Action,
    /// On what.
    pub target: Target,
    /// For how long.
    pub span: Span,
    /// Why.
    pub reason: Option<String>,
    /// `platform:channel`.
    pub channel: String,
    /// The command as one could type it again.
    pub words: String,
}

/// That git and live may differ on purpose.
#[derive(Debug, Clone)]
pub struct WriteOffAsked {
    /// Who asks.
    pub asker: Asker,
    /// Of what.
    pub target: Target,
    /// When it is owed again.
    pub until: Moment,
    /// Why.
    pub reason: String,
}

/// What an effect came to.
#[derive(Debug, Clone)]
pub enum Came {
    /// Its card was posted.
    CardPosted(Card),
    /// The cluster was looked at and would take the change.
    Planned(Box<LivePlan>),
    /// The object is another than it was when people looked.
    Replanned(Box<LivePlan>),
    /// It cannot be done.
    Failed(Words),
    /// The reconciler is about to be held off.
    PauseBegun(Paused),
    /// It is held off, read back.
    Paused(Paused),
    /// The object is about to be changed.
    Begun {
        /// A fresh id for the debt.
        debt: RequestId,
    },
    /// The object has the value, seen.
    Changed,
    /// It was undone; it is about to be done once more.
    Redone,
    /// Something is wrong.
    Alarmed(String),
    /// It is right again.
    Calmed,
    /// What was held off for nothing goes on.
    LetGo,
    /// The proposal came to nothing.
    Halted(String),
    /// One side of a value that is owed is another one now.
    Moved {
        /// Of which value.
        field: Field,
        /// Which side, and what it says.
        to: Moved,
    },
    /// One side has given way.
    Settled(Side),
    /// Git equals live while the reconciler is held off.
    Proven,
    /// The reconciler goes on.
    Resumed,
    /// Git still equals live.
    Paid,
}

pub(super) fn decide(incoming: &Emergency, facts: Facts<'_>) -> Decision {
    match incoming {
        Emergency::Declared(declared) => ask::declare(declared, facts),
        Emergency::OfIncident(said) => ask::of_incident(said, facts),
        Emergency::Asked(asked) => ask::breakglass(asked, facts),
        Emergency::Drifted { id, seen } => drift::seen(id, seen, facts),
        Emergency::Agreed { of, ending } => drift::agreed(of, ending, facts),
        Emergency::Keep(asked) => drift::keep(asked, facts),
        Emergency::WriteOff(asked) => write_off::ask(asked, facts),
        Emergency::Happened { of, came } => outcome::decide(of, came, facts),
    }
}

/// A refusal, recorded and answered privately.
fn refused(asker: &Asker, (subject, kind): (String, &str), typed: &str, words: Words) -> Decision {
    let entry = Draft::new(kind, subject, asker.actor()).with_text("typed", typed).with_text("why", &words.text);
    Decision { entries: vec![entry], reply: Reply::Private(words) }
}
