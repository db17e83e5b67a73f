//! A yes taken back, and what was meant for a time.

use super::*;
use crate::core::request::GivesBack;

#[test]
fn a_yes_is_taken_back_before_anything_is_done_and_not_after() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card().proposed();
    talk.log.clear();
    talk.presses(bo(), Press::Withdraw);
    talk.presses(bo(), Press::Approve).presses(bo(), Press::Withdraw).presses(cy(), Press::Approve);
    talk.presses(bo(), Press::Approve).presses(cy(), Press::Withdraw).merge_step();
    talk.presses(cy(), Press::Approve).merge_step().presses(cy(), Press::Withdraw);
    talk.end(
        "
slack:U2 presses withdraw: [approval.refused] \"You have not approved this. Press Reject to say no.\" -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U2 presses withdraw: [approval.withdrawn] Taken -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)
slack:U3 presses withdraw: [approval.withdrawn] Taken -> waiting for approval, due Some(Watch)
about to merge: [] Stop -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)
about to merge: [merge.intent] Go -> landing, due Some(Merge)
slack:U3 presses withdraw: [approval.refused] \"It is on its way already. Roll back once it is there.\" -> landing, due Some(Merge)",
    );
}

/// Ana's change in production is to be given back in ten minutes, or people are asked.
fn lent(at: Option<&str>) -> Talk {
    let mut talk = Talk::new();
    let of = RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7B").unwrap();
    let asked = Asked {
        id: id(),
        asker: ana(),
        command: CommandName::parse("deploy").unwrap(),
        words: format!("revert {of}"),
        target: target("prod"),
        title: "give back".to_owned(),
        reason: None,
        channel: "slack:C1".to_owned(),
        tag: None,
        with: Vec::new(),
        planning: Planning::Planned(version("prod")),
        debt: None,
        lasts: None,
        begins: None,
        gives_back: Some(GivesBack { of, at: at.map(|at| at.parse().unwrap()) }),
    };
    talk.takes("the bot asks", &Incoming::Asked(Box::new(asked))).card().proposed();
    talk
}

#[test]
fn what_was_lent_goes_back_at_its_time_unless_somebody_who_may_approve_keeps_it() {
    let mut talk = lent(Some("2026-11-21T08:10:00Z"));
    talk.presses(ana(), Press::Cancel).presses(ana(), Press::Keep).presses(asker("U4", Some("dan")), Press::Keep);
    talk.presses(asker("U4", Some("dan")), Press::GiveBack).merge_step();
    talk.later(9).takes("time", &Incoming::Clock).later(1).takes("time", &Incoming::Clock).merge_step();
    talk.end(
        "
the bot asks: [request.opened request.planned give_back.opened] Taken -> waiting for approval, due Some(OpenPullRequest)
the card is posted: [card.posted] Go -> waiting for approval, due Some(OpenPullRequest)
the pull request opens: [pull_request.opened] Go -> waiting for approval, due Some(Watch)
slack:U1 presses cancel: [approval.refused] \"This was approved with what it gives back. Press Keep if it shall stay.\" -> waiting for approval, due Some(Watch)
slack:U1 presses keep: [approval.refused] \"You asked for this, so somebody else must approve it. Ask somebody from the group `leads`.\" -> waiting for approval, due Some(Watch)
slack:U4 presses keep: [approval.refused] \"Your vote does not count here. Ask somebody from the group `leads`.\" -> waiting for approval, due Some(Watch)
slack:U4 presses give_back: [approval.refused] \"Your vote does not count here. Ask somebody from the group `leads`.\" -> waiting for approval, due Some(Watch)
about to merge: [] Stop -> waiting for approval, due Some(Watch)
time: [] Go -> waiting for approval, due Some(Watch)
time: [request.approved] Go -> landing, due Some(Merge)
about to merge: [merge.intent] Go -> landing, due Some(Merge)",
    );
    let mut talk = lent(Some("2026-11-21T08:10:00Z"));
    talk.log.clear();
    talk.presses(cy(), Press::Keep).later(20).takes("time", &Incoming::Clock);
    talk.end(
        "
slack:U3 presses keep: [request.ended] Taken -> rejected, due Some(ClosePullRequest)
time: [] Go -> rejected, due Some(ClosePullRequest)",
    );
    let mut talk = lent(Some("2026-11-21T08:10:00Z"));
    talk.log.clear();
    talk.presses(ana(), Press::GiveBack).merge_step();
    talk.end(
        "
slack:U1 presses give_back: [request.approved] Taken -> landing, due Some(Merge)
about to merge: [merge.intent] Go -> landing, due Some(Merge)",
    );
}

#[test]
fn what_somebody_changed_since_is_asked_for_like_anything_else() {
    let mut talk = lent(None);
    talk.log.clear();
    talk.later(11).takes("time", &Incoming::Clock).presses(ana(), Press::GiveBack);
    talk.presses(bo(), Press::Approve).merge_step().presses(cy(), Press::Approve).merge_step();
    talk.end(
        "
time: [] Go -> waiting for approval, due Some(Watch)
slack:U1 presses give_back: [approval.refused] \"This button belongs to another card. Read the card as it is now.\" -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
about to merge: [] Stop -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)
about to merge: [merge.intent] Go -> landing, due Some(Merge)",
    );
}
