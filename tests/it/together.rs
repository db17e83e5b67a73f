//! The whole bot in one process with everything around it: people type and press, and read what they are told.

use std::time::Duration;

use jiff::Timestamp;
use leverframe::{
    cli::serve::{self, Running},
    config::Config,
    play::{
        World, WorldOptions, people,
        slack::{Which, workspace::Message},
    },
};

/// The channel where people type when nothing else is said.
pub(crate) const DEPLOYS: &str = "deploys";

/// How long anything may take before a test calls it lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running bot in its world.
pub(crate) struct Chat {
    pub(crate) world: World,
    pub(crate) bot: Running,
    /// The tip before anybody typed.
    pub(crate) start: String,
}

/// A world whose repository has some files written over, by path.
pub(crate) async fn world_with(files: &[(&str, &str)]) -> World {
    let world = World::start(WorldOptions::quick()).await.unwrap();
    if !files.is_empty() {
        write(&world, files);
    }
    world
}

/// Somebody commits files by hand.
pub(crate) fn write(world: &World, files: &[(&str, &str)]) -> String {
    let dan = people::find("dan").unwrap();
    world.repository.commit_by_hand(dan, "By hand\n", files, now()).unwrap()
}

/// The present, as the tests' hand edits are dated.
fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

/// Starts the bot of a world, whatever state that is in.
pub(crate) async fn serve(world: &World) -> Running {
    let file = world.write_config("127.0.0.1:0").unwrap();
    let running = serve::start(Config::load(&file).unwrap()).await.unwrap();
    world.set_bot(&format!("http://{}", running.address));
    running
}

impl Chat {
    /// The demo as it is.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The demo with some files written over.
    pub(crate) async fn with(files: &[(&str, &str)]) -> Self {
        let world = world_with(files).await;
        let bot = serve(&world).await;
        within("the bot to be ready", bot.engine.ready()).await;
        let start = world.repository.tip().unwrap();
        Self { world, bot, start }
    }

    /// Types in #deploys; what the person is shown for their eyes only, or nothing.
    pub(crate) async fn says(&self, who: &str, text: &str) -> String {
        self.says_in(who, DEPLOYS, text).await
    }

    /// Types in a channel.
    pub(crate) async fn says_in(&self, who: &str, channel: &str, text: &str) -> String {
        let answered = self.world.slack.says(who, channel, text).await.unwrap().expect("a command");
        answered.shown.unwrap_or_default()
    }

    /// Presses a button of the newest card that has it; what the person is told of it, or nothing.
    pub(crate) async fn presses(&self, who: &str, button: &str) -> String {
        let before = self.world.slack.ephemerals(who).unwrap().len();
        let answered = self.world.slack.presses(who, Which::Newest(DEPLOYS), button).await.unwrap();
        assert_eq!(answered.status, Some(200), "{}", answered.body);
        self.settled().await;
        let told = self.world.slack.ephemerals(who).unwrap();
        told.iter().skip(before).map(|message| message.content.words()).collect::<Vec<_>>().join("\n")
    }

    /// Waits until a card in #deploys says this.
    pub(crate) async fn card_says(&self, words: &str) -> Message {
        let mut changed = self.world.pulse.changed();
        let said = async {
            loop {
                let messages = self.world.slack.messages(DEPLOYS).unwrap();
                if let Some(card) = messages
                    .into_iter()
                    .rev()
                    .find(|card| card.thread.is_none() && card.content.words().contains(words))
                {
                    return card;
                }
                changed.changed().await.unwrap();
            }
        };
        let words_of = |message: &Message| message.content.words();
        let lost = || -> Vec<String> { self.world.slack.messages(DEPLOYS).unwrap().iter().map(words_of).collect() };
        let found = tokio::time::timeout(PATIENCE, said).await;
        found.unwrap_or_else(|_| panic!("nothing in #deploys says {words:?}, but: {:#?}", lost()))
    }

    /// Waits until the bot has read this commit.
    pub(crate) async fn reads(&self, commit: &str) {
        let read = async {
            while self.bot.engine.rules().is_none_or(|rules| rules.commit.as_str() != commit) {
                // Any command makes it look.
                self.says("ana", "/help").await;
                self.settled().await;
            }
        };
        within("the bot to read the tip", read).await;
    }

    /// Waits until nothing is in flight.
    pub(crate) async fn settled(&self) {
        within("everything to settle", self.bot.engine.settled()).await;
    }

    /// How many cards there are, in any channel; what stands in their threads is none.
    pub(crate) fn cards(&self) -> usize {
        self.world
            .slack
            .everything()
            .iter()
            .filter(|message| message.only.is_none() && message.thread.is_none())
            .count()
    }

    /// The kinds of the ledger's entries, in order.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let entries = self.bot.engine.ledger().read(0, 10_000).unwrap();
        entries.into_iter().map(|recorded| recorded.entry.kind).collect()
    }

    /// How many entries of a kind there are.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.kinds().iter().filter(|one| *one == kind).count()
    }

    /// How many commits came onto the branch since the start.
    pub(crate) fn commits(&self) -> usize {
        let commits = self.world.repository.commits(1000).unwrap();
        commits.iter().position(|commit| commit.id == self.start).unwrap()
    }
}

/// Waits for something, but not for ever.
pub(crate) async fn within<T>(what: &str, happening: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, happening).await.unwrap_or_else(|_| panic!("waited too long for {what}"))
}
