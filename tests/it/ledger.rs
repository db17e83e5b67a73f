//! The ledger on real files: order, durability, damage. No entry that was acknowledged is lost in silence.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use leverframe::{
    core::entry::{Actor, Draft, Recorded, SaltedText},
    ledger::{
        Append, Finding, Ledger, LedgerError, Opened, Outcome, Seen, Sizes, State, export_jsonl, journal::Reader,
        verify,
    },
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Segments so small that a few entries fill one.
const SMALL: Sizes = Sizes { segment: 1024, cache: 1024 * 1024, compared_entries: 20_000, read_whole: u64::MAX };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn draft(number: i64) -> Draft {
    let actor = Actor { person: None, account: Some("slack:U111".into()), via: "slack".into() };
    let draft = Draft::new("request.opened", format!("request/{}", number % 3), actor);
    draft.with("number", number).with_text("reason", format!("reason \u{1F980} {number}\n"))
}

fn append(number: i64) -> Append {
    Append { at: at(number), drafts: vec![draft(number)], seen: None }
}

fn event(id: &str, number: i64) -> Append {
    Append { seen: Some(Seen { id: id.into(), answer: json!({ "text": number }) }), ..append(number) }
}

fn open(directory: &Path) -> Opened {
    Ledger::open_sized(directory, at(0), &SMALL).unwrap()
}

async fn appended(ledger: &Ledger, append: Append) -> Vec<Recorded> {
    match ledger.append(append).await.unwrap() {
        Outcome::Appended(recorded) => recorded,
        Outcome::SeenBefore(answer) => panic!("seen before: {answer}"),
    }
}

/// A closed ledger of so many entries, two to an append where that divides.
async fn filled(directory: &Path, entries: i64) {
    let ledger = open(directory).ledger;
    for number in 0..entries {
        appended(&ledger, append(number)).await;
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

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn export(directory: &Path, from: u64) -> String {
    let mut bytes = Vec::new();
    export_jsonl(directory, from, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The chain as an auditor would check it, sharing nothing with the ledger's code.
fn chain_holds(export: &str) -> usize {
    let mut prev = "0".repeat(64);
    for (seq, line) in export.lines().enumerate() {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert_eq!((entry["seq"].as_u64(), entry["prev"].as_str()), (Some(seq as u64), Some(prev.as_str())));
        prev = Sha256::digest(line).iter().map(|byte| format!("{byte:02x}")).collect();
    }
    export.lines().count()
}

#[tokio::test]
async fn what_is_appended_is_read_again_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).ledger;
    let both = Append { drafts: vec![draft(7), draft(8)], ..append(5) };
    let recorded = appended(&ledger, both).await;
    assert_eq!(recorded.iter().map(|one| one.entry.seq).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(recorded[0].texts["reason"], "reason \u{1F980} 7\n");
    assert_eq!(recorded[0].entry.body["reason"]["hash"].as_str().unwrap().len(), 64);
    assert_eq!(ledger.read(0, 10).unwrap(), recorded);
    assert_eq!(ledger.by_subject("request/2").unwrap(), recorded[1..]);
    ledger.set_note("card", b"C1").unwrap();
    let head = ledger.head();
    ledger.clone().close().await;
    assert_eq!(ledger.read(0, 1).unwrap_err(), LedgerError::Closed);
    assert_eq!(ledger.append(append(1)).await.unwrap_err(), LedgerError::Closed);

    let opened = open(folder.path());
    assert_eq!(opened.report, []);
    assert_eq!((opened.ledger.read(0, 10).unwrap(), opened.ledger.head()), (recorded, head));
    assert_eq!(opened.ledger.note("card").unwrap().as_deref(), Some(&b"C1"[..]));
    let later = appended(&opened.ledger, append(1)).await;
    assert_eq!(later[0].entry.time, "2026-11-18T11:06:45.000Z", "time does not go back");
    assert_eq!((opened.ledger.len(), later[0].entry.seq), (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_become_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).ledger;
    let one = |number: i64| {
        let ledger = ledger.clone();
        async move {
            let mut seqs = Vec::new();
            for round in 0..4 {
                let both = Append { drafts: vec![draft(number), draft(number)], ..append(round) };
                seqs.extend(appended(&ledger, both).await.iter().map(|one| one.entry.seq));
            }
            assert!(seqs.chunks(2).all(|pair| pair[0] + 1 == pair[1]), "an append stays together");
            assert!(seqs.is_sorted(), "one's appends stay in order");
            seqs
        }
    };
    let mut seqs: Vec<_> = futures::future::join_all((0..64).map(one)).await.into_iter().flatten().collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (0..512).collect::<Vec<_>>());
    assert_eq!(verify(folder.path()).unwrap().entries, 512, "while the ledger is open");
    assert_eq!(chain_holds(&export(folder.path(), 0)), 512);
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_at_once_is_appended_once() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).ledger;
    let deliveries = (0..16).map(|number| ledger.append(event("slack:1", number)));
    let mut answers = Vec::new();
    for outcome in futures::future::join_all(deliveries).await {
        match outcome.unwrap() {
            Outcome::Appended(recorded) => answers.push(json!({ "text": recorded[0].entry.body["number"] })),
            Outcome::SeenBefore(answer) => answers.push(answer),
        }
    }
    assert_eq!(ledger.len(), 1);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    ledger.close().await;

    let ledger = open(folder.path()).ledger;
    assert_eq!(ledger.seen("slack:1").await.unwrap().as_ref(), Some(&answers[0]));
    let day = 24 * 60 * 60;
    assert!(matches!(ledger.append(event("slack:1", day)).await.unwrap(), Outcome::SeenBefore(_)));
    appended(&ledger, event("slack:1", day + 60)).await;
    assert_eq!(ledger.seen("slack:1").await.unwrap(), Some(json!({ "text": day + 60 })), "a day later it is new");
    appended(&ledger, append(2 * day + 120)).await;
    assert_eq!(ledger.seen("slack:1").await.unwrap(), None);
}

#[tokio::test]
async fn an_event_without_entries_is_remembered_across_a_lost_store() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).ledger;
    for number in 0..40 {
        appended(&ledger, Append { drafts: Vec::new(), ..event(&format!("discord:{number}"), 1) }).await;
    }
    assert_eq!(ledger.len(), 0);
    ledger.close().await;
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    let opened = open(folder.path());
    assert_eq!(opened.ledger.seen("discord:39").await.unwrap(), Some(json!({ "text": 1 })));
    appended(&opened.ledger, append(1)).await;
    assert_eq!(verify(folder.path()).unwrap().entries, 1);
}

