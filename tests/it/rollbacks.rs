//! Going back: which version comes back, what stays as people made it since, and what is held off so that nothing
//! brings the bad version again.

use leverframe::{
    clock,
    play::{people, repository::HandEdit},
};
use serde_json::Value;

use crate::together::{Chat, write};

const STAGING: &str = "apps/checkout/staging/kustomization.yaml";
const PROD: &str = "apps/checkout/prod/kustomization.yaml";
const MARKER: &str = r#"# {"$imagepolicy": "flux-system:checkout:tag"}"#;

/// Somebody edits a line of a file by hand, and the bot has read it.
async fn edits(chat: &Chat, path: &str, before: &str, after: &str) -> String {
    let edit = HandEdit { path, before, after, message: "by hand\n" };
    let dan = people::find("dan").unwrap();
    let commit = chat.world.repository.edit_by_hand(dan, &edit, clock::now()).unwrap();
    chat.world.pulse.beat();
    chat.reads(&commit).await;
    commit
}

fn text(chat: &Chat, path: &str) -> String {
    chat.world.repository.file(path).unwrap().unwrap()
}

/// Asks and waits until the newest card says that it is live.
async fn done(chat: &Chat, who: &str, typed: &str, title: &str) {
    assert_eq!(chat.says(who, typed).await, "");
    chat.card_says(title).await;
    chat.settled().await;
    let card = chat.card_says(title).await.content.words();
    assert!(card.contains("*Done.*"), "{card}");
}

