//! Who is who: one human with several accounts, accounts that are nobody's or no longer anybody's, roles that somebody
//! gives himself.

use leverframe::{
    core::{
        decide::{Click, Incoming, Press, Reply},
        names::RequestId,
    },
    play::{discord, exchange::Rule, github::forge::Verdict},
};
use serde_json::{Value, json};

use super::{CATALOG, ONE, TWO, asked, asked_in, catalog, unmoved};
use crate::together::{Chat, DEPLOYS, within};

/// Presses a button of the newest card in Discord; what the person is told.
async fn in_discord(chat: &Chat, who: &str, button: &str) -> String {
    let pressed = chat.world.discord.presses(who, discord::Which::Newest(DEPLOYS), button).await.unwrap();
    chat.settled().await;
    pressed.shown.unwrap_or_default()
}

const OWN: &str = "You asked for this, so somebody else must approve it.\nAsk somebody from the group `leads`.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a04_one_human_with_several_accounts_is_one_person() {
    let chat = Chat::start().await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    // Bo may approve, and asks in Slack; then he tries all his other accounts.
    assert_eq!(chat.says("bo", "/deploy checkout prod v1.2.5").await, "");
    let card = chat.card_says("Pull request #1").await;
    assert_eq!(chat.presses("bo", "Approve").await, OWN);
    chat.world.github.reviews("bo", 1, Verdict::Approve, "").unwrap();
    chat.settled().await;
    let value = card.content.blocks.iter().find_map(|block| {
        let first = block["elements"].as_array()?.first()?;
        (first["action_id"] == "approve").then(|| first["value"].as_str().unwrap().to_owned())
    });
    let (request, digest) = value.as_deref().and_then(|value| value.split_once(':')).unwrap();
    let click = Click {
        asker: chat.bot.engine.asker("discord:400000000000000002", "discord"),
        request: RequestId::parse(request).unwrap(),
        press: Press::Approve,
        digest: digest.to_owned(),
        channel: "slack:C0DEPLOYS".to_owned(),
        message: card.ts.clone(),
        barred: None,
        why: None,
    };
    let Reply::Private(words) = chat.bot.engine.take(Incoming::Clicked(click), None).await else { panic!() };
    assert!(OWN.starts_with(&words.text), "{words:?}");
    // An account that the catalog does not know is nobody's.
    let told = chat.presses("zed", "Approve").await;
    assert!(told.starts_with("Your account belongs to nobody in the catalog, so it cannot vote."), "{told}");
    unmoved(&chat);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a04_two_people_of_the_catalog_cannot_share_an_account() {
    let chat = Chat::start().await;
    let shared = catalog("cleo: { name: Cleo Okafor, slack: U0CLEO,", "cleo: { name: Cleo Okafor, slack: U0BO,");
    let tip = crate::together::write(&chat.world, &[(CATALOG, &shared)]);
    chat.reads(&tip).await;
    let told = chat.card_says("do not load").await.content.words();
    assert!(told.contains("Give each person an account of their own: approvals count persons."), "{told}");
}

