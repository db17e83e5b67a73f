//! What the ledger's entries make beside requests: incidents, break-glasses, debts and drifts, folded together, because an
//! incident's timeline is made of entries about all of them.

use std::collections::BTreeMap;

use crate::core::{
    break_glass::Override,
    debt::Debt,
    drift::Drift,
    entry::Recorded,
    incident::{Incident, Moment},
    names::{Field, RequestId, Service, Target},
    reminder,
};

/// All that are not forgotten, by id; the oldest come first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matters {
    /// Incidents.
    pub incidents: BTreeMap<RequestId, Incident>,
    /// Break-glasses.
    pub overrides: BTreeMap<RequestId, Override>,
    /// Debts.
    pub debts: BTreeMap<RequestId, Debt>,
    /// Drifts.
    pub drifts: BTreeMap<RequestId, Drift>,
}

/// With what their subjects begin.
pub const PREFIXES: [&str; 4] = ["incident/", "breakglass/", "debt/", "drift/"];

/// What a subject of the ledger names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Incident,
    Override,
    Debt,
    Drift,
}

/// Whether an entry is about one of them, or belongs to an incident.
pub fn concerns(recorded: &Recorded) -> bool {
    recorded.entry.incident.is_some() || of_subject(&recorded.entry.subject).is_some()
}

/// The one of them that a subject names.
pub fn id_of(subject: &str) -> Option<RequestId> {
    of_subject(subject).map(|(_, id)| id)
}

fn of_subject(subject: &str) -> Option<(Sort, RequestId)> {
    let (word, id) = subject.split_once('/')?;
    let sort = match word {
        "incident" => Sort::Incident,
        "breakglass" => Sort::Override,
        "debt" => Sort::Debt,
        "drift" => Sort::Drift,
        _ => return None,
    };
    Some((sort, RequestId::parse(id).ok()?))
}

impl Matters {
    /// Folds an entry in and names those of them that show something else now.
    ///
    /// # Errors
    /// When the entry does not fit what it is about, in words; then nothing changes.
    pub fn fold(&mut self, recorded: &Recorded) -> Result<Vec<RequestId>, String> {
        let entry = &recorded.entry;
        let mut touched = match of_subject(&entry.subject) {
            Some((sort, id)) => self.fold_one(sort, id, recorded)?.into_iter().collect(),
            None => Vec::new(),
        };
        let incident = entry.incident.as_deref().and_then(|id| RequestId::parse(id).ok());
        if let Some(incident) = incident.and_then(|id| self.incidents.get_mut(&id))
            && let Some(moment) = moment(recorded)
        {
            incident.noted(moment);
            touched.push(incident.id.clone());
        }
        Ok(touched)
    }

    fn fold_one(&mut self, sort: Sort, id: RequestId, recorded: &Recorded) -> Result<Option<RequestId>, String> {
        let is_card = recorded.entry.kind == "card.posted";
        let kind = recorded.entry.kind.as_str();
        let text = |error: serde_json::Error| error.to_string();
        match (sort, kind) {
            (Sort::Incident, "incident.opened") => {
                drop(self.incidents.insert(id.clone(), Incident::opened(id.clone(), recorded).map_err(text)?));
            }
            (Sort::Override, "breakglass.opened") => {
                drop(self.overrides.insert(id.clone(), Override::opened(id.clone(), recorded).map_err(text)?));
            }
            (Sort::Debt, "debt.opened") => {
                drop(self.debts.insert(id.clone(), Debt::opened(id.clone(), recorded).map_err(text)?));
            }
            (Sort::Drift, "drift.opened") => {
                drop(self.drifts.insert(id.clone(), Drift::opened(id.clone(), recorded).map_err(text)?));
            }
            (Sort::Incident, _) => {
                let Some(found) = self.incidents.get(&id) else { return Ok(None) };
                let after = found.clone().after(recorded)?;
                self.incidents.insert(id.clone(), after);
            }
            (Sort::Override, _) => {
                let Some(found) = self.overrides.get(&id) else { return Ok(None) };
                let after = found.clone().after(recorded)?;
                self.overrides.insert(id.clone(), after);
            }
            (Sort::Debt, _) => {
                let Some(found) = self.debts.get(&id) else { return Ok(None) };
                let after = found.clone().after(recorded)?;
                self.debts.insert(id.clone(), after);
            }
            (Sort::Drift, _) => {
                let Some(found) = self.drifts.get(&id) else { return Ok(None) };
                let after = found.clone().after(recorded)?;
                self.drifts.insert(id.clone(), after);
            }
        }
        Ok((!is_card).then_some(id))
    }

