//! Format-preserving edits of YAML by byte span. A value is found by its path, its bytes alone are replaced, and
//! the result is proven: every byte outside the edit is the same, a fresh parse differs in nothing but the wanted
//! values, and serde_yaml agrees wherever it can read the file. What cannot be proven is refused, typed, with a
//! remedy. A refusal looks at the value and the way to it, never at other places of the file.
//!
//! This is no general YAML editor: it sets single values, puts values where nothing is, and takes entries away.

mod add;
mod begin;
mod block;
mod compose;
mod document;
mod find;
mod format;
mod inside;
mod key_value;
mod layout;
mod literal;
mod opinion;
mod path;
mod plan;
mod prove;
mod refusal;
mod remove;
mod scalar;
mod short;
mod stream;
#[cfg(test)]
mod tests;
mod trail;
mod tree;
mod write;

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashSet},
    ops::Range,
};

pub use document::{Document, DocumentError};
pub use format::Format;
pub use literal::Literal;
pub use path::{Path, PathError, PathProblem, Step};
pub use refusal::{Kind, Refusal};
pub use scalar::{NotAScalar, Scalar};
pub use stream::Stream;
pub use tree::Node;

use find::End;
use plan::{Change, Splice};
use trail::Trail;

/// Stands for a file that is no UTF-8 text: it is there, and no place of it can be read or written.
pub const NOT_TEXT: &str = "\0";

/// What to do where keys of a path are missing in their mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// Refuse.
    #[default]
    Refuse,
    /// Add the last key after its neighbours, in their style.
    Add,
    /// Make every mapping key that is missing on the way, too; an empty value becomes a mapping.
    Build,
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

    /// The same, making every key that is missing on the way.
    #[must_use]
    pub fn building(self) -> Self {
        Self { missing: Missing::Build, ..self }
    }
}

/// One thing to do to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A single value becomes another.
    Set(Assignment),
    /// A value is put where the last step of the path finds nothing: a key after the others of its mapping, or an item
    /// (`[3]` in a list of three, or a `[key=value]` that no item fits) after the others of its list. If the key of the
    /// list itself is missing, it is made. An empty value may be filled.
    Insert {
        /// In which document.
        document: Document,
        /// Where in it.
        path: Path,
        /// The value; an item for `[key=value]` gets the key where it does not have it.
        value: Literal,
    },
    /// A key with its value, or an item, goes; with it the comments directly above it at its indent and at the end of
    /// its line. Where it was the last, `{}` or `[]` stays.
    Remove {
        /// In which document.
        document: Document,
        /// Where in it.
        path: Path,
    },
}

impl Operation {
    /// Where it is done.
    pub fn path(&self) -> &Path {
        match self {
            Self::Set(assignment) => &assignment.path,
            Self::Insert { path, .. } | Self::Remove { path, .. } => path,
        }
    }

    /// In which document it is done.
    pub fn document(&self) -> &Document {
        match self {
            Self::Set(assignment) => &assignment.document,
            Self::Insert { document, .. } | Self::Remove { document, .. } => document,
        }
    }

    /// The same at another place.
    fn moved(self, document: Document, path: Path) -> Self {
        match self {
            Self::Set(assignment) => Self::Set(Assignment { document, path, ..assignment }),
            Self::Insert { value, .. } => Self::Insert { document, path, value },
            Self::Remove { .. } => Self::Remove { document, path },
        }
    }
}

impl From<Assignment> for Operation {
    fn from(assignment: Assignment) -> Self {
        Self::Set(assignment)
    }
}

/// A file after an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole file.
    pub text: String,
    /// What changed where: one for each operation, in their order.
    pub spans: Vec<EditedSpan>,
}

/// The place of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedSpan {
    /// Its bytes in the file as it was; empty where the value is new.
    pub before: Range<usize>,
    /// Its bytes in the edited file. The same as before where the value was there already.
    pub after: Range<usize>,
    /// The line of the value as it was, from 1.
    pub line: usize,
    /// The value as it was; `None` where nothing was there or more than a single value.
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

