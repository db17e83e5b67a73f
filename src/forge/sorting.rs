//! From octocrab's errors to ours: statuses, rate limits and broken connections, told apart.

use http::{HeaderMap, StatusCode, header};

use super::ForgeError;
use crate::net::NetError;

/// How long to wait where GitHub asks us to and does not say how long, in seconds.
const SOME_WAIT: u64 = 60;

/// The longest wait that is believed, in seconds: the limits are per hour.
const LONGEST_WAIT: u64 = 3600;

impl From<octocrab::Error> for ForgeError {
    fn from(error: octocrab::Error) -> Self {
        if let octocrab::Error::GitHub { source, .. } = &error {
            return of_answer(source);
        }
        if let octocrab::Error::Json { source, .. } = &error {
            return Self::Garbage(words(&source.to_string()));
        }
        of_connection(&error)
    }
}

/// Sorts an answer by its status.
fn of_answer(answer: &octocrab::GitHubError) -> ForgeError {
    let none = HeaderMap::new();
    let headers = answer.headers.as_ref().unwrap_or(&none);
    let message = words(&said(answer));
    let status = answer.status_code;
    let base_moved = message.to_lowercase().contains("base branch was modified");
    match status {
        StatusCode::UNAUTHORIZED => ForgeError::Unauthorized,
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS if is_limit(status, headers, &message) => {
            ForgeError::RateLimited { retry_after: wait(headers) }
        }
        StatusCode::FORBIDDEN => ForgeError::Forbidden(message),
        StatusCode::NOT_FOUND | StatusCode::GONE => ForgeError::NotFound,
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::CONFLICT if base_moved => ForgeError::BaseMoved,
        StatusCode::METHOD_NOT_ALLOWED => ForgeError::NotMergeable(message),
        StatusCode::CONFLICT => ForgeError::HeadMoved,
        StatusCode::REQUEST_TIMEOUT => ForgeError::TimedOut,
        _ if status.is_redirection() => ForgeError::Moved,
        _ if status.is_server_error() => ForgeError::Server(status.as_u16()),
        _ => ForgeError::Invalid(message),
    }
}

/// How many seconds GitHub asks everybody to wait, when it does: told by a limit, or by the last call that was free.
pub(super) fn asked_to_wait(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<u64> {
    let refused = matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
    let spent = number(headers, "x-ratelimit-remaining") == Some(0) && headers.contains_key("x-ratelimit-reset");
    (spent || (refused && is_limit(status, headers, &message_of(body)))).then(|| wait(headers))
}

fn message_of(body: &[u8]) -> String {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    answer.get("message").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// Sorts what came instead of an App's token.
pub(super) fn of_app(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ForgeError {
    let message = words(&message_of(body));
    match status {
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS if is_limit(status, headers, &message) => {
            ForgeError::RateLimited { retry_after: wait(headers) }
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ForgeError::Unauthorized,
        StatusCode::NOT_FOUND => ForgeError::Settings("the App has no installation of that number".to_owned()),
        _ if status.is_server_error() => ForgeError::Server(status.as_u16()),
        _ => ForgeError::Invalid(message),
    }
}

/// GitHub answers 403 to what is forbidden and to what is too much alike.
fn is_limit(status: StatusCode, headers: &HeaderMap, message: &str) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || headers.contains_key(header::RETRY_AFTER)
        || number(headers, "x-ratelimit-remaining") == Some(0)
        || message.to_lowercase().contains("rate limit")
}

/// How long to wait, in seconds: as told, else until the limit is reset by the host's own clock.
fn wait(headers: &HeaderMap) -> u64 {
    let until_reset = || {
        let reset = number(headers, "x-ratelimit-reset")?;
        let date = headers.get(header::DATE)?.to_str().ok()?;
        let now = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_second();
        Some(reset.saturating_sub(u64::try_from(now).ok()?))
    };
    number(headers, "retry-after").or_else(until_reset).unwrap_or(SOME_WAIT).clamp(1, LONGEST_WAIT)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The message, with what it says of the single fields.
fn said(answer: &octocrab::GitHubError) -> String {
    let mut text = answer.message.clone();
    for detail in answer.errors.iter().flatten() {
        if let Some(detail) = detail.as_str().or_else(|| detail["message"].as_str()) {
            text.push_str("; ");
            text.push_str(detail);
        }
    }
    text
}

/// Words from outside, fit for a card: one line, at most 300 characters.
fn words(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    line.trim().to_owned()
}

/// Finds what the HTTP client said below the layers around it.
pub(super) fn of_connection(error: &(dyn std::error::Error + 'static)) -> ForgeError {
    let mut cause = Some(error);
    let mut last = error.to_string();
    while let Some(error) = cause {
        if let Some(known) = error.downcast_ref::<ForgeError>() {
            return known.clone();
        }
        if let Some(known) = error.downcast_ref::<NetError>() {
            return of_net(known);
        }
        if let Some(known) = error.downcast_ref::<reqwest::Error>() {
            return of_net(&NetError::of(known));
        }
        last = error.to_string();
        cause = error.source();
    }
    ForgeError::Unreachable(words(&last))
}

pub(super) fn of_net(error: &NetError) -> ForgeError {
    match error {
        NetError::TimedOut { .. } => ForgeError::TimedOut,
        NetError::Unreachable { cause, .. } => ForgeError::Unreachable(words(cause)),
        NetError::Garbage { cause, .. } => ForgeError::Garbage(words(cause)),
        NetError::TooLong { .. } => ForgeError::Garbage(words(&error.to_string())),
        NetError::Elsewhere { .. } => ForgeError::Moved,
        NetError::BadAuthority(_)
        | NetError::NoClient(_)
        | NetError::BadToken { .. }
        | NetError::BadAddress(_)
        | NetError::Unwritable { .. } => ForgeError::Settings(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_the_hosts() {
        let check = |pairs: &[(&'static str, &str)]| {
            let headers = pairs.iter().map(|(name, value)| {
                (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap())
            });
            wait(&headers.collect())
        };
        let date = ("date", "Sat, 21 Nov 2026 08:00:00 GMT");
        let seconds = jiff::fmt::rfc2822::parse(date.1).unwrap().timestamp().as_second();
        assert_eq!(check(&[("retry-after", "7")]), 7);
        assert_eq!(check(&[("x-ratelimit-reset", &(seconds + 90).to_string()), date]), 90);
        assert_eq!(check(&[("x-ratelimit-reset", "1"), date]), 1);
        assert_eq!(check(&[("x-ratelimit-reset", "99999999999"), date]), 3600);
        assert_eq!(check(&[]), 60);
    }
}
