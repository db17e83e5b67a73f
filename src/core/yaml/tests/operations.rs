//! Insertions and removals, data in, data out.

use super::*;

/// Does one operation on the first document; `Err` is the word of the refusal.
fn done(text: &str, operation: Operation) -> String {
    match crate::core::yaml::edit(text, &[operation]) {
        Ok(edited) => {
            let span = &edited.spans[0];
            assert_eq!(text.get(..span.before.start), edited.text.get(..span.after.start));
            assert_eq!(text.get(span.before.end..), edited.text.get(span.after.end..));
            edited.text
        }
        Err(refusal) => {
            assert!(refusal.remedy().ends_with('.') && !refusal.to_string().is_empty());
            format!("!{}", refusal.word())
        }
    }
}

fn inserted(text: &str, path: &str, value: &str, expected: &str) {
    let (document, path) = (Document::default(), Path::parse(path).unwrap());
    let value: serde_json::Value = serde_json::from_str(value).unwrap();
    let insert = Operation::Insert { document, path: path.clone(), value: value.into() };
    assert_eq!(done(text, insert), expected, "{path} of {text:?}");
}

fn removed(text: &str, path: &str, expected: &str) {
    let (document, path) = (Document::default(), Path::parse(path).unwrap());
    assert_eq!(done(text, Operation::Remove { document, path: path.clone() }), expected, "{path} of {text:?}");
}

fn built(text: &str, path: &str, expected: &str) {
    let path = Path::parse(path).unwrap();
    let set = Assignment::new(Document::default(), path.clone(), "v2").building();
    assert_eq!(done(text, set.into()), expected, "{path} of {text:?}");
}

