//! What must hold for an edit of any bytes at all: it never panics, and what is accepted is what the judges expect.

use leverframe::core::yaml::{self, Assignment, Document, Literal, Operation, Path, Refusal, Scalar, Step, Stream};

use super::{
    judge::{Change, Judges},
    nodes::leaves,
    operations::wanted,
};

/// The most text that an edit is tried on: longer ones find nothing that shorter ones do not.
const LONGEST: usize = 4096;

/// One value set. The first line is a path, or the place of a value among all; the second a value as JSON, else as
/// text; the rest is the file.
pub(crate) fn edit(data: &[u8]) {
    let input = String::from_utf8_lossy(data);
    let mut lines = input.splitn(3, '\n');
    let (Some(path), Some(value), Some(text)) = (lines.next(), lines.next(), lines.next()) else { return };
    if text.len() > LONGEST {
        return;
    }
    let value = scalar(value);
    let judges = Judges::read(text);
    let found = judges.nodes.as_deref().map(leaves).unwrap_or_default();
    let picked = path.parse().ok().and_then(|place: usize| found.get(place % found.len().max(1)));
    let (document, path) = match picked {
        Some(leaf) => (leaf.document, leaf.path.clone()),
        None => (0, Path::parse(path).unwrap_or_default()),
    };
    let assignment = Assignment::new(Document::Index(document), path, value);
    let operation = Operation::Set(assignment.clone());
    let Some(after) = judged(text, &judges, &operation) else { return };
    let read = yaml::read(&after, &assignment.document, &assignment.path);
    assert_eq!(read, Ok(Some(assignment.value.clone())), "the value is not read back");
    // Text that looks like a template may be written, but what is there then is left alone.
    if !assignment.value.to_string().contains("{{") {
        let again = yaml::set(&after, &[assignment]);
        assert_eq!(again.map(|edited| edited.text), Ok(after), "the same edit again is another edit");
    }
}

/// Operations in their order. Each line up to an empty one is `set PATH = VALUE`, `add PATH = VALUE` (and what is
/// missing on the way), `insert PATH = JSON` or `remove PATH`; the rest is the file.
pub(crate) fn operations(data: &[u8]) {
    let input = String::from_utf8_lossy(data);
    let Some((head, text)) = input.split_once("\n\n") else { return };
    let operations: Vec<_> = head.lines().take(4).filter_map(operation).collect();
    if text.len() > LONGEST || operations.is_empty() {
        return;
    }
    // Each alone on what the ones before it left, judged; then all at once, which must come to the same.
    let mut turn = Some(text.to_owned());
    for operation in &operations {
        turn = turn.and_then(|text| judged(&text, &Judges::read(&text), operation));
    }
    match (yaml::edit(text, &operations), turn) {
        (Ok(edited), Some(turn)) => assert_eq!(edited.text, turn, "together they are another edit"),
        (Err(Refusal::SetTwice { .. }), _) | (Err(_), None) => {}
        // What an operation refuses, one before it may have made possible, but not the other way round.
        (Ok(edited), None) => panic!("refused one by one, done together:\n{}", edited.text),
        (Err(refusal), Some(_)) => panic!("done one by one, refused together: {refusal}"),
    }
}

fn operation(line: &str) -> Option<Operation> {
    let (verb, rest) = line.split_once(' ')?;
    let (path, value) = rest.split_once(" = ").unwrap_or((rest, ""));
    let (document, path) = (Document::default(), Path::parse(path).ok()?);
    Some(match verb {
        "set" => Operation::Set(Assignment::new(document, path, scalar(value))),
        "add" => Operation::Set(Assignment::new(document, path, scalar(value)).building()),
        "insert" => Operation::Insert { document, path, value: literal(&serde_json::from_str(value).ok()?) },
        "remove" => Operation::Remove { document, path },
        _ => return None,
    })
}

/// Does one operation and lets the judges look at it; the new text where it was not refused.
fn judged(text: &str, judges: &Judges<'_>, operation: &Operation) -> Option<String> {
    let edited = match Stream::parse(text).and_then(|stream| stream.edit(std::slice::from_ref(operation))) {
        Ok(edited) => edited,
        Err(refusal) => {
            assert!(!refusal.remedy().is_empty() && !refusal.to_string().is_empty());
            return None;
        }
    };
    let Document::Index(document) = *operation.document() else { return Some(edited.text) };
    let root = judges.nodes.as_ref().and_then(|nodes| nodes.get(document));
    let inside = operation.path().steps().iter().any(|step| matches!(step, Step::Inside(_)));
    // Where saphyr-parser reads other nodes than the engine's parser there is no judge of the path.
    let Some(root) = root.filter(|_| !inside && judges.reads_as(&yaml::tree(text).unwrap_or_default())) else {
        return Some(edited.text);
    };
    let change: Option<Change<'_>> = wanted(operation, document, root);
    let change = change.unwrap_or_else(|| panic!("{operation:?} should have been refused, it gave\n{}", edited.text));
    if let Err(damage) = judges.judge(&[change], &edited) {
        panic!("{damage}\n{operation:?}\n--- before\n{text}\n--- after\n{}", edited.text);
    }
    Some(edited.text)
}

/// A value as JSON, else as text.
fn scalar(text: &str) -> Scalar {
    let json = serde_json::from_str(text).ok();
    json.and_then(|json| Scalar::from_json(&json).ok()).unwrap_or_else(|| text.into())
}

fn literal(json: &serde_json::Value) -> Literal {
    match json {
        serde_json::Value::Array(items) => Literal::Sequence(items.iter().map(literal).collect()),
        serde_json::Value::Object(entries) => {
            Literal::Mapping(entries.iter().map(|(key, value)| (key.clone(), literal(value))).collect())
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => Literal::Scalar(Scalar::from_json(json).unwrap_or(Scalar::Null)),
    }
}
