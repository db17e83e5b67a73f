//! The life of an incident: declared, stable, closed, perhaps open again. A fold over the ledger's entries, as a request
//! is. Its timeline is every entry that names it, whatever that entry is about: each lever pulled while it is open.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::{
    catalog::Severity,
    entry::{Actor, Draft, Recorded},
    names::{RequestId, Service},
    request::Card,
};

/// How many moments are kept for the card; the ledger has them all.
const KEPT: usize = 200;

/// What its first entry says. The title is free text and stands among the texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// How bad it is.
    pub severity: Severity,
    /// The service in trouble.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service: Option<Service>,
    /// The channel where it was declared and its card belongs, `platform:id`.
    pub channel: String,
    /// What is wrong.
    #[serde(default, skip_serializing)]
    pub title: String,
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The trouble goes on.
    Active,
    /// The trouble is over; what is owed is not.
    Stable {
        /// Since when.
        at: Timestamp,
    },
    /// Over.
    Closed {
        /// Since when.
        at: Timestamp,
        /// Who closed it.
        by: Actor,
    },
}

/// What happens to an incident, one kind of entry each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The trouble is over.
    Stable,
    /// It is closed.
    Closed,
    /// It is open again.
    Reopened,
    /// Somebody wrote something into the timeline.
    Noted(String),
    /// Somebody else commands it.
    Led(Actor),
}

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The kind of the entry.
    pub kind: String,
    /// What it was about: `request/01J...`.
    pub subject: String,
    /// What it says beside that.
    pub words: String,
}

/// One incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its id.
    pub id: RequestId,
    /// What was declared.
    pub opened: Opened,
    /// Who declared it.
    pub declared_by: Actor,
    /// When.
    pub at: Timestamp,
    /// Who commands it.
    pub commander: Actor,
    /// Since when.
    pub commander_since: Timestamp,
    /// Its message.
    pub card: Option<Card>,
    /// Where it stands.
    pub state: State,
    /// What happened, the oldest first.
    pub timeline: Vec<Moment>,
}

/// An event that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` does not fit an incident that is {state}")]
pub struct Refused {
    /// The event's kind.
    pub event: &'static str,
    /// The state's word.
    pub state: &'static str,
}

impl State {
    /// The state in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Stable { .. } => "stable",
            Self::Closed { .. } => "closed",
        }
    }

    /// The state after an event at a time; every pair is named.
    ///
    /// # Errors
    /// When the event does not fit.
    pub fn after(&self, event: &Event, by: &Actor, at: Timestamp) -> Result<Self, Refused> {
        match (self, event) {
            (Self::Active, Event::Stable) => Ok(Self::Stable { at }),
            (Self::Active | Self::Stable { .. }, Event::Closed) => Ok(Self::Closed { at, by: by.clone() }),
            (Self::Stable { .. } | Self::Closed { .. }, Event::Reopened) => Ok(Self::Active),
            (_, Event::Noted(_)) | (Self::Active | Self::Stable { .. }, Event::Led(_)) => Ok(self.clone()),
            (Self::Stable { .. } | Self::Closed { .. }, Event::Stable)
            | (Self::Closed { .. }, Event::Closed | Event::Led(_))
            | (Self::Active, Event::Reopened) => Err(Refused { event: event.kind(), state: self.word() }),
        }
    }
}

impl Event {
    /// The kind of its entry.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stable => "incident.stable",
            Self::Closed => "incident.closed",
            Self::Reopened => "incident.reopened",
            Self::Noted(_) => "incident.noted",
            Self::Led(_) => "incident.led",
        }
    }

    /// Its entry.
    pub fn draft(&self, incident: &RequestId, actor: Actor) -> Draft {
        let draft = Draft::new(self.kind(), subject(incident), actor);
        let draft = Draft { incident: Some(incident.to_string()), ..draft };
        match self {
            Self::Stable | Self::Closed | Self::Reopened => draft,
            Self::Noted(words) => draft.with_text("note", words),
            Self::Led(by) => draft.with("commander", by),
        }
    }

    fn read(recorded: &Recorded) -> Result<Option<Self>, serde_json::Error> {
        Ok(Some(match recorded.entry.kind.as_str() {
            "incident.stable" => Self::Stable,
            "incident.closed" => Self::Closed,
            "incident.reopened" => Self::Reopened,
            "incident.noted" => Self::Noted(recorded.texts.get("note").cloned().unwrap_or_default()),
            "incident.led" => {
                Self::Led(serde_json::from_value(recorded.entry.body.get("commander").cloned().unwrap_or(Value::Null))?)
            }
            _ => return Ok(None),
        }))
    }
}

/// The entry that opens an incident.
pub fn declared(id: &RequestId, opened: &Opened, actor: Actor) -> Draft {
    let mut draft = Draft::new("incident.opened", subject(id), actor);
    if let Ok(Value::Object(body)) = serde_json::to_value(opened) {
        draft.body = body;
    }
    Draft { incident: Some(id.to_string()), ..draft.with_text("title", &opened.title) }
}

impl Incident {
    /// Reads the entry that opens an incident.
    ///
    /// # Errors
    /// When the entry lacks what it must have.
    pub fn opened(id: RequestId, recorded: &Recorded) -> Result<Self, serde_json::Error> {
        let entry = &recorded.entry;
        let mut body = entry.body.clone();
        body.remove("title");
        let mut opened: Opened = serde_json::from_value(Value::Object(body))?;
        opened.title = recorded.texts.get("title").cloned().unwrap_or_default();
        let at = entry.at().map_err(serde::de::Error::custom)?;
        Ok(Self {
            id,
            opened,
            declared_by: entry.actor.clone(),
            at,
            commander: entry.actor.clone(),
            commander_since: at,
            card: None,
            state: State::Active,
            timeline: Vec::new(),
        })
    }

    /// The incident after one more entry about it.
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
        self.state = self.state.after(&event, &recorded.entry.actor, at).map_err(|error| error.to_string())?;
        if let Event::Led(commander) = event {
            (self.commander, self.commander_since) = (commander, at);
        }
        Ok(self)
    }

    /// Takes an entry that names it into the timeline.
    pub fn noted(&mut self, moment: Moment) {
        self.timeline.push(moment);
        if self.timeline.len() > KEPT {
            self.timeline.remove(0);
        }
    }

    /// Whether it is open and a sev1 or a sev2.
    pub fn is_grave(&self) -> bool {
        self.is_open() && self.opened.severity <= Severity::SECOND
    }

    /// Whether it is not closed.
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }

    /// `sev2 checkout: memory leak`.
    pub fn title(&self) -> String {
        let service = self.opened.service.as_ref().map(|service| format!(" {service}")).unwrap_or_default();
        format!("{}{service}: {}", self.opened.severity, self.opened.title)
    }
}

/// The ledger's subject of an incident.
pub fn subject(id: &RequestId) -> String {
    format!("incident/{id}")
}
