//! `|` blocks: taken out of their indent, and given other lines at the same indent beneath the same header.

use std::ops::Range;

use super::{
    EditedSpan,
    find::Way,
    layout::{after_break, after_colon, block_end, line_end, next_token},
    literal::Literal,
    plan::{Change, Splice},
    stream::Stream,
    write::is_printable,
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
            Self::Clip if content.len() == text.len() => content.to_owned(),
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
    /// Whether its header says the indent; otherwise its first line that is not blank does.
    fixed: bool,
    chomp: Chomp,
    /// The line of the file on which the first of them stands.
    pub(super) line: usize,
    line_break: &'static str,
    /// Where the next line would start.
    end: usize,
}

impl Stream<'_> {
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

    /// Whether a node is a `|-` block.
    pub(super) fn strips(&self, item: usize) -> bool {
        self.block(item).is_some_and(|block| block.chomp == Chomp::Strip)
    }

    pub(super) fn block(&self, index: usize) -> Option<Block> {
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
        if start == header_end {
            return None;
        }
        let end = block_end(self.text, item.span.end).max(start);
        let lines = self.lines(start..end)?;
        let text = |line: &Range<usize>| self.text.get(line.start..line_end(self.text, line.start));
        let spaces = |text: &str| text.len() - text.trim_start_matches(' ').len();
        let digit = signs.chars().find_map(|c| c.to_digit(10));
        let indent = match digit {
            Some(digit) => self.column_of(self.parent(index)?)? + usize::try_from(digit).ok()?,
            None => match lines.iter().filter_map(text).find(|line| !line.trim_matches(' ').is_empty()) {
                Some(line) => spaces(line),
                None => self.column_of(self.parent(index)?)? + 2,
            },
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
        let (fixed, line_break) = (digit.is_some(), self.line_break(header_end));
        Some(Block { text: bare, lines, indent, fixed, chomp, line, line_break, end })
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

impl Block {
    /// Whether its lines read as `text`.
    pub(super) fn reads(&self, text: &str) -> bool {
        self.chomp.of(&self.text) == text
    }

    /// The lines that with the same header read as `value`; `None` where none do.
    pub(super) fn spelled(&self, value: &str) -> Option<String> {
        // What is not printable can only be written between double quotes.
        if !value.chars().all(|c| matches!(c, '\n' | '\t') || is_printable(c)) {
            return None;
        }
        let leads = value.split('\n').find(|line| !line.is_empty()).is_some_and(|line| line.starts_with(' '));
        if leads && !self.fixed {
            return None;
        }
        let content = self.text.trim_end_matches('\n').len();
        let after = if content == 0 { 0 } else { (content + 1).min(self.text.len()) };
        let blank = if self.chomp == Chomp::Keep { "" } else { self.text.get(after..)? };
        let ended = if value.ends_with('\n') || value.is_empty() { "" } else { "\n" };
        let open = !self.text.is_empty() && !self.text.ends_with('\n');
        let closed = format!("{value}{ended}{blank}");
        let spellings = if open { [value.to_owned(), closed] } else { [closed, value.to_owned()] };
        // Without a line break at its end a block must end the file.
        let fits = |text: &String| (open || text.ends_with('\n') || text.is_empty()) && self.chomp.of(text) == value;
        spellings.into_iter().find(fits)
    }

    /// The bytes of the file that one edit within a line replaces, and by what.
    pub(super) fn exact(&self, span: &EditedSpan, new: &str) -> Option<(Range<usize>, String)> {
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
