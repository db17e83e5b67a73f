//! Git's smart HTTP over our own client, because libgit2's brings OpenSSL. Requests block the thread that makes them,
//! which must never be a runtime worker. Redirects of a renamed repository are followed on the same host, and what is
//! found is remembered; credentials go nowhere else, and are read again when the host refuses them.

use std::{
    future::Future,
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use reqwest::{StatusCode, header};

use super::{Credentials, error::GitError};

/// How long a host may stay silent, at each step. (Making the connection is limited by the client.)
const SILENCE: Duration = Duration::from_secs(30);

/// Some hosts speak git only to what calls itself git.
const USER_AGENT: &str = concat!("git/2.0 (leverframe ", env!("CARGO_PKG_VERSION"), ")");

/// What is left of an answer may be this long, in bytes, to be read for the sake of the connection.
const WORTH_READING: usize = 64 * 1024;

/// How often one request follows a repository that was renamed.
const MOVES: usize = 3;

/// What a thread needs to talk to its repository's host.
#[derive(Clone)]
pub(super) struct Session {
    /// Our client.
    pub(super) client: reqwest::Client,
    /// Where its connections live.
    pub(super) runtime: tokio::runtime::Handle,
    /// The repository's address, without credentials.
    pub(super) url: String,
    /// The program that connects to `ssh://` addresses.
    pub(super) ssh: std::path::PathBuf,
    /// Who we are there.
    pub(super) login: Arc<Mutex<Option<Credentials>>>,
    /// Where the repository was found in the end.
    pub(super) place: Arc<Mutex<Option<String>>>,
    /// The failure of the conversation under way: libgit2 carries only a text through.
    pub(super) failure: Failure,
}

/// Where a conversation leaves the reason for its failure.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<GitError>>>);

impl Failure {
    fn set(&self, error: GitError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// The reason, if the conversation had one; forgets it.
    pub(super) fn take(&self) -> Option<GitError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// One of git's two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Fetching.
    UploadPack,
    /// Pushing.
    ReceivePack,
}

impl Service {
    /// Its name in addresses and commands.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// Which protocol is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// The first, in which a server lists all its references.
    Old,
    /// The second, in which it lists those that are asked for.
    Two,
}

/// Whether the server says what it can do and has, or answers what we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// `GET info/refs`.
    List,
    /// `POST`.
    Talk,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) service: Service,
    pub(super) protocol: Protocol,
    pub(super) step: Step,
    pub(super) body: Bytes,
}

impl Ask {
    fn expected_type(&self) -> String {
        let suffix = if self.step == Step::List { "advertisement" } else { "result" };
        format!("application/x-{}-{suffix}", self.service.name())
    }

    fn below(&self, base: &str) -> String {
        match self.step {
            Step::List => format!("{base}/info/refs?service={}", self.service.name()),
            Step::Talk => format!("{base}/{}", self.service.name()),
        }
    }

    /// Where the repository is, by the address that answered.
    fn base<'u>(&self, answered: &'u str) -> Option<&'u str> {
        match self.step {
            Step::List => answered.split_once("/info/refs").map(|(base, _)| base),
            Step::Talk => answered.strip_suffix(self.service.name()).and_then(|base| base.strip_suffix('/')),
        }
    }
}

impl Session {
    /// Sends a request and waits for the answer's head. A redirect is remembered; a request that arrived there without
    /// its body is sent again.
    pub(super) fn send(&self, ask: &Ask) -> io::Result<Answer> {
        let mut renewed = false;
        for _ in 0..MOVES {
            let base = self.base();
            let asked = ask.below(&base);
            let answer = self.wait_for(self.request(ask, &base, &asked).send())?;
            let status = answer.status();
            if status == StatusCode::UNAUTHORIZED && !renewed && self.renew() {
                renewed = true;
                continue;
            }
            let answered = answer.url().as_str().to_owned();
            let moved = answered != asked && ask.base(&answered).is_some_and(|found| found != base);
            let checked = self.check(&answer, &ask.expected_type());
            if moved {
                self.remember(ask.base(&answered));
            }
            match checked {
                Ok(()) => {}
                // Most redirects lose our body on the way.
                Err(_) if moved && ask.step == Step::Talk => continue,
                Err(_) if status == StatusCode::NOT_FOUND && self.forget() => continue,
                Err(error) => return Err(error),
            }
            self.failure.take();
            return Ok(Answer { session: self.clone(), answer: Some(answer), unread: Bytes::new() });
        }
        Err(self.fail(GitError::NotFound))
    }

