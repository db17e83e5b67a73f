//! Which incident an entry belongs to: every lever that is pulled while it is open is in its timeline.

use crate::core::{
    decide::Facts,
    entry::Draft,
    matters::id_of,
    names::{RequestId, Service},
    request,
};

/// Writes the incident on those entries that belong to one.
pub(crate) fn stamp(entries: &mut [Draft], facts: Facts<'_>) {
    for entry in entries.iter_mut().filter(|entry| entry.incident.is_none()) {
        entry.incident = incident_of(entry, facts).map(|id| id.to_string());
    }
}

fn incident_of(entry: &Draft, facts: Facts<'_>) -> Option<RequestId> {
    let matters = facts.matters;
    if let Some(id) = id_of(&entry.subject) {
        let named = || RequestId::parse(entry.body.get("incident")?.as_str()?).ok();
        let glass = matters.overrides.get(&id).map(|one| one.opened.incident.clone());
        let debt = || matters.debts.get(&id).map(|one| one.opened.incident.clone());
        let own = || matters.incidents.contains_key(&id).then(|| id.clone());
        let service = || matters.drifts.get(&id).map(|one| one.opened.target.service.clone());
        let of_service = || matters.incident_of(&service()?).map(|incident| incident.id.clone());
        return glass.or_else(debt).or_else(own).or_else(named).or_else(of_service);
    }
    let service = match request::of_subject(&entry.subject).and_then(|id| facts.requests.get(&id)) {
        // Of several services the first that has an incident.
        Some(request) => request.opened.services().find(|service| matters.incident_of(service).is_some())?.clone(),
        None => Service::parse(entry.body.get("service")?.as_str()?).ok()?,
    };
    matters.incident_of(&service).map(|incident| incident.id.clone())
}
