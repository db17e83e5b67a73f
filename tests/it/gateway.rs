//! The bot with the connection to Discord that it keeps open, and everything that happens to such connections.

use std::time::Duration;

use leverframe::{
    cli::serve::{self, Running},
    config::Config,
    play::{World, discord::Order},
};

use crate::together::{DEPLOYS, within, world_with};

/// A bot that is connected, in its world.
async fn connected() -> (World, Running) {
    let world = world_with(&[]).await;
    let file = world.write_config("127.0.0.1:0").unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let http = format!("transport: http\n  api: \"{}\"", world.discord.api());
    assert!(text.contains(&http), "{text}");
    let text = text.replace(&http, &http.replace("http\n", "gateway\n"));
    let text: String =
        text.lines().filter(|line| !line.contains("public_key")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, text).unwrap();
    let bot = serve::start(Config::load(&file).unwrap()).await.unwrap();
    world.discord.set_connected();
    within("the bot to be ready", bot.engine.ready()).await;
    within("the commands to be registered", world.commands_are_known()).await;
    within("the bot to connect", world.discord.sessions_are(|begun, _| begun == 1)).await;
    (world, bot)
}

async fn help(world: &World) -> String {
    let answered = world.discord.says("ana", DEPLOYS, "/help command=deploy").await.unwrap().unwrap();
    assert_eq!(answered.status, Some(200), "{answered:?}");
    answered.shown.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_goes_over_the_open_connection() {
    let (world, bot) = connected().await;
    let answered = world.discord.says("ana", DEPLOYS, "/deploy checkout staging v1.2.5").await.unwrap().unwrap();
    let body: serde_json::Value = serde_json::from_str(&answered.body).unwrap();
    assert_eq!(body, serde_json::json!({"type": 5, "data": {"flags": 64}}));
    let again = world.discord.deliver_again(answered.delivery).await.unwrap();
    assert_eq!(again.body, answered.body);
    within("the card", async {
        let mut changed = world.pulse.changed();
        while !world.discord.everything().iter().any(|one| one.content.words().contains("**Done.** Live: ")) {
            changed.changed().await.unwrap();
        }
    })
    .await;
    let opened = bot.engine.requests(9).await;
    assert_eq!(opened.len(), 1);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connection_is_cut_again_and_again_and_every_command_is_answered_once() {
    let (world, bot) = connected().await;
    let (mut dice, mut cuts) = (12_345_u64, 0);
    for number in 0..50 {
        // Numerical Recipes' generator: the same cuts in every run.
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) % (1 << 32);
        let typed = format!("/deploy cart staging v9.9.{number}x{}", "y".repeat(200));
        let said = world.discord.says("ana", DEPLOYS, &typed);
        let answered = match dice % 3 {
            0 => {
                cuts += 1;
                world.discord.order(Order::Cut);
                said.await
            }
            1 => {
                cuts += 1;
                let cut = async {
                    tokio::task::yield_now().await;
                    world.discord.order(Order::Cut);
                };
                tokio::join!(said, cut).0
            }
            _ => said.await,
        };
        let answered = answered.unwrap().unwrap();
        assert_eq!(answered.status, Some(200), "{number}: {answered:?}");
        let told = answered.shown.unwrap();
        assert!(told.contains(&format!("v9.9.{number}x")), "{number}: {told}");
    }
    let answers = world.discord.everything().into_iter().filter(|one| one.content.words().contains("v9.9."));
    assert_eq!(answers.count(), 50);
    let refused = bot.engine.ledger().read(0, 10_000).unwrap();
    assert_eq!(refused.iter().filter(|one| one.entry.kind == "request.refused").count(), 50);
    let (begun, resumed) = world.discord.sessions();
    assert!(begun == 1 && resumed > 0 && resumed <= cuts, "{begun} begun, {resumed} resumed, {cuts} cut");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_connects_again_when_asked_when_forgotten_and_when_nobody_beats_back() {
    let (world, bot) = connected().await;
    world.discord.order(Order::Reconnect);
    within("the session to be taken up", world.discord.sessions_are(|_, resumed| resumed == 1)).await;
    let told = help(&world).await;
    assert!(told.contains("/deploy"), "{told}");
    world.discord.order(Order::Forget);
    within("a new session", world.discord.sessions_are(|begun, _| begun == 2)).await;
    assert!(help(&world).await.contains("/deploy"));
    world.discord.play_dead(Duration::from_millis(200));
    world.discord.order(Order::Cut);
    within("the silence to be noticed", world.discord.sessions_are(|_, resumed| resumed >= 3)).await;
    world.discord.wake_up();
    world.discord.order(Order::Cut);
    let (_, before) = world.discord.sessions();
    within("the session to be taken up", world.discord.sessions_are(|_, resumed| resumed > before)).await;
    assert!(help(&world).await.contains("/deploy"));
    bot.stop().await;
}
