//! Which files came and went between two trees: only directories that differ are read, so that it costs what changed
//! and not what there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use git2::{ObjectType, Oid};

use super::{
    error::GitError,
    objects::{DIRECTORY, Objects, entries},
    read::{files_below, is_file},
};
use crate::core::names::RepoPath;

/// The paths of the files below `to`, from those below another tree. Where no file came or went it is the same list.
pub(super) fn moved(
    objects: &Objects<'_>,
    (from, paths): (Oid, &Arc<Vec<RepoPath>>),
    to: Oid,
) -> Result<Arc<Vec<RepoPath>>, GitError> {
    let mut moves = Moves::default();
    moves.compare(objects, (from, to), "")?;
    if moves.gone.is_empty() && moves.come.is_empty() {
        return Ok(Arc::clone(paths));
    }
    let mut all: Vec<RepoPath> = paths.iter().filter(|path| !moves.gone.contains(*path)).cloned().collect();
    all.extend(moves.come);
    // What was in order stays so, which makes this cheap.
    all.sort();
    Ok(Arc::new(all))
}

/// The paths of the files that differ between two trees.
pub(super) fn changed(objects: &Objects<'_>, (from, to): (Oid, Oid)) -> Result<Vec<RepoPath>, GitError> {
    let mut moves = Moves::default();
    moves.compare(objects, (from, to), "")?;
    let all: BTreeSet<RepoPath> = moves.gone.into_iter().chain(moves.come).chain(moves.edited).collect();
    Ok(all.into_iter().collect())
}

/// The files that came and went, and those that hold something else.
#[derive(Default)]
struct Moves {
    gone: BTreeSet<RepoPath>,
    come: BTreeSet<RepoPath>,
    edited: BTreeSet<RepoPath>,
}

impl Moves {
    fn compare(&mut self, objects: &Objects<'_>, (from, to): (Oid, Oid), prefix: &str) -> Result<(), GitError> {
        if from == to {
            return Ok(());
        }
        let (from, to) = (objects.read(from, ObjectType::Tree)?, objects.read(to, ObjectType::Tree)?);
        for (name, (was, is)) in differing(&from, &to)? {
            let Ok(name) = std::str::from_utf8(name) else { continue };
            let path = format!("{prefix}{name}");
            match (was, is) {
                (Some((DIRECTORY, was)), Some((DIRECTORY, is))) => {
                    self.compare(objects, (was, is), &format!("{path}/"))?;
                }
                // Another content, and nothing else.
                (Some((was, _)), Some((is, _))) if is_file(was) && is_file(is) => {
                    self.edited.extend(RepoPath::parse(&path));
                }
                (was, is) => {
                    self.gone.extend(files_of(objects, was, &path)?);
                    self.come.extend(files_of(objects, is, &path)?);
                }
            }
        }
        Ok(())
    }
}

/// What stands at a name: its mode and id.
type Standing = (u32, Oid);

/// What stood at a name, and what stands there now.
type Moved = (Option<Standing>, Option<Standing>);

/// The names that stand for something else in two trees, with what they stand for in each.
fn differing<'t>(from: &'t [u8], to: &'t [u8]) -> Result<BTreeMap<&'t [u8], Moved>, GitError> {
    let alike = from.iter().zip(to).take_while(|(from, to)| from == to).count();
    let mut names: BTreeMap<&[u8], Moved> = BTreeMap::new();
    for entry in entries(from) {
        let entry = entry?;
        if entry.at.1 > alike {
            names.entry(entry.name).or_default().0 = Some((entry.mode, entry.id));
        }
    }
    for entry in entries(to) {
        let entry = entry?;
        if entry.at.1 > alike {
            names.entry(entry.name).or_default().1 = Some((entry.mode, entry.id));
        }
    }
    names.retain(|_, (from, to)| from != to);
    Ok(names)
}

/// The files at a path: itself, or those below it.
fn files_of(objects: &Objects<'_>, standing: Option<Standing>, path: &str) -> Result<Vec<RepoPath>, GitError> {
    let mut files = Vec::new();
    match standing {
        Some((DIRECTORY, tree)) => files_below(objects, tree, &format!("{path}/"), &mut files)?,
        Some((mode, blob)) if is_file(mode) => {
            files.extend(RepoPath::parse(path).ok().map(|path| (path, blob)));
        }
        Some(_) | None => {}
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

#[cfg(test)]
mod tests {
    use git2::{FileMode, Repository, build::TreeUpdateBuilder};
    use proptest::prelude::*;

    use super::*;

    /// A tree of these files, each with this content.
    fn tree(repository: &Repository, files: &[(String, String)]) -> Oid {
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in files {
            update.upsert(path.as_str(), repository.blob(text.as_bytes()).unwrap(), FileMode::Blob);
        }
        let empty = repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
        update.create_updated(repository, &empty).unwrap()
    }

    fn listed(repository: &Repository, tree: Oid) -> Vec<RepoPath> {
        let mut files = Vec::new();
        files_below(&Objects::of(repository).unwrap(), tree, "", &mut files).unwrap();
        files.into_iter().map(|(path, _)| path).collect()
    }

    /// Files whose directories and names meet in every way that git sorts specially.
    fn files() -> impl Strategy<Value = Vec<(String, String)>> {
        let step = prop::sample::select(vec!["a", "a.b", "a-b", "b", "ab", "a0"]);
        let path = prop::collection::vec(step, 1..4).prop_map(|steps| steps.join("/"));
        let all = prop::collection::btree_map(path, "[xy]", 0..12);
        all.prop_map(|all| {
            let paths: Vec<String> = all.keys().cloned().collect();
            let below = |path: &str| paths.iter().any(|other| other.starts_with(&format!("{path}/")));
            all.into_iter().filter(|(path, _)| !below(path)).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn properties_of_a_list_that_moves_along(one in files(), other in files()) {
            let folder = tempfile::tempdir().unwrap();
            let repository = Repository::init_bare(folder.path()).unwrap();
            let (from, to) = (tree(&repository, &one), tree(&repository, &other));
            let before = Arc::new(listed(&repository, from));
            let objects = Objects::of(&repository).unwrap();
            let after = moved(&objects, (from, &before), to).unwrap();
            prop_assert_eq!(&*after, &listed(&repository, to));
            let same = before == after;
            prop_assert_eq!(Arc::ptr_eq(&before, &after), same);
            let text = |path: &str, all: &[(String, String)]| all.iter().find(|(other, _)| other == path).cloned();
            let paths: BTreeSet<&String> = one.iter().chain(&other).map(|(path, _)| path).collect();
            let differ = paths.into_iter().filter(|path| text(path, &one) != text(path, &other));
            let differ: Vec<RepoPath> = differ.map(|path| RepoPath::parse(path).unwrap()).collect();
            prop_assert_eq!(changed(&objects, (from, to)).unwrap(), differ);
        }
    }
}
