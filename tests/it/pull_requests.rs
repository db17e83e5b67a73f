//! What people do to a pull request on GitHub while a request is decided: each a short life, told by its card, GitHub
//! and the ledger. Webhooks say when to look; where they are lost, polling fills in.

use std::fs;

use leverframe::{
    clock,
    play::{
        exchange::Rule,
        github::{
            forge::{State, Verdict},
            merge::Method,
        },
        people,
        repository::{DemoRepository, HandEdit},
    },
};
use serde_json::{Value, json};

use crate::together::{Chat, serve, within, world_with, write};

const FILE: &str = "apps/checkout/prod/kustomization.yaml";
const MERGE: &str = "/repos/acme/deployments/pulls/1/merge";

/// Asked for, proposed, and the pull request is dressed.
async fn proposed() -> Chat {
    proposed_in(&[]).await
}

async fn proposed_in(files: &[(&str, &str)]) -> Chat {
    let chat = Chat::with(files).await;
    propose(&chat).await;
    chat
}

async fn propose(chat: &Chat) {
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("Pull request #1").await;
    chat.settled().await;
}

fn head(chat: &Chat) -> String {
    chat.world.github.pull(1).unwrap().head_sha
}

/// Somebody pushes an edit to the branch of the pull request.
fn pushes(chat: &Chat, who: &str, before: &str, after: &str) -> String {
    let branch = chat.world.github.pull(1).unwrap().head;
    let theirs = DemoRepository::open(chat.world.repository.path(), &branch);
    let edit = HandEdit { path: FILE, before, after, message: "just this once\n" };
    let id = theirs.edit_by_hand(people::find(who).unwrap(), &edit, clock::now()).unwrap();
    chat.world.pulse.beat();
    id
}

/// Waits until GitHub shows this status of ours on a commit.
async fn status(chat: &Chat, sha: &str, context: &str, expected: &str) {
    let mut changed = chat.world.pulse.changed();
    let shown = async {
        loop {
            let all = chat.world.github.statuses(sha);
            let found = all.iter().find(|status| status.context == context);
            if found.is_some_and(|status| format!("{}: {}", status.state, status.description) == expected) {
                return;
            }
            changed.changed().await.unwrap();
        }
    };
    let done = tokio::time::timeout(std::time::Duration::from_secs(30), shown).await;
    assert!(done.is_ok(), "{context} is not {expected:?} but {:#?}", chat.world.github.statuses(sha));
}

/// What the gate says of a commit once something there is frozen.
async fn frozen_since(chat: &Chat, sha: &str) -> String {
    let mut changed = chat.world.pulse.changed();
    let shown = async {
        loop {
            let all = chat.world.github.statuses(sha);
            let told = all.iter().map(|status| format!("{}: {}", status.state, status.description));
            if let Some(words) = told.into_iter().find(|words| words.contains("is frozen")) {
                return words;
            }
            changed.changed().await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), shown).await.expect("the gate says that it is frozen")
}

/// The bodies of a kind of entries.
fn bodies(chat: &Chat, kind: &str) -> Vec<Value> {
    let entries = chat.bot.engine.ledger().read(0, 10_000).unwrap();
    let of_kind = entries.into_iter().filter(|recorded| recorded.entry.kind == kind);
    of_kind.map(|recorded| Value::Object(recorded.entry.body)).collect()
}

