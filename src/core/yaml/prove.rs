//! Proof that an edited text is the old one with the wanted values and nothing else: the bytes between the edits,
//! every node of a fresh parse, and an independent reader must all agree. For the commonest edits `short.rs` proves the
//! same in half the time.

use std::collections::BTreeMap;

use granit_parser::ScalarStyle;

use super::{
    Edited,
    literal::Literal,
    opinion,
    plan::{Change, Splice},
    refusal::Refusal,
    scalar::Scalar,
    short,
    stream::{Content, Item, Stream},
    write::is_plain_text,
};

/// The splices in the order of the text, and the edited text with its spans in that order.
pub(super) fn prove(old: &Stream<'_>, splices: &[&Splice], edited: &Edited) -> Result<(), Refusal> {
    if !same_bytes_between(old.text, edited) {
        let line = splices.first().map(|splice| splice.line);
        return Err(Refusal::NotProven { why: "bytes outside the edit differ", line });
    }
    if short::proves(old, splices, edited) { Ok(()) } else { at_length(old, splices, edited) }
}

/// Every node of the edited file against every node of the old one, by both readers.
pub(super) fn at_length(old: &Stream<'_>, splices: &[&Splice], edited: &Edited) -> Result<(), Refusal> {
    let line = splices.first().map(|splice| splice.line);
    let failed = |why| Refusal::NotProven { why, line };
    let new = Stream::parse_as(&edited.text, old.format).map_err(|_| failed("the edited file does not parse"))?;
    same_nodes(old, splices, &new).map_err(failed)?;
    if old.weight > 4 * old.items.len() + 10_000 {
        // Aliases inside aliases: the second reader would write them all out.
        return Ok(());
    }
    opinion::agrees(old, splices, &edited.text).map_err(failed)
}

fn same_bytes_between(old: &str, edited: &Edited) -> bool {
    let mut ends = (0, 0);
    let mut spans: Vec<_> = edited.spans.iter().collect();
    spans.sort_by_key(|span| span.after.start);
    let between = spans.iter().all(|span| {
        let same = old.get(ends.0..span.before.start) == edited.text.get(ends.1..span.after.start);
        ends = (span.before.end, span.after.end);
        same
    });
    between && old.get(ends.0..) == edited.text.get(ends.1..)
}

/// Walks both files side by side; only what was replaced, added or removed may differ, and must be what is wanted.
fn same_nodes(old: &Stream<'_>, splices: &[&Splice], new: &Stream<'_>) -> Result<(), &'static str> {
    let mut changed = BTreeMap::new();
    let mut added: BTreeMap<usize, Vec<(&Splice, Option<&str>)>> = BTreeMap::new();
    for splice in splices {
        match &splice.change {
            Change::Replaced(item) => _ = changed.insert(*item, *splice),
            Change::Removed { nodes } => _ = changed.insert(nodes.start, *splice),
            Change::Added { collection, key } => {
                let end = old.items.get(*collection).map_or(0, |item| item.end);
                added.entry(end).or_default().push((splice, key.as_deref()));
            }
        }
    }
    let mut fresh = Fresh { items: new.items.iter(), anchors: BTreeMap::new() };
    let mut place = 0;
    loop {
        for (splice, key) in added.get(&place).into_iter().flatten() {
            let named = key.is_none_or(|key| fresh.is_key(key, splice.depth));
            if !named || !fresh.is_wanted(&splice.value, splice.depth, Block::Never) {
                return Err("the added entry is not read back");
            }
        }
        let Some(item) = old.items.get(place) else { break };
        place = match changed.get(&place) {
            None if fresh.is_same(item) => place + 1,
            None => return Err("another node differs"),
            Some(splice) => match &splice.change {
                Change::Removed { nodes } => nodes.end,
                Change::Replaced(_) | Change::Added { .. } => {
                    if !fresh.is_wanted(&splice.value, splice.depth, Block::of(item)) {
                        return Err("the value is not read back");
                    }
                    item.end
                }
            },
        };
    }
    let explicit = |stream: &Stream<'_>| stream.roots.iter().map(|root| root.explicit).collect::<Vec<_>>();
    let begun = added.contains_key(&0) && old.roots.is_empty() && explicit(new) == [false];
    if fresh.items.next().is_some() || !(begun || explicit(old) == explicit(new)) || old.locks.len() != new.locks.len()
    {
        return Err("documents differ");
    }
    Ok(())
}

