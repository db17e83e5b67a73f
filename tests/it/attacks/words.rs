//! What people type: words that would call everybody, leave the folder, end the line, be an option of git, or carry a
//! secret out.

use std::fs;

use serde_json::Value;

use super::unmoved;
use crate::{
    bot::Scene,
    together::{Chat, DEPLOYS, within},
};

const NASTY: &str =
    "<!channel> @everyone *Approved by* <@U0CLEO> [x](https://evil.example.com) <https://evil.example.com|ok>";

/// Every text of a JSON value that its platform reads as markup.
fn texts<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(members) => {
            found.push(value);
            members.values().for_each(|member| texts(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a09_a_reason_calls_nobody_and_is_no_part_of_the_card() {
    let chat = Chat::start().await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    let typed = format!("/deploy checkout prod v1.2.5 reason=\"{NASTY}\"");
    assert_eq!(chat.says("ana", &typed).await, "");
    let card = chat.card_says("Needs approval").await;
    assert!(card.content.words().contains("@everyone"), "{}", card.content.words());
    let blocks = Value::from(card.content.blocks.clone());
    let mut all = Vec::new();
    texts(&blocks, &mut all);
    for text in all.iter().filter(|text| text["type"] == "mrkdwn") {
        let said = text["text"].as_str().unwrap();
        assert!(!said.contains("<!channel>") && !said.contains("U0CLEO") && !said.contains("evil"), "{said}");
    }
    assert!(
        !card.content.text.contains("<!channel>") && !card.content.text.contains("<@U0CLEO>"),
        "{}",
        card.content.text
    );
    let typed = format!("/deploy cart prod v9.9.9 reason=\"{NASTY}\"");
    chat.world.discord.says("dan", DEPLOYS, &typed).await.unwrap();
    chat.settled().await;
    let calls = chat.world.discord.server().exchanges().all();
    let posted = calls.iter().filter(|call| call.method == "POST" && call.path.ends_with("/messages"));
    let bodies: Vec<Value> = posted.filter_map(|call| call.body.clone()).collect();
    assert!(!bodies.is_empty());
    for body in bodies {
        assert_eq!(body["allowed_mentions"]["parse"], serde_json::json!([]), "{body}");
        assert!(!body["content"].as_str().unwrap_or_default().contains("@everyone"), "{body}");
    }
    unmoved(&chat);
}

/// Types each line as Ana: each is answered privately, and nothing comes of it.
async fn refused(chat: &Chat, lines: &[&str]) {
    for line in lines {
        let told = chat.says("ana", line).await;
        assert!(!told.is_empty(), "{line:?} was taken");
        assert!(!told.contains("panicked") && !told.contains("error occurred"), "{line:?}: {told}");
    }
    chat.settled().await;
    let opened = chat.count("request.opened");
    assert_eq!((opened, chat.count("push.intent"), chat.cards()), (0, 0, 0));
    unmoved(chat);
    assert_eq!(chat.world.repository.branches().unwrap().len(), 1, "no branch of anybody's making");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a10_names_lead_nowhere_outside() {
    let chat = Chat::start().await;
    let lines = [
        "/deploy ../../.github/workflows/x staging v1.2.5",
        "/deploy checkout ../../../etc v1.2.5",
        "/deploy ..%2f..%2f.leverframe staging v1.2.5",
        "/deploy checkout/../../.leverframe staging v1.2.5",
        "/deploy checkout staging/../../.leverframe v1.2.5",
        "/deploy .leverframe staging v1.2.5",
        "/env checkout staging ../../X y",
        "/flag checkout staging ../X on",
    ];
    refused(&chat, &lines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a11_values_end_no_line_of_yaml() {
    let chat = Chat::start().await;
    let lines = [
        "/deploy checkout staging \"v1\nspec: { replicas: 99 }\"",
        "/deploy checkout staging \"v1: &a\"",
        "/deploy checkout staging !!python/object",
        "/deploy checkout staging {x}",
        "/deploy checkout staging *alias",
        "/deploy checkout staging v1#comment",
        "/deploy checkout staging v1.2.5 digest=sha256:00\nx",
        "/scale checkout staging 1e9",
        "/scale checkout staging 0x10",
        "/scale checkout staging \"2 # more\"",
    ];
    refused(&chat, &lines).await;
    // A value that is a text stays one, whatever it looks like.
    let file = "apps/payments/staging/kustomization.yaml";
    let before = chat.world.repository.file(file).unwrap();
    let told = chat.says("ana", "/lf env payments staging NOTE \"yes: &a [x]\"").await;
    chat.settled().await;
    let after = chat.world.repository.file(file).unwrap();
    assert!(!told.is_empty() || chat.count("request.opened") == 1, "{told}");
    assert!(before.is_some() == after.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a12_no_word_becomes_an_option_or_a_reference_of_git() {
    let chat = Chat::start().await;
    let lines = [
        "/deploy checkout prod --upload-pack=touch",
        "/deploy checkout prod HEAD@{1}",
        "/deploy checkout prod -rf",
        "/lf revert --upload-pack=touch",
        "/lf revert a..b",
        "/lf revert HEAD@{1}",
        "/lf revert refs/heads/main:refs/heads/x",
        "/lf revert main^{/x}",
    ];
    refused(&chat, &lines).await;
    // What registries take for a tag is one, and no branch is called so.
    assert_eq!(chat.says("ana", "/deploy checkout prod a..b").await, "");
    chat.card_says("Pull request #1").await;
    let branches = chat.world.repository.branches().unwrap();
    let ours = |name: &str| name == "main" || name.strip_prefix("leverframe/").is_some_and(|id| id.len() == 26);
    assert!(branches.len() == 2 && branches.iter().all(|(name, _)| ours(name)), "{branches:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a14_no_secret_comes_out_anywhere() {
    let scene = Scene::start().await;
    let secrets: Vec<String> = fs::read_dir(scene.world.folder().join("secrets"))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .filter(|secret| secret.len() >= 20)
        .collect();
    assert!(secrets.len() >= 6, "{}", secrets.len());
    // Somebody pastes one into a reason; hosts quote them back in their errors.
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    scene.until("the card waits", |scene| scene.card_says("Pull request #1")).await;
    scene.world.git.server().stop().await;
    scene.says("ana", "/deploy checkout staging v1.2.5").await;
    scene.until("the trouble is said", |scene| scene.card_said("the git host cannot be reached")).await;
    scene.world.git.server().start_again().await.unwrap();
    scene.presses("bo", "Approve").await;
    scene.until("it is live", |scene| scene.card_says("Live: 3 of 3 pods run v1.2.5.")).await;
    let ledger: String = scene.ledger().await.iter().map(Value::to_string).collect();
    let bodies: String = scene.world.github.pulls().unwrap().iter().map(|pull| pull.body.clone()).collect();
    let log = scene.git(&["log", "--all", "--format=%B %an %ae"]).await;
    let (_, shown) = scene.command(&["audit", "show"]).await;
    let page = scene.page_says(&scene.address(), "/", "Leverframe").await;
    let metrics = scene.page_says(&scene.address(), "/metrics", "leverframe").await;
    for (place, text) in [
        ("messages and log", scene.told()),
        ("the ledger", ledger),
        ("a pull request", bodies),
        ("git", log),
        ("audit show", shown),
        ("the dashboard", page),
        ("the metrics", metrics),
    ] {
        let out = secrets.iter().filter(|secret| text.contains(secret.as_str())).count();
        assert_eq!(out, 0, "a secret is in {place}");
    }
}
