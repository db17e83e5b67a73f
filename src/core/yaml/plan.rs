//! One assignment becomes one splice: which bytes go, which come, and what must be true afterwards.

use std::ops::Range;

use granit_parser::{ScalarStyle, StructureStyle};

use super::{
    Assignment, Missing,
    document::Document,
    find::{End, Way},
    layout::{is_blank_or_comment, line_end},
    literal::Literal,
    path::{Path, Step},
    refusal::{Kind, Refusal},
    scalar::Scalar,
    stream::{Content, Item, Place, Stream},
    write::{Layout, Site, is_plain_text, write},
};

/// What a splice does to the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Change {
    /// This node with all that lies in it becomes the wanted value.
    Replaced(usize),
    /// This collection has one more entry, its last: with this key, or an item.
    Added { collection: usize, key: Option<String> },
    /// These nodes, a key and its value or an item, are there no more.
    Removed { nodes: Range<usize> },
}

/// One edit, decided and not done.
#[derive(Debug)]
pub(super) struct Splice {
    /// The bytes that go.
    pub(super) range: Range<usize>,
    /// The bytes that come.
    pub(super) text: String,
    pub(super) change: Change,
    pub(super) value: Literal,
    /// What stood there; `None` where nothing did or more than a single value.
    pub(super) old: Option<Scalar>,
    pub(super) line: usize,
    /// How many collections the node lies in.
    pub(super) depth: usize,
    /// The same place for another reader: document, then the place among siblings at each step; of an entry that is
    /// added, that of its collection.
    pub(super) document: usize,
    pub(super) places: Vec<usize>,
}

