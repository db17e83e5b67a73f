//! The emergency lane, as people see it: an incident lets a change through, the card says so, and the review that it owes is
//! asked for until it was given, whatever restarts between.

use leverframe::play::discord;

use crate::{
    bot::{Scene, of_kind},
    together::{Chat, DEPLOYS, within, write},
};

const CATALOG: &str = ".leverframe/catalog.yaml";

/// The demo's catalog with a lane.
fn catalog() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let breakglass = "      breakglass: { count: 1, from: [group:leads] }\n";
    assert!(text.contains(breakglass));
    let during = "      during: { sev1: { scale: { count: 0, landing: commit } } }\n";
    text.replace(breakglass, &format!("{breakglass}{during}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sev1_opens_the_lane_and_its_review_is_owed_over_a_restart() {
    let scene = Scene::prepared(|world| drop(write(world, &[(CATALOG, &catalog())]))).await;
    scene.says("ana", "/scale checkout prod 4").await;
    scene.until("it waits in peace", |scene| scene.card_says("from the group `leads`")).await;
    scene.presses("ana", "Cancel").await;
    scene.until("cancelled", |scene| scene.card_says("Cancelled by")).await;
    scene.says("bo", "/incident declare sev1 checkout \"payments fail\"").await;
    scene.until("declared", |scene| scene.card_says("payments fail")).await;
    scene.says("ana", "/scale checkout prod 5").await;
    scene.until("it is live", |scene| scene.card_says("Live: 5 of 5 pods")).await;
    scene.until("the card says which lane", |scene| scene.card_says("Went through the emergency lane of a")).await;
    scene.until("the card says what is owed", |scene| scene.card_says("Review owed: 1 from the group `leads`")).await;
    scene.recorded("reminder.said").await;
    let directly = |who: &str| {
        let messages = scene.world.slack.messages(&format!("with-{who}")).unwrap();
        messages.iter().map(|message| message.content.words()).filter(|words| words.contains("emergency lane")).count()
    };
    assert_eq!((directly("bo"), directly("cleo"), directly("ana")), (1, 1, 0));
    scene.killer().kill();
    scene.start_bot().await;
    let owed = scene.says("cleo", "/debts").await.shown.unwrap_or_default();
    assert!(owed.contains("` by group:leads, due in 23 h. Request `"), "{owed}");
    assert_eq!(scene.presses("ana", "Reviewed").await.status, Some(200));
    scene.recorded("approval.refused").await;
    scene.presses("bo", "Reviewed").await;
    scene.until("the card says who reviewed", |scene| scene.card_says("Reviewed by")).await;
    let ledger = scene.ledger().await;
    for (kind, times) in [("review.owed", 1), ("review.given", 1), ("review.done", 1), ("reminder.said", 1)] {
        assert_eq!(of_kind(&ledger, kind).len(), times, "{kind}");
    }
    assert!(of_kind(&ledger, "review.owed")[0]["incident"].is_string());
    let owed = scene.says("cleo", "/debts").await.shown.unwrap_or_default();
    assert!(owed.starts_with("Nothing is owed"), "{owed}");
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_discord_too() {
    let chat = Chat::with(&[(CATALOG, &catalog())]).await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    let discord = &chat.world.discord;
    discord.says("bo", DEPLOYS, "/incident declare sev1 checkout text=\"payments fail\"").await.unwrap();
    chat.settled().await;
    discord.says("ana", DEPLOYS, "/scale checkout prod 5").await.unwrap();
    let mut changed = chat.world.pulse.changed();
    let says = |words: &str| discord.everything().iter().any(|one| one.content.words().contains(words));
    within("the review to be owed", async {
        while !says("Review owed: 1 from the group `leads`") {
            changed.changed().await.unwrap();
        }
    })
    .await;
    chat.settled().await;
    let pressed = discord.presses("cleo", discord::Which::Newest(DEPLOYS), "Reviewed").await.unwrap();
    assert_eq!(pressed.shown, None);
    chat.settled().await;
    assert!(says("Reviewed by"));
    assert_eq!((chat.count("review.owed"), chat.count("review.done")), (1, 1));
}
