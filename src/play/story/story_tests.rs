//! Stories against a bot of the test's own: it answers every command with a card and every click with an edit.

use std::sync::Arc;

use axum::{Router, body::Bytes, extract::State as Held, routing::post as route};
use serde_json::{Value, json};

use super::*;
use crate::play::{
    WorldOptions,
    exchange::Exchanges,
    people,
    post::post,
    server::{Habits, Server, listen},
    story::parse,
};

type Bot = Arc<(String, String)>;

async fn call(bot: &Bot, method: &str, body: Value) {
    let headers = [("authorization", format!("Bearer {}", bot.1)), ("content-type", "application/json".to_owned())];
    post(&format!("{}/{method}", bot.0), &headers, body.to_string()).await.unwrap();
}

fn card(words: &str) -> Value {
    json!([{"type": "section", "text": {"type": "mrkdwn", "text": words}}, {"type": "actions", "elements": [
        {"type": "button", "action_id": "approve", "value": "1", "text": {"type": "plain_text", "text": "Approve"}}]}])
}

async fn command(Held(bot): Held<Bot>, body: Bytes) -> &'static str {
    if String::from_utf8_lossy(&body).contains("chekout") {
        return "there is no `chekout`";
    }
    let words = "deploy, request 01JD2Z6V8Q3K5N7P9R1T3W5Y7A";
    call(&bot, "chat.postMessage", json!({"channel": "C0DEPLOYS", "text": "t", "blocks": card(words)})).await;
    ""
}

async fn click(Held(bot): Held<Bot>, body: Bytes) {
    let form: Vec<(String, String)> = serde_urlencoded::from_bytes(&body).unwrap();
    let payload: Value = serde_json::from_str(&form[0].1).unwrap();
    let ts = &payload["message"]["ts"];
    call(&bot, "chat.update", json!({"channel": "C0DEPLOYS", "ts": ts, "text": "done", "blocks": []})).await;
}

async fn scene() -> (World, Server) {
    let world = World::start(WorldOptions::quick()).await.unwrap();
    let listener = listen(0).await.unwrap();
    world.write_config(&listener.local_addr().unwrap().to_string()).unwrap();
    let token = std::fs::read_to_string(world.folder().join("secrets/slack")).unwrap();
    let router = Router::new().route("/slack/commands", route(command)).route("/slack/interactions", route(click));
    let router = router.with_state(Arc::new((world.slack.api(), token)));
    (world, Server::serve(listener, router, Exchanges::default(), Habits { kept: &[], prefix: "" }).unwrap())
}

async fn told(steps: &str) -> Result<String, Failed> {
    let (world, _bot) = scene().await;
    let story = parse("story.yaml", &format!("title: A test\nsteps:\n{steps}")).unwrap();
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let ledger = async || {
        let count = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        (0..count).map(|number| format!("entry {number}")).collect()
    };
    tell(&story, (&world, Look::Slack), async || {}, ledger).await
}

#[tokio::test]
async fn a_story_is_told_with_people_bot_commits_and_ledger() {
    let told = told(
        "- ana says: /deploy chekout\n- expect private to ana: chekout\n- ana says: /deploy checkout\n\
         - expect card: request\n- bo presses: Approve\n- expect card: done\n\
         - dan edits: { file: apps/cart/prod/cart.yaml, replace: 'v3.4.1', with: 'v3.5.0', message: cart by hand }\n\
         - expect commits: 1\n- expect running: cart v3.5.0 in prod\n- expect pull requests: 0\n",
    );
    insta::assert_snapshot!(told.await.unwrap(), @"
    # A test

    ana says: /deploy chekout
      only ana sees:
        there is no `chekout`
      ledger: entry 0

    ana says: /deploy checkout
      card 1 in #deploys:
        deploy, request <request 1>
        [Approve]
      ledger: entry 1

    bo presses: Approve
      card 1 now says:
        done
      ledger: entry 2

    dan edits: apps/cart/prod/cart.yaml
      commit <commit 1> by Dan Petrov, committed by Dan Petrov:
        cart by hand
          apps/cart/prod/cart.yaml
          -                image: registry.example.com/shop/cart:v3.4.1   # same digest as prod unless somebody is testing
          +                image: registry.example.com/shop/cart:v3.5.0   # same digest as prod unless somebody is testing
      ledger: entry 3
    ");
}

#[tokio::test]
async fn a_step_that_is_not_true_names_its_line_and_what_was_found() {
    let failed = told("- ana says: /deploy checkout\n- expect card: merged\n").await.unwrap_err();
    assert_eq!((failed.line, failed.step.as_str()), (4, "expect card: merged"));
    assert!(failed.why.contains("[Approve]"), "{}", failed.why);
    assert!(failed.transcript.contains("card 1 in #deploys"), "{}", failed.transcript);
    let failed = told("- bo presses: Approve\n").await.unwrap_err();
    assert_eq!(
        failed.why,
        "there is no button `Approve`; the buttons there are: none. Name one of those by its words or its action id."
    );
}

#[test]
fn the_shipped_stories_are_read() {
    for (file, text) in [
        ("first-deploy.yaml", include_str!("../../../fixtures/stories/first-deploy.yaml")),
        ("rollback.yaml", include_str!("../../../fixtures/stories/rollback.yaml")),
        ("refused.yaml", include_str!("../../../fixtures/stories/refused.yaml")),
    ] {
        let story = parse(file, text).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(story.steps.len() > 3);
    }
    assert!(people::find("zed").is_some());
}
