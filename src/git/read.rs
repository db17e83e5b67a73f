//! Reading a commit: paths, directories, files. Text only: what is a link, a submodule, larger than 1 MiB or
//! not UTF-8 is nothing that Leverframe edits.

use std::{cell::RefCell, collections::VecDeque, path::Path, sync::Arc};

use git2::{ObjectType, Oid, Repository, TreeWalkMode, TreeWalkResult};

use super::error::GitError;
pub use crate::core::change::SourceFile;
use crate::core::{
    change::gathered,
    names::{CommitId, RepoPath},
};

/// The largest file that is read, in bytes.
pub const MAX_FILE: usize = 1024 * 1024;

/// For how many commits the list of paths is kept.
const KEPT: usize = 4;

/// A commit as a landing sees it: what is on the tip that the change is planned on.
pub struct Tree<'r> {
    repository: &'r Repository,
    commit: CommitId,
    root: git2::Tree<'r>,
    trouble: RefCell<Option<GitError>>,
}

impl<'r> Tree<'r> {
    pub(super) fn of(repository: &'r Repository, commit: Oid) -> Result<Self, GitError> {
        let id = commit_id(commit)?;
        let root = repository.find_commit(commit)?.tree()?;
        Ok(Self { repository, commit: id, root, trouble: RefCell::new(None) })
    }

    /// A commit by its name from outside, which may not be in the mirror.
    pub(super) fn named(repository: &'r Repository, commit: &CommitId) -> Result<Self, GitError> {
        Self::of(repository, known(repository, commit)?)
    }

    /// The commit this is.
    pub fn commit(&self) -> &CommitId {
        &self.commit
    }

    /// A file; `None` where there is no text file of at most 1 MiB at `path`.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub fn file(&self, path: &RepoPath) -> Result<Option<SourceFile>, GitError> {
        self.noting(self.read_file(path))
    }

    fn read_file(&self, path: &RepoPath) -> Result<Option<SourceFile>, GitError> {
        match entry(&self.root, path)? {
            Some(found) if is_file(found.filemode()) => text(self.repository, found.id(), path.clone()),
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
        let Some(found) = entry(&self.root, path)?.filter(|found| found.kind() == Some(ObjectType::Tree)) else {
            return Ok(Vec::new());
        };
        let below = self.repository.find_tree(found.id())?;
        let files = files_of(&below, &format!("{path}/"))?;
        let texts = files.into_iter().filter_map(|(path, blob)| text(self.repository, blob, path).transpose());
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
        Ok(files_of(&self.root, "")?.into_iter().map(|(path, _)| path).collect())
    }

    /// The blob or tree at a path, with its file mode.
    pub(super) fn entry(&self, path: &RepoPath) -> Result<Option<git2::TreeEntry<'static>>, GitError> {
        entry(&self.root, path)
    }
}

/// The lists of paths of the last commits asked for.
#[derive(Default)]
pub(super) struct PathCache {
    lists: VecDeque<(CommitId, Arc<Vec<RepoPath>>)>,
}

impl PathCache {
    pub(super) fn list(&mut self, repository: &Repository, commit: &CommitId) -> Result<Arc<Vec<RepoPath>>, GitError> {
        if let Some((_, list)) = self.lists.iter().find(|(known, _)| known == commit) {
            return Ok(Arc::clone(list));
        }
        let list = Arc::new(Tree::named(repository, commit)?.paths()?);
        self.lists.truncate(KEPT - 1);
        self.lists.push_front((commit.clone(), Arc::clone(&list)));
        Ok(list)
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

fn entry(root: &git2::Tree<'_>, path: &RepoPath) -> Result<Option<git2::TreeEntry<'static>>, GitError> {
    match root.get_path(Path::new(path.as_str())) {
        Ok(found) => Ok(Some(found)),
        // A missing entry is the tree's to say; a missing object is damage.
        Err(error) if error.code() == git2::ErrorCode::NotFound && error.class() == git2::ErrorClass::Tree => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A regular file, executable or not.
pub(super) fn is_file(mode: i32) -> bool {
    [i32::from(git2::FileMode::Blob), i32::from(git2::FileMode::BlobExecutable)].contains(&mode)
        || mode == i32::from(git2::FileMode::BlobGroupWritable)
}

/// Every regular file below a tree whose path is one of ours.
fn files_of(tree: &git2::Tree<'_>, prefix: &str) -> Result<Vec<(RepoPath, Oid)>, GitError> {
    let mut files = Vec::new();
    tree.walk(TreeWalkMode::PreOrder, |directory, entry| {
        if is_file(entry.filemode())
            && let Ok(name) = std::str::from_utf8(entry.name_bytes())
            && let Ok(path) = RepoPath::parse(&format!("{prefix}{directory}{name}"))
        {
            files.push((path, entry.id()));
        }
        TreeWalkResult::Ok
    })?;
    Ok(files)
}

fn text(repository: &Repository, blob: Oid, path: RepoPath) -> Result<Option<SourceFile>, GitError> {
    let (size, _) = repository.odb()?.read_header(blob)?;
    if size > MAX_FILE {
        return Ok(None);
    }
    let content = repository.find_blob(blob)?;
    let text = std::str::from_utf8(content.content()).ok().filter(|text| !text.contains('\0'));
    Ok(text.map(|text| SourceFile { path, text: text.to_owned(), blob: blob.to_string() }))
}
