//! The edit engine over every file of the corpora beside the project: each value that a path reaches is set to a
//! new one of its type, all of a file in one edit and one of each file alone. Accepted edits are byte-exact outside
//! their spans and equal to what serde_yaml expects; refusals are counted by kind.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path as FilePath, PathBuf},
};

use leverframe::core::yaml::{Assignment, Document, Edited, Node, Path, Scalar, Step, Stream};
use serde_yaml::Value;

/// The folder of reading material, where it lies beside the project.
fn corpus(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where the reading material lies is for tests alone to know")]
    let folder = std::env::var("LEVERFRAME_SHARED").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|_| FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    Some(folder.join("corpora").join(name)).filter(|folder| folder.is_dir())
}

fn yaml_files(folder: &FilePath, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.push(path);
        }
    }
}

/// A value and the way to it.
struct Leaf {
    document: usize,
    path: Path,
    /// `None` for an alias.
    value: Option<Scalar>,
}

fn leaves(document: usize, node: &Node, path: &Path, found: &mut Vec<Leaf>) {
    match node {
        Node::Mapping { entries, .. } => {
            for (key, value) in entries {
                leaves(document, value, &path.clone().key(key), found);
            }
        }
        Node::Sequence { items, .. } => {
            for (place, item) in items.iter().enumerate() {
                leaves(document, item, &path.clone().index(place), found);
            }
        }
        Node::Scalar { value, .. } => found.push(Leaf { document, path: path.clone(), value: Some(value.clone()) }),
        Node::Alias { .. } => found.push(Leaf { document, path: path.clone(), value: None }),
    }
}

/// Another value of the same type; every second text is one that some reader misunderstands.
fn changed(value: &Scalar, count: usize) -> Scalar {
    const HOSTILE: [&str; 12] =
        ["1.10", "on", "a: b # c", "", "0o14", "2001-01-01", "it's \"x\"", "~", "[x, y]", "é\n\t😀", "- -", "1:30"];
    match value {
        Scalar::Null => "v2".into(),
        Scalar::Bool(value) => (!value).into(),
        Scalar::Integer(value) => Scalar::Integer(if *value == 7 { 8 } else { 7 }),
        Scalar::Float(_) => Scalar::Float("0.10".to_owned()),
        Scalar::String(text) if count.is_multiple_of(2) => format!("{text}-b1").into(),
        Scalar::String(text) => {
            let hostile = HOSTILE.iter().cycle().skip(count / 2 % HOSTILE.len());
            (*hostile.into_iter().find(|hostile| *hostile != text).unwrap()).into()
        }
    }
}

#[derive(Default)]
struct Tally {
    files: usize,
    parsed: usize,
    second_reader: usize,
    /// Files in which serde_yaml sees other keys, so that it is no judge of them.
    read_otherwise: Vec<String>,
    accepted: usize,
    /// Refusals of whole files and of values, by kind.
    files_refused: BTreeMap<&'static str, usize>,
    values_refused: BTreeMap<&'static str, usize>,
}

impl Tally {
    fn over(name: &str) -> Option<Self> {
        let Some(folder) = corpus(name) else {
            println!(
                "skipped: no corpora/{name} beside the project; set LEVERFRAME_SHARED to the folder that holds it"
            );
            return None;
        };
        let mut files = Vec::new();
        yaml_files(&folder, &mut files);
        let mut tally = Self::default();
        for file in files {
            let Ok(text) = String::from_utf8(fs::read(&file).unwrap()) else { continue };
            tally.files += 1;
            tally.file(&file.display().to_string(), &text);
        }
        println!("{name}: {} files, {} parse, {} also by serde_yaml", tally.files, tally.parsed, tally.second_reader);
        println!("{name}: {} values set; refused by kind: {:?}", tally.accepted, tally.values_refused);
        println!("{name}: files refused by kind: {:?}", tally.files_refused);
        println!("{name}: serde_yaml reads otherwise: {:?}", tally.read_otherwise);
        Some(tally)
    }

