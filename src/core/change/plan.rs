//! Planning: which bytes of which files change, so that a field gets its value, and nothing else does.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Binding, Edit, Line, LocateRefusal, Locator, Plan, SourceFile, binding::Form, digest, locate, unified};
use crate::core::{
    names::{CommandName, CommitId, ConnectionName, Digest, Field, RepoPath, Target},
    yaml::{self, Assignment, Missing, Scalar},
};

/// What is wanted, and where it is looked for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The repository.
    pub repository: &'a ConnectionName,
    /// The command that asks.
    pub command: &'a CommandName,
    /// On what.
    pub target: &'a Target,
    /// The fields and their new values.
    pub set: &'a BTreeMap<Field, Value>,
    /// The commit that the files are of.
    pub base: &'a CommitId,
    /// The policies in force.
    pub policy: &'a Digest,
}

/// A plan and the files as they would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What people approve.
    pub plan: Plan,
    /// Each changed file, whole.
    pub after: Vec<(RepoPath, String)>,
}

/// Why a change cannot be planned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanRefusal {
    /// It is so already.
    #[error("`{}` in `{}` is already at {values}", target.service, target.environment)]
    Already {
        /// The target.
        target: Target,
        /// The values, in words.
        values: String,
    },
    /// The field's place was not found, or is not one place.
    #[error(transparent)]
    Place(#[from] LocateRefusal),
    /// The place cannot be edited without harm.
    #[error("`{path}` cannot be edited: {refusal}")]
    Edit {
        /// The file.
        path: RepoPath,
        /// Why.
        refusal: yaml::Refusal,
    },
    /// A path that is never written.
    #[error("`{path}` is never written by Leverframe")]
    Protected {
        /// The file.
        path: RepoPath,
    },
    /// A value that no file can hold.
    #[error("`{value}` is no value for {field}")]
    Value {
        /// The field.
        field: Field,
        /// The value.
        value: String,
    },
}

impl PlanRefusal {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Already { .. } => "Nothing to do.".to_owned(),
            Self::Place(refusal) => refusal.remedy(),
            Self::Edit { refusal, .. } => refusal.remedy(),
            Self::Protected { .. } => "Change it by hand, in a reviewed commit.".to_owned(),
            Self::Value { .. } => "Ask with a text, a number, true or false.".to_owned(),
        }
    }
}

/// One field's edit, still to be applied.
struct Step {
    binding: Binding,
    edit: Edit,
    line: Line,
}

/// Plans what is wanted on the files of the target.
///
/// # Errors
/// When it is so already, when a field's place is not exactly one, or when editing it could harm anything else.
pub fn plan(
    wanted: &Wanted<'_>,
    locator: &dyn Fn(&Field) -> Locator,
    files: &[SourceFile],
) -> Result<Planned, PlanRefusal> {
    let mut steps = Vec::new();
    for (field, value) in wanted.set {
        let binding = locate(field, &locator(field), files)?;
        let file = file(files, &binding.file)?;
        steps.extend(step(wanted, field, value, (binding, file))?);
    }
    if steps.is_empty() {
        let values: Vec<String> = wanted.set.iter().map(|(field, value)| words(field, value)).collect();
        return Err(PlanRefusal::Already { target: wanted.target.clone(), values: values.join(" and ") });
    }
    let (after, diff) = apply(&steps, files)?;
    let edits: Vec<Edit> = steps.iter().map(|step| step.edit.clone()).collect();
    let digest = digest(wanted.command, wanted.target, &edits)
        .map_err(|error| PlanRefusal::Value { field: Field::Replicas, value: error.to_string() })?;
    let lines = steps.into_iter().map(|step| step.line).collect();
    let plan = Plan { digest, base: wanted.base.clone(), policy: wanted.policy.clone(), edits, lines, diff };
    Ok(Planned { plan, after })
}

