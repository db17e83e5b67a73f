//! Pushing into a folder on this machine.

use git2::{Oid, Repository};

use super::{
    error::GitError,
    fallback::conversation_failed,
    remote::{Push, Pushed},
    worker::Room,
};

/// libgit2's push into a folder overwrites without comparing. So the objects are put there as a pack, and the
/// branch is moved by a compare-and-set under git's own lock.
pub(super) fn push(room: &Room, push: Push<'_>) -> Result<Pushed, GitError> {
    let failed = |error: git2::Error| conversation_failed(room, &error);
    let there = Repository::open(folder(&room.shared.url)?).map_err(failed)?;
    if !there.is_bare() {
        return Err(GitError::Refused("the folder has a work tree; only bare repositories are pushed to".into()));
    }
    send_objects(&room.repository, &there, push.commit).map_err(failed)?;
    let moved = match push.expected {
        None => there.reference(push.reference, push.commit, false, "leverframe"),
        Some(expected) => there.reference_matching(push.reference, push.commit, true, expected, "leverframe"),
    };
    match moved.map(|_| ()) {
        Ok(()) => Ok(Pushed::Done),
        Err(error) if is_lost(error.code()) => Ok(Pushed::Lost(None)),
        Err(error) => Err(failed(error)),
    }
}

/// Puts a commit into another repository, with those before it that are not there.
fn send_objects(from: &Repository, to: &Repository, commit: Oid) -> Result<(), git2::Error> {
    let mut walk = from.revwalk()?;
    walk.push(commit)?;
    let mut lacking = vec![commit];
    while let Some(next) = lacking.pop() {
        for parent in from.find_commit(next)?.parent_ids() {
            match to.find_commit(parent) {
                Ok(_) => walk.hide(parent)?,
                Err(_) => lacking.push(parent),
            }
        }
    }
    let (mut builder, mut pack) = (from.packbuilder()?, git2::Buf::new());
    builder.insert_walk(&mut walk)?;
    builder.write_buf(&mut pack)?;
    let objects = to.odb()?;
    let mut writer = objects.packwriter()?;
    std::io::Write::write_all(&mut writer, &pack).map_err(|error| git2::Error::from_str(&error.to_string()))?;
    writer.commit().map(|_| ())
}

fn is_lost(code: git2::ErrorCode) -> bool {
    use git2::ErrorCode;
    [ErrorCode::Modified, ErrorCode::Locked, ErrorCode::Exists, ErrorCode::NotFound].contains(&code)
}

pub(super) fn folder(url: &str) -> Result<std::path::PathBuf, GitError> {
    let parsed = url::Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
    parsed.ok_or_else(|| GitError::Address("`file://` needs the whole path of a folder".into()))
}
