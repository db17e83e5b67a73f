//! Reading a commit: paths, directories, files. Text only: what is a link, a submodule, larger than 1 MiB or
//! not UTF-8 is nothing that Leverframe edits.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use git2::{ObjectType, Oid, Repository};

use super::{
    compare,
    error::GitError,
    objects::{self, DIRECTORY, Objects},
};
pub use crate::core::change::SourceFile;
use crate::core::{
    change::gathered,
    names::{CommitId, RepoPath},
    yaml,
};

/// The largest file that is read, in bytes.
pub const MAX_FILE: usize = 1024 * 1024;

/// For how many commits the list of paths is kept.
const KEPT: usize = 4;

/// A commit as a landing sees it: what is on the tip that the change is planned on.
pub struct Tree<'o> {
    objects: &'o Objects<'o>,
    commit: CommitId,
    root: Oid,
    trouble: RefCell<Option<GitError>>,
    /// What was found at paths that were looked for.
    found: RefCell<HashMap<RepoPath, Option<Found>>>,
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// `0o100644`, `0o40000`, ...
    pub(super) mode: u32,
    /// The blob or tree.
    pub(super) id: Oid,
}

impl<'o> Tree<'o> {
    pub(super) fn of(objects: &'o Objects<'o>, commit: Oid) -> Result<Self, GitError> {
        let root = root_of(&objects.read(commit, ObjectType::Commit)?)?;
        Ok(Self { objects, commit: commit_id(commit)?, root, trouble: RefCell::new(None), found: RefCell::default() })
    }

    /// A commit by its name from outside, which may not be in the mirror.
    pub(super) fn named(objects: &'o Objects<'o>, commit: &CommitId) -> Result<Self, GitError> {
        Self::of(objects, known(objects.repository(), commit)?)
    }

    /// The commit this is.
    pub fn commit(&self) -> &CommitId {
        &self.commit
    }

    /// The tree at its root.
    pub(super) fn root(&self) -> Oid {
        self.root
    }

