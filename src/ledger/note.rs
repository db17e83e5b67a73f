//! Checkpoints as signed notes (C2SP `signed-note` and `tlog-checkpoint`, Ed25519): origin, size and root of the tree,
//! signed with a key that lives outside the data directory. Writing, reading and checking them; where they are kept
//! is `checkpoints.rs`.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use super::tree::Hash;
use crate::{core::names::hex, secret::Secret};

/// The algorithm byte of Ed25519 in key ids and public keys.
const ALGORITHM: u8 = 1;
/// What PKCS #8 writes before the 32 bytes of an Ed25519 key.
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// Size and root of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    /// How many entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// A name that a checkpoint may have as its origin: `levers.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Parses an origin: not empty, no blank, no plus sign.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '+');
        fits.then(|| Self(text.to_owned()))
    }

    /// The origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// It should sign.
    #[error("it is no Ed25519 key in PEM (PKCS #8)")]
    Signing,
    /// It should verify.
    #[error("it is no public key of the form `name+id+key`")]
    Verifying,
}

impl NotAKey {
    /// One sentence that names what to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Signing => "Make one with `openssl genpkey -algorithm ed25519`.".into(),
            Self::Verifying => "Take the line that `leverframe audit key` prints.".into(),
        }
    }
}

/// The key that signs checkpoints, with the name it signs under.
pub struct SigningKey {
    origin: Origin,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// Reads a key as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(pem: &Secret, origin: Origin) -> Result<Self, NotAKey> {
        let inside = pem.reveal().split_once("-----BEGIN PRIVATE KEY-----");
        let inside = inside.and_then(|(_, rest)| rest.split_once("-----END PRIVATE KEY-----"));
        let (encoded, _) = inside.ok_or(NotAKey::Signing)?;
        let encoded: String = encoded.split_whitespace().collect();
        let der = BASE64_STANDARD.decode(encoded).map_err(|_| NotAKey::Signing)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| NotAKey::Signing)?;
        Ok(Self { origin, pair })
    }

    /// The text of a key made of 32 random bytes, for [`SigningKey::parse`].
    pub fn pem(seed: &[u8; 32]) -> Secret {
        let encoded = BASE64_STANDARD.encode([&PKCS8[..], seed].concat());
        Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{encoded}\n-----END PRIVATE KEY-----\n"))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        let key = self.pair.public_key().as_ref().try_into().unwrap_or_default();
        PublicKey { origin: self.origin.clone(), key }
    }

    /// Signs a checkpoint: the whole note.
    pub fn sign(&self, head: TreeHead) -> String {
        let (text, signature) = (body(&self.origin, head), self.signature(head));
        format!("{text}\n\u{2014} {} {signature}\n", self.origin.0)
    }

    /// The signature of a checkpoint alone, as it stands in the note.
    pub fn signature(&self, head: TreeHead) -> String {
        let signature = self.pair.sign(body(&self.origin, head).as_bytes());
        BASE64_STANDARD.encode([&self.public().id()[..], signature.as_ref()].concat())
    }
}

/// The text that is signed.
fn body(origin: &Origin, head: TreeHead) -> String {
    format!("{}\n{}\n{}\n", origin.0, head.size, BASE64_STANDARD.encode(head.root.0))
}

/// The key that verifies checkpoints. `Display` is the form of C2SP: `name+id+key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    origin: Origin,
    key: [u8; 32],
}

impl PublicKey {
    /// Parses `name+id+key`.
    ///
    /// # Errors
    /// When it is none, or its id is not that of its name and key.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NotAKey::Verifying);
        };
        let key = BASE64_STANDARD.decode(key).ok();
        let key = key.as_deref().and_then(|bytes| bytes.strip_prefix(&[ALGORITHM])?.try_into().ok());
        let key = Self { origin: Origin::parse(name).ok_or(NotAKey::Verifying)?, key: key.ok_or(NotAKey::Verifying)? };
        if hex(&key.id()) == id { Ok(key) } else { Err(NotAKey::Verifying) }
    }

    /// The same key under another name.
    pub fn under(&self, origin: Origin) -> Self {
        Self { origin, key: self.key }
    }

    fn id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(self.origin.0.as_bytes())
            .chain_update([b'\n', ALGORITHM])
            .chain_update(self.key)
            .finalize();
        hash.first_chunk().copied().unwrap_or_default()
    }

    /// Whether a signature that stands alone is this key's, of a checkpoint of its own origin.
    pub fn signed(&self, head: TreeHead, signature: &str) -> bool {
        let line = format!("\u{2014} {} {signature}", self.origin.0);
        self.has_signed(&body(&self.origin, head), &line)
    }

    /// Whether a note's text carries a signature of this key.
    fn has_signed(&self, text: &str, signatures: &str) -> bool {
        let ours = signatures.lines().filter_map(|line| line.strip_prefix("\u{2014} ")?.split_once(' '));
        ours.filter(|(name, _)| *name == self.origin.0).any(|(_, encoded)| {
            let bytes = BASE64_STANDARD.decode(encoded).unwrap_or_default();
            let signature = bytes.strip_prefix(&self.id());
            signature.is_some_and(|signature| {
                UnparsedPublicKey::new(&ED25519, self.key).verify(text.as_bytes(), signature).is_ok()
            })
        })
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = BASE64_STANDARD.encode([&[ALGORITHM][..], &self.key].concat());
        write!(f, "{}+{}+{key}", self.origin.0, hex(&self.id()))
    }
}

