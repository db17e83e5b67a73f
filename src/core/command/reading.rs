//! The ways in which bare words can be read as the options of a command.
//!
//! Words are taken from left to right. A word may be the value of the first open option of each type that it fits;
//! small words, and an option's own name beside its value ("to 3 replicas"), mean nothing. Once all other required
//! options have a value, the words from one on may be the text option's. A reading in which every word is a value
//! beats one with such trailing words; of readings equal in that there must be only one.

use std::mem::discriminant;

use super::{
    definition::{CommandOption, Definition, OptionKind},
    value::{Known, Value, is_in_digits, looks_like_a_version, tag_within},
    words::{Quoting, Word, on_one_line},
};

/// Values by the place of their option in the definition.
pub(super) type Values = Vec<Option<Value>>;

/// One way to read the words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) values: Values,
    /// The text option and the place of the first word it took, where it took several.
    pub(super) text: Option<(usize, usize)>,
}

/// All that is needed to read words: the command, what exists, the words without names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) definition: &'a Definition,
    pub(super) known: Known<'a>,
    pub(super) words: &'a [Word],
}

/// The readings that make sense, best kind first found: none, one, or two that contradict each other.
pub(super) fn readings(task: Task<'_>, by_name: Values) -> Vec<Reading> {
    let mut search = Search { task, whole: Vec::new(), trailing: Vec::new(), steps: 0 };
    search.walk(0, &State { values: by_name, last: None, taken: 0, label: None });
    if search.steps > STEPS {
        return Vec::new();
    }
    if search.whole.is_empty() { search.trailing } else { search.whole }
}

/// Beyond this many steps a command is refused as ambiguous rather than thought about; a usual one takes ten.
const STEPS: usize = 20_000;

/// How far a reading has come.
#[derive(Debug, Clone)]
struct State {
    values: Values,
    /// The option that the last value went to.
    last: Option<usize>,
    /// The place after the word of the last value.
    taken: usize,
    /// The option whose name was just said and whose value must follow.
    label: Option<usize>,
}

impl State {
    fn with(&self, option: usize, value: Value, taken: usize) -> Self {
        let mut values = self.values.clone();
        if let Some(place) = values.get_mut(option) {
            *place = Some(value);
        }
        Self { values, last: Some(option), taken, label: None }
    }

    fn is_open(&self, option: usize) -> bool {
        self.values.get(option).is_some_and(Option::is_none)
    }

    fn allows(&self, option: usize) -> bool {
        self.is_open(option) && self.label.is_none_or(|label| label == option)
    }
}

struct Search<'a> {
    task: Task<'a>,
    whole: Vec<Reading>,
    trailing: Vec<Reading>,
    steps: usize,
}

/// How the text option got several words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    /// It was named: `because ...`, `reason ...`.
    Openly,
    /// They are what was left.
    Trailing,
}

