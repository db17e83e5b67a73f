//! Reminders of what waits for approval, as people get them on both platforms; a kill while one is said neither loses
//! nor repeats it.

use leverframe::play::{Look, World, Writer, slack::workspace};

use crate::{
    bot::{CHANNEL, Scene, Side, stop},
    together::{Chat, DEPLOYS, within, write},
};

const CATALOG: &str = ".leverframe/catalog.yaml";

/// The demo's catalog where Bo is asked first and Cleo next, after so long.
fn catalog(reminders: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let deploy = "deploy: { count: 1, from: [group:leads] }";
    assert!(text.contains(deploy));
    format!(
        "{}reminders: {{ {reminders} }}\n",
        text.replace(deploy, "deploy: { count: 1, from: [person:bo, person:cleo] }")
    )
}

/// What the bot said directly to somebody.
fn directly(world: &World, who: &str) -> Vec<String> {
    let messages = world.slack.messages(&format!("with-{who}")).unwrap();
    messages.iter().map(|message| message.content.words()).collect()
}

/// Waits until it is so, looking whenever anything changes.
async fn until(chat: &Chat, what: &str, so: impl Fn() -> bool) {
    let mut changed = chat.world.pulse.changed();
    within(what, async {
        while !so() {
            changed.changed().await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_approver_then_the_channel_then_the_next_are_reminded_once_each() {
    let chat = Chat::with(&[(CATALOG, &catalog("approver: 1s, channel: 2s, next: 3s"))]).await;
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    until(&chat, "Cleo to be reminded", || !directly(&chat.world, "cleo").is_empty()).await;
    chat.settled().await;
    let begin = "`deploy checkout v1.2.5 to prod` waits for your approval: Ana Moreau asked less than a minute ago, \
        and it needs 1 of `bo` or `cleo`. http";
    for who in ["bo", "cleo"] {
        let told = directly(&chat.world, who);
        assert!(told.len() == 1 && told[0].starts_with(begin), "{who}: {told:?}");
    }
    let in_channel = "`deploy of checkout in prod` has waited less than a minute for approval: Ana Moreau asked, and it \
        needs 1 of `bo` or `cleo`. http";
    let said = chat.world.slack.messages(DEPLOYS).unwrap();
    assert_eq!(said.iter().filter(|message| message.content.text.starts_with(in_channel)).count(), 1);
    assert!(directly(&chat.world, "ana").is_empty() && directly(&chat.world, "dan").is_empty());
    assert_eq!((chat.count("reminder.intent"), chat.count("reminder.said")), (3, 3));
    // The reminder is no card: the buttons are on the one message.
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Live: 3 of 3 pods run v1.2.5.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_discord_too_and_glass_that_waits_to_be_broken_is_reminded_of() {
    let mut text = catalog("approver: 1s, channel: 2s, next: off");
    text = text.replace("breakglass: { count: 1, from: [group:leads] }", "breakglass: { count: 1, from: [person:bo] }");
    let chat = Chat::with(&[(CATALOG, &text)]).await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    let ask = "/breakglass scale checkout prod 10 for=1h reason=\"the queue grows\"";
    assert_eq!(chat.world.discord.says("ana", DEPLOYS, ask).await.unwrap().unwrap().shown, None);
    let told = |channel: Option<&str>, words: &str| {
        let seen = chat.world.discord.everything();
        let fits = |at: &str| channel.is_none_or(|channel| at == channel);
        seen.iter().filter(|one| fits(one.channel) && one.content.words().contains(words)).count()
    };
    let bo = "930000000000000002";
    until(&chat, "Bo to be reminded", || told(Some(bo), "break glass: scale checkout in prod to 10").eq(&1)).await;
    until(&chat, "the channel to be reminded", || told(None, "break glass on checkout in prod` has waited").eq(&1))
        .await;
    chat.settled().await;
    assert_eq!(told(None, "https://discord.com/channels/900000000000000001/"), 2);
    let bot = |one: &leverframe::play::Seen| one.writer == Writer::Bot;
    assert!(chat.world.seen(Look::Discord).unwrap().iter().any(bot));
    assert_eq!((chat.count("reminder.intent"), chat.count("reminder.said")), (2, 2));
}

/// Kills the bot at the call that says a reminder to Bo, before or after Slack has it.
async fn killed(side: Side) {
    let scene = Scene::prepared(|world| {
        write(world, &[(CATALOG, &catalog("approver: 1s, channel: off, next: off"))]);
    })
    .await;
    let killer = scene.killer();
    let direct = workspace::DIRECT.iter().find(|channel| channel.name == "with-bo").unwrap();
    let armed = stop(scene.world.slack.server(), "POST", "/api/chat.postMessage", side, move |asked| {
        if asked.body.as_ref().is_some_and(|body| body["channel"] == direct.id) {
            killer.kill();
        }
    });
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    scene.until("the bot is killed", |scene| scene.deaths() == 1).await;
    armed.release();
    scene.recorded("reminder.said").await;
    let told = directly(&scene.world, "bo");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(scene.card_says("deploy checkout v1.2.5 to prod") && CHANNEL == DEPLOYS);
    let kinds: Vec<_> = scene.ledger().await.iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "reminder.intent").count(), 1, "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_before_slack_has_the_reminder_loses_none() {
    killed(Side::Before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_after_slack_has_the_reminder_repeats_none() {
    killed(Side::After).await;
}
