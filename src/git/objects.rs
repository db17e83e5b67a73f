//! Git's objects as bytes: those of the mirror, and over them those that a landing has made and the mirror does not
//! hold yet. Trees stay bytes, because a large directory is changed faster by replacing one entry than by reading
//! all of them.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    sync::Arc,
};

use git2::{ObjectType, Odb, Oid, Repository};
use sha1::{Digest as _, Sha1};

use super::error::GitError;

/// How many bytes of trees and files are kept while one landing, or a stack of them, is composed.
const KEPT: usize = 32 * 1024 * 1024;

/// Up to what size a file is kept among them, in bytes.
const SMALL: usize = 64 * 1024;

/// An object that was made.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// Its id.
    pub(super) id: Oid,
    /// Commit, tree or blob.
    pub(super) kind: ObjectType,
    /// Its content.
    pub(super) bytes: Arc<[u8]>,
    /// What it was made from, which whoever has the parent commit has too.
    pub(super) base: Option<(Oid, Arc<[u8]>)>,
}

/// The objects of a mirror, with what is made on top.
pub(super) struct Objects<'r> {
    repository: &'r Repository,
    odb: Odb<'r>,
    made: RefCell<Vec<Made>>,
    by_id: RefCell<HashMap<Oid, Arc<[u8]>>>,
    kept: Cell<usize>,
}

impl<'r> Objects<'r> {
    pub(super) fn of(repository: &'r Repository) -> Result<Self, GitError> {
        let odb = repository.odb()?;
        let (made, by_id) = (RefCell::default(), RefCell::default());
        Ok(Self { repository, odb, made, by_id, kept: Cell::new(0) })
    }

    pub(super) fn repository(&self) -> &'r Repository {
        self.repository
    }

    /// An object's bytes.
    pub(super) fn read(&self, id: Oid, kind: ObjectType) -> Result<Arc<[u8]>, GitError> {
        if let Some(bytes) = self.by_id.borrow().get(&id) {
            return Ok(Arc::clone(bytes));
        }
        let found = self.odb.read(id)?;
        if found.kind() != kind {
            return Err(GitError::Damaged(format!("the object {id} is no {kind}")));
        }
        let bytes: Arc<[u8]> = found.data().into();
        if (kind == ObjectType::Tree || bytes.len() <= SMALL) && self.kept.get() < KEPT {
            self.kept.set(self.kept.get() + bytes.len());
            self.by_id.borrow_mut().insert(id, Arc::clone(&bytes));
        }
        Ok(bytes)
    }

    /// How long an object is.
    pub(super) fn size(&self, id: Oid) -> Result<usize, GitError> {
        if let Some(bytes) = self.by_id.borrow().get(&id) {
            return Ok(bytes.len());
        }
        Ok(self.odb.read_header(id)?.0)
    }

    /// Makes an object, from `base` where it is a changed one.
    pub(super) fn make(&self, kind: ObjectType, bytes: Vec<u8>, base: Option<Oid>) -> Result<Oid, GitError> {
        let id = hash(kind, &bytes)?;
        if self.by_id.borrow().contains_key(&id) {
            return Ok(id);
        }
        let base = base.map(|base| self.read(base, kind).map(|bytes| (base, bytes))).transpose()?;
        let bytes: Arc<[u8]> = bytes.into();
        self.by_id.borrow_mut().insert(id, Arc::clone(&bytes));
        self.made.borrow_mut().push(Made { id, kind, bytes, base });
        Ok(id)
    }

    /// What was made, in order.
    pub(super) fn into_made(self) -> Vec<Made> {
        self.made.into_inner()
    }
}

/// An object's id. Of what is made here nothing need be feared that libgit2's slower hash would find: whoever is sent it
/// looks again.
fn hash(kind: ObjectType, bytes: &[u8]) -> Result<Oid, GitError> {
    let head = format!("{} {}\0", kind.str(), bytes.len());
    Ok(Oid::from_bytes(&Sha1::new().chain_update(head).chain_update(bytes).finalize())?)
}

