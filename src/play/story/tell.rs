//! Plays a story in a world and tells it: after each step everything comes to rest, then what changed is written down.

use std::fmt;

use super::{Act, Expectation, Step, Story, names::stable, watch::Watch};
use crate::{
    clock,
    play::{
        Look, Seen, World, Writer,
        cluster::rollout::Progress,
        error::PlayError,
        github::{forge::State, merge::Method},
        repository::HandEdit,
    },
};

/// A story that did not go as it is written.
#[derive(Debug)]
pub struct Failed {
    /// The line of the step, from 1.
    pub line: usize,
    /// The step as it is written.
    pub step: String,
    /// What was found instead, or what went wrong.
    pub why: String,
    /// What happened until then.
    pub transcript: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: `{}`: {}", self.line, self.step, self.why)
    }
}

impl std::error::Error for Failed {}

impl Failed {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        "Read the transcript up to that step, and correct the step or the bot.".to_owned()
    }
}

/// Plays `story` in `world`, where people type in `look`. `settle` waits until the bot has nothing in flight; `ledger` gives every line of the
/// ledger so far, as transcripts show it. Returns the transcript, in which what differs from run to run is numbered.
///
/// # Errors
/// At the first step that cannot be done or is not true.
pub async fn tell<S, L>(story: &Story, (world, look): (&World, Look), settle: S, ledger: L) -> Result<String, Failed>
where
    S: AsyncFn(),
    L: AsyncFn() -> Vec<String>,
{
    let mut telling = Telling { world, look, lines: vec![format!("# {}", story.title)], commits: 0 };
    if !story.about.is_empty() {
        telling.lines.push(story.about.clone());
    }
    let before = ledger().await;
    let first = story.steps.first();
    let mut watch = Watch::begin(world, look, &before).map_err(|error| telling.failed(first, error.to_string()))?;
    for step in &story.steps {
        telling.step(step).await.map_err(|why| telling.failed(Some(step), why))?;
        if !step.act.is_deed() {
            continue;
        }
        rest(world, &settle).await.map_err(|error| telling.failed(Some(step), error.to_string()))?;
        let news = watch.look(world, &ledger().await);
        let news = news.map_err(|error| telling.failed(Some(step), error.to_string()))?;
        telling.commits = news.commits;
        telling.lines.extend(news.lines.into_iter().map(|line| format!("  {line}").trim_end().to_owned()));
    }
    Ok(stable(&telling.text()))
}

/// Waits until bot and clusters are both done and neither has woken the other.
async fn rest<S: AsyncFn()>(world: &World, settle: &S) -> Result<(), PlayError> {
    loop {
        let before = world.pulse.revision();
        world.settled().await?;
        settle().await;
        world.settled().await?;
        if world.pulse.revision() == before {
            return Ok(());
        }
    }
}

struct Telling<'a> {
    world: &'a World,
    look: Look,
    lines: Vec<String>,
    /// How many commits the last act brought.
    commits: u64,
}

