//! Files of `KEY=value` lines, of which ConfigMaps are made: read, and one value replaced in its line.

use crate::core::yaml::{Path, Refusal};

const LOCKED: &str = "leverframe: locked";

/// The entries: key, value without its quotes, line from 1. Comments and other lines are left out.
pub(super) fn entries(text: &str) -> Vec<(&str, &str, usize)> {
    let lines = text.lines().enumerate();
    let entry = |(place, line): (usize, &'_ str)| -> Option<(usize, usize)> {
        let bare = line.trim_start();
        let is_comment = bare.is_empty() || bare.starts_with(['#', '!', ';', '[']);
        (!is_comment).then_some(())?;
        Some((place, line.find('=')?))
    };
    let all: Vec<(usize, usize)> = lines.filter_map(entry).collect();
    let lines: Vec<&str> = text.lines().collect();
    all.into_iter()
        .filter_map(|(place, equals)| {
            let (key, value) = lines.get(place)?.split_at_checked(equals)?;
            Some((key.trim(), unquoted(value.get(1..)?.trim()), place + 1))
        })
        .filter(|(key, ..)| !key.is_empty())
        .collect()
}

/// The value of a key; nothing where it is missing.
pub(super) fn read<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    entries(text).into_iter().find(|(name, ..)| *name == key).map(|(_, value, _)| value)
}

/// The file with another value in the line of `key`, and nothing else changed.
pub(super) fn set(text: &str, key: &str, value: &str) -> Result<String, Refusal> {
    let at = || Path::root().key(key);
    let here: Vec<usize> = entries(text).iter().filter(|(name, ..)| *name == key).map(|(.., line)| *line).collect();
    let line = match here.as_slice() {
        [line] => *line,
        [] => {
            let there = entries(text).iter().take(5).map(|(key, ..)| (*key).to_owned()).collect();
            return Err(Refusal::NotFound { at: Path::root(), step: key.to_owned(), line: 1, there });
        }
        lines => return Err(Refusal::DuplicateKey { at: Path::root(), key: key.to_owned(), lines: lines.to_vec() }),
    };
    if value.contains(['\n', '\r']) || value.trim() != value || value.ends_with('\\') {
        return Err(Refusal::NotAValue { value: value.to_owned() });
    }
    let mut after = String::with_capacity(text.len() + value.len());
    let mut before = "";
    for (place, whole) in text.split_inclusive('\n').enumerate() {
        if place + 1 == line {
            if whole.contains(LOCKED) || before.trim_start_matches(['#', '!', ' ', '\t']).trim_end() == LOCKED {
                return Err(Refusal::Locked { at: at(), line });
            }
            after.push_str(&changed(whole, value).ok_or_else(|| Refusal::NoPlace { at: at(), line })?);
        } else {
            after.push_str(whole);
        }
        before = whole;
    }
    let proven = read(&after, key) == Some(value) && entries(&after).len() == entries(text).len();
    if proven { Ok(after) } else { Err(Refusal::NotProven { why: "the line reads otherwise", line: Some(line) }) }
}

/// The line with another value between the same quotes and spaces; nothing where it goes on in the next line.
fn changed(line: &str, value: &str) -> Option<String> {
    let (key, rest) = line.split_at_checked(line.find('=')? + 1)?;
    let old = rest.trim();
    if old.ends_with('\\') {
        return None;
    }
    let (lead, tail) = match old {
        "" => rest.split_at_checked(rest.find(['\r', '\n']).unwrap_or(rest.len()))?,
        old => rest.split_once(old)?,
    };
    let quote = old.get(..1).filter(|_| unquoted(old) != old).unwrap_or_default();
    Some(format!("{key}{lead}{quote}{value}{quote}{tail}"))
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# settings\r\nLOG_LEVEL=info\r\nURL = 'http://a/?x=1'\nEMPTY=\n! old\nTWICE=1\nTWICE=2\nLONG=a\\\n  b\n# leverframe: locked\nKEPT=1";

    #[test]
    fn one_value_changes_and_nothing_else() {
        for (key, value, before, after) in [
            ("LOG_LEVEL", "debug", "LOG_LEVEL=info\r\n", "LOG_LEVEL=debug\r\n"),
            ("URL", "http://b", "URL = 'http://a/?x=1'\n", "URL = 'http://b'\n"),
            ("EMPTY", "x=y", "EMPTY=\n", "EMPTY=x=y\n"),
        ] {
            assert_eq!(set(FILE, key, value), Ok(FILE.replacen(before, after, 1)), "{key}");
        }
        assert_eq!(read(FILE, "URL"), Some("http://a/?x=1"));
    }

    #[test]
    fn what_is_not_one_plain_line_is_refused() {
        for (key, value, word) in [
            ("TWICE", "3", "duplicate-key"),
            ("LONG", "3", "no-place"),
            ("KEPT", "2", "locked"),
            ("NONE", "2", "not-found"),
            ("LOG_LEVEL", "a\nb", "not-a-value"),
            ("LOG_LEVEL", "'a'", "not-proven"),
        ] {
            assert_eq!(set(FILE, key, value).unwrap_err().word(), word, "{key}");
        }
    }
}