fn file<'a>(files: &'a [SourceFile], path: &RepoPath) -> Result<&'a SourceFile, PlanRefusal> {
    if path.is_protected() {
        return Err(PlanRefusal::Protected { path: path.clone() });
    }
    let missing = || LocateRefusal::NoSuchFile { path: path.clone() };
    Ok(files.iter().find(|file| &file.path == path).ok_or_else(missing)?)
}

/// The edit of one field; `None` when it has its value already.
fn step(
    wanted: &Wanted<'_>,
    field: &Field,
    value: &Value,
    (binding, file): (Binding, &SourceFile),
) -> Result<Option<Step>, PlanRefusal> {
    let refused = |refusal| PlanRefusal::Edit { path: file.path.clone(), refusal };
    let before = yaml::read(&file.text, &binding.document, &binding.yaml_path).map_err(refused)?;
    let new = match &binding.form {
        Form::Value => value.clone(),
        Form::ImageOf { repository } => Value::String(format!("{repository}:{}", shown(value))),
    };
    if before.as_ref().map(Scalar::to_json).as_ref() == Some(&new) {
        return Ok(None);
    }
    let old = before.as_ref().and_then(fact);
    let line = Line { field: field.clone(), old: old.as_ref().map(|old| binding.form.shown(old)), new: shown(value) };
    let edit = Edit {
        repository: wanted.repository.clone(),
        path: file.path.clone(),
        document: binding.document.clone(),
        yaml_path: binding.yaml_path.clone(),
        old,
        new,
    };
    Ok(Some(Step { binding, edit, line }))
}

/// Applies all edits, file by file, and draws the diff.
fn apply(steps: &[Step], files: &[SourceFile]) -> Result<(Vec<(RepoPath, String)>, String), PlanRefusal> {
    let mut by_file: BTreeMap<&RepoPath, Vec<Assignment>> = BTreeMap::new();
    for step in steps {
        let value = Scalar::from_json(&step.edit.new)
            .map_err(|_| PlanRefusal::Value { field: step.binding.field.clone(), value: step.edit.new.to_string() })?;
        by_file.entry(&step.edit.path).or_default().push(Assignment {
            document: step.edit.document.clone(),
            path: step.edit.yaml_path.clone(),
            value,
            missing: Missing::Add,
        });
    }
    let (mut after, mut diff) = (Vec::new(), String::new());
    for (path, assignments) in by_file {
        let before = file(files, path)?;
        let edited = yaml::set(&before.text, &assignments)
            .map_err(|refusal| PlanRefusal::Edit { path: path.clone(), refusal })?;
        diff.push_str(&unified(path.as_str(), &before.text, &edited.text));
        after.push((path.clone(), edited.text));
    }
    Ok((after, diff))
}

fn words(field: &Field, value: &Value) -> String {
    match field {
        Field::ImageTag | Field::ImageDigest => format!("`{}`", shown(value)),
        Field::Replicas if value.as_u64() == Some(1) => "1 replica".to_owned(),
        Field::Replicas => format!("{} replicas", shown(value)),
        Field::ReplicasMin | Field::ReplicasMax | Field::Cpu | Field::Memory | Field::Env(_) | Field::Config(_) => {
            format!("`{field}` `{}`", shown(value))
        }
    }
}

/// A value as the ledger holds facts: nothing is null, and a number that is no integer within 2^53 is its digits as
/// they stand in the file (`1.10`).
pub(super) fn fact(value: &Scalar) -> Option<Value> {
    const EXACT: i128 = 1 << 53;
    match value {
        Scalar::Null => None,
        Scalar::Integer(number) if (-EXACT..=EXACT).contains(number) => Some(value.to_json()),
        Scalar::Integer(number) => Some(Value::String(number.to_string())),
        Scalar::Float(digits) => Some(Value::String(digits.clone())),
        Scalar::Bool(_) | Scalar::String(_) => Some(value.to_json()),
    }
}

/// A value as people write it.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
