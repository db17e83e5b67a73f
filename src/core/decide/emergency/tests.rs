//! Asking, approving and reporting back, as a conversation: what is recorded and answered.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::core::{
    break_glass::{self, Kind, Live, Object, Way, describe},
    change::SourceFile,
    decide::{Asked, Click, Incoming, Planning, Press},
    entry::{Draft, Entry, NO_PREVIOUS, Recorded, written},
    freeze::Freezes,
    matters::Matters,
    names::{CommandName, CommitId, ConnectionName, Environment, Field, RepoPath},
    request::{self, Request},
    rules::Rules,
};

const CATALOG: &str = "\
environments:
  prod:
    path: 'apps/{service}/prod'
    cluster: prod
    approvals:
      breakglass: { count: 1, from: [group:leads] }
      scale: { count: 1, from: [group:leads] }
      rollback: { count: 1, from: [group:leads] }
  local: { path: 'apps/{service}/local' }
services: { checkout: { team: shop } }
limits: { replicas: { min: 1, max: 50 } }
people:
  ana: { slack: U1, groups: [leads] }
  bo: { slack: U2, groups: [leads] }
  dan: { slack: U4 }
";

struct Talk {
    rules: Rules,
    matters: Matters,
    requests: BTreeMap<RequestId, Request>,
    now: Timestamp,
    seq: u64,
    log: String,
}

fn id(last: char) -> RequestId {
    RequestId::parse(&format!("01JD2Z6V8Q3K5N7P9R1T3W5Y7{last}")).unwrap()
}

fn asker(account: &str) -> Asker {
    let person = match account {
        "U1" => "ana",
        "U2" => "bo",
        "U4" => "dan",
        _ => return Asker { account: format!("slack:{account}"), via: "slack".to_owned(), person: None },
    };
    Asker { account: format!("slack:{account}"), via: "slack".to_owned(), person: PersonId::parse(person).ok() }
}

fn target(environment: &str) -> Target {
    Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse(environment).unwrap() }
}

fn plan(from: u32, to: u32) -> LivePlan {
    let object = Object {
        cluster: ConnectionName::parse("prod").unwrap(),
        kind: Kind::Deployment,
        namespace: "checkout".to_owned(),
        name: "checkout".to_owned(),
    };
    let way = Way { pointer: "/spec/replicas".to_owned(), from: from.into(), to: to.into() };
    let live = Live { uid: "u-1".to_owned(), beside: Vec::new(), way };
    describe(&target("prod"), object, &live, (Field::Replicas, from.to_string(), to.to_string())).unwrap()
}

impl Talk {
    fn new() -> Self {
        let path = RepoPath::parse(".leverframe/catalog.yaml").unwrap();
        let catalog = SourceFile { path, text: CATALOG.to_owned(), blob: String::new() };
        let rules = Rules::read(CommitId::parse(&"a".repeat(40)).unwrap(), &[catalog], &[]).unwrap();
        let now = "2026-11-21T03:00:00Z".parse().unwrap();
        let (matters, requests) = (Matters::default(), BTreeMap::new());
        Self { rules, matters, requests, now, seq: 0, log: String::new() }
    }

    fn takes(&mut self, said: &str, incoming: &Incoming) -> &mut Self {
        let freezes = Freezes::default();
        let facts = Facts {
            now: self.now,
            rules: Some(&self.rules),
            requests: &self.requests,
            matters: &self.matters,
            freezes: &freezes,
        };
        let Decision { entries, reply } = crate::core::decide::decide(incoming, facts);
        let kinds: Vec<String> = entries
            .iter()
            .map(|entry| format!("{}{}", entry.kind, if entry.incident.is_some() { "" } else { " (no incident)" }))
            .collect();
        entries.into_iter().for_each(|draft| self.folds(draft));
        let reply = match reply {
            Reply::Private(words) => format!("\"{} {}\"", words.text, words.remedy.unwrap_or_default()),
            Reply::Taken | Reply::Go | Reply::Stop => format!("{reply:?}"),
        };
        let glass = self.matters.overrides.get(&id('G')).map_or("none", |one| one.state.word());
        let debt = self.matters.debts.get(&id('D')).map_or("none", |one| one.state.word());
        let _ = writeln!(self.log, "{said}: [{}] {reply} -> {glass}; debt {debt}", kinds.join(", "));
        self
    }

