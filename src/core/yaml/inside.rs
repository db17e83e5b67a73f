//! Texts inside values: a `|` block is taken out of its indent, edited by the same engine in its own format, and only
//! the lines that differ go back. The outer proof then holds that nothing but this one value changed.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::{
    Edited, Operation,
    document::Document,
    find::{End, Way},
    format::Format,
    key_value,
    layout::{after_break, after_colon, block_end, line_end, next_token},
    literal::Literal,
    path::Path,
    plan::{Change, Splice},
    refusal::Refusal,
    scalar::Scalar,
    stream::{Content, Stream},
};

/// What happens to the line breaks at the end of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomp {
    /// `|`: one stays.
    Clip,
    /// `|-`: none stays.
    Strip,
    /// `|+`: all stay.
    Keep,
}

impl Chomp {
    fn of(self, text: &str) -> String {
        let content = text.trim_end_matches('\n');
        match self {
            Self::Keep => text.to_owned(),
            Self::Strip => content.to_owned(),
            Self::Clip if content.is_empty() => String::new(),
            Self::Clip => format!("{content}\n"),
        }
    }
}

/// A `|` block taken out of its indent.
#[derive(Debug)]
pub(super) struct Block {
    /// Its lines without indent, each with `\n` but perhaps the last.
    pub(super) text: String,
    /// The bytes of each line in the file, its line break included.
    lines: Vec<Range<usize>>,
    indent: usize,
    chomp: Chomp,
    /// The line of the file on which the first of them stands.
    pub(super) line: usize,
    line_break: &'static str,
    /// Where the next line would start.
    end: usize,
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
        let (_, item) = self.text_at(document, outer)?;
        let block = self.block_at(item, outer)?;
        let value = match format {
            Format::Yaml | Format::Json => {
                Stream::parse_as(&block.text, format).and_then(|stream| stream.read(&Document::default(), inner))
            }
            Format::Properties => key_value::read(&block.text, inner),
        };
        value.map_err(|refusal| block.refusal(refusal, outer, format))
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
        let block = self.block_at(item, outer)?;
        let operation = operation.clone().moved(Document::default(), inner.clone());
        let edited = edit_text(&block.text, format, &operation);
        let edited = edited.map_err(|refusal| block.refusal(refusal, outer, format))?;
        let span = edited.spans.first();
        let line = span.map_or(1, |span| span.line) + block.line - 1;
        let old = span.and_then(|span| span.old.clone());
        let mut splice = self.respell(item, &way, &block, &edited.text);
        if let Some(exact) = span.and_then(|span| block.exact(span, &edited.text)) {
            (splice.range, splice.text) = exact;
        }
        Ok(Splice { old, line, ..splice })
    }

    /// The splice that gives a block the new `text`, of the lines that differ.
    pub(super) fn respell(&self, item: usize, way: &Way, block: &Block, text: &str) -> Splice {
        let (range, lines) = block.differing(text);
        Splice {
            range,
            text: lines,
            change: Change::Replaced(item),
            value: Literal::from(block.chomp.of(text)),
            old: self.scalar(item),
            line: block.line,
            depth: self.items.get(item).map_or(0, |item| item.depth),
            document: way.document,
            places: way.places.clone(),
        }
    }

    fn text_at(&self, document: &Document, outer: &Path) -> Result<(Way, usize), Refusal> {
        let way = self.find(document, outer)?;
        match way.end {
            End::Item(item) => Ok((way, item)),
            End::Missing { parent, taken } => Err(self.no_way(parent, taken, outer)),
        }
    }

    /// The block that a node is.
    pub(super) fn block_at(&self, index: usize, path: &Path) -> Result<Block, Refusal> {
        let (at, line) = (path.clone(), self.line(index));
        let Some(item) = self.items.get(index) else { return Err(self.no_place(index, path)) };
        if let Some(tag) = &item.tag {
            return Err(Refusal::Tag { at, tag: tag.to_string(), line });
        }
        if item.anchor > 0 {
            return Err(Refusal::Anchor { at, line });
        }
        let found = match &item.content {
            Content::Alias(_) => return Err(Refusal::Alias { at, line }),
            Content::Mapping(_) => "a mapping",
            Content::Sequence(_) => "a list",
            Content::Scalar(_, ScalarStyle::Folded) => "a folded block (`>`)",
            Content::Scalar(_, ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) => {
                "a value that is no `|` block"
            }
            Content::Scalar(text, ScalarStyle::Literal) => {
                return match self.block(index) {
                    Some(block) if block.chomp.of(&block.text) == **text => Ok(block),
                    Some(_) | None => Err(Refusal::NotAText { at, found: "a block of unusual form", line }),
                };
            }
        };
        Err(Refusal::NotAText { at, found, line })
    }

    fn block(&self, index: usize) -> Option<Block> {
        let item = self.items.get(index)?;
        let after = match self.key_of(index) {
            Some(key) => after_colon(self.text, self.items.get(key)?.span.end)?,
            None => {
                let parent = self.parent(index)?;
                let place = self.children(parent).position(|child| child == index)?;
                self.spans(parent)?.get(place)?.start + 1
            }
        };
        let header = next_token(self.text, after)?;
        let header_end = line_end(self.text, header);
        let signs = self.text.get(header..header_end)?.strip_prefix('|')?;
        let signs = signs.split([' ', '\t']).next().unwrap_or(signs);
        let chomp = match signs.trim_matches(|c: char| c.is_ascii_digit()) {
            "" => Chomp::Clip,
            "-" => Chomp::Strip,
            "+" => Chomp::Keep,
            _ => return None,
        };
        let start = after_break(self.text, header_end);
        let end = block_end(self.text, item.span.end).max(start);
        let lines = self.lines(start..end)?;
        let text = |line: &Range<usize>| self.text.get(line.start..line_end(self.text, line.start));
        let spaces = |text: &str| text.len() - text.trim_start_matches(' ').len();
        let indent = match signs.chars().find_map(|c| c.to_digit(10)) {
            Some(digit) => self.column_of(self.parent(index)?)? + usize::try_from(digit).ok()?,
            None => lines.iter().filter_map(text).find(|line| !line.trim_matches(' ').is_empty()).map_or(0, spaces),
        };
        let mut bare = String::new();
        for line in &lines {
            let text = text(line)?;
            bare.push_str(text.get(indent.min(spaces(text))..)?);
            bare.push_str(
                if after_break(self.text, line_end(self.text, line.start)) > line_end(self.text, line.start) {
                    "\n"
                } else {
                    ""
                },
            );
        }
        let line = self.text.get(..start)?.matches('\n').count() + 1;
        Some(Block { text: bare, lines, indent, chomp, line, line_break: self.line_break(header_end), end })
    }

    /// The bytes of each line; `None` where a lone carriage return breaks one.
    fn lines(&self, bytes: Range<usize>) -> Option<Vec<Range<usize>>> {
        let mut lines = Vec::new();
        let mut at = bytes.start;
        while at < bytes.end {
            let end = line_end(self.text, at);
            let next = after_break(self.text, end);
            let lone = next == end + 1 && self.text.get(end..next)? == "\r";
            if lone || next <= at {
                return None;
            }
            lines.push(at..next);
            at = next;
        }
        Some(lines)
    }
}

