//! The cards of a bad night, in every state: incidents, break-glasses, debts, drifts; and what requests show beside a plain
//! change: what a rollback leaves as it is, what is meant for a time, a freeze, a restart.

use jiff::Timestamp;
use leverframe::{
    chat::card::{Card, Progress, drift::of_drift, emergency, owed::of_debt},
    core::{
        break_glass::{self, Action, Alarm, Kind, Live, LivePlan, Object, Override, Paused, Way as Path, describe},
        catalog::Severity,
        change::{Aside, Health, Line, Past},
        debt::{self, Debt, Side},
        drift::{self, Drift, First, Hand, Weight},
        entry::Actor,
        incident::{self, Incident, Moment},
        matters::Matters,
        names::{CommandName, CommitId, ConnectionName, Environment, Field, PersonId, RequestId, Service, Target},
        reconciler::Undoes,
        request::{Ending, GivesBack, Lasts, State, Way},
        span::Span,
    },
};

use super::{at, course, draw, needs, over, person, proposed, request, voted};

fn id(last: char) -> RequestId {
    RequestId::parse(&format!("01JD2Z6V8Q3K5N7P9R1T3W5Y7{last}")).unwrap()
}

fn target() -> Target {
    Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse("prod").unwrap() }
}

fn bot() -> Actor {
    Actor { person: None, account: None, via: "leverframe".to_owned() }
}

fn object(kind: Kind, namespace: &str) -> Object {
    let (cluster, name) = (ConnectionName::parse("prod").unwrap(), "checkout".to_owned());
    Object { cluster, kind, namespace: namespace.to_owned(), name }
}

fn hour() -> Span {
    Span::HOUR
}

fn incident(state: incident::State) -> Incident {
    let moment = |minute, actor, kind: &str, words: &str| Moment {
        at: at(minute),
        actor,
        kind: kind.to_owned(),
        subject: String::new(),
        words: words.to_owned(),
    };
    let (ana, bo) = (person("ana", "U0ANA"), person("bo", "U0BO"));
    Incident {
        id: id('B'),
        opened: incident::Opened {
            severity: Severity::SECOND,
            service: Some(target().service),
            channel: "slack:C0DEPLOYS".to_owned(),
            title: "memory leak".to_owned(),
        },
        declared_by: ana.clone(),
        at: at(0),
        commander: bo.clone(),
        commander_since: at(1),
        card: None,
        state,
        timeline: vec![
            moment(0, ana.clone(), "incident.opened", "memory leak"),
            moment(1, ana, "breakglass.opened", ""),
            moment(2, bo.clone(), "breakglass.approval", ""),
            moment(2, bot(), "pause.done", ""),
            moment(2, bot(), "breakglass.changed", ""),
            moment(3, bo, "incident.noted", "it began with v1.2.4"),
        ],
    }
}

fn live_plan() -> LivePlan {
    let way = Path { pointer: "/spec/replicas".to_owned(), from: 3.into(), to: 10.into() };
    let live = Live { uid: "u-1".to_owned(), beside: Vec::new(), way };
    let deployment = object(Kind::Deployment, "checkout");
    let plan = describe(&target(), deployment, &live, (Field::Replicas, "3".to_owned(), "10".to_owned())).unwrap();
    let remarks = vec!["A `HorizontalPodAutoscaler` keeps at most 8; ask for `bounds` too.".to_owned()];
    LivePlan { git: Some("3".into()), pause: Some(object(Kind::Application, "argocd")), remarks, ..plan }
}

fn glass_course(votes: bool) -> break_glass::Course {
    let plan = live_plan();
    let vote = break_glass::Vote { actor: person("cleo", "U0CLEO"), digest: plan.digest.clone(), at: at(2) };
    break_glass::Course { plan, votes: votes.then_some(vote).into_iter().collect() }
}