    fn folds(&mut self, draft: Draft) {
        let entry = Entry {
            seq: self.seq,
            time: written(self.now),
            kind: draft.kind,
            subject: draft.subject,
            actor: draft.actor,
            incident: draft.incident,
            body: draft.body,
            prev: NO_PREVIOUS.into(),
        };
        self.seq += 1;
        let recorded = Recorded { entry, texts: draft.texts };
        self.matters.fold(&recorded).unwrap();
        let Some(id) = request::of_subject(&recorded.entry.subject) else { return };
        match (self.requests.remove(&id), recorded.entry.kind.as_str()) {
            (Some(known), _) => drop(self.requests.insert(id, known.after(&recorded).unwrap())),
            (None, "request.opened") => drop(self.requests.insert(id.clone(), Request::opened(id, &recorded).unwrap())),
            (None, _) => {}
        }
    }

    fn asks(&mut self, account: &str, environment: &str) -> &mut Self {
        let asked = GlassAsked {
            id: id('G'),
            incident: id('N'),
            asker: asker(account),
            action: break_glass::Action::Scale(10),
            target: target(environment),
            span: Span::HOUR,
            reason: Some("peak".to_owned()),
            channel: "slack:C1".to_owned(),
            words: "breakglass".to_owned(),
        };
        let said = format!("{account} asks in {environment}");
        self.takes(&said, &Incoming::Emergency(Emergency::Asked(Box::new(asked))))
    }

    fn comes(&mut self, said: &str, of: char, came: Came) -> &mut Self {
        self.takes(said, &Incoming::Emergency(Emergency::Happened { of: id(of), came }))
    }

    fn presses(&mut self, account: &str, press: Press, of: char) -> &mut Self {
        let digest = self.matters.overrides.get(&id('G')).and_then(|one| one.course());
        let click = Click {
            asker: asker(account),
            request: id(of),
            press,
            digest: digest.map(|course| course.plan.digest.short().to_owned()).unwrap_or_default(),
            channel: "slack:C1".to_owned(),
            message: "1".to_owned(),
            barred: None,
            why: None,
        };
        self.takes(&format!("{account} presses {}", press.word()), &Incoming::Clicked(click))
    }

    fn passes(&mut self, minutes: i64) -> &mut Self {
        self.now += SignedDuration::from_mins(minutes);
        self.takes(&format!("{minutes} min pass"), &Incoming::Clock)
    }

    fn live(&mut self) -> &mut Self {
        let paused = break_glass::Paused { before: None, follows: true, shared: false, by: None };
        self.asks("U1", "prod")
            .comes("checked", 'G', Came::Planned(Box::new(plan(3, 10))))
            .presses("U2", Press::Approve, 'G')
            .comes("about to pause", 'G', Came::PauseBegun(paused.clone()))
            .comes("paused", 'G', Came::Paused(paused))
            .comes("about to change", 'G', Came::Begun { debt: id('D') })
            .comes("changed", 'G', Came::Changed)
    }

    /// A change of git that somebody asks for while the debt is open.
    fn asks_git(&mut self, command: &str, replicas: &str) -> &mut Self {
        self.asks_git_for(command, replicas, ('R', None))
    }

    /// The same, as which request, and for which debt.
    fn asks_git_for(&mut self, command: &str, replicas: &str, (of, debt): (char, Option<char>)) -> &mut Self {
        let asked = Asked {
            id: id(of),
            asker: asker("U4"),
            command: CommandName::parse(command).unwrap(),
            words: String::new(),
            target: target("prod"),
            title: command.to_owned(),
            reason: None,
            channel: "slack:C1".to_owned(),
            tag: None,
            with: Vec::new(),
            planning: Planning::Planned(git_plan(replicas)),
            debt: debt.map(id),
            lasts: None,
            begins: None,
            gives_back: None,
        };
        self.takes(&format!("U4 asks {command} {replicas}"), &Incoming::Asked(Box::new(asked)))
    }
}

fn git_plan(replicas: &str) -> crate::core::change::Plan {
    use crate::core::{change::Line, names::Digest};
    crate::core::change::Plan {
        digest: Digest::of(replicas.as_bytes()),
        base: CommitId::parse(&"a".repeat(40)).unwrap(),
        policy: Digest::of(b""),
        edits: Vec::new(),
        lines: vec![Line { field: Field::Replicas, old: Some("3".to_owned()), new: replicas.to_owned() }],
        diff: String::new(),
        exact: Vec::new(),
        aside: None,
        live: None,
        legs: Vec::new(),
    }
}

/// Fails unless each of these begins a line of what was said, in this order.
fn says(talk: &Talk, expected: &[&str]) {
    let mut lines = talk.log.lines();
    for wanted in expected {
        assert!(lines.any(|line| line.starts_with(wanted)), "{wanted}\n{}", talk.log);
    }
}

