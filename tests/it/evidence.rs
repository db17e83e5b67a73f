//! What the ledger proves to people who trust nobody: checkpoints, anchors, proofs, and that it says so when it was
//! cut, changed or exchanged. Erasure leaves all of that standing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use jiff::Timestamp;
use leverframe::{
    core::{
        entry::{Actor, Draft},
        names::PersonId,
    },
    ledger::{
        Anchor, Append, Evidence, Finding, Ledger, LedgerError, Opened, Outcome, Seen, Sizes, State, Submitted,
        checkpoints, disagreement, export_jsonl,
        note::{Origin, PublicKey, SigningKey},
        verify, verify_with,
    },
};
use serde_json::json;

const SMALL: Sizes = Sizes { segment: 1024, cache: 1024 * 1024, compared_entries: 20_000, read_whole: u64::MAX };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn key() -> SigningKey {
    SigningKey::parse(&SigningKey::pem(&[3; 32]), Origin::parse("levers.example.com").unwrap()).unwrap()
}

fn keys() -> Vec<PublicKey> {
    vec![key().public()]
}

fn open(directory: &Path) -> Opened {
    Ledger::open_signed(directory, at(0), &SMALL, Some(key())).unwrap()
}

fn actor(person: Option<&str>, account: &str) -> Actor {
    let person = person.map(|person| PersonId::parse(person).unwrap());
    Actor { person, account: Some(account.to_owned()), via: "slack".into() }
}

fn append(person: &str, number: i64) -> Append {
    let draft =
        Draft::new("request.opened", format!("request/{number}"), actor(Some(person), &format!("slack:{person}")));
    let drafts = vec![draft.with("number", number).with_text("reason", format!("because of {person}, {number}"))];
    Append { at: at(number), drafts, seen: None }
}

async fn appended(ledger: &Ledger, append: Append) -> u64 {
    match ledger.append(append).await.unwrap() {
        Outcome::Appended(recorded) => recorded[0].entry.seq,
        Outcome::SeenBefore(answer) => panic!("seen before: {answer}"),
    }
}

/// A closed ledger of entries by one person, signed after each pair.
async fn filled(directory: &Path, entries: i64, person: &str) {
    let ledger = open(directory).ledger;
    for number in 0..entries {
        appended(&ledger, append(person, number)).await;
        if number % 2 == 1 {
            ledger.tend().await.unwrap();
        }
    }
    ledger.close().await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

fn copied(from: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(from, folder.path());
    folder
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
    found.sort();
}

fn export(directory: &Path) -> String {
    let mut bytes = Vec::new();
    export_jsonl(directory, 0, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn evidence() -> Evidence {
    Evidence { keys: keys(), anchors: Vec::new() }
}

#[tokio::test]
async fn checkpoints_are_signed_while_entries_come_and_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 5, "ana").await;
    let sizes = |directory: &Path| -> Vec<u64> {
        checkpoints(directory).unwrap().iter().map(|checkpoint| checkpoint.head.size).collect()
    };
    assert_eq!(sizes(folder.path()), [2, 4, 5]);
    open(folder.path()).ledger.close().await;
    assert_eq!(sizes(folder.path()), [2, 4, 5], "nothing new, nothing signed");
    let ledger = open(folder.path()).ledger;
    let seq = appended(&ledger, append("ana", 5)).await;
    let head = ledger.head_at(seq + 1).await.unwrap();
    assert_eq!(sizes(folder.path()), [2, 4, 5, 6], "signed before it is given away");
    assert_eq!(ledger.head_at(4).await.unwrap(), checkpoints(folder.path()).unwrap()[1].head, "from the journal");
    assert!(ledger.head_at(7).await.is_err());
    let report = verify_with(folder.path(), evidence()).unwrap();
    assert_eq!((report.tree, report.checkpoints, report.signatures), (head, 4, 4));
    let stranger = SigningKey::parse(&SigningKey::pem(&[4; 32]), Origin::parse("levers.example.com").unwrap()).unwrap();
    let other = Evidence { keys: vec![stranger.public()], anchors: Vec::new() };
    assert!(verify_with(folder.path(), other).unwrap_err().why.contains("not signed by the key"));
}

#[tokio::test]
async fn a_ledger_that_is_shorter_or_another_one_opens_read_only_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 6, "ana").await;
    let early = tempfile::tempdir().unwrap();
    filled(early.path(), 3, "ana").await;
    let other = tempfile::tempdir().unwrap();
    filled(other.path(), 9, "bo").await;
    for (of, said) in [(&early, "its last checkpoint was signed for 6"), (&other, "its first 6 entries are not those")]
    {
        // As somebody would who exchanges everything but what is signed.
        let changed = copied(of.path());
        fs::copy(folder.path().join("checkpoints"), changed.path().join("checkpoints")).unwrap();
        let opened = open(changed.path());
        let [Finding::Quarantined { why }] = &opened.report[..] else { panic!("{:?}", opened.report) };
        assert!(why.contains(said), "{why}");
        assert!(opened.ledger.trouble().unwrap().contains(said));
        assert!(matches!(opened.ledger.append(append("ana", 9)).await, Err(LedgerError::ReadOnly { .. })));
        assert!(opened.ledger.tend().await.is_ok());
        assert!(matches!(opened.ledger.state(), State::ReadOnly { .. }), "it does not mend itself");
        assert!(verify_with(changed.path(), evidence()).is_err());
        opened.ledger.close().await;
        assert_eq!(checkpoints(changed.path()).unwrap().len(), 3, "nothing more is signed");
    }
}

