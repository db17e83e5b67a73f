//! The one who writes: takes what waits as a group, makes it durable in the journal with one `fdatasync`, hands it to
//! the thread that keeps the store, and answers. An entry that stands in the journal is never answered with a refusal,
//! and one that does not is never answered as recorded.

use std::{
    fs::File,
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
};

use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    oneshot,
};

use super::{
    LedgerError, State,
    ahead::{Generation, Placed},
    checkpoints::Signer,
    desk::Work,
    edges,
    erasure::{self, Erased},
    line::{Batch, Header},
    opening::{self, Sizes},
    segments::{Segments, WriteFailure},
    shared::{Shared, locked},
    store::Store,
    tree::{self, Edge},
};
use crate::core::names::PersonId;

/// A group takes no more appends than this, nor more once its entries reach [`GROUP_BYTES`].
const GROUP: usize = 256;
const GROUP_BYTES: usize = 1024 * 1024;

type Reply<T = ()> = oneshot::Sender<Result<T, LedgerError>>;

/// What the handles ask of the writer.
pub(crate) enum Message {
    /// Write what has its place, and answer.
    Write { generation: Generation, placed: Placed, reply: Reply },
    /// Sign the tree as it is.
    Sign { reply: Reply },
    /// Mend what can be mended, and sign.
    Tend { reply: Reply },
    /// Remove a person's texts, those of entries that are durable now.
    Erase { person: PersonId, reply: Reply<Erased> },
    /// Finish and end.
    Close { reply: oneshot::Sender<()> },
}

/// What stands between the ledger and the next entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A failed write that could not be taken back: so many bytes may be there.
    Line(u64),
    /// The store could not be opened again; the journal has everything.
    Store,
}

/// What whoever writes works with.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) lock: File,
    pub(crate) segments: Option<Segments>,
    pub(crate) tree: Edge,
    pub(crate) signer: Option<Signer>,
    pub(crate) sizes: Sizes,
    pub(crate) messages: mpsc::Receiver<Message>,
    /// The thread behind it.
    pub(crate) follower: Option<JoinHandle<()>>,
    /// What an earlier failure left.
    pub(crate) broken: Option<Broken>,
    /// What was taken from `messages` and is no part of the group that was.
    pub(crate) next: Option<Message>,
    /// Who closed it; told at the end.
    pub(crate) closing: Option<oneshot::Sender<()>>,
}

/// Appends that become durable together, as one line of the journal.
#[derive(Default)]
struct Group {
    placed: Vec<Placed>,
    replies: Vec<Reply>,
    bytes: usize,
}

impl Writer {
    /// Takes the group that waits, or the one other thing.
    pub(crate) fn work(&mut self) -> Work {
        if self.closing.is_some() {
            return Work::Over;
        }
        let message = match self.next.take().map_or_else(|| self.messages.try_recv(), Ok) {
            Ok(message) => message,
            Err(TryRecvError::Empty) => return Work::Idle,
            Err(TryRecvError::Disconnected) => return Work::Over,
        };
        match message {
            Message::Write { generation, placed, reply } => {
                let mut group = Group::default();
                self.join(&mut group, generation, placed, reply);
                self.next = self.fill(&mut group);
                self.commit(group);
            }
            Message::Sign { reply } => send(reply, self.sign()),
            Message::Tend { reply } => send(reply, self.tend()),
            Message::Erase { person, reply } => send(reply, self.erase(&person)),
            Message::Close { reply } => {
                self.closing = Some(reply);
                return Work::Over;
            }
        }
        Work::Done
    }

    /// Finishes: signs, waits for the store, closes the files, gives the lock back, answers whoever closed it.
    pub(crate) fn end(mut self) {
        if let Err(error) = self.sign() {
            tracing::warn!(%error, "the ledger's last checkpoint could not be signed");
        }
        self.shared.behind.close();
        let _ = self.follower.take().map(JoinHandle::join);
        self.shared.is_closed.store(true, Ordering::Release);
        self.close_store();
        let Self { lock, segments, messages, closing, .. } = self;
        drop((segments, messages, lock));
        if let Some(reply) = closing {
            let _: Result<(), ()> = reply.send(());
        }
    }

    fn close_store(&self) {
        let mut place = self.shared.store.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        Self::close_in(&mut place);
    }

    /// Closes the store, once those who read in it are done; nobody comes to it while its place is held.
    fn close_in(place: &mut Option<Arc<Store>>) {
        let Some(mut store) = place.take() else { return };
        // Without the flush the journal would bring back the rest at the next start.
        let _ = store.flush();
        loop {
            match Arc::try_unwrap(store) {
                Ok(store) => return store.close(),
                Err(shared) => store = shared,
            }
            std::thread::yield_now();
        }
    }

    /// Takes what waits, without waiting for more; gives back what is no append.
    fn fill(&mut self, group: &mut Group) -> Option<Message> {
        while group.placed.len() < GROUP && group.bytes < GROUP_BYTES {
            match self.messages.try_recv().ok()? {
                Message::Write { generation, placed, reply } => self.join(group, generation, placed, reply),
                other @ (Message::Sign { .. }
                | Message::Tend { .. }
                | Message::Erase { .. }
                | Message::Close { .. }) => return Some(other),
            }
        }
        None
    }

    /// Adds an append to the group, unless something before it could not be written.
    fn join(&self, group: &mut Group, generation: Generation, placed: Placed, reply: Reply) {
        if generation != locked(&self.shared.ahead).generation() {
            let cause = "what was to stand before it could not be written".to_owned();
            return send(reply, Err(LedgerError::NotWritten { cause }));
        }
        group.bytes += placed.bytes;
        group.placed.push(placed);
        group.replies.push(reply);
    }

