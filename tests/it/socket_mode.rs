//! The bot with the connections to Slack that it keeps open, and everything that happens to such connections.

use std::collections::BTreeMap;

use leverframe::{
    cli::serve::{self, Running},
    config::Config,
    play::{
        World,
        slack::{SocketOrder, Which},
    },
};

use crate::together::{DEPLOYS, within, world_with};

/// A bot that is connected, in its world.
async fn connected() -> (World, Running) {
    let world = world_with(&[]).await;
    let file = over_a_socket(&world);
    let bot = serve::start(Config::load(&file).unwrap()).await.unwrap();
    world.slack.set_connected();
    within("the bot to be ready", bot.engine.ready()).await;
    within("the bot to connect", world.slack.sockets_are(|open, _| open == 2)).await;
    (world, bot)
}

/// The world's configuration with `slack.transport: socket`.
pub(crate) fn over_a_socket(world: &World) -> std::path::PathBuf {
    let file = world.write_config("127.0.0.1:0").unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let http = format!("transport: http\n  api: \"{}\"", world.slack.api());
    assert!(text.contains(&http), "{text}");
    let text = text.replace(&http, &http.replace("http\n", "socket\n"));
    let (before, signing) = text.split_once("  signing_secret: ").unwrap();
    let (secret, after) = signing.split_once('\n').unwrap();
    let text = format!("{before}  app_token: {}\n{after}", secret.replace("/signing}", "/app}"));
    std::fs::write(&file, text).unwrap();
    file
}

