//! The ledger: append-only, ordered, durable before anyone is told. A journal is the truth; a store beside it
//! makes reading quick. One thread owns the writing; [`Ledger`] is the handle everybody else holds.
//! Reading without the lock, as the command line does beside a running server: [`journal::Reader`], [`verify`], [`export_jsonl`].

mod comparison;
mod error;
mod finding;
pub mod journal;
mod line;
pub mod note;
mod opening;
mod segments;
mod store;
pub mod tree;
mod verify;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread::JoinHandle,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

pub use error::{JournalError, LedgerError};
pub use finding::Finding;
pub use journal::is_there;
pub use opening::Sizes;
pub use verify::{Broken, ExportError, VerifyReport, export_jsonl, verify};

use crate::core::entry::{Draft, Entry, Recorded};
use journal::Reader;
use opening::Chain;
use store::{Store, StoreError};
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
}

/// What the handles and the writer share.
struct Shared {
    directory: PathBuf,
    /// Absent once the ledger is closed.
    store: RwLock<Option<Arc<Store>>>,
    chain: Mutex<Chain>,
    state: Mutex<State>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A handle on the ledger. Clones are handles on the same one.
#[derive(Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
    messages: mpsc::Sender<Message>,
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
        let parts = opening::open(directory, at, sizes)?;
        let quarantine = parts.report.iter().find_map(|finding| match finding {
            Finding::Quarantined { why } => Some(why.clone()),
            Finding::CaughtUp { .. }
            | Finding::Rebuilt { .. }
            | Finding::TailCut { .. }
            | Finding::TailCompleted
            | Finding::Restored { .. } => None,
        });
        let shared = Arc::new(Shared {
            directory: directory.to_owned(),
            store: RwLock::new(Some(Arc::new(parts.store))),
            chain: Mutex::new(parts.chain),
            state: Mutex::new(quarantine.map_or(State::Ready, |why| State::ReadOnly { why })),
            thread: Mutex::new(None),
        });
        let (messages, received) = mpsc::channel(WAITING);
        let writer = Writer::new(Arc::clone(&shared), parts.lock, parts.segments, received);
        let thread = std::thread::Builder::new().name("ledger".into()).spawn(move || writer.run());
        *locked(&shared.thread) = Some(thread.map_err(LedgerError::file("start a thread for", directory))?);
        Ok(Opened { ledger: Self { shared, messages }, report: parts.report })
    }

    /// Appends entries, all or none. They are durable when this returns.
    ///
    /// # Errors
    /// When the ledger is read-only or closed, a draft breaks a rule, or the disk refuses; then nothing was appended.
    pub async fn append(&self, append: Append) -> Result<Outcome, LedgerError> {
        let (reply, answer) = oneshot::channel();
        let message = Message::Append { append, reply };
        self.messages.send(message).await.map_err(|_| LedgerError::Closed)?;
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

    /// Entries from `from` on, at most `limit`, in order.
    ///
    /// # Errors
    /// When neither the store nor the journal can be read.
    pub fn read(&self, from: u64, limit: usize) -> Result<Vec<Recorded>, LedgerError> {
        let found = self.shared.ask(|store| {
            let expected = usize::try_from(self.len().saturating_sub(from)).unwrap_or(limit).min(limit);
            let entries = store.entries(from, limit)?;
            if entries.len() < expected && !self.is_quarantined() {
                return Err(StoreError::new("entries are missing at its end"));
            }
            entries.into_iter().map(|bytes| recorded(store, &bytes)).collect()
        });
        self.shared.or_from_journal(found, || {
            let records = Reader::open_from(&self.shared.directory, from)?.take(limit);
            records.map(|record| Ok(record?.recorded())).collect()
        })
    }

    /// The entries about a subject, in order.
    ///
    /// # Errors
    /// As [`Ledger::read`].
    pub fn by_subject(&self, subject: &str) -> Result<Vec<Recorded>, LedgerError> {
        let entry = |store: &Store, seq| {
            let bytes = store.entry(seq)?.ok_or_else(|| StoreError::new(format!("entry {seq} is missing")))?;
            recorded(store, &bytes)
        };
        let found =
            self.shared.ask(|store| store.by_subject(subject)?.into_iter().map(|seq| entry(store, seq)).collect());
        self.shared.or_from_journal(found, || {
            let records = Reader::open(&self.shared.directory)?.map(|record| Ok(record?.recorded()));
            records.filter(|one| one.as_ref().map_or(true, |one| one.entry.subject == subject)).collect()
        })
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

    /// Whether it takes new entries.
    pub fn state(&self) -> State {
        locked(&self.shared.state).clone()
    }

    /// Whether it is read-only.
    pub fn is_quarantined(&self) -> bool {
        self.state() != State::Ready
    }

    /// A note: derived state that may be lost, such as the last card shown.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn note(&self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        self.shared.ask(|store| store.note(key))
    }

    /// Keeps a note. It is not in the journal, so a crash or a rebuilt store may lose it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_note(&self, key: &str, value: &[u8]) -> Result<(), LedgerError> {
        self.shared.ask(|store| store.set_note(key, value))
    }

    /// Finishes what waits, closes the files and gives the lock back. Other handles find the ledger closed.
    pub async fn close(self) {
        let (reply, answer) = oneshot::channel();
        if self.messages.send(Message::Close { reply }).await.is_ok() {
            let _ = answer.await;
        }
        let thread = locked(&self.shared.thread).take();
        // The thread has answered or ended; joining it waits for no more than its return.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Shared {
    fn milliseconds(&self) -> i64 {
        locked(&self.chain).time.as_millisecond()
    }

    fn store(&self) -> Result<Arc<Store>, LedgerError> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        store.as_ref().map(Arc::clone).ok_or(LedgerError::Closed)
    }

    fn ask<T>(&self, question: impl FnOnce(&Store) -> Result<T, StoreError>) -> Result<T, LedgerError> {
        let store = self.store()?;
        question(&store).map_err(|error| LedgerError::Store { cause: error.to_string() })
    }

    /// Answers from the journal where the store could not, and remembers to rebuild the store at the next start.
    fn or_from_journal<T>(
        &self,
        found: Result<T, LedgerError>,
        from_journal: impl FnOnce() -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        match found {
            Err(LedgerError::Store { cause }) => {
                self.distrust_store(&cause);
                from_journal()
            }
            other => other,
        }
    }

    fn distrust_store(&self, cause: &str) {
        tracing::warn!(%cause, "the ledger's store is damaged; the next start rebuilds it from the journal");
        // Without the mark the damage is found again when it is read again.
        let _ = std::fs::write(opening::distrust_mark(&self.directory), cause);
    }
}

fn recorded(store: &Store, bytes: &[u8]) -> Result<Recorded, StoreError> {
    let entry: Entry = serde_json::from_slice(bytes).map_err(StoreError::new)?;
    let mut texts = std::collections::BTreeMap::new();
    for (member, hash) in line::text_hashes(&entry.body) {
        if let Some(salted) = store.text(hash)? {
            texts.insert(member.to_owned(), salted.text);
        }
    }
    Ok(Recorded { entry, texts })
}

/// A lock whose holder panicked still guards whole values here: each is replaced in one step.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
