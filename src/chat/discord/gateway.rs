//! The connection to Discord that we keep open, so that no port need be reachable from outside. twilight identifies,
//! beats, notices when nobody beats back, and resumes; here it is connected again, through our door to the outside,
//! after whatever ended it. What comes is only queued: the ledger remembers what was answered.

use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use twilight_gateway::{CloseFrame, Config, ConfigBuilder, Intents, Message, Session, Shard, ShardId, ShardState};
use url::Url;

use super::client::DiscordClient;
use crate::{
    net::{back_off::back_off, relay::Relay},
    tasks::Tasks,
};

/// How many interactions may wait for a task to take them.
pub const WAITING: usize = 1000;

/// What is needed to stay connected.
pub struct Link {
    /// Discord's API, which says where to connect.
    pub client: DiscordClient,
    /// The door that the connection goes through.
    pub relay: Relay,
    /// Where interactions go, each as Discord wrote it.
    pub queue: mpsc::Sender<Vec<u8>>,
}

/// How a connection ended.
enum Ended {
    /// It can be taken up where it was.
    Resumable(Session, Option<Url>),
    /// The session is gone; a new one begins.
    Anew,
    /// Discord wants no more of it.
    Refused(Option<CloseFrame<'static>>),
}

#[derive(Deserialize)]
struct Event<'a> {
    t: Option<&'a str>,
    #[serde(borrow)]
    d: Option<&'a RawValue>,
}

/// Stays connected for as long as the bot runs.
pub async fn keep_connected(link: Link, tasks: Tasks) {
    let token = link.client.token().reveal().to_owned();
    let config = ConfigBuilder::new(token, Intents::empty()).proxy_url(link.relay.url()).build();
    let (mut failures, mut session): (u32, Option<(Session, Option<Url>)>) = (0, None);
    while !tasks.is_stopping() {
        if failures > 0 {
            tasks.pause(back_off(failures)).await;
        }
        let target = match &session {
            Some((_, Some(url))) => Ok(url.clone()),
            Some((_, None)) | None => link.client.gateway().await,
        };
        let target = match target {
            Ok(target) => target,
            Err(error) => {
                tracing::warn!(%error, remedy = error.remedy(), "Discord does not say where to connect");
                failures += 1;
                continue;
            }
        };
        link.relay.lead_to(target);
        let resumed = session.take().map(|(session, _)| session);
        let (ended, was_active) = converse(&link, config.clone(), resumed, &tasks).await;
        failures = if was_active { 0 } else { failures + 1 };
        session = match ended {
            Ended::Resumable(session, url) => Some((session, url)),
            Ended::Anew => {
                // Discord asks for a moment before a new session.
                failures = failures.max(4);
                None
            }
            Ended::Refused(frame) => {
                let why = frame.map(|frame| format!("{} {}", frame.code, frame.reason)).unwrap_or_default();
                tracing::error!(why, remedy = "Look at `discord.bot_token`.", "Discord ended the connection for good");
                failures = failures.max(10);
                None
            }
        };
    }
}

/// One connection from beginning to end, and whether it was ever in use.
async fn converse(link: &Link, config: Config, session: Option<Session>, tasks: &Tasks) -> (Ended, bool) {
    let mut config = ConfigBuilder::from(config);
    if let Some(session) = session.clone() {
        config = config.session(session);
    }
    let mut shard = Shard::with_config(ShardId::ONE, config.build());
    let (mut was_active, mut last_frame) = (false, None);
    loop {
        let item = tokio::select! {
            item = shard.next() => item,
            () = tasks.stopping() => None,
        };
        match item {
            None => break,
            Some(Ok(Message::Text(json))) => take(link, &json),
            Some(Ok(Message::Close(frame))) => last_frame = frame,
            Some(Err(error)) => tracing::info!(%error, "the connection to Discord stumbled"),
        }
        was_active |= shard.state() == ShardState::Active;
        if matches!(shard.state(), ShardState::Disconnected { .. } | ShardState::FatallyClosed) {
            break;
        }
    }
    let ended = match (shard.state(), shard.session()) {
        (ShardState::FatallyClosed, _) => Ended::Refused(last_frame),
        (_, Some(session)) => {
            let url = shard.resume_url().and_then(|url| Url::parse(url).ok());
            Ended::Resumable(session.clone(), url)
        }
        (_, None) => Ended::Anew,
    };
    (ended, was_active)
}

/// Queues an interaction and does nothing else.
fn take(link: &Link, json: &str) {
    let Ok(Event { t: Some("INTERACTION_CREATE"), d: Some(interaction) }) = serde_json::from_str(json) else { return };
    if link.queue.try_send(interaction.get().as_bytes().to_vec()).is_err() {
        tracing::error!("more comes from Discord than can be taken; an interaction was left unanswered");
    }
}
