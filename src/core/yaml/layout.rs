//! Where things stand in the text around the nodes: indicators, entries, comment lines, columns, line breaks.
//! Places are bytes. What the parser does not tell is read off blanks and comments, never guessed: `None` where the
//! text is of another form.

use std::ops::Range;

use granit_parser::{ScalarStyle, StructureStyle};

use super::stream::{Content, Stream};

const BLANKS: [char; 2] = [' ', '\t'];
const BREAKS: [char; 2] = ['\n', '\r'];

/// The byte after the `:` that follows a key, over blanks, line breaks and comments.
pub(super) fn after_colon(text: &str, key_end: usize) -> Option<usize> {
    let at = next_token(text, key_end)?;
    text.get(at..)?.starts_with(':').then_some(at + 1)
}

/// The byte after the `-` of an empty item, on the line where the parser found nothing.
pub(super) fn after_dash(text: &str, nothing: usize) -> Option<usize> {
    let start = line_start(text, nothing);
    let line = text.get(start..nothing)?;
    let code = line.split('#').next().unwrap_or(line).trim_end_matches(BLANKS);
    let indicators = code.strip_suffix('-')?;
    let only_indicators = indicators.chars().all(|c| matches!(c, ' ' | '\t' | '-' | '?' | ':' | '\u{feff}'));
    only_indicators.then_some(start + code.len())
}

/// The first byte from `from` on that is neither blank, line break nor comment; `None` at the end.
pub(super) fn next_token(text: &str, from: usize) -> Option<usize> {
    let mut rest = text.get(from..)?;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if !rest.starts_with('#') {
            return (!rest.is_empty()).then_some(text.len() - rest.len());
        }
        rest = rest.get(rest.find(BREAKS)?..)?;
    }
}

/// Where the line of `at` starts, after a byte order mark.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let start = before.rfind(BREAKS).map_or(0, |at| at + 1);
    if start == 0 && text.starts_with('\u{feff}') && at >= 3 { 3 } else { start }
}

/// Where the line of `at` ends, before its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find(BREAKS)).map_or(text.len(), |length| at + length)
}

/// Where a text block ends, of which the parser says that it ends at `at`: it counts the indent of the next line.
pub(super) fn block_end(text: &str, at: usize) -> usize {
    let start = line_start(text, at);
    let indent = text.get(start..at).is_some_and(|indent| indent.chars().all(|c| c == ' '));
    if indent { start } else { at }
}

/// The byte after the line break at `at`, or `at` at the end of the text.
pub(super) fn after_break(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with(BREAKS)) }
}

/// The byte before the line break that ends at `at`, or `at` if none does.
pub(super) fn before_break(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.strip_suffix("\r\n").or_else(|| before.strip_suffix(BREAKS)).map_or(at, str::len)
}

/// Where blank lines from `at` on end that a text block above would take in: those with spaces, and in a block that
/// keeps its last line breaks all.
pub(super) fn after_swallowed(text: &str, at: usize, block: &str) -> usize {
    let keeps = block.ends_with("\n\n");
    let (mut next, mut swallowed) = (at, at);
    loop {
        let end = line_end(text, next);
        let (line, after) = (text.get(next..end).unwrap_or_default(), after_break(text, end));
        if after == next || !line.trim_matches(BLANKS).is_empty() {
            return swallowed;
        }
        next = after;
        if keeps || !line.is_empty() {
            swallowed = after;
        }
    }
}

/// Whether nothing but a comment stands in `text`.
pub(super) fn is_blank_or_comment(text: &str) -> bool {
    let text = text.trim_start_matches(BLANKS);
    text.is_empty() || text.starts_with('#')
}

/// How many spaces a text starts with.
fn spaces(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}

