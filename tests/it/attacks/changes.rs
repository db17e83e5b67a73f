//! Changes that are another than people approved: moved under the approval, pushed beside it, pointed elsewhere, permitted
//! by a weaker policy, or waved through by the dozen.

use std::fs;

use leverframe::{
    clock,
    play::{
        people,
        repository::{DemoRepository, HandEdit},
    },
};

use super::{CATALOG, ONE, TWO, asked, asked_in, catalog, unmoved};
use crate::together::{Chat, write};

const FILE: &str = "apps/checkout/prod/kustomization.yaml";
const POLICY: &str = ".leverframe/policy.cedar";

/// Somebody pushes an edit of the file to a branch.
fn pushes(chat: &Chat, who: &str, branch: &str, (before, after): (&str, &str)) {
    let theirs = DemoRepository::open(chat.world.repository.path(), branch);
    let edit = HandEdit { path: FILE, before, after, message: "just this once\n" };
    theirs.edit_by_hand(people::find(who).unwrap(), &edit, clock::now()).unwrap();
    chat.world.pulse.beat();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a03_what_changed_after_the_approval_is_asked_anew() {
    let chat = asked_in(Chat::with(&[(CATALOG, &catalog(ONE, TWO))]).await).await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    pushes(&chat, "dan", "main", ("v1.2.4", "v1.2.3"));
    chat.presses("cleo", "Approve").await;
    let words = "Planned anew, so earlier approvals no longer count: it was v1.2.4 → v1.2.5, it is now v1.2.3 → v1.2.5";
    let card = chat.card_says("Planned anew, so earlier approvals no longer count").await.content.words();
    assert!(card.contains("v1.2.3") && card.contains("2 from the group `leads`"), "{card}, not {words}");
    assert_eq!((chat.count("landing.done"), chat.count("merge.intent")), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a03_a_policy_that_changed_after_the_approval_holds() {
    let chat = asked_in(Chat::with(&[(CATALOG, &catalog(ONE, TWO))]).await).await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    let forbids = "@id(\"stop\") @reason(\"the release is stopped\") @remedy(\"Ask the release desk.\")\n\
        forbid(principal, action == Action::\"deploy\", resource);\n";
    let tip = write(&chat.world, &[(POLICY, forbids)]);
    chat.reads(&tip).await;
    assert_eq!(chat.presses("cleo", "Approve").await, "The release is stopped.\nAsk the release desk.");
    assert_eq!((chat.count("merge.intent"), chat.count("approval.given")), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a23_a_pull_request_that_was_edited_after_the_approval_is_not_merged() {
    let chat = asked_in(Chat::with(&[(CATALOG, &catalog(ONE, TWO))]).await).await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    let branch = chat.world.github.pull(1).unwrap().head;
    pushes(&chat, "dan", &branch, ("v1.2.5", "v6.6.6"));
    let card = chat.card_says("image_tag is v6.6.6 and not v1.2.5").await.content.words();
    assert!(card.contains("Approvals no longer count, and I merge only what I made."), "{card}");
    assert_eq!((chat.count("merge.intent"), chat.commits()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a25_a_tag_does_not_move_an_image_that_is_pinned_by_digest() {
    let path = "apps/cart/prod/cart.yaml";
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/apps/cart/prod/cart.yaml"));
    let Ok(text) = text else { panic!("{path} is not in the demo") };
    let old = text.lines().find(|line| line.contains("image: registry.example.com/shop/cart:")).unwrap();
    let image = old.split_whitespace().nth(1).unwrap();
    let pinned = text.replace(image, &format!("{image}@sha256:{}", "1".repeat(64)));
    let chat = Chat::with(&[(path, &pinned)]).await;
    let told = chat.says("ana", "/deploy cart prod v3.5.0").await;
    assert!(told.contains("is pinned by digest, so a tag there would change nothing."), "{told}");
    assert!(told.contains("Give the digest with the tag in the same command"), "{told}");
    // What only looks like a digest, or names another registry, is none of either.
    let told = chat.says("ana", "/deploy cart prod v3.5.0 digest=sha256:beef").await;
    assert!(!told.is_empty() && chat.count("request.opened") == 0, "{told}");
    let told = chat.says("ana", "/deploy cart prod evil.example.com/shop/cart:v3.5.0").await;
    assert!(!told.is_empty() && chat.count("request.opened") == 0, "{told}");
    unmoved(&chat);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a29_a_weaker_policy_counts_when_it_is_merged_and_is_said_aloud() {
    let chat = asked().await;
    // On a branch, as a pull request would have it, it is words.
    let weaker = catalog(ONE, "deploy: { count: 0 }");
    let repository = git2::Repository::open_bare(chat.world.repository.path()).unwrap();
    let tip = repository.revparse_single("main").unwrap().peel_to_commit().unwrap();
    repository.branch("weaker", &tip, false).unwrap();
    let theirs = DemoRepository::open(chat.world.repository.path(), "weaker");
    let dan = people::find("dan").unwrap();
    theirs.commit_by_hand(dan, "Weaker\n", &[(CATALOG, &weaker)], clock::now()).unwrap();
    chat.says("ana", "/help").await;
    chat.settled().await;
    assert_eq!(
        chat.presses("dan", "Approve").await,
        "Your vote does not count here.\nAsk somebody from the group `leads`."
    );
    unmoved(&chat);
    // Merged by people, it is in force, and everybody hears what that means.
    let tip = write(&chat.world, &[(CATALOG, &weaker)]);
    chat.reads(&tip).await;
    let said = chat.card_says("The rules in git changed:").await.content.words();
    let line = said.lines().find(|line| line.contains("`deploy`")).unwrap_or_default();
    assert!(line.ends_with(" in `prod` need nobody's approval; they needed 1 of group:leads."), "{said}");
    // A command that would write there itself does not load.
    let own = "name: weaken\nsummary: Weaken\noptions:\n  service: { type: service, required: true }\n  environment: { type: environment, required: true }\n\
        change:\n  set_path:\n    - { file: ../../../.leverframe/catalog.yaml, path: discover, value: \"no\" }\n";
    let tip = write(&chat.world, &[(".leverframe/commands/weaken.yaml", own)]);
    chat.reads(&tip).await;
    let told = chat.says("ana", "/lf weaken checkout prod").await;
    assert!(!told.is_empty() && chat.count("request.opened") == 1, "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a30_nothing_is_approved_by_the_dozen() {
    let many = "@id(\"slowly\") @reason(\"that are many within one hour\") @remedy(\"Wait.\")\n\
        forbid(principal, action == Action::\"deploy\", resource) when { context.recent_requests >= 2 };\n";
    let chat = Chat::with(&[(POLICY, many), (CATALOG, &catalog("min: 1,", "min: 0,"))]).await;
    for (number, service) in [(1, "checkout"), (2, "search")] {
        let version = if service == "checkout" { "v1.2.5" } else { "v9.9.9" };
        assert_eq!(chat.says("ana", &format!("/deploy {service} prod {version}")).await, "");
        chat.card_says(&format!("Pull request #{number}")).await;
    }
    let told = chat.says("ana", "/deploy payments prod v9.9.9").await;
    assert_eq!(told, "That are many within one hour (recent_requests 2).\nWait.");
    // A yes is to one request: the other goes on waiting.
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.settled().await;
    assert_eq!((chat.count("approval.given"), chat.count("merge.intent")), (1, 1));
    // What is hard to undo is typed with its name.
    let before = chat.count("request.opened");
    assert_eq!(chat.says("ana", "/scale checkout prod 0").await, "", "a form opens");
    assert_eq!(chat.says("ana", "/scale checkout prod 0 confirm=payments").await, "", "and again");
    assert_eq!(chat.count("request.opened"), before);
}
