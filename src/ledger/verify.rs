//! Reads the whole journal again and trusts nothing of it: checksums, order, links, hashes of entries and of texts.
//! Needs no lock, writes nothing, and holds a few lines at a time. `sweep.rs` says quickly that all is sound; where it
//! does not, it is gone through once more, entry by entry, to name the first bad one.

use std::{
    io::{self, Write},
    path::Path,
};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    anchor::{Anchor, Watch},
    checkpoints::checkpoints,
    error::JournalError,
    journal::{Lines, Tail},
    line::{self, Header},
    note::{Checkpoint, PublicKey, TreeHead},
    sweep::{Swept, sweep},
};
use crate::core::{entry::NO_PREVIOUS, entry::SaltedText, names::hex};

/// What a sound ledger holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// How many entries.
    pub entries: u64,
    /// Hexadecimal SHA-256 of the last entry's bytes; 64 zeros when there is none.
    pub head: String,
    /// The head of the tree over all entries.
    pub tree: TreeHead,
    /// How many checkpoints lie beside the journal; each was met.
    pub checkpoints: usize,
    /// How many of their signatures were checked: all, or none where no key was given.
    pub signatures: usize,
    /// How many anchors from outside were met.
    pub anchors: usize,
    /// Bytes after the last record that are none yet: one being written, or cut short by a crash.
    pub unfinished: u64,
}

/// The first thing that is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} is not as it was written: {why}")]
pub struct Broken {
    /// The first bad entry.
    pub seq: u64,
    /// What is wrong with it.
    pub why: String,
}

impl Broken {
    /// One sentence that names what to do.
    pub fn remedy(&self) -> String {
        format!(
            "Restore the journal from a backup or from where it is shipped, and find out who could change entry {} on this machine.",
            self.seq
        )
    }
}

/// What a ledger is held against, beside itself.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The keys of whom checkpoints must be signed by, one of them each; none: signatures are not looked at.
    pub keys: Vec<PublicKey>,
    /// Heads of the tree that were seen outside.
    pub anchors: Vec<Anchor>,
}

/// Checks the ledger in `directory`, also while a server writes to it, without any key.
///
/// # Errors
/// As [`verify_with`].
pub fn verify(directory: &Path) -> Result<VerifyReport, Broken> {
    verify_with(directory, Evidence::default())
}

/// Checks the ledger in `directory`, also while a server writes to it: every entry, every checkpoint beside it, and
/// every anchor.
///
/// # Errors
/// The first bad entry, or a file that cannot be read.
pub fn verify_with(directory: &Path, evidence: Evidence) -> Result<VerifyReport, Broken> {
    let kept = checkpoints(directory).map_err(broken)?;
    let Evidence { keys, anchors } = evidence;
    check_signatures(&kept, &keys)?;
    let (signatures, outside) = (if keys.is_empty() { 0 } else { kept.len() }, anchors.len());
    let of_notes = kept.iter().enumerate().map(|(number, one)| Anchor { head: one.head, found: found(number) });
    let all: Vec<Anchor> = of_notes.chain(anchors).collect();
    let (checkpoints, hands) = (kept.len(), std::thread::available_parallelism().map_or(1, |hands| hands.get() as u64));
    if let Some(Swept { hash, watch, unfinished }) = sweep(directory, Watch::new(all.clone()), hands, &|| false) {
        let tree = TreeHead { size: watch.tree().size(), root: watch.tree().root() };
        let (entries, head) = (tree.size, hash.to_string());
        return Ok(VerifyReport { entries, head, tree, checkpoints, signatures, anchors: outside, unfinished });
    }
    let mut check = Check { next: 0, hash: NO_PREVIOUS.to_owned(), time: String::new(), watch: Watch::new(all) };
    let unfinished = check.journal(directory)?;
    if let Some((seq, why)) = check.watch.verdict() {
        return Err(Broken { seq, why });
    }
    let tree = TreeHead { size: check.watch.tree().size(), root: check.watch.tree().root() };
    let (entries, head) = (check.next, check.hash);
    Ok(VerifyReport { entries, head, tree, checkpoints, signatures, anchors: outside, unfinished })
}