/// Whether the wanted value is a text block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Never,
    Always,
}

impl Block {
    /// A value that was a `|` block stays one, and no other becomes one.
    fn of(item: &Item<'_>) -> Self {
        match item.content {
            Content::Scalar(_, ScalarStyle::Literal) => Self::Always,
            Content::Scalar(..) | Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_) => Self::Never,
        }
    }
}

/// The nodes of the edited file that were not looked at yet.
struct Fresh<'i, 't> {
    items: std::slice::Iter<'i, Item<'t>>,
    /// The numbers that the anchors of the old file have in the new one.
    anchors: BTreeMap<usize, usize>,
}

impl<'i, 't> Fresh<'i, 't> {
    /// Depth and order together are the structure.
    fn is_same(&mut self, old: &Item<'_>) -> bool {
        let Some(new) = self.items.next() else { return false };
        if old.anchor > 0 {
            self.anchors.insert(old.anchor, new.anchor);
        }
        let content = match (&old.content, &new.content) {
            (Content::Alias(old), Content::Alias(new)) => self.anchors.get(old) == Some(new),
            (old, new) => old == new,
        };
        old.depth == new.depth && (old.anchor > 0) == (new.anchor > 0) && old.tag == new.tag && content
    }

    /// The next node, if it is at this depth and has neither anchor nor tag.
    fn bare(&mut self, depth: usize) -> Option<&'i Content<'t>> {
        let item = self.items.next()?;
        (item.depth == depth && item.anchor == 0 && item.tag.is_none()).then_some(&item.content)
    }

    fn is_key(&mut self, key: &str, depth: usize) -> bool {
        matches!(self.bare(depth), Some(Content::Scalar(text, _)) if text == key)
    }

    /// Whether the next nodes are the wanted value, to readers of YAML 1.1 and 1.2, and nothing more.
    fn is_wanted(&mut self, value: &Literal, depth: usize, block: Block) -> bool {
        let next = self.bare(depth);
        let inside = match (next, value) {
            (Some(Content::Scalar(text, style)), Literal::Scalar(wanted)) => {
                return is_scalar(text, *style, wanted, block);
            }
            (Some(Content::Mapping(_)), Literal::Mapping(entries)) => entries
                .iter()
                .all(|(key, value)| self.is_key(key, depth + 1) && self.is_wanted(value, depth + 1, Block::Never)),
            (Some(Content::Sequence(_)), Literal::Sequence(items)) => {
                items.iter().all(|item| self.is_wanted(item, depth + 1, Block::Never))
            }
            (Some(Content::Scalar(..) | Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_)) | None, _) => {
                false
            }
        };
        inside && self.items.as_slice().first().is_none_or(|next| next.depth <= depth)
    }
}

/// Whether a scalar is the wanted one.
pub(super) fn is_scalar(text: &str, style: ScalarStyle, wanted: &Scalar, block: Block) -> bool {
    match (style, wanted, block) {
        (ScalarStyle::Literal, Scalar::String(wanted), Block::Always) => text == wanted,
        (ScalarStyle::Plain, Scalar::String(wanted), Block::Never) => text == wanted && is_plain_text(text),
        (ScalarStyle::Plain, wanted, Block::Never) => Scalar::of_plain(text) == *wanted,
        (ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, Scalar::String(wanted), Block::Never) => text == wanted,
        (ScalarStyle::Folded | ScalarStyle::Literal | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, _, _)
        | (ScalarStyle::Plain, _, Block::Always) => false,
    }
}
