//! What one commit changed, by the beginning of its id.

use git2::Repository;

use super::{
    error::GitError,
    history::{CommitSummary, is_ancestor},
    read::commit_id,
};
use crate::core::names::{CommitId, RepoPath};

/// A commit and the files that it changed, against its first parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The commit.
    pub commit: CommitSummary,
    /// Its first parent; none for the first commit.
    pub parent: Option<CommitId>,
    /// What it changed, added or took away.
    pub files: Vec<RepoPath>,
}

/// The one commit at or before `tip` whose id begins so; `None` where there is none or more than one.
pub(super) fn changed(repository: &Repository, tip: &CommitId, start: &str) -> Result<Option<Changed>, GitError> {
    let Ok(commit) = repository.find_commit_by_prefix(start) else { return Ok(None) };
    let id = commit_id(commit.id())?;
    if !is_ancestor(repository, &id, tip)? {
        return Ok(None);
    }
    let parent = commit.parent(0).ok();
    let before = parent.as_ref().map(git2::Commit::tree).transpose()?;
    let difference = repository.diff_tree_to_tree(before.as_ref(), Some(&commit.tree()?), None)?;
    let paths = difference.deltas().flat_map(|delta| {
        [delta.old_file().path(), delta.new_file().path()]
            .map(|path| path.and_then(|path| path.to_str()).map(str::to_owned))
    });
    let mut files: Vec<RepoPath> = paths.flatten().filter_map(|path| RepoPath::parse(&path).ok()).collect();
    files.sort();
    files.dedup();
    let parent = parent.map(|parent| commit_id(parent.id())).transpose()?;
    Ok(Some(Changed { commit: CommitSummary::of(&commit)?, parent, files }))
}
