//! A file as saphyr-parser reads it: a tree with quotes, anchors and tags, and the steps of a path through it. No
//! styles of collections and no places in the text: those are what the comparison of bytes is for.

use std::{borrow::Cow, collections::BTreeMap};

use leverframe::core::yaml::{self, Path, Scalar, Step};
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::judge::{Wanted, is};

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quotes {
    Plain,
    Single,
    Double,
    Literal,
    Folded,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Text(String, Quotes),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Alias(usize),
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) content: Content,
    /// 0 for none.
    pub(crate) anchor: usize,
    pub(crate) tag: Option<String>,
}

impl Node {
    /// The text of a key in a path; a key that is not there is `~`.
    fn as_key(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text, Quotes::Plain) if text.is_empty() && self.tag.is_none() => Some("~"),
            Content::Text(text, _) => Some(text),
            Content::Alias(_) | Content::List(_) | Content::Map(_) => None,
        }
    }

    fn children(&self) -> Vec<&Node> {
        match &self.content {
            Content::List(items) => items.iter().collect(),
            Content::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Content::Text(..) | Content::Alias(_) => Vec::new(),
        }
    }
}

/// A collection that is still open.
struct Open {
    anchor: usize,
    tag: Option<String>,
    is_map: bool,
    children: Vec<Node>,
}

/// The roots of all documents; `None` where saphyr-parser reads no YAML.
pub(crate) fn read(text: &str) -> Option<Vec<Node>> {
    // It takes a byte order mark for text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut roots, mut open): (Vec<Node>, Vec<Open>) = (Vec::new(), Vec::new());
    for event in Parser::new_from_str(text) {
        let done = match event.ok()?.0 {
            Event::SequenceStart(anchor, tag) => {
                open.push(Open { anchor, tag: written(tag), is_map: false, children: Vec::new() });
                continue;
            }
            Event::MappingStart(anchor, tag) => {
                open.push(Open { anchor, tag: written(tag), is_map: true, children: Vec::new() });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => closed(open.pop()?),
            Event::Alias(anchor) => Node { content: Content::Alias(anchor), anchor: 0, tag: None },
            Event::Scalar(text, style, anchor, tag) => {
                Node { content: Content::Text(text.into_owned(), quotes(style)), anchor, tag: written(tag) }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                continue;
            }
        };
        match open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => roots.push(done),
        }
    }
    Some(roots)
}

fn written(tag: Option<Cow<'_, Tag>>) -> Option<String> {
    tag.map(|tag| tag.to_string())
}

fn quotes(style: ScalarStyle) -> Quotes {
    match style {
        ScalarStyle::Plain => Quotes::Plain,
        ScalarStyle::SingleQuoted => Quotes::Single,
        ScalarStyle::DoubleQuoted => Quotes::Double,
        ScalarStyle::Literal => Quotes::Literal,
        ScalarStyle::Folded => Quotes::Folded,
    }
}

fn closed(open: Open) -> Node {
    let mut children = open.children.into_iter();
    let content = if open.is_map {
        let mut entries = Vec::new();
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            entries.push((key, value));
        }
        Content::Map(entries)
    } else {
        Content::List(children.collect())
    };
    Node { content, anchor: open.anchor, tag: open.tag }
}

/// A single value, and every way that a path has to it.
pub(crate) struct Leaf<'n> {
    pub(crate) document: usize,
    /// By keys and places.
    pub(crate) path: Path,
    /// By `[name=value]` wherever one item alone has that name; `None` where that changes nothing.
    pub(crate) named: Option<Path>,
    pub(crate) node: &'n Node,
}

/// A mapping with its keys, or a list with its places.
pub(crate) struct Collection<'n> {
    pub(crate) document: usize,
    pub(crate) path: Path,
    pub(crate) node: &'n Node,
    /// The path of each of its entries or items; `None` for a key that is no text.
    pub(crate) members: Vec<Option<Path>>,
}

/// Every collection of every document that keys and places lead to.
pub(crate) fn collections(roots: &[Node]) -> Vec<Collection<'_>> {
    fn walk<'n>(document: usize, node: &'n Node, path: Path, found: &mut Vec<Collection<'n>>) {
        let children: Vec<(Option<Path>, &Node)> = match &node.content {
            Content::Map(entries) => {
                let at = |key: &Node| key.as_key().map(|key| path.clone().key(key));
                entries.iter().map(|(key, value)| (at(key), value)).collect()
            }
            Content::List(items) => {
                items.iter().enumerate().map(|(place, item)| (Some(path.clone().index(place)), item)).collect()
            }
            Content::Text(..) | Content::Alias(_) => return,
        };
        let members = children.iter().map(|(path, _)| path.clone()).collect();
        found.push(Collection { document, path, node, members });
        for (path, child) in children {
            path.into_iter().for_each(|path| walk(document, child, path, found));
        }
    }
    let mut found = Vec::new();
    roots.iter().enumerate().for_each(|(document, root)| walk(document, root, Path::root(), &mut found));
    found
}

