//! Held against what other people wrote: the vendors' descriptions and libraries, and a real git server. They are
//! reading material that lies beside the project (`../shared`, or where LEVERFRAME_SHARED says), not part of it; the
//! vendors' libraries are run where PEER_CLIENTS names an environment that has them. What is not here is said.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use leverframe::{
    cli::serve,
    config::Config,
    play::{
        exchange::Rule,
        github::{GithubLookalike, GithubOptions},
        pulse::Pulse,
        repository::DemoRepository,
    },
    secret::Secret,
};
use serde_json::{Value, json};

use crate::{
    cards,
    together::{Chat, within, world_with},
};

#[expect(clippy::disallowed_methods, reason = "where the reading material lies is for tests alone to know")]
pub(crate) fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

/// Something of the reading material, or a line that says that it is not there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let folder = variable("LEVERFRAME_SHARED");
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let found = Some(folder.join(path)).filter(|file| file.exists());
    if found.is_none() {
        println!("NOT CHECKED: no {path} beside the project; set LEVERFRAME_SHARED to the folder that holds it");
    }
    found
}

/// The limits that a vendor documents, by name; `None`, said, where they are not here.
pub(crate) fn limits(file: &str) -> Option<BTreeMap<String, usize>> {
    let limits: Value = serde_json::from_slice(&fs::read(shared(file)?).unwrap()).unwrap();
    let limit =
        |limit: &Value| Some((limit["id"].as_str()?.to_owned(), usize::try_from(limit["limit"].as_u64()?).ok()?));
    Some(limits["limits"].as_array().unwrap().iter().filter_map(limit).collect())
}

/// A script with the vendors' libraries; `None`, said, where they are not here.
pub(crate) fn script(name: &str) -> Option<impl Fn(&[&str]) -> Output> {
    let clients = shared("peers/clients")?;
    let Some(environment) = variable("PEER_CLIENTS").filter(|folder| folder.join("venv/bin/python").exists()) else {
        println!("NOT CHECKED by {name}: set PEER_CLIENTS to what peers/clients/setup.sh prints");
        return None;
    };
    let script = clients.join(name);
    Some(move |arguments: &[&str]| {
        Command::new(environment.join("venv/bin/python")).arg(&script).args(arguments).output().unwrap()
    })
}

