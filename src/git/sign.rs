//! Signed commits: an OpenSSH Ed25519 key signs a commit as `ssh-keygen -Y sign -n git` would, so that
//! `git verify-commit` and the hosts show it as verified. Keys with a passphrase are refused: nobody is there to type it.

use base64::Engine as _;
use ring::{
    digest::{SHA512, digest},
    signature::Ed25519KeyPair,
};

use super::error::GitError;
use crate::secret::Secret;

const KIND: &[u8] = b"ssh-ed25519";
const HASH: &[u8] = b"sha512";

/// A key that signs commits.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    /// As in SSH's public keys: the kind and the key.
    public: Vec<u8>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

impl SigningKey {
    /// Reads an OpenSSH private key file (`ssh-keygen -t ed25519`, no passphrase).
    ///
    /// # Errors
    /// When it is another kind of key, has a passphrase, or is no key.
    pub fn parse(file: &Secret) -> Result<Self, GitError> {
        let bytes = unarmoured(file.reveal()).ok_or_else(|| refused("it is no OpenSSH private key"))?;
        let mut reader = Reader(&bytes);
        let no_key = || refused("it is damaged");
        let cipher = reader.after(b"openssh-key-v1\0").and_then(|()| reader.string()).ok_or_else(no_key)?;
        if cipher != b"none" {
            return Err(refused("it has a passphrase"));
        }
        // The key derivation and its options, the number of keys, the public key.
        reader.string().and_then(|_| reader.string()).and_then(|_| reader.number()).ok_or_else(no_key)?;
        let public = reader.string().ok_or_else(no_key)?.to_vec();
        let mut private = Reader(reader.string().ok_or_else(no_key)?);
        let checks = private.number().zip(private.number()).ok_or_else(no_key)?;
        if private.string().ok_or_else(no_key)? != KIND {
            return Err(refused("it is no Ed25519 key"));
        }
        let point = private.string().ok_or_else(no_key)?;
        let seed = private.string().and_then(|both| both.get(..32)).ok_or_else(no_key)?;
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, point).map_err(|_| no_key())?;
        if checks.0 == checks.1 { Ok(Self { pair, public }) } else { Err(no_key()) }
    }

    /// The header that goes into a commit of these bytes, its line end included.
    pub(super) fn header(&self, commit: &[u8]) -> Result<Vec<u8>, GitError> {
        let hashed = digest(&SHA512, commit);
        let mut signed = b"SSHSIG".to_vec();
        for part in [b"git", &b""[..], HASH, hashed.as_ref()] {
            put(&mut signed, part)?;
        }
        let mut signature = Vec::new();
        put(&mut signature, KIND)?;
        put(&mut signature, self.pair.sign(&signed).as_ref())?;
        let mut seal = b"SSHSIG\0\0\0\x01".to_vec();
        for part in [self.public.as_slice(), b"git", b"", HASH, &signature] {
            put(&mut seal, part)?;
        }
        Ok(armoured(&seal))
    }
}

fn refused(why: &str) -> GitError {
    GitError::SigningKey(why.to_owned())
}

/// The signature as a header of several lines: each but the first begins with a space.
fn armoured(seal: &[u8]) -> Vec<u8> {
    let text = base64::engine::general_purpose::STANDARD.encode(seal);
    let mut out = "gpgsig -----BEGIN SSH SIGNATURE-----\n".to_owned();
    for (place, character) in text.chars().enumerate() {
        if place % 70 == 0 {
            out.push_str(if place == 0 { " " } else { "\n " });
        }
        out.push(character);
    }
    out.push_str("\n -----END SSH SIGNATURE-----\n");
    out.into_bytes()
}

fn unarmoured(text: &str) -> Option<Vec<u8>> {
    let inside = text.split_once("-----BEGIN OPENSSH PRIVATE KEY-----")?.1;
    let inside = inside.split_once("-----END OPENSSH PRIVATE KEY-----")?.0;
    let joined: String = inside.split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(joined).ok()
}

fn put(out: &mut Vec<u8>, part: &[u8]) -> Result<(), GitError> {
    let length = u32::try_from(part.len()).map_err(|_| GitError::Other("too long to be signed".to_owned()))?;
    out.extend(length.to_be_bytes());
    out.extend_from_slice(part);
    Ok(())
}

/// SSH's wire format: numbers of four bytes, and strings with their length in front.
struct Reader<'r>(&'r [u8]);

impl<'r> Reader<'r> {
    fn after(&mut self, prefix: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(prefix)?;
        Some(())
    }

    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn string(&mut self) -> Option<&'r [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }
}
