//! Texts inside values: taken out of their block or quotes, edited by the same engine in their own format, and put
//! back. The outer proof then holds that nothing but this one value changed.

use granit_parser::ScalarStyle;

use super::{
    Edited, Operation,
    block::Block,
    document::Document,
    find::{End, Way},
    format::Format,
    key_value,
    literal::Literal,
    path::Path,
    plan::{Change, Splice},
    refusal::Refusal,
    scalar::Scalar,
    stream::{Content, Stream},
    write::{Layout, Site, write},
};

/// A text and how it stands in the file.
enum Held<'t> {
    /// As a `|` block.
    Block(Block),
    /// Plain or in quotes, on one line of the file; written anew it would have the same bytes.
    Line { text: String, site: Site<'t>, line: usize },
}

impl Stream<'_> {
    /// The value at `inner` in the text at `outer`.
    pub(super) fn read_inside(
        &self,
        document: &Document,
        outer: &Path,
        format: Format,
        inner: &Path,
    ) -> Result<Option<Scalar>, Refusal> {
        let (way, item) = self.text_at(document, outer)?;
        let held = self.held(item, &way, outer)?;
        let value = match format {
            Format::Yaml | Format::Json => {
                Stream::parse_as(held.text(), format).and_then(|stream| stream.read(&Document::default(), inner))
            }
            Format::Properties => key_value::read(held.text(), inner),
        };
        value.map_err(|refusal| held.refusal(refusal, outer, format))
    }

    /// Decides how to do an operation inside the text at `outer`.
    pub(super) fn plan_inside(
        &self,
        operation: &Operation,
        outer: &Path,
        format: Format,
        inner: &Path,
    ) -> Result<Splice, Refusal> {
        let (way, item) = self.text_at(operation.document(), outer)?;
        self.unshared(&way, outer)?;
        self.unlocked(&way, item, outer)?;
        let held = self.held(item, &way, outer)?;
        let operation = operation.clone().moved(Document::default(), inner.clone());
        let edited = edit_text(held.text(), format, &operation);
        let edited = edited.map_err(|refusal| held.refusal(refusal, outer, format))?;
        let Some(span) = edited.spans.first() else { return Err(self.no_place(item, outer)) };
        let splice = match &held {
            Held::Block(block) => {
                let mut splice = self.respell(item, &way, block, &edited.text);
                if let Some(exact) = block.exact(span, &edited.text) {
                    (splice.range, splice.text) = exact;
                }
                splice
            }
            Held::Line { site, .. } => {
                self.requote(item, &way, *site, &edited).ok_or_else(|| self.not_a_text(item, outer))?
            }
        };
        Ok(Splice { old: span.old.clone(), line: held.line(span.line), ..splice })
    }

    fn text_at(&self, document: &Document, outer: &Path) -> Result<(Way, usize), Refusal> {
        let way = self.find(document, outer)?;
        match way.end {
            End::Item(item) => Ok((way, item)),
            End::Missing { parent, taken } => Err(self.no_way(parent, taken, outer)),
        }
    }

    /// The text that a node is.
    fn held(&self, index: usize, way: &Way, path: &Path) -> Result<Held<'_>, Refusal> {
        let (at, line) = (path.clone(), self.line(index));
        let Some(item) = self.items.get(index) else { return Err(self.no_place(index, path)) };
        if let Some(tag) = &item.tag {
            return Err(Refusal::Tag { at, tag: tag.to_string(), line });
        }
        if item.anchor > 0 {
            return Err(Refusal::Anchor { at, line });
        }
        match &item.content {
            Content::Alias(_) => Err(Refusal::Alias { at, line }),
            Content::Scalar(text, style) if *style != ScalarStyle::Literal => {
                let flow = way.through.last().is_some_and(|parent| self.is_flow(*parent));
                let layout = if flow { Layout::Flow } else { Layout::Block };
                let site = Site { style: *style, old: self.raw(index), layout };
                let text = text.clone().into_owned();
                let same = write(&text.as_str().into(), site) == site.old && !self.raw(index).is_empty();
                if same { Ok(Held::Line { text, site, line }) } else { Err(self.not_a_text(index, path)) }
            }
            Content::Scalar(..) | Content::Mapping(_) | Content::Sequence(_) => {
                self.block_at(index).map(Held::Block).ok_or_else(|| self.not_a_text(index, path))
            }
        }
    }

    /// The block that a node is, if taking it apart gives its text.
    pub(super) fn block_at(&self, index: usize) -> Option<Block> {
        match &self.items.get(index)?.content {
            Content::Scalar(text, ScalarStyle::Literal) => self.block(index).filter(|block| block.reads(text)),
            Content::Scalar(..) | Content::Mapping(_) | Content::Sequence(_) | Content::Alias(_) => None,
        }
    }

    fn not_a_text(&self, index: usize, path: &Path) -> Refusal {
        let found = match self.items.get(index).map(|item| &item.content) {
            Some(Content::Mapping(_)) => "a mapping",
            Some(Content::Sequence(_)) => "a list",
            Some(Content::Scalar(_, ScalarStyle::Folded)) => "a folded block (`>`)",
            Some(Content::Scalar(_, ScalarStyle::Literal)) => "a block of unusual form",
            Some(Content::Scalar(..) | Content::Alias(_)) | None => "a value whose form cannot be kept",
        };
        Refusal::NotAText { at: path.clone(), found, line: self.line(index) }
    }

    /// The splice that gives a text on one line its new value in the same quotes.
    fn requote(&self, item: usize, way: &Way, site: Site<'_>, edited: &Edited) -> Option<Splice> {
        let place = self.items.get(item)?;
        let value = Scalar::from(edited.text.as_str());
        let text = write(&value, site);
        let quote = |text: &str| text.chars().next().filter(|c| matches!(c, '"' | '\''));
        (quote(&text) == quote(site.old)).then(|| Splice {
            range: place.span.clone(),
            text,
            change: Change::Replaced(item),
            value: Literal::Scalar(value),
            old: None,
            line: place.line,
            depth: place.depth,
            document: way.document,
            places: way.places.clone(),
        })
    }
}

