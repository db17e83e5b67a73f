//! What must hold for any bytes at all: one function for each fuzz target, called by `fuzz/` with what it makes up and
//! by `cargo test` with the kept inputs and seeded mutations of them. A function that returns is content.

use std::path::Path as FilePath;

use leverframe::{
    chat::slack,
    config::{Config, Resolved},
    core::{
        catalog::Catalog,
        command::{self, Commands, Definition, Invoked, Vocabulary},
        located,
        yaml::{self, Assignment, Document, Literal, Operation, Path, Refusal, Scalar, Step, Stream},
    },
    secret::Secret,
};

use super::{
    judge::{Change, Judges},
    nodes::leaves,
    operations::wanted,
};

/// A target: its name, which is that of its folder in `fuzz/corpus`, and its check.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Every target.
pub(crate) const TARGETS: [Target; 5] =
    [("edit", edit), ("operations", operations), ("command", command), ("catalog", catalog), ("slack", slack)];

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
        single => Literal::Scalar(Scalar::from_json(single).unwrap_or(Scalar::Null)),
    }
}

/// What somebody types, as `/deploy ...` and as `/lf deploy ...`: a command, or a refusal that says what to do.
pub(crate) fn command(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let commands = Commands::builtin().expect("the built-in commands load");
    let vocabulary = vocabulary();
    for invoked in [Invoked::Under("/lf"), Invoked::Under(""), Invoked::Bare("deploy"), Invoked::Bare("/scale")] {
        match command::parse(&commands, &vocabulary, invoked, &text) {
            Ok(command) => {
                // What it is called in a ledger is what would be typed for it again.
                let again = command::parse(&commands, &vocabulary, Invoked::Under(""), command.to_text());
                assert_eq!(again.as_ref().map(|again| again.to_text()), Ok(command.to_text()));
            }
            Err(refusal) => assert!(!refusal.answer().is_empty() && !refusal.remedy().is_empty()),
        }
    }
}

fn vocabulary() -> Vocabulary {
    Vocabulary {
        services: ["checkout", "cart", "payments-api"].map(|name| name.parse().expect("a service")).into(),
        environments: ["staging", "prod-eu", "prod-us"].map(|name| name.parse().expect("an environment")).into(),
        groups: [("prod".parse().expect("a group"), vec!["prod-eu".parse().expect("an environment")])].into(),
        people: ["ana", "bo"].map(|name| name.parse().expect("a person")).into(),
    }
}

/// A file of ours, taken for each of the kinds that there are: read, or refused with line and remedy.
pub(crate) fn catalog(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.len() > 4 * LONGEST {
        return;
    }
    let value = |_: &_| Ok(Resolved { text: "a-value".to_owned(), exposed: leverframe::config::Exposed::No });
    let file = FilePath::new("leverframe.yaml");
    let said = [
        located::parse(&text).err().map(|problems| problems.iter().map(ToString::to_string).collect()),
        Catalog::parse(&text, "catalog.yaml").err().map(|wrong| wrong.to_string()),
        Definition::parse(&text, "commands/x.yaml").err().map(|wrong| wrong.to_string()),
        Config::parse(&text, file, &value).err().map(|wrong| wrong.to_string()),
    ];
    for words in said.into_iter().flatten() {
        assert!(!words.trim().is_empty(), "refused without a word");
    }
}

/// A body that says it is Slack's: the first line is its signature, the second its time. It is believed only if it
/// was signed, and what was signed is a command, a click or a refusal.
pub(crate) fn slack(data: &[u8]) {
    let input = String::from_utf8_lossy(data);
    let mut lines = input.splitn(3, '\n');
    let (Some(signature), Some(time), Some(body)) = (lines.next(), lines.next(), lines.next()) else { return };
    let (secret, now) = (Secret::new("8f742231b10e8888abcd99yyyzzz85a5"), jiff::Timestamp::UNIX_EPOCH);
    let verified = |signature: &str, time: &str| {
        let mut headers = http::HeaderMap::new();
        headers.insert(slack::verify::SIGNATURE, signature.parse().ok()?);
        headers.insert(slack::verify::TIMESTAMP, time.parse().ok()?);
        slack::verify::verify(&secret, &headers, body.to_owned().into(), now).ok()
    };
    assert!(verified(signature, time).is_none(), "believed without a signature");
    let right = leverframe::play::slack::signature::sign(&secret, "7", body);
    let body = verified(&right, "7").expect("a body that is signed is believed");
    let refused = [
        slack::incoming::command(&body).err().map(|refusal| refusal.remedy()),
        slack::incoming::interaction(&body).err().map(|refusal| refusal.remedy()),
    ];
    assert!(refused.iter().flatten().all(|remedy| !remedy.is_empty()));
}
