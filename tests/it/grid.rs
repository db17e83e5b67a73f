//! An organisation of several workspaces (Enterprise Grid) with the app installed in all of it, over HTTP and over open
//! connections: people of any of its workspaces ask and approve, those of another organisation do neither, whatever the
//! catalog says of their account, and whatever a payload calls it.

use leverframe::{
    cli::serve,
    config::Config,
    play::{World, exchange::Rule, slack::Home},
};
use serde_json::json;

use crate::{
    socket_mode::over_a_socket,
    together::{Chat, DEPLOYS, within, world_with},
};

const OURS: &str = "E0ACME";

/// How Slack reaches the bot.
#[derive(Clone, Copy)]
enum Way {
    Http,
    Socket,
}

fn home(team: &str, enterprise: &str) -> Home {
    Home { team: team.to_owned(), enterprise: enterprise.to_owned() }
}

/// A bot whose configuration names whose Slack it serves so.
async fn serving(world: World, way: Way, whose: &str) -> Chat {
    let file = match way {
        Way::Http => world.write_config("127.0.0.1:0").unwrap(),
        Way::Socket => over_a_socket(&world),
    };
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("  team: T0ACME\n"), "{text}");
    std::fs::write(&file, text.replace("team: T0ACME", whose)).unwrap();
    let bot = serve::start(Config::load(&file).unwrap()).await.unwrap();
    match way {
        Way::Http => world.set_bot(&format!("http://{}", bot.address)),
        Way::Socket => world.slack.set_connected(),
    }
    within("the bot to be ready", bot.engine.ready()).await;
    if let Way::Socket = way {
        within("the bot to connect", world.slack.sockets_are(|open, _| open == 2)).await;
    }
    let start = world.repository.tip().unwrap();
    Chat { world, bot, start }
}

/// Ana is in the workspace of the demo, Bo in another one of the same organisation, Cleo in another organisation.
async fn organised() -> World {
    let world = world_with(&[]).await;
    world.slack.set_organisation(OURS);
    world.slack.set_home("bo", home("T0OTHER", OURS));
    world.slack.set_home("cleo", home("T9ELSE", "E9ELSE"));
    world
}

/// What somebody is told that a mention or the home tab leads to.
async fn told(chat: &Chat, who: &str) -> String {
    chat.settled().await;
    let told = chat.world.slack.ephemerals(who).unwrap();
    told.last().map(|message| message.content.words()).unwrap_or_default()
}

const FOREIGN: &str = "I work for another workspace.";

async fn everything(way: Way) {
    let chat = serving(organised().await, way, &format!("enterprise: {OURS}")).await;
    let slack = &chat.world.slack;
    // Commands, forms, searches, mentions and the home tab of somebody from another workspace of the organisation.
    assert_eq!(chat.says("bo", "/lf deploy checkout").await, "");
    assert_eq!(slack.searches("bo", "environment", "stag").await.unwrap(), ["staging"]);
    let sent = slack.submits("bo", &[("environment", "staging"), ("version", "v1.2.5")]).await.unwrap();
    assert_eq!((sent.status, sent.shown), (Some(200), None));
    chat.card_says("*Done.* Live: ").await;
    slack.says("bo", DEPLOYS, "@leverframe status chekout").await.unwrap();
    assert!(told(&chat, "bo").await.contains("There is no service `chekout`"));
    slack.opens_home("bo").await.unwrap();
    chat.settled().await;
    assert!(slack.home("bo").unwrap().contains("You have nothing open."));
    // Somebody of another organisation asks, presses, mentions and looks: a lead, by the catalog.
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("Needs approval").await;
    let refused = chat.says("cleo", "/deploy cart staging v1.2.5").await;
    assert!(refused.starts_with(FOREIGN), "{refused}");
    assert!(chat.presses("cleo", "Approve").await.starts_with(FOREIGN));
    slack.says("cleo", DEPLOYS, "@leverframe deploy cart v1.2.5 to staging").await.unwrap();
    assert!(told(&chat, "cleo").await.starts_with(FOREIGN));
    slack.opens_home("cleo").await.unwrap();
    chat.settled().await;
    assert_eq!(slack.home("cleo"), None);
    assert_eq!((chat.count("approval.given"), chat.count("request.opened")), (0, 2));
    // The click says that it comes from our organisation; Slack says of the account that it does not.
    slack.set_home("cleo", home("T9ELSE", OURS));
    let stranger = json!({"ok": true, "user": {"id": "U0CLEO", "team_id": "T9ELSE", "is_stranger": true,
        "enterprise_user": {"id": "U0CLEO", "enterprise_id": "E9ELSE", "teams": ["T9ELSE"]}}});
    let rule = slack.server().exchanges().add(Rule::answers("GET", "/api/users.info?user=U0CLEO", 200, &stranger));
    assert!(chat.presses("cleo", "Approve").await.starts_with("Your Slack account belongs to another workspace"));
    rule.release();
    assert_eq!(chat.count("approval.given"), 0);
    // Bo approves from the other workspace.
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.* Live: ").await;
    chat.settled().await;
    assert_eq!((chat.count("approval.given"), chat.count("request.opened")), (1, 2));
    chat.bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_is_served_whole_over_http() {
    everything(Way::Http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_is_served_whole_over_open_connections() {
    everything(Way::Socket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_workspaces_are_named_the_others_of_the_organisation_are_refused() {
    for whose in [format!("team: T0ACME\n  enterprise: {OURS}"), "team: T0ACME".to_owned()] {
        let chat = serving(organised().await, Way::Http, &whose).await;
        let refused = chat.says("bo", "/deploy checkout prod v1.2.5").await;
        assert!(refused.starts_with(FOREIGN), "{whose}: {refused}");
        assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "", "{whose}");
        chat.card_says("Needs approval").await;
        assert!(chat.presses("bo", "Approve").await.starts_with(FOREIGN), "{whose}");
        assert_eq!((chat.count("request.opened"), chat.count("approval.given")), (1, 0), "{whose}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_group_of_an_organisation_is_asked_for_with_its_workspace() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let catalog = std::fs::read_to_string(path).unwrap().replace(", groups: [leads]", "");
    let catalog = format!("{catalog}groups: {{ leads: {{ slack: S0LEADS }} }}\n");
    let world = world_with(&[(".leverframe/catalog.yaml", &catalog)]).await;
    world.slack.set_organisation(OURS);
    world.slack.set_group("S0LEADS", &["bo"]);
    let chat = serving(world, Way::Http, &format!("team: [T0OTHER, T0ACME]\n  enterprise: {OURS}")).await;
    let elsewhere = json!({"ok": false, "error": "no_such_subteam"});
    let rule = Rule::answers("GET", "/api/usergroups.users.list?usergroup=S0LEADS&team_id=T0OTHER", 200, &elsewhere);
    let _rule = chat.world.slack.server().exchanges().add(rule);
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("Needs approval").await;
    assert!(chat.presses("dan", "Approve").await.starts_with("Your vote does not count here."));
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.* Live: ").await;
    chat.settled().await;
    assert_eq!(chat.count("approval.given"), 1);
}