/// The plan of the newest request.
fn planned(chat: &Chat) -> Value {
    let entries = chat.bot.engine.ledger().read(0, 10_000).unwrap();
    let planned = entries.into_iter().rev().find(|one| one.entry.kind == "request.planned");
    planned.unwrap().entry.body.remove("plan").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_three_deploys_and_a_hand_edit_only_the_version_goes_back() {
    let chat = Chat::start().await;
    for version in ["v1.2.5", "v1.2.3", "v1.2.5"] {
        done(&chat, "ana", &format!("/deploy checkout staging {version}"), &format!("deploy checkout {version}")).await;
    }
    let replicas = text(&chat, STAGING).lines().find(|line| line.contains("count:")).unwrap().to_owned();
    edits(&chat, STAGING, &replicas, &format!("{replicas}   # looked at by Dan")).await;
    let before = text(&chat, STAGING);
    done(&chat, "ana", "/rollback checkout staging", "Back to `v1.2.3`").await;
    assert_eq!(text(&chat, STAGING), before.replace("v1.2.5", "v1.2.3"));
    let aside = &planned(&chat)["aside"];
    assert_eq!((&aside["back_to"]["version"], &aside["back_to"]["health"]), (&"v1.2.3".into(), &"healthy".into()));
    assert_eq!(aside["back_to"]["by"], "ana");
    let others: Vec<_> =
        aside["others"].as_array().unwrap().iter().map(|past| past["version"].as_str().unwrap()).collect();
    assert_eq!(others, ["v1.2.4", "v1.2.2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_deploy_and_a_scaling_up_a_rollback_leaves_the_replicas() {
    let chat = Chat::start().await;
    done(&chat, "ana", "/deploy checkout staging v1.2.5", "deploy checkout v1.2.5").await;
    done(&chat, "ana", "/scale checkout staging 6", "scale checkout in staging replicas=6").await;
    let scaled = text(&chat, STAGING);
    done(&chat, "ana", "/rollback checkout staging", "Back to `v1.2.4`").await;
    assert_eq!(text(&chat, STAGING), scaled.replace("v1.2.5", "v1.2.4"));
    let card = chat.card_says("Back to `v1.2.4`").await.content.words();
    assert!(card.contains("Left as it is now, not as it was then: `replicas` 6 (then"), "{card}");
    assert!(card.contains("to=v1.2.4 also=replicas`"), "{card}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_wants_the_replicas_of_then_says_so() {
    let chat = Chat::start().await;
    let was = text(&chat, STAGING);
    done(&chat, "ana", "/deploy checkout staging v1.2.5", "deploy checkout v1.2.5").await;
    done(&chat, "ana", "/scale checkout staging 6", "scale checkout in staging replicas=6").await;
    done(&chat, "ana", "/rollback checkout staging also=replicas", "Back to `v1.2.4`").await;
    assert_eq!(text(&chat, STAGING), was);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_is_found_behind_fifty_other_edits_of_its_file() {
    let chat = Chat::start().await;
    done(&chat, "ana", "/deploy checkout staging v1.2.5", "deploy checkout v1.2.5").await;
    let mut body = text(&chat, STAGING);
    let mut tip = String::new();
    for number in 0..60 {
        body.push_str(&format!("# {number}\n"));
        tip = write(&chat.world, &[(STAGING, &body)]);
    }
    chat.world.pulse.beat();
    chat.reads(&tip).await;
    done(&chat, "ana", "/rollback checkout staging", "Back to `v1.2.4`").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_marker_in_place_the_pause_is_in_the_commit_and_resume_gives_it_back() {
    let chat = Chat::start().await;
    let was = r#"newTag: "v1.2.4"   # <- the only line a deploy changes"#;
    edits(&chat, PROD, was, &format!("newTag: v1.2.5 {MARKER}")).await;
    let automated = text(&chat, PROD);
    assert_eq!(chat.says("ana", "/rollback checkout prod pause=4h reason=slow").await, "");
    chat.card_says("Back to `v1.2.4`").await;
    chat.settled().await;
    let card = chat.card_says("Back to `v1.2.4`").await.content.words();
    assert!(card.contains("Held off by this commit: Flux's image policy `flux-system:checkout`, by"), "{card}");
    assert!(card.contains("`/resume checkout prod`") && card.contains("slow"), "{card}");
    let before = chat.commits();
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    assert_eq!(chat.commits(), before + 1, "version and pause are one commit");
    let held = automated.replace("v1.2.5", "v1.2.4").replace("\"$imagepolicy\"", "\"$imagepolicy-paused\"");
    assert_eq!(text(&chat, PROD), held);
    assert_eq!(chat.count("outside.commit"), 1, "only Dan's");

    assert_eq!(chat.says("ana", "/resume checkout prod").await, "");
    chat.card_says("Goes on by this commit: Flux's image policy `flux-system:checkout`").await;
    chat.settled().await;
    let asked = chat.presses("bo", "Approve").await;
    chat.settled().await;
    assert_eq!(text(&chat, PROD), automated.replace("v1.2.5", "v1.2.4"), "{asked}");
    let again = chat.says("ana", "/resume checkout prod").await;
    assert!(again.contains("Nothing that Leverframe holds off is held off for"), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn argo_cds_image_updater_is_told_to_take_no_tag_in_the_same_commit() {
    const APPLICATION: &str = "argocd/checkout-staging.yaml";
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: checkout-staging\n  annotations:\n    argocd-image-updater.argoproj.io/image-list: main=registry.example.com/shop/checkout:~1.2, other=registry.example.com/shop/other\nspec:\n  source: { path: apps/checkout/staging, repoURL: x }\n";
    let chat = Chat::with(&[(APPLICATION, application)]).await;
    done(&chat, "ana", "/deploy checkout staging v1.2.5", "deploy checkout v1.2.5").await;
    let before = chat.commits();
    done(&chat, "ana", "/rollback checkout staging", "Back to `v1.2.4`").await;
    assert_eq!(chat.commits(), before + 1);
    let line = "    argocd-image-updater.argoproj.io/main.ignore-tags: \"*\"\n";
    assert_eq!(text(&chat, APPLICATION), application.replace("spec:\n", &format!("{line}spec:\n")));
    chat.card_says("Held off by this commit: Argo CD's Image Updater of `checkout-staging`").await;
    assert_eq!(chat.says("ana", "/resume checkout staging").await, "");
    chat.card_says("Goes on by this commit").await;
    chat.settled().await;
    assert_eq!(text(&chat, APPLICATION), application);
    assert_eq!(chat.count("outside.commit"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_git_cannot_say_it_the_card_says_what_to_do() {
    let updater = "apiVersion: argocd-image-updater.argoproj.io/v1alpha1\nkind: ImageUpdater\nmetadata: { name: all }\nspec:\n  applicationRefs:\n  - namePattern: \"*\"\n    images:\n    - { alias: c, imageName: registry.example.com/shop/checkout }\n";
    let chat = Chat::with(&[("argocd/updater.yaml", updater)]).await;
    done(&chat, "ana", "/deploy checkout staging v1.2.5", "deploy checkout v1.2.5").await;
    done(&chat, "ana", "/rollback checkout staging", "Back to `v1.2.4`").await;
    let card = chat.card_says("Not held off, because git cannot say it").await.content.words();
    assert!(card.contains("In `argocd/updater.yaml` give the image `registry.example.com/shop/checkout`"), "{card}");
    assert_eq!(text(&chat, "argocd/updater.yaml"), updater);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_was_written_anew_is_refused_with_the_choice() {
    let chat = Chat::start().await;
    const CART: &str = "apps/cart/staging/cart.yaml";
    let cart = text(&chat, CART);
    let image = cart.lines().find(|line| line.contains("image: ")).unwrap().trim().to_owned();
    let version = image.split(':').nth(2).unwrap().split_whitespace().next().unwrap().to_owned();
    let renamed = cart.replace(&format!("shop/cart:{version}"), "shop/cart-next:v9.0.0");
    let commit = write(&chat.world, &[(CART, &renamed)]);
    chat.world.pulse.beat();
    chat.reads(&commit).await;
    let told = chat.says("ana", "/rollback cart staging").await;
    assert!(told.contains(&format!("The place of the version was written anew by {}", short(&commit))), "{told}");
    assert!(told.contains(&format!("`/lf rollback cart staging to={version}`")), "{told}");
    assert!(told.contains(&format!("`/lf revert {} cart staging`", short(&commit))), "{told}");
    done(&chat, "ana", &format!("/revert {}", short(&commit)), "revert").await;
    assert_eq!(text(&chat, CART), cart);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reverting_undoes_one_commit_of_anybody_and_keeps_what_came_after() {
    let chat = Chat::start().await;
    let was = text(&chat, PROD);
    let bad = edits(&chat, PROD, "count: 3", "count: 5").await;
    edits(&chat, PROD, "resources:", "# Dan was here\nresources:").await;
    assert_eq!(chat.says("ana", &format!("/revert {}", bad.get(..8).unwrap())).await, "");
    chat.card_says(&format!("revert {} of checkout in prod", short(&bad))).await;
    chat.settled().await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    assert_eq!(text(&chat, PROD), was.replace("resources:", "# Dan was here\nresources:"));
    let again = chat.says("ana", &format!("/revert {bad}")).await;
    assert!(again.contains("is undone already"), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reverting_a_pull_request_or_a_request_means_its_commit() {
    let chat = Chat::start().await;
    let was = text(&chat, PROD);
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5 replicas=4").await, "");
    chat.card_says("Pull request #1").await;
    chat.settled().await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    chat.settled().await;
    assert_eq!(chat.says("ana", "/revert #1").await, "");
    chat.card_says("revert #1 of checkout in prod").await;
    chat.settled().await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.settled().await;
    assert_eq!(text(&chat, PROD), was);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reverting_refuses_by_place_what_changed_since_and_whole_files_that_did() {
    let chat = Chat::start().await;
    let bad = edits(&chat, PROD, "count: 3", "count: 5").await;
    edits(&chat, PROD, "count: 5", "count: 7").await;
    let told = chat.says("ana", &format!("/revert {bad}")).await;
    assert!(told.contains(&format!("`{PROD}` at `replicas[name=checkout].count` changed since")), "{told}");
    // A file that a commit added goes again, of the service that is named.
    let new = ("apps/checkout/staging/extra.yaml", "a: 1\n");
    let two = write(&chat.world, &[new, ("apps/cart/staging/extra.yaml", "b: 1\n")]);
    chat.world.pulse.beat();
    chat.reads(&two).await;
    assert_eq!(chat.says("ana", &format!("/revert {} checkout staging", short(&two))).await, "");
    chat.card_says("Not undone here, because each takes a request of its own: cart in staging").await;
    chat.settled().await;
    assert_eq!(chat.world.repository.file(new.0).unwrap(), None);
    assert!(chat.world.repository.file("apps/cart/staging/extra.yaml").unwrap().is_some());
    assert!(chat.says("ana", "/revert 1234567").await.contains("is no one commit of the branch"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_that_has_run_out_is_said_on_its_card() {
    let chat = Chat::start().await;
    let staging = text(&chat, STAGING);
    let line = staging.lines().find(|line| line.contains("newTag:")).unwrap().to_owned();
    edits(&chat, STAGING, &line, &format!("    newTag: v1.2.5 {MARKER}")).await;
    done(&chat, "ana", "/rollback checkout staging pause=1s", "Back to `v1.2.4`").await;
    chat.card_says("It is still held off").await;
    done(&chat, "ana", "/resume checkout staging", "resume checkout in staging").await;
}

/// A commit's id as people write it.
fn short(commit: &str) -> &str {
    commit.get(..7).unwrap()
}
