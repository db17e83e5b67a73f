//! A commit without a work tree: blobs, a tree with only the intended paths changed, and a commit whose id
//! follows from its inputs alone.

use git2::{Commit, FileMode, Oid, Repository, Time, build::TreeUpdateBuilder};
use jiff::Timestamp;

use super::{
    error::GitError,
    history::{REQUEST_TRAILER, is_marked},
    read::{Tree, is_file},
};
use crate::core::names::{RepoPath, RequestId};

/// Who wrote or committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name; what git cannot hold (`<`, `>`, line breaks) is left out.
    pub name: String,
    /// E-mail address, cleaned likewise.
    pub email: String,
}

/// A change, composed on one tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// New content by path; `None` deletes. A file that exists keeps its mode.
    pub files: Vec<(RepoPath, Option<Vec<u8>>)>,
    /// The person.
    pub author: Signature,
    /// The bot.
    pub committer: Signature,
    /// When, in whole seconds, UTC.
    pub at: Timestamp,
    /// Subject, body, trailers; kept byte for byte.
    pub message: String,
}

/// Writes the commit into the mirror; its id follows from `composed` and `parent` alone.
pub(super) fn write(
    repository: &Repository,
    parent: Oid,
    composed: &Composed,
    request: &RequestId,
) -> Result<Oid, GitError> {
    if !is_marked(&composed.message, request) || composed.message.contains('\0') {
        return Err(GitError::Unfit(format!("its message lacks the trailer `{REQUEST_TRAILER}: {request}`")));
    }
    let base = Tree::of(repository, parent)?;
    let parent = repository.find_commit(parent)?;
    let tree = write_tree(repository, &base, &parent, composed)?;
    if tree == parent.tree_id() {
        return Err(GitError::Unfit("it changes nothing".into()));
    }
    let author = signature(&composed.author, composed.at)?;
    let committer = signature(&composed.committer, composed.at)?;
    let tree = repository.find_tree(tree)?;
    Ok(repository.commit(None, &author, &committer, &composed.message, &tree, &[&parent])?)
}

fn write_tree(
    repository: &Repository,
    base: &Tree<'_>,
    parent: &Commit<'_>,
    composed: &Composed,
) -> Result<Oid, GitError> {
    let mut update = TreeUpdateBuilder::new();
    for (path, content) in &composed.files {
        if path.is_protected() {
            return Err(GitError::ProtectedPath(path.clone()));
        }
        let mode = mode_at(base, path)?;
        match (content, mode) {
            (Some(content), mode) => {
                update.upsert(path.as_str(), repository.blob(content)?, mode.unwrap_or(FileMode::Blob));
            }
            (None, Some(_)) => {
                update.remove(path.as_str());
            }
            (None, None) => {}
        }
    }
    let written = update.create_updated(repository, &parent.tree()?);
    written.map_err(|error| GitError::Unfit(error.message().to_owned()))
}

/// The mode of the file at a path; an error where something stands there that is no file.
fn mode_at(base: &Tree<'_>, path: &RepoPath) -> Result<Option<FileMode>, GitError> {
    let Some(entry) = base.entry(path)? else { return Ok(None) };
    if !is_file(entry.filemode()) {
        return Err(GitError::Unfit(format!("`{path}` is a link, a submodule or a directory")));
    }
    let executable = entry.filemode() == i32::from(FileMode::BlobExecutable);
    Ok(Some(if executable { FileMode::BlobExecutable } else { FileMode::Blob }))
}

fn signature(who: &Signature, at: Timestamp) -> Result<git2::Signature<'static>, GitError> {
    let clean = |text: &str| {
        let text: String = text.chars().filter(|c| !c.is_control() && !"<>".contains(*c)).collect();
        // git takes these off at the ends; where nothing is left it refuses.
        let text = text.trim().trim_matches(|c| ".,:;\"\\'".contains(c)).to_owned();
        if text.is_empty() { "unknown".to_owned() } else { text }
    };
    Ok(git2::Signature::new(&clean(&who.name), &clean(&who.email), &Time::new(at.as_second(), 0))?)
}

/// Whether we made this commit for this request: it carries the mark, and nobody committed it anew since.
pub(super) fn is_ours(commit: &Commit<'_>, composed: &Composed, request: &RequestId) -> bool {
    let committer = signature(&composed.committer, composed.at);
    let same = committer.is_ok_and(|ours| ours.email_bytes() == commit.committer().email_bytes());
    same && commit.parent_count() == 1 && is_marked(&String::from_utf8_lossy(commit.message_bytes()), request)
}

/// Whether a commit is this change: each path reads as composed, and nothing else differs from its parent.
pub(super) fn holds(repository: &Repository, commit: &Commit<'_>, composed: &Composed) -> Result<bool, GitError> {
    let tree = Tree::of(repository, commit.id())?;
    for (path, content) in &composed.files {
        let found = tree.entry(path)?.map(|entry| entry.id());
        let meant = content.as_ref().map(|bytes| Oid::hash_object(git2::ObjectType::Blob, bytes)).transpose()?;
        if found != meant {
            return Ok(false);
        }
    }
    let diff = repository.diff_tree_to_tree(Some(&commit.parent(0)?.tree()?), Some(&commit.tree()?), None)?;
    let meant = |delta: git2::DiffDelta<'_>| {
        let path = delta.new_file().path().or(delta.old_file().path()).and_then(|path| path.to_str());
        path.is_some_and(|path| composed.files.iter().any(|(ours, _)| ours.as_str() == path))
    };
    Ok(diff.deltas().all(meant))
}
