//! Each outside system down, slow, flapping and answering garbage, while somebody deploys, approves and rolls back: what
//! the person sees, and that everything is done once when it is over. README.md has the same table.

use std::{fmt::Write as _, process::Command, time::Duration};

use futures::StreamExt as _;
use leverframe::{
    play::{
        exchange::{Fault, InForce, Rule},
        server::Server,
    },
    tasks::Tasks,
};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use crate::bot::{Scene, inject, of_kind};

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
pub(crate) enum Way {
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
pub(crate) struct Wrong<'s> {
    servers: Vec<&'s Server>,
    way: Way,
    rules: Vec<InForce>,
}

async fn begin(scene: &Scene, system: System, way: Way) -> Wrong<'_> {
    begin_at(servers(scene, system), way).await
}

/// Something is wrong with these from now on.
pub(crate) async fn begin_at(servers: Vec<&Server>, way: Way) -> Wrong<'_> {
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
    pub(crate) async fn mends(self) {
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

/// An address where a registry stands in a way.
async fn registry(way: Way, tasks: &Tasks) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serve = async move {
        let (mut held, mut count) = (Vec::new(), 0);
        while let Ok((mut stream, _)) = listener.accept().await {
            count += 1;
            match way {
                Way::Down => {}
                Way::Slow => held.push(stream),
                // The first of every two hears nothing.
                Way::Flapping if count % 2 == 1 => {}
                Way::Flapping => {
                    let answer = "HTTP/1.1 200 OK\r\ndocker-content-digest: sha256:1\r\ncontent-length: 2\r\n\r\n{}";
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                Way::Garbage => drop(stream.write_all(b"what is this\r\n\r\n").await),
            }
        }
    };
    match way {
        Way::Down => drop(serve),
        Way::Slow | Way::Flapping | Way::Garbage => tasks.start(serve),
    }
    address
}

/// A registry only informs: whatever it does, each step goes its way, and the card says what could not be seen.
async fn without_registry(way: Way) -> String {
    let tasks = Tasks::default();
    let (scene, address) = (Scene::start().await, registry(way, &tasks).await);
    scene.killer().kill();
    let config = scene.world.folder().join("leverframe.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\nregistries: {{ registry.example.com: {{ api: \"{address}\" }} }}\n"))
        .unwrap();
    scene.start_bot().await;
    assert_eq!(scene.says("ana", "/deploy checkout prod v1.2.5").await.status, Some(200));
    scene.until("proposed", |scene| scene.card_says("[Approve]") && scene.card_says("Pull request #1")).await;
    let says = scene.card_said("Whether the registry has this version could not be checked");
    assert!(says || way == Way::Flapping, "{way:?}: {}", scene.told());
    assert_eq!(scene.presses("bo", "Approve").await.status, Some(200));
    scene.until("live", |scene| scene.card_says("Live: 3 of 3 pods run v1.2.5")).await;
    assert_eq!(scene.says("ana", "/rollback checkout staging v1.2.3").await.status, Some(200));
    scene.until("back", |scene| scene.card_says("Live: 2 of 2 pods run v1.2.3")).await;
    scene.killer().kill();
    tasks.drain(Duration::ZERO).await;
    format!("Registry {way:?}: {}", if says { "the card says so" } else { "later, or not at all" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_a_registry_does_everything_is_done_once() {
    let ways = [Way::Down, Way::Slow, Way::Flapping, Way::Garbage];
    let lives = futures::stream::iter(ways.map(without_registry));
    let rows: Vec<String> = lives.buffered(AT_ONCE).collect().await;
    println!("{}", rows.join("\n"));
}

/// A slow disk: every step is later, none is answered before its entry is durable, and each is done once.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_makes_every_step_later_and_none_twice() {
    let scene = Scene::start().await;
    let trace = scene.world.folder().join("trace");
    let Some(mut strace) = inject(&scene, "fdatasync:delay_enter=200000", &trace).await else { return };
    assert_eq!(scene.says("ana", "/deploy checkout prod v1.2.5").await.status, Some(200));
    scene.until("proposed", |scene| scene.card_says("[Approve]") && scene.card_says("Pull request #1")).await;
    assert_eq!(scene.presses("bo", "Approve").await.status, Some(200));
    scene.until("live", |scene| scene.card_says("Live: 3 of 3 pods run v1.2.5")).await;
    assert_eq!(scene.says("ana", "/rollback checkout staging v1.2.3").await.status, Some(200));
    scene.until("back", |scene| scene.card_says("Live: 2 of 2 pods run v1.2.3")).await;
    scene.recorded("card.posted").await;
    strace.kill().await.unwrap();
    let ledger = scene.ledger().await;
    for (kind, expected) in [("request.opened", 2), ("approval.given", 1), ("landing.done", 2)] {
        assert_eq!(of_kind(&ledger, kind).len(), expected, "{kind}: {}", scene.told());
    }
    let calls = std::fs::read_to_string(trace).unwrap().matches("fdatasync(").count();
    println!("{} entries, {calls} times fdatasync, 0.2 s each", ledger.len());
    assert!(calls >= 8, "{calls}");
    scene.verify().await;
}
