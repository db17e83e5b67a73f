//! Removes a person's texts from the journal. A line keeps its length: what is taken out of it is made up with blanks
//! and written over in place, so that nothing of it stays on the disk and whoever reads beside it keeps their place.
//! The new bytes are durable in a file of their own first, so that a crash in the middle is made good at the start.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{Error, ErrorKind, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    error::LedgerError,
    journal::{Lines, Reader, folder, segment_name},
    line::{self, Batch, Record},
    opening::store_folder,
    segments::sync_folder,
};
use crate::core::names::PersonId;

/// What an erasure removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// How many texts.
    pub texts: u64,
}

/// New bytes for a place in a segment.
struct Patch {
    offset: u64,
    bytes: Vec<u8>,
}

/// Whether somebody erases here, or was killed while erasing.
pub(crate) fn is_going_on(journal: &Path) -> bool {
    redo_path(journal).exists()
}

fn redo_path(journal: &Path) -> PathBuf {
    journal.join("redo")
}

/// Removes the texts of every entry of a person, by the catalog's name or by an account that ever was theirs.
pub(crate) fn erase(directory: &Path, person: &PersonId) -> Result<Erased, LedgerError> {
    let accounts = accounts(directory, person)?;
    let is_theirs = |record: &Record| {
        let actor = &record.entry.actor;
        let by_account = actor.person.is_none() && actor.account.as_ref().is_some_and(|one| accounts.contains(one));
        actor.person.as_ref() == Some(person) || by_account
    };
    let mut lines = Lines::open(directory, 0)?;
    let (mut erased, mut segment, mut patches) = (Erased::default(), 0, Vec::new());
    while let Some(header) = lines.advance()? {
        let Some(end) = lines.position() else { break };
        let length = lines.bytes().len() + 1;
        let batch = Batch::decode(&header, lines.bytes()).map_err(|why| lines.damaged(why))?;
        if end.segment != segment {
            apply(directory, segment, &std::mem::take(&mut patches))?;
            segment = end.segment;
        }
        let Some((batch, texts)) = without(batch, is_theirs).map_err(|why| lines.damaged(why))? else { continue };
        let bytes = batch.encode_at(length).map_err(|why| lines.damaged(why.to_string()))?;
        erased.texts += texts;
        patches.push(Patch { offset: end.offset - length as u64, bytes });
    }
    apply(directory, segment, &patches)?;
    Ok(erased)
}

fn accounts(directory: &Path, person: &PersonId) -> Result<BTreeSet<String>, LedgerError> {
    let mut accounts = BTreeSet::new();
    for record in Reader::open(directory)? {
        let actor = record?.entry.actor;
        if actor.person.as_ref() == Some(person) {
            accounts.extend(actor.account);
        }
    }
    Ok(accounts)
}

/// The line without their texts and without what was answered to them, and how many texts that were; `None` where
/// nothing of them is in it.
fn without(mut batch: Batch, is_theirs: impl Fn(&Record) -> bool) -> Result<Option<(Batch, u64)>, String> {
    let records = batch.clone().records()?;
    let (before, answers) = (batch.texts.len(), batch.seen.clone());
    let theirs = records.iter().filter(|record| is_theirs(record));
    let mut is_any = false;
    for record in theirs {
        is_any = true;
        line::text_hashes(&record.entry.body).for_each(|(_, hash)| drop(batch.texts.remove(hash)));
    }
    for answer in batch.seen.iter_mut().filter(|answer| is_any && !answer.answer.is_number()) {
        answer.answer = Value::Null;
    }
    let texts = (before - batch.texts.len()) as u64;
    Ok((texts > 0 || batch.seen != answers).then_some((batch, texts)))
}

/// Writes over a segment: the new bytes are safe before the first old one goes.
fn apply(directory: &Path, segment: u64, patches: &[Patch]) -> Result<(), LedgerError> {
    if patches.is_empty() {
        return Ok(());
    }
    let (journal, kept) = (folder(directory), redo(segment, patches));
    let redo = redo_path(&journal);
    let keep = || -> Result<(), Error> {
        let mut file = File::create(&redo)?;
        file.write_all(&kept)?;
        file.sync_all()?;
        sync_folder(&journal)
    };
    keep().map_err(LedgerError::file("write", &redo))?;
    resume(directory)
}

