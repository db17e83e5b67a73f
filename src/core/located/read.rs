//! Reading typed values from the tree. Every reader reports what it cannot read and returns `None`,
//! so that one pass over a file finds all that is wrong with it.

use super::{
    problem::{Problem, either, nearest},
    tree::{Key, Node, Origin, Place, Value},
};
use crate::core::names::NotAName;

/// How much of a wrong value a message shows, in characters.
const SHOWN: usize = 80;

/// The keys of a map whose keys are fixed.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    owner: &'a Node,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    /// The value of a key that may be absent.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }

    /// The value of a key that must be there. `example` is a line that would do.
    pub fn required(&self, key: &str, example: &str, problems: &mut Vec<Problem>) -> Option<&'a Node> {
        let found = self.get(key);
        if found.is_none() && matches!(self.owner.value, Value::Map(_) | Value::Nothing) {
            problems.push(self.missing(key, example));
        }
        found
    }

    /// The report that a key is missing.
    pub fn missing(&self, key: &str, example: &str) -> Problem {
        Problem {
            place: self.owner.key_place,
            key: self.owner.key.clone(),
            found: format!("no `{key}`"),
            expected: format!("the key `{key}`"),
            remedy: format!("Add it, for example `{example}`."),
        }
    }

    /// Whether this is a map that has none of the keys.
    pub fn is_empty_of(&self, keys: &[&str]) -> bool {
        matches!(self.owner.value, Value::Map(_) | Value::Nothing) && keys.iter().all(|key| self.get(key).is_none())
    }

    /// The map itself.
    pub fn owner(&self) -> &'a Node {
        self.owner
    }
}

impl Key {
    /// The report of a key that may not stand where it does.
    fn problem(&self, node: &Node, found: String, expected: String, remedy: String) -> Problem {
        Problem { place: self.place, key: node.key.clone(), found, expected, remedy }
    }

    /// The report of a key that is not the name it was meant to be; `path` leads to it.
    pub fn refused(&self, error: NotAName, path: &str) -> Problem {
        not_a_name(error, self.place, path)
    }
}

impl Node {
    /// The report that this value is wrong, found being the value itself.
    pub fn problem(&self, expected: impl Into<String>, remedy: impl Into<String>) -> Problem {
        let (expected, remedy) = (expected.into(), remedy.into());
        Problem { place: self.place, key: self.key.clone(), found: self.found(), expected, remedy }
    }

    /// What stands here, in words. A value behind a reference is never shown, the reference is.
    pub fn found(&self) -> String {
        match &self.value {
            Value::Nothing => "nothing".to_owned(),
            Value::Flag(flag) => format!("`{flag}`"),
            Value::Number(number) => format!("the number `{number}`"),
            Value::Text(text, Origin::Literal) | Value::Text(_, Origin::Reference { written: text, .. }) => shown(text),
            Value::List(items) => if items.is_empty() { "an empty list" } else { "a list" }.to_owned(),
            Value::Map(entries) => if entries.is_empty() { "an empty map" } else { "a map" }.to_owned(),
            Value::Reported => "what could not be read".to_owned(),
        }
    }

    /// Reports this value unless that has been done.
    fn refuse<T>(&self, expected: &str, remedy: &str, problems: &mut Vec<Problem>) -> Option<T> {
        if self.value != Value::Reported {
            problems.push(self.problem(expected, remedy));
        }
        None
    }

