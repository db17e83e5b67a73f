//! Whom it is worth waking: what of the open matters calls for on-call now, each under a key of its own for as long as it
//! does. What was told of it stands in the ledger, so that a restart pages nobody twice; telling once more under the
//! same key is harmless all the same.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::core::{
    break_glass::{self, Override},
    catalog::Severity,
    debt::{Debt, Overdue},
    drift::{self, Drift},
    entry::{Actor, Draft, Recorded},
    incident::Incident,
    matters::Matters,
    names::{RequestId, Target},
};

/// How long a break-glass waits for those who read the channel before others are woken.
const WAITED: SignedDuration = SignedDuration::from_mins(1);

/// How much it hurries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Production is down, or is about to be.
    Critical,
    /// Somebody must look soon.
    Error,
}

/// One thing that calls for on-call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its key with the pager, of letters, digits and dashes: `incident-01J...`.
    pub key: String,
    /// What it is about, in a word: `incident`, `breakglass`, `debt`, `drift`.
    pub class: &'static str,
    /// How much it hurries.
    pub urgency: Urgency,
    /// What on-call reads first.
    pub summary: String,
    /// The incident it belongs to.
    pub incident: Option<RequestId>,
    /// What it is about in the cluster.
    pub service: Option<String>,
    /// In which environment.
    pub environment: Option<String>,
    /// The channel of its card, `platform:id`.
    pub channel: String,
}

/// What calls for on-call now, by key.
pub fn wanted(matters: &Matters, now: Timestamp) -> BTreeMap<String, Alert> {
    let incidents = matters.incidents.values().filter_map(of_incident);
    let glasses = matters.overrides.values().filter_map(|glass| of_glass(glass, now));
    let debts = matters.debts.values().filter_map(of_debt);
    let drifts = matters.drifts.values().filter_map(of_drift);
    incidents.chain(glasses).chain(debts).chain(drifts).map(|alert| (alert.key.clone(), alert)).collect()
}

/// The two worst severities wake people, until the incident is closed.
fn of_incident(incident: &Incident) -> Option<Alert> {
    let opened = &incident.opened;
    let urgency = match opened.severity {
        severity if severity < Severity::SECOND => Urgency::Critical,
        Severity::SECOND => Urgency::Error,
        _ => return None,
    };
    let about = opened.service.as_ref().map(|service| format!(" {service}")).unwrap_or_default();
    incident.is_open().then(|| Alert {
        key: format!("incident-{}", incident.id),
        class: "incident",
        urgency,
        summary: format!("{}{about}: {}", opened.severity, opened.title),
        incident: Some(incident.id.clone()),
        service: opened.service.as_ref().map(ToString::to_string),
        environment: None,
        channel: opened.channel.clone(),
    })
}

/// One that has waited for a commander for a while, and one of which the pause or the change was lost.
fn of_glass(glass: &Override, now: Timestamp) -> Option<Alert> {
    let opened = &glass.opened;
    let summary = match &glass.state {
        break_glass::State::Deciding(_) if now.duration_since(glass.since) < WAITED => return None,
        break_glass::State::Deciding(_) => format!("{} waits for an approval", opened.title()),
        break_glass::State::Active { alarm: Some(alarm), .. } => format!("Look at {}: {}", opened.target, alarm.what),
        break_glass::State::Active { alarm: None, .. }
        | break_glass::State::Checking
        | break_glass::State::Pausing { .. }
        | break_glass::State::Paused { .. }
        | break_glass::State::Changing { .. }
        | break_glass::State::Undoing { .. }
        | break_glass::State::Over { .. } => return None,
    };
    let key = format!("breakglass-{}", glass.id);
    let about = (&opened.target, opened.channel.as_str());
    Some(alert(key, "breakglass", Urgency::Critical, (summary, Some(opened.incident.clone())), about))
}

/// One past the time that it was meant to last.
fn of_debt(debt: &Debt) -> Option<Alert> {
    let opened = &debt.opened;
    let owner = opened.owner.person.as_ref().map_or("nobody of the catalog", |person| person.as_str());
    let summary =
        format!("Git and {} still differ past the deadline: {}, owed by {owner}", opened.target, debt.values());
    let is_due = !debt.is_over() && debt.overdue == Overdue::Said;
    let about = (&opened.target, opened.channel.as_str());
    is_due.then(|| {
        alert(format!("debt-{}", debt.id), "debt", Urgency::Error, (summary, Some(opened.incident.clone())), about)
    })
}

