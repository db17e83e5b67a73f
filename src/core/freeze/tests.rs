//! When windows hold, whom they exempt, and what of the ledger is folded.

use serde_json::{Map, json};

use super::*;
use crate::core::entry::{Entry, NO_PREVIOUS, written};

fn catalog(freezes: &str) -> Catalog {
    let text = format!(
        "environments:
  staging: {{ path: 'apps/{{service}}/staging' }}
  prod: {{ path: 'apps/{{service}}/prod', time_zone: Europe/Madrid }}
people:
  ana: {{ slack: U1, teams: [shop] }}
  bo: {{ slack: U2, groups: [leads] }}
freezes: {freezes}
"
    );
    Catalog::parse(&text, "catalog.yaml").unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The windows of a catalog that hold in production at a moment: until when.
fn holds(freezes: &str, now: &str) -> Vec<String> {
    let (catalog, freezes) = (catalog(freezes), Freezes::default());
    let calendar = Calendar { freezes: &freezes, catalog: &catalog, now: at(now) };
    calendar.of(&Environment::parse("prod").unwrap()).iter().map(|frozen| frozen.until.to_string()).collect()
}

#[test]
fn windows_come_again_in_their_own_zone() {
    let weekend = "[{ environment: prod, from: 'Fri 17:00', until: 'Mon 8:00' }]";
    // Madrid is an hour ahead of UTC in winter and two in summer.
    assert_eq!(holds(weekend, "2026-11-20T15:59:00Z"), [""; 0]);
    assert_eq!(holds(weekend, "2026-11-20T16:00:00Z"), ["2026-11-23T07:00:00Z"]);
    assert_eq!(holds(weekend, "2026-11-23T06:59:59Z"), ["2026-11-23T07:00:00Z"]);
    assert_eq!(holds(weekend, "2026-11-23T07:00:00Z"), [""; 0]);
    assert_eq!(holds(weekend, "2026-07-03T15:00:00Z"), ["2026-07-06T06:00:00Z"]);
    let nights = "[{ environment: prod, from: '20:00', until: '6:00', time_zone: UTC }]";
    assert_eq!(holds(nights, "2026-11-21T23:00:00Z"), ["2026-11-22T06:00:00Z"]);
    assert_eq!(holds(nights, "2026-11-21T05:59:00Z"), ["2026-11-21T06:00:00Z"]);
    assert_eq!(holds(nights, "2026-11-21T12:00:00Z"), [""; 0]);
    let once = "[{ from: 2026-12-20, until: 2027-01-07 }]";
    assert_eq!(holds(once, "2026-12-25T12:00:00Z"), ["2027-01-06T23:00:00Z"]);
    assert_eq!(holds(once, "2027-01-07T00:00:00Z"), [""; 0]);
}

#[test]
fn what_a_window_leaves_out_wins_over_it_and_over_no_other() {
    let freezes = "[{ environment: prod, from: 2026-12-20, until: 2027-01-07, time_zone: UTC, except: [2026-12-28..2026-12-29] }]";
    assert_eq!(holds(freezes, "2026-12-27T12:00:00Z"), ["2026-12-28T00:00:00Z"]);
    assert_eq!(holds(freezes, "2026-12-28T12:00:00Z"), [""; 0]);
    assert_eq!(holds(freezes, "2026-12-30T12:00:00Z"), ["2027-01-07T00:00:00Z"]);
    let two = "[{ from: 2026-12-20, until: 2027-01-07, time_zone: UTC, except: [2026-12-28] }, { from: '8:00', until: '18:00', time_zone: UTC }]";
    assert_eq!(holds(two, "2026-12-28T12:00:00Z"), ["2026-12-28T18:00:00Z"]);
}

#[test]
fn mistakes_are_reported_where_they_stand() {
    let refused = |freezes: &str| {
        let text = format!("environments: {{ prod: {{ path: 'a/{{service}}' }} }}\nfreezes: [{{ {freezes} }}]\n");
        Catalog::parse(&text, "c").unwrap_err().to_string()
    };
    assert_eq!(
        refused("environment: prdo, from: 'Fri 17:00', until: 'Mon 8:00'"),
        "c:2:26: `freezes[0].environment`: found `prdo`, expected an environment or a group of them. Did you mean `prod`?"
    );
    assert_eq!(
        refused("from: 4h, until: 'Mon 8:00'"),
        "c:2:19: `freezes[0].from`: found `4h`, expected a moment of the calendar. Write it like `Fri 17:00`, `18:00` or `2026-12-24`."
    );
    assert_eq!(
        refused("from: '8:00', until: '9:00', time_zone: Europe/Madird"),
        "c:2:53: `freezes[0].time_zone`: found `Europe/Madird`, expected a time zone of the IANA table. Write it like `Europe/Madrid`, or `UTC`."
    );
    assert!(
        refused("from: '8:00', until: '9:00', except: [2026-12-29..2026-12-28]").contains("the first and the last")
    );
    assert!(refused("from: '8:00', until: '9:00', exempt: [leads]").contains("`group:NAME`"));
    assert!(refused("from: '8:00'").contains("no `until`"));
}

/// Whom a freeze does not hold.
#[test]
fn exempt_are_people_services_and_commands() {
    let held = |exempt: &str, person: &str, command: &str| {
        let catalog = catalog(&format!("[{{ from: '0:00', until: '23:59', time_zone: UTC, exempt: [{exempt}] }}]"));
        let freezes = Freezes::default();
        let calendar = Calendar { freezes: &freezes, catalog: &catalog, now: at("2026-11-21T12:00:00Z") };
        let target =
            Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse("prod").unwrap() };
        let person = crate::core::names::PersonId::parse(person).ok();
        let person = person.as_ref().and_then(|id| catalog.person(id));
        calendar.holds(person, &CommandName::parse(command).unwrap(), &target).is_some()
    };
    assert!(held("", "ana", "deploy"));
    assert!(held("group:leads", "ana", "deploy") && !held("group:leads", "bo", "deploy"));
    assert!(!held("team:shop", "ana", "deploy") && held("team:shop", "bo", "deploy"));
    assert!(!held("person:ana", "ana", "deploy") && held("person:ana", "zed", "deploy"));
    assert!(!held("service:checkout", "zed", "deploy") && held("service:cart", "ana", "deploy"));
    assert!(!held("command:rollback", "ana", "rollback") && held("command:rollback", "ana", "deploy"));
}