#[tokio::test]
async fn a_bad_draft_is_refused_and_its_neighbours_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).ledger;
    let bad = |draft: Draft| ledger.append(Append { drafts: vec![self::draft(1), draft], ..append(1) });
    let mut nulls = draft(1);
    nulls.body.insert("x".into(), json!([null]));
    for bad in [
        bad(draft(1).with("x", 0.5)),
        bad(draft(1).with("x", 1_u64 << 54)),
        bad(nulls),
        bad(draft(1).with("reason", 1)),
    ] {
        let (refused, taken) = futures::future::join(bad, ledger.append(append(1))).await;
        assert!(matches!(refused, Err(LedgerError::BadDraft { .. })), "{refused:?}");
        assert!(taken.is_ok());
    }
    assert_eq!(ledger.len(), 4);
}

#[tokio::test]
async fn a_second_open_is_refused_and_names_the_holder() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).ledger;
    let Err(refused) = Ledger::open(folder.path(), at(0)) else { panic!("two ledgers on one directory") };
    assert!(refused.to_string().ends_with(&format!("is held by process {}", std::process::id())), "{refused}");
    assert!(refused.remedy().contains("data"));
    first.close().await;
    open(folder.path());
}

#[tokio::test]
async fn a_full_disk_refuses_one_append_and_not_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).ledger;
    appended(&ledger, append(0)).await;
    // A folder stands where the next segment belongs: the write fails as on a full disk, for every user.
    let obstacle = folder.path().join(format!("journal/{:020}.ndjson", 1));
    fs::create_dir(&obstacle).unwrap();
    let refused = ledger.append(append(1)).await.unwrap_err();
    assert!(matches!(refused, LedgerError::NotWritten { .. }), "{refused:?}");
    assert_eq!((ledger.len(), ledger.read(0, 9).unwrap().len()), (1, 1));
    assert!(matches!(ledger.state(), State::Refusing { .. }), "it says so");
    assert!(ledger.tend().await.is_ok());
    fs::remove_dir(&obstacle).unwrap();
    assert_eq!(appended(&ledger, append(2)).await[0].entry.seq, 1);
    assert_eq!(verify(folder.path()).unwrap().entries, 2);
}

