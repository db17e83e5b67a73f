//! Channels that people of another organisation read along in, in Slack: the card stays usable for members, others are
//! refused privately, and no value stands on it.

use leverframe::play::slack::Which;

use crate::together::{Chat, DEPLOYS};

/// What was posted or edited into the channel so far, in every version.
fn everything_said(chat: &Chat) -> String {
    let calls = chat.world.slack.server().exchanges().all();
    let written = |path: &str| path.ends_with("chat.postMessage") || path.ends_with("chat.update");
    let bodies = calls.iter().filter(|call| written(&call.path)).filter_map(|call| call.body.clone());
    bodies.map(|body| body.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_stay_off_a_card_that_outsiders_read_and_members_use_it() {
    let chat = Chat::start().await;
    chat.world.slack.share(DEPLOYS).unwrap();
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    let card = chat.card_says("Needs approval").await.content.words();
    assert!(
        card.contains("deploy checkout ••• to prod") && card.contains("shared with another organisation"),
        "{card}"
    );
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Live: ").await;
    chat.settled().await;
    let said = everything_said(&chat);
    assert!(said.contains("•••") && !said.contains("v1.2.5") && !said.contains("v1.2.4"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_refused_privately_there() {
    let chat = Chat::start().await;
    chat.world.slack.share(DEPLOYS).unwrap();
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("Needs approval").await;
    let pressed = chat.world.slack.presses("cleo", Which::Newest(DEPLOYS), "Reject with reason").await.unwrap();
    // The same click by somebody from a workspace that the channel is shared with: another team beside ours.
    for (button, entry) in [("Approve", 1), ("Reject with reason", 2)] {
        let form = chat.world.slack.form_of(pressed.delivery).unwrap();
        let fields: Vec<(String, String)> = serde_urlencoded::from_str(&form).unwrap();
        let mut payload: serde_json::Value = serde_json::from_str(&fields[0].1).unwrap();
        payload["user"]["team_id"] = "T9OTHER".into();
        payload["trigger_id"] = format!("1.{entry}.x").into();
        payload["actions"][0]["action_id"] = if button == "Approve" { "approve" } else { "reject_why" }.into();
        let form = serde_urlencoded::to_string([("payload", payload.to_string())]).unwrap();
        let before = chat.world.slack.ephemerals("cleo").unwrap().len();
        let answered = chat.world.slack.deliver_form("/slack/interactions", form).await.unwrap();
        assert_eq!((answered.status, answered.body.as_str()), (Some(200), ""));
        chat.settled().await;
        let told = chat.world.slack.ephemerals("cleo").unwrap();
        assert_eq!(told.len(), before + 1, "{button}");
        assert!(told.last().unwrap().content.words().contains("workspace"), "{button}");
        assert_eq!(chat.count("approval.given"), 0);
    }
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Live: ").await;
}
