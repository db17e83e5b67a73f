//! `leverframe play`: the whole product on this machine. The same `serve` runs here against servers on loopback
//! that look like Slack, GitHub, a git host and two clusters.

use std::time::Duration;

use clap::Args;

use super::{
    Ended, Failure, log, runtime, say,
    serve::{self, Running},
};
use crate::{
    config::Config,
    play::{World, WorldOptions},
};

/// How long the bot may take to have read the demo repository.
const READY: Duration = Duration::from_secs(20);

/// The playground.
#[derive(Debug, Args)]
pub(super) struct Play {
    /// The port of the chat page; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
}

impl Play {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        log("warn");
        runtime()?.block_on(async {
            let (world, running) = together(WorldOptions { page_port: self.port, ..WorldOptions::default() }).await?;
            say(format!("Leverframe plays at {}", world.page()));
            say("Type commands there as Ana, approve as Bo. Ctrl-C ends it and removes everything.");
            serve::wait_for_a_signal().await;
            running.stop().await;
            Ok(Ended::Well)
        })
    }
}

/// Starts a world and the bot in it, ready for the first command.
async fn together(options: WorldOptions) -> Result<(World, Running), Failure> {
    let outside = |error: crate::play::error::PlayError| Failure::new(&error, error.remedy());
    let world = World::start(options).await.map_err(outside)?;
    let file = world.write_config("127.0.0.1:0").map_err(outside)?;
    let config = Config::load(&file).map_err(|error| Failure::new(&error, error.remedy()))?;
    let running = serve::start(config).await.map_err(Failure)?;
    world.slack.set_bot(&format!("http://{}", running.address), world.signing_secret());
    let ready = tokio::time::timeout(READY, running.engine.ready()).await;
    ready.map_err(|_| {
        let why = running.engine.rules_trouble().unwrap_or_default();
        Failure::new(format!("The bot could not read the demo repository: {why}"), "Run it again with RUST_LOG=debug.")
    })?;
    Ok((world, running))
}
