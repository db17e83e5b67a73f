//! The steps of a request stand in the thread under its card, a line each, said together and once; a request that goes by
//! itself has no thread.

use leverframe::play::{Look, Writer};

use crate::together::{Chat, DEPLOYS, serve, within};

/// The bot's messages in threads, on one platform.
fn replies(chat: &Chat, look: Look) -> Vec<String> {
    let seen = chat.world.seen(look).unwrap().into_iter();
    seen.filter(|one| one.writer == Writer::Bot && one.is_reply).map(|one| one.words).collect()
}

async fn told_once(look: Look) {
    let chat = Chat::start().await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    chat.world.says(look, "ana", DEPLOYS, "/deploy checkout staging v1.2.5").await.unwrap();
    chat.settled().await;
    assert_eq!(replies(&chat, look), Vec::<String>::new(), "nothing to tell of what went by itself");
    chat.world.says(look, "ana", DEPLOYS, "/deploy checkout prod v1.2.5").await.unwrap();
    chat.settled().await;
    assert_eq!(replies(&chat, look), Vec::<String>::new(), "nobody decided yet");
    chat.world.presses(look, "bo", DEPLOYS, "Approve").await.unwrap();
    chat.settled().await;
    let told = replies(&chat, look);
    let all = told.join("\n");
    let mut rest = all.as_str();
    for part in ["Asked by", "Pull request #", "opened", "Approved by", "In git as", "Live"] {
        let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("{part} is not told in order:\n{all}"));
        rest = after;
    }
    assert!((1..=3).contains(&told.len()), "{told:?}");
    // A bot that comes back, and may have lost what it had noted, says nothing twice.
    let Chat { world, bot, start } = chat;
    bot.stop().await;
    let bot = serve(&world).await;
    let chat = Chat { world, bot, start };
    within("the bot to be ready", chat.bot.engine.ready()).await;
    chat.settled().await;
    assert_eq!(replies(&chat, look), told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_steps_stand_in_slacks_thread_once() {
    told_once(Look::Slack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_steps_stand_in_discords_thread_once() {
    told_once(Look::Discord).await;
}
