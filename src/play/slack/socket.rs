//! Slack's end of Socket Mode: tickets, connections that bots open with them, envelopes that go over one of those and
//! are acknowledged, and whatever a test does to a connection. An envelope whose connection breaks before it was
//! acknowledged goes over another, for as long as Slack waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, Weak},
};

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};
use tokio_websockets::{Message, ServerBuilder, WebSocketStream};

use super::{lock, workspace::APP};
use crate::{
    play::{error::PlayError, post::Posted},
    secret::Secret,
};

/// What a test does to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketOrder {
    /// One of them (counted around) is gone, without a word.
    Cut(usize),
    /// All of them are.
    CutAll,
    /// Slack says that it will close one of them (counted around), and does once the bot has another.
    Refresh(usize),
}

/// One end of every connection; cloning shares it.
#[derive(Clone)]
pub(super) struct Sockets(Arc<Inner>);

struct Inner {
    url: String,
    /// The address that the bot is told instead, where it is to come another way.
    alias: Mutex<Option<String>>,
    app_token: Secret,
    state: Mutex<State>,
    /// Grows with every connection that comes or goes.
    news: watch::Sender<u64>,
    accepting: Mutex<JoinSet<()>>,
}

#[derive(Default)]
struct State {
    tickets: BTreeSet<String>,
    lines: BTreeMap<u64, mpsc::UnboundedSender<Out>>,
    /// Lines that get nothing more, because they are about to be closed.
    parting: BTreeSet<u64>,
    waiting: BTreeMap<String, (u64, oneshot::Sender<Option<Value>>)>,
    opened: u64,
    envelopes: u64,
    sent_again: u64,
}

/// What a line is to do.
enum Out {
    Say(Value),
    Cut,
}

type Line = WebSocketStream<TcpStream>;

impl Sockets {
    pub(super) async fn start(app_token: Secret) -> Result<Self, PlayError> {
        let listener = crate::play::server::listen(0).await?;
        let url = format!("ws://{}/link/", listener.local_addr()?);
        let (state, news, accepting) = (Mutex::default(), watch::Sender::new(0), Mutex::default());
        let alias = Mutex::default();
        let sockets = Self(Arc::new(Inner { url, alias, app_token, state, news, accepting }));
        lock(&sockets.0.accepting).spawn(accept(listener, Arc::downgrade(&sockets.0)));
        Ok(sockets)
    }

    /// The answer to `apps.connections.open`: an address with a ticket for one connection.
    pub(super) fn open(&self, token: Option<&str>) -> Result<Value, &'static str> {
        match token {
            None => return Err("not_authed"),
            Some(token) if token.starts_with("xoxb-") => return Err("not_allowed_token_type"),
            Some(token) if token != self.0.app_token.reveal() => return Err("invalid_auth"),
            Some(_) => {}
        }
        let mut state = lock(&self.0.state);
        let ticket = format!("{}-{}", state.tickets.len(), state.opened);
        let base = lock(&self.0.alias).clone().unwrap_or_else(|| self.0.url.clone());
        let url = format!("{base}?ticket={ticket}&app_id={APP}");
        state.tickets.insert(ticket);
        Ok(json!({ "url": url }))
    }

    /// Tells the bot to come to another address from now on; gives the one that it leads to.
    pub(super) fn known_as(&self, alias: &str) -> String {
        *lock(&self.0.alias) = Some(alias.to_owned());
        self.0.url.clone()
    }

    /// Sends an envelope and waits for its acknowledgement, over one connection after another. The caller sets a limit.
    pub(super) async fn deliver(&self, kind: &str, payload: &Value) -> Posted {
        let mut news = self.0.news.subscribe();
        let id = {
            let mut state = lock(&self.0.state);
            state.envelopes += 1;
            format!("envelope-{}", state.envelopes)
        };
        for attempt in 0_u64.. {
            news.mark_unchanged();
            let Some(waiting) = self.say(&id, kind, (attempt, payload)) else {
                // It lives as long as this.
                let _ = news.changed().await;
                continue;
            };
            if let Ok(answer) = waiting.await {
                let body = answer.map(|answer| answer.to_string()).unwrap_or_default();
                return Posted { status: 200, body: Bytes::from(body) };
            }
            lock(&self.0.state).sent_again += 1;
        }
        Posted { status: 500, body: Bytes::new() }
    }

    /// Says it on one of the open connections, in turn; nothing where none is open.
    fn say(&self, id: &str, kind: &str, (attempt, payload): (u64, &Value)) -> Option<oneshot::Receiver<Option<Value>>> {
        let mut state = lock(&self.0.state);
        let usable = state.lines.keys().filter(|number| !state.parting.contains(number)).copied();
        let usable: Vec<u64> = usable.collect();
        let turn = usize::try_from(state.envelopes + attempt).unwrap_or_default();
        let number = *usable.get(turn.checked_rem(usable.len())?)?;
        let envelope = json!({"envelope_id": id, "type": kind, "accepts_response_payload": kind != "events_api",
            "payload": payload, "retry_attempt": attempt, "retry_reason": if attempt > 0 { "timeout" } else { "" }});
        let (answer, waiting) = oneshot::channel();
        state.waiting.insert(id.to_owned(), (number, answer));
        if state.lines.get(&number)?.send(Out::Say(envelope)).is_err() {
            state.waiting.remove(id);
        }
        Some(waiting)
    }

    pub(super) fn order(&self, order: SocketOrder) {
        let mut state = lock(&self.0.state);
        let numbers: Vec<u64> = state.lines.keys().copied().collect();
        let one = |which: usize| numbers.get(which.checked_rem(numbers.len())?).copied();
        let (which, out) = match order {
            SocketOrder::CutAll => {
                // A line that is gone needs no cutting.
                state.lines.values().for_each(|line| drop(line.send(Out::Cut)));
                return;
            }
            SocketOrder::Cut(which) => (one(which), Out::Cut),
            SocketOrder::Refresh(which) => {
                let said = json!({"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "play"}});
                state.parting.extend(one(which));
                (one(which), Out::Say(said))
            }
        };
        if let Some(line) = which.and_then(|number| state.lines.get(&number)) {
            drop(line.send(out));
        }
    }

    /// How many connections are open and not about to be closed, how many were ever opened, and how often an envelope
    /// was sent again.
    pub(super) fn counts(&self) -> (usize, u64, u64) {
        let state = lock(&self.0.state);
        (state.lines.len() - state.parting.len(), state.opened, state.sent_again)
    }

    /// Follows connections as they come and go.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.0.news.subscribe()
    }
}

