//! Opens a ledger: takes the lock, walks the journal, and makes the store agree with it. Of a large one only the end is
//! walked, where that leads to the root that was signed last; [`Parts::unread`] says so.
//! The journal is the truth. Where the store holds entries that the journal lost, and they follow on, they are given back.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    comparison::Comparison,
    edges, erasure,
    error::{JournalError, LedgerError},
    finding::Finding,
    journal::{self, Lines, Position, Tail, folder},
    line::{self, Batch, Header, Sealed},
    note::PublicKey,
    segments::{Segments, sync_folder},
    store::{Store, StoreError},
    tally::Tally,
    tree::{self, Edge},
};
use crate::core::entry::{Entry, NO_PREVIOUS};

/// Sizes of a ledger's parts, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// How much of the journal is made ready at a time.
    pub segment: u64,
    /// How much of the store is kept in memory.
    pub cache: u64,
    /// So many of the newest entries are compared with the store when it opens.
    pub compared_entries: u64,
    /// A journal of no more bytes is read whole when it opens.
    pub read_whole: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        let mebibyte = 1024 * 1024;
        Self { segment: 4 * mebibyte, cache: 32 * mebibyte, compared_entries: 20_000, read_whole: 16 * mebibyte }
    }
}

/// Where the chain stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    /// `seq` of the next entry.
    pub(crate) next: u64,
    /// Its `prev`.
    pub(crate) hash: String,
    /// The earliest time it may have.
    pub(crate) time: Timestamp,
}

/// A ledger whose parts agree.
pub(crate) struct Parts {
    pub(crate) lock: File,
    pub(crate) store: Store,
    /// Absent in quarantine.
    pub(crate) segments: Option<Segments>,
    pub(crate) chain: Chain,
    pub(crate) tree: Edge,
    pub(crate) report: Vec<Finding>,
    /// So many of its first entries were not read.
    pub(crate) unread: u64,
}

/// The folder of the store.
pub(crate) fn store_folder(directory: &Path) -> PathBuf {
    directory.join("sled")
}

/// A file whose presence says that the store failed while it was read, so that the next start rebuilds it.
pub(crate) fn distrust_mark(directory: &Path) -> PathBuf {
    directory.join("sled.distrusted")
}

/// Opens or creates the ledger in `directory`, whose last checkpoint may be signed with `key`.
pub(crate) fn open(
    directory: &Path,
    at: Timestamp,
    sizes: &Sizes,
    key: Option<&PublicKey>,
) -> Result<Parts, LedgerError> {
    let journal = folder(directory);
    std::fs::create_dir_all(&journal).map_err(LedgerError::file("create", &journal))?;
    let lock = lock(directory)?;
    sync_folder(directory).map_err(LedgerError::file("write", directory))?;
    erasure::resume(directory)?;
    let (store, why) = open_store(directory, sizes);
    let quick = key.and_then(|key| quick_walk(directory, sizes, store.as_ref(), key));
    let unread = quick.as_ref().map_or(0, |(_, walk)| walk.first);
    let (mut tally, walk) = match quick {
        Some(quick) => quick,
        None => whole_walk(directory, sizes, (store.as_ref(), why))?,
    };
    let (store, report) = settle(directory, at, sizes, store, &walk)?;
    let chain = Chain { next: walk.next, hash: walk.hash.clone(), time: last_time(&store)? };
    let mut parts = Parts { lock, store, segments: None, chain, tree: Edge::default(), report, unread };
    match &walk.damage {
        Some(damage) => parts.report.push(Finding::Quarantined { why: damage.to_string() }),
        None => parts.make_writable(directory, sizes, &walk, &mut tally)?,
    }
    if let (Some(why), None) = (tally.verdict(), &walk.damage) {
        parts.report.push(Finding::Quarantined { why });
    }
    parts.tree = tally.tree;
    Ok(parts)
}

fn whole_walk(
    directory: &Path,
    sizes: &Sizes,
    (store, why): (Option<&Store>, Option<String>),
) -> Result<(Tally, Walk), LedgerError> {
    let mut tally = Tally::of(directory);
    let walk = walk(directory, 0, Comparison::new(store, why, sizes.compared_entries), &mut tally)?;
    if walk.damage.is_none() {
        tally.keep_edges(directory);
    }
    Ok((tally, walk))
}

/// Walks over the end of a large journal, from the beginning of a segment that both the last checkpoint and the store
/// reach. `None` where that proves nothing, so that all of it must be read.
fn quick_walk(directory: &Path, sizes: &Sizes, store: Option<&Store>, key: &PublicKey) -> Option<(Tally, Walk)> {
    let (_, last) = (store?, store?.last().ok()??);
    let segments = journal::segments(&folder(directory)).ok()?;
    if journal::bytes(directory, &segments)? <= sizes.read_whole {
        return None;
    }
    let reached = Tally::of(directory).signed()?.min(last.0);
    let sizes_there: Vec<u64> = segments.into_iter().filter(|first| *first <= reached).collect();
    let edge = edges::last_of(directory, &sizes_there);
    let first = edge.size();
    let mut tally = Tally::starting_at(directory, edge, key).filter(|_| first > 0)?;
    let walk = walk(directory, first, Comparison::new(store, None, sizes.compared_entries), &mut tally).ok()?;
    (walk.damage.is_none() && walk.next > first && tally.is_proven()).then_some((tally, walk))
}

