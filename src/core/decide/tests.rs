//! The dispatcher as a conversation: what comes in, line by line, and what is recorded and answered.

mod frozen;
mod histories;
mod lanes;
mod later;
mod lent;
mod reminded;
mod reviews;
mod several;
mod specification;
mod waited;

use serde_json::{Map, json};

use super::*;
use crate::core::{
    change::{Edit, Line, SourceFile, digest},
    entry::{Entry, NO_PREVIOUS, Recorded, written},
    names::{CommandName, CommitId, ConnectionName, Digest, Environment, Field, RepoPath, Service},
    request::{Due, Ending, PullRequest},
    yaml,
};

const CATALOG: &str = "\
environments:
  staging: { path: 'apps/{service}/staging', landing: commit }
  prod:
    path: 'apps/{service}/prod'
    cluster: prod
    approvals:
      deploy: { count: 2, from: [group:leads], expires: 15m }
services: { checkout: { team: shop } }
limits: { replicas: { min: 1, max: 9 } }
locked: [ { environment: prod, field: cpu, because: measured in May } ]
people:
  ana: { slack: U1, teams: [shop], groups: [leads] }
  bo: { slack: U2, groups: [leads] }
  cy: { slack: U3, groups: [leads] }
  dan: { slack: U4 }
";

fn rules(catalog: &str) -> Rules {
    let file = |path: &str, text: &str| SourceFile {
        path: RepoPath::parse(path).unwrap(),
        text: text.to_owned(),
        blob: String::new(),
    };
    let commit = CommitId::parse(&"a".repeat(40)).unwrap();
    Rules::read(commit, &[file(".leverframe/catalog.yaml", catalog)], &[]).unwrap()
}

/// A conversation with the dispatcher.
struct Talk {
    rules: Rules,
    requests: BTreeMap<RequestId, Request>,
    freezes: Freezes,
    matters: Matters,
    now: Timestamp,
    seq: u64,
    log: Vec<String>,
}

fn id() -> RequestId {
    RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap()
}

fn asker(account: &str, person: Option<&str>) -> Asker {
    Asker {
        account: format!("slack:{account}"),
        via: "slack".to_owned(),
        person: person.map(|person| PersonId::parse(person).unwrap()),
    }
}

fn target(environment: &str) -> Target {
    Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse(environment).unwrap() }
}

fn plan(environment: &str, field: Field, old: &str, new: &str) -> Plan {
    let edit = Edit {
        repository: ConnectionName::parse("deployments").unwrap(),
        path: RepoPath::parse("apps/checkout/x.yaml").unwrap(),
        document: yaml::Document::Index(0),
        yaml_path: yaml::Path::root().key("x"),
        old: Some(json!(old)),
        new: json!(new),
    };
    let command = CommandName::parse("deploy").unwrap();
    Plan {
        digest: digest(&command, &target(environment), std::slice::from_ref(&edit)).unwrap(),
        base: CommitId::parse(&"a".repeat(40)).unwrap(),
        policy: Digest::of(b""),
        edits: vec![edit],
        lines: vec![Line { field, old: Some(old.to_owned()), new: new.to_owned() }],
        diff: String::new(),
        exact: Vec::new(),
        aside: None,
        live: None,
        legs: Vec::new(),
    }
}

fn version(environment: &str) -> Plan {
    plan(environment, Field::ImageTag, "v1", "v2")
}

impl Talk {
    fn new() -> Self {
        let now = "2026-11-21T08:00:00Z".parse().unwrap();
        Self {
            rules: rules(CATALOG),
            requests: BTreeMap::new(),
            freezes: Freezes::default(),
            matters: Matters::default(),
            now,
            seq: 0,
            log: Vec::new(),
        }
    }

    fn takes(&mut self, said: &str, incoming: &Incoming) -> &mut Self {
        let facts = Facts {
            now: self.now,
            rules: Some(&self.rules),
            requests: &self.requests,
            matters: &self.matters,
            freezes: &self.freezes,
        };
        let Decision { entries, reply } = decide(incoming, facts);
        let kinds: Vec<String> = entries.iter().map(|entry| entry.kind.clone()).collect();
        entries.into_iter().for_each(|draft| self.folds(draft));
        let state = self.requests.get(&id()).map_or("none", |request| request.outcome_word());
        let due = self.requests.get(&id()).and_then(Request::due);
        let reply = match reply {
            Reply::Private(words) => format!("\"{} {}\"", words.text, words.remedy.unwrap_or_default()),
            Reply::Taken | Reply::Go | Reply::Stop => format!("{reply:?}"),
        };
        self.log.push(format!("{said}: [{}] {reply} -> {state}, due {due:?}", kinds.join(" ")));
        self
    }