/// Every single value of every document, aliases included, that keys and places lead to. A key that is a
/// collection has no path.
pub(crate) fn leaves(roots: &[Node]) -> Vec<Leaf<'_>> {
    let mut texts = BTreeMap::new();
    roots.iter().for_each(|root| anchored(root, &mut texts));
    let mut found = Vec::new();
    for (document, root) in roots.iter().enumerate() {
        walk(root, &(document, Path::root(), Path::root()), &texts, &mut found);
    }
    found
}

fn anchored<'n>(node: &'n Node, texts: &mut BTreeMap<usize, &'n str>) {
    if let (Content::Text(text, _), 1..) = (&node.content, node.anchor) {
        texts.insert(node.anchor, text);
    }
    node.children().into_iter().for_each(|child| anchored(child, texts));
}

fn walk<'n>(
    node: &'n Node,
    (document, path, named): &(usize, Path, Path),
    texts: &BTreeMap<usize, &'n str>,
    found: &mut Vec<Leaf<'n>>,
) {
    match &node.content {
        Content::Text(..) | Content::Alias(_) => {
            let named = (named != path).then(|| named.clone());
            found.push(Leaf { document: *document, path: path.clone(), named, node });
        }
        Content::Map(entries) => {
            for (key, value) in entries {
                let aliased = match &key.content {
                    Content::Alias(anchor) => texts.get(anchor).copied(),
                    Content::Text(..) | Content::List(_) | Content::Map(_) => None,
                };
                let Some(key) = key.as_key().or(aliased) else { continue };
                walk(value, &(*document, path.clone().key(key), named.clone().key(key)), texts, found);
            }
        }
        Content::List(items) => {
            let names: Vec<_> = items.iter().map(name).collect();
            // An alias may hide an item of the same name.
            let hidden = items.iter().any(|item| matches!(item.content, Content::Alias(_)));
            for (place, item) in items.iter().enumerate() {
                let same = |own: &&str| names.iter().filter(|name| name.as_ref() == Some(own)).count();
                let named = match names[place].filter(|own| !hidden && same(own) == 1) {
                    Some(name) => named.clone().select("name", name),
                    None => named.clone().index(place),
                };
                walk(item, &(*document, path.clone().index(place), named), texts, found);
            }
        }
    }
}

/// The one `name` of an item.
fn name(item: &Node) -> Option<&str> {
    let Content::Map(entries) = &item.content else { return None };
    let mut names = entries.iter().filter(|(key, _)| matches!(&key.content, Content::Text(key, _) if key == "name"));
    match (names.next(), names.next()) {
        (Some((_, Node { content: Content::Text(name, _), .. })), None) => Some(name),
        _ => None,
    }
}

/// The place of each step among its siblings.
pub(crate) fn places(root: &Node, steps: &[Step]) -> Option<Vec<usize>> {
    let mut node = root;
    let mut places = Vec::new();
    for step in steps {
        let place = place(node, step)?;
        node = child(node, place)?;
        places.push(place);
    }
    Some(places)
}

fn place(node: &Node, step: &Step) -> Option<usize> {
    let is_key = |key: &Node, text: &str| key.as_key() == Some(text);
    match (&node.content, step) {
        (Content::List(items), Step::Index(place)) => (*place < items.len()).then_some(*place),
        (Content::Map(entries), Step::Key(text)) => entries.iter().position(|(key, _)| is_key(key, text)),
        (Content::List(items), Step::Select { key, value }) => items.iter().position(|item| {
            let Content::Map(entries) = &item.content else { return false };
            entries.iter().any(|(name, found)| is_key(name, key) && is_key(found, value))
        }),
        _ => None,
    }
}

fn child(node: &Node, place: usize) -> Option<&Node> {
    match &node.content {
        Content::List(items) => items.get(place),
        Content::Map(entries) => entries.get(place).map(|(_, value)| value),
        Content::Text(..) | Content::Alias(_) => None,
    }
}

fn child_mut(node: &mut Node, place: usize) -> Option<&mut Node> {
    match &mut node.content {
        Content::List(items) => items.get_mut(place),
        Content::Map(entries) => entries.get_mut(place).map(|(_, value)| value),
        Content::Text(..) | Content::Alias(_) => None,
    }
}

