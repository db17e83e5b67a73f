//! Java properties inside a text: `key=value`, `key: value` and `key value` lines, comments with `#` and `!`. A line
//! that goes on with a backslash is read, but not edited.

use std::ops::Range;

use super::{
    Edited, EditedSpan, Missing, Operation,
    layout::{after_break, before_break, line_end, line_start},
    literal::Literal,
    path::{Path, Step},
    refusal::{Kind, LISTED, Refusal},
    scalar::Scalar,
};

/// One `key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    key: String,
    value: String,
    /// The bytes of its value.
    place: Range<usize>,
    /// What stands between key and value.
    between: Range<usize>,
    /// The bytes of its lines without the last line break.
    lines: Range<usize>,
    line: usize,
}

/// The value of the one key that `path` is; always text.
pub(super) fn read(text: &str, path: &Path) -> Result<Option<Scalar>, Refusal> {
    let key = key(path)?;
    Ok(find(&entries(text), key, path)?.map(|entry| Scalar::String(entry.value)))
}

/// Does an operation and proves that no other entry and no byte beside it changed.
pub(super) fn edit(text: &str, operation: &Operation) -> Result<Edited, Refusal> {
    let path = operation.path();
    let key = key(path)?;
    let old = entries(text);
    let found = find(&old, key, path)?;
    let (range, new, wanted) = match (operation, &found) {
        (Operation::Set(assignment), Some(entry)) => set(text, entry, &assignment.value, path)?,
        (Operation::Set(assignment), None) if assignment.missing != Missing::Refuse => {
            add(text, &old, key, &assignment.value)?
        }
        (Operation::Insert { value: Literal::Scalar(value), .. }, None) => add(text, &old, key, value)?,
        (Operation::Insert { value: Literal::Scalar(_), .. }, Some(entry)) => {
            return Err(Refusal::AlreadyThere { at: path.clone(), line: entry.line });
        }
        (Operation::Insert { value: Literal::Mapping(_) | Literal::Sequence(_), .. }, _) => {
            return Err(Refusal::NotAValue { value: "a list or an object".to_owned() });
        }
        (Operation::Remove { .. }, Some(entry)) => (leaving(text, entry), String::new(), None),
        (Operation::Set(_) | Operation::Remove { .. }, None) => return Err(not_found(&old, path)),
    };
    let line = found.as_ref().map_or_else(|| line_of(text, range.start), |entry| entry.line);
    let mut edited = text.to_owned();
    edited.replace_range(range.clone(), &new);
    prove(&old, &edited, key, wanted.as_deref()).map_err(|why| Refusal::NotProven { why, line: Some(line) })?;
    let after = range.start..range.start + new.len();
    let old = found.map(|entry| Scalar::String(entry.value));
    Ok(Edited { text: edited, spans: vec![EditedSpan { before: range, after, line, old }] })
}

/// Bytes that go, bytes that come, and the value that must be read then.
type Edit = (Range<usize>, String, Option<String>);

fn set(text: &str, entry: &Entry, value: &Scalar, path: &Path) -> Result<Edit, Refusal> {
    let raw = text.get(entry.place.clone()).unwrap_or_default();
    if raw.contains("{{") {
        return Err(Refusal::Template { line: entry.line });
    }
    if text.get(entry.lines.clone()).is_some_and(|lines| lines.contains(['\n', '\r'])) {
        return Err(Refusal::NoPlace { at: path.clone(), line: entry.line });
    }
    let wanted = spelled(value)?;
    let new = if wanted == entry.value { raw.to_owned() } else { escaped(&wanted) };
    // `key` alone has nothing between it and its value.
    let sign = if entry.between.is_empty() && !wanted.is_empty() { "=" } else { "" };
    Ok((entry.place.clone(), format!("{sign}{new}"), Some(wanted)))
}

/// A line after the last entry.
fn add(text: &str, old: &[Entry], key: &str, value: &Scalar) -> Result<Edit, Refusal> {
    let wanted = spelled(value)?;
    let between = old.last().and_then(|last| text.get(last.between.clone())).filter(|between| !between.is_empty());
    let line = format!("{}{}{}", escaped_key(key), between.unwrap_or("="), escaped(&wanted));
    let at = old.last().map_or(text.trim_end_matches(['\n', '\r']).len(), |last| last.lines.end);
    let entry = if at == 0 { format!("{line}\n") } else { format!("\n{line}") };
    Ok((at..at, entry, Some(wanted)))
}

/// The lines of an entry and the comment lines directly above it.
fn leaving(text: &str, entry: &Entry) -> Range<usize> {
    let mut start = line_start(text, entry.lines.start);
    loop {
        let above = line_start(text, before_break(text, start));
        let comment = text.get(above..start).is_some_and(|line| line.trim_start().starts_with(['#', '!']));
        if above >= start || !comment {
            break;
        }
        start = above;
    }
    let end = after_break(text, entry.lines.end);
    if end == entry.lines.end { before_break(text, start)..end } else { start..end }
}