/// One of which the reconciler is about to take pods away, or has.
fn of_drift(drift: &Drift) -> Option<Alert> {
    let opened = &drift.opened;
    let is_open = matches!(drift.state, drift::State::Open { .. });
    let lost = opened.loses().filter(|_| is_open && opened.is_undone_soon())?;
    let summary = format!("{lost} fewer of {} once the reconciler follows git: {}", opened.target, opened.words());
    let about = (&opened.target, opened.channel.as_str());
    Some(alert(format!("drift-{}", drift.id), "drift", Urgency::Critical, (summary, None), about))
}

fn alert(
    key: String,
    class: &'static str,
    urgency: Urgency,
    (summary, incident): (String, Option<RequestId>),
    (target, channel): (&Target, &str),
) -> Alert {
    let (service, environment) = (Some(target.service.to_string()), Some(target.environment.to_string()));
    Alert { key, class, urgency, summary, incident, service, environment, channel: channel.to_owned() }
}

/// What one pager was told, or may have been, and has not been told to be over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pages(BTreeMap<String, Page>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Page {
    incident: Option<RequestId>,
    heard: Heard,
}

/// What is known of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is about to be told, or was without an answer.
    Unsure,
    /// The pager said that it has it.
    Yes,
}

/// What a pager is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Telling {
    /// Somebody is needed.
    Call(Alert),
    /// Nobody is any more.
    Over {
        /// Its key.
        key: String,
        /// The incident it belonged to.
        incident: Option<RequestId>,
    },
}

impl Telling {
    /// Its key.
    pub fn key(&self) -> &str {
        match self {
            Self::Call(alert) => &alert.key,
            Self::Over { key, .. } => key,
        }
    }
}

impl Pages {
    /// What the ledger says that this pager was told.
    pub fn of(pager: &str, recorded: &[Recorded]) -> Self {
        let mut pages = Self::default();
        for one in recorded {
            let entry = &one.entry;
            let Some(key) = entry.subject.strip_prefix(PREFIX) else { continue };
            let incident = entry.incident.as_deref().and_then(|id| RequestId::parse(id).ok());
            match entry.kind.as_str() {
                _ if entry.body.get("pager").and_then(|name| name.as_str()) != Some(pager) => {}
                ASKED => drop(pages.0.insert(key.to_owned(), Page { incident, heard: Heard::Unsure })),
                SENT => drop(pages.0.insert(key.to_owned(), Page { incident, heard: Heard::Yes })),
                ENDED => drop(pages.0.remove(key)),
                _ => {}
            }
        }
        pages
    }

    /// What it is to be told: calls first.
    pub fn due(&self, wanted: &BTreeMap<String, Alert>) -> Vec<Telling> {
        let heard = |key: &str| self.0.get(key).is_some_and(|page| page.heard == Heard::Yes);
        let calls = wanted.values().filter(|alert| !heard(&alert.key)).cloned().map(Telling::Call);
        let over = self.0.iter().filter(|(key, _)| !wanted.contains_key(*key));
        let over = over.map(|(key, page)| Telling::Over { key: key.clone(), incident: page.incident.clone() });
        calls.chain(over).collect()
    }

    /// Whether it is noted that this pager may have heard of a key.
    pub fn knows(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// It is about to be told, or was.
    pub fn told(&mut self, telling: &Telling, heard: Heard) {
        match telling {
            Telling::Call(alert) => {
                let page = Page { incident: alert.incident.clone(), heard };
                drop(self.0.insert(alert.key.clone(), page));
            }
            Telling::Over { key, .. } => drop(self.0.remove(key)),
        }
    }
}

/// With what their subjects begin.
pub const PREFIX: &str = "page/";
const ASKED: &str = "page.asked";
const SENT: &str = "page.sent";
const ENDED: &str = "page.ended";

/// The entry that says that a pager is about to be told, or was.
pub fn told(pager: &str, telling: &Telling, heard: Heard, by: Actor) -> Draft {
    let subject = format!("{PREFIX}{}", telling.key());
    let (draft, incident) = match telling {
        Telling::Call(alert) => {
            let draft = match heard {
                Heard::Unsure => Draft::new(ASKED, subject, by).with_text("summary", &alert.summary),
                Heard::Yes => Draft::new(SENT, subject, by),
            };
            (draft.with("class", alert.class), alert.incident.as_ref())
        }
        Telling::Over { incident, .. } => (Draft::new(ENDED, subject, by), incident.as_ref()),
    };
    Draft { incident: incident.map(ToString::to_string), ..draft.with("pager", pager) }
}
