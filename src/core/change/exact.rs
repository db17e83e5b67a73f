//! Edits at exact places that no field describes: what undoes a commit, what holds an automation off. Each is made
//! only while its place holds what it held when it was planned; somebody's later work is never written over.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Edit, Plan, PlanRefusal, Planned, SourceFile, Wanted, at::At, digest, marker, plan::fact, unified};
use crate::core::{
    names::{CommitId, Digest, Field, RepoPath},
    yaml::{self, Assignment, Document, Literal, Node, Operation, Path, Refusal, Scalar},
};

/// One edit and how it is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exact {
    /// Where, what stood there and what shall.
    pub edit: Edit,
    /// How.
    pub how: How,
}

/// How an exact edit is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The value of the edit's place is set, put there, or taken away.
    Value,
    /// The marker in the comment at the end of the value's line; the edit's values are the marker's text.
    Marker,
    /// The whole file stands as in a commit, or is not there as it is not there. The edit's values are the hex SHA-256
    /// of the file's bytes.
    File {
        /// The commit.
        as_in: CommitId,
    },
    /// The whole file stands as a template gives it, or goes. The edit's values are the hex SHA-256 of its bytes.
    Rendered,
    /// A value is put into the list at the edit's place, after the others, or taken out of it. Which items stand beside
    /// it is no matter.
    Listed,
}

/// Which side of an edit a file is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What stood there.
    Old,
    /// What shall stand there.
    New,
}

/// Files as they stand in other commits, by path; `None` where the file is not there.
pub type Then = BTreeMap<RepoPath, Option<String>>;

impl Exact {
    /// Whether a file holds one side of the edit at its place.
    pub fn stands(&self, text: Option<&str>, side: Side) -> bool {
        let edit = &self.edit;
        let wanted = match side {
            Side::Old => edit.old.as_ref(),
            Side::New => Some(&edit.new),
        };
        let wanted = wanted.filter(|value| !value.is_null());
        match &self.how {
            How::Value => {
                text.map(|text| value(text, &edit.document, &edit.yaml_path)).unwrap_or_default().as_ref() == wanted
            }
            How::Marker => {
                let line = text.and_then(|text| line_of(text, &edit.document, &edit.yaml_path));
                line.is_some_and(|line| wanted.and_then(Value::as_str).is_some_and(|marker| line.contains(marker)))
            }
            How::File { .. } | How::Rendered => text.map(hash).as_ref() == wanted,
            How::Listed => {
                let Some(text) = text else { return false };
                let is_in = self.listed().is_some_and(|value| self.position(text, value).is_some());
                is_in == wanted.is_some()
            }
        }
    }

    /// What is put into a list, or taken out of it.
    fn listed(&self) -> Option<&Value> {
        Some(&self.edit.new).filter(|new| !new.is_null()).or(self.edit.old.as_ref())
    }

    /// Where a value is in the list at the edit's place.
    fn position(&self, text: &str, wanted: &Value) -> Option<usize> {
        let Value::Array(items) = value(text, &self.edit.document, &self.edit.yaml_path)? else { return None };
        items.iter().position(|item| item == wanted)
    }

    /// What gives back what this took, where the edit itself says all of it.
    pub fn inverted(&self) -> Option<Self> {
        let Edit { old, new, .. } = &self.edit;
        let (old, new) = (Some(new.clone()).filter(|new| !new.is_null()), old.clone().unwrap_or_default());
        let edit = Edit { old, new, ..self.edit.clone() };
        match self.how {
            How::Value | How::Marker | How::Listed => Some(Self { edit, how: self.how.clone() }),
            How::File { .. } | How::Rendered => None,
        }
    }

