//! Socket Mode: the connections to Slack that we keep open, so that no port need be reachable from outside. There are
//! several, so that losing one loses nothing; one that Slack is about to close is followed by its successor first.
//! What comes is only queued here. It is acknowledged by whoever took it, once that is durable; what was not
//! acknowledged when its connection broke, Slack sends again over another.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval},
};

use super::{client::SlackClient, error::SlackError};
use crate::{
    net::{
        Outgoing,
        back_off::back_off,
        websocket::{self, Message, WebSocket},
    },
    secret::Secret,
    tasks::Tasks,
};

/// How many connections are kept open.
pub const CONNECTIONS: usize = 2;
/// How many envelopes may wait for a task to take them.
pub const WAITING: usize = 1000;
/// How often silence is looked at. After one such time without a word we ask, after three nobody is there.
const LOOK: Duration = Duration::from_secs(10);
/// So many looks long a connection that Slack is about to close is kept, for what is still to be acknowledged on it.
const FAREWELL: u32 = 3;

/// What is needed to stay connected.
#[derive(Clone)]
pub struct Link {
    /// Slack's Web API, which says where to connect.
    pub client: SlackClient,
    /// The app's own token, `xapp-...`, which opens connections and nothing else.
    pub app_token: Secret,
    /// The way out.
    pub out: Outgoing,
    /// Where envelopes go.
    pub queue: mpsc::Sender<Envelope>,
}

/// Something that Slack sent over a connection that we opened with our own token, which is what vouches for it.
#[derive(Debug)]
pub struct Envelope {
    kind: String,
    payload: Box<RawValue>,
    id: String,
    line: mpsc::Sender<Acknowledged>,
}

#[derive(Debug)]
struct Acknowledged {
    id: String,
    payload: Option<Value>,
    sent: oneshot::Sender<()>,
}

/// The connection on which something was to be acknowledged is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl Envelope {
    /// Slack's word for what is in it: `slash_commands`, `interactive`, `events_api`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What is in it, as Slack wrote it.
    pub fn payload(&self) -> &RawValue {
        &self.payload
    }

    /// Tells Slack that it was taken, with what whoever caused it is to be shown.
    ///
    /// # Errors
    /// When its connection is gone: then Slack does not know.
    pub async fn acknowledge(self, payload: Option<Value>) -> Result<(), Gone> {
        let (sent, done) = oneshot::channel();
        self.line.send(Acknowledged { id: self.id, payload, sent }).await.map_err(|_| Gone)?;
        done.await.map_err(|_| Gone)
    }
}

/// What Slack says on a connection.
#[derive(Deserialize)]
struct Heard<'a> {
    #[serde(rename = "type")]
    kind: String,
    envelope_id: Option<String>,
    reason: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// Why a connection needs a successor.
enum Leaving {
    /// Slack is about to close it, as it does every few hours.
    Planned,
    /// It broke, or was never greeted.
    Lost {
        /// Whether Slack had said hello.
        was_greeted: bool,
    },
    /// Socket Mode was turned off for the app.
    TurnedOff,
}

/// Stays connected for as long as the bot runs.
pub fn keep_connected(link: &Link, tasks: &Tasks) {
    for _ in 0..CONNECTIONS {
        tasks.start(keep_one(link.clone(), tasks.clone()));
    }
}

async fn keep_one(link: Link, tasks: Tasks) {
    let (mut failures, mut wait): (u32, Option<Duration>) = (0, None);
    while !tasks.is_stopping() {
        if failures > 0 {
            let pause = back_off(failures);
            tasks.pause(wait.take().map_or(pause, |asked| asked + pause)).await;
        }
        let socket = match open(&link).await {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(%error, remedy = error.remedy(), "no connection to Slack can be opened");
                wait = error.wait();
                // What Slack refuses for good is asked for again once a minute, not more often.
                failures = if error.is_passing() { failures + 1 } else { failures.max(10) + 1 };
                continue;
            }
        };
        let (leave, leaving) = oneshot::channel();
        tasks.start(Line::new(socket, leave).talk(link.queue.clone(), tasks.clone()));
        failures = match leaving.await {
            Ok(Leaving::Planned) => 0,
            Ok(Leaving::Lost { was_greeted: true }) => 1,
            Ok(Leaving::Lost { was_greeted: false }) | Err(_) => failures + 1,
            Ok(Leaving::TurnedOff) => {
                let remedy = "Turn on Socket Mode on the app's page, or set `slack.transport: http`.";
                tracing::error!(remedy, "Slack says that Socket Mode is turned off for this app");
                failures.max(10) + 1
            }
        };
    }
}