/// Checks the ledger in `directory` beside the server that holds it, with one thread; the signatures aside, which its own
/// key and earlier ones made.
pub(crate) fn prove(directory: &Path, is_stopping: &dyn Fn() -> bool) -> Result<(), Broken> {
    let of_notes = checkpoints(directory).map_err(broken)?.into_iter().enumerate();
    let of_notes = of_notes.map(|(number, one)| Anchor { head: one.head, found: found(number) });
    let is_sound = sweep(directory, Watch::new(of_notes.collect()), 1, is_stopping).is_some();
    if is_sound || is_stopping() { Ok(()) } else { verify(directory).map(|_| ()) }
}

fn found(number: usize) -> String {
    format!("checkpoint {} beside the journal", number + 1)
}

/// Checkpoints are of growing trees, each signed by one of the keys.
fn check_signatures(kept: &[Checkpoint], keys: &[PublicKey]) -> Result<(), Broken> {
    let mut size = 0;
    for (number, checkpoint) in kept.iter().enumerate() {
        let bad =
            |why: &str| Err(Broken { seq: size, why: format!("checkpoint {} beside the journal {why}", number + 1) });
        if checkpoint.head.size <= size && number > 0 {
            return bad("is of no larger tree than the one before");
        }
        if !keys.is_empty() && !checkpoint.is_signed_by(keys) {
            return bad("is not signed by the key it should be signed by");
        }
        size = checkpoint.head.size;
    }
    Ok(())
}

fn broken(error: JournalError) -> Broken {
    match error {
        JournalError::Damaged { seq, why, .. } => Broken { seq, why },
        JournalError::Unreadable { .. } => Broken { seq: 0, why: error.to_string() },
    }
}

/// Where the check stands.
struct Check {
    next: u64,
    hash: String,
    time: String,
    watch: Watch,
}

/// What the check needs of an entry.
#[derive(Deserialize)]
struct Claims<'a> {
    seq: u64,
    #[serde(borrow)]
    prev: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    time: std::borrow::Cow<'a, str>,
}

impl Check {
    fn broken(&self, why: impl Into<String>) -> Broken {
        Broken { seq: self.next, why: why.into() }
    }

    /// Reads it all; gives the bytes at its end that are no entry yet.
    fn journal(&mut self, directory: &Path) -> Result<u64, Broken> {
        let mut lines = Lines::open(directory, 0).map_err(broken)?;
        loop {
            let header = match lines.advance() {
                Ok(Some(header)) => header,
                Ok(None) => break,
                Err(error) => return Err(self.first_bad(lines.bytes(), error)),
            };
            self.line(&header, lines.bytes())?;
        }
        match lines.tail() {
            Tail::Clean => Ok(0),
            Tail::Unfinished { bytes } | Tail::Unterminated { bytes } => Ok(bytes),
            Tail::Altered { .. } => Err(self.broken("the byte that ends its record is another one")),
        }
    }

    fn line(&mut self, header: &Header, line: &[u8]) -> Result<(), Broken> {
        let parts = line::parts(line).map_err(|why| self.broken(why))?;
        if parts.entries.len() as u64 != header.count {
            return Err(self.broken("its record announces another number of entries"));
        }
        self.entries(&parts.entries, Some(&header.hash))?;
        for (hash, text) in &parts.texts {
            if text_hash(text).as_ref() != Some(hash) {
                return Err(Broken {
                    seq: header.first + place_of(&parts.entries, hash),
                    why: "its text is another one".into(),
                });
            }
        }
        Ok(())
    }

