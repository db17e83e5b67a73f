//! Kill -9 between any two effects. Each point of each flow is one life: the bot is killed there, started again by
//! whoever waits next, and everything must come out as if nothing had happened: one commit, one pull request, one
//! card that says what is true, one approval, a ledger that verifies.

use std::{
    fmt::Write as _,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use futures::{FutureExt as _, StreamExt as _};
use leverframe::play::{github::forge::State, server::Server};

use crate::bot::{Scene, Side, of_kind, stop};

/// At every so many calls the bot dies in the test that kills it again and again; its start alone needs a few.
const EVERY: u32 = 10;
/// How many lives at the same time: they mostly wait.
const AT_ONCE: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Staging: a commit on the branch.
    Direct,
    /// Prod: a branch, a pull request, an approval, a merge.
    Reviewed,
}

impl Flow {
    fn environment(self) -> &'static str {
        match self {
            Self::Direct => "staging",
            Self::Reviewed => "prod",
        }
    }

    fn file(self) -> String {
        format!("apps/checkout/{}/kustomization.yaml", self.environment())
    }
}

#[derive(Debug, Clone, Copy)]
enum Host {
    Slack,
    Git,
    GitHub,
    Cluster,
}

/// Where the bot dies.
#[derive(Debug, Clone, Copy)]
enum Point {
    /// As soon as the command was acknowledged.
    Asked,
    /// As soon as the approval was acknowledged.
    Approved,
    /// At a call.
    Call(Call, Side),
}

/// A kind of call, and which of them.
#[derive(Debug, Clone, Copy)]
struct Call {
    name: &'static str,
    host: Host,
    method: &'static str,
    prefix: &'static str,
    /// Only those whose body says this.
    saying: &'static str,
    /// The n-th of them, from 1.
    nth: u32,
    since: Since,
}

/// From when on calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    Asking,
    Approving,
}

const POST: &str = "/api/chat.postMessage";
const UPDATE: &str = "/api/chat.update";
const LIST: &str = "/acme/deployments.git/git-upload-pack";
const LIST_TO_PUSH: &str = "/acme/deployments.git/info/refs?service=git-receive-pack";
const PUSH: &str = "/acme/deployments.git/git-receive-pack";
const PULLS: &str = "/repos/acme/deployments/pulls";
const PULL: &str = "/repos/acme/deployments/pulls/1";
const MERGE: &str = "/repos/acme/deployments/pulls/1/merge";
const CLUSTER: &str = "/apis/apps/v1/namespaces/checkout/deployments/checkout";

/// Every effect of a flow, in about the order in which they come.
fn effects(flow: Flow) -> Vec<Call> {
    let call =
        |name, host, method, prefix| Call { name, host, method, prefix, saying: "", nth: 1, since: Since::Asking };
    let shows = |name, saying| Call { saying, ..call(name, Host::Slack, "POST", UPDATE) };
    let approved = |call: Call| Call { since: Since::Approving, ..call };
    let looked_at = call("branch looked at", Host::Git, "POST", LIST);
    let mut effects = vec![
        call("card posted", Host::Slack, "POST", POST),
        looked_at,
        Call { name: "branch looked at once more", nth: 2, ..looked_at },
        call("push begun", Host::Git, "GET", LIST_TO_PUSH),
        call("branch pushed", Host::Git, "POST", PUSH),
    ];
    if flow == Flow::Reviewed {
        effects.extend([
            call("pull request looked for", Host::GitHub, "GET", "/repos/acme/deployments/pulls?"),
            call("pull request opened", Host::GitHub, "POST", PULLS),
            shows("card shows the pull request", "Pull request #1"),
            approved(call("pull request read", Host::GitHub, "GET", PULL)),
            approved(Call { name: "branch looked at again", ..looked_at }),
            approved(call("merged", Host::GitHub, "PUT", MERGE)),
        ]);
    }
    effects.extend([
        shows("card shows the commit", "In git as"),
        call("cluster looked at", Host::Cluster, "GET", CLUSTER),
        shows("card shows the end", "Live:"),
    ]);
    effects
}

fn points(flow: Flow) -> Vec<(String, Point)> {
    let mut points = vec![("right after the command's acknowledgement".to_owned(), Point::Asked)];
    if flow == Flow::Reviewed {
        points.push(("right after the approval's acknowledgement".to_owned(), Point::Approved));
    }
    for call in effects(flow) {
        points.push((format!("before: {}", call.name), Point::Call(call, Side::Before)));
        points.push((format!("after: {}", call.name), Point::Call(call, Side::After)));
    }
    points
}

