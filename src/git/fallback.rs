//! What libgit2 says over the network where our own conversations do not fit: fetching from folders and from servers
//! that speak only the first protocol, pushing to servers that give no report or want no pack like ours.

use std::cell::{Cell, RefCell};

use git2::{AutotagOption, Direction, FetchOptions, Oid, PushOptions, RemoteCallbacks};

use super::{
    error::GitError,
    receive::Said,
    remote::{Push, Replace},
    upload::Listed,
    worker::Room,
};

/// How much of what a hook prints is kept, in bytes.
const HOOK_WORDS: usize = 16 * 1024;

/// Lists every reference, and fetches what we lack of `names`.
pub(super) fn fetch(room: &Room, names: &[&str]) -> Result<Listed, GitError> {
    let failed = |error: &git2::Error| conversation_failed(room, error);
    let mut remote = room.repository.remote_anonymous(room.shared.url.as_str())?;
    let connected = remote.connect_auth(Direction::Fetch, Some(RemoteCallbacks::new()), None);
    let mut connection = connected.map_err(|error| failed(&error))?;
    let heads = connection.list().map_err(|error| failed(&error))?;
    let wanted = heads.iter().filter(|head| names.contains(&head.name()));
    let listed: Listed = wanted.map(|head| (head.name().to_owned(), head.oid())).collect();
    if listed.iter().any(|(_, id)| room.repository.find_commit(*id).is_err()) {
        let specs: Vec<String> = listed.iter().map(|(name, _)| format!("+{name}:{name}")).collect();
        let mut options = FetchOptions::new();
        options.download_tags(AutotagOption::None).update_fetchhead(false);
        let downloaded = connection.remote().download(&specs, Some(&mut options));
        downloaded.map_err(|error| failed(&error))?;
    }
    Ok(listed)
}

/// The branch that the host shows first, where it shows one.
pub(super) fn default_branch(room: &Room) -> Result<Option<String>, GitError> {
    let mut remote = room.repository.remote_anonymous(room.shared.url.as_str())?;
    let connection = remote
        .connect_auth(Direction::Fetch, Some(RemoteCallbacks::new()), None)
        .map_err(|error| conversation_failed(room, &error))?;
    match connection.default_branch() {
        Ok(name) => Ok(name.as_str().ok().and_then(|name| name.strip_prefix("refs/heads/")).map(str::to_owned)),
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(error) => Err(conversation_failed(room, &error)),
    }
}

/// Pushes as libgit2 does: a whole listing, a pack without outside bases. What the mirror holds is sent.
pub(super) fn push(room: &Room, push: Push<'_>) -> Result<Said, GitError> {
    let heard = Heard::default();
    let sent = heard.send(room, push);
    let hook = String::from_utf8_lossy(&heard.hook.borrow()).into_owned();
    if heard.lease_lost.get() {
        return Ok(Said::Refused { hook, status: "stale info".to_owned() });
    }
    if let Some(status) = heard.refused.take() {
        return Ok(Said::Refused { hook, status });
    }
    match sent {
        Ok(()) => Ok(Said::Done),
        Err(error) => match room.session.failure.take() {
            Some(known) => Err(known),
            None => Ok(Said::Refused { hook, status: error.message().to_owned() }),
        },
    }
}

/// What libgit2 heard from the server.
#[derive(Default)]
struct Heard {
    lease_lost: Cell<bool>,
    refused: RefCell<Option<String>>,
    hook: RefCell<Vec<u8>>,
}

impl Heard {
    fn send(&self, room: &Room, push: Push<'_>) -> Result<(), git2::Error> {
        let mut remote = room.repository.remote_anonymous(room.shared.url.as_str())?;
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

/// Why a conversation failed: the transport's own reason, else libgit2's words, sorted.
pub(super) fn conversation_failed(room: &Room, error: &git2::Error) -> GitError {
    use git2::{ErrorClass, ErrorCode};
    if let Some(known) = room.session.failure.take() {
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
