//! The three ways in which a change lands on a branch that GitHub protects: the click is the approver's own review, our
//! status is a required check, or people review and merge on GitHub.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use leverframe::{
    config::{Config, GitHubAuth},
    forge::{GitHub, Linking, Login, Mode, Required},
    net::{Outgoing, Tls},
    play::github::{forge::Verdict, merge::Method},
};

use crate::together::{Chat, within, world_with};

async fn proposed_in(files: &[(&str, &str)]) -> Chat {
    let chat = Chat::with(files).await;
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("Pull request #1").await;
    chat.settled().await;
    chat
}

/// Where the bot keeps what is its own.
fn data(chat: &Chat) -> PathBuf {
    Config::load(&chat.world.folder().join("leverframe.yaml")).unwrap().data
}

/// Waits until the ledger has an entry of this kind.
async fn entry(chat: &Chat, kind: &str) {
    let there = async {
        while chat.count(kind) == 0 {
            tokio::task::yield_now().await;
        }
    };
    within(kind, there).await;
}

/// Somebody asks to link their account, and somebody types the code on GitHub.
async fn links(chat: &Chat, who: &str, types: &str) -> String {
    let told = chat.says(who, "/lf link").await;
    assert!(told.contains("the code is `PLAY-"), "{told}");
    chat.world.github.types_code(types).unwrap();
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_click_of_somebody_who_is_linked_is_their_review() {
    let chat = proposed_in(&[]).await;
    chat.world.github.require_reviews(1);
    links(&chat, "bo", "bo").await;
    entry(&chat, "account.linked").await;
    assert!(chat.says("bo", "/lf link").await.contains("Your account `bo-lindqvist` is linked"));
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    let reviews = chat.world.github.pull(1).unwrap().reviews;
    let given: Vec<_> = reviews.iter().map(|review| (review.by.login, review.verdict, review.body.as_str())).collect();
    assert_eq!(given, [("bo-lindqvist", Verdict::Approve, "Approved in chat.")]);
    assert_eq!((chat.commits(), chat.count("approval.given")), (1, 1));
    if let Some(calls) = crate::forge_calls::described(&chat.world.github.server().exchanges().all()) {
        assert!(calls.contains("POST /pulls/{pull_number}/reviews"), "{calls:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_lies_beside_the_ledger_for_nobody_else_and_goes_with_the_link() {
    let chat = Chat::start().await;
    links(&chat, "bo", "bo").await;
    entry(&chat, "account.linked").await;
    let file = data(&chat).join("accounts/bo.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let token = fs::read_to_string(&file).unwrap();
    assert!(token.contains("ghu_bo-lindqvist"), "{token}");
    let entries = chat.bot.engine.ledger().read(0, 1000).unwrap();
    assert!(!format!("{entries:?}").contains("ghu_"), "no token is in the ledger");
    assert!(chat.says("bo", "/lf unlink").await.contains("no longer linked"));
    assert!(!file.exists() && chat.count("account.unlinked") == 1);
    assert!(chat.says("bo", "/lf unlink").await.contains("is not linked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_somebody_else_typed_links_nobody() {
    let chat = Chat::start().await;
    links(&chat, "bo", "dan").await;
    entry(&chat, "account.refused").await;
    assert!(!data(&chat).join("accounts/bo.json").exists());
    assert_eq!(chat.count("account.linked"), 0);
    // Whoever the catalog does not know may say who they are; that is no right of anybody's.
    let stranger = chat.says("zed", "/lf link").await;
    assert!(stranger.starts_with("To link this account to your own on GitHub: the code is"), "{stranger}");
    assert_eq!(chat.count("account.linked") + chat.count("account.joined"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_ended_on_github_is_said_and_the_review_is_awaited_there() {
    let chat = proposed_in(&[]).await;
    chat.world.github.require_reviews(1);
    links(&chat, "bo", "bo").await;
    entry(&chat, "account.linked").await;
    chat.world.github.revoke_people();
    assert_eq!(chat.presses("bo", "Approve").await, "");
    let card = chat.card_says("At least 1 approving review is required").await.content.words();
    assert!(card.contains("an approval is no review on GitHub"), "{card}");
    assert!(card.contains("Whoever links their account with `/link` gives their review with the click"), "{card}");
    assert_eq!(chat.commits(), 0);
    // The way out that is always there: a review on GitHub.
    chat.world.github.reviews("cleo", 1, Verdict::Approve, "").unwrap();
    chat.card_says("*Done.*").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_our_status_as_a_required_check_the_click_opens_the_way() {
    let chat = proposed_in(&[]).await;
    chat.world.github.require_checks(&["leverframe/approval"]);
    let early = chat.world.github.merges("dan", 1, Method::Squash).unwrap_err().to_string();
    assert!(early.contains("Required status check \"leverframe/approval\" is expected."), "{early}");
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    assert_eq!(chat.commits(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_github_decides_the_card_shows_and_follows() {
    let world = world_with(&[]).await;
    let catalog = world.repository.file(".leverframe/catalog.yaml").unwrap().unwrap();
    let by_hand = catalog.replace("merge: squash", "merge: by_hand");
    let chat = proposed_in(&[(".leverframe/catalog.yaml", &by_hand)]).await;
    chat.world.github.require_reviews(1);
    chat.world.github.reviews("bo", 1, Verdict::Approve, "").unwrap();
    chat.card_says("Approved. Waiting for a person to merge ").await;
    chat.world.github.merges("cleo", 1, Method::Squash).unwrap();
    let card = chat.card_says("*Done.*").await.content.words();
    assert!(card.contains("Merged on GitHub by *cleo*"), "{card}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_could_approve_on_github_unless_our_status_is_required() {
    let world = world_with(&[]).await;
    let config = Config::load(&world.write_config("127.0.0.1:0").unwrap()).unwrap().github.unwrap();
    let GitHubAuth::Token(token) = config.auth else { panic!("the playground has a token") };
    let client = Outgoing::new(&Tls::default()).unwrap().client().clone();
    let github = GitHub::new(client, &config.api, Login::Token(token), "acme".into(), "deployments".into()).unwrap();
    let open = github.required("main").await.unwrap();
    assert_eq!(open, Required::default());
    let (what, remedy) = open.self_approval("main").unwrap();
    assert!(
        what.starts_with("Whoever asks for a change could approve and merge its pull request on GitHub themselves")
    );
    assert!(remedy.contains("Make `leverframe/approval` a required status check of `main`"));
    world.github.require_checks(&["leverframe/approval"]);
    world.github.require_reviews(2);
    let held = github.required("main").await.unwrap();
    assert_eq!((held.reviews, held.checks.as_slice()), (2, &["leverframe/approval".to_owned()][..]));
    assert_eq!(held.self_approval("main"), None);
    assert_eq!((held.mode(Linking::Possible), held.mode(Linking::Off)), (Mode::ClickIsReview, Mode::GitHubDecides));
    world.github.require_reviews(0);
    assert_eq!(github.required("main").await.unwrap().mode(Linking::Off), Mode::ChatDecides);
    world.github.require_queue();
    assert_eq!(github.required("main").await.unwrap().mode(Linking::Possible), Mode::GitHubDecides);
    crate::forge_calls::described(&world.github.server().exchanges().all());
}