#[test]
fn from_asking_to_paid() {
    let mut talk = Talk::new();
    talk.live()
        .comes("git says it", 'D', Came::Settled(Side::Git))
        .comes("equal", 'D', Came::Proven)
        .comes("goes on", 'D', Came::Resumed)
        .comes("equal again", 'D', Came::Paid);
    says(
        &talk,
        &[
            "U1 asks in prod: [incident.opened, breakglass.opened] Taken -> being checked; debt none",
            "U2 presses approve: [breakglass.approval, breakglass.approved] Taken -> pausing",
            "about to change: [breakglass.intent, debt.opened] Go -> being changed; debt opened",
            "changed: [breakglass.changed, debt.live] Go -> live; debt owed",
            "equal again: [debt.ended, breakglass.ended] Go -> over; debt over",
        ],
    );
    let timeline = &talk.matters.incidents[&id('N')].timeline;
    assert!(timeline.iter().any(|moment| moment.kind == "debt.ended"), "{timeline:?}");
}

#[test]
fn who_may_and_who_may_not() {
    let mut talk = Talk::new();
    talk.asks("U9", "prod").asks("U1", "local").asks("U1", "prod");
    talk.presses("U2", Press::Approve, 'G').comes("checked", 'G', Came::Planned(Box::new(plan(3, 10))));
    talk.presses("U1", Press::Approve, 'G').presses("U4", Press::Approve, 'G').presses("U9", Press::Approve, 'G');
    talk.presses("U2", Press::Cancel, 'G').presses("U2", Press::Stable, 'G').presses("U2", Press::Reject, 'G');
    says(
        &talk,
        &[
            "U9 asks in prod: [breakglass.refused",
            "U1 asks in local: [breakglass.refused",
            "U2 presses approve: [click.refused] \"The cluster is still being looked at.",
            "U1 presses approve: [click.refused] \"You asked for this",
            "U4 presses approve: [click.refused] \"Your vote does not count here.",
            "U9 presses approve: [click.refused] \"Your account belongs to nobody",
            "U2 presses cancel: [click.refused] \"Only whoever asked",
            "U2 presses stable: [click.refused] \"This button belongs to another card.",
            "U2 presses reject: [breakglass.ended] Taken -> over",
        ],
    );
}

#[test]
fn an_incident_with_a_debt_cannot_be_closed_and_levers_that_fight_are_refused() {
    let mut talk = Talk::new();
    talk.live();
    talk.presses("U1", Press::Close, 'N');
    talk.asks_git("scale", "4").asks_git("deploy", "3").asks_git("scale", "12").asks_git("rollback", "2");
    talk.presses("U1", Press::Extend, 'D').presses("U4", Press::GiveBack, 'D').presses("U2", Press::Extend, 'D');
    talk.presses("U1", Press::GiveBack, 'D');
    talk.passes(15).passes(30).passes(20).passes(60);
    talk.presses("U1", Press::GiveBack, 'D').comes("given back", 'D', Came::Settled(Side::Live));
    talk.comes("the watch finds it undone", 'G', Came::Redone);
    says(
        &talk,
        &[
            "U1 presses close: [click.refused] \"Git and the cluster do not agree yet",
            "U4 asks scale 4: [request.refused] \"Glass is broken there",
            "U4 asks deploy 3: [request.refused] \"Glass is broken there",
            "U4 asks scale 12: [request.opened, request.planned (no incident), debt.proposed] Taken",
            "U4 asks rollback 2: [request.refused] \"This would leave git without what is live there (live 10, git unknown).",
            "U1 presses extend: [click.refused] \"You asked for this",
            "U4 presses give_back: [click.refused] \"Your vote does not count here.",
            "U2 presses extend: [debt.extended] Taken",
            "U1 presses give_back: [click.refused] \"`scale` pays this debt and does more.",
            "15 min pass: [debt.reminded]",
            "30 min pass: []",
            "20 min pass: [request.ended, debt.reminded]",
            "60 min pass: [debt.overdue]",
            "U1 presses give_back: [debt.revert] Taken -> live; debt being given back",
            "given back: [debt.settled] Go -> live; debt being proven",
            "the watch finds it undone: [] Stop",
        ],
    );
}

