//! Operations done one after another, each proven on what the ones before it left, told as one edit of the file as
//! it was first.

use std::ops::Range;

use super::{Edited, EditedSpan, Operation, refusal::Refusal, stream::Stream};

/// A file on the way through several operations.
pub(super) struct Trail<'t> {
    first: &'t str,
    text: String,
    /// What is different by now: bytes of the first text and of the present one, in their order, apart from each other.
    patches: Vec<(Range<usize>, Range<usize>)>,
    spans: Vec<EditedSpan>,
    /// The present bytes of the values that were set.
    set: Vec<Range<usize>>,
}

impl<'t> Trail<'t> {
    pub(super) fn new(first: &'t str) -> Self {
        Self { first, text: first.to_owned(), patches: Vec::new(), spans: Vec::new(), set: Vec::new() }
    }

    /// After one operation more.
    pub(super) fn then(mut self, operation: &Operation) -> Result<Self, Refusal> {
        let edited = Stream::parse(&self.text)?.alone(operation)?;
        let Some(span) = edited.spans.into_iter().next() else { return Ok(self) };
        let value = !span.before.is_empty() && matches!(operation, Operation::Set(_));
        if value && self.set.iter().any(|set| set.start < span.before.end && span.before.start < set.end) {
            return Err(Refusal::SetTwice { at: operation.path().clone() });
        }
        let before = self.first_bytes(&span.before);
        let line = self.first.get(..before.start).unwrap_or_default().matches('\n').count() + 1;
        // Where nothing was patched before, the line told is exact, also of a value in a text or after its key.
        let line = if self.patches.is_empty() { span.line } else { line.max(self.told(span.line)) };
        for present in self.spans.iter_mut().map(|span| &mut span.after).chain(&mut self.set) {
            *present = moved(present, &span.before, &span.after);
        }
        self.patch(before.clone(), &span.before, &span.after);
        if value {
            self.set.push(span.after.clone());
        }
        self.spans.push(EditedSpan { before, after: span.after, line, old: span.old });
        self.text = edited.text;
        Ok(self)
    }

    pub(super) fn edited(self) -> Edited {
        Edited { text: self.text, spans: self.spans }
    }

    /// The line of the first text that is now `line`, if none of the patches lies on it.
    fn told(&self, line: usize) -> usize {
        let start = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let first = self.first_bytes(&(start..start)).start;
        self.first.get(..first).unwrap_or_default().matches('\n').count() + 1
    }

    /// The bytes of the first text that became these present ones; all of a patch for a part of it.
    fn first_bytes(&self, present: &Range<usize>) -> Range<usize> {
        let (mut start, mut end) = (present.start, present.end);
        let (mut start_found, mut end_found) = (false, false);
        for (old, new) in self.patches.iter().rev() {
            if !start_found && present.start >= new.start {
                start_found = true;
                start = if present.start < new.end { old.start } else { old.end + (present.start - new.end) };
            }
            if !end_found && present.end >= new.start {
                end_found = true;
                end = if present.end <= new.end && present.end > new.start {
                    old.end
                } else if present.end == new.start {
                    old.start
                } else {
                    old.end + (present.end - new.end)
                };
            }
        }
        start..end.max(start)
    }

    /// Notes that the present bytes `before` became `after`, which were `first` in the first text.
    fn patch(&mut self, first: Range<usize>, before: &Range<usize>, after: &Range<usize>) {
        let mut whole = (first, after.clone());
        let mut apart = Vec::new();
        for (old, new) in self.patches.drain(..) {
            let touches = new.start <= before.end && before.start <= new.end;
            let new = moved(&new, before, after);
            if touches {
                whole.0 = whole.0.start.min(old.start)..whole.0.end.max(old.end);
                whole.1 = whole.1.start.min(new.start)..whole.1.end.max(new.end);
            } else {
                apart.push((old, new));
            }
        }
        apart.push(whole);
        apart.sort_by_key(|(old, new)| (old.start, new.start));
        self.patches = apart;
    }
}

/// Where bytes are after `before` became `after`; with what they share they grow together.
fn moved(bytes: &Range<usize>, before: &Range<usize>, after: &Range<usize>) -> Range<usize> {
    let shift = |at: usize| at - before.end + after.end;
    if bytes.start >= before.end {
        shift(bytes.start)..shift(bytes.end)
    } else if bytes.end <= before.start {
        bytes.clone()
    } else {
        bytes.start.min(after.start)..if bytes.end > before.end { shift(bytes.end) } else { after.end }
    }
}
