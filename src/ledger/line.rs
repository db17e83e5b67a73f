//! One line of the journal: one atomic batch of entries, with the free texts and the answers to events that belong to it.
//!
//! `{"sum":"<crc32>","head":{"first","count","prev","hash"},"entries":[<exact bytes>],"texts":{},"seen":[]}`
//! The checksum covers everything after it and guards against accidents; tampering is what the hash chain is for.
//! Checksums do not build on each other, so that erasing a text rewrites one line only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

use crate::core::{
    entry::{Entry, Recorded, SaltedText},
    names::Digest,
};

/// What opens every line, before the eight hexadecimal digits of the checksum.
const OPENING: &[u8] = b"{\"sum\":\"";
/// Length of `{"sum":"01234567",`.
pub(crate) const SUM_LENGTH: usize = 18;

/// Where a line stands in the chain, readable without parsing its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// `seq` of its first entry, or of the next one when it has none.
    pub(crate) first: u64,
    /// How many entries it holds.
    pub(crate) count: u64,
    /// Hash of the entry before.
    pub(crate) prev: String,
    /// Hash of its last entry; `prev` when it has none.
    pub(crate) hash: String,
}

impl Header {
    /// `seq` of the first entry after this line.
    pub(crate) fn next(&self) -> u64 {
        self.first.saturating_add(self.count)
    }
}

/// The first answer to an event from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeenAnswer {
    /// The event's id.
    pub(crate) id: String,
    /// When, in milliseconds since 1970.
    pub(crate) at: i64,
    /// What was answered.
    pub(crate) answer: Value,
}

/// An entry's exact bytes with what its indexes need.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sealed {
    pub(crate) seq: u64,
    pub(crate) subject: String,
    pub(crate) bytes: Vec<u8>,
}

/// What one line holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    pub(crate) header: Header,
    pub(crate) entries: Vec<Sealed>,
    /// Free texts by the hash that stands in an entry.
    pub(crate) texts: BTreeMap<String, SaltedText>,
    pub(crate) seen: Vec<SeenAnswer>,
}

/// An entry as the journal holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The entry.
    pub entry: Entry,
    /// Its exact bytes (RFC 8785), which the next entry's `prev` is the SHA-256 of.
    pub bytes: Vec<u8>,
    /// Its free texts with their salts, by member of the body; erased ones are absent.
    pub texts: BTreeMap<String, SaltedText>,
}

impl Record {
    /// The entry with its texts, without salts and bytes.
    pub fn recorded(self) -> Recorded {
        let texts = self.texts.into_iter().map(|(member, salted)| (member, salted.text)).collect();
        Recorded { entry: self.entry, texts }
    }
}

/// The parts of a line, borrowed from it.
#[derive(Deserialize)]
pub(crate) struct Parts<'a> {
    #[serde(borrow)]
    pub(crate) entries: Vec<&'a RawValue>,
    pub(crate) texts: BTreeMap<String, SaltedText>,
    pub(crate) seen: Vec<SeenAnswer>,
}

impl Batch {
    /// The line's bytes, newline included.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        Ok(Self::finish(self.content()?))
    }

    /// Everything between the checksum and the last brace.
    fn content(&self) -> Result<Vec<u8>, serde_json::Error> {
        // Room for the checksum, which comes before it and is known after it, and for what is not counted.
        let entries = self.entries.iter().map(|entry| entry.bytes.len() + 1).sum::<usize>();
        let mut line = Vec::with_capacity(SUM_LENGTH + 512 + entries);
        line.extend_from_slice(b"\"head\":");
        serde_json::to_writer(&mut line, &self.header)?;
        line.extend_from_slice(b",\"entries\":[");
        for (place, entry) in self.entries.iter().enumerate() {
            line.extend_from_slice(if place == 0 { b"" } else { b"," });
            line.extend_from_slice(&entry.bytes);
        }
        line.extend_from_slice(b"],\"texts\":");
        serde_json::to_writer(&mut line, &self.texts)?;
        line.extend_from_slice(b",\"seen\":");
        serde_json::to_writer(&mut line, &self.seen)?;
        Ok(line)
    }

    /// The line with blanks in it, so that it is exactly so long, newline included.
    pub(crate) fn encode_at(&self, length: usize) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = self.content()?;
        let blanks = length
            .checked_sub(SUM_LENGTH + line.len() + 2)
            .ok_or_else(|| serde::de::Error::custom("what is left of the line is longer than it was"))?;
        line.extend(std::iter::repeat_n(b' ', blanks));
        Ok(Self::finish(line))
    }

    fn finish(mut line: Vec<u8>) -> Vec<u8> {
        line.push(b'}');
        let sum = format!("{{\"sum\":\"{:08x}\",", crc32fast::hash(&line));
        line.splice(..0, sum.into_bytes());
        line.push(b'\n');
        line
    }

    /// Reads a line that [`check`] accepted.
    pub(crate) fn decode(header: &Header, line: &[u8]) -> Result<Self, String> {
        let parts = parts(line)?;
        let mut entries = Vec::with_capacity(parts.entries.len());
        for (raw, seq) in parts.entries.iter().zip(header.first..) {
            let place: Place = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
            if place.seq != seq {
                return Err(format!("entry {} stands where {seq} belongs", place.seq));
            }
            entries.push(Sealed { seq, subject: place.subject, bytes: raw.get().as_bytes().to_vec() });
        }
        if entries.len() as u64 != header.count {
            return Err(format!("the line has {} entries and announces {}", entries.len(), header.count));
        }
        Ok(Self { header: header.clone(), entries, texts: parts.texts, seen: parts.seen })
    }

    /// The entries with their texts.
    pub(crate) fn records(self) -> Result<Vec<Record>, String> {
        let texts = self.texts;
        let record = |sealed: Sealed| {
            let entry: Entry = serde_json::from_slice(&sealed.bytes).map_err(|error| error.to_string())?;
            let texts = text_hashes(&entry.body)
                .filter_map(|(member, hash)| Some((member.to_owned(), texts.get(hash)?.clone())))
                .collect();
            Ok(Record { entry, bytes: sealed.bytes, texts })
        };
        self.entries.into_iter().map(record).collect()
    }
}

