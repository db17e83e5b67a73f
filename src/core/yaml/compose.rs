//! How a new value is written so that it looks like what is around it: indents, dashes and quotes are those of the
//! neighbours, else those of the file, else those of most files of Kubernetes.

use std::collections::BTreeMap;

use granit_parser::{ScalarStyle, StructureStyle};

use super::{
    format::Format,
    layout::line_start,
    literal::Literal,
    scalar::Scalar,
    stream::{Content, Stream},
    write::{Layout, Site, write},
};

/// The hand in which new text is written.
#[derive(Debug)]
pub(super) struct Hand {
    /// How much deeper the keys of a mapping stand than the key it belongs to.
    step: usize,
    /// How much deeper the dashes of a list stand than the key it belongs to.
    dash: usize,
    line_break: &'static str,
    /// The quotes of keys and of text.
    key: ScalarStyle,
    text: ScalarStyle,
    /// The quotes of text beneath keys that neighbours have too.
    texts: BTreeMap<String, ScalarStyle>,
}

impl Stream<'_> {
    /// The hand for a new entry of `collection`, at the byte `at`.
    pub(super) fn hand(&self, collection: usize, at: usize, value: &Literal) -> Hand {
        let members = self.members(collection);
        let json = self.format == Format::Json;
        let plain = if json { ScalarStyle::DoubleQuoted } else { ScalarStyle::Plain };
        let key = self.key_quotes(collection).unwrap_or(plain);
        // The last neighbour that is text shows how text is quoted here; without one, the keys of `{}` do.
        let text = members.iter().rev().find(|(_, value)| matches!(self.scalar(*value), Some(Scalar::String(_))));
        let otherwise = if self.is_flow(collection) { key } else { plain };
        let text = text.map_or(otherwise, |(_, value)| self.quotes(*value).unwrap_or(plain));
        let (step, dash) = match value {
            Literal::Scalar(_) => (2, 0),
            Literal::Mapping(_) | Literal::Sequence(_) => self.indents(),
        };
        let texts = match value {
            Literal::Mapping(_) => self.texts(&members),
            Literal::Scalar(_) | Literal::Sequence(_) => BTreeMap::new(),
        };
        Hand { step, dash, line_break: self.line_break(at), key, text, texts }
    }

    /// The quotes of the last key in a collection, or in one of its items; inside `{}` and `[]` else those around it.
    fn key_quotes(&self, collection: usize) -> Option<ScalarStyle> {
        let members = self.members(collection);
        let last = if self.is_mapping(collection) {
            members.last().map(|(key, _)| *key)
        } else {
            let mapping = members.iter().rev().map(|(_, item)| *item).find(|item| self.is_mapping(*item));
            mapping.and_then(|mapping| self.entries(mapping).last()).map(|(key, _)| key)
        };
        match last {
            Some(key) => self.quotes(key),
            None if self.is_flow(collection) => {
                let parent = self.parent(collection).filter(|parent| self.is_flow(*parent))?;
                self.key_quotes(parent)
            }
            None => None,
        }
    }

    fn is_mapping(&self, item: usize) -> bool {
        matches!(self.items.get(item).map(|item| &item.content), Some(Content::Mapping(_)))
    }

    fn quotes(&self, item: usize) -> Option<ScalarStyle> {
        match &self.items.get(item)?.content {
            Content::Scalar(_, style @ (ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted)) => Some(*style),
            Content::Scalar(_, ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded)
            | Content::Mapping(_)
            | Content::Sequence(_)
            | Content::Alias(_) => None,
        }
    }

    /// The quotes of text beneath each key of the mappings among `members`; the last one counts.
    fn texts(&self, members: &[(usize, usize)]) -> BTreeMap<String, ScalarStyle> {
        let mappings = members.iter().map(|(_, value)| *value).filter(|value| self.is_mapping(*value));
        let entries = mappings.flat_map(|mapping| self.entries(mapping));
        let texts = entries.filter(|(_, value)| matches!(self.scalar(*value), Some(Scalar::String(_))));
        texts
            .filter_map(|(key, value)| {
                Some((self.scalar_text(key)?.to_owned(), self.quotes(value).unwrap_or(ScalarStyle::Plain)))
            })
            .collect()
    }

    /// How much deeper the file mostly indents the mappings and the lists beneath a key.
    fn indents(&self) -> (usize, usize) {
        let mut mappings: BTreeMap<usize, usize> = BTreeMap::new();
        let mut lists: BTreeMap<usize, usize> = BTreeMap::new();
        let block = |index: &usize| {
            let content = self.items.get(*index).map(|item| &item.content);
            matches!(content, Some(Content::Mapping(StructureStyle::Block)))
        };
        for (key, value) in (0..self.items.len()).filter(block).flat_map(|mapping| self.entries(mapping)) {
            let (Some(key), Some(item)) = (self.items.get(key), self.items.get(value)) else { continue };
            let Some(column) = self.column(key.span.start) else { continue };
            let (counts, start) = match item.content {
                Content::Mapping(StructureStyle::Block) => (&mut mappings, item.span.start),
                Content::Sequence(StructureStyle::Block) => {
                    match self.spans(value).and_then(|spans| spans.first().cloned()) {
                        Some(first) => (&mut lists, first.start),
                        None => continue,
                    }
                }
                Content::Mapping(_) | Content::Sequence(_) | Content::Scalar(..) | Content::Alias(_) => continue,
            };
            let below = start.saturating_sub(line_start(self.text, start));
            *counts.entry(below.saturating_sub(column)).or_default() += 1;
        }
        mappings.remove(&0);
        let most = |counts: &BTreeMap<usize, usize>| counts.iter().max_by_key(|(_, count)| **count).map(|(by, _)| *by);
        (most(&mappings).unwrap_or(2), most(&lists).unwrap_or(0))
    }
}

