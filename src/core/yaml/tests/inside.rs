//! Edits of the texts inside values, data in, data out.

use super::*;

/// Does one operation; the text after it, or `!` and the words of the refusal.
fn done(text: &str, operation: Operation) -> String {
    match crate::core::yaml::edit(text, &[operation]) {
        Ok(edited) => {
            let span = &edited.spans[0];
            assert_eq!(text.get(..span.before.start), edited.text.get(..span.after.start));
            assert_eq!(text.get(span.before.end..), edited.text.get(span.after.end..));
            edited.text
        }
        Err(refusal) => {
            assert!(refusal.remedy().ends_with('.'));
            format!("!{refusal}")
        }
    }
}

fn set_to(text: &str, path: &str, value: impl Into<Scalar>, expected: &str) {
    let path = Path::parse(path).unwrap();
    let set = Assignment::new(Document::default(), path.clone(), value).building();
    assert_eq!(done(text, set.into()), expected, "{path} of {text:?}");
}

fn removed(text: &str, path: &str, expected: &str) {
    let (document, path) = (Document::default(), Path::parse(path).unwrap());
    assert_eq!(done(text, Operation::Remove { document, path: path.clone() }), expected, "{path} of {text:?}");
}

const YAML: &str = "data:\n  app.yaml: |\n    server:\n      port: 80 # p\n\n      host: 'x'\n\n  other: 1\n";

#[test]
fn yaml_in_a_block_is_edited_at_its_indent() {
    set_to(YAML, "data[\"app.yaml\"]|yaml.server.port", 81_i64, &YAML.replace("80", "81"));
    set_to(YAML, "data[\"app.yaml\"]|yaml.server.host", "y", &YAML.replace("'x'", "'y'"));
    set_to(
        YAML,
        "data[\"app.yaml\"]|yaml.server.tls.own",
        true,
        &YAML.replace("host: 'x'\n", "host: 'x'\n      tls:\n        own: true\n"),
    );
    removed(YAML, "data[\"app.yaml\"]|yaml.server.port", &YAML.replace("      port: 80 # p\n", ""));
    let crlf = YAML.replace('\n', "\r\n");
    set_to(&crlf, "data[\"app.yaml\"]|yaml.server.port", 81_i64, &crlf.replace("80", "81"));
    set_to(&crlf, "data[\"app.yaml\"]|yaml.a", 1_i64, &crlf.replace("'x'\r\n", "'x'\r\n    a: 1\r\n"));
    set_to("a: |-\n a: 1", "a|yaml.b", "x", "a: |-\n a: 1\n b: x");
    set_to("a: |2\n   a: 1\n", "a|yaml.a", "x", "a: |2\n   a: x\n");
    set_to("- |+\n  a: 1\n\n- x\n", "[0]|yaml.a", "x", "- |+\n  a: x\n\n- x\n");
    set_to("a: |\n  b: |\n    c: 1\n", "a|yaml.b|yaml.c", "x", "a: |\n  b: |\n    c: x\n");
    set_to("a: |\n  b: 1\n\n\n", "a|yaml.c", "x", "a: |\n  b: 1\n  c: x\n\n\n");
}

#[test]
fn json_in_a_block_stays_json() {
    let text = "d:\n  j: |\n    {\n      \"limits\": [1, 2],\n      \"e\": {}\n    }\n";
    set_to(text, "d.j|json.limits[0]", 5_i64, &text.replace("[1,", "[5,"));
    set_to(text, "d.j|json.limits[0]", "on", &text.replace("[1,", "[\"on\","));
    set_to(text, "d.j|json.e.f", "x", &text.replace("{}", "{\"f\": \"x\"}"));
    set_to(text, "d.j|json.g", true, &text.replace("{}\n", "{},\n      \"g\": true\n"));
    set_to(
        text,
        "d.j|json.limits[0]",
        Scalar::Float(".5".into()),
        "!in the text at `d.j|json` (line 3): `.5` cannot be set as a value",
    );
    removed(text, "d.j|json.e", "d:\n  j: |\n    {\n      \"limits\": [1, 2]\n    }\n");
    set_to(
        "a: |\n  {a: 1}\n",
        "a|json.a",
        2_i64,
        "!in the text at `a|json` (line 2): line 2, column 2: the file does not parse: it is not JSON",
    );
}

#[test]
fn text_in_quotes_is_edited_where_its_form_can_stay() {
    set_to("a: '{\"b\": 1}' # c\n", "a|json.b", "it's", "a: '{\"b\": \"it''s\"}' # c\n");
    set_to("a: \"b: 1\\nc: 2\\n\"\n", "a|yaml.c", 3_i64, "a: \"b: 1\\nc: 3\\n\"\n");
    set_to("a: \"b=1\\nc=2\"\n", "a|properties.c", 3_i64, "a: \"b=1\\nc=3\"\n");
    set_to("a: b=1\n", "a|properties.b", "2", "a: b=2\n");
    for (text, found) in [
        ("a: \"b: \\x31\"\n", "a value whose form cannot be kept"),
        ("a: 'b:\n  1'\n", "a value whose form cannot be kept"),
        ("a: {b: 1}\n", "a mapping"),
        ("a: [b]\n", "a list"),
    ] {
        set_to(text, "a|yaml.b", "2", &format!("!line 1: `a` is {found}, into which no path can step"));
    }
    set_to(
        "x: 1\na: \"b: 1\\nc: {{ x }}\"\n",
        "a|yaml.b.d",
        "2",
        "!in the text at `a|yaml` (line 2): line 2: `b` is a single value, not a mapping",
    );
}

