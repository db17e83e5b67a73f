//! The git host and GitHub are away for half an hour while people go on working: what they asked for waits, and when
//! the hosts are back staging lands, and production asks again, one change a target and rollbacks first. The half
//! hour passes by writing the same ledger again with every time thirty-one minutes earlier.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use leverframe::{
    clock,
    core::entry::{Draft, Entry, Recorded},
    ledger::{Append, Ledger},
    play::slack::Which,
};

use crate::bot::{CHANNEL, Scene, of_kind};

const AWAY: SignedDuration = SignedDuration::from_mins(31);

const STAGING: [&str; 7] = [
    "/deploy checkout staging v1.2.5",
    "/deploy checkout staging v1.2.6",
    "/deploy checkout staging v1.2.7",
    "/deploy cart staging v2.0.1",
    "/deploy cart staging v2.0.2",
    "/deploy search staging v3.1.0",
    "/deploy search staging v3.2.0",
];
/// What is typed, and what its card says.
const PRODUCTION: [(&str, &str); 5] = [
    ("/deploy checkout prod v1.2.5", "deploy checkout v1.2.5 to prod"),
    ("/rollback checkout prod", "rollback checkout to v1.2.3 in prod"),
    ("/deploy checkout prod v1.2.6", "deploy checkout v1.2.6 to prod"),
    ("/deploy cart prod v2.0.1", "deploy cart v2.0.1 to prod"),
    ("/deploy cart prod v2.0.2", "deploy cart v2.0.2 to prod"),
];

/// What an entry was drafted as.
fn draft(recorded: Recorded) -> Draft {
    let Recorded { entry, texts } = recorded;
    let Entry { kind, subject, actor, incident, mut body, .. } = entry;
    body.retain(|member, _| !texts.contains_key(member));
    Draft { kind, subject, actor, incident, body, texts }
}

/// Writes a ledger again as it would be, had everything happened earlier.
async fn let_time_pass(data: &Path, time: SignedDuration) {
    let aside = data.with_extension("aside");
    std::fs::rename(data, &aside).unwrap();
    std::fs::create_dir(data).unwrap();
    let old = Ledger::open(&aside, clock::now()).unwrap().ledger;
    let new = Ledger::open(data, Timestamp::UNIX_EPOCH).unwrap().ledger;
    for recorded in old.read(0, usize::MAX).unwrap() {
        let at = recorded.entry.at().unwrap() - time;
        new.append(Append { at, drafts: vec![draft(recorded)], seen: None }).await.unwrap();
    }
    old.close().await;
    new.close().await;
}

/// Whether the card whose title begins so says this now.
fn says(scene: &Scene, title: &str, words: &str) -> bool {
    let cards = scene.cards();
    let card = cards.iter().find(|card| card.content.words().contains(&format!("*{title}")));
    card.is_some_and(|card| card.content.words().contains(words))
}

#[tokio::test(flavor = "multi_thread")]
async fn after_half_an_hour_without_hosts_staging_lands_and_production_asks_again() {
    let scene = Scene::start().await;
    let before = scene.world.repository.tip().unwrap();
    scene.world.git.server().stop().await;
    scene.world.github.server().stop().await;
    for typed in STAGING {
        scene.says("ana", typed).await;
    }
    for (typed, card) in PRODUCTION {
        scene.says("ana", typed).await;
        scene.until(card, |scene| scene.card_says(card)).await;
        scene.world.slack.presses("bo", Which::Saying(CHANNEL, card), "Approve").await.unwrap();
        scene.until("approved", |scene| says(scene, card, "Approved.")).await;
    }
    scene.killer().kill();
    let_time_pass(&scene.world.folder().join("data/ledger"), AWAY).await;
    scene.world.git.server().start_again().await.unwrap();
    scene.world.github.server().start_again().await.unwrap();
    scene.start_bot().await;
    for title in
        ["deploy checkout v1.2.7 to staging", "deploy cart v2.0.2 to staging", "deploy search v3.2.0 to staging"]
    {
        scene.until(title, |scene| says(scene, title, "*Done.*")).await;
    }
    for title in
        ["deploy checkout v1.2.5 to staging", "deploy checkout v1.2.6", "deploy cart v2.0.1", "deploy search v3.1.0"]
    {
        let over = |scene: &Scene| {
            says(scene, title, "Nothing was committed; a newer change of the same target goes instead")
                || says(scene, title, "was asked for after this and landed first")
        };
        scene.until(title, over).await;
    }
    let waited = "it could not land for 31 minutes after its approval";
    // What was asked for after a rollback asks too: it may be what repairs.
    for title in ["rollback checkout to v1.2.3", "deploy checkout v1.2.6 to prod", "deploy cart v2.0.2 to prod"] {
        scene.until(title, |scene| says(scene, title, waited) && says(scene, title, "[Approve]")).await;
    }
    for title in ["deploy checkout v1.2.5 to prod", "deploy cart v2.0.1 to prod"] {
        scene.until(title, |scene| says(scene, title, "*Overtaken.* Nothing was committed")).await;
    }
    let changed = scene.git(&["diff", "--name-only", &before, "main"]).await;
    let files = ["apps/cart/staging/cart.yaml", "apps/checkout/staging/kustomization.yaml"];
    assert_eq!(changed.lines().collect::<Vec<_>>(), [files[0], files[1], "apps/search/staging/values.yaml"]);
    let rollback = Which::Saying(CHANNEL, "rollback checkout to v1.2.3");
    scene.world.slack.presses("bo", rollback, "Approve").await.unwrap();
    scene.until("rolled back", |scene| says(scene, "rollback checkout to v1.2.3", "*Done.*")).await;
    let ledger = scene.ledger().await;
    assert_eq!(of_kind(&ledger, "request.opened").len(), STAGING.len() + PRODUCTION.len());
    assert_eq!(of_kind(&ledger, "landing.done").len(), 4);
    scene.verify().await;
}
