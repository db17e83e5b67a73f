//! Several services in one request: one commit for all of them, each followed by itself, whichever life of the bot is there
//! when they come to something.

use crate::bot::{Scene, Side, of_kind, stop};

const CART: &str = "/apis/apps/v1/namespaces/cart/deployments/cart";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_while_it_is_followed_all_of_it_has_landed_once_and_comes_to_life() {
    let scene = Scene::start().await;
    let killer = scene.killer();
    let armed = stop(scene.world.clusters["staging"].server(), "GET", CART, Side::After, move |_| killer.kill());
    scene.says("ana", "/scale checkout, cart staging 3").await;
    scene.until("it was killed", |scene| scene.deaths() == 1).await;
    armed.release();
    scene.until("both are live", |scene| scene.card_says("Live: checkout and cart")).await;
    assert!(scene.card_says("3 of 3 pods"), "{}", scene.told());
    let ledger = scene.ledger().await;
    for (kind, times) in
        [("request.opened", 1), ("push.intent", 1), ("landing.done", 1), ("rollout.settled", 2), ("request.ended", 1)]
    {
        assert_eq!(of_kind(&ledger, kind).len(), times, "{kind}\n{}", scene.told());
    }
    let subject = of_kind(&ledger, "request.opened")[0]["subject"].as_str().unwrap().to_owned();
    let commits = scene.commits_of(subject.strip_prefix("request/").unwrap()).await;
    assert_eq!(commits.len(), 1, "{}", scene.told());
    let changed = scene.world.repository.diff(&commits[0], 0).unwrap();
    assert!(changed.contains("apps/checkout/staging") && changed.contains("apps/cart/staging"), "{changed}");
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_so_already_is_said_and_what_is_unknown_stops_all_of_it() {
    let scene = Scene::start().await;
    let refused = scene.says("ana", "/deploy checkout,carrt staging v1.2.5").await.shown.unwrap_or_default();
    assert!(refused.contains("There is no service `carrt`"), "{refused}");
    scene.says("ana", "/scale checkout staging 3").await;
    scene.until("one is there", |scene| scene.card_says("Live: 3 of 3 pods")).await;
    scene.says("ana", "/scale checkout,cart staging 3").await;
    scene.until("the other follows", |scene| scene.card_says("*checkout*: Already so.")).await;
    scene.until("it is live", |scene| scene.card_says("Live: cart.")).await;
    let none = scene.says("ana", "/scale checkout,cart staging 3").await.shown.unwrap_or_default();
    assert!(none.contains("checkout and cart in `staging` are so already"), "{none}");
}
