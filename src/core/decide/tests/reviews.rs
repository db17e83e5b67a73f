//! What people say on the forge, and what time does to what they said.

use super::*;
use crate::core::request::Foreign;

impl Talk {
    fn reviewed(&mut self, who: Asker, says: ReviewSays, head: char) -> &mut Self {
        let said = format!("{} reviews {says:?}", who.account);
        let head = CommitId::parse(&head.to_string().repeat(40)).unwrap();
        let asker = Asker { account: who.account.replace("slack", "github"), via: "github".to_owned(), ..who };
        self.takes(&said, &Incoming::Reviewed(Reviewed { asker, request: id(), says, head }))
    }

    fn clock(&mut self) -> &mut Self {
        self.takes("the clock", &Incoming::Clock)
    }

    fn proposed_in_prod() -> Self {
        let mut talk = Self::new();
        talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card().proposed();
        talk.log.clear();
        talk
    }
}

#[test]
fn a_review_is_a_vote_on_our_commit_and_no_other() {
    let mut talk = Talk::proposed_in_prod();
    talk.reviewed(bo(), ReviewSays::Yes, 'e').reviewed(ana(), ReviewSays::Yes, 'b');
    talk.reviewed(ana(), ReviewSays::No, 'b').reviewed(asker("U7", None), ReviewSays::No, 'b');
    talk.reviewed(bo(), ReviewSays::Yes, 'b').presses(bo(), Press::Approve);
    talk.presses(cy(), Press::Approve).reviewed(cy(), ReviewSays::No, 'b');
    talk.end(
        "
slack:U2 reviews Yes: [] Stop -> waiting for approval, due Some(Watch)
slack:U1 reviews Yes: [approval.refused] \"You asked for this, so somebody else must approve it. Ask somebody from the group `leads`.\" -> waiting for approval, due Some(Watch)
slack:U1 reviews No: [] Stop -> waiting for approval, due Some(Watch)
slack:U7 reviews No: [approval.refused] \"Your account belongs to nobody in the catalog, so it cannot vote. Ask to be added under `people` in the catalog; your account is `github:U7`.\" -> waiting for approval, due Some(Watch)
slack:U2 reviews Yes: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [] \"Your approval was already recorded at 08:00:00 UTC. \" -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)
slack:U3 reviews No: [request.ended] Taken -> rejected, due Some(ClosePullRequest)",
    );
}

#[test]
fn a_dismissed_review_takes_back_its_vote_and_no_click() {
    let mut talk = Talk::proposed_in_prod();
    talk.reviewed(bo(), ReviewSays::Yes, 'b').presses(cy(), Press::Approve);
    talk.reviewed(cy(), ReviewSays::TakenBack, 'b').reviewed(bo(), ReviewSays::TakenBack, 'b');
    talk.end(
        "
slack:U2 reviews Yes: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)
slack:U3 reviews TakenBack: [] Stop -> landing, due Some(Merge)
slack:U2 reviews TakenBack: [approval.withdrawn] Taken -> waiting for approval, due Some(Watch)",
    );
}

#[test]
fn what_somebody_else_pushed_is_approved_by_nobody() {
    let mut talk = Talk::proposed_in_prod();
    let foreign = Foreign { head: CommitId::parse(&"d".repeat(40)).unwrap(), what: "dan pushed".to_owned() };
    talk.presses(bo(), Press::Approve).happens("dan pushes", Outcome::Moved(foreign));
    talk.presses(cy(), Press::Approve).reviewed(cy(), ReviewSays::Yes, 'b').reviewed(cy(), ReviewSays::Yes, 'd');
    talk.proposed().presses(cy(), Press::Approve);
    talk.end(
        "
slack:U2 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
dan pushes: [pull_request.moved] Go -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.refused] \"Dan pushed, so this is not the change that the card shows. Take that commit off the branch, merge it on the forge, or cancel and ask again.\" -> waiting for approval, due Some(Watch)
slack:U3 reviews Yes: [] Stop -> waiting for approval, due Some(Watch)
slack:U3 reviews Yes: [] Stop -> waiting for approval, due Some(Watch)
the pull request opens: [pull_request.opened] Go -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)",
    );
}

