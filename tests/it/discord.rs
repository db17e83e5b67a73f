//! The whole bot with Discord: people type and press there, in Slack at the same moment, and while Discord is slow,
//! forgetful, gone, or says no.

use leverframe::{
    core::{
        decide::{Click, Incoming, Press, Reply},
        names::RequestId,
    },
    play::{
        Look, World, Writer,
        discord::{
            DiscordLookalike, Which,
            guild::{Author, Message},
        },
        exchange::{Fault, Rule},
        people,
    },
};
use serde_json::{Value, json};

use crate::{
    contract::{script, shared, words},
    together::{Chat, DEPLOYS, serve, within},
};

const DEPLOYS_ID: &str = "910000000000000001";
const MESSAGES: &str = "/channels/910000000000000001/messages";

/// The demo, with some files written over, once Discord knows the commands.
async fn start(files: &[(&str, &str)]) -> Chat {
    let chat = Chat::with(files).await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    chat
}

/// Types; what the person is shown for their eyes only, or nothing.
async fn says(chat: &Chat, who: &str, text: &str) -> String {
    let answered = chat.world.discord.says(who, DEPLOYS, text).await.unwrap().unwrap();
    answered.shown.unwrap_or_default()
}

/// Presses; what the person is told of it, or nothing.
async fn presses(chat: &Chat, who: &str, button: &str) -> String {
    let answered = chat.world.discord.presses(who, Which::Newest(DEPLOYS), button).await.unwrap();
    assert_eq!(answered.status, Some(200), "{}", answered.body);
    chat.settled().await;
    answered.shown.unwrap_or_default()
}

/// The bot's messages that everybody sees.
fn cards(world: &World) -> Vec<Message> {
    let all = world.discord.everything().into_iter();
    all.filter(|message| message.author == Author::Bot && message.only.is_none() && message.thread.is_none()).collect()
}

async fn card_says(chat: &Chat, look: Look, words: &str) {
    let mut changed = chat.world.pulse.changed();
    let said = async {
        let seen = || chat.world.seen(look).unwrap();
        while !seen()
            .iter()
            .any(|one| one.writer == Writer::Bot && !one.is_reply && one.only.is_none() && one.words.contains(words))
        {
            changed.changed().await.unwrap();
        }
    };
    within(&format!("a card that says {words:?}"), said).await;
}

/// Waits until somebody was told where the card is; what stood there until then is taken away, before or after.
async fn card_is_told(chat: &Chat) {
    let mut changed = chat.world.pulse.changed();
    let told = async {
        let private = || chat.world.seen(Look::Discord).unwrap().into_iter().filter(|one| one.only.is_some());
        while private().count() != 1 || private().any(|one| one.words.contains("thinking")) {
            changed.changed().await.unwrap();
        }
    };
    within("the asker to be told", told).await;
}

