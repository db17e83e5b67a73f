//! The ledger outside its box: shipped as it grows, brought back on a machine without one, and given up where what
//! came back is older than what git remembers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use jiff::Timestamp;
use leverframe::{
    core::{
        entry::{Actor, Draft},
        names::PersonId,
    },
    ledger::{
        self, Append, Ledger, Sizes,
        note::{Origin, SigningKey},
        ship::{self, Bucket, Login, Place, ShipError, Shipper},
    },
    net::{Outgoing, Tls},
    secret::Secret,
    tasks::Tasks,
};

use crate::bot::{Scene, of_kind};

fn open(directory: &Path) -> Ledger {
    let key = SigningKey::parse(&SigningKey::pem(&[7; 32]), Origin::parse("bot").unwrap()).unwrap();
    Ledger::open_signed(directory, Timestamp::UNIX_EPOCH, &Sizes::default(), Some(key)).unwrap().ledger
}

async fn fill(ledger: &Ledger, person: &str, entries: usize, text: &str) {
    let actor = Actor { person: Some(PersonId::parse(person).unwrap()), account: None, via: "slack".into() };
    for number in 0..entries {
        let draft = Draft::new("test", format!("request/{number}"), actor.clone()).with_text("reason", text);
        ledger.append(Append { at: Timestamp::UNIX_EPOCH, drafts: vec![draft], seen: None }).await.unwrap();
    }
    ledger.tend().await.unwrap();
}

fn export(directory: &Path) -> String {
    let mut out = Vec::new();
    ledger::export_jsonl(directory, 0, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn all_bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        match path.is_dir() {
            true => found.extend(all_bytes(&path)),
            false => drop(found.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    found
}

#[tokio::test]
async fn what_is_shipped_grows_with_the_ledger_and_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (here, away) = (folder.path().join("here"), folder.path().join("away"));
    let ledger = open(&here);
    let place = Place::Folder(away.clone());
    let mut shipper = Shipper::new(here.clone(), place.clone());
    assert_eq!(shipper.ship().await.unwrap(), 0);
    // Several pieces, the last of which is not full.
    fill(&ledger, "ana", 70, &"a secret wish ".repeat(500)).await;
    assert_eq!(shipper.ship().await.unwrap(), 70);
    assert!(fs::read_dir(away.join("journal")).unwrap().count() >= 2);
    let before = all_bytes(&away);
    assert_eq!(shipper.ship().await.unwrap(), 70);
    assert_eq!(Shipper::new(here.clone(), place.clone()).ship().await.unwrap(), 70);
    assert_eq!(all_bytes(&away), before, "nothing is shipped twice");

    // Whoever ships after a crash goes on where the place ends; what was erased here is erased there.
    fill(&ledger, "bo", 5, "another wish").await;
    let actor = Actor { person: None, account: None, via: "terminal".into() };
    ledger.erase(&PersonId::parse("ana").unwrap(), actor, Timestamp::UNIX_EPOCH).await.unwrap();
    ledger.tend().await.unwrap();
    assert_eq!(Shipper::new(here.clone(), place.clone()).ship().await.unwrap(), 77);
    assert!(all_bytes(&away).values().all(|bytes| !String::from_utf8_lossy(bytes).contains("secret wish")));

    let back = folder.path().join("back");
    let kept = ship::recover(&place, &back).await.unwrap();
    assert_eq!((kept.entries, kept.signed), (77, Some(77)));
    assert_eq!(export(&back), export(&here));
    let again = open(&back);
    assert_eq!(again.read(0, 100).unwrap(), ledger.read(0, 100).unwrap());
    assert_eq!(again.state(), ledger::State::Ready);
    assert!(matches!(ship::recover(&place, &back).await, Err(ShipError::Occupied { .. })));
    again.close().await;
    ledger.close().await;
}

#[tokio::test]
async fn another_ledger_is_not_written_over_and_a_damaged_copy_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other, away) = (folder.path().join("one"), folder.path().join("other"), folder.path().join("away"));
    let (ours, theirs) = (open(&one), open(&other));
    fill(&ours, "ana", 6, "a").await;
    fill(&theirs, "bo", 4, "b").await;
    let place = Place::Folder(away.clone());
    let back = folder.path().join("back");
    assert!(matches!(ship::recover(&place, &back).await, Err(ShipError::Nothing { .. })));
    Shipper::new(one.clone(), place.clone()).ship().await.unwrap();
    let kept = all_bytes(&away);
    let refused = Shipper::new(other.clone(), place.clone()).ship().await.unwrap_err();
    assert!(matches!(&refused, ShipError::Another { .. }) && refused.remedy().ends_with('.'), "{refused}");
    assert_eq!(all_bytes(&away), kept);
    // A shorter ledger does not take the place of a longer one.
    let older = folder.path().join("older");
    ship::recover(&place, &older).await.unwrap();
    fill(&ours, "ana", 3, "a").await;
    Shipper::new(one.clone(), place.clone()).ship().await.unwrap();
    let refused = Shipper::new(older, place.clone()).ship().await.unwrap_err();
    assert!(matches!(refused, ShipError::Another { .. }), "{refused}");

    let piece = away.join("journal/00000000000000000000.ndjson");
    let whole = fs::read(&piece).unwrap();
    let mut silent = Vec::new();
    for cut in (0..whole.len()).step_by(7).filter(|cut| *cut < whole.len()) {
        fs::write(&piece, &whole[..cut]).unwrap();
        if ship::recover(&place, &back).await.is_ok() {
            silent.push(cut);
        }
    }
    for byte in (0..whole.len()).step_by(5) {
        let mut changed = whole.clone();
        changed[byte] ^= 1;
        fs::write(&piece, changed).unwrap();
        if ship::recover(&place, &back).await.is_ok() {
            silent.push(byte);
        }
    }
    assert!(silent.is_empty() && !back.exists(), "{silent:?}");
    fs::write(&piece, &whole).unwrap();
    assert_eq!(ship::recover(&place, &back).await.unwrap().entries, 9);
    ours.close().await;
    theirs.close().await;
}

