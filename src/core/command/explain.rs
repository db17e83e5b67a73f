//! Why bare words are no command: finds the word that went wrong and the option it was most likely meant for.

use super::{
    definition::{CommandOption, OptionKind},
    reading::{Task, Values},
    refusal::ParseRefusal,
    value::looks_like_a_version,
    vocabulary::shown,
    words::Word,
};

/// What to tell somebody whose words have no reading. `usage` is how the command is written.
pub(super) fn explain(task: Task<'_>, by_name: Values, usage: &str) -> ParseRefusal {
    let mut sorting = sorted(task, by_name);
    sorting.group().or_else(|| sorting.missing(usage)).unwrap_or_else(|| sorting.too_many(usage))
}

/// Gives words to options as far as that is beyond doubt.
fn sorted(task: Task<'_>, by_name: Values) -> Sorting<'_> {
    let words =
        task.words.iter().take_while(|word| !word.opens_text()).filter(|word| !word.is_small() || task.is_choice(word));
    let mut sorting = Sorting { task, values: by_name, left: words.filter(|word| !task.is_label(word)).collect() };
    sorting.take(|kind, _| !matches!(kind, OptionKind::ImageTag | OptionKind::Word));
    sorting.take(|kind, word| matches!(kind, OptionKind::ImageTag) && looks_like_a_version(&word.text));
    let lacks_more =
        sorting.open().into_iter().any(|(_, option)| option.is_required() && option.kind != OptionKind::Word);
    if !lacks_more {
        sorting.take(|kind, _| matches!(kind, OptionKind::Word));
    }
    sorting
}

/// The values that words give to a command which lacks something required and has nothing wrong with it.
pub(super) fn begun(task: Task<'_>, by_name: Values) -> Option<Values> {
    let mut sorting = sorted(task, by_name);
    let lacks = sorting.group().is_none() && matches!(sorting.missing(""), Some(ParseRefusal::Missing { .. }));
    (lacks && sorting.left.is_empty()).then_some(sorting.values)
}

/// Words sorted to options as far as that is beyond doubt, and those that are left.
struct Sorting<'a> {
    task: Task<'a>,
    values: Values,
    left: Vec<&'a Word>,
}

impl<'a> Sorting<'a> {
    fn open(&self) -> Vec<(usize, &'a CommandOption)> {
        let is_open = |at: &usize| self.values.get(*at).is_some_and(Option::is_none);
        self.task.definition.options.iter().enumerate().filter(|(at, _)| is_open(at)).collect()
    }

    fn give(&mut self, option: usize, word: usize) {
        let word = self.left.remove(word);
        let kind = self.task.definition.options.get(option).map(|option| &option.kind);
        let value = kind.and_then(|kind| self.task.fits(kind, word));
        if let Some(place) = self.values.get_mut(option) {
            *place = value;
        }
    }

    /// Gives every open option the first word that it takes and that `wanted` agrees to.
    fn take(&mut self, wanted: impl Fn(&OptionKind, &Word) -> bool) {
        for (at, option) in self.open() {
            let fits = |word: &&Word| wanted(&option.kind, word) && self.task.fits(&option.kind, word).is_some();
            if let Some(word) = self.left.iter().position(fits) {
                self.give(at, word);
            }
        }
    }

    /// A group of environments where an environment is wanted.
    fn group(&self) -> Option<ParseRefusal> {
        let vocabulary = self.task.known.vocabulary;
        let word = self.left.iter().find(|word| vocabulary.is_group(&word.text))?;
        let mut open = self.open().into_iter();
        open.any(|(_, option)| option.kind == OptionKind::Environment).then(|| vocabulary.no_environment(&word.text))
    }

