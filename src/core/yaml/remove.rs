//! Taking an entry out of a collection: a key with its value, or an item, and the comments that are its own, which
//! are those directly above it at its indent and the one at the end of its line.

use std::ops::Range;

use super::{
    add::Edit,
    document::Document,
    find::{End, Way},
    layout::{after_break, after_swallowed, before_break, is_blank_or_comment, line_end, line_start, next_token},
    literal::Literal,
    path::Path,
    plan::{Change, Splice},
    refusal::Refusal,
    stream::{Content, Stream},
};

/// The entry that goes, among its neighbours.
struct Leaving<'s, 't> {
    stream: &'s Stream<'t>,
    collection: usize,
    /// Its place among the entries.
    place: usize,
    spans: Vec<Range<usize>>,
    value: usize,
}

impl Stream<'_> {
    /// Decides how to take away what `path` leads to, or why not to.
    pub(super) fn plan_removal(&self, document: &Document, path: &Path) -> Result<Splice, Refusal> {
        let way = self.find(document, path)?;
        let value = match way.end {
            End::Item(item) => item,
            End::Missing { parent, taken } => return Err(self.no_way(parent, taken, path)),
        };
        let (Some(collection), Some(place)) = (way.through.last().copied(), way.places.last().copied()) else {
            return Err(self.no_place(value, path));
        };
        self.unshared(&way, path)?;
        let first = self.members(collection).get(place).map_or(value, |(key, _)| *key);
        let nodes = first..self.items.get(value).map_or(value + 1, |item| item.end);
        self.unused(&nodes, path)?;
        let leaving = self.spans(collection).map(|spans| Leaving { stream: self, collection, place, spans, value });
        let (range, text) = leaving.as_ref().and_then(Leaving::edit).ok_or_else(|| self.no_place(value, path))?;
        self.removable(&way, value, path, &range)?;
        let last = leaving.is_some_and(|leaving| leaving.spans.len() == 1);
        let (change, places, depth) = if last && !self.is_flow(collection) {
            self.bare(collection, &path.prefix(path.steps().len().saturating_sub(1)))?;
            let parents = way.places.len().saturating_sub(1);
            (Change::Replaced(collection), way.places.get(..parents).unwrap_or_default().to_vec(), 0)
        } else {
            (Change::Removed { nodes }, way.places.clone(), 1)
        };
        let depth = self.items.get(collection).map_or(0, |item| item.depth) + depth;
        let empty = match self.items.get(collection).map(|item| &item.content) {
            Some(Content::Mapping(_)) => Literal::Mapping(Vec::new()),
            Some(Content::Sequence(_) | Content::Scalar(..) | Content::Alias(_)) | None => {
                Literal::Sequence(Vec::new())
            }
        };
        let (old, line, document) = (self.scalar(value), self.line(first), way.document);
        Ok(Splice { range, text, change, value: empty, old, line, depth, document, places })
    }

    /// Nothing in `nodes` may be in use elsewhere through an alias.
    fn unused(&self, nodes: &Range<usize>, path: &Path) -> Result<(), Refusal> {
        for (anchor, item) in self.anchors.iter().filter(|(_, item)| nodes.contains(item)) {
            let used = self.items.iter().enumerate().find(|(index, item)| {
                !nodes.contains(index) && matches!(item.content, Content::Alias(alias) if alias == *anchor)
            });
            if let Some((_, used)) = used {
                return Err(Refusal::Shared { at: path.clone(), line: self.line(*item), used: used.line });
            }
        }
        Ok(())
    }

    /// No template and no lock may lie in what goes.
    fn removable(&self, way: &Way, value: usize, path: &Path, range: &Range<usize>) -> Result<(), Refusal> {
        let goes = self.items.get(value).and_then(|item| self.text.get(item.span.clone())).unwrap_or_default();
        if goes.contains("{{") {
            return Err(Refusal::Template { line: self.line(value) });
        }
        self.unlocked(way, value, path)?;
        let line = |at: usize| self.text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let lines = line(range.start)..=line(range.end.saturating_sub(1).max(range.start));
        match self.locks.iter().find(|lock| lines.contains(lock)) {
            Some(lock) => Err(Refusal::Locked { at: path.clone(), line: *lock }),
            None => Ok(()),
        }
    }

    /// A collection that is written anew may carry neither anchor nor tag.
    fn bare(&self, collection: usize, path: &Path) -> Result<(), Refusal> {
        let Some(item) = self.items.get(collection) else { return Ok(()) };
        match &item.tag {
            Some(tag) => Err(Refusal::Tag { at: path.clone(), tag: tag.to_string(), line: item.line }),
            None if item.anchor > 0 => Err(Refusal::Anchor { at: path.clone(), line: item.line }),
            None => Ok(()),
        }
    }
}

impl Leaving<'_, '_> {
    fn span(&self) -> Option<Range<usize>> {
        self.spans.get(self.place).cloned()
    }

    /// The end of the entry before, or where the collection starts.
    fn bound(&self) -> usize {
        let before = self.place.checked_sub(1).and_then(|place| self.spans.get(place));
        before.map_or_else(|| self.spans.first().map_or(0, |first| self.opening(first.start)), |span| span.end)
    }

    /// Where the line of the key or bracket ends after which the first entry stands; 0 for a document.
    fn opening(&self, first: usize) -> usize {
        let stream = self.stream;
        if stream.is_flow(self.collection) {
            return stream.items.get(self.collection).map_or(first, |item| item.span.start + 1);
        }
        stream.after_indicator_of(self.collection).unwrap_or(0)
    }

