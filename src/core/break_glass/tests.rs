//! Every state of a break-glass with every event: a table to be read. What is not there does not fit.

use std::fmt::Write as _;

use super::*;
use crate::core::names::{ConnectionName, Environment, Field, Service};

fn actor(name: &str) -> Actor {
    Actor { person: None, account: Some(format!("slack:{name}")), via: "slack".to_owned() }
}

pub(crate) fn plan() -> LivePlan {
    let object = Object {
        cluster: ConnectionName::parse("prod").unwrap(),
        kind: Kind::Deployment,
        namespace: "checkout".to_owned(),
        name: "checkout".to_owned(),
    };
    let way = Way { pointer: "/spec/replicas".to_owned(), from: 3.into(), to: 10.into() };
    let live = Live { uid: "u-1".to_owned(), beside: Vec::new(), way };
    let target =
        Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse("prod").unwrap() };
    describe(&target, object, &live, (Field::Replicas, "3".to_owned(), "10".to_owned())).unwrap()
}

fn paused() -> Paused {
    Paused { before: None, follows: true, shared: false, by: None }
}

fn debt() -> RequestId {
    RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap()
}

fn states() -> Vec<State> {
    let course = || Course { plan: plan(), votes: Vec::new() };
    let failed = || Ending::Failed { why: String::new(), remedy: String::new() };
    let at = Timestamp::UNIX_EPOCH;
    vec![
        State::Checking,
        State::Deciding(course()),
        State::Pausing { course: course(), before: None },
        State::Pausing { course: course(), before: Some(paused()) },
        State::Paused { course: course(), paused: paused() },
        State::Changing { course: course(), paused: paused(), debt: debt() },
        State::Active { course: course(), paused: paused(), debt: debt(), at, redone: 0, alarm: None },
        State::Undoing { course: course(), paused: paused(), ending: failed() },
        State::Over { course: Some(course()), ending: Ending::Reconciled, by: actor("U1") },
    ]
}

fn events() -> Vec<Event> {
    let vote = Vote { actor: actor("U2"), digest: plan().digest, at: Timestamp::UNIX_EPOCH };
    let at = Timestamp::UNIX_EPOCH;
    let words = String::new;
    let by = || actor("U1");
    vec![
        Event::Planned(plan()),
        Event::Replanned(plan()),
        Event::Voted(vote),
        Event::Approved,
        Event::PauseBegun(paused()),
        Event::Paused(paused()),
        Event::Begun { debt: debt() },
        Event::Changed { at },
        Event::Redone,
        Event::Alarmed(Alarm { what: words(), at }),
        Event::Calmed,
        Event::Failed { why: words(), remedy: words() },
        Event::Ended(Ending::Rejected { why: None }, by()),
        Event::Ended(Ending::Reconciled, by()),
        Event::Ended(Ending::Failed { why: words(), remedy: words() }, by()),
    ]
}

#[test]
fn every_state_with_every_event() {
    let mut table = String::new();
    for state in states() {
        let begun = matches!(&state, State::Pausing { before: Some(_), .. });
        let _ = write!(table, "{}{}:", state.word(), if begun { " (told)" } else { "" });
        for event in events() {
            let name = if let Event::Ended(ending, _) = &event {
                format!("{} {}", event.kind(), ending.word())
            } else {
                event.kind().to_owned()
            };
            if let Ok(next) = state.clone().after(event) {
                let _ = write!(table, " {name} -> {};", next.word());
            }
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_patch_tests_what_it_is_about_and_its_inverse_gives_it_back() {
    let plan = plan();
    let told = serde_json::to_string(&(&plan.patch, &plan.inverse)).unwrap();
    assert_eq!(
        told,
        r#"[[{"op":"test","path":"/metadata/uid","value":"u-1"},{"op":"test","path":"/spec/replicas","value":3},{"op":"replace","path":"/spec/replicas","value":10}],[{"op":"test","path":"/metadata/uid","value":"u-1"},{"op":"test","path":"/spec/replicas","value":10},{"op":"replace","path":"/spec/replicas","value":3}]]"#
    );
}

#[test]
fn what_may_have_been_told_to_hold_off_is_let_go_before_it_ends() {
    let failed = || Event::Failed { why: "no".to_owned(), remedy: String::new() };
    for state in states() {
        let holds =
            matches!(&state, State::Pausing { before: Some(_), .. } | State::Paused { .. } | State::Changing { .. });
        if let Ok(after) = state.after(failed()) {
            assert_eq!(matches!(after, State::Undoing { .. }), holds, "{after:?}");
        }
    }
}
