//! The words of what a person typed: split at white space, `name=value` recognised, quotes taken off.
//! Phones turn `"` into `“`, `'` into `’` and `--` into `—`; all of them are read as what was meant.

use super::refusal::ParseRefusal;

/// The most characters a command may have.
pub const LONGEST: usize = 2_000;

/// Words that make a command read like a sentence and mean nothing.
const SMALL: [&str; 8] = ["to", "of", "in", "on", "from", "->", "=>", "→"];
/// Words after which everything is the reason.
const OPENERS: [&str; 4] = ["because", "--", "—", "–"];
const DOUBLE: [char; 5] = ['"', '“', '”', '„', '‟'];
const SINGLE: [char; 5] = ['\'', '‘', '’', '‚', '‛'];
/// Chat writes commands in these, and people copy them with it.
const BACKTICK: [char; 1] = ['`'];
const FAMILIES: [&[char]; 3] = [&DOUBLE, &SINGLE, &BACKTICK];

/// Whether a value stood in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    Bare,
    Quoted,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Its place among all words.
    pub(super) place: usize,
    /// The name before `=`, in lower case and without dashes before it.
    pub(super) name: Option<String>,
    /// The value, without quotes.
    pub(super) text: String,
    /// What was typed.
    pub(super) raw: String,
    /// Whether the value stood in quotes.
    pub(super) quoting: Quoting,
}

impl Word {
    fn is_one_of(&self, words: &[&str]) -> bool {
        self.quoting == Quoting::Bare && words.iter().any(|word| self.text.eq_ignore_ascii_case(word))
    }

    /// Whether this is `to`, `of`, `in`, `on`, `from` or an arrow.
    pub(super) fn is_small(&self) -> bool {
        self.is_one_of(&SMALL)
    }

    /// Whether everything after this is the reason.
    pub(super) fn opens_text(&self) -> bool {
        self.is_one_of(&OPENERS)
    }

    /// Whether this looks like an option of a command line, `--replicas`, which would be lost in a reason.
    pub(super) fn is_dashed(&self) -> bool {
        let rest = ["--", "—", "–"].iter().find_map(|dashes| self.text.strip_prefix(dashes));
        self.quoting == Quoting::Bare && rest.and_then(|rest| rest.chars().next()).is_some_and(char::is_alphabetic)
    }
}

/// Splits what a person typed into words.
pub(super) fn split(text: &str) -> Result<Vec<Word>, ParseRefusal> {
    let mut reader = Reader { chars: visible(text)?, at: 0 };
    let mut words = Vec::new();
    while reader.skip_white_space() {
        words.push(reader.word(words.len())?);
    }
    Ok(words)
}

/// Names that people set apart by a comma and a space are one word: `checkout, payments`.
pub(super) fn joined(words: Vec<Word>, is_name: impl Fn(&str) -> bool) -> Vec<Word> {
    let are_names = |text: &str| text.split(',').filter(|name| !name.is_empty()).all(&is_name);
    let mut joined: Vec<Word> = Vec::new();
    for word in words {
        let goes_on = |last: &&mut Word| {
            let is_one = last.quoting == Quoting::Bare && word.quoting == Quoting::Bare && word.name.is_none();
            let touch = last.text.ends_with(',') || word.text.starts_with(',');
            is_one && touch && are_names(&last.text) && are_names(&word.text)
        };
        match joined.last_mut().filter(goes_on) {
            Some(last) => {
                last.text += &word.text;
                last.raw += &word.raw;
            }
            None => joined.push(word),
        }
    }
    joined
}

/// The characters that people see. What only hides is dropped; what reorders or controls is refused, because a
/// card would then show something else than what is done.
pub(super) fn visible(text: &str) -> Result<Vec<char>, ParseRefusal> {
    let mut chars = Vec::new();
    for char in text.chars() {
        match char {
            '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2060}' | '\u{FEFF}' => {}
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => return Err(ParseRefusal::hidden(char)),
            _ if char.is_control() && !char.is_whitespace() => return Err(ParseRefusal::hidden(char)),
            _ => chars.push(char),
        }
        if chars.len() > LONGEST {
            return Err(ParseRefusal::TooLong { longest: LONGEST });
        }
    }
    Ok(chars)
}

/// Options as one types them: `replicas=3 reason="why not"`.
pub fn written(options: &[(&str, &str)]) -> String {
    options.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect::<Vec<_>>().join(" ")
}

/// Options that were all typed as `name=value`; nothing where a word has no name, or a quote does not close.
pub fn by_name(text: &str) -> Option<Vec<(String, String)>> {
    split(text).ok()?.into_iter().map(|word| Some((word.name?, word.text))).collect()
}

/// Runs of white space become one space; those at the ends go.
pub(super) fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes a value so that it is read back as the same: in quotes unless it is plain.
pub(super) fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '@' | '+' | '-' | ',');
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for char in value.chars() {
        if char == '\\' || DOUBLE.contains(&char) {
            text.push('\\');
        }
        text.push(char);
    }
    text + "\""
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += 1;
        Some(char)
    }

    fn skip_white_space(&mut self) -> bool {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        self.peek().is_some()
    }

    fn at_edge(&self) -> bool {
        self.peek().is_none_or(char::is_whitespace)
    }

    fn word(&mut self, place: usize) -> Result<Word, ParseRefusal> {
        let start = self.at;
        let name = self.name();
        let quote = self.peek().and_then(|char| FAMILIES.into_iter().find(|quotes| quotes.contains(&char)));
        let (text, quoting) = match quote {
            Some(quotes) => (self.quoted(quotes)?, Quoting::Quoted),
            None => (self.bare(), Quoting::Bare),
        };
        let raw: String = self.chars.iter().skip(start).take(self.at - start).collect();
        if text.is_empty() || (quote.is_none() && text.starts_with('=')) {
            return Err(ParseRefusal::half(&raw));
        }
        Ok(Word { place, name, text, raw, quoting })
    }

    /// Letters, digits, `_` and `-` before a `=`. Without the `=` nothing is read.
    fn name(&mut self) -> Option<String> {
        let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '—' | '–');
        let run: String = self.chars.iter().skip(self.at).take_while(|c| is_part(c)).collect();
        let length = run.chars().count();
        let name = run.trim_start_matches(['-', '—', '–']);
        let starts_well = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
        if !starts_well || self.chars.get(self.at + length) != Some(&'=') {
            return None;
        }
        self.at += length + 1;
        Some(name.to_ascii_lowercase())
    }

    fn bare(&mut self) -> String {
        let mut text = String::new();
        while !self.at_edge() {
            text.extend(self.next());
        }
        text
    }

    /// Up to a quote of the same family that ends a word. A backslash keeps a quote or a backslash from meaning anything.
    fn quoted(&mut self, quotes: &[char]) -> Result<String, ParseRefusal> {
        let opening = self.next();
        let mut text = String::new();
        while let Some(char) = self.next() {
            let escapes = |next: &char| *next == '\\' || FAMILIES.iter().any(|quotes| quotes.contains(next));
            if char == '\\' && self.peek().as_ref().is_some_and(escapes) {
                text.extend(self.next());
            } else if quotes.contains(&char) && self.at_edge() {
                return Ok(on_one_line(&text));
            } else {
                text.push(char);
            }
        }
        Err(ParseRefusal::Unbalanced { quote: opening.unwrap_or('"') })
    }
}