    fn folds(&mut self, draft: Draft) {
        let body: Map<_, _> = draft.body;
        let entry = Entry {
            seq: self.seq,
            time: written(self.now),
            kind: draft.kind,
            subject: draft.subject,
            actor: draft.actor,
            incident: None,
            body,
            prev: NO_PREVIOUS.into(),
        };
        self.seq += 1;
        let recorded = Recorded { entry, texts: draft.texts };
        self.freezes.fold(&recorded);
        self.matters.fold(&recorded).unwrap();
        let Some(request) = crate::core::request::of_subject(&recorded.entry.subject) else { return };
        match self.requests.remove(&request) {
            Some(before) => {
                self.requests.insert(request, before.after(&recorded).unwrap());
            }
            None if recorded.entry.kind == "request.opened" => {
                self.requests.insert(request.clone(), Request::opened(request, &recorded).unwrap());
            }
            None => {}
        }
    }

    fn asks(&mut self, who: Asker, environment: &str, planning: Planning) -> &mut Self {
        let said = format!("{} asks in {environment}", who.account);
        let asked = Asked {
            id: id(),
            asker: who,
            command: CommandName::parse("deploy").unwrap(),
            words: format!("deploy checkout {environment} v2"),
            target: target(environment),
            title: format!("deploy checkout v2 to {environment}"),
            reason: None,
            channel: "slack:C1".to_owned(),
            tag: None,
            with: Vec::new(),
            planning,
            debt: None,
            lasts: None,
            begins: None,
            gives_back: None,
        };
        self.takes(&said, &Incoming::Asked(Box::new(asked)))
    }

    fn presses(&mut self, who: Asker, press: Press) -> &mut Self {
        let digest =
            self.requests[&id()].course().map_or(String::new(), |course| course.plan.digest.short().to_owned());
        self.presses_on(who, press, (&digest, "slack:C1"))
    }

    fn presses_on(&mut self, who: Asker, press: Press, (digest, channel): (&str, &str)) -> &mut Self {
        let said = format!("{} presses {}", who.account, press.word());
        let (channel, message) = (channel.to_owned(), "1.0".to_owned());
        let click = Click {
            asker: who,
            request: id(),
            press,
            digest: digest.to_owned(),
            channel,
            message,
            barred: None,
            why: None,
        };
        self.takes(&said, &Incoming::Clicked(click))
    }

    fn happens(&mut self, said: &str, outcome: Outcome) -> &mut Self {
        self.takes(said, &Incoming::Happened { request: id(), outcome })
    }

    fn proposed(&mut self) -> &mut Self {
        let digest = self.requests[&id()].course().unwrap().plan.digest.clone();
        let head = CommitId::parse(&"b".repeat(40)).unwrap();
        let opened = PullRequest { number: 7, url: "http://forge/7".into(), head, digest };
        self.happens("the pull request opens", Outcome::PullRequestOpened(opened))
    }

    fn merge_step(&mut self) -> &mut Self {
        let digest = self.requests[&id()].course().unwrap().plan.digest.clone();
        let head = CommitId::parse(&"b".repeat(40)).unwrap();
        self.happens("about to merge", Outcome::Step(Step::Merge { number: 7, head, digest }))
    }

    fn card(&mut self) -> &mut Self {
        let card = Card { channel: "slack:C1".into(), message: "1.0".into() };
        self.happens("the card is posted", Outcome::CardPosted(card))
    }

    fn later(&mut self, minutes: i64) -> &mut Self {
        self.now = self.now.checked_add(jiff::SignedDuration::from_mins(minutes)).unwrap();
        self
    }

    fn end(&self, expected: &str) {
        assert_eq!(self.log.join("\n"), expected.trim(), "\n{}", self.log.join("\n"));
    }
}

fn ana() -> Asker {
    asker("U1", Some("ana"))
}
fn bo() -> Asker {
    asker("U2", Some("bo"))
}
fn cy() -> Asker {
    asker("U3", Some("cy"))
}

#[test]
fn nobody_need_be_asked_in_staging() {
    let mut talk = Talk::new();
    talk.asks(ana(), "staging", Planning::Planned(version("staging")));
    let commit = CommitId::parse(&"c".repeat(40)).unwrap();
    talk.happens("it lands", Outcome::Landed(Landed::by_us(commit)));
    talk.end(
        "
slack:U1 asks in staging: [request.opened request.planned request.approved] Taken -> landing, due Some(Commit)
it lands: [landing.done request.ended] Go -> in git, due None",
    );
}

