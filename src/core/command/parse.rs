//! From what a person typed to a command, or to a refusal that says what to type instead.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    asking::Command,
    definition::{Definition, OptionKind, Presence},
    explain::{begun as begun_values, explain},
    reading::{Reading, Task, Values, readings},
    refusal::ParseRefusal,
    registry::Commands,
    value::{Known, Value},
    vocabulary::{Suggestions, Vocabulary, shown},
    words::{Quoting, Word, joined, on_one_line, quoted, split, visible},
};
use crate::core::names::CommandName;

/// How a command was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invoked<'a> {
    /// By its own name, `/deploy checkout prod v1.2.5`: the text has only the options. Holds the name, `/` or not.
    Bare(&'a str),
    /// Under one command for all, `/lf deploy checkout prod v1.2.5`: the text begins with the command's name.
    /// Holds what stands before it: `/lf`, or nothing on a terminal.
    Under(&'a str),
}

impl Invoked<'_> {
    /// A command as it is typed this way: `/deploy checkout`, `/lf deploy checkout`.
    fn typed(self, text: &str) -> String {
        match self {
            Self::Bare(_) => format!("/{text}"),
            Self::Under("") => text.to_owned(),
            Self::Under(before) => format!("{before} {text}"),
        }
    }
}

/// Reads what a person typed.
///
/// # Errors
/// When it is no command, or could be two.
pub fn parse(
    commands: &Commands,
    vocabulary: &Vocabulary,
    invoked: Invoked<'_>,
    text: &str,
) -> Result<Command, ParseRefusal> {
    let known = Known { commands, vocabulary };
    let mut words = split(text)?;
    let called = match invoked {
        Invoked::Bare(name) => name.to_owned(),
        Invoked::Under(_) if words.is_empty() => "help".to_owned(),
        Invoked::Under(_) => words.remove(0).raw,
    };
    let called = of_two_words(commands, called, &mut words);
    let definition = commands.named(&called).ok_or_else(|| known.no_command(&called))?;
    let reader = Reader { known, invoked, definition };
    let words = reader.joined(words);
    match reader.help(&words) {
        Some(help) => help,
        None => reader.command(&words),
    }
}

/// `preview create` is `preview-create`, where no command is called `preview`.
fn of_two_words(commands: &Commands, called: String, words: &mut Vec<Word>) -> String {
    let both = words.first().map(|next| format!("{called}-{}", next.raw));
    match both.filter(|both| commands.named(&called).is_none() && commands.named(both).is_some()) {
        Some(both) => {
            words.remove(0);
            both
        }
        None => called,
    }
}

/// A command that lacks something required: what a form asks for the rest of.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// The command.
    pub definition: Arc<Definition>,
    /// What was given so far, by option, as it would be typed.
    pub given: BTreeMap<String, String>,
    /// The name that is to be typed once more, where nothing else is missing.
    pub confirm: Option<String>,
}

/// What was begun, where a text is a command that lacks only what a form can ask for; nothing where it is whole, or where
/// something in it is wrong, which is better said at once.
pub fn begun(commands: &Commands, vocabulary: &Vocabulary, invoked: Invoked<'_>, text: &str) -> Option<Begun> {
    let known = Known { commands, vocabulary };
    let mut words = split(text).ok()?;
    let called = match invoked {
        Invoked::Bare(name) => name.to_owned(),
        Invoked::Under(_) if words.is_empty() => return None,
        Invoked::Under(_) => words.remove(0).raw,
    };
    let called = of_two_words(commands, called, &mut words);
    let definition = commands.named(&called)?;
    let reader = Reader { known, invoked, definition };
    let words = reader.joined(words);
    if reader.help(&words).is_some() {
        return None;
    }
    let (by_name, bare) = reader.separate(&words).ok()?;
    let values = begun_values(Task { definition, known, words: &bare }, by_name)?;
    let named = definition.options.iter().zip(values);
    let given = named.filter_map(|(option, value)| Some((option.name.clone(), value?.to_string()))).collect();
    Some(Begun { definition: Arc::clone(definition), given, confirm: None })
}

