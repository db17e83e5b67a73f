//! Reads the journal: segments of lines, each named by its first entry, the last one padded with zeros.
//! Never writes and needs no lock, so it works beside a running server; a line that is just being written is not there yet.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    erasure, line,
    line::{Batch, Header},
};
pub use super::{error::JournalError, line::Record};
use crate::core::entry::NO_PREVIOUS;

/// No line is longer; what seems to be is damage.
const LONGEST_LINE: u64 = 256 * 1024 * 1024;
/// How often a line is read again while somebody writes over it.
const AGAIN: usize = 1000;
/// What a disk writes whole or not at all.
const SECTOR: u64 = 512;

/// The folder of the journal in a ledger's directory.
pub(crate) fn folder(directory: &Path) -> PathBuf {
    directory.join("journal")
}

/// The file name of the segment that starts with this entry.
pub(crate) fn segment_name(first: u64) -> String {
    format!("{first:020}.ndjson")
}

/// The segments of a journal by their first entry, in order. A journal that is not there has none.
pub(crate) fn segments(folder: &Path) -> Result<Vec<u64>, JournalError> {
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(JournalError::unreadable(folder)(error)),
    };
    let mut found = Vec::new();
    for file in listing {
        let name = file.map_err(JournalError::unreadable(folder))?.file_name();
        let first = name.to_str().and_then(|name| name.strip_suffix(".ndjson")?.parse().ok());
        found.extend(first.filter(|first| name.to_str() == Some(segment_name(*first).as_str())));
    }
    found.sort_unstable();
    Ok(found)
}

/// How many bytes these segments have.
pub(crate) fn bytes(directory: &Path, segments: &[u64]) -> Option<u64> {
    let length = |first: &u64| Some(std::fs::metadata(folder(directory).join(segment_name(*first))).ok()?.len());
    segments.iter().map(length).sum()
}

/// Whether a ledger was ever opened in this directory: then its journal has a segment, if only an empty one.
///
/// # Errors
/// When the directory cannot be listed.
pub fn is_there(directory: &Path) -> Result<bool, JournalError> {
    segments(&folder(directory)).map(|segments| !segments.is_empty())
}

/// What follows the last complete line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing but padding.
    Clean,
    /// The beginning of a line, or a line of which sectors never reached the disk: so many bytes to cut.
    Unfinished { bytes: u64 },
    /// A whole line of so many bytes, right by its checksum, without its newline.
    Unterminated { bytes: u64 },
    /// The same with another byte where the newline belongs, which no interrupted write leaves.
    Altered { bytes: u64 },
}

/// A place in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// First entry of the segment.
    pub(crate) segment: u64,
    /// Bytes from its beginning.
    pub(crate) offset: u64,
}

/// The checked lines of a journal, in order, in constant memory.
pub(crate) struct Lines {
    folder: PathBuf,
    open: Option<(u64, BufReader<File>)>,
    offset: u64,
    /// Where the reader stands, when that is known to be a place that need not be read again.
    consumed: Option<u64>,
    next: u64,
    hash: Option<String>,
    buffer: Vec<u8>,
    tail: Tail,
}

/// What one look at the open segment found.
enum Look {
    Line(Header),
    Leftover,
}

impl Lines {
    /// Starts at the segment that holds entry `from`.
    pub(crate) fn open(directory: &Path, from: u64) -> Result<Self, JournalError> {
        let folder = folder(directory);
        let start = segments(&folder)?.into_iter().rfind(|first| *first <= from).unwrap_or(0);
        let hash = (start == 0).then(|| NO_PREVIOUS.to_owned());
        let (buffer, tail) = (Vec::new(), Tail::Clean);
        Ok(Self { folder, open: None, offset: 0, consumed: None, next: start, hash, buffer, tail })
    }

