//! Whether a request is Discord's: Ed25519 over the timestamp and the raw bytes, and not older than five minutes.
//! Nothing is parsed before; [`Verified`] can be made nowhere else.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use ring::signature::{ED25519, UnparsedPublicKey};

/// How far a request's time may be from ours, either way, in seconds.
const WINDOW: u64 = 300;
/// Where Discord puts the time at which it signed.
pub const TIMESTAMP: &str = "x-signature-timestamp";
/// Where Discord puts the signature.
pub const SIGNATURE: &str = "x-signature-ed25519";

/// Something that came from Discord and arrived unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// What was verified.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// The application's public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        bytes(text).map(Self)
    }
}

/// Why a request is not believed. It is told to nobody but the log and the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadSignature {
    /// No signature or no time.
    #[error("the request carries no signature of Discord")]
    Missing,
    /// Signed more than five minutes before or after now: replayed, or a clock is wrong.
    #[error("the request was signed more than five minutes from now")]
    Stale,
    /// Signed with another key, changed on the way, or not a signature at all.
    #[error("the request's signature is wrong")]
    Wrong,
}

impl BadSignature {
    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::Missing => "Send only Discord's own requests to this address.".into(),
            Self::Stale => "Set this machine's clock by NTP.".into(),
            Self::Wrong => {
                "Put the public key from the application's General Information page into `discord.public_key`.".into()
            }
        }
    }

    /// A word for it in the ledger.
    pub fn cause(self) -> &'static str {
        match self {
            Self::Missing => "signature missing",
            Self::Stale => "signature stale",
            Self::Wrong => "signature wrong",
        }
    }
}

/// Believes `body` if Discord signed it with the key's other half within five minutes of `now`.
///
/// # Errors
/// When a header is missing or there twice, the time is too far off, or the signature does not fit.
pub fn verify(
    key: &PublicKey,
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Result<Verified<Bytes>, BadSignature> {
    let (time, signature) = (header(headers, TIMESTAMP)?, header(headers, SIGNATURE)?);
    let signature: [u8; 64] = bytes(signature).ok_or(BadSignature::Wrong)?;
    if time.is_empty() || !time.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadSignature::Wrong);
    }
    let signed_at: i64 = time.parse().map_err(|_| BadSignature::Wrong)?;
    if now.as_second().abs_diff(signed_at) > WINDOW {
        return Err(BadSignature::Stale);
    }
    let message = [time.as_bytes(), &body].concat();
    UnparsedPublicKey::new(&ED25519, key.0).verify(&message, &signature).map_err(|_| BadSignature::Wrong)?;
    Ok(Verified(body))
}

/// A header that must be there once: with two, who reads which is anybody's guess.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, BadSignature> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(BadSignature::Missing)?;
    if values.next().is_some() {
        return Err(BadSignature::Wrong);
    }
    value.to_str().map_err(|_| BadSignature::Wrong)
}

/// Bytes from twice as many hexadecimal digits.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes?.try_into().ok()
}