    /// A map whose keys are known; any other key is reported with the nearest that is known. Nothing is an empty map.
    pub fn fields(&self, known: &[&str], problems: &mut Vec<Problem>) -> Fields<'_> {
        let entries = self.entries(problems);
        for (key, node) in entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            let remedy = match nearest(&key.text, known.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => "Remove it, or move it to where it belongs.".to_owned(),
            };
            let expected = either(known.iter().copied());
            problems.push(key.problem(node, "an unknown key".to_owned(), expected, remedy));
        }
        Fields { owner: self, entries }
    }

    /// A map whose keys are free. Nothing is an empty map.
    pub fn entries(&self, problems: &mut Vec<Problem>) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => return entries,
            Value::Nothing | Value::Reported => {}
            Value::Flag(_) | Value::Number(_) | Value::Text(..) | Value::List(_) => {
                problems.push(self.problem("a map", "Write `key: value` lines below it."));
            }
        }
        &[]
    }

    /// A map whose keys are names; a key that is no name is reported and left out.
    pub fn named_entries<T>(
        &self,
        parse: impl Fn(&str) -> Result<T, NotAName>,
        problems: &mut Vec<Problem>,
    ) -> Vec<(T, &Node)> {
        let mut named = Vec::new();
        for (key, node) in self.entries(problems) {
            match parse(&key.text) {
                Ok(name) => named.push((name, node)),
                Err(error) => problems.push(key.refused(error, &node.key)),
            }
        }
        named
    }

    /// A list. Nothing is an empty one.
    pub fn items(&self, problems: &mut Vec<Problem>) -> &[Node] {
        match &self.value {
            Value::List(items) => return items,
            Value::Nothing | Value::Reported => {}
            Value::Flag(_) | Value::Number(_) | Value::Text(..) | Value::Map(_) => {
                problems.push(self.problem("a list", "Put it in brackets: `[one, two]`."));
            }
        }
        &[]
    }

    /// Text that is not empty.
    pub fn text(&self, problems: &mut Vec<Problem>) -> Option<&str> {
        match &self.value {
            Value::Text(text, _) if !text.trim().is_empty() => Some(text),
            Value::Number(_) | Value::Flag(_) => self.refuse("text", "Put it in quotes.", problems),
            Value::Text(..) | Value::Nothing => self.refuse("text", "Write the value, or remove the key.", problems),
            Value::List(_) | Value::Map(_) => self.refuse("text", "Write one value.", problems),
            Value::Reported => None,
        }
    }

    /// `true` or `false`.
    pub fn flag(&self, problems: &mut Vec<Problem>) -> Option<bool> {
        match &self.value {
            Value::Flag(flag) => Some(*flag),
            Value::Text(text, Origin::Reference { .. }) if text == "true" || text == "false" => Some(text == "true"),
            Value::Nothing | Value::Number(_) | Value::Text(..) | Value::List(_) | Value::Map(_) | Value::Reported => {
                self.refuse("`true` or `false`", "Write one of the two, without quotes.", problems)
            }
        }
    }

    /// A whole number from 0 to 2^32 - 1.
    pub fn count(&self, problems: &mut Vec<Problem>) -> Option<u32> {
        let number = match &self.value {
            Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            Value::Text(text, Origin::Reference { .. }) => text.parse().ok(),
            Value::Nothing | Value::Flag(_) | Value::Text(..) | Value::List(_) | Value::Map(_) | Value::Reported => {
                None
            }
        };
        number.or_else(|| self.refuse("a whole number from 0 on", "Write a number, without quotes.", problems))
    }

    /// Text that a name's `parse` accepts.
    pub fn named<T>(&self, parse: impl Fn(&str) -> Result<T, NotAName>, problems: &mut Vec<Problem>) -> Option<T> {
        let text = self.text(problems)?;
        let error = match parse(text) {
            Ok(name) => return Some(name),
            Err(error) => error,
        };
        let found = self.found();
        problems.push(Problem { found, ..not_a_name(error, self.place, &self.key) });
        None
    }

    /// A list of texts that a name's `parse` accepts.
    pub fn named_items<T>(&self, parse: impl Fn(&str) -> Result<T, NotAName>, problems: &mut Vec<Problem>) -> Vec<T> {
        self.items(problems).iter().filter_map(|item| item.named(&parse, problems)).collect()
    }

    /// One of a few words, each with what it stands for.
    pub fn choice<T: Clone>(&self, choices: &[(&str, T)], problems: &mut Vec<Problem>) -> Option<T> {
        let text = self.text(problems)?;
        if let Some((_, meaning)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(meaning.clone());
        }
        let words = || choices.iter().map(|(word, _)| *word);
        let remedy = match nearest(text, words()) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("Write {}.", either(words())),
        };
        problems.push(self.problem(either(words()), remedy));
        None
    }
}

fn not_a_name(error: NotAName, place: Place, key: &str) -> Problem {
    Problem {
        place,
        key: key.to_owned(),
        found: shown(&error.found),
        expected: format!("{}: {}", error.kind, error.rule),
        remedy: format!("Write it like `{}`.", error.example),
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => format!("`{}`", text.escape_debug()),
        Some(_) => format!("`{}...`", text.chars().take(SHOWN).collect::<String>().escape_debug()),
    }
}
