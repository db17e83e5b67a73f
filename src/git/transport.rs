//! Git's smart HTTP protocol for libgit2 over our own HTTP client, because libgit2's brings OpenSSL. It speaks
//! for the repository of the thread it runs on: each repository has threads of its own, which say once
//! ([`speak_for`]) whose address and credentials they use. It must never run on a runtime worker: it blocks.

use std::{
    cell::RefCell,
    future::Future,
    io::{self, Read, Write},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use reqwest::{StatusCode, header};

use super::{Credentials, error::GitError};

/// How long a host may stay silent, at each step. (Making the connection is limited by the client.)
const SILENCE: Duration = Duration::from_secs(30);

/// Some hosts speak git only to what calls itself git.
const USER_AGENT: &str = concat!("git/2.0 (leverframe ", env!("CARGO_PKG_VERSION"), ")");

/// What a thread needs to talk to its repository's host.
#[derive(Clone)]
pub(super) struct Session {
    /// Our client.
    pub(super) client: reqwest::Client,
    /// Where its connections live.
    pub(super) runtime: tokio::runtime::Handle,
    /// The repository's address, without credentials.
    pub(super) url: String,
    /// Who we are there.
    pub(super) credentials: Option<Credentials>,
    /// The failure of the conversation under way: libgit2 carries only a text through.
    pub(super) failure: Failure,
}

/// Where the transport leaves the reason for a failed conversation.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<GitError>>>);

impl Failure {
    fn set(&self, error: GitError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// The reason, if the transport had one; forgets it.
    pub(super) fn take(&self) -> Option<GitError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

thread_local! {
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// Makes this thread speak for one repository from now on.
pub(super) fn speak_for(session: Session) {
    SESSION.with(|slot| *slot.borrow_mut() = Some(session));
}

/// Registers the transport, once per process, and makes libgit2 read no configuration but a mirror's own: what
/// a person's `~/.gitconfig` rewrites or proxies must not redirect a push.
///
/// # Errors
/// When libgit2 refuses.
pub(super) fn register() -> Result<(), GitError> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    DONE.get_or_init(|| settle_libgit2().map_err(|error| error.message().to_owned())).clone().map_err(GitError::Other)
}

#[expect(
    unsafe_code,
    reason = "libgit2's global settings must not change while it is in use; the OnceLock in `register` runs this \
              once, before the first repository of the process is opened"
)]
fn settle_libgit2() -> Result<(), git2::Error> {
    use git2::ConfigLevel;
    for level in [ConfigLevel::System, ConfigLevel::Global, ConfigLevel::XDG, ConfigLevel::ProgramData] {
        unsafe { git2::opts::set_search_path(level, "")? };
    }
    for scheme in ["http", "https"] {
        unsafe { git2::transport::register(scheme, |remote| Transport::smart(remote, true, Conversation::begin()?))? };
    }
    Ok(())
}

/// One conversation with the host: what is listed first, then asked for or sent.
struct Conversation {
    session: Session,
    /// Where the listing was found in the end: a renamed repository answers with a redirect, and what follows
    /// goes straight to its new name.
    base: Arc<Mutex<String>>,
}

impl Conversation {
    fn begin() -> Result<Self, git2::Error> {
        let session = SESSION.with(|slot| slot.borrow().clone());
        let session = session.ok_or_else(|| git2::Error::from_str("this thread speaks for no repository"))?;
        let base = session.url.trim_end_matches('/').to_owned();
        Ok(Self { session, base: Arc::new(Mutex::new(base)) })
    }
}

impl SmartSubtransport for Conversation {
    fn action(&self, _url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let (service, step) = match action {
            Service::UploadPackLs => ("git-upload-pack", Step::List),
            Service::UploadPack => ("git-upload-pack", Step::Talk),
            Service::ReceivePackLs => ("git-receive-pack", Step::List),
            Service::ReceivePack => ("git-receive-pack", Step::Talk),
        };
        let mut exchange = Exchange {
            session: self.session.clone(),
            base: Arc::clone(&self.base),
            service,
            step,
            sending: Vec::new(),
            answer: None,
            unread: Bytes::new(),
        };
        if step == Step::List {
            exchange.send().map_err(|error| git2::Error::from_str(&error.to_string()))?;
        }
        Ok(Box::new(exchange))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// Whether the server lists its references, or answers what we send.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    List,
    Talk,
}

/// One request and its answer, as the stream libgit2 writes to and reads from.
struct Exchange {
    session: Session,
    base: Arc<Mutex<String>>,
    service: &'static str,
    step: Step,
    sending: Vec<u8>,
    answer: Option<reqwest::Response>,
    unread: Bytes,
}

impl Exchange {
    /// Sends what was written and waits for the answer's head.
    fn send(&mut self) -> io::Result<()> {
        let request = self.request();
        let answer = self.session.wait_for(request.send())?;
        self.session.check(&answer, &self.expected_type())?;
        if self.step == Step::List
            && let Some((base, _)) = answer.url().as_str().split_once("/info/refs")
        {
            base.clone_into(&mut self.base.lock().unwrap_or_else(PoisonError::into_inner));
        }
        self.answer = Some(answer);
        Ok(())
    }

    fn request(&mut self) -> reqwest::RequestBuilder {
        let base = self.base.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (client, service) = (&self.session.client, self.service);
        let request = match self.step {
            Step::List => client.get(format!("{base}/info/refs?service={service}")),
            Step::Talk => client
                .post(format!("{base}/{service}"))
                .header(header::CONTENT_TYPE, format!("application/x-{service}-request"))
                .header(header::ACCEPT, self.expected_type())
                .body(std::mem::take(&mut self.sending)),
        };
        let request = request.header(header::USER_AGENT, USER_AGENT);
        match &self.session.credentials {
            Some(known) if is_same_host(&self.session.url, &base) => {
                request.basic_auth(&known.username, Some(known.password.reveal()))
            }
            Some(_) | None => request,
        }
    }

    fn expected_type(&self) -> String {
        let suffix = if self.step == Step::List { "advertisement" } else { "result" };
        format!("application/x-{}-{suffix}", self.service)
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

impl Session {
    /// Waits for a step of the conversation, at most as long as a host may stay silent.
    fn wait_for<T>(&self, step: impl Future<Output = reqwest::Result<T>>) -> io::Result<T> {
        let limited = async { tokio::time::timeout(SILENCE, step).await };
        match self.runtime.block_on(limited) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.fail(sort(&error))),
            Err(_) => Err(self.fail(GitError::Timeout)),
        }
    }

    fn fail(&self, error: GitError) -> io::Error {
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

/// Where a redirect leads, as a person would write it into the configuration.
fn moved_to(answer: &reqwest::Response) -> String {
    let found = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let base = found.map(|found| found.split_once("/info/refs").map_or(found, |(base, _)| base));
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

impl Read for Exchange {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.answer.is_none() && self.step == Step::Talk && !self.sending.is_empty() {
            self.send()?;
        }
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

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sending.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