#[test]
fn each_approval_ages_and_gives_the_others_the_same_time_again() {
    // An approval is good for 15 minutes in prod.
    let mut talk = Talk::proposed_in_prod();
    talk.later(14).presses(bo(), Press::Approve);
    talk.later(14).clock().later(2).clock();
    talk.presses(cy(), Press::Approve).later(14).clock().later(2).clock();
    talk.end(
        "
slack:U2 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
the clock: [] Go -> waiting for approval, due Some(Watch)
the clock: [request.ended] Go -> expired, due Some(ClosePullRequest)
slack:U3 presses approve: [approval.refused] \"This is already decided: expired. Ask again with a new command if it is still wanted.\" -> expired, due Some(ClosePullRequest)
the clock: [] Go -> expired, due Some(ClosePullRequest)
the clock: [] Go -> expired, due Some(ClosePullRequest)",
    );
    let mut talk = Talk::new();
    talk.rules = rules(
        &CATALOG.replace("count: 2", "count: 3").replace("dan: { slack: U4 }", "dan: { slack: U4, groups: [leads] }"),
    );
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card().proposed();
    talk.log.clear();
    talk.presses(bo(), Press::Approve).later(10).presses(cy(), Press::Approve).later(6).clock();
    talk.presses(asker("U4", Some("dan")), Press::Approve).presses(bo(), Press::Approve);
    talk.end(
        "
slack:U2 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
the clock: [approval.withdrawn] Go -> waiting for approval, due Some(Watch)
slack:U4 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)",
    );
}

#[test]
fn what_nobody_need_approve_asks_again_when_it_waited_and_can_be_taken_back() {
    let catalog = CATALOG.replace(
        "  prod:",
        "  canary: { path: 'apps/{service}/canary', landing: pull_request, cluster: prod }\n  prod:",
    );
    let start = || {
        let mut talk = Talk::new();
        talk.rules = rules(&catalog);
        talk.asks(ana(), "canary", Planning::Planned(version("canary"))).card().proposed();
        talk.log.clear();
        talk
    };
    let mut talk = start();
    talk.merge_step().later(11).merge_step();
    talk.presses(asker("U7", None), Press::Approve).presses(ana(), Press::Approve).merge_step();
    talk.end(
        "
about to merge: [merge.intent] Go -> landing, due Some(Merge)
about to merge: [request.replanned] Stop -> waiting for approval, due Some(Watch)
slack:U7 presses approve: [approval.refused] \"Your account belongs to nobody in the catalog, so it cannot vote. Ask to be added under `people` in the catalog; your account is `slack:U7`.\" -> waiting for approval, due Some(Watch)
slack:U1 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)
about to merge: [merge.intent] Go -> landing, due Some(Merge)",
    );
    let mut talk = start();
    talk.presses(bo(), Press::Cancel).presses(ana(), Press::Cancel).merge_step();
    talk.end(
        "
slack:U2 presses cancel: [approval.refused] \"Only whoever asked can take it back. Ask them, or ask somebody who may approve it to press Reject.\" -> landing, due Some(Merge)
slack:U1 presses cancel: [request.ended] Taken -> cancelled, due Some(ClosePullRequest)
about to merge: [] Stop -> cancelled, due Some(ClosePullRequest)",
    );
}

#[test]
fn a_guest_counts_only_beside_a_member_and_until_their_last_day() {
    let mut talk = Talk::proposed_in_prod();
    talk.rules = rules(&CATALOG.replace("cy: {", "cy: { guest_until: 2026-11-21,"));
    talk.presses(cy(), Press::Approve).presses(bo(), Press::Approve).presses(cy(), Press::Approve);
    talk.end(
        "
slack:U3 presses approve: [approval.refused] \"A guest's approval counts only beside a member's, and no member has approved this yet. Ask somebody from the group `leads`. Then press again.\" -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)",
    );
    let mut talk = Talk::proposed_in_prod();
    talk.rules = rules(&CATALOG.replace("cy: {", "cy: { guest_until: 2026-11-20,"));
    talk.presses(bo(), Press::Approve).presses(cy(), Press::Approve);
    assert!(talk.log.last().unwrap().contains("Your vote does not count here."), "{:?}", talk.log.last());
}
