//! What changed in a world since one last looked, as lines of a transcript: what the bot said and edited, what
//! people were told privately, pull requests, commits with their diff, the ledger.

use std::collections::BTreeMap;

use crate::play::{
    Look, Seen, World, Writer,
    error::PlayError,
    github::forge::{PullRequest, State},
    repository::CommitShown,
};

/// Remembers what has been told.
pub(super) struct Watch {
    look: Look,
    tip: String,
    /// The words of each message when it was last told, and the card's number.
    told: BTreeMap<String, (usize, String)>,
    cards: usize,
    pulls: BTreeMap<u64, State>,
    ledger: usize,
}

/// What is new.
pub(super) struct News {
    pub(super) lines: Vec<String>,
    /// How many commits came to the branch.
    pub(super) commits: u64,
}

impl Watch {
    /// Begins with what is there already.
    pub(super) fn begin(world: &World, look: Look, ledger: &[String]) -> Result<Self, PlayError> {
        let (told, pulls) = (BTreeMap::new(), BTreeMap::new());
        let mut watch = Self { look, tip: String::new(), told, cards: 0, pulls, ledger: ledger.len() };
        watch.commits(world)?;
        watch.tip = world.repository.tip()?;
        Ok(watch)
    }

    /// What changed since the last look.
    pub(super) fn look(&mut self, world: &World, ledger: &[String]) -> Result<News, PlayError> {
        let mut lines = self.messages(world)?;
        lines.extend(self.pull_requests(world)?);
        let commits = self.commits(world)?;
        for commit in commits.iter().rev() {
            lines.extend(told_commit(world, commit)?);
        }
        lines.extend(by_subject(ledger, self.ledger).map(|line| format!("ledger: {line}")));
        self.ledger = ledger.len();
        Ok(News { lines, commits: commits.len() as u64 })
    }

    fn messages(&mut self, world: &World) -> Result<Vec<String>, PlayError> {
        let mut lines = Vec::new();
        let mut seen = world.seen(self.look)?;
        // What one person is told and what a channel is told may come in either order.
        seen.sort_by_key(|message| message.only.is_none());
        for message in seen {
            // Of a thread only the diff is shown: its steps the ledger tells too, and how many are in one message is chance.
            let is_diff = message.words.contains("The whole diff");
            if message.writer == Writer::Person || (message.is_reply && !is_diff) {
                continue;
            }
            let words = message.words.clone();
            match self.told.get(&message.id) {
                Some((_, told)) if *told == words => {}
                Some((number, _)) => {
                    let number = *number;
                    lines.push(format!("card {number} now says:"));
                    lines.extend(indented(&words));
                    self.told.insert(message.id, (number, words));
                }
                None => {
                    lines.extend(self.first_seen(&message, &words));
                    self.told.insert(message.id, (self.cards, words));
                }
            }
        }
        Ok(lines)
    }

    fn first_seen(&mut self, message: &Seen, words: &str) -> Vec<String> {
        let place = message.channel;
        let opening = match (message.only, message.writer) {
            (Some(person), Writer::Platform) => format!("{} tells {}:", self.look.name(), person.key),
            (Some(person), Writer::Bot | Writer::Person) => format!("only {} sees:", person.key),
            (None, _) if message.is_reply => format!("in the thread, #{place}:"),
            (None, _) => {
                self.cards += 1;
                format!("card {} in #{place}:", self.cards)
            }
        };
        std::iter::once(opening).chain(indented(words)).collect()
    }

    fn pull_requests(&mut self, world: &World) -> Result<Vec<String>, PlayError> {
        let mut lines = Vec::new();
        for pull in world.github.pulls()?.into_iter().rev() {
            let before = self.pulls.insert(pull.number, pull.state.clone());
            if before.is_none() {
                let PullRequest { number, title, author, head, base, .. } = &pull;
                lines.push(format!("pull request #{number} by {}, {head} into {base}: {title}", author.login));
            }
            if before.as_ref() != Some(&pull.state) {
                lines.extend(turned(&pull));
            }
        }
        Ok(lines)
    }

    /// The branch's commits since the last look, newest first.
    fn commits(&mut self, world: &World) -> Result<Vec<CommitShown>, PlayError> {
        let tip = std::mem::replace(&mut self.tip, world.repository.tip()?);
        let all = world.repository.commits(200)?;
        Ok(all.into_iter().take_while(|commit| commit.id != tip).collect())
    }
}

fn turned(pull: &PullRequest) -> Option<String> {
    match &pull.state {
        State::Open => None,
        State::Closed { .. } => Some(format!("pull request #{} is closed", pull.number)),
        State::Merged { sha, by, .. } => {
            let by = by.map_or("a push", |account| account.login);
            Some(format!("pull request #{} is merged by {by} as {sha}", pull.number))
        }
    }
}

fn told_commit(world: &World, commit: &CommitShown) -> Result<Vec<String>, PlayError> {
    let mut lines = vec![format!("commit {} by {}, committed by {}:", commit.id, commit.author, commit.committer)];
    lines.extend(indented(commit.message.trim_end()));
    for line in world.repository.diff(&commit.id, 0)?.lines() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            lines.push(format!("    {}", names.rsplit_once(" b/").map_or(names, |(_, path)| path)));
        } else if (line.starts_with('+') && !line.starts_with("+++ "))
            || (line.starts_with('-') && !line.starts_with("--- "))
        {
            lines.push(format!("    {line}"));
        }
    }
    Ok(lines)
}

/// The lines from a place on, together by what they are about: what goes on with one thing and with another at the same
/// time may come in either order.
fn by_subject(ledger: &[String], from: usize) -> impl Iterator<Item = &String> {
    let subject = |line: &String| line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut subjects: Vec<String> = Vec::new();
    for subject in ledger.iter().map(subject) {
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    let mut new: Vec<&String> = ledger.iter().skip(from).collect();
    new.sort_by_key(|line| subjects.iter().position(|found| *found == subject(line)));
    new.into_iter()
}

fn indented(words: &str) -> impl Iterator<Item = String> + '_ {
    words.lines().map(|line| if line.trim().is_empty() { String::new() } else { format!("  {line}") })
}
