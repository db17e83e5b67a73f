//! Webhooks: whether a delivery is GitHub's (HMAC-SHA256 over the raw bytes), and what it hints at. It is only a hint:
//! whoever gets one asks the API or git how things are, so that a forged, old or lost one changes nothing.

use bytes::Bytes;
use http::HeaderMap;
use ring::hmac;
use serde::Deserialize;

use super::checks::is_ours;
use crate::{core::names::CommitId, secret::Secret};

/// Where GitHub puts the signature.
pub const SIGNATURE: &str = "x-hub-signature-256";
/// Where GitHub puts the delivery's id.
pub const DELIVERY: &str = "x-github-delivery";
/// Where GitHub puts the event's name.
pub const EVENT: &str = "x-github-event";

/// Something that came from GitHub and arrived unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// What was verified.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadSignature {
    /// No signature.
    #[error("the delivery carries no `X-Hub-Signature-256`")]
    Missing,
    /// Signed with another secret, changed on the way, or not a signature at all.
    #[error("the delivery's signature is wrong")]
    Wrong,
}

impl BadSignature {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Missing => "Give the webhook on GitHub the secret of `github.webhook_secret`.".into(),
            Self::Wrong => "Put the webhook's secret into `github.webhook_secret`; both must be the same.".into(),
        }
    }
}

/// What a delivery hints at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// A branch has moved.
    Push {
        /// Without `refs/heads/`.
        branch: String,
    },
    /// Something about a pull request changed, or somebody reviewed it.
    PullRequest {
        /// Which.
        number: u64,
    },
    /// A check or a status of a commit changed.
    Commit {
        /// Which.
        commit: CommitId,
    },
}

/// A delivery, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// About a repository (`acme/deployments`).
    About {
        /// Its name.
        repository: String,
        /// What.
        hint: Hint,
    },
    /// Nothing that matters here.
    Ignored {
        /// Why, in words.
        reason: String,
    },
}

/// A body that is not what its event says. `Display` is for whoever set the webhook up.
#[derive(Debug, thiserror::Error)]
#[error("the body is no `{event}` event in JSON; set the webhook's content type to application/json")]
pub struct Unreadable {
    /// The event.
    event: String,
}

/// Believes `body` if GitHub signed it with `secret`.
///
/// # Errors
/// When the header is missing or the signature does not fit.
pub fn verify(secret: &Secret, headers: &HeaderMap, body: Bytes) -> Result<Verified<Bytes>, BadSignature> {
    let mut values = headers.get_all(SIGNATURE).iter();
    let value = values.next().ok_or(BadSignature::Missing)?;
    if values.next().is_some() || secret.reveal().is_empty() {
        return Err(BadSignature::Wrong);
    }
    let text = value.to_str().map_err(|_| BadSignature::Wrong)?;
    let tag = text.strip_prefix("sha256=").and_then(tag).ok_or(BadSignature::Wrong)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
    hmac::verify(&key, &body, &tag).map_err(|_| BadSignature::Wrong)?;
    Ok(Verified(body))
}

/// 32 bytes from 64 lower-case hexadecimal digits.
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

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Deserialize)]
struct Numbered {
    number: u64,
}

#[derive(Deserialize)]
struct Head {
    head_sha: CommitId,
}

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: String,
    repository: Repository,
}

#[derive(Deserialize)]
struct OfPullRequest {
    pull_request: Numbered,
    repository: Repository,
}

#[derive(Deserialize)]
struct OfRun {
    check_run: Head,
    repository: Repository,
}

#[derive(Deserialize)]
struct OfSuite {
    check_suite: Head,
    repository: Repository,
}

#[derive(Deserialize)]
struct OfStatus {
    sha: CommitId,
    context: String,
    repository: Repository,
}

/// Reads a delivery that was verified.
///
/// # Errors
/// When an event that matters has a body that cannot be read.
pub fn read(event: &str, body: &Verified<Bytes>) -> Result<Delivery, Unreadable> {
    let body = body.get();
    match event {
        "push" => parsed::<Push>(event, body).map(push),
        "pull_request" | "pull_request_review" => parsed::<OfPullRequest>(event, body)
            .map(|of| about(of.repository, Hint::PullRequest { number: of.pull_request.number })),
        "check_run" => {
            parsed::<OfRun>(event, body).map(|of| about(of.repository, Hint::Commit { commit: of.check_run.head_sha }))
        }
        "check_suite" => parsed::<OfSuite>(event, body)
            .map(|of| about(of.repository, Hint::Commit { commit: of.check_suite.head_sha })),
        "status" => parsed::<OfStatus>(event, body).map(status),
        "ping" => Ok(ignored("a ping: the webhook reaches Leverframe")),
        _ => Ok(ignored(&format!("`{}` events are not used", event.chars().take(60).collect::<String>()))),
    }
}

fn parsed<'a, T: Deserialize<'a>>(event: &str, body: &'a [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(body).map_err(|_| Unreadable { event: event.to_owned() })
}

fn about(repository: Repository, hint: Hint) -> Delivery {
    Delivery::About { repository: repository.full_name, hint }
}

fn ignored(reason: &str) -> Delivery {
    Delivery::Ignored { reason: reason.to_owned() }
}

fn push(push: Push) -> Delivery {
    match push.reference.strip_prefix("refs/heads/") {
        Some(branch) => about(push.repository, Hint::Push { branch: branch.to_owned() }),
        None => ignored("a tag was pushed"),
    }
}

fn status(of: OfStatus) -> Delivery {
    if is_ours(&of.context) {
        return ignored("a status that Leverframe published itself");
    }
    about(of.repository, Hint::Commit { commit: of.sha })
}