#[test]
fn what_cannot_be_done_owes_nothing() {
    let mut talk = Talk::new();
    let paused = break_glass::Paused { before: None, follows: true, shared: false, by: None };
    talk.asks("U1", "prod").comes("too many", 'G', Came::Planned(Box::new(plan(3, 99))));
    talk.matters = Matters::default();
    talk.asks("U1", "prod").comes("checked", 'G', Came::Planned(Box::new(plan(3, 10)))).presses(
        "U2",
        Press::Approve,
        'G',
    );
    talk.comes("about to pause", 'G', Came::PauseBegun(paused.clone())).comes("paused", 'G', Came::Paused(paused));
    talk.comes("about to change", 'G', Came::Begun { debt: id('D') });
    talk.comes("another object", 'G', Came::Failed(Words::new("It has 7.", "Look."))).comes(
        "goes on",
        'G',
        Came::LetGo,
    );
    says(
        &talk,
        &[
            "too many: [breakglass.failed] Go -> over",
            "another object: [breakglass.failed, debt.ended] Go -> being undone; debt over",
            "goes on: [breakglass.ended] Go -> over; debt over",
        ],
    );
}

#[test]
fn nobody_approves_in_time() {
    let mut talk = Talk::new();
    talk.asks("U1", "prod").comes("checked", 'G', Came::Planned(Box::new(plan(3, 10)))).passes(61);
    assert!(talk.log.ends_with("-> over; debt none\n"), "{}", talk.log);
}

/// One more break-glass on the same target, up to its intent.
fn further(talk: &mut Talk, of: char, to: u32) {
    let asked = GlassAsked {
        id: id(of),
        incident: id('N'),
        asker: asker("U1"),
        action: break_glass::Action::Scale(to),
        target: target("prod"),
        span: Span::HOUR,
        reason: None,
        channel: "slack:C1".to_owned(),
        words: "breakglass".to_owned(),
    };
    let shared = break_glass::Paused { before: None, follows: true, shared: true, by: None };
    talk.takes("once more", &Incoming::Emergency(Emergency::Asked(Box::new(asked))));
    talk.comes("checked", of, Came::Planned(Box::new(plan(10, to))));
    let digest = talk.matters.overrides[&id(of)].course().unwrap().plan.digest.short().to_owned();
    let (channel, message) = ("slack:C1".to_owned(), "1".to_owned());
    let click = Click {
        asker: asker("U2"),
        request: id(of),
        press: Press::Approve,
        digest,
        channel,
        message,
        barred: None,
        why: None,
    };
    talk.takes("approved", &Incoming::Clicked(click));
    talk.comes("about to pause", of, Came::PauseBegun(shared.clone())).comes("held already", of, Came::Paused(shared));
    talk.comes("about to change more", of, Came::Begun { debt: id('E') });
}

#[test]
fn a_further_break_glass_grows_the_debt_and_one_change_pays_both() {
    let mut talk = Talk::new();
    talk.live().asks_git_for("scale", "10", ('R', Some('D')));
    further(&mut talk, 'H', 12);
    talk.comes("too early", 'D', Came::Settled(Side::Git)).comes("changed more", 'H', Came::Changed);
    talk.asks_git_for("scale", "12", ('S', Some('D')));
    talk.comes("git says it", 'D', Came::Settled(Side::Git)).comes("equal", 'D', Came::Proven);
    talk.comes("goes on", 'D', Came::Resumed).comes("equal again", 'D', Came::Paid);
    says(
        &talk,
        &[
            "U4 asks scale 10: [request.opened, request.planned (no incident), debt.proposed] Taken",
            "about to change more: [breakglass.intent, debt.grown] Go -> live; debt proposed to git",
            "too early: [] Stop",
            "changed more: [breakglass.changed, debt.live] Go -> live; debt owed",
            "U4 asks scale 12: [request.opened, request.planned (no incident), debt.proposed, request.ended] Taken",
            "equal again: [debt.ended, breakglass.ended, breakglass.ended] Go -> over; debt over",
        ],
    );
    assert!(!talk.matters.debts.contains_key(&id('E')), "one debt");
    assert!(talk.requests[&id('R')].is_over() && !talk.requests[&id('S')].is_over());
}

#[test]
fn a_further_break_glass_that_comes_to_nothing_leaves_the_debt_as_it_was() {
    let mut talk = Talk::new();
    talk.live();
    further(&mut talk, 'H', 12);
    assert_eq!(talk.matters.debts[&id('D')].words(), "live 12, git unknown");
    talk.presses("U1", Press::GiveBack, 'D');
    talk.comes("another object", 'H', Came::Failed(Words::new("It has 7.", "Look.")));
    assert_eq!(talk.matters.debts[&id('D')].words(), "live 10, git unknown");
    says(
        &talk,
        &[
            "U1 presses give_back: [click.refused] \"A further break-glass is just changing the cluster there.",
            "another object: [breakglass.failed, debt.shrunk] Go -> live; debt owed",
        ],
    );
}

