//! Links to requests: what stands behind one is shown where somebody of the catalog posts it in Slack, and on a page of its
//! own, whose head is what Discord shows.

use leverframe::play::slack::workspace::Message;

use crate::together::{Chat, DEPLOYS, within};

/// The address of a request of the demo; Slack knows the bot by its host.
fn link(chat: &Chat) -> String {
    let entries = chat.bot.engine.ledger().read(0, 100).unwrap();
    let opened = entries.iter().find(|one| one.entry.kind == "request.opened").unwrap();
    format!("http://127.0.0.1:0/requests/{}", opened.entry.subject.strip_prefix("request/").unwrap())
}

/// What is shown under the newest message of a person.
fn shown(chat: &Chat, who: &str, text: &str) -> Message {
    let said = chat.world.slack.messages(DEPLOYS).unwrap();
    let by = |message: &&Message| message.content.text.contains(text) && format!("{:?}", message.author).contains(who);
    said.iter().rev().find(by).unwrap().clone()
}

async fn posts(chat: &Chat, who: &str, text: &str) -> Message {
    chat.world.slack.says(who, DEPLOYS, text).await.unwrap();
    chat.settled().await;
    shown(chat, who, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_a_request_shows_how_it_stands() {
    let chat = Chat::start().await;
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("Needs approval").await;
    chat.settled().await;
    let link = link(&chat);
    let said = posts(&chat, "bo", &format!("please look at {link} and https://example.com/")).await;
    let [one] = said.unfurls.as_slice() else { panic!("{said:?}") };
    let text = one.to_string();
    assert!(text.contains("deploy checkout v1.2.5 to prod") && text.contains("Needs approval"), "{text}");
    assert!(text.contains("As it was at") && text.contains("its card") && !text.contains("\"button\""), "{text}");
    // Somebody whom the catalog does not know is shown nothing, nor is a link to what there is not.
    assert_eq!(posts(&chat, "zed", &link).await.unfurls, Vec::<serde_json::Value>::new());
    let nothing = "http://127.0.0.1:0/requests/01JD8QK3V7M9T2X4B6C8D0E1F2";
    assert_eq!(posts(&chat, "bo", nothing).await.unfurls, Vec::<serde_json::Value>::new());
    // Where others read along no value is shown.
    chat.world.slack.share(DEPLOYS).unwrap();
    let chat = later(chat).await;
    let text = format!("{:?}", posts(&chat, "bo", &format!("{link} again")).await.unfurls);
    assert!(text.contains("deploy checkout") && !text.contains("v1.2.5"), "{text}");
}

/// The same world with a bot that has asked nothing of any channel yet.
async fn later(chat: Chat) -> Chat {
    let Chat { world, bot, start } = chat;
    bot.stop().await;
    let bot = crate::together::serve(&world).await;
    let chat = Chat { world, bot, start };
    within("the bot to be ready", chat.bot.engine.ready()).await;
    chat
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_has_a_page_whose_head_says_what_it_is() {
    let scene = crate::bot::Scene::start().await;
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    scene.until("the card", |scene| scene.card_says("Needs approval")).await;
    let id = crate::bot::of_kind(&scene.ledger().await, "request.opened")[0]["subject"].as_str().unwrap().to_owned();
    let path = format!("/requests/{}", id.strip_prefix("request/").unwrap());
    let page = scene.page_says(&scene.address(), &path, "deploy checkout v1.2.5 to prod").await;
    assert!(page.contains("<meta property=\"og:title\" content=\"deploy checkout v1.2.5 to prod\">"), "{page}");
    assert!(page.contains("og:description\" content=\"Needs approval. ") && !page.contains("<button"), "{page}");
    scene.page_says(&scene.address(), "/requests/nothing", "There is no request of that id here.").await;
}