impl Search<'_> {
    fn walk(&mut self, at: usize, state: &State) {
        self.steps += 1;
        if self.steps > STEPS || self.whole.len() > 1 {
            return;
        }
        let Some(word) = self.task.words.get(at) else {
            if state.label.is_none() && self.is_complete(state, None) {
                keep(&mut self.whole, Reading { values: state.values.clone(), text: None });
            }
            return;
        };
        if word.opens_text() {
            return self.take_rest(at, at + 1, state, Said::Openly);
        }
        if self.label(at, word, state) || self.choice(at, word, state) {
            return;
        }
        if word.is_small() {
            return self.walk(at + 1, state);
        }
        self.value(at, word, state);
        self.text(at, word, state);
    }

    /// Reads the word as the name of an option beside its value. Whether that led anywhere.
    fn label(&mut self, at: usize, word: &Word, state: &State) -> bool {
        let options = &self.task.definition.options;
        let named = options.iter().position(|option| option.name.eq_ignore_ascii_case(&word.text));
        let Some(option) = named.filter(|_| word.quoting == Quoting::Bare && state.label.is_none()) else {
            return false;
        };
        let before = self.whole.len() + self.trailing.len();
        let label = Some(option).filter(|option| state.last != Some(*option));
        self.walk(at + 1, &State { label, ..state.clone() });
        self.whole.len() + self.trailing.len() > before
    }

    /// Reads a small word that is one of an option's few values, `on`, as that value. Whether that led anywhere.
    fn choice(&mut self, at: usize, word: &Word, state: &State) -> bool {
        let options = self.task.definition.options.iter().enumerate();
        let takes = |(at, option): &(usize, &CommandOption)| {
            matches!(option.kind, OptionKind::Choice(_))
                && state.allows(*at)
                && self.task.fits(&option.kind, word).is_some()
        };
        let Some((option, definition)) = options.into_iter().find(takes).filter(|_| word.is_small()) else {
            return false;
        };
        let before = self.whole.len() + self.trailing.len();
        if let Some(value) = self.task.fits(&definition.kind, word) {
            self.walk(at + 1, &state.with(option, value, at + 1));
        }
        self.whole.len() + self.trailing.len() > before
    }

    /// Reads the word as a value: of the first open option of each type that it fits.
    fn value(&mut self, at: usize, word: &Word, state: &State) {
        let mut tried = Vec::new();
        for (option, definition) in self.task.definition.options.iter().enumerate() {
            let kind = discriminant(&definition.kind);
            if !state.allows(option) || tried.contains(&kind) {
                continue;
            }
            if let Some(value) = self.task.fits(&definition.kind, word) {
                // Beside tags a moment is one only where that is said: `2026-12-24` and `4h` may be tags.
                if definition.kind == OptionKind::Moment && state.label.is_none() && self.task.takes_tags() {
                    continue;
                }
                tried.push(kind);
                self.walk(at + 1, &state.with(option, value, at + 1));
            }
        }
    }

    /// Reads the word as the text option's: a quoted one alone, a bare one with all that follow.
    fn text(&mut self, at: usize, word: &Word, state: &State) {
        let Some(option) = self.task.text_option(state).filter(|option| state.allows(*option)) else {
            return;
        };
        if !self.is_complete(state, Some(option)) {
            return;
        }
        if word.quoting == Quoting::Quoted {
            return self.walk(at + 1, &state.with(option, Value::Text(word.text.clone()), at + 1));
        }
        if state.label.is_some() {
            return self.take_rest(at, at, state, Said::Openly);
        }
        let only_labels = self.task.words.iter().skip(at).all(|word| self.task.is_label(word));
        let values = &state.values;
        if !only_labels && self.task.second(word, values).is_none() && self.task.misfit(word, values).is_none() {
            let start = self.begin(state);
            self.take_rest(start, start, state, Said::Trailing);
        }
    }

    /// Where trailing words begin: after the last value, and after its unit in "3 replicas".
    fn begin(&self, state: &State) -> usize {
        let last = state.last.and_then(|last| self.task.definition.options.get(last));
        let number = last.filter(|option| matches!(option.kind, OptionKind::Integer { .. }));
        let unit = self.task.words.get(state.taken).zip(number);
        let has_unit = unit.is_some_and(|(word, option)| word.text.eq_ignore_ascii_case(&option.name));
        state.taken + usize::from(has_unit)
    }

    /// Gives all words from `from` on to the text option; `start` is the first that belongs to it.
    fn take_rest(&mut self, start: usize, from: usize, state: &State, said: Said) {
        let rest = self.task.words.iter().skip(from).map(|word| word.raw.as_str()).collect::<Vec<_>>().join(" ");
        let place = self.task.words.get(start).map_or(0, |word| word.place);
        let Some(option) = self.task.text_option(state).filter(|option| state.allows(*option)) else {
            return;
        };
        if rest.is_empty() || !self.is_complete(state, Some(option)) {
            return;
        }
        let values = state.with(option, Value::Text(on_one_line(&rest)), from).values;
        let found = if said == Said::Openly { &mut self.whole } else { &mut self.trailing };
        keep(found, Reading { values, text: Some((option, place)) });
    }

    /// Whether every required option but `except` has a value.
    fn is_complete(&self, state: &State, except: Option<usize>) -> bool {
        let options = self.task.definition.options.iter().enumerate();
        options.into_iter().all(|(at, option)| !option.is_required() || Some(at) == except || !state.is_open(at))
    }
}

/// Keeps a reading unless one with the same values is there.
fn keep(found: &mut Vec<Reading>, reading: Reading) {
    if found.len() < 2 && found.iter().all(|other| other.values != reading.values) {
        found.push(reading);
    }
}

