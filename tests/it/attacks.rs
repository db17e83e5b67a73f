//! Attacks, each on the real bot as whoever makes it would: what they see, that nothing came of it, and what the ledger
//! remembers. The numbers are those of the threat model that the project was planned by.

mod changes;
mod doors;
mod people;
mod words;

use leverframe::play::slack::Which;
use serde_json::{Value, json};

use crate::together::{Chat, DEPLOYS};

const CATALOG: &str = ".leverframe/catalog.yaml";
const ONE: &str = "deploy: { count: 1, from: [group:leads] }";
const TWO: &str = "deploy: { count: 2, from: [group:leads] }";

/// The demo's catalog with something else in it.
fn catalog(replace: &str, with: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(replace), "{replace} is not in the demo's catalog");
    text.replace(replace, with)
}

/// The demo where Ana has asked for v1.2.5 in production and its card is there.
async fn asked() -> Chat {
    asked_in(Chat::start().await).await
}

async fn asked_in(chat: Chat) -> Chat {
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("Pull request #1").await;
    chat.settled().await;
    chat
}

/// A click on the newest card as Slack delivers it, with some of it changed by whoever forges it and as an event of its
/// own; what the person in it is told.
async fn forged(chat: &Chat, trigger: &str, change: impl FnOnce(&mut Value)) -> String {
    let slack = &chat.world.slack;
    // Zed's own click is refused; its delivery is what is copied.
    let pressed = slack.presses("zed", Which::Newest(DEPLOYS), "Approve").await.unwrap();
    chat.settled().await;
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(&slack.form_of(pressed.delivery).unwrap()).unwrap();
    let mut payload: Value = serde_json::from_str(&fields[0].1).unwrap();
    payload["trigger_id"] = json!(trigger);
    change(&mut payload);
    let who = payload["user"]["id"].as_str().unwrap().to_owned();
    let before = slack.ephemerals(&who).unwrap().len();
    let form = serde_urlencoded::to_string([("payload", payload.to_string())]).unwrap();
    assert_eq!(slack.deliver_form("/slack/interactions", form).await.unwrap().status, Some(200));
    chat.settled().await;
    let told = slack.ephemerals(&who).unwrap();
    told.iter().skip(before).map(|message| message.content.words()).collect::<Vec<_>>().join("\n")
}

/// Nothing was approved, and nothing is in git.
fn unmoved(chat: &Chat) {
    assert_eq!((chat.count("approval.given"), chat.count("landing.done"), chat.commits()), (0, 0, 0));
}
