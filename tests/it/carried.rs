//! The ledger carried off its box by every way there is: to a bucket, a branch and a collector of system logs, and its
//! checkpoints to a branch and a channel. And back, by the binary, on a machine that lost everything.

use std::{collections::BTreeMap, fs};

use leverframe::{
    net::dial::{Seal, dial},
    play::{World, people::PEOPLE},
    tasks::Tasks,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    net::{TcpListener, UdpSocket},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    away::bucket,
    bot::{Scene, of_kind},
    proxy::{AUTHORITY, acceptor},
};

/// Stops the bot and starts it with more in its configuration.
async fn configured(scene: &Scene, more: &str) {
    scene.killer().kill();
    let config = scene.world.folder().join("leverframe.yaml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}\n{more}\n")).unwrap();
    scene.start_bot().await;
}

async fn ships_all(scene: &Scene) {
    scene.page_says(&scene.address(), "/metrics", "leverframe_ledger_unshipped_entries 0\n").await;
}

async fn proposed(scene: &Scene) {
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    scene.until("approval offered", |scene| scene.card_says("[Approve]") && scene.card_says("Pull request #1")).await;
    scene.recorded("card.posted").await;
}

/// The data directory deleted in the middle of a change: everything that was shipped is back, and the change goes on.
async fn lost_and_recovered(scene: &Scene) {
    proposed(scene).await;
    ships_all(scene).await;
    let before = scene.ledger().await;
    scene.killer().kill();
    fs::remove_dir_all(scene.world.folder().join("data")).unwrap();
    let (code, said) = scene.command(&["recover"]).await;
    assert!(code == Some(0) && said.contains("Open requests: 1."), "{said}");
    scene.start_bot().await;
    assert_eq!(scene.presses("bo", "Approve").await.status, Some(200));
    scene.until("live", |scene| scene.card_says("Live: ")).await;
    scene.recorded("request.ended").await;
    let after = scene.ledger().await;
    assert_eq!(&after[..before.len()], before);
    for kind in ["request.opened", "pull_request.opened", "landing.done", "card.posted", "ledger.recovered"] {
        assert_eq!(of_kind(&after, kind).len(), 1, "{kind}: {}", scene.told());
    }
    scene.verify().await;
    ships_all(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_lost_everything_comes_back_from_its_bucket() {
    let tasks = Tasks::default();
    let (api, things) = bucket(&tasks).await;
    let scene = Scene::start().await;
    let place =
        format!("api: \"{api}\", region: eu, bucket: acme, prefix: bot, access_key: us, secret_key: \"${{env:S3}}\"");
    let secret = scene.world.folder().join("secrets/s3");
    fs::write(&secret, "x").unwrap();
    let place = place.replace("${env:S3}", &format!("${{file:{}}}", secret.display()));
    configured(&scene, &format!("ledger: {{ ship_to: {{ s3: {{ {place} }} }} }}")).await;
    lost_and_recovered(&scene).await;
    assert!(things.lock().unwrap().keys().all(|name| name.starts_with("/acme/bot/")));
    tasks.drain(std::time::Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_lost_everything_comes_back_from_a_branch() {
    let scene = Scene::start().await;
    configured(&scene, "ledger: { ship_to: { branch: leverframe/ledger } }").await;
    lost_and_recovered(&scene).await;
    let names = scene.git(&["ls-tree", "-r", "--name-only", "leverframe/ledger"]).await;
    assert_eq!(names.lines().collect::<Vec<_>>(), ["checkpoint", "head", "journal/00000000000000000000.ndjson"]);
    let repo = scene.world.repository.path().display().to_string();
    let (code, said) = scene.command(&["audit", "reconcile", "--repo", &repo]).await;
    assert_eq!(code, Some(0), "commits that carry the ledger are no changes: {said}");
}

/// Frames of RFC 6587, entry by entry.
fn frames(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
        let Some(frame) = bytes.get(space + 1..space + 1 + length) else { break };
        found.push(String::from_utf8(frame.to_vec()).unwrap());
        bytes = &bytes[space + 1 + length..];
    }
    found
}

/// The entry of a message, once its header is seen to be what RFC 5424 wants.
fn entry(message: &str) -> String {
    let mut words = message.splitn(8, ' ');
    let mut next = || words.next().unwrap();
    assert_eq!(next(), "<110>1");
    assert!(next().parse::<jiff::Timestamp>().is_ok());
    assert!(!next().is_empty());
    assert_eq!((next(), next()), ("leverframe", "-"));
    assert!(next().contains('.'));
    assert_eq!(next(), "-");
    next().to_owned()
}

/// A collector that keeps what it gets and hangs up each time it is told to.
struct Collector {
    got: watch::Receiver<Vec<u8>>,
    hang_up: watch::Sender<u32>,
    port: u16,
}

async fn collector(tasks: &Tasks, seal: Option<TlsAcceptor>) -> Collector {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (keep, got) = watch::channel(Vec::new());
    let (hang_up, mut told) = watch::channel(0);
    tasks.start(async move {
        while let Ok((plain, _)) = listener.accept().await {
            let mut stream: Box<dyn AsyncRead + Send + Unpin> = match &seal {
                None => Box::new(plain),
                Some(seal) => match seal.accept(plain).await {
                    Ok(stream) => Box::new(stream),
                    Err(_) => continue,
                },
            };
            keep.send_modify(|all| all.clear());
            told.mark_unchanged();
            let mut part = vec![0; 65_536];
            loop {
                tokio::select! {
                    read = stream.read(&mut part) => match read {
                        Ok(0) | Err(_) => break,
                        Ok(read) => keep.send_modify(|all| all.extend(&part[..read])),
                    },
                    changed = told.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                }
            }
        }
    });
    Collector { got, hang_up, port }
}

async fn until_got(collector: &Collector, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
    let mut got = collector.got.clone();
    let waited = got.wait_for(|bytes| enough(&frames(bytes)));
    let bytes = tokio::time::timeout(std::time::Duration::from_secs(90), waited).await.unwrap().unwrap().clone();
    frames(&bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_of_system_logs_gets_every_entry_also_after_it_hung_up() {
    let tasks = Tasks::default();
    let collector = collector(&tasks, None).await;
    let shipped = format!("ledger: {{ ship_to: {{ syslog: \"tcp://127.0.0.1:{}\" }} }}", collector.port);
    gets_every_entry(&collector, &shipped).await;
    tasks.drain(std::time::Duration::ZERO).await;
}

/// The same within TLS, to a collector that the company's own authority vouches for.
#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_collector_gets_every_entry_also_after_it_hung_up() {
    let tasks = Tasks::default();
    let collector = collector(&tasks, Some(acceptor())).await;
    let shipped = format!(
        "ledger: {{ ship_to: {{ syslog: \"tls://localhost:{}\" }} }}\ntls: {{ ca_file: \"{AUTHORITY}\" }}",
        collector.port
    );
    gets_every_entry(&collector, &shipped).await;
    tasks.drain(std::time::Duration::ZERO).await;
}

async fn gets_every_entry(collector: &Collector, configuration: &str) {
    let scene = Scene::start().await;
    configured(&scene, configuration).await;
    scene.says("ana", "/deploy checkout staging v1.2.5").await;
    scene.until("live", |scene| scene.card_says("Live: ")).await;
    let is_end = |frames: &[String]| frames.last().is_some_and(|last| last.contains("\"kind\":\"request.ended\""));
    let first = until_got(collector, is_end).await;
    collector.hang_up.send_modify(|times| *times += 1);
    scene.says("ana", "/deploy checkout staging v1.2.4").await;
    let twice = |frames: &[String]| frames.iter().filter(|one| one.contains("\"kind\":\"request.ended\"")).count() > 1;
    let second = until_got(collector, twice).await;
    let ledger = scene.command(&["audit", "export"]).await.1;
    let all: BTreeMap<String, ()> = first.iter().chain(&second).map(|message| (entry(message), ())).collect();
    let missing: Vec<&str> = ledger.lines().filter(|line| !all.contains_key(*line)).collect();
    assert!(missing.iter().all(|line| line.contains("card.") || line.contains("audit.")), "{missing:?}");
    assert!(all.keys().all(|one| ledger.lines().any(|line| line == one)), "byte for byte");
    scene.killer().kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_carry_an_entry_each() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let scene = Scene::start().await;
    let port = socket.local_addr().unwrap().port();
    configured(&scene, &format!("ledger: {{ ship_to: {{ syslog: \"udp://127.0.0.1:{port}\" }} }}")).await;
    scene.says("ana", "/deploy nothing staging v1").await;
    let mut datagram = vec![0; 65_536];
    let received = tokio::time::timeout(std::time::Duration::from_secs(90), socket.recv(&mut datagram)).await;
    let message = String::from_utf8(datagram[..received.unwrap().unwrap()].to_vec()).unwrap();
    let exported = scene.command(&["audit", "export"]).await.1;
    assert_eq!(Some(entry(&message).as_str()), exported.lines().next());
}

/// TLS to somebody whom no authority knows, or who goes by another name, is refused, in words.
#[tokio::test]
async fn a_sealed_connection_is_made_only_to_whom_it_should_be() {
    let tasks = Tasks::default();
    let port = collector(&tasks, Some(acceptor())).await.port;
    let company = || Seal::Tls(Some(fs::read(AUTHORITY).unwrap()));
    let refused = |dialled: Result<_, String>| dialled.err().unwrap();
    let unknown = refused(dial("localhost", port, &Seal::Tls(None)).await);
    assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    let misnamed = refused(dial("127.0.0.1", port, &company()).await);
    assert!(misnamed.contains("not valid for name"), "{misnamed}");
    assert!(dial("localhost", port, &company()).await.is_ok());
    tasks.drain(std::time::Duration::ZERO).await;
}

fn with_audit_channel(world: &World) {
    let path = ".leverframe/catalog.yaml";
    let text = world.repository.file(path).unwrap().unwrap();
    let text = text.replacen("channels: { home: C0DEPLOYS }", "channels: { home: C0DEPLOYS, audit: C0INCIDENTS }", 1);
    let at = jiff::Timestamp::UNIX_EPOCH;
    world.repository.commit_by_hand(&PEOPLE[0], "An audit channel", &[(path, &text)], at).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_stand_on_a_branch_and_in_a_channel_and_are_held_against_the_ledger() {
    let scene = Scene::prepared(with_audit_channel).await;
    scene.says("ana", "/deploy checkout staging v1.2.5").await;
    scene.until("live", |scene| scene.card_says("Live: ")).await;
    scene.recorded("request.ended").await;
    configured(&scene, "ledger: { audit_branch: leverframe/audit }").await;
    let said = |scene: &Scene| {
        let messages = scene.world.slack.messages("incidents").unwrap();
        messages.into_iter().map(|message| message.content.words()).find(|words| words.contains("Ledger-Checkpoint: "))
    };
    scene.until("a checkpoint is said", |scene| said(scene).is_some()).await;
    let branches = |scene: &Scene| scene.world.repository.branches().unwrap();
    scene.until("a branch", |scene| branches(scene).iter().any(|(name, _)| name.ends_with("leverframe/audit"))).await;
    let names = scene.git(&["ls-tree", "--name-only", "leverframe/audit"]).await;
    assert!(names.trim().ends_with(".txt") && names.lines().count() == 1, "{names}");

    let repo = scene.world.repository.path().display().to_string();
    let lines = scene.world.folder().join("lines.txt");
    fs::write(&lines, format!("Leverframe  10:05\n{}\n", said(&scene).unwrap())).unwrap();
    let lines = lines.display().to_string();
    let verify = ["audit", "verify", "--repo", &repo, "--anchors", &lines];
    let (code, said_there) = scene.command(&verify).await;
    assert!(code == Some(0) && said_there.contains("3 anchors from outside met"), "{said_there}");

    // Another ledger, sound in itself, is not the one that was anchored.
    scene.killer().kill();
    fs::write(&lines, fs::read_to_string(&lines).unwrap().replace("Ledger-Checkpoint: ", "Ledger-Checkpoint: 9"))
        .unwrap();
    let (code, said_there) = scene.command(&verify).await;
    assert!(code == Some(1) && said_there.contains("is not signed by a key"), "{said_there}");
    let tip = scene.git(&["rev-parse", "main~1"]).await;
    scene.git(&["update-ref", "refs/heads/main", tip.trim()]).await;
    fs::remove_dir_all(scene.world.folder().join("data")).unwrap();
    let address = scene.launch().await.unwrap();
    let refused = scene.page_says(&address, "/readyz", "the ledger is read-only: ").await;
    assert!(refused.contains("on `leverframe/audit`"), "{refused}");
}
