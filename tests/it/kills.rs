//! Killed at random: at a random call, before or after it was handled, or at a random moment between two. What was
//! acknowledged is done once. A few lives here; `LEVERFRAME_KILLS=1000` makes it a thousand.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use futures::StreamExt as _;
use leverframe::play::server::Server;

use crate::bot::{Killer, Scene, Side, inject, of_kind, stop};

/// How many lives without being asked for more: one of each flow.
const FEW: u64 = 4;
/// How many lives at the same time.
const AT_ONCE: usize = 4;

/// What is asked for, where it leads and what the card says in the end.
struct Flow {
    words: &'static str,
    approved: bool,
    file: &'static str,
    old: &'static str,
    new: &'static str,
}

const FLOWS: [Flow; 4] = [
    Flow {
        words: "/deploy checkout staging v1.2.5",
        approved: false,
        file: "apps/checkout/staging/kustomization.yaml",
        old: "v1.2.4",
        new: "v1.2.5",
    },
    Flow {
        words: "/deploy checkout prod v1.2.5",
        approved: true,
        file: "apps/checkout/prod/kustomization.yaml",
        old: "v1.2.4",
        new: "v1.2.5",
    },
    Flow {
        words: "/rollback checkout prod v1.2.3",
        approved: true,
        file: "apps/checkout/prod/kustomization.yaml",
        old: "v1.2.4",
        new: "v1.2.3",
    },
    Flow {
        words: "/scale checkout staging 4",
        approved: false,
        file: "apps/checkout/staging/kustomization.yaml",
        old: "count: 2",
        new: "count: 4",
    },
];

/// Chance that is the same each time it is asked with the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u32) -> u32 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(end)).unwrap()
    }
}

fn servers(scene: &Scene) -> Vec<&Server> {
    let world = &scene.world;
    let hosts = [world.slack.server(), world.git.server(), world.github.server()];
    hosts.into_iter().chain(world.clusters.values().map(|cluster| cluster.server())).collect()
}

/// Has the bot killed at some of the calls to come, whomever they go to.
fn arm(scene: &Scene, chance: &mut Chance) {
    let mut at: Vec<u32> = (0..1 + chance.below(3)).map(|_| chance.below(60)).collect();
    at.sort_unstable();
    let side = if chance.below(2) == 0 { Side::Before } else { Side::After };
    let (calls, at) = (Arc::new(AtomicU32::new(0)), Arc::new(at));
    for server in servers(scene) {
        for method in ["GET", "POST", "PUT", "PATCH"] {
            let (killer, calls, at) = (scene.killer(), Arc::clone(&calls), Arc::clone(&at));
            stop(server, method, "/", side, move |_| {
                if at.contains(&calls.fetch_add(1, Ordering::SeqCst)) {
                    killer.kill();
                }
            });
        }
    }
}

/// Kills the bot after so many turns of whatever else is to be done: between two calls, in the middle of a write.
async fn between(killer: Killer, turns: u32) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    killer.kill();
}

async fn live(seed: u64) -> (&'static str, u32) {
    let (flow, mut chance) = (&FLOWS[(seed % 4) as usize], Chance(seed));
    let name = format!("seed {seed}: {}", flow.words);
    let scene = Scene::start().await;
    arm(&scene, &mut chance);
    let turns = chance.below(4000);
    let said = async {
        let mut asked = scene.says("ana", flow.words).await;
        while asked.status != Some(200) {
            scene.until(&name, |_| true).await;
            asked = scene.world.slack.deliver_again(asked.delivery).await.unwrap();
        }
    };
    match chance.below(2) {
        0 => said.await,
        _ => drop(futures::join!(said, between(scene.killer(), turns))),
    }
    if flow.approved {
        let offered = |scene: &Scene| scene.card_says("[Approve]") && scene.card_says("Pull request #1");
        scene.until(&name, offered).await;
        let mut pressed = scene.presses("bo", "Approve").await;
        while pressed.status != Some(200) {
            scene.until(&name, |_| true).await;
            pressed = scene.world.slack.deliver_again(pressed.delivery).await.unwrap();
        }
    }
    scene.until(&name, |scene| scene.card_says("Live: ")).await;
    servers(&scene).iter().for_each(|server| server.exchanges().clear_rules());
    scene.until(&name, |_| true).await;
    once(&scene, flow, &name).await;
    (flow.words, scene.deaths())
}

