//! Versions offered while people type, and tags that do not exist: the whole bot with a registry, with none, and with
//! one that others wrote.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::{Path as At, State},
    http::StatusCode,
    response::IntoResponse,
    routing::{any, get},
};
use leverframe::{
    cli::serve,
    config::Config,
    core::names::{Environment, Service, Target},
    engine::Choice,
    play::World,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    contract::shared,
    together::{Chat, within, world_with},
};

/// A registry on loopback with these tags of every image, which can be told to be out of order.
struct Registry {
    url: String,
    down: Arc<AtomicBool>,
    _task: Mutex<JoinSet<()>>,
}

const TAGS: [&str; 5] = ["v1.2.4", "v1.2.5", "v1.3.0-rc.1", "latest", "v1.2.3"];

async fn registry() -> Registry {
    let down = Arc::new(AtomicBool::new(false));
    let is_down = |State(down): State<Arc<AtomicBool>>| async move { down.load(Ordering::SeqCst) };
    let list = move |state: State<Arc<AtomicBool>>| async move {
        if is_down(state).await { Err(StatusCode::BAD_GATEWAY) } else { Ok(Json(json!({"tags": TAGS}))) }
    };
    let manifest = move |state: State<Arc<AtomicBool>>, At(tag): At<String>| async move {
        if is_down(state).await {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        if !TAGS.contains(&tag.as_str()) {
            return StatusCode::NOT_FOUND.into_response();
        }
        let made = json!({"org.opencontainers.image.created": "2026-01-01T00:00:00Z"});
        let digest = format!("sha256:{:0<64}", tag.len());
        ([("docker-content-digest", digest)], Json(json!({"annotations": made}))).into_response()
    };
    let router = Router::new()
        .route("/v2/shop/checkout/tags/list", get(list))
        .route("/v2/shop/checkout/manifests/{tag}", any(manifest))
        .with_state(Arc::clone(&down));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut task = JoinSet::new();
    task.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Registry { url, down, _task: Mutex::new(task) }
}

/// The demo with a bot that may ask `registry.example.com`, which is at `url`.
async fn with(url: &str, login: &str) -> Chat {
    let world = world_with(&[]).await;
    let bot = serve::start(config(&world, url, login)).await.unwrap();
    world.set_bot(&format!("http://{}", bot.address));
    within("the bot to be ready", bot.engine.ready()).await;
    let start = world.repository.tip().unwrap();
    Chat { world, bot, start }
}

fn config(world: &World, url: &str, login: &str) -> Config {
    let file = world.write_config("127.0.0.1:0").unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let registries = format!("registries:\n  registry.example.com: {{ api: \"{url}\"{login} }}\n");
    std::fs::write(&file, format!("{text}{registries}")).unwrap();
    Config::load(&file).unwrap()
}

fn target(environment: &str) -> Target {
    Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse(environment).unwrap() }
}

