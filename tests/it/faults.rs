//! Each outside system down, slow, flapping and answering garbage, while somebody deploys, approves and rolls back: what
//! the person sees, and that everything is done once when it is over. README.md has the same table.

use std::{fmt::Write as _, process::Command};

use futures::StreamExt as _;
use leverframe::play::{
    exchange::{Fault, InForce, Rule},
    server::Server,
};

use crate::bot::{Scene, of_kind};

/// How many lives at the same time.
const AT_ONCE: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    GitHub,
    Git,
    Slack,
    Cluster,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Down,
    Slow,
    Flapping,
    Garbage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Deploy,
    Approve,
    Rollback,
}

/// What stands on the card while it lasts. An empty text: nothing need be said, it is only later or not seen at all.
fn seen(system: System, way: Way, step: Step) -> &'static str {
    match (system, way, step) {
        (System::GitHub, Way::Down, Step::Deploy | Step::Approve) => "GitHub cannot be reached",
        (System::GitHub, Way::Garbage, Step::Deploy | Step::Approve) => "GitHub gave an answer that cannot be read",
        (System::Git, Way::Down, _) => "the git host cannot be reached",
        (System::Git, Way::Garbage, Step::Deploy | Step::Rollback) => "what answers there is not a git server",
        (System::Cluster, Way::Down, Step::Approve | Step::Rollback) => "the cluster cannot be seen",
        (System::Cluster, Way::Garbage, Step::Approve | Step::Rollback) => "the cluster cannot be seen",
        (System::GitHub | System::Git | System::Slack | System::Cluster, _, _) => "",
    }
}

fn servers(scene: &Scene, system: System) -> Vec<&Server> {
    match system {
        System::GitHub => vec![scene.world.github.server()],
        System::Git => vec![scene.world.git.server()],
        System::Slack => vec![scene.world.slack.server()],
        System::Cluster => scene.world.clusters.values().map(|cluster| cluster.server()).collect(),
    }
}

/// What is wrong while this is held.
struct Wrong<'s> {
    servers: Vec<&'s Server>,
    way: Way,
    rules: Vec<InForce>,
}

async fn begin(scene: &Scene, system: System, way: Way) -> Wrong<'_> {
    let servers = servers(scene, system);
    let mut rules = Vec::new();
    for server in &servers {
        let mut all = |rule: &dyn Fn(&str) -> Rule| {
            for method in ["GET", "POST", "PUT", "PATCH"] {
                rules.push(server.exchanges().add(rule(method)));
            }
        };
        match way {
            Way::Down => server.stop().await,
            Way::Slow => all(&|method| Rule::on(method, "/", Fault::Hang)),
            // Handled or not, the first answers of each kind are lost.
            Way::Flapping => {
                all(&|method| Rule::on(method, "/", Fault::Drop).once());
                all(&|method| Rule::on(method, "/", Fault::DropAfter).once());
            }
            Way::Garbage => all(&|method| Rule::garbage(method, "/")),
        }
    }
    Wrong { servers, way, rules }
}

impl Wrong<'_> {
    async fn mends(self) {
        for server in &self.servers {
            match self.way {
                Way::Down => server.start_again().await.unwrap(),
                Way::Slow | Way::Flapping | Way::Garbage => server.exchanges().clear_rules(),
            }
        }
        self.rules.iter().for_each(InForce::release);
    }
}

