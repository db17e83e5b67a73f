//! `/metrics` in the text form of Prometheus 0.0.4: counts and states, no names and no words of people.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::Edge;
use crate::{
    clock,
    engine::Gauges,
    ledger::{self, Ledger, ship::Shipped},
};

pub(super) async fn page(State(edge): State<Arc<Edge>>) -> Response {
    let mut text = Text::default();
    of_ledger(&mut text, edge.engine.ledger());
    if let Some(shipping) = &edge.shipping {
        of_shipping(&mut text, &shipping.now(), edge.engine.ledger().len());
    }
    of_engine(&mut text, &edge.engine.gauges().await);
    text.gauge("rules_loaded", "Whether the repository's rules were read", u64::from(edge.engine.rules().is_some()));
    let stale = u64::from(edge.engine.rules_trouble().is_some());
    text.gauge("rules_in_trouble", "Whether the rules at the tip are not the ones in force", stale);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text.0).into_response()
}

fn of_ledger(text: &mut Text, ledger: &Ledger) {
    text.gauge("ledger_entries", "Entries in the ledger", ledger.len());
    let ready = u64::from(ledger.state() == ledger::State::Ready);
    text.gauge("ledger_ready", "Whether the ledger takes entries", ready);
    text.gauge("ledger_waiting", "Appends that wait for the disk", ledger.waiting() as u64);
}

fn of_shipping(text: &mut Text, shipped: &Shipped, entries: u64) {
    let behind = entries.saturating_sub(shipped.next.unwrap_or_default());
    text.gauge("ledger_unshipped_entries", "Entries that are nowhere but here", behind);
    let trouble = u64::from(shipped.trouble.is_some());
    text.gauge("ledger_shipping_in_trouble", "Whether shipping the ledger fails now", trouble);
    if let Some(at) = shipped.at {
        text.gauge("ledger_shipped_age_seconds", "Since everything had been shipped last", age(at));
    }
}

fn of_engine(text: &mut Text, gauges: &Gauges) {
    let Gauges { entries, repeated, failed_tries, open, oldest, held_up, undrawn, in_flight } = gauges;
    text.family("entries_total", "counter", "Entries since the start, by kind; refusals are among them");
    entries.iter().for_each(|(kind, count)| text.sample("entries_total", Some(("kind", kind)), *count));
    text.counter("events_repeated_total", "Events that came again and got their first answer", *repeated);
    text.counter("effect_failures_total", "Effects that failed and are tried again", *failed_tries);
    text.family("requests_open", "gauge", "Open requests, by state");
    open.iter().for_each(|(state, count)| text.sample("requests_open", Some(("state", state)), *count));
    let oldest = oldest.map(age).unwrap_or_default();
    text.gauge("request_oldest_seconds", "Age of the oldest open request", oldest);
    text.gauge("requests_held_up", "Open requests whose next step something is in the way of", *held_up);
    text.gauge("cards_undrawn", "Cards that do not say yet what their request says", *undrawn);
    text.gauge("in_flight", "Effects, cards and answers under way", *in_flight);
}

fn age(since: jiff::Timestamp) -> u64 {
    u64::try_from(clock::now().duration_since(since).as_secs()).unwrap_or_default()
}

/// The text as it grows.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP leverframe_{name} {help}.\n# TYPE leverframe_{name} {kind}");
    }

    fn sample(&mut self, name: &str, label: Option<(&str, &str)>, value: u64) {
        let label = label.map(|(key, value)| format!("{{{key}=\"{}\"}}", escaped(value))).unwrap_or_default();
        let _ = writeln!(self.0, "leverframe_{name}{label} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "gauge", help);
        self.sample(name, None, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "counter", help);
        self.sample(name, None, value);
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_families_are_named_once() {
        let mut text = Text::default();
        let entries = [("a\"b\\c\nd".to_owned(), 2), ("x".to_owned(), 1)].into();
        of_engine(&mut text, &Gauges { entries, repeated: 3, ..Gauges::default() });
        assert!(text.0.contains("leverframe_entries_total{kind=\"a\\\"b\\\\c\\nd\"} 2\n"), "{}", text.0);
        assert!(text.0.contains("\nleverframe_events_repeated_total 3\n"), "{}", text.0);
        assert_eq!(text.0.matches("# TYPE leverframe_entries_total counter\n").count(), 1);
    }
}
