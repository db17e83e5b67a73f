//! What was done by hand while nobody looked, told afterwards. Nothing is changed for it: what follows git is held off, so
//! that it stays, and git is owed the change. Where it was seen already, that drift is what is kept.

use jiff::SignedDuration;

use super::{GlassAsked, ask, drift};
use crate::core::{
    break_glass::{self, Action, ByHand, Kept, Then},
    debt::Debt,
    decide::{Facts, Words},
    drift::{Drift, Event, State},
    entry::Draft,
    request::Needs,
    rules::Rules,
};

/// How long looking at the cluster may take before it is given up.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// What it makes: a break-glass that changes nothing, and with it the debt.
///
/// # Errors
/// When it is known already, or not for whoever tells it.
pub(super) fn record(asked: &GlassAsked, done: &ByHand, rules: &Rules, facts: Facts<'_>) -> Result<Vec<Draft>, Words> {
    drift::may_answer_for((&asked.asker, &asked.target), rules, facts.now)?;
    let known = |debt: &&Debt| debt.item(&done.field).is_some_and(|item| item.live == done.live);
    if let Some(debt) = facts.matters.debts_of(&asked.target).find(known) {
        return Err(Words::new(format!("That is owed already: {}.", debt.words()), "See its card, or `/debts`."));
    }
    let seen = facts.matters.open_drifts().find(|drift| is_it(drift, asked, done));
    if let Some(seen) = seen.filter(|seen| seen.opened.live != done.live) {
        let (field, live) = (&done.field, &seen.opened.live);
        let text = format!("{field} of {} is {live} live, not {}.", asked.target, done.live);
        return Err(Words::new(text, "Record what is live."));
    }
    let kept = |drift: &Drift| {
        let (field, live) = (done.field.clone(), done.live.clone());
        Action::Keep(Kept { drift: drift.id.clone(), field, live, then: Then::Propose })
    };
    let action = seen.map_or_else(|| asked.action.clone(), kept);
    let until = facts.now.checked_add(PATIENCE).unwrap_or(facts.now);
    let (incident, mut entries) = ask::with_incident(asked, facts);
    let opened = ask::opened(asked, Needs { count: 0, from: Vec::new(), until }, incident.clone());
    let opened = break_glass::Opened { action, ..opened };
    entries.push(break_glass::asked(&asked.id, &opened, asked.reason.as_deref(), asked.asker.actor()));
    entries.extend(seen.map(|seen| {
        let kept = Event::Kept { glass: asked.id.clone() }.draft(&seen.id, asked.asker.actor());
        Draft { incident: Some(incident.to_string()), ..kept }
    }));
    Ok(entries)
}

fn is_it(drift: &Drift, asked: &GlassAsked, done: &ByHand) -> bool {
    let is_open = matches!(drift.state, State::Open { .. });
    is_open && drift.opened.target == asked.target && drift.opened.field == done.field
}
