//! Declaring an incident, saying something of one, and asking to break glass.

use super::{Declared, GlassAsked, IncidentAct, OfIncident, record, refused};
use crate::core::{
    break_glass::{self, Action, Override, State as Glass},
    catalog::{ApprovalRule, Severity},
    decide::{
        Asker, Decision, Facts, Reply, Subject, Words,
        ask::{asked_of, sentence},
        not_ready, permitted,
    },
    entry::{Actor, Draft},
    incident::{self, Event, Incident},
    matters::Matters,
    names::{CommandName, RequestId},
    policy::Verdict,
    request::Needs,
    rules::Rules,
    span::Span,
};

/// The longest that a break-glass may be meant to last.
const LONGEST: u64 = 24 * 3600;

pub(super) fn declare(declared: &Declared, facts: Facts<'_>) -> Decision {
    let Declared { id, asker, severity, service, title, channel } = declared;
    let open = facts.matters.incidents.values().find(|one| one.is_open() && one.opened.service == *service);
    if let Some(open) = open {
        let text = format!("There is one already: {} ({}).", open.title(), open.state.word());
        let remedy = "Add to it with `/incident note`, or close it first.";
        return refused(asker, (incident::subject(id), "incident.refused"), title, Words::new(text, remedy));
    }
    let opened = incident::Opened {
        severity: *severity,
        service: service.clone(),
        channel: channel.clone(),
        title: title.clone(),
    };
    Decision { entries: vec![incident::declared(id, &opened, asker.actor())], reply: Reply::Taken }
}

pub(super) fn of_incident(said: &OfIncident, facts: Facts<'_>) -> Decision {
    let no = |words: Words| refused(&said.asker, ("incident".to_owned(), "incident.refused"), "", words);
    let found = match meant(said, facts.matters) {
        Ok(found) => found,
        Err(words) => return no(words),
    };
    match act(&said.act, found, &said.asker, facts) {
        Ok(entries) => Decision { entries, reply: Reply::Taken },
        Err(words) => no(words),
    }
}

/// The incident that is meant: the one named, else the only one that it can be said of.
fn meant<'a>(said: &OfIncident, matters: &'a Matters) -> Result<&'a Incident, Words> {
    if let Some(id) = &said.incident {
        let none = || Words::new("There is no incident with that id.", "Copy the id from its card.");
        return matters.incidents.get(id).ok_or_else(none);
    }
    let fits = |one: &&Incident| one.is_open() != (said.act == IncidentAct::Reopen);
    let all: Vec<&Incident> = matters.incidents.values().filter(fits).collect();
    match (all.as_slice(), &said.act) {
        ([], IncidentAct::Reopen) => Err(Words::new("No incident is closed.", "Declare one with `/incident declare`.")),
        ([], _) => Err(Words::new("No incident is open.", "Declare one with `/incident declare`.")),
        ([one], _) => Ok(one),
        ([.., newest], IncidentAct::Reopen) => Ok(newest),
        (several, _) => {
            let ids: Vec<String> = several.iter().map(|one| format!("`id={}` ({})", one.id, one.title())).collect();
            let text = format!("{} incidents are open.", several.len());
            Err(Words::new(text, format!("Say which: {}.", ids.join(", "))))
        }
    }
}

/// What an act makes of an incident: its entries, or why not.
pub(super) fn act(act: &IncidentAct, found: &Incident, asker: &Asker, facts: Facts<'_>) -> Result<Vec<Draft>, Words> {
    let known = |id| facts.rules.and_then(|rules| rules.catalog.person(id)).is_some();
    if !asker.person.as_ref().is_some_and(known) {
        let remedy = format!("Ask to be added under `people` in the catalog; your account is `{}`.", asker.account);
        return Err(Words::new("Your account belongs to nobody in the catalog.", remedy));
    }
    let event = match act {
        IncidentAct::Stable => Event::Stable,
        IncidentAct::Close => {
            may_close(found, facts.matters)?;
            Event::Closed
        }
        IncidentAct::Reopen => Event::Reopened,
        IncidentAct::Note(words) => Event::Noted(words.clone()),
        IncidentAct::Lead(person) => {
            Event::Led(Actor { person: Some(person.clone()), account: None, via: asker.via.clone() })
        }
    };
    let fits = found.state.after(&event, &asker.actor(), facts.now);
    fits.map_err(|_| Words::plain(format!("This incident is {} already.", found.state.word())))?;
    Ok(vec![event.draft(&found.id, asker.actor())])
}

