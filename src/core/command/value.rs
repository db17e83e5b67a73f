//! The values that options take: reading one from text, and saying why a text is none.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    definition::{CommandOption, OptionKind},
    refusal::ParseRefusal,
    registry::Commands,
    vocabulary::{Suggestions, Vocabulary, shown},
    words::on_one_line,
};
use crate::core::{
    moment::Moment,
    names::{CommandName, Environment, ImageDigest, ImageTag, PersonId, RequestId, Service},
    span::Span,
};

/// The value of an option. As JSON: `{"service": "checkout"}`, `{"integer": 3}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A service that the vocabulary has.
    Service(Service),
    /// At least two of them, each once.
    Services(Vec<Service>),
    /// An environment that the vocabulary has.
    Environment(Environment),
    /// An environment or a group of them that the vocabulary has.
    Environments(Environment),
    /// A tag; whether it exists is not known here.
    Tag(ImageTag),
    /// A digest; whether it exists is not known here.
    Digest(ImageDigest),
    /// A whole number within the option's limits and within 2^53.
    Integer(i64),
    /// A length of time.
    Duration(Span),
    /// A moment.
    Moment(Moment),
    /// Text on one line, not empty.
    Text(String),
    /// Yes or no.
    Boolean(bool),
    /// A person that the vocabulary has.
    Person(PersonId),
    /// One of the option's choices.
    Choice(String),
    /// A command that there is.
    Command(CommandName),
    /// A commit's id or its beginning, `#12` for a pull request, or a request's id.
    Commit(String),
    /// One word, not empty; with white space where it was in quotes.
    Word(String),
}

/// The most services of one command.
const MOST_SERVICES: usize = 20;

/// Numbers beyond this cannot stand in an entry.
const LARGEST: i64 = 1 << 53;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => name.fmt(f),
            Self::Services(names) => {
                let names: Vec<&str> = names.iter().map(Service::as_str).collect();
                f.write_str(&names.join(","))
            }
            Self::Environment(name) | Self::Environments(name) => name.fmt(f),
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Duration(span) => span.fmt(f),
            Self::Moment(moment) => moment.fmt(f),
            Self::Text(text) | Self::Choice(text) | Self::Commit(text) | Self::Word(text) => f.write_str(text),
            Self::Boolean(yes) => f.write_str(if *yes { "yes" } else { "no" }),
            Self::Person(name) => name.fmt(f),
            Self::Command(name) => name.fmt(f),
        }
    }
}

/// What exists: the names that values are checked against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) commands: &'a Commands,
    pub(super) vocabulary: &'a Vocabulary,
}

