//! Checks a line of the journal as far as it can be checked alone, in one pass over its bytes. It reads exactly what
//! the writer writes; what looks otherwise is not judged here, but by `verify.rs`, which says what is wrong with it.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, de::IgnoredAny};
use sha2::{Digest, Sha256};

use super::{
    line::{Header, SUM_LENGTH},
    tree::{self, Hash},
};

/// What a run of sound lines says.
#[derive(Debug)]
pub(crate) struct Inspected {
    /// What the first entry names as the hash of the one before.
    pub(crate) prev: Hash,
    /// The hash of the last entry; `prev` where there is none.
    pub(crate) hash: Hash,
    /// The times of the first and of the last entry.
    pub(crate) times: Option<(String, String)>,
    /// `seq` of the first entry.
    pub(crate) first: u64,
    /// The leaves of the entries.
    pub(crate) leaves: Vec<Hash>,
}

impl Inspected {
    /// `seq` of the first entry after these.
    pub(crate) fn next(&self) -> u64 {
        self.first.saturating_add(self.leaves.len() as u64)
    }

    /// Takes in what comes next; `None` where it does not follow.
    pub(crate) fn join(&mut self, later: Self) -> Option<()> {
        if later.first != self.next() || later.prev != self.hash {
            return None;
        }
        self.times = in_order(self.times.take(), later.times)?;
        self.hash = later.hash;
        self.leaves.extend(later.leaves);
        Some(())
    }
}

/// The span of two, when the second does not begin before the first ends.
fn in_order(one: Option<(String, String)>, other: Option<(String, String)>) -> Option<Option<(String, String)>> {
    match (one, other) {
        (Some((from, end)), Some((begin, to))) => (end <= begin).then_some(Some((from, to))),
        (one, other) => Some(one.or(other)),
    }
}

/// What is needed of an entry beside its bytes.
#[derive(Deserialize)]
struct Claims<'a> {
    seq: u64,
    #[serde(borrow)]
    prev: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Salted<'a> {
    #[serde(borrow)]
    salt: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// A text's key, which serde lends only inside a type of its own.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// What stays of one value at the beginning of a text, and the text behind it.
fn value<'a, T: Deserialize<'a>>(text: &'a str) -> Option<(T, &'a str, &'a str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
    let value = values.next()?.ok()?;
    let (own, rest) = text.split_at_checked(values.byte_offset())?;
    Some((value, own, rest))
}

/// Checks a line that fits its checksum: `seq`, links, times and hashes of its entries, and its texts against theirs.
/// `None` where anything is not as the writer leaves it.
pub(crate) fn inspect(header: &Header, line: &[u8]) -> Option<Inspected> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, rest) = text.get(SUM_LENGTH..)?.strip_prefix("\"head\":")?.split_once('}')?;
    let (prev, hash) = (Hash::parse(&header.prev)?, Hash::parse(&header.hash)?);
    let leaves = Vec::with_capacity(usize::try_from(header.count.min(4096)).ok()?);
    let mut found = Inspected { prev, hash: prev, times: None, first: header.first, leaves };
    let rest = entries(&mut found, header.count, rest.strip_prefix(",\"entries\":[")?)?;
    let (texts, _, rest) = value::<BTreeMap<Key<'_>, Salted<'_>>>(rest.strip_prefix("],\"texts\":")?)?;
    let (_, _, rest) = value::<Vec<IgnoredAny>>(rest.strip_prefix(",\"seen\":")?)?;
    let is_whole = rest.trim_start_matches(' ') == "}" && found.hash == hash;
    (is_whole && texts.iter().all(|(Key(hash), text)| is_of(hash, text))).then_some(found)
}

/// Takes so many entries from the beginning of a text; gives what follows them.
fn entries<'a>(found: &mut Inspected, count: u64, mut rest: &'a str) -> Option<&'a str> {
    let (mut first, mut last) = (None, Cow::Borrowed(""));
    for place in 0..count {
        rest = if place == 0 { rest } else { rest.strip_prefix(',')? };
        let (claims, entry, after) = value::<Claims<'_>>(rest)?;
        let is_next = claims.seq == found.next() && Hash::parse(&claims.prev)? == found.hash && *last <= *claims.time;
        if !is_next || !entry.starts_with('{') {
            return None;
        }
        found.hash = Hash::of(entry.as_bytes());
        found.leaves.push(tree::leaf(entry.as_bytes()));
        first.get_or_insert_with(|| claims.time.to_string());
        (last, rest) = (claims.time, after);
    }
    found.times = first.map(|first| (first, last.into_owned()));
    Some(rest)
}

fn is_of(hash: &str, text: &Salted<'_>) -> bool {
    let salt = salt(&text.salt);
    salt.is_some_and(|salt| {
        let found = Sha256::new().chain_update(salt).chain_update(text.text.as_bytes()).finalize();
        Hash::parse(hash) == Some(Hash(found.into()))
    })
}

fn salt(text: &str) -> Option<[u8; 16]> {
    let digits = text.len() == 32 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let number = u128::from_str_radix(text, 16).ok().filter(|_| digits)?;
    Some(number.to_be_bytes())
}
