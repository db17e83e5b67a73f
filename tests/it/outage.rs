//! What is outside goes away, refuses, or answers nonsense, and comes back: the card says what is in the way, the
//! work completes by itself, and nothing is done twice.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::StreamExt as _;
use leverframe::{
    clock,
    play::{
        exchange::{Fault, Reply, Rule},
        github::{forge::State, merge::Method},
        people,
        repository::HandEdit,
    },
};
use serde_json::json;

use crate::bot::{Scene, Side, of_kind, stop};

const LIST_TO_PUSH: &str = "/acme/deployments.git/info/refs?service=git-receive-pack";
const PULLS: &str = "/repos/acme/deployments/pulls";
const MERGE: &str = "/repos/acme/deployments/pulls/1/merge";
const STAGING: &str = "apps/checkout/staging/kustomization.yaml";

/// What must be true of one change that landed, however hard it was.
async fn landed_once(scene: &Scene) {
    scene.recorded("card.posted").await;
    let ledger = scene.ledger().await;
    for kind in ["request.opened", "landing.done", "card.posted", "request.ended"] {
        assert_eq!(of_kind(&ledger, kind).len(), 1, "{kind}: {}", scene.told());
    }
    // What GitHub does not merge as it is, is looked at once more in git.
    for (kind, most) in [("push.intent", 2), ("merge.intent", 1), ("pull_request.intent", 1)] {
        let found = of_kind(&ledger, kind).len();
        assert!(found <= most, "{found} times {kind}, though nothing new was tried: {}", scene.told());
    }
    assert_eq!(scene.cards().len(), 1, "{}", scene.told());
    assert!(scene.world.github.pulls().unwrap().len() <= 1);
    let changes = scene.git(&["log", "--format=%s", "-S", "v1.2.5", "main"]).await;
    assert_eq!(changes.lines().count(), 1, "{changes}");
    scene.verify().await;
}

async fn live(scene: &Scene) {
    scene.until("live", |scene| scene.card_says("Live: ")).await;
}

async fn proposed(scene: &Scene) {
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    scene.until("proposed", |scene| scene.card_says("[Approve]") && scene.card_says("Pull request #1")).await;
}

