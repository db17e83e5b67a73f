//! The connection that bots keep open to Discord, as Discord behaves at its other end: hello, identify, resume with
//! what was missed, heartbeats, and whatever a test does to it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_websockets::{CloseCode, Message, ServerBuilder, WebSocketStream};

use super::{guild, lock};
use crate::{play::error::PlayError, secret::Secret};

/// The pause between two heartbeats.
const BEAT: Duration = Duration::from_secs(40);

/// One end of every connection; cloning shares it.
#[derive(Clone)]
pub(super) struct Gateway(Arc<Shared>);

struct Shared {
    url: String,
    /// The address that the bot is told instead, where it is to come another way.
    alias: Mutex<Option<String>>,
    token: Secret,
    sessions: Mutex<Sessions>,
    /// Grows with whatever a connection must look at.
    news: watch::Sender<u64>,
    orders: watch::Sender<(u64, Order)>,
    accepting: Mutex<JoinSet<()>>,
}

#[derive(Default)]
struct Sessions {
    events: HashMap<String, Vec<(u64, Value)>>,
    newest: Option<String>,
    begun: u64,
    resumed: u64,
    beat: Option<Duration>,
    deaf: bool,
}

/// What a test does to every open connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The connection is gone, without a word.
    Cut,
    /// Discord asks the bot to connect again.
    Reconnect,
    /// Discord has forgotten the session.
    Forget,
}

/// A connection with its session, once it has one.
struct Line {
    socket: WebSocketStream<TcpStream>,
    session: Option<String>,
    sent: u64,
}

impl Shared {
    fn told(&self) -> String {
        lock(&self.alias).clone().unwrap_or_else(|| self.url.clone())
    }
}

impl Gateway {
    pub(super) async fn start(token: Secret) -> Result<Self, PlayError> {
        let listener = crate::play::server::listen(0).await?;
        let url = format!("ws://{}", listener.local_addr()?);
        let (news, orders) = (watch::Sender::new(0), watch::Sender::new((0, Order::Cut)));
        let (sessions, accepting) = (Mutex::default(), Mutex::default());
        let alias = Mutex::default();
        let gateway = Self(Arc::new(Shared { url, alias, token, sessions, news, orders, accepting }));
        let weak = Arc::downgrade(&gateway.0);
        lock(&gateway.0.accepting).spawn(accept(listener, weak));
        Ok(gateway)
    }

    /// Where the bot is told to connect.
    pub(super) fn url(&self) -> String {
        self.0.told()
    }

    /// Tells the bot to connect to another address from now on; gives the one that it leads to.
    pub(super) fn known_as(&self, alias: &str) -> String {
        *lock(&self.0.alias) = Some(alias.to_owned());
        self.0.url.clone()
    }

    /// Sends an event to the newest session, now or when it is taken up again.
    pub(super) fn dispatch(&self, kind: &str, data: Value) {
        let mut sessions = lock(&self.0.sessions);
        let Some(newest) = sessions.newest.clone() else { return };
        let events = sessions.events.entry(newest).or_default();
        let number = events.last().map_or(1, |(number, _)| *number) + 1;
        events.push((number, json!({"op": 0, "s": number, "t": kind, "d": data})));
        drop(sessions);
        self.0.news.send_modify(|news| *news += 1);
    }

    /// Does something to every open connection.
    pub(super) fn order(&self, order: Order) {
        if order == Order::Forget {
            lock(&self.0.sessions).events.clear();
        }
        self.0.orders.send_modify(|(number, last)| (*number, *last) = (*number + 1, order));
    }

    /// Beats so fast from the next connection on, and from now on answers no heartbeat of it.
    pub(super) fn play_dead(&self, beat: Duration) {
        let mut sessions = lock(&self.0.sessions);
        (sessions.beat, sessions.deaf) = (Some(beat), true);
    }

    /// Answers heartbeats again.
    pub(super) fn wake_up(&self) {
        let mut sessions = lock(&self.0.sessions);
        (sessions.beat, sessions.deaf) = (None, false);
    }

    /// How many sessions were begun, and how often one was taken up again.
    pub(super) fn counts(&self) -> (u64, u64) {
        let sessions = lock(&self.0.sessions);
        (sessions.begun, sessions.resumed)
    }

    /// Follows what happens to sessions.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.0.news.subscribe()
    }
}

