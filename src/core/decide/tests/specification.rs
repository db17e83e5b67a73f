//! Who x what x where x facts, and what comes of it, in the words that people read. The snapshot is the specification:
//! it is meant to be read by somebody who decides whether it is right.

use std::fmt::Write;

use super::*;
use crate::core::{freeze::DECLARED, policy::Standing};

const CATALOG: &str = "\
environments:
  staging: { path: 'apps/{service}/staging', landing: commit }
  prod:
    path: 'apps/{service}/prod'
    time_zone: Europe/Madrid
    approvals:
      deploy: { count: 1, from: [group:leads] }
      rollback: { count: 1 }
      scale: [{ count: 1, from: [group:leads] }, { count: 1, from: [team:core] }]
services: { checkout: { team: shop } }
limits: { replicas: { min: 0, max: 9 } }
locked: [ { environment: prod, field: cpu, because: measured in May } ]
people:
  ana: { slack: U1, teams: [shop] }
  bo: { slack: U2, groups: [leads] }
  cy: { slack: U3, teams: [core] }
  gil: { slack: U5, guest_until: 2026-12-31, groups: [leads] }
  old: { slack: U6, guest_until: 2026-11-01, groups: [leads] }
";
const POLICY: &str = r#"
@id("shop-only") @reason("only team shop and leads change checkout") @remedy("Ask somebody of team shop.")
forbid (principal, action in [Action::"deploy", Action::"scale"], resource)
unless { principal in Team::"shop" || principal in Group::"leads" };

@id("nights") @reason("nobody is there to help") @remedy("Wait until 8:00, or roll back.")
forbid (principal, action == Action::"deploy", resource)
when { resource.environment == "prod" && (context.local_hour < 8 || context.local_hour >= 18) };

@id("three-times") @reason("that is more than three times as many") @remedy("Go in steps.")
forbid (principal, action, resource)
when { context has replicas_before && context has replicas_after && context.replicas_after > context.replicas_before * 3 };
"#;

/// The facts of a row.
const FACTS: [&str; 6] =
    ["in peace", "frozen", "frozen but for leads", "at night", "tag is missing", "in a direct message"];

fn whom(name: &str) -> Asker {
    match name {
        "ana" => asker("U1", Some("ana")),
        "bo" => asker("U2", Some("bo")),
        "cy" => asker("U3", Some("cy")),
        "gil" => asker("U5", Some("gil")),
        "old" => asker("U6", Some("old")),
        _ => asker("U9", None),
    }
}

fn company() -> Rules {
    let file = |path: &str, text: &str| SourceFile {
        path: RepoPath::parse(path).unwrap(),
        text: text.to_owned(),
        blob: String::new(),
    };
    let files = [file(".leverframe/catalog.yaml", CATALOG), file(".leverframe/policy.cedar", POLICY)];
    let commit = CommitId::parse(&"a".repeat(40)).unwrap();
    Rules::read(commit, &files, &[RepoPath::parse("apps/checkout/prod/x.yaml").unwrap()]).unwrap()
}

/// A talk in which the facts of a row hold.
fn talk(facts: &str) -> Talk {
    let mut talk = Talk { rules: company(), ..Talk::new() };
    if facts == "at night" {
        talk.now = "2026-11-21T21:00:00Z".parse().unwrap();
    }
    if facts.starts_with("frozen") {
        let exempt = if facts == "frozen" { json!([]) } else { json!(["group:leads"]) };
        let body = json!({
            "environments": ["prod"], "from": talk.now, "until": "2026-11-22T08:00:00Z", "exempt": exempt,
        });
        let mut draft = Draft::new(DECLARED, "freeze/01JD2Z6V8Q3K5N7P9R1T3W5Y7B", whom("bo").actor());
        draft.body = body.as_object().unwrap().clone();
        talk.folds(draft.with_text("reason", "release night"));
    }
    talk
}

/// What is asked for: a command with its plan.
fn wanted(what: &str, environment: &str) -> (&'static str, Plan) {
    match what {
        "deploy" => ("deploy", version(environment)),
        "rollback" => ("rollback", plan(environment, Field::ImageTag, "v2", "v1")),
        "scale 2 to 4" => ("scale", plan(environment, Field::Replicas, "2", "4")),
        "scale 2 to 7" => ("scale", plan(environment, Field::Replicas, "2", "7")),
        "scale 2 to 0" => ("scale", plan(environment, Field::Replicas, "2", "0")),
        "scale 9 to 10" => ("scale", plan(environment, Field::Replicas, "9", "10")),
        "set cpu" => ("deploy", plan(environment, Field::Cpu, "1", "2")),
        other => panic!("{other}"),
    }
}

fn outcome(who: &str, what: &str, environment: &str, facts: &str) -> String {
    outcome_of(who, what, environment, (facts, ""))
}

