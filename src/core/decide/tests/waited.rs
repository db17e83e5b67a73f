//! The host was down for half an hour while people went on asking.

use super::*;
use crate::core::request::State;

/// Deploys and rollbacks of checkout that were decided before the host went down, the oldest first.
fn queue(environment: &str, commands: &[&str]) -> (Talk, Vec<RequestId>) {
    let mut talk = Talk::new();
    talk.asks(ana(), environment, Planning::Planned(version(environment))).card();
    if environment == "prod" {
        talk.proposed().presses(bo(), Press::Approve).presses(cy(), Press::Approve);
    }
    let first = talk.requests.remove(&id()).unwrap();
    assert!(matches!(first.state, State::Landing(_)), "{:?}", first.state);
    let ids = commands.iter().enumerate().map(|(place, command)| {
        let id = RequestId::parse(&format!("01JD2Z6V8Q3K5N7P9R1T3W5Y{}{}", place / 10, place % 10)).unwrap();
        let mut request = Request { id: id.clone(), ..first.clone() };
        request.opened.command = CommandName::parse(command).unwrap();
        talk.requests.insert(id.clone(), request);
        id
    });
    let ids = ids.collect();
    (talk, ids)
}

impl Talk {
    /// A request's next step when the host is back; what was answered.
    fn steps(&mut self, id: &RequestId) -> Reply {
        let request = &self.requests[id];
        let State::Landing(course) = &request.state else { return Reply::Stop };
        let digest = course.plan.digest.clone();
        let head = CommitId::parse(&"b".repeat(40)).unwrap();
        let step = match request.opened.target.environment.as_str() {
            "prod" => Step::Merge { number: 7, head, digest },
            _ => Step::Push { branch: "main".into(), digest },
        };
        let incoming = Incoming::Happened { request: id.clone(), outcome: Outcome::Step(step) };
        let facts = Facts {
            now: self.now,
            rules: Some(&self.rules),
            requests: &self.requests,
            matters: &self.matters,
            freezes: &self.freezes,
        };
        let Decision { entries, reply } = decide(&incoming, facts);
        entries.into_iter().for_each(|draft| self.folds(draft));
        reply
    }

    fn words(&self, ids: &[RequestId]) -> Vec<&str> {
        ids.iter().map(|id| self.requests[id].outcome_word()).collect()
    }
}

/// Every order in which six tasks may come back, by turning the list; the outcome must not depend on it.
fn in_any_order(environment: &str, commands: &[&str], check: impl Fn(&mut Talk, &[RequestId], usize)) {
    for turn in 0..commands.len() {
        for backwards in [false, true] {
            let (mut talk, ids) = queue(environment, commands);
            talk.later(30);
            let mut order = ids.clone();
            order.rotate_left(turn);
            if backwards {
                order.reverse();
            }
            let went = order.iter().filter(|id| talk.steps(id) == Reply::Go).count();
            check(&mut talk, &ids, went);
        }
    }
}

#[test]
fn of_twelve_deploys_to_staging_the_newest_lands() {
    in_any_order("staging", &["deploy"; 12], |talk, ids, went| {
        assert_eq!(went, 1);
        let words = talk.words(ids);
        assert_eq!(words.last(), Some(&"landing"));
        assert!(words[..11].iter().all(|word| *word == "superseded"), "{words:?}");
    });
}

#[test]
fn in_production_one_asks_again_and_the_others_are_over() {
    in_any_order("prod", &["deploy"; 12], |talk, ids, went| {
        assert_eq!(went, 0, "what people agreed to half an hour ago does not land by itself");
        let words = talk.words(ids);
        assert_eq!(words.last(), Some(&"waiting for approval"));
        assert!(words[..11].iter().all(|word| *word == "superseded"), "{words:?}");
    });
}

#[test]
fn a_rollback_lands_first_and_what_was_asked_for_later_waits_for_it() {
    in_any_order("staging", &["deploy", "deploy", "rollback", "deploy", "deploy"], |talk, ids, went| {
        assert_eq!(went, 1);
        let words = talk.words(ids);
        assert_eq!(words[..2], ["superseded", "superseded"]);
        assert!(talk.requests[&ids[2]].intents.keys().any(|intent| intent.starts_with("push.intent")), "{words:?}");
        assert!(words[3..].iter().all(|word| ["landing", "superseded"].contains(word)), "{words:?}");
    });
}

#[test]
fn what_did_not_wait_lands_in_its_turn() {
    let (mut talk, ids) = queue("staging", &["deploy", "deploy", "rollback"]);
    assert!(ids.iter().all(|id| talk.steps(id) == Reply::Go));
}