/// A checkpoint as it was read, its signature unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose tree it is.
    pub origin: Origin,
    /// What it says of the tree.
    pub head: TreeHead,
    /// The whole note.
    pub note: String,
}

impl Checkpoint {
    /// Reads a note.
    pub fn parse(note: &str) -> Option<Self> {
        let (text, signatures) = split(note)?;
        let are_signatures = signatures.lines().all(|line| line.starts_with("\u{2014} "));
        if !signatures.ends_with('\n') || !are_signatures {
            return None;
        }
        let mut lines = text.lines();
        let origin = Origin::parse(lines.next()?)?;
        let size = lines.next().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        let size = size.parse().ok().filter(|number: &u64| number.to_string() == size)?;
        let root = BASE64_STANDARD.decode(lines.next()?).ok()?.try_into().ok().map(Hash)?;
        Some(Self { origin, head: TreeHead { size, root }, note: note.to_owned() })
    }

    /// Whether one of these keys signed it, under the checkpoint's own name.
    pub fn is_signed_by(&self, keys: &[PublicKey]) -> bool {
        let Some((text, signatures)) = split(&self.note) else { return false };
        keys.iter().any(|key| key.under(self.origin.clone()).has_signed(text, signatures))
    }
}

/// A note's text, its last newline included, and its signatures.
fn split(note: &str) -> Option<(&str, &str)> {
    let (text, signatures) = note.split_once("\n\n")?;
    note.get(..text.len() + 1).map(|text| (text, signatures))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's first implementation.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SIGNED: &str =
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const SIGNATURE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn key() -> SigningKey {
        SigningKey::parse(&SigningKey::pem(&[7; 32]), Origin::parse("levers.example.com").unwrap()).unwrap()
    }

    #[test]
    fn a_note_of_another_implementation_verifies() {
        let key = PublicKey::parse(KEY).unwrap();
        assert_eq!(key.to_string(), KEY);
        assert!(key.has_signed(SIGNED, SIGNATURE));
        assert!(!key.has_signed(&SIGNED.replace("know", "now"), SIGNATURE));
        for wrong in [KEY.replace("c74f", "c74e"), KEY.replace("ARpc", "Arpc"), KEY.replace('+', "-"), String::new()] {
            assert_eq!(PublicKey::parse(&wrong), Err(NotAKey::Verifying));
        }
    }

    #[test]
    fn a_checkpoint_comes_back_and_no_changed_one_verifies() {
        let head = TreeHead { size: 12, root: Hash([9; 32]) };
        let note = key().sign(head);
        let read = Checkpoint::parse(&note).unwrap();
        assert_eq!((read.head, read.origin.as_str()), (head, "levers.example.com"));
        assert!(read.is_signed_by(&[key().public()]));
        assert_eq!(PublicKey::parse(&key().public().to_string()), Ok(key().public()));
        for place in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[place] ^= 1;
            let changed = String::from_utf8(bytes).ok().and_then(|note| Checkpoint::parse(&note));
            // The name in both places may change together with nothing else; here one place changes at a time.
            assert!(!changed.is_some_and(|changed| changed.is_signed_by(&[key().public()])), "byte {place}");
        }
    }

    #[test]
    fn what_openssl_writes_is_a_key() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n-----END PRIVATE KEY-----\n";
        assert_eq!(SigningKey::pem(&[7; 32]).reveal(), pem);
        assert!(SigningKey::parse(&Secret::new("nothing"), Origin::parse("a").unwrap()).is_err());
    }
}
