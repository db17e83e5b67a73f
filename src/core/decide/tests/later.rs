//! Changes that begin later.

use super::*;
use crate::core::request::State;

/// Dan asks for a change in an environment that begins then.
fn later(environment: &str, begins: &str) -> Talk {
    let mut talk = Talk::new();
    let asked = Asked {
        id: id(),
        asker: asker("U4", Some("dan")),
        command: CommandName::parse("deploy").unwrap(),
        words: format!("deploy checkout {environment} v2 from={begins}"),
        target: target(environment),
        title: format!("deploy checkout v2 to {environment}"),
        reason: None,
        channel: "slack:C1".to_owned(),
        tag: None,
        with: Vec::new(),
        planning: Planning::Planned(version(environment)),
        debt: None,
        lasts: None,
        begins: Some(begins.parse().unwrap()),
        gives_back: None,
    };
    talk.takes("dan asks", &Incoming::Asked(Box::new(asked))).card();
    talk
}

fn time(talk: &mut Talk, minutes: i64) -> &mut Talk {
    talk.later(minutes).takes("time", &Incoming::Clock)
}

#[test]
fn it_is_approved_now_and_begins_at_its_time() {
    let mut talk = later("prod", "2026-11-21T12:00:00Z");
    talk.proposed().presses(bo(), Press::Start).presses(bo(), Press::Approve).presses(cy(), Press::Approve);
    talk.merge_step();
    time(&mut talk, 239);
    time(&mut talk, 1).merge_step();
    talk.end(
        "
dan asks: [request.opened request.planned] Taken -> waiting for approval, due Some(OpenPullRequest)
the card is posted: [card.posted] Go -> waiting for approval, due Some(OpenPullRequest)
the pull request opens: [pull_request.opened] Go -> waiting for approval, due Some(Watch)
slack:U2 presses start: [approval.refused] \"This is not approved yet, so it cannot begin. Approve it first, or ask who may.\" -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given request.scheduled] Taken -> waiting for its time, due Some(Watch)
about to merge: [] Stop -> waiting for its time, due Some(Watch)
time: [] Go -> waiting for its time, due Some(Watch)
time: [request.approved] Go -> landing, due Some(Merge)
about to merge: [merge.intent] Go -> landing, due Some(Merge)",
    );
}

#[test]
fn it_begins_sooner_for_whoever_may_approve_and_is_taken_back_by_whoever_asked() {
    let mut talk = later("prod", "2026-11-21T12:00:00Z");
    talk.proposed().presses(bo(), Press::Approve).presses(cy(), Press::Approve);
    talk.log.clear();
    talk.presses(asker("U4", Some("dan")), Press::Start).presses(cy(), Press::Withdraw).merge_step();
    talk.presses(cy(), Press::Approve).presses(bo(), Press::Start).merge_step();
    talk.end(
        "
slack:U4 presses start: [approval.refused] \"You asked for this, so somebody else must approve it. Ask somebody from the group `leads`.\" -> waiting for its time, due Some(Watch)
slack:U3 presses withdraw: [approval.withdrawn] Taken -> waiting for approval, due Some(Watch)
about to merge: [] Stop -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given request.scheduled] Taken -> waiting for its time, due Some(Watch)
slack:U2 presses start: [request.approved] Taken -> landing, due Some(Merge)
about to merge: [merge.intent] Go -> landing, due Some(Merge)",
    );
    let mut talk = later("staging", "2026-11-21T12:00:00Z");
    talk.presses(asker("U4", Some("dan")), Press::Start);
    let mut other = later("staging", "2026-11-21T12:00:00Z");
    other.presses(asker("U4", Some("dan")), Press::Cancel);
    talk.log.append(&mut other.log);
    talk.end(
        "
dan asks: [request.opened request.planned request.scheduled] Taken -> waiting for its time, due None
the card is posted: [card.posted] Go -> waiting for its time, due None
slack:U4 presses start: [request.approved] Taken -> landing, due Some(Commit)
dan asks: [request.opened request.planned request.scheduled] Taken -> waiting for its time, due None
the card is posted: [card.posted] Go -> waiting for its time, due None
slack:U4 presses cancel: [request.ended] Taken -> cancelled, due None",
    );
}

#[test]
fn a_freeze_at_its_time_holds_it_once_in_words_and_then_people_are_asked_again() {
    let mut talk = later("prod", "2026-11-21T12:00:00Z");
    talk.proposed().presses(bo(), Press::Approve).presses(cy(), Press::Approve);
    talk.later(180);
    talk.log.clear();
    let until = Switch::On {
        from: None,
        until: Some(crate::core::moment::Moment::parse("2h").unwrap()),
        except: String::new(),
        reason: None,
    };
    frozen::switch(&mut talk, "freeze", ana(), until);
    time(&mut talk, 60).presses(bo(), Press::Start);
    time(&mut talk, 1);
    time(&mut talk, 61).merge_step();
    assert!(matches!(&talk.requests[&id()].state, State::Deciding(course) if course.votes.is_empty()));
    talk.end(
        "
freeze: [freeze.declared] \"Frozen: `prod` until Sat 2026-11-21 13:00 UTC. It ends by itself; to end it before, type `/unfreeze prod`.\" -> waiting for its time, due Some(Watch)
time: [request.held] Go -> waiting for its time, due Some(Watch)
slack:U2 presses start: [approval.refused] \"The environment is frozen until Sat 2026-11-21 13:00 UTC, by `ana`. Wait until it ends, or ask for `/unfreeze prod` by whoever declared it or may approve there.\" -> waiting for its time, due Some(Watch)
time: [] Go -> waiting for its time, due Some(Watch)
time: [freeze.ended request.replanned] Go -> waiting for approval, due Some(Watch)
about to merge: [] Stop -> waiting for approval, due Some(Watch)",
    );
}

#[test]
fn what_is_another_change_by_then_asks_also_where_nobody_is_asked_at_first() {
    let mut talk = later("staging", "2026-11-21T12:00:00Z");
    time(&mut talk, 241);
    talk.log.clear();
    let other = plan("staging", Field::ImageTag, "v1.5", "v2");
    talk.happens("it differs", Outcome::Replanned { plan: other, why: "v1.5 is there".to_owned() });
    talk.presses(asker("U4", Some("dan")), Press::Approve);
    talk.end(
        "
it differs: [request.replanned] Go -> waiting for approval, due None
slack:U4 presses approve: [approval.given request.approved] Taken -> landing, due Some(Commit)",
    );
}