    /// The next complete line; its bytes are [`Lines::bytes`]. After `None` it may be called again: the journal may have grown.
    pub(crate) fn advance(&mut self) -> Result<Option<Header>, JournalError> {
        loop {
            // Listed before looking: a line written between the two would else make a later segment seem to leave a gap.
            let later = self.later_segments()?;
            if self.open.is_none() {
                match later.first() {
                    None => return Ok(None),
                    Some(first) => self.enter(*first)?,
                }
            }
            match self.look()? {
                Look::Line(header) => return Ok(Some(header)),
                Look::Leftover if self.has_segment_among(&later) => self.leave(&later)?,
                Look::Leftover => {
                    self.tail = self.classify();
                    return Ok(None);
                }
            }
        }
    }

    /// The bytes of the line that [`Lines::advance`] found or stumbled over, without its newline.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer)
    }

    /// What follows the last line, once [`Lines::advance`] gave `None`.
    pub(crate) fn tail(&self) -> Tail {
        self.tail
    }

    /// Where the next line starts, once a segment was opened.
    pub(crate) fn position(&self) -> Option<Position> {
        self.segment().map(|segment| Position { segment, offset: self.offset })
    }

    /// The `seq` of the next entry, and the hash it must carry as `prev` where that is known.
    pub(crate) fn head(&self) -> (u64, Option<&str>) {
        (self.next, self.hash.as_deref())
    }

    fn segment(&self) -> Option<u64> {
        self.open.as_ref().map(|(first, _)| *first)
    }

    fn has_segment_among(&self, later: &[u64]) -> bool {
        later.iter().any(|first| Some(*first) > self.segment())
    }

    fn later_segments(&self) -> Result<Vec<u64>, JournalError> {
        let has_more = |reader: &BufReader<File>| self.consumed.is_some() && reader.buffer().contains(&b'\n');
        // Only at the end of a segment does the listing matter; else reading a line would list the folder each time.
        if self.open.as_ref().is_some_and(|(_, reader)| has_more(reader)) {
            return Ok(Vec::new());
        }
        self.list_later()
    }

    fn list_later(&self) -> Result<Vec<u64>, JournalError> {
        let is_later = |first: &u64| self.segment().map_or(*first >= self.next, |open| *first > open);
        Ok(segments(&self.folder)?.into_iter().filter(is_later).collect())
    }

    fn enter(&mut self, first: u64) -> Result<(), JournalError> {
        if first != self.next {
            return Err(self.damaged(format!("entries {} to {} are missing", self.next, first.saturating_sub(1))));
        }
        let path = self.folder.join(segment_name(first));
        let file = File::open(&path).map_err(JournalError::unreadable(&path))?;
        self.open = Some((first, BufReader::with_capacity(128 * 1024, file)));
        (self.offset, self.consumed) = (0, Some(0));
        Ok(())
    }

    fn leave(&mut self, later: &[u64]) -> Result<(), JournalError> {
        if self.buffer.iter().any(|byte| *byte != 0) {
            return Err(self.damaged("it is cut off, and a later segment follows".into()));
        }
        later.first().map_or(Ok(()), |first| self.enter(*first))
    }

    fn look(&mut self) -> Result<Look, JournalError> {
        self.fill()?;
        if !self.buffer.ends_with(b"\n") {
            return Ok(Look::Leftover);
        }
        let mut checked = line::check(self.bytes());
        // What is being written over in place may be read half old and half new.
        for _ in 0..AGAIN {
            if checked.is_ok() || !erasure::is_going_on(&self.folder) {
                break;
            }
            std::thread::yield_now();
            self.fill()?;
            checked = line::check(self.bytes());
        }
        match checked {
            Ok(header) => {
                self.link(&header)?;
                self.offset += self.buffer.len() as u64;
                self.consumed = Some(self.offset);
                Ok(Look::Line(header))
            }
            Err(_) if self.has_lost_sectors() && self.list_later()?.is_empty() && self.is_followed_by_padding()? => {
                Ok(Look::Leftover)
            }
            Err(why) => Err(self.damaged(why)),
        }
    }

    /// Reads from the current offset through the next newline or the end, anew where the file may have grown since.
    fn fill(&mut self) -> Result<(), JournalError> {
        let (offset, stays) = (self.offset, self.consumed.take() == Some(self.offset));
        let Some((first, reader)) = &mut self.open else { return Ok(()) };
        self.buffer.clear();
        let mut read = || {
            if !stays {
                reader.seek(SeekFrom::Start(offset))?;
            }
            reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.buffer)
        };
        read().map(|_| ()).map_err(|error| JournalError::unreadable(&self.folder.join(segment_name(*first)))(error))
    }

    fn link(&mut self, header: &Header) -> Result<(), JournalError> {
        if header.first != self.next {
            return Err(self.damaged(format!("entry {} stands where {} belongs", header.first, self.next)));
        }
        if self.hash.as_ref().is_some_and(|hash| *hash != header.prev) {
            return Err(self.damaged("it does not follow the entry before".into()));
        }
        self.next = header.next();
        self.hash = Some(header.hash.clone());
        Ok(())
    }

    /// Whether a whole sector of the line in the buffer is zero, as after a power cut in the middle of a write.
    fn has_lost_sectors(&self) -> bool {
        let into = usize::try_from(self.offset % SECTOR).unwrap_or(0);
        let sector = SECTOR as usize;
        let first = (sector - into).min(self.buffer.len());
        let (head, rest) = self.buffer.split_at(first);
        std::iter::once(head)
            .chain(rest.chunks(sector))
            .any(|part| part.len() >= 16 && part.iter().all(|byte| *byte == 0))
    }

    fn is_followed_by_padding(&mut self) -> Result<bool, JournalError> {
        let Some((first, reader)) = &mut self.open else { return Ok(true) };
        let padding = reader.by_ref().bytes().try_fold(true, |padding, byte| Ok(padding && byte? == 0));
        padding.map_err(|error| JournalError::unreadable(&self.folder.join(segment_name(*first)))(error))
    }

    fn classify(&self) -> Tail {
        let used = self.buffer.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let text = self.buffer.get(..used).unwrap_or_default();
        let bytes = used as u64;
        match text.split_last() {
            None => Tail::Clean,
            Some(_) if line::has_right_sum(text) => Tail::Unterminated { bytes },
            Some((b'\n', _)) => Tail::Unfinished { bytes },
            Some((_, line)) if line::has_right_sum(line) => Tail::Altered { bytes: bytes - 1 },
            Some(_) => Tail::Unfinished { bytes },
        }
    }

    pub(crate) fn damaged(&self, why: String) -> JournalError {
        let segment = segment_name(self.segment().unwrap_or(self.next));
        JournalError::Damaged { seq: self.next, segment, offset: self.offset, why }
    }
}