#[tokio::test]
async fn the_export_is_the_exact_bytes() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 9).await;
    let all = export(folder.path(), 0);
    assert_eq!(chain_holds(&all), 9);
    let rest: Vec<_> = all.lines().skip(6).collect();
    assert_eq!(export(folder.path(), 6).lines().collect::<Vec<_>>(), rest);
    assert!(files(&folder.path().join("journal")).len() > 2, "the journal has rolled");
    for (record, line) in Reader::open(folder.path()).unwrap().zip(all.lines()) {
        let record = record.unwrap();
        assert_eq!(record.bytes, line.as_bytes());
        assert_eq!(record.entry.bytes().unwrap(), record.bytes);
        let SaltedText { salt, text } = &record.texts["reason"];
        let salt = u128::from_str_radix(salt, 16).unwrap().to_be_bytes();
        let hash: String =
            Sha256::digest([&salt[..], text.as_bytes()].concat()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(record.entry.body["reason"]["hash"], hash);
    }
}

#[tokio::test]
async fn a_reader_follows_a_ledger_that_grows() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).ledger;
    let mut reader = Reader::open(folder.path()).unwrap();
    for number in 0..20 {
        assert!(reader.next().is_none());
        appended(&ledger, append(number)).await;
        assert_eq!(reader.next().unwrap().unwrap().entry.seq, number as u64);
    }
}

/// Complete lines, by an own count.
fn complete_lines(journal: &Path) -> u64 {
    files(journal).iter().map(|file| fs::read(file).unwrap().iter().filter(|byte| **byte == b'\n').count() as u64).sum()
}

#[tokio::test]
async fn a_journal_cut_at_any_byte_opens_with_every_complete_line() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3).await;
    let whole = export(folder.path(), 0);
    let segments = files(&folder.path().join("journal"));
    let last = segments.last().unwrap();
    let bytes = fs::read(last).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 3;
    for cut in (0..used).chain((used..=bytes.len()).step_by(100)) {
        let copied = tempfile::tempdir().unwrap();
        copy(&folder.path().join("journal"), &copied.path().join("journal"));
        let target = copied.path().join("journal").join(last.file_name().unwrap());
        fs::OpenOptions::new().write(true).open(&target).unwrap().set_len(cut as u64).unwrap();
        let expected = complete_lines(&copied.path().join("journal"));
        let ledger = open(copied.path()).ledger;
        let kept = ledger.len();
        assert!(kept == expected || kept == expected + 1, "cut at {cut}: {kept} of {expected}");
        assert_eq!(ledger.state(), State::Ready);
        assert!(whole.starts_with(&export(copied.path(), 0)));
        assert_eq!(appended(&ledger, append(90)).await[0].entry.seq, kept);
        ledger.close().await;
        assert_eq!(verify(copied.path()).unwrap().entries, kept + 1, "cut at {cut}");
    }
}

#[tokio::test]
async fn a_journal_cut_at_any_byte_gets_back_what_the_store_has() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3).await;
    let whole = export(folder.path(), 0);
    let last = files(&folder.path().join("journal")).pop().unwrap();
    for cut in (0..fs::read(&last).unwrap().len()).step_by(41) {
        let copied = tempfile::tempdir().unwrap();
        copy(folder.path(), copied.path());
        let target = copied.path().join("journal").join(last.file_name().unwrap());
        fs::OpenOptions::new().write(true).open(&target).unwrap().set_len(cut as u64).unwrap();
        open(copied.path()).ledger.close().await;
        assert_eq!(export(copied.path(), 0), whole, "cut at {cut}");
    }
}

#[tokio::test]
async fn a_record_that_lost_a_sector_to_a_power_cut_is_cut_only_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = Sizes { segment: 64 * 1024, ..SMALL };
    let ledger = Ledger::open_sized(folder.path(), at(0), &sizes).unwrap().ledger;
    for number in 0..2 {
        appended(&ledger, Append { drafts: vec![draft(number); 5], ..append(number) }).await;
    }
    ledger.close().await;
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    let file = files(&folder.path().join("journal")).remove(0);
    let sound = fs::read(&file).unwrap();
    let first = sound.iter().position(|byte| *byte == b'\n').unwrap();
    let lose = |sector: usize| {
        let mut bytes = sound.clone();
        bytes[sector * 512..(sector + 1) * 512].fill(0);
        fs::write(&file, bytes).unwrap();
        verify(folder.path())
    };
    assert_eq!(lose(1).unwrap_err().seq, 0, "before the end it is damage");
    let report = lose(first / 512 + 2).unwrap();
    assert!(report.entries == 5 && report.unfinished > 0);
    let opened = Ledger::open_sized(folder.path(), at(0), &sizes).unwrap();
    let found = &opened.report[..];
    assert!(matches!(found, [Finding::CaughtUp { entries: 5 }, Finding::TailCut { .. }]), "{found:?}");
    assert_eq!(appended(&opened.ledger, append(9)).await[0].entry.seq, 5);
    assert_eq!(verify(folder.path()).unwrap().entries, 6);
}

