//! Calls to a Web API on loopback that answers as told and keeps what it was asked.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::to_bytes,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use slack_morphism::blocks::SlackBlock;

use super::{
    client::{Identity, MessageRef, Post, SlackClient, SlackUser},
    contracts,
    error::SlackError,
};
use crate::{
    net::tests::{Served, client, nobody, serve},
    secret::Secret,
};

/// What was asked: method and path with query, the token, the body.
pub(super) type Asked = Arc<Mutex<Vec<(String, String, Value)>>>;

/// A Web API that gives each answer once, in order.
pub(super) async fn api(answers: Vec<Response>) -> (Served, SlackClient, Asked) {
    let asked = Asked::default();
    let (kept, answers) = (Arc::clone(&asked), Arc::new(Mutex::new(answers.into_iter())));
    let router = Router::new().fallback(any(move |request: Request| async move {
        let line = format!("{} {}", request.method(), request.uri());
        let token = request.headers()["authorization"].to_str().unwrap().to_owned();
        let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
        kept.lock().unwrap().push((line, token, serde_json::from_slice(&body).unwrap_or_default()));
        answers.lock().unwrap().next().unwrap()
    }));
    let server = serve(router).await;
    let slack = SlackClient::new(client(), &server.base.join("api/").unwrap(), &Secret::new("xoxb-1")).unwrap();
    (server, slack, asked)
}

pub(super) fn says(answer: Value) -> Response {
    axum::Json(answer).into_response()
}

fn post() -> Post {
    let blocks = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "*deploy*"}},
        {"type": "a_block_of_tomorrow", "x": [1]}]);
    let blocks: Vec<SlackBlock> = serde_json::from_value(blocks).unwrap();
    Post { channel: "C1".into(), text: "deploy".into(), blocks, request: "01J".into() }
}

fn at(ts: &str) -> MessageRef {
    MessageRef { channel: "C1".into(), ts: ts.into() }
}

#[tokio::test]
async fn a_card_is_posted_with_its_request_and_edited() {
    let echoed = json!({"ok": true, "channel": "C1", "ts": "17.5", "message": {"blocks": [{"type": 7}]}});
    let (_server, slack, asked) = api(vec![says(echoed.clone()), says(echoed)]).await;
    assert_eq!(slack.post(post()).await.unwrap(), at("17.5"));
    slack.update(&at("17.5"), "done".into(), Vec::new()).await.unwrap();
    let asked = asked.lock().unwrap();
    let posted = json!({"channel": "C1", "text": "deploy", "unfurl_links": false, "unfurl_media": false,
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*deploy*"}},
            {"type": "a_block_of_tomorrow", "x": [1]}],
        "metadata": {"event_type": "leverframe_request", "event_payload": {"request": "01J"}}});
    assert_eq!(asked[0], ("POST /api/chat.postMessage".into(), "Bearer xoxb-1".into(), posted));
    let updated = json!({"channel": "C1", "ts": "17.5", "text": "done", "blocks": []});
    assert_eq!(asked[1], ("POST /api/chat.update".into(), "Bearer xoxb-1".into(), updated));
}

#[tokio::test]
async fn the_bot_knows_who_it_is_and_whispers_and_links() {
    let tested = json!({"ok": true, "team_id": "T1", "user_id": "U9"});
    let linked = json!({"ok": true, "channel": "C1", "permalink": "https://acme.slack.com/archives/C1/p175"});
    let (_server, slack, asked) = api(vec![says(tested), says(json!({"ok": true})), says(linked)]).await;
    assert_eq!(slack.identity().await.unwrap(), Identity { team: "T1".into(), bot_user: "U9".into() });
    slack.whisper("C1", "U2", "no".into()).await.unwrap();
    assert_eq!(slack.permalink(&at("17.5")).await.unwrap(), "https://acme.slack.com/archives/C1/p175");
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0].0, "GET /api/auth.test");
    assert_eq!(asked[1].2, json!({"channel": "C1", "user": "U2", "text": "no"}));
    assert_eq!(asked[2].0, "GET /api/chat.getPermalink?channel=C1&message_ts=17.5");
}