    fn request(&self, ask: &Ask, base: &str, asked: &str) -> reqwest::RequestBuilder {
        let request = match ask.step {
            Step::List => self.client.get(asked),
            Step::Talk => self
                .client
                .post(asked)
                .header(header::CONTENT_TYPE, format!("application/x-{}-request", ask.service.name()))
                .header(header::ACCEPT, ask.expected_type())
                .body(ask.body.clone()),
        };
        let request = request.header(header::USER_AGENT, USER_AGENT);
        let request = match ask.protocol {
            Protocol::Two => request.header("git-protocol", "version=2"),
            Protocol::Old => request,
        };
        match self.login.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(known) if is_same_host(&self.url, base) => {
                request.basic_auth(&known.username, Some(known.password.reveal()))
            }
            Some(_) | None => request,
        }
    }

    /// Where the repository is: where it was found last, else where it is said to be.
    fn base(&self) -> String {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        place.as_deref().unwrap_or(&self.url).trim_end_matches('/').to_owned()
    }

    fn remember(&self, base: Option<&str>) {
        let Some(base) = base else { return };
        tracing::warn!(from = self.url, to = base, "the repository was renamed; write its new address as its `url`");
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(base.to_owned());
    }

    /// Begins again at the configured address. False where that is where we are.
    fn forget(&self) -> bool {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// Reads the password again; whether it is another one now.
    fn renew(&self) -> bool {
        let mut login = self.login.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = login.as_mut() else { return false };
        match known.renewal.as_ref().and_then(super::Renewal::read) {
            Some(fresh) if fresh != known.password => {
                known.password = fresh;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Waits for a step of the conversation, at most as long as a host may stay silent.
    fn wait_for<T>(&self, step: impl Future<Output = reqwest::Result<T>>) -> io::Result<T> {
        let limited = async { tokio::time::timeout(SILENCE, step).await };
        match self.runtime.block_on(limited) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.fail(sort(&error))),
            Err(_) => Err(self.fail(GitError::Timeout)),
        }
    }

    /// Leaves the reason where whoever began the conversation finds it.
    pub(super) fn fail(&self, error: GitError) -> io::Error {
        let carried = io::Error::other(error.to_string());
        self.failure.set(error);
        carried
    }

    /// Refuses answers that are not git's.
    fn check(&self, answer: &reqwest::Response, expected: &str) -> io::Result<()> {
        let status = answer.status();
        let error = match status {
            StatusCode::OK => {
                let found = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
                if found.is_some_and(|found| found.starts_with(expected)) {
                    return Ok(());
                }
                GitError::Address("what answers there is not a git server".into())
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => GitError::Auth(format!("it answered {status}")),
            StatusCode::NOT_FOUND | StatusCode::GONE => GitError::NotFound,
            _ if status.is_redirection() => GitError::Moved(moved_to(answer)),
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                GitError::Unreachable(format!("it answered {status}"))
            }
            _ => GitError::Other(format!("the host answered {status}")),
        };
        Err(self.fail(error))
    }
}

/// Credentials go only where they were meant to go, and not from `https` down to `http`.
fn is_same_host(configured: &str, found: &str) -> bool {
    match (url::Url::parse(configured), url::Url::parse(found)) {
        (Ok(configured), Ok(found)) => {
            let safer = configured.scheme() == "http" && found.scheme() == "https";
            configured.origin() == found.origin() || (safer && configured.host_str() == found.host_str())
        }
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// Where a redirect leads, as a person would write it into the configuration.
fn moved_to(answer: &reqwest::Response) -> String {
    let found = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let base = found.map(|found| {
        let cut = found.split_once("/info/refs").or_else(|| found.split_once("/git-"));
        cut.map_or(found, |(base, _)| base)
    });
    base.unwrap_or("an unnamed place").chars().filter(|c| !c.is_control()).take(200).collect()
}

fn sort(error: &reqwest::Error) -> GitError {
    if error.is_timeout() {
        return GitError::Timeout;
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    GitError::Unreachable(cause.to_string())
}

/// An answer, as a stream.
pub(super) struct Answer {
    session: Session,
    answer: Option<reqwest::Response>,
    unread: Bytes,
}

impl Answer {
    /// Puts bytes back in front of what is still to be read.
    pub(super) fn unread(&mut self, bytes: &[u8]) {
        self.unread = [bytes, &self.unread].concat().into();
    }

    /// Reads what is left where that is little, so that the connection can be used again.
    pub(super) fn finish(mut self) {
        let mut left = 0;
        while let Some(answer) = self.answer.as_mut() {
            match self.session.wait_for(answer.chunk()) {
                Ok(Some(chunk)) if left + chunk.len() <= WORTH_READING => left += chunk.len(),
                Ok(_) | Err(_) => return,
            }
        }
    }
}

impl Read for Answer {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.unread.is_empty() {
            let Some(answer) = self.answer.as_mut() else { return Ok(0) };
            match self.session.wait_for(answer.chunk())? {
                Some(chunk) => self.unread = chunk,
                None => self.answer = None,
            }
        }
        let length = out.len().min(self.unread.len());
        let (Some(into), Some(from)) = (out.get_mut(..length), self.unread.get(..length)) else { return Ok(0) };
        into.copy_from_slice(from);
        self.unread.advance(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::is_same_host;

    #[test]
    fn credentials_stay_with_their_host() {
        assert!(is_same_host("https://git.example.com/a/old.git", "https://git.example.com/a/new.git"));
        assert!(is_same_host("http://git.example.com/a.git", "https://git.example.com/a.git"));
        assert!(!is_same_host("https://git.example.com/a.git", "http://git.example.com/a.git"));
        assert!(!is_same_host("https://git.example.com/a.git", "https://git.example.com:8443/a.git"));
        assert!(!is_same_host("https://git.example.com/a.git", "https://evil.example.com/a.git"));
    }
}
