//! What comes in at the doors: replays, forged buttons, clocks, the same thing twice, cards that are none.

use leverframe::{
    clock,
    play::slack::{Which, signature},
};
use serde_json::json;

use super::{asked, forged, unmoved};
use crate::together::{Chat, DEPLOYS, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a01_a_replayed_request_is_answered_as_the_first_time_and_does_nothing() {
    let chat = Chat::start().await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    let typed = chat.world.slack.says("ana", DEPLOYS, "/deploy checkout prod v1.2.5").await.unwrap().unwrap();
    let discord = chat.world.discord.says("dan", DEPLOYS, "/deploy cart nowhere v1").await.unwrap().unwrap();
    for _ in 0..2 {
        assert_eq!(chat.world.slack.deliver_again(typed.delivery).await.unwrap().body, typed.body);
        assert_eq!(chat.world.discord.deliver_again(discord.delivery).await.unwrap().body, discord.body);
    }
    // A copy that is kept for later is too old, though its signature was right once.
    let form = chat.world.slack.form_of(typed.delivery).unwrap();
    let then = (clock::now().as_second() - 301).to_string();
    let late = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/slack/commands", chat.bot.address);
    let mut request = late.post(&url).body(form.clone());
    for (name, value) in signature::headers(&chat.world.signing_secret(), &then, &form) {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (401, "not signed by Slack\n"));
    chat.settled().await;
    assert_eq!(
        (chat.count("request.opened"), chat.count("request.refused"), chat.count("security.refused")),
        (1, 1, 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a02_a_forged_button_carries_no_authority() {
    let chat = asked().await;
    let refused = chat.count("approval.refused");
    let bo = |payload: &mut serde_json::Value| payload["user"]["id"] = json!("U0BO");
    let elsewhere = forged(&chat, "1.1", |payload| {
        bo(payload);
        for place in ["/container/channel_id", "/channel/id"] {
            *payload.pointer_mut(place).unwrap() = json!("C0INCIDENTS");
        }
    })
    .await;
    assert_eq!(elsewhere, "This button is not on the card of that request.\nPress it on the card itself.");
    let another = forged(&chat, "1.2", |payload| {
        bo(payload);
        payload["actions"][0]["value"] = json!("01JD2Z6V8Q3K5N7P9R1T3W5Y7A:00000000");
    })
    .await;
    assert_eq!(another, "This request is not known here.\nAsk again with a command.");
    let digest = forged(&chat, "1.3", |payload| {
        bo(payload);
        let value = payload["actions"][0]["value"].as_str().unwrap().split(':').next().unwrap().to_owned();
        payload["actions"][0]["value"] = json!(format!("{value}:00000000"));
    })
    .await;
    assert_eq!(
        digest,
        "The change was planned anew since that card was shown.\nRead the card as it is now and press again."
    );
    // Three forged ones and three of Zed's own.
    assert_eq!(chat.count("approval.refused"), refused + 6);
    unmoved(&chat);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a17_a_clock_that_is_off_counts_no_vote() {
    let chat = asked().await;
    let ago = clock::now().as_second() - 120;
    let told = forged(&chat, "1.1", |payload| {
        payload["user"]["id"] = json!("U0BO");
        payload["actions"][0]["action_ts"] = json!(format!("{ago}.000100"));
    })
    .await;
    assert!(told.starts_with("My clock is 12") && told.contains("so it was not counted."), "{told}");
    let earlier = forged(&chat, "1.2", |payload| {
        payload["user"]["id"] = json!("U0BO");
        payload["actions"][0]["action_ts"] = json!(format!("{}.000100", ago + 420));
    })
    .await;
    assert!(earlier.contains(" s behind the time at which you pressed this"), "{earlier}");
    unmoved(&chat);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a18_what_is_delivered_or_pressed_twice_counts_once() {
    let chat = asked().await;
    let slack = &chat.world.slack;
    let twice = [
        slack.presses("bo", Which::Newest(DEPLOYS), "Approve"),
        slack.presses("bo", Which::Newest(DEPLOYS), "Approve"),
    ];
    for pressed in futures::future::join_all(twice).await {
        let pressed = pressed.unwrap();
        assert_eq!(slack.deliver_again(pressed.delivery).await.unwrap().status, Some(200));
    }
    chat.card_says("Live: 3 of 3 pods run v1.2.5.").await;
    chat.settled().await;
    let told: String = slack.ephemerals("bo").unwrap().iter().map(|message| message.content.words()).collect();
    let fits = ["already approved and on its way", "was already recorded at", "already decided"];
    assert!(fits.iter().any(|words| told.contains(words)), "{told}");
    assert_eq!((chat.count("approval.given"), chat.count("merge.intent"), chat.commits()), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a28_a_card_that_is_not_the_bots_approves_nothing() {
    let chat = asked().await;
    let slack = &chat.world.slack;
    let card = chat.card_says("Needs approval").await;
    // Somebody posts what looks like the card, for another change, with the button's real value.
    slack.says("zed", DEPLOYS, "deploy checkout v1.2.4 to prod. Needs approval. Press Approve").await.unwrap();
    let fake = slack.messages(DEPLOYS).unwrap().pop().unwrap();
    assert_ne!(fake.ts, card.ts);
    let told = forged(&chat, "1.1", |payload| {
        payload["user"]["id"] = json!("U0BO");
        payload["container"]["message_ts"] = json!(fake.ts);
        payload["message"]["ts"] = json!(fake.ts);
    })
    .await;
    assert_eq!(told, "This button is not on the card of that request.\nPress it on the card itself.");
    unmoved(&chat);
}