#[tokio::test]
async fn a_card_is_found_again_pages_back() {
    let noise = json!([{"ts": "1.1", "text": "hi"}, {"ts": "1.2", "metadata": {"event_type": "x", "event_payload": 7}},
        {"ts": "1.3", "metadata": {"event_type": "leverframe_request", "event_payload": {"request": "01K"}}}]);
    let card =
        json!([{"ts": "1.4", "metadata": {"event_type": "leverframe_request", "event_payload": {"request": "01J"}}}]);
    let page = |messages: &Value, next: &str| {
        says(json!({"ok": true, "messages": messages, "response_metadata": {"next_cursor": next}}))
    };
    let (_server, slack, asked) = api(vec![page(&noise, "n1"), page(&card, ""), page(&noise, "")]).await;
    let since: Timestamp = "2026-11-21T08:00:00.5Z".parse().unwrap();
    assert_eq!(slack.find("C1", "01J", since).await.unwrap(), Some(at("1.4")));
    assert_eq!(slack.find("C1", "01J", since).await.unwrap(), None);
    let first = "GET /api/conversations.history?channel=C1&oldest=1795247700&inclusive=true&include_all_metadata=true&limit=200";
    let asked = asked.lock().unwrap();
    assert_eq!([asked[0].0.as_str(), asked[1].0.as_str()], [first, &format!("{first}&cursor=n1")]);
}

#[tokio::test]
async fn looking_for_a_card_ends() {
    let page = || says(json!({"ok": true, "messages": [], "response_metadata": {"next_cursor": "on"}}));
    let (_server, slack, asked) = api((0..20).map(|_| page()).collect()).await;
    assert_eq!(slack.find("C1", "01J", Timestamp::UNIX_EPOCH).await.unwrap(), None);
    assert_eq!(asked.lock().unwrap().len(), 10);
}

#[tokio::test]
async fn an_account_is_read_with_what_forbids_it_to_act() {
    let flags = json!({"ok": true, "user": {"id": "U2", "team_id": "T1", "deleted": true, "is_bot": true,
        "is_restricted": true, "is_ultra_restricted": true, "is_stranger": true, "profile": {"odd": []},
        "enterprise_user": {"id": "W2", "enterprise_id": "E1", "teams": ["T1", "T3"], "is_admin": false}}});
    let bare = json!({"ok": true, "user": {"id": "U2"}});
    let (_server, slack, _) = api(vec![says(flags), says(bare)]).await;
    let all = SlackUser {
        deleted: true,
        is_bot: true,
        restricted: true,
        ultra_restricted: true,
        stranger: true,
        team: "T1".into(),
        teams: vec!["T1".into(), "T3".into()],
        enterprise: Some("E1".into()),
    };
    assert_eq!(slack.user("U2").await.unwrap(), all);
    assert_eq!(slack.user("U2").await.unwrap().team, "");
}

/// What `post` says when the server answers so.
async fn refused(answer: Response) -> SlackError {
    let (_server, slack, _) = api(vec![answer]).await;
    slack.post(post()).await.unwrap_err()
}

#[tokio::test]
async fn every_refusal_has_its_remedy() {
    let says_no = |error: &str| says(json!({"ok": false, "error": error}));
    let invite = refused(says_no("not_in_channel")).await;
    assert_eq!(invite.to_string(), "Slack refused: not_in_channel");
    assert_eq!(invite.remedy(), "Type `/invite` and the bot's name in that channel.");
    let scope =
        refused(says(json!({"ok": false, "error": "missing_scope", "needed": "chat:write", "provided": "x"}))).await;
    assert_eq!(scope.remedy(), "Add the scope `chat:write` to the app's bot token scopes and install the app again.");
    let notes = json!({"messages": ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]});
    let blocks = refused(says(json!({"ok": false, "error": "invalid_blocks", "response_metadata": notes}))).await;
    assert!(blocks.to_string().contains("no more than 50 items"), "{blocks}");
    assert!(!blocks.is_passing());
    assert!(refused(says_no("internal_error")).await.is_passing());
    assert!(refused(says_no("invalid_auth")).await.remedy().contains("`slack.bot_token`"));
    assert!(
        matches!(refused(says(json!({"ok": false}))).await, SlackError::Refused { error, .. } if error == "unknown_error")
    );
}