#[test]
fn two_persons_who_are_not_the_requester() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card().proposed();
    talk.presses(ana(), Press::Approve);
    talk.presses(asker("U9", Some("ana")), Press::Approve);
    talk.presses(asker("U7", None), Press::Approve);
    talk.presses(asker("U4", Some("dan")), Press::Approve);
    talk.presses(bo(), Press::Approve).presses(bo(), Press::Approve);
    talk.presses(cy(), Press::Approve).presses(cy(), Press::Approve);
    talk.merge_step();
    talk.end(
        "
slack:U1 asks in prod: [request.opened request.planned] Taken -> waiting for approval, due Some(OpenPullRequest)
the card is posted: [card.posted] Go -> waiting for approval, due Some(OpenPullRequest)
the pull request opens: [pull_request.opened] Go -> waiting for approval, due Some(Watch)
slack:U1 presses approve: [approval.refused] \"You asked for this, so somebody else must approve it. Ask somebody from the group `leads`.\" -> waiting for approval, due Some(Watch)
slack:U9 presses approve: [approval.refused] \"You asked for this, so somebody else must approve it. Ask somebody from the group `leads`.\" -> waiting for approval, due Some(Watch)
slack:U7 presses approve: [approval.refused] \"Your account belongs to nobody in the catalog, so it cannot vote. Ask to be added under `people` in the catalog; your account is `slack:U7`.\" -> waiting for approval, due Some(Watch)
slack:U4 presses approve: [approval.refused] \"Your vote does not count here. Ask somebody from the group `leads`.\" -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [] \"Your approval was already recorded at 08:00:00 UTC. \" -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)
slack:U3 presses approve: [approval.refused] \"This is already approved and on its way. Follow it on the card.\" -> landing, due Some(Merge)
about to merge: [merge.intent] Go -> landing, due Some(Merge)",
    );
}

#[test]
fn a_step_that_is_tried_again_is_recorded_once() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card().proposed();
    talk.presses(bo(), Press::Approve).presses(cy(), Press::Approve);
    talk.log.clear();
    talk.merge_step().merge_step().proposed().merge_step();
    talk.end(
        "
about to merge: [merge.intent] Go -> landing, due Some(Merge)
about to merge: [] Go -> landing, due Some(Merge)
the pull request opens: [pull_request.opened] Go -> landing, due Some(Merge)
about to merge: [merge.intent] Go -> landing, due Some(Merge)",
    );
}

#[test]
fn a_button_that_was_copied_or_forged_does_nothing() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card();
    let digest = version("prod").digest.short().to_owned();
    talk.presses_on(bo(), Press::Approve, (&digest, "slack:C2"));
    talk.presses_on(bo(), Press::Approve, ("000000000000", "slack:C1"));
    talk.end(
        "
slack:U1 asks in prod: [request.opened request.planned] Taken -> waiting for approval, due Some(OpenPullRequest)
the card is posted: [card.posted] Go -> waiting for approval, due Some(OpenPullRequest)
slack:U2 presses approve: [approval.refused] \"This button is not on the card of that request. Press it on the card itself.\" -> waiting for approval, due Some(OpenPullRequest)
slack:U2 presses approve: [approval.refused] \"The change was planned anew since that card was shown. Read the card as it is now and press again.\" -> waiting for approval, due Some(OpenPullRequest)",
    );
}

#[test]
fn approvals_end_with_the_change_they_were_for() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card().proposed();
    talk.presses(bo(), Press::Approve).presses(cy(), Press::Approve);
    let other = plan("prod", Field::ImageTag, "v1.5", "v2");
    talk.happens("the tip moved", Outcome::Replanned { plan: other, why: "it was v1".into() });
    talk.merge_step().proposed();
    talk.presses(bo(), Press::Approve).presses(cy(), Press::Approve);
    talk.later(11).merge_step();
    talk.end(
        "
slack:U1 asks in prod: [request.opened request.planned] Taken -> waiting for approval, due Some(OpenPullRequest)
the card is posted: [card.posted] Go -> waiting for approval, due Some(OpenPullRequest)
the pull request opens: [pull_request.opened] Go -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)
the tip moved: [request.replanned] Go -> waiting for approval, due Some(OpenPullRequest)
about to merge: [] Stop -> waiting for approval, due Some(OpenPullRequest)
the pull request opens: [pull_request.opened] Go -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)
about to merge: [request.replanned] Stop -> waiting for approval, due Some(Watch)",
    );
}

