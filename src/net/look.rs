//! One question to an API whose answer is looked at, not trusted: status, headers and JSON, whatever they are. For
//! checking connections and permissions; what the bot does has clients of its own.

use std::time::Duration;

use http::{HeaderMap, header::AUTHORIZATION};
use serde_json::Value;
use url::Url;

use super::{NetError, Outgoing, bearer, read};
use crate::secret::Secret;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most bytes of an answer.
const MOST: usize = 4 << 20;

/// What came back.
#[derive(Debug)]
pub struct Look {
    /// The status of HTTP.
    pub status: u16,
    headers: HeaderMap,
    /// The body, null where it is no JSON.
    pub body: Value,
}

impl Look {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A text in the body, by JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer)?.as_str()
    }

    /// How many seconds the other's clock is ahead of ours, where it tells its time.
    pub fn ahead(&self, now: jiff::Timestamp) -> Option<i64> {
        let date = self.header("date")?;
        let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        Some(theirs.as_second() - now.as_second())
    }
}

impl Outgoing {
    /// Asks with these headers; posts where there is a body.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn look(&self, address: &Url, headers: HeaderMap, body: Option<&Value>) -> Result<Look, NetError> {
        let client = self.to(address);
        let mut asked = match body {
            Some(body) => client.post(address.clone()).json(body),
            None => client.get(address.clone()),
        };
        asked = asked.headers(headers);
        let answer = asked.timeout(PATIENCE).send().await.map_err(|error| NetError::of(&error))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = serde_json::from_slice(&read(answer, MOST).await?).unwrap_or(Value::Null);
        Ok(Look { status, headers, body })
    }
}

/// The headers of somebody with a bearer token.
///
/// # Errors
/// When the token cannot stand in a header.
pub fn as_bearer(token: &Secret, base: &Url) -> Result<HeaderMap, NetError> {
    Ok(HeaderMap::from_iter([(AUTHORIZATION, bearer(token, base)?)]))
}

/// An address below an API's base.
///
/// # Errors
/// When that is no address.
pub fn below(base: &Url, path: &str) -> Result<Url, NetError> {
    let whole = format!("{}/{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&whole).map_err(|_| NetError::BadAddress(path.to_owned()))
}