#[test]
fn properties_in_a_block_are_edited_by_line() {
    let text = "d:\n  p: |\n    # top\n    a.b = 1\n    c: x y \n    d e\n    ! own\n    f\n    g=h\\\n      i\n";
    let at = |key: &str| format!("d.p|properties[\"{key}\"]");
    set_to(text, &at("a.b"), 2_i64, &text.replace("= 1", "= 2"));
    set_to(text, &at("c"), "ü\\", &text.replace("x y ", "\\u00fc\\\\"));
    set_to(text, &at("d"), "z", &text.replace("d e", "d z"));
    set_to(text, &at("f"), "z", &text.replace("f\n", "f=z\n"));
    set_to(text, &at("n"), "z", &text.replace("      i\n", "      i\n    n=z\n"));
    removed(text, &at("f"), &text.replace("    ! own\n    f\n", ""));
    set_to(
        text,
        &at("g"),
        "z",
        "!in the text at `d.p|properties` (line 3): line 9: `g` is written in a form that cannot be edited without touching its neighbours",
    );
    set_to(
        "d: |\n  a=1\n  a=2\n",
        "d|properties.a",
        "z",
        "!in the text at `d|properties` (line 2): the key `a` of the document stands 2 times, on lines 2, 3",
    );
}

#[test]
fn what_is_inside_is_refused_with_the_line_of_the_file() {
    for (text, path, expected) in [
        ("a: >\n  b: 1\n", "a|yaml.b", "!line 2: `a` is a folded block (`>`), into which no path can step"),
        (
            "a: &x |\n  b: 1\n",
            "a|yaml.b",
            "!line 2: the value of `a` has an anchor (`&`), by which other places may use it",
        ),
        (
            "x: 1\na: |\n  b: [\n",
            "a|yaml.b",
            "!in the text at `a|yaml` (line 3): line 3, column 4: the file does not parse: unclosed bracket '['",
        ),
        (
            "x: 1\na: |\n  c: 1\n  b: {{ .x }}\n",
            "a|yaml.b",
            "!in the text at `a|yaml` (line 3): line 4: the file holds a template, `{{`, here",
        ),
        (
            "a: |\n  b: &x 1\n",
            "a|yaml.b",
            "!in the text at `a|yaml` (line 2): line 2: the value of `b` has an anchor (`&`), by which other places may use it",
        ),
        (
            "a: |\n  b: 1 # leverframe: locked\n",
            "a|yaml.b",
            "!in the text at `a|yaml` (line 2): line 2: `b` is locked by the comment `# leverframe: locked`",
        ),
        (
            "a: | # leverframe: locked\n  b: 1\n",
            "a|yaml.b",
            "!line 1: `a` is locked by the comment `# leverframe: locked`",
        ),
        ("a: 1\n", "b|yaml.c", "!line 1: the document has no `b`; there is `a`"),
    ] {
        set_to(text, path, "v2", expected);
    }
}

#[test]
fn values_inside_are_read() {
    let at = |path: &str| read(YAML, &Document::default(), &Path::parse(path).unwrap());
    assert_eq!(at("data[\"app.yaml\"]|yaml.server.port"), Ok(Some(80_i64.into())));
    assert_eq!(at("data[\"app.yaml\"]|yaml.server.none"), Ok(None));
    assert_eq!(at("data[\"app.yaml\"]|yaml.server.host.x").unwrap_err().line(), Some(6));
    assert_eq!(at("data.other|yaml.server.host.x").unwrap_err().word(), "not-a-text");
}

#[test]
fn a_literal_block_is_set_with_its_header() {
    set_to("a: |\n  x\n  y\nb: 1\n", "a", "x\nz\n", "a: |\n  x\n  z\nb: 1\n");
    set_to("a: |\n  x\n\nb: 1\n", "a", "z\n", "a: |\n  z\n\nb: 1\n");
    set_to("a: |-\n  x\nb: 1\n", "a", "z\n\ny", "a: |-\n  z\n\n  y\nb: 1\n");
    set_to("a: |-\n  x\nb: 1\n", "a", "z", "a: |-\n  z\nb: 1\n");
    set_to("a: |+\n  x\n\nb: 1\n", "a", "z\n", "a: |+\n  z\nb: 1\n");
    set_to("a: |\n  x", "a", "z", "a: |\n  z");
    set_to("a: |\n  x", "a", "z\n", "a: |\n  z\n");
    set_to("a: |\n  b: 1", "a|yaml.b", "z", "a: |\n  b: z");
    set_to("a: |\n  b: 1", "a|yaml.c", "z", "a: |\n  b: 1\n  c: z");
    set_to("a: |\n\nb: |\n", "b", "z\n", "a: |\n\nb: |\n  z\n");
    set_to("a: |\n\nb: |\n", "a", "z\n", "a: |\n  z\n\nb: |\n");
    for (text, value) in [
        ("a: |\n  x\n", "z\n\u{feff}\n"),
        ("a: |\n  x\n", "z\r\n"),
        ("a: |\n  x\n", "z"),
        ("a: |-\n  x\n", "z\n"),
        ("a: >\n  x\n", "z\n"),
    ] {
        assert!(matches!(edit(text, "0", "a", value.into()), Err(Refusal::BlockScalar { .. })));
    }
}