#[tokio::test]
async fn anchors_from_outside_tell_what_is_missing_or_other() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 6, "ana").await;
    let other = tempfile::tempdir().unwrap();
    filled(other.path(), 8, "bo").await;
    let anchors = |directory: &Path| -> Vec<Anchor> {
        let all = checkpoints(directory).unwrap().into_iter();
        all.map(|one| Anchor { head: one.head, found: format!("commit {}", one.head.size) }).collect()
    };
    let ours = anchors(folder.path());
    assert_eq!(disagreement(folder.path(), ours.clone()).unwrap(), None);
    assert_eq!(verify_with(folder.path(), Evidence { keys: keys(), anchors: ours.clone() }).unwrap().anchors, 3);
    let theirs = anchors(other.path());
    let why = disagreement(folder.path(), theirs.clone()).unwrap().unwrap().why;
    assert_eq!(why, "one of the entries 0 to 1 is not that of commit 2");
    let beyond = vec![ours[0].clone(), theirs[3].clone()];
    let why = disagreement(folder.path(), beyond.clone()).unwrap().unwrap().why;
    assert_eq!(why, "the ledger has 6 entries, and commit 8 was made of 8");
    assert_eq!(verify_with(folder.path(), Evidence { keys: keys(), anchors: beyond }).unwrap_err().seq, 6);
}

#[tokio::test]
async fn every_changed_byte_of_the_checkpoints_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 4, "ana").await;
    let bytes = fs::read(folder.path().join("checkpoints")).unwrap();
    for place in 0..bytes.len() {
        for change in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            fs::write(folder.path().join("checkpoints"), &changed).unwrap();
            let verdict = verify_with(folder.path(), evidence());
            // Without the empty line at the end, the last note is one that is not finished.
            let is_end = place + 2 >= bytes.len();
            assert!(verdict.is_err() || (is_end && verdict.unwrap().checkpoints == 1), "byte {place}");
        }
    }
    let mut changed = bytes.clone();
    let root = bytes.len() - 150;
    changed[root] ^= 1;
    fs::write(folder.path().join("checkpoints"), &changed).unwrap();
    let ledger = open(folder.path()).ledger;
    assert!(ledger.is_quarantined());
    ledger.close().await;
    for cut in 0..bytes.len() {
        fs::write(folder.path().join("checkpoints"), &bytes[..cut]).unwrap();
        open(folder.path()).ledger.close().await;
        assert_eq!(checkpoints(folder.path()).unwrap().last().unwrap().head.size, 4, "cut at {cut}: signed again");
    }
}

