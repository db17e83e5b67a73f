//! What a command asks for in terms of what the target's files have: of several fields the one that is there, switches
//! in the words that stand there, places of files.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    facts::{Of, locator, value_of},
    reverting,
};
use crate::core::{
    change::{self, Exact, PlanRefusal, Planned, Position, SourceFile, Then},
    command::{Chosen, Meant, PlaceAsked},
    decide::Words,
    names::{Field, RepoPath, Target},
    rules::Rules,
};

/// The fields of a target that are meant, and the values that they shall have.
///
/// # Errors
/// When a target has none of several fields, or what stands there is no switch.
pub fn chosen(
    rules: &Rules,
    target: &Target,
    files: &[SourceFile],
    asked: &[Chosen],
) -> Result<BTreeMap<Field, Value>, Words> {
    asked.iter().map(|one| field_of(rules, target, files, one)).collect()
}

fn field_of(rules: &Rules, target: &Target, files: &[SourceFile], asked: &Chosen) -> Result<(Field, Value), Words> {
    let found = change::first_there(&asked.fields, &|field| locator(rules, target, field), files);
    let binding = found.map_err(|refusal| Words::new(format!("{refusal}."), refusal.remedy()))?;
    // An autoscaler's fewest stand for the count; what is asked for is the count.
    let field = asked.fields.iter().find(|field| **field == binding.field).or(asked.fields.first());
    let field = field.cloned().unwrap_or(binding.field.clone());
    if asked.meant == Meant::Literally {
        return Ok((field.clone(), value_of(&field, &asked.value)));
    }
    let text = files.iter().find(|file| file.path == binding.file).map(|file| file.text.as_str());
    let stands = text.and_then(|text| change::value_at(&binding, text).ok().flatten());
    let Some(position) = Position::parse(&asked.value) else {
        return Err(Words::new(format!("`{}` is neither on nor off.", asked.value), "Say `on` or `off`."));
    };
    match position.written_like(stands.as_deref()) {
        Some(word) => Ok((field, Value::from(word))),
        None => {
            let text = format!("`{field}` of {target} is no switch: {binding} holds another kind of value.");
            Err(Words::new(text, "Set its value with `/env`, or change it in git."))
        }
    }
}

/// Plans values at places of the target's files.
pub(super) fn at(of: Of<'_>, asked: &[PlaceAsked]) -> Result<Planned, Words> {
    let refused = |refusal: PlanRefusal| Words::new(format!("{refusal}."), refusal.remedy());
    let mut exact: Vec<Exact> = Vec::new();
    for one in asked {
        let path = within(of, &one.file)?;
        let place = (&path, &one.document, &one.path);
        exact.extend(change::set_at(&of.home.name, place, &one.value, of.files).map_err(refused)?);
    }
    if exact.is_empty() {
        return Err(Words::new(format!("{} is so already.", of.target), "Nothing to do."));
    }
    let mut planned = of.exactly(None, &exact, (of.files, &Then::new())).map_err(refused)?;
    planned.plan.lines = reverting::lines(of, &planned)?;
    Ok(planned)
}

/// A file within the target's place.
fn within(of: Of<'_>, file: &str) -> Result<RepoPath, Words> {
    let wrong = || {
        let text = format!("`{file}` is no file of {}.", of.target);
        Words::new(text, "Correct `file` in the command's own file: it is seen from the service's place.")
    };
    let place = of.rules.place_of(of.target).ok_or_else(wrong)?;
    let directory = if of.files.iter().any(|file| file.path == place) { place.parent() } else { Some(place) };
    let whole = directory.map_or_else(|| file.to_owned(), |directory| format!("{directory}/{file}"));
    let path = RepoPath::parse(&whole).map_err(|_| wrong())?;
    of.files.iter().any(|file| file.path == path).then_some(path).ok_or_else(wrong)
}