/// The entries of a journal, in order, from one of them on. It holds no lock and never writes.
///
/// After `None` it may be asked again: entries written since are given then. After an error it gives nothing more.
pub struct Reader {
    lines: Lines,
    from: u64,
    waiting: VecDeque<Record>,
    failed: Option<JournalError>,
}

impl Reader {
    /// Reads the ledger in `directory` from its first entry.
    ///
    /// # Errors
    /// When the folder of the journal cannot be listed. A ledger that is not there yet has no entries.
    pub fn open(directory: &Path) -> Result<Self, JournalError> {
        Self::open_from(directory, 0)
    }

    /// Reads the ledger in `directory` from entry `from` on.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_from(directory: &Path, from: u64) -> Result<Self, JournalError> {
        Ok(Self { lines: Lines::open(directory, from)?, from, waiting: VecDeque::new(), failed: None })
    }

    fn refill(&mut self) -> Result<bool, JournalError> {
        let Some(header) = self.lines.advance()? else { return Ok(false) };
        if header.next() > self.from {
            let batch = Batch::decode(&header, self.lines.bytes()).map_err(|why| self.lines.damaged(why))?;
            let records = batch.records().map_err(|why| self.lines.damaged(why))?;
            self.waiting.extend(records.into_iter().filter(|record| record.entry.seq >= self.from));
        }
        Ok(true)
    }
}

impl Iterator for Reader {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.failed.is_none() {
            if let Some(record) = self.waiting.pop_front() {
                return Some(Ok(record));
            }
            match self.refill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.failed = Some(error.clone());
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