/// One request, one commit that changes one line, one card, one approval; the ledger verifies.
async fn once(scene: &Scene, flow: &Flow, name: &str) {
    scene.recorded("card.posted").await;
    scene.recorded("request.ended").await;
    let (ledger, approved) = (scene.ledger().await, usize::from(flow.approved));
    for (kind, expected) in [
        ("request.opened", 1),
        ("request.approved", 1),
        ("approval.given", approved),
        ("pull_request.opened", approved),
        ("landing.done", 1),
        ("card.posted", 1),
        ("request.ended", 1),
        ("request.refused", 0),
    ] {
        assert_eq!(of_kind(&ledger, kind).len(), expected, "{name}: {kind}\n{}", scene.told());
    }
    let subject = of_kind(&ledger, "request.opened")[0]["subject"].as_str().unwrap();
    let commits = scene.commits_of(subject.strip_prefix("request/").unwrap()).await;
    assert_eq!(commits.len(), 1, "{name}\n{}", scene.told());
    let diff = scene.world.repository.diff(&commits[0], 0).unwrap();
    let changed = |sign: char| {
        let lines = diff
            .lines()
            .filter(move |line| line.starts_with(sign) && !line.starts_with(&format!("{sign}{sign}{sign}")));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (gone, new) = (changed('-'), changed('+'));
    assert!(gone.len() == 1 && new.len() == 1 && diff.contains(flow.file), "{name}: {diff}");
    assert!(
        gone[0].contains(flow.old) && new[0] == gone[0].replace(flow.old, flow.new).replacen('-', "+", 1),
        "{name}: {diff}"
    );
    assert_eq!(scene.cards().len(), 1, "{name}\n{}", scene.told());
    assert_eq!(scene.world.github.pulls().unwrap().len(), approved, "{name}");
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_at_random_what_was_acknowledged_is_done_once() {
    #[expect(clippy::disallowed_methods, reason = "how many lives a long run has is for whoever runs it to say")]
    let wanted = std::env::var("LEVERFRAME_KILLS").ok().and_then(|wanted| wanted.parse().ok());
    let lives = wanted.unwrap_or(FEW);
    let mut outcomes: BTreeMap<&str, (u64, u32)> = BTreeMap::new();
    let mut all = futures::stream::iter((0..lives).map(live)).buffer_unordered(AT_ONCE);
    while let Some((words, deaths)) = all.next().await {
        let outcome = outcomes.entry(words).or_default();
        *outcome = (outcome.0 + 1, outcome.1 + deaths);
    }
    let rows = outcomes.iter().map(|(words, (lives, deaths))| {
        format!("{words:<34} {lives:>5} lives, killed {deaths:>5} times: each done once, each ledger verified\n")
    });
    println!("{}", rows.collect::<String>());
    assert_eq!(outcomes.values().map(|(lives, _)| lives).sum::<u64>(), lives);
}

/// Killed by the kernel as the ledger's thread enters its so-many-th `fdatasync`: the line is written and not durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_as_a_line_becomes_durable_it_is_done_once() {
    let lives = [1, 2, 3].map(|number| async move {
        let (flow, name) = (&FLOWS[0], format!("at fdatasync {number}"));
        let scene = Scene::start().await;
        let what = format!("fdatasync:signal=SIGKILL:when={number}");
        let mut strace = inject(&scene, &what, &scene.world.folder().join("trace")).await?;
        // Who waits must hear of it: the kernel killed, and no look-alike.
        let died = async {
            strace.wait().await.unwrap();
            scene.killer().kill();
            std::future::pending::<()>().await;
        };
        let life = async {
            let mut asked = scene.says("ana", flow.words).await;
            while asked.status != Some(200) {
                scene.until(&name, |_| true).await;
                asked = scene.world.slack.deliver_again(asked.delivery).await.unwrap();
            }
            scene.until(&name, |scene| scene.card_says("Live: ")).await;
            once(&scene, flow, &name).await;
        };
        tokio::select! {
            () = life => {}
            () = died => {}
        }
        // What waits together becomes durable together, so that there may be fewer.
        assert!(scene.deaths() > 0 || number > 1, "{name}");
        Some(format!("killed {} times {name}: done once, the ledger verifies", scene.deaths()))
    });
    let mut all = futures::stream::iter(lives).buffered(AT_ONCE);
    while let Some(row) = all.next().await {
        println!("{}", row.unwrap_or_default());
    }
}