    /// A file; `None` where there is no text file of at most 1 MiB at `path`.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub fn file(&self, path: &RepoPath) -> Result<Option<SourceFile>, GitError> {
        self.noting(self.read_file(path))
    }

    /// The same file as it stands in another commit.
    ///
    /// # Errors
    /// When the mirror cannot be read, or does not hold that commit.
    pub fn file_in(&self, commit: &CommitId, path: &RepoPath) -> Result<Option<SourceFile>, GitError> {
        self.noting(Self::named(self.objects, commit).and_then(|tree| tree.read_file(path)))
    }

    fn read_file(&self, path: &RepoPath) -> Result<Option<SourceFile>, GitError> {
        match self.entry(path)? {
            Some(found) if is_file(found.mode) => text(self.objects, found.id, path.clone()),
            Some(_) | None => Ok(None),
        }
    }

    /// Every text file below `path`, in the order git keeps them.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub fn directory(&self, path: &RepoPath) -> Result<Vec<SourceFile>, GitError> {
        self.noting(self.read_directory(path))
    }

    /// The files of a target: those below its directory or its one file, and those elsewhere that they build on.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub fn target(&self, path: &RepoPath) -> Result<Vec<SourceFile>, GitError> {
        let mut own = self.directory(path)?;
        if own.is_empty() {
            own.extend(self.file(path)?);
        }
        gathered(path, own, &mut |path| self.file(path))
    }

    fn read_directory(&self, path: &RepoPath) -> Result<Vec<SourceFile>, GitError> {
        let Some(found) = self.entry(path)?.filter(|found| found.mode == DIRECTORY) else {
            return Ok(Vec::new());
        };
        let mut files = Vec::new();
        files_below(self.objects, found.id, &format!("{path}/"), &mut files)?;
        let texts = files.into_iter().filter_map(|(path, blob)| text(self.objects, blob, path).transpose());
        texts.collect()
    }

    /// Remembers a failure, so that a landing stopped by it ends with the failure itself and not with what its
    /// composer made of it: damage must be known here to be mended.
    fn noting<T>(&self, read: Result<T, GitError>) -> Result<T, GitError> {
        if let Err(error) = &read {
            *self.trouble.borrow_mut() = Some(error.clone());
        }
        read
    }

    /// The failure that reading this commit ran into.
    pub(super) fn trouble(&self) -> Option<GitError> {
        self.trouble.borrow_mut().take()
    }

    /// Every file's path.
    pub(super) fn paths(&self) -> Result<Vec<RepoPath>, GitError> {
        let mut files = Vec::new();
        files_below(self.objects, self.root, "", &mut files)?;
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }

    /// The blob or tree at a path, with its file mode.
    pub(super) fn entry(&self, path: &RepoPath) -> Result<Option<Found>, GitError> {
        if let Some(found) = self.found.borrow().get(path) {
            return Ok(*found);
        }
        let found = self.find(path)?;
        self.found.borrow_mut().insert(path.clone(), found);
        Ok(found)
    }

    fn find(&self, path: &RepoPath) -> Result<Option<Found>, GitError> {
        let mut found = Found { mode: DIRECTORY, id: self.root };
        for step in path.as_str().split('/') {
            if found.mode != DIRECTORY {
                return Ok(None);
            }
            let tree = self.objects.read(found.id, ObjectType::Tree)?;
            match objects::entry(&tree, step.as_bytes())? {
                Some(entry) => found = Found { mode: entry.mode, id: entry.id },
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }
}

/// The tree that a commit's first line names.
fn root_of(commit: &[u8]) -> Result<Oid, GitError> {
    let line = commit.strip_prefix(b"tree ").and_then(|rest| rest.get(..40));
    let id = line.and_then(|line| std::str::from_utf8(line).ok()).and_then(|line| Oid::from_str(line).ok());
    id.ok_or_else(|| GitError::Damaged("a commit without a tree".to_owned()))
}

/// The lists of paths of the last commits asked for.
#[derive(Default)]
pub(super) struct PathCache {
    lists: VecDeque<Listed>,
}

/// The paths of a commit.
struct Listed {
    commit: CommitId,
    root: Oid,
    paths: Arc<Vec<RepoPath>>,
}

impl PathCache {
    /// The paths of a commit, from those of the last one asked for: only directories that differ are read, and where no
    /// file came or went it is the same list.
    pub(super) fn list(&mut self, repository: &Repository, commit: &CommitId) -> Result<Arc<Vec<RepoPath>>, GitError> {
        if let Some(listed) = self.lists.iter().find(|listed| listed.commit == *commit) {
            return Ok(Arc::clone(&listed.paths));
        }
        let objects = Objects::of(repository)?;
        let tree = Tree::named(&objects, commit)?;
        let paths = match self.lists.front() {
            Some(last) => compare::moved(&objects, (last.root, &last.paths), tree.root())?,
            None => Arc::new(tree.paths()?),
        };
        self.lists.truncate(KEPT - 1);
        self.lists.push_front(Listed { commit: commit.clone(), root: tree.root(), paths: Arc::clone(&paths) });
        Ok(paths)
    }
}

/// A commit of ours as libgit2 knows it; an error of its own when the mirror does not hold it, and damage when
/// it ought to.
pub(super) fn known(repository: &Repository, commit: &CommitId) -> Result<Oid, GitError> {
    let id = Oid::from_str(commit.as_str()).map_err(|_| GitError::UnknownCommit(commit.clone()))?;
    match repository.find_commit(id) {
        Ok(_) => Ok(id),
        Err(error) if error.code() == git2::ErrorCode::NotFound => {
            let is_tip = repository.references()?.flatten().any(|reference| reference.target() == Some(id));
            let unknown = GitError::UnknownCommit(commit.clone());
            Err(if is_tip { GitError::Damaged(error.message().to_owned()) } else { unknown })
        }
        Err(error) => Err(error.into()),
    }
}

/// libgit2's id as a name of ours.
pub(super) fn commit_id(id: Oid) -> Result<CommitId, GitError> {
    CommitId::parse(&id.to_string()).map_err(|error| GitError::Other(error.to_string()))
}

/// A regular file, executable or not; the last of the three is how old gits wrote it.
pub(super) fn is_file(mode: u32) -> bool {
    [0o100_644, 0o100_755, 0o100_664].contains(&mode)
}

/// Every regular file below a tree whose path is one of ours.
pub(super) fn files_below(
    objects: &Objects<'_>,
    tree: Oid,
    prefix: &str,
    files: &mut Vec<(RepoPath, Oid)>,
) -> Result<(), GitError> {
    let tree = objects.read(tree, ObjectType::Tree)?;
    for entry in objects::entries(&tree) {
        let entry = entry?;
        let Ok(name) = std::str::from_utf8(entry.name) else { continue };
        if entry.is_directory() {
            files_below(objects, entry.id, &format!("{prefix}{name}/"), files)?;
        } else if is_file(entry.mode)
            && let Ok(path) = RepoPath::parse(&format!("{prefix}{name}"))
        {
            files.push((path, entry.id));
        }
    }
    Ok(())
}

fn text(objects: &Objects<'_>, blob: Oid, path: RepoPath) -> Result<Option<SourceFile>, GitError> {
    if objects.size(blob)? > MAX_FILE {
        return Ok(None);
    }
    let content = objects.read(blob, ObjectType::Blob)?;
    let text = std::str::from_utf8(&content).ok().filter(|text| !text.contains('\0'));
    // Left out, it would seem not to be there, and what it says would be passed over without a word.
    let is_yaml = [".yaml", ".yml"].iter().any(|end| path.as_str().ends_with(end));
    let text = text.or_else(|| is_yaml.then_some(yaml::NOT_TEXT));
    Ok(text.map(|text| SourceFile { path, text: text.to_owned(), blob: blob.to_string() }))
}