/// The versions that are offered, once what stands behind the newest was looked at.
async fn offered(chat: &Chat, environment: &str, typed: &str) -> Vec<Choice> {
    let target = target(environment);
    let versions = || chat.bot.engine.versions(&target, typed);
    within("the newest to be looked at", async {
        while !versions().await.first().is_some_and(|choice| choice.note.contains(" old")) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    versions().await
}

fn values(choices: &[Choice]) -> Vec<&str> {
    choices.iter().map(|choice| choice.value.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_are_offered_newest_first_and_the_present_one_is_marked() {
    let registry = registry().await;
    let chat = with(&registry.url, "").await;
    within("the commands to be registered", chat.world.commands_are_known()).await;
    let all = offered(&chat, "prod", "").await;
    assert_eq!(values(&all), ["v1.3.0-rc.1", "v1.2.5", "v1.2.4", "v1.2.3", "latest"]);
    let marked: Vec<_> = all.iter().filter(|choice| choice.note.starts_with("now in prod, ")).collect();
    assert_eq!((marked.len(), marked[0].value.as_str()), (1, "v1.2.4"));
    assert!(marked[0].label(100).ends_with(" d old, 600000000000)"), "{}", marked[0].label(100));
    assert_eq!(marked[0].label(10), "v1.2.4");

    let typing = |name: &str, typed: &str| json!({"name": name, "type": 3, "value": typed, "focused": true});
    let given = |name: &str, value: &str| json!({"name": name, "type": 3, "value": value});
    let offers = async |command: &str, options: &[Value]| {
        chat.world.discord.offers("ana", command, options).await.unwrap().join(" ")
    };
    let service = given("service", "checkout");
    let (place, typed) = (given("environment", "prod"), typing("version", "1.2"));
    assert_eq!(offers("deploy", &[service.clone(), place, typed.clone()]).await, "v1.2.5 v1.2.4 v1.2.3");
    assert_eq!(offers("deploy", &[service.clone(), typed.clone()]).await, "v1.2.5 v1.2.4 v1.2.3");
    // Without a service there is nothing to look up, and of another image the registry knows nothing.
    assert_eq!(offers("deploy", std::slice::from_ref(&typed)).await, "");
    assert_eq!(offers("deploy", &[given("service", "cart"), typed]).await, "");
    chat.bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_near_the_present_one_are_offered() {
    let chat = Chat::start().await;
    let counts = chat.bot.engine.replicas(&target("prod"), "").await;
    let now: Vec<_> =
        counts.iter().filter(|choice| choice.note == "now in prod").map(|one| one.value.clone()).collect();
    assert_eq!(now, [counts[0].value.clone()]);
    let now: u32 = now[0].parse().unwrap();
    assert!(values(&counts).contains(&(now + 1).to_string().as_str()), "{counts:?}");
    assert!(counts.iter().all(|choice| choice.value != "0"));
    chat.bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_that_is_not_there_is_refused_with_those_most_like_it() {
    let registry = registry().await;
    let chat = with(&registry.url, "").await;
    let told = chat.says("ana", "/deploy checkout staging v1.25").await;
    assert_eq!(
        told,
        "`registry.example.com/shop/checkout` has no tag `v1.25`.\n\
         Ask for one that it has, like `v1.2.5`, `v1.2.4`, `v1.2.3`, or push the image first."
    );
    assert_eq!((chat.count("request.refused"), chat.cards(), chat.commits()), (1, 0, 0));
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    let card = chat.card_says("Live: ").await;
    assert!(!card.content.words().contains("could not be checked"));
    // What was there before needs no registry.
    registry.down.store(true, Ordering::SeqCst);
    assert_eq!(chat.says("ana", "/rollback checkout staging").await, "");
    let card = chat.card_says("rollback checkout to v1.2.4").await;
    assert!(!card.content.words().contains("could not be checked"));
    chat.bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_down_holds_nothing_up_and_the_card_says_it() {
    let registry = registry().await;
    registry.down.store(true, Ordering::SeqCst);
    let chat = with(&registry.url, "").await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    let card = chat.card_says("Live: ").await;
    let note = "Whether the registry has this version could not be checked: \
                `registry.example.com` answered with error 502";
    assert!(card.content.words().contains(note), "{}", card.content.words());
    assert_eq!(chat.bot.engine.versions(&target("prod"), "").await, []);
    chat.bot.stop().await;
}

/// Docker's own registry, where it is there.
struct Peer {
    script: PathBuf,
    folder: PathBuf,
    url: String,
}

impl Peer {
    /// Starts it with tokens. `None`, said aloud, where it is not there or does not start.
    fn start() -> Option<Self> {
        let script = shared("peers/registry.sh")?;
        // Thousands of small folders are made and removed: in memory, where there is such a place.
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let output = Command::new("bash").arg(&script).args(["start", "token"]).env("TMPDIR", place).output().unwrap();
        if !output.status.success() {
            println!("NOT CHECKED: {}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        let said = String::from_utf8(output.stdout).unwrap();
        let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        Some(Self { script, folder: PathBuf::from(value("DIR=")), url: value("URL=") })
    }

    /// One image under `count` tags more, each written as the registry itself writes one.
    fn tag(&self, count: usize) {
        let push = self.script.with_file_name("registry_push.py");
        let output =
            Command::new("python3").arg(push).args([&self.url, "bot:s3cret", "shop/checkout", "v0.0.1"]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let tags = self.folder.join("data/docker/registry/v2/repositories/shop/checkout/_manifests/tags");
        let link = std::fs::read(tags.join("v0.0.1/current/link")).unwrap();
        for number in 0..count {
            let current = tags.join(format!("v1.{}.{}", number / 100, number % 100)).join("current");
            std::fs::create_dir_all(&current).unwrap();
            std::fs::write(current.join("link"), &link).unwrap();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = Command::new("bash").arg(&self.script).arg("stop").arg(&self.folder).output();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_tags_of_a_registry_that_others_wrote() {
    let Some(peer) = Peer::start() else { return };
    peer.tag(5000);
    let secret = peer.folder.join("password");
    write_private(&secret, "s3cret");
    let login = format!(", username: bot, password: \"${{file:{}}}\"", secret.display());
    let chat = with(&peer.url, &login).await;
    let all = offered(&chat, "prod", "").await;
    assert_eq!(values(&all)[..3], ["v1.49.99", "v1.49.98", "v1.49.97"]);
    assert_eq!(all.len(), 100);
    assert!(all[0].note.contains(" d old, ") && all[0].note.rsplit(' ').next().unwrap().len() == 12, "{:?}", all[0]);
    let begun = tokio::time::Instant::now();
    let found = chat.bot.engine.versions(&target("prod"), "1.7.3").await;
    println!("warm, 5,000 tags: {:?}", begun.elapsed());
    assert_eq!(values(&found)[..2], ["v1.7.39", "v1.7.38"]);
    assert_eq!(found.len(), 11);
    let told = chat.says("ana", "/deploy checkout staging v1.50.0").await;
    assert!(told.starts_with("`registry.example.com/shop/checkout` has no tag `v1.50.0`."), "{told}");
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.42.7").await, "");
    chat.card_says("Live: ").await;
    chat.bot.stop().await;
}

fn write_private(file: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}
