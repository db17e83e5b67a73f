//! Several services in one request: policy is asked of each, one approval is of all, and each is known by itself once it
//! has landed.

use super::*;
use crate::core::{
    change::{Planned, together},
    request::State,
};

fn service(name: &str) -> Service {
    Service::parse(name).unwrap()
}

/// What is planned for one of them.
fn leg(name: &str, environment: &str, field: Field) -> (Service, Result<Planned, crate::core::change::PlanRefusal>) {
    let mut plan = plan(environment, field, "1", "2");
    let path = RepoPath::parse(&format!("apps/{name}/{environment}.yaml")).unwrap();
    plan.edits[0].path = path.clone();
    (service(name), Ok(Planned { plan, after: vec![(path, Some(String::new()))] }))
}

fn both(environment: &str) -> Plan {
    of(environment, &[("checkout", Field::ImageTag), ("payments", Field::ImageTag)])
}

fn of(environment: &str, legs: &[(&str, Field)]) -> Plan {
    let legs = legs.iter().map(|(name, field)| leg(name, environment, field.clone())).collect();
    let about = (&CommandName::parse("deploy").unwrap(), &Environment::parse(environment).unwrap());
    together(about, legs).unwrap().plan
}

impl Talk {
    fn asks_for_all(&mut self, id: &RequestId, environment: &str, plan: Plan) -> &mut Self {
        self.asks_in_words(id, environment, plan, "")
    }

    fn asks_in_words(&mut self, id: &RequestId, environment: &str, plan: Plan, confirm: &str) -> &mut Self {
        let services: Vec<Service> = match plan.legs.as_slice() {
            [] => vec![service("checkout")],
            legs => legs.iter().map(|leg| leg.service.clone()).collect(),
        };
        let names: Vec<&str> = services.iter().map(Service::as_str).collect();
        let names = names.join(",");
        let asked = Asked {
            id: id.clone(),
            asker: ana(),
            command: CommandName::parse("deploy").unwrap(),
            words: format!("deploy {names} {environment} v2{confirm}"),
            target: Target { service: services[0].clone(), environment: Environment::parse(environment).unwrap() },
            with: services[1..].to_vec(),
            title: format!("deploy {names} to {environment}"),
            reason: None,
            channel: "slack:C1".to_owned(),
            tag: None,
            planning: Planning::Planned(plan),
            debt: None,
            lasts: None,
            begins: None,
            gives_back: None,
        };
        self.takes(&format!("ana asks for {names}"), &Incoming::Asked(Box::new(asked)))
    }

    fn comes_in(&mut self, id: &RequestId, commit: char) -> &mut Self {
        let commit = CommitId::parse(&commit.to_string().repeat(40)).unwrap();
        let outcome = Outcome::Landed(Landed::by_us(commit));
        self.takes("it lands", &Incoming::Happened { request: id.clone(), outcome })
    }

    fn settles(&mut self, name: &str, ending: Ending) -> &mut Self {
        self.happens(&format!("{name} is {}", ending.word()), Outcome::Settled(service(name), ending))
    }
}

fn newer() -> RequestId {
    RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7B").unwrap()
}

fn live() -> Ending {
    Ending::Live { seen: "2 of 2 pods run v2".into() }
}

#[test]
fn one_approval_is_of_all_and_each_comes_to_something_by_itself() {
    let mut talk = Talk::new();
    talk.asks_for_all(&id(), "prod", both("prod")).card().proposed();
    talk.presses(bo(), Press::Approve).presses(cy(), Press::Approve).merge_step().comes_in(&id(), 'c');
    let sync = |name: &str| {
        let commit = CommitId::parse(&"c".repeat(40)).unwrap();
        Outcome::Step(Step::Sync { commit, service: service(name) })
    };
    talk.happens("sync checkout", sync("checkout")).happens("sync payments", sync("payments"));
    talk.happens("sync payments again", sync("payments"));
    talk.settles("payments", Ending::NotLive { seen: "CrashLoopBackOff".into() });
    talk.settles("payments", live()).settles("checkout", live());
    talk.end(
        "
ana asks for checkout,payments: [request.opened request.planned] Taken -> waiting for approval, due Some(OpenPullRequest)
the card is posted: [card.posted] Go -> waiting for approval, due Some(OpenPullRequest)
the pull request opens: [pull_request.opened] Go -> waiting for approval, due Some(Watch)
slack:U2 presses approve: [approval.given] Taken -> waiting for approval, due Some(Watch)
slack:U3 presses approve: [approval.given request.approved] Taken -> landing, due Some(Merge)
about to merge: [merge.intent] Go -> landing, due Some(Merge)
it lands: [landing.done] Go -> rolling out, due Some(Follow)
sync checkout: [sync.intent] Go -> rolling out, due Some(Follow)
sync payments: [sync.intent] Go -> rolling out, due Some(Follow)
sync payments again: [] Go -> rolling out, due Some(Follow)
payments is in git, not live: [rollout.settled] Go -> rolling out, due Some(Follow)
payments is live: [] Stop -> rolling out, due Some(Follow)
checkout is live: [rollout.settled] Go -> rolling out, due Some(Follow)",
    );
    let request = &talk.requests[&id()];
    assert_eq!(request.unsettled(), []);
    let State::Following(course, _) = &request.state else { panic!("{:?}", request.state) };
    let seen = "payments: CrashLoopBackOff; checkout live".to_owned();
    assert_eq!(crate::core::request::whole(course), Ending::NotLive { seen });
    assert!(request.was_live_of(&service("checkout")) && !request.was_live_of(&service("payments")));
    assert!(request.changed(&target("prod")) && !request.changed(&target("staging")));
}

