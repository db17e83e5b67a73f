//! One conversation with a service of the host, over HTTP or SSH: the server's greeting, then question and answer.
//! Over HTTP each question stands for itself, so that a greeting heard once need not be heard again.

use std::io::{self, Read, Write as _};

use super::{
    error::GitError,
    http::{Answer, Ask, Protocol, Service, Session, Step},
    packets::{self, Packet},
    ssh::Connection,
};

/// Who we say we are.
pub(super) const AGENT: &str = concat!("agent=leverframe/", env!("CARGO_PKG_VERSION"));

/// A conversation.
pub(super) struct Talk {
    session: Session,
    service: Service,
    protocol: Protocol,
    way: Way,
}

enum Way {
    Http(Option<Box<Answer>>),
    Ssh(Box<Connection>),
}

impl Talk {
    /// Begins. Nothing is said yet over HTTP.
    pub(super) fn open(session: &Session, service: Service, protocol: Protocol) -> io::Result<Self> {
        let way = match session.url.starts_with("http") {
            true => Way::Http(None),
            false => Way::Ssh(Box::new(Connection::open(session, service, protocol)?)),
        };
        Ok(Self { session: session.clone(), service, protocol, way })
    }

    /// Whether the greeting comes whether we want it or not.
    pub(super) fn always_greets(&self) -> bool {
        matches!(self.way, Way::Ssh(_))
    }

    /// What the server says first.
    pub(super) fn greeting(&mut self) -> io::Result<&mut dyn Read> {
        let ask = self.request(Step::List, Vec::new());
        match &mut self.way {
            Way::Ssh(connection) => Ok(connection.as_mut()),
            Way::Http(slot) => {
                let answer = slot.insert(Box::new(self.session.send(&ask)?));
                skip_service_line(answer)
            }
        }
    }

    /// Says something and gives the answer to read.
    pub(super) fn ask(&mut self, body: Vec<u8>) -> io::Result<&mut dyn Read> {
        if let Way::Http(slot) = &mut self.way
            && let Some(answer) = slot.take()
        {
            answer.finish();
        }
        if let Way::Ssh(connection) = &mut self.way {
            connection.write_all(&body)?;
            connection.flush()?;
        } else {
            let ask = self.request(Step::Talk, body);
            self.way = Way::Http(Some(Box::new(self.session.send(&ask)?)));
        }
        match &mut self.way {
            Way::Ssh(connection) => Ok(connection.as_mut()),
            Way::Http(Some(answer)) => Ok(answer.as_mut()),
            Way::Http(None) => Err(io::Error::other("no answer")),
        }
    }

    fn request(&self, step: Step, body: Vec<u8>) -> Ask {
        Ask { service: self.service, protocol: self.protocol, step, body: body.into() }
    }

    /// Why the conversation failed: what the connection knows, else what was heard last.
    pub(super) fn failed(&self, error: &io::Error) -> GitError {
        failed(&self.session, error)
    }

    /// Ends well: the connection is kept where it can be.
    pub(super) fn end(self) {
        if let Some(answer) = self.end_later() {
            answer.finish();
        }
    }

    /// Ends as well, but for what an answer has after its last word: nobody need wait until the server has tidied up.
    pub(super) fn end_later(self) -> Option<Box<Answer>> {
        match self.way {
            Way::Http(answer) => answer,
            Way::Ssh(mut connection) => {
                let mut goodbye = Vec::new();
                packets::write_flush(&mut goodbye);
                let _ = connection.write_all(&goodbye);
                None
            }
        }
    }
}

/// Why a conversation failed.
pub(super) fn failed(session: &Session, error: &io::Error) -> GitError {
    session.failure.take().unwrap_or_else(|| GitError::Unreachable(format!("it broke off: {error}")))
}

/// Over HTTP a service names itself first; in the second protocol some hosts leave that out.
fn skip_service_line(answer: &mut Answer) -> io::Result<&mut dyn Read> {
    match packets::read(answer)? {
        Some(Packet::Data(line)) if line.starts_with(b"# service=") => {
            packets::read(answer)?;
            Ok(answer)
        }
        Some(Packet::Data(line)) => {
            let mut again = Vec::new();
            packets::write(&mut again, &line);
            answer.unread(&again);
            Ok(answer)
        }
        Some(Packet::Flush | Packet::Delimiter | Packet::End) | None => Ok(answer),
    }
}
