//! What a look at one connection or permission came to: good, worth knowing, or red, each on one line with its remedy.

use std::fmt;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works; something useful is missing, or could not be seen.
    Note,
    /// Something that is needed does not work.
    Red,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `github`.
    pub what: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do, where something is to be done.
    pub remedy: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn good(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Good, seen: seen.into(), remedy: None }
    }

    /// Worth knowing.
    pub fn note(what: impl Into<String>, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Note, seen: seen.into(), remedy: Some(remedy.into()) }
    }

    /// Does not work.
    pub fn red(what: impl Into<String>, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Red, seen: seen.into(), remedy: Some(remedy.into()) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Good => "ok  ",
            Verdict::Note => "note",
            Verdict::Red => "RED ",
        };
        let seen = self.seen.trim_end_matches('.').replace(['\n', '\r'], " ");
        write!(f, "{word} {}: {seen}.", self.what)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, " {}", remedy.replace(['\n', '\r'], " ")))
    }
}