impl Known<'_> {
    /// The value of this kind that `text` stands for, if it stands for one.
    pub(super) fn value(&self, kind: &OptionKind, text: &str) -> Option<Value> {
        let names = self.vocabulary;
        match kind {
            OptionKind::Service => names.service(text).map(Value::Service),
            OptionKind::Services => self.services(text),
            OptionKind::Environment => names.environment(text).map(Value::Environment),
            OptionKind::Environments => names.environment(text).or_else(|| names.group(text)).map(Value::Environments),
            OptionKind::ImageTag => ImageTag::parse(text).ok().map(Value::Tag),
            OptionKind::ImageDigest => ImageDigest::parse(text).ok().map(Value::Digest),
            OptionKind::Integer { min, max } => integer(text).filter(|n| (*min..=*max).contains(n)).map(Value::Integer),
            OptionKind::Duration => Span::parse(text).ok().map(Value::Duration),
            OptionKind::Moment => Moment::parse(text).ok().map(Value::Moment),
            OptionKind::Text => Some(on_one_line(text)).filter(|text| !text.is_empty()).map(Value::Text),
            OptionKind::Boolean => yes_or_no(text).map(Value::Boolean),
            OptionKind::Person => names.person(text).map(Value::Person),
            OptionKind::Choice(choices) => {
                choices.iter().find(|choice| choice.eq_ignore_ascii_case(text)).cloned().map(Value::Choice)
            }
            OptionKind::Command => self.commands.named(text).map(|definition| Value::Command(definition.name.clone())),
            OptionKind::Commit => commit(text).map(Value::Commit),
            OptionKind::Word => Some(on_one_line(text)).filter(|text| !text.is_empty()).map(Value::Word),
        }
    }

    /// One service, or several between commas; each counts once.
    fn services(&self, text: &str) -> Option<Value> {
        let mut found: Vec<Service> = Vec::new();
        for name in names(text) {
            let service = self.vocabulary.service(name)?;
            if !found.contains(&service) {
                found.push(service);
            }
        }
        match found.as_slice() {
            [] => None,
            [one] => Some(Value::Service(one.clone())),
            _ => (found.len() <= MOST_SERVICES).then_some(Value::Services(found)),
        }
    }

    /// Why `text` is no value of this option.
    pub(super) fn refusal(&self, option: &CommandOption, text: &str) -> ParseRefusal {
        let (option_name, found) = (option.name.clone(), shown(text));
        match &option.kind {
            OptionKind::Service => self.vocabulary.no_service(text),
            OptionKind::Services => {
                let wrong = names(text).find(|name| self.vocabulary.service(name).is_none());
                self.vocabulary.no_service(wrong.unwrap_or(text))
            }
            OptionKind::Environment | OptionKind::Environments => self.vocabulary.no_environment(text),
            OptionKind::ImageTag => ParseRefusal::NotATag { option: option_name, found, tag: tag_within(text) },
            OptionKind::ImageDigest => ParseRefusal::NotADigest { option: option_name, found },
            OptionKind::Integer { min, max } if is_in_digits(text) => {
                let max = if integer(text).is_some() { *max } else { LARGEST.min(*max) };
                ParseRefusal::OutOfRange { option: option_name, found, min: *min, max }
            }
            OptionKind::Integer { .. } => ParseRefusal::NotANumber { option: option_name, found },
            OptionKind::Duration => ParseRefusal::NotADuration { option: option_name, found },
            OptionKind::Moment => ParseRefusal::NotAMoment { option: option_name, found },
            OptionKind::Text | OptionKind::Word => ParseRefusal::Half { found: format!("{option_name}=") },
            OptionKind::Boolean => ParseRefusal::NotYesOrNo { option: option_name, found },
            OptionKind::Person => self.vocabulary.no_person(text),
            OptionKind::Choice(choices) => {
                ParseRefusal::NotAChoice { option: option_name, found, choices: choices.clone() }
            }
            OptionKind::Command => self.no_command(text),
            OptionKind::Commit => ParseRefusal::NotACommit { option: option_name, found },
        }
    }

    /// The refusal of a command that does not exist.
    pub(super) fn no_command(&self, text: &str) -> ParseRefusal {
        let text = text.trim_start_matches('/');
        let names = self.commands.iter().map(|definition| definition.name.as_str());
        ParseRefusal::UnknownCommand { found: shown(text), suggestions: Suggestions::of(text, names) }
    }
}

/// The names between commas.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// Digits, with `-` before them at most.
fn integer(text: &str) -> Option<i64> {
    let number = text.parse::<i64>().ok().filter(|_| is_in_digits(text))?;
    (-LARGEST..=LARGEST).contains(&number).then_some(number)
}

/// Whether this is a whole number, however large.
pub(super) fn is_in_digits(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A commit, a pull request or a request, also by the address of its page.
fn commit(text: &str) -> Option<String> {
    let page = |word: &str| text.split_once(word).filter(|_| text.contains("://")).map(|(_, rest)| rest);
    let digits = |text: &str| !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = text.strip_prefix('#').or_else(|| page("/pull/")) {
        let number = rest.split('/').next().unwrap_or_default();
        return digits(number).then(|| format!("#{number}"));
    }
    let id = page("/commit/").unwrap_or(text).to_ascii_lowercase();
    let is_commit = (7..=40).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then_some(id).or_else(|| RequestId::parse(text).ok().map(|id| id.to_string()))
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" => Some(true),
        "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// The tag of a whole image: of `ghcr.io/acme/checkout:v1.2.5`, `checkout:v1.2.5` or `:latest`, but not of `12:30`.
pub(super) fn tag_within(text: &str) -> Option<String> {
    let (image, tag) = text.rsplit_once(':')?;
    let is_image = image.is_empty() || image.contains('/') || looks_like_a_version(tag);
    let tag = ImageTag::parse(tag).ok().filter(|_| is_image && !image.ends_with("sha256"))?;
    Some(tag.to_string())
}

/// Whether a word is most likely a version: `v1...`, or digits with a dot.
pub(super) fn looks_like_a_version(text: &str) -> bool {
    let mut chars = text.chars();
    match chars.next() {
        Some('v' | 'V') => chars.next().is_some_and(|c| c.is_ascii_digit()),
        Some(first) => first.is_ascii_digit() && text.contains('.'),
        None => false,
    }
}
