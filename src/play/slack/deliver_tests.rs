//! The workspace against a small bot of the test's own.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post as route};
use serde_json::{Value, json};

use crate::{
    play::{
        exchange::{Exchanges, Fault, Rule},
        post::post,
        pulse::Pulse,
        server::{Habits, Server, listen},
        slack::{Answered, SlackLookalike, SlackOptions, Which, signature, workspace::Metadata},
        tests::contracts,
    },
    secret::Secret,
};

type Heard = Arc<Mutex<Vec<(HeaderMap, String)>>>;

struct Scene {
    slack: SlackLookalike,
    bot: Server,
    heard: Heard,
}

/// A workspace, and a bot that answers every command with `answer`.
async fn scene(answer: &'static str) -> Scene {
    let heard = Heard::default();
    let hear = |State(heard): State<Heard>, headers: HeaderMap, body: Bytes| async move {
        heard.lock().unwrap().push((headers, String::from_utf8(body.to_vec()).unwrap()));
    };
    let router = Router::new()
        .route(
            "/slack/commands",
            route(move |state, headers, body| async move {
                hear(state, headers, body).await;
                answer
            }),
        )
        .route("/slack/interactions", route(hear))
        .with_state(Arc::clone(&heard));
    let habits = Habits { kept: &[], prefix: "" };
    let bot = Server::serve(listen(0).await.unwrap(), router, Exchanges::default(), habits).unwrap();
    let options = SlackOptions {
        app_token: Secret::new("xapp-test"),
        token: Secret::new("xoxb-1"),
        verification: "legacy".into(),
        port: 0,
        patience: Duration::from_millis(500),
        pulse: Pulse::default(),
    };
    let slack = SlackLookalike::start(options).await.unwrap();
    slack.set_bot(&bot.url(), Secret::new("sshh"));
    Scene { slack, bot, heard }
}

impl Scene {
    async fn calls(&self, method: &str, arguments: Value) -> Value {
        self.calls_as("xoxb-1", method, arguments).await
    }

    async fn calls_as(&self, token: &str, method: &str, arguments: Value) -> Value {
        let headers = [("content-type", "application/json".to_owned()), ("authorization", format!("Bearer {token}"))];
        let posted = post(&format!("{}/{method}", self.slack.api()), &headers, arguments.to_string()).await.unwrap();
        assert_eq!(posted.status, 200);
        serde_json::from_slice(&posted.body).unwrap()
    }

    async fn asks(&self, text: &str) -> Answered {
        self.slack.says("ana", "#deploys", text).await.unwrap().unwrap()
    }

    fn last_heard(&self) -> (HeaderMap, Vec<(String, String)>) {
        let (headers, body) = self.heard.lock().unwrap().last().unwrap().clone();
        let fields = serde_urlencoded::from_str(&body).unwrap();
        (headers, fields)
    }
}

fn card(button: &str) -> Value {
    json!([{"type": "section", "text": {"type": "mrkdwn", "text": "checkout: v1 → v2"}},
        {"type": "actions", "elements": [{"type": "button", "action_id": "approve", "value": "01J", "style": "primary",
            "text": {"type": "plain_text", "text": button}}]}])
}

#[test]
fn signatures_are_the_published_ones() {
    let Some(vectors) = contracts::read("slack/signature-vectors.json") else { return };
    for vector in vectors["vectors"].as_array().unwrap() {
        let [secret, timestamp, body, signature] = ["signing_secret", "timestamp", "body", "signature"]
            .map(|member| vector[member].as_str().unwrap_or_default());
        if vector["name"] == "docs-vector" {
            assert_eq!(signature::sign(&Secret::new(secret), timestamp, body), signature);
        }
    }
}

