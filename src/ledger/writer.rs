//! The one thread that writes: it takes what waits as a group, makes it durable in the journal with one `fdatasync`,
//! gives it to the store in one transaction, and only then answers. An entry that stands in the journal is never
//! answered with a refusal, and one that does not is never answered as recorded.

use std::{collections::BTreeMap, fs::File, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::{
    Append, LedgerError, Outcome, Seen, Shared, State,
    line::{self, Batch, Header, Sealed, SeenAnswer},
    locked,
    opening::Chain,
    segments::{Segments, WriteFailure},
};
use crate::{
    clock,
    core::{
        entry::{Draft, Entry, Recorded, SaltedText, written},
        names::hex,
    },
};

/// A group takes no more appends than this, nor more once its entries reach [`GROUP_BYTES`].
const GROUP: usize = 256;
const GROUP_BYTES: usize = 1024 * 1024;
/// One append is no larger, in bytes of its entries and texts.
const APPEND_BYTES: usize = 8 * 1024 * 1024;
/// Numbers beyond this do not survive RFC 8785, which writes them as doubles.
const SAFE_INTEGER: u64 = 1 << 53;

type Reply = oneshot::Sender<Result<Outcome, LedgerError>>;

/// What the handles ask of the writer.
pub(crate) enum Message {
    /// Append and answer.
    Append { append: Append, reply: Reply },
    /// Finish and end.
    Close { reply: oneshot::Sender<()> },
}

/// The state of the writing thread.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    lock: File,
    segments: Option<Segments>,
    messages: mpsc::Receiver<Message>,
}

/// Appends that become durable together, as one line of the journal.
struct Group {
    start: Chain,
    chain: Chain,
    entries: Vec<Sealed>,
    texts: BTreeMap<String, SaltedText>,
    seen: BTreeMap<String, SeenAnswer>,
    bytes: usize,
    /// Answers that hold only once the group is durable.
    answers: Vec<(Reply, Outcome)>,
}