/// Opens the store and brings it up to the journal.
pub(crate) fn store(directory: &Path, at: Timestamp, sizes: &Sizes) -> Result<(Store, Vec<Finding>), LedgerError> {
    let (store, why) = open_store(directory, sizes);
    let (_, walk) = whole_walk(directory, sizes, (store.as_ref(), why))?;
    settle(directory, at, sizes, store, &walk)
}

impl Parts {
    fn make_writable(
        &mut self,
        directory: &Path,
        sizes: &Sizes,
        walk: &Walk,
        tally: &mut Tally,
    ) -> Result<(), LedgerError> {
        let segments = Segments::open(directory, walk.end, walk.tail, sizes.segment)?;
        self.report.extend(tail_finding(walk.tail));
        if let Tail::Unterminated { .. } | Tail::Altered { .. } = walk.tail {
            // The line is whole by its checksum; the segments have ended it with its newline.
            self.take_completed(directory, tally)?;
        }
        self.restore(segments, tally)?;
        self.chain.time = last_time(&self.store)?;
        Ok(())
    }

    /// Reads the line that was completed at the end of the journal, and gives it to the store.
    fn take_completed(&mut self, directory: &Path, tally: &mut Tally) -> Result<(), LedgerError> {
        let mut lines = Lines::open(directory, self.chain.next)?;
        while let Some(header) = lines.advance()? {
            if header.first >= self.chain.next {
                let batch = Batch::decode(&header, lines.bytes()).map_err(|why| lines.damaged(why))?;
                batch.entries.iter().for_each(|entry| tally.push(tree::leaf(&entry.bytes)));
                self.store.apply(&[batch]).map_err(store_error)?;
                (self.chain.next, self.chain.hash) = (header.next(), header.hash);
            }
        }
        Ok(())
    }

    /// Writes back what the journal lost and the store still has; the comparison has seen that each entry follows.
    fn restore(&mut self, mut segments: Segments, tally: &mut Tally) -> Result<(), LedgerError> {
        let before = self.chain.next;
        while let Some(bytes) = self.store.entry(self.chain.next).map_err(store_error)? {
            let batch = batch_of(&self.store, bytes, &self.chain)?;
            let line = batch.encode().map_err(StoreError::new).map_err(store_error)?;
            let written = segments.append(self.chain.next, &line);
            written.map_err(|failure| LedgerError::NotWritten { cause: failure.to_string() })?;
            batch.entries.iter().for_each(|entry| tally.push(tree::leaf(&entry.bytes)));
            (self.chain.next, self.chain.hash) = (batch.header.next(), batch.header.hash);
        }
        if self.chain.next > before {
            self.report.push(Finding::Restored { entries: self.chain.next - before });
        }
        self.segments = Some(segments);
        Ok(())
    }
}

fn tail_finding(tail: Tail) -> Option<Finding> {
    match tail {
        Tail::Clean => None,
        Tail::Unfinished { bytes } => Some(Finding::TailCut { bytes }),
        Tail::Unterminated { .. } | Tail::Altered { .. } => Some(Finding::TailCompleted),
    }
}

fn store_error(error: StoreError) -> LedgerError {
    LedgerError::Store { cause: error.to_string() }
}

fn last_time(store: &Store) -> Result<Timestamp, LedgerError> {
    let Some((_, bytes)) = store.last().map_err(store_error)? else { return Ok(Timestamp::MIN) };
    let entry: Result<Entry, _> = serde_json::from_slice(&bytes);
    Ok(entry.ok().and_then(|entry| entry.at().ok()).unwrap_or(Timestamp::MIN))
}

