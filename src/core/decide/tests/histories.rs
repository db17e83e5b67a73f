//! Random histories of requests, votes, changes of roles, freezes and time: nothing is ever let through to the branch
//! without the approvals that the rules of that moment ask of that very digest. An oracle of its own counts them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::core::{moment::Moment, span::Span};

/// What may happen, one step each.
#[derive(Debug, Clone)]
enum Happening {
    Asks(usize),
    Approves(usize),
    Rejects(usize),
    /// The catalog asks for so many of the leads, who are these.
    Rules(u32, [bool; 4]),
    Freezes(u8),
    Frees,
    Minutes(i64),
    /// On the tip of now it is another change.
    Replanned(bool),
    Proposed,
    Merges,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => (0..4_usize).prop_map(Happening::Asks),
        8 => (0..5_usize).prop_map(Happening::Approves),
        1 => (0..5_usize).prop_map(Happening::Rejects),
        2 => (0..3_u32, any::<[bool; 4]>()).prop_map(|(count, leads)| Happening::Rules(count, leads)),
        1 => (1..90_u8).prop_map(Happening::Freezes),
        1 => Just(Happening::Frees),
        2 => (1..20_i64).prop_map(Happening::Minutes),
        1 => any::<bool>().prop_map(Happening::Replanned),
        4 => Just(Happening::Proposed),
        6 => Just(Happening::Merges),
    ]
}

const PEOPLE: [&str; 4] = ["ana", "bo", "cy", "dan"];

fn catalog(count: u32, leads: [bool; 4]) -> String {
    let mut text = format!(
        "environments:
  prod:
    path: 'apps/{{service}}/prod'
    approvals: {{ deploy: {{ count: {count}, from: [group:leads], expires: 15m }} }}
people:
"
    );
    for (at, (person, lead)) in PEOPLE.iter().zip(leads).enumerate() {
        let groups = if lead { "[leads]" } else { "[]" };
        text.push_str(&format!("  {person}: {{ slack: U{at}, groups: {groups} }}\n"));
    }
    text
}

fn human(at: usize) -> Asker {
    asker(&format!("U{at}"), PEOPLE.get(at).copied())
}

/// What the oracle knows, kept beside the talk and told by nobody but the steps.
struct Oracle {
    count: u32,
    leads: [bool; 4],
    requester: usize,
    /// Who said yes to which digest, and when.
    votes: Vec<(usize, Digest, Timestamp)>,
    frozen_until: Option<Timestamp>,
}

impl Oracle {
    fn allows(&self, digest: &Digest, now: Timestamp) -> bool {
        let young = |at: &Timestamp| now.duration_since(*at) <= jiff::SignedDuration::from_mins(15);
        let counts = |who: &usize| *who != self.requester && self.leads.get(*who).copied().unwrap_or(false);
        let given = self.votes.iter().filter(|(who, of, at)| of == digest && counts(who) && young(at));
        let people: BTreeSet<usize> = given.map(|(who, ..)| *who).collect();
        people.len() >= usize::try_from(self.count).unwrap() && self.frozen_until.is_none_or(|until| until <= now)
    }
}

fn another(talk: &Talk) -> Plan {
    let now = &talk.requests[&id()].course().unwrap().plan;
    if now.lines[0].new == "v2" { plan("prod", Field::ImageTag, "v1", "v3") } else { version("prod") }
}

fn freezes(talk: &mut Talk, oracle: &mut Oracle, minutes: u8) {
    let until = Some(Moment::In(Span::parse(&format!("{minutes}m")).unwrap()));
    let what = Switch::On { from: None, until, except: String::new(), reason: None };
    frozen::switch(talk, "freeze", human(0), what);
    oracle.frozen_until = talk.now.checked_add(jiff::SignedDuration::from_mins(i64::from(minutes))).ok();
}

fn step(talk: &mut Talk, oracle: &mut Oracle, happening: &Happening) {
    let there = talk.requests.contains_key(&id());
    match happening {
        Happening::Asks(who) if !there => {
            oracle.requester = *who;
            talk.asks(human(*who), "prod", Planning::Planned(version("prod")));
            if talk.requests.contains_key(&id()) {
                talk.card();
            }
        }
        Happening::Approves(who) if there && talk.requests[&id()].course().is_some() => {
            let digest = talk.requests[&id()].course().unwrap().plan.digest.clone();
            talk.presses(human(*who), Press::Approve);
            if talk.log.last().unwrap().contains("[approval.given") {
                oracle.votes.push((*who, digest, talk.now));
            }
        }
        Happening::Rejects(who) if there => {
            talk.presses(human(*who), Press::Reject);
        }
        Happening::Rules(count, leads) => {
            (oracle.count, oracle.leads) = (*count, *leads);
            talk.rules = rules(&catalog(*count, *leads));
        }
        Happening::Freezes(minutes) if oracle.frozen_until.is_none_or(|until| until <= talk.now) => {
            freezes(talk, oracle, *minutes);
        }
        Happening::Frees => {
            frozen::switch(talk, "unfreeze", human(0), Switch::Off { reason: None });
            if talk.log.last().unwrap().contains("freeze.lifted") {
                oracle.frozen_until = None;
            }
        }
        Happening::Minutes(minutes) => {
            talk.later(*minutes).takes("time passes", &Incoming::Clock);
        }
        Happening::Replanned(other) if there && talk.requests[&id()].course().is_some() => {
            let plan = if *other { another(talk) } else { talk.requests[&id()].course().unwrap().plan.clone() };
            talk.happens("replanned", Outcome::Replanned { plan, why: "the tip moved".to_owned() });
            if talk.log.last().unwrap().contains("[request.replanned") {
                oracle.votes.clear();
            }
        }
        Happening::Proposed if there && talk.requests[&id()].due() == Some(Due::OpenPullRequest) => {
            talk.proposed();
        }
        Happening::Merges if there && talk.requests[&id()].course().is_some() => {
            let digest = talk.requests[&id()].course().unwrap().plan.digest.clone();
            talk.merge_step();
            let line = talk.log.last().unwrap();
            let goes = line.contains("[merge.intent]") || (line.contains("[] Go"));
            assert!(!goes || oracle.allows(&digest, talk.now), "{}", talk.log.join("\n"));
        }
        Happening::Asks(_)
        | Happening::Approves(_)
        | Happening::Rejects(_)
        | Happening::Freezes(_)
        | Happening::Replanned(_)
        | Happening::Proposed
        | Happening::Merges => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn nothing_lands_without_the_approvals_of_its_moment(happenings in prop::collection::vec(happening(), 4..40)) {
        let leads = [true, true, true, false];
        let mut talk = Talk { rules: rules(&catalog(1, leads)), ..Talk::new() };
        let mut oracle =
            Oracle { count: 1, leads, requester: 0, votes: Vec::new(), frozen_until: None };
        step(&mut talk, &mut oracle, &Happening::Asks(3));
        for happening in &happenings {
            step(&mut talk, &mut oracle, happening);
        }
    }
}

/// The property is worth something only if histories do land: this one does.
#[test]
fn a_history_that_is_approved_lands() {
    let leads = [true, true, true, false];
    let mut talk = Talk { rules: rules(&catalog(1, leads)), ..Talk::new() };
    let mut oracle = Oracle { count: 1, leads, requester: 3, votes: Vec::new(), frozen_until: None };
    for happening in [Happening::Asks(3), Happening::Proposed, Happening::Approves(1), Happening::Merges] {
        step(&mut talk, &mut oracle, &happening);
    }
    assert!(talk.log.last().unwrap().contains("[merge.intent]"), "{}", talk.log.join("\n"));
}