impl Task<'_> {
    /// The value of this kind that a bare word stands for. Text is never one word; a group of environments is no tag.
    pub(super) fn fits(&self, kind: &OptionKind, word: &Word) -> Option<Value> {
        let is_group = || word.quoting == Quoting::Bare && self.known.vocabulary.is_group(&word.text);
        match kind {
            OptionKind::Text => None,
            OptionKind::ImageTag if is_group() => None,
            // "for 3d" is never a thing called "for".
            OptionKind::Word | OptionKind::ImageTag if self.is_time_label(word) => None,
            OptionKind::ImageTag
            | OptionKind::Service
            | OptionKind::Services
            | OptionKind::Environment
            | OptionKind::Environments
            | OptionKind::Moment
            | OptionKind::ImageDigest
            | OptionKind::Integer { .. }
            | OptionKind::Duration
            | OptionKind::Boolean
            | OptionKind::Person
            | OptionKind::Choice(_)
            | OptionKind::Commit
            | OptionKind::Word
            | OptionKind::Command => self.known.value(kind, &word.text),
        }
    }

    /// Whether the command takes the tag of an image.
    fn takes_tags(&self) -> bool {
        self.definition.options.iter().any(|option| option.kind == OptionKind::ImageTag)
    }

    /// Whether the word is one of an option's few values.
    pub(super) fn is_choice(&self, word: &Word) -> bool {
        let mut choices = self.definition.options.iter().filter(|option| matches!(option.kind, OptionKind::Choice(_)));
        choices.any(|option| self.fits(&option.kind, word).is_some())
    }

    /// Whether the word is the name of an option.
    pub(super) fn is_label(&self, word: &Word) -> bool {
        let is_name = |name: &str| name.eq_ignore_ascii_case(&word.text);
        word.quoting == Quoting::Bare && self.definition.options.iter().any(|option| is_name(&option.name))
    }

    /// Whether the word is the name of an option that says how long, or until when.
    fn is_time_label(&self, word: &Word) -> bool {
        let is_time = |option: &&CommandOption| matches!(option.kind, OptionKind::Duration | OptionKind::Moment);
        let mut times = self.definition.options.iter().filter(is_time);
        word.quoting == Quoting::Bare && times.any(|option| option.name.eq_ignore_ascii_case(&word.text))
    }

    /// The option that takes trailing words: the last open one of type text.
    fn text_option(&self, state: &State) -> Option<usize> {
        let options = self.definition.options.iter().enumerate();
        options.rev().find(|(at, option)| option.kind == OptionKind::Text && state.is_open(*at)).map(|(at, _)| at)
    }

    /// The option that already has a value and of which this word looks like a second one. Such a word begins no
    /// text: "deploy checkout prod-eu v1.2.5 prod-us" must not become a reason.
    pub(super) fn second(&self, word: &Word, values: &Values) -> Option<&str> {
        let filled = self.definition.options.iter().zip(values).filter(|(_, value)| value.is_some());
        let mut filled = filled.map(|(option, _)| option);
        let is_second = |kind: &OptionKind| match kind {
            OptionKind::Text | OptionKind::Word => false,
            OptionKind::Environment if self.known.vocabulary.is_group(&word.text) => true,
            OptionKind::ImageTag => looks_like_a_version(&word.text),
            OptionKind::Service
            | OptionKind::Services
            | OptionKind::Environment
            | OptionKind::Environments
            | OptionKind::Moment
            | OptionKind::ImageDigest
            | OptionKind::Integer { .. }
            | OptionKind::Duration
            | OptionKind::Boolean
            | OptionKind::Person
            | OptionKind::Choice(_)
            | OptionKind::Commit
            | OptionKind::Command => self.fits(kind, word).is_some(),
        };
        filled.find(|option| is_second(&option.kind)).map(|option| option.name.as_str())
    }

    /// The open option that this word was meant for without being a value of it: a number beyond its limits, a whole
    /// image instead of a tag. Such a word begins no text either.
    pub(super) fn misfit(&self, word: &Word, values: &Values) -> Option<&CommandOption> {
        let open = self.definition.options.iter().zip(values).filter(|(_, value)| value.is_none());
        let is_misfit = |kind: &OptionKind| match kind {
            OptionKind::ImageTag => tag_within(&word.text).is_some(),
            OptionKind::Integer { .. } => is_in_digits(&word.text) && self.fits(kind, word).is_none(),
            OptionKind::ImageDigest => word.text.contains("sha256:") && self.fits(kind, word).is_none(),
            OptionKind::Environment => self.known.vocabulary.is_group(&word.text),
            OptionKind::Text
            | OptionKind::Service
            | OptionKind::Services
            | OptionKind::Environments
            | OptionKind::Moment
            | OptionKind::Duration
            | OptionKind::Boolean
            | OptionKind::Person
            | OptionKind::Choice(_)
            | OptionKind::Commit
            | OptionKind::Word
            | OptionKind::Command => false,
        };
        open.map(|(option, _)| option).find(|option| is_misfit(&option.kind))
    }
}
