//! Whether a request is Slack's: HMAC-SHA256 over the raw bytes, and not older than five minutes.
//! Nothing is parsed before; [`Verified`] can be made nowhere else.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use ring::hmac;

use crate::secret::Secret;

/// How far a request's time may be from ours, either way, in seconds.
const WINDOW: u64 = 300;
/// Where Slack puts the time at which it signed.
pub const TIMESTAMP: &str = "x-slack-request-timestamp";
/// Where Slack puts the signature.
pub const SIGNATURE: &str = "x-slack-signature";

/// Something that came from Slack and arrived unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// What was verified.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// Why a request is not believed. It is told to nobody but the log and the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadSignature {
    /// No signature or no time.
    #[error("the request carries no signature of Slack")]
    Missing,
    /// Signed more than five minutes before or after now: replayed, or a clock is wrong.
    #[error("the request was signed more than five minutes from now")]
    Stale,
    /// Signed with another secret, changed on the way, or not a signature at all.
    #[error("the request's signature is wrong")]
    Wrong,
}

impl BadSignature {
    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::Missing => "Send only Slack's own requests to this address.".into(),
            Self::Stale => "Set this machine's clock by NTP.".into(),
            Self::Wrong => {
                "Put the signing secret from the app's Basic Information page into `slack.signing_secret`.".into()
            }
        }
    }
}

/// Believes `body` if Slack signed it with `secret` within five minutes of `now`.
///
/// # Errors
/// When a header is missing, the time is too far off, or the signature does not fit.
pub fn verify(
    secret: &Secret,
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Result<Verified<Bytes>, BadSignature> {
    let (time, signature) = (header(headers, TIMESTAMP)?, header(headers, SIGNATURE)?);
    let signed_at: i64 = time.parse().map_err(|_| BadSignature::Wrong)?;
    if now.as_second().abs_diff(signed_at) > WINDOW {
        return Err(BadSignature::Stale);
    }
    let tag = signature.strip_prefix("v0=").and_then(tag).ok_or(BadSignature::Wrong)?;
    if secret.reveal().is_empty() {
        return Err(BadSignature::Wrong);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
    let message = [b"v0:", time.as_bytes(), b":", &body].concat();
    hmac::verify(&key, &message, &tag).map_err(|_| BadSignature::Wrong)?;
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

/// 32 bytes from 64 lower-case hexadecimal digits, which is how Slack writes them.
fn tag(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes?.try_into().ok()
}