#[tokio::test]
async fn what_waits_for_the_disk_together_fails_together() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).ledger;
    appended(&ledger, append("ana", 0)).await;
    // A folder stands where the next segment belongs: the write fails as on a full disk, for every user.
    let obstacle = folder.path().join(format!("journal/{:020}.ndjson", 1));
    fs::create_dir(&obstacle).unwrap();
    let generation = ledger.generation();
    let mut receipts = Vec::new();
    for number in 1..9 {
        let seen = Some(Seen { id: format!("slack:{number}"), answer: json!(number) });
        let append = Append { seen, ..append("ana", number) };
        match ledger.submit(append, generation).await.unwrap() {
            Submitted::Placed { recorded, receipt } => {
                assert_eq!(recorded[0].entry.seq, number as u64, "each sees those before it");
                receipts.push(receipt);
            }
            // The first has failed already: what rests on it is not taken.
            Submitted::Stale => {}
            Submitted::SeenBefore { .. } => panic!("never seen"),
        }
    }
    assert!(!receipts.is_empty());
    for receipt in receipts {
        assert!(receipt.durable().await.is_err());
    }
    assert_eq!((ledger.len(), ledger.end_of(generation)), (1, Some(1)));
    assert!(matches!(ledger.submit(append("ana", 1), generation).await.unwrap(), Submitted::Stale));
    assert_eq!(ledger.seen("slack:1").await.unwrap(), None, "what was not recorded was not answered");
    fs::remove_dir(&obstacle).unwrap();
    assert_eq!(appended(&ledger, append("ana", 1)).await, 1);
    assert_eq!(ledger.state(), State::Ready);
    ledger.close().await;
    assert_eq!(verify_with(folder.path(), evidence()).unwrap().entries, 2);
}

#[tokio::test]
async fn an_event_that_waits_is_answered_once() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).ledger;
    let event = |number: i64| Append {
        seen: Some(Seen { id: "slack:1".into(), answer: json!(number) }),
        ..append("ana", number)
    };
    let first = ledger.submit(event(0), ledger.generation()).await.unwrap();
    let second = ledger.submit(event(1), ledger.generation()).await.unwrap();
    let (Submitted::Placed { receipt, .. }, Submitted::SeenBefore { answer, receipt: other }) = (first, second) else {
        panic!("the second was taken as well")
    };
    assert_eq!(answer, json!(0));
    other.durable().await.unwrap();
    assert_eq!(ledger.len(), 1, "the second is answered when the first is durable");
    receipt.durable().await.unwrap();
    ledger.close().await;
}

/// Which files below a folder hold these bytes.
fn holding(folder: &Path, words: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(folder, &mut found);
    found.retain(|file| fs::read(file).unwrap().windows(words.len()).any(|window| window == words.as_bytes()));
    found
}

#[tokio::test]
async fn an_erased_person_is_nowhere_on_the_disk_and_everything_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).ledger;
    for number in 0..12 {
        let person = ["ana", "bo"][usize::try_from(number % 2).unwrap()];
        let seen = Seen { id: format!("slack:{number}"), answer: json!({ "text": format!("hello {person}") }) };
        appended(&ledger, Append { seen: Some(seen), ..append(person, number) }).await;
    }
    // Before the catalog knew her.
    let unmapped =
        Draft::new("request.refused", "request", actor(None, "slack:ana")).with_text("typed", "because of ana, early");
    ledger.append(Append { at: at(20), drafts: vec![unmapped], seen: None }).await.unwrap();
    fs::create_dir(folder.path().join("sled.damaged-20260101T000000Z")).unwrap();
    fs::write(folder.path().join("sled.damaged-20260101T000000Z/db"), "because of ana").unwrap();
    ledger.tend().await.unwrap();
    let before = export(folder.path());
    assert!(holding(folder.path(), "because of ana").len() > 2);

    let ana = PersonId::parse("ana").unwrap();
    let terminal = Actor { person: None, account: None, via: "terminal".into() };
    let erased = ledger.erase(&ana, terminal.clone(), at(30)).await.unwrap();
    assert_eq!(erased.texts, 7);
    assert_eq!(holding(folder.path(), "because of ana"), [] as [PathBuf; 0]);
    assert_eq!(holding(folder.path(), "hello ana"), [] as [PathBuf; 0]);
    assert!(!holding(folder.path(), "because of bo").is_empty());
    let entries = ledger.read(0, 100).unwrap();
    assert!(entries[0].texts.is_empty() && entries[1].texts["reason"] == "because of bo, 1");
    assert_eq!(
        entries.iter().rev().take(2).map(|one| one.entry.kind.as_str()).collect::<Vec<_>>(),
        ["erasure.done", "erasure.begun"]
    );
    assert!(
        matches!(
            ledger
                .append(Append { seen: Some(Seen { id: "slack:0".into(), answer: json!(1) }), ..append("bo", 40) })
                .await,
            Ok(Outcome::SeenBefore(_))
        ),
        "what came is still known"
    );
    assert_eq!(ledger.erase(&ana, terminal, at(31)).await.unwrap().texts, 0);
    appended(&ledger, append("bo", 50)).await;
    ledger.close().await;
    assert!(export(folder.path()).starts_with(&before), "not one byte of an entry changed");
    assert_eq!(verify_with(folder.path(), evidence()).unwrap().entries, 18);
    let opened = open(folder.path());
    assert_eq!(opened.report, []);
    opened.ledger.close().await;
}

