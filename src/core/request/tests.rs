//! The life of a request as a full table, and its entries read back.

use super::*;
use crate::core::{
    change::Plan,
    names::{Environment, Service},
};

fn actor() -> Actor {
    Actor { person: None, account: None, via: "leverframe".to_owned() }
}

fn plan() -> Plan {
    let digest = Digest::of(b"plan");
    let base = CommitId::parse(&"a".repeat(40)).unwrap();
    Plan {
        digest: digest.clone(),
        base,
        policy: digest,
        edits: vec![],
        lines: vec![],
        diff: "diff".to_owned(),
        exact: vec![],
        aside: None,
        live: None,
        legs: Vec::new(),
    }
}

fn proposed() -> PullRequest {
    let head = CommitId::parse(&"b".repeat(40)).unwrap();
    PullRequest { number: 7, url: "http://forge/7".to_owned(), head, digest: Digest::of(b"plan") }
}

fn events() -> Vec<Event> {
    let vote = Vote { actor: actor(), digest: Digest::of(b"plan"), at: Timestamp::UNIX_EPOCH };
    vec![
        Event::Planned(plan()),
        Event::Replanned { plan: plan(), why: "it moved".to_owned() },
        Event::Voted(vote),
        Event::Approved,
        Event::PullRequestOpened(proposed()),
        Event::PullRequestClosed,
        Event::Landed { commit: CommitId::parse(&"c".repeat(40)).unwrap(), by: actor() },
        Event::Ended(Ending::Failed { why: "why".to_owned(), remedy: "remedy".to_owned() }, actor()),
        Event::Withdrawn { of: actor(), why: "dismissed".to_owned() },
        Event::Moved(Foreign { head: CommitId::parse(&"d".repeat(40)).unwrap(), what: "dan pushed".to_owned() }),
        Event::Reopened,
        Event::NotDone(NotDone { what: Nicety::Labels, why: "forbidden".to_owned() }),
        Event::Scheduled { at: Timestamp::UNIX_EPOCH },
        Event::Held { why: "frozen".to_owned() },
    ]
}

fn states() -> Vec<State> {
    let course = Course::new(plan());
    let commit = CommitId::parse(&"c".repeat(40)).unwrap();
    let over = |commit| State::Over { course: Some(course.clone()), commit, ending: Ending::Cancelled, by: actor() };
    vec![
        State::Planning,
        State::Deciding(course.clone()),
        State::Landing(course.clone()),
        State::Following(course.clone(), commit.clone()),
        over(None),
        over(Some(commit)),
        State::Over {
            course: Some(course.clone()),
            commit: None,
            ending: Ending::TakenOver { why: "closed".to_owned(), remedy: String::new() },
            by: actor(),
        },
    ]
}

/// The whole machine, to be read: one line a state, one column an event.
#[test]
fn every_state_meets_every_event() {
    let mut table = String::new();
    for state in states() {
        let row: Vec<&str> =
            events().into_iter().map(|event| state.clone().after(event).map_or("-", |after| after.word())).collect();
        table.push_str(&format!("{}: {}\n", state.word(), row.join(" | ")));
    }
    assert_eq!(
            table,
            "\
planning: waiting for approval | - | - | - | - | - | - | over | - | - | - | - | - | -
waiting for approval: waiting for approval | waiting for approval | waiting for approval | landing | waiting for approval | - | rolling out | over | waiting for approval | waiting for approval | - | waiting for approval | waiting for its time | waiting for approval
landing: landing | waiting for approval | landing | - | landing | - | rolling out | over | waiting for approval | waiting for approval | - | landing | - | -
rolling out: - | - | - | - | - | - | - | over | - | - | - | rolling out | - | -
over: - | - | - | - | over | over | rolling out | - | - | - | - | over | - | -
over: - | - | - | - | - | over | - | - | - | - | - | over | - | -
over: - | - | - | - | over | over | rolling out | - | - | - | waiting for approval | over | - | -
"
        );
}

#[test]
fn an_event_is_read_back_from_its_entry() {
    let id = RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap();
    for event in events() {
        let draft = event.draft(&id, actor());
        let entry = crate::core::entry::Entry {
            seq: 0,
            time: crate::core::entry::written(Timestamp::UNIX_EPOCH),
            kind: draft.kind,
            subject: draft.subject,
            actor: draft.actor,
            incident: None,
            body: draft.body,
            prev: String::new(),
        };
        assert_eq!(of_subject(&entry.subject), Some(id.clone()));
        let recorded = Recorded { entry, texts: draft.texts };
        assert_eq!(Event::read(&recorded).unwrap(), Some(event));
    }
}