fn calls(chat: &Chat, method: &str, prefix: &str) -> usize {
    let all = chat.world.discord.server().exchanges().all();
    all.iter().filter(|call| call.method == method && call.path.starts_with(prefix)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_platforms_at_once_keep_to_themselves() {
    let chat = start(&[]).await;
    assert_eq!(says(&chat, "ana", "/deploy checkout staging v1.2.5").await, "");
    assert_eq!(chat.says("dan", "/deploy cart staging v2.0.1").await, "");
    card_says(&chat, Look::Discord, "**Done.** Live: 2 of 2 pods run v1.2.5.").await;
    card_says(&chat, Look::Slack, "*Done.* Live: ").await;
    chat.settled().await;
    assert_eq!((cards(&chat.world).len(), chat.cards()), (1, 1));
    assert!(says(&chat, "ana", "/status checkout staging").await.contains("• **checkout in staging**: `v1.2.5`"));
    assert_eq!((chat.count("request.opened"), chat.commits()), (2, 2));
    // What stood there until the card came is gone.
    let left =
        chat.world.discord.everything().into_iter().filter(|message| message.content.content.contains("thinking"));
    assert_eq!(left.count(), 0);
}

const TWO: &str = "deploy: { count: 2, from: [group:leads] }";

/// The catalog of the demo with something else in it.
fn catalog(replace: &str, with: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(replace));
    text.replace(replace, with)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_with_two_accounts_is_one_person() {
    let two = catalog("deploy: { count: 1, from: [group:leads] }", TWO);
    let chat = start(&[(".leverframe/catalog.yaml", &two)]).await;
    assert_eq!(says(&chat, "ana", "/deploy checkout prod v1.2.5").await, "");
    card_says(&chat, Look::Discord, "2 from the group `leads`").await;
    assert_eq!(presses(&chat, "bo", "Approve").await, "");
    let card = cards(&chat.world).pop().unwrap();
    let id = DiscordLookalike::buttons(&card);
    assert_eq!(id, ["Approve", "Reject", "Reject with reason", "Cancel", "Take my approval back"]);
    let value = card.content.components[0]["components"][0]["custom_id"].as_str().unwrap().to_owned();
    let [_, request, digest] = value.split(':').collect::<Vec<_>>().try_into().unwrap();
    let from_slack = async |account: &str| {
        let click = Click {
            asker: chat.bot.engine.asker(account, "slack"),
            request: RequestId::parse(request).unwrap(),
            press: Press::Approve,
            digest: digest.to_owned(),
            channel: format!("discord:{DEPLOYS_ID}"),
            message: card.id.clone(),
            barred: None,
            why: None,
        };
        match chat.bot.engine.take(Incoming::Clicked(click), None).await {
            Reply::Private(words) => words.text,
            Reply::Taken => "Taken".to_owned(),
            Reply::Go | Reply::Stop => "not an answer".to_owned(),
        }
    };
    assert!(from_slack("slack:U0BO").await.starts_with("Your approval was already recorded"));
    assert!(from_slack("slack:U0ANA").await.starts_with("You asked for this"));
    assert_eq!((chat.count("approval.given"), chat.count("request.approved")), (1, 0));
    assert_eq!(from_slack("slack:U0CLEO").await, "Taken");
    card_says(&chat, Look::Discord, "**Done.**").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_members_in_good_standing_vote() {
    let chat = start(&[]).await;
    assert_eq!(says(&chat, "ana", "/deploy checkout prod v1.2.5").await, "");
    card_says(&chat, Look::Discord, "Needs approval").await;
    let exchanges = chat.world.discord.server().exchanges();
    let answers = |status: u16, body: &Value| exchanges.add(Rule::answers("GET", "/guilds/", status, body).once());
    let user = json!({"id": people::find("bo").unwrap().discord, "username": "bo"});
    answers(404, &json!({"code": 10007, "message": "Unknown Member"}));
    assert!(presses(&chat, "bo", "Approve").await.starts_with("You are not a member of this server"));
    answers(200, &json!({"user": {"id": "1", "username": "bo", "bot": true}, "roles": []}));
    assert!(presses(&chat, "bo", "Approve").await.starts_with("Bots cannot vote"));
    answers(200, &json!({"user": user, "roles": [], "pending": true}));
    assert!(presses(&chat, "bo", "Approve").await.starts_with("You have not accepted the rules"));
    answers(200, &json!({"user": user, "roles": [], "communication_disabled_until": "2099-01-01T00:00:00+00:00"}));
    assert!(presses(&chat, "bo", "Approve").await.starts_with("You are timed out"));
    answers(503, &json!({}));
    assert!(presses(&chat, "bo", "Approve").await.starts_with("Discord could not say who you are"));
    let silent = exchanges.add(Rule::on("GET", "/guilds/", Fault::Hang).once());
    assert!(presses(&chat, "bo", "Approve").await.contains("did not answer in time"));
    silent.release();
    let unknown = presses(&chat, "zed", "Approve").await;
    assert!(unknown.starts_with("Your account belongs to nobody"), "{unknown}");
    assert_eq!(chat.count("approval.given"), 0);
    assert_eq!(presses(&chat, "bo", "Approve").await, "");
    card_says(&chat, Look::Discord, "**Done.**").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_delivery_twice_is_one_request_and_one_card() {
    let chat = start(&[]).await;
    let first = chat.world.discord.says("ana", DEPLOYS, "/deploy checkout staging v1.2.5").await.unwrap().unwrap();
    let again = chat.world.discord.deliver_again(first.delivery).await.unwrap();
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    card_says(&chat, Look::Discord, "**Done.**").await;
    chat.settled().await;
    let refused = chat.world.discord.says("zed", DEPLOYS, "/deploy checkout staging v1.2.4").await.unwrap().unwrap();
    let again = chat.world.discord.deliver_again(refused.delivery).await.unwrap();
    assert_eq!((refused.shown, refused.body), (again.shown, again.body));
    assert_eq!((chat.count("request.opened"), chat.count("request.refused"), cards(&chat.world).len()), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_servers_direct_messages_and_foreign_things_are_refused_with_words() {
    let chat = start(&[]).await;
    let first = chat.world.discord.says("ana", DEPLOYS, "/help").await.unwrap().unwrap();
    let change = async |changes: Value| {
        let answered = chat.world.discord.deliver_changed(first.delivery, &changes).await.unwrap();
        assert_eq!(answered.status, Some(200), "{}", answered.body);
        let answer: Value = serde_json::from_str(&answered.body).unwrap();
        assert_eq!((&answer["type"], &answer["data"]["flags"]), (&json!(4), &json!(64)), "{answer}");
        answered.shown.unwrap()
    };
    assert!(change(json!({"id": "1", "guild_id": "31337"})).await.starts_with("I work for another server."));
    assert!(change(json!({"id": "2", "guild_id": null})).await.starts_with("I work for another server."));
    let menu = json!({"id": "3", "data": {"id": "5", "name": "x", "type": 2, "target_id": "9"}});
    assert!(change(menu).await.starts_with("I do not know what to do with a command on a person or a message."));
    let newer = json!({"id": "4", "type": 5, "data": {"custom_id": "x", "components": [{"type": 99}]}});
    assert!(change(newer).await.starts_with("I do not know what to do with "));
    assert_eq!(chat.count("security.refused"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_discord_did_not_sign_is_turned_away() {
    let chat = start(&[]).await;
    let url = format!("http://{}/discord/interactions", chat.bot.address);
    let post = async |headers: &[(&str, &str)], body: &'static str| {
        let mut asked = reqwest::Client::builder().no_proxy().build().unwrap().post(&url).body(body);
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        asked.send().await.unwrap().status().as_u16()
    };
    let now = leverframe::clock::now().as_second().to_string();
    let zeros = "0".repeat(128);
    assert_eq!(post(&[], "{\"type\":1}").await, 401);
    assert_eq!(post(&[("x-signature-timestamp", &now), ("x-signature-ed25519", &zeros)], "{\"type\":1}").await, 401);
    assert_eq!(post(&[("x-signature-timestamp", "1"), ("x-signature-ed25519", &zeros)], "{\"type\":1}").await, 401);
    let long: &'static str = Box::leak("x".repeat(1024 * 1024 + 1).into_boxed_str());
    assert_eq!(post(&[], long).await, 413);
    chat.settled().await;
    assert_eq!(chat.count("security.refused"), 1, "one a minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn discords_troubles_cost_no_card_and_make_no_second_one() {
    let chat = start(&[]).await;
    let exchanges = chat.world.discord.server().exchanges();
    let busy = json!({"message": "You are being rate limited.", "retry_after": 0.05, "global": false});
    exchanges.add(Rule::answers("POST", MESSAGES, 429, &busy).times(2));
    exchanges.add(Rule::on("POST", MESSAGES, Fault::DropAfter).once());
    exchanges.add(Rule::answers("PATCH", MESSAGES, 502, &json!({})).times(2));
    exchanges.add(Rule::garbage("PATCH", MESSAGES).once());
    assert_eq!(says(&chat, "ana", "/deploy checkout staging v1.2.5").await, "");
    card_says(&chat, Look::Discord, "**Done.** Live: 2 of 2 pods run v1.2.5.").await;
    chat.settled().await;
    assert_eq!((cards(&chat.world).len(), chat.count("card.posted")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn discord_being_gone_holds_up_nothing_in_slack() {
    let chat = start(&[]).await;
    assert_eq!(says(&chat, "ana", "/deploy checkout prod v1.2.5").await, "");
    card_says(&chat, Look::Discord, "Needs approval").await;
    chat.world.discord.server().stop().await;
    assert_eq!(chat.says("ana", "/deploy cart staging v2.0.1").await, "");
    card_says(&chat, Look::Slack, "*Done.* Live: ").await;
    chat.world.discord.server().start_again().await.unwrap();
    assert_eq!(presses(&chat, "bo", "Approve").await, "");
    card_says(&chat, Look::Discord, "**Done.**").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_bot_sees_nothing_the_card_goes_home_and_the_asker_is_told() {
    let home = catalog("channels: { home: C0DEPLOYS }", "channels: { home: \"910000000000000002\" }");
    let chat = start(&[(".leverframe/catalog.yaml", &home)]).await;
    chat.world.discord.says("ana", "random", "/deploy checkout staging v1.2.5").await.unwrap();
    card_says(&chat, Look::Discord, "**Done.**").await;
    card_is_told(&chat).await;
    let seen = chat.world.seen(Look::Discord).unwrap();
    let card = seen.iter().find(|one| one.only.is_none()).unwrap();
    assert_eq!(card.channel, "incidents");
    let told = seen.iter().find(|one| one.only.is_some()).unwrap();
    let link = format!("https://discord.com/channels/900000000000000001/910000000000000002/{}", card.id);
    assert_eq!(told.words, format!("I cannot post in this channel, so the card is here: {link}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_offered_while_one_types() {
    let chat = start(&[]).await;
    let offers = async |options: Value| {
        chat.world.discord.offers("ana", "deploy", options.as_array().unwrap()).await.unwrap().join(" ")
    };
    let typing = |name: &str, text: &str| json!({"name": name, "type": 3, "value": text, "focused": true});
    assert_eq!(offers(json!([typing("service", "")])).await, "cart checkout payments search");
    assert_eq!(offers(json!([typing("service", "C")])).await, "cart checkout search");
    let given = json!({"name": "service", "type": 3, "value": "checkout"});
    assert_eq!(offers(json!([given, typing("environment", "pr")])).await, "prod");
    assert_eq!(offers(json!([typing("version", "v")])).await, "");
    let all = chat.world.discord.offers("ana", "lf", &[typing("command", "s")]).await.unwrap();
    assert_eq!(all, ["scale", "status", "breakglass", "database-add", "debts", "restart", "resume"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_are_registered_once_and_again_when_the_repository_brings_others() {
    let chat = start(&[]).await;
    let path = "/applications/900000000000000002/guilds/900000000000000001/commands";
    let recorded = async |times: usize| {
        let look = async {
            while calls(&chat, "PUT", path) < times {
                tokio::task::yield_now().await;
            }
        };
        within("a call to be recorded", look).await;
    };
    recorded(1).await;
    assert_eq!((calls(&chat, "GET", path), calls(&chat, "PUT", path)), (1, 1));
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        let calls = chat.world.discord.server().exchanges().all();
        let told = calls.iter().find(|call| call.method == "PUT").unwrap().body.clone().unwrap();
        insta::assert_snapshot!("discord-commands", serde_json::to_string_pretty(&told).unwrap());
    });
    let Chat { world, bot, start: _ } = chat;
    bot.stop().await;
    let bot = serve(&world).await;
    let chat = Chat { start: world.repository.tip().unwrap(), world, bot };
    within("the bot to be ready", chat.bot.engine.ready()).await;
    let mut changed = chat.world.pulse.changed();
    let looked = async {
        while calls(&chat, "GET", path) < 2 {
            tokio::task::yield_now().await;
        }
    };
    within("the bot to look at the commands", looked).await;
    assert_eq!(calls(&chat, "PUT", path), 1, "Discord knew them");
    let pause = "name: pause\nsummary: Run none\noptions:\n  service: { type: service, required: true }\n  \
        environment: { type: environment, required: true }\nchange: { set: { replicas: \"0\" } }\n";
    let commit = crate::together::write(&chat.world, &[(".leverframe/commands/pause.yaml", pause)]);
    chat.reads(&commit).await;
    let told = async {
        while !chat.world.discord.commands().iter().any(|command| command["name"] == "pause") {
            changed.changed().await.unwrap();
        }
    };
    within("the new command to be registered", told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_of_discord_and_its_answer_fit_discords_description() {
    let (Some(check), Some(description)) = (script("contract.py"), shared("contracts/discord/openapi.trimmed.json"))
    else {
        return;
    };
    let chat = start(&[]).await;
    says(&chat, "ana", "/deploy checkout prod v1.2.5 reason=\"@everyone <b>why</b> & more\"").await;
    card_says(&chat, Look::Discord, "Needs approval").await;
    presses(&chat, "ana", "Approve").await;
    presses(&chat, "bo", "Approve").await;
    card_says(&chat, Look::Discord, "**Done.**").await;
    chat.settled().await;
    let log = chat.world.folder().join("discord.jsonl");
    chat.world.discord.server().exchanges().write_jsonl(&log).unwrap();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(calls(&chat, method, "/") > 0, "{method} was never called");
    }
    let judged = check(&[description.to_str().unwrap(), log.to_str().unwrap()]);
    assert!(judged.status.success(), "{}", words(&judged));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_discords_own_library_signs_is_believed_and_what_it_does_not_is_not() {
    let Some(send) = script("discord_sign.py") else { return };
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let world = crate::together::world_with(&[]).await;
    let file = world.write_config("127.0.0.1:0").unwrap();
    let text = std::fs::read_to_string(&file).unwrap().replace(&world.discord.public_key(), public);
    std::fs::write(&file, text).unwrap();
    let config = leverframe::config::Config::load(&file).unwrap();
    let bot = leverframe::cli::serve::start(config).await.unwrap();
    let url = format!("http://{}/discord/interactions", bot.address);
    let sent = |options: &[&str], seed: &str| words(&send(&[options, &["send", &url, seed, "ping"]].concat()));
    assert_eq!(sent(&[], seed).trim(), "200 {\"type\":1}");
    assert_eq!(sent(&["--tamper"], seed).trim(), "401 not signed by Discord");
    assert_eq!(sent(&["--stale"], seed).trim(), "401 not signed by Discord");
    assert_eq!(sent(&[], &"07".repeat(32)).trim(), "401 not signed by Discord");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_can_be_registered_from_a_terminal() {
    let world = crate::together::world_with(&[]).await;
    let file = world.write_config("127.0.0.1:0").unwrap();
    let register = async || {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_leverframe"));
        let ran = command.args(["register", "discord", "--config"]).arg(&file).output().await.unwrap();
        (ran.status.code(), words(&ran))
    };
    // Each under its own name, all of them under one, and what stands in the menu of a message.
    let count = leverframe::core::command::Commands::builtin().unwrap().iter().count() + 2;
    let (code, told) = register().await;
    let now = format!("Server 900000000000000001 has {count} commands now:\n  /lf: ");
    assert!(code == Some(0) && told.starts_with(&now), "{told}");
    let (code, told) = register().await;
    let already = format!("Server 900000000000000001 has all {count} commands already.");
    assert!(code == Some(0) && told.starts_with(&already), "{told}");
    let denied = json!({"message": "Missing Access", "code": 50001});
    world.discord.server().exchanges().add(Rule::answers("GET", "/applications/", 403, &denied).once());
    let (code, told) = register().await;
    assert!(
        code == Some(1) && told.contains("Discord refused: Missing Access (50001).\nAdd the bot with the scopes "),
        "{told}"
    );
}
