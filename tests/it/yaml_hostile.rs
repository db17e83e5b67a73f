//! The inputs on which editors of YAML were measured and found wanting, written anew: eight on which a line splice
//! deleted comments and broke files, twelve on which two format-preserving libraries did. Ours is exact or refuses.

use std::fmt::Write as _;

use leverframe::core::yaml::{self, Assignment, Document, Path, Scalar};

use crate::proof::judge::{Judges, Wanted};

/// What must come out: the whole file, or the word of a refusal.
enum Outcome<'a> {
    Exact(&'a str),
    Refused(&'a str),
}

use Outcome::{Exact, Refused};

/// Name, file, document, path, value, outcome.
type Input<'a> = (&'a str, &'a str, usize, &'a str, Scalar, Outcome<'a>);

/// Checks every input and gives the table.
fn check(inputs: Vec<Input<'_>>) -> String {
    let mut table = String::new();
    for (name, text, document, path, value, outcome) in inputs {
        let path = Path::parse(path).unwrap();
        let assignment = Assignment::new(Document::Index(document), path.clone(), value.clone());
        let said = match (yaml::set(text, &[assignment]), outcome) {
            (Ok(edited), Exact(after)) => {
                assert_eq!(edited.text, after, "{name}");
                let heard = Judges::read(text).judge(&[(document, path.steps(), Wanted::Set(&value))], &edited);
                assert!(heard.as_ref().is_ok_and(|heard| heard.by_nodes || heard.by_values), "{name}: {heard:?}");
                "exact".to_owned()
            }
            (Err(refusal), Refused(word)) => {
                assert_eq!(refusal.word(), word, "{name}: {refusal}");
                format!("refused: {refusal}")
            }
            (Ok(edited), Refused(word)) => panic!("{name}: not refused as {word}, but\n{}", edited.text),
            (Err(refusal), Exact(_)) => panic!("{name}: {refusal}"),
        };
        let _ = writeln!(table, "{name:<42} {said}");
    }
    table
}

fn text(value: &str) -> Scalar {
    value.into()
}

#[test]
fn eight_inputs_that_a_line_splice_damages() {
    let table = check(vec![
        ("plain value", "image:\n  tag: v1\n", 0, "image.tag", text("v2"), Exact("image:\n  tag: v2\n")),
        ("quoted value", "image:\n  tag: \"v1\"\n", 0, "image.tag", text("v2"), Exact("image:\n  tag: \"v2\"\n")),
        (
            "marker of an image policy in a comment",
            "image:\n  tag: v1 # {\"$imagepolicy\": \"flux-system:app:tag\"}\n",
            0,
            "image.tag",
            text("v2"),
            Exact("image:\n  tag: v2 # {\"$imagepolicy\": \"flux-system:app:tag\"}\n"),
        ),
        (
            "flow mapping",
            "image: {tag: v1, repo: foo}\n",
            0,
            "image.tag",
            text("v2"),
            Exact("image: {tag: v2, repo: foo}\n"),
        ),
        ("value with an anchor", "tag: &t v1\nsidecar: *t\n", 0, "tag", text("v2"), Refused("anchor")),
        ("folded block", "tag: >-\n  v1\n  of ours\nb: 1\n", 0, "tag", text("v2"), Refused("block-scalar")),
        (
            "CRLF",
            "image:\r\n  tag: v1\r\nb: 1\r\n",
            0,
            "image.tag",
            text("v2"),
            Exact("image:\r\n  tag: v2\r\nb: 1\r\n"),
        ),
        ("second document", "a: 1\n---\ntag: v1\n", 1, "tag", text("v2"), Exact("a: 1\n---\ntag: v2\n")),
    ]);
    println!("{table}");
    assert_eq!(table.lines().filter(|line| line.ends_with(" exact")).count(), 6, "{table}");
}

#[test]
fn twelve_inputs_that_format_preserving_libraries_damage() {
    let table = check(vec![
        (
            "flow mapping with blanks inside",
            "images:\n- { name: app , newTag: v1 }\n",
            0,
            "images[name=app].newTag",
            text("v2"),
            Exact("images:\n- { name: app , newTag: v2 }\n"),
        ),
        (
            "document 2, comments, no line break at the end",
            "# first\na: v1\n---\n# second\na: v1 # why\n---\nb: 1",
            1,
            "a",
            text("v2"),
            Exact("# first\na: v1\n---\n# second\na: v2 # why\n---\nb: 1"),
        ),
        (
            "version that looks like a number, quoted",
            "appVersion: \"1.9\"\n",
            0,
            "appVersion",
            text("1.10"),
            Exact("appVersion: \"1.10\"\n"),
        ),
        (
            "version that looks like a number, not quoted",
            "tag: v1.9\n",
            0,
            "tag",
            text("1.10"),
            Exact("tag: \"1.10\"\n"),
        ),
        ("tab after the colon", "a: 1\nb:\tv1\n", 0, "b", text("v2"), Exact("a: 1\nb:\tv2\n")),
        (
            "CRLF, blanks after the value",
            "a: v1  \r\n# c\r\nb: 'x'\t\r\n",
            0,
            "a",
            text("v2"),
            Exact("a: v2  \r\n# c\r\nb: 'x'\t\r\n"),
        ),
        ("single quotes with a quote", "a: 'it''s'\n", 0, "a", text("they're"), Exact("a: 'they''re'\n")),
        ("byte order mark", "\u{feff}a: v1\nb: 2\n", 0, "a", text("v2"), Exact("\u{feff}a: v2\nb: 2\n")),
        ("nothing, with a comment", "tag:   # todo\nb: 1\n", 0, "tag", text("v2"), Exact("tag: v2   # todo\nb: 1\n")),
        ("alias on the way", "base: &b {tag: v1}\nprod: *b\n", 0, "prod.tag", text("v2"), Refused("alias")),
        ("duplicate key", "tag: v1\nx: 1\ntag: v3\n", 0, "tag", text("v2"), Refused("duplicate-key")),
        (
            "word that YAML 1.1 takes for a boolean",
            "flags:\n  country: SE # sweden\n",
            0,
            "flags.country",
            text("NO"),
            Exact("flags:\n  country: \"NO\" # sweden\n"),
        ),
    ]);
    println!("{table}");
    assert_eq!(table.lines().filter(|line| line.ends_with(" exact")).count(), 10, "{table}");
}

/// What else those libraries were held against: a tag, templates, a lock, and a big file.
#[test]
fn what_is_left_of_the_thirty_checks() {
    let entry = "- name: app\n  image: {repo: shop, tag: v1} # c\n  args: [\"--a\", '--b']\n";
    let big = entry.repeat(500_000 / entry.len());
    let last = format!("[{}].image.tag", 500_000 / entry.len() - 1);
    let at = big.rfind("v1").unwrap();
    let (head, tail) = big.split_at(at);
    let after = format!("{head}{}", tail.replace("v1", "v2"));
    let table = check(vec![
        ("explicit tag", "tag: !!str v1\n", 0, "tag", text("v2"), Refused("tag")),
        ("template that is no YAML", "{{- if .a }}\ntag: v1\n{{- end }}\n", 0, "tag", text("v2"), Refused("template")),
        ("template in the value", "tag: \"{{ .tag }}\"\n", 0, "tag", text("v2"), Refused("template")),
        ("locked by the team", "tag: v1 # leverframe: locked\n", 0, "tag", text("v2"), Refused("locked")),
        ("number for a number", "replicas: 3\n", 0, "replicas", 10_i64.into(), Exact("replicas: 10\n")),
        ("text of two lines", "a: x\nb: 1\n", 0, "a", text("y\nz"), Exact("a: \"y\\nz\"\nb: 1\n")),
        ("500 KB", &big, 0, &last, text("v2"), Exact(&after)),
    ]);
    println!("{table}");
}
