//! Kill -9 at each step of breaking glass: before and after each thing that is told to the cluster, and at the landing
//! that pays. Whatever the moment, in the end it was done once, git equals live, and what follows git goes on as before.

use std::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU32, Ordering},
};

use futures::{FutureExt as _, StreamExt as _};
use leverframe::play::{github::forge::State, server::Server};
use serde_json::json;

use crate::bot::{Scene, Side, of_kind, stop};

/// How many lives at the same time: they mostly wait.
const AT_ONCE: usize = 4;

#[derive(Debug, Clone, Copy)]
struct Point {
    name: &'static str,
    on: On,
    method: &'static str,
    prefix: &'static str,
    /// Only those whose body says this.
    saying: &'static str,
    nth: u32,
}

#[derive(Debug, Clone, Copy)]
enum On {
    Cluster,
    GitHub,
}

const APPLICATION: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/checkout-prod";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/checkout/deployments/checkout";

const POINTS: [Point; 5] = [
    Point { name: "dry run", on: On::Cluster, method: "PATCH", prefix: DEPLOYMENT, saying: "", nth: 1 },
    Point { name: "pause", on: On::Cluster, method: "PATCH", prefix: APPLICATION, saying: "paused-by", nth: 1 },
    Point { name: "change", on: On::Cluster, method: "PATCH", prefix: DEPLOYMENT, saying: "", nth: 2 },
    Point {
        name: "merge",
        on: On::GitHub,
        method: "PUT",
        prefix: "/repos/acme/deployments/pulls/1/merge",
        saying: "",
        nth: 1,
    },
    Point {
        name: "resume",
        on: On::Cluster,
        method: "PATCH",
        prefix: APPLICATION,
        saying: "\"leverframe.dev/paused-by\":null",
        nth: 1,
    },
];

fn arm(scene: &Scene, point: Point, side: Side) {
    let server: &Server = match point.on {
        On::Cluster => scene.world.clusters["prod"].server(),
        On::GitHub => scene.world.github.server(),
    };
    let (killer, seen) = (scene.killer(), AtomicU32::new(0));
    stop(server, point.method, point.prefix, side, move |asked| {
        let says = asked.body.as_ref().map(ToString::to_string).unwrap_or_default().contains(point.saying);
        if says && seen.fetch_add(1, Ordering::SeqCst) + 1 == point.nth {
            killer.kill();
        }
    });
}

/// Presses, and once more the same click where the bot died over it.
async fn presses(scene: &Scene, who: &str, name: &str) {
    let pressed = scene.presses(who, "Approve").await;
    if pressed.status != Some(200) {
        scene.until(&format!("{name}: the bot is back"), |_| true).await;
        assert_eq!(scene.world.slack.deliver_again(pressed.delivery).await.unwrap().status, Some(200), "{name}");
    }
}

async fn live(point: Point, side: Side) {
    let name = format!("{side:?} the {}", point.name);
    let scene = Scene::start().await;
    arm(&scene, point, side);
    let asked = scene.says("ana", "/breakglass scale checkout prod 10 reason=load").await;
    assert_eq!(asked.status, Some(200), "{name}");
    scene.until(&format!("{name}: approval offered"), |scene| scene.card_says("The last approval executes it")).await;
    presses(&scene, "cleo", &name).await;
    let offered =
        |scene: &Scene| scene.card_says("scale checkout in prod replicas=10") && scene.card_says("Waiting for <");
    scene.until(&format!("{name}: the change of git offered"), offered).await;
    presses(&scene, "bo", &name).await;
    scene.until(&format!("{name}: paid"), |scene| scene.card_says("Paid: git says 10")).await;
    check(&scene, &name).await;
}