/// Proposed, and GitHub's webhooks are lost from now on: what people do is seen when the bot wants to act.
async fn proposed_without_webhooks(scene: &Scene) {
    proposed(scene).await;
    scene.world.github.set_bot(None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_git_host_that_is_down_is_said_on_the_card_and_costs_no_entries() {
    let scene = Scene::start().await;
    scene.world.git.server().stop().await;
    assert_eq!(scene.says("ana", "/deploy checkout staging v1.2.5").await.status, Some(200));
    scene.until("trouble", |scene| scene.card_says("Not yet: the git host cannot be reached")).await;
    scene.world.git.server().start_again().await.unwrap();
    live(&scene).await;
    landed_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_git_host_that_answers_errors_is_asked_with_growing_pauses() {
    let scene = Scene::start().await;
    let gone = Rule::answers("GET", LIST_TO_PUSH, 503, &json!({"message": "maintenance"})).times(3);
    let gone = scene.world.git.server().exchanges().add(gone);
    let began = clock::now();
    scene.says("ana", "/deploy checkout staging v1.2.5").await;
    scene.until("trouble", |scene| scene.card_says("Not yet: the git host cannot be reached: it answered 503")).await;
    live(&scene).await;
    let took = clock::now().duration_since(began).as_secs_f64();
    assert!(took >= 6.5, "three failures are followed by pauses of 1, 2 and 4 s, and all was done after {took} s");
    assert_eq!(gone.hits(), 3);
    landed_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_the_git_host_is_down_it_says_so_and_lands_when_the_host_is_back() {
    let scene = Scene::start().await;
    scene.world.git.server().stop().await;
    scene.says("ana", "/deploy checkout staging v1.2.5").await;
    scene.until("trouble", |scene| scene.card_says("Not yet: ")).await;
    let drawn = scene.cards()[0].earlier.len();
    scene.killer().kill();
    scene.start_bot().await;
    let answer = scene.says("bo", "/status checkout staging").await;
    assert!(answer.body.contains("`v1.2.4`") && answer.body.contains("landing"), "{answer:?}");
    scene.until("still said", |scene| scene.cards()[0].earlier.len() >= drawn && scene.card_says("Not yet: ")).await;
    scene.world.git.server().start_again().await.unwrap();
    live(&scene).await;
    landed_once(&scene).await;
}

/// One way of GitHub to fail, what the card says of it when opening and when merging; empty: nothing need be said.
struct Failing {
    name: &'static str,
    opening: Option<(Rule, &'static str)>,
    merging: Option<(Rule, &'static str)>,
}

fn both(name: &'static str, rule: impl Fn(&str, &str) -> Rule, says: &'static str) -> Failing {
    let (opening, merging) = (rule("POST", PULLS).times(2), rule("PUT", MERGE).times(2));
    Failing { name, opening: Some((opening, says)), merging: Some((merging, says)) }
}

fn answers(status: u16, message: &'static str) -> impl Fn(&str, &str) -> Rule {
    move |method, path| Rule::answers(method, path, status, &json!({ "message": message }))
}

fn failings() -> Vec<Failing> {
    let limited = |method: &str, path: &str| {
        answers(403, "API rate limit exceeded")(method, path)
            .header("retry-after", "2")
            .header("x-ratelimit-remaining", "0")
    };
    let merging = |name, rule: Rule, says| Failing { name, opening: None, merging: Some((rule.times(2), says)) };
    let opening = |name, rule: Rule, says| Failing { name, opening: Some((rule.times(2), says)), merging: None };
    vec![
        both("401", answers(401, "Bad credentials"), "GitHub does not accept our token"),
        both("403", answers(403, "Resource not accessible by integration"), "GitHub forbids it: Resource not"),
        both("403 rate limit", limited, "GitHub asks us to wait 2 s"),
        both("404", answers(404, "Not Found"), "GitHub finds no such repository or pull request"),
        both("500", answers(500, "oops"), "GitHub answered with error 500"),
        both("502", answers(502, "Bad Gateway"), "GitHub answered with error 502"),
        both("garbage", Rule::garbage, "GitHub gave an answer that cannot be read"),
        both("cut before", |method, path| Rule::on(method, path, Fault::Drop), "GitHub cannot be reached"),
        both("cut after it was done", |method, path| Rule::on(method, path, Fault::DropAfter), ""),
        both(
            "done, and said to have failed",
            |method, path| {
                let body = br#"{"message":"Bad Gateway"}"#.to_vec();
                Rule::on(method, path, Fault::AnswerAfter(Reply { status: 502, headers: vec![], body }))
            },
            "",
        ),
        opening(
            "422",
            answers(422, "Validation Failed")("POST", PULLS),
            "GitHub refuses the request: Validation Failed",
        ),
        merging(
            "405",
            answers(405, "Required status check is expected.")("PUT", MERGE),
            "GitHub does not merge it: Required status check is expected. Asked for a review: Bo Lindqvist, Dan Petrov",
        ),
        merging(
            "409",
            answers(409, "Head branch was modified.")("PUT", MERGE),
            "the base branch moved while GitHub was",
        ),
        merging(
            "422 at the merge",
            answers(422, "Not this way")("PUT", MERGE),
            "GitHub refuses the request: Not this way",
        ),
    ]
}

async fn through(failing: Failing) -> String {
    let scene = Scene::start().await;
    let github = scene.world.github.server();
    let (opening, merging) = (failing.opening, failing.merging);
    let rules = [&opening, &merging].map(|step| step.as_ref().map(|(rule, _)| github.exchanges().add(rule.clone())));
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    let says = |step: &Option<(Rule, &'static str)>| step.as_ref().map_or("", |(_, says)| says);
    scene.until(failing.name, |scene| scene.card_said(says(&opening)) && scene.card_says("[Approve]")).await;
    scene.until(failing.name, |scene| scene.card_says("Pull request #1")).await;
    assert_eq!(scene.presses("bo", "Approve").await.status, Some(200));
    let is_done = |scene: &Scene| scene.card_said(says(&merging)) && scene.card_says("Live: ");
    // On a machine with much else to do Slack may be too slow to say who presses; then it is pressed again, as people do.
    let is_uncounted = |scene: &Scene| scene.told().contains("so this was not counted");
    scene.until(failing.name, |scene| is_done(scene) || is_uncounted(scene)).await;
    if is_uncounted(&scene) {
        assert_eq!(scene.presses("bo", "Approve").await.status, Some(200));
        scene.until(failing.name, is_done).await;
    }
    assert!(rules.iter().flatten().all(|rule| rule.hits() >= 1), "{}", failing.name);
    landed_once(&scene).await;
    format!("GitHub {:<32} said on the card, then done once", failing.name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_github_fails_the_card_says_so_and_it_is_done_once_in_the_end() {
    let lives = futures::stream::iter(failings().into_iter().map(through));
    let rows: Vec<String> = lives.buffered(4).collect().await;
    println!("{}", rows.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_waited_for_as_long_as_github_asks() {
    let scene = Scene::start().await;
    proposed(&scene).await;
    let limited = Rule::answers("PUT", MERGE, 403, &json!({"message": "You have exceeded a secondary rate limit"}));
    let limited = scene.world.github.server().exchanges().add(limited.header("retry-after", "4").once());
    let began = clock::now();
    scene.presses("bo", "Approve").await;
    live(&scene).await;
    let took = clock::now().duration_since(began).as_secs_f64();
    assert!(took >= 4.0, "GitHub asked to wait 4 s and all was done after {took} s");
    assert_eq!(limited.hits(), 1);
    landed_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_github_says_nothing_the_card_says_what_is_under_way() {
    let scene = Scene::start().await;
    let silent = scene.world.github.server().exchanges().add(Rule::on("POST", PULLS, Fault::Hang));
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    scene.until("waiting", |scene| scene.card_says("[Approve]")).await;
    assert_eq!(scene.presses("bo", "Approve").await.status, Some(200));
    scene.until("under way", |scene| scene.card_says("Approved. Opening the pull request.")).await;
    let merging = scene.world.github.server().exchanges().add(Rule::on("PUT", MERGE, Fault::Hang));
    silent.release();
    merging.met(1).await;
    scene.until("merging", |scene| scene.card_says("Approved. Merging ")).await;
    merging.release();
    live(&scene).await;
    landed_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_github_finishes_after_it_was_given_up_is_not_called_already_there() {
    let scene = Scene::start().await;
    proposed(&scene).await;
    // The look shows an open pull request; right after it the merge that nobody waits for any more is done.
    let (github, pulse) = (Arc::clone(&scene.world.github), scene.world.pulse.clone());
    let merged = AtomicBool::new(false);
    stop(scene.world.github.server(), "GET", "/repos/acme/deployments/pulls/1", Side::After, move |_| {
        if !merged.swap(true, Ordering::SeqCst) {
            github.merges("bo", 1, Method::Squash).unwrap();
            pulse.beat();
        }
    });
    scene.presses("bo", "Approve").await;
    scene.until("over", |scene| scene.card_says("Live: ") || scene.card_says("*Stopped.*")).await;
    landed_once(&scene).await;
    assert!(scene.card_says("Live: "), "{}", scene.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_down_or_counting_holds_up_nothing_and_gets_one_card_in_the_end() {
    let scene = Scene::start().await;
    let slack = scene.world.slack.server();
    slack.stop().await;
    assert_eq!(scene.says("ana", "/deploy checkout staging v1.2.5").await.status, Some(200));
    let done = |scene: &Scene| scene.world.repository.file(STAGING).unwrap().unwrap().contains("v1.2.5");
    scene.until("landed without Slack", done).await;
    let post = "/api/chat.postMessage";
    let many = json!({"ok": false, "error": "ratelimited"});
    slack.exchanges().add(Rule::answers("POST", post, 429, &many).header("retry-after", "1").once());
    slack.exchanges().add(Rule::on("POST", post, Fault::DropAfter).once());
    slack.exchanges().add(Rule::answers("POST", "/api/chat.update", 429, &many).header("retry-after", "1").once());
    slack.start_again().await.unwrap();
    live(&scene).await;
    landed_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_true_in_the_end_though_slack_answered_nonsense() {
    let scene = Scene::start().await;
    let updates = scene.world.slack.server().exchanges();
    let nonsense = updates.add(Rule::garbage("POST", "/api/chat.update").times(2));
    scene.says("ana", "/deploy checkout staging v1.2.5").await;
    live(&scene).await;
    assert_eq!(nonsense.hits(), 2);
    landed_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_cannot_be_seen_is_said_and_looked_at_again() {
    let scene = Scene::start().await;
    let cluster = scene.world.clusters["staging"].server();
    cluster.stop().await;
    scene.says("ana", "/deploy checkout staging v1.2.5").await;
    scene.until("unseen", |scene| scene.card_says("the cluster cannot be seen (the cluster cannot be reached")).await;
    let refused =
        json!({"kind": "Status", "status": "Failure", "reason": "Unauthorized", "code": 401, "message": "no"});
    let refused = cluster.exchanges().add(Rule::answers("GET", "/apis/apps/v1/namespaces/", 401, &refused).once());
    let nonsense = cluster.exchanges().add(Rule::garbage("GET", "/apis/apps/v1/namespaces/").once());
    cluster.start_again().await.unwrap();
    live(&scene).await;
    assert_eq!((refused.hits(), nonsense.hits()), (1, 1));
    assert!(scene.card_said("the cluster does not accept the token"), "{}", scene.told());
    landed_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_branch_fails_the_request_with_a_remedy_and_changes_nothing() {
    let scene = Scene::start().await;
    let before = scene.world.repository.tip().unwrap();
    scene.world.git.protect("main");
    scene.says("ana", "/deploy checkout staging v1.2.5").await;
    scene.until("failed", |scene| scene.card_says("*Failed.* The git host protects the branch: ")).await;
    assert!(scene.card_says("Use `landing: pull_request` for this environment"), "{}", scene.told());
    assert_eq!(scene.world.repository.tip().unwrap(), before);
    let ledger = scene.ledger().await;
    assert_eq!(of_kind(&ledger, "request.ended")[0]["body"]["end"]["ending"], "failed");
    scene.world.git.unprotect("main");
    scene.says("ana", "/deploy checkout staging v1.2.5").await;
    live(&scene).await;
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_closed_by_hand_fails_the_request_and_stays_as_people_left_it() {
    let scene = Scene::start().await;
    proposed_without_webhooks(&scene).await;
    scene.world.github.closes("cleo", 1).unwrap();
    scene.presses("bo", "Approve").await;
    scene.until("failed", |scene| scene.card_says("*Failed.* Pull request #1 was closed on GitHub by Cleo")).await;
    assert!(scene.card_says("Reopen it there to go on, or ask again."), "{}", scene.told());
    scene.verify().await;
    assert_eq!(edits_of_pull_requests(&scene), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_merged_by_hand_is_followed_when_it_is_approved() {
    let scene = Scene::start().await;
    proposed_without_webhooks(&scene).await;
    scene.world.github.merges("cleo", 1, Method::Squash).unwrap();
    scene.presses("bo", "Approve").await;
    live(&scene).await;
    landed_once(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_merged_by_hand_is_not_said_to_have_changed_nothing_when_it_is_cancelled() {
    let scene = Scene::start().await;
    proposed_without_webhooks(&scene).await;
    scene.world.github.merges("cleo", 1, Method::Merge).unwrap();
    scene.presses("ana", "Cancel").await;
    scene.until("live", |scene| scene.card_says("Live: ")).await;
    let ledger = scene.ledger().await;
    assert_eq!(of_kind(&ledger, "landing.done").len(), 1, "{}", scene.told());
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_pushed_by_somebody_else_are_not_merged_and_their_pull_request_stays_open() {
    let scene = Scene::start().await;
    proposed_without_webhooks(&scene).await;
    let branch = scene.world.github.pull(1).unwrap().head;
    let theirs = leverframe::play::repository::DemoRepository::open(scene.world.repository.path(), &branch);
    let dan = people::find("dan").unwrap();
    let edit = HandEdit {
        path: "apps/checkout/prod/kustomization.yaml",
        before: "v1.2.5",
        after: "v6.6.6",
        message: "just this once\n",
    };
    theirs.edit_by_hand(dan, &edit, clock::now()).unwrap();
    scene.presses("bo", "Approve").await;
    scene.until("asked again", |scene| scene.card_says("Dan Petrov pushed ")).await;
    assert!(scene.card_says("I merge only what I made."), "{}", scene.told());
    scene.verify().await;
    assert_eq!(edits_of_pull_requests(&scene), 0);
    assert_eq!(scene.world.github.pull(1).unwrap().state, State::Open);
    assert!(!scene.git(&["show", "main:apps/checkout/prod/kustomization.yaml"]).await.contains("v6.6.6"));
}

/// How often the bot changed a pull request itself.
fn edits_of_pull_requests(scene: &Scene) -> usize {
    let all = scene.world.github.server().exchanges().all();
    all.iter().filter(|exchange| exchange.method == "PATCH").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbouring_line_edited_on_the_branch_does_not_stop_an_approved_merge() {
    let scene = Scene::start().await;
    proposed(&scene).await;
    let path = "apps/checkout/prod/kustomization.yaml";
    let text = scene.world.repository.file(path).unwrap().unwrap();
    let tag = text.lines().find(|line| line.contains("v1.2.4")).unwrap().to_owned();
    let noted = text.replace(&tag, &format!("{tag} # seen by dan"));
    let dan = people::find("dan").unwrap();
    scene.world.repository.commit_by_hand(dan, "a note\n", &[(path, &noted)], clock::now()).unwrap();
    scene.presses("bo", "Approve").await;
    live(&scene).await;
    let now = scene.world.repository.file(path).unwrap().unwrap();
    assert_eq!(now, noted.replace("v1.2.4", "v1.2.5"));
    assert_eq!(of_kind(&scene.ledger().await, "approval.given").len(), 1);
    scene.verify().await;
}
