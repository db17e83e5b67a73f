//! The one source of time and of fresh identifiers. Everything else receives them as values,
//! so that the same inputs give the same decisions, entries and commits.

use jiff::Timestamp;

use crate::core::names::RequestId;

/// The present, in whole milliseconds (what the ledger stores).
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// A fresh request id: a ULID whose first ten characters are the time, so that ids sort by age.
pub fn request_id(at: Timestamp) -> RequestId {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    let ulid = ulid::Ulid::from_parts(millis, ulid::Ulid::new().random());
    RequestId::from_ulid(ulid.to_string())
}

/// Sixteen random bytes for a salt, from the operating system.
///
/// # Errors
/// When the operating system has no randomness to give, which ends whatever needed it.
pub fn salt() -> Result<[u8; 16], ring::error::Unspecified> {
    use ring::rand::SecureRandom;
    let mut bytes = [0_u8; 16];
    ring::rand::SystemRandom::new().fill(&mut bytes)?;
    Ok(bytes)
}
