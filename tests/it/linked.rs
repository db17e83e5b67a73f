//! Whoever the catalog does not know on a platform gets one button, and says by their account on GitHub who they are.

use crate::together::{Chat, DEPLOYS, within};

const CATALOG: &str = ".leverframe/catalog.yaml";
const BUTTON: &str = "Link my account";

/// The demo's catalog without Bo's account of one platform.
fn catalog(account: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(account));
    text.replace(account, "")
}

async fn recorded(chat: &Chat, kind: &str) {
    let mut changed = chat.world.pulse.changed();
    within(kind, async {
        while chat.count(kind) == 0 {
            tokio::select! {
                changed = changed.changed() => changed.unwrap(),
                () = tokio::task::yield_now() => {}
            }
        }
    })
    .await;
    chat.settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unlinked_person_presses_one_button_and_is_who_they_are() {
    let chat = Chat::with(&[(CATALOG, &catalog("slack: U0BO, "))]).await;
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("deploy checkout v1.2.5 to prod").await;
    chat.settled().await;
    let told = chat.presses("bo", "Approve").await;
    assert!(told.starts_with("Your account belongs to nobody in the catalog, so it cannot vote."), "{told}");
    let told = chat.presses("bo", BUTTON).await;
    assert!(told.contains("the code is `PLAY-"), "{told}");
    // Asked again while that code is good, it is the same one.
    assert_eq!(chat.presses("bo", BUTTON).await, told);
    chat.world.github.types_code("bo").unwrap();
    recorded(&chat, "account.joined").await;
    chat.card_says("`slack:U0BO` is Bo Lindqvist from now on, as `bo-lindqvist` said on GitHub").await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Live: 3 of 3 pods run v1.2.5.").await;
    assert_eq!((chat.count("approval.refused"), chat.count("approval.given")), (1, 1));
    let direct = chat.world.slack.messages("with-bo").unwrap();
    let told = "Your account is linked: here you are Bo Lindqvist, as on GitHub (`bo-lindqvist`).";
    assert!(direct.iter().any(|message| message.content.words().contains(told)), "{direct:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_nobody_on_github_either_or_has_another_account_stays_who_they_are() {
    let chat = Chat::start().await;
    let told = chat.says("zed", "/deploy checkout staging v1.2.5").await;
    assert!(told.starts_with("Your account belongs to nobody in the catalog."), "{told}");
    assert!(chat.presses("zed", BUTTON).await.contains("the code is `PLAY-"));
    chat.world.github.types_code("zed").unwrap();
    recorded(&chat, "account.refused").await;
    // Somebody else's code typed by Bo makes nobody Bo: the catalog has his account here.
    assert!(chat.says("zed", "/lf link").await.contains("the code is `PLAY-"));
    chat.world.github.types_code("bo").unwrap();
    let mut changed = chat.world.pulse.changed();
    within("the second refusal", async {
        while chat.count("account.refused") < 2 {
            tokio::select! {
                changed = changed.changed() => changed.unwrap(),
                () = tokio::task::yield_now() => {}
            }
        }
    })
    .await;
    assert!(chat.says("zed", "/deploy checkout staging v1.2.5").await.starts_with("Your account belongs to nobody"));
    assert_eq!((chat.count("account.joined"), chat.commits()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_discord_too() {
    let chat = Chat::with(&[(CATALOG, &catalog("discord: \"400000000000000002\", "))]).await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    let discord = &chat.world.discord;
    let asked = discord.says("bo", DEPLOYS, "/deploy checkout staging v1.2.5").await.unwrap().unwrap();
    assert!(asked.shown.unwrap_or_default().starts_with("Your account belongs to nobody in the catalog."));
    let newest = leverframe::play::discord::Which::Newest(DEPLOYS);
    let told = discord.presses("bo", newest, BUTTON).await.unwrap().shown.unwrap_or_default();
    assert!(told.contains("the code is `PLAY-"), "{told}");
    chat.world.github.types_code("bo").unwrap();
    recorded(&chat, "account.joined").await;
    let asked = discord.says("bo", DEPLOYS, "/deploy checkout staging v1.2.5").await.unwrap().unwrap();
    assert_eq!(asked.shown, None);
    chat.settled().await;
    assert_eq!(chat.count("request.opened"), 1);
}
