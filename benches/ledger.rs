//! Durable entries per second with 1 and 64 writers: ours, with everything an entry is (salts, chain, tree, store),
//! beside SQLite (WAL, synchronous=FULL) and, where it is installed, PostgreSQL, and beside what the disk allows (a line
//! of the same length written over zeros and `fdatasync`, one after another), on the same disk in the same run; and how
//! long `verify` takes beside hashing alone, opening, and reading by subject (`entries=1000000` for more of them,
//! `in=FOLDER` to keep them for the next run, `read` to leave the writing out, `writers=N` for that many alone). The
//! baselines are scripts; without `LEVERFRAME_SHARED` they are absent.

use std::{
    error::Error,
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use leverframe::{
    core::entry::{Actor, Draft},
    ledger::{
        self, Append, Ledger, Opened, Outcome, Sizes,
        note::{Origin, SigningKey},
    },
};
use sha2::{Digest, Sha256};

type Outcomes<T> = Result<T, Box<dyn Error>>;

/// How long each turn of each contestant lasts. Many short ones: disks change their minds.
const TURN: Duration = Duration::from_secs(1);
const TURNS: usize = 7;
/// How many bytes one of these entries is in the journal.
const LINE_BYTES: usize = 709;
/// How often what is read or verified is.
const READINGS: usize = 3;
/// So many entries are verified and read, unless `entries=N` says otherwise.
const ENTRIES: usize = 200_000;
/// So many of them are one line of the journal, as when many write at once.
const LINE: usize = 500;
/// So many subjects are read.
const READ: usize = 1000;

fn main() -> Outcomes<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if !std::env::args().any(|argument| argument == "read") {
        written(&runtime)?;
    }
    let asked = std::env::args().find_map(|argument| argument.strip_prefix("entries=")?.parse().ok());
    let entries: usize = asked.unwrap_or(ENTRIES);
    let made = runtime.block_on(made(entries))?;
    runtime.block_on(opened(&made, entries))?;
    let [ours, least] = verified(&made)?;
    writeln!(
        io::stdout(),
        "verify {entries} entries: {ours:.2?}, hashing alone {least:.2?}: {:.2}x (limit: 3x)",
        ours.as_secs_f64() / least.as_secs_f64()
    )?;
    Ok(())
}

/// How many entries a second become durable.
fn written(runtime: &tokio::runtime::Runtime) -> Outcomes<()> {
    let named = std::env::args().find_map(|argument| argument.strip_prefix("writers=")?.parse().ok());
    for writers in named.map_or_else(|| vec![1_usize, 64], |writers| vec![writers]) {
        let mut rates: [Vec<f64>; 4] = Default::default();
        for _ in 0..TURNS {
            rates[0].push(runtime.block_on(ours(writers))?);
            rates[1].extend(sqlite(writers));
            rates[2].extend(postgres(writers));
            rates[3].extend(if writers == 1 { Some(raw()?) } else { None });
        }
        let [ours, sqlite, postgres, raw] = rates.map(median);
        writeln!(
            io::stdout(),
            "{writers:>2} writers: ours {:>8.0}/s   SQLite {}   PostgreSQL {}   (limit: 1.2x)   the disk alone {}",
            ours.unwrap_or_default(),
            told(ours, sqlite),
            told(ours, postgres),
            told(ours, raw)
        )?;
    }
    Ok(())
}

fn told(ours: Option<f64>, theirs: Option<f64>) -> String {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => format!("{theirs:>8.0}/s ({:.2}x)", ours / theirs),
        (_, None) | (None, _) => "absent".to_owned(),
    }
}

/// Lines a second that this disk takes from one who does nothing else, over zeros that are there.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn raw() -> Outcomes<f64> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![0; 16 << 20])?;
    file.sync_all()?;
    let (line, started) = ([b'x'; LINE_BYTES], Instant::now());
    let mut lines = 0_u32;
    while started.elapsed() < TURN {
        file.write_all_at(&line, u64::from(lines) * LINE_BYTES as u64)?;
        file.sync_data()?;
        lines += 1;
    }
    Ok(f64::from(lines) / started.elapsed().as_secs_f64())
}

fn append(number: i64) -> Append {
    let actor = Actor { person: None, account: Some("slack:U111".into()), via: "slack".into() };
    let draft = Draft::new("request.opened", format!("request/{number}"), actor);
    let draft = draft.with("number", number).with("service", "checkout").with_text("reason", "fixes the login");
    Append { at: Timestamp::UNIX_EPOCH, drafts: vec![draft], seen: None }
}

/// Entries per second that so many writers have acknowledged, each its next after its last.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn ours(writers: usize) -> Outcomes<f64> {
    let folder = tempfile::tempdir()?;
    let ledger = Ledger::open(folder.path(), Timestamp::UNIX_EPOCH)?.ledger;
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..writers {
        let ledger = ledger.clone();
        tasks.spawn(async move {
            let mut count = 0_u32;
            while started.elapsed() < TURN {
                if let Ok(Outcome::Appended(_)) = ledger.append(append(i64::from(count))).await {
                    count += 1;
                }
            }
            count
        });
    }
    let counts = tasks.join_all().await;
    let rate = f64::from(counts.iter().sum::<u32>()) / started.elapsed().as_secs_f64();
    ledger.close().await;
    Ok(rate)
}