fn prove(old: &[Entry], edited: &str, key: &str, wanted: Option<&str>) -> Result<(), &'static str> {
    let pairs = |entries: &[Entry]| -> Vec<(String, String)> {
        entries.iter().filter(|entry| entry.key != key).map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    };
    let new = entries(edited);
    if pairs(old) != pairs(&new) {
        return Err("another property differs");
    }
    let found: Vec<_> = new.iter().filter(|entry| entry.key == key).map(|entry| entry.value.as_str()).collect();
    if found.as_slice() == wanted.as_slice() { Ok(()) } else { Err("the property is not read back") }
}

/// The one key of a path.
fn key(path: &Path) -> Result<&str, Refusal> {
    match path.steps() {
        [Step::Key(key)] => Ok(key),
        [Step::Key(_), ..] => {
            let (at, found, expected) = (path.prefix(1), Kind::Scalar, Kind::Mapping);
            Err(Refusal::WrongKind { at, found, expected, line: 1 })
        }
        _ => Err(Refusal::WrongKind { at: Path::root(), found: Kind::Mapping, expected: Kind::Scalar, line: 1 }),
    }
}

fn find(entries: &[Entry], key: &str, path: &Path) -> Result<Option<Entry>, Refusal> {
    let hits: Vec<_> = entries.iter().filter(|entry| entry.key == key).collect();
    match hits.as_slice() {
        [] => Ok(None),
        [entry] => Ok(Some((*entry).clone())),
        _ => {
            let lines = hits.iter().map(|entry| entry.line).collect();
            Err(Refusal::DuplicateKey { at: path.prefix(0), key: key.to_owned(), lines })
        }
    }
}

fn not_found(entries: &[Entry], path: &Path) -> Refusal {
    let there = entries.iter().take(LISTED).map(|entry| entry.key.clone()).collect();
    let step = path.steps().first().map(ToString::to_string).unwrap_or_default();
    Refusal::NotFound { at: Path::root(), step, line: 1, there }
}

/// A value as text, if it can be written.
fn spelled(value: &Scalar) -> Result<String, Refusal> {
    if value.can_be_set() { Ok(value.to_string()) } else { Err(Refusal::NotAValue { value: value.to_string() }) }
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

/// Every entry, in the order of the text.
fn entries(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let mut end = line_end(text, at);
        let line = text.get(at..end).unwrap_or_default();
        let content = line.trim_start_matches([' ', '\t', '\u{c}']);
        let start = end - content.len();
        if !content.is_empty() && !content.starts_with(['#', '!']) {
            while goes_on(text.get(start..end).unwrap_or_default()) && after_break(text, end) > end {
                end = line_end(text, after_break(text, end));
            }
            found.push(entry(text, start..end));
        }
        at = after_break(text, end).max(at + 1);
    }
    found
}

/// Whether a line ends in an odd number of backslashes.
fn goes_on(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

fn entry(text: &str, lines: Range<usize>) -> Entry {
    let content = text.get(lines.clone()).unwrap_or_default();
    let blank = |c: char| matches!(c, ' ' | '\t' | '\u{c}');
    let mut escaped = false;
    let ends = |c: char| {
        let ends = !escaped && (blank(c) || matches!(c, '=' | ':'));
        escaped = c == '\\' && !escaped;
        ends
    };
    let key_end = content.find(ends).unwrap_or(content.len());
    let after = content.get(key_end..).unwrap_or_default();
    let rest = after.trim_start_matches(blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(blank);
    let value = lines.end - rest.len();
    let key = text.get(lines.start..lines.start + key_end).unwrap_or_default();
    Entry {
        key: plain(key),
        value: plain(rest),
        place: value..lines.end,
        between: lines.start + key_end..value,
        line: line_of(text, lines.start),
        lines,
    }
}

/// `text` without its escapes.
fn plain(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    let mut buffer = [0; 2];
    while let Some(c) = rest.next() {
        let c = if c == '\\' {
            rest.next().unwrap_or('\\')
        } else {
            units.extend_from_slice(c.encode_utf16(&mut buffer));
            continue;
        };
        match c {
            'n' => units.push(u16::from(b'\n')),
            't' => units.push(u16::from(b'\t')),
            'r' => units.push(u16::from(b'\r')),
            'f' => units.push(0xc),
            'u' => {
                let digits: String = rest.clone().take(4).collect();
                if let Ok(unit) = u16::from_str_radix(&digits, 16) {
                    units.push(unit);
                    rest = rest.as_str().get(4..).unwrap_or_default().chars();
                }
            }
            // A line break and the blanks after it are not there.
            '\n' | '\r' => rest = rest.as_str().trim_start_matches([' ', '\t', '\u{c}', '\n']).chars(),
            _ => units.extend_from_slice(c.encode_utf16(&mut buffer)),
        }
    }
    String::from_utf16_lossy(&units)
}

/// `text` as a value: what is not printable ASCII is escaped, so that readers of any encoding agree.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (place, c) in text.chars().enumerate() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            ' ' if place == 0 => out.push_str("\\ "),
            ' '..='~' => out.push(c),
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out
}

fn escaped_key(key: &str) -> String {
    let mut out = String::new();
    for c in escaped(key).chars() {
        if matches!(c, ' ' | '=' | ':' | '#' | '!') && !out.ends_with('\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
