//! Groups that Slack, Discord and GitHub tell: read at the vote, a role given a moment ago does not count yet, and whoever
//! left somewhere has no vote anywhere.

use leverframe::play::{discord, exchange::Rule};
use serde_json::json;

use crate::{
    bot::{Scene, of_kind},
    together::{Chat, DEPLOYS, within, write},
};

const CATALOG: &str = ".leverframe/catalog.yaml";

/// The demo's catalog where nobody is a lead by it, and other places tell who is.
fn catalog(places: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    format!("{}groups: {{ leads: {{ {places} }} }}\n", text.replace(", groups: [leads]", ""))
}

async fn asked(chat: &Chat, service: &str) {
    assert_eq!(chat.says("ana", &format!("/deploy {service} prod v9.9.9")).await, "");
    chat.card_says(&format!("deploy {service} v9.9.9 to prod")).await;
    chat.settled().await;
}

/// Waits until the bot has read who is in the places.
async fn read(chat: &Chat, times: usize) {
    let mut changed = chat.world.pulse.changed();
    within("the groups to be read", async {
        while chat.count("group.seen") < times {
            chat.says("ana", "/help").await;
            changed.changed().await.unwrap();
        }
    })
    .await;
}

/// What somebody is told whose role is new, but for the time.
fn is_too_new(told: &str) -> bool {
    let begin = "You are in `leads` for less than an hour; your vote counts from ";
    told.starts_with(begin) && told.ends_with(" UTC on.\nAsk somebody from the group `leads`.")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_group_of_slack_is_a_group_and_who_joined_it_just_now_does_not_count() {
    let world = crate::together::world_with(&[(CATALOG, &catalog("slack: S0LEADS"))]).await;
    world.slack.set_group("S0LEADS", &["bo"]);
    let bot = crate::together::serve(&world).await;
    within("the bot to be ready", bot.engine.ready()).await;
    let start = world.repository.tip().unwrap();
    let chat = Chat { world, bot, start };
    read(&chat, 1).await;
    asked(&chat, "checkout").await;
    assert_eq!(
        chat.presses("dan", "Approve").await,
        "Your vote does not count here.\nAsk somebody from the group `leads`."
    );
    // Somebody makes Dan a lead by hand.
    chat.world.slack.set_group("S0LEADS", &["bo", "dan"]);
    let told = chat.presses("dan", "Approve").await;
    assert!(is_too_new(&told), "{told}");
    let told = chat.presses("dan", "Approve").await;
    assert!(is_too_new(&told), "{told}");
    // Bo is one since before anybody looked. Who is taken out has no vote at the next click.
    chat.world.slack.set_group("S0LEADS", &["dan"]);
    assert_eq!(
        chat.presses("bo", "Approve").await,
        "Your vote does not count here.\nAsk somebody from the group `leads`."
    );
    chat.world.slack.set_group("S0LEADS", &["bo"]);
    let told = chat.presses("bo", "Approve").await;
    assert!(is_too_new(&told), "{told}");
    assert_eq!((chat.count("group.seen"), chat.count("group.changed"), chat.count("approval.given")), (1, 3, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_place_cannot_say_counts_only_while_something_burns() {
    let world = crate::together::world_with(&[(CATALOG, &catalog("github: acme/leads"))]).await;
    world.github.set_team("acme/leads", &["bo", "cleo"]);
    let bot = crate::together::serve(&world).await;
    within("the bot to be ready", bot.engine.ready()).await;
    let start = world.repository.tip().unwrap();
    let chat = Chat { world, bot, start };
    asked(&chat, "checkout").await;
    let down =
        chat.world.github.server().exchanges().add(Rule::answers("GET", "/orgs", 403, &json!({"message": "no"})));
    // What was read a moment ago is good enough; nothing was read here if the first look failed.
    let told = chat.presses("bo", "Approve").await;
    let refused = told.starts_with("GitHub could not say who is in `acme/leads` (");
    assert!(told.is_empty() || refused, "{told}");
    down.release();
    if refused {
        assert_eq!(chat.presses("bo", "Approve").await, "");
    }
    chat.card_says("Live: 3 of 3 pods run v9.9.9.").await;
    assert_eq!((chat.count("group.seen"), chat.count("approval.given")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_of_discord_is_a_group_and_who_left_the_server_has_no_vote_in_slack() {
    let world = crate::together::world_with(&[(CATALOG, &catalog("discord: \"920000000000000007\""))]).await;
    world.discord.set_roles("bo", &["920000000000000007"]);
    world.discord.set_roles("cleo", &["920000000000000007"]);
    let bot = crate::together::serve(&world).await;
    within("the bot to be ready", bot.engine.ready()).await;
    let start = world.repository.tip().unwrap();
    let chat = Chat { world, bot, start };
    within("the commands to be registered", chat.world.commands_are_known()).await;
    read(&chat, 1).await;
    asked(&chat, "checkout").await;
    // An admin of the server gives Dan the role.
    chat.world.discord.set_roles("dan", &["920000000000000007"]);
    let told = chat.presses("dan", "Approve").await;
    assert!(is_too_new(&told), "{told}");
    // Cleo left the server: what she does in Slack counts no longer either.
    chat.world.discord.leaves("cleo");
    let told = chat.presses("cleo", "Approve").await;
    assert!(told.starts_with("Your account on Discord ended, so none of your accounts counts."), "{told}");
    let told = chat.says("cleo", "/deploy cart staging v9.9.9").await;
    assert!(told.starts_with("Your account belongs to nobody in the catalog."), "{told}");
    assert_eq!(chat.count("person.ended"), 1);
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Live: 3 of 3 pods run v9.9.9.").await;
    assert_eq!(chat.count("approval.given"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_deactivated_in_slack_has_no_vote_in_discord() {
    let chat = Chat::start().await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    chat.world.discord.says("ana", DEPLOYS, "/deploy checkout prod v1.2.5").await.unwrap();
    chat.settled().await;
    chat.world.slack.deactivate("bo");
    let pressed = chat.world.discord.presses("bo", discord::Which::Newest(DEPLOYS), "Approve").await.unwrap();
    let told = pressed.shown.unwrap_or_default();
    assert!(told.starts_with("Your account on Slack ended, so none of your accounts counts."), "{told}");
    chat.settled().await;
    assert_eq!((chat.count("person.ended"), chat.count("approval.given")), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_the_catalog_gave_just_now_counts_in_an_hour() {
    let chat = Chat::start().await;
    asked(&chat, "checkout").await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let dan = "github: dan-petrov, teams: [shop] }";
    assert!(text.contains(dan));
    let tip =
        write(&chat.world, &[(CATALOG, &text.replace(dan, "github: dan-petrov, teams: [shop], groups: [leads] }"))]);
    chat.reads(&tip).await;
    let told = chat.presses("dan", "Approve").await;
    assert!(is_too_new(&told), "{told}");
    assert_eq!(chat.presses("bo", "Approve").await, "");
    assert_eq!((chat.count("group.changed"), chat.count("approval.given")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_came_while_the_bot_was_away_is_new_when_it_is_back() {
    let scene = Scene::prepared(|world| {
        world.slack.set_group("S0LEADS", &["bo"]);
        write(world, &[(CATALOG, &catalog("slack: S0LEADS"))]);
    })
    .await;
    scene.recorded("group.seen").await;
    scene.killer().kill();
    scene.world.slack.set_group("S0LEADS", &["bo", "dan"]);
    scene.start_bot().await;
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    scene.until("the card waits", |scene| scene.card_says("Pull request #1")).await;
    scene.presses("dan", "Approve").await;
    scene.recorded("approval.refused").await;
    scene.presses("bo", "Approve").await;
    scene.until("it is live", |scene| scene.card_says("Live: 3 of 3 pods run v1.2.5.")).await;
    let ledger = scene.ledger().await;
    assert_eq!(of_kind(&ledger, "approval.given").len(), 1);
    assert_eq!(of_kind(&ledger, "group.changed")[0]["body"]["added"], json!(["U0DAN"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_back_votes_again() {
    let chat = Chat::start().await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    asked(&chat, "checkout").await;
    let path = "/guilds/900000000000000001/members/400000000000000002";
    let unknown = json!({"message": "Unknown Member", "code": 10007});
    let gone = chat.world.discord.server().exchanges().add(Rule::answers("GET", path, 404, &unknown));
    let ended = "Your account on Discord ended, so none of your accounts counts.";
    for _ in 0..2 {
        let told = chat.presses("bo", "Approve").await;
        assert!(told.starts_with(ended), "{told}");
    }
    gone.release();
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Live: 3 of 3 pods run v9.9.9.").await;
    assert_eq!((chat.count("person.ended"), chat.count("person.returned"), chat.count("approval.given")), (1, 1, 1));
}
