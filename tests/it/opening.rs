//! The start of a large ledger: only its end is read, where that leads to what was signed, and whatever is wrong with the
//! rest is found behind the start.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use leverframe::{
    core::entry::{Actor, Draft},
    ledger::{
        self, Anchor, Append, Ledger, Opened, Sizes, State,
        note::{Origin, SigningKey, TreeHead},
        tree::Hash,
    },
};

/// Segments so small that a few entries fill one, and every journal is a large one.
const LARGE: Sizes = Sizes { segment: 2048, cache: 1024 * 1024, compared_entries: 20_000, read_whole: 0 };
const ENTRIES: u64 = 40;

fn open_with(directory: &Path, key: u8) -> Opened {
    let key = SigningKey::parse(&SigningKey::pem(&[key; 32]), Origin::parse("bot").unwrap()).unwrap();
    Ledger::open_signed(directory, Timestamp::UNIX_EPOCH, &LARGE, Some(key)).unwrap()
}

fn open(directory: &Path) -> Opened {
    open_with(directory, 7)
}

async fn add(ledger: &Ledger, number: u64) {
    let actor = Actor { person: None, account: Some("slack:U1".into()), via: "slack".into() };
    let draft = Draft::new("test", format!("request/{number}"), actor).with_text("reason", format!("reason {number}"));
    ledger.append(Append { at: Timestamp::UNIX_EPOCH, drafts: vec![draft], seen: None }).await.unwrap();
}

async fn filled(directory: &Path) -> String {
    let ledger = open(directory).ledger;
    for number in 0..ENTRIES {
        add(&ledger, number).await;
    }
    ledger.close().await;
    export(directory)
}

fn export(directory: &Path) -> String {
    let mut out = Vec::new();
    ledger::export_jsonl(directory, 0, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory.join("journal")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 4);
    files
}

/// Changes one digit within the texts of a segment, as somebody would who knows the checksum or, without one, as a
/// failing disk would.
fn change(segment: &Path, with_checksum: bool) {
    let text = fs::read_to_string(segment).unwrap();
    let (line, rest) = text.split_once('\n').unwrap();
    let covered = line.split_at(18).1.replacen("reason ", "reasoN ", 1);
    let sum = crc32fast::hash(covered.as_bytes()) ^ u32::from(!with_checksum);
    fs::write(segment, format!("{{\"sum\":\"{sum:08x}\",{covered}\n{rest}")).unwrap();
}

#[tokio::test]
async fn a_large_ledger_opens_by_its_end_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let opened = open(folder.path());
    assert!(opened.unread > ENTRIES / 2 && opened.unread < ENTRIES, "{}", opened.unread);
    assert_eq!((opened.report, opened.ledger.len()), (Vec::new(), ENTRIES));
    add(&opened.ledger, ENTRIES).await;
    assert_eq!(opened.ledger.read(0, 100).unwrap().len() as u64, ENTRIES + 1);
    opened.ledger.prove(&|| false);
    assert_eq!(opened.ledger.state(), State::Ready);
    let head = opened.ledger.head_at(ENTRIES + 1).await.unwrap();
    opened.ledger.close().await;
    assert_eq!(ledger::verify(folder.path()).unwrap().tree, head);

    // Without its store, without a checkpoint of its key, without what was kept of the tree, all of it is read.
    for (without, key) in [("sled", 7), ("", 8), ("edges", 7)] {
        let path = folder.path().join(without);
        match without {
            "" => {}
            _ if path.is_dir() => fs::remove_dir_all(&path).unwrap(),
            _ => fs::remove_file(&path).unwrap(),
        }
        let opened = open_with(folder.path(), key);
        assert_eq!((opened.unread, opened.ledger.len()), (0, ENTRIES + 1), "without {without}");
        opened.ledger.close().await;
        let opened = open(folder.path());
        assert!(opened.unread > 0, "after {without}");
        opened.ledger.close().await;
    }
}

#[tokio::test]
async fn what_is_wrong_at_the_end_is_found_at_the_start() {
    for with_checksum in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path()).await;
        let segments = segments(folder.path());
        change(
            segments.iter().rev().find(|segment| fs::read(segment).unwrap().contains(&b'r')).unwrap(),
            with_checksum,
        );
        let opened = open(folder.path());
        // A text is no part of the tree: with its checksum it is a matter for `prove`.
        assert!(opened.unread == 0, "what is not sound proves nothing");
        assert_eq!(opened.ledger.is_quarantined(), !with_checksum);
        opened.ledger.prove(&|| false);
        assert!(opened.ledger.is_quarantined());
        opened.ledger.close().await;
    }
}

#[tokio::test]
async fn what_is_wrong_further_back_is_found_behind_the_start() {
    for with_checksum in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path()).await;
        change(&segments(folder.path())[1], with_checksum);
        let opened = open(folder.path());
        assert!(opened.unread > 0 && opened.ledger.state() == State::Ready);
        add(&opened.ledger, ENTRIES).await;
        opened.ledger.prove(&|| false);
        let State::ReadOnly { why } = opened.ledger.state() else { panic!("{:?}", opened.ledger.state()) };
        assert!(why.starts_with("entry "), "{why}");
        opened.ledger.close().await;
    }
}

#[tokio::test]
async fn edges_that_somebody_changed_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let whole = filled(folder.path()).await;
    let path = folder.path().join("edges");
    let sound = fs::read_to_string(&path).unwrap();
    assert!(sound.lines().count() > 3);
    let anchor = |size: u64, root: Hash| Anchor { head: TreeHead { size, root }, found: "elsewhere".into() };
    let kept = ledger::checkpoints(folder.path()).unwrap().pop().unwrap().head;
    for place in (0..sound.len()).step_by(29) {
        let mut changed = sound.clone().into_bytes();
        changed[place] ^= 1;
        fs::write(&path, changed).unwrap();
        assert_eq!(ledger::disagreement(folder.path(), vec![anchor(kept.size, kept.root)]).unwrap(), None);
        assert!(ledger::disagreement(folder.path(), vec![anchor(kept.size, Hash([1; 32]))]).unwrap().is_some());
        let opened = open(folder.path());
        assert_eq!((opened.ledger.state(), opened.ledger.len()), (State::Ready, ENTRIES), "byte {place}");
        opened.ledger.close().await;
        assert_eq!(export(folder.path()), whole);
        ledger::verify(folder.path()).unwrap();
    }
}
