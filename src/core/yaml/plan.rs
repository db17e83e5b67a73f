//! One assignment becomes one splice: which bytes go, which come, and what must be true afterwards.

use std::ops::Range;

use granit_parser::{ScalarStyle, StructureStyle};

use super::{
    Assignment, Missing,
    find::{End, Way},
    path::Path,
    refusal::{Kind, Refusal},
    scalar::Scalar,
    stream::{Content, Item, Stream},
    write::{Layout, Site, is_plain_text, write},
};

/// What a splice does to the nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// The value of this node is the wanted one.
    Replaced(usize),
    /// This mapping has one more entry, its last.
    Added { mapping: usize, key: String },
}

/// One edit, decided and not done.
#[derive(Debug)]
pub(super) struct Splice {
    /// The bytes that go.
    pub(super) range: Range<usize>,
    /// The bytes that come.
    pub(super) text: String,
    pub(super) change: Change,
    pub(super) value: Scalar,
    /// What stood there; `None` where the key was missing.
    pub(super) old: Option<Scalar>,
    pub(super) line: usize,
    /// How many collections the node lies in.
    pub(super) depth: usize,
    /// The same place for another reader: document, then the place among siblings at each step.
    pub(super) document: usize,
    pub(super) places: Vec<usize>,
}

impl Stream<'_> {
    /// Decides how to make `assignment` true, or why not to.
    pub(super) fn plan(&self, assignment: &Assignment) -> Result<Splice, Refusal> {
        if !assignment.value.can_be_set() {
            return Err(Refusal::NotAValue { value: assignment.value.to_string() });
        }
        let way = self.find(&assignment.document, &assignment.path)?;
        self.unshared(&way, &assignment.path)?;
        match &way.end {
            End::Item(item) => self.replace(*item, &way, assignment),
            End::Missing { mapping, key } => {
                let last = assignment.path.steps().len().saturating_sub(1);
                if assignment.missing == Missing::Refuse {
                    return Err(self.no_key(*mapping, assignment.path.prefix(last), key));
                }
                self.unlocked(&way, *mapping, &assignment.path)?;
                let added = self.add(*mapping, key, &assignment.value);
                let (range, text) = added.ok_or_else(|| self.no_place(*mapping, &assignment.path))?;
                let item = self.items.get(*mapping);
                Ok(Splice {
                    range,
                    text,
                    change: Change::Added { mapping: *mapping, key: key.clone() },
                    value: assignment.value.clone(),
                    old: None,
                    line: item.map_or(1, |item| item.last_line),
                    depth: item.map_or(0, |item| item.depth) + 1,
                    document: way.document,
                    places: way.places,
                })
            }
        }
    }

    fn replace(&self, index: usize, way: &Way, assignment: &Assignment) -> Result<Splice, Refusal> {
        let Assignment { path, value, .. } = assignment;
        let (item, style) = self.editable(index, path)?;
        self.unlocked(way, index, path)?;
        let raw = self.raw(index);
        let old = self.scalar(index);
        let flow = way.through.last().is_some_and(|parent| self.is_flow(*parent));
        let site = Site { style, old: raw, layout: if flow { Layout::Flow } else { Layout::Block } };
        let text = match &old {
            Some(old) if old == value && stays(raw, style, value) => raw.to_owned(),
            Some(_) | None if raw.is_empty() => format!(" {}", write(value, site)),
            Some(_) | None => write(value, site),
        };
        Ok(Splice {
            range: item.span.clone(),
            text,
            change: Change::Replaced(index),
            value: value.clone(),
            old,
            line: item.line,
            depth: item.depth,
            document: way.document,
            places: way.places.clone(),
        })
    }

    /// The node and its quotes, if its bytes are one plain or quoted value and nothing else hangs on them.
    fn editable(&self, index: usize, path: &Path) -> Result<(&Item<'_>, ScalarStyle), Refusal> {
        let Some(item) = self.items.get(index) else { return Err(self.no_place(index, path)) };
        let (at, line) = (path.clone(), item.line);
        if self.is_template(index) {
            return Err(Refusal::Template { line });
        }
        let style = match &item.content {
            Content::Alias(_) => return Err(Refusal::Alias { at, line }),
            Content::Mapping(_) | Content::Sequence(_) => {
                return Err(Refusal::WrongKind { at, found: self.kind(index), expected: Kind::Scalar, line });
            }
            Content::Scalar(_, style) => *style,
        };
        if item.anchor > 0 {
            return Err(Refusal::Anchor { at, line });
        }
        if let Some(tag) = &item.tag {
            return Err(Refusal::Tag { at, tag: tag.to_string(), line });
        }
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => Err(Refusal::BlockScalar { at, line }),
            ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted if item.placed => {
                Ok((item, style))
            }
            ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                Err(self.no_place(index, path))
            }
        }
    }

    /// What an untagged scalar is; `None` for anything else.
    pub(super) fn scalar(&self, item: usize) -> Option<Scalar> {
        match &self.items.get(item)?.content {
            // The parser writes an implicit null as `~`.
            Content::Scalar(text, ScalarStyle::Plain) => Some(Scalar::of_plain(text)),
            Content::Scalar(text, _) => Some(Scalar::String(text.clone().into_owned())),
            Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_) => None,
        }
    }

    fn is_flow(&self, item: usize) -> bool {
        let content = self.items.get(item).map(|item| &item.content);
        matches!(content, Some(Content::Mapping(StructureStyle::Flow) | Content::Sequence(StructureStyle::Flow)))
    }

    fn no_place(&self, item: usize, path: &Path) -> Refusal {
        Refusal::NoPlace { at: path.clone(), line: self.line(item) }
    }

    /// Nothing on the way may be in use elsewhere through an alias.
    fn unshared(&self, way: &Way, path: &Path) -> Result<(), Refusal> {
        for (count, item) in way.through.iter().enumerate() {
            let anchor = self.items.get(*item).map_or(0, |item| item.anchor);
            if let Some(used) = self.aliased.get(&anchor) {
                return Err(Refusal::Shared { at: path.prefix(count), line: self.line(*item), used: *used });
            }
        }
        Ok(())
    }

    /// No line of a key on the way or of the value may carry the comment that locks.
    fn unlocked(&self, way: &Way, end: usize, path: &Path) -> Result<(), Refusal> {
        let lines = |item: usize| self.items.get(item).map_or(0..=0, |item| item.line..=item.last_line);
        let value = match self.items.get(end).map(|item| &item.content) {
            Some(Content::Mapping(StructureStyle::Block)) => None,
            Some(_) | None => Some(lines(end)),
        };
        let keys = way.keys.iter().map(|key| lines(*key));
        let last = way.keys.last().zip(value.clone()).map(|(key, value)| self.line(*key)..=*value.end());
        for lines in keys.chain(value).chain(last) {
            if let Some(line) = self.locks.iter().find(|line| lines.contains(line)) {
                return Err(Refusal::Locked { at: path.clone(), line: *line });
            }
        }
        Ok(())
    }
}

/// Whether the bytes of an equal value may stay as they are: every reader must take them for it.
fn stays(raw: &str, style: ScalarStyle, value: &Scalar) -> bool {
    match value {
        Scalar::String(text) => style != ScalarStyle::Plain || is_plain_text(text),
        Scalar::Integer(value) => raw == value.to_string(),
        Scalar::Null | Scalar::Bool(_) | Scalar::Float(_) => true,
    }
}