#[tokio::test]
async fn a_command_is_delivered_as_slack_sends_it_and_answered_privately() {
    let scene = scene(r#"{"response_type":"ephemeral","text":"there is no `chekout`"}"#).await;
    let answered = scene.asks("/deploy chekout prod v1").await;
    assert_eq!((answered.status, answered.shown.as_deref()), (Some(200), Some("there is no `chekout`")));
    let (headers, fields) = scene.last_heard();
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "token",
            "team_id",
            "team_domain",
            "channel_id",
            "channel_name",
            "user_id",
            "user_name",
            "command",
            "text",
            "api_app_id",
            "is_enterprise_install",
            "response_url",
            "trigger_id"
        ]
    );
    assert!(fields.contains(&("text".into(), "chekout prod v1".into())));
    let body = scene.heard.lock().unwrap()[0].1.clone();
    let stamp = headers["x-slack-request-timestamp"].to_str().unwrap();
    assert_eq!(headers["x-slack-signature"], signature::sign(&Secret::new("sshh"), stamp, &body));
    let private = scene.slack.ephemerals("ana").unwrap();
    assert_eq!(private[0].content.words(), "there is no `chekout`");
    assert!(scene.slack.messages("deploys").unwrap().is_empty());
    assert!(scene.slack.ephemerals("bo").unwrap().is_empty());
}

#[tokio::test]
async fn a_click_carries_everything_and_a_second_delivery_the_same() {
    let scene = scene("").await;
    let posted =
        scene.calls("chat.postMessage", json!({"channel": "C0DEPLOYS", "text": "t", "blocks": card("Approve")})).await;
    let pressed = scene.slack.presses("bo", Which::Newest("deploys"), "Approve").await.unwrap();
    assert_eq!((pressed.status, pressed.shown), (Some(200), None));
    let (_, fields) = scene.last_heard();
    let payload: Value = serde_json::from_str(&fields[0].1).unwrap();
    assert_eq!(payload["message"]["ts"], posted["ts"]);
    assert_eq!(payload["actions"][0]["value"], "01J");
    assert_eq!(payload["actions"][0]["block_id"], payload["message"]["blocks"][1]["block_id"]);
    assert!(contains_members(&payload, "slack/shapes/app-backend/interactive-components/BlockActionPayload.json"));
    scene.slack.deliver_again(pressed.delivery).await.unwrap();
    let (headers, again) = scene.last_heard();
    assert_eq!((again, headers["x-slack-retry-num"].to_str().unwrap()), (fields, "1"));
    let missing = scene.slack.presses("bo", Which::Newest("deploys"), "Reject").await.unwrap_err();
    assert_eq!(missing.to_string(), "there is no button `Reject`; the buttons there are: Approve");
}

/// Every member that Slack's own shape has at the top, apart from those only other surfaces have.
fn contains_members(payload: &Value, shape: &str) -> bool {
    let Some(shape) = contracts::read(shape) else { return true };
    let elsewhere = ["view", "app_unfurl", "function_data", "interactivity", "bot_access_token"];
    shape.as_object().unwrap().keys().all(|key| elsewhere.contains(&key.as_str()) || payload.get(key).is_some())
}

#[tokio::test]
async fn the_web_api_answers_in_slacks_words() {
    let scene = scene("").await;
    let error = |answer: Value| answer["error"].as_str().unwrap().to_owned();
    assert_eq!(error(scene.calls_as("wrong", "auth.test", json!({})).await), "invalid_auth");
    let said = |channel: &str| json!({"channel": channel, "text": "hello"});
    assert_eq!(error(scene.calls("chat.postMessage", said("C0NOWHERE")).await), "channel_not_found");
    assert_eq!(error(scene.calls("chat.postMessage", said("C0RANDOM")).await), "not_in_channel");
    assert_eq!(error(scene.calls("chat.postMessage", json!({"channel": "C0DEPLOYS"})).await), "no_text");
    let long = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(3001)}}]);
    let refused = scene.calls("chat.postMessage", json!({"channel": "C0DEPLOYS", "blocks": long})).await;
    assert_eq!(refused["error"], "invalid_blocks");
    assert!(refused["response_metadata"]["messages"][0].as_str().unwrap().contains("/blocks/0/text/text"));
    let update = json!({"channel": "C0DEPLOYS", "ts": "1.2", "text": "x"});
    assert_eq!(error(scene.calls("chat.update", update).await), "message_not_found");
    assert_eq!(
        scene.calls("users.info", json!({"user": "U0ANA"})).await["user"]["profile"]["email"],
        "ana@example.com"
    );
    assert_eq!(scene.calls("conversations.info", json!({"channel": "C0RANDOM"})).await["channel"]["is_member"], false);
}