#[test]
fn a_change_planned_anew_is_proposed_anew() {
    let opened = Opened {
        command: CommandName::parse("deploy").unwrap(),
        words: "deploy checkout prod v2".to_owned(),
        target: Target {
            service: Service::parse("checkout").unwrap(),
            environment: Environment::parse("prod").unwrap(),
        },
        with: Vec::new(),
        title: "deploy checkout v2 to prod".to_owned(),
        way: Way::Squash,
        needs: Needs { count: 1, from: vec![], until: Timestamp::UNIX_EPOCH },
        channel: "slack:C1".to_owned(),
        tag: None,
        debt: None,
        folded: Folded::No,
        lasts: None,
        begins: None,
        gives_back: None,
        lane: None,
    };
    let mut course = Course::new(plan());
    course.pull_request = Some(proposed());
    let request = |course: Course| Request {
        id: RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap(),
        opened: opened.clone(),
        reason: None,
        requester: actor(),
        at: Timestamp::UNIX_EPOCH,
        card: None,
        state: State::Deciding(course),
        intents: BTreeMap::new(),
        landed: None,
        live_since: None,
        given_back: None,
        reminders: Reminders::default(),
        review: None,
    };
    assert_eq!(request(course.clone()).due(), Some(Due::Watch));
    course.plan.digest = Digest::of(b"another");
    assert_eq!(request(course).due(), Some(Due::OpenPullRequest));
}

/// More pods for four hours.
fn for_four_hours() -> Opened {
    use crate::core::{request::Lasts, span::Span};
    Opened {
        command: CommandName::parse("scale").unwrap(),
        words: "scale checkout prod 6 for=4h".to_owned(),
        target: Target {
            service: Service::parse("checkout").unwrap(),
            environment: Environment::parse("prod").unwrap(),
        },
        with: Vec::new(),
        title: "scale checkout in prod replicas=6".to_owned(),
        way: Way::Commit,
        needs: Needs { count: 0, from: vec![], until: Timestamp::UNIX_EPOCH },
        channel: "slack:C1".to_owned(),
        tag: None,
        debt: None,
        folded: Folded::No,
        lasts: Some(Lasts::For(Span::parse("4h").unwrap())),
        begins: None,
        gives_back: None,
        lane: None,
    }
}

#[test]
fn what_is_meant_for_a_time_is_lent_once_it_is_over_until_a_request_takes_it_up() {
    use crate::core::{
        entry::{Entry, NO_PREVIOUS},
        request::GivenBack,
    };
    let opened = for_four_hours();
    let id = RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap();
    let landed: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
    let mut request = Request {
        id: id.clone(),
        opened,
        reason: None,
        requester: actor(),
        at: Timestamp::UNIX_EPOCH,
        card: None,
        state: State::Landing(Course::new(plan())),
        intents: BTreeMap::new(),
        landed: None,
        live_since: None,
        given_back: None,
        reminders: Reminders::default(),
        review: None,
    };
    let recorded = |draft: crate::core::entry::Draft| Recorded {
        entry: Entry {
            seq: 0,
            time: crate::core::entry::written(landed),
            kind: draft.kind,
            subject: draft.subject,
            actor: draft.actor,
            incident: None,
            body: draft.body,
            prev: NO_PREVIOUS.to_owned(),
        },
        texts: draft.texts,
    };
    assert_eq!((request.is_lent(), request.ends_at()), (false, None));
    let event = Event::Landed { commit: CommitId::parse(&"c".repeat(40)).unwrap(), by: actor() };
    request = request.after(&recorded(event.draft(&id, actor()))).unwrap();
    assert!(!request.is_lent(), "it is followed");
    request = request.after(&recorded(Event::Ended(Ending::Landed, actor()).draft(&id, actor()))).unwrap();
    assert!(request.is_lent());
    assert_eq!(request.ends_at(), Some("2026-11-21T12:00:00Z".parse().unwrap()));
    request = request.after(&recorded(GivenBack::By(id.clone()).draft(&id))).unwrap();
    assert_eq!((request.is_lent(), request.given_back), (false, Some(GivenBack::By(id))));
}
