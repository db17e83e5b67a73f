//! Once a day the home channel hears what is owed to git and what was changed by hand, also when that is nothing: so that
//! silence is never taken for health. On which day it was said last is a note of the ledger.

use std::{fmt::Write as _, sync::Arc};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::Inner;
use crate::{clock, core::matters::Matters, engine::rules};

/// From this hour on, UTC.
const HOUR: i8 = 9;
const NOTE: &str = "digest/said-on";

/// Says it where it is time. On the day of the very first start nothing is said.
pub(in crate::engine) async fn digest(inner: &Arc<Inner>) {
    let now = clock::now();
    let last = inner.ledger.note(NOTE).ok().flatten().and_then(|text| String::from_utf8(text).ok()?.parse().ok());
    if !is_due(last, now) {
        return;
    }
    // Noted first: once too few is better than every few seconds.
    if let Err(error) = inner.ledger.set_note(NOTE, today(now).to_string().as_bytes()) {
        return tracing::warn!(%error, "the digest of the day cannot be noted, so it is not said");
    }
    if last.is_some() {
        let words = words(&inner.matters().await, now);
        rules::announce(inner, None, words);
    }
}

fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

fn is_due(last: Option<Date>, now: Timestamp) -> bool {
    last.is_none_or(|last| today(now) > last && now.to_zoned(TimeZone::UTC).hour() >= HOUR)
}

fn words(matters: &Matters, now: Timestamp) -> String {
    let mut told = String::new();
    let age = |since: Timestamp| {
        let hours = now.duration_since(since).as_hours();
        if hours < 48 { format!("{hours} h") } else { format!("{} d", hours / 24) }
    };
    for debt in matters.debts.values().filter(|debt| !debt.is_over()) {
        let owner = debt.opened.owner.person.as_ref().map_or("nobody of the catalog", |person| person.as_str());
        let (target, field, words) = (&debt.opened.target, debt.fields(), debt.words());
        let off = super::ask::written_off(debt).map(|words| format!(", {words}")).unwrap_or_default();
        let _ = write!(told, "\n- {field} of `{target}`: {words}, owed by {owner}, {}{off}", age(debt.at));
    }
    for drift in matters.open_drifts() {
        let (target, field, words) = (&drift.opened.target, &drift.opened.field, drift.opened.words());
        let _ = write!(
            told,
            "\n- {field} of `{target}`: {words}, changed by hand, {}, {}",
            drift.state.word(),
            age(drift.at)
        );
    }
    if told.is_empty() {
        return "Good morning. Git and the clusters owe each other nothing: no open debt, no drift.".to_owned();
    }
    format!("Good morning. What git and the clusters owe each other:{told}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_day_from_nine_on_and_also_when_there_is_nothing() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let day = |text: &str| Some(text.parse::<Date>().unwrap());
        assert!(is_due(None, at("2026-11-21T03:00:00Z")), "noted at the first start");
        assert!(!is_due(day("2026-11-21"), at("2026-11-21T23:00:00Z")));
        assert!(!is_due(day("2026-11-20"), at("2026-11-21T08:59:59Z")));
        assert!(is_due(day("2026-11-20"), at("2026-11-21T09:00:00Z")));
        assert!(is_due(day("2026-11-01"), at("2026-11-21T12:00:00Z")), "after a long absence");
        let words = words(&Matters::default(), at("2026-11-21T09:00:00Z"));
        assert!(words.contains("no open debt, no drift"), "{words}");
    }
}
