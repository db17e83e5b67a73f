//! Drift: what somebody changes by hand gets one card that says who, what and what will become of it, with what people
//! may choose; what an autoscaler, a team's own rule or a break-glass accounts for gets none.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, extract::Query, http::StatusCode, response::IntoResponse as _, routing::get};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use leverframe::{cli::serve, config::Config};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::together::{Chat, DEPLOYS, within, world_with, write};

/// The bot has seen and judged all that the clusters show now.
async fn judged(chat: &Chat) {
    within("the watches", chat.bot.engine.has_seen(&chat.world.versions())).await;
    chat.settled().await;
}

/// A bot that looks, and an Application that does not sync by itself: what is changed by hand stays for now.
async fn by_hand() -> Chat {
    let chat = Chat::start().await;
    let manual = json!({"spec": {"syncPolicy": {"automated": null}}});
    chat.world.clusters["prod"].remake("checkout-prod", &manual);
    judged(&chat).await;
    assert_eq!(chat.count("drift.opened"), 0, "at rest nothing differs");
    chat
}

/// Somebody scales checkout in prod to ten.
async fn scaled(chat: &Chat) {
    assert!(chat.world.clusters["prod"].scale_by_hand("checkout", 10));
    judged(chat).await;
}

async fn pods(chat: &Chat, count: usize) {
    let cluster = &chat.world.clusters["prod"];
    let mut changed = chat.world.pulse.changed();
    let so = async {
        while cluster.running().iter().any(|one| one.service == "checkout" && (one.ready, one.wanted) != (count, count))
        {
            let _ = tokio::time::timeout(Duration::from_millis(200), changed.changed()).await;
        }
    };
    within(&format!("{count} pods"), so).await;
}

fn application(chat: &Chat) -> Value {
    chat.world.clusters["prod"].followed_by("checkout-prod").unwrap()
}

