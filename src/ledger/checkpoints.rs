//! The file of checkpoints beside the journal: signed notes, each followed by an empty line, only ever added to.
//! A head that does not continue the last one is never signed.

use std::{
    fs::{File, OpenOptions},
    io::{Error, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    error::{JournalError, LedgerError},
    note::{Checkpoint, SigningKey, TreeHead},
    segments::sync_folder,
    tree::Edge,
};

/// The last note stands within so many bytes of the end.
const TAIL: u64 = 16 * 1024;

/// Where a ledger's checkpoints are.
pub(crate) fn path(directory: &Path) -> PathBuf {
    directory.join("checkpoints")
}

/// Every checkpoint of a ledger, in order; a last one that is just being written is not there yet.
///
/// # Errors
/// When the file cannot be read, or a note in it is none.
pub fn checkpoints(directory: &Path) -> Result<Vec<Checkpoint>, JournalError> {
    let path = path(directory);
    match std::fs::read(&path).and_then(text) {
        Ok(text) => parse_all(&text).map_err(|why| JournalError::unreadable(&path)(Error::other(why))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(JournalError::unreadable(&path)(error)),
    }
}

/// The text of a file that may end within a character.
fn text(mut bytes: Vec<u8>) -> Result<String, Error> {
    if let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).map_err(|_| Error::other("it is no text"))
}

/// Reads notes that are each followed by an empty line; what comes after the last one is left out.
///
/// # Errors
/// When something between them is no checkpoint, in words.
pub fn parse_all(text: &str) -> Result<Vec<Checkpoint>, String> {
    let parts: Vec<&str> = text.split("\n\n").collect();
    let mut found = Vec::new();
    // The part after the last empty line is nothing, or a note that is not finished.
    let finished = parts.len().saturating_sub(1);
    let pairs = parts.get(..finished).unwrap_or_default().chunks_exact(2);
    if pairs.remainder().iter().any(|body| body.lines().count() != 3) {
        return Err(format!("what follows its checkpoint {} is none", finished / 2));
    }
    for pair in pairs {
        let checkpoint = Checkpoint::parse(&format!("{}\n", pair.join("\n\n")));
        found.push(checkpoint.ok_or_else(|| format!("what follows its checkpoint {} is none", found.len()))?);
    }
    Ok(found)
}

/// The last checkpoint of a ledger, and how many bytes of the file it ends.
pub(crate) fn last(directory: &Path) -> Result<(Option<Checkpoint>, u64), JournalError> {
    let path = path(directory);
    let read = || -> Result<(u64, String), Error> {
        let mut file = File::open(&path)?;
        let begin = file.metadata()?.len().saturating_sub(TAIL);
        file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // The window may begin within a character.
        let within = bytes.iter().take(3).take_while(|byte| begin > 0 && **byte & 0xc0 == 0x80).count();
        Ok((begin + within as u64, text(bytes.split_off(within))?))
    };
    // Whatever cannot be read as notes is damage: it is only ever added to.
    let (begin, tail) = match read() {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((None, 0)),
        Err(error) => return Err(JournalError::unreadable(&path)(error)),
    };
    let signatures = tail.match_indices("\n\n\u{2014} ").map(|(at, _)| at);
    let Some(signature) = signatures.filter(|at| ends_after(&tail, *at)).last() else {
        let is_first = begin == 0 && tail.matches("\n\n").count() < 2;
        let nothing = JournalError::unreadable(&path)(Error::other("its end is no checkpoint"));
        return if is_first { Ok((None, 0)) } else { Err(nothing) };
    };
    let (before, rest) = tail.split_at(signature);
    let body = before.rsplit_once("\n\n").map_or(before, |(_, body)| body);
    let (signatures, after) = rest.trim_start_matches('\n').split_once("\n\n").unwrap_or_default();
    match Checkpoint::parse(&format!("{body}\n\n{signatures}\n")) {
        Some(checkpoint) => Ok((Some(checkpoint), begin + (tail.len() - after.len()) as u64)),
        None => Err(JournalError::unreadable(&path)(Error::other("its last checkpoint is damaged"))),
    }
}

fn ends_after(tail: &str, signature: usize) -> bool {
    tail.get(signature + 2..).is_some_and(|rest| rest.contains("\n\n"))
}

/// Signs and keeps checkpoints.
pub(crate) struct Signer {
    key: Arc<SigningKey>,
    path: PathBuf,
    used: u64,
    last: Option<TreeHead>,
}

impl Signer {
    /// Continues the file. The caller has seen that the ledger continues the last checkpoint.
    pub(crate) fn new(directory: &Path, key: Arc<SigningKey>) -> Result<Self, LedgerError> {
        let (last, used) = last(directory)?;
        Ok(Self { key, path: path(directory), used, last: last.map(|last| last.head) })
    }

    /// Signs the tree as it is, unless it was signed already. The caller's tree has only grown since the last one.
    pub(crate) fn sign(&mut self, tree: &Edge) -> Result<(), LedgerError> {
        let head = TreeHead { size: tree.size(), root: tree.root() };
        if self.last == Some(head) || head.size == 0 {
            return Ok(());
        }
        if self.last.is_some_and(|last| last.size >= head.size) {
            return Err(LedgerError::ReadOnly { why: "a larger or another tree was signed before".into() });
        }
        let note = format!("{}\n", self.key.sign(head));
        self.keep(note.as_bytes()).map_err(LedgerError::file("write", &self.path))?;
        (self.used, self.last) = (self.used + note.len() as u64, Some(head));
        Ok(())
    }

    fn keep(&self, note: &[u8]) -> Result<(), Error> {
        let is_new = self.used == 0;
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&self.path)?;
        // What a crash or a full disk cut short goes first.
        file.set_len(self.used)?;
        file.seek(SeekFrom::Start(self.used))?;
        file.write_all(note)?;
        file.sync_all()?;
        match self.path.parent().filter(|_| is_new) {
            Some(folder) => sync_folder(folder),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{note::Origin, tree::leaf},
        *,
    };

    fn signer(directory: &Path) -> Signer {
        let key = SigningKey::parse(&SigningKey::pem(&[1; 32]), Origin::parse("bot").unwrap()).unwrap();
        Signer::new(directory, Arc::new(key)).unwrap()
    }

    #[test]
    fn heads_are_kept_in_order_and_nothing_else_is_signed() {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = Edge::default();
        signer(folder.path()).sign(&tree).unwrap();
        assert_eq!(checkpoints(folder.path()).unwrap(), []);
        for number in 0..200_u8 {
            tree.push(leaf(&[number]));
            signer(folder.path()).sign(&tree).unwrap();
            signer(folder.path()).sign(&tree).unwrap();
        }
        let kept = checkpoints(folder.path()).unwrap();
        assert_eq!(kept.len(), 200);
        let (last, used) = last(folder.path()).unwrap();
        assert_eq!(last.unwrap().head, TreeHead { size: 200, root: tree.root() });
        assert_eq!(used, std::fs::metadata(path(folder.path())).unwrap().len());
        let mut other = Edge::default();
        (0..200).for_each(|_| other.push(leaf(b"other")));
        assert!(signer(folder.path()).sign(&other).is_err());
        assert!(signer(folder.path()).sign(&Edge::default()).is_ok(), "nothing is nothing to sign");
    }

    #[test]
    fn a_note_cut_short_anywhere_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = Edge::default();
        for number in 0..2 {
            tree.push(leaf(&[number]));
            signer(folder.path()).sign(&tree).unwrap();
        }
        let whole = std::fs::read(path(folder.path())).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(path(folder.path()), &whole[..cut]).unwrap();
            let complete = if cut < whole.len() / 2 { 0 } else { 1 };
            assert_eq!(checkpoints(folder.path()).unwrap().len(), complete, "cut at {cut}");
            signer(folder.path()).sign(&tree).unwrap();
            assert_eq!(checkpoints(folder.path()).unwrap().len(), complete + 1, "cut at {cut}");
        }
    }
}