/// An incident stays open as long as anything is owed for it.
fn may_close(found: &Incident, matters: &Matters) -> Result<(), Words> {
    let debts: Vec<String> = matters
        .debts_in(&found.id)
        .filter(|debt| debt.written_off_until().is_none())
        .map(|debt| format!("{} ({})", debt.opened.target, debt.words()))
        .collect();
    if !debts.is_empty() {
        let text = format!("Git and the cluster do not agree yet: {}.", debts.join("; "));
        let remedy = "Merge its pull request, or press Revert instead on its card; then close.";
        return Err(Words::new(text, remedy));
    }
    let is_off = |glass: &&Override| match &glass.state {
        Glass::Active { debt, .. } => matters.debts.get(debt).is_some_and(|debt| debt.written_off_until().is_some()),
        Glass::Checking
        | Glass::Deciding(_)
        | Glass::Pausing { .. }
        | Glass::Paused { .. }
        | Glass::Changing { .. }
        | Glass::Undoing { .. }
        | Glass::Over { .. } => false,
    };
    match matters.overrides_in(&found.id).find(|glass| !is_off(glass)) {
        None => Ok(()),
        Some(open) => {
            let text = format!("`{}` is {}.", open.opened.title(), open.state.word());
            Err(Words::new(text, "Cancel it on its card, or wait for it."))
        }
    }
}

pub(super) fn breakglass(asked: &GlassAsked, facts: Facts<'_>) -> Decision {
    let no = |words: Words| {
        refused(&asked.asker, (break_glass::subject(&asked.id), "breakglass.refused"), &asked.words, words)
    };
    let Some(rules) = facts.rules else { return no(not_ready(None)) };
    if let Some(words) = barred(asked, rules, facts) {
        return no(words);
    }
    if let Action::Record(done) = &asked.action {
        return match record::record(asked, done, rules, facts) {
            Ok(entries) => Decision { entries, reply: Reply::Taken },
            Err(words) => no(words),
        };
    }
    let (incident, mut entries) = with_incident(asked, facts);
    let opened = opened(asked, needs(rules, asked, facts), incident);
    entries.push(break_glass::asked(&asked.id, &opened, asked.reason.as_deref(), asked.asker.actor()));
    Decision { entries, reply: Reply::Taken }
}

/// What its first entry says.
pub(super) fn opened(asked: &GlassAsked, needs: Needs, incident: RequestId) -> break_glass::Opened {
    break_glass::Opened {
        action: asked.action.clone(),
        target: asked.target.clone(),
        span: asked.span,
        needs,
        channel: asked.channel.clone(),
        incident,
    }
}

/// The incident that it belongs to, with the entry that declares it where none is open.
pub(super) fn with_incident(asked: &GlassAsked, facts: Facts<'_>) -> (RequestId, Vec<Draft>) {
    match facts.matters.incident_of(&asked.target.service) {
        Some(open) => (open.id.clone(), Vec::new()),
        None => (asked.incident.clone(), vec![incident_for(asked, &asked.asker.actor())]),
    }
}

/// Without an open incident it declares one itself.
fn incident_for(asked: &GlassAsked, actor: &Actor) -> Draft {
    let opened = incident::Opened {
        severity: if matches!(asked.action, Action::Record(_)) { Severity::THIRD } else { Severity::SECOND },
        service: Some(asked.target.service.clone()),
        channel: asked.channel.clone(),
        title: asked.reason.clone().unwrap_or_else(|| format!("break-glass in {}", asked.target.environment)),
    };
    incident::declared(&asked.incident, &opened, actor.clone())
}

/// Why it cannot be asked for.
pub(super) fn barred(asked: &GlassAsked, rules: &Rules, facts: Facts<'_>) -> Option<Words> {
    let actor = asked.asker.actor();
    let command = breakglass_command()?;
    let subject = Subject {
        id: None,
        actor: &actor,
        command: &command,
        target: &asked.target,
        with: &[],
        channel: &asked.channel,
        tag: None,
        facts: Some(facts),
        begins: None,
        // A freeze does not hold up a rescue.
        ignores_freezes: true,
    };
    if let Verdict::Denied(denial) = permitted(rules, subject, None) {
        return Some(Words::new(sentence(&denial.reason), denial.remedy));
    }
    let environment = &asked.target.environment;
    if rules.catalog.environment(environment).is_none_or(|at| at.cluster.is_none()) {
        let text = format!("No cluster is named for `{environment}`, so nothing can be changed there directly.");
        return Some(Words::new(text, "Change it through git, or name `cluster` in the catalog."));
    }
    if asked.span.seconds() > LONGEST {
        return Some(Words::new("That is longer than a day.", "Ask for at most `24h`; it can be extended."));
    }
    let twin = facts
        .matters
        .overrides
        .values()
        .find(|one| !one.is_over() && one.opened.target == asked.target && one.opened.action == asked.action);
    twin.map(|twin| {
        let text = format!("The same is already asked for: `{}`, {}.", twin.opened.title(), twin.state.word());
        Words::new(text, "See its card.")
    })
}

/// The name under which policy and approvals know it.
pub(super) fn breakglass_command() -> Option<CommandName> {
    CommandName::parse("breakglass").ok()
}

/// Who must approve. One person beside the requester always does, whatever the catalog says.
fn needs(rules: &Rules, asked: &GlassAsked, facts: Facts<'_>) -> Needs {
    let rule = super::press::rule(rules, &asked.target);
    let patience = rule.map_or(Span::HOUR, |rule| rule.expires).duration();
    Needs {
        count: rule.map_or(1, ApprovalRule::total).max(1),
        from: rule.map(asked_of).unwrap_or_default(),
        until: facts.now.checked_add(patience).unwrap_or(facts.now),
    }
}