impl Telling<'_> {
    fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }

    fn failed(&self, step: Option<&Step>, why: String) -> Failed {
        let (line, written) = step.map_or((0, String::new()), |step| (step.line, step.written.clone()));
        Failed { line, step: written, why, transcript: stable(&self.text()) }
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        if step.act.is_deed() {
            self.lines.extend([String::new(), step.written.clone()]);
        }
        self.act(&step.act).await.map_err(|error| format!("{error}. {}", error.remedy()))?;
        match &step.act {
            Act::Notes(words) => self.lines.extend([String::new(), format!("({words})")]),
            Act::Expects(expectation) => self.check(expectation)?,
            Act::Says(who, ..) => {
                let asked = self.world.asked_of(self.look, who.key);
                self.lines.extend(asked.map(|fields| format!("  a form asks {} for: {fields}", who.key)));
            }
            Act::Presses(..)
            | Act::Fills(..)
            | Act::Reviews(..)
            | Act::Merges(..)
            | Act::Closes(..)
            | Act::Edits(..)
            | Act::Scales(..)
            | Act::Breaks(..) => {}
        }
        Ok(())
    }

    async fn act(&mut self, act: &Act) -> Result<(), PlayError> {
        let World { github, repository, clusters, .. } = self.world;
        match act {
            Act::Says(who, channel, text) => self.world.says(self.look, who.key, channel.name, text).await,
            Act::Presses(who, channel, button) => self.world.presses(self.look, who.key, channel.name, button).await,
            Act::Fills(who, field, answer) => {
                let shown = self.world.submits(self.look, who.key, (field, answer)).await?;
                self.lines.extend(shown.map(|words| format!("  the form says: {words}")));
                Ok(())
            }
            Act::Reviews(who, verdict, number) => github.reviews(who.key, *number, *verdict, "").map(drop),
            Act::Merges(who, number) => github.merges(who.key, *number, Method::Squash).map(drop),
            Act::Closes(who, number) => github.closes(who.key, *number).map(drop),
            Act::Edits(who, edit) => {
                let (path, before) = (edit.file.as_str(), edit.replace.as_str());
                let hand = HandEdit { path, before, after: &edit.with, message: &edit.message };
                repository.edit_by_hand(who, &hand, clock::now()).map(|_| self.world.pulse.beat())
            }
            Act::Scales(_, service, environment, count) => {
                let cluster = clusters.get(environment);
                let is_there = cluster.is_some_and(|cluster| cluster.scale_by_hand(service, *count));
                is_there.then_some(()).ok_or_else(|| PlayError::NoSuchService(format!("{service} in {environment}")))
            }
            Act::Breaks(version, reason) => {
                clusters.values().for_each(|cluster| cluster.break_version(version, reason));
                Ok(())
            }
            Act::Notes(_) | Act::Expects(_) => Ok(()),
        }
    }

    fn check(&self, expectation: &Expectation) -> Result<(), String> {
        let broken = |error: PlayError| error.to_string();
        match expectation {
            Expectation::Card(channel, text) => {
                self.newest(text, |message| message.only.is_none() && message.channel == channel.name)
            }
            Expectation::Private(who, text) => self.newest(text, |message| message.only == Some(*who)),
            Expectation::Commits(count) => same(*count, self.commits, "commits came"),
            Expectation::Commit(text) => {
                let newest = self.world.repository.commits(1).map_err(broken)?.pop();
                contains(&newest.map(|commit| commit.message).unwrap_or_default(), text, "the newest commit")
            }
            Expectation::PullRequests(count) => {
                let open = self.world.github.pulls().map_err(broken)?;
                let open = open.iter().filter(|pull| pull.state == State::Open).count() as u64;
                same(*count, open, "pull requests are open")
            }
            Expectation::Running { service, version, environment } => self.running(service, version, environment),
            Expectation::Pods { service, count, environment } => self.pods(service, *count, environment),
        }
    }

    fn newest(&self, text: &str, fits: impl Fn(&Seen) -> bool) -> Result<(), String> {
        let by_bot = |message: &Seen| message.writer != Writer::Person && !message.is_reply;
        let seen = self.world.seen(self.look).map_err(|error| error.to_string())?;
        let found = seen.into_iter().rev().find(|message| by_bot(message) && fits(message));
        match found {
            Some(message) => contains(&message.words, text, "the newest message"),
            None => Err("there is no message".to_owned()),
        }
    }

    fn running(&self, service: &str, version: &str, environment: &str) -> Result<(), String> {
        let cluster = self.world.clusters.get(environment).ok_or_else(|| format!("there is no `{environment}`"))?;
        let found = cluster.running().into_iter().find(|running| running.service == service);
        let found = found.ok_or_else(|| format!("`{service}` does not run in {environment}"))?;
        if found.version == version && found.progress == Progress::Healthy {
            return Ok(());
        }
        Err(format!("{service} {} is {:?} in {environment}", found.version, found.progress))
    }
}

impl Telling<'_> {
    fn pods(&self, service: &str, count: usize, environment: &str) -> Result<(), String> {
        let cluster = self.world.clusters.get(environment).ok_or_else(|| format!("there is no `{environment}`"))?;
        let found = cluster.running().into_iter().find(|running| running.service == service);
        let found = found.ok_or_else(|| format!("`{service}` does not run in {environment}"))?;
        let is_so = found.ready == count && found.wanted == count;
        let words = || format!("{} of {} pods of {service} are ready in {environment}", found.ready, found.wanted);
        is_so.then_some(()).ok_or_else(words)
    }
}

fn contains(found: &str, wanted: &str, what: &str) -> Result<(), String> {
    if found.contains(wanted) { Ok(()) } else { Err(format!("{what} says:\n{found}")) }
}

fn same(wanted: u64, found: u64, what: &str) -> Result<(), String> {
    if wanted == found { Ok(()) } else { Err(format!("{found} {what}, not {wanted}")) }
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
