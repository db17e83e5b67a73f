//! The ledger: append-only, ordered, durable before anyone is told. A journal is the truth; a store beside it
//! makes reading quick. One at a time writes; [`Ledger`] is the handle everybody holds.
//! Reading without the lock, as the command line does beside a running server: [`journal::Reader`], [`verify`], [`export_jsonl`].

mod ahead;
mod anchor;
mod behind;
mod checkpoints;
mod comparison;
mod desk;
mod edges;
mod erasure;
mod error;
mod finding;
mod forget;
mod gap;
mod inspect;
pub mod journal;
pub mod key;
mod line;
pub mod note;
mod opening;
mod pieces;
mod reading;
mod receipt;
mod segments;
mod shared;
pub mod ship;
mod store;
mod submit;
mod sweep;
mod tally;
pub mod tree;
mod verify;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Mutex, RwLock, atomic::AtomicBool},
    thread::JoinHandle,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

pub use ahead::Generation;
pub use anchor::{Anchor, Disagreement, TRAILER, Trailer, disagreement, parse_trailer};
pub use checkpoints::{checkpoints, parse_all};
pub use erasure::Erased;
pub use error::{JournalError, LedgerError};
pub use finding::Finding;
pub use gap::accepted_gaps;
pub use journal::is_there;
pub use opening::Sizes;
pub use receipt::Receipt;
pub use submit::Submitted;
pub use verify::{Broken, Evidence, ExportError, VerifyReport, export_jsonl, verify, verify_with};

use crate::core::entry::{Draft, Recorded};
use ahead::Ahead;
use behind::Behind;
use checkpoints::Signer;
use desk::{Bell, Desk};
use note::{SigningKey, TreeHead};
use shared::{Shared, locked};
use writer::{Message, Writer};

/// So many appends wait for the writer before others wait for a place.
const WAITING: usize = 1024;

/// What is asked of the ledger: entries that come to be together, or none of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// When. The ledger's time never goes back: an earlier one becomes that of the entry before.
    pub at: Timestamp,
    /// The entries, in order.
    pub drafts: Vec<Draft>,
    /// The event that caused them; when it has been answered in the last 24 hours, nothing is appended.
    pub seen: Option<Seen>,
}

/// An event from outside and what is answered to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The event's id, with its platform: `slack:13345224609.738474920.8088930838d88f008e0`.
    pub id: String,
    /// The answer, given again when the event comes again.
    pub answer: Value,
}

/// What became of an [`Append`].
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The entries are durable.
    Appended(Vec<Recorded>),
    /// The event was answered before, with this; nothing was appended.
    SeenBefore(Value),
}

/// Where the ledger ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How many entries it holds.
    pub entries: u64,
    /// Hexadecimal SHA-256 of the last entry's bytes; 64 zeros when there is none.
    pub hash: String,
}

/// Whether the ledger takes new entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does.
    Ready,
    /// The disk did not take the last record. It is tried again with each record, and by itself.
    Refusing {
        /// What the system said.
        why: String,
    },
    /// It can only be read, until it is opened again.
    ReadOnly {
        /// Why.
        why: String,
    },
}

/// A ledger that was opened.
pub struct Opened {
    /// The ledger.
    pub ledger: Ledger,
    /// What was found and put right; to be said aloud.
    pub report: Vec<Finding>,
    /// So many of the first entries were not read again: what follows them leads to the root that was signed last.
    /// [`Ledger::prove`] reads them too.
    pub unread: u64,
}

/// A handle on the ledger. Clones are handles on the same one.
#[derive(Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
    messages: mpsc::Sender<Message>,
    /// Goes after `messages`.
    bell: Arc<Bell>,
}

impl Ledger {
    /// Opens or creates the ledger in `directory`, with the usual sizes. Blocks while the journal is read.
    ///
    /// # Errors
    /// When another process holds it, or its files cannot be read and written. A damaged journal is not an error:
    /// the ledger opens read-only, and the report says so.
    pub fn open(directory: &Path, at: Timestamp) -> Result<Opened, LedgerError> {
        Self::open_sized(directory, at, &Sizes::default())
    }

