//! Our HTTP client and the user's `ssh` as transports of libgit2, for what our own conversations leave to it: servers
//! that speak only the first protocol, or want a push in another form. libgit2 speaks for the repository of the thread
//! it runs on: each repository has threads of its own, which say once ([`speak_for`]) whose address and login they use.

use std::{
    cell::RefCell,
    io::{self, Read, Write},
    sync::OnceLock,
};

use git2::transport::{Service as Asked, SmartSubtransport, SmartSubtransportStream, Transport};

use super::{
    error::GitError,
    http::{Answer, Ask, Protocol, Service, Session, Step},
    ssh::Connection,
};

thread_local! {
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// Makes this thread speak for one repository from now on.
pub(super) fn speak_for(session: Session) {
    SESSION.with(|slot| *slot.borrow_mut() = Some(session));
}

/// Registers the transports, once per process, and makes libgit2 read no configuration but a mirror's own: what
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
    unsafe { git2::transport::register("ssh", |remote| Transport::smart(remote, false, Conversation::begin()?)) }
}

/// One conversation with the host: what is listed first, then asked for or sent.
struct Conversation {
    session: Session,
}

impl Conversation {
    fn begin() -> Result<Self, git2::Error> {
        let session = SESSION.with(|slot| slot.borrow().clone());
        let session = session.ok_or_else(|| git2::Error::from_str("this thread speaks for no repository"))?;
        Ok(Self { session })
    }
}

impl SmartSubtransport for Conversation {
    fn action(&self, url: &str, action: Asked) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let (service, step) = match action {
            Asked::UploadPackLs => (Service::UploadPack, Step::List),
            Asked::UploadPack => (Service::UploadPack, Step::Talk),
            Asked::ReceivePackLs => (Service::ReceivePack, Step::List),
            Asked::ReceivePack => (Service::ReceivePack, Step::Talk),
        };
        let failed = |error: io::Error| git2::Error::from_str(&error.to_string());
        if !url.starts_with("http") {
            return Ok(Box::new(Connection::open(&self.session, service, Protocol::Old).map_err(failed)?));
        }
        let ask = Ask { service, protocol: Protocol::Old, step, body: bytes::Bytes::new() };
        let answer = (step == Step::List).then(|| self.session.send(&ask)).transpose().map_err(failed)?;
        Ok(Box::new(Exchange { session: self.session.clone(), ask, sending: Vec::new(), answer }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// One request and its answer, as the stream libgit2 writes to and reads from.
struct Exchange {
    session: Session,
    ask: Ask,
    sending: Vec<u8>,
    answer: Option<Answer>,
}

impl Read for Exchange {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.answer.is_none() && !self.sending.is_empty() {
            let ask = Ask { body: std::mem::take(&mut self.sending).into(), ..self.ask.clone() };
            self.answer = Some(self.session.send(&ask)?);
        }
        self.answer.as_mut().map_or(Ok(0), |answer| answer.read(out))
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