    /// The file with the edit made.
    fn made(&self, text: Option<&str>, then: &Then) -> Result<Option<String>, PlanRefusal> {
        let Edit { path, document, yaml_path, old, new, .. } = &self.edit;
        let refused = |refusal| PlanRefusal::Edit { path: path.clone(), refusal };
        let gone = || PlanRefusal::ChangedSince { places: self.place() };
        match self.how {
            How::File { .. } => return Ok(then.get(path).cloned().flatten()),
            How::Rendered if new.is_null() => return Ok(None),
            How::Rendered => {
                let made = then.get(path).cloned().flatten().filter(|made| hash(made) == *new);
                return made.map(Some).ok_or_else(gone);
            }
            How::Value | How::Marker | How::Listed => {}
        }
        let text = text.ok_or_else(gone)?;
        if self.how == How::Listed {
            let operation = self.relisted(text).ok_or_else(gone)?;
            return Ok(Some(yaml::edit(text, &[operation]).map_err(refused)?.text));
        }
        if self.how == How::Marker {
            let (old, new) = (old.as_ref().and_then(Value::as_str), new.as_str());
            let (old, new) = old.zip(new).ok_or_else(gone)?;
            return marked(text, (document, yaml_path), (old, new)).map(Some).ok_or_else(gone);
        }
        let operation = operation(&self.edit).map_err(refused)?;
        Ok(Some(yaml::edit(text, &[operation]).map_err(refused)?.text))
    }

    /// What puts a value into a list, or takes it out.
    fn relisted(&self, text: &str) -> Option<Operation> {
        let Edit { document, yaml_path, new, .. } = &self.edit;
        if new.is_null() {
            let path = yaml_path.clone().index(self.position(text, self.listed()?)?);
            return Some(Operation::Remove { document: document.clone(), path });
        }
        let length = match value(text, document, yaml_path) {
            Some(Value::Array(items)) => items.len(),
            Some(_) => return None,
            None => 0,
        };
        let (document, path) = (document.clone(), yaml_path.clone().index(length));
        Some(Operation::Insert { document, path, value: Literal::from(new) })
    }

    /// Where, in words.
    pub fn place(&self) -> String {
        match self.how {
            How::Value | How::Marker => format!("`{}` at `{}`", self.edit.path, self.edit.yaml_path),
            How::Listed => format!("`{}` in `{}`", self.edit.yaml_path, self.edit.path),
            How::File { .. } | How::Rendered => format!("`{}`", self.edit.path),
        }
    }
}

/// Makes exact edits beside what is planned for fields.
///
/// # Errors
/// When a place does not hold what it held, or cannot be edited without harm.
pub fn exactly(
    wanted: &Wanted<'_>,
    fields: Option<Planned>,
    exact: &[Exact],
    (files, then): (&[SourceFile], &Then),
) -> Result<Planned, PlanRefusal> {
    let (mut edits, lines, after) =
        fields.map(|planned| (planned.plan.edits, planned.plan.lines, planned.after)).unwrap_or_default();
    let before = |path: &RepoPath| files.iter().find(|file| file.path == *path).map(|file| file.text.as_str());
    let moved: Vec<String> =
        exact.iter().filter(|one| !one.stands(before(&one.edit.path), Side::Old)).map(Exact::place).collect();
    if !moved.is_empty() {
        return Err(PlanRefusal::ChangedSince { places: moved.join(", ") });
    }
    let mut texts: BTreeMap<RepoPath, Option<String>> = after.into_iter().collect();
    for one in exact {
        let path = &one.edit.path;
        if path.is_protected() {
            return Err(PlanRefusal::Protected { path: path.clone() });
        }
        let text = texts.get(path).cloned().unwrap_or_else(|| before(path).map(str::to_owned));
        texts.insert(path.clone(), one.made(text.as_deref(), then)?);
    }
    edits.extend(exact.iter().map(|one| one.edit.clone()));
    let one = |(path, text): (&RepoPath, &Option<String>)| {
        unified(path.as_str(), before(path).unwrap_or_default(), text.as_deref().unwrap_or_default())
    };
    let diff = texts.iter().map(one).collect();
    let digest = digest(wanted.command, wanted.target, &edits)
        .map_err(|error| PlanRefusal::Value { field: Field::Replicas, value: error.to_string() })?;
    let (base, policy, exact) = (wanted.base.clone(), wanted.policy.clone(), exact.to_vec());
    let plan = Plan { digest, base, policy, edits, lines, diff, exact, aside: None, live: None, legs: Vec::new() };
    Ok(Planned { plan, after: texts.into_iter().collect() })
}