async fn open(link: &Link) -> Result<WebSocket, SlackError> {
    let target = link.client.socket(&link.app_token).await?;
    Ok(websocket::open(&link.out, &target).await?)
}

/// One connection, from hello to its end.
struct Line {
    socket: WebSocket,
    /// Used once: to ask for a successor.
    leave: Option<oneshot::Sender<Leaving>>,
    was_greeted: bool,
    /// How many looks ago something was heard.
    silent: u32,
    /// How many looks ago Slack said that it will close this.
    parting: u32,
}

/// How a connection goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Stay,
    End,
}

impl Line {
    fn new(socket: WebSocket, leave: oneshot::Sender<Leaving>) -> Self {
        Self { socket, leave: Some(leave), was_greeted: false, silent: 0, parting: 0 }
    }

    async fn talk(mut self, queue: mpsc::Sender<Envelope>, tasks: Tasks) {
        let (line, mut acknowledged) = mpsc::channel(WAITING);
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks.reset();
        loop {
            let next = tokio::select! {
                heard = self.socket.next() => match heard {
                    Some(Ok(message)) => self.hear(&message, &queue, &line),
                    Some(Err(_)) | None => Next::End,
                },
                Some(taken) = acknowledged.recv() => self.acknowledge(taken).await,
                _ = looks.tick() => self.look().await,
                () = tasks.stopping() => break,
            };
            if next == Next::End {
                return self.leave(Leaving::Lost { was_greeted: self.was_greeted });
            }
        }
        // Nothing more is taken, but what was is acknowledged.
        drop(line);
        while let Some(taken) = acknowledged.recv().await {
            if self.acknowledge(taken).await == Next::End {
                return;
            }
        }
        // The other side sees that it is over either way.
        let _ = self.socket.close().await;
    }

    fn leave(&mut self, why: Leaving) {
        if let Some(leave) = self.leave.take() {
            // Nobody waits for it once the bot stops.
            let _: Result<(), Leaving> = leave.send(why);
        }
    }

    /// Queues what came and does nothing else, so that the next is heard.
    fn hear(&mut self, message: &Message, queue: &mpsc::Sender<Envelope>, line: &mpsc::Sender<Acknowledged>) -> Next {
        self.silent = 0;
        if message.is_close() {
            return Next::End;
        }
        let Some(text) = message.as_text() else { return Next::Stay };
        let Ok(heard) = serde_json::from_str::<Heard<'_>>(text) else {
            tracing::warn!("something that is no message of Socket Mode came from Slack and was left");
            return Next::Stay;
        };
        match (heard.kind.as_str(), heard.envelope_id, heard.payload) {
            ("hello", ..) => self.was_greeted = true,
            ("disconnect", ..) if heard.reason.as_deref() == Some("link_disabled") => {
                self.leave(Leaving::TurnedOff);
                return Next::End;
            }
            ("disconnect", ..) if matches!(heard.reason.as_deref(), Some("warning" | "refresh_requested")) => {
                self.parting = self.parting.max(1);
                self.leave(Leaving::Planned);
            }
            // Too many connections, or a reason that is new: another one at once would make it worse.
            ("disconnect", ..) => {
                tracing::warn!(reason = heard.reason.as_deref(), "Slack wants no connection now");
                self.leave(Leaving::Lost { was_greeted: false });
                return Next::End;
            }
            (_, Some(id), Some(payload)) => {
                let envelope = Envelope { kind: heard.kind, payload: payload.to_owned(), id, line: line.clone() };
                if queue.try_send(envelope).is_err() {
                    tracing::error!("more comes from Slack than can be taken; it will send this again");
                }
            }
            (_, None, _) | (_, _, None) => {}
        }
        Next::Stay
    }

    async fn acknowledge(&mut self, taken: Acknowledged) -> Next {
        let Acknowledged { id, payload, sent } = taken;
        let mut said = json!({ "envelope_id": id });
        if let (Some(members), Some(payload)) = (said.as_object_mut(), payload) {
            members.insert("payload".to_owned(), payload);
        }
        if self.socket.send(Message::text(said.to_string())).await.is_err() {
            return Next::End;
        }
        // Whoever waited for it may be gone.
        let _: Result<(), ()> = sent.send(());
        Next::Stay
    }

    async fn look(&mut self) -> Next {
        self.silent += 1;
        self.parting += u32::from(self.parting > 0);
        if self.silent >= 3 || self.parting > FAREWELL {
            return Next::End;
        }
        match self.socket.send(Message::ping("here?")).await {
            Ok(()) => Next::Stay,
            Err(_) => Next::End,
        }
    }
}