impl Stream<'_> {
    pub(super) fn is_flow(&self, item: usize) -> bool {
        let content = self.items.get(item).map(|item| &item.content);
        matches!(content, Some(Content::Mapping(StructureStyle::Flow) | Content::Sequence(StructureStyle::Flow)))
    }

    /// The entries of a collection: key and value, or the item as both.
    pub(super) fn members(&self, collection: usize) -> Vec<(usize, usize)> {
        match self.items.get(collection).map(|item| &item.content) {
            Some(Content::Mapping(_)) => self.entries(collection).collect(),
            Some(Content::Sequence(_)) => self.children(collection).map(|item| (item, item)).collect(),
            Some(Content::Scalar(..) | Content::Alias(_)) | None => Vec::new(),
        }
    }

    /// The bytes of each entry, from its key, `-`, `?`, anchor or tag to the end of its value.
    pub(super) fn spans(&self, collection: usize) -> Option<Vec<Range<usize>>> {
        let mut from = self.opening(collection)?;
        let mut spans = Vec::new();
        for (key, value) in self.members(collection) {
            let start = match next_token(self.text, from)? {
                comma if self.is_flow(collection) && self.text.get(comma..)?.starts_with(',') => {
                    next_token(self.text, comma + 1)?
                }
                start => start,
            };
            let end = self.items.get(key)?.span.end.max(self.items.get(value)?.span.end);
            // An item without a value reaches to its `-`.
            let end = end.max(start + 1);
            spans.push(start..end);
            from = end;
        }
        Some(spans)
    }

    /// From where the first entry is looked for.
    fn opening(&self, collection: usize) -> Option<usize> {
        let item = self.items.get(collection)?;
        let start = item.span.start;
        match item.content {
            Content::Mapping(StructureStyle::Flow) => self.text.get(start..)?.starts_with('{').then_some(start + 1),
            Content::Sequence(StructureStyle::Flow) => self.text.get(start..)?.starts_with('[').then_some(start + 1),
            Content::Mapping(StructureStyle::Block) => Some(start),
            // The parser says the first item for a list that is not indented under its key.
            Content::Sequence(StructureStyle::Block) => match self.key_of(collection) {
                Some(key) => {
                    let mut at = next_token(self.text, after_colon(self.text, self.items.get(key)?.span.end)?)?;
                    while self.text.get(at..)?.starts_with(['&', '!']) {
                        let end = self.text.get(at..)?.find([' ', '\t', '\r', '\n'])?;
                        at = next_token(self.text, at + end)?;
                    }
                    Some(at)
                }
                None => Some(start),
            },
            Content::Scalar(..) | Content::Alias(_) => None,
        }
    }

    /// The key whose value a node is.
    pub(super) fn key_of(&self, item: usize) -> Option<usize> {
        let parent = self.parent(item)?;
        match self.items.get(parent)?.content {
            Content::Mapping(_) => self.entries(parent).find(|(_, value)| *value == item).map(|(key, _)| key),
            Content::Scalar(..) | Content::Sequence(_) | Content::Alias(_) => None,
        }
    }

    /// The collection in which a node lies.
    pub(super) fn parent(&self, item: usize) -> Option<usize> {
        let depth = self.items.get(item)?.depth.checked_sub(1)?;
        let before = self.items.get(..item)?;
        before.iter().rposition(|item| item.depth == depth)
    }

    /// Right after the `:` or `-` whose value a block collection is, `None` for a document.
    pub(super) fn after_indicator_of(&self, collection: usize) -> Option<usize> {
        if let Some(key) = self.key_of(collection) {
            return after_colon(self.text, self.items.get(key)?.span.end);
        }
        let parent = self.parent(collection)?;
        let place = self.children(parent).position(|child| child == collection)?;
        let dash = self.spans(parent)?.get(place)?.start;
        self.text.get(dash..)?.starts_with('-').then_some(dash + 1)
    }

    /// The column of an entry in bytes, if nothing but spaces, dashes and such stands before it on its line.
    pub(super) fn column(&self, at: usize) -> Option<usize> {
        let before = self.text.get(line_start(self.text, at)..at)?;
        before.chars().all(|c| matches!(c, ' ' | '-' | '?' | ':')).then_some(before.len())
    }

    /// The column of the entries of a block collection.
    pub(super) fn column_of(&self, collection: usize) -> Option<usize> {
        self.spans(collection)?.iter().rev().find_map(|span| self.column(span.start))
    }

    /// Whether an entry starts its line.
    pub(super) fn starts_line(&self, at: usize) -> bool {
        let before = self.text.get(line_start(self.text, at)..at);
        before.is_some_and(|before| before.chars().all(|c| c == ' '))
    }

    /// Where the last line of an entry ends whose bytes end at `end`; comment lines after it that are indented more
    /// than `column` are part of it. `None` if something else stands on the line.
    pub(super) fn last_line_end(&self, value: usize, end: usize, column: usize) -> Option<usize> {
        let mut at = self.own_end(value, end)?;
        loop {
            let next = after_break(self.text, at);
            let line = self.text.get(next..line_end(self.text, next))?;
            let deeper = spaces(line) > column && line.trim_start_matches(BLANKS).starts_with('#');
            if next == at || !deeper {
                return Some(at);
            }
            at = next + line.len();
        }
    }

    /// The text of the `|` or `>` block with which a node ends.
    pub(super) fn text_block(&self, value: usize) -> Option<&str> {
        let last = self.items.get(self.items.get(value)?.end.checked_sub(1)?)?;
        match &last.content {
            Content::Scalar(text, ScalarStyle::Literal | ScalarStyle::Folded) => Some(text),
            Content::Scalar(..) | Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_) => None,
        }
    }

    /// Where the last line of a node ends. Empty lines after a text block are its own only where it keeps them.
    fn own_end(&self, value: usize, end: usize) -> Option<usize> {
        if let Some(text) = self.text_block(value) {
            let kept = text.ends_with("\n\n") || (text.ends_with('\n') && text.trim_end_matches('\n').is_empty());
            if kept {
                let last = self.items.get(self.items.get(value)?.end.checked_sub(1)?)?;
                return Some(before_break(self.text, block_end(self.text, last.span.end)));
            }
            let content = self.text.get(..end)?.trim_end_matches([' ', '\t', '\r', '\n']).len();
            return Some(line_end(self.text, content));
        }
        let line = line_end(self.text, end);
        is_blank_or_comment(self.text.get(end..line)?).then_some(line)
    }

    /// Where the comment lines start that stand directly above the line that starts at `line`, at its indent, not
    /// before `bound`.
    pub(super) fn comments_above(&self, line: usize, column: usize, bound: usize) -> usize {
        let mut start = line;
        loop {
            let above = line_start(self.text, before_break(self.text, start));
            let text = self.text.get(above..start).unwrap_or_default();
            let own = spaces(text) == column && text.trim_start_matches(' ').starts_with('#');
            if above >= start || above < bound || !own {
                return start;
            }
            start = above;
        }
    }

    /// The line break in use at a place, or in the file where it ends there.
    pub(super) fn line_break(&self, at: usize) -> &'static str {
        let here = self.text.get(at..).filter(|rest| rest.starts_with(BREAKS));
        let first = || self.text.find('\n').and_then(|at| self.text.get(at.saturating_sub(1)..));
        match here.or_else(first) {
            Some(rest) if rest.starts_with("\r\n") => "\r\n",
            Some(_) | None => "\n",
        }
    }
}