pub(crate) type Things = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

async fn object(State(things): State<Things>, asked: (Method, Uri, HeaderMap), body: Bytes) -> (StatusCode, Vec<u8>) {
    let (method, uri, headers) = asked;
    let signed = headers.get("authorization").is_some_and(|value| {
        let value = value.to_str().unwrap();
        value.starts_with("AWS4-HMAC-SHA256 Credential=us/") && value.contains("/eu/s3/aws4_request, ")
    });
    let mut things = things.lock().unwrap();
    if !signed || things.remove("refuse").is_some() {
        return (StatusCode::FORBIDDEN, b"<Error><Code>AccessDenied</Code></Error>".to_vec());
    }
    if method == Method::PUT {
        things.insert(uri.path().to_owned(), body.to_vec());
        return (StatusCode::OK, Vec::new());
    }
    things.get(uri.path()).map_or((StatusCode::NOT_FOUND, Vec::new()), |bytes| (StatusCode::OK, bytes.clone()))
}

/// A bucket that keeps what is put into it: its address, and what is in it.
pub(crate) async fn bucket(tasks: &Tasks) -> (url::Url, Things) {
    let things = Things::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api: url::Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let served = axum::serve(listener, Router::new().fallback(object).with_state(Arc::clone(&things)));
    tasks.start(async { served.await.unwrap() });
    (api, things)
}

#[tokio::test]
async fn a_bucket_keeps_the_ledger_and_says_why_when_it_does_not() {
    let tasks = Tasks::default();
    let (api, things) = bucket(&tasks).await;
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder.path().join("here"));
    fill(&ledger, "ana", 3, "a").await;
    let login = Login { access_key: "us".into(), secret_key: Secret::new("x") };
    let client = Outgoing::new(&Tls::default()).unwrap().to(&api).clone();
    let place = Place::Bucket(Bucket::new(client, &api, ("acme", "bot"), "eu", login));
    let mut shipper = Shipper::new(folder.path().join("here"), place.clone());
    things.lock().unwrap().insert("refuse".into(), Vec::new());
    let refused = shipper.ship().await.unwrap_err().to_string();
    assert!(refused.ends_with("it answered 403 Forbidden (AccessDenied)"), "{refused}");
    assert_eq!(shipper.ship().await.unwrap(), 3);
    assert!(things.lock().unwrap().contains_key("/acme/bot/journal/00000000000000000000.ndjson"));
    assert_eq!(ship::recover(&place, &folder.path().join("back")).await.unwrap().entries, 3);
    tasks.drain(Duration::ZERO).await;
    ledger.close().await;
}