#[test]
fn what_is_denied_for_one_is_denied_for_all_and_says_for_which() {
    let mut talk = Talk::new();
    let plan = of("prod", &[("checkout", Field::ImageTag), ("payments", Field::Cpu)]);
    talk.asks_for_all(&id(), "prod", plan);
    talk.end(
        "
ana asks for checkout,payments: [request.refused] \"`payments`: the field is locked: it changes only by hand in git (measured in May). Change it in the repository, in a reviewed commit.\" -> none, due None",
    );
}

#[test]
fn what_is_denied_for_one_meanwhile_does_not_land_for_any() {
    let mut talk = Talk::new();
    talk.asks_for_all(&id(), "prod", both("prod")).card().proposed();
    talk.presses(bo(), Press::Approve).presses(cy(), Press::Approve);
    let locks = "locked: [ { environment: prod, service: payments, field: image_tag, because: it moves } ]\n";
    talk.rules =
        rules(&CATALOG.replace("locked: [ { environment: prod, field: cpu, because: measured in May } ]\n", locks));
    talk.merge_step();
    let State::Over { ending: Ending::Failed { why, .. }, commit: None, .. } = &talk.requests[&id()].state else {
        panic!("{:?}", talk.requests[&id()].state)
    };
    assert!(why.contains("`payments`: the field is locked"), "{why}");
}

#[test]
fn more_than_three_ask_for_the_name_of_the_environment() {
    let four = || {
        let legs = ["a", "b", "c", "d"].map(|name| (name, Field::ImageTag));
        of("staging", &legs)
    };
    let mut talk = Talk::new();
    talk.rules = rules(&CATALOG.replace("{ checkout: { team: shop } }", "{ a: {}, b: {}, c: {}, d: {} }"));
    talk.asks_in_words(&id(), "staging", four(), "").asks_in_words(&id(), "staging", four(), " confirm=a");
    talk.asks_in_words(&id(), "staging", four(), " confirm=staging");
    talk.end(
        "
ana asks for a,b,c,d: [request.refused] \"This changes 4 services in staging at once. If that is meant, type the environment's name with it: `/deploy a,b,c,d staging v2 confirm=staging`.\" -> none, due None
ana asks for a,b,c,d: [request.refused] \"This changes 4 services in staging at once. If that is meant, type the environment's name with it: `/deploy a,b,c,d staging v2 confirm=a confirm=staging`.\" -> none, due None
ana asks for a,b,c,d: [request.opened request.planned request.approved] Taken -> landing, due Some(Commit)",
    );
}

#[test]
fn a_newer_change_of_one_takes_over_that_one_and_leaves_the_other() {
    let mut talk = Talk::new();
    talk.rules = rules(&CATALOG.replace("landing: commit }", "landing: commit, cluster: staging }"));
    talk.asks_for_all(&id(), "staging", both("staging")).comes_in(&id(), 'c');
    talk.asks_for_all(&newer(), "staging", plan("staging", Field::ImageTag, "2", "3")).comes_in(&newer(), 'd');
    let request = &talk.requests[&id()];
    assert_eq!(request.unsettled(), [service("payments")]);
    assert_eq!(request.ending_of(&service("checkout")), Some(&Ending::Superseded { by: newer() }));
    talk.settles("payments", live());
    let State::Following(course, _) = &talk.requests[&id()].state else { panic!() };
    let seen = "payments; a newer change took over checkout".to_owned();
    assert_eq!(crate::core::request::whole(course), Ending::Live { seen });
}

#[test]
fn one_that_is_newer_and_of_all_takes_over_what_was_of_one() {
    let mut talk = Talk::new();
    talk.rules = rules(&CATALOG.replace("landing: commit }", "landing: commit, cluster: staging }"));
    talk.asks_for_all(&id(), "staging", plan("staging", Field::ImageTag, "1", "2")).comes_in(&id(), 'c');
    talk.asks_for_all(&newer(), "staging", both("staging")).comes_in(&newer(), 'd');
    assert_eq!(talk.requests[&id()].outcome_word(), "superseded");
}