fn entry(kind: &str, body: serde_json::Value) -> Recorded {
    let body: Map<_, _> = body.as_object().unwrap().clone();
    let entry = Entry {
        seq: 0,
        time: written(Timestamp::UNIX_EPOCH),
        kind: kind.to_owned(),
        subject: "freeze/01JD2Z6V8Q3K5N7P9R1T3W5Y7A".to_owned(),
        actor: Actor { person: None, account: Some("slack:U1".to_owned()), via: "slack".to_owned() },
        incident: None,
        body,
        prev: NO_PREVIOUS.into(),
    };
    Recorded { entry, texts: [("reason".to_owned(), "`release`\nnight.".to_owned())].into() }
}

#[test]
fn a_freeze_that_cannot_be_read_freezes_everything() {
    let catalog = catalog("[]");
    let target =
        Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse("staging").unwrap() };
    let told = |freezes: &Freezes| {
        let calendar = Calendar { freezes, catalog: &catalog, now: at("2026-11-21T12:00:00Z") };
        let held = calendar.holds(None, &CommandName::parse("deploy").unwrap(), &target);
        held.map(|frozen| frozen.words(&TimeZone::UTC))
    };
    let mut freezes = Freezes::default();
    let body = json!({"environments": ["staging"], "from": "2026-11-21T11:00:00Z", "until": "2026-11-21T13:00:00Z"});
    freezes.fold(&entry(DECLARED, body));
    assert_eq!(told(&freezes).as_deref(), Some("until Sat 2026-11-21 13:00 UTC, by `slack:U1`: 'release' night"));
    freezes.fold(&entry(LIFTED, json!({})));
    assert_eq!(told(&freezes), None);
    freezes.fold(&entry(DECLARED, json!({"environments": ["prod"], "until": 7})));
    assert_eq!(told(&freezes).as_deref(), Some("because the ledger holds a freeze that this version cannot read"));
}
