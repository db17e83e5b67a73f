//! Every call that the bot makes to GitHub, held against GitHub's own description of its API: there is such a call, with
//! such parameters and such a body, and it answers with such a status.

use std::{collections::BTreeSet, fs};

use leverframe::{
    clock,
    play::{
        exchange::Exchange,
        github::{forge::Verdict, merge::Method},
        people,
        repository::{DemoRepository, HandEdit},
    },
};
use serde_json::Value;

use crate::{
    contract::{script, shared, words},
    together::{Chat, within},
};

const FILE: &str = "apps/checkout/prod/kustomization.yaml";
const REPOSITORY: &str = "/repos/{owner}/{repo}";

/// The calls that were made, as the description names them, each judged; `None`, said, where it is not here.
pub(crate) fn described(exchanges: &[Exchange]) -> Option<BTreeSet<String>> {
    let file = shared("contracts/github/openapi.trimmed.json")?;
    let description: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    // Where codes are typed is no part of the API.
    let calls = exchanges.iter().filter(|exchange| !exchange.path.starts_with("/login/"));
    Some(calls.map(|exchange| judge(&description, exchange)).collect())
}

fn judge(description: &Value, exchange: &Exchange) -> String {
    let (path, query) = exchange.path.split_once('?').unwrap_or((&exchange.path, ""));
    let steps = |path: &str| path.trim_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
    let asked = steps(path);
    let fits = |template: &&String| {
        let template = steps(template);
        template.len() == asked.len()
            && template.iter().zip(&asked).all(|(one, other)| one.starts_with('{') || one == other)
    };
    let method = exchange.method.to_lowercase();
    let all = description["paths"].as_object().unwrap();
    let literal = |template: &&String| template.matches('{').count();
    let template = all.keys().filter(fits).min_by_key(literal);
    let template = template.unwrap_or_else(|| panic!("GitHub knows no {path}"));
    let call = &all[template][&method];
    assert!(call.is_object(), "GitHub knows no {method} {template}");
    let named = resolved_all(description, &call["parameters"]);
    for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
        let known = named.iter().any(|one| one["in"] == "query" && one["name"] == *name);
        assert!(known, "{method} {template} knows no `{name}`");
    }
    if let Some(body) = exchange.body.as_ref().and_then(Value::as_object) {
        let schema = resolved(description, &call["requestBody"]["content"]["application/json"]["schema"]);
        let forms = schema["oneOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
        let takes = |form: &Value| {
            let form = resolved(description, form);
            let required = form["required"].as_array().cloned().unwrap_or_default();
            body.keys().all(|member| form["properties"][member].is_object())
                && required.iter().all(|member| body.contains_key(member.as_str().unwrap()))
        };
        assert!(forms.iter().any(takes), "{method} {template} takes no {}", Value::Object(body.clone()));
    }
    if let Some(status) = exchange.status.filter(|status| *status < 400 && *status != 304) {
        assert!(call["responses"][status.to_string()].is_object(), "{method} {template} answers no {status}");
    }
    format!("{} {}", exchange.method, template.replace(REPOSITORY, ""))
}

fn resolved<'d>(description: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(at) => description.pointer(at.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

fn resolved_all<'d>(description: &'d Value, values: &'d Value) -> Vec<&'d Value> {
    values.as_array().into_iter().flatten().map(|value| resolved(description, value)).collect()
}

async fn proposed(chat: &Chat, number: u64) -> String {
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says(&format!("Pull request #{number}")).await;
    chat.settled().await;
    chat.world.github.pull(number).unwrap().head_sha
}

/// Everything that makes the bot ask: a foreign push, a closing, a check that is awaited, others' pull requests and
/// commits.
async fn busy_day(chat: &Chat) {
    let (github, dan) = (&chat.world.github, people::find("dan").unwrap());
    let on = |branch: &str| DemoRepository::open(chat.world.repository.path(), branch);
    proposed(chat, 1).await;
    let edit = HandEdit { path: FILE, before: "v1.2.5", after: "v6.6.6", message: "mine\n" };
    on(&github.pull(1).unwrap().head).edit_by_hand(dan, &edit, clock::now()).unwrap();
    chat.world.pulse.beat();
    chat.card_says("I merge only what I made.").await;
    github.closes("cleo", 1).unwrap();
    chat.card_says("was closed on GitHub by Cleo Okafor.").await;
    chat.settled().await;

    let edit = HandEdit { path: FILE, before: "count: 3", after: "count: 5", message: "more\n" };
    chat.world.repository.edit_by_hand(dan, &edit, clock::now()).unwrap();
    chat.world.pulse.beat();
    let noticed = async {
        while chat.count("outside.commit") == 0 {
            tokio::task::yield_now().await;
        }
    };
    within("the commit to be noticed", noticed).await;
    let head = proposed(chat, 2).await;
    github.require_checks(&["ci/test"]);
    github.checks(&head, "ci/test", None);
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Still running: `ci/test`").await;
    github.checks(&head, "ci/test", Some("success"));
    chat.card_says("*Done.*").await;

    let repository = git2::Repository::open_bare(chat.world.repository.path()).unwrap();
    let tip = repository.refname_to_id("refs/heads/main").unwrap();
    repository.reference("refs/heads/by-hand", tip, true, "").unwrap();
    let edit = HandEdit { path: FILE, before: "count: 5", after: "count: 7", message: "more\n" };
    let theirs = on("by-hand").edit_by_hand(dan, &edit, clock::now()).unwrap();
    github.opens("dan", "by-hand", "by hand").unwrap();
    let gated = async {
        let mut changed = chat.world.pulse.changed();
        while github.statuses(&theirs).is_empty() {
            changed.changed().await.unwrap();
        }
    };
    within("the gate to be published", gated).await;
    github.reviews("bo", 3, Verdict::Comment, "hm").unwrap();
    github.merges("dan", 3, Method::Squash).unwrap();
    chat.settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_the_bot_makes_is_one_of_githubs() {
    let chat = Chat::start().await;
    busy_day(&chat).await;
    let asked = chat.world.github.server().exchanges().all();
    let Some(calls) = described(&asked) else { return };
    for expected in [
        "GET /pulls",
        "POST /pulls",
        "GET /pulls/{pull_number}",
        "GET /pulls/{pull_number}/files",
        "GET /pulls/{pull_number}/reviews",
        "PUT /pulls/{pull_number}/merge",
        "POST /pulls/{pull_number}/requested_reviewers",
        "GET /issues/{issue_number}",
        "POST /issues/{issue_number}/labels",
        "POST /statuses/{sha}",
        "GET /commits/{ref}",
        "GET /commits/{ref}/status",
        "GET /commits/{ref}/check-runs",
        "GET /compare/{basehead}",
        "GET /git/blobs/{file_sha}",
    ] {
        assert!(calls.contains(expected), "{expected} was never asked: {calls:#?}");
    }
    println!("{} calls, all described: {calls:#?}", asked.len());
    if let (Some(check), Some(file)) = (script("contract.py"), shared("contracts/github/openapi.trimmed.json")) {
        let log = chat.world.folder().join("github.jsonl");
        chat.world.github.server().exchanges().write_jsonl(&log).unwrap();
        let judged = check(&[file.to_str().unwrap(), log.to_str().unwrap()]);
        assert!(judged.status.success(), "{}", words(&judged));
    }
}