/// One step with something wrong; the person is answered all the same.
async fn step(scene: &Scene, system: System, way: Way, step: Step) -> String {
    let name = format!("{system:?} {way:?} {step:?}");
    let wrong = begin(scene, system, way).await;
    let answered = match step {
        Step::Deploy => scene.says("ana", "/deploy checkout prod v1.2.5").await,
        Step::Approve => scene.presses("bo", "Approve").await,
        Step::Rollback => scene.says("ana", "/rollback checkout staging v1.2.3").await,
    };
    assert_eq!(answered.status, Some(200), "{name}: {}", scene.told());
    let words = seen(system, way, step);
    if !words.is_empty() {
        scene.until(&format!("{name}: says {words}"), |scene| scene.card_said(words)).await;
    }
    // A vote that Slack cannot vouch for is not counted, and is cast again.
    let uncounted = step == Step::Approve && of_kind(&scene.ledger().await, "approval.given").is_empty();
    wrong.mends().await;
    if uncounted {
        scene.presses("bo", "Approve").await;
    }
    let done = |scene: &Scene| match step {
        Step::Deploy => scene.card_says("[Approve]") && scene.card_says("Pull request #1"),
        Step::Approve => scene.card_says("Live: 3 of 3 pods run v1.2.5"),
        Step::Rollback => scene.card_says("Live: 2 of 2 pods run v1.2.3"),
    };
    scene.until(&format!("{name}: done"), done).await;
    match (words, uncounted) {
        (_, true) => "the vote is not counted, and may be cast again".to_owned(),
        ("", false) => "later, or not at all".to_owned(),
        (words, false) => format!("\"{words}\""),
    }
}

async fn life(system: System, way: Way) -> String {
    let scene = Scene::start().await;
    let mut row = format!("{:<8} {:<9}", format!("{system:?}"), format!("{way:?}"));
    for each in [Step::Deploy, Step::Approve, Step::Rollback] {
        let _ = write!(row, " | {:<46}", step(&scene, system, way, each).await);
    }
    let ledger = scene.ledger().await;
    for (kind, expected) in
        [("request.opened", 2), ("approval.given", 1), ("pull_request.opened", 1), ("landing.done", 2)]
    {
        assert_eq!(of_kind(&ledger, kind).len(), expected, "{row}: {kind}\n{}", scene.told());
    }
    assert_eq!(scene.cards().len(), 2, "{row}\n{}", scene.told());
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
async fn whatever_github_does_everything_is_done_once() {
    table(System::GitHub).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_the_git_host_does_everything_is_done_once() {
    table(System::Git).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_slack_does_everything_is_done_once() {
    table(System::Slack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_a_cluster_does_everything_is_done_once() {
    table(System::Cluster).await;
}

/// A full disk: nobody is told yes, nothing is done, and it goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_nothing_refuses_each_step_and_none_is_half_done() {
    let scene = Scene::start().await;
    let limit = |bytes: &str| {
        let pid = scene.pid().to_string();
        let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]).status();
        set.is_ok_and(|status| status.success())
    };
    if !limit("unlimited") {
        println!("skipped: `prlimit` cannot limit a process here, so no disk can be made full without being root");
        return;
    }
    let address = scene.address();
    for each in [Step::Deploy, Step::Approve, Step::Rollback] {
        let act = async || match each {
            Step::Deploy => scene.says("ana", "/deploy checkout prod v1.2.5").await,
            Step::Approve => scene.presses("bo", "Approve").await,
            Step::Rollback => scene.says("ana", "/rollback checkout staging v1.2.3").await,
        };
        assert!(limit("1"));
        let before = scene.ledger().await.len();
        act().await;
        scene.until("told", |_| scene.told().contains("This could not be recorded, so nothing was done.")).await;
        scene.page_says(&address, "/readyz", "not ready: the ledger's disk takes nothing").await;
        assert_eq!(scene.ledger().await.len(), before, "{each:?}: nothing of it is there");
        assert!(limit("unlimited"));
        scene.page_says(&address, "/readyz", "ready\n").await;
        act().await;
        let done = |scene: &Scene| match each {
            Step::Deploy => scene.card_says("[Approve]") && scene.card_says("Pull request #1"),
            Step::Approve => scene.card_says("Live: 3 of 3 pods run v1.2.5"),
            Step::Rollback => scene.card_says("Live: 2 of 2 pods run v1.2.3"),
        };
        scene.until(&format!("{each:?}: done"), done).await;
        scene.recorded("card.posted").await;
    }
    assert_eq!(of_kind(&scene.ledger().await, "landing.done").len(), 2);
    scene.verify().await;
}
