//! Whoever is on call has a say: PagerDuty and Opsgenie are asked at the vote, people are known to them by e-mail, and no
//! address gets into the ledger.

use leverframe::{
    net::{Outgoing, Tls},
    pager::{Kind, Pager, PagerError},
    play::{exchange::Rule, pager::PagerLookalike, pulse::Pulse},
    secret::Secret,
};
use serde_json::json;
use url::Url;

use crate::together::Chat;

const CATALOG: &str = ".leverframe/catalog.yaml";

/// The demo's catalog where whoever is on call decides on deploys.
fn catalog() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let mut text = std::fs::read_to_string(path).unwrap();
    for (name, of) in [("Bo Lindqvist", "bo"), ("Cleo Okafor", "cleo")] {
        text = text.replace(&format!("name: {name},"), &format!("name: {name}, email: {of}@example.com,"));
    }
    text.replace(
        "deploy: { count: 1, from: [group:leads] }",
        "deploy: { count: 1, from: [\"oncall:pagerduty/PSHOP\"] }",
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_on_call_now_approves_and_who_handed_over_does_not() {
    let world = crate::together::world_with(&[(CATALOG, &catalog())]).await;
    world.pager.set_on_call("PSHOP", &["Bo@Example.com"]);
    world.pager.set_on_call("POTHER", &["dan@example.com"]);
    let bot = crate::together::serve(&world).await;
    crate::together::within("the bot to be ready", bot.engine.ready()).await;
    let start = world.repository.tip().unwrap();
    let chat = Chat { world, bot, start };
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("deploy checkout v1.2.5 to prod").await;
    chat.settled().await;
    assert!(chat.presses("cleo", "Approve").await.starts_with("Your vote does not count here."));
    // Bo hands over: a schedule's word counts at once, for Cleo and against Bo.
    chat.world.pager.set_on_call("PSHOP", &["cleo@example.com"]);
    assert!(chat.presses("bo", "Approve").await.starts_with("Your vote does not count here."));
    assert_eq!(chat.presses("cleo", "Approve").await, "");
    chat.card_says("Live: 3 of 3 pods run v1.2.5.").await;
    let entries = chat.bot.engine.ledger().read(0, 10_000).unwrap();
    let told = entries.iter().map(|one| serde_json::to_string(&one.entry).unwrap()).collect::<String>();
    assert!(told.contains("group/pagerduty:PSHOP") && !told.to_lowercase().contains("@example.com"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pager_that_cannot_say_counts_nobody_and_says_why() {
    let world = crate::together::world_with(&[(CATALOG, &catalog())]).await;
    let no = json!({"error": {"message": "Access Denied", "code": 2010}});
    let _down = world.pager.server().exchanges().add(Rule::answers("GET", "/oncalls", 403, &no));
    let bot = crate::together::serve(&world).await;
    crate::together::within("the bot to be ready", bot.engine.ready()).await;
    let start = world.repository.tip().unwrap();
    let chat = Chat { world, bot, start };
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.card_says("deploy checkout v1.2.5 to prod").await;
    chat.settled().await;
    let told = chat.presses("bo", "Approve").await;
    let words = "PagerDuty could not say who is on call for `PSHOP` (it refused to say who is on call (403): Access \
        Denied), so this was not counted.";
    assert!(told.starts_with(words), "{told}");
    assert_eq!((chat.count("approval.given"), chat.count("approval.refused")), (0, 1));
}

async fn pagers(key: &str) -> (PagerLookalike, [Pager; 2]) {
    let there = PagerLookalike::start(Secret::new("key"), Pulse::default()).await.unwrap();
    let (net, api) = (Outgoing::new(&Tls::default()).unwrap(), Url::parse(&there.api()).unwrap());
    let one = |kind| Pager::new(kind, (api.clone(), Secret::new(key)), &net);
    let pagerduty = one(Kind::PagerDuty).with_schedules(api.clone(), Secret::new(key));
    (there, [pagerduty, one(Kind::Opsgenie)])
}

#[tokio::test]
async fn both_are_asked_in_their_words_and_every_page_is_read() {
    let (there, pagers) = pagers("key").await;
    let many: Vec<String> = (0..230).map(|number| format!("p{number}@example.com")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    there.set_on_call("MANY", &many);
    there.set_on_call("NOBODY", &[]);
    for pager in &pagers {
        assert_eq!(pager.on_call("MANY").await.unwrap(), many, "{:?}", pager.kind());
        assert!(pager.on_call("NOBODY").await.unwrap().is_empty());
    }
    let asked: Vec<String> =
        there.server().exchanges().all().iter().map(|one| format!("{} {}", one.method, one.path)).collect();
    let first = "GET /oncalls?schedule_ids%5B%5D=MANY&include%5B%5D=users&limit=100&offset=0";
    assert!(asked.contains(&first.to_owned()), "{asked:?}");
    let flat = "GET /v2/schedules/MANY/on-calls?scheduleIdentifierType=id&flat=true";
    assert!(asked.contains(&flat.to_owned()), "{asked:?}");
}

#[tokio::test]
async fn a_key_that_may_not_read_and_an_answer_that_is_none_are_errors() {
    let (_there, refused) = pagers("another key").await;
    for pager in &refused {
        let error = pager.on_call("PSHOP").await.unwrap_err();
        assert!(matches!(error, PagerError::Unreadable { status: 401, .. }), "{error}");
    }
    let (there, pagers) = pagers("key").await;
    let _garbage = there.server().exchanges().add(Rule::answers("GET", "/", 200, &json!({"hello": "there"})));
    for pager in &pagers {
        assert!(matches!(pager.on_call("PSHOP").await.unwrap_err(), PagerError::Garbage { .. }));
    }
    let net = Outgoing::new(&Tls::default()).unwrap();
    let unasked = Pager::new(Kind::PagerDuty, (Url::parse(&there.api()).unwrap(), Secret::new("key")), &net);
    let error = unasked.on_call("PSHOP").await.unwrap_err();
    assert!(matches!(error, PagerError::Unasked) && error.remedy().contains("schedules"), "{error}");
}