async fn accept(listener: TcpListener, shared: std::sync::Weak<Shared>) {
    let mut lines = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while lines.try_join_next().is_some() {}
        let Some(shared) = shared.upgrade() else { return };
        lines.spawn(async move {
            if let Ok((_, socket)) = ServerBuilder::new().accept(stream).await {
                let mut line = Line { socket, session: None, sent: 0 };
                // An error is a bot that went away.
                let _ = line.talk(&shared).await;
            }
        });
    }
}

type Talked = Result<(), tokio_websockets::Error>;

impl Line {
    async fn talk(&mut self, shared: &Shared) -> Talked {
        let (mut news, mut orders) = (shared.news.subscribe(), shared.orders.subscribe());
        orders.mark_unchanged();
        let beat = lock(&shared.sessions).beat.unwrap_or(BEAT);
        let millis = u64::try_from(beat.as_millis()).unwrap_or(u64::MAX);
        self.say(&json!({"op": 10, "s": null, "t": null, "d": {"heartbeat_interval": millis}})).await?;
        loop {
            self.catch_up(shared).await?;
            tokio::select! {
                heard = self.socket.next() => match heard {
                    Some(Ok(message)) => match message.as_text().and_then(|text| serde_json::from_str(text).ok()) {
                        Some(heard) => self.hear(shared, &heard).await?,
                        None if message.is_close() => return Ok(()),
                        None => {}
                    },
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                },
                _ = news.changed() => {}
                _ = orders.changed() => {
                    let (_, order) = *orders.borrow_and_update();
                    match order {
                        Order::Cut => return Ok(()),
                        Order::Reconnect => self.say(&json!({"op": 7, "d": null})).await?,
                        Order::Forget => self.say(&json!({"op": 9, "d": false})).await?,
                    }
                }
            }
        }
    }

    async fn hear(&mut self, shared: &Shared, heard: &Value) -> Talked {
        let wanted = format!("Bot {}", shared.token.reveal());
        let fits = || heard.pointer("/d/token").is_some_and(|token| *token == wanted.as_str());
        match heard["op"].as_u64() {
            Some(1) if lock(&shared.sessions).deaf => Ok(()),
            Some(1) => self.say(&json!({"op": 11})).await,
            Some(2 | 6) if !fits() => {
                let code = CloseCode::try_from(4004).unwrap_or(CloseCode::NORMAL_CLOSURE);
                self.socket.send(Message::close(Some(code), "Authentication failed.")).await
            }
            Some(2) => self.identified(shared).await,
            Some(6) => self.resumed(shared, heard).await,
            Some(_) | None => Ok(()),
        }
    }

    async fn identified(&mut self, shared: &Shared) -> Talked {
        let session = {
            let mut sessions = lock(&shared.sessions);
            sessions.begun += 1;
            let session = format!("session{}", sessions.begun);
            sessions.events.insert(session.clone(), Vec::new());
            sessions.newest = Some(session.clone());
            session
        };
        let ready = json!({"v": 10, "user": guild::bot_json(), "guilds": [], "session_id": session,
            "resume_gateway_url": shared.told(), "application": {"id": guild::APPLICATION, "flags": 0}});
        self.say(&json!({"op": 0, "s": 1, "t": "READY", "d": ready})).await?;
        (self.session, self.sent) = (Some(session), 1);
        shared.news.send_modify(|news| *news += 1);
        Ok(())
    }

    async fn resumed(&mut self, shared: &Shared, heard: &Value) -> Talked {
        let session = heard.pointer("/d/session_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !lock(&shared.sessions).events.contains_key(&session) {
            return self.say(&json!({"op": 9, "d": false})).await;
        }
        (self.session, self.sent) = (Some(session), heard.pointer("/d/seq").and_then(Value::as_u64).unwrap_or(0));
        self.catch_up(shared).await?;
        lock(&shared.sessions).resumed += 1;
        self.say(&json!({"op": 0, "s": self.sent, "t": "RESUMED", "d": {}})).await?;
        shared.news.send_modify(|news| *news += 1);
        Ok(())
    }

    /// Sends what this line's session has and was not sent yet.
    async fn catch_up(&mut self, shared: &Shared) -> Talked {
        let missing: Vec<(u64, Value)> = {
            let sessions = lock(&shared.sessions);
            let events = self.session.as_ref().and_then(|session| sessions.events.get(session));
            events.into_iter().flatten().filter(|(number, _)| *number > self.sent).cloned().collect()
        };
        for (number, event) in missing {
            self.say(&event).await?;
            self.sent = number;
        }
        Ok(())
    }

    async fn say(&mut self, json: &Value) -> Talked {
        self.socket.send(Message::text(json.to_string())).await
    }
}