fn is_held(chat: &Chat) -> bool {
    let annotations = application(chat).pointer("/metadata/annotations").cloned().unwrap_or_default();
    annotations.to_string().contains("leverframe.dev/paused-by")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_card_says_who_what_and_what_becomes_of_it_and_is_closed_when_it_is_gone() {
    let chat = by_hand().await;
    scaled(&chat).await;
    let card = chat.card_says("drift: replicas of checkout in prod").await.content.words();
    assert!(card.contains("Live 10, git 3") && card.contains("only when somebody syncs"), "{card}");
    assert!(card.contains("kubectl") && card.contains("the client gave itself"), "{card}");
    // Another value is the same drift, and the same card.
    let before = chat.cards();
    assert!(chat.world.clusters["prod"].scale_by_hand("checkout", 12));
    judged(&chat).await;
    chat.card_says("Live 12, git 3").await;
    assert!(chat.world.clusters["prod"].scale_by_hand("checkout", 3));
    judged(&chat).await;
    chat.card_says("kubectl set it back to 3").await;
    assert_eq!(
        (chat.cards(), chat.count("drift.opened")),
        (before + 1, 1),
        "one card, and one word aloud that it is less"
    );
    // Once more so soon is the same one again.
    scaled(&chat).await;
    chat.card_says("Came again 1 times").await;
    let file = "apps/checkout/prod/kustomization.yaml";
    let text = chat.world.repository.file(file).unwrap().unwrap();
    let commit = write(&chat.world, &[(file, &text.replace("count: 3", "count: 10"))]);
    chat.reads(&commit).await;
    chat.card_says("Git says 10 by now, as it runs").await;
    assert_eq!(chat.count("drift.opened"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hold_keeps_it_and_somebody_owes_the_decision() {
    let chat = by_hand().await;
    scaled(&chat).await;
    chat.card_says("drift: replicas of checkout in prod").await;
    let told = chat.presses("zed", "Hold for 1 h").await;
    assert!(told.starts_with("Your account belongs to nobody"), "{told}");
    assert_eq!(chat.presses("dan", "Hold for 1 h").await, "");
    chat.card_says("which side gives way is to be decided").await;
    assert!(is_held(&chat), "{}", application(&chat));
    pods(&chat, 10).await;
    assert_eq!(
        (chat.count("incident.opened"), chat.count("breakglass.approval"), chat.count("debt.opened")),
        (1, 0, 1)
    );
    assert_eq!(chat.commits(), 0, "nothing is proposed before somebody decides");
    // Git gives way.
    assert_eq!(chat.presses("dan", "Propose again").await, "");
    chat.card_says("Waiting for <").await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Paid: git says 10").await;
    chat.card_says("Git and the cluster agree again").await;
    assert!(!is_held(&chat), "{}", application(&chat));
    pods(&chat, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adopt_pauses_before_it_opens_the_pull_request() {
    let chat = by_hand().await;
    scaled(&chat).await;
    assert_eq!(chat.presses("ana", "Adopt into git").await, "");
    chat.card_says("Waiting for <").await;
    let kinds = chat.kinds();
    let place = |kind: &str| kinds.iter().position(|one| one == kind).unwrap_or_else(|| panic!("no {kind}: {kinds:?}"));
    assert!(place("pause.done") < place("pull_request.opened"), "{kinds:?}");
    assert!(is_held(&chat));
    // Whoever chose it owes it; the cluster gets what git says after all.
    assert_eq!(chat.presses("ana", "Revert instead").await, "");
    chat.card_says("runs what git says again").await;
    pods(&chat, 3).await;
    assert!(!is_held(&chat));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restoring_lowers_only_on_the_word_of_somebody_who_may_approve_it() {
    let chat = by_hand().await;
    scaled(&chat).await;
    let told = chat.presses("dan", "Restore git's value").await;
    assert!(told.starts_with("Git's value means fewer than run now"), "{told}");
    pods(&chat, 10).await;
    assert_eq!(chat.presses("bo", "Restore git's value").await, "");
    chat.card_says("The cluster has what git says again: 3").await;
    pods(&chat, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_ours_has_an_owner_and_an_end_and_can_be_taken_back() {
    let chat = by_hand().await;
    scaled(&chat).await;
    assert_eq!(chat.presses("dan", "Not ours for 7 d").await, "");
    chat.card_says("who answers for it until").await;
    assert_eq!(chat.presses("ana", "Ours after all").await, "");
    chat.card_says("Live 10, git 3").await;
    assert_eq!((chat.count("drift.left"), chat.count("drift.returned")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_accounted_for_is_no_drift() {
    let chat = by_hand().await;
    let cluster = &chat.world.clusters["prod"];
    // An autoscaler has the count.
    cluster.scale_by_itself("cart", (1, 9));
    judged(&chat).await;
    assert!(cluster.scale_by_hand("cart", 7));
    // The team told Argo CD to leave it alone.
    let rule = json!({"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]});
    cluster.remake("checkout-prod", &json!({"spec": {"ignoreDifferences": [rule]}}));
    scaled(&chat).await;
    assert_eq!(chat.count("drift.opened"), 0, "{:#?}", chat.kinds());
    // A deploy and its way into the cluster are none either.
    assert_eq!(chat.says("ana", "/deploy search staging v2.1.1").await, "");
    judged(&chat).await;
    assert_eq!(chat.count("drift.opened"), 0, "{:#?}", chat.kinds());
}

/// A cluster with many workloads, of which some are changed by hand while it is watched.
struct Many {
    asked: Mutex<Vec<String>>,
    changed: watch::Sender<bool>,
}

const WORKLOADS: usize = 1000;
/// Every hundredth is changed by hand; of every tenth beside it an autoscaler has the count.
fn is_drifted(number: usize) -> bool {
    number % 100 == 50
}
fn is_scaled(number: usize) -> bool {
    number % 10 == 3
}

fn workload(number: usize, replicas: usize, manager: &str) -> Value {
    let name = format!("s{number}");
    let fields = json!({"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {"f:image": {}}}}}}});
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": name, "uid": format!("u{number}"), "resourceVersion": "7",
            "managedFields": [{"manager": manager, "operation": "Update", "time": "2026-11-21T03:00:00Z", "fieldsV1": fields}]},
        // What defaults and webhooks add is no difference.
        "spec": {"replicas": replicas, "revisionHistoryLimit": 10, "template": {"spec": {
            "containers": [{"name": "app", "image": format!("registry.example.com/{name}:v1"), "imagePullPolicy": "IfNotPresent"}],
            "dnsPolicy": "ClusterFirst"}}}})
}

fn listed(plural: &str) -> Value {
    let items: Vec<Value> = (0..WORKLOADS)
        .filter_map(|number| match plural {
            "deployments" if is_scaled(number) => Some(workload(number, 9, "kube-controller-manager")),
            "deployments" => Some(workload(number, 2, "argocd-controller")),
            "horizontalpodautoscalers" if is_scaled(number) => {
                let name = format!("s{number}");
                Some(json!({"metadata": {"name": name, "namespace": name}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": name}}}))
            }
            _ => None,
        })
        .collect();
    json!({"metadata": {"resourceVersion": "5"}, "items": items})
}

/// First a bookmark; once it is time the changes, twice each, as a cluster tells the status after the change.
fn told(many: &Arc<Many>, plural: &'static str) -> Body {
    let line = |kind: &str, object: Value| format!("{}\n", json!({"type": kind, "object": object}));
    let up_to = |version: &str| line("BOOKMARK", json!({"metadata": {"resourceVersion": version}}));
    let drifted = (0..WORKLOADS).filter(|number| is_drifted(*number) && plural == "deployments");
    let event = |number| line("MODIFIED", workload(number, 6, "kubectl"));
    let later: String = drifted.flat_map(|number| [event(number), event(number)]).chain([up_to("8")]).collect();
    let mut changed = many.changed.subscribe();
    let later = async move {
        changed.wait_for(|changed| *changed).await.unwrap();
        Ok::<_, std::io::Error>(Bytes::from(later))
    };
    let first = stream::once(std::future::ready(Ok(Bytes::from(up_to("6")))));
    Body::from_stream(first.chain(stream::once(later)).chain(stream::pending()))
}

const ASKED: [&str; 3] = ["deployments", "horizontalpodautoscalers", "statefulsets"];

/// The routes of a cluster with all of these.
fn routes(many: &Arc<Many>) -> Router {
    let routes = ASKED.into_iter().fold(Router::new(), |router, plural| {
        let many = Arc::clone(many);
        let group = if plural == "horizontalpodautoscalers" { "autoscaling/v2" } else { "apps/v1" };
        let answer = move |Query(asked): Query<BTreeMap<String, String>>| async move {
            let watches = asked.contains_key("watch");
            many.asked.lock().unwrap().push(format!("{} {plural}", if watches { "watch" } else { "list" }));
            if watches { told(&many, plural).into_response() } else { axum::Json(listed(plural)).into_response() }
        };
        router.route(&format!("/apis/{group}/{plural}"), get(answer))
    });
    let status = json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "no"});
    routes.fallback(move || std::future::ready((StatusCode::NOT_FOUND, axum::Json(status.clone()))))
}

/// A bot whose `prod` is that cluster, and whose git has a manifest of each workload.
async fn bot_beside(address: &str) -> Chat {
    let catalog = "environments:\n  prod: { path: \"apps/{service}/prod\", cluster: prod, namespace: \"{service}\" }\n\
                   channels: { home: C0DEPLOYS }\n";
    let world = world_with(&[]).await;
    world.clusters.values().for_each(|cluster| cluster.follow(leverframe::play::cluster::Following::No));
    let manifest = |number: usize| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: s{number} }}\nspec:\n  replicas: 2\n  template:\n    \
             spec:\n      containers:\n        - name: app\n          image: registry.example.com/s{number}:v1\n"
        )
    };
    let file = |number: usize| (format!("apps/s{number}/prod/deployment.yaml"), manifest(number));
    let files: Vec<(String, String)> = (0..WORKLOADS).map(file).collect();
    let mut all: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    all.push((".leverframe/catalog.yaml", catalog));
    let start = write(&world, &all);
    let config = world.write_config("127.0.0.1:0").unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace(&world.clusters["prod"].api(), address)).unwrap();
    let bot = serve::start(Config::load(&config).unwrap()).await.unwrap();
    world.set_bot(&format!("http://{}", bot.address));
    within("the bot to be ready", bot.engine.ready()).await;
    Chat { world, bot, start }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_workloads_ten_that_drifted_get_ten_cards() {
    let many = Arc::new(Many { asked: Mutex::default(), changed: watch::Sender::new(false) });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (routes, mut serving) = (routes(&many), tokio::task::JoinSet::new());
    serving.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let chat = bot_beside(&address).await;
    let up_to = |version: u64| BTreeMap::from([("prod".to_owned(), version)]);
    within("the first look", chat.bot.engine.has_seen(&up_to(6))).await;
    chat.settled().await;
    assert_eq!(chat.count("drift.opened"), 0);
    many.changed.send_replace(true);
    within("the changes", chat.bot.engine.has_seen(&up_to(8))).await;
    chat.settled().await;
    let cards = chat.world.slack.messages(DEPLOYS).unwrap();
    let drifts = cards.iter().filter(|card| card.content.words().contains("drift: replicas of s")).count();
    assert_eq!((chat.count("drift.opened"), drifts), (10, 10));
    let mut asked = many.asked.lock().unwrap().clone();
    asked.sort();
    let each = |verb: &str| ASKED.map(|plural| format!("{verb} {plural}")).to_vec();
    assert_eq!(asked, [each("list"), each("watch")].concat(), "one list and one watch of each kind");
}