/// A bot that ships into a folder.
async fn shipping() -> (Scene, PathBuf) {
    let scene = Scene::start().await;
    scene.killer().kill();
    let away = scene.world.folder().join("away");
    let config = scene.world.folder().join("leverframe.yaml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}\nledger: {{ ship_to: {{ directory: ./away }} }}\n")).unwrap();
    scene.start_bot().await;
    (scene, away)
}

async fn ships_all(scene: &Scene) {
    scene.page_says(&scene.address(), "/metrics", "leverframe_ledger_unshipped_entries 0\n").await;
}

async fn proposed(scene: &Scene) {
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    let offered = |scene: &Scene| scene.card_says("[Approve]") && scene.card_says("Pull request #1");
    scene.until("approval offered", offered).await;
    scene.recorded("card.posted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_deleted_in_the_middle_of_a_change_comes_back_and_the_change_goes_on() {
    let (scene, away) = shipping().await;
    proposed(&scene).await;
    ships_all(&scene).await;
    let before = scene.ledger().await;
    scene.killer().kill();
    fs::remove_dir_all(scene.world.folder().join("data")).unwrap();
    let (code, said) = scene.command(&["recover"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Open requests: 1.") && said.contains("(waiting for approval)"), "{said}");
    scene.start_bot().await;
    assert_eq!(scene.presses("bo", "Approve").await.status, Some(200));
    scene.until("live", |scene| scene.card_says("Live: ")).await;
    scene.recorded("request.ended").await;
    let after = scene.ledger().await;
    assert_eq!(&after[..before.len()], before);
    assert_eq!(of_kind(&after, "ledger.recovered").len(), 1);
    for (kind, times) in [("request.opened", 1), ("pull_request.opened", 1), ("landing.done", 1), ("card.posted", 1)] {
        assert_eq!(of_kind(&after, kind).len(), times, "{kind}: {}", scene.told());
    }
    scene.verify().await;
    ships_all(&scene).await;
    assert!(away.join("checkpoint").exists());
    let (code, said) = scene.command(&["recover"]).await;
    assert!(code == Some(1) && said.starts_with("there is a ledger in "), "{said}");
}

async fn live(scene: &Scene, version: &str) {
    assert_eq!(scene.says("ana", &format!("/deploy checkout staging {version}")).await.status, Some(200));
    scene.until("live", |scene| scene.card_says(&format!("Live: 2 of 2 pods run {version}"))).await;
    scene.recorded("request.ended").await;
}

/// Starts a bot that does not get ready.
async fn read_only(scene: &Scene) -> String {
    let address = scene.launch().await.unwrap();
    scene.page_says(&address, "/readyz", "the ledger is read-only: ").await;
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_moves_nothing_until_somebody_gives_up_what_it_lacks() {
    let scene = Scene::start().await;
    live(&scene, "v1.2.5").await;
    let kept = scene.world.folder().join("kept").display().to_string();
    let (code, said) = scene.command(&["backup", &kept]).await;
    assert!(code == Some(0) && said.contains("data.key` in a safe place"), "while it runs: {said}");
    live(&scene, "v1.2.4").await;
    scene.killer().kill();
    fs::remove_dir_all(scene.world.folder().join("data")).unwrap();
    let (code, said) = scene.command(&["restore", "--from", &kept]).await;
    assert!(code == Some(0) && said.contains("Open requests: 0."), "{said}");
    let address = read_only(&scene).await;
    let before = scene.ledger().await.len();
    let answered = scene.says("ana", "/deploy checkout staging v1.2.5").await;
    assert!(answered.shown.unwrap_or_default().contains("so nothing was done."));
    assert_eq!(scene.ledger().await.len(), before);
    let repo = scene.world.repository.path().display().to_string();
    assert_eq!(scene.command(&["audit", "verify", "--repo", &repo]).await.0, Some(1));

    let (code, said) = scene.command(&["audit", "accept-gap", "--reason", "the disk died"]).await;
    assert!(code == Some(0) && said.starts_with("Given up: commit "), "{said}");
    scene.page_says(&address, "/readyz", "ready\n").await;
    let accepted = scene.ledger().await;
    let accepted = of_kind(&accepted, "ledger.gap_accepted")[0].clone();
    assert_eq!(accepted["body"]["anchors"].as_array().unwrap().len(), 1, "{accepted}");
    assert_eq!(accepted["actor"]["via"], "terminal");
    let (code, said) = scene.command(&["audit", "accept-gap", "--reason", "again"]).await;
    assert!(code == Some(1) && said.contains("disagrees with nothing"), "{said}");
    live(&scene, "v1.2.5").await;
    // It stays given up.
    scene.killer().kill();
    scene.start_bot().await;
    live(&scene, "v1.2.4").await;
    let (code, said) = scene.command(&["audit", "verify", "--repo", &repo]).await;
    assert!(code == Some(0) && said.contains("given up by entry "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_somebody_else_wrote_stops_nothing_and_one_in_our_name_not_for_ever() {
    let scene = Scene::start().await;
    live(&scene, "v1.2.5").await;
    scene.killer().kill();
    let root = "5".repeat(64);
    let message = format!("chore\n\nLeverframe-Request: 01JD2Z6V8Q3K5N7P9R1T3W5Y7A\nLedger-Checkpoint: 9999 {root}\n");
    let commit = async |email: &str| {
        let tree = scene.git(&["rev-parse", "main^{tree}"]).await;
        let email = format!("user.email={email}");
        let who = ["-c", "user.name=Leverframe", "-c", email.as_str()];
        let made = scene.git(&[&who[..], &["commit-tree", tree.trim(), "-p", "main", "-m", &message]].concat()).await;
        scene.git(&["update-ref", "refs/heads/main", made.trim()]).await;
    };
    commit("mallory@example.com").await;
    scene.start_bot().await;
    live(&scene, "v1.2.4").await;
    scene.killer().kill();
    commit("leverframe@users.noreply.invalid").await;
    let address = read_only(&scene).await;
    let (code, said) = scene.command(&["audit", "accept-gap", "--reason", "Mallory wrote it"]).await;
    assert!(code == Some(0) && said.contains("made of 9999 entries"), "{said}");
    scene.page_says(&address, "/readyz", "ready\n").await;
    live(&scene, "v1.2.5").await;
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_can_be_read_by_prometheus() {
    let scene = Scene::start().await;
    live(&scene, "v1.2.5").await;
    proposed(&scene).await;
    scene.says("bo", "/deploy nothing staging v1").await;
    let refused = "leverframe_entries_total{kind=\"request.refused\"} 1\n";
    let page = scene.page_says(&scene.address(), "/metrics", refused).await;
    for line in [
        "leverframe_ledger_ready 1",
        "leverframe_rules_loaded 1",
        "leverframe_requests_open{state=\"waiting for approval\"} 1",
        "leverframe_entries_total{kind=\"request.opened\"} 2",
        "leverframe_entries_total{kind=\"landing.done\"} 1",
    ] {
        assert!(page.lines().any(|one| one == line), "{line}: {page}");
    }
    let is_sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        name.starts_with("leverframe_") && value.parse::<u64>().is_ok()
    };
    let is_comment = |line: &str| line.starts_with("# HELP leverframe_") || line.starts_with("# TYPE leverframe_");
    assert!(page.lines().all(|line| is_comment(line) || is_sample(line)), "{page}");
    assert!(!page.contains("ana") && !page.contains("checkout"), "{page}");
}
