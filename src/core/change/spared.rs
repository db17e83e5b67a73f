//! Other targets are spared: a change of one target that would change the same field of another is refused, whatever
//! the landing of each. It is judged by what the other's field reads before and after, not by who owns which file.

use std::collections::BTreeMap;

use super::{Line, LocateRefusal, Locator, PlanRefusal, Planned, SourceFile, locate, value_at};
use crate::core::names::{Field, RepoPath, Target};

/// Another target that may read what is changed, with its files and those that they build on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// The other target.
    pub target: Target,
    /// Its files, of the commit that is planned on.
    pub files: Vec<SourceFile>,
}

/// Refuses a plan by which another target's field would change, too.
///
/// # Errors
/// At the first such target.
pub fn spared(
    planned: &Planned,
    beside: &[Beside],
    locator: &dyn Fn(&Target, &Field) -> Locator,
) -> Result<(), PlanRefusal> {
    let after: BTreeMap<&RepoPath, &str> = planned.after.iter().map(|(path, text)| (path, text.as_str())).collect();
    for other in beside.iter().filter(|other| other.files.iter().any(|file| after.contains_key(&file.path))) {
        let changed = |file: &SourceFile| match after.get(&file.path) {
            Some(text) => SourceFile { text: (*text).to_owned(), ..file.clone() },
            None => file.clone(),
        };
        let files: Vec<SourceFile> = other.files.iter().map(changed).collect();
        for Line { field, .. } in &planned.plan.lines {
            let read = |files: &[SourceFile]| read(field, &locator(&other.target, field), files);
            let (before, after) = (read(&other.files), read(&files));
            if before != after || after.is_err_and(|refusal| names(&refusal, planned)) {
                let (target, field) = (other.target.clone(), field.clone());
                let places = planned.after.iter().map(|(path, _)| format!("`{path}`")).collect::<Vec<_>>().join(", ");
                return Err(PlanRefusal::Others { target, field, places });
            }
        }
    }
    Ok(())
}

/// What a target's field reads, or why it reads nothing.
type Read = Result<Option<String>, LocateRefusal>;

fn read(field: &Field, locator: &Locator, files: &[SourceFile]) -> Read {
    let binding = locate(field, locator, files)?;
    let text = files.iter().find(|file| file.path == binding.file).map(|file| file.text.as_str());
    Ok(value_at(&binding, text.unwrap_or_default()).ok().flatten())
}

/// Whether an edited place is one that the other's field could be, or is and cannot be changed.
fn names(refusal: &LocateRefusal, planned: &Planned) -> bool {
    let said = refusal.to_string();
    planned.plan.edits.iter().any(|edit| said.contains(&format!("`{}` at `{}`", edit.path, edit.yaml_path)))
}
