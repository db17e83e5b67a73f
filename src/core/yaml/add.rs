//! Putting a value where nothing is: one more entry of a collection, or the first of an empty one, in the style of
//! the entries before it.

use std::ops::Range;

use granit_parser::{ScalarStyle, StructureStyle};

use super::{
    compose::Hand,
    layout::{after_colon, is_blank_or_comment, line_end, line_start},
    literal::Literal,
    stream::{Content, Place, Stream},
};

/// Bytes that go and bytes that come.
pub(super) type Edit = (Range<usize>, String);

impl Stream<'_> {
    /// The edit that adds `key: value` to a mapping, or `value` to a list; `None` where its form leaves no certain
    /// place.
    pub(super) fn add(&self, collection: usize, key: Option<&str>, value: &Literal) -> Option<Edit> {
        match &self.items.get(collection)?.content {
            Content::Mapping(StructureStyle::Block) | Content::Sequence(StructureStyle::Block) => {
                self.add_to_block(collection, key, value)
            }
            Content::Mapping(StructureStyle::Flow) | Content::Sequence(StructureStyle::Flow) => {
                self.add_to_flow(collection, key, value)
            }
            Content::Scalar(..) | Content::Alias(_) => None,
        }
    }

    /// A line after the one on which the last value ends.
    fn add_to_block(&self, collection: usize, key: Option<&str>, value: &Literal) -> Option<Edit> {
        let column = self.column_of(collection)?;
        let (_, last) = self.members(collection).last().copied()?;
        let end = self.spans(collection)?.last()?.end;
        let at = self.last_line_end(last, end, column)?;
        if at == self.text.len() && !self.may_go_on(last) {
            return None;
        }
        let hand = self.hand(collection, at, value);
        let entry = match key {
            Some(key) => hand.entry(key, value, column),
            None => hand.item(value, column),
        };
        Some((at..at, format!("{}{}{entry}", self.line_break(at), " ".repeat(column))))
    }

    /// Whether a line can follow at the end of the file: a text block would get a line break more by it.
    pub(super) fn may_go_on(&self, value: usize) -> bool {
        let last = self.items.get(value).map_or(value, |item| item.end.saturating_sub(1));
        match self.items.get(last).map(|item| &item.content) {
            Some(Content::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded)) => self.strips(last),
            Some(Content::Scalar(..) | Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_)) | None => true,
        }
    }

    /// After the last entry, before whatever stands between it and the bracket.
    fn add_to_flow(&self, collection: usize, key: Option<&str>, value: &Literal) -> Option<Edit> {
        let hand = self.hand(collection, self.items.get(collection)?.span.start, value);
        let spans = self.spans(collection)?;
        let Some(last) = spans.last() else { return self.first_in_flow(collection, key, value, &hand) };
        let colon = self.members(collection).last().and_then(|(key, value)| self.colon(*key, *value));
        let before = spans.len().checked_sub(2).and_then(|place| spans.get(place));
        let between = before.and_then(|before| self.text.get(before.end..last.start));
        let between = between.filter(|between| between.trim() == ",").unwrap_or(", ");
        let entry = flow_entry(&hand, key, value, colon.unwrap_or(": "));
        Some((last.end..last.end, format!("{between}{entry}")))
    }

    /// What stands between the key and the value of an entry, if it is a colon and spaces.
    fn colon(&self, key: usize, value: usize) -> Option<&str> {
        let between = self.text.get(self.items.get(key)?.span.end..self.items.get(value)?.span.start)?;
        (between.trim_matches(' ') == ":" && !self.raw(value).is_empty()).then_some(between)
    }

    fn first_in_flow(&self, collection: usize, key: Option<&str>, value: &Literal, hand: &Hand) -> Option<Edit> {
        let item = self.items.get(collection)?;
        let inner = self.text.get(item.span.start + 1..item.span.end.checked_sub(1)?)?;
        // `{ }` becomes `{ a: 1 }`.
        let space = if !inner.is_empty() && inner.trim_matches(' ').is_empty() { " " } else { "" };
        let at = item.span.start + 1;
        Some((at..at, format!("{space}{}", flow_entry(hand, key, value, ": "))))
    }

    /// The edit that puts `value` where an implicit or written null stands.
    pub(super) fn fill(&self, null: usize, value: &Literal) -> Option<Edit> {
        let item = self.items.get(null)?;
        let Some(parent) = self.parent(null) else { return self.fill_document(null, value) };
        let hand = self.hand(parent, item.span.start, value);
        let raw = self.raw(null);
        if self.is_flow(parent) {
            let text = hand.flow(value);
            return match item.place {
                Place::Here if raw.is_empty() => Some((item.span.clone(), format!(" {text}"))),
                Place::Here => Some((item.span.clone(), text)),
                Place::AfterKey => Some((item.span.clone(), format!(": {text}"))),
                Place::Nowhere => None,
            };
        }
        if item.place != Place::Here {
            return None;
        }
        let start = self.after_indicator(null)?;
        let end = line_end(self.text, item.span.end);
        let rest = self.text.get(item.span.end..end).filter(|rest| is_blank_or_comment(rest))?;
        let rest = if rest.contains('#') { rest } else { "" };
        let column = self.column_of(parent)?;
        let mapping = matches!(self.items.get(parent)?.content, Content::Mapping(_));
        let text = if mapping { hand.after_key(value, column) } else { hand.after_dash(value, column, rest) };
        let inline = !text.starts_with(['\r', '\n']);
        Some((start..end, if inline { format!("{text}{rest}") } else { format!("{rest}{text}") }))
    }

    /// Right after the `:` or `-` before a node, if only spaces stand between.
    pub(super) fn after_indicator(&self, item: usize) -> Option<usize> {
        let start = self.items.get(item)?.span.start;
        let after = match self.key_of(item) {
            Some(key) => after_colon(self.text, self.items.get(key)?.span.end)?,
            None => self.text.get(..start)?.trim_end_matches([' ', '\t']).len(),
        };
        let between = self.text.get(after..start)?;
        between.trim_matches([' ', '\t']).is_empty().then_some(after)
    }

    /// After the line of the `---` of an empty document.
    fn fill_document(&self, null: usize, value: &Literal) -> Option<Edit> {
        let item = self.items.get(null)?;
        let hand = self.hand(null, item.span.start, value);
        let line = line_start(self.text, item.span.start);
        if !item.span.is_empty() || !self.text.get(line..)?.starts_with("---") || value.is_empty() {
            return None;
        }
        let at = line_end(self.text, item.span.start);
        Some((at..at, hand.lines(value, 0)))
    }
}

fn flow_entry(hand: &Hand, key: Option<&str>, value: &Literal, colon: &str) -> String {
    match key {
        Some(key) => hand.flow_entry(key, value, colon),
        None => hand.flow(value),
    }
}
