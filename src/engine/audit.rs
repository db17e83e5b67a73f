//! Leaves checkpoints of the ledger where others keep them: a file a day on a branch of the catalog's repository, and a
//! line in the audit channel. What is there already is held against the ledger first.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{Engine, Inner, Repository, anchors};
use crate::{
    clock,
    core::names::RepoPath,
    git::{GitError, Side, Signature},
    ledger::{self, Anchor, Disagreement, State, note::Checkpoint},
};

/// How often a checkpoint goes to the branch while entries come.
const KEPT_EVERY: Duration = Duration::from_secs(600);
/// How often one is said in the channel.
const SAID_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How long until it is tried again.
const AGAIN: Duration = Duration::from_secs(30);
/// What was said last: its size and when, in seconds.
const NOTE: &str = "audit.said";

/// Who commits there. Not who commits changes: of these no entry speaks.
fn ourselves() -> Signature {
    Signature { name: "Leverframe's ledger".into(), email: "leverframe-ledger@users.noreply.invalid".into() }
}

/// Files of ours on a branch of the ledger's own.
pub(crate) fn side(branch: &str, files: Vec<(RepoPath, Vec<u8>)>, message: String) -> Side {
    Side { branch: branch.to_owned(), files, by: ourselves(), at: clock::now(), message }
}

impl Engine {
    /// Leaves checkpoints on this branch of the catalog's repository, where one is named, and in the catalog's audit
    /// channel, until the bot stops.
    pub fn keep_anchored(&self, branch: Option<String>) {
        self.inner.tasks.start(keep(Arc::clone(&self.inner), branch));
    }
}

async fn keep(inner: Arc<Inner>, branch: Option<String>) {
    let mut rules = inner.rules.subscribe();
    tokio::select! {
        _ = rules.wait_for(Option::is_some) => {}
        () = inner.tasks.stopping() => return,
    }
    let mut kept = None;
    loop {
        let is_last = inner.tasks.is_stopping();
        let done = leave(&inner, branch.as_deref(), &mut kept).await;
        if let Err(error) = &done {
            tracing::warn!(%error, "a checkpoint of the ledger could not be left outside; it is tried again");
        }
        if is_last {
            return;
        }
        inner.tasks.pause(if done.is_ok() { KEPT_EVERY } else { AGAIN }).await;
    }
}

/// One round. `kept` is the size that the branch is known to have.
async fn leave(inner: &Arc<Inner>, branch: Option<&str>, kept: &mut Option<u64>) -> Result<(), String> {
    let told = |error: ledger::LedgerError| error.to_string();
    inner.ledger.tend().await.map_err(told)?;
    if let Some(branch) = branch {
        if kept.is_none() {
            hold(inner, branch).await.map_err(|error| error.to_string())?;
        }
        let last = inner.ledger.last_checkpoint().map_err(told)?;
        if let (Some(last), State::Ready) = (last, inner.ledger.state())
            && kept.is_none_or(|kept| kept < last.head.size)
        {
            keep_on(&inner.reach.repository, branch, &last).await.map_err(|error| error.to_string())?;
            *kept = Some(last.head.size);
        }
    }
    say(inner).await
}

/// Adds a checkpoint to the file of its day.
async fn keep_on(repository: &Repository, branch: &str, checkpoint: &Checkpoint) -> Result<(), GitError> {
    let name = format!("{}.txt", clock::now().strftime("%Y-%m-%d"));
    let path = RepoPath::parse(&name).map_err(|error| GitError::Unfit(error.to_string()))?;
    let mut text = repository.mirror.read_aside(branch, path.clone()).await?.unwrap_or_default();
    let note = format!("{}\n", checkpoint.note).into_bytes();
    if text.windows(note.len()).any(|there| there == note) {
        return Ok(());
    }
    text.extend(note);
    let message = format!("Checkpoint of {} entries\n", checkpoint.head.size);
    repository.mirror.keep_aside(side(branch, vec![(path, text)], message)).await
}

/// Holds the ledger against the newest file there, before anything is added to it.
async fn hold(inner: &Arc<Inner>, branch: &str) -> Result<(), GitError> {
    let mirror = &inner.reach.repository.mirror;
    // The first read fetches what is listed then.
    let nothing = RepoPath::parse("README").map_err(|error| GitError::Unfit(error.to_string()))?;
    mirror.read_aside(branch, nothing).await?;
    let Some(newest) = mirror.list_aside(branch).await?.pop() else { return Ok(()) };
    let path = RepoPath::parse(&newest).map_err(|error| GitError::Unfit(error.to_string()))?;
    let text = mirror.read_aside(branch, path).await?.unwrap_or_default();
    let notes = ledger::parse_all(&String::from_utf8_lossy(&text)).unwrap_or_default();
    let Some(key) = inner.ledger.public_key() else { return Ok(()) };
    let ours = notes.into_iter().filter(|note| note.is_signed_by(std::slice::from_ref(&key)));
    let anchors = ours.map(|note| Anchor { head: note.head, found: format!("`{newest}` on `{branch}`") });
    if let Some(Disagreement { anchors, why }) = anchors::differ(inner, anchors.collect()).await {
        inner.ledger.dispute(anchors, why);
    }
    Ok(())
}

/// Says where the ledger stands in the audit channel, at most once an hour and only what is new.
async fn say(inner: &Arc<Inner>) -> Result<(), String> {
    let Some(rules) = inner.rules() else { return Ok(()) };
    let Some(channel) = rules.catalog.channels().audit.clone() else { return Ok(()) };
    let Some(chat) = inner.reach.chats.iter().find(|chat| chat.has_channel(&channel)).cloned() else { return Ok(()) };
    let last = inner.ledger.last_checkpoint().map_err(|error| error.to_string())?;
    let (Some(last), State::Ready) = (last, inner.ledger.state()) else { return Ok(()) };
    let noted = inner.ledger.note(NOTE).ok().flatten();
    let (size, at): (u64, Timestamp) =
        noted.and_then(|noted| serde_json::from_slice(&noted).ok()).unwrap_or((0, Timestamp::UNIX_EPOCH));
    let now = clock::now();
    if last.head.size <= size || now.duration_since(at) < SAID_EVERY {
        return Ok(());
    }
    let line = inner.ledger.trailer_of(last.head);
    let words = format!("The ledger has {} entries. {}: {line}", last.head.size, ledger::TRAILER);
    chat.say(&channel, &words).await.map_err(|error| error.to_string())?;
    let noted = inner.ledger.set_note(NOTE, &serde_json::to_vec(&(last.head.size, now)).unwrap_or_default());
    noted.map_err(|error| error.to_string())
}
