//! A file as the parser sees it: every node of every document in one flat list, in the order of the text, with
//! the bytes it takes. Nothing here recurses, and depth is bounded.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag};

use super::{NOT_TEXT, format::Format, layout, refusal::Refusal};

/// How deep collections may lie in each other. Files people write stay below 30; serde_yaml stops here, too.
pub(super) const DEPTH: usize = 128;

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content<'t> {
    /// A value: its text after escapes, and its quotes.
    Scalar(Cow<'t, str>, ScalarStyle),
    /// Its children are key, value, key, value.
    Mapping(StructureStyle),
    Sequence(StructureStyle),
    /// The anchor it refers to.
    Alias(usize),
}

/// One node.
#[derive(Debug)]
pub(super) struct Item<'t> {
    pub(super) content: Content<'t>,
    /// Its bytes; of a block collection from its first to its last value. Empty for an implicit null, where a
    /// value would go.
    pub(super) span: Range<usize>,
    /// From 1.
    pub(super) line: usize,
    pub(super) last_line: usize,
    /// How many collections it lies in.
    pub(super) depth: usize,
    /// The index after its last descendant.
    pub(super) end: usize,
    /// 0 for none.
    pub(super) anchor: usize,
    pub(super) tag: Option<Cow<'t, Tag>>,
    pub(super) place: Place,
}

/// Whether a value may be written at the span of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Yes.
    Here,
    /// The key has no `:` yet: the span lies after the key.
    AfterKey,
    /// It was not found.
    Nowhere,
}

/// The root of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) item: usize,
    /// Whether `---` stands before it.
    pub(super) explicit: bool,
}

/// A file, parsed once; many values can be read and many edits planned.
#[derive(Debug)]
pub struct Stream<'t> {
    pub(super) text: &'t str,
    /// What new values are written as: YAML, or JSON, which is a part of it.
    pub(super) format: Format,
    pub(super) items: Vec<Item<'t>>,
    pub(super) roots: Vec<Root>,
    /// Where each anchor is defined.
    pub(super) anchors: BTreeMap<usize, usize>,
    /// The line of the first alias of each anchor that has one.
    pub(super) aliased: BTreeMap<usize, usize>,
    /// The lines with a comment that locks.
    pub(super) locks: Vec<usize>,
    /// How many nodes there are when aliases are written out; `usize::MAX` for one inside itself.
    pub(super) weight: usize,
}

/// A collection that is not closed yet.
struct Open {
    item: usize,
    children: usize,
    weight: usize,
    /// Where its last child ends.
    end: usize,
    last_line: usize,
}

struct Builder<'t> {
    stream: Stream<'t>,
    open: Vec<Open>,
    /// What each anchor weighs.
    weights: BTreeMap<usize, usize>,
    explicit: bool,
}

impl<'t> Stream<'t> {
    /// Parses a whole file, with or without a byte order mark.
    ///
    /// # Errors
    /// When it is not YAML, holds templates that keep it from being YAML, or is too deep.
    pub fn parse(text: &'t str) -> Result<Self, Refusal> {
        Self::parse_as(text, Format::Yaml)
    }

    /// The same, writing new values as JSON where `format` is JSON.
    pub(super) fn parse_as(text: &'t str, format: Format) -> Result<Self, Refusal> {
        if text == NOT_TEXT {
            return Err(Refusal::DoesNotParse { line: 1, column: 1, words: "it is no UTF-8 text".to_owned() });
        }
        let (items, roots, anchors, aliased) = (Vec::new(), Vec::new(), BTreeMap::new(), BTreeMap::new());
        let stream = Self { text, format, items, roots, anchors, aliased, locks: Vec::new(), weight: 0 };
        let mut builder = Builder { stream, open: Vec::new(), weights: BTreeMap::new(), explicit: false };
        for event in Parser::new_from_str_with_options(text, options(text)) {
            let (event, span) = event.map_err(|error| unparsed(text, &error))?;
            builder.take(event, span)?;
        }
        Ok(builder.stream)
    }