#[tokio::test]
async fn any_changed_byte_of_the_journal_is_detected_or_healed() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 2).await;
    let whole = export(folder.path(), 0);
    for file in files(&folder.path().join("journal")) {
        let bytes = fs::read(&file).unwrap();
        for place in 0..bytes.len() {
            let is_padding = bytes[place] == 0;
            if is_padding && place % 64 != 0 {
                continue;
            }
            let copied = tempfile::tempdir().unwrap();
            copy(&folder.path().join("journal"), &copied.path().join("journal"));
            let mut changed = bytes.clone();
            changed[place] ^= if place % 2 == 0 { 1 } else { 0x80 };
            fs::write(copied.path().join("journal").join(file.file_name().unwrap()), changed).unwrap();
            let verdict = verify(copied.path());
            assert_eq!(verdict.is_ok(), is_padding, "byte {place}: {verdict:?}");
            let opened = open(copied.path());
            assert!(!opened.report.is_empty(), "byte {place} of {}", file.display());
            let refused = opened.ledger.append(append(9)).await;
            assert_eq!(refused.is_err(), opened.ledger.is_quarantined());
            if let Err(error) = refused {
                assert!(matches!(error, LedgerError::ReadOnly { .. }) && error.remedy().contains("audit verify"));
            } else {
                assert!(export(copied.path(), 0).starts_with(&whole), "byte {place}");
            }
        }
    }
}

/// Rewrites the journal as somebody would who knows the checksum: only the chain tells.
fn forge(journal: &Path, from: &str, to: &str) {
    for file in files(journal) {
        let text = String::from_utf8(fs::read(&file).unwrap()).unwrap();
        let lines = text.split_inclusive('\n').map(|line| match line.strip_suffix('\n') {
            Some(line) if line.contains(from) => {
                let (_, covered) = line.split_at(18);
                let rest = covered.replacen(from, to, 1);
                format!("{{\"sum\":\"{:08x}\",{rest}\n", crc32fast::hash(rest.as_bytes()))
            }
            Some(_) | None => line.to_owned(),
        });
        fs::write(&file, lines.collect::<String>()).unwrap();
    }
}

#[tokio::test]
async fn verify_names_the_first_bad_entry() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).ledger;
    for number in 0..3 {
        let drafts = (0..4).map(|place| draft(10 * number + place)).collect();
        appended(&ledger, Append { drafts, ..append(number) }).await;
    }
    ledger.close().await;
    let named = |from: &str, to: &str| {
        let copied = tempfile::tempdir().unwrap();
        copy(folder.path(), copied.path());
        forge(&copied.path().join("journal"), from, to);
        verify(copied.path()).unwrap_err().seq
    };
    let entry = |number: u64, seq: u64| (format!("\"number\":{number},"), seq);
    for (from, seq) in [entry(0, 0), entry(2, 2), entry(3, 3), entry(10, 4), entry(12, 6), entry(23, 11)] {
        assert_eq!(named(&from, "\"number\":5,"), seq);
        assert_eq!(named(&from, "\"number\":\","), seq - seq % 4, "not even JSON");
    }
    assert_eq!(named("\"seq\":6", "\"seq\":5"), 6);
    assert_eq!(named("\u{1F980} 12\\n", "\u{1F980} 13\\n"), 6, "a text");
    let segments = files(&folder.path().join("journal"));
    fs::remove_file(&segments[1]).unwrap();
    let missing = verify(folder.path()).unwrap_err();
    assert_eq!((missing.seq, missing.why.as_str()), (4, "entries 4 to 7 are missing"));
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    let opened = open(folder.path());
    assert!(opened.ledger.is_quarantined());
    assert_eq!(opened.ledger.read(0, 100).unwrap().len(), 4, "what is sound can be read");
}

