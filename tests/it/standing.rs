//! Who asks is looked up, on Slack by a call and on Discord by what comes with the command: who is deactivated, a bot or a
//! guest asks for nothing. Where Slack cannot be asked, levers move all the same, and the ledger says so.

use leverframe::play::exchange::Rule;
use serde_json::json;

use crate::together::Chat;

fn account(change: &serde_json::Value) -> serde_json::Value {
    let mut user =
        json!({"id": "U0ANA", "team_id": "T0ACME", "deleted": false, "is_bot": false, "is_restricted": false});
    user.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    json!({"ok": true, "user": user})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_member_in_good_standing_asks_for_nothing() {
    for (change, begins) in [
        (json!({"deleted": true}), "Your Slack account is deactivated, so nothing was done."),
        (json!({"is_bot": true}), "Bots cannot ask for changes, so nothing was done."),
        (json!({"is_restricted": true}), "Guests cannot ask for changes unless the catalog names them as guests"),
        (json!({"team_id": "T9"}), "Your Slack account belongs to another workspace, so nothing was done."),
    ] {
        let chat = Chat::start().await;
        let rule = Rule::answers("GET", "/api/users.info", 200, &account(&change));
        let _rule = chat.world.slack.server().exchanges().add(rule);
        let told = chat.says("ana", "/deploy checkout staging v1.2.5").await;
        assert!(told.starts_with(begins), "{told}");
        // Reading is no change.
        assert!(chat.says("ana", "/status checkout").await.contains("v1.2.4"));
        chat.settled().await;
        assert_eq!((chat.count("request.refused"), chat.commits(), chat.cards()), (1, 0, 0), "{change}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_slack_cannot_be_asked_levers_move_and_the_ledger_says_so() {
    let chat = Chat::start().await;
    let down = json!({"ok": false, "error": "internal_error"});
    let down = chat.world.slack.server().exchanges().add(Rule::answers("GET", "/api/users.info", 200, &down));
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("Live: ").await;
    assert_eq!(chat.count("identity.unseen"), 1);
    down.release();
    // Lately is within ten minutes, so that nobody is asked again.
    assert_eq!(chat.says("ana", "/rollback checkout staging v1.2.4").await, "");
    chat.settled().await;
    assert_eq!((chat.count("identity.unseen"), chat.count("request.refused")), (1, 0));
}