fn glass(state: break_glass::State) -> Card {
    let mut matters = Matters::default();
    matters.incidents.insert(id('B'), incident(incident::State::Active));
    let glass = Override {
        id: id('C'),
        opened: break_glass::Opened {
            action: Action::Scale(10),
            target: target(),
            span: hour(),
            needs: needs(1, &["group:commanders"]),
            channel: "slack:C0DEPLOYS".to_owned(),
            incident: id('B'),
        },
        reason: Some("the queue grows".to_owned()),
        requester: person("ana", "U0ANA"),
        at: at(1),
        card: None,
        state,
        since: at(2),
        reminders: Default::default(),
    };
    emergency::of_glass(&glass, &Progress::default(), &matters)
}

fn glasses() -> Vec<(&'static str, Card)> {
    use break_glass::{Ending, State};
    let paused = || Paused { before: None, follows: true, shared: false, by: None };
    let course = || glass_course(true);
    let active =
        |redone, alarm| State::Active { course: course(), paused: paused(), debt: id('D'), at: at(3), redone, alarm };
    let what = "What follows git goes on though it was held off; it may undo the change at any moment.".to_owned();
    let ended = |ending, by| glass(State::Over { course: Some(course()), ending, by });
    let failed = || Ending::Failed {
        why: "checkout has 12 replicas by now, not 3".to_owned(),
        remedy: "Look at it and ask again.".to_owned(),
    };
    vec![
        ("glass-checking", glass(State::Checking)),
        ("glass-waiting", glass(State::Deciding(glass_course(false)))),
        ("glass-pausing", glass(State::Pausing { course: course(), before: None })),
        ("glass-paused", glass(State::Paused { course: course(), paused: paused() })),
        ("glass-changing", glass(State::Changing { course: course(), paused: paused(), debt: id('D') })),
        ("glass-active", glass(active(0, None))),
        ("glass-redone", glass(active(1, None))),
        ("glass-alarm", glass(active(1, Some(Alarm { what, at: at(9) })))),
        ("glass-undoing", glass(State::Undoing { course: course(), paused: paused(), ending: failed() })),
        ("glass-rejected", ended(Ending::Rejected { why: None }, person("bo", "U0BO"))),
        (
            "glass-rejected-with-a-reason",
            ended(Ending::Rejected { why: Some("Restart it *first*.".to_owned()) }, person("bo", "U0BO")),
        ),
        ("glass-cancelled", ended(Ending::Cancelled, person("ana", "U0ANA"))),
        ("glass-expired", ended(Ending::Expired, bot())),
        ("glass-failed", ended(failed(), bot())),
        ("glass-reconciled", ended(Ending::Reconciled, bot())),
    ]
}

fn item(field: Field, live: &str, git: &str) -> debt::Item {
    debt::Item { breakglass: id('C'), field, live: live.to_owned(), git: Some(git.to_owned()) }
}

fn debt_of(state: debt::State) -> Debt {
    Debt {
        all: vec![item(Field::Replicas, "10", "3")],
        write_off: None,
        moved: None,
        id: id('D'),
        opened: debt::Opened {
            breakglass: id('C'),
            incident: id('B'),
            target: target(),
            field: Field::Replicas,
            live: "10".to_owned(),
            git: Some("3".to_owned()),
            owner: person("ana", "U0ANA"),
            until: at(63),
            channel: "slack:C0DEPLOYS".to_owned(),
        },
        at: at(3),
        card: None,
        state,
        reminded: 0,
        until: at(63),
        extended_by: None,
        overdue: debt::Overdue::Unsaid,
    }
}

