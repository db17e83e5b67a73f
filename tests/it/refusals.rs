//! Bad input, each with its answer: what a person reads, that nothing was changed, and that the ledger remembers.

use leverframe::play::exchange::Rule;
use serde_json::json;

use crate::together::{Chat, DEPLOYS, write};

/// Types each line as Ana and compares the answers; nothing comes of any of them but an entry.
async fn refused(chat: &Chat, lines: &[(&str, &str)]) {
    let before = chat.kinds().len();
    for (typed, answer) in lines {
        assert_eq!(chat.says("ana", typed).await, *answer, "{typed}");
    }
    let kinds = chat.kinds();
    assert_eq!(kinds[before..], vec!["request.refused"; lines.len()]);
    assert_eq!((chat.cards(), chat.commits()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_answered_with_what_may_be_meant() {
    let chat = Chat::start().await;
    let lines = [
        ("/deploy chekout staging v1.2.5", "There is no service `chekout`.\nDid you mean `checkout`?"),
        (
            "/deploy billing staging v1",
            "There is no service `billing`.\nChoose `cart`, `checkout`, `payments` or `search`.",
        ),
        ("/deploy checkout stagin v1.2.5", "There is no environment `stagin`.\nDid you mean `staging`?"),
        ("/deploy checkout nowhere v1.2.5", "There is no environment `nowhere`.\nChoose `prod` or `staging`."),
        ("/status pord", "There is no environment `pord`.\nDid you mean `prod`?"),
        ("/lf deplyo checkout staging v1", "There is no command `deplyo`.\nDid you mean `deploy`?"),
        ("/lf fly", "There is no command `fly`.\nChoose `deploy`, `help`, `rollback`, `scale` or `status`."),
        ("/help deplyo", "There is no command `deplyo`.\nDid you mean `deploy`?"),
    ];
    refused(&chat, &lines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forge_that_says_no_is_asked_again_at_leisure_and_recorded_once() {
    let chat = Chat::start().await;
    let exchanges = chat.world.github.server().exchanges();
    let no = exchanges.add(Rule::answers("GET", "/repos", 401, &json!({ "message": "Bad credentials" })));
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.card_says("The pull request is not there yet: GitHub does not accept our token.").await;
    assert_eq!(no.hits(), 1);
    no.release();
    chat.settled().await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Live: 3 of 3 pods run v1.2.5.").await;
    let kinds = ["push.intent", "pull_request.intent", "pull_request.opened", "merge.intent", "landing.done"];
    assert_eq!(kinds.map(|kind| chat.count(kind)), [1; 5]);
}

const CATALOG: &str = ".leverframe/catalog.yaml";
const POLICY: &str = ".leverframe/policy.cedar";

/// The demo's catalog with something behind it.
fn catalog_and(more: &str) -> String {
    format!("{}{more}", include_str!("../../fixtures/demo/.leverframe/catalog.yaml"))
}

const KEPT: &str = "The newest rules do not load, so the last good ones stay in force: \
    .leverframe/catalog.yaml:31:1: `unknwon`: found an unknown key, expected `environments`, `environment_groups`, \
    `services`, `discover`, `locked`, `sensitive`, `limits`, `people`, `channels`, `tickets` or `commands`. \
    Remove it, or move it to where it belongs. Correct the catalog in git.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalog_that_stops_loading_keeps_the_last_good_one_and_says_so() {
    let chat = Chat::start().await;
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.settled().await;
    write(&chat.world, &[(CATALOG, &catalog_and("unknwon: 1\n"))]);
    // What waits for a merge is not held up by it, and what is asked now is done.
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Live: 3 of 3 pods run v1.2.5.").await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("Live: 2 of 2 pods run v1.2.5.").await;
    let status = chat.says("ana", "/status checkout staging").await;
    assert!(
        status.starts_with("• *checkout in staging*: `v1.2.5`, 2 replicas. Last change: deploy checkout"),
        "{status}"
    );
    assert!(status.ends_with(KEPT), "{status}");
    let told = chat.world.slack.messages(DEPLOYS).unwrap().iter().filter(|said| said.content.text == KEPT).count();
    assert_eq!(told, 1);
    write(&chat.world, &[(CATALOG, &catalog_and("\n"))]);
    chat.says("ana", "/deploy checkout staging v1.2.6").await;
    chat.card_says("The rules in git load again and are in force.").await;
    chat.settled().await;
    assert!(!chat.says("ana", "/status checkout staging").await.contains("do not load"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_starts_on_a_broken_catalog_takes_the_newest_that_loads() {
    let chat = Chat::with(&[(CATALOG, &catalog_and("unknwon: 1\n"))]).await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("Live: 2 of 2 pods run v1.2.5.").await;
    assert_eq!(chat.commits(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_came_a_moment_ago_holds_for_what_lands_now() {
    let chat = Chat::start().await;
    let friday = "@id(\"friday\") @reason(\"no deploys on Fridays\") @remedy(\"Wait for Monday.\")\n\
        forbid(principal, action == Action::\"deploy\", resource);\n";
    write(&chat.world, &[(POLICY, friday)]);
    chat.says("ana", "/deploy checkout staging v1.2.5").await;
    chat.card_says("Policy no longer permits it: no deploys on Fridays. Wait for Monday.").await;
    assert_eq!(chat.commits(), 1, "only the policy's own");
    let again = chat.says("ana", "/deploy checkout staging v1.2.5").await;
    assert_eq!(again, "No deploys on Fridays.\nWait for Monday.");
}
