//! `leverframe play`: the whole product on this machine. The same `serve` runs here against servers on loopback
//! that look like Slack, GitHub, a git host and two clusters.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{
    Ended, Failure, log, runtime, say,
    serve::{self, Running},
};
use crate::{
    config::Config,
    core::{
        entry::{Entry, Recorded},
        located::Problems,
        paging,
    },
    play::{Look, World, WorldOptions, slack::CommandHint, story},
};

/// How long the bot may take to have read the demo repository.
const READY: Duration = Duration::from_secs(20);

/// The playground.
#[derive(Debug, Args)]
pub(super) struct Play {
    /// Run a scripted conversation, print the transcript and exit
    #[arg(long, value_name = "FILE")]
    story: Option<PathBuf>,
    /// Where the people of the story type
    #[arg(long, value_enum, default_value_t = Platform::Slack, requires = "story")]
    platform: Platform,
    /// The port of the chat page; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
}

/// Where people type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Platform {
    /// In Slack
    Slack,
    /// In Discord
    Discord,
}

impl Platform {
    fn look(self) -> Look {
        match self {
            Self::Slack => Look::Slack,
            Self::Discord => Look::Discord,
        }
    }
}

impl Play {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        log("warn");
        if let Some(file) = &self.story {
            return runtime()?.block_on(tell(file, self.platform.look()));
        }
        runtime()?.block_on(async {
            let (world, running) = together(WorldOptions { page_port: self.port, ..WorldOptions::default() }).await?;
            say(format!("Leverframe plays at {} (as in Discord: {})", world.page(), world.discord.url()))?;
            say("Type commands there as Ana, approve as Bo. Ctrl-C ends it and removes everything.")?;
            serve::wait_for_a_signal().await;
            running.stop().await;
            Ok(Ended::Well)
        })
    }
}

/// The commands of the bot, as the chat page suggests them while one types.
fn hints(running: &Running) -> Vec<CommandHint> {
    let Some(rules) = running.engine.rules() else { return Vec::new() };
    let one_for_all = format!("/{}", rules.catalog.commands().name);
    let each = rules.commands.iter().map(|definition| {
        let usage = rules.commands.usage(definition);
        let options = usage.split_once(' ').map_or("", |(_, options)| options);
        CommandHint::new(&format!("/{}", definition.name), options, &definition.summary)
    });
    let all = CommandHint::new(&one_for_all, "<command> ...", "Any of these under one name");
    each.chain([all]).collect()
}

/// Plays a story and prints how it went.
async fn tell(file: &std::path::Path, look: Look) -> Result<Ended, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("`{name}` cannot be read: {error}."), "Name a story: `--story FILE`."))?;
    let story = story::parse(&name, &text).map_err(|problems: Problems| Failure::new(&problems, problems.remedy()))?;
    let (world, running) = together(WorldOptions::quick()).await?;
    let settle = async || {
        running.engine.has_seen(&world.versions()).await;
        running.engine.settled().await;
    };
    settle().await;
    let told = story::tell(&story, (&world, look), settle, async || ledger(&running)).await;
    running.stop().await;
    let (transcript, failed) = match told {
        Ok(transcript) => (transcript, None),
        Err(failed) => (failed.transcript.clone(), Some(failed)),
    };
    say(transcript.trim_end())?;
    failed.map_or(Ok(Ended::Well), |failed| Err(Failure::new(format!("{name}: {failed}"), failed.remedy())))
}

/// The ledger so far, as transcripts show it: what happened, to what, by whom. That a card was posted is left out:
/// the card itself is shown, and whether it is there before or after the first push is chance. So is when a page is heard.
fn ledger(running: &Running) -> Vec<String> {
    let ledger = running.engine.ledger();
    let line = |recorded: Recorded| {
        let entry = recorded.entry;
        let who = entry.actor.person.map_or(entry.actor.via, |person| person.to_string());
        format!("{} {} by {who}", entry.kind, entry.subject)
    };
    let everything = usize::try_from(ledger.len()).unwrap_or(usize::MAX);
    let entries = ledger.read(0, everything).unwrap_or_default();
    let is_told = |entry: &Entry| entry.kind != "card.posted" && !entry.subject.starts_with(paging::PREFIX);
    entries.into_iter().filter(|recorded| is_told(&recorded.entry)).map(line).collect()
}

/// Starts a world and the bot in it, ready for the first command.
async fn together(options: WorldOptions) -> Result<(World, Running), Failure> {
    let outside = |error: crate::play::error::PlayError| Failure::new(&error, error.remedy());
    let world = World::start(options).await.map_err(outside)?;
    let file = world.write_config("127.0.0.1:0").map_err(outside)?;
    let config = Config::load(&file).map_err(|error| Failure::new(&error, error.remedy()))?;
    let running = serve::start(config).await.map_err(Failure)?;
    world.set_bot(&format!("http://{}", running.address));
    let ready = tokio::time::timeout(READY, running.engine.ready()).await;
    ready.map_err(|_| {
        let why = running.engine.rules_trouble().unwrap_or_default();
        Failure::new(format!("The bot could not read the demo repository: {why}"), "Run it again with RUST_LOG=debug.")
    })?;
    world.slack.set_commands(hints(&running));
    let known = tokio::time::timeout(READY, world.commands_are_known()).await;
    known.map_err(|_| Failure::new("The bot registered no commands.", "Run it again with RUST_LOG=debug."))?;
    Ok((world, running))
}