#[test]
fn items_are_appended_in_the_style_of_their_list() {
    for (text, path, value, expected) in [
        ("a:\n- x\nb: 1\n", "a[1]", r#""w""#, "a:\n- x\n- w\nb: 1\n"),
        ("a:\n  - x # c\n  # d\nb: 1\n", "a[1]", r#""w""#, "a:\n  - x # c\n  - w\n  # d\nb: 1\n"),
        ("a:\n  - 'x'", "a[1]", r#""y""#, "a:\n  - 'x'\n  - 'y'"),
        ("a: [x, y]\n", "a[2]", r#""z""#, "a: [x, y, z]\n"),
        ("a: []\n", "a[0]", r#""z""#, "a: [z]\n"),
        ("a: [ ]\n", "a[0]", r#"{"k":1}"#, "a: [ {k: 1} ]\n"),
        ("a: []\n", "a[0]", r#"{"k":1}"#, "a:\n- k: 1\n"),
        ("- x\n", "[1]", "3", "- x\n- 3\n"),
        ("- - x\n- y\n", "[0][1]", "3", "- - x\n  - 3\n- y\n"),
        (
            "e:\n- name: A\n  value: \"1\"\n",
            "e[name=B]",
            r#"{"value":"2"}"#,
            "e:\n- name: A\n  value: \"1\"\n- name: B\n  value: \"2\"\n",
        ),
        (
            "e:\r\n  - name: 'A'\r\n    value: x\r\n",
            "e[name=B]",
            r#"{"name":"B","value":"w","c":{"d":[1,{"e":2}],"f":[]}}"#,
            "e:\r\n  - name: 'A'\r\n    value: x\r\n  - name: 'B'\r\n    value: w\r\n    c:\r\n      d:\r\n        - 1\r\n        - e: 2\r\n      f: []\r\n",
        ),
        ("{\"a\": [\n  \"x\",\n  \"y\"\n]}\n", "a[2]", r#""z""#, "{\"a\": [\n  \"x\",\n  \"y\",\n  \"z\"\n]}\n"),
        ("c:\n  n: x\n", "c.env[name=B]", r#"{"value":"1"}"#, "c:\n  n: x\n  env:\n  - name: B\n    value: \"1\"\n"),
        ("l:\n  - 1\nc:\n  n: x\n", "c.e[0]", "true", "l:\n  - 1\nc:\n  n: x\n  e:\n    - true\n"),
        ("{\"a\": []}", "a[0]", r#"{"k":"x"}"#, "{\"a\": [{\"k\": \"x\"}]}"),
        ("a: [{\"k\": \"x\"}]\n", "a[k=w]", "{}", "a: [{\"k\": \"x\"}, {\"k\": \"w\"}]\n"),
        ("a:\n- 1 # leverframe: locked\n", "a[1]", "2", "a:\n- 1 # leverframe: locked\n- 2\n"),
        ("a: |\n  x\n- 1\n", "a[1]", "2", "!does-not-parse"),
        ("a:\n- |\n  x", "a[1]", "2", "!no-place"),
        ("a:\n- |-\n  x", "a[1]", "2", "a:\n- |-\n  x\n- 2"),
        ("a:\n- x\n", "a[0]", "1", "!already-there"),
        ("a:\n- x\n", "a[2]", "1", "!not-found"),
        ("a:\n- name: x\n", "a[name=y]", "1", "!not-a-value"),
        ("a:\n- name: x\n", "a[name=y]", r#"{"name":"z"}"#, "!not-a-value"),
        ("a: &x [1]\nb: *x\n", "a[1]", "1", "!shared"),
        ("a: &x [1]\nb: *x\n", "b[1]", "1", "!alias"),
        ("a: [1] # leverframe: locked\n", "a[1]", "1", "!locked"),
        ("a: # leverframe: locked\n- 1\n", "a[1]", "1", "!locked"),
        ("a: {{ x }}\n", "a[1]", "1", "!template"),
    ] {
        inserted(text, path, value, expected);
    }
}

#[test]
fn keys_are_inserted_in_the_style_of_their_mapping() {
    for (text, path, value, expected) in [
        (
            "a: 1\n",
            "b",
            r#"{"c":{"d":"x"},"e":[1,2],"f":null}"#,
            "a: 1\nb:\n  c:\n    d: x\n  e:\n  - 1\n  - 2\n  f: null\n",
        ),
        ("x:\n    a: 1\n", "x.b", r#"{"c":1}"#, "x:\n    a: 1\n    b:\n        c: 1\n"),
        ("x: {a: 1}\n", "x.b", r#"{"c":[1]}"#, "x: {a: 1, b: {c: [1]}}\n"),
        ("{\"a\": 1}\n", "b", r#"{"c":"x"}"#, "{\"a\": 1, \"b\": {\"c\": \"x\"}}\n"),
        (
            "a:\n  b:\n    c: 1\n    # about c\n  # about a\n",
            "a.d",
            "1",
            "a:\n  b:\n    c: 1\n    # about c\n  d: 1\n  # about a\n",
        ),
        ("a:\nb: 1\n", "a.c", r#"{"d":1}"#, "a:\n  c:\n    d: 1\nb: 1\n"),
        ("a: # c\nb: 1\n", "a.c", "1", "a: # c\n  c: 1\nb: 1\n"),
        ("a: ~\n", "a[0]", "1", "a:\n- 1\n"),
        ("a: null # c\n", "a.b", "1", "a: # c\n  b: 1\n"),
        ("a:", "a.b", "1", "a:\n  b: 1"),
        ("a: {b: , c: 1}\n", "a.b.d", "1", "a: {b: {d: 1} , c: 1}\n"),
        ("a: {b, c: 1}\n", "a.b.d", "1", "a: {b: {d: 1}, c: 1}\n"),
        ("-\n- x\n", "[0].a", "1", "- a: 1\n- x\n"),
        ("- # c\n- x\n", "[0].a", "1", "- # c\n  a: 1\n- x\n"),
        ("a:\n", "a", r#"{"b":1}"#, "a:\n  b: 1\n"),
        ("---\n", "a", "1", "---\na: 1\n"),
        ("--- # c\n# d\n---\nb: 1\n", "a", "1", "--- # c\na: 1\n# d\n---\nb: 1\n"),
        ("a: &x\nb: *x\n", "a.c", "1", "!shared"),
        ("a: &x\n", "a.c", "1", "!anchor"),
        ("a: 1\n", "a.b", "1", "!wrong-kind"),
        ("a: 1\n", "b.c", "1", "!not-found"),
        ("a: 1\n", "a", "1", "!already-there"),
        ("x:\n  <<: &y {a: 1}\n", "x.a", "1", "!merged"),
    ] {
        inserted(text, path, value, expected);
    }
}

#[test]
fn missing_keys_on_the_way_are_built() {
    for (text, path, expected) in [
        ("a: 1\n", "b.c.d", "a: 1\nb:\n  c:\n    d: v2\n"),
        ("a: {} # c\nb: 1\n", "a.b.c", "a: # c\n  b:\n    c: v2\nb: 1\n"),
        ("- {}\n- b\n", "[0].b.c", "- b:\n    c: v2\n- b\n"),
        ("x: {a: {}}\n", "x.a.b.c", "x: {a: {b: {c: v2}}}\n"),
        ("a: &x {}\n", "a.b.c", "a: &x {b: {c: v2}}\n"),
        ("{}\n", "b.c", "{b: {c: v2}}\n"),
        ("a:\n", "a.b.c", "a:\n  b:\n    c: v2\n"),
        ("a:\n", "a", "a: v2\n"),
        ("---\n", "a.b", "---\na:\n  b: v2\n"),
        ("a: 1\n", "b[0].c", "!not-found"),
        ("a: 1\n", "a.b", "!wrong-kind"),
    ] {
        built(text, path, expected);
    }
}

#[test]
fn entries_go_with_their_own_comments() {
    for (text, path, expected) in [
        ("a: 1\nb: 2\n", "a", "b: 2\n"),
        ("a: 1\nb: 2\n", "b", "a: 1\n"),
        ("# Licensed to you\n# by us\na: 1\nb: 2\n", "a", "# Licensed to you\n# by us\nb: 2\n"),
        ("---\n# Source: x.yaml\na: 1\nb: 2\n", "a", "---\n# Source: x.yaml\nb: 2\n"),
        ("\u{feff}# ours\r\na: 1\r\nb: 2\r\n", "a", "\u{feff}# ours\r\nb: 2\r\n"),
        ("# all\na: 1\n", "a", "# all\n{}\n"),
        ("# a: one of these\na: 1\nb: 2\n", "a", "b: 2\n"),
        ("# the alpha\na: 1\nb: 2\n", "a", "# the alpha\nb: 2\n"),
        ("# ours\n\n# own\na: 1\nb: 2\n", "a", "# ours\n\nb: 2\n"),
        ("# ours\n- x\n- y\n", "[0]", "# ours\n- y\n"),
        ("a: 1\nb: 2", "b", "a: 1"),
        ("a: 1\r\n# own\r\nb: 2 # own\r\nc: 3\r\n", "b", "a: 1\r\nc: 3\r\n"),
        ("a: 1\n# apart\n\n# own\n# own\nb: 2\n# of c\nc: 3\n", "b", "a: 1\n# apart\n\n# of c\nc: 3\n"),
        ("a:\n  b:\n    c: 1\n    # in b\n  # of d\n  d: 1\n", "a.b", "a:\n  # of d\n  d: 1\n"),
        ("a: # of a\n  # own\n  b: 1 # own\nc: 2\n", "a.b", "a: {} # of a\nc: 2\n"),
        ("a:\n- x\nc: 2\n", "a[0]", "a: []\nc: 2\n"),
        ("a:\n  - x\n  # own\n  - y\n  - z\n", "a[1]", "a:\n  - x\n  - z\n"),
        ("a:\n- x # own\n# of y\n- y\n", "a[0]", "a:\n# of y\n- y\n"),
        ("- name: a # own\n  image: x\n", "[0].name", "- image: x\n"),
        ("- name: a\n- b\n", "[0].name", "- {}\n- b\n"),
        ("- - a\n  - b\n", "[0][0]", "- - b\n"),
        ("- - a\n", "[0][0]", "- []\n"),
        ("a: 1\n", "a", "{}\n"),
        ("a: |\n  t\n\nb: 1\n", "a", "\nb: 1\n"),
        ("a: |+\n  t\n\nb: 1\n", "a", "b: 1\n"),
        ("a: {b: 1, c: 2}\n", "a.b", "a: {c: 2}\n"),
        ("a: {b: 1, c: 2}\n", "a.c", "a: {b: 1}\n"),
        ("a: { b: 1 } # c\n", "a.b", "a: { } # c\n"),
        ("a: [x, y, z]\n", "a[1]", "a: [x, z]\n"),
        ("a: [x,]\n", "a[0]", "a: []\n"),
        ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "b", "{\n  \"a\": 1\n}\n"),
        ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "a", "{\n  \"b\": 2\n}\n"),
        ("[\n  a, # of a\n  # own\n  b # own\n]\n", "[1]", "[\n  a # of a\n]\n"),
        ("[\n  a, # of a\n  b,\n]\n", "[1]", "[\n  a, # of a\n]\n"),
        ("a: &x 1\nb: 2\n", "a", "b: 2\n"),
        ("a: &x 1\nb: *x\n", "b", "a: &x 1\n"),
        ("a: &x 1\nb: &y 2\nc: *y\n", "a", "b: &y 2\nc: *y\n"),
        ("a: &x 1\nb: *x\n", "a", "!shared"),
        ("a: &x\n  b: 1\n", "a.b", "!anchor"),
        ("a: &x\n  b: 1\n  c: 1\nd: *x\n", "a.b", "!shared"),
        ("a: 1\n", "b", "!not-found"),
        ("a: 1\na: 2\n", "a", "!duplicate-key"),
        ("a: '{{ x }}'\nb: 1\n", "a", "!template"),
        ("# leverframe: locked\na: 1\nb: 1\n", "a", "!locked"),
        ("a: |\n  x\nb: 1", "b", "a: |\n  x\n"),
        ("a:\n  b: 1 # leverframe: locked\n  c: 1\nd: 1\n", "a", "!locked"),
        ("a: 1\n", ".", "!no-place"),
        ("[a: 1]\n", "[0].a", "!no-place"),
    ] {
        removed(text, path, expected);
    }
}

#[test]
fn operations_see_what_the_ones_before_them_left() {
    let at = |path: &str| (Document::default(), Path::parse(path).unwrap());
    let insert = |path: &str, value: &str| {
        let (document, path) = at(path);
        Operation::Insert { document, path, value: value.into() }
    };
    let remove = |path: &str| {
        let (document, path) = at(path);
        Operation::Remove { document, path }
    };
    let set = |path: &str, value: &str| {
        let (document, path) = at(path);
        Operation::Set(Assignment::new(document, path, value).building())
    };
    let text = "a: {}\nl:\n- x\n- y\nt: v1 # c\n";
    let edited = crate::core::yaml::edit(
        text,
        &[set("a.b.c", "1.10"), set("a.b.d", "w"), remove("l[0]"), insert("l[1]", "new"), set("t", "v2")],
    )
    .unwrap();
    assert_eq!(edited.text, "a:\n  b:\n    c: \"1.10\"\n    d: \"w\"\nl:\n- y\n- new\nt: v2 # c\n");
    let last = &edited.spans[4];
    assert_eq!((text.get(last.before.clone()), edited.text.get(last.after.clone())), (Some("v1"), Some("v2")));
    assert_eq!((last.line, last.old.clone()), (5, Some("v1".into())));
    let twice = crate::core::yaml::edit(text, &[set("t", "1"), remove("l[0]"), set("t", "2")]);
    assert_eq!(twice.unwrap_err().word(), "set-twice");
    let both = crate::core::yaml::set(
        "a: {}\n",
        &["b", "c"].map(|key| Assignment::new(Document::default(), Path::root().key("a").key(key), "x").adding()),
    );
    assert_eq!(both.unwrap().text, "a: {b: x, c: x}\n");
}

#[test]
fn what_is_left_below_is_not_taken_in_by_a_text_block_above() {
    removed("k: |\n  text\na:\n    \n", "a", "k: |\n  text\n");
    removed("k: |-\n  text\na: 1\n    \nb: 2\n", "a", "k: |-\n  text\nb: 2\n");
    removed("k: |+\n  text\n\na: 1\n\nb: 2\n", "a", "k: |+\n  text\n\nb: 2\n");
    removed("k: |\n  text\na: 1\n\nb: 2\n", "a", "k: |\n  text\n\nb: 2\n");
}

#[test]
fn a_block_whose_indent_is_read_off_gets_no_first_line_that_is_indented() {
    let set = |text: &str, value: &str| {
        let path = Path::parse("k").unwrap();
        done(text, Assignment::new(Document::default(), path, value).into())
    };
    assert_eq!(set("k: |\n  text", " "), "!block-scalar");
    assert_eq!(set("k: |\n  text\n", "\n x\n"), "!block-scalar");
    assert_eq!(set("k: |2\n  text\n", " x\n"), "k: |2\n   x\n");
}
