//! Git and live may differ on purpose, for a time: one person asks, another agrees, and on its date the debt is owed again.
//! Neither counts twice, by person or by account, and whoever owes it does not agree to it.

use jiff::{SignedDuration, Timestamp};

use super::{WriteOffAsked, drift, press, refused};
use crate::core::{
    debt::{self, Debt, Event, State, WriteOff},
    decide::{Asker, Decision, Facts, Reply, Words, not_ready},
    entry::{Actor, Draft},
    rules::Rules,
};

/// The longest that it may be.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 366);

/// Somebody asks for it.
pub(super) fn ask(asked: &WriteOffAsked, facts: Facts<'_>) -> Decision {
    let found = facts.matters.debts_of(&asked.target).find(|debt| is_owed(debt));
    let subject = found.map_or_else(|| "debt".to_owned(), |debt| debt::subject(&debt.id));
    match wanted(asked, found, facts) {
        Ok((debt, until)) => {
            let event = Event::WriteOffAsked(WriteOff { until, by: asked.asker.actor() });
            let entry = event.draft(&debt.id, asked.asker.actor()).with_text("why", &asked.reason);
            Decision { entries: vec![entry], reply: Reply::Taken }
        }
        Err(words) => refused(&asked.asker, (subject, "debt.refused"), "write-off", words),
    }
}

fn is_owed(debt: &Debt) -> bool {
    matches!(debt.state, State::Owed { .. } | State::Proposed { .. })
}

fn wanted<'d>(
    asked: &WriteOffAsked,
    found: Option<&'d Debt>,
    facts: Facts<'_>,
) -> Result<(&'d Debt, Timestamp), Words> {
    let Some(rules) = facts.rules else { return Err(not_ready(None)) };
    drift::may_answer_for((&asked.asker, &asked.target), rules, facts.now)?;
    let none =
        || Words::new(format!("Nothing is owed of {} that could be written off.", asked.target), "See `/debts`.");
    let debt = found.ok_or_else(none)?;
    let until = asked.until.after(facts.now, &rules.catalog.zone_of(&asked.target.environment));
    let latest = facts.now.checked_add(LONGEST).unwrap_or(facts.now);
    let words = || Words::new("That is no day within the next year.", "Say when it comes back: `until=2027-01-31`.");
    let until = until.filter(|until| *until <= latest).ok_or_else(words)?;
    press::may_be_left(debt, facts)?;
    Ok((debt, until))
}

/// Another person agrees, on the card.
pub(super) fn agree(
    (asker, digest): (&Asker, &str),
    debt: &Debt,
    rules: &Rules,
    facts: Facts<'_>,
) -> Result<Vec<Draft>, Words> {
    let Some(wanted) = &debt.write_off else { return Err(press::elsewhere()) };
    if asker.is(&wanted.by) {
        return Err(Words::new("You asked for this, so somebody else must agree.", "Ask another person."));
    }
    if asker.is(&debt.opened.owner) {
        return Err(Words::new("You owe it, so somebody else must agree.", "Ask another person."));
    }
    let person = asker.person.as_ref().and_then(|id| rules.catalog.person(id));
    let Some(person) = person else {
        let remedy = format!("Ask to be added under `people` in the catalog; your account is `{}`.", asker.account);
        return Err(Words::new("Your account belongs to nobody in the catalog, so it cannot vote.", remedy));
    };
    if !press::may_approve(rules, &debt.opened.target, person, facts.now) {
        let remedy = "Ask somebody who may approve breaking glass there.";
        return Err(Words::new("Your vote does not count here.", remedy));
    }
    if debt.write_off_digest().is_none_or(|now| now.short() != digest) {
        let text = "What is asked for is another than that card showed.";
        return Err(Words::new(text, "Read the card as it is now and press again."));
    }
    if wanted.until <= facts.now {
        return Err(Words::new("The day that was asked for has come.", "Ask again with `/debt write-off`."));
    }
    press::may_be_left(debt, facts)?;
    let by: Actor = asker.actor();
    let agreed = Event::WrittenOff(wanted.clone(), by.clone()).draft(&debt.id, by.clone());
    Ok(press::proposal(debt, facts)
        .map(|request| press::taken_back(request, &by))
        .into_iter()
        .chain([agreed])
        .collect())
}

/// It is not to be, or whoever asked takes that back.
pub(super) fn refuse(asker: &Asker, debt: &Debt, rules: &Rules, facts: Facts<'_>) -> Result<Vec<Draft>, Words> {
    let Some(wanted) = &debt.write_off else { return Err(press::elsewhere()) };
    if !asker.is(&wanted.by) {
        drift::may_answer_for((asker, &debt.opened.target), rules, facts.now)?;
    }
    Ok(vec![Event::WriteOffRefused.draft(&debt.id, asker.actor())])
}