#[test]
fn what_waited_does_not_undo_a_newer_change_that_landed_first() {
    let mut talk = Talk::new();
    talk.asks(ana(), "staging", Planning::Planned(version("staging")));
    let newer = RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7B").unwrap();
    let mut other = talk.requests[&id()].clone();
    other.id = newer.clone();
    other.opened.title = "deploy checkout v3 to staging".to_owned();
    talk.requests.insert(newer.clone(), other);
    let outcome = Outcome::Landed(Landed::by_us(CommitId::parse(&"c".repeat(40)).unwrap()));
    talk.takes("the newer one lands", &Incoming::Happened { request: newer, outcome });
    let other = plan("staging", Field::ImageTag, "v3", "v2");
    talk.happens("the tip moved", Outcome::Replanned { plan: other, why: "it was v1".into() });
    talk.end(
        "
slack:U1 asks in staging: [request.opened request.planned request.approved] Taken -> landing, due Some(Commit)
the newer one lands: [landing.done request.ended] Go -> landing, due Some(Commit)
the tip moved: [request.ended] Go -> failed, due None",
    );
}

#[test]
fn a_role_that_was_lost_no_longer_carries_a_change() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card().proposed();
    talk.presses(bo(), Press::Approve).presses(cy(), Press::Approve);
    talk.rules = rules(&CATALOG.replace("cy: { slack: U3, groups: [leads] }", "cy: { slack: U3 }"));
    talk.merge_step();
    assert_eq!(
        talk.log.last().unwrap(),
        "about to merge: [request.replanned] Stop -> waiting for approval, due Some(Watch)"
    );
}

#[test]
fn who_asked_stays_who_asked_when_the_catalog_calls_them_otherwise() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card().proposed();
    talk.rules = rules(&CATALOG.replace("  ana: {", "  anna: {"));
    talk.presses(asker("U1", Some("anna")), Press::Approve);
    assert!(talk.log.last().unwrap().contains("[approval.refused] \"You asked for this"), "{:?}", talk.log.last());
}

#[test]
fn what_is_planned_later_is_called_by_what_it_brings() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Later);
    let title = Some("rollback checkout to v1.2.3 in prod".to_owned());
    talk.happens("planned", Outcome::Planned { plan: version("prod"), title: title.clone() });
    assert_eq!(Some(&talk.requests[&id()].opened.title), title.as_ref());
}

#[test]
fn who_asked_may_cancel_and_nobody_else() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Later).presses(bo(), Press::Cancel).presses(ana(), Press::Cancel);
    talk.presses(ana(), Press::Cancel);
    talk.end(
        "
slack:U1 asks in prod: [request.opened] Taken -> planning, due Some(Plan)
slack:U2 presses cancel: [approval.refused] \"Only whoever asked can take it back. Ask them, or ask somebody who may approve it to press Reject.\" -> planning, due Some(Plan)
slack:U1 presses cancel: [request.ended] Taken -> cancelled, due None
slack:U1 presses cancel: [approval.refused] \"This is already decided: cancelled. Ask again with a new command if it is still wanted.\" -> cancelled, due None",
    );
}

#[test]
fn a_pull_request_that_opens_after_the_end_is_closed() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card();
    talk.presses(bo(), Press::Reject).proposed();
    talk.happens("it is closed", Outcome::PullRequestClosed);
    talk.end(
        "
slack:U1 asks in prod: [request.opened request.planned] Taken -> waiting for approval, due Some(OpenPullRequest)
the card is posted: [card.posted] Go -> waiting for approval, due Some(OpenPullRequest)
slack:U2 presses reject: [request.ended] Taken -> rejected, due None
the pull request opens: [pull_request.opened] Go -> rejected, due Some(ClosePullRequest)
it is closed: [pull_request.closed] Go -> rejected, due None",
    );
}

