//! What shakes the ground under an open request: the branch is rewritten, the repository gets another name, hosts go
//! away and come back.

use leverframe::play::exchange::Rule;
use serde_json::json;

use crate::together::{Chat, within, write};

const FILE: &str = "apps/checkout/prod/kustomization.yaml";
const PULLS: &str = "/repos/acme/deployments/pulls";

async fn propose(chat: &Chat) {
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("Pull request #1").await;
    chat.settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_force_push_of_the_branch_asks_nobody_again_and_brings_nothing_back() {
    let chat = Chat::start().await;
    let before = chat.world.repository.tip().unwrap();
    let leaked = write(&chat.world, &[("leaked.txt", "a password\n")]);
    chat.world.pulse.beat();
    chat.reads(&leaked).await;
    propose(&chat).await;
    // Somebody takes the commit out of the branch.
    let repository = git2::Repository::open_bare(chat.world.repository.path()).unwrap();
    repository.reference("refs/heads/main", git2::Oid::from_str(&before).unwrap(), true, "forced").unwrap();
    chat.world.pulse.beat();
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    assert!(chat.world.repository.file(FILE).unwrap().unwrap().contains("v1.2.5"));
    assert_eq!(chat.world.repository.file("leaked.txt").unwrap(), None, "what was taken out stays out");
    let asked = (chat.count("approval.given"), chat.count("request.replanned"));
    assert_eq!(asked, (1, 0));
    assert_eq!(chat.world.repository.commits(1).unwrap()[0].parents, [before]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_got_another_name_is_followed_on_its_host() {
    let chat = Chat::start().await;
    let there = format!("{}{PULLS}?state=all", chat.world.github.api());
    let moved = Rule::answers("GET", PULLS, 301, &json!({"message": "Moved Permanently"})).header("location", &there);
    let moved = chat.world.github.server().exchanges().add(moved.once());
    propose(&chat).await;
    assert_eq!(moved.hits(), 1);
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_git_host_that_is_back_is_used_at_once_however_long_it_was_away() {
    let chat = Chat::start().await;
    chat.settled().await;
    chat.world.git.server().stop().await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("Not yet: the git host cannot be reached").await;
    chat.world.git.server().start_again().await.unwrap();
    // Its own next try may be a minute away; the first fetch that works wakes it.
    let done = chat.card_says("*Done.*");
    within("the change to land", done).await;
    assert_eq!((chat.commits(), chat.count("push.intent")), (1, 1));
}