fn script(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the baselines lie outside the project")]
    let shared = std::env::var_os("LEVERFRAME_SHARED")?;
    let path = Path::new(&shared).join("bench/durable").join(name);
    path.exists().then_some(path)
}

/// The rate in the last line that a baseline printed for so many writers.
fn rate(command: &mut Command, writers: usize) -> Option<f64> {
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let of_these =
        |line: &serde_json::Value| line.get("threads").and_then(serde_json::Value::as_u64) == Some(writers as u64);
    let mut lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.rfind(of_these)?.get("ops_s")?.as_f64()
}

fn sqlite(writers: usize) -> Option<f64> {
    let seconds = TURN.as_secs().to_string();
    rate(Command::new("python3").arg(script("append_py.py")?).args([&seconds, &writers.to_string()]), writers)
}

fn postgres(writers: usize) -> Option<f64> {
    let seconds = TURN.as_secs().to_string();
    rate(Command::new("bash").arg(script("pg.sh")?).args([&seconds, &writers.to_string()]), writers)
}

fn median(mut rates: Vec<f64>) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}

/// The ledger that is read: in a folder that is named, where a later run finds it again, or in one that goes.
struct Made {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

fn key() -> Outcomes<SigningKey> {
    let origin = Origin::parse("bench").ok_or("no origin")?;
    Ok(SigningKey::parse(&SigningKey::pem(&[7; 32]), origin)?)
}

fn open(folder: &Path) -> Outcomes<Opened> {
    Ok(Ledger::open_signed(folder, Timestamp::UNIX_EPOCH, &Sizes::default(), Some(key()?))?)
}

async fn made(entries: usize) -> Outcomes<Made> {
    let named = std::env::args().find_map(|argument| argument.strip_prefix("in=").map(PathBuf::from));
    let temporary = if named.is_none() { Some(tempfile::tempdir()?) } else { None };
    let path = named.or_else(|| temporary.as_ref().map(|folder| folder.path().to_owned())).ok_or("no folder")?;
    if !ledger::is_there(&path)? {
        let ledger = open(&path)?.ledger;
        for number in 0..entries / LINE {
            let drafts = (0..LINE).flat_map(|place| append((number * LINE + place) as i64).drafts).collect();
            ledger.append(Append { drafts, ..append(0) }).await?;
        }
        ledger.close().await;
    }
    Ok(Made { path, _temporary: temporary })
}

/// Megabytes that this process holds now.
fn memory() -> Outcomes<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    Ok(held.unwrap_or(0.0) / 1024.0)
}

/// How long opening takes at the first time, which reads everything, and at later ones, and what that holds.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn opened(made: &Made, entries: usize) -> Outcomes<()> {
    let mut out = io::stdout();
    let before = memory()?;
    for _ in 0..READINGS {
        let started = Instant::now();
        let opened = open(&made.path)?;
        let (took, unread) = (started.elapsed(), opened.unread);
        writeln!(
            out,
            "open {entries} entries: {took:.2?}, {unread} of them proven by what was signed, {:.0} MB more held",
            memory()? - before
        )?;
        opened.ledger.close().await;
    }
    let ledger = open(&made.path)?.ledger;
    let mut took = Vec::new();
    for read in 0..READ {
        let subject = format!("request/{}", (read * 7919) % entries);
        let started = Instant::now();
        if ledger.by_subject(&subject)?.len() != 1 {
            return Err(format!("{subject} is not found").into());
        }
        took.push(started.elapsed());
    }
    took.sort();
    let (middle, worst) = (took.get(READ / 2).copied(), took.last().copied());
    writeln!(
        out,
        "read by subject: {:.2?} in the middle, {:.2?} at worst (limit: 10 ms)",
        middle.unwrap_or_default(),
        worst.unwrap_or_default()
    )?;
    ledger.close().await;
    Ok(())
}

/// How long `verify` takes, and hashing the same entries once.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn verified(made: &Made) -> Outcomes<[Duration; 2]> {
    let mut exported = Vec::new();
    ledger::export_jsonl(&made.path, 0, &mut exported)?;
    let (mut ours, mut least) = (Duration::MAX, Duration::MAX);
    for _ in 0..READINGS {
        let started = Instant::now();
        ledger::verify(&made.path)?;
        ours = ours.min(started.elapsed());
        let started = Instant::now();
        // What nobody who verifies can leave out: each entry hashed for the chain and for the tree.
        for line in exported.split(|byte| *byte == b'\n') {
            std::hint::black_box((Sha256::digest(line), Sha256::new().chain_update([0]).chain_update(line).finalize()));
        }
        least = least.min(started.elapsed());
    }
    Ok([ours, least])
}