    /// A required option without a value: the word that was meant for it is wrong, or there is none.
    fn missing(&mut self, usage: &str) -> Option<ParseRefusal> {
        let (mut missing, mut usage) = (Vec::new(), usage.to_owned());
        for (at, option) in self.open().into_iter().filter(|(_, option)| option.is_required()) {
            let Some(place) = self.meant_for(option) else {
                missing.push(option.name.clone());
                if let Some(word) = self.small_value(option) {
                    usage = usage.replacen(&format!("<{}>", option.name), &format!("{}={}", option.name, word.text), 1);
                }
                continue;
            };
            let word = self.left.get(place)?;
            if self.task.fits(&option.kind, word).is_none() {
                return Some(self.task.known.refusal(option, &word.text));
            }
            self.give(at, place);
        }
        let command = self.task.definition.name.to_string();
        (!missing.is_empty()).then_some(ParseRefusal::Missing { command, options: missing, usage })
    }

    /// A small word that is the name of what is missing, and counts only when it is given by name.
    fn small_value(&self, option: &CommandOption) -> Option<&'a Word> {
        let is_value = |word: &&Word| word.is_small() && self.task.fits(&option.kind, word).is_some();
        self.task.words.iter().find(is_value).filter(|_| option.kind != OptionKind::ImageTag)
    }

    /// The place of the word that was most likely meant for this option: one near to a name, else the first that does
    /// not look like a version.
    fn meant_for(&self, option: &CommandOption) -> Option<usize> {
        if option.kind == OptionKind::ImageTag {
            return (!self.left.is_empty()).then_some(0);
        }
        let near = |word: &&Word| is_near(&self.task.known.refusal(option, &word.text));
        let is_no_version = |word: &&Word| !looks_like_a_version(&word.text);
        self.left.iter().position(near).or_else(|| self.left.iter().position(is_no_version))
    }

    /// The first word that is a second value of an option, with that option.
    fn second(&self) -> Option<(&Word, &str)> {
        self.left.iter().find_map(|word| Some((*word, self.task.second(word, &self.values)?)))
    }

    /// Every word has its place, and yet there is no reading.
    fn nothing_left(&self, usage: &str) -> ParseRefusal {
        let words = self.task.words;
        if let Some(word) = words.iter().find(|word| word.opens_text()) {
            return ParseRefusal::TooMany { found: shown(&word.text), usage: usage.to_owned() };
        }
        match words.last().filter(|word| self.task.is_label(word)) {
            Some(word) => ParseRefusal::half(&word.raw),
            None => ParseRefusal::Ambiguous { readings: Vec::new() },
        }
    }

    /// Nothing is missing: a word is one too many, or wrong for an option that may be left out.
    fn too_many(&self, usage: &str) -> ParseRefusal {
        let Some(word) = self.left.first() else {
            return self.nothing_left(usage);
        };
        if let Some((word, option)) = self.second() {
            let mut open = self.open().into_iter().map(|(_, option)| option);
            let text_option = open.rfind(|option| option.kind == OptionKind::Text).map(|option| option.name.clone());
            return ParseRefusal::Second { option: option.to_owned(), found: shown(&word.text), text_option };
        }
        if let Some(option) = self.task.misfit(word, &self.values) {
            return self.task.known.refusal(option, &word.text);
        }
        let is_named = |option: &&CommandOption| {
            matches!(
                option.kind,
                OptionKind::Service
                    | OptionKind::Services
                    | OptionKind::Environment
                    | OptionKind::Environments
                    | OptionKind::Person
                    | OptionKind::Command
            )
        };
        let open = self.open().into_iter().map(|(_, option)| option).filter(is_named);
        let refusals: Vec<ParseRefusal> = open.map(|option| self.task.known.refusal(option, &word.text)).collect();
        let best = refusals.iter().find(|refusal| is_near(refusal)).or(refusals.first()).cloned();
        best.unwrap_or_else(|| ParseRefusal::TooMany { found: shown(&word.text), usage: usage.to_owned() })
    }
}

/// Whether a refusal offers a name that is near to what was typed.
fn is_near(refusal: &ParseRefusal) -> bool {
    if let ParseRefusal::UnknownService { suggestions, .. }
    | ParseRefusal::UnknownEnvironment { suggestions, .. }
    | ParseRefusal::UnknownPerson { suggestions, .. }
    | ParseRefusal::UnknownCommand { suggestions, .. } = refusal
    {
        return suggestions.is_near();
    }
    false
}
