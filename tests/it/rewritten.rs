//! People rewrite the tracked branch: what was there before is gone, which the card of every change that went with it
//! says, and the home channel, and the ledger.

use leverframe::play::repository::DemoRepository;
use serde_json::Value;

use crate::{
    git::git,
    together::{Chat, within, write},
};

const STAGING: &str = "apps/checkout/staging/kustomization.yaml";

/// Takes the branch back to a commit, as `git push --force` does.
fn force(repository: &DemoRepository, to: &str) {
    git(repository.path(), &["update-ref", "refs/heads/main", to]);
}

async fn noticed(chat: &Chat, times: usize) {
    let noticed = async {
        while chat.count("outside.rewritten") < times {
            chat.says("ana", "/help").await;
            chat.settled().await;
        }
    };
    within("the rewriting to be noticed", noticed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_was_taken_out_of_the_branch_says_so_on_its_card() {
    let chat = Chat::start().await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("*Done.*").await;
    chat.settled().await;
    let landed = chat.world.repository.tip().unwrap();
    force(&chat.world.repository, &chat.start);
    let theirs = write(&chat.world, &[("README.md", "begun again\n")]);
    noticed(&chat, 1).await;
    let short = landed.get(..7).unwrap();
    chat.card_says(&format!("`main` was rewritten and no longer holds commit `{short}`.")).await;
    chat.card_says("No longer in it: `deploy checkout v1.2.5 to staging`").await;
    let entries = chat.bot.engine.ledger().read(0, 10_000).unwrap();
    let entry = entries.iter().find(|recorded| recorded.entry.kind == "outside.rewritten").unwrap();
    let body = Value::Object(entry.entry.body.clone());
    // It may look at the branch between the two steps of the rewriting.
    let tips = [Some(chat.start.as_str()), Some(theirs.as_str())];
    assert!(body["from"] == landed.as_str() && tips.contains(&body["to"].as_str()), "{body}");
    let target = &body["targets"][0];
    assert_eq!((&target["service"], &target["environment"]), (&"checkout".into(), &"staging".into()));
    assert_eq!((&target["fields"][0]["old"], &target["fields"][0]["new"]), (&"v1.2.5".into(), &"v1.2.4".into()));

    // Asked for again it lands again.
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("*Done.*").await;
    chat.settled().await;
    assert!(chat.world.repository.file(STAGING).unwrap().unwrap().contains("v1.2.5"));
    assert_eq!(chat.count("outside.rewritten"), 1);
    assert_eq!(git(chat.world.repository.path(), &["rev-list", "--count", &format!("{theirs}..main")]), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rewriting_that_keeps_our_change_troubles_no_card() {
    let chat = Chat::start().await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("*Done.*").await;
    chat.settled().await;
    let ours = chat.world.repository.tip().unwrap();
    let theirs = write(&chat.world, &[("README.md", "a mistake\n")]);
    chat.reads(&theirs).await;
    force(&chat.world.repository, &ours);
    noticed(&chat, 1).await;
    chat.card_says("No change of mine is missing.").await;
    assert_eq!(chat.count("request.ended"), 1);
    chat.card_says("*Done.*").await;
}
