//! Each outside system down, slow, flapping and answering garbage while glass is broken: asked, approved, paid. The rescue
//! waits for nothing but the cluster and whoever approves; when it is over, everything came once. README.md has the same table.

use std::fmt::Write as _;

use futures::StreamExt as _;
use leverframe::play::server::Server;
use serde_json::json;

use crate::{
    bot::{Scene, of_kind},
    faults::{Way, begin_at},
};

/// How many lives at the same time.
const AT_ONCE: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    GitHub,
    Git,
    Pager,
    Slack,
    Cluster,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Ask,
    Approve,
    Pay,
}

/// What comes while it lasts. An empty text: it comes when that is over.
fn during(system: System, way: Way, step: Step) -> &'static str {
    match (system, step, way) {
        // Git and GitHub are not needed for the rescue, and a pager never is.
        (System::GitHub | System::Git | System::Pager, Step::Ask, _) => "The last approval executes it",
        (System::GitHub | System::Git | System::Pager, Step::Approve, _) => "live 10, git 3",
        (System::Pager, Step::Pay, _) => "Paid: git says 10",
        (System::Cluster, Step::Ask | Step::Approve, Way::Down) => "the cluster cannot be reached",
        (System::Cluster, Step::Ask | Step::Approve, Way::Garbage) => "the answer is not one of a Kubernetes API",
        (System::GitHub | System::Git | System::Slack | System::Cluster, _, _) => "",
    }
}

fn servers(scene: &Scene, system: System) -> Vec<&Server> {
    match system {
        System::GitHub => vec![scene.world.github.server()],
        System::Git => vec![scene.world.git.server()],
        System::Pager => vec![scene.world.pager.server()],
        System::Slack => vec![scene.world.slack.server()],
        System::Cluster => scene.world.clusters.values().map(|cluster| cluster.server()).collect(),
    }
}

/// Whether that step came to its end.
fn is_done(scene: &Scene, step: Step) -> bool {
    match step {
        Step::Ask => scene.card_says("The last approval executes it"),
        Step::Approve => {
            scene.card_says("live 10, git 3")
                && scene.card_says("scale checkout in prod replicas=10")
                && scene.card_says("[Approve]")
                && scene.card_says("Waiting for <")
        }
        Step::Pay => scene.card_says("Paid: git says 10"),
    }
}

/// One step with something wrong; the person is answered all the same.
async fn step(scene: &Scene, system: System, way: Way, step: Step) -> String {
    let name = format!("{system:?} {way:?} {step:?}");
    let wrong = begin_at(servers(scene, system), way).await;
    let act = async || match step {
        Step::Ask => scene.says("ana", "/breakglass scale checkout prod 10 reason=load").await,
        Step::Approve => scene.presses("cleo", "Approve").await,
        Step::Pay => scene.presses("bo", "Approve").await,
    };
    assert_eq!(act().await.status, Some(200), "{name}: {}", scene.told());
    let words = during(system, way, step);
    if !words.is_empty() {
        scene.until(&format!("{name}: {words}"), |scene| scene.card_said(words)).await;
    }
    // A vote that Slack cannot vouch for is not counted, and is cast again.
    let kind = match step {
        Step::Ask => "breakglass.opened",
        Step::Approve => "breakglass.approved",
        Step::Pay => "approval.given",
    };
    let uncounted = of_kind(&scene.ledger().await, kind).is_empty();
    wrong.mends().await;
    if uncounted {
        assert_eq!(act().await.status, Some(200), "{name}: {}", scene.told());
    }
    scene.until(&format!("{name}: done"), |scene| is_done(scene, step)).await;
    match (words, uncounted) {
        (_, true) => "refused, and may be asked again".to_owned(),
        ("", false) => "later".to_owned(),
        (words, false) => format!("\"{words}\""),
    }
}

async fn life(system: System, way: Way) -> String {
    let scene = Scene::start().await;
    let mut row = format!("{:<8} {:<9}", format!("{system:?}"), format!("{way:?}"));
    for each in [Step::Ask, Step::Approve, Step::Pay] {
        let _ = write!(row, " | {:<32}", step(&scene, system, way, each).await);
    }
    let ledger = scene.ledger().await;
    for kind in
        ["breakglass.opened", "breakglass.approved", "breakglass.changed", "debt.opened", "debt.ended", "landing.done"]
    {
        assert_eq!(of_kind(&ledger, kind).len(), 1, "{row}: {kind}\n{}", scene.told());
    }
    let cluster = &scene.world.clusters["prod"];
    let running = cluster.running();
    let checkout = running.iter().find(|one| one.service == "checkout").unwrap();
    assert_eq!(checkout.wanted, 10, "{row}\n{}", scene.told());
    let application = cluster.followed_by("checkout-prod").unwrap();
    assert_eq!(application["spec"]["syncPolicy"]["automated"], json!({"prune": true, "selfHeal": true}), "{row}");
    scene.verify().await;
    row
}

async fn table(system: System) {
    let ways = [Way::Down, Way::Slow, Way::Flapping, Way::Garbage];
    let lives = futures::stream::iter(ways.map(|way| life(system, way)));
    let rows: Vec<String> = lives.buffered(AT_ONCE).collect().await;
    println!("{}", rows.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_github_does_glass_is_broken_and_paid_once() {
    table(System::GitHub).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_the_git_host_does_glass_is_broken_and_paid_once() {
    table(System::Git).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_a_pager_does_glass_is_broken_and_paid_once() {
    table(System::Pager).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_slack_does_glass_is_broken_and_paid_once() {
    table(System::Slack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_a_cluster_does_glass_is_broken_and_paid_once() {
    table(System::Cluster).await;
}