    fn file(&mut self, name: &str, text: &str) {
        let stream = match Stream::parse(text) {
            Ok(stream) => stream,
            Err(refusal) => return *self.files_refused.entry(refusal.word()).or_default() += 1,
        };
        self.parsed += 1;
        let mut found = Vec::new();
        for (document, root) in stream.tree().iter().enumerate() {
            leaves(document, root, &Path::root(), &mut found);
        }
        let mut accepted = Vec::new();
        for (count, leaf) in found.into_iter().enumerate() {
            let value = leaf.value.as_ref().map_or_else(|| "v2".into(), |value| changed(value, count));
            let assignment = Assignment::new(Document::Index(leaf.document), leaf.path, value);
            match stream.settable(&assignment) {
                Ok(_) => accepted.push(assignment),
                Err(refusal) => *self.values_refused.entry(refusal.word()).or_default() += 1,
            }
        }
        self.accepted += accepted.len();
        let single = accepted.get(accepted.len() / 2).cloned();
        let before: Option<Vec<Value>> = documents(text).filter(|before| before.len() == stream.tree().len());
        self.second_reader += usize::from(before.is_some());
        for assignments in [accepted, single.into_iter().collect()] {
            let edited = stream.set(&assignments).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
            exact(name, text, &edited);
            if !as_serde_yaml_expects(name, before.clone(), &assignments, &edited.text) {
                self.read_otherwise.push(name.to_owned());
            }
        }
    }
}

/// Every byte outside the spans is the same.
fn exact(name: &str, text: &str, edited: &Edited) {
    let mut spans: Vec<_> = edited.spans.iter().collect();
    spans.sort_by_key(|span| (span.before.start, span.before.end));
    let (mut rebuilt, mut done) = (String::new(), 0);
    for span in spans {
        rebuilt += text.get(done..span.before.start).unwrap();
        rebuilt += edited.text.get(span.after.clone()).unwrap();
        done = span.before.end;
    }
    rebuilt += text.get(done..).unwrap();
    assert_eq!(rebuilt, edited.text, "{name}");
}

fn documents(text: &str) -> Option<Vec<Value>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_yaml::Deserializer::from_str(text)
        .map(|document| <Value as serde::Deserialize>::deserialize(document).ok())
        .collect()
}

/// What serde_yaml read before, with the values put in at their paths, is what it reads after. False where it does
/// not see one of the paths.
fn as_serde_yaml_expects(name: &str, before: Option<Vec<Value>>, assignments: &[Assignment], after: &str) -> bool {
    let Some(mut expected) = before else { return true };
    for assignment in assignments {
        let Document::Index(document) = assignment.document else { unreachable!() };
        let Some(place) = at(expected.get_mut(document).unwrap(), assignment.path.steps()) else {
            return false;
        };
        *place = match &assignment.value {
            Scalar::Float(text) => Value::from(text.parse::<f64>().unwrap()),
            value @ (Scalar::Null | Scalar::Bool(_) | Scalar::Integer(_) | Scalar::String(_)) => {
                serde_yaml::to_value(value.to_json()).unwrap()
            }
        };
    }
    assert_eq!(documents(after).as_ref(), Some(&expected), "{name}");
    true
}

fn at<'v>(value: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    let Some((first, rest)) = steps.split_first() else { return Some(value) };
    let child = match (value, first) {
        (Value::Tagged(tagged), _) => return at(&mut tagged.value, steps),
        (Value::Sequence(items), Step::Index(place)) => items.get_mut(*place),
        (Value::Mapping(entries), Step::Key(key)) => {
            entries.iter_mut().find(|(name, _)| text_of(name).as_deref() == Some(key)).map(|(_, value)| value)
        }
        _ => None,
    };
    at(child?, rest)
}

/// The text of a key, as far as it is known after reading.
fn text_of(key: &Value) -> Option<String> {
    match key {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null => Some("~".to_owned()),
        Value::Tagged(tagged) => text_of(&tagged.value),
        Value::Sequence(_) | Value::Mapping(_) => None,
    }
}

#[test]
fn every_value_of_real_repositories_is_set_exactly_or_refused() {
    let Some(tally) = Tally::over("gitops") else { return };
    assert!(tally.parsed > 2_600, "the corpus is there, but only {} files parse", tally.parsed);
    // Text blocks and aliases are not values a path can set; of the others fewer than 3 % may be refused.
    let not_single = ["block-scalar", "alias"];
    let refused = tally.values_refused.iter().filter(|(word, _)| !not_single.contains(word));
    let refused: usize = refused.map(|(_, count)| count).sum();
    let share = 100.0 * refused as f64 / (refused + tally.accepted) as f64;
    println!("gitops: {share:.2} % of single values refused");
    assert!(share < 3.0, "{share} % refused");
    assert_eq!(tally.read_otherwise, Vec::<String>::new());
}

#[test]
fn every_value_of_the_yaml_test_suite_is_set_exactly_or_refused() {
    let Some(tally) = Tally::over("yaml-test-suite") else { return };
    assert!(tally.parsed > 250, "the suite is there, but only {} cases parse", tally.parsed);
}
