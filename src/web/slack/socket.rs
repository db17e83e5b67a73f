//! Answers what comes over the connections to Slack that are kept open.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{DELIVERY, SlackDesk, command_event};
use crate::chat::slack::{
    event,
    incoming::{self, SlashCommand},
    socket::Envelope,
};

/// How long Slack waits for an acknowledgement, and so the time in which it sends again what had none.
const PATIENCE: Duration = Duration::from_secs(3);

/// Answers what comes over the connections that are kept open, each in a task of its own.
pub async fn answer_socket(desk: SlackDesk, mut queue: mpsc::Receiver<Envelope>) {
    loop {
        let next = tokio::select! {
            next = queue.recv() => next,
            () = desk.tasks.stopping() => None,
        };
        let Some(envelope) = next else { return };
        let desk = desk.clone();
        desk.tasks.clone().start(async move { desk.take(envelope).await });
    }
}

impl SlackDesk {
    /// Takes what is in an envelope, and acknowledges it once that is durable. What cannot be understood is acknowledged
    /// too: it would be no better the next time.
    async fn take(&self, envelope: Envelope) {
        let answer = match envelope.kind() {
            "slash_commands" => match incoming::socket_command(envelope.payload()) {
                Ok(command) => return self.take_command(envelope, command).await,
                Err(error) => Err(error),
            },
            "interactive" => match incoming::socket_interaction(envelope.payload()) {
                Ok(interaction) => Ok(self.interaction(interaction).await),
                Err(error) => Err(error),
            },
            "events_api" => match event::socket_event(envelope.payload()) {
                Ok(event) => Ok(self.event(event).await),
                Err(error) => Err(error),
            },
            _ => Ok(None),
        };
        let answer = answer.unwrap_or_else(|error| {
            tracing::warn!(%error, remedy = error.remedy(), "something from Slack was not understood");
            None
        });
        // Where its connection is gone Slack sends it again, and gets the same answer then.
        let _: Result<(), _> = envelope.acknowledge(answer).await;
    }

    /// The answer to a command travels with its acknowledgement. Where that has no connection any more, Slack sends the
    /// command again within its patience; where it does not, the answer goes to the address that came with the command.
    async fn take_command(&self, envelope: Envelope, command: SlashCommand) {
        let (event, address) = (command_event(&command), command.response_url.clone());
        let answer = self.command(command).await;
        if envelope.acknowledge(answer.clone()).await.is_ok() {
            self.open.heard.note(&event);
            return;
        }
        let Some(answer) = answer else { return };
        let (desk, busy) = (self.clone(), self.engine.busy());
        self.tasks.start(async move {
            desk.tasks.pause(PATIENCE).await;
            if desk.open.heard.note(&event)
                && let Ok(Err(error)) =
                    tokio::time::timeout(DELIVERY, desk.edge.client.respond(&address, &answer)).await
            {
                tracing::warn!(%error, "a private answer could not be delivered");
            }
            drop(busy);
        });
    }
}
