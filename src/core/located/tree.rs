//! The tree: values with their places. Both parsers must accept the text, so neither's leniency gets in.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, Span};

use super::problem::Problem;

/// Where something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Place {
    /// The top of the file.
    pub const TOP: Place = Place { line: 1, column: 1 };
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The keys that lead to it: `slack.transport`.
    pub key: String,
    /// Where its key stands; where it stands itself if it has none.
    pub key_place: Place,
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a value is, as YAML 1.2 types it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Nothing,
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(serde_yaml::Number),
    /// Text.
    Text(String, Origin),
    /// A list.
    List(Vec<Node>),
    /// A map, in the file's order. No key is twice.
    Map(Vec<(Key, Node)>),
    /// Something that could not be read and has been reported; readers pass over it in silence.
    Reported,
}

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It stands in the file.
    Literal,
    /// It was put in place of references.
    Reference {
        /// What stands in the file.
        written: String,
        /// Whether it is one reference and nothing beside it.
        alone: bool,
        /// Whether it came from a file that others than its owner can read.
        exposed: bool,
    },
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// How deep values may nest: far beyond what any file of ours needs.
const DEEPEST: usize = 64;

/// Where values stand, and nothing else about them.
enum Shape {
    Leaf(Place),
    List(Place, Vec<Shape>),
    Map(Place, Vec<(Key, Shape)>),
}

impl Shape {
    fn place(&self) -> Place {
        match self {
            Self::Leaf(place) | Self::List(place, _) | Self::Map(place, _) => *place,
        }
    }
}

/// Reads one YAML document.
///
/// # Errors
/// What keeps it from being read: wrong syntax, a key that stands twice, a key that is no text, a tag, a second document.
pub fn parse(text: &str) -> Result<Node, Vec<Problem>> {
    let mut events = Events { parser: Parser::new_from_str(text), problems: Vec::new() };
    let shape = events.document().map_err(|problem| vec![problem])?;
    if !events.problems.is_empty() {
        return Err(events.problems);
    }
    let value: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| vec![not_yaml(&error)])?;
    let mut problems = Vec::new();
    let root = join(String::new(), Place::TOP, &shape, value, &mut problems);
    if problems.is_empty() { Ok(root) } else { Err(problems) }
}

fn not_yaml(error: &serde_yaml::Error) -> Problem {
    let place = error.location().map_or(Place::TOP, |at| Place { line: at.line(), column: at.column() });
    syntax(place, error.to_string())
}

fn syntax(place: Place, what: String) -> Problem {
    let remedy = "Correct the YAML there, or on the line before it.".to_owned();
    Problem { place, key: String::new(), found: format!("what is not YAML ({what})"), expected: "YAML".into(), remedy }
}

struct Events<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    problems: Vec<Problem>,
}

impl<'a> Events<'a> {
    /// The next event that is not a comment; `StreamEnd` when there is none.
    fn next(&mut self) -> Result<(Event<'a>, Place), Problem> {
        loop {
            match self.parser.next_event() {
                None => return Ok((Event::StreamEnd, Place::TOP)),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => return Ok((event, start(&span))),
                Some(Err(error)) => {
                    let mark = error.marker();
                    return Err(syntax(Place { line: mark.line(), column: mark.col() + 1 }, error.info()));
                }
            }
        }
    }

    /// The one document of the stream; an empty stream is an empty document.
    fn document(&mut self) -> Result<Shape, Problem> {
        let mut shape = Shape::Leaf(Place::TOP);
        let mut documents = 0;
        loop {
            let (event, place) = self.next()?;
            if matches!(event, Event::StreamEnd) {
                return Ok(shape);
            }
            if matches!(event, Event::DocumentStart(..)) {
                documents += 1;
                if documents > 1 {
                    return Err(second_document(place));
                }
                let (event, place) = self.next()?;
                shape = self.shape(&event, place, 0)?;
            }
        }
    }

    fn shape(&mut self, event: &Event<'a>, place: Place, depth: usize) -> Result<Shape, Problem> {
        if depth > DEEPEST {
            return Err(syntax(place, format!("values nested deeper than {DEEPEST}")));
        }
        if matches!(event, Event::SequenceStart(..)) {
            return self.list(place, depth);
        }
        if matches!(event, Event::MappingStart(..)) {
            return self.map(place, depth);
        }
        Ok(Shape::Leaf(place))
    }