fn server(scene: &Scene, host: Host, flow: Flow) -> &Server {
    match host {
        Host::Slack => scene.world.slack.server(),
        Host::Git => scene.world.git.server(),
        Host::GitHub => scene.world.github.server(),
        Host::Cluster => scene.world.clusters[flow.environment()].server(),
    }
}

/// Has the bot killed at a call that is counted since then.
fn arm(scene: &Scene, flow: Flow, point: Point, now: Since) {
    let Point::Call(call, side) = point else { return };
    if call.since != now {
        return;
    }
    let (killer, seen) = (scene.killer(), AtomicU32::new(0));
    stop(server(scene, call.host, flow), call.method, call.prefix, side, move |asked| {
        let says = asked.body.as_ref().map(ToString::to_string).unwrap_or_default().contains(call.saying);
        if says && seen.fetch_add(1, Ordering::SeqCst) + 1 == call.nth {
            killer.kill();
        }
    });
}

/// One life. What it came to, in words; anything else than what must be fails.
async fn live(flow: Flow, name: &str, point: Point) -> String {
    let scene = Scene::start().await;
    arm(&scene, flow, point, Since::Asking);
    ask(&scene, flow, name).await;
    if matches!(point, Point::Asked) {
        scene.killer().kill();
    }
    if flow == Flow::Reviewed {
        approve(&scene, flow, name, point).await;
    }
    scene.until(&format!("{name}: live"), |scene| scene.deaths() == 1 && scene.card_says("Live: ")).await;
    check(&scene, flow, name).await
}

/// Ana asks. A bot that dies at its first effect may take the answer with it; then it is in the ledger all the same,
/// or nothing has happened and she asks again.
async fn ask(scene: &Scene, flow: Flow, name: &str) {
    let words = format!("/deploy checkout {} v1.2.5", flow.environment());
    let asked = scene.says("ana", &words).await;
    if asked.status == Some(200) {
        return;
    }
    scene.until(&format!("{name}: the bot died and is back"), |scene| scene.deaths() == 1).await;
    if of_kind(&scene.ledger().await, "request.opened").is_empty() {
        assert!(scene.cards().is_empty(), "{name}: {}", scene.told());
        assert_eq!(scene.says("ana", &words).await.status, Some(200), "{name}");
    }
}

/// Bo approves when the card shows the pull request, and once more the same click when it was not answered.
async fn approve(scene: &Scene, flow: Flow, name: &str, point: Point) {
    let offered = |scene: &Scene| scene.card_says("[Approve]") && scene.card_says("Pull request #1");
    scene.until(&format!("{name}: approval offered"), offered).await;
    arm(scene, flow, point, Since::Approving);
    let pressed = scene.presses("bo", "Approve").await;
    if matches!(point, Point::Approved) {
        scene.killer().kill();
    }
    if pressed.status != Some(200) {
        scene.until(&format!("{name}: the bot is back"), |_| true).await;
        let again = scene.world.slack.deliver_again(pressed.delivery).await.unwrap();
        assert_eq!(again.status, Some(200), "{name}");
    }
}

/// Holds the world to what it must look like after one change that landed once.
async fn check(scene: &Scene, flow: Flow, name: &str) -> String {
    let told = || format!("{name}\n{}", scene.told());
    scene.recorded("card.posted").await;
    let ledger = scene.ledger().await;
    let count = |kind: &str| of_kind(&ledger, kind).len();
    let reviewed = usize::from(flow == Flow::Reviewed);
    for (kind, expected) in [
        ("request.opened", 1),
        ("request.planned", 1),
        ("request.approved", 1),
        ("approval.given", reviewed),
        ("pull_request.opened", reviewed),
        ("landing.done", 1),
        ("card.posted", 1),
        ("request.ended", 1),
        ("request.replanned", 0),
        ("request.refused", 0),
    ] {
        assert_eq!(count(kind), expected, "{kind}: {}", told());
    }
    let subject = of_kind(&ledger, "request.opened")[0]["subject"].as_str().unwrap().to_owned();
    let request = subject.strip_prefix("request/").unwrap();
    let commits = scene.commits_of(request).await;
    assert_eq!(commits.len(), 1, "{}", told());
    assert_eq!(of_kind(&ledger, "landing.done")[0]["body"]["commit"], commits[0].as_str(), "{}", told());
    check_change(scene, flow, &commits[0]).await;
    check_pull_requests(scene, flow, request).await;
    check_card(scene, name);
    scene.verify().await;
    format!(
        "killed, started again: 1 commit, {reviewed} pull request, 1 card (Live), {} entries verified",
        ledger.len()
    )
}

