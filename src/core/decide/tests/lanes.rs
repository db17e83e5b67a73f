//! The emergency lane: what an incident changes about approvals and landing, for whom and until when, and the review that
//! is owed for it. The snapshot belongs to the specification.

use std::fmt::Write;

use super::*;
use crate::core::{
    catalog::Severity,
    incident::{self, Opened as Incident},
    request::{Lane, State, Way},
};

const CATALOG: &str = "\
environments:
  prod:
    path: 'apps/{service}/prod'
    cluster: prod
    approvals:
      deploy: [{ count: 1, from: [group:leads] }, { count: 1, from: [team:core] }]
      rollback: { count: 1, from: [group:leads] }
      scale: { count: 1, from: [group:leads] }
      during:
        sev1: { rollback: { count: 0 }, scale: { count: 0, landing: commit }, deploy: { count: 1 } }
        sev2: { rollback: { from: [team:core] }, restart: { count: 0 } }
services: { checkout: { team: shop }, cart: { team: shop } }
people:
  ana: { slack: U1, teams: [shop] }
  bo: { slack: U2, groups: [leads] }
  cy: { slack: U3, teams: [core] }
  gil: { slack: U5, guest_until: 2026-12-31, groups: [leads] }
";

/// An open incident: its severity and its service.
type Open = (&'static str, Option<&'static str>);

/// The incidents of a row.
const FACTS: [(&str, &[Open]); 7] = [
    ("in peace", &[]),
    ("a sev1 of it is open", &[("sev1", Some("checkout"))]),
    ("a sev1 of everything is open", &[("sev1", None)]),
    ("a sev1 of another service is open", &[("sev1", Some("cart"))]),
    ("a sev2 of it is open", &[("sev2", Some("checkout"))]),
    ("a sev3 of it is open", &[("sev3", Some("checkout"))]),
    ("a sev2 of it and a sev1 of everything are open", &[("sev2", Some("checkout")), ("sev1", None)]),
];

fn incident_id(place: usize) -> RequestId {
    RequestId::parse(&format!("01JD2Z6V8Q3K5N7P9R1T3W5Y8{place}")).unwrap()
}

impl Talk {
    fn burns(&mut self, place: usize, severity: &str, service: Option<&str>) -> &mut Self {
        let opened = Incident {
            severity: Severity::parse(severity).unwrap(),
            service: service.map(|name| Service::parse(name).unwrap()),
            channel: "slack:C1".to_owned(),
            title: "payments fail".to_owned(),
        };
        self.folds(incident::declared(&incident_id(place), &opened, asker("U2", Some("bo")).actor()));
        self
    }

    fn is_closed(&mut self) -> &mut Self {
        self.folds(incident::Event::Closed.draft(&incident_id(0), asker("U2", Some("bo")).actor()));
        self
    }

    fn asks_for(&mut self, command: &str, field: Field) -> &mut Self {
        let planning = Planning::Planned(plan("prod", field, "1", "2"));
        let asked = Asked {
            id: id(),
            asker: ana(),
            command: CommandName::parse(command).unwrap(),
            words: format!("{command} checkout prod"),
            target: target("prod"),
            title: format!("{command} checkout"),
            reason: None,
            channel: "slack:C1".to_owned(),
            tag: None,
            with: Vec::new(),
            planning,
            debt: None,
            lasts: None,
            gives_back: None,
            begins: None,
        };
        self.takes("ana asks", &Incoming::Asked(Box::new(asked)));
        self.card()
    }

    fn pushes(&mut self) -> &mut Self {
        let digest = self.requests[&id()].course().unwrap().plan.digest.clone();
        self.happens("about to push", Outcome::Step(Step::Push { branch: "main".to_owned(), digest }))
    }

    fn lands(&mut self) -> &mut Self {
        let commit = CommitId::parse(&"c".repeat(40)).unwrap();
        self.happens("it lands", Outcome::Landed(Landed::by_us(commit)))
    }
}

fn burning(facts: &[(&str, Option<&str>)]) -> Talk {
    let mut talk = Talk { rules: rules(CATALOG), ..Talk::new() };
    for (place, (severity, service)) in facts.iter().enumerate() {
        talk.burns(place, severity, *service);
    }
    talk
}

fn bo() -> Asker {
    asker("U2", Some("bo"))
}

fn cy() -> Asker {
    asker("U3", Some("cy"))
}

