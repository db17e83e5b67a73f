//! Who is reminded of what waits for approval, when, and how often.

use super::*;
use crate::core::reminder;

const TWO_RULES: &str = "\
environments:
  prod:
    path: 'apps/{service}/prod'
    approvals:
      deploy: [{ count: 1, from: [person:bo, group:leads] }, { count: 1, from: [group:security] }]
services: { checkout: { team: shop } }
people:
  ana: { slack: U1, groups: [leads] }
  bo: { slack: U2, groups: [leads] }
  cy: { slack: U3, groups: [leads] }
  sue: { slack: U5, groups: [security] }
  gil: { slack: U6, groups: [security], guest_until: 2026-11-01 }
";

impl Talk {
    /// What is due now, recorded as begun and said.
    fn reminds(&mut self) -> Vec<String> {
        let due = self.due();
        for one in &due {
            for reminded in [Reminded::Begin, Reminded::Said] {
                self.takes("", &Incoming::Reminded { of: one.of.clone(), step: one.step, reminded });
            }
        }
        due.iter().map(told).collect()
    }

    fn due(&self) -> Vec<Reminder> {
        reminders_due(Facts {
            now: self.now,
            rules: Some(&self.rules),
            requests: &self.requests,
            matters: &self.matters,
            freezes: &self.freezes,
        })
    }
}

fn told(reminder: &Reminder) -> String {
    let to: Vec<&str> = reminder.to.iter().map(PersonId::as_str).collect();
    format!("{}: {} ({})", reminder.step.word(), to.join(" "), reminder.needed.join(", "))
}

fn waiting(catalog: &str) -> Talk {
    let mut talk = Talk { rules: rules(catalog), ..Talk::new() };
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card().proposed();
    talk
}

#[test]
fn those_named_first_then_the_channel_then_those_named_next() {
    let mut talk = waiting(TWO_RULES);
    assert_eq!(talk.later(1).reminds(), Vec::<String>::new());
    let both = "(1 of person:bo or group:leads, 1 of group:security)";
    assert_eq!(talk.later(1).reminds(), [format!("approver: bo sue {both}")]);
    assert_eq!(talk.reminds(), Vec::<String>::new());
    assert_eq!(talk.later(3).reminds(), [format!("channel:  {both}")]);
    talk.presses(bo(), Press::Approve);
    // Nobody else is named for what is still needed.
    assert_eq!(talk.later(5).reminds(), Vec::<String>::new());
    talk.presses(bo(), Press::Withdraw);
    assert_eq!(talk.reminds(), [format!("next: cy {both}")]);
    assert_eq!(talk.later(9).reminds(), Vec::<String>::new());
}

#[test]
fn what_was_on_its_way_is_looked_for_and_what_is_decided_is_let_be() {
    let mut talk = waiting(TWO_RULES);
    talk.later(2);
    let begin = |talk: &Talk| Incoming::Reminded {
        of: talk.due()[0].of.clone(),
        step: reminder::Step::Approver,
        reminded: Reminded::Begin,
    };
    let (began, since) = (begin(&talk), talk.now);
    talk.log.clear();
    talk.takes("begin", &began).takes("begin again", &began);
    assert_eq!(talk.due()[0].begun, Some(since));
    talk.presses(asker("U1", Some("ana")), Press::Cancel);
    assert_eq!(talk.due(), []);
    let lines: Vec<&str> = talk.log.iter().filter_map(|line| line.split(" -> ").next()).collect();
    assert_eq!(
        lines,
        ["begin: [reminder.intent] Go", "begin again: [] Stop", "slack:U1 presses cancel: [request.ended] Taken"]
    );
}

#[test]
fn what_is_planned_anew_is_reminded_of_anew() {
    let mut talk = waiting(TWO_RULES);
    assert_eq!(talk.later(2).reminds().len(), 1);
    let replanned = Outcome::Replanned { plan: plan("prod", Field::ImageTag, "v0", "v2"), why: "moved".into() };
    talk.takes("", &Incoming::Happened { request: id(), outcome: replanned });
    assert_eq!(talk.reminds(), Vec::<String>::new());
    assert_eq!(talk.later(2).reminds().len(), 1);
}

#[test]
fn the_catalog_says_when_and_whether() {
    let quick = format!("{TWO_RULES}reminders: {{ approver: 30s, channel: off, next: 40s }}\n");
    let mut talk = waiting(&quick);
    assert_eq!(talk.later(1).reminds().len(), 2);
    assert_eq!(talk.later(60).due(), []);
    let nobody = "environments: { prod: { path: 'apps/{service}/prod', approvals: { deploy: { count: 1 } } } }\n\
        services: { checkout: {} }\npeople: { ana: { slack: U1 }, bo: { slack: U2 } }\n";
    // Anybody may: nobody is asked directly.
    assert_eq!(waiting(nobody).later(20).reminds(), ["channel:  (1 of anybody)"]);
}