impl Stream<'_> {
    /// Decides how to make `assignment` true, or why not to.
    pub(super) fn plan(&self, assignment: &Assignment) -> Result<Splice, Refusal> {
        let Assignment { document, path, value, missing } = assignment;
        if !value.can_be_set() {
            return Err(Refusal::NotAValue { value: value.to_string() });
        }
        let keys = path.steps().iter().all(|step| matches!(step, Step::Key(_)));
        if *missing == Missing::Build && keys && self.is_bare(document) {
            return self.begin(path, Literal::Scalar(value.clone()));
        }
        let way = self.find(document, path)?;
        self.unshared(&way, path)?;
        let (parent, taken) = match way.end {
            End::Item(item) => return self.replace(item, &way, assignment),
            End::Missing { parent, taken } => (parent, taken),
        };
        let rest = path.steps().get(taken..).unwrap_or_default();
        let may = match missing {
            Missing::Refuse => false,
            Missing::Add => rest.len() == 1 && self.kind(parent) == Kind::Mapping,
            Missing::Build => true,
        };
        if !may || !rest.iter().all(|step| matches!(step, Step::Key(_))) {
            return Err(self.no_way(parent, taken, path));
        }
        self.grow(&way, path, Literal::Scalar(value.clone()))
    }

    /// Decides how to put `value` where `path` leads to nothing yet, or why not to.
    pub(super) fn plan_insertion(&self, document: &Document, path: &Path, value: &Literal) -> Result<Splice, Refusal> {
        value.writable()?;
        if self.is_bare(document) {
            return self.begin(path, value.clone());
        }
        let way = self.find(document, path)?;
        self.unshared(&way, path)?;
        match way.end {
            End::Item(item) if self.kind(item) == Kind::Null => self.fill_null(item, &way, path, value.clone()),
            End::Item(item) => Err(Refusal::AlreadyThere { at: path.clone(), line: self.line(item) }),
            End::Missing { parent, taken } => {
                let rest = path.steps().get(taken..).unwrap_or_default();
                let first = |step: &Step| matches!(step, Step::Index(0) | Step::Select { .. });
                match rest {
                    [_] => self.grow(&way, path, value.clone()),
                    [Step::Key(_), item] if first(item) => self.grow(&way, path, value.clone()),
                    _ => Err(self.no_way(parent, taken, path)),
                }
            }
        }
    }

    /// Adds what is missing at the end of the way, with `value` at the end of the path.
    fn grow(&self, way: &Way, path: &Path, value: Literal) -> Result<Splice, Refusal> {
        let End::Missing { parent, taken } = way.end else { return Err(self.no_place(0, path)) };
        let Some((step, rest)) = path.steps().get(taken..).and_then(<[Step]>::split_first) else {
            return Err(self.no_place(parent, path));
        };
        let value = value.beneath(rest)?;
        if self.kind(parent) == Kind::Null {
            let value = value.beneath(std::slice::from_ref(step))?;
            return self.fill_null(parent, way, path, value);
        }
        if self.may_unfold(parent) && !matches!(value, Literal::Scalar(_)) && !value.is_empty() {
            let value = value.beneath(std::slice::from_ref(step))?;
            return Ok(Splice { old: None, ..self.fill_null(parent, way, path, value)? });
        }
        let (key, value) = match step {
            Step::Key(key) => (Some(key.clone()), value),
            Step::Select { key, value: name } => (None, value.selected_by(key, name)?),
            Step::Index(_) | Step::Inside(_) => (None, value),
        };
        self.unlocked(way, parent, path)?;
        let added = self.add(parent, key.as_deref(), &value);
        let (range, text) = added.ok_or_else(|| self.no_place(parent, path))?;
        let item = self.items.get(parent);
        Ok(Splice {
            range,
            text,
            change: Change::Added { collection: parent, key },
            value,
            old: None,
            line: item.map_or(1, |item| item.last_line),
            depth: item.map_or(0, |item| item.depth) + 1,
            document: way.document,
            places: way.places.clone(),
        })
    }

    /// Whether a collection is `{}` or `[]` alone behind its key or dash, so that what is put into it can be a block.
    fn may_unfold(&self, collection: usize) -> bool {
        let Some(item) = self.items.get(collection) else { return false };
        let rest = self.text.get(item.span.end..line_end(self.text, item.span.end)).unwrap_or_default();
        matches!(self.raw(collection), "{}" | "[]")
            && item.anchor == 0
            && item.tag.is_none()
            && is_blank_or_comment(rest)
            && self.parent(collection).is_some_and(|parent| !self.is_flow(parent))
            && self.after_indicator(collection).is_some()
    }

    /// Puts `value` where `null` stands.
    fn fill_null(&self, null: usize, way: &Way, path: &Path, value: Literal) -> Result<Splice, Refusal> {
        let item = self.items.get(null).ok_or_else(|| self.no_place(null, path))?;
        if item.anchor > 0 {
            return Err(Refusal::Anchor { at: path.clone(), line: item.line });
        }
        self.unlocked(way, null, path)?;
        let (range, text) = self.fill(null, &value).ok_or_else(|| self.no_place(null, path))?;
        let (change, line, depth) = (Change::Replaced(null), item.line, item.depth);
        let (document, places) = (way.document, way.places.clone());
        Ok(Splice { range, text, change, value, old: Some(Scalar::Null), line, depth, document, places })
    }

    fn replace(&self, index: usize, way: &Way, assignment: &Assignment) -> Result<Splice, Refusal> {
        let Assignment { path, value, .. } = assignment;
        let (item, style) = self.editable(index, path)?;
        self.unlocked(way, index, path)?;
        if style == ScalarStyle::Literal {
            return self.replace_block(index, way, assignment);
        }
        let raw = self.raw(index);
        // To readers of YAML 1.1 these end a line, so that they read another value here.
        if raw.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
            return Err(self.no_place(index, path));
        }
        let old = self.scalar(index);
        let flow = way.through.last().is_some_and(|parent| self.is_flow(*parent));
        let site = Site { style, old: raw, layout: if flow { Layout::Flow } else { Layout::Block } };
        let text = match &old {
            Some(old) if old == value && stays(raw, style, value) => raw.to_owned(),
            Some(_) | None if raw.is_empty() => format!(" {}", write(value, site)),
            Some(_) | None => write(value, site),
        };
        let (range, text) = match item.place {
            Place::Here => (item.span.clone(), text),
            Place::AfterKey if flow => (item.span.clone(), format!(":{text}")),
            Place::AfterKey => self.after_explicit_key(item, way, &text).ok_or_else(|| self.no_place(index, path))?,
            Place::Nowhere => return Err(self.no_place(index, path)),
        };
        Ok(Splice {
            range,
            text,
            change: Change::Replaced(index),
            value: Literal::Scalar(value.clone()),
            old,
            line: item.line,
            depth: item.depth,
            document: way.document,
            places: way.places.clone(),
        })
    }

    /// A `|` block gets other lines, if its header can stay.
    fn replace_block(&self, index: usize, way: &Way, assignment: &Assignment) -> Result<Splice, Refusal> {
        let Assignment { path, value, .. } = assignment;
        let refused = || Refusal::BlockScalar { at: path.clone(), line: self.line(index) };
        let block = self.block_at(index).ok_or_else(refused)?;
        let text = value.as_str().and_then(|text| block.spelled(text)).ok_or_else(refused)?;
        Ok(self.respell(index, way, &block, &text))
    }

    /// A line `: value` after the line of `? key`.
    fn after_explicit_key(&self, item: &Item<'_>, way: &Way, text: &str) -> Option<(Range<usize>, String)> {
        let span = self.spans(*way.through.last()?)?.get(*way.places.last()?)?.clone();
        let indent = " ".repeat(self.column(span.start)?);
        let at = line_end(self.text, item.span.start);
        Some((at..at, format!("{}{indent}:{text}", self.line_break(at))))
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
            ScalarStyle::Folded => Err(Refusal::BlockScalar { at, line }),
            ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Literal => {
                Ok((item, style))
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

    pub(super) fn no_place(&self, item: usize, path: &Path) -> Refusal {
        Refusal::NoPlace { at: path.clone(), line: self.line(item) }
    }

    /// Nothing on the way may be in use elsewhere through an alias.
    pub(super) fn unshared(&self, way: &Way, path: &Path) -> Result<(), Refusal> {
        for (count, item) in way.through.iter().enumerate() {
            let anchor = self.items.get(*item).map_or(0, |item| item.anchor);
            if let Some(used) = self.aliased.get(&anchor) {
                return Err(Refusal::Shared { at: path.prefix(count), line: self.line(*item), used: *used });
            }
        }
        Ok(())
    }

    /// No line of a key on the way or of the value may carry the comment that locks.
    pub(super) fn unlocked(&self, way: &Way, end: usize, path: &Path) -> Result<(), Refusal> {
        let lines = |item: usize| self.items.get(item).map_or(0..=0, |item| item.line..=item.last_line);
        let value = match self.items.get(end).map(|item| &item.content) {
            Some(Content::Mapping(StructureStyle::Block) | Content::Sequence(StructureStyle::Block)) => None,
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
