//! The short proof: which edits it is for, what it does not take for granted, and that the long proof agrees with it.

use crate::core::yaml::{prove, short, *};

/// Whether the short proof holds for one value set; `None` where the edit is refused before any proof. What it proves
/// must be proven at length too.
pub(super) fn holds(text: &str, document: &Document, path: &Path, value: &Scalar) -> Option<bool> {
    let stream = Stream::parse(text).ok()?;
    let operation = Operation::Set(Assignment::new(document.clone(), path.clone(), value.clone()));
    let splice = stream.splice(&operation).ok()?;
    let edited = stream.spliced(&[&splice], &[0]);
    let short = short::proves(&stream, &[&splice], &edited);
    if short {
        let long = prove::at_length(&stream, &[&splice], &edited);
        assert_eq!(long, Ok(()), "{path} of {text:?} to {value}");
    }
    Some(short)
}

#[test]
fn it_is_for_single_values_in_their_lines() {
    for (text, path, value, short) in [
        ("tag: v1\n", "tag", "v2", true),
        ("tag: v1", "tag", "v2", true),
        ("a:\n  - name: x # c\n    tag: 'v1'   # d\nb: 010\n", "a[0].tag", "v2", false),
        ("a:\n  - name: x # c\n    tag: 'v1'   # d\n", "a[0].name", "on", true),
        ("a: [1, {b: c}]\nb: 0.5\nc: .inf\nd: ~\ne:\nf: |\n  x\n", "b", "1.5", true),
        ("- - v1\n  - b\n", "[0][0]", "v2", true),
        ("\u{feff}a: v1\r\nb: x\r\n", "a", "v2", true),
        ("a: 1\n---\nb: v1\n", "b", "v2", true),
        ("a: {b: v1}\n", "a.b", "v2", false),
        ("a:\n", "a", "v2", false),
        ("v1\n", "", "v2", false),
        ("a: |\n  v1\n", "a", "v2\n", false),
        ("a: v1\n  more\n", "a", "v2", false),
        ("? a\n: v1\n", "a", "v2", false),
        ("a: &x 1\nb: *x\nc: v1\n", "c", "v2", false),
        ("a: !!str 1\nc: v1\n", "c", "v2", false),
        ("a: 0o17\nc: v1\n", "c", "v2", true),
        ("a: 1_000\nc: v1\n", "c", "v2", true),
    ] {
        let document = Document::Index(text.matches("---").count());
        let found = holds(text, &document, &Path::parse(path).unwrap(), &Scalar::from(value));
        assert_eq!(found, Some(short), "{path} of {text:?}");
    }
}

/// An edited text that is wrong in any way is not proven.
#[test]
fn nothing_else_may_differ() {
    let text = "a:\n  tag: v1 # c\n  other: 'x'\nlist:\n  - 1\n  - two\nlast: v9\n";
    let stream = Stream::parse(text).unwrap();
    let assignment = Assignment::new(Document::default(), Path::parse("a.tag").unwrap(), "v2");
    let splice = stream.splice(&Operation::Set(assignment)).unwrap();
    let edited = stream.spliced(&[&splice], &[0]);
    assert!(short::proves(&stream, &[&splice], &edited));
    for (from, to) in [
        ("tag: v2", "tag: v3"),
        ("tag: v2", "tga: v2"),
        ("tag: v2", "tag: \"v2"),
        ("tag: v2 # c", "tag: v2# c"),
        ("'x'", "'y'"),
        ("'x'", "[x]"),
        ("- 1", "- 2"),
        ("- 1", "- '1'"),
        ("  - two\n", ""),
        ("  - two\n", "  - two\n  - three\n"),
        ("last: v9\n", ""),
        ("last: v9\n", "last: v9\nmore: 1\n"),
        ("last: v9\n", "last: v9\n---\nmore: 1\n"),
        ("other:", "othre:"),
        ("last: v9", "last: *v9"),
    ] {
        let wrong = edited.text.replacen(from, to, 1);
        assert_ne!(wrong, edited.text);
        let wrong = Edited { text: wrong, spans: edited.spans.clone() };
        assert!(!short::proves(&stream, &[&splice], &wrong), "{}", wrong.text);
    }
}
