//! What the ledger stores: drafts that the core decides on, and the entries they become.
//! The shape and the hashing are fixed here; durability is the ledger's (`src/ledger`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::core::names::{Digest, PersonId, hex};

/// Who did something, as the ledger names people: by pseudonym and account, never by display name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The catalog key, where the account is mapped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub person: Option<PersonId>,
    /// `platform:id`, for example `slack:U111`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
    /// Through what it came: `slack`, `discord`, `github`, `terminal`, or `leverframe` for the bot itself.
    pub via: String,
}

/// An entry before the ledger gives it its place: what happened, to what, by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// `request.opened`, `approval.given`, ...
    pub kind: String,
    /// What it is about: `request/01J...`, `ledger`, `security`.
    pub subject: String,
    /// Who did it.
    pub actor: Actor,
    /// The incident it belongs to, when there is one.
    pub incident: Option<String>,
    /// Facts in plain, by member. Numbers are integers within 2^53; nothing is null.
    pub body: Map<String, Value>,
    /// Free text and names, by member of the body. The entry holds only their salted hash.
    pub texts: BTreeMap<String, String>,
}

impl Draft {
    /// A draft with an empty body.
    pub fn new(kind: impl Into<String>, subject: impl Into<String>, actor: Actor) -> Self {
        let (kind, subject) = (kind.into(), subject.into());
        Self { kind, subject, actor, incident: None, body: Map::new(), texts: BTreeMap::new() }
    }

    /// Adds a plain fact. A value that serialises to null is left out.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(Value::Null) | Err(_) => {}
            Ok(value) => {
                self.body.insert(member.to_owned(), value);
            }
        }
        self
    }

    /// Adds free text or a name, which can be erased later without breaking the ledger. Empty text is left out.
    #[must_use]
    pub fn with_text(mut self, member: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.texts.insert(member.to_owned(), text);
        }
        self
    }
}

/// One record of the ledger. Its bytes are its RFC 8785 form ([`Entry::bytes`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place, from 0.
    pub seq: u64,
    /// When, UTC, in milliseconds: `2026-11-21T08:00:00.000Z`.
    pub time: String,
    /// `request.opened`, ...
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// Who did it.
    pub actor: Actor,
    /// The incident it belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub incident: Option<String>,
    /// Facts; free text stands as `{"hash": ...}`.
    pub body: Map<String, Value>,
    /// Hexadecimal SHA-256 of the previous entry's bytes; 64 zeros for the first.
    pub prev: String,
}

/// An entry's free text with the salt that makes its hash unguessable; stored beside the entries, erasable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaltedText {
    /// 16 random bytes, hexadecimal.
    pub salt: String,
    /// The text.
    pub text: String,
}

impl SaltedText {
    /// The hash that stands in the entry: SHA-256 over the salt's bytes, then the text as UTF-8.
    pub fn hash(salt: &[u8; 16], text: &str) -> String {
        use sha2::Digest as _;
        hex(&sha2::Sha256::new().chain_update(salt).chain_update(text.as_bytes()).finalize())
    }
}

/// `prev` of the first entry.
pub const NO_PREVIOUS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl Entry {
    /// The bytes that are hashed, stored and exported: the RFC 8785 (JCS) form.
    ///
    /// # Errors
    /// When the body holds a number that JCS cannot write, which a draft made by the core never does.
    pub fn bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        super::canonical::entry(self).map_or_else(|| serde_json_canonicalizer::to_vec(self), Ok)
    }

    /// What the next entry's `prev` must be.
    ///
    /// # Errors
    /// As [`Entry::bytes`].
    pub fn hash(&self) -> Result<Digest, serde_json::Error> {
        Ok(Digest::of(&self.bytes()?))
    }

    /// When it happened.
    ///
    /// # Errors
    /// When `time` is not RFC 3339.
    pub fn at(&self) -> Result<Timestamp, jiff::Error> {
        self.time.parse()
    }
}

/// A time as entries write it: `2026-11-21T08:00:00.000Z`.
pub fn written(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// An entry with the free text that belongs to it, by member of its body; erased texts are absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The entry.
    pub entry: Entry,
    /// Its texts.
    pub texts: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_canonical_and_times_have_milliseconds() {
        let at: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        assert_eq!(written(at), "2026-11-21T08:00:00.000Z");
        let actor = Actor { person: None, account: None, via: "leverframe".into() };
        let body = Map::from_iter([("z".to_owned(), 1.into()), ("a".to_owned(), "x".into())]);
        let entry = Entry {
            seq: 0,
            time: written(at),
            kind: "ledger.opened".into(),
            subject: "ledger".into(),
            actor,
            incident: None,
            body,
            prev: NO_PREVIOUS.into(),
        };
        let text = String::from_utf8(entry.bytes().unwrap()).unwrap();
        assert!(
            text.starts_with(
                r#"{"actor":{"via":"leverframe"},"body":{"a":"x","z":1},"kind":"ledger.opened","prev":"000"#
            )
        );
    }
}
