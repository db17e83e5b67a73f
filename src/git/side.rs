//! Branches of ours that share nothing with the tracked one: files that go with a repository and are none of its code,
//! each change one commit on the last. Nobody else writes there; whoever did is not written over.

use std::path::Path;

use git2::{ObjectType, Oid, Repository};
use jiff::Timestamp;

use super::{
    Mirror,
    commit::{self, Signature},
    error::GitError,
    land,
    objects::Objects,
    read::Tree,
    remote::{self, Push, Pushed, Replace},
    tree::{self, Leaf},
    worker::Room,
};
use crate::core::names::RepoPath;

/// How often a lost race is run at most.
const TRIES: u32 = 5;
/// The mode of a file.
const PLAIN: u32 = 0o100_644;

/// Files that a branch of ours shall hold, beside those that it has.
#[derive(Debug, Clone)]
pub struct Side {
    /// The branch: `leverframe/audit`.
    pub branch: String,
    /// Their content.
    pub files: Vec<(RepoPath, Vec<u8>)>,
    /// Who we are there.
    pub by: Signature,
    /// When, in whole seconds.
    pub at: Timestamp,
    /// What the commit says.
    pub message: String,
}

impl Mirror {
    /// Has these files on a branch of ours, by one commit where it does not hold them yet.
    ///
    /// # Errors
    /// When the host cannot be asked or refuses.
    pub async fn keep_aside(&self, side: Side) -> Result<(), GitError> {
        self.writer.call(move |room| keep(room, &side)).await
    }

    /// A file on a branch of ours as the host has it now; `None` where there is no such branch or file.
    ///
    /// # Errors
    /// When the host cannot be asked.
    pub async fn read_aside(&self, branch: &str, path: RepoPath) -> Result<Option<Vec<u8>>, GitError> {
        let reference = format!("refs/heads/{branch}");
        let read = move |room: &mut Room| {
            let Some(tip) = land::fetch(room, Some(&reference))?.other else { return Ok(None) };
            let objects = Objects::of(&room.repository)?;
            let found = Tree::of(&objects, tip)?.entry(&path)?;
            found.map(|found| Ok(objects.read(found.id, ObjectType::Blob)?.to_vec())).transpose()
        };
        self.writer.call(read).await
    }

    /// The names of the files at the root of a branch of ours, as it was fetched last, in order.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub async fn list_aside(&self, branch: &str) -> Result<Vec<String>, GitError> {
        let reference = format!("refs/heads/{branch}");
        let list =
            move |room: &mut Room| Ok(files(&room.repository, &reference)?.into_iter().map(|(name, _)| name).collect());
        self.writer.call(list).await
    }
}

fn keep(room: &mut Room, side: &Side) -> Result<(), GitError> {
    let reference = format!("refs/heads/{}", side.branch);
    if reference == room.shared.tracked() || !git2::Reference::is_valid_name(&reference) {
        return Err(GitError::Unfit(format!("`{}` cannot be a branch of the bot's own", side.branch)));
    }
    for _ in 0..TRIES {
        let expected = land::fetch(room, Some(&reference))?.other;
        let objects = Objects::of(&room.repository)?;
        let Some(commit) = make(room, &objects, expected, side)? else { return Ok(()) };
        let made = objects.into_made();
        let push = Push { reference: &reference, commit, expected, replace: Replace::No };
        if remote::push(room, push, &made)? == Pushed::Done {
            return Ok(());
        }
    }
    Err(GitError::LostRace(TRIES))
}

/// The commit; `None` where the branch holds the files already.
fn make(room: &Room, objects: &Objects<'_>, parent: Option<Oid>, side: &Side) -> Result<Option<Oid>, GitError> {
    let base = parent.map(|parent| Tree::of(objects, parent)).transpose()?;
    let root = match &base {
        Some(base) => base.root(),
        None => objects.make(ObjectType::Tree, Vec::new(), None)?,
    };
    let mut changes = Vec::new();
    for (path, content) in &side.files {
        let there = base.as_ref().map(|base| base.entry(path)).transpose()?.flatten();
        let id = objects.make(ObjectType::Blob, content.clone(), there.map(|there| there.id))?;
        changes.push((path.as_str(), Some(Leaf { mode: PLAIN, id })));
    }
    let tree = tree::changed(objects, root, changes)?;
    if parent.is_some() && tree == root {
        return Ok(None);
    }
    let who = (&side.by, &side.by, side.at);
    commit::write(objects, (tree, parent), who, &side.message, room.shared.key.as_ref()).map(Some)
}

/// The files at the root of such a branch in a repository on this machine, there or as a remote's; none where it has
/// no such branch.
///
/// # Errors
/// When there is no repository, or it cannot be read.
pub fn side_files(repository: &Path, branch: &str) -> Result<Vec<(String, Vec<u8>)>, GitError> {
    let repository = Repository::open(repository)?;
    let mut names = vec![format!("refs/heads/{branch}")];
    for remote in repository.remotes()?.iter() {
        names.extend(remote.ok().flatten().map(|remote| format!("refs/remotes/{remote}/{branch}")));
    }
    let mut found = Vec::new();
    for name in names {
        found.extend(files(&repository, &name)?);
    }
    Ok(found)
}

fn files(repository: &Repository, reference: &str) -> Result<Vec<(String, Vec<u8>)>, GitError> {
    let Ok(reference) = repository.find_reference(reference) else { return Ok(Vec::new()) };
    let tree = reference.peel_to_commit()?.tree()?;
    let mut found = Vec::new();
    for entry in &tree {
        if let (Ok(name), Some(ObjectType::Blob)) = (entry.name(), entry.kind()) {
            found.push((name.to_owned(), repository.find_blob(entry.id())?.content().to_vec()));
        }
    }
    Ok(found)
}
