//! Proof that an edited text is the old one with the wanted values and nothing else: the bytes between the edits,
//! every node of a fresh parse, and an independent reader must all agree.

use std::collections::BTreeMap;

use granit_parser::ScalarStyle;

use super::{
    Edited, opinion,
    plan::{Change, Splice},
    refusal::Refusal,
    scalar::Scalar,
    stream::{Content, Item, Stream},
    write::is_plain_text,
};

/// The splices in the order of the text, and the edited text with its spans in that order.
pub(super) fn prove(old: &Stream<'_>, splices: &[&Splice], edited: &Edited) -> Result<(), Refusal> {
    let line = splices.first().map(|splice| splice.line);
    let failed = |why| Refusal::NotProven { why, line };
    if !same_bytes_between(old.text, edited) {
        return Err(failed("bytes outside the edit differ"));
    }
    let new = Stream::parse(&edited.text).map_err(|_| failed("the edited file does not parse"))?;
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

/// Walks both files side by side; only what was replaced or added may differ, and must be the wanted value.
fn same_nodes(old: &Stream<'_>, splices: &[&Splice], new: &Stream<'_>) -> Result<(), &'static str> {
    let mut replaced = BTreeMap::new();
    let mut added: BTreeMap<usize, Vec<(&Splice, &str)>> = BTreeMap::new();
    for splice in splices {
        match &splice.change {
            Change::Replaced(item) => {
                replaced.insert(*item, *splice);
            }
            Change::Added { mapping, key } => {
                let end = old.items.get(*mapping).map_or(0, |item| item.end);
                added.entry(end).or_default().push((splice, key));
            }
        }
    }
    let mut fresh = new.items.iter();
    for place in 0..=old.items.len() {
        for (splice, key) in added.get(&place).into_iter().flatten() {
            let (name, value) = (fresh.next(), fresh.next());
            let named = name.is_some_and(|name| is_bare(name, splice) && scalar_text(name) == Some(*key));
            if !named || !value.is_some_and(|value| is_wanted(value, splice)) {
                return Err("the added entry is not read back");
            }
        }
        let Some(item) = old.items.get(place) else { break };
        let Some(now) = fresh.next() else { return Err("nodes are missing") };
        match replaced.get(&place) {
            Some(splice) if is_wanted(now, splice) => {}
            Some(_) => return Err("the value is not read back"),
            None if same(item, now) => {}
            None => return Err("another node differs"),
        }
    }
    let explicit = |stream: &Stream<'_>| stream.roots.iter().map(|root| root.explicit).collect::<Vec<_>>();
    if fresh.next().is_some() || explicit(old) != explicit(new) || old.locks.len() != new.locks.len() {
        return Err("documents differ");
    }
    Ok(())
}

/// Depth and order together are the structure.
fn same(old: &Item<'_>, new: &Item<'_>) -> bool {
    old.depth == new.depth && old.anchor == new.anchor && old.tag == new.tag && old.content == new.content
}

fn scalar_text<'i>(item: &'i Item<'_>) -> Option<&'i str> {
    match &item.content {
        Content::Scalar(text, _) => Some(text),
        Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_) => None,
    }
}

fn is_bare(item: &Item<'_>, splice: &Splice) -> bool {
    item.depth == splice.depth && item.anchor == 0 && item.tag.is_none()
}

/// Whether a node is the wanted value, to readers of YAML 1.1 and 1.2.
fn is_wanted(item: &Item<'_>, splice: &Splice) -> bool {
    let right = match (&item.content, &splice.value) {
        (Content::Scalar(text, ScalarStyle::Plain), Scalar::String(wanted)) => text == wanted && is_plain_text(text),
        (Content::Scalar(text, ScalarStyle::Plain), wanted) => Scalar::of_plain(text) == *wanted,
        (Content::Scalar(text, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted), Scalar::String(wanted)) => {
            text == wanted
        }
        (
            Content::Scalar(
                _,
                ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Literal | ScalarStyle::Folded,
            )
            | Content::Mapping(_)
            | Content::Sequence(_)
            | Content::Alias(_),
            _,
        ) => false,
    };
    right && is_bare(item, splice)
}
