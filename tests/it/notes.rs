//! Notes on an incident's timeline, by a button and by picking a message; and forms in Discord, which closes a form when
//! it is answered.

use leverframe::play::{Look, Writer, discord::Which, slack};

use crate::together::{Chat, DEPLOYS, within};

const DECLARE: &str = "/incident declare sev2 checkout text=\"memory leak\"";
const PICK: &str = "Add to incident timeline";

/// The demo, once Discord knows the commands.
async fn start() -> Chat {
    let chat = Chat::start().await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    chat
}

/// Waits for a card in Discord.
async fn card_says(chat: &Chat, words: &str) {
    let mut changed = chat.world.pulse.changed();
    let said = async {
        let seen = || chat.world.seen(Look::Discord).unwrap();
        while !seen()
            .iter()
            .any(|one| one.writer == Writer::Bot && !one.is_reply && one.only.is_none() && one.words.contains(words))
        {
            changed.changed().await.unwrap();
        }
    };
    within(&format!("a card that says {words:?}"), said).await;
}

async fn says(chat: &Chat, who: &str, text: &str) -> String {
    let answered = chat.world.discord.says(who, DEPLOYS, text).await.unwrap().expect("a command");
    assert_eq!(answered.status, Some(200), "{}", answered.body);
    answered.shown.unwrap_or_default()
}

async fn presses(chat: &Chat, who: &str, button: &str) -> String {
    let answered = chat.world.discord.presses(who, Which::Newest(DEPLOYS), button).await.unwrap();
    assert_eq!(answered.status, Some(200), "{}", answered.body);
    answered.shown.unwrap_or_default()
}