    /// The direct children of a collection, by index.
    pub(super) fn children(&self, item: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.items.get(item).map_or(item, |item| item.end);
        std::iter::successors(Some(item + 1), |child| self.items.get(*child).map(|child| child.end))
            .take_while(move |child| *child < end)
    }

    /// The keys and values of a mapping, by index.
    pub(super) fn entries(&self, mapping: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let mut children = self.children(mapping);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The index of what an alias stands for, or `item` itself.
    pub(super) fn resolved(&self, item: usize) -> usize {
        match self.items.get(item).map(|item| &item.content) {
            Some(Content::Alias(anchor)) => self.anchors.get(anchor).copied().unwrap_or(item),
            Some(Content::Scalar(..) | Content::Mapping(_) | Content::Sequence(_)) | None => item,
        }
    }

    /// The text of a scalar, also through an alias.
    pub(super) fn scalar_text(&self, item: usize) -> Option<&str> {
        match &self.items.get(self.resolved(item))?.content {
            Content::Scalar(text, _) => Some(text),
            Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_) => None,
        }
    }

    /// The bytes of a node as the file has them.
    pub(super) fn raw(&self, item: usize) -> &'t str {
        self.items.get(item).and_then(|item| self.text.get(item.span.clone())).unwrap_or_default()
    }

    pub(super) fn line(&self, item: usize) -> usize {
        self.items.get(item).map_or(1, |item| item.line)
    }
}

/// Comments are only listened to where one may lock; listening costs time and memory.
fn options(text: &str) -> Options {
    granit_parser::options! {
        emit_comments: text.contains("leverframe:"),
        max_buffered_comment_events: usize::MAX,
        flow_nesting_limit: DEPTH,
        block_nesting_limit: DEPTH,
    }
}

/// Why a file does not parse, in one of three kinds.
fn unparsed(text: &str, error: &ScanError) -> Refusal {
    let (line, column) = (error.marker().line(), error.marker().col() + 1);
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return Refusal::TooDeep { line, limit: DEPTH };
    }
    let templates: Vec<_> = text.lines().zip(1..).filter(|(text, _)| text.contains("{{")).map(|(_, at)| at).collect();
    // The template nearest above the place where the parser stopped is the likeliest cause.
    match templates.iter().rfind(|at| **at <= line).or(templates.first()) {
        Some(line) => Refusal::Template { line: *line },
        None => Refusal::DoesNotParse { line, column, words: error.kind().to_string() },
    }
}

