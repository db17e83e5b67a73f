//! What is due because time passed: nobody approved, an owner is to be reminded, a break-glass has outlived its time.

use crate::core::{
    break_glass::{self, State},
    debt,
    decide::{Facts, ourselves},
    entry::Draft,
};

pub(crate) fn deadlines(facts: Facts<'_>) -> Vec<Draft> {
    let mut entries = Vec::new();
    for glass in facts.matters.overrides.values() {
        let waits = matches!(glass.state, State::Deciding(_) | State::Checking);
        if waits && facts.now > glass.opened.needs.until {
            let event = break_glass::Event::Ended(break_glass::Ending::Expired, ourselves());
            entries.push(event.draft(&glass.id, ourselves()));
            entries.extend(super::drift::let_go(glass, facts, Some("The cluster could not be looked at in time.")));
        }
    }
    for debt in facts.matters.debts.values() {
        if debt.is_back(facts.now) {
            entries.push(debt::Event::Returned.draft(&debt.id, ourselves()));
        } else if debt.is_newly_overdue(facts.now) {
            entries.push(debt::Event::Overdue.draft(&debt.id, ourselves()));
        } else if debt.is_reminder_due(facts.now) {
            entries.push(debt::Event::Reminded.draft(&debt.id, ourselves()));
        }
    }
    entries.extend(super::drift::deadlines(facts));
    entries
}