/// An operation on a text of its own, proven there.
fn edit_text(text: &str, format: Format, operation: &Operation) -> Result<Edited, Refusal> {
    match format {
        Format::Properties => key_value::edit(text, operation),
        Format::Yaml => Stream::parse(text)?.edit(std::slice::from_ref(operation)),
        Format::Json => {
            json(text)?;
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

impl Block {
    /// A refusal of the inner text, told of the file.
    fn refusal(&self, inner: Refusal, outer: &Path, format: Format) -> Refusal {
        let inner = Box::new(inner.lower(self.line.saturating_sub(1)));
        Refusal::Inside { at: outer.clone().inside(format), line: self.line, inner }
    }

    /// The text that a value must be given as, so that with the same header it reads as `value`; `None` where none does.
    pub(super) fn spelled(&self, value: &str) -> Option<String> {
        let blank = self.text.len() - self.text.trim_end_matches('\n').len();
        let after = if self.chomp == Chomp::Keep { "" } else { self.text.get(self.text.len() + 1 - blank.max(1)..)? };
        let end = if value.ends_with('\n') || value.is_empty() { "" } else { "\n" };
        let text = format!("{value}{end}{after}");
        (self.chomp.of(&text) == value).then_some(text)
    }

    /// The bytes of the file that one edit within a line replaces, and by what.
    fn exact(&self, span: &super::EditedSpan, new: &str) -> Option<(Range<usize>, String)> {
        let (goes, comes) = (self.text.get(span.before.clone())?, new.get(span.after.clone())?);
        if goes.contains('\n') || comes.contains('\n') {
            return None;
        }
        let before = self.text.get(..span.before.start)?;
        let in_line = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.lines.get(before.matches('\n').count())?;
        let content = self.text.lines().nth(before.matches('\n').count())?;
        // A blank line may be shorter than the indent.
        if content.is_empty() {
            return None;
        }
        let start = line.start + self.indent + in_line;
        Some((start..start + goes.len(), comes.to_owned()))
    }

    /// The bytes of the lines that differ in `new`, and what they become.
    fn differing(&self, new: &str) -> (Range<usize>, String) {
        let (old, new): (Vec<_>, Vec<_>) =
            (self.text.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
        let first = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let most = old.len().min(new.len()) - first;
        let last = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(old, new)| old == new).count();
        let start = self.lines.get(first).map_or(self.end, |line| line.start);
        let end = self.lines.get(old.len() - last).map_or(self.end, |line| line.start);
        let lines = new.get(first..new.len() - last).unwrap_or_default();
        let spelled = lines.iter().map(|line| {
            let content = line.trim_end_matches('\n');
            let indent = if content.is_empty() { 0 } else { self.indent };
            let line_break = if line.ends_with('\n') { self.line_break } else { "" };
            format!("{}{content}{line_break}", " ".repeat(indent))
        });
        (start..end, spelled.collect())
    }
}
