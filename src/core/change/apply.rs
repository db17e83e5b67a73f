//! Edits made: each file once, by the edit engine, or line by line where it is a file of `KEY=value` lines.

use std::collections::BTreeMap;

use super::{PlanRefusal, SourceFile, plain, unified};
use crate::core::{
    names::RepoPath,
    yaml::{self, Document, Format, Operation, Path, Refusal, Scalar, Step},
};

/// The key of a file of `KEY=value` lines, where the path leads into one.
fn line_key(path: &Path) -> Option<&str> {
    match path.steps() {
        [Step::Inside(Format::Properties), Step::Key(key)] => Some(key),
        _ => None,
    }
}

/// The value at a place; nothing where the last step is missing.
pub(super) fn read(text: &str, document: &Document, path: &Path) -> Result<Option<Scalar>, Refusal> {
    match line_key(path) {
        Some(key) => Ok(plain::read(text, key).map(|value| Scalar::String(value.to_owned()))),
        None => yaml::read(text, document, path),
    }
}

/// The files as they would be, and the diff of all.
pub(super) fn apply(
    operations: Vec<(RepoPath, Operation)>,
    files: &[SourceFile],
) -> Result<(Vec<(RepoPath, String)>, String), PlanRefusal> {
    let mut by_file: BTreeMap<RepoPath, Vec<Operation>> = BTreeMap::new();
    for (path, operation) in operations {
        by_file.entry(path).or_default().push(operation);
    }
    let (mut after, mut diff) = (Vec::new(), String::new());
    for (path, operations) in by_file {
        let before = super::plan::file(files, &path)?;
        let text =
            edited(&before.text, &operations).map_err(|refusal| PlanRefusal::Edit { path: path.clone(), refusal })?;
        diff.push_str(&unified(path.as_str(), &before.text, &text));
        after.push((path, text));
    }
    Ok((after, diff))
}

fn edited(text: &str, operations: &[Operation]) -> Result<String, Refusal> {
    let line = |operation: &Operation| match operation {
        Operation::Set(assignment) => {
            line_key(&assignment.path).map(|key| (key.to_owned(), assignment.value.to_string()))
        }
        Operation::Insert { .. } | Operation::Remove { .. } => None,
    };
    let lines: Vec<_> = operations.iter().filter_map(line).collect();
    if lines.len() != operations.len() {
        return Ok(yaml::edit(text, operations)?.text);
    }
    lines.iter().try_fold(text.to_owned(), |text, (key, value)| plain::set(&text, key, value))
}
