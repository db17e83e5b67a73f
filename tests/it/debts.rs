//! What a debt goes through between its beginning and its end: further changes that are folded in, sides that move, what was
//! done by hand before the bot looked.

use std::time::Duration;

use jiff::Timestamp;
use leverframe::{clock, play::github::forge::State};
use serde_json::{Value, json};

use crate::together::{Chat, serve, within, world_with};

const ASK: &str = "/breakglass scale checkout prod 10 for=1h reason=\"three pods cannot hold the load\"";

/// Waits until so many pods of checkout are ready in prod, and no more are wanted.
async fn pods(chat: &Chat, count: usize) {
    let cluster = &chat.world.clusters["prod"];
    let mut changed = chat.world.pulse.changed();
    let so = async {
        loop {
            let running = cluster.running().into_iter().find(|one| one.service == "checkout").unwrap();
            if running.ready == count && running.wanted == count {
                return;
            }
            let _ = tokio::time::timeout(Duration::from_millis(200), changed.changed()).await;
        }
    };
    within(&format!("{count} pods"), so).await;
}

fn application(chat: &Chat) -> Value {
    chat.world.clusters["prod"].followed_by("checkout-prod").unwrap()
}

/// Waits until what follows git says that it is held off for more than so many hours, and less than two more.
async fn marked_for(chat: &Chat, hours: i64) {
    let mut changed = chat.world.pulse.changed();
    let so = async {
        loop {
            let annotations = application(chat).pointer("/metadata/annotations").cloned().unwrap_or_default();
            let until = annotations["leverframe.dev/paused-until"].as_str().unwrap().parse::<Timestamp>().unwrap();
            if (hours..hours + 2).contains(&until.duration_since(clock::now()).as_hours()) {
                return;
            }
            let _ = tokio::time::timeout(Duration::from_millis(200), changed.changed()).await;
        }
    };
    within(&format!("the mark for {hours} hours"), so).await;
}

fn open_pull_requests(chat: &Chat) -> usize {
    chat.world.github.pulls().unwrap().iter().filter(|pull| pull.state == State::Open).count()
}