fn fields(form: &serde_json::Value) -> Vec<&str> {
    let fields = form["components"].as_array().unwrap();
    fields.iter().map(|field| field["component"]["custom_id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_lacks_something_opens_a_form_which_can_be_corrected_and_then_deploys() {
    let chat = start().await;
    assert_eq!(says(&chat, "ana", "/lf deploy checkout").await, "");
    let form = chat.world.discord.form("ana").expect("a form");
    assert_eq!(fields(&form), ["service", "environment", "version", "replicas", "+more"]);
    let chosen = &form["components"][0]["component"]["options"];
    assert!(chosen.as_array().unwrap().iter().any(|one| one["value"] == "checkout" && one["default"] == true));
    assert_eq!(chat.count("request.refused"), 0, "opening a form is no refusal");

    let filled = [("environment", "staging"), ("version", "no tag!"), ("+more", "reason=\"why not\"")];
    let wrong = chat.world.discord.submits("ana", &filled).await.unwrap().shown.unwrap();
    assert!(wrong.contains("is not an image tag"), "{wrong}");
    assert!(chat.world.discord.form("ana").is_none(), "Discord closes it");
    assert_eq!(presses(&chat, "ana", "Correct it").await, "");
    let form = chat.world.discord.form("ana").expect("the form again");
    assert_eq!(form["components"][2]["component"]["value"], "no tag!");
    // What was given has a field of its own now.
    assert_eq!(fields(&form), ["service", "environment", "version", "reason", "+more"]);
    assert_eq!(form["components"][3]["component"]["value"], "why not");
    let badly = chat.world.discord.submits("ana", &[("version", "v1.2.5"), ("+more", "just words")]).await.unwrap();
    assert!(badly.shown.unwrap().contains("Write `name=value`."));
    assert_eq!((chat.count("request.opened"), presses(&chat, "ana", "Correct it").await.as_str()), (0, ""));
    let sent = chat.world.discord.submits("ana", &[]).await.unwrap();
    assert_eq!((sent.status, sent.shown), (Some(200), None));
    let again = chat.world.discord.deliver_again(sent.delivery).await.unwrap();
    assert_eq!(again.status, Some(200));
    card_says(&chat, "**Done.** Live: ").await;
    card_says(&chat, "why not").await;
    assert_eq!((chat.count("request.opened"), chat.commits()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reason_and_a_note_are_asked_for_in_discord() {
    let chat = start().await;
    assert_eq!(says(&chat, "ana", "/deploy checkout prod v1.2.5").await, "");
    card_says(&chat, "Needs approval").await;
    assert_eq!(presses(&chat, "ana", "Reject with reason").await, "");
    let own = chat.world.discord.submits("ana", &[("why", "changed my mind")]).await.unwrap().shown.unwrap();
    assert!(own.starts_with("You asked for this yourself."), "{own}");
    assert_eq!(presses(&chat, "bo", "Reject with reason").await, "");
    let sent = chat.world.discord.submits("bo", &[("why", "Not **before** the @everyone freeze.")]).await.unwrap();
    assert_eq!((sent.status, sent.shown), (Some(200), None));
    card_says(&chat, ": Not **before** the @everyone freeze. Nothing was changed.").await;

    assert_eq!(says(&chat, "ana", DECLARE).await, "");
    card_says(&chat, "memory leak").await;
    assert_eq!(presses(&chat, "bo", "Add note").await, "");
    let sent = chat.world.discord.submits("bo", &[("text", "it began with v1.2.4")]).await.unwrap();
    assert_eq!((sent.status, sent.shown), (Some(200), None));
    card_says(&chat, "note: it began with v1.2.4").await;
    assert_eq!(chat.count("incident.noted"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_in_discord_is_picked_for_the_timeline() {
    let chat = start().await;
    let discord = &chat.world.discord;
    discord.says("ana", DEPLOYS, "memory climbs since ten").await.unwrap();
    let none = discord.picks("bo", Which::Newest(DEPLOYS), PICK).await.unwrap();
    assert!(none.shown.unwrap().starts_with("No incident is open."));
    assert_eq!(says(&chat, "ana", DECLARE).await, "");
    card_says(&chat, "memory leak").await;
    discord.says("ana", DEPLOYS, "it is the cache").await.unwrap();
    let picked = discord.picks("bo", Which::Newest(DEPLOYS), PICK).await.unwrap();
    assert_eq!(picked.shown.as_deref(), Some("Added to the timeline of `sev2 checkout: memory leak`."));
    discord.deliver_again(picked.delivery).await.unwrap();
    card_says(&chat, "note: ana: it is the cache (https").await;
    assert_eq!(chat.count("incident.noted"), 1);
    let stranger = discord.picks("zed", Which::Newest(DEPLOYS), PICK).await.unwrap();
    assert!(stranger.shown.unwrap().contains("catalog"));
    let typing =
        |name: &str, value: &str| serde_json::json!({"name": name, "type": 3, "value": value, "focused": name == "id"});
    let offered = discord.offers("ana", "incident", &[typing("what", "note"), typing("id", "leak")]).await.unwrap();
    assert_eq!(offered.len(), 1, "{offered:?}");
    // Of several incidents somebody says which.
    assert_eq!(says(&chat, "ana", "/incident declare sev3 cart text=slow").await, "");
    card_says(&chat, "sev3 cart: slow").await;
    discord.says("ana", DEPLOYS, "carts are empty").await.unwrap();
    let asked = discord.picks("bo", Which::Newest(DEPLOYS), PICK).await.unwrap();
    assert_eq!((asked.status, asked.shown), (Some(200), None));
    let form = discord.form("bo").expect("a form");
    assert_eq!(fields(&form), ["id", "text"]);
    let cart = form["components"][0]["component"]["options"][1]["value"].as_str().unwrap().to_owned();
    let sent = discord.submits("bo", &[("id", &cart)]).await.unwrap();
    assert_eq!((sent.status, sent.shown), (Some(200), None));
    card_says(&chat, "note: ana: carts are empty").await;
    assert_eq!(chat.count("incident.noted"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_in_slack_is_picked_for_the_timeline() {
    let chat = Chat::start().await;
    let slack = &chat.world.slack;
    let told = async |who: &str, which: &str| {
        let before = slack.ephemerals(who).unwrap().len();
        let picked = slack.picks(who, slack::Which::Saying(DEPLOYS, which)).await.unwrap();
        assert_eq!((picked.status, picked.body.as_str()), (Some(200), ""));
        chat.settled().await;
        let after = slack.ephemerals(who).unwrap();
        let words: Vec<String> = after.iter().skip(before).map(|message| message.content.words()).collect();
        (picked, words.join("\n"))
    };
    slack.says("ana", DEPLOYS, "memory climbs & climbs").await.unwrap();
    assert!(told("bo", "memory climbs").await.1.starts_with("No incident is open."));
    assert_eq!(chat.says("ana", DECLARE).await, "");
    chat.card_says("memory leak").await;
    let (picked, words) = told("bo", "memory climbs").await;
    assert_eq!(words, "Added to the timeline of `sev2 checkout: memory leak`.");
    slack.deliver_again(picked.delivery).await.unwrap();
    chat.card_says("note: ana: memory climbs &amp; climbs (https://").await;
    assert_eq!(chat.count("incident.noted"), 1);
    assert!(told("zed", "memory climbs").await.1.contains("catalog"));
    // By the button, in a form.
    assert_eq!(chat.presses("bo", "Add note").await, "");
    let sent = slack.submits("bo", &[("text", "it began with v1.2.4")]).await.unwrap();
    assert_eq!((sent.status, sent.shown), (Some(200), None));
    chat.card_says("note: it began with v1.2.4").await;
    // Incidents are offered where a form asks which.
    assert_eq!(chat.says("ana", "/incident severity=sev1").await, "");
    let offered = slack.searches_beside("ana", ("id", "leak"), &[("what", "note")]).await.unwrap();
    assert_eq!(offered.len(), 2, "{offered:?}");
    assert_eq!(slack.searches_beside("ana", ("id", ""), &[("what", "reopen")]).await.unwrap(), Vec::<String>::new());
    // Of several incidents somebody says which.
    assert_eq!(chat.says("ana", "/incident declare sev3 cart text=slow").await, "");
    chat.card_says("sev3 cart: slow").await;
    assert_eq!(told("bo", "memory climbs").await.1, "");
    let form = slack.form("bo").expect("a form");
    let options = form["blocks"][0]["element"]["options"].as_array().unwrap();
    assert_eq!(options[1]["text"]["text"], "sev3 cart: slow");
    let cart = options[1]["value"].as_str().unwrap().to_owned();
    let sent = slack.submits("bo", &[("id", &cart)]).await.unwrap();
    assert_eq!((sent.status, sent.shown), (Some(200), None));
    chat.settled().await;
    assert_eq!(chat.count("incident.noted"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_alone_says_in_discord_what_the_home_tab_says() {
    let chat = start().await;
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.card_says("Needs approval").await;
    assert_eq!(chat.says("ana", DECLARE).await, "");
    chat.card_says("memory leak").await;
    let told = says(&chat, "bo", "/status").await;
    assert!(told.starts_with("Waiting for your approval: `deploy checkout v1.2.5 to prod`."), "{told}");
    assert!(told.contains("Open incidents: `sev2 checkout: memory leak` (active)."), "{told}");
    let own = says(&chat, "ana", "/status").await;
    assert!(own.starts_with("Yours, still open: `deploy checkout v1.2.5 to prod` (waiting for approval)."), "{own}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_break_glass_is_noted_and_rejected_with_a_reason() {
    let chat = Chat::start().await;
    let slack = &chat.world.slack;
    assert_eq!(chat.says("ana", "/breakglass scale cart prod 8 for=1h reason=\"the queue grows\"").await, "");
    chat.card_says("Needs approval").await;
    assert_eq!(
        slack.presses("bo", slack::Which::Saying(DEPLOYS, "Needs approval"), "Add note").await.unwrap().body,
        ""
    );
    let sent = slack.submits("bo", &[("text", "the queue is empty again")]).await.unwrap();
    assert_eq!((sent.status, sent.shown), (Some(200), None));
    chat.card_says("note: the queue is empty again").await;
    assert_eq!(chat.presses("cleo", "Reject with reason").await, "");
    let sent = slack.submits("cleo", &[("why", "Not needed any more.")]).await.unwrap();
    assert_eq!((sent.status, sent.shown), (Some(200), None));
    chat.card_says(": Not needed any more. Nothing was changed.").await;
    assert_eq!((chat.count("incident.noted"), chat.count("breakglass.ended")), (1, 1));
}
