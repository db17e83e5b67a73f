//! Adding a last entry to a mapping, in the style of the entries before it.

use std::ops::Range;

use granit_parser::{ScalarStyle, StructureStyle};

use super::{
    scalar::Scalar,
    stream::{Content, Stream},
    write::{Layout, Site, write},
};

/// Bytes that go and bytes that come.
type Edit = (Range<usize>, String);

impl Stream<'_> {
    /// The edit that adds `key: value` to a mapping; `None` where its form leaves no certain place.
    pub(super) fn add(&self, mapping: usize, key: &str, value: &Scalar) -> Option<Edit> {
        match &self.items.get(mapping)?.content {
            Content::Mapping(StructureStyle::Block) => self.add_to_block(mapping, key, value),
            Content::Mapping(StructureStyle::Flow) => self.add_to_flow(mapping, key, value),
            Content::Scalar(..) | Content::Sequence(_) | Content::Alias(_) => None,
        }
    }

    /// A line after the one on which the last value ends.
    fn add_to_block(&self, mapping: usize, key: &str, value: &Scalar) -> Option<Edit> {
        let (first, _) = self.entries(mapping).next()?;
        let indent = self.indent(first)?;
        let (name, value) = self.entry(mapping, key, value, Layout::Block)?;
        // The bytes of a text block end after its line breaks; what counts is its last line.
        let end = self.text.get(..self.items.get(mapping)?.span.end)?.trim_end_matches([' ', '\t', '\r', '\n']).len();
        let rest = self.text.get(end..)?;
        let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let after = rest.get(..line)?.trim_start_matches([' ', '\t']);
        if !(after.is_empty() || after.starts_with('#')) {
            return None;
        }
        let at = end + line;
        Some((at..at, format!("{}{indent}{name}: {value}", self.line_break(at))))
    }

    /// After the last entry, before whatever stands between it and the bracket.
    fn add_to_flow(&self, mapping: usize, key: &str, value: &Scalar) -> Option<Edit> {
        let (name, value) = self.entry(mapping, key, value, Layout::Flow)?;
        let entries: Vec<_> = self.entries(mapping).collect();
        let Some((last, last_value)) = entries.last() else {
            let at = self.items.get(mapping)?.span.start + 1;
            return Some((at..at, format!("{name}: {value}")));
        };
        let span = |item: usize| self.items.get(item).map(|item| item.span.clone());
        let end = |(key, value): (usize, usize)| Some(span(key)?.end.max(span(value)?.end));
        let colon = self.text.get(span(*last)?.end..span(*last_value)?.start);
        let colon = colon.filter(|colon| colon.trim_matches(' ') == ":" && !self.raw(*last_value).is_empty());
        let before = entries.len().checked_sub(2).and_then(|place| entries.get(place)).copied();
        let between = before.and_then(|entry| self.text.get(end(entry)?..span(*last)?.start));
        let between = between.filter(|between| between.trim() == ",").unwrap_or(", ");
        let at = end((*last, *last_value))?;
        Some((at..at, format!("{between}{name}{}{value}", colon.unwrap_or(": "))))
    }

    /// Key and value as the neighbours would write them.
    fn entry(&self, mapping: usize, key: &str, value: &Scalar, layout: Layout) -> Option<(String, String)> {
        let entries: Vec<_> = self.entries(mapping).collect();
        let style = |item: usize| match &self.items.get(item)?.content {
            Content::Scalar(_, style @ (ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted)) => Some(*style),
            Content::Scalar(_, ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded)
            | Content::Mapping(_)
            | Content::Sequence(_)
            | Content::Alias(_) => None,
        };
        let key_style = entries.last().and_then(|(key, _)| style(*key)).unwrap_or(ScalarStyle::Plain);
        // The last neighbour that is text shows how text is quoted here.
        let text = entries.iter().rev().find(|(_, value)| matches!(self.scalar(*value), Some(Scalar::String(_))));
        let json = if layout == Layout::Flow { key_style } else { ScalarStyle::Plain };
        let value_style = text.map_or(Some(json), |(_, value)| style(*value)).unwrap_or(ScalarStyle::Plain);
        let site = |style| Site { style, old: "text", layout };
        Some((write(&key.into(), site(key_style)), write(value, site(value_style))))
    }

    /// The spaces before the keys of a mapping, from the line of its first key; dashes of lists count as spaces.
    fn indent(&self, first_key: usize) -> Option<String> {
        let before = self.text.get(..self.items.get(first_key)?.span.start)?;
        let start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let prefix = before.get(start..)?.trim_start_matches('\u{feff}');
        prefix.chars().all(|c| matches!(c, ' ' | '-')).then(|| " ".repeat(prefix.len()))
    }

    /// The line break in use at a place, or in the file where it ends there.
    fn line_break(&self, at: usize) -> &'static str {
        let here = self.text.get(at..).filter(|rest| !rest.is_empty());
        let first = || self.text.find('\n').and_then(|at| self.text.get(at.saturating_sub(1)..));
        match here.or_else(first) {
            Some(rest) if rest.starts_with("\r\n") => "\r\n",
            Some(_) | None => "\n",
        }
    }
}