#[test]
fn what_an_incident_changes() {
    let mut table = String::new();
    for (facts, incidents) in FACTS {
        for (command, field) in [
            ("rollback", Field::ImageTag),
            ("scale", Field::Replicas),
            ("deploy", Field::ImageTag),
            ("env", Field::Cpu),
        ] {
            let mut talk = burning(incidents);
            let request = talk.asks_for(command, field).requests[&id()].clone();
            let needs = &request.opened.needs;
            let asks = match (needs.count, needs.from.as_slice()) {
                (0, _) => "done at once".to_owned(),
                (count, from) if from.iter().any(|one| one.contains(" of ")) => {
                    format!("asks {count}: {}", from.join(" and "))
                }
                (count, from) => format!("asks {count} of {}", from.join(" or ")),
            };
            let way = if request.opened.way == Way::Commit { "as a commit" } else { "by pull request" };
            let review = request.review.map(|review| {
                let hours = review.until.duration_since(talk.now).as_hours();
                format!(", owes a review of {} within {hours} h", review.from.join(" and "))
            });
            writeln!(table, "{facts}: {command}: {asks}, {way}{}", review.unwrap_or_default()).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_lane_that_closes_between_vote_and_landing_is_recounted_by_the_usual_rules() {
    let mut talk = burning(&[("sev1", Some("checkout"))]);
    talk.asks_for("rollback", Field::ImageTag).proposed().is_closed().merge_step();
    let request = &talk.requests[&id()];
    assert!(matches!(request.state, State::Deciding(_)) && request.review.is_none());
    let why = "the incident that let it through is over, and 1 more must approve now";
    assert_eq!(request.course().unwrap().replanned.as_deref(), Some(why));
    // In peace a lead decides, and nothing is owed for it.
    talk.presses(cy(), Press::Approve);
    assert!(talk.log.last().unwrap().contains("Your vote does not count here."), "{:?}", talk.log.last());
    talk.presses(bo(), Press::Approve).merge_step().lands();
    assert!(talk.requests[&id()].commit().is_some() && !talk.requests[&id()].is_review_owed());
}

#[test]
fn what_only_the_lane_let_land_as_a_commit_ends_with_it() {
    let mut talk = burning(&[("sev1", Some("checkout"))]);
    talk.asks_for("scale", Field::Replicas).is_closed().pushes();
    let State::Over { ending: Ending::Failed { why, .. }, .. } = &talk.requests[&id()].state else { panic!() };
    assert_eq!(why, "the sev1 incident that let it land this way is over");
}

#[test]
fn what_waited_in_peace_may_go_through_a_lane_that_opens_and_asks_for_the_yes_of_whoever_asked() {
    let mut talk = burning(&[]);
    talk.asks_for("rollback", Field::ImageTag).proposed();
    assert!(matches!(talk.requests[&id()].state, State::Deciding(_)));
    talk.burns(0, "sev1", None).presses(ana(), Press::Approve).merge_step().lands();
    assert!(talk.requests[&id()].is_review_owed(), "{:?}", talk.log);
}

#[test]
fn who_approved_in_the_lane_and_would_have_in_peace_leaves_no_review_to_owe() {
    let mut talk = burning(&[("sev2", Some("checkout"))]);
    talk.rules =
        rules(&CATALOG.replace("rollback: { from: [team:core] }", "rollback: { from: [team:core, group:leads] }"));
    talk.asks_for("rollback", Field::ImageTag).proposed().presses(bo(), Press::Approve).merge_step().lands();
    assert_eq!(talk.requests[&id()].review, None);
}

#[test]
fn a_review_is_given_by_those_whose_approval_it_would_have_needed() {
    let mut talk = burning(&[("sev1", Some("checkout"))]);
    talk.asks_for("deploy", Field::ImageTag).proposed();
    // Either of the two that the usual rules name is enough in the lane.
    talk.presses(cy(), Press::Approve).presses(cy(), Press::Reviewed).merge_step().lands().is_closed();
    let review = talk.requests[&id()].review.clone().unwrap();
    assert_eq!(review.lane, Lane { incident: incident_id(0), severity: Severity::parse("sev1").unwrap() });
    talk.log.clear();
    talk.presses(ana(), Press::Reviewed).presses(asker("U9", None), Press::Reviewed);
    talk.presses(asker("U5", Some("gil")), Press::Reviewed).presses(asker("U5", Some("gil")), Press::Reviewed);
    assert!(!talk.requests[&id()].is_review_owed(), "a guest beside a member: {:?}", talk.log);
    talk.presses(bo(), Press::Reviewed);
    talk.end(
        "
slack:U1 presses reviewed: [approval.refused] \"You asked for this, so somebody else must review it. Ask 1 of group:leads and 1 of team:core.\" -> rolling out, due Some(Follow)
slack:U9 presses reviewed: [approval.refused] \"Your account belongs to nobody in the catalog, so it cannot review. Ask to be added under `people` in the catalog; your account is `slack:U9`.\" -> rolling out, due Some(Follow)
slack:U5 presses reviewed: [review.given review.done] Taken -> rolling out, due Some(Follow)
slack:U5 presses reviewed: [approval.refused] \"No review is owed here. Read the card as it is now.\" -> rolling out, due Some(Follow)
slack:U2 presses reviewed: [approval.refused] \"No review is owed here. Read the card as it is now.\" -> rolling out, due Some(Follow)",
    );
}

#[test]
fn a_review_that_is_owed_is_asked_for_directly_twice_and_then_in_the_channel() {
    let mut talk = burning(&[("sev1", None)]);
    talk.asks_for("rollback", Field::ImageTag).proposed().merge_step().lands();
    let due = |talk: &Talk| {
        let facts = Facts {
            now: talk.now,
            rules: Some(&talk.rules),
            requests: &talk.requests,
            matters: &talk.matters,
            freezes: &talk.freezes,
        };
        reminders_due(facts)
    };
    let mut said = Vec::new();
    for _ in 0..27 {
        for one in due(&talk) {
            let to: Vec<&str> = one.to.iter().map(PersonId::as_str).collect();
            said.push(format!("{}: {} ({})", one.step.word(), to.join(" "), one.needed.join(", ")));
            for reminded in [Reminded::Begin, Reminded::Said] {
                talk.takes("", &Incoming::Reminded { of: one.of.clone(), step: one.step, reminded });
            }
        }
        talk.later(60);
    }
    let asked = |step: &str, to: &str| format!("{step}: {to} (1 of group:leads)");
    assert_eq!(said, [asked("review", "bo gil"), asked("review_again", "bo gil"), asked("review_late", "")]);
    talk.presses(bo(), Press::Reviewed);
    assert!(due(&talk).is_empty() && !talk.requests[&id()].is_review_owed());
}