/// Takes the lock of the directory, which goes with the file, however the process ends.
fn lock(directory: &Path) -> Result<File, LedgerError> {
    let path = directory.join("lock");
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = file.map_err(LedgerError::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(LedgerError::Held { directory: directory.display().to_string(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(LedgerError::file("lock", &path)(error)),
    }
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(LedgerError::file("write", &path))?;
    Ok(file)
}

/// What a walk over the whole journal found.
struct Walk {
    /// Where it began.
    first: u64,
    next: u64,
    hash: String,
    end: Option<Position>,
    tail: Tail,
    damage: Option<JournalError>,
    /// Entries that the store lacked and got.
    caught_up: u64,
    /// Why the store cannot be used.
    distrust: Option<String>,
}

/// The store, or why it cannot be used.
fn open_store(directory: &Path, sizes: &Sizes) -> (Option<Store>, Option<String>) {
    let opened = match std::fs::read_to_string(distrust_mark(directory)) {
        Ok(why) => Err(why),
        Err(_) => Store::open(&store_folder(directory), sizes.cache).map_err(|error| error.to_string()),
    };
    match opened {
        Ok(store) => (Some(store), None),
        Err(why) => (None, Some(why)),
    }
}

/// Walks from the beginning of a segment to the end.
fn walk(directory: &Path, first: u64, mut comparison: Comparison<'_>, tally: &mut Tally) -> Result<Walk, LedgerError> {
    let mut lines = Lines::open(directory, first)?;
    let mut segment = None;
    let damage = loop {
        match lines.advance() {
            Ok(None) => break None,
            Ok(Some(header)) => {
                let current = lines.position().map(|position| position.segment);
                if segment != current {
                    segment = current;
                    tally.note_segment();
                }
                tally.take(&header, lines.bytes());
                comparison.take(&header, lines.bytes());
            }
            Err(damage @ JournalError::Damaged { .. }) => break Some(damage),
            Err(error @ JournalError::Unreadable { .. }) => return Err(error.into()),
        }
    };
    let (next, hash) = lines.head();
    let hash = hash.unwrap_or(NO_PREVIOUS).to_owned();
    comparison.finish(next, &hash, damage.as_ref());
    let (caught_up, distrust) = (comparison.caught_up, comparison.distrust);
    Ok(Walk { first, next, hash, end: lines.position(), tail: lines.tail(), damage, caught_up, distrust })
}

/// Gives back a store that agrees with the journal, a new one where the old one does not.
fn settle(
    directory: &Path,
    at: Timestamp,
    sizes: &Sizes,
    store: Option<Store>,
    walk: &Walk,
) -> Result<(Store, Vec<Finding>), LedgerError> {
    let why = match (store, &walk.distrust) {
        (Some(store), None) => {
            let caught_up = (walk.caught_up > 0).then_some(Finding::CaughtUp { entries: walk.caught_up });
            return Ok((store, caught_up.into_iter().collect()));
        }
        (store, why) => {
            // It writes to its path when it goes, so it must be gone before another one is there.
            if let Some(store) = store {
                store.close();
            }
            why.clone().unwrap_or_default()
        }
    };
    let kept_in = set_aside(directory, at)?;
    let store = Store::open(&store_folder(directory), sizes.cache).map_err(store_error)?;
    let entries = rebuild(directory, &store)?;
    store.flush().map_err(store_error)?;
    let _ = std::fs::remove_file(distrust_mark(directory));
    Ok((store, vec![Finding::Rebuilt { entries, why, kept_in }]))
}

fn set_aside(directory: &Path, at: Timestamp) -> Result<PathBuf, LedgerError> {
    let (from, time) = (store_folder(directory), at.strftime("%Y%m%dT%H%M%SZ"));
    let names =
        std::iter::once(format!("sled.damaged-{time}")).chain((2..).map(|n| format!("sled.damaged-{time}-{n}")));
    let free = names.map(|name| directory.join(name)).find(|path| !path.exists());
    let to = free.unwrap_or_else(|| directory.join("sled.damaged"));
    match std::fs::rename(&from, &to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(LedgerError::file("rename", &from)(error)),
        Ok(()) | Err(_) => Ok(to),
    }
}

/// Fills an empty store from the journal, as far as that can be read.
fn rebuild(directory: &Path, store: &Store) -> Result<u64, LedgerError> {
    let mut comparison = Comparison::new(Some(store), None, 0);
    let mut lines = Lines::open(directory, 0)?;
    while let Ok(Some(header)) = lines.advance() {
        comparison.take(&header, lines.bytes());
    }
    let (next, hash) = lines.head();
    comparison.finish(next, hash.unwrap_or(NO_PREVIOUS), None);
    match comparison.distrust {
        Some(cause) => Err(LedgerError::Store { cause }),
        None => Ok(comparison.caught_up),
    }
}

fn batch_of(store: &Store, bytes: Vec<u8>, chain: &Chain) -> Result<Batch, LedgerError> {
    let entry: Entry = serde_json::from_slice(&bytes).map_err(StoreError::new).map_err(store_error)?;
    let mut texts = BTreeMap::new();
    for (_, hash) in line::text_hashes(&entry.body) {
        if let Some(text) = store.text(hash).map_err(store_error)? {
            texts.insert(hash.to_owned(), text);
        }
    }
    let header = Header { first: chain.next, count: 1, prev: chain.hash.clone(), hash: line::hash(&bytes) };
    let sealed = Sealed { seq: chain.next, subject: entry.subject, bytes };
    Ok(Batch { header, entries: vec![sealed], texts, seen: Vec::new() })
}