#[tokio::test]
async fn messages_are_edited_in_place_and_found_by_their_metadata() {
    let scene = scene("").await;
    let metadata = json!({"event_type": "leverframe_request", "event_payload": {"request": "01J"}});
    let first = json!({"channel": "C0DEPLOYS", "text": "t", "blocks": card("Approve"), "metadata": metadata});
    let ts = scene.calls("chat.postMessage", first).await["ts"].clone();
    let mut changed = scene.slack.changed();
    let before = *changed.borrow_and_update();
    scene.calls("chat.update", json!({"channel": "C0DEPLOYS", "ts": ts, "text": "done", "blocks": []})).await;
    assert!(*changed.borrow_and_update() > before);
    let messages = scene.slack.messages("deploys").unwrap();
    assert_eq!((messages.len(), messages[0].content.words()), (1, "done".into()));
    assert_eq!(messages[0].earlier[0].words(), "checkout: v1 → v2\n[Approve]");
    let asked = json!({"channel": "C0DEPLOYS", "include_all_metadata": true, "limit": "5"});
    let history = scene.calls("conversations.history", asked).await;
    assert_eq!(history["messages"][0]["metadata"], metadata);
    assert_eq!(history["messages"][0]["edited"]["user"], "U0LEVERFRAME");
    assert!(messages[0].json(Metadata::Hidden).get("metadata").is_none());
    let link = scene.calls("chat.getPermalink", json!({"channel": "C0DEPLOYS", "message_ts": ts})).await;
    assert!(link["permalink"].as_str().unwrap().contains("/archives/C0DEPLOYS/p"));
}

#[tokio::test]
async fn a_bot_that_is_down_looks_as_it_does_in_slack() {
    let scene = scene("hello").await;
    scene.bot.stop().await;
    assert_eq!(scene.asks("/deploy").await.shown.unwrap(), "/deploy failed with the error \"dispatch_failed\"");
    scene.bot.start_again().await.unwrap();
    assert_eq!(scene.asks("/deploy").await.shown.unwrap(), "hello");
    let held = scene.bot.exchanges().add(Rule::on("POST", "/slack/", Fault::Hang));
    assert_eq!(scene.asks("/deploy").await.shown.unwrap(), "/deploy failed with the error \"operation_timeout\"");
    assert_eq!(held.hits(), 1);
}

#[tokio::test]
async fn a_rule_makes_the_api_slow_down() {
    let scene = scene("").await;
    let rule = Rule::answers("POST", "/api/chat.postMessage", 429, &json!({"ok": false, "error": "ratelimited"}));
    let rule = scene.slack.server().exchanges().add(rule.header("retry-after", "1").once());
    let headers = [("content-type", "application/json".to_owned()), ("authorization", "Bearer xoxb-1".to_owned())];
    let url = format!("{}/chat.postMessage", scene.slack.api());
    let body = json!({"channel": "C0DEPLOYS", "text": "x"}).to_string();
    assert_eq!(post(&url, &headers, body.clone()).await.unwrap().status, 429);
    assert_eq!(post(&url, &headers, body).await.unwrap().status, 200);
    assert_eq!((rule.hits(), scene.slack.messages("deploys").unwrap().len()), (1, 1));
}

#[tokio::test]
async fn the_bot_answers_later_through_the_response_address_five_times() {
    let scene = scene("").await;
    scene.asks("/deploy").await;
    let (_, fields) = scene.last_heard();
    let url = fields.iter().find(|(name, _)| name == "response_url").unwrap().1.clone();
    let headers = [("content-type", "application/json".to_owned())];
    for use_number in 0..6 {
        let body = json!({"text": format!("answer {use_number}")}).to_string();
        let status = post(&url, &headers, body).await.unwrap().status;
        assert_eq!(status, if use_number < 5 { 200 } else { 404 });
    }
    assert_eq!(scene.slack.ephemerals("ana").unwrap().len(), 5);
}
