//! Faults and what is kept of the exchanges.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::{Json, routing::post as route};
use serde_json::json;

use super::*;
use crate::play::{
    exchange::{Reply, Rule},
    post::{Posted, post},
};

struct Scene {
    server: Server,
    handled: Arc<AtomicU32>,
}

async fn scene() -> Scene {
    let handled = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&handled);
    let act = move || async move { Json(json!({"handled": count.fetch_add(1, Ordering::SeqCst) + 1})) };
    let router = Router::new().route("/act", route(act));
    let habits = Habits { kept: &["/act"], prefix: "/api/v3" };
    let listener = listen(0).await.unwrap();
    Scene { server: Server::serve(listener, router, Exchanges::default(), habits).unwrap(), handled }
}

impl Scene {
    async fn asks(&self) -> io::Result<Posted> {
        let headers = [("content-type", "application/json".to_owned())];
        post(&format!("{}/api/v3/act?x=1", self.server.url()), &headers, json!({"a": 1}).to_string()).await
    }

    async fn meets(&self, fault: Fault) -> (io::Result<Posted>, u32) {
        let before = self.handled.load(Ordering::SeqCst);
        self.server.exchanges().add(Rule::on("POST", "/act", fault).once());
        (self.asks().await, self.handled.load(Ordering::SeqCst) - before)
    }
}

fn reply(status: u16) -> Reply {
    Reply { status, headers: vec![("retry-after".into(), "7".into())], body: b"{}".to_vec() }
}

#[tokio::test]
async fn each_fault_does_what_it_says_and_ends_after_its_turns() {
    let scene = scene().await;
    let status = |answer: io::Result<Posted>| answer.map(|posted| posted.status).ok();
    let (answer, handled) = scene.meets(Fault::Answer(reply(503))).await;
    assert_eq!((status(answer), handled), (Some(503), 0));
    let (answer, handled) = scene.meets(Fault::AnswerAfter(reply(502))).await;
    assert_eq!((status(answer), handled), (Some(502), 1));
    let (answer, handled) = scene.meets(Fault::Drop).await;
    assert_eq!((status(answer), handled), (None, 0));
    let (answer, handled) = scene.meets(Fault::DropAfter).await;
    assert_eq!((status(answer), handled), (None, 1));
    assert_eq!(status(scene.asks().await), Some(200));
}

#[tokio::test]
async fn stop_points_run_before_and_after_the_handling() {
    let scene = scene().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    for before in [true, false] {
        let (seen, handled) = (Arc::clone(&seen), Arc::clone(&scene.handled));
        let stop: crate::play::exchange::Stop = Arc::new(move |asked: &Asked| {
            seen.lock().unwrap().push((asked.path.clone(), handled.load(Ordering::SeqCst)));
        });
        scene.meets(if before { Fault::StopBefore(stop) } else { Fault::StopAfter(stop) }).await.0.unwrap();
    }
    assert_eq!(*seen.lock().unwrap(), [("/act?x=1".to_owned(), 0), ("/act?x=1".to_owned(), 2)]);
}

#[tokio::test]
async fn a_held_request_goes_on_when_it_is_released() {
    let scene = scene().await;
    let rule = scene.server.exchanges().add(Rule::on("POST", "/act", Fault::Hang));
    let release = async {
        while rule.hits() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(scene.handled.load(Ordering::SeqCst), 0);
        rule.release();
    };
    let (answer, ()) = tokio::join!(scene.asks(), release);
    assert_eq!((answer.unwrap().status, scene.handled.load(Ordering::SeqCst)), (200, 1));
}

#[tokio::test]
async fn exchanges_are_kept_without_the_prefix_and_without_the_answers_of_rules() {
    let scene = scene().await;
    scene.asks().await.unwrap();
    scene.meets(Fault::Answer(reply(500))).await.0.unwrap();
    let kept = scene.server.exchanges().all();
    assert_eq!((kept[0].path.as_str(), kept[0].status, &kept[0].body), ("/act?x=1", Some(200), &Some(json!({"a": 1}))));
    assert_eq!(kept[0].response, Some(json!({"handled": 1})));
    assert_eq!((kept[1].status, &kept[1].response), (None, &None));
}

#[tokio::test]
async fn a_stopped_server_refuses_and_comes_back_on_its_port() {
    let scene = scene().await;
    scene.server.stop().await;
    assert!(scene.asks().await.is_err());
    scene.server.start_again().await.unwrap();
    assert_eq!(scene.asks().await.unwrap().status, 200);
}
