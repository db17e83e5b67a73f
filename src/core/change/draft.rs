//! A plan in the making: what each place shall hold, where several fields meet in one value, and the lines for people.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Binding, Edit, Field, Line, PlanRefusal, Presence, RepoPath, SourceFile, apply,
    plan::{fact, file, shown},
    quantity::thousandths,
};
use crate::core::{
    names::ConnectionName,
    yaml::{Assignment, Document, Literal, Missing, Operation, Path, Refusal, Scalar, Step},
};

/// One place.
type Place = (RepoPath, Document, Path);

/// What is planned so far.
#[derive(Default)]
pub(super) struct Draft {
    values: BTreeMap<Place, Drafted>,
    /// Items that are added to lists: what each holds beyond the key that it is selected by.
    items: BTreeMap<Place, Vec<(String, Scalar)>>,
    pub(super) lines: Vec<Line>,
}

struct Drafted {
    old: Option<Scalar>,
    new: Scalar,
    missing: Missing,
}

impl Draft {
    /// Gives a field its value.
    pub(super) fn add(&mut self, binding: &Binding, value: &Value, files: &[SourceFile]) -> Result<(), PlanRefusal> {
        sensible(binding, value)?;
        let text = &file(files, &binding.file)?.text;
        let (old, changed) = match &binding.presence {
            Presence::There => self.set(binding, value, text)?,
            Presence::Added { now } | Presence::Item { now } if now.as_deref() == Some(&shown(value)) => return Ok(()),
            Presence::Added { now } => {
                let (old, changed) = self.set(binding, value, text)?;
                (old.or_else(|| now.clone()), changed)
            }
            Presence::Item { now } => {
                self.item(binding, value)?;
                (now.clone(), Changed::Yes)
            }
        };
        if changed == Changed::Yes {
            self.lines.push(Line { field: binding.field.clone(), old, new: shown(value) });
        }
        Ok(())
    }

    fn set(&mut self, binding: &Binding, value: &Value, text: &str) -> Result<(Option<String>, Changed), PlanRefusal> {
        let refused = |refusal| PlanRefusal::Edit { path: binding.file.clone(), refusal };
        let field = &binding.field;
        let (mut first, mut changed) = (None, Changed::No);
        let twins = binding.twins.iter().map(|(path, form)| (path, form));
        for (path, form) in std::iter::once((&binding.yaml_path, &binding.form)).chain(twins) {
            let before = match apply::read(text, &binding.document, path) {
                Err(Refusal::NotFound { .. } | Refusal::WrongKind { .. } | Refusal::DocumentNotFound { .. })
                    if binding.presence != Presence::There =>
                {
                    None
                }
                read => read.map_err(refused)?,
            };
            let place = (binding.file.clone(), binding.document.clone(), path.clone());
            let drafted = self.values.get(&place);
            if drafted.is_some() && !form.is_part() {
                return Err(refused(Refusal::SetTwice { at: path.clone() }));
            }
            let stands = drafted.map(|drafted| drafted.new.clone()).or_else(|| before.clone());
            let new = form.written(field, value, stands.as_ref());
            let new = new.ok_or_else(|| PlanRefusal::Value { field: field.clone(), value: shown(value) })?;
            first = first.or_else(|| before.as_ref().and_then(fact).and_then(|old| form.shown(field, &old)));
            if stands.as_ref() != Some(&new) {
                changed = Changed::Yes;
                let missing = if binding.presence == Presence::There { Missing::Refuse } else { Missing::Build };
                self.values.insert(place, Drafted { old: before, new, missing });
            }
        }
        Ok((first, changed))
    }

    fn item(&mut self, binding: &Binding, value: &Value) -> Result<(), PlanRefusal> {
        let no_value = || PlanRefusal::Value { field: binding.field.clone(), value: shown(value) };
        let steps = binding.yaml_path.steps();
        let Some(Step::Key(key)) = steps.last() else { return Err(no_value()) };
        let path = binding.yaml_path.prefix(steps.len().saturating_sub(1));
        let new = binding.form.written(&binding.field, value, None).ok_or_else(no_value)?;
        let place = (binding.file.clone(), binding.document.clone(), path);
        self.items.entry(place).or_default().push((key.clone(), new));
        Ok(())
    }

    /// The edits as the ledger records them, and what makes them.
    pub(super) fn edits(&self, repository: &ConnectionName) -> (Vec<Edit>, Vec<(RepoPath, Operation)>) {
        let (mut edits, mut operations) = (Vec::new(), Vec::new());
        let edit = |(path, document, yaml_path): &Place, old, new| Edit {
            repository: repository.clone(),
            path: path.clone(),
            document: document.clone(),
            yaml_path: yaml_path.clone(),
            old,
            new,
        };
        for (place, drafted) in &self.values {
            let (path, document, yaml_path) = place.clone();
            let new = fact(&drafted.new).unwrap_or_default();
            edits.push(edit(place, drafted.old.as_ref().and_then(fact), new));
            let (value, missing) = (drafted.new.clone(), drafted.missing);
            operations.push((path, Operation::Set(Assignment { document, path: yaml_path, value, missing })));
        }
        for (place, entries) in &self.items {
            let (file, document, path) = place.clone();
            let named = match path.steps().last() {
                Some(Step::Select { key, value }) => Some((key.clone(), Scalar::String(value.clone()))),
                Some(Step::Key(_) | Step::Index(_) | Step::Inside(_)) | None => None,
            };
            let entries = named.into_iter().chain(entries.iter().cloned());
            let value = Literal::Mapping(entries.map(|(key, value)| (key, Literal::Scalar(value))).collect());
            edits.push(edit(place, None, value.to_json()));
            operations.push((file, Operation::Insert { document, path, value }));
        }
        (edits, operations)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Changed {
    Yes,
    No,
}

/// Quantities are quantities, and stay within the container's limit.
fn sensible(binding: &Binding, value: &Value) -> Result<(), PlanRefusal> {
    if !matches!(binding.field, Field::Cpu | Field::Memory) {
        return Ok(());
    }
    let (field, value) = (binding.field.clone(), shown(value));
    let Some(asked) = thousandths(&value) else { return Err(PlanRefusal::Value { field, value }) };
    match &binding.limit {
        Some(limit) if thousandths(limit).is_some_and(|most| asked > most) => {
            Err(PlanRefusal::AboveLimit { field, place: binding.to_string(), value, limit: limit.clone() })
        }
        Some(_) | None => Ok(()),
    }
}