/// Everything came once, and everything is as it was but for the ten pods.
async fn check(scene: &Scene, name: &str) {
    let told = || format!("{name}\n{}", scene.told());
    assert_eq!(scene.deaths(), 1, "{}", told());
    let ledger = scene.ledger().await;
    for kind in [
        "breakglass.opened",
        "breakglass.approved",
        "breakglass.intent",
        "breakglass.changed",
        "pause.done",
        "debt.opened",
        "debt.live",
        "debt.proposed",
        "debt.ended",
        "breakglass.ended",
        "landing.done",
        "incident.opened",
    ] {
        assert_eq!(of_kind(&ledger, kind).len(), 1, "{kind}: {}", told());
    }
    let place = |kind: &str| of_kind(&ledger, kind)[0]["seq"].as_u64().unwrap();
    assert_eq!(place("debt.opened"), place("breakglass.intent") + 1, "{}", told());
    let running = scene.world.clusters["prod"].running();
    let checkout = running.iter().find(|one| one.service == "checkout").unwrap();
    assert_eq!(checkout.wanted, 10, "{}", told());
    let application = scene.world.clusters["prod"].followed_by("checkout-prod").unwrap();
    assert_eq!(application["spec"]["syncPolicy"]["automated"], json!({"prune": true, "selfHeal": true}), "{}", told());
    assert!(!application.to_string().contains("leverframe.dev/paused"), "{application}");
    let pulls = scene.world.github.pulls().unwrap();
    assert!(pulls.len() == 1 && matches!(pulls[0].state, State::Merged { .. }), "{}", told());
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_at_any_step_of_breaking_glass_it_is_done_once_and_paid() {
    let lives = POINTS.into_iter().flat_map(|point| [(point, Side::Before), (point, Side::After)]);
    let lives = lives.map(|(point, side)| async move {
        let ended = AssertUnwindSafe(live(point, side)).catch_unwind().await;
        (point.name, side, ended.is_ok())
    });
    let rows: Vec<_> = futures::stream::iter(lives).buffered(AT_ONCE).collect().await;
    assert!(rows.iter().all(|(_, _, ended)| *ended), "{rows:?}");
}

/// A second break-glass on the same target dies before or after its patch: the one debt has grown once, and is paid once.
async fn grows(side: Side) {
    let name = format!("{side:?} the further change");
    let further =
        Point { name: "further change", on: On::Cluster, method: "PATCH", prefix: DEPLOYMENT, saying: "", nth: 4 };
    let scene = Scene::start().await;
    arm(&scene, further, side);
    assert_eq!(scene.says("ana", "/breakglass scale checkout prod 10 reason=load").await.status, Some(200), "{name}");
    scene.until(&format!("{name}: approval offered"), |scene| scene.card_says("The last approval executes it")).await;
    presses(&scene, "cleo", &name).await;
    let offered = |scene: &Scene| scene.card_says("replicas=10") && scene.card_says("Waiting for <");
    scene.until(&format!("{name}: the first change of git offered"), offered).await;
    assert_eq!(scene.says("ana", "/breakglass scale checkout prod 12 reason=more").await.status, Some(200), "{name}");
    scene.until(&format!("{name}: the second offered"), |scene| scene.card_says("The last approval executes it")).await;
    presses(&scene, "cleo", &name).await;
    let offered = |scene: &Scene| scene.card_says("replicas=12") && scene.card_says("Live 12, git 3. Waiting for <");
    scene.until(&format!("{name}: one change of git offered"), offered).await;
    presses(&scene, "bo", &name).await;
    scene.until(&format!("{name}: paid"), |scene| scene.card_says("Paid: git says 12")).await;
    let told = || format!("{name}\n{}", scene.told());
    let ledger = scene.ledger().await;
    let counted = |kind: &str| of_kind(&ledger, kind).len();
    assert_eq!(scene.deaths(), 1, "{}", told());
    assert_eq!((counted("debt.opened"), counted("debt.grown"), counted("debt.ended")), (1, 1, 1), "{}", told());
    assert_eq!((counted("breakglass.changed"), counted("breakglass.ended")), (2, 2), "{}", told());
    let pulls = scene.world.github.pulls().unwrap();
    let merged = pulls.iter().filter(|pull| matches!(pull.state, State::Merged { .. })).count();
    assert!(merged == 1 && pulls.iter().all(|pull| pull.state != State::Open), "{}", told());
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_while_a_debt_grows_it_grows_once_and_one_change_pays_it() {
    futures::join!(grows(Side::Before), grows(Side::After));
}
