//! New trees from old ones: only the directories on the way to a changed file are made anew, by replacing, adding
//! or taking out entries among their bytes.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid};

use super::{
    error::GitError,
    objects::{DIRECTORY, Entry, Objects, entries},
};

/// What a path shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf {
    /// `0o100644` or `0o100755`.
    pub(super) mode: u32,
    /// The blob.
    pub(super) id: Oid,
}

/// Paths below one directory, and what each shall be; `None` takes it out.
type Changes<'c> = Vec<(&'c str, Option<Leaf>)>;

/// The tree `base` with these paths changed. A directory that becomes empty goes; the root stays.
pub(super) fn changed(objects: &Objects<'_>, base: Oid, changes: Changes<'_>) -> Result<Oid, GitError> {
    match below(objects, Some(base), changes)? {
        Some(tree) => Ok(tree),
        None => objects.make(ObjectType::Tree, Vec::new(), None),
    }
}

fn below(objects: &Objects<'_>, base: Option<Oid>, changes: Changes<'_>) -> Result<Option<Oid>, GitError> {
    let old = match base {
        Some(base) => objects.read(base, ObjectType::Tree)?,
        None => [].into(),
    };
    let mut bytes = old.to_vec();
    for (name, changes) in by_first_step(changes) {
        let there = super::objects::entry(&bytes, name.as_bytes())?.map(|entry| Standing::of(&entry));
        let shall = match changes {
            Below::Itself(leaf) => leaf.map(|leaf| (leaf.mode, leaf.id)),
            Below::More(changes) => {
                if there.is_some_and(|there| there.mode != DIRECTORY) {
                    return Err(GitError::Unfit(format!("`{name}` is a file, and the change is below it")));
                }
                below(objects, there.map(|there| there.id), changes)?.map(|id| (DIRECTORY, id))
            }
        };
        bytes = put(bytes, name.as_bytes(), there, shall)?;
    }
    if bytes.is_empty() {
        return Ok(None);
    }
    if *bytes == *old {
        return Ok(base);
    }
    objects.make(ObjectType::Tree, bytes, base).map(Some)
}

/// What is to be done at one name.
enum Below<'c> {
    Itself(Option<Leaf>),
    More(Changes<'c>),
}

fn by_first_step(changes: Changes<'_>) -> BTreeMap<&str, Below<'_>> {
    let mut grouped: BTreeMap<&str, Below<'_>> = BTreeMap::new();
    for (path, leaf) in changes {
        match path.split_once('/') {
            None => drop(grouped.insert(path, Below::Itself(leaf))),
            Some((name, rest)) => match grouped.entry(name).or_insert_with(|| Below::More(Vec::new())) {
                Below::More(more) => more.push((rest, leaf)),
                itself @ Below::Itself(_) => *itself = Below::More(vec![(rest, leaf)]),
            },
        }
    }
    grouped
}

/// An entry that stands in a tree.
#[derive(Clone, Copy)]
struct Standing {
    mode: u32,
    id: Oid,
    at: (usize, usize),
}

impl Standing {
    fn of(entry: &Entry<'_>) -> Self {
        Self { mode: entry.mode, id: entry.id, at: entry.at }
    }
}

/// The tree's bytes with one entry replaced, added or taken out.
fn put(
    mut tree: Vec<u8>,
    name: &[u8],
    there: Option<Standing>,
    shall: Option<(u32, Oid)>,
) -> Result<Vec<u8>, GitError> {
    let new = shall.map(|(mode, id)| [format!("{mode:o} ").as_bytes(), name, b"\0", id.as_bytes()].concat());
    let sorts_alike = |one: u32, other: u32| (one == DIRECTORY) == (other == DIRECTORY);
    match (there, shall) {
        // A file and a directory of one name sort differently.
        (Some(there), Some((mode, _))) if sorts_alike(there.mode, mode) => {
            drop(tree.splice(there.at.0..there.at.1, new.unwrap_or_default()));
            return Ok(tree);
        }
        (Some(there), _) => drop(tree.drain(there.at.0..there.at.1)),
        (None, _) => {}
    }
    if let (Some((mode, _)), Some(new)) = (shall, new) {
        let place = place_for(&tree, name, mode)?;
        drop(tree.splice(place..place, new));
    }
    Ok(tree)
}

/// Where git sorts a name: by its bytes, a directory's as if a `/` followed.
fn place_for(tree: &[u8], name: &[u8], mode: u32) -> Result<usize, GitError> {
    let key = |name: &[u8], mode: u32| if mode == DIRECTORY { [name, b"/"].concat() } else { name.to_vec() };
    let ours = key(name, mode);
    for entry in entries(tree) {
        let entry = entry?;
        if key(entry.name, entry.mode) > ours {
            return Ok(entry.at.0);
        }
    }
    Ok(tree.len())
}
