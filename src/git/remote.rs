//! What is said over the network: one fetch, one push. Each is one conversation: references are listed once,
//! and what is decided from the list (nothing to fetch, the lease is lost) costs no second round.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
};

use git2::{AutotagOption, Direction, FetchOptions, Oid, PushOptions, RemoteCallbacks, Repository};

use super::{
    error::GitError,
    refusal::{Verdict, classify, telling_line},
    worker::Room,
};

/// How much of what a hook prints is kept, in bytes.
const HOOK_WORDS: usize = 16 * 1024;

/// What the server has, now also in the mirror.
pub(super) struct Heads {
    /// The tip of the tracked branch.
    pub(super) tip: Oid,
    /// The tip of the other branch that was asked for, where it exists.
    pub(super) other: Option<Oid>,
}

/// Fetches the tracked branch, and `other` (a reference) where the server has it.
pub(super) fn fetch(room: &Room, other: Option<&str>) -> Result<Heads, GitError> {
    room.failure.take();
    if room.shared.url.starts_with("file:") && !folder(&room.shared.url)?.exists() {
        return Err(GitError::NotFound);
    }
    let tracked = room.shared.tracked();
    let mut remote = room.repository.remote_anonymous(&room.shared.url)?;
    let mut connection = remote
        .connect_auth(Direction::Fetch, Some(RemoteCallbacks::new()), None)
        .map_err(|error| conversation_failed(room, &error))?;
    let listed: Vec<(String, Oid)> = connection
        .list()
        .map_err(|error| conversation_failed(room, &error))?
        .iter()
        .map(|head| (head.name().to_owned(), head.oid()))
        .collect();
    let find = |name: &str| listed.iter().find(|(found, _)| found == name).map(|(_, id)| *id);
    let tip = find(&tracked).ok_or_else(|| GitError::BranchMissing(room.shared.branch.clone()))?;
    let heads = Heads { tip, other: other.and_then(find) };
    let wanted: Vec<(&str, Oid)> =
        [(Some(tracked.as_str()), Some(heads.tip)), (other, heads.other)].into_iter().filter_map(both).collect();
    if wanted.iter().any(|(_, id)| room.repository.find_commit(*id).is_err()) {
        let specs: Vec<String> = wanted.iter().map(|(name, _)| format!("+{name}:{name}")).collect();
        let mut options = FetchOptions::new();
        options.download_tags(AutotagOption::None).update_fetchhead(false);
        let downloaded = connection.remote().download(&specs, Some(&mut options));
        downloaded.map_err(|error| conversation_failed(room, &error))?;
    }
    follow(&room.repository, &wanted, &listed)?;
    Ok(heads)
}

/// The branch that the host shows first.
pub(super) fn default_branch(room: &Room) -> Result<Option<String>, GitError> {
    room.failure.take();
    if room.shared.url.starts_with("file:") && !folder(&room.shared.url)?.exists() {
        return Err(GitError::NotFound);
    }
    let mut remote = room.repository.remote_anonymous(&room.shared.url)?;
    let connection = remote
        .connect_auth(Direction::Fetch, Some(RemoteCallbacks::new()), None)
        .map_err(|error| conversation_failed(room, &error))?;
    let found = match connection.default_branch() {
        Ok(name) => name.as_str().ok().and_then(|name| name.strip_prefix("refs/heads/")).map(str::to_owned),
        Err(error) if error.code() == git2::ErrorCode::NotFound => None,
        Err(error) => return Err(conversation_failed(room, &error)),
    };
    Ok(found)
}

fn both<A, B>(pair: (Option<A>, Option<B>)) -> Option<(A, B)> {
    pair.0.zip(pair.1)
}

/// Drops the references of branches that are gone, then moves the others to where the server's are.
fn follow(repository: &Repository, wanted: &[(&str, Oid)], listed: &[(String, Oid)]) -> Result<(), GitError> {
    let there: HashSet<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
    for found in repository.references_glob("refs/heads/*")? {
        let mut found = found?;
        if !found.name().is_ok_and(|name| there.contains(name)) {
            found.delete()?;
        }
    }
    for (name, id) in wanted {
        if repository.refname_to_id(name).ok() != Some(*id) {
            repository.reference(name, *id, true, "fetched")?;
        }
    }
    Ok(())
}

/// Whether a push may replace commits. It happens only on branches of our own, under the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replace {
    /// The new commit must descend from the old tip.
    No,
    /// The old tip was ours.
    Yes,
}

/// What a push came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    /// The server has it.
    Done,
    /// Somebody else was faster.
    Lost,
}

/// A push and its lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Push<'p> {
    /// `refs/heads/main`.
    pub(super) reference: &'p str,
    /// What it shall be.
    pub(super) commit: Oid,
    /// What it must be on the server until then; `None`: must not exist.
    pub(super) expected: Option<Oid>,
    /// Whether commits may go.
    pub(super) replace: Replace,
}