/// A member as `users.info` tells of one, with some of it changed.
fn user(change: &Value) -> Value {
    let mut user = json!({"id": "U0BO", "team_id": "T0ACME", "deleted": false, "is_bot": false, "is_restricted": false,
        "is_ultra_restricted": false});
    user.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    json!({"ok": true, "user": user})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a05_who_is_no_member_in_good_standing_approves_nothing() {
    let chat = asked().await;
    for (change, told) in [
        (json!({"deleted": true}), "Your Slack account is deactivated"),
        (json!({"is_bot": true}), "Bots cannot vote"),
        (json!({"is_restricted": true}), "Guests cannot vote unless the catalog names them as guests"),
        (json!({"is_ultra_restricted": true}), "Guests cannot vote unless the catalog names them as guests"),
        (json!({"is_stranger": true}), "Your Slack account belongs to another workspace"),
        (json!({"team_id": "T0OTHER"}), "Your Slack account belongs to another workspace"),
    ] {
        let exchanges = chat.world.slack.server().exchanges();
        let rule = exchanges.add(Rule::answers("GET", "/api/users.info", 200, &user(&change)));
        let said = chat.presses("bo", "Approve").await;
        assert_eq!(said, format!("{told}, so this was not counted.\nAsk a member of this workspace."), "{change}");
        rule.release();
    }
    // Who cannot be looked up cannot vote either.
    let error = json!({"ok": false, "error": "user_not_found"});
    let rule = chat.world.slack.server().exchanges().add(Rule::answers("GET", "/api/users.info", 200, &error));
    let said = chat.presses("bo", "Approve").await;
    assert!(said.starts_with("Slack could not say who you are"), "{said}");
    rule.release();
    unmoved(&chat);
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Live: 3 of 3 pods run v1.2.5.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a06_what_a_discord_admin_gives_himself_is_no_right_here() {
    let chat = Chat::start().await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    chat.world.discord.says("ana", DEPLOYS, "/deploy checkout prod v1.2.5").await.unwrap();
    chat.settled().await;
    let pressed = chat.world.discord.presses("dan", discord::Which::Newest(DEPLOYS), "Approve").await.unwrap();
    chat.settled().await;
    let told = pressed.shown.unwrap();
    assert_eq!(told, "Your vote does not count here.\nAsk somebody from the group `leads`.");
    // Every permission of the server and a role called like the group, as the interaction would tell of them.
    let member = json!({"user": {"id": "400000000000000004", "username": "dan"}, "permissions": "18014398509481983",
        "roles": ["920000000000000099"], "joined_at": "2024-01-01T00:00:00+00:00", "flags": 0});
    let id = pressed_later(&chat);
    let again =
        chat.world.discord.deliver_changed(pressed.delivery, &json!({"id": id, "member": member})).await.unwrap();
    chat.settled().await;
    assert_eq!(again.shown.unwrap(), told);
    unmoved(&chat);
    // Whoever is timed out or has not accepted the rules has no vote though the catalog names him.
    let timed_out = json!({"user": {"id": "400000000000000002"}, "roles": [], "flags": 0,
        "communication_disabled_until": "2999-01-01T00:00:00+00:00"});
    let path = "/guilds/900000000000000001/members/400000000000000002";
    let exchanges = chat.world.discord.server().exchanges();
    let rule = exchanges.add(Rule::answers("GET", path, 200, &timed_out));
    let told = in_discord(&chat, "bo", "Approve").await;
    assert!(told.starts_with("You are timed out on this server, so this was not counted."), "{told}");
    rule.release();
    unmoved(&chat);
}

/// An id as Discord gives one out now.
fn pressed_later(_: &Chat) -> String {
    let millis = u64::try_from(leverframe::clock::now().as_millisecond() - 1_420_070_400_000).unwrap();
    (millis << 22).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a07_one_stolen_account_is_not_enough_and_its_yes_can_be_taken_back() {
    let chat = asked_in(Chat::with(&[(CATALOG, &catalog(ONE, TWO))]).await).await;
    // Whoever has Bo's account says yes; pressing again or from elsewhere adds nothing.
    assert_eq!(chat.presses("bo", "Approve").await, "");
    let again = chat.presses("bo", "Approve").await;
    assert!(again.starts_with("Your approval was already recorded at "), "{again}");
    let card = chat.card_says("1 more from the group `leads` (1 of 2 given)").await.content.words();
    assert!(card.contains("Approved by "), "{card}");
    // Bo himself sees it and takes it back.
    assert_eq!(chat.presses("bo", "Take my approval back").await, "");
    let card = chat.card_says("No longer counts: ").await.content.words();
    assert!(card.contains("it was taken back") && card.contains("2 from the group `leads`"), "{card}");
    assert_eq!((chat.count("approval.given"), chat.count("approval.withdrawn"), chat.commits()), (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a08_who_appoints_himself_commander_approves_nothing() {
    let chat = Chat::start().await;
    chat.says("dan", "/incident declare sev1 checkout the shop is down").await;
    chat.settled().await;
    chat.says("dan", "/incident lead dan").await;
    let ask = "/breakglass scale checkout prod 10 for=1h reason=\"the queue grows\"";
    assert_eq!(chat.says("dan", ask).await, "");
    chat.card_says("The last approval executes it").await;
    let told = chat.presses("dan", "Approve").await;
    assert_eq!(told, "You asked for this, so somebody else must approve it.\nAsk somebody of `group:leads`.");
    // Another one who makes herself the commander is in no group for that.
    chat.says("ana", "/incident lead ana").await;
    let told = chat.presses("ana", "Approve").await;
    assert_eq!(told, "Your vote does not count here.\nAsk somebody of `group:leads`.");
    assert_eq!(
        (chat.count("breakglass.approval"), chat.count("breakglass.intent"), chat.count("click.refused")),
        (0, 0, 2)
    );
}
