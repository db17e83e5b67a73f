//! What was asked of a look-alike and what it answered, and the faults that can be put in between.
//!
//! Every look-alike keeps its exchanges here, so that tests can hold both sides to the vendor's description.
//! A fault is a rule: requests that match it are answered otherwise, held, cut off, or stopped at a point where
//! a test does something terrible to the bot.

use std::{
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

/// One request and its answer, in the shape that contract checkers read, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exchange {
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path with its query, without any prefix that enterprise hosts put before it.
    pub path: String,
    /// The request's body, where it was JSON or a form (then an object of texts).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The status; absent where a rule answered in the look-alike's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The answer's body, where it was JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
}

/// A request as rules and stop points see it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The body, where it was JSON or a form.
    pub body: Option<Value>,
}

/// An answer that a rule gives.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside `content-type: application/json`.
    pub headers: Vec<(String, String)>,
    /// The body as it is sent.
    pub body: Vec<u8>,
}

/// Called at a stop point; it may take its time, the request waits.
pub type Stop = Arc<dyn Fn(&Asked) + Send + Sync>;

/// What happens to a request that a rule matches.
#[derive(Clone)]
pub enum Fault {
    /// Answered so, and not handled.
    Answer(Reply),
    /// Handled, but the caller is told this instead.
    AnswerAfter(Reply),
    /// Held until the rule is released, then handled.
    Hang,
    /// The connection is closed, nothing handled.
    Drop,
    /// Handled, then the connection is closed without an answer.
    DropAfter,
    /// The closure runs, then the request is handled.
    StopBefore(Stop),
    /// The request is handled, the closure runs, then the answer goes out.
    StopAfter(Stop),
}

/// Which requests, how often, and what happens to them. Without a number it holds until it is removed.
#[derive(Clone)]
pub struct Rule {
    method: String,
    prefix: String,
    times: Option<u32>,
    fault: Fault,
}

impl Rule {
    /// A rule for requests with this method and a path (with query) that starts so.
    pub fn on(method: &str, prefix: &str, fault: Fault) -> Self {
        Self { method: method.to_owned(), prefix: prefix.to_owned(), times: None, fault }
    }

    /// A rule that answers with a status and a JSON body.
    pub fn answers(method: &str, prefix: &str, status: u16, body: &Value) -> Self {
        let reply = Reply { status, headers: Vec::new(), body: body.to_string().into_bytes() };
        Self::on(method, prefix, Fault::Answer(reply))
    }

    /// A rule that answers 200 with what is no JSON, though it says that it is.
    pub fn garbage(method: &str, prefix: &str) -> Self {
        let body = b"<html>\0\xff upstream {\"ok\": tru".to_vec();
        Self::on(method, prefix, Fault::Answer(Reply { status: 200, headers: Vec::new(), body }))
    }

    /// Only the next so many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Only the next request.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// With another header, where the rule answers.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Fault::Answer(reply) | Fault::AnswerAfter(reply) = &mut self.fault {
            reply.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

/// A rule in force.
#[derive(Clone)]
pub struct InForce(Arc<Installed>);

struct Installed {
    rule: Rule,
    hits: watch::Sender<u32>,
    over: watch::Sender<Over>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    No,
    Yes,
}

impl InForce {
    /// How many requests it has met.
    pub fn hits(&self) -> u32 {
        *self.0.hits.borrow()
    }

    /// Waits until it has met so many requests.
    pub async fn met(&self, times: u32) {
        let mut hits = self.0.hits.subscribe();
        // The sender lives in `self`, so waiting cannot fail before the number is reached.
        let _ = hits.wait_for(|hits| *hits >= times).await;
    }

    /// Ends the rule; requests that it holds go on.
    pub fn release(&self) {
        self.0.over.send_replace(Over::Yes);
    }

    /// Whether this request is one of its.
    fn takes(&self, asked: &Asked) -> bool {
        let Installed { rule, hits, over } = &*self.0;
        let fits = rule.method == asked.method && asked.path.starts_with(&rule.prefix) && *over.borrow() == Over::No;
        let claim = |seen: &mut u32| {
            let has_turns = rule.times.is_none_or(|times| *seen < times);
            *seen += u32::from(has_turns);
            has_turns
        };
        fits && hits.send_if_modified(claim)
    }

    pub(super) fn fault(&self) -> Fault {
        self.0.rule.fault.clone()
    }

    pub(super) async fn released(&self) {
        let mut over = self.0.over.subscribe();
        // The sender lives in `self`, so waiting cannot fail before the rule is released.
        let _ = over.wait_for(|over| *over == Over::Yes).await;
    }
}

#[derive(Default)]
struct Kept {
    exchanges: Vec<Exchange>,
    rules: Vec<InForce>,
}

/// The exchanges of one look-alike and the rules in force; cloning shares them.
#[derive(Clone, Default)]
pub struct Exchanges(Arc<Mutex<Kept>>);

impl Exchanges {
    /// Everything asked so far, in the order of the answers.
    pub fn all(&self) -> Vec<Exchange> {
        self.kept().exchanges.clone()
    }

    /// Writes them as JSON lines.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_jsonl(&self, file: &Path) -> io::Result<()> {
        let mut out = io::BufWriter::new(std::fs::File::create(file)?);
        for exchange in self.all() {
            serde_json::to_writer(&mut out, &exchange)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    /// Puts a rule in force. Of several that match, the oldest that still has turns wins.
    pub fn add(&self, rule: Rule) -> InForce {
        let rule =
            InForce(Arc::new(Installed { rule, hits: watch::Sender::new(0), over: watch::Sender::new(Over::No) }));
        self.kept().rules.push(rule.clone());
        rule
    }

    /// Ends every rule.
    pub fn clear_rules(&self) {
        for rule in std::mem::take(&mut self.kept().rules) {
            rule.release();
        }
    }

    pub(super) fn rule_for(&self, asked: &Asked) -> Option<InForce> {
        self.kept().rules.iter().find(|rule| rule.takes(asked)).cloned()
    }

    pub(super) fn record(&self, exchange: Exchange) {
        self.kept().exchanges.push(exchange);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