/// Makes `wanted` true in `old`, taking from `new` how it was written after seeing that it says what is wanted.
///
/// # Errors
/// What is not as it should be.
pub(crate) fn expect(old: &mut Node, new: &Node, steps: &[Step], wanted: &Wanted<'_>) -> Result<(), String> {
    let places = places(old, steps).ok_or("saphyr-parser does not see the path")?;
    let (last, way) = places.split_last().map_or((None, &places[..]), |(last, way)| (Some(*last), way));
    let up_to = if matches!(wanted, Wanted::Gone) { way } else { &places[..] };
    let (mut old, mut new) = (old, new);
    for place in up_to {
        old = child_mut(old, *place).ok_or("saphyr-parser does not see the path")?;
        new = child(new, *place).ok_or("the path leads nowhere after the edit")?;
    }
    match (wanted, &mut old.content, &new.content) {
        (Wanted::Set(scalar), ..) if is(new, scalar) => *old = new.clone(),
        (Wanted::Filled(value), Content::Text(text, Quotes::Plain), _) if is_null(text) => {
            says(new, value)?;
            *old = new.clone();
        }
        (Wanted::Entry(key, value), Content::Map(entries), Content::Map(now)) => {
            let fits = |(name, _): &(Node, Node)| matches!(&name.content, Content::Text(name, _) if name == key);
            let at = now.iter().position(fits).ok_or("the added key is not there")?;
            let (name, new) = &now[at];
            says(new, value)?;
            entries.insert(at.min(entries.len()), (name.clone(), new.clone()));
        }
        (Wanted::Item(place, value), Content::List(items), Content::List(now)) => {
            let at = (*place).min(items.len());
            let new = now.get(at).ok_or("the added item is not there")?;
            says(new, value)?;
            items.insert(at, new.clone());
        }
        (Wanted::Gone, Content::List(items), _) => drop(last.map(|last| items.remove(last))),
        (Wanted::Gone, Content::Map(entries), _) => drop(last.map(|last| entries.remove(last))),
        _ => return Err(format!("{new:?} stands there, {wanted:?} is wanted")),
    }
    Ok(())
}

/// Whether the engine's parser read the same: shapes, keys and values. False also where a key is no text, which the
/// engine's tree leaves out.
pub(crate) fn reads_as(node: &Node, engine: &yaml::Node) -> bool {
    match (&node.content, engine) {
        (Content::Alias(_), yaml::Node::Alias { .. }) => true,
        (Content::List(items), yaml::Node::Sequence { items: theirs, .. }) => {
            items.len() == theirs.len() && items.iter().zip(theirs).all(|(item, theirs)| reads_as(item, theirs))
        }
        (Content::Map(entries), yaml::Node::Mapping { entries: theirs, .. }) => {
            let same = |((key, value), (their_key, theirs)): (&(Node, Node), &(String, yaml::Node))| {
                key.as_key() == Some(their_key) && reads_as(value, theirs)
            };
            entries.len() == theirs.len() && entries.iter().zip(theirs).all(same)
        }
        (Content::Text(text, Quotes::Plain), yaml::Node::Scalar { value, .. }) if node.tag.is_none() => {
            Scalar::of_plain(text) == *value
        }
        (Content::Text(text, _), yaml::Node::Scalar { value, .. }) => value.as_str() == Some(text),
        _ => false,
    }
}

/// Whether unquoted `text` says that nothing is there.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The node at the end of the steps that lead somewhere, and how many those are.
pub(crate) fn furthest<'n>(root: &'n Node, steps: &[Step]) -> (&'n Node, usize) {
    let mut node = root;
    for (count, step) in steps.iter().enumerate() {
        match place(node, step).and_then(|place| child(node, place)) {
            Some(child) => node = child,
            None => return (node, count),
        }
    }
    (node, steps.len())
}

/// Whether a node says the same as a value, by its texts and its shape.
fn says(node: &Node, value: &serde_yaml::Value) -> Result<(), String> {
    use serde_yaml::Value;
    let same = match (&node.content, value) {
        (Content::Text(text, quotes), Value::String(wanted)) => {
            text == wanted && (*quotes != Quotes::Plain || is(node, &text.as_str().into()))
        }
        (Content::Text(text, Quotes::Plain), value) => serde_yaml::from_str::<Value>(text).ok().as_ref() == Some(value),
        (Content::List(items), Value::Sequence(values)) => {
            items.iter().zip(values).try_for_each(|(item, value)| says(item, value))?;
            items.len() == values.len()
        }
        (Content::Map(entries), Value::Mapping(values)) => {
            for ((key, value), (wanted, wanted_value)) in entries.iter().zip(values) {
                says(key, wanted)?;
                says(value, wanted_value)?;
            }
            entries.len() == values.len()
        }
        _ => false,
    };
    let bare = node.anchor == 0 && node.tag.is_none();
    if same && bare { Ok(()) } else { Err(format!("{node:?} stands there, {value:?} is wanted")) }
}

/// The same with the anchors numbered in the order in which they stand, so that one that went does not count.
pub(crate) fn numbered(mut roots: Vec<Node>) -> Vec<Node> {
    let mut numbers = BTreeMap::new();
    roots.iter_mut().for_each(|root| number(root, &mut numbers));
    roots
}

fn number(node: &mut Node, numbers: &mut BTreeMap<usize, usize>) {
    if node.anchor > 0 {
        let next = numbers.len() + 1;
        node.anchor = *numbers.entry(node.anchor).or_insert(next);
    }
    match &mut node.content {
        Content::Alias(anchor) => *anchor = numbers.get(anchor).copied().unwrap_or(0),
        Content::List(items) => items.iter_mut().for_each(|item| number(item, numbers)),
        Content::Map(entries) => {
            for (key, value) in entries {
                number(key, numbers);
                number(value, numbers);
            }
        }
        Content::Text(..) => {}
    }
}
