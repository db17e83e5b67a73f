//! On-call is paged once for what calls for it, hears when it is over, and nothing waits for a pager that is down.

use futures::StreamExt as _;
use leverframe::{
    core::paging::{Alert, Telling, Urgency},
    net::{Outgoing, Tls},
    pager::{Kind, Pager, PagerError},
    play::{exchange::Rule, pager::PagerLookalike, pulse::Pulse},
    secret::Secret,
};
use serde_json::json;
use url::Url;

use crate::{
    bot::{Scene, of_kind},
    faults::{Way, begin_at},
};

fn open(scene: &Scene) -> Vec<String> {
    let alerts = scene.world.pager.alerts("pagerduty").into_iter();
    alerts.filter(|(_, alert)| alert.is_open).map(|(key, _)| key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_pages_once_over_a_restart_and_ends_with_it() {
    let scene = Scene::start().await;
    scene.says("ana", "/incident declare sev1 checkout \"payments fail\"").await;
    scene.until("paged", |scene| open(scene).len() == 1).await;
    scene.until("noted", |scene| scene.card_says("payments fail")).await;
    scene.killer().kill();
    scene.start_bot().await;
    let called = scene.world.pager.alerts("pagerduty").into_values().next().unwrap();
    assert_eq!(called.summary, "sev1 checkout: payments fail");
    scene.says("ana", "/incident close").await;
    scene.until("over", |scene| open(scene).is_empty()).await;
    scene.says("ana", "/incident declare sev4 search \"slow\"").await;
    scene.until("declared", |scene| scene.card_says("slow")).await;
    let ledger = scene.ledger().await;
    assert_eq!(of_kind(&ledger, "page.sent").len(), 1, "{}", scene.told());
    assert_eq!(scene.world.pager.alerts("pagerduty").len(), 1, "{}", scene.told());
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_pager_is_down_everything_goes_on_and_people_hear_that_on_call_does_not_know() {
    let scene = Scene::start().await;
    scene.world.pager.server().stop().await;
    scene.says("ana", "/breakglass scale checkout prod 10 reason=load").await;
    scene.until("told", |scene| scene.told().contains("On-call was not paged")).await;
    scene.until("approval offered", |scene| scene.card_says("The last approval executes it")).await;
    scene.presses("cleo", "Approve").await;
    scene.until("live", |scene| scene.card_says("10")).await;
    scene.world.pager.server().start_again().await.unwrap();
    scene.until("paged", |scene| !scene.world.pager.alerts("pagerduty").is_empty()).await;
    scene.until("told again", |scene| scene.told().contains("PagerDuty has the page now")).await;
}

/// Whatever a pager does, each step goes its way; when it is over, on-call has the page once.
async fn without_pager(way: Way) -> String {
    let scene = Scene::start().await;
    let wrong = begin_at(vec![scene.world.pager.server()], way).await;
    scene.says("ana", "/incident declare sev1 checkout \"payments fail\"").await;
    if let Way::Down | Way::Garbage = way {
        scene.until("told", |scene| scene.told().contains("On-call was not paged by PagerDuty")).await;
    }
    assert_eq!(scene.says("ana", "/deploy checkout prod v1.2.5").await.status, Some(200));
    scene.until("proposed", |scene| scene.card_says("Pull request #1") && scene.card_says("[Approve]")).await;
    assert_eq!(scene.presses("bo", "Approve").await.status, Some(200));
    scene.until("live", |scene| scene.card_says("Live: 3 of 3 pods run v1.2.5")).await;
    assert_eq!(scene.says("ana", "/rollback checkout staging v1.2.3").await.status, Some(200));
    scene.until("back", |scene| scene.card_says("Live: 2 of 2 pods run v1.2.3")).await;
    wrong.mends().await;
    scene.until("paged", |scene| open(scene).len() == 1).await;
    scene.recorded("page.sent").await;
    let told = scene.told().contains("On-call was not paged");
    scene.says("ana", "/incident close").await;
    scene.until("over", |scene| open(scene).is_empty()).await;
    assert_eq!(of_kind(&scene.ledger().await, "page.sent").len(), 1, "{}", scene.told());
    format!("Pager {way:?}: {}", if told { "the channel hears that on-call does not know" } else { "later" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_a_pager_does_everything_is_done_once() {
    let ways = [Way::Down, Way::Slow, Way::Flapping, Way::Garbage];
    let rows: Vec<String> = futures::stream::iter(ways.map(without_pager)).buffered(4).collect().await;
    println!("{}", rows.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_is_said_with_the_words_of_the_pager() {
    let scene = Scene::start().await;
    let refusal = json!({"status": "invalid event", "message": "Event object is invalid", "errors": ["'routing_key' is invalid"]});
    scene.world.pager.server().exchanges().add(Rule::answers("POST", "/v2/enqueue", 400, &refusal));
    scene.says("ana", "/incident declare sev1 checkout \"payments fail\"").await;
    scene
        .until("told", |scene| {
            scene.told().contains("it refused the page (400): Event object is invalid: 'routing_key'")
        })
        .await;
    assert_eq!(of_kind(&scene.ledger().await, "page.sent").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_page_that_is_refused_holds_no_other_up() {
    let scene = Scene::start().await;
    let refusal = json!({"status": "invalid event", "message": "Event object is invalid"});
    scene.world.pager.server().exchanges().add(Rule::answers("POST", "/v2/enqueue", 400, &refusal).once());
    scene.says("ana", "/incident declare sev1 checkout \"payments fail\"").await;
    scene.until("told", |scene| scene.told().contains("it refused the page (400)")).await;
    scene.says("ana", "/incident declare sev2 search \"slow\"").await;
    scene.until("paged", |scene| open(scene).len() == 1).await;
    let paged: Vec<String> = scene.world.pager.alerts("pagerduty").into_values().map(|page| page.summary).collect();
    assert_eq!(paged, ["sev2 search: slow"], "{}", scene.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_pager_is_down_every_page_is_said() {
    let scene = Scene::start().await;
    scene.world.pager.server().stop().await;
    for (severity, service) in [("sev1", "checkout"), ("sev2", "search")] {
        scene.says("ana", &format!("/incident declare {severity} {service} \"it fails\"")).await;
    }
    for words in ["sev1 checkout: it fails", "sev2 search: it fails"] {
        scene
            .until("told", |scene| {
                let told = scene.told();
                told.lines().any(|line| line.contains("On-call was not paged") && line.contains(words))
            })
            .await;
    }
    scene.world.pager.server().start_again().await.unwrap();
    scene.until("paged", |scene| open(scene).len() == 2).await;
    for words in ["PagerDuty has the page now: sev1 checkout", "PagerDuty has the page now: sev2 search"] {
        scene.until("told again", |scene| scene.told().contains(words)).await;
    }
}

fn alert(summary: &str) -> Alert {
    Alert {
        key: "incident-01J".to_owned(),
        class: "incident",
        urgency: Urgency::Critical,
        summary: summary.to_owned(),
        incident: None,
        service: Some("checkout".to_owned()),
        environment: None,
        channel: "slack:C1".to_owned(),
    }
}

async fn pagers(key: &str) -> (PagerLookalike, [Pager; 2]) {
    let there = PagerLookalike::start(Secret::new("key"), Pulse::default()).await.unwrap();
    let (net, api) = (Outgoing::new(&Tls::default()).unwrap(), Url::parse(&there.api()).unwrap());
    let one = |kind| Pager::new(kind, (api.clone(), Secret::new(key)), &net);
    (there, [one(Kind::PagerDuty), one(Kind::Opsgenie)])
}

#[tokio::test]
async fn a_call_told_twice_is_one_and_goes_when_it_is_over() {
    let (there, pagers) = pagers("key").await;
    for pager in pagers {
        let called = || there.alerts(pager.kind().name())["incident-01J"].clone();
        let call = Telling::Call(alert(&"ä".repeat(2000)));
        pager.tell(&call).await.unwrap();
        pager.tell(&call).await.unwrap();
        assert_eq!((called().is_open, called().times), (true, 2));
        let over = Telling::Over { key: "incident-01J".to_owned(), incident: None };
        pager.tell(&over).await.unwrap();
        assert!(!called().is_open);
        assert_eq!(there.alerts(pager.kind().name()).len(), 1);
    }
}

#[tokio::test]
async fn what_will_never_be_taken_is_told_from_what_may_be_later() {
    let (there, pagers) = pagers("another key").await;
    for pager in pagers {
        let error = pager.tell(&Telling::Call(alert("down"))).await.unwrap_err();
        assert!(matches!(error, PagerError::Refused { .. }), "{error}");
        assert!(error.remedy().contains("`pager`"), "{}", error.remedy());
        let fault = Rule::answers("POST", "/v2/", 429, &json!({"message": "slow down"}));
        there.server().exchanges().add(fault.header("retry-after", "7").once());
        let error = pager.tell(&Telling::Call(alert("down"))).await.unwrap_err();
        assert!(matches!(error, PagerError::Later { status: 429, wait: Some(7), .. }), "{error}");
    }
}
