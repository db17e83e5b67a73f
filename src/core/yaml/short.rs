//! The short proof, for what people do most: single values replaced, each within its line. serde_yaml reads the whole
//! edited file once and must find every node that the first parse found before, and the wanted values; the first
//! parser reads the lines that changed once more. A line of a block collection that is read as the same key with the
//! wanted value, quotes closed, cannot change what the first parser sees elsewhere.
//!
//! Where anything is not as plain as that (aliases, tags, flow style, text blocks, numbers that the two readers take
//! differently), nothing is said here, and the long proof decides.

use std::{cell::Cell, fmt};

use granit_parser::ScalarStyle;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};

use super::{
    Edited, EditedSpan,
    format::Format,
    layout::{line_end, line_start},
    literal::Literal,
    opinion,
    plan::{Change, Splice},
    prove::{Block, is_scalar},
    scalar::Scalar,
    stream::{Content, Item, Place, Stream},
};

/// Whether the short proof holds. `false` says nothing.
pub(super) fn proves(old: &Stream<'_>, splices: &[&Splice], edited: &Edited) -> bool {
    let plain = old.format == Format::Yaml && old.aliased.is_empty() && !old.roots.is_empty();
    let Some(wanted) = splices.iter().map(|splice| replaced(splice)).collect::<Option<Vec<_>>>() else { return false };
    let span_of = |splice: &Splice| edited.spans.iter().find(|span| span.before == splice.range);
    plain
        && splices.iter().zip(&wanted).all(|(splice, (item, value))| {
            span_of(splice).is_some_and(|span| in_its_line(old, *item, value, span, &edited.text))
        })
        && reads(old, wanted, &edited.text)
}

/// The node that a splice replaces, and the single value that comes.
fn replaced(splice: &Splice) -> Option<(usize, &Scalar)> {
    match (&splice.change, &splice.value) {
        (Change::Replaced(item), Literal::Scalar(value)) => Some((*item, value)),
        (Change::Replaced(_) | Change::Added { .. } | Change::Removed { .. }, _) => None,
    }
}

/// Whether the first parser, reading the line of a value alone, sees what it saw in the file, and in the edited line the
/// same with the wanted value.
fn in_its_line(old: &Stream<'_>, index: usize, wanted: &Scalar, span: &EditedSpan, new: &str) -> bool {
    let Some(item) = old.items.get(index) else { return false };
    let quotes = match &item.content {
        Content::Scalar(_, ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) => true,
        Content::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded) => false,
        Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_) => false,
    };
    let simple = quotes && item.place == Place::Here && !item.span.is_empty() && item.span == span.before;
    if !simple || item.line != item.last_line || !in_blocks(old, index) {
        return false;
    }
    let (Some(was), Some(is)) = (Line::at(old.text, span.before.start), Line::at(new, span.after.start)) else {
        return false;
    };
    let (Ok(was_read), Ok(is_read)) = (Stream::parse(was.text), Stream::parse(is.text)) else { return false };
    let [Some((way, key, value)), Some((new_way, new_key, new_value))] = [parts(&was_read), parts(&is_read)] else {
        return false;
    };
    let keyed =
        matches!(old.parent(index).and_then(|at| old.items.get(at)), Some(Item { content: Content::Mapping(_), .. }));
    let in_file = if keyed { index.checked_sub(1).and_then(|at| old.items.get(at)) } else { None };
    let same_key = match (in_file, key, new_key) {
        (Some(file), Some(key), Some(new)) => was.same(file, key) && key.content == new.content && key.span == new.span,
        (None, None, None) => true,
        (Some(_) | None, _, _) => false,
    };
    let same_way = way.len() == new_way.len()
        && way.iter().zip(new_way).all(|(old, new)| old.content == new.content && old.depth == new.depth);
    let comes = match &new_value.content {
        Content::Scalar(text, style) => is_scalar(text, *style, wanted, Block::Never),
        Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_) => false,
    };
    let after = is.start + new_value.span.start..is.start + new_value.span.end;
    same_key && same_way && was.same(item, value) && comes && after == span.after && new_value.depth == value.depth
}

/// A line of a file.
struct Line<'t> {
    start: usize,
    text: &'t str,
}

impl<'t> Line<'t> {
    fn at(text: &'t str, at: usize) -> Option<Self> {
        let start = line_start(text, at);
        Some(Self { start, text: text.get(start..line_end(text, at))? })
    }

    /// Whether a node of the file is the one that was read in this line alone.
    fn same(&self, file: &Item<'_>, line: &Item<'_>) -> bool {
        let span = self.start + line.span.start..self.start + line.span.end;
        file.content == line.content && file.span == span && line.anchor == 0 && line.tag.is_none()
    }
}

/// What a line holds: the collections that begin in it, a key, and a value at its end, which the key may be missing for.
fn parts<'s, 't>(line: &'s Stream<'t>) -> Option<(&'s [Item<'t>], Option<&'s Item<'t>>, &'s Item<'t>)> {
    let (value, rest) = line.items.split_last()?;
    let (key, way) = match rest.split_last() {
        Some((key, way)) if matches!(key.content, Content::Scalar(..)) => (Some(key), way),
        Some(_) | None => (None, rest),
    };
    let bare = |item: &Item<'_>| item.anchor == 0 && item.tag.is_none();
    let collections =
        way.iter().all(|item| matches!(item.content, Content::Mapping(_) | Content::Sequence(_)) && bare(item));
    (line.roots.len() == 1 && collections && bare(value) && value.depth == way.len()).then_some((way, key, value))
}

