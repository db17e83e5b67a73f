//! What was asked for a time is given back by whichever life of the bot is there when its time has come: once, by a
//! commit of its own, among what people did by hand meanwhile.

use leverframe::{
    clock,
    play::{people, repository::HandEdit},
};

use crate::bot::{Scene, of_kind};

const FILE: &str = "apps/checkout/staging/kustomization.yaml";

/// What the branch says in the file.
async fn text(scene: &Scene) -> String {
    scene.git(&["show", &format!("main:{FILE}")]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_dies_in_between_gives_back_in_its_next_life() {
    let scene = Scene::start().await;
    assert_eq!(scene.says("ana", "/scale checkout staging 4 for 9m").await.status, Some(200));
    scene.until("giving back is announced", |scene| scene.card_says("give back: scale checkout")).await;
    scene.recorded("give_back.opened").await;
    scene.killer().kill();
    let before = "follow the release notes before you bump this";
    let hand = HandEdit { path: FILE, before, after: "read the release notes", message: "checkout: a remark\n" };
    scene.world.repository.edit_by_hand(people::find("dan").unwrap(), &hand, clock::now()).unwrap();
    scene.start_bot().await;
    let pressed = scene.presses("ana", "Give back now").await;
    assert_eq!(pressed.status, Some(200), "{}", scene.told());
    scene.recorded_twice("landing.done").await;
    let now = text(&scene).await;
    assert!(now.contains("count: 2") && now.contains("read the release notes"), "{now}");
    assert_eq!(of_kind(&scene.ledger().await, "give_back.opened").len(), 1, "{}", scene.told());
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_became_due_while_the_bot_was_away_is_given_back_by_itself() {
    let scene = Scene::start().await;
    assert_eq!(scene.says("ana", "/scale checkout staging 4 for 1s").await.status, Some(200));
    scene.killer().kill();
    scene.start_bot().await;
    scene.recorded_twice("landing.done").await;
    let now = text(&scene).await;
    assert!(now.contains("count: 2"), "{now}\n{}", scene.told());
    let ledger = scene.ledger().await;
    for (kind, times) in [("give_back.opened", 1), ("request.opened", 2), ("landing.done", 2)] {
        assert_eq!(of_kind(&ledger, kind).len(), times, "{kind}\n{}", scene.told());
    }
    scene.verify().await;
}
