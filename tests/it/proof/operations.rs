//! What an operation of the edit engine should come to, worked out from what the judges read before it.

use leverframe::core::yaml::{Literal, Operation, Step};
use serde_yaml::{Mapping, Value};

use super::{
    judge::{Change, Wanted, value_of},
    nodes::{Content, Node, Quotes, furthest, is_null},
};

/// The change that `operation` asks for in a document that reads as `root`; `None` where it should be refused, or
/// where it goes into the text of a value, which no judge looks into.
pub(crate) fn wanted<'o>(operation: &'o Operation, document: usize, root: &Node) -> Option<Change<'o>> {
    let steps = operation.path().steps();
    if steps.iter().any(|step| matches!(step, Step::Inside(_))) {
        return None;
    }
    let (node, found) = furthest(root, steps);
    match operation {
        Operation::Set(assignment) if found == steps.len() => Some((document, steps, Wanted::Set(&assignment.value))),
        Operation::Set(assignment) => put(document, steps, found, node, value_of(&assignment.value)),
        Operation::Insert { value, .. } => put(document, steps, found, node, literal(value)),
        Operation::Remove { .. } => (found == steps.len() && found > 0).then_some((document, steps, Wanted::Gone)),
    }
}

/// `value` put where the first `found` steps lead to `node`.
fn put<'o>(document: usize, steps: &'o [Step], found: usize, node: &Node, value: Value) -> Option<Change<'o>> {
    let (way, rest) = steps.split_at(found);
    let wanted = match (&node.content, rest.split_first()) {
        (Content::Text(text, Quotes::Plain), _) if is_null(text) => Wanted::Filled(beneath(rest, value)),
        (Content::Map(_), Some((Step::Key(key), rest))) => Wanted::Entry(key, beneath(rest, value)),
        (Content::List(_), Some((Step::Index(_), rest))) => Wanted::Item(usize::MAX, beneath(rest, value)),
        (Content::List(_), Some((Step::Select { key, value: name }, rest))) => {
            Wanted::Item(usize::MAX, selected(key, name, beneath(rest, value)))
        }
        _ => return None,
    };
    Some((document, way, wanted))
}

/// `value` at the end of steps that lead nowhere yet.
fn beneath(steps: &[Step], value: Value) -> Value {
    steps.iter().rev().fold(value, |value, step| match step {
        Step::Key(key) => Value::Mapping(Mapping::from_iter([(Value::from(key.as_str()), value)])),
        Step::Index(_) | Step::Inside(_) => Value::Sequence(vec![value]),
        Step::Select { key, value: name } => Value::Sequence(vec![selected(key, name, value)]),
    })
}

/// An item that `[key=name]` finds.
fn selected(key: &str, name: &str, value: Value) -> Value {
    let Value::Mapping(entries) = value else { return value };
    if entries.contains_key(key) {
        return Value::Mapping(entries);
    }
    let first = (Value::from(key), Value::from(name));
    Value::Mapping(std::iter::once(first).chain(entries).collect())
}

fn literal(value: &Literal) -> Value {
    match value {
        Literal::Scalar(scalar) => value_of(scalar),
        Literal::Sequence(items) => Value::Sequence(items.iter().map(literal).collect()),
        Literal::Mapping(entries) => {
            Value::Mapping(entries.iter().map(|(key, value)| (Value::from(key.as_str()), literal(value))).collect())
        }
    }
}