#[tokio::test]
async fn an_erasure_that_a_crash_cut_short_is_finished_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 5, "ana").await;
    let ledger = open(folder.path()).ledger;
    let terminal = Actor { person: None, account: None, via: "terminal".into() };
    let begun = Draft::new("erasure.begun", "erasure", terminal).with("person", "ana");
    ledger.append(Append { at: at(6), drafts: vec![begun], seen: None }).await.unwrap();
    ledger.close().await;
    assert!(!holding(folder.path(), "because of ana").is_empty());
    let ledger = open(folder.path()).ledger;
    ledger.finish_erasures(at(7)).await.unwrap();
    assert_eq!(holding(folder.path(), "because of ana"), [] as [PathBuf; 0]);
    let entries = ledger.len();
    ledger.finish_erasures(at(8)).await.unwrap();
    assert_eq!(ledger.len(), entries, "done is done");
    ledger.close().await;
    verify_with(folder.path(), evidence()).unwrap();
}

/// `python3`, where there is one.
fn python(arguments: &[&Path], key: &str) -> Option<(bool, String)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verify_ledger.py");
    let output = Command::new("python3").arg(script).args(arguments).arg(key).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[tokio::test]
async fn a_check_that_shares_no_code_agrees() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 11, "ana").await;
    let exported = folder.path().join("export.jsonl");
    fs::write(&exported, export(folder.path())).unwrap();
    let (notes, key) = (folder.path().join("checkpoints"), key().public().to_string());
    let Some((passes, said)) = python(&[&exported, &notes], &key) else {
        println!("skipped: there is no python3 here to check the ledger independently");
        return;
    };
    assert!(passes, "{said}");
    assert_eq!(said, "11 entries and 6 checkpoints are as they should be\n");
    let fails = |file: &Path, from: &str, to: &str| {
        let sound = fs::read_to_string(file).unwrap();
        assert!(sound.contains(from));
        fs::write(file, sound.replacen(from, to, 1)).unwrap();
        let (passes, said) = python(&[&exported, &notes], &key).unwrap();
        fs::write(file, sound).unwrap();
        assert!(!passes, "{said}");
        said
    };
    assert_eq!(fails(&exported, "\"number\":7", "\"number\":8"), "wrong: entry 8 does not follow the one before\n");
    assert_eq!(
        fails(&exported, "\"number\":10", "\"number\":11"),
        "wrong: the first 11 entries do not have the root of checkpoint 6\n"
    );
    assert_eq!(fails(&notes, "\n4\n", "\n3\n"), "wrong: the first 3 entries do not have the root of checkpoint 2\n");
    assert_eq!(
        fails(&notes, "levers.example.com\n2", "levers.example.org\n2"),
        "wrong: checkpoint 1 is not signed by this key\n"
    );
}