/// Whether a node lies in block collections alone, one at least.
fn in_blocks(stream: &Stream<'_>, index: usize) -> bool {
    let mut parents = std::iter::successors(stream.parent(index), |parent| stream.parent(*parent)).peekable();
    parents.peek().is_some() && parents.all(|parent| !stream.is_flow(parent))
}

/// Whether serde_yaml finds in the edited file what the first parse found before, and the wanted values.
fn reads(old: &Stream<'_>, mut wanted: Vec<(usize, &Scalar)>, new: &str) -> bool {
    wanted.sort_unstable_by_key(|(item, _)| *item);
    let walk = Walk { old, wanted: &wanted, next: Cell::new(0) };
    let mut roots = old.roots.iter();
    let new = new.strip_prefix('\u{feff}').unwrap_or(new);
    for document in serde_yaml::Deserializer::from_str(new) {
        let here = roots.next().is_some_and(|root| root.item == walk.next.get());
        if !here || (&walk).deserialize(document).is_err() {
            return false;
        }
    }
    roots.next().is_none() && walk.next.get() == old.items.len()
}

/// The nodes of the first parse, gone through beside the second reader.
struct Walk<'w, 't> {
    old: &'w Stream<'t>,
    /// By their nodes, in order.
    wanted: &'w [(usize, &'w Scalar)],
    next: Cell<usize>,
}

impl<'w, 't> Walk<'w, 't> {
    /// The next node.
    fn step(&self) -> Option<(usize, &'w Item<'t>)> {
        let index = self.next.get();
        self.next.set(index + 1);
        self.old.items.get(index).map(|item| (index, item)).filter(|(_, item)| item.tag.is_none())
    }

    /// Whether the next node is a single value, wanted or as it was, that fits.
    fn is(&self, same: impl Fn(&Scalar) -> bool, same_text: impl Fn(&str, ScalarStyle) -> bool) -> bool {
        let Some((index, item)) = self.step() else { return false };
        if let Ok(found) = self.wanted.binary_search_by_key(&index, |(item, _)| *item) {
            return self.wanted.get(found).is_some_and(|(_, value)| same(value));
        }
        match &item.content {
            Content::Scalar(text, style) => same_text(text, *style),
            Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_) => false,
        }
    }

    /// The same for what only a value without quotes can be.
    fn is_plain<E: serde::de::Error>(&self, same: impl Fn(&Scalar) -> bool) -> Result<(), E> {
        told(self.is(&same, |text, style| style == ScalarStyle::Plain && same(&Scalar::of_plain(text))))
    }

    /// Where the next node ends, if it is a collection.
    fn opened(&self, collection: impl Fn(&Content<'_>) -> bool) -> Option<usize> {
        self.step().filter(|(_, item)| collection(&item.content)).map(|(_, item)| item.end)
    }
}

/// The error is never shown: the long proof finds its own words.
fn told<E: serde::de::Error>(holds: bool) -> Result<(), E> {
    if holds { Ok(()) } else { Err(E::custom("")) }
}

impl<'de> DeserializeSeed<'de> for &Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what the first parser read")
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.is_plain(|value| *value == Scalar::Null)
    }
    fn visit_bool<E: serde::de::Error>(self, found: bool) -> Result<(), E> {
        self.is_plain(|value| *value == Scalar::Bool(found))
    }
    fn visit_i64<E: serde::de::Error>(self, found: i64) -> Result<(), E> {
        self.is_plain(|value| *value == Scalar::Integer(found.into()))
    }
    fn visit_u64<E: serde::de::Error>(self, found: u64) -> Result<(), E> {
        self.is_plain(|value| *value == Scalar::Integer(found.into()))
    }
    fn visit_f64<E: serde::de::Error>(self, found: f64) -> Result<(), E> {
        let found = if found.is_nan() { f64::NAN } else { found }.to_bits();
        self.is_plain(|value| matches!(value, Scalar::Float(text) if opinion::bits(text) == found))
    }
    fn visit_str<E: serde::de::Error>(self, found: &str) -> Result<(), E> {
        let is_text = |text: &str| matches!(Scalar::of_plain(text), Scalar::String(_));
        let as_before = |text: &str, style| text == found && (style != ScalarStyle::Plain || is_text(text));
        told(self.is(|value| value.as_str() == Some(found), as_before))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let end = self.opened(|content| matches!(content, Content::Sequence(_)));
        let end = end.ok_or_else(|| A::Error::custom(""))?;
        while access.next_element_seed(self)?.is_some() {}
        told(self.next.get() == end)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let end = self.opened(|content| matches!(content, Content::Mapping(_)));
        let end = end.ok_or_else(|| A::Error::custom(""))?;
        while access.next_entry_seed(self, self)?.is_some() {}
        told(self.next.get() == end)
    }
}