pub(crate) fn words(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

/// The blocks of every card.
fn blocks() -> Vec<(&'static str, Value)> {
    cards::all().into_iter().map(|(name, card)| (name, json!(card.blocks))).collect()
}

#[test]
fn every_card_is_within_the_limits_that_slack_documents() {
    let Some(limits) = limits("contracts/slack/limits.json") else { return };
    let characters = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let within = |name: &str, what: &str, found: usize| {
        assert!(found <= limits[what], "{name}: {found} is over {what}, {}", limits[what]);
    };
    for (name, blocks) in blocks() {
        let blocks = blocks.as_array().unwrap();
        within(name, "message.blocks", blocks.len());
        for block in blocks {
            let elements = block["elements"].as_array().cloned().unwrap_or_default();
            within(name, "section.text", characters(&block["text"]["text"]));
            match block["type"].as_str().unwrap() {
                "actions" => within(name, "actions.elements", elements.len()),
                "context" => within(name, "context.elements", elements.len()),
                // Slack documents no limit of its own for rich text.
                "rich_text" => within(name, "section.text", elements.iter().map(|one| one.to_string().len()).sum()),
                kind => assert_eq!(kind, "section", "{name}: a kind of block without its limits here"),
            }
            for element in elements {
                within(name, "text_object.text", characters(&element["text"]));
                within(name, "button.text", characters(&element["text"]["text"]));
                within(name, "button.value", characters(&element["value"]));
                within(name, "element.action_id", characters(&element["action_id"]));
            }
        }
    }
}

#[test]
fn every_card_is_taken_by_slacks_own_models() {
    let Some(check) = script("slack_blocks.py") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, blocks) in blocks() {
        let file = folder.path().join(format!("{name}.json"));
        fs::write(&file, blocks.to_string()).unwrap();
        let judged = check(&[file.to_str().unwrap()]);
        assert!(judged.status.success(), "{name}: {}", words(&judged));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_of_github_and_its_answer_fit_githubs_description() {
    let (Some(check), Some(description)) = (script("contract.py"), shared("contracts/github/openapi.trimmed.json"))
    else {
        return;
    };
    let chat = Chat::start().await;
    let exchanges = chat.world.github.server().exchanges();
    for status in [401, 403, 404, 500] {
        let body =
            json!({ "message": "no", "documentation_url": "https://docs.github.com", "status": status.to_string() });
        exchanges.add(Rule::answers("GET", "/repos", status, &body).once());
    }
    chat.says("ana", "/deploy checkout prod v1.2.5 reason=\"<b>why</b> & more\"").await;
    chat.settled().await;
    chat.presses("bo", "Approve").await;
    chat.card_says("Live: 3 of 3 pods run v1.2.5.").await;
    chat.says("ana", "/scale search prod 5").await;
    chat.settled().await;
    chat.presses("bo", "Reject").await;
    chat.settled().await;
    let log = chat.world.folder().join("github.jsonl");
    exchanges.write_jsonl(&log).unwrap();
    let kinds: Vec<String> = exchanges.all().iter().map(|call| call.method.clone()).collect();
    for method in ["GET", "POST", "PUT", "PATCH"] {
        assert!(kinds.iter().any(|kind| kind == method), "{method} was never called: {kinds:?}");
    }
    let judged = check(&[description.to_str().unwrap(), log.to_str().unwrap()]);
    assert!(judged.status.success(), "{}", words(&judged));
}

/// What `slack_sign.py` sends a command with, so that it is Ana's.
const ANA: [&str; 3] = ["team_id=T0ACME", "channel_id=C0DEPLOYS", "user_id=U0ANA"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slacks_own_library_signs_is_believed_and_what_it_does_not_is_not() {
    let Some(send) = script("slack_sign.py") else { return };
    let chat = Chat::start().await;
    let (url, secret) = (format!("http://{}/slack/commands", chat.bot.address), chat.world.signing_secret());
    let command = |options: &[&str], secret: &str, trigger: &str| {
        let what = ["command", &url, secret, "/deploy", "checkout staging v1.2.5"];
        let trigger = format!("trigger_id={trigger}");
        words(&send(&[options, &what, &ANA, &[trigger.as_str()]].concat()))
    };
    let turned_away = "401 not signed by Slack";
    assert_eq!(command(&["--stale"], secret.reveal(), "1.1.a").trim(), turned_away);
    assert_eq!(command(&["--tamper"], secret.reveal(), "1.1.b").trim(), turned_away);
    assert_eq!(command(&[], "guessed", "1.1.c").trim(), turned_away);
    assert_eq!(command(&[], secret.reveal(), "1.1.d").trim(), "200");
    assert_eq!(command(&[], secret.reveal(), "1.1.d").trim(), "200", "the same once more");
    chat.card_says("Live: 2 of 2 pods run v1.2.5.").await;
    assert_eq!((chat.count("request.opened"), chat.count("security.refused"), chat.commits()), (1, 1, 1));
}

/// A git server that other people wrote, stopped when it is dropped.
struct GitServer {
    script: PathBuf,
    folder: PathBuf,
    url: String,
}

impl GitServer {
    /// Starts it where all that it needs is installed; `None`, said, where something is missing.
    fn start(protection: &[&str]) -> Option<Self> {
        let script = shared("peers/gitserver.sh")?;
        let programs = ["nginx", "fcgiwrap", "htpasswd", "sshd", "ssh"];
        let there =
            Command::new("bash").args(["-c", "type -P \"$@\" >/dev/null", "-"]).args(programs).status().unwrap();
        if !there.success() {
            println!("NOT CHECKED with a git server: {} are not all installed", programs.join(", "));
            return None;
        }
        let started = Command::new(&script).arg("start").args(protection).output().unwrap();
        assert!(started.status.success(), "{}", words(&started));
        let said = String::from_utf8(started.stdout).unwrap();
        let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        Some(Self { script, folder: value("DIR=").into(), url: value("HTTP_URL=") })
    }

    fn repository(&self) -> PathBuf {
        self.folder.join("repos/acme/fleet.git")
    }

    /// The address without the credentials that it was started with.
    fn address(&self) -> String {
        self.url.replacen("x-access-token:s3cret@", "", 1)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        let _ = Command::new(&self.script).arg("stop").arg(&self.folder).status();
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let ran = Command::new("git")
        .args(["-c", "user.name=peer", "-c", "user.email=peer@example.test", "-C", folder.to_str().unwrap()])
        .args(arguments)
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .unwrap();
    assert!(ran.status.success(), "git {arguments:?}: {}", words(&ran));
    String::from_utf8(ran.stdout).unwrap()
}

/// Puts the demo into the server's repository, with no cluster to look into.
fn push_demo(server: &GitServer, folder: &Path) {
    git(folder, &["clone", "-q", &server.url, "clone"]);
    let clone = folder.join("clone");
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.");
    assert!(Command::new("cp").args(["-r", demo]).arg(&clone).status().unwrap().success());
    let catalog = clone.join(".leverframe/catalog.yaml");
    let text = fs::read_to_string(&catalog).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("cluster:")).collect();
    fs::write(&catalog, without.join("\n") + "\n").unwrap();
    git(&clone, &["add", "-A"]);
    git(&clone, &["commit", "-q", "-m", "catalog and services"]);
    git(&clone, &["push", "-q", "-o", "admin", "origin", "HEAD:main"]);
}

/// A bot on that server, with a GitHub look-alike over the same repository.
async fn on(server: &GitServer) -> (Chat, Arc<GithubLookalike>) {
    let world = world_with(&[]).await;
    push_demo(server, world.folder());
    let repository = DemoRepository::open(&server.repository(), "main");
    let start = repository.tip().unwrap();
    let (owner, name) = ("acme".to_owned(), "fleet".to_owned());
    let (token, pulse) = (Secret::new("ghs_peer"), Pulse::default());
    let github = GithubLookalike::start(GithubOptions { repository, owner, name, token, pulse }).await.unwrap();
    let file = world.write_config("127.0.0.1:0").unwrap();
    fs::write(world.folder().join("secrets/git"), "s3cret").unwrap();
    fs::write(world.folder().join("secrets/github"), "ghs_peer").unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let text = text
        .replace(&world.git.url_of("acme/deployments"), &server.address())
        .replace("name: deployments }", "name: fleet }")
        .replace(&world.github.api(), &github.api());
    fs::write(&file, text).unwrap();
    let bot = serve::start(Config::load(&file).unwrap()).await.unwrap();
    world.set_bot(&format!("http://{}", bot.address));
    within("the bot to be ready", bot.engine.ready()).await;
    (Chat { world, bot, start }, Arc::new(github))
}

/// What the newest commit of the server's branch changed, line by line.
fn changed(server: &GitServer) -> Vec<String> {
    let diff = git(&server.repository(), &["diff", "-U0", "main~1", "main"]);
    let is_change = |line: &&str| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---");
    diff.lines().filter(is_change).map(str::to_owned).collect()
}

const STAGING: [&str; 2] = [
    "-    newTag: v1.2.4        # follow the release notes before you bump this",
    "+    newTag: v1.2.5        # follow the release notes before you bump this",
];
const PROD: [&str; 2] = [
    "-  newTag: \"v1.2.4\"   # <- the only line a deploy changes",
    "+  newTag: \"v1.2.5\"   # <- the only line a deploy changes",
];

/// Deploys to prod: a branch, a pull request, another person's approval, a merge.
async fn reviewed(server: &GitServer, chat: &Chat, github: &GithubLookalike) {
    assert_eq!(chat.says("ana", "/deploy checkout prod v1.2.5").await, "");
    chat.settled().await;
    let branches = git(&server.repository(), &["branch", "--list", "leverframe/*"]);
    assert_eq!((branches.lines().count(), github.pulls().unwrap().len()), (1, 1));
    assert!(chat.presses("ana", "Approve").await.starts_with("You asked for this"));
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("deploy checkout v1.2.5 to prod*\n*Done.*").await;
    assert_eq!(changed(server), PROD);
    let message = git(&server.repository(), &["log", "-1", "--format=%B", "main"]);
    assert!(message.contains("Approved-by: Bo Lindqvist <"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_real_git_server_staging_gets_a_commit_and_prod_a_merge() {
    let Some(server) = GitServer::start(&["open"]) else { return };
    let (chat, github) = on(&server).await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("*Done.* In git as ").await;
    assert_eq!(changed(&server), STAGING);
    assert_eq!(git(&server.repository(), &["log", "-1", "--format=%an, %cn", "main"]).trim(), "Ana Moreau, Leverframe");
    reviewed(&server, &chat, &github).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_real_git_server_with_a_protected_branch_only_the_merge_lands() {
    let Some(server) = GitServer::start(&[]) else { return };
    let (chat, github) = on(&server).await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("*Failed.* The git host protects the branch: GH006: Protected branch update failed").await;
    assert_eq!(git(&server.repository(), &["rev-parse", "main"]).trim(), chat.start);
    reviewed(&server, &chat, &github).await;
}
