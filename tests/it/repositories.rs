//! Several repositories in one configuration: the catalog in one, an environment in another. Each change lands where
//! its environment lives, and what comes past the bot is noticed there.

use std::fs;

use leverframe::{
    cli::serve,
    clock,
    config::Config,
    play::{World, github::forge::State, people, repository::DemoRepository},
};
use serde_json::Value;

use crate::together::{Chat, within, world_with, write};

const PROD: &str = "apps/checkout/prod/kustomization.yaml";
const STAGING: &str = "apps/checkout/staging/kustomization.yaml";
const CATALOG: &str = ".leverframe/catalog.yaml";

/// The catalog with staging beside it, and prod in the other repository.
fn catalog(platform: &DemoRepository) -> String {
    let text = platform.file(CATALOG).unwrap().unwrap().replace("    cluster: staging\n", "");
    text.replace("  prod:\n", "  prod:\n    repository: deployments\n")
}

fn by_hand(repository: &DemoRepository, files: &[(&str, &str)]) -> String {
    repository.commit_by_hand(people::find("dan").unwrap(), "By hand\n", files, clock::now()).unwrap()
}

/// A world with a second repository, `platform`, which holds the catalog.
async fn two() -> (World, DemoRepository) {
    let world = world_with(&[]).await;
    let platform = DemoRepository::create(&world.folder().join("repositories/acme/platform.git")).unwrap();
    by_hand(&platform, &[(CATALOG, &catalog(&platform))]);
    (world, platform)
}

async fn serve_two(world: World, url: &str) -> Chat {
    let file = world.write_config("127.0.0.1:0").unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let login = |key: &str| text.lines().find(|line| line.trim().starts_with(key)).unwrap().to_owned();
    let platform = format!(
        "repositories:\n  platform:\n    catalog: true\n    url: {url}\n    branch: main\n{}\n{}\n",
        login("username:"),
        login("password:")
    );
    fs::write(&file, text.replace("repositories:\n", &platform)).unwrap();
    let bot = serve::start(Config::load(&file).unwrap()).await.unwrap();
    world.set_bot(&format!("http://{}", bot.address));
    within("the bot to be ready", bot.engine.ready()).await;
    let start = world.repository.tip().unwrap();
    let chat = Chat { world, bot, start };
    chat.stands_at(&chat.start).await;
    chat
}

impl Chat {
    /// Waits until the bot has read this commit of the other repository.
    async fn stands_at(&self, commit: &str) {
        let name = leverframe::core::names::ConnectionName::parse("deployments").unwrap();
        let mut rules = self.bot.engine.rules_changed();
        let there = rules.wait_for(|rules| {
            let rules = rules.as_ref();
            rules.and_then(|rules| rules.commit_in(&name)).is_some_and(|there| there.as_str() == commit)
        });
        drop(within("the bot to read the other repository", there).await.unwrap());
    }

    fn bodies(&self, kind: &str) -> Vec<Value> {
        let entries = self.bot.engine.ledger().read(0, 10_000).unwrap();
        let of_kind = entries.into_iter().filter(|recorded| recorded.entry.kind == kind);
        of_kind.map(|recorded| Value::Object(recorded.entry.body)).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_lands_in_the_repository_of_its_environment() {
    let (world, platform) = two().await;
    let url = world.git.url_of("acme/platform");
    let (ours, theirs) = (platform.tip().unwrap(), world.repository.tip().unwrap());
    let chat = serve_two(world, &url).await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("No cluster is configured for this environment").await;
    assert!(platform.file(STAGING).unwrap().unwrap().contains("v1.2.5"));
    assert_eq!(chat.world.repository.tip().unwrap(), theirs);
    let landed = platform.tip().unwrap();
    assert_ne!(landed, ours);

    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("Pull request #1").await;
    chat.settled().await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("*Done.*").await;
    assert!(chat.world.repository.file(PROD).unwrap().unwrap().contains("v1.2.5"));
    assert_eq!(platform.tip().unwrap(), landed);
    let planned = chat.bodies("request.planned");
    let opened = chat.bodies("request.opened");
    let told = format!("{planned:?}{opened:?}");
    assert!(told.contains("\"deployments\"") && told.contains("\"platform\""), "{told}");
    let status = chat.says("ana", "/lf status checkout").await;
    assert_eq!(status.matches("`v1.2.5`").count(), 2, "{status}");

    // History is each repository's own.
    assert_eq!(chat.says("ana", "/rollback checkout prod").await, "");
    chat.card_says("Pull request #2").await;
    chat.settled().await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("3 of 3 pods run v1.2.4").await;
    chat.settled().await;
    assert!(chat.world.repository.file(PROD).unwrap().unwrap().contains("v1.2.4"));
    assert_eq!(platform.tip().unwrap(), landed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_past_the_bot_is_noticed_in_every_repository() {
    let (world, platform) = two().await;
    let url = world.git.url_of("acme/platform");
    let chat = serve_two(world, &url).await;
    chat.settled().await;
    let edit = |repository: &DemoRepository, path: &str| {
        let text = repository.file(path).unwrap().unwrap();
        let tag = text.lines().find(|line| line.contains("newTag")).unwrap().to_owned();
        by_hand(repository, &[(path, &text.replace(&tag, &tag.replace("v1.2.", "v1.3.")))])
    };
    let there = edit(&chat.world.repository, PROD);
    let here = edit(&platform, STAGING);
    // What the other repository's files of the same path say concerns nobody: staging is not there.
    write(&chat.world, &[(STAGING, "resources: []\n")]);
    chat.reads(&here).await;
    let noticed = async {
        while chat.count("outside.commit") < 2 {
            chat.says("ana", "/help").await;
            chat.settled().await;
        }
    };
    within("both commits to be noticed", noticed).await;
    let entries = chat.bot.engine.ledger().read(0, 10_000).unwrap();
    let outside = entries.iter().filter(|recorded| recorded.entry.kind == "outside.commit");
    let mut seen: Vec<(String, String)> = outside
        .map(|recorded| (recorded.entry.subject.clone(), recorded.entry.body["commit"].as_str().unwrap().to_owned()))
        .collect();
    seen.sort();
    assert_eq!(seen, [("repository/deployments".to_owned(), there), ("repository/platform".to_owned(), here)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_ends_when_its_environment_moves_to_another_repository() {
    let (world, platform) = two().await;
    let url = world.git.url_of("acme/platform");
    let chat = serve_two(world, &url).await;
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("Pull request #1").await;
    chat.settled().await;
    let text = platform.file(CATALOG).unwrap().unwrap();
    let moved = by_hand(&platform, &[(CATALOG, &text.replace("    repository: deployments\n", ""))]);
    chat.reads(&moved).await;
    chat.presses("bo", "Approve").await;
    chat.card_says("`prod` is now in the repository `platform`; this was planned in `deployments`.").await;
    chat.settled().await;
    assert!(matches!(chat.world.github.pull(1).unwrap().state, State::Closed { .. }));
    assert_eq!(chat.commits(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_cannot_be_read_holds_up_only_what_is_in_it() {
    let (world, platform) = two().await;
    let text = platform.file(CATALOG).unwrap().unwrap();
    by_hand(&platform, &[(CATALOG, &text.replace("repository: deployments", "repository: lost"))]);
    let url = world.git.url_of("acme/platform");
    let chat = serve_two(world, &url).await;
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.card_says("has no repository `lost`; add it under `repositories`").await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("No cluster is configured for this environment").await;
}