#[derive(Deserialize)]
struct Place {
    seq: u64,
    subject: String,
}

/// The members of a body that stand for free text, with their hashes.
pub(crate) fn text_hashes(body: &Map<String, Value>) -> impl Iterator<Item = (&str, &str)> {
    body.iter().filter_map(|(member, value)| {
        let value = value.as_object().filter(|value| value.len() == 1)?;
        Some((member.as_str(), value.get("hash")?.as_str()?))
    })
}

/// The entries of a damaged line up to the first that is no JSON.
pub(crate) fn whole_entries(line: &[u8]) -> Vec<&RawValue> {
    const BEFORE: &[u8] = b",\"entries\":[";
    let start = line.windows(BEFORE.len()).position(|window| window == BEFORE);
    let mut rest = start.and_then(|start| line.get(start + BEFORE.len()..)).unwrap_or_default();
    let mut entries = Vec::new();
    loop {
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
        let Some(Ok(entry)) = values.next() else { return entries };
        rest = rest.get(values.byte_offset()..).unwrap_or_default();
        entries.push(entry);
        match rest.strip_prefix(b",") {
            Some(more) => rest = more,
            None => return entries,
        }
    }
}

/// Splits a line, with or without its newline, into its parts.
pub(crate) fn parts(line: &[u8]) -> Result<Parts<'_>, String> {
    serde_json::from_slice(line).map_err(|error| error.to_string())
}

/// Checks a line without its newline against its checksum and reads its header.
pub(crate) fn check(line: &[u8]) -> Result<Header, String> {
    if !has_right_sum(line) {
        return Err("its checksum does not fit".into());
    }
    header(line).ok_or_else(|| "its header cannot be read".into())
}

/// Whether these bytes are one whole line, by its checksum.
pub(crate) fn has_right_sum(line: &[u8]) -> bool {
    let (Some((opening, rest)), Some(covered)) = (line.split_at_checked(OPENING.len()), line.get(SUM_LENGTH..)) else {
        return false;
    };
    let sum = format!("{:08x}\",", crc32fast::hash(covered));
    opening == OPENING && rest.starts_with(sum.as_bytes())
}

/// Reads the header alone: it holds no nested object, so it ends with the first brace.
pub(crate) fn header(line: &[u8]) -> Option<Header> {
    let rest = line.get(SUM_LENGTH..)?.strip_prefix(b"\"head\":")?;
    let end = rest.iter().position(|byte| *byte == b'}')?;
    serde_json::from_slice(rest.get(..=end)?).ok()
}

/// The hash that the next entry's `prev` must be.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Digest::of(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        let bytes = br#"{"body":{"a":"}"},"seq":7,"subject":"request/1"}"#.to_vec();
        let header = Header { first: 7, count: 1, prev: hash(b"before"), hash: hash(&bytes) };
        let salted = SaltedText { salt: "00".into(), text: "ünï\n".into() };
        Batch {
            header,
            entries: vec![Sealed { seq: 7, subject: "request/1".into(), bytes }],
            texts: BTreeMap::from([("h".to_owned(), salted)]),
            seen: vec![SeenAnswer { id: "e".into(), at: 5, answer: Value::Null }],
        }
    }

    #[test]
    fn a_line_comes_back_as_it_went() {
        let line = batch().encode().unwrap();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        let line = line.strip_suffix(b"\n").unwrap();
        assert_eq!(Batch::decode(&check(line).unwrap(), line).unwrap(), batch());
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let line = batch().encode().unwrap();
        let line = line.strip_suffix(b"\n").unwrap();
        for place in 0..line.len() {
            assert!(check(&line[..place]).is_err());
            let mut changed = line.to_vec();
            changed[place] ^= 1;
            assert!(check(&changed).is_err(), "byte {place}");
        }
    }
}