/// Bytes of every file of a small ledger changed in turn: some of them, or with `LEVERFRAME_EVERY_BYTE` all.
#[tokio::test]
async fn no_changed_byte_anywhere_loses_an_entry_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3, "ana").await;
    let whole = export(folder.path());
    let mut all = Vec::new();
    files(folder.path(), &mut all);
    #[expect(clippy::disallowed_methods, reason = "how much a long run tries is for whoever runs it to say")]
    let every = std::env::var_os("LEVERFRAME_EVERY_BYTE").is_some();
    let (mut healed, mut said) = (0, 0);
    for file in all {
        let bytes = fs::read(&file).unwrap();
        let is_derived = file.starts_with(folder.path().join("sled"));
        // The long form changes the journal's padding too, and every 512th byte of that of the store.
        let is_tried = |place: &usize| bytes[*place] != 0 || (every && (!is_derived || place.is_multiple_of(512)));
        let used: Vec<usize> = (0..bytes.len()).filter(is_tried).collect();
        let step = match (every, is_derived) {
            (true, _) => 1,
            (false, true) => (used.len() / 40).max(1),
            (false, false) => 7,
        };
        for place in used.into_iter().step_by(step) {
            let changed = copied(folder.path());
            let target = changed.path().join(file.strip_prefix(folder.path()).unwrap());
            let mut bytes = bytes.clone();
            bytes[place] ^= 0x55;
            fs::write(&target, bytes).unwrap();
            let opened = open(changed.path());
            let entries = opened.ledger.read(0, 100).unwrap();
            if opened.ledger.is_quarantined() {
                said += 1;
            } else {
                healed += 1;
                assert_eq!(entries.len(), 3, "byte {place} of {}", file.display());
                assert_eq!(export(changed.path()), whole, "byte {place} of {}", file.display());
            }
            opened.ledger.close().await;
        }
    }
    println!("{healed} changed bytes healed, {said} said");
    assert!(healed > 50 && said > 50, "{healed} healed, {said} said");
}

/// Each file of a small ledger cut at lengths in turn: some, or with `LEVERFRAME_EVERY_BYTE` all that hold something.
#[tokio::test]
async fn no_cut_anywhere_loses_an_entry_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3, "ana").await;
    let whole = export(folder.path());
    let mut all = Vec::new();
    files(folder.path(), &mut all);
    #[expect(clippy::disallowed_methods, reason = "how much a long run tries is for whoever runs it to say")]
    let every = std::env::var_os("LEVERFRAME_EVERY_BYTE").is_some();
    let (mut healed, mut said) = (0, 0);
    for file in all {
        let bytes = fs::read(&file).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        for cut in (0..used).step_by(if every { 1 } else { (used / 20).max(1) }) {
            let changed = copied(folder.path());
            let target = changed.path().join(file.strip_prefix(folder.path()).unwrap());
            fs::write(&target, &bytes[..cut]).unwrap();
            let opened = open(changed.path());
            match opened.ledger.is_quarantined() {
                true => said += 1,
                false => {
                    healed += 1;
                    assert_eq!(export(changed.path()), whole, "{} cut at {cut}", file.display());
                    assert_eq!(opened.ledger.read(0, 100).unwrap().len(), 3, "{} cut at {cut}", file.display());
                }
            }
            opened.ledger.close().await;
        }
    }
    println!("{healed} cuts healed, {said} said");
    assert!(healed > 20, "{healed} healed, {said} said");
}

#[tokio::test]
async fn a_ledger_cut_at_any_length_says_what_it_lost() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 4, "ana").await;
    let mut segments = Vec::new();
    files(&folder.path().join("journal"), &mut segments);
    let last = segments.iter().rfind(|file| fs::metadata(file).unwrap().len() > 0).unwrap();
    let bytes = fs::read(last).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for cut in 0..=used {
        // Without the store nobody can give back what was cut; the checkpoint still knows that it was there.
        let changed = tempfile::tempdir().unwrap();
        copy(&folder.path().join("journal"), &changed.path().join("journal"));
        fs::copy(folder.path().join("checkpoints"), changed.path().join("checkpoints")).unwrap();
        let target = changed.path().join("journal").join(last.file_name().unwrap());
        fs::OpenOptions::new().write(true).open(target).unwrap().set_len(cut as u64).unwrap();
        let opened = open(changed.path());
        let is_whole = opened.ledger.len() == 4;
        assert_eq!(opened.ledger.is_quarantined(), !is_whole, "cut at {cut}: {:?}", opened.report);
        assert!(is_whole || verify(changed.path()).is_err(), "cut at {cut}");
        opened.ledger.close().await;
    }
}
