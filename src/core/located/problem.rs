//! What is wrong with a file and where, and what is worth saying about one that is right.

use std::fmt;

use super::tree::Place;

/// One mistake. `Display` is `line:column: key: found ..., expected .... Remedy.`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// The key it is about, from the top of the file: `slack.transport`; empty for the file itself.
    pub key: String,
    /// What stands there, never a secret.
    pub found: String,
    /// What may stand there.
    pub expected: String,
    /// One sentence: what to do.
    pub remedy: String,
}

impl Problem {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        self.remedy.clone()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.place.line, self.place.column)?;
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        write!(f, "found {}, expected {}. {}", self.found, self.expected, self.remedy)
    }
}

/// Every mistake of one file, in the order of its lines. `Display` has one line for each, opened by the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.list.iter().map(|problem| format!("{}:{problem}", self.file)).collect::<Vec<_>>().join("\n"))]
pub struct Problems {
    /// The file, as it was named.
    pub file: String,
    /// The mistakes; never empty.
    pub list: Vec<Problem>,
}

impl Problems {
    /// Gathers the mistakes of a file: sorted by place, each once.
    pub fn new(file: &str, mut list: Vec<Problem>) -> Self {
        list.sort();
        list.dedup();
        Self { file: file.to_owned(), list }
    }

    /// What to do about the first.
    pub fn remedy(&self) -> String {
        self.list.first().map(Problem::remedy).unwrap_or_default()
    }
}

/// Something to say about a file that is right: not supported yet, or risky.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// The line, from 1.
    pub line: usize,
    /// The key it is about.
    pub key: String,
    /// What to know, a whole sentence.
    pub words: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: `{}`: {}", self.line, self.key, self.words)
    }
}

/// The choice that somebody who wrote `found` most likely meant, if any is near.
pub fn nearest<'a>(found: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |choice: &str| strsim::jaro_winkler(&found.to_lowercase(), choice);
    choices
        .into_iter()
        .map(|choice| (likeness(choice), choice))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, choice)| choice)
}

/// Writes choices as a sentence has them: "`a`, `b` or `c`".
pub fn either<'a>(choices: impl IntoIterator<Item = &'a str>) -> String {
    let mut quoted: Vec<String> = choices.into_iter().map(|choice| format!("`{choice}`")).collect();
    match (quoted.pop(), quoted.is_empty()) {
        (None, _) => "nothing".to_owned(),
        (Some(last), true) => last,
        (Some(last), false) => format!("{} or {last}", quoted.join(", ")),
    }
}
