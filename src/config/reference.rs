//! References: `${env:NAME}` and `${file:PATH}` in any text of the configuration, put in place before anything is read.

use std::path::{Path, PathBuf};

use crate::{
    core::located::{Node, Origin, Problem, Value},
    secret::Secret,
};

/// What a reference names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// An environment variable.
    Env(String),
    /// A file; relative paths already start in the configuration's directory.
    File(PathBuf),
}

/// What a reference stands for.
#[derive(Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The text, as it was read.
    pub text: String,
    /// Whether others can read it where it came from.
    pub exposed: Exposed,
}

/// Whether a file can be read by others than its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposed {
    /// Only by its owner.
    No,
    /// By its group, or by everybody.
    ToOthers,
}

/// Why a reference stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// There is no such variable or file.
    #[error("is not there")]
    Missing,
    /// It is there and cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

/// Gives what references stand for. The configuration's one way to the environment and to files beside it.
pub type Resolve<'a> = &'a dyn Fn(&Reference) -> Result<Resolved, Unresolved>;

/// Whether the environment asks for plain text: `NO_COLOR` is set to something.
#[expect(clippy::disallowed_methods, reason = "this is the one file that reads the environment")]
pub fn asks_for_no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Reads the environment and the file system.
#[expect(clippy::disallowed_methods, reason = "this is the one file that reads the environment")]
pub(super) fn from_the_system(reference: &Reference) -> Result<Resolved, Unresolved> {
    match reference {
        Reference::Env(name) => match std::env::var(name) {
            Ok(text) => Ok(Resolved { text, exposed: Exposed::No }),
            Err(std::env::VarError::NotPresent) => Err(Unresolved::Missing),
            Err(std::env::VarError::NotUnicode(_)) => Err(Unresolved::Unreadable("it is not UTF-8".into())),
        },
        Reference::File(path) => read_file(path),
    }
}

fn read_file(path: &Path) -> Result<Resolved, Unresolved> {
    let failed = |error: std::io::Error| match error.kind() == std::io::ErrorKind::NotFound {
        true => Unresolved::Missing,
        false => Unresolved::Unreadable(error.to_string()),
    };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Ok(Resolved { text, exposed: exposed(path).map_err(failed)? })
}

/// Whether group or others may read the file.
fn exposed(path: &Path) -> std::io::Result<Exposed> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path)?.permissions().mode();
    Ok(if mode & 0o044 == 0 { Exposed::No } else { Exposed::ToOthers })
}

/// Puts what references stand for in place of them, everywhere in the tree. What cannot be resolved is reported once
/// and marked so that nobody reports it again.
pub(super) fn resolve_all(node: &mut Node, directory: &Path, resolve: Resolve<'_>, problems: &mut Vec<Problem>) {
    let value = match &mut node.value {
        Value::Text(text, _) if text.contains("${") => {
            let written = text.clone();
            resolve_text(&written, directory, resolve).map_err(|fault| problems.push(fault.problem(node)))
        }
        Value::List(items) => return items.iter_mut().for_each(|item| resolve_all(item, directory, resolve, problems)),
        Value::Map(entries) => {
            return entries.iter_mut().for_each(|(_, item)| resolve_all(item, directory, resolve, problems));
        }
        Value::Nothing | Value::Flag(_) | Value::Number(_) | Value::Text(..) | Value::Reported => return,
    };
    node.value = value.unwrap_or(Value::Reported);
}

/// Why the references of one text could not be resolved.
enum Fault {
    Unclosed,
    UnknownKind(String),
    Nothing { reference: Reference, why: Unresolved },
}

impl Fault {
    fn problem(self, node: &Node) -> Problem {
        let (found, expected, remedy) = match self {
            Self::Unclosed => {
                ("a `${` that is not closed".to_owned(), "a reference".to_owned(), "Close it with `}`.".to_owned())
            }
            Self::UnknownKind(inside) => (
                format!("`${{{inside}}}`"),
                "a reference to a variable or a file".to_owned(),
                "Write it like `${env:NAME}` or `${file:PATH}`.".to_owned(),
            ),
            Self::Nothing { reference: Reference::Env(name), why } => (
                format!("`${{env:{name}}}`, a variable that {why}"),
                "a variable of the environment".to_owned(),
                format!("Set `{name}` where Leverframe is started."),
            ),
            Self::Nothing { reference: Reference::File(path), why } => (
                format!("a reference to `{}`, a file that {why}", path.display()),
                "a file that Leverframe can read".to_owned(),
                "Write the file, or correct its path (relative ones start where this configuration lies).".to_owned(),
            ),
        };
        Problem { found, ..node.problem(expected, remedy) }
    }
}

fn resolve_text(written: &str, directory: &Path, resolve: Resolve<'_>) -> Result<Value, Fault> {
    let (mut text, mut rest, mut count, mut exposed) = (String::new(), written, 0, false);
    while let Some((before, after)) = rest.split_once("${") {
        let (inside, next) = after.split_once('}').ok_or(Fault::Unclosed)?;
        let reference = reference(inside, directory).ok_or_else(|| Fault::UnknownKind(inside.to_owned()))?;
        let resolved = resolve(&reference).map_err(|why| Fault::Nothing { reference: reference.clone(), why })?;
        text.push_str(before);
        text.push_str(resolved.text.trim_end_matches(['\n', '\r']));
        exposed |= resolved.exposed == Exposed::ToOthers;
        count += 1;
        rest = next;
    }
    text.push_str(rest);
    let alone = count == 1 && written.starts_with("${") && rest.is_empty();
    Ok(Value::Text(text, Origin::Reference { written: written.to_owned(), alone, exposed }))
}

/// The file that `${file:PATH}` names.
pub(super) fn file_named(written: &str, directory: &Path) -> Option<PathBuf> {
    let path = written.strip_prefix("${file:").and_then(|rest| rest.strip_suffix('}'))?;
    Some(directory.join(path))
}

/// Reads a secret's file again, where it can be read: whoever renews a token writes it there.
pub fn read_again(file: &Path) -> Option<Secret> {
    let text = std::fs::read_to_string(file).ok()?;
    let text = text.trim_end_matches(['\n', '\r']);
    (!text.is_empty()).then(|| Secret::new(text))
}

fn reference(inside: &str, directory: &Path) -> Option<Reference> {
    let is_variable = |name: &str| {
        !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.is_empty()
    };
    match inside.split_once(':')? {
        ("env", name) if is_variable(name) => Some(Reference::Env(name.to_owned())),
        ("file", path) if !path.is_empty() => Some(Reference::File(directory.join(path))),
        _ => None,
    }
}