/// An append that is ready to join the group.
struct Prepared {
    chain: Chain,
    entries: Vec<Sealed>,
    texts: BTreeMap<String, SaltedText>,
    recorded: Vec<Recorded>,
    bytes: usize,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        lock: File,
        segments: Option<Segments>,
        messages: mpsc::Receiver<Message>,
    ) -> Self {
        Self { shared, lock, segments, messages }
    }

    /// Works until the ledger is closed or nobody holds a handle.
    pub(crate) fn run(mut self) {
        let closed = loop {
            let Some(first) = self.messages.blocking_recv() else { break None };
            if let Some(reply) = self.take_group(first) {
                break Some(reply);
            }
        };
        let Self { shared, lock, segments, messages } = self;
        let store = shared.store.write().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(store) = store {
            // Without the flush the journal would bring back the rest at the next start.
            let _ = store.flush();
            if let Some(store) = Arc::into_inner(store) {
                store.close();
            }
        }
        drop((segments, messages, lock));
        if let Some(reply) = closed {
            let _: Result<(), ()> = reply.send(());
        }
    }

    /// Takes what waits, without waiting for more.
    fn take_group(&mut self, first: Message) -> Option<oneshot::Sender<()>> {
        let mut group = Group::new(locked(&self.shared.chain).clone());
        let mut message = Some(first);
        let mut closed = None;
        for _ in 0..GROUP {
            match message {
                Some(Message::Append { append, reply }) => self.join(&mut group, append, reply),
                Some(Message::Close { reply }) => closed = Some(reply),
                None => break,
            }
            let is_full = closed.is_some() || group.bytes >= GROUP_BYTES;
            message = if is_full { None } else { self.messages.try_recv().ok() };
        }
        self.commit(group);
        closed
    }

    /// Adds an append to the group, or answers it at once.
    fn join(&self, group: &mut Group, append: Append, reply: Reply) {
        let joined = self.may_join(group, &append).and_then(|seen| match seen {
            Some(Earlier::Durable(answer)) => Ok(Err(answer)),
            Some(Earlier::InGroup(answer)) => Ok(Ok(Outcome::SeenBefore(answer))),
            None => group.add(append).map(Ok),
        });
        match joined {
            Ok(Ok(outcome)) => group.answers.push((reply, outcome)),
            Ok(Err(answer)) => send(reply, Ok(Outcome::SeenBefore(answer))),
            Err(error) => send(reply, Err(error)),
        }
    }

    fn may_join(&self, group: &Group, append: &Append) -> Result<Option<Earlier>, LedgerError> {
        if let State::ReadOnly { why } = &*locked(&self.shared.state) {
            return Err(LedgerError::ReadOnly { why: why.clone() });
        }
        let Some(Seen { id, .. }) = &append.seen else { return Ok(None) };
        if let Some(seen) = group.seen.get(id) {
            return Ok(Some(Earlier::InGroup(seen.answer.clone())));
        }
        let now = group.chain.time.max(append.at).as_millisecond();
        Ok(self.shared.ask(|store| store.seen(id, now))?.map(Earlier::Durable))
    }

    fn commit(&mut self, group: Group) {
        if group.answers.is_empty() {
            return;
        }
        let Group { start, chain, entries, texts, seen, answers, .. } = group;
        let count = entries.len() as u64;
        let header = Header { first: start.next, count, prev: start.hash, hash: chain.hash.clone() };
        let batch = Batch { header, entries, texts, seen: seen.into_values().collect() };
        let is_empty = batch.entries.is_empty() && batch.seen.is_empty();
        let result = if is_empty { Ok(()) } else { self.write(&batch) };
        if result.is_ok() && !is_empty {
            self.keep(&batch, &chain);
        }
        for (reply, outcome) in answers {
            send(reply, result.clone().map(|()| outcome));
        }
        self.prune(&chain);
    }

    /// Makes the line durable.
    fn write(&mut self, batch: &Batch) -> Result<(), LedgerError> {
        let line = batch.encode().map_err(|error| LedgerError::NotWritten { cause: error.to_string() })?;
        let Some(segments) = &mut self.segments else { return Err(LedgerError::Closed) };
        segments.append(batch.header.first, &line).map_err(|failure| match failure {
            WriteFailure::TakenBack(error) => LedgerError::NotWritten { cause: error.to_string() },
            WriteFailure::Unsure(error) => {
                self.stop(format!("a write failed and could not be taken back: {error}"));
                LedgerError::NotWritten { cause: error.to_string() }
            }
        })
    }

    /// Gives a durable line to the store. Where that fails the entries are recorded all the same, so the answer stays
    /// yes; but nothing more is taken until a restart has brought the store up again.
    fn keep(&self, batch: &Batch, chain: &Chain) {
        let kept = self.shared.ask(|store| store.apply(std::slice::from_ref(batch)));
        *locked(&self.shared.chain) = chain.clone();
        if let Err(error) = kept {
            self.stop(error.to_string());
        }
    }

    fn stop(&self, why: String) {
        tracing::error!(%why, "the ledger takes nothing new until it is opened again");
        *locked(&self.shared.state) = State::ReadOnly { why };
    }

    fn prune(&self, chain: &Chain) {
        let now = chain.time.as_millisecond();
        if let Err(error) = self.shared.ask(|store| store.prune_seen(now)) {
            tracing::warn!(%error, "old events stay in the ledger's store");
        }
    }
}

/// An event that was answered before.
enum Earlier {
    Durable(Value),
    InGroup(Value),
}

fn send(reply: Reply, answer: Result<Outcome, LedgerError>) {
    // Whoever asked may have gone; what is recorded stays recorded.
    let _: Result<(), _> = reply.send(answer);
}

impl Group {
    fn new(start: Chain) -> Self {
        Self {
            chain: start.clone(),
            start,
            entries: Vec::new(),
            texts: BTreeMap::new(),
            seen: BTreeMap::new(),
            bytes: 0,
            answers: Vec::new(),
        }
    }