/// Pushes under the lease; the mirror's own reference follows.
pub(super) fn push(room: &Room, push: Push<'_>) -> Result<Pushed, GitError> {
    room.failure.take();
    if room.shared.url.starts_with("file:") {
        return push_to_folder(room, push);
    }
    let said = Said::default();
    let sent = said.send(room, push);
    if said.lease_lost.get() {
        return Ok(Pushed::Lost);
    }
    let hook = String::from_utf8_lossy(&said.hook.borrow()).into_owned();
    if let Some(status) = said.refused.take() {
        return judge(&hook, &status, push.replace);
    }
    match sent {
        Ok(()) => {
            room.repository.reference(push.reference, push.commit, true, "pushed")?;
            Ok(Pushed::Done)
        }
        Err(error) => match room.failure.take() {
            Some(known) => Err(known),
            None => judge(&hook, error.message(), push.replace),
        },
    }
}

/// What the server said to a push.
#[derive(Default)]
struct Said {
    lease_lost: Cell<bool>,
    refused: RefCell<Option<String>>,
    hook: RefCell<Vec<u8>>,
}

impl Said {
    fn send(&self, room: &Room, push: Push<'_>) -> Result<(), git2::Error> {
        let mut remote = room.repository.remote_anonymous(&room.shared.url)?;
        let force = if push.replace == Replace::Yes { "+" } else { "" };
        let mut options = PushOptions::new();
        options.remote_callbacks(self.callbacks(push.expected.unwrap_or(Oid::ZERO_SHA1)));
        remote.push(&[format!("{force}{}:{}", push.commit, push.reference)], Some(&mut options))
    }

    fn callbacks(&self, expected: Oid) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        callbacks.push_negotiation(move |updates| {
            if updates.iter().all(|update| update.src() == expected) {
                return Ok(());
            }
            self.lease_lost.set(true);
            Err(git2::Error::from_str("the branch has moved"))
        });
        // The server compares once more under its lock; that refusal arrives only here.
        callbacks.push_update_reference(|_, status| {
            if let Some(status) = status {
                *self.refused.borrow_mut() = Some(status.to_owned());
            }
            Ok(())
        });
        callbacks.sideband_progress(|bytes| {
            let mut kept = self.hook.borrow_mut();
            let room_left = HOOK_WORDS.saturating_sub(kept.len());
            kept.extend(bytes.iter().take(room_left));
            true
        });
        callbacks
    }
}

/// What a refusal comes to.
fn judge(hook: &str, status: &str, replace: Replace) -> Result<Pushed, GitError> {
    let line = telling_line(hook, status);
    match classify(&format!("{hook}\n{status}")) {
        // Under a lease that held, this is the server's rule against replacing commits.
        Verdict::Retry if replace == Replace::Yes && status.contains("non-fast-forward") => {
            Err(GitError::Refused(line))
        }
        Verdict::Retry => Ok(Pushed::Lost),
        Verdict::Protected => Err(GitError::Protected(line)),
        Verdict::Auth => Err(GitError::Auth(line)),
        Verdict::Refused => Err(GitError::Refused(line)),
    }
}

/// libgit2's push into a folder overwrites without comparing. So the objects are put there as a pack, and the
/// branch is moved by a compare-and-set under git's own lock.
fn push_to_folder(room: &Room, push: Push<'_>) -> Result<Pushed, GitError> {
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
        Ok(()) => {
            room.repository.reference(push.reference, push.commit, true, "pushed")?;
            Ok(Pushed::Done)
        }
        Err(error) if is_lost(error.code()) => Ok(Pushed::Lost),
        Err(error) => Err(failed(error)),
    }
}

/// Puts a commit's own objects, without those of its parents, into another repository.
fn send_objects(from: &Repository, to: &Repository, commit: Oid) -> Result<(), git2::Error> {
    let mut walk = from.revwalk()?;
    walk.push(commit)?;
    for parent in from.find_commit(commit)?.parent_ids() {
        walk.hide(parent)?;
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

fn folder(url: &str) -> Result<std::path::PathBuf, GitError> {
    let parsed = url::Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
    parsed.ok_or_else(|| GitError::Address("`file://` needs the whole path of a folder".into()))
}

/// Why a conversation failed: the transport's own reason, else libgit2's words, sorted.
fn conversation_failed(room: &Room, error: &git2::Error) -> GitError {
    use git2::{ErrorClass, ErrorCode};
    if let Some(known) = room.failure.take() {
        return known;
    }
    let words = error.message().to_owned();
    match (error.class(), error.code()) {
        (ErrorClass::Odb | ErrorClass::Zlib | ErrorClass::Object | ErrorClass::Indexer, _) => GitError::Damaged(words),
        (_, ErrorCode::Auth) => GitError::Auth(words),
        (ErrorClass::Repository | ErrorClass::Os, ErrorCode::NotFound) => GitError::NotFound,
        (ErrorClass::Net | ErrorClass::Http, _) => GitError::Unreachable(words),
        _ => GitError::Other(words),
    }
}