fn outcome_of(who: &str, what: &str, environment: &str, (facts, more): (&str, &str)) -> String {
    let mut talk = talk(facts);
    let (command, plan) = wanted(what, environment);
    let tag = (facts == "tag is missing" && what == "deploy").then(|| TagSeen::Missing {
        image: "registry/checkout".to_owned(),
        tag: "v2".to_owned(),
        nearest: vec![],
    });
    let channel = if facts == "in a direct message" { "slack:D1" } else { "slack:C1" };
    let asked = Asked {
        debt: None,
        lasts: None,
        begins: None,
        gives_back: None,
        id: id(),
        asker: whom(who),
        command: CommandName::parse(command).unwrap(),
        words: format!("{command} checkout {environment}{more}"),
        target: target(environment),
        title: format!("{command} checkout"),
        reason: None,
        channel: channel.to_owned(),
        tag,
        with: Vec::new(),
        planning: Planning::Planned(plan),
    };
    talk.takes("", &Incoming::Asked(Box::new(asked)));
    let Some(request) = talk.requests.get(&id()) else {
        let said = talk.log.last().unwrap();
        return format!("refused: {}", said.split('"').nth(1).unwrap());
    };
    let needs = &request.opened.needs;
    match needs.count {
        0 => "done at once".to_owned(),
        count if needs.from.is_empty() => format!("asks {count} of anybody else"),
        count if needs.from.len() > 1 => format!("asks {count}: {}", needs.from.join(" and ")),
        count => format!("asks {count} of {}", needs.from.join(" or ")),
    }
}

#[test]
fn who_may_ask_for_what_where() {
    let mut table = String::new();
    let mut cases = 0;
    for environment in ["staging", "prod"] {
        for what in ["deploy", "rollback", "scale 2 to 4", "scale 2 to 7", "scale 2 to 0", "scale 9 to 10", "set cpu"] {
            for facts in FACTS {
                // What a fact has no part in is said once.
                if what != "deploy" && !["in peace", "frozen", "frozen but for leads"].contains(&facts) {
                    continue;
                }
                for who in ["ana", "bo", "cy", "gil", "somebody unmapped"] {
                    let outcome = outcome(who, what, environment, facts);
                    writeln!(table, "{environment}, {facts}: {who}, {what}: {outcome}").unwrap();
                    cases += 1;
                }
            }
        }
    }
    assert!(cases >= 200, "{cases}");
    insta::assert_snapshot!(table);
}

#[test]
fn what_stops_a_service_is_typed_with_its_name() {
    let asks = |more: &str| outcome_of("ana", "scale 2 to 0", "prod", ("in peace", more));
    let refused = "refused: This leaves no replica of checkout in prod running.";
    assert!(asks(" 0").starts_with(refused) && asks(" 0 confirm=cart").starts_with(refused));
    assert!(asks(" 0 reason=\"confirm=checkout\"").starts_with(refused));
    assert_eq!(asks(" 0 confirm=checkout"), "asks 2: 1 of group:leads and 1 of team:core");
}

#[test]
fn whose_yes_counts_for_whom() {
    let mut table = String::new();
    let people = ["ana", "bo", "cy", "gil", "old", "somebody unmapped"];
    for (what, command) in [("deploy", "deploy"), ("scale 2 to 4", "scale"), ("rollback", "rollback")] {
        for requester in ["ana", "bo"] {
            for votes in people.iter().map(|one| vec![*one]).chain([
                vec!["bo", "cy"],
                vec!["cy", "bo"],
                vec!["bo", "bo"],
                vec!["bo", "gil"],
                vec!["gil", "bo"],
                vec!["ana", "bo"],
            ]) {
                let mut talk = talk("in peace");
                let asked = Asked {
                    debt: None,
                    lasts: None,
                    begins: None,
                    gives_back: None,
                    id: id(),
                    asker: whom(requester),
                    command: CommandName::parse(command).unwrap(),
                    words: format!("{command} checkout prod"),
                    target: target("prod"),
                    title: String::new(),
                    reason: None,
                    channel: "slack:C1".to_owned(),
                    tag: None,
                    with: Vec::new(),
                    planning: Planning::Planned(wanted(what, "prod").1),
                };
                talk.takes("", &Incoming::Asked(Box::new(asked))).card();
                let said: Vec<String> = votes
                    .iter()
                    .map(|who| {
                        talk.presses(whom(who), Press::Approve);
                        let line = talk.log.last().unwrap();
                        match line.split('"').nth(1) {
                            Some(words) => format!("{who}: {words}"),
                            None => format!("{who}: counts"),
                        }
                    })
                    .collect();
                let state = talk.requests[&id()].state.word();
                writeln!(table, "{what}, asked by {requester}: {} -> {state}", said.join("; ")).unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn nobody_unmapped_is_known_to_policy() {
    let rules = company();
    assert_eq!(principal(&rules.catalog, &whom("zed").actor()).standing, Standing::Unmapped);
}