    fn entries(&mut self, entries: &[&RawValue], last_hash: Option<&str>) -> Result<(), Broken> {
        for (place, raw) in entries.iter().enumerate() {
            let claims = self.claims(raw)?;
            let hash = line::hash(raw.get().as_bytes());
            if claims.prev != self.hash {
                let follower = entries.get(place + 1).and_then(|raw| self.claims(raw).ok());
                return Err(self.blame(&hash, follower.as_ref().map(|claims| &*claims.prev).or(last_hash)));
            }
            if claims.seq != self.next {
                return Err(self.broken(format!("it calls itself entry {}", claims.seq)));
            }
            if *claims.time < *self.time {
                return Err(self.broken("its time is before that of the entry before"));
            }
            self.time.clear();
            self.time.push_str(&claims.time);
            self.next += 1;
            self.hash = hash;
            self.watch.push(raw.get().as_bytes());
        }
        if last_hash.is_none_or(|last_hash| self.hash == last_hash) {
            return Ok(());
        }
        Err(Broken { seq: self.next.saturating_sub(1), why: "its hash is not the one recorded with it".into() })
    }

    fn claims<'a>(&self, raw: &'a RawValue) -> Result<Claims<'a>, Broken> {
        serde_json::from_str(raw.get()).map_err(|error| self.broken(error.to_string()))
    }

    /// The link before this entry is broken: it is this entry that changed when the link after it is broken too.
    fn blame(&self, hash: &str, follower: Option<&str>) -> Broken {
        if follower == Some(hash) && self.next > 0 {
            return Broken { seq: self.next - 1, why: "the entry after it was written for another one".into() };
        }
        self.broken("it does not follow the entry before")
    }

    /// Looks into a line that is not as it was written, to name the entry rather than the line.
    fn first_bad(&mut self, line: &[u8], error: JournalError) -> Broken {
        let JournalError::Damaged { seq, why, .. } = error else { return broken(error) };
        if let Some(header) = line::header(line).filter(|_| line::parts(line).is_ok()) {
            return self.line(&header, line).err().unwrap_or(Broken { seq, why });
        }
        let entries = line::whole_entries(line);
        self.entries(&entries, None).err().unwrap_or_else(|| self.broken(why))
    }
}

fn text_hash(text: &SaltedText) -> Option<String> {
    let digits = text.salt.as_bytes().chunks_exact(2).map(|pair| std::str::from_utf8(pair).ok());
    let salt: Option<Vec<u8>> = digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
    let salt: [u8; 16] = salt?.try_into().ok().filter(|salt: &[u8; 16]| hex(salt) == text.salt)?;
    Some(SaltedText::hash(&salt, &text.text))
}

/// Which of a line's entries holds a hash.
fn place_of(entries: &[&RawValue], hash: &str) -> u64 {
    entries.iter().position(|raw| raw.get().contains(hash)).unwrap_or(0) as u64
}

/// Writes each entry's exact bytes from entry `from` on, one a line.
///
/// # Errors
/// When the journal cannot be read on, after everything before was written, or `writer` refuses.
pub fn export_jsonl(directory: &Path, from: u64, writer: &mut impl Write) -> Result<u64, ExportError> {
    let mut lines = Lines::open(directory, from)?;
    let mut written = 0;
    while let Some(header) = lines.advance()? {
        if header.next() <= from {
            continue;
        }
        let parts = line::parts(lines.bytes()).map_err(|why| lines.damaged(why))?;
        for (raw, _) in parts.entries.iter().zip(header.first..).filter(|(_, seq)| *seq >= from) {
            writer.write_all(raw.get().as_bytes())?;
            writer.write_all(b"\n")?;
            written += 1;
        }
    }
    writer.flush()?;
    Ok(written)
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal could not be read on.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What was read could not be written.
    #[error("cannot write the export: {0}")]
    Write(#[from] io::Error),
}

impl ExportError {
    /// One sentence that names what to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Journal(error) => error.remedy(),
            Self::Write(_) => "Check that the file or pipe that the export goes to takes it, then export again.".into(),
        }
    }
}
