//! Who we are to a registry: what its `WWW-Authenticate` asks for, and the header that answers it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderValue;
use serde::Deserialize;
use url::Url;

use super::RegistryError;
use crate::secret::Secret;

/// How long a token lives that does not say so.
const USUAL: i64 = 60;
/// How much earlier a token is taken for spent.
const MARGIN: i64 = 10;

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with every request.
    Basic,
    /// A token from somewhere else.
    Bearer {
        /// Where.
        realm: String,
        /// For which service.
        service: Option<String>,
        /// To do what.
        scope: Option<String>,
    },
}

impl Challenge {
    /// Reads a `WWW-Authenticate` header; one that offers both is taken for a token.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let value = |name: &str| {
            parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        Some(Self::Bearer { realm: value("realm")?, service: value("service"), scope: value("scope") })
    }
}

/// `key="value",key=value`; a comma inside quotes is part of the value.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((key.trim_matches([' ', ',']).to_owned(), value.trim().to_owned()));
        rest = left;
    }
    found
}

/// Where a token is asked for: never without TLS by a registry that is reached with it.
pub(super) fn token_address(
    (host, api): (&str, &Url),
    (realm, service): (&str, Option<&str>),
    scope: &str,
) -> Result<Url, RegistryError> {
    let elsewhere =
        |found: &str| RegistryError::Elsewhere { host: host.to_owned(), found: found.chars().take(80).collect() };
    let mut address = Url::parse(realm).map_err(|_| elsewhere(realm))?;
    let is_safe = address.scheme() == "https" || (address.scheme() == "http" && api.scheme() == "http");
    if !is_safe || !address.username().is_empty() || address.password().is_some() {
        return Err(elsewhere(&address.origin().ascii_serialization()));
    }
    if let Some(service) = service {
        address.query_pairs_mut().append_pair("service", service);
    }
    address.query_pairs_mut().append_pair("scope", scope);
    Ok(address)
}

/// What to ask a token for: what the registry named, where that is about this repository.
pub(super) fn scope(asked: Option<&str>, repository: &str) -> String {
    let about_it = format!("repository:{repository}:");
    let named = asked.filter(|scope| scope.starts_with(&about_it));
    named.map_or_else(|| format!("{about_it}pull"), str::to_owned)
}

/// The answer of a token service.
#[derive(Deserialize)]
pub(super) struct Granted {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<i64>,
}

/// A header that opens a registry, until when.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    pub(super) header: HeaderValue,
    pub(super) until: Option<jiff::Timestamp>,
}

impl Pass {
    /// Whether it can be used.
    pub(super) fn holds(&self, now: jiff::Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// User and password.
    pub(super) fn basic(username: &str, password: &Secret) -> Option<Self> {
        let pair = BASE64_STANDARD.encode(format!("{username}:{}", password.reveal()));
        Some(Self { header: hidden(&format!("Basic {pair}"))?, until: None })
    }

    /// A token, as its service gave it.
    pub(super) fn bearer(granted: &Granted, now: jiff::Timestamp) -> Option<Self> {
        let token = granted.token.as_ref().or(granted.access_token.as_ref())?;
        let seconds = granted.expires_in.unwrap_or(USUAL).clamp(MARGIN + 1, 86_400) - MARGIN;
        let until = now.checked_add(jiff::SignedDuration::from_secs(seconds)).ok();
        Some(Self { header: hidden(&format!("Bearer {token}"))?, until })
    }
}

/// A header that no log prints.
fn hidden(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}
