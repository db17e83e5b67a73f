//! What a rollback lets people choose: versions that the target really had, offered while they type on both platforms;
//! what else was different then, ticked on the card; a commit of several services, undone by a request for each.

use leverframe::{
    clock,
    play::{people, repository::HandEdit},
};
use serde_json::{Value, json};

use crate::together::{Chat, within, write};

const PROD: &str = "apps/checkout/prod/kustomization.yaml";
const STAGING: &str = "apps/checkout/staging/kustomization.yaml";
const CART: &str = "apps/cart/prod/cart.yaml";

fn text(chat: &Chat, path: &str) -> String {
    chat.world.repository.file(path).unwrap().unwrap()
}

/// Dan writes files over, and the bot has read it.
async fn commits(chat: &Chat, files: &[(&str, &str)]) -> String {
    let commit = write(&chat.world, files);
    chat.world.pulse.beat();
    chat.reads(&commit).await;
    commit
}

async fn done(chat: &Chat, typed: &str, title: &str) {
    assert_eq!(chat.says("ana", typed).await, "");
    chat.card_says(title).await;
    chat.settled().await;
    let card = chat.card_says(title).await.content.words();
    assert!(card.contains("*Done.*"), "{card}");
}

/// The version and the count of checkout in prod are changed by hand, and Ana asks for the version back.
async fn asked_back() -> (Chat, String) {
    let chat = Chat::start().await;
    let was = text(&chat, PROD);
    commits(&chat, &[(PROD, &was.replace("v1.2.4", "v1.2.5").replace("count: 3", "count: 6"))]).await;
    assert_eq!(chat.says("ana", "/rollback checkout prod").await, "");
    chat.card_says("Pull request #1").await;
    chat.settled().await;
    (chat, was)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_differs_from_then_is_ticked_on_the_card_by_whoever_asked() {
    let (chat, was) = asked_back().await;
    let told = chat.presses("bo", "Also replicas 6 → 3").await;
    assert!(told.contains("Only whoever asked can change what is asked for."), "{told}");
    assert_eq!(chat.presses("ana", "Also replicas 6 → 3").await, "");
    let card = chat.card_says("`replicas` is restored too").await.content.words();
    assert!(!card.contains("Left as it is now"), "{card}");
    assert_eq!((chat.count("request.replanned"), chat.count("tick.refused")), (1, 1));
    // Taken off again, and put on again.
    assert_eq!(chat.presses("ana", "Without replicas 6 → 3").await, "");
    chat.card_says("`replicas` is no longer restored too").await;
    assert_eq!(chat.presses("ana", "Also replicas 6 → 3").await, "");
    chat.settled().await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    assert_eq!(text(&chat, PROD), was);
    assert_eq!(chat.world.github.pull(1).unwrap().number, 1);
    assert!(chat.world.github.pull(2).is_err(), "the same pull request follows");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_ticks_stays_and_can_be_had_after_the_landing() {
    let (chat, was) = asked_back().await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    chat.settled().await;
    assert_eq!(text(&chat, PROD), was.replace("count: 3", "count: 6"));
    assert_eq!(chat.presses("ana", "Also replicas 6 → 3").await, "");
    chat.card_says("Pull request #2").await;
    chat.settled().await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.settled().await;
    assert_eq!(text(&chat, PROD), was);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_to_go_back_to_are_those_that_git_and_the_ledger_know() {
    let chat = Chat::start().await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    for version in ["v1.2.5", "v1.2.3", "v1.2.5"] {
        done(&chat, &format!("/deploy checkout staging {version}"), &format!("deploy checkout {version}")).await;
    }
    let target = leverframe::core::names::Target {
        service: leverframe::core::names::Service::parse("checkout").unwrap(),
        environment: leverframe::core::names::Environment::parse("staging").unwrap(),
    };
    let known = chat.bot.engine.past_versions(&target, "").await;
    let labels: Vec<String> = known.iter().map(|choice| choice.label(100)).collect();
    assert_eq!(labels.first().unwrap(), "v1.2.3 (healthy, 0 min old, by Ana Moreau, taken if nothing is chosen)");
    assert!(labels.iter().any(|label| label.starts_with("v1.2.4 (")), "{labels:?}");
    assert!(labels.iter().all(|label| !label.starts_with("v1.2.5")), "the present one is none: {labels:?}");

    let typing = |name: &str, typed: &str| json!({"name": name, "type": 3, "value": typed, "focused": true});
    let given = |name: &str, value: &str| json!({"name": name, "type": 3, "value": value});
    let place: [Value; 2] = [given("service", "checkout"), given("environment", "staging")];
    let options = [place.as_slice(), &[typing("to", "1.2.")]].concat();
    let offered = chat.world.discord.offers("ana", "rollback", &options).await.unwrap();
    assert_eq!(offered.iter().take(2).map(String::as_str).collect::<Vec<_>>(), ["v1.2.3", "v1.2.4"]);

    assert_eq!(chat.says("ana", "/lf rollback checkout").await, "");
    let filled = [("environment", "staging")];
    assert!(chat.world.slack.form("ana").is_some());
    let offered = chat.world.slack.searches_beside("ana", ("to", ""), &filled).await.unwrap();
    assert_eq!(offered.first().map(String::as_str), Some("v1.2.3"));
    assert!(!offered.contains(&"v1.2.5".to_owned()), "{offered:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_of_several_services_is_undone_by_a_request_for_each() {
    let chat = Chat::start().await;
    let (checkout, cart) = (text(&chat, STAGING), text(&chat, CART));
    let (more, fewer) = (checkout.replace("count: ", "count: 1"), cart.replace("replicas: 4", "replicas: 5"));
    let bad = commits(&chat, &[(STAGING, &more), (CART, &fewer), ("NOTES.md", "words\n")]).await;
    let short = bad.get(..7).unwrap();
    let told = chat.says("ana", &format!("/revert {short} reason=oops")).await;
    assert!(
        told.contains("changed several services or environments; each is undone by a request of its own"),
        "{told}"
    );
    assert!(told.contains("cart in prod") && told.contains("checkout in staging"), "{told}");
    let card = chat.card_says(&format!("revert {short} of cart in prod")).await.content.words();
    assert!(card.contains("Not undone here, because each takes a request of its own: checkout in staging"), "{card}");
    assert!(card.contains("Not undone, because it is in no service's place: `NOTES.md`"), "{card}");
    chat.settled().await;
    assert_eq!(text(&chat, STAGING), checkout, "staging needs no approval");
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.settled().await;
    assert_eq!((text(&chat, CART), chat.count("request.opened")), (cart, 2));
    // What is undone already is said for each.
    let again = chat.says("ana", &format!("/revert {short}")).await;
    assert!(again.contains("nothing of it was asked for") && again.contains("is undone already"), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_takes_back_what_was_done_in_chat_is_announced() {
    let chat = Chat::start().await;
    done(&chat, "/deploy checkout staging v1.2.5", "deploy checkout v1.2.5").await;
    let edit = HandEdit { path: STAGING, before: "v1.2.5", after: "v1.2.4", message: "no\n" };
    let dan = people::find("dan").unwrap();
    let commit = chat.world.repository.edit_by_hand(dan, &edit, clock::now()).unwrap();
    chat.world.pulse.beat();
    let home = async {
        let mut changed = chat.world.pulse.changed();
        loop {
            let all = chat.world.slack.everything();
            let said = all.iter().map(|message| message.content.words()).find(|words| words.contains("takes back"));
            if let Some(said) = said {
                return said;
            }
            changed.changed().await.unwrap();
        }
    };
    let said = within("the home channel to hear of it", home).await;
    let short = commit.get(..7).unwrap();
    assert!(said.contains(&format!("`{short}` of Dan Petrov came to `main` past me")), "{said}");
    assert!(said.contains("`image_tag` of checkout in staging is `v1.2.4` again"), "{said}");
    assert_eq!(chat.count("outside.commit"), 1);
}
