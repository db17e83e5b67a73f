//! What is too long for a card stands in the thread under it, on both platforms, once, and with no button.

use std::fmt::Write as _;

use leverframe::play::{Look, Writer};

use crate::together::{Chat, DEPLOYS, serve, within, write};

/// The deployment of the demo with sixty settings of one value.
fn settings(value: &str) -> String {
    so_many_settings(60, value)
}

/// The deployment of the demo with so many settings of one value.
pub(crate) fn so_many_settings(many: usize, value: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/apps/checkout/prod/deployment.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, after) = text.split_once("          readinessProbe:").unwrap();
    let mut lines = String::new();
    for number in 0..many {
        writeln!(lines, "            - {{ name: SETTING_{number}, value: \"{value}\" }}").unwrap();
    }
    format!("{before}{lines}          readinessProbe:{after}")
}

/// The bot's messages in threads, on one platform.
fn replies(chat: &Chat, look: Look) -> Vec<String> {
    let seen = chat.world.seen(look).unwrap().into_iter();
    seen.filter(|one| one.writer == Writer::Bot && one.is_reply).map(|one| one.words).collect()
}

async fn long(look: Look) {
    let chat = Chat::start().await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    write(&chat.world, &[("apps/checkout/prod/deployment.yaml", &settings("1"))]);
    let commit = write(&chat.world, &[("apps/checkout/prod/deployment.yaml", &settings("2"))]);
    chat.reads(&commit).await;
    let typed = format!("/revert {}", commit.get(..10).unwrap());
    chat.world.says(look, "ana", DEPLOYS, &typed).await.unwrap();
    let mut changed = chat.world.pulse.changed();
    let all = async {
        while !replies(&chat, look).iter().any(|words| words.contains("SETTING_59")) {
            changed.changed().await.unwrap();
        }
    };
    within("the whole diff", all).await;
    chat.settled().await;
    let told = replies(&chat, look);
    assert_eq!(told.iter().map(|words| words.matches("+").count()).sum::<usize>() / 60, 1, "{told:?}");
    // Said once, whatever happens to the card.
    chat.world.presses(look, "ana", DEPLOYS, "Cancel").await.unwrap();
    chat.settled().await;
    assert_eq!(replies(&chat, look), told);
    let Chat { world, bot, start } = chat;
    bot.stop().await;
    let bot = serve(&world).await;
    let chat = Chat { world, bot, start };
    within("the bot to be ready", chat.bot.engine.ready()).await;
    chat.settled().await;
    assert_eq!(replies(&chat, look), told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_diff_stands_whole_in_slacks_thread() {
    long(Look::Slack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_diff_stands_whole_in_discords_thread() {
    long(Look::Discord).await;
}