    fn list(&mut self, place: Place, depth: usize) -> Result<Shape, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::SequenceEnd | Event::StreamEnd) {
                return Ok(Shape::List(place, items));
            }
            items.push(self.shape(&event, at, depth + 1)?);
        }
    }

    fn map(&mut self, place: Place, depth: usize) -> Result<Shape, Problem> {
        let (mut entries, mut seen) = (Vec::new(), BTreeMap::new());
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                return Ok(Shape::Map(place, entries));
            }
            let Event::Scalar(text, ..) = &event else {
                return Err(syntax(at, "a key that is no plain text".to_owned()));
            };
            let key = Key { text: text.clone().into_owned(), place: at };
            if let Some(first) = seen.insert(key.text.clone(), at) {
                self.problems.push(twice(&key, first));
            }
            let (event, at) = self.next()?;
            let value = self.shape(&event, at, depth + 1)?;
            entries.push((key, value));
        }
    }
}

fn start(span: &Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

fn second_document(place: Place) -> Problem {
    Problem {
        place,
        key: String::new(),
        found: "a second YAML document".into(),
        expected: "one".into(),
        remedy: "Remove the `---` line, or what follows it.".into(),
    }
}

fn twice(key: &Key, first: Place) -> Problem {
    Problem {
        place: key.place,
        key: key.text.clone(),
        found: format!("a key that already stands on line {}", first.line),
        expected: "each key once".into(),
        remedy: "Keep one of the two.".into(),
    }
}

/// Gives every value its place. Below an alias everything stands where the alias does.
fn join(key: String, key_place: Place, shape: &Shape, value: serde_yaml::Value, problems: &mut Vec<Problem>) -> Node {
    let place = shape.place();
    let mut node = Node { key, key_place, place, value: Value::Nothing };
    node.value = match value {
        serde_yaml::Value::Null => Value::Nothing,
        serde_yaml::Value::Bool(flag) => Value::Flag(flag),
        serde_yaml::Value::Number(number) => Value::Number(number),
        serde_yaml::Value::String(text) => Value::Text(text, Origin::Literal),
        serde_yaml::Value::Sequence(items) => Value::List(join_list(&node, shape, items, problems)),
        serde_yaml::Value::Mapping(entries) => Value::Map(join_map(&node, shape, entries, problems)),
        serde_yaml::Value::Tagged(tagged) => {
            problems.push(Problem {
                found: format!("the tag `{}`", tagged.tag),
                ..node.problem("a value without a tag", "Remove the tag.")
            });
            Value::Reported
        }
    };
    node
}

fn join_list(parent: &Node, shape: &Shape, items: Vec<serde_yaml::Value>, problems: &mut Vec<Problem>) -> Vec<Node> {
    let alias = Shape::Leaf(parent.place);
    let shapes = if let Shape::List(_, shapes) = shape { shapes.as_slice() } else { &[] };
    let place_of = |index: usize| shapes.get(index).unwrap_or(&alias);
    let each = items.into_iter().enumerate();
    each.map(|(index, item)| {
        let shape = place_of(index);
        join(format!("{}[{index}]", parent.key), shape.place(), shape, item, problems)
    })
    .collect()
}

fn join_map(
    parent: &Node,
    shape: &Shape,
    entries: serde_yaml::Mapping,
    problems: &mut Vec<Problem>,
) -> Vec<(Key, Node)> {
    let alias = Shape::Leaf(parent.place);
    let shapes = if let Shape::Map(_, shapes) = shape { shapes.as_slice() } else { &[] };
    let mut joined = Vec::with_capacity(entries.len());
    for (index, (key, value)) in entries.into_iter().enumerate() {
        let (place, shape) = shapes.get(index).map_or((parent.place, &alias), |(key, shape)| (key.place, shape));
        let Some(text) = key.as_str() else {
            let written = shapes.get(index).map_or("", |(key, _)| key.text.as_str());
            problems.push(no_text(parent, written, place));
            continue;
        };
        let node = join(step(&parent.key, text), place, shape, value, problems);
        joined.push((Key { text: text.to_owned(), place }, node));
    }
    joined
}

fn no_text(parent: &Node, written: &str, place: Place) -> Problem {
    let remedy = format!("Put the key in quotes: `\"{written}\"`.");
    let found = format!("the key `{written}`, which YAML takes for another type");
    Problem { place, key: parent.key.clone(), found, expected: "a key that is text".into(), remedy }
}

/// `parent.text`, or `parent["text"]` where the key has characters that would mislead.
fn step(parent: &str, text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    match (parent.is_empty(), plain) {
        (true, true) => text.to_owned(),
        (false, true) => format!("{parent}.{text}"),
        (_, false) => format!("{parent}[{text:?}]"),
    }
}