/// What the edit engine is to do.
fn operation(edit: &Edit) -> Result<Operation, Refusal> {
    let (document, path) = (edit.document.clone(), edit.yaml_path.clone());
    let scalar = Scalar::from_json(&edit.new);
    Ok(match (&edit.old, scalar) {
        (_, Ok(Scalar::Null)) => Operation::Remove { document, path },
        (Some(_), Ok(value)) => Operation::Set(Assignment::new(document, path, value)),
        (None, _) => Operation::Insert { document, path, value: Literal::from(&edit.new) },
        (Some(_), Err(_)) => return Err(Refusal::NotAValue { value: edit.new.to_string() }),
    })
}

/// A text with edits of values made; nothing where one of them cannot be made.
pub(super) fn edited(text: &str, exact: &[Exact]) -> Option<String> {
    let (listed, values): (Vec<&Exact>, Vec<&Exact>) = exact.iter().partition(|one| one.how == How::Listed);
    let operations: Vec<Operation> = values.iter().map(|one| operation(&one.edit).ok()).collect::<Option<_>>()?;
    let text = if operations.is_empty() { text.to_owned() } else { yaml::edit(text, &operations).ok()?.text };
    // One by one, because each moves the places of those after it.
    listed.iter().try_fold(text, |text, one| Some(yaml::edit(&text, &[one.relisted(&text)?]).ok()?.text))
}

/// The hex SHA-256 of a file, as edits of whole files have it.
pub(super) fn hash(text: &str) -> Value {
    Value::String(Digest::of(text.as_bytes()).to_string())
}

/// What stands at a place, collections too; nothing for nothing, and for what has no one value.
fn value(text: &str, document: &Document, path: &Path) -> Option<Value> {
    with_place(text, document, path, |at| json(&at.node)).flatten().filter(|value| !value.is_null())
}

/// The line that a single value stands on.
fn line_of<'t>(text: &'t str, document: &Document, path: &Path) -> Option<&'t str> {
    let line = with_place(text, document, path, |at| match &at.node {
        Cow::Borrowed(Node::Scalar { line, .. }) => Some(*line),
        Cow::Borrowed(_) | Cow::Owned(_) => None,
    });
    text.lines().nth(line.flatten()?.checked_sub(1)?)
}

fn with_place<T>(text: &str, document: &Document, path: &Path, look: impl FnOnce(&At<'_>) -> T) -> Option<T> {
    let documents = yaml::tree(text).ok()?;
    let path_of_none = RepoPath::parse("file").ok()?;
    let file = SourceFile { path: path_of_none, text: text.to_owned(), blob: String::new() };
    let mut roots = documents.iter().enumerate().map(|(place, node)| At::root(&file, place, node));
    let root = roots.find(|root| root.is_in(document))?;
    root.along(path).map(|at| look(&at))
}

/// A node as the ledger holds facts; nothing where it refers elsewhere.
pub(super) fn json(node: &Node) -> Option<Value> {
    match node {
        Node::Scalar { value, .. } => Some(fact(value).unwrap_or_default()),
        Node::Sequence { items, .. } => items.iter().map(json).collect::<Option<Vec<_>>>().map(Value::Array),
        Node::Mapping { entries, .. } => {
            let entries = entries.iter().map(|(key, node)| Some((key.clone(), json(node)?)));
            entries.collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
        }
        Node::Alias { .. } => None,
    }
}

/// The text with the marker on the line of a value replaced; nothing where that would touch anything but a comment.
fn marked(text: &str, (document, path): (&Document, &Path), (old, new): (&str, &str)) -> Option<String> {
    let line = line_of(text, document, path)?;
    let (code, comment) = marker::comment(line)?;
    let renewed = format!("{code}{}", comment.replacen(old, new, 1));
    let start = line.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let (before, after) = (text.get(..start)?, text.get(start + line.len()..)?);
    let edited = format!("{before}{renewed}{after}");
    let values = |text: &str| yaml::tree(text).ok().map(|all| all.iter().map(json).collect::<Vec<_>>());
    (renewed != line && values(text) == values(&edited)).then_some(edited)
}
