//! What a text block holds: the languages into which a path can step with `|yaml`, `|json` and `|properties`.

use std::fmt;

/// The language of a text inside a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// Java properties: `key=value` lines.
    Properties,
}

impl Format {
    /// As a path writes it after `|`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Properties => "properties",
        }
    }

    /// The format with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Yaml, Self::Json, Self::Properties].into_iter().find(|format| format.word() == word)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
