//! Format-preserving edits of YAML by byte span. A value is found by its path, its bytes alone are replaced, and
//! the result is proven: every byte outside the edit is the same, a fresh parse differs in nothing but the wanted
//! values, and serde_yaml agrees wherever it can read the file. What cannot be proven is refused, typed, with a
//! remedy. A refusal looks at the value and the way to it, never at other places of the file.
//!
//! This is no general YAML editor: it sets single values and adds missing last keys.

mod add;
mod document;
mod find;
mod opinion;
mod path;
mod plan;
#[cfg(test)]
mod properties;
mod prove;
mod refusal;
mod scalar;
mod stream;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use std::{cmp::Reverse, collections::BTreeSet, ops::Range};

pub use document::{Document, DocumentError};
pub use path::{Path, PathError, PathProblem, Step};
pub use refusal::{Kind, Refusal};
pub use scalar::{NotAScalar, Scalar};
pub use stream::Stream;
pub use tree::Node;

use find::End;
use plan::{Change, Splice};

/// What to do where the last key of a path is missing in its mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// Refuse.
    #[default]
    Refuse,
    /// Add the key after the last one, in the style of its neighbours.
    Add,
}

/// A value that a file should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// In which document.
    pub document: Document,
    /// Where in it.
    pub path: Path,
    /// The value.
    pub value: Scalar,
    /// What to do where the last key is missing.
    pub missing: Missing,
}

impl Assignment {
    /// An assignment that refuses where the last key is missing.
    pub fn new(document: Document, path: Path, value: impl Into<Scalar>) -> Self {
        Self { document, path, value: value.into(), missing: Missing::Refuse }
    }

    /// The same, adding the last key where it is missing.
    #[must_use]
    pub fn adding(self) -> Self {
        Self { missing: Missing::Add, ..self }
    }
}

/// A file after an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole file.
    pub text: String,
    /// What changed where: one for each assignment, in their order.
    pub spans: Vec<EditedSpan>,
}

/// The place of one assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedSpan {
    /// Its bytes in the file as it was; empty where the value is new.
    pub before: Range<usize>,
    /// Its bytes in the edited file. The same as before where the value was there already.
    pub after: Range<usize>,
    /// The line of the value as it was, from 1.
    pub line: usize,
    /// The value as it was; `None` where its key was missing.
    pub old: Option<Scalar>,
}

/// The value at a path, by the core schema of YAML 1.2; quoted values and text blocks are text. `None` where only
/// the last key is missing.
///
/// # Errors
/// When the file does not parse, or the way to the value is not there or not clear.
pub fn read(text: &str, document: &Document, path: &Path) -> Result<Option<Scalar>, Refusal> {
    Stream::parse(text)?.read(document, path)
}

/// Makes all assignments true by changing only the bytes of their values, and proves it.
///
/// # Errors
/// At the first assignment that cannot be made true with certainty; then nothing is changed.
pub fn set(text: &str, assignments: &[Assignment]) -> Result<Edited, Refusal> {
    Stream::parse(text)?.set(assignments)
}

/// Every document of a file as a light tree.
///
/// # Errors
/// When the file does not parse.
pub fn tree(text: &str) -> Result<Vec<Node>, Refusal> {
    Ok(Stream::parse(text)?.tree())
}

impl Stream<'_> {
    /// As [`read`], of a file that is parsed already.
    ///
    /// # Errors
    /// When the way to the value is not there or not clear.
    pub fn read(&self, document: &Document, path: &Path) -> Result<Option<Scalar>, Refusal> {
        match self.find(document, path)?.end {
            End::Missing { .. } => Ok(None),
            End::Item(item) => self.value(item, path).map(Some),
        }
    }

    /// Whether an assignment can be made true: the value it would replace, or why not.
    ///
    /// # Errors
    /// As [`set`], but for the proof, which needs the edit.
    pub fn settable(&self, assignment: &Assignment) -> Result<Option<Scalar>, Refusal> {
        self.plan(assignment).map(|splice| splice.old)
    }

    /// As [`set`], of a file that is parsed already.
    ///
    /// # Errors
    /// As [`set`].
    pub fn set(&self, assignments: &[Assignment]) -> Result<Edited, Refusal> {
        let planned = assignments.iter().map(|assignment| self.plan(assignment)).collect::<Result<Vec<_>, _>>()?;
        let mut places = BTreeSet::new();
        for (splice, assignment) in planned.iter().zip(assignments) {
            if !places.insert(&splice.change) {
                return Err(Refusal::SetTwice { at: assignment.path.clone() });
            }
        }
        let mut order: Vec<_> = (0..planned.len()).collect();
        // At one place a value comes before an added line, and an inner line before an outer one.
        order.sort_by_key(|at| {
            let splice = planned.get(*at);
            splice.map(|s| (s.range.start, matches!(s.change, Change::Added { .. }), Reverse(s.depth)))
        });
        let sorted: Vec<&Splice> = order.iter().filter_map(|at| planned.get(*at)).collect();
        let edited = self.spliced(&sorted, &order);
        prove::prove(self, &sorted, &edited)?;
        Ok(edited)
    }

    /// The text with the splices made; `order` is the place of each among the assignments.
    fn spliced(&self, sorted: &[&Splice], order: &[usize]) -> Edited {
        let grown: usize = sorted.iter().map(|splice| splice.text.len()).sum();
        let mut text = String::with_capacity(self.text.len() + grown);
        let mut done = 0;
        let mut spans = Vec::with_capacity(sorted.len());
        for (splice, place) in sorted.iter().zip(order) {
            text.push_str(self.text.get(done..splice.range.start).unwrap_or_default());
            let start = text.len();
            text.push_str(&splice.text);
            done = splice.range.end;
            let (before, after) = (splice.range.clone(), start..text.len());
            spans.push((*place, EditedSpan { before, after, line: splice.line, old: splice.old.clone() }));
        }
        text.push_str(self.text.get(done..).unwrap_or_default());
        spans.sort_by_key(|(place, _)| *place);
        Edited { text, spans: spans.into_iter().map(|(_, span)| span).collect() }
    }

    /// The value of a node that is a single one.
    fn value(&self, item: usize, path: &Path) -> Result<Scalar, Refusal> {
        let (at, line) = (path.clone(), self.line(item));
        let tag = self.items.get(item).and_then(|item| item.tag.as_ref());
        match (self.scalar(item), tag) {
            (Some(value), None) => Ok(value),
            (Some(value), Some(tag)) if tag.is_yaml_core_schema_tag("str") => {
                Ok(Scalar::String(self.scalar_text(item).map_or_else(|| value.to_string(), str::to_owned)))
            }
            (Some(_), Some(tag)) => Err(Refusal::Tag { at, tag: tag.to_string(), line }),
            (None, _) if self.resolved(item) != item => Err(Refusal::Alias { at, line }),
            (None, _) if self.is_template(item) => Err(Refusal::Template { line }),
            (None, _) => Err(Refusal::WrongKind { at, found: self.kind(item), expected: Kind::Scalar, line }),
        }
    }
}