#[test]
fn policy_and_limits_refuse_before_anything_opens() {
    let mut talk = Talk::new();
    talk.asks(asker("U7", None), "prod", Planning::Planned(version("prod")));
    talk.asks(ana(), "prod", Planning::Planned(plan("prod", Field::Replicas, "3", "10")));
    talk.asks(ana(), "prod", Planning::Planned(plan("prod", Field::ReplicasMin, "3", "11")));
    talk.asks(ana(), "prod", Planning::Planned(plan("prod", Field::Cpu, "1", "2")));
    talk.asks(ana(), "prod", Planning::Refused(Words::plain("checkout in prod is already at v2.")));
    talk.asks(ana(), "prod", Planning::Planned(version("prod")));
    talk.asks(bo(), "prod", Planning::Planned(version("prod")));
    talk.end(
        "
slack:U7 asks in prod: [request.refused] \"Your account belongs to nobody in the catalog. Ask to be added under `people` in the catalog; your account is `slack:U7`.\" -> none, due None
slack:U1 asks in prod: [request.refused] \"That many replicas are outside the limits of the catalog (10 asked, 1 to 9 allowed). Ask for a number within the limits, or change `limits.replicas` in the catalog.\" -> none, due None
slack:U1 asks in prod: [request.refused] \"That many replicas are outside the limits of the catalog (11 asked, 1 to 9 allowed). Ask for a number within the limits, or change `limits.replicas` in the catalog.\" -> none, due None
slack:U1 asks in prod: [request.refused] \"The field is locked: it changes only by hand in git (measured in May). Change it in the repository, in a reviewed commit.\" -> none, due None
slack:U1 asks in prod: [request.refused] \"checkout in prod is already at v2. \" -> none, due None
slack:U1 asks in prod: [request.opened request.planned] Taken -> waiting for approval, due Some(OpenPullRequest)
slack:U2 asks in prod: [request.refused] \"The same change is already asked for: `deploy checkout v2 to prod`, waiting for approval. See its card, or cancel it there first.\" -> waiting for approval, due Some(OpenPullRequest)",
    );
}

#[test]
fn time_ends_what_nobody_approved() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card();
    talk.later(14).takes("14 minutes", &Incoming::Clock);
    talk.later(2).presses(bo(), Press::Approve).takes("16 minutes", &Incoming::Clock);
    assert_eq!(
        talk.log[2..].join("\n"),
        "14 minutes: [] Go -> waiting for approval, due Some(OpenPullRequest)\n\
         slack:U2 presses approve: [approval.refused] \"The time to approve this has passed. Ask again with a new command.\" -> waiting for approval, due Some(OpenPullRequest)\n\
         16 minutes: [request.ended] Go -> expired, due None"
    );
}

#[test]
fn a_newer_change_takes_over_from_one_that_is_not_seen_live_yet() {
    let mut talk = Talk::new();
    talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card().proposed();
    talk.presses(bo(), Press::Approve).presses(cy(), Press::Approve).merge_step();
    let commit = CommitId::parse(&"c".repeat(40)).unwrap();
    talk.happens("it lands", Outcome::Landed(Landed::by_us(commit.clone())));
    assert_eq!(talk.requests[&id()].due(), Some(Due::Follow));
    let newer = RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7B").unwrap();
    let mut other = talk.requests[&id()].clone();
    other.id = newer.clone();
    other.state = crate::core::request::State::Landing(other.course().unwrap().clone());
    talk.requests.insert(newer.clone(), other);
    let landed = Incoming::Happened { request: newer.clone(), outcome: Outcome::Landed(Landed::by_us(commit)) };
    talk.takes("the newer one lands", &landed);
    let crate::core::request::State::Over { ending, .. } = &talk.requests[&id()].state else { panic!("not over") };
    assert_eq!(ending, &Ending::Superseded { by: newer });
}

#[test]
fn what_waited_ten_minutes_for_a_host_asks_again_where_people_decide_and_lands_where_they_do_not() {
    let merges = |talk: &mut Talk, minutes: i64| {
        talk.now = talk.now.checked_add(jiff::SignedDuration::from_mins(minutes)).unwrap();
        let course = talk.requests[&id()].course().unwrap().clone();
        let ours = course.pull_request.unwrap();
        let step = Step::Merge { number: ours.number, head: ours.head, digest: course.plan.digest };
        talk.happens("the host is back", Outcome::Step(step));
        talk.log.last().unwrap().clone()
    };
    let approved = || {
        let mut talk = Talk::new();
        talk.asks(ana(), "prod", Planning::Planned(version("prod"))).card().proposed();
        talk.presses(bo(), Press::Approve).presses(cy(), Press::Approve);
        talk
    };
    let soon = merges(&mut approved(), 9);
    assert!(soon.contains("[merge.intent] Go -> landing"), "{soon}");
    let mut late = approved();
    let told = merges(&mut late, 11);
    assert!(told.contains("[request.replanned] Stop -> waiting for approval"), "{told}");
    let why = late.requests[&id()].course().unwrap().replanned.clone().unwrap();
    assert_eq!(why, "it could not land for 11 minutes after its approval");
}