async fn accept(listener: TcpListener, inner: Weak<Inner>) {
    let mut lines = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while lines.try_join_next().is_some() {}
        let Some(inner) = inner.upgrade() else { return };
        lines.spawn(async move {
            let Ok((request, socket)) = ServerBuilder::new().accept(stream).await else { return };
            let query = request.uri().query().unwrap_or_default();
            let ticket = query.split('&').find_map(|pair| pair.strip_prefix("ticket="));
            // A ticket opens one connection.
            if ticket.is_some_and(|ticket| lock(&inner.state).tickets.remove(ticket)) {
                talk(&inner, socket).await;
            }
        });
    }
}

async fn talk(inner: &Inner, mut socket: Line) {
    let (line, mut out) = mpsc::unbounded_channel();
    let (number, together) = {
        let mut state = lock(&inner.state);
        state.opened += 1;
        (state.opened, state.lines.len() + 1)
    };
    let hello = json!({"type": "hello", "num_connections": together, "connection_info": {"app_id": APP},
        "debug_info": {"host": "play", "build_number": 1, "approximate_connection_time": 18060}});
    if socket.send(Message::text(hello.to_string())).await.is_ok() {
        lock(&inner.state).lines.insert(number, line);
        inner.news.send_modify(|news| *news += 1);
        converse(inner, &mut socket, &mut out).await;
    }
    {
        let mut state = lock(&inner.state);
        state.lines.remove(&number);
        state.parting.remove(&number);
        // Whoever waits for an acknowledgement on this line sees that none comes.
        state.waiting.retain(|_, (of, _)| *of != number);
    }
    inner.news.send_modify(|news| *news += 1);
}

/// Until the line is cut, or the bot goes, or it was told to go and nothing more is expected on it.
async fn converse(inner: &Inner, socket: &mut Line, out: &mut mpsc::UnboundedReceiver<Out>) {
    loop {
        tokio::select! {
            biased;
            next = out.recv() => match next {
                Some(Out::Say(said)) => {
                    if socket.send(Message::text(said.to_string())).await.is_err() {
                        return;
                    }
                }
                Some(Out::Cut) | None => return,
            },
            heard = socket.next() => match heard {
                Some(Ok(message)) if !message.is_close() => {
                    let said = message.as_text().and_then(|text| serde_json::from_str::<Value>(text).ok());
                    if let Some(said) = said {
                        hear(inner, &said);
                    }
                }
                Some(_) | None => return,
            },
        }
    }
}

fn hear(inner: &Inner, said: &Value) {
    let id = said["envelope_id"].as_str().unwrap_or_default();
    if let Some((_, answer)) = lock(&inner.state).waiting.remove(id) {
        // Slack may have stopped waiting.
        drop(answer.send(said.get("payload").cloned()));
    }
}