impl<'t> Builder<'t> {
    fn take(&mut self, event: Event<'t>, span: Span) -> Result<(), Refusal> {
        match event {
            Event::DocumentStart(explicit, _) => self.explicit = explicit,
            Event::Scalar(text, style, anchor, tag) => {
                self.add(Content::Scalar(text, style), anchor, tag, span)?;
            }
            Event::Alias(anchor) => {
                self.stream.aliased.entry(anchor).or_insert(span.start.line());
                self.add(Content::Alias(anchor), 0, None, span)?;
            }
            Event::MappingStart(style, anchor, tag) => self.add(Content::Mapping(style), anchor, tag, span)?,
            Event::SequenceStart(style, anchor, tag) => self.add(Content::Sequence(style), anchor, tag, span)?,
            Event::MappingEnd | Event::SequenceEnd => self.close(span),
            Event::Comment(text, _) => {
                let locks = text.split("leverframe:").skip(1).any(|rest| rest.trim_start().starts_with("locked"));
                if locks {
                    self.stream.locks.push(self.locked_line(&span));
                }
            }
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            // Neither is asked for in the options, and a kind of event not known here cannot be kept.
            Event::Anchor(..) | Event::UnresolvedAlias(_) | _ => {
                return Err(Refusal::DoesNotParse {
                    line: span.start.line(),
                    column: span.start.col() + 1,
                    words: "an unknown kind of node".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        content: Content<'t>,
        anchor: usize,
        tag: Option<Cow<'t, Tag>>,
        span: Span,
    ) -> Result<(), Refusal> {
        let (index, depth, line) = (self.stream.items.len(), self.open.len(), span.start.line());
        let content = self.ended(content, &span);
        let collection = matches!(content, Content::Mapping(_) | Content::Sequence(_));
        if collection && depth >= DEPTH {
            return Err(Refusal::TooDeep { line, limit: DEPTH });
        }
        let bytes = span.byte_range().unwrap_or_default();
        let mut item = Item {
            content,
            span: bytes,
            line,
            last_line: span.end.line(),
            depth,
            end: index + 1,
            anchor,
            tag,
            place: Place::Here,
        };
        self.place(&mut item);
        if depth == 0 {
            self.stream.roots.push(Root { item: index, explicit: self.explicit });
        }
        if anchor > 0 {
            self.stream.anchors.insert(anchor, index);
        }
        let (end, last_line) = (item.span.end, item.last_line);
        let weight = self.weight(&item);
        self.stream.items.push(item);
        if collection {
            self.open.push(Open { item: index, children: 0, weight: 1, end, last_line });
        } else {
            self.count(anchor, weight, end, last_line);
        }
        Ok(())
    }

    /// The line that a comment locks: its own, or, where it stands alone, the next one that holds something.
    fn locked_line(&self, comment: &Span) -> usize {
        let (text, line) = (self.stream.text, comment.start.line());
        let at = comment.byte_range().unwrap_or_default().start;
        let before = text.get(layout::line_start(text, at)..at).unwrap_or_default();
        if !before.trim().is_empty() {
            return line;
        }
        let holds = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let below = text.get(at..).unwrap_or_default().lines().position(holds);
        line + below.unwrap_or(0)
    }

    /// A text block that the file ends without a line break has none at its end; the parser says that it has.
    fn ended(&self, content: Content<'t>, span: &Span) -> Content<'t> {
        let all = self.stream.text;
        let last = all.get(layout::line_start(all, all.len())..).unwrap_or_default();
        let open = span.byte_range().is_some_and(|bytes| bytes.end == all.len()) && !last.trim_matches(' ').is_empty();
        match content {
            Content::Scalar(text, style @ (ScalarStyle::Literal | ScalarStyle::Folded)) if open => {
                let text = text.strip_suffix('\n').map(str::to_owned).map_or(text, Cow::Owned);
                Content::Scalar(text, style)
            }
            content @ (Content::Scalar(..) | Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_)) => content,
        }
    }

    fn weight(&self, item: &Item<'t>) -> usize {
        match &item.content {
            Content::Alias(anchor) => self.weights.get(anchor).copied().unwrap_or(usize::MAX),
            Content::Scalar(..) | Content::Mapping(_) | Content::Sequence(_) => 1,
        }
    }

    /// A node is complete: its parent grows by it.
    fn count(&mut self, anchor: usize, weight: usize, end: usize, last_line: usize) {
        if anchor > 0 {
            self.weights.insert(anchor, weight);
        }
        match self.open.last_mut() {
            Some(parent) => {
                parent.children += 1;
                parent.weight = parent.weight.saturating_add(weight);
                parent.end = parent.end.max(end);
                parent.last_line = parent.last_line.max(last_line);
            }
            None => self.stream.weight = self.stream.weight.saturating_add(weight),
        }
    }

    fn close(&mut self, span: Span) {
        let after = self.stream.items.len();
        let Some(open) = self.open.pop() else { return };
        let Some(item) = self.stream.items.get_mut(open.item) else { return };
        item.end = after;
        item.span.end = open.end;
        item.last_line = open.last_line;
        let bracket = span.byte_range().unwrap_or_default();
        if !bracket.is_empty() {
            item.span.end = bracket.end;
            item.last_line = span.end.line();
        }
        let (anchor, end, last_line) = (item.anchor, item.span.end, item.last_line);
        self.count(anchor, open.weight, end, last_line);
    }

    /// Finds where a value would go for an implicit null. The parser says the end of the key for it, or a place
    /// that may lie after a comment; the value goes after the `:` or the `-`.
    fn place(&self, item: &mut Item<'t>) {
        let implicit = matches!(item.content, Content::Scalar(_, ScalarStyle::Plain)) && item.span.is_empty();
        if !implicit {
            return;
        }
        let text = self.stream.text;
        let parent = self.open.last().and_then(|open| Some((open, &self.stream.items.get(open.item)?.content)));
        let (place, at) = match parent {
            Some((open, Content::Mapping(_))) if open.children % 2 == 1 => match layout::after_colon(text, open.end) {
                Some(at) => (Place::Here, at),
                // Few readers take a key of several lines.
                None if self.stream.items.last().is_none_or(|key| key.line != key.last_line) => {
                    (Place::Nowhere, open.end)
                }
                None => (Place::AfterKey, open.end),
            },
            Some((_, Content::Sequence(_))) => match layout::after_dash(text, item.span.start) {
                Some(at) => (Place::Here, at),
                None => (Place::Nowhere, item.span.start),
            },
            Some((_, Content::Mapping(_) | Content::Scalar(..) | Content::Alias(_))) | None => {
                (Place::Nowhere, item.span.start)
            }
        };
        item.place = place;
        item.span = at..at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of the one implicit null of `text` is where `|` stands in `expected`.
    fn check(text: &str, expected: &str) {
        let stream = Stream::parse(text).unwrap();
        let nulls =
            stream.items.iter().filter(|item| item.span.is_empty() && item.place == Place::Here && item.end > 0);
        let places: Vec<_> =
            nulls.filter(|item| matches!(item.content, Content::Scalar(..))).map(|item| item.span.start).collect();
        let wanted: Vec<_> = expected.match_indices('|').enumerate().map(|(n, (at, _))| at - n).collect();
        assert_eq!(places, wanted, "{text:?}");
    }

    #[test]
    fn an_implicit_null_lies_after_its_indicator() {
        for marked in [
            "tag:|   # todo\nb: 1\n",
            "a: { tag:| , b: 1, \"c\":|}\n",
            "-| \n-|\n- x\n-|   # c\n",
            "-|   # leverframe: - x\n  # d\n- x\n",
            "- x\n-|\n  # c\n\n  # d\n- y\n",
            "k:\n  # c\n  -| # d\n",
            "- -|\n  - b\n",
            "? a # c\n# d\n:| # e\n",
            "[a:| , b]\n",
            "\u{feff}a:|\n",
            "\u{feff}-|\n",
            "a :|\r\nb: 1\r\n",
        ] {
            check(&marked.replace('|', ""), marked);
        }
    }

    #[test]
    fn a_file_that_is_no_yaml_is_refused_in_kind() {
        for (text, word) in [
            ("a: [1\n", "does-not-parse"),
            ("{{- if .x }}\na: 1\n{{- end }}\n", "template"),
            ("a: {{ x }}-{{ y }}\n", "template"),
            (&"[".repeat(100_000), "too-deep"),
            (&"- ".repeat(100_000), "too-deep"),
            (&(0..200).map(|n| " ".repeat(n) + "a:\n").collect::<String>(), "too-deep"),
            ("a: *x\n", "does-not-parse"),
        ] {
            assert_eq!(Stream::parse(text).unwrap_err().word(), word, "{}", text.get(..20).unwrap_or(text));
        }
    }

    #[test]
    fn aliases_inside_aliases_are_weighed_not_expanded() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..30 {
            let before = format!("*a{}", n - 1);
            text += &format!("a{n}: &a{n} [{}]\n", [before.as_str(); 10].join(", "));
        }
        assert_eq!(Stream::parse(&text).unwrap().weight, usize::MAX);
        assert_eq!(Stream::parse("a: &a [*a]\n").unwrap().weight, usize::MAX);
        assert_eq!(Stream::parse("a: &a [x]\nb: *a\n").unwrap().weight, 7);
    }
}
