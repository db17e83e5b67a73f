//! A collector of system logs: each entry, exactly as it is, as one message of RFC 5424. It gets each at least once, in
//! order, and gives nothing back: what was on its way when a connection broke is sent again, and nobody can recover from
//! it. Free texts are not entries and stay here.

use std::{path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::net::UdpSocket;

use super::ShipError;
use crate::{
    ledger::{
        Ledger, LedgerError,
        journal::{Reader, Record},
        line,
    },
    net::dial::{Connection, Seal, dial},
};

/// "Log audit" and "informational".
const PRIORITY: u32 = 13 * 8 + 6;
/// So many entries are sent again over a new connection: the old one may have swallowed them.
const AGAIN: u64 = 100;
/// No datagram is larger.
const DATAGRAM: usize = 60_000;
/// How much is written at a time.
const AT_ONCE: usize = 256 * 1024;
/// How long a write may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where it is noted how far it went.
const NOTE: &str = "shipped.syslog";

/// How a collector is reached.
#[derive(Debug, Clone)]
pub enum Route {
    /// A datagram an entry (RFC 5426).
    Datagrams,
    /// Counted frames over a connection (RFC 6587, and 5425 where it is sealed).
    Stream(Seal),
}

/// A collector, and how far it went.
pub struct Collector {
    host: String,
    port: u16,
    route: Route,
    /// Who we are in its logs.
    origin: String,
    stream: Option<Connection>,
    next: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Noted {
    to: String,
    next: u64,
}

impl std::fmt::Display for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the collector `{}:{}`", self.host, self.port)
    }
}

impl Collector {
    /// A collector at a host and port; `origin` names us in its logs.
    pub fn new(host: &str, port: u16, route: Route, origin: &str) -> Self {
        let origin = origin.chars().filter(char::is_ascii_graphic).take(255).collect();
        Self { host: host.to_owned(), port, route, origin, stream: None, next: None }
    }

    /// Sends what was not sent yet; gives the first entry that was not.
    ///
    /// # Errors
    /// When the collector cannot be reached or the journal cannot be read.
    pub async fn ship(&mut self, ledger: &Ledger) -> Result<u64, ShipError> {
        let sent = self.send(ledger).await;
        if sent.is_err() {
            self.stream = None;
        }
        sent
    }

    async fn send(&mut self, ledger: &Ledger) -> Result<u64, ShipError> {
        let mut next = self.next.unwrap_or_else(|| self.noted(ledger));
        let is_connected = self.is_connected().await;
        if let (Route::Stream(seal), false) = (&self.route, is_connected) {
            let stream = dial(&self.host, self.port, seal).await.map_err(|why| self.unreachable(why))?;
            self.stream = Some(stream);
            next = next.saturating_sub(AGAIN);
        }
        loop {
            let (messages, after) = self.messages(ledger.directory(), next).await?;
            if messages.is_empty() {
                self.next = Some(next);
                return Ok(next);
            }
            self.put(messages).await?;
            next = after;
            self.next = Some(next);
            let note = serde_json::to_vec(&Noted { to: self.to_string(), next }).unwrap_or_default();
            if let Err(error @ LedgerError::Store { .. }) = ledger.set_note(NOTE, &note) {
                tracing::debug!(%error, "after a restart some entries are sent again");
            }
        }
    }

    /// How far it went in an earlier life.
    fn noted(&self, ledger: &Ledger) -> u64 {
        let noted = ledger.note(NOTE).ok().flatten();
        let noted: Option<Noted> = noted.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        noted.filter(|noted| noted.to == self.to_string()).map_or(0, |noted| noted.next.min(ledger.len()))
    }

    /// Whether the other side has not hung up.
    async fn is_connected(&mut self) -> bool {
        let Some(stream) = &mut self.stream else { return matches!(self.route, Route::Datagrams) };
        // It has nothing to say; that it does not even end is what is looked for.
        !stream.is_over().await
    }

    /// The next messages, and the first entry after them.
    async fn messages(&self, directory: &Path, next: u64) -> Result<(Vec<Vec<u8>>, u64), ShipError> {
        let (directory, origin) = (directory.to_owned(), self.origin.clone());
        let limit = if let Route::Datagrams = self.route { DATAGRAM } else { usize::MAX };
        let read = tokio::task::spawn_blocking(move || -> Result<_, ShipError> {
            let (mut messages, mut after, mut bytes) = (Vec::new(), next, 0);
            for record in Reader::open_from(&directory, next)? {
                let record = record?;
                after = record.entry.seq + 1;
                let message = message(&record, &origin, limit);
                bytes += message.len();
                messages.push(message);
                if bytes >= AT_ONCE {
                    break;
                }
            }
            Ok((messages, after))
        });
        read.await.map_err(|error| self.unreachable(error))?
    }

    async fn put(&mut self, messages: Vec<Vec<u8>>) -> Result<(), ShipError> {
        let put = match &mut self.stream {
            Some(stream) => {
                let framed: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
                tokio::time::timeout(PATIENCE, stream.send(&framed)).await
            }
            None => tokio::time::timeout(PATIENCE, datagrams(&self.host, self.port, &messages)).await,
        };
        match put {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.unreachable(error)),
            Err(_) => Err(self.unreachable("it takes nothing")),
        }
    }

    fn unreachable(&self, cause: impl std::fmt::Display) -> ShipError {
        ShipError::Unreachable { place: self.to_string(), cause: cause.to_string() }
    }
}

async fn datagrams(host: &str, port: u16, messages: &[Vec<u8>]) -> Result<(), std::io::Error> {
    let mut addresses = tokio::net::lookup_host((host, port)).await?;
    let address = addresses.next().ok_or_else(|| std::io::Error::other("its name leads nowhere"))?;
    let ours = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(ours).await?;
    socket.connect(address).await?;
    for message in messages {
        socket.send(message).await?;
    }
    Ok(())
}

/// `<length> <message>`
fn framed(message: &[u8]) -> Vec<u8> {
    [message.len().to_string().as_bytes(), b" ", message].concat()
}

/// The message of an entry; of one that is longer than `limit` its place and hash.
fn message(record: &Record, origin: &str, limit: usize) -> Vec<u8> {
    let entry = &record.entry;
    let kind: String = entry.kind.chars().filter(char::is_ascii_graphic).take(32).collect();
    let origin = if origin.is_empty() { "-" } else { origin };
    let head = format!("<{PRIORITY}>1 {} {origin} leverframe - {kind} - ", entry.time);
    if head.len() + record.bytes.len() <= limit {
        return [head.as_bytes(), &record.bytes].concat();
    }
    let short = serde_json::json!({ "seq": entry.seq, "hash": line::hash(&record.bytes), "too_long": true });
    format!("{head}{short}").into_bytes()
}
