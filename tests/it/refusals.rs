//! Bad input, each with its answer: what a person reads, that nothing was changed, and that the ledger remembers.

use leverframe::play::exchange::Rule;
use serde_json::json;

use crate::together::Chat;

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
