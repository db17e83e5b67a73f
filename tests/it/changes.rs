//! Changes beyond a tag in a target's own files, from what is typed to what is in git: a team's own command, an
//! image that is pinned by digest, a base that several targets share.

use crate::together::Chat;

/// A variable, a key of the configuration and the container's share, in one command.
const TUNE: &str = "\
name: tune
summary: How one service runs
options:
  service: { type: service, required: true }
  environment: { type: environment, required: true }
  ttl: { type: integer, min: 60, help: how long a session lasts in seconds }
  level: { type: choice, choices: [info, debug], help: how much is logged }
  cpu: { type: text }
change:
  set:
    env.SESSION_TTL: \"{{ ttl }}\"
    config.LEVEL: \"{{ level }}\"
    cpu: \"{{ cpu }}\"
";
const CONFIG: &str = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: cart}\ndata:\n  LEVEL: 'info'   # how much\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_of_the_teams_own_changes_a_variable_the_configuration_and_the_share() {
    let files = [(".leverframe/commands/tune.yaml", TUNE), ("apps/cart/staging/config.yaml", CONFIG)];
    let chat = Chat::with(&files).await;
    let file = |path: &str| chat.world.repository.file(path).unwrap().unwrap();
    let before = file("apps/cart/staging/cart.yaml");

    let told = chat.says("ana", "/lf tune cart staging ttl=600 level=debug cpu=250m").await;
    assert_eq!(told, "");
    let card = chat.card_says("· Commit ").await.content.words();
    for line in [
        "CPU: not set → `250m`",
        "Environment variable SESSION_TTL: `900` → `600`",
        "Configuration LEVEL: `info` → `debug`",
    ] {
        assert!(card.contains(line), "{line} is not in {card}");
    }
    assert_eq!(chat.commits(), 1);
    let image = "image: registry.example.com/shop/cart:v3.4.1   # same digest as prod unless somebody is testing\n";
    let expected = before.replace("value: '900'    # seconds", "value: '600'    # seconds");
    let lines: Vec<String> = file("apps/cart/staging/cart.yaml").lines().map(str::to_owned).collect();
    let kept: Vec<&String> = lines.iter().filter(|line| expected.lines().any(|one| one == *line)).collect();
    assert_eq!(kept.len(), expected.lines().count(), "{lines:#?}");
    assert!(before.contains(image) && lines.iter().any(|line| line.trim() == "cpu: 250m"), "{lines:#?}");
    assert_eq!(file("apps/cart/staging/config.yaml"), CONFIG.replace("'info'", "'debug'"));

    let told = chat.says("ana", "/lf tune cart staging cpu=much").await;
    assert_eq!(told, "`much` is no value for cpu.\nWrite it like `500m` or `1.5`.");
    let told = chat.says("ana", "/lf tune search staging ttl=600").await;
    assert!(told.starts_with("no `env.SESSION_TTL` was found in `apps/search/staging/values.yaml`."), "{told}");
    assert_eq!(chat.commits(), 1);
}

/// A digest that is nobody's.
fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_is_pinned_by_digest_is_deployed_and_rolled_back_with_it() {
    let path = "apps/cart/staging/cart.yaml";
    let image = |tag: &str, digit: char| format!("registry.example.com/shop/cart:{tag}@{}", digest(digit));
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/apps/cart/staging/cart.yaml"));
    let pinned = text.unwrap().replace("registry.example.com/shop/cart:v3.4.1", &image("v3.4.1", '1'));
    let chat = Chat::with(&[(path, &pinned)]).await;

    let told = chat.says("ana", "/deploy cart staging v3.4.2").await;
    assert!(told.contains("is pinned by digest, so a tag there would change nothing."), "{told}");
    assert!(told.contains("Give the digest with the tag in the same command"), "{told}");

    let asked = format!("/deploy cart staging v3.4.2 digest={}", digest('2'));
    assert_eq!(chat.says("ana", &asked).await, "");
    chat.card_says("· Commit ").await;
    let file = || chat.world.repository.file(path).unwrap().unwrap();
    assert_eq!(file(), pinned.replace(&image("v3.4.1", '1'), &image("v3.4.2", '2')));

    assert_eq!(chat.says("ana", "/rollback cart staging").await, "");
    chat.card_says("rollback cart to v3.4.1 in staging").await;
    chat.settled().await;
    assert_eq!(file(), pinned);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_that_others_share_is_left_alone_and_the_overlay_says_what_differs() {
    let overlay = "apps/payments/staging/kustomization.yaml";
    let chat = Chat::with(&[(overlay, "resources:\n  - ../base # shared with prod\n")]).await;
    let base = || chat.world.repository.file("apps/payments/base/deployment.yaml").unwrap().unwrap();
    let before = base();
    assert_eq!(chat.says("ana", "/deploy payments staging v6.0.0 replicas=3").await, "");
    chat.card_says("· Commit ").await;
    let expected = "resources:\n  - ../base # shared with prod\nimages:\n  - name: payments\n    newTag: v6.0.0\n\
        replicas:\n  - name: payments\n    count: 3\n";
    assert_eq!(chat.world.repository.file(overlay).unwrap().unwrap(), expected);
    assert_eq!(base(), before);
}