    fn edit(&self) -> Option<Edit> {
        if self.stream.is_flow(self.collection) {
            return self.out_of_flow();
        }
        let span = self.span()?;
        let text = self.stream.text;
        if self.stream.starts_line(span.start) {
            let lines = self.lines()?;
            return if self.spans.len() == 1 {
                self.leave_empty(&lines)
            } else {
                Some((self.whole(lines), String::new()))
            };
        }
        let column = self.stream.column(span.start)?;
        let end = self.stream.last_line_end(self.value, span.end, column)?;
        match self.spans.get(self.place + 1) {
            None => Some((span.start..end, self.empty().to_owned())),
            Some(next) => {
                let after = text.get(end..next.start)?;
                let blank = after.len() - after.trim_start_matches([' ', '\t', '\r', '\n']).len();
                Some((span.start..end + blank, String::new()))
            }
        }
    }

    /// What the collection is without entries.
    fn empty(&self) -> &'static str {
        match self.stream.items.get(self.collection).map(|item| &item.content) {
            Some(Content::Mapping(_)) => "{}",
            Some(Content::Sequence(_) | Content::Scalar(..) | Content::Alias(_)) | None => "[]",
        }
    }

    /// The lines of an entry that starts its line, with its own comments, up to the line break of the last.
    fn lines(&self) -> Option<Range<usize>> {
        let (text, span) = (self.stream.text, self.span()?);
        let column = self.stream.column(span.start)?;
        let end = self.stream.last_line_end(self.value, span.end, column)?;
        let line = line_start(text, span.start);
        let above = self.stream.comments_above(line, column, self.bound());
        Some(if self.is_header(above, line) { line } else { above }..end)
    }

    /// Whether the comments above the first entry are about the whole document: they are the first thing in it, and do
    /// neither name the key nor lock it. A licence, or what made the file.
    fn is_header(&self, above: usize, line: usize) -> bool {
        let stream = self.stream;
        let first = self.place == 0 && stream.parent(self.collection).is_none();
        let before = stream.text.get(..above).unwrap_or_default().trim_start_matches('\u{feff}');
        let begins = before.lines().next_back().is_none_or(|line| line.trim_end() == "---");
        let key = stream.members(self.collection).first().and_then(|(key, _)| stream.scalar_text(*key));
        let comments = stream.text.get(above..line).unwrap_or_default();
        first && begins && !comments.contains("leverframe:") && !key.is_some_and(|key| names(comments, key))
    }

    /// Lines with one line break: the last one's, or at the end of the file the one before the first.
    fn whole(&self, lines: Range<usize>) -> Range<usize> {
        let after = after_break(self.stream.text, lines.end);
        let before = before_break(self.stream.text, lines.start);
        let above =
            self.place.checked_sub(1).and_then(|place| self.stream.members(self.collection).get(place).copied());
        let ended = above.is_some_and(|(_, value)| !self.stream.may_go_on(value));
        let after = match above.and_then(|(_, value)| self.stream.text_block(value)) {
            Some(text) => after_swallowed(self.stream.text, after, text),
            None => after,
        };
        if after == lines.end && !ended { before..lines.end } else { lines.start..after }
    }

    /// The only entry goes: `{}` or `[]` takes its place, after the key or dash.
    fn leave_empty(&self, lines: &Range<usize>) -> Option<Edit> {
        let text = self.stream.text;
        let Some(indicator) = self.stream.after_indicator_of(self.collection) else {
            return self.stream.parent(self.collection).is_none().then(|| (lines.clone(), self.empty().to_owned()));
        };
        let kept = text.get(indicator..before_break(text, lines.start))?;
        Some((indicator..lines.end, format!(" {}{kept}", self.empty())))
    }

    fn out_of_flow(&self) -> Option<Edit> {
        let (text, span) = (self.stream.text, self.span()?);
        let comma = next_token(text, span.end).filter(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(',')));
        let end = comma.map_or(span.end, |comma| comma + 1);
        let own = self.stream.starts_line(span.start) && {
            let rest = text.get(end..line_end(text, end)).unwrap_or_default();
            is_blank_or_comment(rest) && comma.is_none_or(|comma| comma < line_end(text, span.end))
        };
        let next = self.spans.get(self.place + 1);
        let before = self.place.checked_sub(1).and_then(|place| self.spans.get(place));
        let edit = match (before, next) {
            _ if own => return self.lines_of_flow(end, comma.is_some()),
            (_, Some(next)) => (span.start..next.start, String::new()),
            (Some(before), None) => (before.end..span.end, String::new()),
            (None, None) => (self.bound()..end, String::new()),
        };
        let goes = text.get(edit.0.start..span.start)?.contains('#') || text.get(span.end..edit.0.end)?.contains('#');
        (!goes).then_some(edit)
    }

    /// An entry of `{}` or `[]` that has its lines to itself.
    fn lines_of_flow(&self, end: usize, comma: bool) -> Option<Edit> {
        let (text, span) = (self.stream.text, self.span()?);
        let line = line_start(text, span.start);
        let column = self.stream.column(span.start)?;
        let start = self.stream.comments_above(line, column, self.bound());
        let end = line_end(text, end);
        let before = self.place.checked_sub(1).and_then(|place| self.spans.get(place));
        match before {
            // Without a comma of its own the one before it goes.
            Some(before) if !comma => {
                let at =
                    next_token(text, before.end).filter(|at| text.get(*at..).is_some_and(|t| t.starts_with(',')))?;
                let kept = text.get(at + 1..before_break(text, start))?;
                Some((at..end, kept.to_owned()))
            }
            Some(_) | None => Some((start..after_break(text, end), String::new())),
        }
    }
}

/// Whether a text has `key` in it as a word of its own.
fn names(text: &str, key: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
    let whole = |(at, _): (usize, &str)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + key.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    };
    !key.is_empty() && text.match_indices(key).any(whole)
}
