//! Breaking glass, from asking to paid, and what it must never do: hold a rescue up because something else is down, leave
//! what follows git held off, lower anything unasked, or call anything done before it is.

use std::time::Duration;

use leverframe::play::slack::Which;
use serde_json::{Value, json};

use crate::together::{Chat, DEPLOYS, within};

const ASK: &str = "/breakglass scale checkout prod 10 for=1h reason=\"three pods cannot hold the load\"";

/// Waits until so many pods of checkout are ready, and no more are wanted.
async fn pods(chat: &Chat, environment: &str, count: usize) {
    let cluster = &chat.world.clusters[environment];
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
    within(&format!("{count} pods in {environment}"), so).await;
}

fn application(chat: &Chat) -> Value {
    chat.world.clusters["prod"].followed_by("checkout-prod").unwrap()
}

fn automated(object: &Value) -> Value {
    object.pointer("/spec/syncPolicy/automated").cloned().unwrap_or_default()
}

fn is_marked(object: &Value) -> bool {
    object.pointer("/metadata/annotations").is_some_and(|all| all.to_string().contains("leverframe.dev/"))
}

/// Asks, and another person approves; then ten pods run.
async fn broken(chat: &Chat) {
    assert_eq!(chat.says("ana", ASK).await, "");
    chat.card_says("The last approval executes it").await;
    assert_eq!(chat.presses("cleo", "Approve").await, "");
    pods(chat, "prod", 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_stays_until_git_says_it_and_everything_is_as_before() {
    let chat = Chat::start().await;
    let before = automated(&application(&chat));
    broken(&chat).await;
    chat.card_says("owed to git: replicas of checkout in prod").await;
    let held = application(&chat);
    assert_eq!(automated(&held), json!({"prune": true, "selfHeal": true, "enabled": false}));
    assert!(is_marked(&held), "{held}");
    // What would undo it is refused; the incident stays open.
    let told = chat.says("dan", "/scale checkout prod 4").await;
    assert!(told.starts_with("Glass is broken there"), "{told}");
    let told = chat.presses("ana", "Close").await;
    assert!(told.starts_with("Git and the cluster do not agree yet"), "{told}");
    chat.card_says("Waiting for <").await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Paid: git says 10").await;
    pods(&chat, "prod", 10).await;
    let after = application(&chat);
    assert_eq!(automated(&after), before);
    assert!(!is_marked(&after), "{after}");
    assert_eq!(chat.presses("ana", "Close").await, "");
    chat.card_says("Closed by").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reverting_instead_gives_the_cluster_what_git_says_and_closes_the_pull_request() {
    let chat = Chat::start().await;
    broken(&chat).await;
    chat.card_says("Waiting for <").await;
    let told = chat.presses("dan", "Revert instead").await;
    assert!(told.starts_with("Your vote does not count here"), "{told}");
    assert_eq!(chat.presses("ana", "Revert instead").await, "");
    chat.card_says("runs what git says again").await;
    pods(&chat, "prod", 3).await;
    assert!(!is_marked(&application(&chat)));
    let open = |chat: &Chat| {
        let pulls = chat.world.github.pulls().unwrap();
        pulls.iter().filter(|pull| pull.state == leverframe::play::github::forge::State::Open).count()
    };
    let mut changed = chat.world.pulse.changed();
    let closed = async {
        while open(&chat) > 0 {
            let _ = tokio::time::timeout(Duration::from_millis(200), changed.changed()).await;
        }
    };
    within("the pull request to be closed", closed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flux_is_suspended_and_goes_on_and_a_direct_commit_pays() {
    let chat = Chat::start().await;
    assert_eq!(chat.says("ana", "/breakglass scale checkout staging 4").await, "");
    chat.card_says("The last approval executes it").await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Paid: git says 4").await;
    pods(&chat, "staging", 4).await;
    let after = chat.world.clusters["staging"].followed_by("checkout").unwrap();
    assert_eq!((after.pointer("/spec/suspend"), is_marked(&after)), (None, false), "{after}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_git_host_and_github_the_rescue_comes_and_the_debt_waits() {
    let chat = Chat::start().await;
    chat.world.git.server().stop().await;
    chat.world.github.server().stop().await;
    assert_eq!(chat.says("ana", ASK).await, "");
    chat.card_says("The last approval executes it").await;
    // Nothing comes to rest while git is away, so that this does not wait for it.
    let pressed = chat.world.slack.presses("cleo", Which::Newest(DEPLOYS), "Approve").await.unwrap();
    assert_eq!(pressed.status, Some(200));
    pods(&chat, "prod", 10).await;
    chat.card_says("live 10, git 3").await;
    assert_eq!(automated(&application(&chat))["enabled"], json!(false));
    chat.world.git.server().start_again().await.unwrap();
    chat.world.github.server().start_again().await.unwrap();
    chat.card_says("Waiting for <").await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Paid: git says 10").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_not_last_is_refused_beforehand_with_what_works() {
    let owner = json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": "shop", "uid": "u"}]);
    let of_a_set = json!({"metadata": {"ownerReferences": owner}});
    let of_a_parent = json!({"metadata": {"annotations":
        {"argocd.argoproj.io/tracking-id": "cart-prod:argoproj.io/Application:argocd/checkout-prod"}}});
    let cases = [
        (of_a_set, "the ApplicationSet `shop`", "ignoreApplicationDifferences"),
        (of_a_parent, "the Application `cart-prod` applies this one", "ignoreDifferences"),
    ];
    for (patch, why, way) in cases {
        let chat = Chat::start().await;
        chat.world.clusters["prod"].remake("checkout-prod", &patch);
        assert_eq!(chat.says("ana", ASK).await, "");
        // The incident's card says that it came to nothing; the way that works stands on its own card.
        let card = chat.card_says(way).await.content.words();
        assert!(card.contains(why) && card.contains("cannot be held off"), "{card}");
        pods(&chat, "prod", 3).await;
        assert!(!is_marked(&application(&chat)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_undone_is_met_once_and_then_a_person_is_called() {
    let chat = Chat::start().await;
    broken(&chat).await;
    let cluster = &chat.world.clusters["prod"];
    assert!(cluster.scale_by_hand("checkout", 3));
    chat.card_says("Something undid it once").await;
    pods(&chat, "prod", 10).await;
    assert!(cluster.scale_by_hand("checkout", 3));
    chat.card_says("a second time").await;
}

/// How often the race is run: a few times here, a hundred with `LEVERFRAME_RACES=100`.
fn races() -> usize {
    crate::contract::variable("LEVERFRAME_RACES").and_then(|races| races.to_str()?.parse().ok()).unwrap_or(4)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_heals_itself_at_once_never_undoes_what_is_held() {
    let chat = Chat::start().await;
    for race in 0..races() {
        broken(&chat).await;
        chat.card_says("Waiting for <").await;
        assert_eq!(chat.presses("ana", "Revert instead").await, "", "race {race}");
        pods(&chat, "prod", 3).await;
        within("the debt to be paid", async {
            while chat.count("debt.ended") <= race {
                chat.settled().await;
            }
        })
        .await;
        assert!(!is_marked(&application(&chat)), "race {race}");
    }
    assert_eq!((chat.count("breakglass.redone"), chat.count("breakglass.alarm")), (0, 0));
    assert_eq!(chat.count("breakglass.changed"), races());
}