fn actors(chat: &Chat, kind: &str) -> Vec<String> {
    let entries = chat.bot.engine.ledger().read(0, 10_000).unwrap();
    let of_kind = entries.into_iter().filter(|recorded| recorded.entry.kind == kind);
    of_kind.map(|recorded| recorded.entry.actor.account.unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_review_on_github_is_an_approval_like_a_click() {
    let chat = proposed().await;
    let head = head(&chat);
    let pending = "pending: 1 more from group:leads, in chat or as a review here";
    status(&chat, &head, "leverframe/approval", pending).await;
    let github = &chat.world.github;
    // Who asked, who is in no group and who is unknown decide nothing, though GitHub lets them.
    for who in ["ana", "dan", "zed"] {
        github.reviews(who, 1, Verdict::Approve, "").unwrap();
    }
    github.reviews("bo", 1, Verdict::Comment, "looks fine").unwrap();
    github.reviews("bo", 1, Verdict::Approve, "").unwrap();
    chat.card_says("*Done.*").await;
    status(&chat, &head, "leverframe/approval", "success: Approved by Bo Lindqvist").await;
    assert_eq!(actors(&chat, "approval.given"), ["github:bo-lindqvist"]);
    assert_eq!(actors(&chat, "approval.refused"), ["github:ana-moreau", "github:dan-petrov", "github:zed-quill"]);
    let message = chat.world.repository.commits(1).unwrap().remove(0).message;
    assert!(message.contains("Approved-by: Bo Lindqvist"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_requested_on_github_reject_the_request() {
    let chat = proposed().await;
    chat.world.github.reviews("bo", 1, Verdict::RequestChanges, "not today").unwrap();
    chat.card_says("Rejected by *bo*").await;
    chat.settled().await;
    assert!(matches!(chat.world.github.pull(1).unwrap().state, State::Closed { .. }));
    status(&chat, &head(&chat), "leverframe/approval", "failure: The request is over: rejected").await;
    assert_eq!(chat.commits(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dismissed_review_no_longer_counts() {
    let chat = Chat::with(&[(".leverframe/catalog.yaml", &catalog_with_two().await)]).await;
    propose(&chat).await;
    let review = chat.world.github.reviews("bo", 1, Verdict::Approve, "").unwrap();
    chat.card_says("(1 of 2 given)").await;
    chat.world.github.dismisses("dan", 1, review.id).unwrap();
    chat.card_says("2 from the group").await;
    assert_eq!(chat.count("approval.withdrawn"), 1);
    assert_eq!(chat.presses("cleo", "Approve").await, "");
    chat.card_says("(1 of 2 given)").await;
    chat.world.github.reviews("bo", 1, Verdict::Approve, "now really").unwrap();
    chat.card_says("*Done.*").await;
}

/// The demo's catalog, where a deploy to prod needs two.
async fn catalog_with_two() -> String {
    let world = world_with(&[]).await;
    let text = world.repository.file(".leverframe/catalog.yaml").unwrap().unwrap();
    text.replace("deploy: { count: 1", "deploy: { count: 2")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merged_by_hand_is_followed_with_the_approvals_as_they_stood() {
    let chat = proposed().await;
    chat.world.github.merges("cleo", 1, Method::Squash).unwrap();
    let card = chat.card_says("*Done.*").await.content.words();
    assert!(card.contains("Merged on GitHub by *cleo*"), "{card}");
    assert!(!card.contains("Approved by"), "{card}");
    assert_eq!(actors(&chat, "landing.done"), ["github:cleo-okafor"]);
    assert_eq!((chat.commits(), chat.count("outside.commit")), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_by_hand_says_who_and_reopened_asks_anew() {
    let chat = Chat::with(&[(".leverframe/catalog.yaml", &catalog_with_two().await)]).await;
    propose(&chat).await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.world.github.closes("cleo", 1).unwrap();
    let card = chat.card_says("Pull request #1 was closed on GitHub by Cleo Okafor.").await.content.words();
    assert!(card.contains("Reopen it there to go on, or ask again."), "{card}");
    assert_eq!(actors(&chat, "request.ended"), ["github:cleo-okafor"]);
    chat.world.github.reopens("cleo", 1).unwrap();
    chat.card_says("its pull request was closed and opened again").await;
    for who in ["bo", "cleo"] {
        assert_eq!(chat.presses(who, "Approve").await, "");
    }
    chat.card_says("*Done.*").await;
    assert_eq!(chat.commits(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_by_somebody_else_voids_approvals_and_is_never_merged() {
    let chat = Chat::with(&[(".leverframe/catalog.yaml", &catalog_with_two().await)]).await;
    propose(&chat).await;
    let ours = head(&chat);
    assert_eq!(chat.presses("bo", "Approve").await, "");
    let theirs = pushes(&chat, "dan", "v1.2.5", "v6.6.6");
    let what = format!(
        "Dan Petrov pushed {} to the branch of pull request #1, where now image_tag is v6.6.6 and not v1.2.5.",
        theirs.get(..7).unwrap()
    );
    let card = chat.card_says(&what).await.content.words();
    assert!(card.contains("I merge only what I made.") && !card.contains("Approve]"), "{card}");
    let red = "failure: Somebody else's commit is on this branch; nobody approved that in chat";
    status(&chat, &ours, "leverframe/approval", red).await;
    // A review of their commit approves nothing here either.
    chat.world.github.reviews("cleo", 1, Verdict::Approve, "").unwrap();
    chat.settled().await;
    assert_eq!((chat.commits(), chat.count("approval.given")), (0, 1));
    // They take it off again: it stands as it was planned, and people are asked anew.
    let branch = chat.world.github.pull(1).unwrap().head;
    let repository = git2::Repository::open_bare(chat.world.repository.path()).unwrap();
    let id = git2::Oid::from_str(&ours).unwrap();
    repository.reference(&format!("refs/heads/{branch}"), id, true, "").unwrap();
    chat.world.pulse.beat();
    chat.card_says("2 from the group").await;
    for who in ["bo", "cleo"] {
        assert_eq!(chat.presses(who, "Approve").await, "");
    }
    chat.card_says("*Done.*").await;
    assert!(chat.world.repository.file(FILE).unwrap().unwrap().contains("v1.2.5"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_change_merged_by_hand_is_not_called_ours() {
    let chat = proposed().await;
    pushes(&chat, "dan", "v1.2.5", "v6.6.6");
    chat.card_says("image_tag is v6.6.6 and not v1.2.5").await;
    chat.world.github.merges("cleo", 1, Method::Squash).unwrap();
    let card = chat.card_says("What was merged is not what was planned here").await.content.words();
    assert!(card.contains("Look at the commit; roll back if it is not wanted."), "{card}");
    assert!(!card.contains("*Done.*"), "{card}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_with_the_branch_is_planned_again_and_keeps_its_approvals() {
    let chat = Chat::with(&[(".leverframe/catalog.yaml", &catalog_with_two().await)]).await;
    propose(&chat).await;
    let before = head(&chat);
    assert_eq!(chat.presses("bo", "Approve").await, "");
    let text = chat.world.repository.file(FILE).unwrap().unwrap();
    let tag = text.lines().find(|line| line.contains("v1.2.4")).unwrap().to_owned();
    write(&chat.world, &[(FILE, &text.replace(&tag, &format!("{tag} # seen by dan")))]);
    chat.world.pulse.beat();
    let moved = async {
        let mut changed = chat.world.pulse.changed();
        while head(&chat) == before {
            changed.changed().await.unwrap();
        }
    };
    within("the branch to be made anew", moved).await;
    assert_eq!(chat.presses("cleo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    assert_eq!((chat.count("approval.given"), chat.count("request.replanned")), (2, 0));
    assert!(
        chat.world
            .repository
            .file(FILE)
            .unwrap()
            .unwrap()
            .contains("v1.2.5\"   # <- the only line a deploy changes # seen")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_change_of_the_place_is_asked_anew_and_the_description_follows() {
    let chat = proposed().await;
    let text = chat.world.repository.file(FILE).unwrap().unwrap();
    write(&chat.world, &[(FILE, &format!("{}# seen by dan\n", text.replace("v1.2.4", "v1.2.3")))]);
    chat.world.pulse.beat();
    chat.card_says("it is now image_tag v1.2.3 -&gt; v1.2.5").await;
    let described = async {
        let mut changed = chat.world.pulse.changed();
        while !chat.world.github.pull(1).unwrap().body.contains("`v1.2.3` -> `v1.2.5`") {
            changed.changed().await.unwrap();
        }
    };
    within("the description to follow", described).await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    assert_eq!(chat.count("outside.commit"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_only_useful_may_be_refused_and_is_said_once() {
    let chat = Chat::start().await;
    let exchanges = chat.world.github.server().exchanges();
    let no = json!({"message": "Resource not accessible by integration"});
    let refused = |method: &str, path: &str| {
        exchanges.add(Rule::answers(method, &format!("/repos/acme/deployments/{path}"), 403, &no))
    };
    let (statuses, labels) = (refused("POST", "statuses/"), refused("POST", "issues/1/labels"));
    let reviewers = refused("POST", "pulls/1/requested_reviewers");
    let edits = refused("PATCH", "pulls/1");
    propose(&chat).await;
    chat.card_says("Not done: the pull request has no labels (GitHub forbids it: Resource not accessible").await;
    chat.card_says("Not done: nobody was asked for a review on the pull request").await;
    chat.card_says("Not done: the approvals are not published as the status").await;
    assert_eq!(chat.presses("bo", "Reject").await, "");
    chat.card_says("Not done: the pull request is still open").await;
    chat.settled().await;
    assert_eq!((labels.hits(), reviewers.hits(), edits.hits()), (1, 1, 1));
    assert!(statuses.hits() >= 1 && bodies(&chat, "forge.not_done").len() == 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labels_and_reviewers_come_from_codeowners_and_the_team() {
    let owners = "* @zed-quill\n/apps/checkout/ @cleo-okafor @acme/deployers\n";
    let chat = proposed_in(&[(".github/CODEOWNERS", owners)]).await;
    let (labels, asked) = chat.world.github.dressed(1);
    assert_eq!(labels, ["environment:prod", "leverframe"]);
    assert_eq!(asked, ["bo-lindqvist", "cleo-okafor", "dan-petrov", "team/deployers"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_protected_branch_says_which_check_and_whose_review_it_waits_for() {
    let chat = proposed().await;
    chat.world.github.require_checks(&["ci/test"]);
    chat.world.github.checks(&head(&chat), "ci/test", None);
    assert_eq!(chat.presses("bo", "Approve").await, "");
    let card = chat.card_says("Still running: `ci/test`").await.content.words();
    assert!(card.contains("Required status check \"ci/test\" is expected."), "{card}");
    assert!(card.contains("Asked for a review: Bo Lindqvist, Dan Petrov"), "{card}");
    chat.world.github.checks(&head(&chat), "ci/test", Some("failure"));
    chat.card_says("Failing: `ci/test`").await;
    chat.world.github.checks(&head(&chat), "ci/test", Some("success"));
    chat.card_says("*Done.*").await;
    assert_eq!(chat.commits(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_status_as_a_required_check_opens_the_way() {
    let chat = proposed().await;
    chat.world.github.require_checks(&["leverframe/approval"]);
    let refused = chat.world.github.merges("cleo", 1, Method::Squash).unwrap_err().to_string();
    assert!(refused.contains("Required status check \"leverframe/approval\" is expected."), "{refused}");
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_check_can_be_taken_back() {
    let chat = proposed().await;
    chat.world.github.require_checks(&["ci/test"]);
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Required status check").await;
    assert_eq!(chat.presses("ana", "Cancel").await, "");
    chat.card_says("Cancelled by <@U0ANA>").await;
    chat.settled().await;
    assert!(matches!(chat.world.github.pull(1).unwrap().state, State::Closed { .. }));
    assert_eq!(chat.commits(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_queue_is_entered_by_a_person_and_followed() {
    let chat = proposed().await;
    chat.world.github.require_queue();
    assert_eq!(chat.presses("bo", "Approve").await, "");
    let card = chat.card_says("press \"Merge when ready\" on pull request #1").await.content.words();
    assert!(card.contains("merge queue"), "{card}");
    // The queue merges: a commit of GitHub's own, with the pull request's.
    let repository = git2::Repository::open_bare(chat.world.repository.path()).unwrap();
    let id = git2::Oid::from_str(&head(&chat)).unwrap();
    repository.reference("refs/heads/main", id, true, "").unwrap();
    chat.world.pulse.beat();
    chat.card_says("*Done.*").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_webhooks_cost_time_and_nothing_else() {
    let chat = proposed().await;
    chat.world.github.set_bot(None);
    chat.world.github.reviews("bo", 1, Verdict::Approve, "").unwrap();
    chat.card_says("*Done.*").await;
    assert_eq!(chat.commits(), 1);
}

/// Dan opens a pull request of his own, which changes one place of a file; gives its commit.
fn opened_by_hand(chat: &Chat, branch: &str, (path, before, after): (&str, &str, &str)) -> String {
    let repository = git2::Repository::open_bare(chat.world.repository.path()).unwrap();
    let tip = repository.refname_to_id("refs/heads/main").unwrap();
    repository.reference(&format!("refs/heads/{branch}"), tip, true, "").unwrap();
    let on = DemoRepository::open(chat.world.repository.path(), branch);
    let edit = HandEdit { path, before, after, message: "by hand\n" };
    let id = on.edit_by_hand(people::find("dan").unwrap(), &edit, clock::now()).unwrap();
    chat.world.github.opens("dan", branch, "by hand").unwrap();
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_that_would_undo_what_a_break_glass_keeps_live_is_held_up_by_the_gate() {
    let chat = Chat::start().await;
    let green = "success: Nothing that is locked or frozen changes";
    let fewer = opened_by_hand(&chat, "fewer", (FILE, "count: 3", "count: 4"));
    status(&chat, &fewer, "leverframe/gate", green).await;
    assert_eq!(chat.says("ana", "/breakglass scale checkout prod 10 for=1h").await, "");
    chat.card_says("The last approval executes it").await;
    assert_eq!(chat.presses("cleo", "Approve").await, "");
    let red = "failure: replicas of checkout in prod is 10 live by a break-glass; this sets 4";
    status(&chat, &fewer, "leverframe/gate", red).await;
    let more = opened_by_hand(&chat, "more", (FILE, "count: 3", "count: 12"));
    status(&chat, &more, "leverframe/gate", green).await;
    chat.card_says("Waiting for <").await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Paid: git says 10").await;
    status(&chat, &fewer, "leverframe/gate", green).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pull_request_on_a_managed_path_gets_the_gate() {
    let world = world_with(&[]).await;
    let catalog = world.repository.file(".leverframe/catalog.yaml").unwrap().unwrap();
    let locked = format!("{catalog}locked: [ {{ environment: prod, field: replicas, because: measured in May }} ]\n");
    let chat = proposed_in(&[(".leverframe/catalog.yaml", &locked)]).await;
    status(&chat, &head(&chat), "leverframe/gate", "success: Nothing that is locked or frozen changes").await;
    let by_hand = |branch, path, before, after| opened_by_hand(&chat, branch, (path, before, after));
    let red = by_hand("more", "apps/cart/prod/cart.yaml", "replicas: 4", "replicas: 7");
    let expected = "failure: `replicas` of cart in prod is locked: measured in May";
    status(&chat, &red, "leverframe/gate", expected).await;
    let elsewhere = by_hand("words", "README.md", "#", "# ");
    let allowed = by_hand("env", "apps/cart/staging/cart.yaml", "value: '900'", "value: '901'");
    status(&chat, &allowed, "leverframe/gate", "success: Nothing that is locked or frozen changes").await;
    // A freeze turns what is open red at once, and its end green again; what is locked stays red.
    chat.says("bo", "/freeze staging until=4h reason=\"release night\"").await;
    let words = frozen_since(&chat, &allowed).await;
    assert!(words.starts_with("failure: staging is frozen until ") && words.ends_with(": release night"), "{words}");
    chat.says("bo", "/unfreeze staging").await;
    status(&chat, &allowed, "leverframe/gate", "success: Nothing that is locked or frozen changes").await;
    status(&chat, &red, "leverframe/gate", expected).await;
    chat.settled().await;
    assert!(chat.world.github.statuses(&elsewhere).is_empty(), "nothing managed is touched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_came_past_us_is_recorded_with_who_and_what() {
    let chat = Chat::start().await;
    chat.settled().await;
    let text = chat.world.repository.file(FILE).unwrap().unwrap();
    let edit = HandEdit { path: FILE, before: "v1.2.4", after: "v1.2.3", message: "quick fix\n" };
    let dan = people::find("dan").unwrap();
    let commit = chat.world.repository.edit_by_hand(dan, &edit, clock::now()).unwrap();
    let committed = clock::now();
    chat.world.pulse.beat();
    let noticed = async {
        while bodies(&chat, "outside.commit").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    within("the commit to be noticed", noticed).await;
    println!("noticed after {:#} (limit: 5 s)", clock::now().duration_since(committed));
    let fields = json!([{"field": "image_tag", "old": "v1.2.4", "new": "v1.2.3"}]);
    let entry = &bodies(&chat, "outside.commit")[0];
    assert_eq!(entry["commit"], json!(commit));
    assert_eq!(entry["targets"], json!([{"service": "checkout", "environment": "prod", "fields": fields}]));
    assert_eq!(actors(&chat, "outside.commit"), ["github:dan-petrov"]);
    // What the bot does itself is none, and neither is what touches nothing that is managed.
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("*Done.*").await;
    write(&chat.world, &[("README.md", "words\n")]);
    chat.world.pulse.beat();
    chat.settled().await;
    assert_eq!(chat.count("outside.commit"), 1);
    assert!(text.contains("v1.2.4"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_signs_for_itself_and_asks_again_when_its_token_is_worth_nothing() {
    let world = world_with(&[]).await;
    let pem = include_str!("app-key.pem");
    let key = rustls::pki_types::pem::PemObject::from_pem_slice(pem.as_bytes()).unwrap();
    let rustls::pki_types::PrivateKeyDer::Pkcs8(key) = key else { panic!("not PKCS#8") };
    let pair = ring::signature::RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    world.github.install(5, 77, pair.public().as_ref().to_vec());
    let file = world.write_config("127.0.0.1:0").unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let key_file = world.folder().join("secrets/app.pem");
    fs::write(&key_file, pem).unwrap();
    let token = text.lines().find(|line| line.starts_with("  token: ")).unwrap().to_owned();
    let app = format!("  app: {{ id: 5, installation: 77, private_key: \"${{file:{}}}\" }}", key_file.display());
    // Git has no login of its own then.
    let own = |line: &&str| !line.starts_with("    username: ") && !line.starts_with("    password: ");
    let text = text.replacen(&token, &app, 1);
    fs::write(&file, text.lines().filter(own).collect::<Vec<_>>().join("\n") + "\n").unwrap();
    let bot = leverframe::cli::serve::start(leverframe::config::Config::load(&file).unwrap()).await.unwrap();
    world.set_bot(&format!("http://{}", bot.address));
    within("the bot to be ready", bot.engine.ready()).await;
    let start = world.repository.tip().unwrap();
    let chat = Chat { world, bot, start };
    propose(&chat).await;
    chat.world.github.revoke_tokens();
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    let all = chat.world.github.server().exchanges().all();
    let asked = all.iter().filter(|exchange| exchange.path == "/app/installations/77/access_tokens").count();
    assert!((2..=4).contains(&asked), "asked for a token {asked} times: when there is none, and when it is refused");
    if let Some(calls) = crate::forge_calls::described(&all) {
        assert!(calls.contains("POST /app/installations/{installation_id}/access_tokens"), "{calls:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_counts_once_also_across_a_restart() {
    let chat = proposed().await;
    let send = async |chat: &Chat, delivery: &str, secret: &leverframe::secret::Secret| {
        let repository = json!({"full_name": "acme/deployments"});
        let body = json!({"ref": "refs/heads/main", "repository": repository}).to_string();
        let client = reqwest::Client::new();
        let request = client
            .post(format!("http://{}/github/webhooks", chat.bot.address))
            .header("x-github-event", "push")
            .header("x-github-delivery", delivery)
            .header("x-hub-signature-256", leverframe::play::github::signature(secret, body.as_bytes()));
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let secret = chat.world.webhook_secret();
    assert_eq!(send(&chat, "d-1", &secret).await, (200, "taken\n".to_owned()));
    assert_eq!(send(&chat, "d-1", &secret).await, (200, "taken before\n".to_owned()));
    let guessed = leverframe::secret::Secret::new("guessed");
    assert_eq!(send(&chat, "d-2", &guessed).await, (401, "not signed by GitHub\n".to_owned()));
    assert_eq!(bodies(&chat, "security.refused")[0]["cause"], "webhook signature wrong");
    let Chat { world, bot, start } = chat;
    bot.stop().await;
    let bot = serve(&world).await;
    let chat = Chat { world, bot, start };
    assert_eq!(send(&chat, "d-1", &secret).await, (200, "taken before\n".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stale_refusals_of_the_merge_are_tried_until_github_lets_it_through() {
    let chat = proposed().await;
    let exchanges = chat.world.github.server().exchanges();
    let words = json!({"message": "At least 1 approving review is required by reviewers with write access."});
    let refused = exchanges.add(Rule::answers("PUT", MERGE, 405, &words).once());
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    assert_eq!(refused.hits(), 1);
    assert_eq!(chat.commits(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_edits_of_the_same_file_ask_nobody_again() {
    let chat = Chat::with(&[(".leverframe/catalog.yaml", &catalog_with_two().await)]).await;
    propose(&chat).await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    let text = chat.world.repository.file(FILE).unwrap().unwrap();
    for edit in 1..=50 {
        write(&chat.world, &[(FILE, &format!("{text}# edit {edit} of somebody else\n"))]);
        if edit % 10 == 0 {
            chat.world.pulse.beat();
            chat.settled().await;
        }
    }
    assert_eq!(chat.presses("cleo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    let asked = (chat.count("approval.given"), chat.count("request.replanned"), chat.count("pull_request.moved"));
    assert_eq!(asked, (2, 0, 0));
    let now = chat.world.repository.file(FILE).unwrap().unwrap();
    assert_eq!(now, format!("{text}# edit 50 of somebody else\n").replace("v1.2.4", "v1.2.5"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_github_decides_people_merge_and_the_card_follows() {
    let world = world_with(&[]).await;
    let catalog = world.repository.file(".leverframe/catalog.yaml").unwrap().unwrap();
    let by_hand = catalog.replace("merge: squash", "merge: by_hand");
    let chat = proposed_in(&[(".leverframe/catalog.yaml", &by_hand)]).await;
    chat.world.github.reviews("bo", 1, Verdict::Approve, "").unwrap();
    chat.card_says("Approved. Waiting for a person to merge ").await;
    chat.settled().await;
    status(&chat, &head(&chat), "leverframe/approval", "success: Approved by Bo Lindqvist").await;
    chat.world.github.merges("ana", 1, Method::Merge).unwrap();
    let card = chat.card_says("*Done.*").await.content.words();
    assert!(card.contains("Merged on GitHub by *ana*"), "{card}");
    assert_eq!(chat.count("outside.commit"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_only_looks_like_ours_is_somebody_elses() {
    let chat = Chat::with(&[(".leverframe/catalog.yaml", &catalog_with_two().await)]).await;
    propose(&chat).await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    let pull = chat.world.github.pull(1).unwrap();
    let repository = git2::Repository::open_bare(chat.world.repository.path()).unwrap();
    let ours = repository.find_commit(git2::Oid::from_str(&pull.head_sha).unwrap()).unwrap();
    // Beneath it another change, then the same commit again: its names, its message, its trailer, its diff.
    let base = ours.parent(0).unwrap();
    let evil = |tree: &git2::Tree<'_>| {
        let blob = repository.blob(b"anything\n").unwrap();
        let mut update = git2::build::TreeUpdateBuilder::new();
        update.upsert("apps/payments/prod/evil.yaml", blob, git2::FileMode::Blob);
        repository.find_tree(update.create_updated(&repository, tree).unwrap()).unwrap()
    };
    let commit = |tree: &git2::Tree<'_>, parent: &git2::Commit<'_>| {
        let message = ours.message().unwrap();
        let id = repository.commit(None, &ours.author(), &ours.committer(), message, tree, &[parent]).unwrap();
        repository.find_commit(id).unwrap()
    };
    let below = commit(&evil(&base.tree().unwrap()), &base);
    let forged = commit(&evil(&ours.tree().unwrap()), &below);
    repository.reference(&format!("refs/heads/{}", pull.head), forged.id(), true, "").unwrap();
    chat.world.pulse.beat();
    chat.card_says("I merge only what I made.").await;
    chat.settled().await;
    assert_eq!((chat.commits(), chat.count("pull_request.moved")), (0, 1));
    let kept = chat.world.github.pull(1).unwrap();
    assert_eq!((kept.head_sha, kept.state), (forged.id().to_string(), State::Open));
}
