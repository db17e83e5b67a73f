//! Levers as data: those that come along, and one that a user adds in a few lines without a restart.

use crate::together::{Chat, write};

const CRON: &str = "apps/cart/staging/cron.yaml";
const JOB: &str = "# Nightly.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: '0 3 * * *'   # UTC; the warehouse is quiet then
  jobTemplate: { spec: { template: { spec: { containers: [ { name: report, image: acme/report:v1 } ] } } } }
";
const LEVER: &str = "name: nightly
summary: Move the nightly report of a service
options:
  service: { type: service, required: true }
  environment: { type: environment, required: true }
  schedule: { type: word, required: true, help: \"when it runs, as cron writes it\" }
change:
  set_path:
    - { file: cron.yaml, document: CronJob/report, path: spec.schedule, value: \"{{ schedule }}\" }
";

fn text(chat: &Chat, path: &str) -> String {
    chat.world.repository.file(path).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lever_of_ones_own_is_ten_lines_and_needs_no_restart() {
    let chat = Chat::with(&[(CRON, JOB)]).await;
    assert!(chat.says("ana", "/lf nightly cart staging \"30 4 * * *\"").await.contains("There is no command"));
    assert_eq!(LEVER.lines().count(), 9, "ten lines at most");
    chat.reads(&write(&chat.world, &[(".leverframe/commands/nightly.yaml", LEVER)])).await;
    let before = chat.commits();
    assert_eq!(chat.says("ana", "/lf nightly cart staging \"30 4 * * *\"").await, "");
    chat.card_says("nightly cart in staging").await;
    chat.settled().await;
    assert_eq!(chat.commits(), before + 1);
    assert_eq!(text(&chat, CRON), JOB.replace("'0 3 * * *'", "'30 4 * * *'"), "nothing else is touched");
    assert!(chat.says("ana", "/lf nightly cart staging \"30 4 * * *\"").await.contains("so already"));
    assert!(chat.says("ana", "/lf nightly checkout staging \"0 1 * * *\"").await.contains("is no file of checkout"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lever_with_a_mistake_is_named_with_its_line_and_the_others_stay() {
    let chat = Chat::with(&[(CRON, JOB)]).await;
    let wrong = LEVER.replace("{{ schedule }}", "{{ shedule }}");
    let commit = write(&chat.world, &[(".leverframe/commands/nightly.yaml", &wrong)]);
    chat.world.pulse.beat();
    chat.says("ana", "/help").await;
    chat.settled().await;
    let said = chat.card_says("shedule").await.content.words();
    assert!(said.contains("nightly.yaml:9:") && said.contains("schedule"), "{said} after {commit}");
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("deploy checkout v1.2.5").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promotion_takes_the_digest_that_runs_where_images_are_pinned() {
    let pinned = "kind: Kustomization\nnamespace: payments\nresources: [ ../base ]\nimages:\n  - name: payments\n    \
        newName: registry.example.com/shop/payments\n    newTag: v5.0.2 # pinned\n    digest: sha256:\
        0000000000000000000000000000000000000000000000000000000000000000\n";
    let prod = "apps/payments/prod/kustomization.yaml";
    let chat = Chat::with(&[(prod, pinned)]).await;
    assert_eq!(chat.says("ana", "/promote payments staging -> prod").await, "");
    let card = chat.card_says("promote payments v5.1.0 from staging to prod").await.content.words();
    assert!(card.contains("1 of 1 pods run v5.1.0"), "{card}");
    chat.settled().await;
    chat.presses("bo", "Approve").await;
    chat.card_says("promote payments v5.1.0 from staging to prod").await;
    chat.settled().await;
    let after = text(&chat, prod);
    assert!(after.contains("newTag: v5.1.0 # pinned") && !after.contains("sha256:0000"), "{after}");
    assert!(after.contains("digest: sha256:"), "{after}");
}

const STAGING: &str = "apps/checkout/staging/kustomization.yaml";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_meant_for_a_time_is_given_back_and_nothing_else() {
    let chat = Chat::start().await;
    let was = text(&chat, STAGING);
    assert_eq!(chat.says("ana", "/scale checkout staging 4 for 9m").await, "");
    let card = chat.card_says("scale checkout in staging replicas=4").await.content.words();
    assert!(card.contains("Meant for"), "{card}");
    chat.card_says("It was meant for a time, and is given back").await;
    chat.settled().await;
    assert_ne!(text(&chat, STAGING), was);
    assert!(chat.presses("zed", "Keep").await.contains("nobody in the catalog"));
    assert_eq!(chat.presses("ana", "Give back now").await, "");
    chat.card_says("Live: 2 of 2 pods").await;
    assert_eq!(text(&chat, STAGING), was);
    assert_eq!((chat.count("give_back.opened"), chat.count("give_back.refused")), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_changed_since_is_not_undone() {
    let chat = Chat::start().await;
    assert_eq!(chat.says("ana", "/scale checkout staging 4 for 9m").await, "");
    chat.card_says("It was meant for a time, and is given back").await;
    chat.settled().await;
    let by_hand = text(&chat, STAGING).replace("count: 4", "count: 7");
    chat.reads(&write(&chat.world, &[(STAGING, &by_hand)])).await;
    assert_eq!(chat.presses("ana", "Give back now").await, "");
    chat.card_says("changed since").await;
    chat.settled().await;
    assert_eq!(text(&chat, STAGING), by_hand);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giving_back_in_production_was_approved_with_the_change_and_keeping_it_is_for_those_who_approve() {
    let chat = Chat::start().await;
    assert_eq!(chat.says("ana", "/scale checkout prod 6 for 9m").await, "");
    chat.card_says("scale checkout in prod replicas=6").await;
    chat.settled().await;
    chat.presses("bo", "Approve").await;
    chat.card_says("It was meant for a time, and is given back").await;
    chat.settled().await;
    assert!(chat.presses("ana", "Keep").await.contains("somebody else must approve"));
    assert!(chat.presses("dan", "Keep").await.contains("does not count"));
    let before = chat.commits();
    assert_eq!(chat.presses("cleo", "Keep").await, "");
    chat.card_says("Rejected by").await;
    assert_eq!(chat.commits(), before, "it stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_makes_every_pod_anew_and_no_commit() {
    let chat = Chat::start().await;
    let before = chat.commits();
    assert_eq!(chat.says("ana", "/restart checkout prod").await, "");
    chat.card_says("restart checkout in prod").await;
    chat.card_says("Live: 3 of 3 pods are ready").await;
    chat.settled().await;
    assert_eq!((chat.commits(), chat.count("restart.intent"), chat.count("debt.opened")), (before, 1, 0));
    assert!(chat.says("ana", "/restart nothing prod").await.contains("no service"));
    assert!(chat.says("zed", "/restart checkout prod").await.contains("catalog"));
}
