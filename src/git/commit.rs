//! A commit without a work tree: blobs, a tree with only the intended paths changed, and a commit whose id
//! follows from its inputs alone.

use git2::{Commit, ObjectType, Oid, Repository, Time};
use jiff::Timestamp;

use super::{
    error::GitError,
    history::{REQUEST_TRAILER, is_marked},
    objects::Objects,
    read::{Found, Tree, is_file},
    sign::SigningKey,
    tree::{self, Leaf},
};
use crate::core::names::{RepoPath, RequestId};

/// The modes of files that are written.
const PLAIN: u32 = 0o100_644;
const EXECUTABLE: u32 = 0o100_755;

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

/// Makes the commit; its id follows from `composed`, `parent` and the signing key alone.
pub(super) fn make(
    base: &Tree<'_>,
    objects: &Objects<'_>,
    (parent, composed): (Oid, &Composed),
    request: &RequestId,
    key: Option<&SigningKey>,
) -> Result<Oid, GitError> {
    if !is_marked(&composed.message, request) || composed.message.contains('\0') {
        return Err(GitError::Unfit(format!("its message lacks the trailer `{REQUEST_TRAILER}: {request}`")));
    }
    let tree = make_tree(base, objects, composed)?;
    if tree == base.root() {
        return Err(GitError::Unfit("it changes nothing".into()));
    }
    let who = (&composed.author, &composed.committer, composed.at);
    write(objects, (tree, Some(parent)), who, &composed.message, key)
}

/// Makes the commit of a tree, by its author and committer at a time.
pub(super) fn write(
    objects: &Objects<'_>,
    (tree, parent): (Oid, Option<Oid>),
    (author, committer, at): (&Signature, &Signature, Timestamp),
    message: &str,
    key: Option<&SigningKey>,
) -> Result<Oid, GitError> {
    let signed = |who| signature(who, at).map(|who| line_of(&who));
    let parent = parent.map(|parent| format!("parent {parent}\n")).unwrap_or_default();
    let head = [
        format!("tree {tree}\n{parent}author ").into_bytes(),
        signed(author)?,
        b"\ncommitter ".to_vec(),
        signed(committer)?,
        b"\n".to_vec(),
    ]
    .concat();
    let message = format!("\n{message}").into_bytes();
    let seal = key.map(|key| key.header(&[head.as_slice(), &message].concat())).transpose()?;
    objects.make(ObjectType::Commit, [head, seal.unwrap_or_default(), message].concat(), None)
}

/// `Name <e-mail> seconds +0000`.
fn line_of(who: &git2::Signature<'_>) -> Vec<u8> {
    let when = format!("> {} +0000", who.when().seconds());
    [who.name_bytes(), b" <", who.email_bytes(), when.as_bytes()].concat()
}

fn make_tree(base: &Tree<'_>, objects: &Objects<'_>, composed: &Composed) -> Result<Oid, GitError> {
    let mut changes = Vec::new();
    for (path, content) in &composed.files {
        if path.is_protected() {
            return Err(GitError::ProtectedPath(path.clone()));
        }
        let there = file_at(base, path)?;
        let leaf = match content {
            Some(content) => {
                let executable = there.is_some_and(|there| there.mode == EXECUTABLE);
                let id = objects.make(ObjectType::Blob, content.clone(), there.map(|there| there.id))?;
                Some(Leaf { mode: if executable { EXECUTABLE } else { PLAIN }, id })
            }
            None if there.is_none() => continue,
            None => None,
        };
        changes.push((path.as_str(), leaf));
    }
    tree::changed(objects, base.root(), changes)
}

/// The file at a path; an error where something stands there that is no file.
fn file_at(base: &Tree<'_>, path: &RepoPath) -> Result<Option<Found>, GitError> {
    let found = base.entry(path)?;
    match found {
        Some(found) if !is_file(found.mode) => {
            Err(GitError::Unfit(format!("`{path}` is a link, a submodule or a directory")))
        }
        found => Ok(found),
    }
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
    let objects = Objects::of(repository)?;
    let tree = Tree::of(&objects, commit.id())?;
    for (path, content) in &composed.files {
        let found = tree.entry(path)?.map(|found| found.id);
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