/// The bytes of a redo file: a checksum, the segment, then each place with what belongs there.
fn redo(segment: u64, patches: &[Patch]) -> Vec<u8> {
    let mut body = segment.to_le_bytes().to_vec();
    for patch in patches {
        body.extend(patch.offset.to_le_bytes());
        body.extend((patch.bytes.len() as u64).to_le_bytes());
        body.extend(&patch.bytes);
    }
    [&crc32fast::hash(&body).to_le_bytes()[..], &body].concat()
}

/// Does again what an erasure had begun to write over. To be called before the journal is read for writing.
pub(crate) fn resume(directory: &Path) -> Result<(), LedgerError> {
    let journal = folder(directory);
    let redo = redo_path(&journal);
    let kept = match std::fs::read(&redo) {
        Ok(kept) => kept,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(LedgerError::file("read", &redo)(error)),
    };
    // One that is not whole was never begun.
    let whole = kept.split_first_chunk().filter(|(sum, body)| u32::from_le_bytes(**sum) == crc32fast::hash(body));
    if let Some((segment, rest)) = whole.and_then(|(_, body)| body.split_first_chunk()) {
        let path = journal.join(segment_name(u64::from_le_bytes(*segment)));
        write_over(&path, rest).map_err(LedgerError::file("write", &path))?;
    }
    let removed = std::fs::remove_file(&redo).and_then(|()| sync_folder(&journal));
    removed.map_err(LedgerError::file("remove", &redo))
}

fn write_over(segment: &Path, mut patches: &[u8]) -> Result<(), Error> {
    let file = File::options().write(true).open(segment)?;
    while let Some((offset, rest)) = patches.split_first_chunk() {
        let Some((length, rest)) = rest.split_first_chunk() else { break };
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((bytes, rest)) = rest.split_at_checked(length) else { break };
        file.write_all_at(bytes, u64::from_le_bytes(*offset))?;
        patches = rest;
    }
    file.sync_all()
}

/// Removes the store, and what was set aside of earlier ones: they hold copies of the texts.
pub(crate) fn remove_stores(directory: &Path) -> Result<(), LedgerError> {
    let listing = std::fs::read_dir(directory).map_err(LedgerError::file("list", directory))?;
    for item in listing {
        let path = item.map_err(LedgerError::file("list", directory))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path == store_folder(directory) || name.starts_with("sled.damaged") {
            std::fs::remove_dir_all(&path).map_err(LedgerError::file("remove", &path))?;
        }
    }
    sync_folder(directory).map_err(LedgerError::file("write", directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Killed after any number of bytes: of the redo file, then nothing was begun; of the segment, then it is finished.
    #[test]
    fn a_kill_at_any_byte_of_an_erasure_leaves_all_of_it_or_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let journal = folder(directory.path());
        std::fs::create_dir_all(&journal).unwrap();
        let (segment, old) = (journal.join(segment_name(0)), b"first line\nsecond line\nthird line\n".to_vec());
        let patch = |offset: u64, text: &str| Patch { offset, bytes: text.as_bytes().to_vec() };
        let patches = [patch(0, "f         \n"), patch(23, "t         \n")];
        let new = b"f         \nsecond line\nt         \n".to_vec();
        let kept = redo(0, &patches);
        for cut in 0..kept.len() {
            std::fs::write(&segment, &old).unwrap();
            std::fs::write(redo_path(&journal), &kept[..cut]).unwrap();
            resume(directory.path()).unwrap();
            assert_eq!(std::fs::read(&segment).unwrap(), old, "redo file cut at {cut}");
            assert!(!is_going_on(&journal));
        }
        for written in 0..=old.len() {
            std::fs::write(&segment, [&new[..written], &old[written..]].concat()).unwrap();
            std::fs::write(redo_path(&journal), &kept).unwrap();
            resume(directory.path()).unwrap();
            assert_eq!(std::fs::read(&segment).unwrap(), new, "killed after {written} bytes");
            assert!(!is_going_on(&journal));
        }
    }
}