/// Makes a command of options that have names already: of a form, or of a platform that separates them.
///
/// # Errors
/// As [`parse`]. An option without text counts as not given.
pub fn from_options(
    commands: &Commands,
    vocabulary: &Vocabulary,
    name: &CommandName,
    options: &[(&str, &str)],
) -> Result<Command, ParseRefusal> {
    let known = Known { commands, vocabulary };
    let definition = commands.get(name).ok_or_else(|| known.no_command(name.as_str()))?;
    let reader = Reader { known, invoked: Invoked::Bare(name.as_str()), definition };
    let mut words = Vec::new();
    for (place, (option, text)) in options.iter().enumerate() {
        let text = on_one_line(&String::from_iter(visible(text)?));
        let raw = format!("{option}={}", quoted(&text));
        words.push(Word { place, name: Some((*option).to_owned()), text, raw, quoting: Quoting::Quoted });
    }
    words.retain(|word| !word.text.is_empty());
    reader.command(&words)
}

/// Reads the options of one command.
#[derive(Clone, Copy)]
struct Reader<'a> {
    known: Known<'a>,
    invoked: Invoked<'a>,
    definition: &'a Arc<Definition>,
}

impl Reader<'_> {
    /// Where several services may be named, a comma holds their names together.
    fn joined(&self, words: Vec<Word>) -> Vec<Word> {
        let takes_several = self.definition.options.iter().any(|option| option.kind == OptionKind::Services);
        let is_service = |name: &str| self.known.vocabulary.service(name).is_some();
        if takes_several { joined(words, is_service) } else { words }
    }

    fn usage(&self) -> String {
        self.invoked.typed(&self.definition.usage())
    }

    /// `/deploy help` and `/deploy --help` mean `/help deploy`, unless a service is called so.
    fn help(&self, words: &[Word]) -> Option<Result<Command, ParseRefusal>> {
        let [word] = words else { return None };
        let asked = matches!(word.raw.to_ascii_lowercase().as_str(), "help" | "--help" | "—help" | "-h");
        let help = self.known.commands.named("help").filter(|help| *help != self.definition)?;
        if !asked || self.known.vocabulary.service(&word.text).is_some() || help.option("command").is_none() {
            return None;
        }
        let text = format!("command={}", self.definition.name);
        Some(split(&text).and_then(|words| Reader { definition: help, ..*self }.command(&words)))
    }

    fn command(&self, words: &[Word]) -> Result<Command, ParseRefusal> {
        let values = self.values(words)?;
        let values = self.with_defaults(values)?;
        let text = self.short(&values).unwrap_or_else(|| self.by_name(&values));
        let named = self.definition.options.iter().zip(values);
        let values: BTreeMap<String, Value> =
            named.filter_map(|(option, value)| Some((option.name.clone(), value?))).collect();
        Ok(Command::new(Arc::clone(self.definition), values, text))
    }

    /// The one reading of these words.
    fn values(&self, words: &[Word]) -> Result<Values, ParseRefusal> {
        let (by_name, bare) = self.separate(words)?;
        let task = Task { definition: self.definition, known: self.known, words: &bare };
        let mut found = readings(task, by_name.clone());
        match (found.pop(), found.pop()) {
            (None, _) => Err(explain(task, by_name, &self.usage())),
            (Some(only), None) => self.undivided(only, words),
            (Some(second), Some(first)) => Err(self.ambiguous(&[&first.values, &second.values])),
        }
    }

    /// Takes out the options given by name; what remains has none.
    fn separate(&self, words: &[Word]) -> Result<(Values, Vec<Word>), ParseRefusal> {
        let opened = words.iter().find(|word| word.opens_text()).map_or(usize::MAX, |word| word.place);
        let mut values: Values = self.definition.options.iter().map(|_| None).collect();
        let mut bare = Vec::new();
        for word in words {
            let in_text = word.place > opened;
            let option = word.name.as_deref().map(|name| (name, self.place_of(name)));
            match option {
                Some((_, Some(place))) => self.fill(&mut values, place, word)?,
                Some((name, None)) if !in_text => return Err(self.no_option(name)),
                None if word.is_dashed() && !in_text => return Err(self.no_option(&word.text)),
                Some((_, None)) => bare.push(Word { name: None, text: word.raw.clone(), ..word.clone() }),
                None => bare.push(word.clone()),
            }
        }
        Ok((values, bare))
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.definition.options.iter().position(|option| option.name == name)
    }

    fn fill(&self, values: &mut Values, place: usize, word: &Word) -> Result<(), ParseRefusal> {
        let (Some(option), Some(value)) = (self.definition.options.get(place), values.get_mut(place)) else {
            return Ok(());
        };
        if value.is_some() {
            return Err(ParseRefusal::Twice { option: option.name.clone() });
        }
        let read = self.known.value(&option.kind, &word.text);
        *value = Some(read.ok_or_else(|| self.known.refusal(option, &word.text))?);
        Ok(())
    }

    fn no_option(&self, found: &str) -> ParseRefusal {
        let names = self.definition.options.iter().map(|option| option.name.as_str());
        let suggestions = Suggestions::of(found.trim_start_matches(['-', '—', '–']), names);
        let command = self.definition.name.to_string();
        ParseRefusal::UnknownOption { command, found: shown(found), suggestions, usage: self.usage() }
    }

    /// Refuses a reading whose text has an option's name in the midst: "because replicas=3 was too few".
    fn undivided(&self, reading: Reading, words: &[Word]) -> Result<Values, ParseRefusal> {
        let Some((text, start)) = reading.text else { return Ok(reading.values) };
        let last = words.iter().rfind(|word| word.name.is_none()).map_or(0, |word| word.place);
        let within = |word: &&Word| word.name.is_some() && (start..last).contains(&word.place);
        let mut other = reading.values.clone();
        let mut divided = false;
        for place in words.iter().filter(within).filter_map(|word| self.place_of(word.name.as_deref()?)) {
            divided |= self.definition.options.get(place).is_some_and(|option| !option.is_required());
            other.get_mut(place).map(Option::take);
        }
        if !divided {
            return Ok(reading.values);
        }
        let rest =
            words.iter().skip_while(|word| word.place < start || word.opens_text()).map(|word| word.raw.as_str());
        if let Some(value) = other.get_mut(text) {
            *value = Some(Value::Text(on_one_line(&rest.collect::<Vec<_>>().join(" "))));
        }
        Err(self.ambiguous(&[&reading.values, &other]))
    }

    fn ambiguous(&self, readings: &[&Values]) -> ParseRefusal {
        let typed = |values: &&Values| self.invoked.typed(&self.by_name(values));
        ParseRefusal::Ambiguous { readings: readings.iter().map(typed).collect() }
    }

    fn with_defaults(&self, mut values: Values) -> Result<Values, ParseRefusal> {
        for (option, value) in self.definition.options.iter().zip(&mut values) {
            if let (Presence::Default(text), None) = (&option.presence, &value) {
                let read = self.known.value(&option.kind, text);
                *value = Some(read.ok_or_else(|| self.known.refusal(option, text))?);
            }
        }
        Ok(values)
    }

    /// Every value with its name.
    fn by_name(&self, values: &Values) -> String {
        self.written(values, |_| false)
    }

    /// Required values without names, the others with theirs; nothing where that could be read differently.
    fn short(&self, values: &Values) -> Option<String> {
        let required: Vec<bool> = self.definition.options.iter().map(super::CommandOption::is_required).collect();
        let text = self.written(values, |at| required.get(at).copied().unwrap_or(false));
        let mut words = split(&text).ok()?;
        words.remove(0);
        let words = self.joined(words);
        (self.values(&words).as_ref() == Ok(values)).then_some(text)
    }

    fn written(&self, values: &Values, is_bare: impl Fn(usize) -> bool) -> String {
        let mut text = self.definition.name.to_string();
        for (at, (option, value)) in self.definition.options.iter().zip(values).enumerate() {
            let Some(value) = value else { continue };
            let value = quoted(&value.to_string());
            text += &if is_bare(at) { format!(" {value}") } else { format!(" {}={value}", option.name) };
        }
        text
    }
}