impl Held<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Block(block) => &block.text,
            Self::Line { text, .. } => text,
        }
    }

    /// The line of the file that is line `inner` of the text.
    fn line(&self, inner: usize) -> usize {
        match self {
            Self::Block(block) => block.line + inner - 1,
            Self::Line { line, .. } => *line,
        }
    }

    /// A refusal of the inner text, told of the file.
    fn refusal(&self, inner: Refusal, outer: &Path, format: Format) -> Refusal {
        let inner = Box::new(inner.told(&|line| self.line(line)));
        Refusal::Inside { at: outer.clone().inside(format), line: self.line(1), inner }
    }
}

/// An operation on a text of its own, proven there.
fn edit_text(text: &str, format: Format, operation: &Operation) -> Result<Edited, Refusal> {
    match format {
        Format::Properties => key_value::edit(text, operation),
        Format::Yaml => Stream::parse(text)?.edit(std::slice::from_ref(operation)),
        Format::Json => {
            json(text)?;
            let value = match operation {
                Operation::Set(assignment) => Literal::Scalar(assignment.value.clone()),
                Operation::Insert { value, .. } => value.clone(),
                Operation::Remove { .. } => Literal::Scalar(Scalar::Null),
            };
            if let Some(number) = value.no_json() {
                return Err(Refusal::NotAValue { value: number.to_owned() });
            }
            let edited = Stream::parse_as(text, format)?.edit(std::slice::from_ref(operation))?;
            let line = edited.spans.first().map(|span| span.line);
            json(&edited.text).map_err(|_| Refusal::NotProven { why: "the edited text is not JSON", line })?;
            Ok(edited)
        }
    }
}

fn json(text: &str) -> Result<(), Refusal> {
    let read = serde_json::from_str::<serde::de::IgnoredAny>(text);
    read.map(|_| ()).map_err(|error| Refusal::DoesNotParse {
        line: error.line().max(1),
        column: error.column().max(1),
        words: "it is not JSON".to_owned(),
    })
}