impl Hand {
    fn scalar(&self, value: &Scalar, style: ScalarStyle, layout: Layout) -> String {
        write(value, Site { style, old: "text", layout })
    }

    fn name(&self, key: &str, layout: Layout) -> String {
        self.scalar(&key.into(), self.key, layout)
    }

    /// `key: value` in a block, its key at `column`, the first line without its indent.
    pub(super) fn entry(&self, key: &str, value: &Literal, column: usize) -> String {
        format!("{}:{}", self.name(key, Layout::Block), self.after_key(value, column))
    }

    /// What follows the `:` of a key at `column`.
    pub(super) fn after_key(&self, value: &Literal, column: usize) -> String {
        match value {
            Literal::Scalar(scalar) => format!(" {}", self.scalar(scalar, self.text, Layout::Block)),
            _ if value.is_empty() => format!(" {}", self.flow(value)),
            Literal::Mapping(_) => self.lines(value, column + self.step),
            Literal::Sequence(_) => self.lines(value, column + self.dash),
        }
    }

    /// The entries of a collection, each on a line of its own at `column`, each after a line break.
    pub(super) fn lines(&self, value: &Literal, column: usize) -> String {
        let indent = format!("{}{}", self.line_break, " ".repeat(column));
        self.entries(value, column).into_iter().map(|entry| format!("{indent}{entry}")).collect()
    }

    fn entries(&self, value: &Literal, column: usize) -> Vec<String> {
        match value {
            Literal::Scalar(scalar) => vec![self.scalar(scalar, self.text, Layout::Block)],
            Literal::Mapping(entries) => entries
                .iter()
                .map(|(key, value)| match (self.texts.get(key), value) {
                    (Some(style), Literal::Scalar(scalar)) => {
                        format!("{}: {}", self.name(key, Layout::Block), self.scalar(scalar, *style, Layout::Block))
                    }
                    (Some(_) | None, _) => self.entry(key, value, column),
                })
                .collect(),
            Literal::Sequence(items) => items.iter().map(|item| self.item(item, column)).collect(),
        }
    }

    /// `- item` in a block, its dash at `column`, the first line without its indent.
    pub(super) fn item(&self, value: &Literal, column: usize) -> String {
        if value.is_empty() {
            return format!("- {}", self.flow(value));
        }
        let indent = format!("{}{}", self.line_break, " ".repeat(column + 2));
        format!("- {}", self.entries(value, column + 2).join(&indent))
    }

    /// What follows a dash at `column` that `comment` follows already.
    pub(super) fn after_dash(&self, value: &Literal, column: usize, comment: &str) -> String {
        let item = self.item(value, column);
        let inline = comment.is_empty() || matches!(value, Literal::Scalar(_)) || value.is_empty();
        if inline { item.strip_prefix('-').unwrap_or(&item).to_owned() } else { self.lines(value, column + 2) }
    }

    /// The value inside `{}` or `[]`.
    pub(super) fn flow(&self, value: &Literal) -> String {
        match value {
            Literal::Scalar(scalar) => self.scalar(scalar, self.text, Layout::Flow),
            Literal::Mapping(entries) => {
                let entries: Vec<_> = entries.iter().map(|(key, value)| self.flow_entry(key, value, ": ")).collect();
                format!("{{{}}}", entries.join(", "))
            }
            Literal::Sequence(items) => {
                let items: Vec<_> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }

    /// `key: value` inside `{}`.
    pub(super) fn flow_entry(&self, key: &str, value: &Literal, colon: &str) -> String {
        let value = match (self.texts.get(key), value) {
            (Some(style), Literal::Scalar(scalar)) => self.scalar(scalar, *style, Layout::Flow),
            (Some(_) | None, _) => self.flow(value),
        };
        format!("{}{colon}{value}", self.name(key, Layout::Flow))
    }
}