#[tokio::test]
async fn a_store_that_is_gone_behind_or_garbage_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 4).await;
    let behind = tempfile::tempdir().unwrap();
    copy(&folder.path().join("sled"), &behind.path().join("sled"));
    let ledger = open(folder.path()).ledger;
    for number in 4..9 {
        appended(&ledger, append(number)).await;
    }
    let truth = ledger.read(0, 100).unwrap();
    let subject = ledger.by_subject("request/1").unwrap();
    ledger.close().await;

    let store = folder.path().join("sled");
    let replace = |with: &dyn Fn()| {
        fs::remove_dir_all(&store).unwrap();
        with();
        let opened = open(folder.path());
        assert_eq!(opened.ledger.read(0, 100).unwrap(), truth);
        assert_eq!(opened.ledger.by_subject("request/1").unwrap(), subject);
        opened
    };
    let gone = replace(&|| {});
    assert_eq!(gone.report, [Finding::CaughtUp { entries: 9 }]);
    gone.ledger.close().await;
    let caught_up = replace(&|| copy(&behind.path().join("sled"), &store));
    assert_eq!(caught_up.report, [Finding::CaughtUp { entries: 5 }]);
    caught_up.ledger.close().await;
    let garbage = replace(&|| {
        fs::create_dir(&store).unwrap();
        fs::write(store.join("db"), "garbage".repeat(1000)).unwrap();
        fs::write(store.join("conf"), "garbage").unwrap();
    });
    assert!(!garbage.report.is_empty());
    garbage.ledger.close().await;
    let other = tempfile::tempdir().unwrap();
    filled(other.path(), 12).await;
    let different = replace(&|| copy(&other.path().join("sled"), &store));
    let [Finding::Rebuilt { entries: 9, kept_in, .. }] = &different.report[..] else {
        panic!("{:?}", different.report)
    };
    assert!(kept_in.ends_with("sled.damaged-20261118T110640Z") && kept_in.join("db").exists());
    different.ledger.close().await;
}

#[tokio::test]
async fn a_changed_byte_of_the_store_never_changes_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 30).await;
    let ledger = open(folder.path()).ledger;
    let truth = (ledger.read(0, 100).unwrap(), ledger.by_subject("request/2").unwrap());
    ledger.close().await;
    let bytes = fs::read(folder.path().join("sled/db")).unwrap();
    let used: Vec<usize> = (0..bytes.len()).filter(|place| bytes[*place] != 0).collect();
    for place in used.iter().step_by((used.len() / 60).max(1)) {
        let copied = tempfile::tempdir().unwrap();
        copy(folder.path(), copied.path());
        let mut changed = bytes.clone();
        changed[*place] ^= 0x55;
        fs::write(copied.path().join("sled/db"), changed).unwrap();
        let opened = open(copied.path());
        let ledger = &opened.ledger;
        let read = (ledger.read(0, 100).unwrap(), ledger.by_subject("request/2").unwrap());
        assert_eq!(read, truth, "byte {place}: {:?}", opened.report);
        opened.ledger.close().await;
    }
}

#[tokio::test]
async fn a_hole_found_while_reading_is_answered_from_the_journal_and_mended_later() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 9).await;
    let ledger = open(folder.path()).ledger;
    let truth = (ledger.read(2, 5).unwrap(), ledger.by_subject("request/1").unwrap());
    ledger.close().await;
    let store = sled::open(folder.path().join("sled")).unwrap();
    store.open_tree("entries").unwrap().remove(4_u64.to_be_bytes()).unwrap();
    drop(store);
    let sizes = Sizes { compared_entries: 0, ..SMALL };
    let opened = Ledger::open_sized(folder.path(), at(0), &sizes).unwrap();
    assert_eq!(opened.report, [], "only the last entry was looked at");
    assert_eq!((opened.ledger.read(2, 5).unwrap(), opened.ledger.by_subject("request/1").unwrap()), truth);
    opened.ledger.close().await;
    let mended = open(folder.path());
    assert!(matches!(&mended.report[..], [Finding::Rebuilt { entries: 9, .. }]), "{:?}", mended.report);
    mended.ledger.close().await;
    assert_eq!(open(folder.path()).report, []);
}

#[test]
fn every_error_has_a_remedy() {
    use leverframe::ledger::JournalError;
    let text = || "x".to_owned();
    let errors = [
        LedgerError::Held { directory: text(), pid: None },
        LedgerError::File { doing: "write", path: text(), cause: text() },
        LedgerError::NotWritten { cause: text() },
        LedgerError::ReadOnly { why: text() },
        LedgerError::BadDraft { kind: text(), why: text() },
        LedgerError::NoRandomness,
        LedgerError::Store { cause: text() },
        LedgerError::Journal(JournalError::Unreadable { path: text(), cause: text() }),
        LedgerError::Journal(JournalError::Damaged { seq: 1, segment: text(), offset: 2, why: text() }),
        LedgerError::Closed,
    ];
    for error in errors {
        assert!(error.remedy().ends_with('.'), "{error}");
    }
}