#[tokio::test]
async fn limits_faults_and_garbage_are_told_apart() {
    let limited = (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")], "").into_response();
    assert!(
        matches!(refused(limited).await, SlackError::RateLimited { retry_after } if retry_after == Duration::from_secs(7))
    );
    let unsaid = (StatusCode::TOO_MANY_REQUESTS, "").into_response();
    assert!(
        matches!(refused(unsaid).await, SlackError::RateLimited { retry_after } if retry_after == Duration::from_secs(30))
    );
    let inside = says(json!({"ok": false, "error": "ratelimited"}));
    assert!(matches!(refused(inside).await, SlackError::RateLimited { .. }));
    let down = (StatusCode::BAD_GATEWAY, "<html>").into_response();
    assert!(matches!(refused(down).await, SlackError::Unreachable { cause } if cause == "502 Bad Gateway"));
    let away = (StatusCode::FOUND, [("location", "http://localhost/")], "").into_response();
    assert!(matches!(refused(away).await, SlackError::Garbage { cause } if cause == "302 Found"));
    assert!(matches!(refused("<html>".into_response()).await, SlackError::Garbage { .. }));
    assert!(matches!(refused(says(json!({"ok": true}))).await, SlackError::Garbage { .. }));
    assert!(matches!(refused(says(json!([1]))).await, SlackError::Garbage { .. }));
}

#[tokio::test]
async fn slack_being_gone_is_passing_and_tells_no_secret() {
    let slack = SlackClient::new(client(), &nobody().await, &Secret::new("xoxb-1")).unwrap();
    let gone = slack.identity().await.unwrap_err();
    assert!(matches!(gone, SlackError::Unreachable { .. }) && gone.is_passing());
    assert!(!format!("{slack:?} {gone:?} {gone} {}", gone.remedy()).contains("xoxb"));
    let wrong = SlackClient::new(client(), &"ftp://slack".parse().unwrap(), &Secret::new("x")).unwrap_err();
    assert!(matches!(wrong, SlackError::Settings(_)));
    assert!(SlackClient::new(client(), &"http://slack".parse().unwrap(), &Secret::new("x\n")).is_err());
}

#[tokio::test]
async fn slacks_example_answers_are_understood() {
    let Some(folder) = contracts() else { return };
    let examples: Value = serde_json::from_slice(&fs::read(folder.join("web-api-examples.json")).unwrap()).unwrap();
    let ok = |method: &str| says(examples[method]["ok"].clone());
    let methods = [
        "auth.test",
        "chat.postMessage",
        "chat.update",
        "chat.postEphemeral",
        "conversations.history",
        "users.info",
        "chat.getPermalink",
    ];
    let mut answers: Vec<_> = methods.iter().map(|method| ok(method)).collect();
    answers.insert(5, says(json!({"ok": true, "messages": []}))); // the example history has a second page
    let (_server, slack, _) = api(answers).await;
    assert_eq!(slack.identity().await.unwrap().team, "T12345678");
    assert_eq!(slack.post(post()).await.unwrap().channel, "C1H9RESGL");
    slack.update(&at("17.5"), "done".into(), Vec::new()).await.unwrap();
    slack.whisper("C1", "U2", "no".into()).await.unwrap();
    assert_eq!(slack.find("C1", "01J", Timestamp::UNIX_EPOCH).await.unwrap(), None);
    assert_eq!(slack.user("W012A3CDE").await.unwrap().team, "T012AB3C4");
    assert!(slack.permalink(&at("17.5")).await.unwrap().starts_with("https://"));
    for method in methods {
        let refused = refused(says(examples[method]["error"].clone())).await;
        assert!(matches!(refused, SlackError::Refused { .. }), "{method}: {refused}");
    }
}
