//! How Slack signs what it sends: `v0=` and the hexadecimal HMAC-SHA256 over `v0:TIMESTAMP:BODY`.

use ring::hmac;

use crate::{core::names::hex, secret::Secret};

/// The value of `X-Slack-Signature` for a body sent at `timestamp` (seconds since 1970, as text).
pub fn sign(secret: &Secret, timestamp: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
    let tag = hmac::sign(&key, format!("v0:{timestamp}:{body}").as_bytes());
    format!("v0={}", hex(tag.as_ref()))
}

/// The headers of a signed delivery of a form.
pub fn headers(secret: &Secret, timestamp: &str, body: &str) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("accept", "application/json,*/*".to_owned()),
        ("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)".to_owned()),
        ("x-slack-request-timestamp", timestamp.to_owned()),
        ("x-slack-signature", sign(secret, timestamp, body)),
    ]
}
