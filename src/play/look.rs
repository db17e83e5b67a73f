//! The two looks of one world: the same people, channels and bot, in Slack or in Discord. What stories and tests do
//! and see, whichever it is.

use super::{
    World, discord,
    error::PlayError,
    people::{self, Person},
    slack::{self, workspace},
};

/// Where people type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// In Slack.
    Slack,
    /// In Discord.
    Discord,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// Somebody.
    Person,
    /// The bot.
    Bot,
    /// The platform itself, where the bot failed to answer.
    Platform,
}

/// A message as it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// Who wrote it.
    pub writer: Writer,
    /// For one person's eyes only.
    pub only: Option<&'static Person>,
    /// The channel's name.
    pub channel: &'static str,
    /// What it says, without markup.
    pub words: String,
    /// Whether it stands in a thread.
    pub is_reply: bool,
}

impl Look {
    /// The platform's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::Discord => "Discord",
        }
    }
}

impl World {
    /// Somebody types in a channel.
    ///
    /// # Errors
    /// As the look-alike's own.
    pub async fn says(&self, look: Look, who: &str, channel: &str, text: &str) -> Result<(), PlayError> {
        match look {
            Look::Slack => self.slack.says(who, channel, text).await.map(drop),
            Look::Discord => self.discord.says(who, channel, text).await.map(drop),
        }
    }

    /// Somebody presses a button of the newest message in a channel that has it.
    ///
    /// # Errors
    /// As the look-alike's own.
    pub async fn presses(&self, look: Look, who: &str, channel: &str, button: &str) -> Result<(), PlayError> {
        match look {
            Look::Slack => self.slack.presses(who, slack::Which::Newest(channel), button).await.map(drop),
            Look::Discord => self.discord.presses(who, discord::Which::Newest(channel), button).await.map(drop),
        }
    }

    /// Somebody fills in a field of the form that is open for them and sends it; what the form says then, if it stays.
    ///
    /// # Errors
    /// As the look-alike's own.
    pub async fn submits(
        &self,
        look: Look,
        who: &str,
        (field, answer): (&str, &str),
    ) -> Result<Option<String>, PlayError> {
        match look {
            Look::Slack => Ok(self.slack.submits(who, &[(field, answer)]).await?.shown),
            Look::Discord => Ok(self.discord.submits(who, &[(field, answer)]).await.map(|_| None)?),
        }
    }

    /// What a form that is open for somebody asks for.
    pub fn asked_of(&self, look: Look, who: &str) -> Option<String> {
        let (form, list, name) = match look {
            Look::Slack => (self.slack.form(who)?, "/blocks", "/block_id"),
            Look::Discord => (self.discord.form(who)?, "/components", "/component/custom_id"),
        };
        let fields = form.pointer(list).or_else(|| form.pointer("/data/components"))?.as_array()?.clone();
        let names: Vec<&str> = fields.iter().filter_map(|field| field.pointer(name)?.as_str()).collect();
        Some(names.join(", "))
    }

    /// Everything said anywhere to anybody, oldest first.
    ///
    /// # Errors
    /// When a message stands in a channel that is not there.
    pub fn seen(&self, look: Look) -> Result<Vec<Seen>, PlayError> {
        match look {
            Look::Slack => self.slack.everything().iter().map(in_slack).collect(),
            Look::Discord => self.discord.everything().iter().map(in_discord).collect(),
        }
    }

    /// Resolves when the bot has told Discord its commands: nobody can type one before.
    pub async fn commands_are_known(&self) {
        let mut changed = self.pulse.changed();
        while self.discord.commands().is_empty() {
            // The pulse lives as long as the world.
            let _ = changed.changed().await;
        }
    }
}

fn in_slack(message: &workspace::Message) -> Result<Seen, PlayError> {
    Ok(Seen {
        id: message.ts.clone(),
        writer: match message.author {
            workspace::Author::Person(_) => Writer::Person,
            workspace::Author::Bot => Writer::Bot,
            workspace::Author::Slack => Writer::Platform,
        },
        only: message.only,
        channel: workspace::channel(message.channel)?.name,
        words: super::story::readable(&message.content.words()),
        is_reply: message.thread.is_some(),
    })
}

fn in_discord(message: &discord::guild::Message) -> Result<Seen, PlayError> {
    Ok(Seen {
        id: message.id.clone(),
        writer: match message.author {
            discord::guild::Author::Person(_) => Writer::Person,
            discord::guild::Author::Bot => Writer::Bot,
            discord::guild::Author::Discord => Writer::Platform,
        },
        only: message.only,
        channel: discord::guild::channel(message.channel)?.name,
        words: plain(&message.content.words()),
        is_reply: message.thread.is_some(),
    })
}

/// Discord's markup as a person reads it: mentions by name, links by their words, escaped signs as themselves. What
/// makes words bold stays, as it does for Slack.
fn plain(words: &str) -> String {
    let (mut read, mut rest) = (String::with_capacity(words.len()), words);
    while let Some(letter) = rest.chars().next() {
        let (text, length) = piece(rest).unwrap_or((letter.to_string(), letter.len_utf8()));
        read.push_str(&text);
        rest = rest.get(length..).unwrap_or_default();
    }
    read
}

/// What stands at the beginning where it is markup, and its length in bytes.
fn piece(rest: &str) -> Option<(String, usize)> {
    if let Some(escaped) = rest.strip_prefix('\\') {
        let letter = escaped.chars().next()?;
        return Some((letter.to_string(), 1 + letter.len_utf8()));
    }
    if let Some((id, _)) = rest.strip_prefix("<@").and_then(|inner| inner.split_once('>')) {
        let name = people::find(id).map_or(id, |person| person.key);
        return Some((format!("@{name}"), id.len() + 3));
    }
    if let Some((time, _)) = rest.strip_prefix("<t:").and_then(|inner| inner.split_once('>')) {
        return Some(("<time>".to_owned(), time.len() + 4));
    }
    let (label, after) = rest.strip_prefix('[')?.split_once("](<")?;
    let (url, _) = after.split_once(">)")?;
    (!label.contains('\n')).then(|| (plain(label), label.len() + url.len() + 6))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn markup_reads_as_people_read_it() {
        let words = r"**a\_b** by <@400000000000000001> until <t:1795248000:t>: [\#7](<http://x/7>) [Approve] <@1>";
        assert_eq!(plain(words), "**a_b** by @ana until <time>: #7 [Approve] @1");
    }
}