#[test]
fn what_moves_is_proposed_anew() {
    let mut talk = Talk::new();
    let live = |count: &str| Came::Moved { field: Field::Replicas, to: Moved::Live(count.to_owned()) };
    talk.live().asks_git_for("scale", "10", ('R', Some('D')));
    talk.comes("the same", 'D', live("10")).comes("by hand", 'D', live("15"));
    talk.comes("in git", 'D', Came::Moved { field: Field::Replicas, to: Moved::Git(Some("4".to_owned())) });
    says(
        &talk,
        &[
            "the same: [] Stop",
            "by hand: [debt.moved] Go -> live; debt owed",
            "in git: [debt.moved] Go -> live; debt owed",
        ],
    );
    let debt = &talk.matters.debts[&id('D')];
    assert_eq!((debt.words().as_str(), debt.due()), ("live 15, git 4", Some(crate::core::debt::Due::Propose)));
}

/// Somebody asks that the debt be written off for so many hours.
fn asks_off(talk: &mut Talk, account: &str, hours: u32) {
    let until = crate::core::moment::Moment::parse(&format!("{hours}h")).unwrap();
    let asked = WriteOffAsked { asker: asker(account), target: target("prod"), until, reason: "on purpose".to_owned() };
    talk.takes(&format!("{account} asks off"), &Incoming::Emergency(Emergency::WriteOff(Box::new(asked))));
}

/// Somebody agrees to what the card shows.
fn agrees(talk: &mut Talk, by: Asker) {
    let digest = talk.matters.debts[&id('D')].write_off_digest();
    let digest = digest.map(|digest| digest.short().to_owned()).unwrap_or_default();
    let (channel, message, said) = ("slack:C1".to_owned(), "1".to_owned(), format!("{} agrees", by.account));
    let press = Press::Approve;
    let click = Click { asker: by, request: id('D'), press, digest, channel, message, barred: None, why: None };
    talk.takes(&said, &Incoming::Clicked(click));
}

#[test]
fn a_debt_is_written_off_by_two_persons_until_its_date() {
    let mut talk = Talk::new();
    talk.live().asks_git_for("scale", "10", ('R', Some('D')));
    asks_off(&mut talk, "U4", 240);
    asks_off(&mut talk, "U2", 24 * 400);
    asks_off(&mut talk, "U2", 240);
    agrees(&mut talk, asker("U1"));
    talk.presses("U1", Press::Reject, 'D');
    asks_off(&mut talk, "U1", 240);
    agrees(&mut talk, asker("U1"));
    agrees(&mut talk, Asker { account: "discord:9".to_owned(), ..asker("U1") });
    agrees(&mut talk, asker("U4"));
    talk.presses("U2", Press::Approve, 'D');
    agrees(&mut talk, asker("U2"));
    talk.passes(24 * 60).presses("U1", Press::Close, 'N').passes(217 * 60);
    says(
        &talk,
        &[
            "U4 asks off: [debt.refused] \"That is for the service's own team",
            "U2 asks off: [debt.refused] \"That is no day within the next year.",
            "U2 asks off: [debt.write_off_asked] Taken",
            "slack:U1 agrees: [click.refused] \"You owe it, so somebody else must agree.",
            "U1 presses reject: [debt.write_off_refused] Taken",
            "U1 asks off: [debt.write_off_asked] Taken",
            "slack:U1 agrees: [click.refused] \"You asked for this, so somebody else must agree.",
            "discord:9 agrees: [click.refused] \"You asked for this, so somebody else must agree.",
            "slack:U4 agrees: [click.refused] \"Your vote does not count here.",
            "U2 presses approve: [click.refused] \"What is asked for is another than that card showed.",
            "slack:U2 agrees: [request.ended, debt.written_off] Taken -> live; debt written off",
            "1440 min pass: []",
            "U1 presses close: [incident.closed] Taken",
            "13020 min pass: [debt.returned] Go -> live; debt owed",
        ],
    );
}

#[test]
fn what_is_asked_to_be_written_off_is_asked_anew_when_it_moves() {
    let mut talk = Talk::new();
    talk.live();
    asks_off(&mut talk, "U1", 240);
    talk.comes("by hand", 'D', Came::Moved { field: Field::Replicas, to: Moved::Live("15".to_owned()) });
    assert_eq!(talk.matters.debts[&id('D')].write_off_digest(), None);
    agrees(&mut talk, asker("U2"));
    says(&talk, &["slack:U2 agrees: [click.refused] \"This button belongs to another card."]);
}
