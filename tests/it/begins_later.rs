//! What begins later is announced once and begins once, whichever life of the bot is there when its time has come: killed
//! before it, while it is announced, and while it lands.

use leverframe::play::server::Server;

use crate::bot::{Scene, Side, of_kind, stop};

const POST: &str = "/api/chat.postMessage";
const PUSH: &str = "/acme/deployments.git/git-receive-pack";
const FILE: &str = "apps/checkout/staging/kustomization.yaml";
/// What is said in the channel before it begins.
const ANNOUNCED: &str = "`scale of checkout in staging` begins ";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_while_the_bot_is_away_begins_in_its_next_life() {
    let scene = Scene::start().await;
    assert_eq!(scene.says("ana", "/scale checkout staging 4 from 1s").await.status, Some(200));
    scene.killer().kill();
    scene.start_bot().await;
    scene.recorded("landing.done").await;
    let now = scene.git(&["show", &format!("main:{FILE}")]).await;
    assert!(now.contains("count: 4"), "{now}\n{}", scene.told());
    let ledger = scene.ledger().await;
    for kind in ["request.opened", "request.scheduled", "request.approved", "landing.done"] {
        assert_eq!(of_kind(&ledger, kind).len(), 1, "{kind}\n{}", scene.told());
    }
    scene.verify().await;
}

/// One life that is killed at a call whose body says this, announced and begun in the next one.
async fn killed(server: fn(&Scene) -> &Server, (path, saying, side): (&'static str, &'static str, Side)) {
    let scene = Scene::start().await;
    let killer = scene.killer();
    let armed = stop(server(&scene), "POST", path, side, move |asked| {
        if asked.body.as_ref().map(ToString::to_string).unwrap_or_default().contains(saying) {
            killer.kill();
        }
    });
    scene.says("ana", "/scale checkout staging 4 from 9m until 9h").await;
    if path == POST {
        scene.until("it was killed", |scene| scene.deaths() == 1).await;
    }
    scene.recorded("reminder.said").await;
    scene.until("it can begin", |scene| scene.card_says("[Start now]")).await;
    scene.presses("ana", "Start now").await;
    scene.until("it was killed", |scene| scene.deaths() == 1).await;
    armed.release();
    scene.until("it is live", |scene| scene.card_says("Live: 4 of 4 pods are ready")).await;
    let ledger = scene.ledger().await;
    for kind in ["request.scheduled", "reminder.intent", "reminder.said", "request.approved", "landing.done"] {
        assert_eq!(of_kind(&ledger, kind).len(), 1, "{kind}\n{}", scene.told());
    }
    let said = scene.world.slack.everything();
    assert_eq!(said.iter().filter(|one| one.content.text.starts_with(ANNOUNCED)).count(), 1, "{}", scene.told());
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_while_it_is_announced_or_lands_it_is_announced_once_and_lands_once() {
    tokio::join!(
        killed(|scene| scene.world.slack.server(), (POST, "Start now and Cancel", Side::Before)),
        killed(|scene| scene.world.slack.server(), (POST, "Start now and Cancel", Side::After)),
        killed(|scene| scene.world.git.server(), (PUSH, "", Side::Before)),
        killed(|scene| scene.world.git.server(), (PUSH, "", Side::After)),
    );
}
