//! `leverframe audit` beside the running binary, and what the bot does when its ledger is not what git remembers or
//! its disk takes nothing.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::bot::{Scene, of_kind};

/// The binary without a configuration: exit code and what it printed.
fn alone(arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leverframe"));
    let output = command.env_clear().current_dir(folder).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

async fn live(scene: &Scene, version: &str) {
    let words = format!("/deploy checkout staging {version} reason=\"a secret wish\"");
    assert_eq!(scene.says("ana", &words).await.status, Some(200));
    scene.until("live", |scene| scene.card_says(&format!("Live: 2 of 2 pods run {version}"))).await;
    scene.recorded("request.ended").await;
}

/// Runs an `audit` command that must go well.
async fn audit(scene: &Scene, arguments: &[&str]) -> String {
    let (code, text) = scene.command(&[&["audit"], arguments].concat()).await;
    assert_eq!(code, Some(0), "{arguments:?}: {text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn git_remembers_the_ledger_and_anyone_can_check_one_entry() {
    let scene = Scene::start().await;
    live(&scene, "v1.2.5").await;
    let repo = scene.world.repository.path().display().to_string();
    let message = scene.git(&["log", "-1", "--format=%B", "main"]).await;
    let trailer = message.lines().find_map(|line| line.strip_prefix("Ledger-Checkpoint: ")).unwrap();
    let (size, rest) = trailer.split_once(' ').unwrap();
    let (root, signature) = rest.split_once(' ').unwrap();
    let intent = of_kind(&scene.ledger().await, "push.intent")[0]["seq"].as_u64().unwrap();
    assert_eq!((size.parse().ok(), root.len()), (Some(intent + 1), 64), "just after the intent");
    assert!(signature.len() > 80 && !signature.contains(' '), "{signature}");
    let verified = audit(&scene, &["verify", "--repo", &repo]).await;
    assert!(verified.contains("1 anchor from outside met."), "{verified}");
    let reconciled = audit(&scene, &["reconcile", "--repo", &repo]).await;
    assert_eq!(reconciled, "1 commits of ours, each with its entry, and each entry with its commit.\n");

    let key = audit(&scene, &["key"]).await;
    let proof = audit(&scene, &["prove", "0"]).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("proof.json"), &proof).unwrap();
    let check = ["audit", "check-proof", "proof.json", "--key", key.trim()];
    let (code, said) = alone(&check, folder.path());
    assert!(code == Some(0) && said.starts_with("Entry 0 is in the ledger of "), "{said}");
    assert_eq!(alone(&[&check[..], &["--json"]].concat(), folder.path()).0, Some(0));
    for (from, to) in [("checkout", "chekout"), ("\"seq\": 0", "\"seq\": 1"), ("\"v\": 1", "\"v\": 2")] {
        fs::write(folder.path().join("proof.json"), proof.replace(from, to)).unwrap();
        let (code, said) = alone(&check, folder.path());
        assert!(code == Some(1) && said.starts_with("Not proven: "), "{said}");
    }
    let (code, said) = scene.command(&["audit", "prove", "999"]).await;
    assert!(code == Some(1) && said.starts_with("No checkpoint holds entry 999 yet."), "{said}");

    // Somebody commits with our name, and somebody writes a checkpoint that never was.
    let tree = scene.git(&["rev-parse", "main^{tree}"]).await;
    let forged = format!("deploy\n\nLeverframe-Request: 01JD2Z6V8Q3K5N7P9R1T3W5Y7A\nLedger-Checkpoint: 9999 {root}\n");
    let ours = ["-c", "user.name=Leverframe", "-c", "user.email=leverframe@users.noreply.invalid"];
    let commit = scene.git(&[&ours[..], &["commit-tree", tree.trim(), "-p", "main", "-m", &forged]].concat()).await;
    scene.git(&["update-ref", "refs/heads/forged", commit.trim()]).await;
    let (code, said) = scene.command(&["audit", "reconcile", "--repo", &repo]).await;
    assert!(code == Some(1) && said.starts_with(&format!("Commit {} has no entry: deploy", commit.trim())), "{said}");
    let (code, said) = scene.command(&["audit", "verify", "--repo", &repo, "--json"]).await;
    let verdict: Value = serde_json::from_str(&said).unwrap();
    assert!(code == Some(1) && verdict["why"].as_str().unwrap().ends_with("was made of 9999"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_read_followed_and_erased_beside_the_server() {
    let scene = Scene::start().await;
    live(&scene, "v1.2.5").await;
    scene.says("bo", "/deploy nothing staging v1").await;
    let shown = async |arguments: &[&str]| audit(&scene, &[&["show"], arguments].concat()).await;
    assert!(shown(&["--text", "SECRET WISH"]).await.contains("reason: a secret wish"));
    assert!(shown(&["--person", "bo"]).await.lines().next().unwrap().contains("request.refused"));
    let about = shown(&["--target", "checkout/staging", "--json"]).await;
    let kinds: Vec<Value> =
        about.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["entry"]["kind"].clone()).collect();
    assert!(kinds.contains(&"request.opened".into()) && kinds.contains(&"landing.done".into()), "{kinds:?}");
    assert_eq!(shown(&["--kind", "landing."]).await.lines().count(), 1);
    assert_eq!(shown(&["--until", "2020-01-01T00:00:00Z"]).await, "");
    let table = audit(&scene, &["export", "--format", "csv"]).await;
    assert!(table.starts_with("seq,time,kind,subject,person,account,via,incident,body,hash\r\n0,"), "{table}");

    let config = scene.world.folder().join("leverframe.yaml");
    let mut follow = Command::new(env!("CARGO_BIN_EXE_leverframe"));
    follow.args(["audit", "export", "--follow", "--from", "1", "--config"]).arg(config).stdout(Stdio::piped());
    let mut following = follow.spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let seq = |line: &str| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap();
    let there = scene.ledger().await.len() as u64;
    for expected in 1..there {
        assert_eq!(seq(&lines.next().unwrap().unwrap()), expected);
    }
    scene.says("bo", "/deploy nothing staging v2").await;
    assert_eq!(seq(&lines.next().unwrap().unwrap()), there, "what comes later is followed");
    following.kill().unwrap();
    following.wait().unwrap();

    let socket = scene.world.folder().join("data/control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let erased = audit(&scene, &["erase", "ana"]).await;
    assert!(erased.starts_with("2 texts of ana removed."), "{erased}");
    assert!(!shown(&["--last", "999"]).await.contains("secret wish"));
    scene.verify().await;
    scene.killer().kill();
    let erased = audit(&scene, &["erase", "bo"]).await;
    assert!(erased.starts_with("4 texts of bo removed."), "without the server: {erased}");
    scene.start_bot().await;
    live(&scene, "v1.2.4").await;
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_older_than_git_remembers_moves_no_lever() {
    let scene = Scene::start().await;
    live(&scene, "v1.2.5").await;
    scene.killer().kill();
    let ledger = scene.world.folder().join("data/ledger");
    let kept = tempfile::tempdir().unwrap();
    let copy = |from: &Path, to: &Path| {
        assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap().success());
    };
    copy(&ledger, &kept.path().join("ledger"));
    scene.start_bot().await;
    live(&scene, "v1.2.4").await;
    scene.killer().kill();
    // Yesterday's copy, sound in itself: only what left the box knows better.
    fs::remove_dir_all(&ledger).unwrap();
    copy(&kept.path().join("ledger"), &ledger);
    scene.verify().await;
    let address = scene.launch().await.unwrap();
    let said = scene.page_says(&address, "/readyz", "the ledger is read-only: the ledger has ").await;
    assert!(said.contains(" entries, and commit "), "{said}");
    assert!(scene.page_says(&address, "/", "Nothing is done now: ").await.contains("read-only"));
    let before = scene.git(&["rev-parse", "main"]).await;
    let answered = scene.says("ana", "/deploy checkout staging v1.2.5").await;
    assert!(answered.shown.unwrap_or_default().contains("This could not be recorded, so nothing was done."));
    assert_eq!(scene.git(&["rev-parse", "main"]).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_nothing_stops_the_levers_and_lets_them_go_by_itself() {
    let scene = Scene::start().await;
    let limit = |bytes: &str| {
        let pid = scene.pid().to_string();
        let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]).status();
        set.is_ok_and(|status| status.success())
    };
    if !limit("unlimited") {
        println!("skipped: `prlimit` cannot limit a process here, so no disk can be made full without being root");
        return;
    }
    let address = scene.address();
    assert!(limit("1"));
    let answered = scene.says("ana", "/deploy checkout staging v1.2.5").await;
    let told = format!("{answered:?}");
    assert!(told.contains("This could not be recorded, so nothing was done."), "{told}\n{}", scene.told());
    scene.page_says(&address, "/readyz", "not ready: the ledger's disk takes nothing").await;
    scene.page_says(&address, "/", "the ledger's disk takes nothing").await;
    assert_eq!(scene.ledger().await.len(), 0, "nothing of it is there");
    assert!(limit("unlimited"));
    scene.page_says(&address, "/readyz", "ready\n").await;
    live(&scene, "v1.2.5").await;
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_read_in_chat_by_one_person_at_a_time_and_the_reading_is_recorded() {
    let scene = Scene::start().await;
    live(&scene, "v1.2.5").await;
    for _ in 0..3 {
        scene.says("bo", "/deploy nothing staging v1").await;
    }
    let shown = async |text: &str| scene.says("bo", text).await.shown.unwrap_or_default();
    let all = shown("/lf audit").await;
    assert_eq!(all.lines().filter(|line| line.starts_with('\u{2022}')).count(), 10, "{all}");
    assert!(all.contains("`audit.read` bo") && all.contains("type `/lf audit page=2`."), "{all}");
    let wish = shown("/lf audit secret wish").await;
    assert!(wish.contains("`request.opened` ana") && wish.contains("reason: a secret wish"), "{wish}");
    let last = shown("/lf audit person=ana page=9").await;
    assert!(last.starts_with("Nothing in the ledger fits."), "{last}");
    let about = shown("/lf audit checkout staging text=landing.").await;
    assert_eq!(about.lines().count(), 1, "{about}");
    assert!(about.contains("`landing.done`"), "{about}");
    let stranger = scene.says("zed", "/lf audit").await.shown.unwrap_or_default();
    assert!(!stranger.contains("request.opened"), "{stranger}");
    let ledger = scene.ledger().await;
    assert_eq!(of_kind(&ledger, "audit.read").len(), 4);
    assert!(!ledger.iter().any(|entry| entry.to_string().contains("secret wish")), "only hashes of it");
    // What was answered lies nowhere: not even where answers to events are kept.
    audit(&scene, &["erase", "ana"]).await;
    audit(&scene, &["erase", "bo"]).await;
    let journal = fs::read_dir(scene.world.folder().join("data/ledger/journal")).unwrap();
    let texts: Vec<String> = journal.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(!texts.iter().any(|text| text.contains("secret wish")));
    scene.verify().await;
}
