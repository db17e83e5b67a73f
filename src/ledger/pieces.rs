//! The journal in pieces that can leave the box: whole lines as they stand, each piece named by its first entry, its
//! end decided by its size alone. So whoever cuts the same journal again gets the same pieces, and a folder of them
//! is a journal.

use std::path::Path;

use super::{
    error::JournalError,
    journal::Lines,
    line::{self, Header},
};

/// A piece is full once it has so many bytes.
pub(crate) const FULL: usize = 256 * 1024;

/// Whole lines of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its first entry.
    pub(crate) first: u64,
    /// The first entry after it.
    pub(crate) next: u64,
    /// The lines, each with its newline.
    pub(crate) bytes: Vec<u8>,
    /// Whether it says that texts were erased before: what was taken away earlier is not as it stands here any more.
    pub(crate) erases: bool,
}

impl Piece {
    /// The piece of the journal in `directory` that begins with entry `first`, as far as it goes now.
    pub(crate) fn cut(directory: &Path, first: u64) -> Result<Self, JournalError> {
        let mut lines = Lines::open(directory, first)?;
        let mut piece = Self { first, next: first, bytes: Vec::new(), erases: false };
        while piece.bytes.len() < FULL
            && let Some(header) = lines.advance()?
        {
            if header.first >= first {
                piece.take(&header, lines.bytes());
            }
        }
        Ok(piece)
    }

    fn take(&mut self, header: &Header, line: &[u8]) {
        const ERASED: &[u8] = b"\"kind\":\"erasure.done\"";
        self.erases |= line.windows(ERASED.len()).any(|part| part == ERASED);
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
        self.next = header.next();
    }

    /// Whether nothing more comes into it.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    /// Whether these bytes, kept elsewhere, are an earlier state of this piece. Each line names the hash of all before
    /// it, so that the last one tells for all; erased texts make no difference.
    pub(crate) fn continues(&self, kept: &[u8]) -> bool {
        let Some(last) = last_header(kept) else { return kept.is_empty() };
        let mut ours = self.bytes.split(|byte| *byte == b'\n').filter_map(line::header);
        ours.any(|header| header == last)
    }
}

/// The first entry after a piece that was kept elsewhere; `None` where it is none.
pub(crate) fn end_of(kept: &[u8]) -> Option<u64> {
    let is_sound = |line: &[u8]| line.is_empty() || line::check(line).is_ok();
    let is_whole = kept.ends_with(b"\n") && kept.split(|byte| *byte == b'\n').all(is_sound);
    last_header(kept).filter(|_| is_whole).map(|header| header.next())
}

fn last_header(kept: &[u8]) -> Option<Header> {
    line::header(kept.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty())?)
}