    fn commit(&mut self, group: Group) {
        let Group { placed, replies, .. } = group;
        let is_empty = placed.iter().all(|one| one.entries.is_empty() && one.seen.is_none());
        let result = if is_empty { Ok(()) } else { self.mend().and_then(|()| self.write(placed)) };
        if let Err(error) = &result {
            self.fall_back(error);
        }
        for reply in replies {
            send(reply, result.clone());
        }
    }

    /// Makes the appends durable and known.
    fn write(&mut self, placed: Vec<Placed>) -> Result<(), LedgerError> {
        let Some(last) = placed.last().map(|last| last.chain.clone()) else { return Ok(()) };
        let start = locked(&self.shared.chain).clone();
        let count = placed.iter().map(|one| one.entries.len() as u64).sum();
        let header = Header { first: start.next, count, prev: start.hash, hash: last.hash.clone() };
        let ends: Vec<u64> = placed.iter().map(|one| one.chain.next).collect();
        let mut batch = Batch { header, entries: Vec::new(), texts: [].into(), seen: Vec::new() };
        for one in placed {
            batch.entries.extend(one.entries);
            batch.texts.extend(one.texts);
            batch.seen.extend(one.seen);
        }
        self.append(&batch)?;
        self.grow(&batch, &ends);
        // First, so that whoever knows that they are recorded also finds them.
        self.shared.behind.hand_over(batch);
        *locked(&self.shared.chain) = last;
        self.shared.well();
        Ok(())
    }

    fn append(&mut self, batch: &Batch) -> Result<(), LedgerError> {
        let line = batch.encode().map_err(|error| LedgerError::NotWritten { cause: error.to_string() })?;
        let Some(segments) = &mut self.segments else { return Err(LedgerError::Closed) };
        let segment = segments.first();
        let appended = segments.append(batch.header.first, &line);
        if segments.first() != segment {
            edges::keep(&self.shared.directory, &self.tree);
        }
        appended.map_err(|failure| {
            if let WriteFailure::Unsure(_) = &failure {
                self.broken = Some(Broken::Line(line.len() as u64));
            }
            let cause = failure.to_string();
            LedgerError::NotWritten { cause }
        })
    }

    /// The tree grows with the entries; where appends end it is remembered for a while.
    fn grow(&mut self, batch: &Batch, ends: &[u64]) {
        let mut recent = locked(&self.shared.recent);
        for entry in &batch.entries {
            self.tree.push(tree::leaf(&entry.bytes));
            if ends.contains(&self.tree.size()) {
                recent.keep(&self.tree);
            }
        }
    }

    /// Nothing that waits has a place any more: it was to follow what could not be written.
    fn fall_back(&self, error: &LedgerError) {
        let mut ahead = locked(&self.shared.ahead);
        ahead.chain = locked(&self.shared.chain).clone();
        let end = ahead.chain.next;
        ahead.ends.push(end);
        let durable = self.shared.behind.events();
        ahead.seen.retain(|event, _| durable.contains(event));
        drop(ahead);
        self.shared.refuse(error.to_string());
    }

    /// Puts right what an earlier failure left, where that can be done now.
    fn mend(&mut self) -> Result<(), LedgerError> {
        let not_written = |cause: std::io::Error| LedgerError::NotWritten { cause: cause.to_string() };
        if self.broken.is_none() && self.shared.behind.has_failed() {
            self.broken = Some(Broken::Store);
        }
        match self.broken {
            None => return Ok(()),
            Some(Broken::Line(length)) => {
                let Some(segments) = &mut self.segments else { return Err(LedgerError::Closed) };
                segments.take_back(length).map_err(not_written)?;
            }
            Some(Broken::Store) => self.renew_store(|| Ok(()))?,
        }
        self.broken = None;
        Ok(())
    }

    /// Opens the store again, which brings it up to the journal.
    fn renew_store(&mut self, before: impl FnOnce() -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        let at = locked(&self.shared.chain).time;
        self.shared.behind.settle();
        let mut place = self.shared.store.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        Self::close_in(&mut place);
        before()?;
        let (store, _) = opening::store(&self.shared.directory, at, &self.sizes)?;
        *place = Some(Arc::new(store));
        drop(place);
        let events = self.shared.behind.renewed();
        self.shared.forget_events(events.iter().map(String::as_str));
        Ok(())
    }

    fn tend(&mut self) -> Result<(), LedgerError> {
        if let State::Refusing { .. } = self.shared.state() {
            self.mend()?;
            let Some(segments) = &mut self.segments else { return Err(LedgerError::Closed) };
            segments.try_out().map_err(|error| LedgerError::NotWritten { cause: error.to_string() })?;
            self.shared.well();
        }
        self.sign()
    }

    fn sign(&mut self) -> Result<(), LedgerError> {
        if let State::ReadOnly { .. } = self.shared.state() {
            return Ok(());
        }
        self.signer.as_mut().map_or(Ok(()), |signer| signer.sign(&self.tree))
    }

    /// Erases, and gives a new store in place of the old: sled keeps what was removed until it is written over.
    fn erase(&mut self, person: &PersonId) -> Result<Erased, LedgerError> {
        if self.segments.is_none() {
            return Err(LedgerError::ReadOnly { why: "its journal is damaged".into() });
        }
        let directory = self.shared.directory.clone();
        let erased = erasure::erase(&directory, person)?;
        let renewed = self.renew_store(|| erasure::remove_stores(&directory));
        if let Err(error) = &renewed {
            self.broken = Some(Broken::Store);
            self.shared.refuse(error.to_string());
        }
        renewed.map(|()| erased)
    }
}

fn send<T>(reply: Reply<T>, answer: Result<T, LedgerError>) {
    // Whoever asked may have gone; what is recorded stays recorded.
    let _: Result<(), _> = reply.send(answer);
}