/// The commit is the branch's newest, changes one line of one file, and the repository is sound.
async fn check_change(scene: &Scene, flow: Flow, commit: &str) {
    let repository = &scene.world.repository;
    assert_eq!(repository.tip().unwrap(), commit);
    let diff = repository.diff(commit, 0).unwrap();
    let lines: Vec<&str> = diff
        .lines()
        .filter(|line| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---"))
        .collect();
    assert_eq!(lines.len(), 2, "{diff}");
    assert!(lines[0].contains("v1.2.4") && lines[1].contains("v1.2.5"), "{diff}");
    assert!(diff.contains(&flow.file()), "{diff}");
    let found = scene.git(&["fsck", "--strict", "--no-dangling"]).await;
    assert!(!found.contains("error"), "{found}");
}

async fn check_pull_requests(scene: &Scene, flow: Flow, request: &str) {
    let pulls = scene.world.github.pulls().unwrap();
    let branches = scene.world.repository.branches().unwrap();
    match flow {
        Flow::Direct => assert!(pulls.is_empty() && branches.len() == 1, "{pulls:?} {branches:?}"),
        Flow::Reviewed => {
            assert_eq!(pulls.len(), 1, "{pulls:?}");
            assert!(matches!(pulls[0].state, State::Merged { .. }), "{pulls:?}");
            assert_eq!(pulls[0].head, format!("leverframe/{request}"));
            let range = format!("{}..{}", pulls[0].base_sha, pulls[0].head_sha);
            assert_eq!(scene.git(&["rev-list", "--count", &range]).await.trim(), "1");
        }
    }
}

/// One message, whose life goes one way: once it no longer waits for people it never does again.
fn check_card(scene: &Scene, name: &str) {
    let cards = scene.cards();
    assert_eq!(cards.len(), 1, "{name}: {}", scene.told());
    let card = &cards[0];
    let said: Vec<String> = card.earlier.iter().chain([&card.content]).map(|content| content.words()).collect();
    let waits = |words: &&String| words.contains("Waiting for people");
    let decided = said.iter().skip_while(waits).any(|words| waits(&words));
    assert!(!decided, "{name}: it asked again: {}", scene.told());
    let last = said.last().unwrap();
    assert!(last.contains("Live: ") && last.contains("pods run v1.2.5"), "{name}: {last}");
    assert!(last.contains("v1.2.4") && last.contains("Done."), "{name}: {last}");
}

async fn matrix(flow: Flow) -> String {
    let lives = points(flow).into_iter().map(|(name, point)| async move {
        let outcome = AssertUnwindSafe(live(flow, &name, point)).catch_unwind().await;
        (name, outcome.ok())
    });
    let rows: Vec<(String, Option<String>)> = futures::stream::iter(lives).buffered(AT_ONCE).collect().await;
    let mut table = format!("{:<42} {}, outcome\n", "killed", flow.environment());
    for (name, outcome) in &rows {
        let _ = writeln!(table, "{name:<42} {}", outcome.as_deref().unwrap_or("FAILED, see above"));
    }
    assert!(rows.iter().all(|(_, outcome)| outcome.is_some()), "{table}");
    table
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_at_any_point_of_a_direct_commit_it_lands_once() {
    println!("{}", matrix(Flow::Direct).await);
}

/// Killed at every so many calls to whomever, as long as it takes. Calls to the cluster do not count: a version is live
/// only when it has held for some looks in a row, which takes one life.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_again_and_again_it_still_gets_there_once() {
    let scene = Scene::start().await;
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    let calls = Arc::new(AtomicU32::new(0));
    for host in [Host::Slack, Host::Git, Host::GitHub] {
        for method in ["GET", "POST", "PUT"] {
            let (killer, calls) = (scene.killer(), Arc::clone(&calls));
            stop(server(&scene, host, Flow::Reviewed), method, "/", Side::After, move |_| {
                if calls.fetch_add(1, Ordering::SeqCst) % EVERY == EVERY - 1 {
                    killer.kill();
                }
            });
        }
    }
    let offered = |scene: &Scene| scene.card_says("[Approve]") && scene.card_says("Pull request #1");
    scene.until("approval offered", offered).await;
    let mut pressed = scene.presses("bo", "Approve").await;
    while pressed.status.is_none() {
        scene.until("the bot is back", |_| true).await;
        pressed = scene.world.slack.deliver_again(pressed.delivery).await.unwrap();
    }
    scene.until("live", |scene| scene.card_says("Live: ")).await;
    let deaths = scene.deaths();
    scene.world.slack.server().exchanges().clear_rules();
    println!("killed {deaths} times: {}", check(&scene, Flow::Reviewed, "again and again").await);
    assert!(deaths >= 3, "{deaths}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_at_any_point_of_a_pull_request_it_lands_once() {
    println!("{}", matrix(Flow::Reviewed).await);
}