/// One entry of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'t> {
    /// The file's name, in whatever encoding.
    pub(super) name: &'t [u8],
    /// `0o100644`, `0o40000`, ...
    pub(super) mode: u32,
    /// The blob or tree.
    pub(super) id: Oid,
    /// Where the entry begins and ends among the tree's bytes.
    pub(super) at: (usize, usize),
}

/// The mode of a directory.
pub(super) const DIRECTORY: u32 = 0o040_000;

impl Entry<'_> {
    pub(super) fn is_directory(&self) -> bool {
        self.mode == DIRECTORY
    }
}

/// The entries of a tree; ends early, with an error, where its bytes are no tree's.
pub(super) fn entries(tree: &[u8]) -> impl Iterator<Item = Result<Entry<'_>, GitError>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = tree.get(at..).filter(|rest| !rest.is_empty())?;
        let read = first_entry(rest);
        let found = read.map(|(name, mode, id, length)| Entry { name, mode, id, at: (at, at + length) });
        at = found.map_or(tree.len(), |entry| entry.at.1);
        Some(found.ok_or_else(|| GitError::Damaged("a tree that cannot be read".to_owned())))
    })
}

fn first_entry(bytes: &[u8]) -> Option<(&[u8], u32, Oid, usize)> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let after = bytes.get(space + 1..)?;
    let end = after.iter().position(|byte| *byte == 0)?;
    let mode = u32::from_str_radix(std::str::from_utf8(bytes.get(..space)?).ok()?, 8).ok()?;
    let id = Oid::from_bytes(after.get(end + 1..end + 21)?).ok()?;
    Some((after.get(..end)?, mode, id, space + 1 + end + 21))
}

/// The entry of that name, where there is one. Others are passed over unread, because a directory may be large.
pub(super) fn entry<'t>(tree: &'t [u8], name: &[u8]) -> Result<Option<Entry<'t>>, GitError> {
    let damaged = || GitError::Damaged("a tree that cannot be read".to_owned());
    let mut at = 0;
    while let Some(rest) = tree.get(at..).filter(|rest| !rest.is_empty()) {
        let end = rest.iter().position(|byte| *byte == 0).ok_or_else(damaged)?;
        let length = end + 21;
        let is_it = rest.get(..end).and_then(|head| head.strip_suffix(name)).is_some_and(|head| head.ends_with(b" "));
        if is_it {
            let (found, mode, id, length) = first_entry(rest).ok_or_else(damaged)?;
            if found == name {
                return Ok(Some(Entry { name: found, mode, id, at: (at, at + length) }));
            }
        }
        at += length;
    }
    if at == tree.len() { Ok(None) } else { Err(damaged()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: &[&str]) -> Vec<u8> {
        names.iter().flat_map(|name| [b"100644 ", name.as_bytes(), b"\0", &[b' '; 20]].concat()).collect()
    }

    #[test]
    fn an_entry_is_found_by_its_whole_name() {
        let tree = tree(&["a b", "b", "bb", "c"]);
        let at = |name: &str| entry(&tree, name.as_bytes()).unwrap().map(|found| found.at);
        assert_eq!((at("a b"), at("b"), at("c")), (Some((0, 31)), Some((31, 60)), Some((90, 119))));
        assert_eq!((at("a"), at("644 b"), at("")), (None, None, None));
    }

    #[test]
    fn what_breaks_off_is_damaged() {
        let whole = tree(&["a", "b"]);
        for length in [1, 8, 20, 30, 57] {
            assert!(matches!(entry(&whole[..length], b"z"), Err(GitError::Damaged(_))), "{length}");
        }
    }

    #[test]
    fn ids_are_those_of_git() {
        for (kind, bytes) in [(ObjectType::Blob, b"text\n".to_vec()), (ObjectType::Tree, tree(&["a"]))] {
            assert_eq!(hash(kind, &bytes).unwrap(), Oid::hash_object(kind, &bytes).unwrap());
        }
    }
}