async fn card_says(world: &World, words: &str) {
    let mut changed = world.pulse.changed();
    let said = async {
        let says =
            || world.slack.messages(DEPLOYS).unwrap().iter().any(|message| message.content.words().contains(words));
        while !says() {
            changed.changed().await.unwrap();
        }
    };
    within(&format!("a card that says {words:?}"), said).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_deploy_goes_over_the_open_connections() {
    let (world, bot) = connected().await;
    let answered = world.slack.says("ana", DEPLOYS, "/deploy checkout prod v1.2.5").await.unwrap().unwrap();
    assert_eq!((answered.status, answered.body.as_str()), (Some(200), ""));
    let again = world.slack.deliver_again(answered.delivery).await.unwrap();
    assert_eq!(again.body, "");
    card_says(&world, "Needs approval").await;
    let own = world.slack.presses("ana", Which::Newest(DEPLOYS), "Approve").await.unwrap();
    assert_eq!(own.status, Some(200));
    within("the refusal", bot.engine.settled()).await;
    assert!(
        world.slack.ephemerals("ana").unwrap().iter().any(|told| told.content.words().contains("You asked for this"))
    );
    world.slack.presses("bo", Which::Newest(DEPLOYS), "Approve").await.unwrap();
    card_says(&world, "*Done.* Live: ").await;
    assert_eq!(bot.engine.requests(9).await.len(), 1);
    // Nothing is taken over HTTP beside it.
    bot.stop().await;
    within("the connections to be closed", world.slack.sockets_are(|open, _| open == 0)).await;
}

/// How often connections are cut without being asked for more; `LEVERFRAME_CUTS=1000` makes it a thousand.
const CUTS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_cut_a_hundred_times_and_each_of_two_hundred_commands_is_answered_once() {
    let (world, bot) = connected().await;
    #[expect(clippy::disallowed_methods, reason = "how long a run is, is for whoever runs it to say")]
    let wanted = std::env::var("LEVERFRAME_CUTS").ok().and_then(|wanted| wanted.parse().ok()).unwrap_or(CUTS);
    let (mut dice, mut cuts, commands) = (12_345_usize, 0, 2 * wanted);
    for number in 0..commands {
        // Numerical Recipes' generator: the same cuts in every run.
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) % (1 << 32);
        let typed = format!("/deploy cart staging v9.9.{number}x{}", "y".repeat(200));
        let said = world.slack.says("ana", DEPLOYS, &typed);
        let answered = if cuts < wanted && (dice >> 16) % 8 < 5 {
            cuts += 1;
            let order = if dice % 11 == 0 { SocketOrder::CutAll } else { SocketOrder::Cut(dice >> 8) };
            let cut = async {
                for _ in 0..(dice >> 20) % 8 {
                    tokio::task::yield_now().await;
                }
                world.slack.order(order);
            };
            tokio::join!(said, cut).0
        } else {
            said.await
        };
        let answered = answered.unwrap().unwrap();
        assert_eq!(answered.status, Some(200), "{number}: {answered:?}");
        let told = answered.shown.unwrap();
        assert!(told.contains(&format!("v9.9.{number}x")), "{number}: {told}");
    }
    assert_eq!(cuts, wanted);
    within("late answers", bot.engine.settled()).await;
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    for told in world.slack.ephemerals("ana").unwrap() {
        *answers.entry(told.content.words()).or_default() += 1;
    }
    assert_eq!(answers.len(), commands);
    assert!(answers.values().all(|times| *times == 1), "{answers:#?}");
    let recorded = bot.engine.ledger().read(0, 1_000_000).unwrap();
    assert_eq!(recorded.iter().filter(|one| one.entry.kind == "request.refused").count(), commands);
    let (_, opened, again) = world.slack.sockets();
    println!(
        "{commands} commands, {cuts} cuts, {opened} connections opened, {again} envelopes sent again: each was answered once"
    );
    assert!(opened > 2, "{opened} opened");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_slack_will_close_is_followed_by_another_first() {
    let (world, bot) = connected().await;
    world.slack.order(SocketOrder::Refresh(0));
    within("another connection", world.slack.sockets_are(|open, opened| open == 2 && opened == 3)).await;
    let answered = world.slack.says("ana", DEPLOYS, "/help").await.unwrap().unwrap();
    assert!(answered.shown.unwrap().contains("`/lf deploy`"));
    assert_eq!(world.slack.sockets().2, 0, "nothing was sent again");
    bot.stop().await;
}

/// A stand-in for Slack that others wrote and that Slack's own client accepts; nothing, said, where it is not here.
async fn stand_in() -> Option<(tokio::process::Child, String)> {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let script = crate::contract::shared("peers/clients/slack_socket.mjs")?;
    let libraries = crate::contract::variable("PEER_CLIENTS").filter(|folder| folder.join("node_modules/ws").exists());
    let Some(libraries) = libraries else {
        println!("NOT CHECKED by slack_socket.mjs: set PEER_CLIENTS to what peers/clients/setup.sh prints");
        return None;
    };
    // What it imports is looked for beside it.
    let beside = tempfile::Builder::new().suffix(".mjs").tempfile_in(&libraries).unwrap().into_temp_path();
    std::fs::copy(script, &beside).unwrap();
    let mut command = tokio::process::Command::new("node");
    command.arg(&*beside).arg("serve").stdout(std::process::Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    within("the stand-in to start", said.read_line(&mut line)).await.unwrap();
    Some((child, line.trim().strip_prefix("BASE=").unwrap().to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stand_in_of_others_drives_a_deploy() {
    let Some((_child, base)) = stand_in().await else { return };
    let world = world_with(&[]).await;
    let file = over_a_socket(&world);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(&world.slack.api(), &format!("{base}/api"))).unwrap();
    let bot = serve::start(Config::load(&file).unwrap()).await.unwrap();
    within("the bot to be ready", bot.engine.ready()).await;
    let out = leverframe::net::Outgoing::new(&leverframe::net::Tls::default()).unwrap();
    let post = async |path: &str, body: serde_json::Value| {
        let address: url::Url = format!("{base}{path}").parse().unwrap();
        let answer = out.to(&address).post(address).body(body.to_string()).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.unwrap())
    };
    let says = async |text: &str, trigger: &str| {
        let payload = serde_json::json!({"team_id": "T0ACME", "channel_id": "C0DEPLOYS", "user_id": "U0ANA",
            "command": "/lf", "text": text, "trigger_id": trigger, "is_enterprise_install": "false"});
        let push = serde_json::json!({"type": "slash_commands", "payload": payload});
        let answered = async {
            loop {
                match post("/push", push.clone()).await {
                    // Nobody is connected yet, or whoever was is about to go.
                    (409 | 504, _) => tokio::task::yield_now().await,
                    answered => return answered,
                }
            }
        };
        within("an acknowledgement", answered).await
    };
    let (status, helped) = says("help", "1").await;
    assert!(status == 200 && helped["ack"]["text"].as_str().unwrap().contains("/lf deploy"), "{helped}");
    assert_eq!(says("deploy checkout staging v1.2.5", "2").await, (200, serde_json::json!({"ack": null})));
    post("/drop", serde_json::json!({"reason": "refresh_requested"})).await;
    assert_eq!(says("deploy checkout staging v1.2.5", "2").await, (200, serde_json::json!({"ack": null})));
    let live = async {
        let mut changed = world.pulse.changed();
        while !bot.engine.requests(9).await.iter().any(|request| request.was_live()) {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(200), changed.changed()).await;
        }
    };
    within("the deploy to be live", live).await;
    assert_eq!(bot.engine.requests(9).await.len(), 1);
    bot.stop().await;
}
