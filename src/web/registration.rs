//! Keeps what Discord knows of the commands true: told at the start, and again whenever the repository brings others.

use std::time::Duration;

use serde_json::Value;

use crate::{
    chat::discord::{
        client::DiscordClient,
        register::{self, Registered},
    },
    engine::Engine,
    tasks::Tasks,
};

/// How long until registering is tried again: Discord allows 200 new commands a day.
const AGAIN: Duration = Duration::from_secs(60);

/// Tells Discord of the commands for as long as the bot runs.
pub async fn keep_registered(engine: Engine, client: DiscordClient, tasks: Tasks) {
    let mut rules = engine.rules_changed();
    let mut told: Vec<Value> = Vec::new();
    while !tasks.is_stopping() {
        let now = rules.borrow_and_update().clone();
        let wanted = now.map(|rules| register::commands(&rules.commands, &rules.catalog.commands().name));
        let waits = match wanted.filter(|wanted| *wanted != told) {
            None => true,
            Some(wanted) => {
                let registered = register::register(&client, &wanted).await;
                said(&registered);
                let done = registered.is_ok();
                told = if done { wanted } else { told };
                done
            }
        };
        tokio::select! {
            changed = rules.changed() => if changed.is_err() { return },
            () = tasks.stopping() => return,
            () = tasks.pause(AGAIN), if !waits => {}
        }
    }
}

fn said(registered: &Result<Registered, crate::chat::discord::error::DiscordError>) {
    match registered {
        Ok(Registered::Now) => tracing::info!("the commands were registered with Discord"),
        Ok(Registered::Already) => tracing::debug!("Discord knows the commands"),
        Err(error) => {
            tracing::warn!(%error, remedy = error.remedy(), "the commands could not be registered with Discord");
        }
    }
}
