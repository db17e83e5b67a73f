//! Gives drafts their places in the chain, ahead of the writer: many appends can wait for one flush, and each sees
//! those before it. Where a flush fails, everything that was given a place after it has none.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Append, LedgerError, Seen,
    line::{self, Sealed, SeenAnswer},
    opening::Chain,
};
use crate::{
    clock,
    core::{
        entry::{Draft, Entry, Recorded, SaltedText, written},
        names::hex,
    },
};

/// One append is no larger, in bytes of its entries and texts.
const APPEND_BYTES: usize = 8 * 1024 * 1024;
/// Numbers beyond this do not survive RFC 8785, which writes them as doubles.
const SAFE_INTEGER: u64 = 1 << 53;

/// A time between two failures to write. Facts that were decided on in one are not facts in the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub(crate) usize);

/// Where the chain will stand once everything that waits is durable.
pub(crate) struct Ahead {
    pub(crate) chain: Chain,
    /// How long the ledger was at the end of each generation before this one.
    pub(crate) ends: Vec<u64>,
    /// Events whose answers wait to be durable.
    pub(crate) seen: BTreeMap<String, Value>,
}

/// An append with its place in the chain, ready to be written.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) chain: Chain,
    pub(crate) entries: Vec<Sealed>,
    pub(crate) texts: BTreeMap<String, SaltedText>,
    pub(crate) seen: Option<SeenAnswer>,
    pub(crate) bytes: usize,
}

impl Ahead {
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.ends.len())
    }

    /// Places an append, or refuses it, which changes nothing.
    pub(crate) fn place(&mut self, append: Append) -> Result<(Placed, Vec<Recorded>), LedgerError> {
        let Append { at, drafts, seen } = append;
        let time = self.chain.time.max(Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at));
        let seen = seen.map(|seen| acceptable_event(seen, time)).transpose()?;
        let chain = Chain { time, ..self.chain.clone() };
        let mut placed = Placed { chain, entries: Vec::new(), texts: BTreeMap::new(), seen, bytes: 0 };
        let mut recorded = Vec::with_capacity(drafts.len());
        for draft in drafts {
            recorded.push(placed.add(draft)?);
        }
        self.chain = placed.chain.clone();
        self.seen.extend(placed.seen.as_ref().map(|seen| (seen.id.clone(), seen.answer.clone())));
        Ok((placed, recorded))
    }

    /// Nothing, at the end: durable once everything before it is.
    pub(crate) fn nothing(&self) -> Placed {
        let chain = self.chain.clone();
        Placed { chain, entries: Vec::new(), texts: BTreeMap::new(), seen: None, bytes: 0 }
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

impl Placed {
    fn add(&mut self, draft: Draft) -> Result<Recorded, LedgerError> {
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
        Ok(Recorded { entry, texts })
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