    /// Whether there is one of them with this id.
    pub fn has(&self, id: &RequestId) -> bool {
        let lives = self.incidents.contains_key(id) || self.overrides.contains_key(id);
        lives || self.debts.contains_key(id) || self.drifts.contains_key(id)
    }

    /// Whether one of them has something due.
    pub fn has_due(&self, id: &RequestId) -> bool {
        self.overrides.get(id).is_some_and(|one| one.due().is_some())
            || self.debts.get(id).is_some_and(|one| one.due().is_some())
            || self.drifts.get(id).is_some_and(Drift::is_restoring)
    }

    /// Those that are not over.
    pub fn open(&self) -> Vec<RequestId> {
        let incidents = self.incidents.values().filter(|one| one.is_open()).map(|one| &one.id);
        let overrides = self.overrides.values().filter(|one| !one.is_over()).map(|one| &one.id);
        let debts = self.debts.values().filter(|one| !one.is_over()).map(|one| &one.id);
        let drifts = self.drifts.values().filter(|one| !one.is_over()).map(|one| &one.id);
        incidents.chain(overrides).chain(debts).chain(drifts).cloned().collect()
    }

    /// The open incident that a service belongs to: its own, else one that names no service; the newest of several.
    pub fn incident_of(&self, service: &Service) -> Option<&Incident> {
        let open = || self.incidents.values().rev().filter(|one| one.is_open());
        let own = open().find(|one| one.opened.service.as_ref() == Some(service));
        own.or_else(|| open().find(|one| one.opened.service.is_none()))
    }

    /// The open incidents that a service belongs to: its own, and those that name none.
    pub fn open_on<'a>(&'a self, service: &Service) -> impl Iterator<Item = &'a Incident> + use<'a> {
        let service = service.clone();
        let concerns = move |one: &&Incident| one.opened.service.as_ref().is_none_or(|own| *own == service);
        self.incidents.values().filter(|one| one.is_open()).filter(concerns)
    }

    /// The open debts of a target.
    pub fn debts_of(&self, target: &Target) -> impl Iterator<Item = &Debt> {
        self.debts.values().filter(move |debt| !debt.is_over() && debt.opened.target == *target)
    }

    /// The debts that are not over.
    pub fn open_debts(&self) -> impl Iterator<Item = &Debt> {
        self.debts.values().filter(|debt| !debt.is_over())
    }

    /// The drifts that are not over.
    pub fn open_drifts(&self) -> impl Iterator<Item = &Drift> {
        self.drifts.values().filter(|drift| !drift.is_over())
    }

    /// Whether a break-glass or a debt of ours is about a value, so that its differing is no news.
    pub fn holds_value(&self, target: &Target, field: &Field) -> bool {
        let held = |one: &&Override| one.holds().is_some() || one.opened.action.is_keeping();
        let changing = self.overrides.values().filter(|one| !one.is_over() && one.opened.target == *target);
        changing.filter(held).count() > 0 || self.debts_of(target).any(|debt| debt.item(field).is_some())
    }

    /// The open debts of an incident.
    pub fn debts_in(&self, incident: &RequestId) -> impl Iterator<Item = &Debt> {
        self.debts.values().filter(move |debt| !debt.is_over() && debt.opened.incident == *incident)
    }

    /// Those break-glasses of an incident that are not over.
    pub fn overrides_in(&self, incident: &RequestId) -> impl Iterator<Item = &Override> {
        self.overrides.values().filter(move |one| !one.is_over() && one.opened.incident == *incident)
    }
}

/// What a timeline says of an entry; those that only show something are left out.
pub fn moment(recorded: &Recorded) -> Option<Moment> {
    let entry = &recorded.entry;
    let kind = entry.kind.as_str();
    let is_news = !matches!(kind, "card.posted" | "approval.refused" | "click.refused" | "audit.read");
    if !is_news || reminder::is_reminder(kind) {
        return None;
    }
    let texts = ["title", "note", "what", "why"].into_iter().find_map(|name| recorded.texts.get(name));
    let facts = ["title", "command"].into_iter().find_map(|name| entry.body.get(name)?.as_str());
    let ending = || entry.body.get("end")?.get("ending")?.as_str().map(|word| word.replace('_', " "));
    let words = texts.map(String::as_str).or(facts).map(str::to_owned).or_else(ending).unwrap_or_default();
    Some(Moment {
        at: entry.at().ok()?,
        actor: entry.actor.clone(),
        kind: entry.kind.clone(),
        subject: entry.subject.clone(),
        words,
    })
}
