//! Writes the journal: preallocated segments, so that making a line durable is one write and one `fdatasync`
//! that need not touch the file's metadata. A failed write is taken back, or the ledger stops taking new ones.

use std::{
    fs::{File, OpenOptions},
    io::{Error, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    error::LedgerError,
    journal::{Position, Tail, folder, segment_name},
};

const ZEROS: &[u8] = &[0; 64 * 1024];

/// Why a line is not in the journal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteFailure {
    /// Nothing of it is there; the next line may pass.
    #[error("{0}")]
    TakenBack(Error),
    /// Something of it may be there.
    #[error("{0}")]
    Unsure(Error),
}

/// The segment that grows.
#[derive(Debug)]
pub(crate) struct Segments {
    folder: PathBuf,
    file: File,
    first: u64,
    used: u64,
    allocated: u64,
    segment_bytes: u64,
}

impl Segments {
    /// Opens the journal for writing at the place where its lines end, and repairs what follows them.
    pub(crate) fn open(
        directory: &Path,
        end: Option<Position>,
        tail: Tail,
        segment_bytes: u64,
    ) -> Result<Self, LedgerError> {
        let folder = folder(directory);
        let end = end.unwrap_or(Position { segment: 0, offset: 0 });
        let path = folder.join(segment_name(end.segment));
        let open = || {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            let allocated = file.metadata()?.len();
            let (first, used) = (end.segment, end.offset);
            let mut segments = Self { folder: folder.clone(), file, first, used, allocated, segment_bytes };
            segments.repair(tail)?;
            segments.grow(segment_bytes)?;
            sync_folder(&segments.folder)?;
            Ok(segments)
        };
        open().map_err(LedgerError::file("write", &path))
    }

    /// The first entry of the segment that grows.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Makes a line durable. `next` is its first entry.
    pub(crate) fn append(&mut self, next: u64, line: &[u8]) -> Result<(), WriteFailure> {
        self.make_room(next, line.len() as u64).map_err(WriteFailure::TakenBack)?;
        if let Err(error) = self.write(self.used, line) {
            return Err(match self.erase(self.used, line.len() as u64) {
                Ok(()) => WriteFailure::TakenBack(error),
                Err(_) => WriteFailure::Unsure(error),
            });
        }
        self.used += line.len() as u64;
        Ok(())
    }

    /// Takes back a line that a failed write may have left.
    pub(crate) fn take_back(&mut self, length: u64) -> Result<(), Error> {
        self.erase(self.used, length)
    }

    /// Whether the disk takes something now: writes padding where padding is.
    pub(crate) fn try_out(&mut self) -> Result<(), Error> {
        if self.used >= self.allocated {
            self.grow(self.used + self.segment_bytes)?;
        }
        let room = (self.allocated - self.used).min(ZEROS.len() as u64);
        self.erase(self.used, room)
    }

    fn make_room(&mut self, next: u64, length: u64) -> Result<(), Error> {
        if self.used + length <= self.allocated {
            return Ok(());
        }
        // A segment without an entry has the name that the next one would get.
        if next == self.first || self.used == 0 {
            return self.grow(self.used + length.max(self.segment_bytes));
        }
        self.roll(next, length)
    }

    /// Fills the segment with zeros up to so many bytes.
    fn grow(&mut self, bytes: u64) -> Result<(), Error> {
        if bytes <= self.allocated {
            return Ok(());
        }
        if let Err(error) = fill(&mut self.file, self.allocated, bytes) {
            // Without this, a full disk would stay full of our padding.
            let _ = self.file.set_len(self.allocated);
            return Err(error);
        }
        self.allocated = bytes;
        Ok(())
    }

    fn roll(&mut self, next: u64, length: u64) -> Result<(), Error> {
        let path = self.folder.join(segment_name(next));
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        let allocated = length.max(self.segment_bytes);
        if let Err(error) = fill(&mut file, 0, allocated).and_then(|()| sync_folder(&self.folder)) {
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        // Padding in a full segment is harmless, so a failure here is no failure.
        let _ = self.file.set_len(self.used).and_then(|()| self.file.sync_all());
        (self.file, self.first, self.used, self.allocated) = (file, next, 0, allocated);
        Ok(())
    }

    fn repair(&mut self, tail: Tail) -> Result<(), Error> {
        match tail {
            Tail::Clean => {}
            Tail::Unfinished { .. } => self.erase(self.used, self.allocated.saturating_sub(self.used))?,
            Tail::Unterminated { bytes } | Tail::Altered { bytes } => {
                self.write(self.used + bytes, b"\n")?;
                self.used += bytes + 1;
                self.allocated = self.allocated.max(self.used);
            }
        }
        Ok(())
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all_at(bytes, at)?;
        self.file.sync_data()
    }

    fn erase(&mut self, at: u64, length: u64) -> Result<(), Error> {
        fill(&mut self.file, at, at + length)
    }
}

/// Writes zeros from one byte to another, durably.
fn fill(file: &mut File, from: u64, to: u64) -> Result<(), Error> {
    file.seek(SeekFrom::Start(from))?;
    let mut left = to.saturating_sub(from);
    while left > 0 {
        let part = ZEROS.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(ZEROS);
        file.write_all(part)?;
        left -= part.len() as u64;
    }
    file.sync_all()
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(directory: &Path) -> Segments {
        std::fs::create_dir_all(folder(directory)).unwrap();
        Segments::open(directory, None, Tail::Clean, 64).unwrap()
    }

    #[test]
    fn segments_roll_and_keep_no_padding() {
        let directory = tempfile::tempdir().unwrap();
        let mut segments = open(directory.path());
        segments.append(0, &[b'a'; 60]).unwrap();
        segments.append(1, &[b'b'; 100]).unwrap();
        segments.append(2, &[b'c'; 10]).unwrap();
        let length = |first| std::fs::metadata(folder(directory.path()).join(segment_name(first))).unwrap().len();
        assert_eq!((length(0), length(1), length(2)), (60, 100, 64));
    }

    #[test]
    fn lines_without_entries_stretch_the_segment() {
        let directory = tempfile::tempdir().unwrap();
        let mut segments = open(directory.path());
        (0..10).for_each(|_| segments.append(0, &[b'a'; 30]).unwrap());
        assert_eq!(super::super::journal::segments(&folder(directory.path())).unwrap(), [0]);
    }

    #[test]
    fn a_segment_that_cannot_be_made_refuses_one_line_and_not_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let mut segments = open(directory.path());
        segments.append(0, &[b'a'; 60]).unwrap();
        let obstacle = folder(directory.path()).join(segment_name(1));
        std::fs::create_dir(&obstacle).unwrap();
        assert!(matches!(segments.append(1, &[b'b'; 60]), Err(WriteFailure::TakenBack(_))));
        std::fs::remove_dir(&obstacle).unwrap();
        segments.append(1, &[b'b'; 60]).unwrap();
    }
}
