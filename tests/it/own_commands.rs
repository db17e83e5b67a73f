//! Commands that a team writes itself, and images that are pinned by digest: from what is typed to what is in git.

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
    let card = chat.card_says("In git").await.content.words();
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
    chat.card_says("In git").await;
    let file = || chat.world.repository.file(path).unwrap().unwrap();
    assert_eq!(file(), pinned.replace(&image("v3.4.1", '1'), &image("v3.4.2", '2')));

    assert_eq!(chat.says("ana", "/rollback cart staging").await, "");
    chat.card_says("rollback cart to v3.4.1 in staging").await;
    chat.settled().await;
    assert_eq!(file(), pinned);
}
