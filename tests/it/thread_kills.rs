//! Killed without warning while a thread is being written: as the thread is made, at every piece of a whole diff, at the
//! steps; before the platform has each, and after. The bot that comes back completes the thread, and nothing stands there
//! twice. Discord's memory of nonces, a few minutes, is taken to be over.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use leverframe::play::{Look, Writer, discord::guild};

use crate::{
    bot::{CHANNEL, Scene, Side, stop},
    threads::so_many_settings,
    together::write,
};

/// How many settings are changed: few, because each is proven, and long, so that their diff takes several messages.
const SETTINGS: usize = 6;

fn settings(digit: &str) -> String {
    so_many_settings(SETTINGS, &digit.repeat(500))
}

/// The bot's messages in threads.
fn replies(scene: &Scene, look: Look) -> Vec<String> {
    let seen = scene.world.seen(look).unwrap().into_iter();
    seen.filter(|one| one.writer == Writer::Bot && one.is_reply).map(|one| one.words).collect()
}

fn thread_says(scene: &Scene, look: Look, words: &str) -> bool {
    replies(scene, look).iter().any(|said| said.contains(words))
}

/// Has the bot killed once at each call that writes into a thread.
fn arm(scene: &Scene, look: Look, side: Side) -> Arc<Mutex<BTreeSet<String>>> {
    let (killer, guild) = (scene.killer(), scene.world.discord.guild());
    let killed = Arc::<Mutex<BTreeSet<String>>>::default();
    let seen = Arc::clone(&killed);
    let server = match look {
        Look::Slack => scene.world.slack.server(),
        Look::Discord => scene.world.discord.server(),
    };
    stop(server, "POST", "/", side, move |asked| {
        let body = asked.body.clone().unwrap_or_default();
        let is_channel = || guild::CHANNELS.iter().any(|one| asked.path.contains(&format!("/{}/messages", one.id)));
        let writes = match look {
            Look::Slack => asked.path.ends_with("chat.postMessage") && body.get("thread_ts").is_some(),
            Look::Discord => asked.path.ends_with("/threads") || (asked.path.ends_with("/messages") && !is_channel()),
        };
        if writes && seen.lock().unwrap().insert(format!("{} {body}", asked.path)) {
            guild.forget_nonces();
            killer.kill();
        }
    });
    killed
}

async fn killed(look: Look, side: Side) -> usize {
    let mut commit = String::new();
    let scene = Scene::prepared(|world| {
        write(world, &[("apps/checkout/prod/deployment.yaml", &settings("1"))]);
        commit = write(world, &[("apps/checkout/prod/deployment.yaml", &settings("2"))]);
    })
    .await;
    scene.world.commands_are_known().await;
    let killed = arm(&scene, look, side);
    scene.world.says(look, "ana", CHANNEL, &format!("/revert {}", commit.get(..10).unwrap())).await.unwrap();
    scene.until("the whole diff", |scene| thread_says(scene, look, "+            - { name: SETTING_5")).await;
    let approved = |scene: &Scene| scene.world.seen(look).unwrap().iter().any(|one| one.words.contains("Approved by"));
    while !approved(&scene) {
        scene.until("a bot that is there", |_| true).await;
        // It may be killed under the finger that presses.
        if scene.world.presses(look, "bo", CHANNEL, "Approve").await.is_err() {
            scene.until("a card to press", |_| true).await;
        }
        tokio::task::yield_now().await;
    }
    scene.until("the steps", |scene| thread_says(scene, look, "Live")).await;
    // A life more, after which everything was looked at again.
    scene.killer().kill();
    scene.start_bot().await;
    scene.until("a bot that is there", |_| true).await;
    // Two calls of one life count as two, and are one death.
    let calls = killed.lock().unwrap().len();
    let told = replies(&scene, look);
    let all = told.join("\n");
    for number in 0..SETTINGS {
        for digit in [1, 2] {
            let line = format!("SETTING_{number}, value: \"{digit}{digit}");
            assert_eq!(all.matches(&line).count(), 1, "{line}: {told:#?}");
        }
    }
    for step in ["Asked by", "Approved by", "In git as", "Live"] {
        assert_eq!(all.matches(step).count(), 1, "{step}: {told:#?}");
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_slacks_thread_is_written_it_is_complete_and_nothing_stands_twice() {
    for side in [Side::Before, Side::After] {
        let calls = killed(Look::Slack, side).await;
        println!("killed at each of {calls} calls that write into the thread, {side:?} Slack handled it");
        assert!(calls >= 2, "{calls}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_discords_thread_is_written_it_is_complete_and_nothing_stands_twice() {
    for side in [Side::Before, Side::After] {
        let calls = killed(Look::Discord, side).await;
        println!("killed at each of {calls} calls that write into the thread, {side:?} Discord handled it");
        assert!(calls >= 4, "{calls}");
    }
}