/// Does all operations in their order, each on what the ones before it left, by changing only their bytes, and
/// proves each.
///
/// # Errors
/// At the first operation that cannot be done with certainty; then nothing is changed.
pub fn edit(text: &str, operations: &[Operation]) -> Result<Edited, Refusal> {
    Stream::parse(text)?.edit(operations)
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
        if let Some((outer, format, inner)) = path.split() {
            return self.read_inside(document, &outer, format, &inner);
        }
        match self.find(document, path)?.end {
            End::Missing { parent, taken } => {
                let last = taken + 1 == path.steps().len() && self.kind(parent) == Kind::Mapping;
                if last { Ok(None) } else { Err(self.no_way(parent, taken, path)) }
            }
            End::Item(item) => self.value(item, path).map(Some),
        }
    }

    /// Whether an assignment can be made true: the value it would replace, or why not.
    ///
    /// # Errors
    /// As [`set`], but for the proof, which needs the edit.
    pub fn settable(&self, assignment: &Assignment) -> Result<Option<Scalar>, Refusal> {
        self.splice(&Operation::Set(assignment.clone())).map(|splice| splice.old)
    }

    /// As [`set`], of a file that is parsed already.
    ///
    /// # Errors
    /// As [`set`].
    pub fn set(&self, assignments: &[Assignment]) -> Result<Edited, Refusal> {
        self.edit(&assignments.iter().cloned().map(Operation::Set).collect::<Vec<_>>())
    }

    /// As [`edit`], of a file that is parsed already.
    ///
    /// # Errors
    /// As [`edit`].
    pub fn edit(&self, operations: &[Operation]) -> Result<Edited, Refusal> {
        if operations.iter().all(|operation| matches!(operation, Operation::Set(_))) {
            let planned = operations.iter().map(|operation| self.splice(operation)).collect::<Result<Vec<_>, _>>();
            // A later one may need what an earlier one builds.
            let planned = planned.or_else(|refusal| if builds(operations) { Ok(Vec::new()) } else { Err(refusal) })?;
            let inside = operations.iter().any(|operation| operation.path().split().is_some());
            if planned.len() == operations.len() && !inside && self.independent(&planned) {
                return self.together(&planned, operations);
            }
        }
        let mut trail = Trail::new(self.text);
        for operation in operations {
            trail = trail.then(operation)?;
        }
        Ok(trail.edited())
    }

    /// One operation, alone.
    fn alone(&self, operation: &Operation) -> Result<Edited, Refusal> {
        self.together(&[self.splice(operation)?], std::slice::from_ref(operation))
    }

    /// Decides how to do an operation, or why not to.
    fn splice(&self, operation: &Operation) -> Result<Splice, Refusal> {
        if let Some((outer, format, inner)) = operation.path().split() {
            return self.plan_inside(operation, &outer, format, &inner);
        }
        match operation {
            Operation::Set(assignment) => self.plan(assignment),
            Operation::Insert { document, path, value } => self.plan_insertion(document, path, value),
            Operation::Remove { document, path } => self.plan_removal(document, path),
        }
    }

    /// Whether splices can be made in one go: none of them changes what another one stands on.
    fn independent(&self, splices: &[Splice]) -> bool {
        let mut empty = BTreeSet::new();
        let single = splices.iter().all(|splice| match (&splice.change, &splice.value) {
            (Change::Added { collection, .. }, Literal::Scalar(_)) => {
                self.children(*collection).next().is_some() || empty.insert(*collection)
            }
            (Change::Replaced(_), Literal::Scalar(_)) => true,
            (Change::Added { .. } | Change::Replaced(_) | Change::Removed { .. }, _) => false,
        });
        let mut ranges: Vec<_> = splices.iter().map(|splice| (splice.range.start, splice.range.end)).collect();
        ranges.sort_unstable();
        let apart = |pair: &[(usize, usize)]| matches!(pair, [(_, end), (start, _)] if end <= start);
        single && ranges.windows(2).all(|pair| apart(pair) || pair.first() == pair.last())
    }

    /// Makes independent splices in one go, and proves them.
    fn together(&self, planned: &[Splice], operations: &[Operation]) -> Result<Edited, Refusal> {
        let mut places = HashSet::new();
        for (splice, operation) in planned.iter().zip(operations) {
            if !places.insert(&splice.change) {
                return Err(Refusal::SetTwice { at: operation.path().clone() });
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

/// Whether one of the operations may make what another one needs.
fn builds(operations: &[Operation]) -> bool {
    operations.len() > 1
        && operations.iter().any(|operation| match operation {
            Operation::Set(assignment) => assignment.missing == Missing::Build,
            Operation::Insert { .. } | Operation::Remove { .. } => true,
        })
}