fn debts() -> Vec<(&'static str, Card)> {
    use debt::{Ending, State};
    let proposal = request(Way::Squash, needs(1, &["group:leads"]), State2::Deciding(proposed(course())));
    let drawn = |debt: &Debt| of_debt(debt, &Progress::default(), None);
    let of = |state| drawn(&debt_of(state));
    let closed = "Dan closed pull request #7.".to_owned();
    let late = Debt {
        reminded: 3,
        extended_by: Some(person("cleo", "U0CLEO")),
        overdue: debt::Overdue::Said,
        ..debt_of(State::Owed { halted: Some(closed.clone()) })
    };
    let off = || debt::WriteOff { until: at(10 * 24 * 60), by: person("ana", "U0ANA") };
    let asked = Debt { write_off: Some(off()), ..debt_of(State::Proposed { request: id('A') }) };
    let several = Debt {
        all: vec![item(Field::Replicas, "10", "3"), item(Field::ImageTag, "v1.2.3", "v1.2.4")],
        moved: Some((at(5), "replicas is 10 live now, not 8".to_owned())),
        ..debt_of(State::Proposed { request: id('A') })
    };
    vec![
        ("debt-asked-to-be-written-off", drawn(&asked)),
        ("debt-written-off", of(State::WrittenOff { asked: off(), agreed: person("cleo", "U0CLEO") })),
        ("debt-of-several-values", of_debt(&several, &Progress::default(), Some(&proposal))),
        ("debt-opened", of(State::Opened)),
        ("debt-owed", of(State::Owed { halted: None })),
        ("debt-halted", of(State::Owed { halted: Some(closed) })),
        ("debt-late", drawn(&late)),
        (
            "debt-proposed",
            of_debt(&debt_of(State::Proposed { request: id('A') }), &Progress::default(), Some(&proposal)),
        ),
        ("debt-settled-in-git", of(State::Settled { side: Side::Git, request: Some(id('A')) })),
        ("debt-settled-in-the-cluster", of(State::Settled { side: Side::Live, request: None })),
        ("debt-reverting", of(State::Reverting)),
        ("debt-proven", of(State::Proven { side: Side::Git })),
        ("debt-resumed", of(State::Resumed { side: Side::Git })),
        ("debt-paid-in-git", of(State::Over { ending: Ending::Paid { side: Side::Git }, by: bot() })),
        ("debt-paid-in-the-cluster", of(State::Over { ending: Ending::Paid { side: Side::Live }, by: bot() })),
        ("debt-never-live", of(State::Over { ending: Ending::NeverLive, by: bot() })),
    ]
}

/// The state of a request, beside that of a debt.
use State as State2;

fn drifts() -> Vec<(&'static str, Card)> {
    use drift::{Ending, State};
    let opened = |weight, undoes, first| drift::Opened {
        target: target(),
        object: object(Kind::Deployment, "checkout"),
        uid: "u-1".to_owned(),
        field: Field::Replicas,
        way: Path { pointer: "/spec/replicas".to_owned(), from: 3.into(), to: 10.into() },
        beside: Vec::new(),
        git: "3".to_owned(),
        live: "10".to_owned(),
        by: Some(Hand { manager: "kubectl".to_owned(), at: Some(at(4)) }),
        follower: Some(object(Kind::Application, "argocd")),
        undoes,
        weight,
        first,
        call: Vec::new(),
        channel: "slack:C0DEPLOYS".to_owned(),
    };
    let of = |state, opened| {
        let drift = Drift { id: id('E'), opened, at: at(5), card: None, state, reminded: 0, again: 0 };
        of_drift(&drift, &Progress::default(), &Matters::default())
    };
    let soon = || opened(Weight::Debt, Undoes::Within { interval: "10m0s".to_owned() }, First::Hold);
    let said = || opened(Weight::Report, Undoes::WhenTold, First::Adopt);
    let gone = |ending| of(State::Over { ending, by: bot(), at: at(9) }, soon());
    let halted = || Some("Argo CD could not be held off: forbidden.".to_owned());
    let until: Timestamp = at(7 * 24 * 60);
    vec![
        ("drift-open-and-lost-soon", of(State::Open { halted: None }, soon())),
        ("drift-open", of(State::Open { halted: None }, said())),
        ("drift-halted", of(State::Open { halted: halted() }, said())),
        ("drift-kept", of(State::Kept { glass: id('C') }, said())),
        ("drift-restoring", of(State::Restoring { by: person("bo", "U0BO") }, said())),
        ("drift-left", of(State::Left { by: person("bo", "U0BO"), until }, said())),
        ("drift-undone", gone(Ending::Undone { manager: Some("argocd-controller".to_owned()) })),
        ("drift-adopted", gone(Ending::Adopted)),
        ("drift-restored", of(State::Over { ending: Ending::Restored, by: person("bo", "U0BO"), at: at(9) }, said())),
        ("drift-settled", gone(Ending::Settled)),
        ("drift-gone", gone(Ending::Gone)),
    ]
}

