//! Properties over documents that nobody wrote: an accepted edit changes one value and nothing else, whatever the
//! style around it, and no text makes the engine panic.

mod operations;

use proptest::prelude::*;

use crate::core::yaml::*;

/// Every value of every document with its path, in the order of the file.
fn values(text: &str) -> Vec<(Document, Path, Option<Scalar>)> {
    fn walk(node: &Node, document: usize, path: &Path, found: &mut Vec<(Document, Path, Option<Scalar>)>) {
        for (key, value) in node.entries() {
            walk(value, document, &path.clone().key(key), found);
        }
        for (place, item) in node.items().iter().enumerate() {
            walk(item, document, &path.clone().index(place), found);
        }
        if node.entries().is_empty() && node.items().is_empty() {
            found.push((Document::Index(document), path.clone(), node.scalar().cloned()));
        }
    }
    let mut found = Vec::new();
    for (document, root) in tree(text).unwrap_or_default().iter().enumerate() {
        walk(root, document, &Path::root(), &mut found);
    }
    found
}

/// Sets the value number `pick`; what was accepted must be exact. Comes back with the word of a refusal.
fn check(text: &str, pick: usize, value: &Scalar) -> Result<&'static str, TestCaseError> {
    let before = values(text);
    if before.is_empty() {
        return Ok("nothing to set");
    }
    let (document, path, _) = &before[pick % before.len()];
    super::short::holds(text, document, path, value);
    let assignment = Assignment::new(document.clone(), path.clone(), value.clone());
    let edited = match set(text, std::slice::from_ref(&assignment)) {
        Ok(edited) => edited,
        Err(refusal) => return Ok(refusal.word()),
    };
    let span = &edited.spans[0];
    prop_assert_eq!(text.get(..span.before.start), edited.text.get(..span.after.start));
    prop_assert_eq!(text.get(span.before.end..), edited.text.get(span.after.end..));
    let expected: Vec<_> = before
        .iter()
        .map(|(d, p, old)| {
            (d.clone(), p.clone(), if p == path && d == document { Some(value.clone()) } else { old.clone() })
        })
        .collect();
    prop_assert_eq!(values(&edited.text), expected);
    prop_assert_eq!(read(&edited.text, document, path), Ok(Some(value.clone())));
    // Text that looks like a template may be written, but what is there then is left alone.
    if !value.to_string().contains("{{") {
        prop_assert_eq!(&set(&edited.text, &[assignment]).map(|again| again.text), &Ok(edited.text));
    }
    Ok("set")
}

fn any_value() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        any::<String>().prop_map(Scalar::String),
        "[ -~]{0,12}".prop_map(Scalar::String),
        "[-+0-9._:,exoTZ]{1,8}".prop_map(Scalar::String),
        "(yes|No|ON|off|y|null|~|<<|=|v1|[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2})".prop_map(Scalar::String),
        any::<i64>().prop_map(Scalar::from),
        any::<bool>().prop_map(Scalar::from),
        "-?[0-9]{1,3}\\.[0-9]{1,3}".prop_map(Scalar::Float),
    ]
}

/// A value as files write them, without a line break of its own.
fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9.:/-]{0,8}[a-z0-9]",
        "[0-9]{1,4}(\\.[0-9]{1,2})?",
        "'([a-z #:{]|''){0,6}'",
        "\"([a-z #:{]|\\\\n|\\\\\"){0,6}\"",
        Just("true".to_owned()),
        Just("~".to_owned()),
        Just(String::new()),
        "\\{[a-z]{1,3}: [a-z0-9]{1,3}( ?, [A-Z]{1,3}: ?'[a-z ]{0,3}')?\\}",
        "\\[ ?[a-z0-9]{1,3}(, ?\"[a-z ]{0,3}\")? ?\\]",
    ]
}

/// Blanks and a comment, or nothing.
fn tail() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(String::new()), 1 => Just("  ".to_owned()), 1 => "[ \t]{1,3}#[ -~]{0,10}"]
}

/// A block of lines, each ending in `\n`, at no indent.
fn block() -> impl Strategy<Value = String> {
    let indented = |text: &str, by: usize| -> String {
        let spaces = " ".repeat(by);
        text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{spaces}{line}\n") }).collect()
    };
    let line = (leaf(), tail()).prop_map(|(leaf, tail)| format!("k: {leaf}{tail}\n"));
    line.prop_recursive(4, 24, 4, move |inner| {
        let named = prop::collection::vec((inner.clone(), leaf(), tail(), 0_usize..6, 1_usize..5), 1..4);
        named.prop_map(move |entries| {
            let one = |(place, (inner, leaf, tail, form, by)): (usize, &(String, String, String, usize, usize))| {
                let key = format!("k{place}");
                match form {
                    0 => format!("{key}: {leaf}{tail}\n"),
                    1 => format!("{key}:{tail}\n{}", indented(inner, *by)),
                    2 => format!("# note\n\n\"{key}\" : {leaf}{tail}\n"),
                    3 => format!("{key}: # list\n- {leaf}{tail}\n-{}", indented(inner, 2).split_off(1)),
                    4 => format!("'{key}': |\n  text {{\n\n  # text\n"),
                    _ => format!("{key}:\n  {leaf}{tail}\n"),
                }
            };
            entries.iter().enumerate().map(one).collect()
        })
    })
}

/// A file: documents, perhaps with CRLF, a byte order mark, or no line break at its end.
fn file() -> impl Strategy<Value = String> {
    (prop::collection::vec(block(), 1..3), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(documents, crlf, mark, open_end)| {
            let mut text = documents.join("---\n");
            if open_end {
                text.truncate(text.trim_end_matches('\n').len());
            }
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            if mark { format!("\u{feff}{text}") } else { text }
        },
    )
}

/// What YAML is made of, in no order.
fn scraps() -> impl Strategy<Value = String> {
    "([a-c]|[-:?{}\\[\\],#&*!|>'\"%@`~ \n\r\t]|: |- |\u{feff}|é|<<: ){0,40}"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn an_accepted_edit_changes_one_value(text in file(), pick in any::<usize>(), value in any_value()) {
        prop_assert!(tree(&text).is_ok(), "{:?}: {:?}", text, tree(&text));
        let outcome = check(&text, pick, &value)?;
        prop_assert!(matches!(outcome, "set" | "block-scalar" | "no-place" | "template"), "{outcome}");
    }

    #[test]
    fn no_text_makes_it_panic(text in scraps(), pick in any::<usize>(), value in any_value()) {
        check(&text, pick, &value)?;
    }

    #[test]
    fn an_added_key_is_read_back(text in file(), value in any_value(), key in "[a-z]{1,3}|[ -~]{1,6}") {
        let path = Path::root().key(&key);
        let adding = Assignment::new(Document::default(), path.clone(), value.clone()).adding();
        if read(&text, &Document::default(), &path) == Ok(None) {
            match set(&text, &[adding]) {
                Ok(edited) => prop_assert_eq!(read(&edited.text, &Document::default(), &path), Ok(Some(value))),
                Err(refusal) => prop_assert!(matches!(refusal.word(), "no-place" | "not-proven"), "{}", refusal),
            }
        }
    }
}
