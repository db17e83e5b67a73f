//! A value at a place that a command names by its file and its way, where no field describes it.

use serde_json::Value;

use super::{
    Edit, Exact, How, PlanRefusal, SourceFile,
    binding::Form,
    plan::{fact, file, shown},
};
use crate::core::{
    names::{ConnectionName, Field, RepoPath},
    yaml::{Document, Path, Refusal},
};

/// The edit that gives a place its value; none where it has it. A number stays a number and a text a text.
///
/// # Errors
/// When the file is not there or may not be written, when it has no such place, or no single value there.
pub fn set_at(
    repository: &ConnectionName,
    (path, document, yaml_path): (&RepoPath, &Document, &Path),
    value: &str,
    files: &[SourceFile],
) -> Result<Option<Exact>, PlanRefusal> {
    let text = &file(files, path)?.text;
    let refused = |refusal| PlanRefusal::Edit { path: path.clone(), refusal };
    let before = super::apply::read(text, document, yaml_path).map_err(refused)?;
    let Some(before) = before else { return Err(refused(missing(yaml_path))) };
    let field = Field::Config(yaml_path.to_string());
    let new = Form::Like.written(&field, &Value::from(value), Some(&before));
    let no_value = || PlanRefusal::Value { field: field.clone(), value: shown(&Value::from(value)) };
    let (old, new) = (fact(&before), new.as_ref().and_then(fact).ok_or_else(no_value)?);
    if old.as_ref() == Some(&new) {
        return Ok(None);
    }
    let (repository, path) = (repository.clone(), path.clone());
    let edit = Edit { repository, path, document: document.clone(), yaml_path: yaml_path.clone(), old, new };
    Ok(Some(Exact { edit, how: How::Value }))
}

/// The last step leads nowhere.
fn missing(path: &Path) -> Refusal {
    let steps = path.steps();
    let step = steps.last().map(ToString::to_string).unwrap_or_default();
    Refusal::NotFound { at: path.prefix(steps.len().saturating_sub(1)), step, line: 1, there: Vec::new() }
}