fn incidents() -> Vec<(&'static str, Card)> {
    let mut matters = Matters::default();
    matters.debts.insert(id('D'), debt_of(debt::State::Owed { halted: None }));
    let of = |state, matters: &Matters| emergency::of_incident(&incident(state), matters);
    let closed = incident::State::Closed { at: at(90), by: person("bo", "U0BO") };
    vec![
        ("incident-active", of(incident::State::Active, &matters)),
        ("incident-stable", of(incident::State::Stable { at: at(30) }, &matters)),
        ("incident-closed", of(closed, &Matters::default())),
    ]
}

/// What requests show beside a plain change.
fn beside() -> Vec<(&'static str, Card)> {
    let commit = || CommitId::parse(&"c".repeat(40)).unwrap();
    let leads = || needs(1, &["group:leads"]);
    let past = |version: &str, minute, health| Past {
        version: version.to_owned(),
        commit: commit(),
        at: at(minute),
        by: PersonId::parse("dan").ok(),
        health,
    };
    let line = |name: &str, old: &str, new: &str| Line {
        field: Field::parse(name).unwrap(),
        old: Some(old.to_owned()),
        new: new.to_owned(),
    };
    let mut back = proposed(course());
    back.plan.aside = Some(Box::new(Aside {
        back_to: Some(past("v1.2.4", -300, Health::Healthy)),
        others: vec![past("v1.2.3", -900, Health::Healthy), past("v1.2.2", -1800, Health::NotHealthy)],
        differs: vec![line("replicas", "5", "3"), line("env.NEW_CHECKOUT", "true", "false")],
        ..Aside::default()
    }));
    let mut rollback = request(Way::Squash, leads(), State::Deciding(back));
    rollback.opened.title = "rollback checkout to v1.2.4 in prod".to_owned();
    let mut lent = request(Way::Squash, leads(), State::Following(proposed(voted(course(), 1)), commit()));
    lent.opened.lasts = Some(Lasts::For(hour()));
    let mut given = request(Way::Squash, leads(), State::Deciding(course()));
    given.opened.gives_back = Some(GivesBack { of: id('A'), at: Some(at(60)) });
    let asks = {
        let mut asks = given.clone();
        asks.opened.gives_back = Some(GivesBack { of: id('A'), at: None });
        asks
    };
    let live = |state| {
        let mut restart = request(Way::Live, needs(0, &[]), state);
        restart.opened.title = "restart checkout in prod".to_owned();
        restart.opened.command = CommandName::parse("restart").unwrap();
        restart
    };
    let taken =
        Ending::TakenOver { why: "Dan closed pull request #7".into(), remedy: "Ask them, or ask again.".into() };
    let frozen = "`prod` is frozen until Mon 08:00 (Europe/Madrid): nobody is at work. Wait, or ask the leads.";
    let still = Progress::default();
    let seen = |words: &str| Progress { seen: Some(words.to_owned()), ..Progress::default() };
    let blocked = Progress { frozen: Some(frozen.to_owned()), ..Progress::default() };
    vec![
        ("rollback-waiting", draw(&rollback, &still)),
        ("meant-for-a-time", draw(&lent, &seen("2 of 3 pods run v1.2.5"))),
        ("giving-back", draw(&given, &still)),
        ("giving-back-asks", draw(&asks, &still)),
        ("waiting-and-frozen", draw(&request(Way::Squash, leads(), State::Deciding(proposed(course()))), &blocked)),
        ("restarting", draw(&live(State::Landing(course())), &seen("1 of 3 pods are new"))),
        (
            "restarted",
            draw(&live(over(Some(course()), None, Ending::Live { seen: "3 of 3 pods are new".into() })), &still),
        ),
        ("taken-over", draw(&request(Way::Squash, leads(), over(Some(proposed(course())), None, taken)), &still)),
    ]
}

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Card)> {
    let nights = incidents().into_iter().chain(glasses()).chain(debts()).chain(drifts());
    beside().into_iter().chain(nights).collect()
}
