//! Every state of a debt with every event: a table to be read. What is not there does not fit.

use std::fmt::Write as _;

use super::*;
use crate::core::names::{Environment, Service};

fn actor() -> Actor {
    Actor { person: None, account: Some("slack:U1".to_owned()), via: "slack".to_owned() }
}

fn id() -> RequestId {
    RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap()
}

fn write_off() -> WriteOff {
    WriteOff { until: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(240), by: actor() }
}

fn item(live: &str) -> Item {
    Item { breakglass: id(), field: Field::Replicas, live: live.to_owned(), git: Some("3".to_owned()) }
}

fn states() -> Vec<State> {
    vec![
        State::Opened,
        State::Owed { halted: None },
        State::Owed { halted: Some("closed".to_owned()) },
        State::Proposed { request: id() },
        State::Settled { side: Side::Git, request: Some(id()) },
        State::Reverting,
        State::Proven { side: Side::Git },
        State::Resumed { side: Side::Live },
        State::WrittenOff { asked: write_off(), agreed: actor() },
        State::Over { ending: Ending::Paid { side: Side::Git }, by: actor() },
    ]
}

fn events() -> Vec<Event> {
    vec![
        Event::Live,
        Event::Proposed { request: id() },
        Event::Halted { why: String::new() },
        Event::Retried,
        Event::Settled { side: Side::Git },
        Event::Settled { side: Side::Live },
        Event::RevertChosen,
        Event::Proven,
        Event::Resumed,
        Event::Reminded,
        Event::Overdue,
        Event::Extended { until: Timestamp::UNIX_EPOCH },
        Event::Taken(actor()),
        Event::Grown { item: item("10"), until: Timestamp::UNIX_EPOCH },
        Event::Shrunk { breakglass: id() },
        Event::WriteOffAsked(write_off()),
        Event::WriteOffRefused,
        Event::WrittenOff(write_off(), actor()),
        Event::Returned,
        Event::Moved { field: Field::Replicas, to: Moved::Live("12".to_owned()) },
        Event::Moved { field: Field::Replicas, to: Moved::Git(None) },
        Event::Ended(Ending::Paid { side: Side::Git }, actor()),
        Event::Ended(Ending::NeverLive, actor()),
    ]
}

#[test]
fn every_state_with_every_event() {
    let mut table = String::new();
    for state in states() {
        let halted = matches!(&state, State::Owed { halted: Some(_) });
        let _ = write!(table, "{}{}:", state.word(), if halted { " (halted)" } else { "" });
        for event in events() {
            let name = if let Event::Settled { side } = &event {
                format!("{} {side:?}", event.kind())
            } else if let Event::Ended(ending, _) = &event {
                format!("{} {ending:?}", event.kind())
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

fn debt(reminded: u32) -> Debt {
    let target =
        Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse("prod").unwrap() };
    let at = Timestamp::UNIX_EPOCH;
    let opened = Opened {
        breakglass: id(),
        incident: id(),
        target,
        field: Field::Replicas,
        live: "10".to_owned(),
        git: Some("3".to_owned()),
        owner: actor(),
        until: at + SignedDuration::from_hours(2),
        channel: "slack:C1".to_owned(),
    };
    let until = opened.until;
    let (state, card, extended_by) = (State::Owed { halted: None }, None, None);
    let (all, moved, write_off) = (vec![opened.item()], None, None);
    Debt {
        id: id(),
        opened,
        at,
        card,
        state,
        reminded,
        until,
        extended_by,
        overdue: Overdue::Unsaid,
        all,
        moved,
        write_off,
    }
}

#[test]
fn reminders_come_after_15_minutes_1_hour_4_hours_and_then_every_day() {
    let due = |reminded: u32, minutes: i64| {
        debt(reminded).is_reminder_due(Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes))
    };
    for (reminded, minutes) in [(0, 15), (1, 60), (2, 240), (3, 24 * 60), (4, 48 * 60)] {
        assert!(due(reminded, minutes) && !due(reminded, minutes - 1), "{reminded}");
    }
    let owed = debt(0);
    let hour = |hours| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
    assert!(owed.is_newly_overdue(hour(2)) && !owed.is_newly_overdue(hour(1)));
}

#[test]
fn of_several_values_each_is_owed_once_and_one_change_pays_them_all() {
    use crate::core::change::Line;
    let image = Item { field: Field::ImageTag, live: "v1".to_owned(), git: Some("v2".to_owned()), ..item("") };
    let owed = Debt { all: vec![item("10"), image, item("12")], ..debt(0) };
    assert_eq!(owed.words(), "version live v1, git v2; replicas live 12, git 3");
    let line = |field: Field, new: &str| Line { field, old: None, new: new.to_owned() };
    let (count, version) = (|new| line(Field::Replicas, new), line(Field::ImageTag, "v1"));
    assert!(owed.is_paid_by(&[count("12"), version.clone()]));
    assert!(owed.is_paid_by(&[line(Field::ReplicasMin, "14"), version.clone()]), "more is enough");
    assert!(!owed.is_paid_by(&[count("10"), version.clone()]) && !owed.is_paid_by(&[count("12")]));
    assert!(!owed.is_exceeded_by(&[count("12"), version.clone()]));
    assert!(owed.is_exceeded_by(&[count("14"), version]) && owed.is_exceeded_by(&[line(Field::Cpu, "1")]));
}

#[test]
fn what_is_written_off_reminds_nobody_until_its_date() {
    let hour = |hours| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
    let off = Debt { state: State::WrittenOff { asked: write_off(), agreed: actor() }, ..debt(0) };
    assert!(!off.is_reminder_due(hour(100)) && !off.is_newly_overdue(hour(100)));
    assert!(off.is_back(hour(240)) && !off.is_back(hour(239)) && off.holds() && !off.is_over());
}