    fn add(&mut self, append: Append) -> Result<Outcome, LedgerError> {
        let Append { at, drafts, seen } = append;
        let seen = seen.map(|seen| acceptable_event(seen, at.max(self.chain.time))).transpose()?;
        let prepared = prepare(self.chain.clone(), at, drafts)?;
        self.chain = prepared.chain;
        self.entries.extend(prepared.entries);
        self.texts.extend(prepared.texts);
        self.bytes += prepared.bytes;
        self.seen.extend(seen.map(|seen| (seen.id.clone(), seen)));
        Ok(Outcome::Appended(prepared.recorded))
    }
}

fn acceptable_event(seen: Seen, at: Timestamp) -> Result<SeenAnswer, LedgerError> {
    let Seen { id, answer } = seen;
    if id.is_empty() || id.len() > 1024 {
        let why = "an event's id has 1 to 1024 bytes".to_owned();
        return Err(LedgerError::BadDraft { kind: "event".into(), why });
    }
    Ok(SeenAnswer { id, at: at.as_millisecond(), answer })
}

/// Gives drafts their places in the chain.
fn prepare(chain: Chain, at: Timestamp, drafts: Vec<Draft>) -> Result<Prepared, LedgerError> {
    let time = chain.time.max(Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at));
    let chain = Chain { time, ..chain };
    let mut prepared = Prepared { chain, entries: Vec::new(), texts: BTreeMap::new(), recorded: Vec::new(), bytes: 0 };
    for draft in drafts {
        prepared.add(draft)?;
    }
    Ok(prepared)
}

impl Prepared {
    fn add(&mut self, draft: Draft) -> Result<(), LedgerError> {
        let kind = draft.kind.clone();
        let bad = |why: String| LedgerError::BadDraft { kind, why };
        if let Some(why) = broken_rule(&draft) {
            return Err(bad(why));
        }
        let (entry, texts) = self.seal(draft)?;
        let bytes = match entry.bytes() {
            Ok(bytes) => bytes,
            Err(error) => return Err(bad(error.to_string())),
        };
        self.bytes += bytes.len() + texts.values().map(String::len).sum::<usize>();
        if self.bytes > APPEND_BYTES {
            return Err(bad(format!("it is larger than {APPEND_BYTES} bytes")));
        }
        self.chain.next += 1;
        self.chain.hash = line::hash(&bytes);
        self.entries.push(Sealed { seq: entry.seq, subject: entry.subject.clone(), bytes });
        self.recorded.push(Recorded { entry, texts });
        Ok(())
    }

    /// Makes the entry, with a salted hash in place of each free text.
    fn seal(&mut self, draft: Draft) -> Result<(Entry, BTreeMap<String, String>), LedgerError> {
        let Draft { kind, subject, actor, incident, mut body, texts } = draft;
        for (member, text) in &texts {
            let salt = clock::salt().map_err(|_| LedgerError::NoRandomness)?;
            let hash = SaltedText::hash(&salt, text);
            body.insert(member.clone(), serde_json::json!({ "hash": hash }));
            self.texts.insert(hash, SaltedText { salt: hex(&salt), text: text.clone() });
        }
        let Chain { next: seq, hash: prev, time } = self.chain.clone();
        Ok((Entry { seq, time: written(time), kind, subject, actor, incident, body, prev }, texts))
    }
}

/// The rule of design section 9 that a draft breaks, if any.
fn broken_rule(draft: &Draft) -> Option<String> {
    if draft.kind.is_empty() || draft.subject.is_empty() {
        return Some("it has no kind or no subject".into());
    }
    if draft.subject.chars().any(char::is_control) {
        return Some("its subject holds a control character".into());
    }
    if let Some(member) = draft.texts.keys().find(|member| draft.body.contains_key(*member)) {
        return Some(format!("`{member}` is both a fact and a text"));
    }
    draft
        .body
        .iter()
        .find(|(_, value)| !is_storable(value))
        .map(|(member, _)| format!("`{member}` holds null or a number that is no integer within 2^53"))
}

fn is_storable(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            size.is_some_and(|size| size <= SAFE_INTEGER)
        }
        Value::Array(values) => values.iter().all(is_storable),
        Value::Object(members) => members.values().all(is_storable),
    }
}