async fn broken(chat: &Chat) {
    assert_eq!(chat.says("ana", ASK).await, "");
    chat.card_says("The last approval executes it").await;
    assert_eq!(chat.presses("cleo", "Approve").await, "");
    pods(chat, 10).await;
    chat.card_says("Waiting for <").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_changes_by_hand_meanwhile_is_proposed_anew_and_approved_anew() {
    let chat = Chat::start().await;
    broken(&chat).await;
    assert!(chat.world.clusters["prod"].scale_by_hand("checkout", 14));
    chat.card_says("replicas is 14 live now, not 10").await;
    chat.card_says("scale checkout in prod replicas=14").await;
    chat.settled().await;
    assert_eq!(open_pull_requests(&chat), 1, "the one of before makes way");
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Paid: git says 14").await;
    assert_eq!(chat.count("debt.ended"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn git_that_comes_to_say_what_is_live_pays_without_anybody() {
    let chat = Chat::start().await;
    broken(&chat).await;
    let file = "apps/checkout/prod/kustomization.yaml";
    let text = chat.world.repository.file(file).unwrap().unwrap();
    let commit = crate::together::write(&chat.world, &[(file, &text.replace("count: 3", "count: 10"))]);
    chat.reads(&commit).await;
    chat.card_says("Paid: git says 10").await;
    pods(&chat, 10).await;
    assert_eq!((open_pull_requests(&chat), chat.count("breakglass.ended")), (0, 1));
}

/// A night without the bot: what follows git was held off as the printed page says, and ten pods were set.
async fn by_hand(catalog: &[(&str, &str)]) -> Chat {
    let world = world_with(catalog).await;
    let marked = json!({"metadata": {"annotations": {"leverframe.dev/paused-by": "ana"}},
        "spec": {"syncPolicy": {"automated": {"enabled": false}}}});
    world.clusters["prod"].remake("checkout-prod", &marked);
    assert!(world.clusters["prod"].scale_by_hand("checkout", 10));
    let bot = serve(&world).await;
    let start = world.repository.tip().unwrap();
    Chat { world, bot, start }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_by_hand_is_recorded_and_paid_like_any_other_debt() {
    let unwatched =
        include_str!("../../fixtures/demo/.leverframe/catalog.yaml").replace("drift: debt", "drift: ignore");
    for catalog in [vec![], vec![(".leverframe/catalog.yaml", unwatched.as_str())]] {
        let chat = by_hand(&catalog).await;
        pods(&chat, 10).await;
        chat.says("zed", "/help").await;
        chat.settled().await;
        let told = chat.says("zed", "/debt record checkout prod replicas 10 \"scaled at three\"").await;
        assert!(told.contains("catalog"), "{told}");
        let told = chat.says("ana", "/debt record checkout prod replicas 10").await;
        assert!(told.starts_with("What was done is missing"), "{told}");
        assert_eq!(chat.says("ana", "/debt record checkout prod replicas 10 \"scaled at three\"").await, "");
        chat.card_says("owed to git: replicas of checkout in prod").await;
        let told = chat.says("ana", "/debt record checkout prod replicas 10 \"once more\"").await;
        assert!(told.starts_with("That is owed already") || told.starts_with("The same is already asked"), "{told}");
        chat.card_says("Waiting for <").await;
        assert_eq!(chat.presses("bo", "Approve").await, "");
        chat.card_says("Paid: git says 10").await;
        pods(&chat, 10).await;
        let after = application(&chat);
        assert_eq!(after.pointer("/spec/syncPolicy/automated"), Some(&json!({"prune": true, "selfHeal": true})));
        assert!(!after.to_string().contains("leverframe.dev/paused"), "{after}");
        assert_eq!((chat.count("breakglass.changed"), chat.count("debt.ended")), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_live_is_not_recorded() {
    let chat = by_hand(&[]).await;
    pods(&chat, 10).await;
    chat.says("ana", "/help").await;
    chat.settled().await;
    let told = chat.says("ana", "/debt record checkout prod replicas 7 \"scaled at three\"").await;
    chat.settled().await;
    // Where it was not seen yet the card says it, else the answer.
    if told.is_empty() {
        chat.card_says("replicas of checkout in prod is 10 live, not 7").await;
    } else {
        assert!(told.starts_with("replicas of checkout in prod is 10 live, not 7"), "{told}");
    }
    assert_eq!(chat.count("debt.opened"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_persons_write_a_debt_off_until_a_date_and_it_can_be_owed_again() {
    let chat = Chat::start().await;
    broken(&chat).await;
    let told = chat.says("ana", "/debt write-off checkout prod reason=\"until the sale ends\"").await;
    assert!(told.starts_with("A day on which it is owed again is missing"), "{told}");
    let ask = "/debt write-off checkout prod until=240h reason=\"until the sale ends\"";
    assert_eq!(chat.says("ana", ask).await, "");
    chat.card_says("asks to write it off until").await;
    let told = chat.presses("ana", "Agree to write it off").await;
    assert!(told.starts_with("You asked for this"), "{told}");
    assert_eq!(chat.presses("cleo", "Agree to write it off").await, "");
    chat.card_says("git and live differ on purpose").await;
    let told = chat.says("dan", "/debts").await;
    assert!(told.contains("written off until") && told.contains("by ana and cleo"), "{told}");
    chat.settled().await;
    assert_eq!(open_pull_requests(&chat), 0, "nobody is asked for it");
    pods(&chat, 10).await;
    assert_eq!(application(&chat).pointer("/spec/syncPolicy/automated/enabled"), Some(&json!(false)));
    // Whoever reads the marks without us calls nobody before that day.
    marked_for(&chat, 239).await;
    assert_eq!(chat.presses("ana", "Owe it again").await, "");
    marked_for(&chat, 0).await;
    chat.card_says("Waiting for <").await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Paid: git says 10").await;
}
