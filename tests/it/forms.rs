//! Forms in Slack, mentions in plain words and the home tab, with the whole bot.

use leverframe::play::slack::Which;

use crate::together::{Chat, DEPLOYS, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_alone_opens_a_form_which_says_in_place_what_is_wrong_and_then_deploys() {
    let chat = Chat::start().await;
    assert_eq!(chat.says("ana", "/deploy").await, "");
    let form = chat.world.slack.form("ana").expect("a form");
    let names: Vec<&str> = form["blocks"].as_array().unwrap().iter().map(|b| b["block_id"].as_str().unwrap()).collect();
    assert_eq!(names, ["service", "environment", "version", "replicas", "digest", "confirm", "reason"]);
    assert_eq!(chat.count("request.refused"), 0, "opening a form is no refusal");

    let slack = &chat.world.slack;
    assert_eq!(slack.searches("ana", "service", "chec").await.unwrap(), ["checkout"]);
    assert!(slack.searches("ana", "environment", "").await.unwrap().contains(&"staging".to_owned()));
    assert_eq!(slack.searches("ana", "version", "v1.2.5").await.unwrap(), ["v1.2.5"]);

    let filled = [("service", "checkout"), ("environment", "staging"), ("version", "no tag!")];
    let wrong = slack.submits("ana", &filled).await.unwrap().shown.unwrap();
    assert!(wrong.starts_with("version: no tag! is not an image tag"), "{wrong}");
    assert!(slack.form("ana").is_some(), "it stays open");
    assert_eq!(chat.count("request.opened"), 0);

    let filled = [("service", "checkout"), ("environment", "staging"), ("version", "v1.2.5"), ("reason", "why not")];
    let sent = slack.submits("ana", &filled).await.unwrap();
    assert_eq!((sent.status, sent.body.as_str(), sent.shown), (Some(200), "", None));
    assert!(slack.form("ana").is_none(), "it closes");
    let again = slack.deliver_again(sent.delivery).await.unwrap();
    assert_eq!(again.body, "");
    chat.card_says("*Done.* Live: ").await;
    chat.card_says("why not").await;
    assert_eq!((chat.count("request.opened"), chat.commits()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_keeps_what_was_typed_and_offers_versions_from_history() {
    let chat = Chat::start().await;
    chat.says("ana", "/deploy checkout staging v1.2.5").await;
    chat.card_says("*Done.* Live: ").await;
    assert_eq!(chat.says("ana", "/lf deploy checkout to prod replicas=3").await, "");
    let form = chat.world.slack.form("ana").expect("a form");
    let element = |name: &str| {
        let blocks = form["blocks"].as_array().unwrap();
        blocks.iter().find(|block| block["block_id"] == name).unwrap()["element"].clone()
    };
    assert_eq!(element("service")["initial_option"]["value"], "checkout");
    assert_eq!(element("environment")["initial_option"]["value"], "prod");
    assert_eq!(element("replicas")["initial_value"], "3");
    let offered = chat.world.slack.searches("ana", "version", "").await.unwrap();
    assert_eq!(offered, ["v1.2.5", "v1.2.4"]);
    assert_eq!(chat.world.slack.searches("ana", "version", "2.4").await.unwrap(), ["2.4", "v1.2.4"]);
    let sent = chat.world.slack.submits("ana", &[("version", "v1.2.5")]).await.unwrap();
    assert_eq!(sent.shown, None);
    chat.card_says("Needs approval").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_at_once_and_strangers_get_no_form() {
    let chat = Chat::start().await;
    assert!(chat.says("ana", "/deploy chekout").await.contains("There is no service `chekout`."));
    assert!(chat.world.slack.form("ana").is_none());
    // Somebody whom the catalog does not know is told so instead of being asked for more.
    assert_ne!(chat.says("zed", "/deploy checkout").await, "");
    assert!(chat.world.slack.form("zed").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bot_is_asked_in_plain_words() {
    let chat = Chat::start().await;
    let slack = &chat.world.slack;
    let said =
        slack.says("ana", DEPLOYS, "@leverframe please deploy checkout v1.2.5 to prod because of <the> fix").await;
    let said = said.unwrap().expect("an event");
    assert_eq!((said.status, said.body.as_str()), (Some(200), ""));
    chat.card_says("Needs approval").await;
    slack.deliver_again(said.delivery).await.unwrap();
    let private = slack.says("ana", DEPLOYS, "@leverframe deploy chekout v1.2.5 to prod").await.unwrap().unwrap();
    slack.deliver_again(private.delivery).await.unwrap();
    chat.settled().await;
    let told: Vec<String> = slack.ephemerals("ana").unwrap().iter().map(|told| told.content.words()).collect();
    assert_eq!(told.iter().filter(|told| told.contains("There is no service `chekout`")).count(), 1, "{told:?}");
    assert_eq!(chat.count("request.opened"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_home_tab_shows_what_waits() {
    let chat = Chat::start().await;
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.card_says("Needs approval").await;
    let slack = &chat.world.slack;
    slack.opens_home("bo").await.unwrap();
    within("the home tab", chat.bot.engine.settled()).await;
    let home = slack.home("bo").unwrap();
    assert!(
        home.contains("*Waiting for approval*\n• `deploy checkout v1.2.5 to prod`: waiting for approval"),
        "{home}"
    );
    assert!(home.contains("You have nothing open."), "{home}");
    slack.opens_home("ana").await.unwrap();
    within("the home tab", chat.bot.engine.settled()).await;
    assert!(slack.home("ana").unwrap().contains("*Yours, still open*\n• `deploy checkout"));
    assert_eq!(slack.presses("bo", Which::Newest(DEPLOYS), "Approve").await.unwrap().status, Some(200));
}

#[test]
fn every_form_is_within_slacks_limits_and_taken_by_its_own_models() {
    use leverframe::{
        chat::slack::form,
        core::command::{Begun, Commands},
        play::slack::limits,
    };
    let given = [("service", "s".repeat(63)), ("environment", "prod".to_owned()), ("replicas", "3".to_owned())];
    let given: std::collections::BTreeMap<String, String> =
        given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let check = crate::contract::script("slack_blocks.py");
    let folder = tempfile::tempdir().unwrap();
    for definition in Commands::builtin().unwrap().iter() {
        let begun = Begun { definition: definition.clone(), given: given.clone() };
        let view = form::modal(&begun, "C0DEPLOYS");
        assert_eq!(limits::view_complaints(&view), Vec::<String>::new(), "{}", definition.name);
        if let Some(check) = &check {
            let file = folder.path().join("view.json");
            std::fs::write(&file, view.to_string()).unwrap();
            let output = check(&[file.to_str().unwrap()]);
            assert!(output.status.success(), "{}: {}", definition.name, crate::contract::words(&output));
        }
    }
}