    /// Opens or creates the ledger in `directory`.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_sized(directory: &Path, at: Timestamp, sizes: &Sizes) -> Result<Opened, LedgerError> {
        Self::open_signed(directory, at, sizes, None)
    }

    /// Opens or creates the ledger in `directory`, to be signed with `key`.
    ///
    /// # Errors
    /// As [`Ledger::open`]. A ledger that does not continue its last checkpoint opens read-only.
    pub fn open_signed(
        directory: &Path,
        at: Timestamp,
        sizes: &Sizes,
        key: Option<SigningKey>,
    ) -> Result<Opened, LedgerError> {
        let public = key.as_ref().map(SigningKey::public);
        let parts = opening::open(directory, at, sizes, public.as_ref())?;
        let quarantine = parts.report.iter().find_map(Finding::quarantine).map(str::to_owned);
        let key = key.filter(|_| quarantine.is_none()).map(Arc::new);
        let signer = key.clone().map(|key| Signer::new(directory, key)).transpose()?;
        let ahead = Ahead { chain: parts.chain.clone(), ends: Vec::new(), seen: [].into() };
        let shared = Arc::new(Shared {
            directory: directory.to_owned(),
            store: RwLock::new(Some(Arc::new(parts.store))),
            is_closed: AtomicBool::new(false),
            chain: Mutex::new(parts.chain),
            ahead: Mutex::new(ahead),
            behind: Behind::default(),
            recent: Mutex::default(),
            disputed: Mutex::default(),
            key: key.clone(),
            state: Mutex::new(quarantine.map_or(State::Ready, |why| State::ReadOnly { why })),
            thread: Mutex::new(None),
        });
        let (messages, received) = mpsc::channel(WAITING);
        let behind = Arc::clone(&shared);
        let follower = std::thread::Builder::new().name("ledger-store".into()).spawn(move || behind.follow());
        let follower = follower.map_err(LedgerError::file("start a thread for", directory))?;
        let writer = Writer {
            shared: Arc::clone(&shared),
            lock: parts.lock,
            segments: parts.segments,
            tree: parts.tree,
            signer,
            sizes: *sizes,
            messages: received,
            follower: Some(follower),
            broken: None,
            next: None,
            closing: None,
        };
        let desk = Arc::new(Desk::new(writer));
        let bell = Arc::new(Bell(Arc::clone(&desk)));
        let at_desk = Arc::clone(&desk);
        let thread = std::thread::Builder::new().name("ledger".into()).spawn(move || at_desk.run());
        let thread = thread.map_err(LedgerError::file("start a thread for", directory))?;
        desk.belongs_to(thread.thread());
        *locked(&shared.thread) = Some(thread);
        Ok(Opened { ledger: Self { shared, messages, bell }, report: parts.report, unread: parts.unread })
    }

    /// The tree's head just after the first `size` entries. A checkpoint of it, or of a later one, is signed first.
    ///
    /// # Errors
    /// When the checkpoint cannot be kept, there are fewer entries, or the journal cannot be read.
    pub async fn head_at(&self, size: u64) -> Result<TreeHead, LedgerError> {
        self.ask_writer(|reply| Message::Sign { reply }).await?;
        if let Some(head) = locked(&self.shared.recent).at(size) {
            return Ok(head);
        }
        let directory = self.shared.directory.clone();
        let found = tokio::task::spawn_blocking(move || anchor::head_at(&directory, size)).await;
        let found = found.map_err(|_| LedgerError::Closed)??;
        found.ok_or_else(|| LedgerError::ReadOnly { why: format!("it has fewer than {size} entries") })
    }

    /// Signs what is new, and mends what a failing disk left, where that can be done now. To be called every minute,
    /// and every few seconds while [`Ledger::state`] is not ready.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn tend(&self) -> Result<(), LedgerError> {
        self.ask_writer(|reply| Message::Tend { reply }).await
    }

    /// The value of the trailer that anchors the first `size` entries in a commit, signed where there is a key.
    ///
    /// # Errors
    /// As [`Ledger::head_at`].
    pub async fn trailer_at(&self, size: u64) -> Result<String, LedgerError> {
        let head = self.head_at(size).await?;
        Ok(anchor::trailer(head, self.shared.key.as_deref()))
    }

    /// Reads the whole journal again, every hash of it; takes nothing new where it is not sound. Blocks for as long as
    /// that takes; where `is_stopping` says so it ends sooner.
    pub fn prove(&self, is_stopping: &dyn Fn() -> bool) {
        if let Err(broken) = verify::prove(&self.shared.directory, is_stopping) {
            let why = broken.to_string();
            tracing::error!(%why, remedy = broken.remedy(), "the ledger is read-only");
            *locked(&self.shared.state) = State::ReadOnly { why };
        }
    }

    /// The checkpoint that was signed last.
    ///
    /// # Errors
    /// When the file of checkpoints cannot be read.
    pub fn last_checkpoint(&self) -> Result<Option<note::Checkpoint>, LedgerError> {
        Ok(checkpoints::last(&self.shared.directory)?.0)
    }

    /// A head as a trailer says it, signed where there is a key.
    pub fn trailer_of(&self, head: TreeHead) -> String {
        anchor::trailer(head, self.shared.key.as_deref())
    }

    /// The key that verifies what this ledger signs.
    pub fn public_key(&self) -> Option<note::PublicKey> {
        self.shared.key.as_ref().map(|key| key.public())
    }

    async fn ask_writer<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<Result<T, LedgerError>>) -> Message,
    ) -> Result<T, LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(message(reply)).await.map_err(|_| LedgerError::Closed)?;
        self.bell.0.ring();
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    /// The first answer to an event, when it was given in the 24 hours before the newest append.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn seen(&self, event: &str) -> Result<Option<Value>, LedgerError> {
        let now = self.shared.milliseconds();
        self.shared.ask(|store| store.seen(event, now))
    }

    /// How many entries the ledger holds.
    pub fn len(&self) -> u64 {
        locked(&self.shared.chain).next
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where it ends.
    pub fn head(&self) -> Head {
        let chain = locked(&self.shared.chain);
        Head { entries: chain.next, hash: chain.hash.clone() }
    }

    /// How many appends wait for the writer.
    pub fn waiting(&self) -> usize {
        self.messages.max_capacity().saturating_sub(self.messages.capacity())
    }

    /// Whether it takes new entries.
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// Whether it takes nothing now.
    pub fn is_quarantined(&self) -> bool {
        self.state() != State::Ready
    }

    /// Why it takes nothing now, in a sentence for people.
    pub fn trouble(&self) -> Option<String> {
        match self.state() {
            State::Ready => None,
            State::Refusing { why } => Some(format!("the ledger's disk takes nothing: {why}")),
            State::ReadOnly { why } => Some(format!("the ledger is read-only: {why}")),
        }
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.shared.directory
    }

    /// A note: derived state that may be lost, such as the last card shown.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn note(&self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        self.shared.ask_now(|store| store.note(key))
    }

    /// Keeps a note. It is not in the journal, so a crash or a rebuilt store may lose it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_note(&self, key: &str, value: &[u8]) -> Result<(), LedgerError> {
        self.shared.ask_now(|store| store.set_note(key, value))
    }

    /// Finishes what waits, closes the files and gives the lock back. Other handles find the ledger closed.
    pub async fn close(self) {
        let (reply, answer) = oneshot::channel();
        if self.messages.send(Message::Close { reply }).await.is_ok() {
            self.bell.0.ring();
            let _ = answer.await;
        }
        let thread = locked(&self.shared.thread).take();
        // The thread has answered or ended; joining it waits for no more than its return.
        let _ = thread.map(JoinHandle::join);
    }
}
