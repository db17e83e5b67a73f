//! Whole edits, data in, data out: what a file becomes, or the word of its refusal.

mod inside;
mod operations;
mod properties;
mod short;

use super::*;

/// Sets `path` of `text` in document `document`; a path that starts with `+` may add its last key.
fn edit(text: &str, document: &str, path: &str, value: Scalar) -> Result<String, Refusal> {
    let document = Document::parse(document).unwrap();
    let missing = if path.starts_with('+') { Missing::Add } else { Missing::Refuse };
    let path = Path::parse(path.trim_start_matches('+')).unwrap();
    let edited = set(text, &[Assignment { document: document.clone(), path: path.clone(), value, missing }])?;
    let span = &edited.spans[0];
    assert_eq!(text.get(..span.before.start), edited.text.get(..span.after.start));
    assert_eq!(text.get(span.before.end..), edited.text.get(span.after.end..));
    Ok(edited.text)
}

/// The one check: `text` edited is `expected`, which is the text after, or `!` and the word of the refusal.
fn check(text: &str, path: &str, value: impl Into<Scalar>, expected: &str) {
    check_in("0", text, path, value, expected);
}

fn check_in(document: &str, text: &str, path: &str, value: impl Into<Scalar>, expected: &str) {
    let found = match edit(text, document, path, value.into()) {
        Ok(edited) => edited,
        Err(refusal) => {
            assert!(refusal.remedy().ends_with('.') && !refusal.to_string().is_empty());
            format!("!{}", refusal.word())
        }
    };
    assert_eq!(found, expected, "{path} of {text:?}");
}

#[test]
fn only_the_value_changes() {
    for (text, path, value, expected) in [
        ("tag: v1\n", "tag", "v2", "tag: v2\n"),
        ("tag: v1", "tag", "v2", "tag: v2"),
        ("tag: v1   # keep  \nb:  1\n", "tag", "v2", "tag: v2   # keep  \nb:  1\n"),
        (
            "tag: v1 # {\"$imagepolicy\": \"flux-system:app\"}\n",
            "tag",
            "v2",
            "tag: v2 # {\"$imagepolicy\": \"flux-system:app\"}\n",
        ),
        ("image: {tag: v1, repo: foo}\n", "image.tag", "v2", "image: {tag: v2, repo: foo}\n"),
        ("image: { repo: foo , tag: v1 }\n", "image.tag", "v2", "image: { repo: foo , tag: v2 }\n"),
        ("a: 'v1' \n", "a", "v2", "a: 'v2' \n"),
        ("a: \"1.9\"\n", "a", "1.10", "a: \"1.10\"\n"),
        ("a: '1.9'\n", "a", "1.10", "a: '1.10'\n"),
        ("a: v1.9\n", "a", "1.10", "a: \"1.10\"\n"),
        ("a: 1.9\n", "a", "v1", "a: v1\n"),
        ("a: v1\r\nb: x\r\n", "a", "v2", "a: v2\r\nb: x\r\n"),
        ("\u{feff}a: v1\nb: x\n", "a", "v2", "\u{feff}a: v2\nb: x\n"),
        // By the letter of YAML the inner lines stand too far left; every reader in use takes them, and so they are kept.
        ("---\nflow: [a,\nb,\nc]\n", "flow[1]", "v2", "---\nflow: [a,\nv2,\nc]\n"),
        ("a: 1\n...\n# c\n---\nb: 1\n...\n", "a", "v2", "a: v2\n...\n# c\n---\nb: 1\n...\n"),
        ("a:\tv1\t# c\n", "a", "v2", "a:\tv2\t# c\n"),
        ("a:\n  v1\nb: 1\n", "a", "v2", "a:\n  v2\nb: 1\n"),
        ("a: one\n  two\nb: 1\n", "a", "v2", "a: v2\nb: 1\n"),
        ("a: \"one\n\n  two\"  # c\nb: 1\n", "a", "v2", "a: \"v2\"  # c\nb: 1\n"),
        ("a:   # todo\nb: 1\n", "a", "v2", "a: v2   # todo\nb: 1\n"),
        ("a:", "a", "v2", "a: v2"),
        ("a: ~\n", "a", "v2", "a: v2\n"),
        ("a:\r\nb: 1\r\n", "a", "v2", "a: v2\r\nb: 1\r\n"),
        ("x: {a: , b: 1}\n", "x.a", "v2", "x: {a: \"v2\" , b: 1}\n"),
        ("x: {a:}\n", "x.a", "v2", "x: {a: \"v2\"}\n"),
        ("- a\n-   # c\n- b\n", "[1]", "v2", "- a\n- v2   # c\n- b\n"),
        ("- - \n  - b\n", "[0][0]", "v2", "- - v2 \n  - b\n"),
        ("[a, b]\n", "[1]", "c", "[a, c]\n"),
        ("{\"a\":1,\"b\":[true]}", "a", "x", "{\"a\":\"x\",\"b\":[true]}"),
        ("{\"a\":1,\"b\":[true]}", "b[0]", "x", "{\"a\":1,\"b\":[\"x\"]}"),
        ("on: x\n8080: y\n", "on", "z", "on: z\n8080: y\n"),
        ("on: x\n8080: y\n", "8080", "z", "on: x\n8080: z\n"),
        ("a.b/c: x\n", "[\"a.b/c\"]", "z", "a.b/c: z\n"),
        ("? a\n: x\n", "a", "z", "? a\n: z\n"),
        ("{a, b: 1}\n", "a", "z", "{a: \"z\", b: 1}\n"),
        ("{? a , b: 1}\n", "a", "z", "{? a: \"z\" , b: 1}\n"),
        ("x:\n  ? a # c\n  # d\n  ? b\n", "x.a", "z", "x:\n  ? a # c\n  : z\n  # d\n  ? b\n"),
        ("? a", "a", "z", "? a\n: z"),
        ("é: 'ü' # ö\n", "[\"é\"]", "ß", "é: 'ß' # ö\n"),
        ("scalar # c\n", ".", "other", "other # c\n"),
        ("args:\n  - --v=1\n", "args[0]", "--v=2", "args:\n  - --v=2\n"),
        ("# only words: tag: v1\ntag: v1 # tag: v1\n", "tag", "v2", "# only words: tag: v1\ntag: v2 # tag: v1\n"),
    ] {
        check(text, path, value, expected);
    }
}

#[test]
fn what_other_editors_damage_is_exact_or_refused() {
    let crlf = "image: # c\r\n  tag: \"v1\"\r\n";
    let marked = "images:\n- name: app # {\"$imagepolicy\": \"flux-system:app:name\"}\n  newTag: v1 # {\"$imagepolicy\": \"flux-system:app:tag\"}\n";
    for (text, path, expected) in [
        (marked, "images[name=app].newTag", marked.replace(": v1", ": v2").as_str()),
        ("image: {tag: v1, repo: foo}\n", "image.tag", "image: {tag: v2, repo: foo}\n"),
        ("images: [{ name: app , newTag: v1 }]\n", "images[0].newTag", "images: [{ name: app , newTag: v2 }]\n"),
        ("a: &t v1\nb: *t\n", "a", "!anchor"),
        ("a: &t v1\nb: *t\n", "b", "!alias"),
        ("tag: >-\n  v1\nb: 1\n", "tag", "!block-scalar"),
        (crlf, "image.tag", crlf.replace("v1", "v2").as_str()),
        ("tag: v1  \nb: 1", "tag", "tag: v2  \nb: 1"),
        ("b:\tv1\n", "b", "b:\tv2\n"),
        ("tag: # todo\n", "tag", "tag: v2 # todo\n"),
        ("tag: v1\ntag: v1\n", "tag", "!duplicate-key"),
        ("image: \"{{ .Values.image }}\"\n", "image", "!template"),
    ] {
        check(text, path, "v2", expected);
    }
    check_in("1", "a: 1\n---\ntag: v1\n", "tag", "v2", "a: 1\n---\ntag: v2\n");
    check("tag: \"1.9\"\n", "tag", "1.10", "tag: \"1.10\"\n");
}

#[test]
fn numbers_and_booleans_are_written_bare() {
    check("a: 1\n", "a", 3_i64, "a: 3\n");
    check("a: \"1\"\n", "a", 3_i64, "a: 3\n");
    check("a: off\n", "a", true, "a: true\n");
    check("a: 0.1\n", "a", Scalar::Float("0.10".into()), "a: 0.10\n");
    check("a: 1\n", "a", u64::MAX, "a: 18446744073709551615\n");
    check("a: 1\n", "a", Scalar::Null, "!not-a-value");
    check("a: 1\n", "a", Scalar::Float("one".into()), "!not-a-value");
    check("a: 3\n", "a", "3", "a: \"3\"\n");
    check("a: 014\n", "a", 14_i64, "a: 14\n");
}

#[test]
fn a_value_that_is_there_already_keeps_its_bytes() {
    check("a: 'v1'\n", "a", "v1", "a: 'v1'\n");
    check("a: \"\\x76\\u0031\"\n", "a", "v1", "a: \"\\x76\\u0031\"\n");
    check("a: True\n", "a", true, "a: True\n");
    check("a: on\n", "a", "on", "a: \"on\"\n");
    check("a: >-\n  v1\n", "a", "v1", "!block-scalar");
}

#[test]
fn text_stays_text_for_every_reader() {
    for value in ["1.10", "on", "y", "0o14", "1:30", "2001-01-01", "null", "~", "=", "<<", "0x1F", "1_000", ".inf", ""]
    {
        check("a: x\n", "a", value, &format!("a: \"{value}\"\n"));
        check("a: 'x'\n", "a", value, &format!("a: '{value}'\n"));
        check("[x, y]", "[0]", value, &format!("[\"{value}\", y]"));
    }
    check("a: 'x'\n", "a", "it's", "a: 'it''s'\n");
    check("a: x\n", "a", "a: b # c", "a: \"a: b # c\"\n");
    check(
        "a: x\n",
        "a",
        "one\ntwo\t\u{7f}\u{85}\u{2028}\u{feff}\u{fffe}😀",
        "a: \"one\\ntwo\\t\\u007f\\u0085\\u2028\\ufeff\\ufffe😀\"\n",
    );
    check("a: x\n", "a", "{{ y }}", "a: \"{{ y }}\"\n");
}

#[test]
fn documents_are_counted_or_named() {
    let text = "---\n---\nkind: Service\nmetadata: {name: app}\nv: 1\n---\nkind: Deployment\nmetadata:\n  name: app\nv: 1\n...\n---\n";
    let expected = text.replace("app\nv: 1", "app\nv: 2");
    check_in("2", text, "v", 2_i64, &expected);
    check_in("Deployment/app", text, "v", 2_i64, &expected);
    check_in("0", text, "v", 2_i64, "!wrong-kind");
    check_in("0", text, ".", "x", "!no-place");
    check_in("4", text, "v", 2_i64, "!document-not-found");
    check_in("Deployment/other", text, "v", 2_i64, "!document-not-found");
    check_in(
        "A/b",
        "kind: A\nmetadata: {name: b}\n---\nkind: A\nmetadata: {name: b}\n",
        "kind",
        "C",
        "!document-ambiguous",
    );
    check_in("A/b", "kind: A\nmetadata: {name: b}\n", "metadata.name", "c", "kind: A\nmetadata: {name: c}\n");
    check("", "a", "x", "!document-not-found");
    check("# nothing\n", "a", "x", "!document-not-found");
}

#[test]
fn items_are_selected_by_the_text_of_a_key() {
    let text = "c:\n- name: app\n  image: a\n- {name: 8080, image: b}\n- just text\n- &n name: on\n";
    check(text, "c[name=app].image", "x", &text.replace("image: a", "image: x"));
    check(text, "c[name=8080].image", "x", &text.replace("image: b", "image: x"));
    check(text, "c[name=no].image", "x", "!not-found");
    check("- name: a\n- name: a\n", "[name=a].name", "x", "!ambiguous");
    check("- name: a\n  name: b\n", "[name=a].name", "x", "!duplicate-key");
    check("- &b {name: a}\n- x\n- {name: *z}\n", "[name=a].name", "x", "!does-not-parse");
    check("- &b {name: a}\n- *b\n", "[name=a].name", "x", "!ambiguous");
    check("b: &b {name: a}\nc:\n- *b\n", "c[name=a].name", "x", "!alias");
    check("n: &n a\nc:\n- name: *n\n  v: 1\n", "c[name=a].v", "x", "n: &n a\nc:\n- name: *n\n  v: x\n");
}

#[test]
fn what_cannot_be_edited_with_certainty_is_refused() {
    for (text, path, expected) in [
        ("a: &x v1\nb: *x\n", "a", "!anchor"),
        ("a: &x v1\nb: *x\n", "b", "!alias"),
        ("a: &x\nb: 1\n", "a", "!anchor"),
        ("a: &x {b: v1}\nc: *x\n", "c.b", "!alias"),
        ("a: &x {b: v1}\nc: *x\n", "a.b", "!shared"),
        ("a: &x {b: v1}\n", "a.b", "a: &x {b: new}\n"),
        ("a: !!str v1\n", "a", "!tag"),
        ("a: ! v1\n", "a", "!tag"),
        ("a: !mine v1\n", "a", "!tag"),
        ("a: |\n  x\nb: 1\n", "a", "!block-scalar"),
        ("a: >-\n  x\n", "a", "!block-scalar"),
        ("a: 1\nb: 2\na: 3\n", "a", "!duplicate-key"),
        ("1: a\n\"1\": b\n", "1", "!duplicate-key"),
        ("x: &k a\n*k : 1\na: 2\n", "a", "!duplicate-key"),
        ("x: &k a\n*k : 1\n", "a", "!alias"),
        ("b: &b {t: 1}\nc:\n  <<: *b\n", "c.t", "!merged"),
        ("b: &b {t: 1}\nc:\n  <<: *b\n  t: 2\n", "c.t", "b: &b {t: 1}\nc:\n  <<: *b\n  t: new\n"),
        ("a: {b: 1}\n", "a", "!wrong-kind"),
        ("a: [1]\n", "a.b", "!wrong-kind"),
        ("a: 1\n", "a.b", "!wrong-kind"),
        ("a: 1\n", "a[0]", "!wrong-kind"),
        ("a:\n", "a.b", "!wrong-kind"),
        ("a: 1\n", "b", "!not-found"),
        ("a: {b: 1}\n", "x.b", "!not-found"),
        ("[1]\n", "[1]", "!not-found"),
        ("a: \"{{ .x }}\"\n", "a", "!template"),
        ("a: {{ .x }}\n", "a", "!template"),
        ("a: {{ .x }}\n", "a.b", "!template"),
        ("a: r:{{ .x }}\n", "a", "!template"),
        ("a: {{ .x }}:{{ .y }}\nb: 1\n", "b", "!template"),
        ("{{ if x }}\na: 1\n{{ end }}\n", "a", "!template"),
        ("a: [1\n", "a", "!does-not-parse"),
        ("a: 1\n\tb: 2\n", "a", "!does-not-parse"),
    ] {
        check(text, path, "new", expected);
    }
}

#[test]
fn other_places_of_the_file_do_not_matter() {
    let rest = "d: 1\nd: 2\ne: &e !t {x: &f [1]}\ng: *e\nh: |\n  {{ x }}\ni: '{{ y }}' # leverframe: locked\n*f : z\n";
    check(&format!("a: v1\n{rest}"), "a", "v2", &format!("a: v2\n{rest}"));
    check(&format!("b: {{a: v1}}\n{rest}"), "b.a", "v2", &format!("b: {{a: v2}}\n{rest}"));
    check(&format!("{rest}a: v1"), "+new", "v2", &format!("{rest}a: v1\nnew: v2"));
    check("a: 1\nb: 1\nb: 2\n", "a", "x", "a: x\nb: 1\nb: 2\n");
}

#[test]
fn a_locked_line_is_left_alone() {
    for (text, path, expected) in [
        ("a: v1 # leverframe: locked\nb: 1\n", "a", "!locked"),
        ("a: v1 # leverframe: locked\nb: 1\n", "b", "a: v1 # leverframe: locked\nb: new\n"),
        ("a: v1 # see runbook; leverframe:locked by dba\n", "a", "!locked"),
        ("a: v1 # leverframe: unlocked\n", "a", "a: new # leverframe: unlocked\n"),
        ("a: '# leverframe: locked'\n", "a", "a: 'new'\n"),
        ("a: # leverframe: locked\n  v1\n", "a", "!locked"),
        ("a: # leverframe: locked\n  b: v1\n", "a.b", "!locked"),
        ("a: # leverframe: locked\n  b: v1\n", "+a.c", "!locked"),
        ("a: {b: v1, c: 1} # leverframe: locked\n", "a.b", "!locked"),
        ("a: {b: v1, c: 1} # leverframe: locked\n", "+a.d", "!locked"),
        (
            "- name: app # leverframe: locked\n  image: x\n",
            "[0].image",
            "- name: app # leverframe: locked\n  image: new\n",
        ),
        ("# leverframe: locked\na: v1\n", "a", "!locked"),
        ("a: v1\n\n  # leverframe: locked, ask the dba\n# why\n\nb: x\n", "b", "!locked"),
        ("a: v1\n# leverframe: locked\nb: x\n", "a", "a: new\n# leverframe: locked\nb: x\n"),
        ("a: v1\n# leverframe: locked\n", "a", "a: new\n# leverframe: locked\n"),
        ("a: v1\u{2028}# c\n", "a", "!no-place"),
    ] {
        check(text, path, "new", expected);
    }
}

#[test]
fn a_missing_last_key_is_added_like_its_neighbours() {
    for (text, path, expected) in [
        ("a: 1\n", "+b", "a: 1\nb: new\n"),
        ("a: 1", "+b", "a: 1\nb: new"),
        ("a: 1\r\n", "+b", "a: 1\r\nb: new\r\n"),
        ("a: 1\r\nb: 2", "+c", "a: 1\r\nb: 2\r\nc: new"),
        ("x:\n  a: 1 # c\n  # d\ny: 1\n", "+x.b", "x:\n  a: 1 # c\n  b: new\n  # d\ny: 1\n"),
        ("- name: app\n  tag: v1\n- z\n", "+[name=app].digest", "- name: app\n  tag: v1\n  digest: new\n- z\n"),
        ("- - a: 1\n", "+[0][0].b", "- - a: 1\n    b: new\n"),
        ("x:\n    a: 'q'\n", "+x.b", "x:\n    a: 'q'\n    b: 'new'\n"),
        ("x:\n  \"a\": \"q\"\n  \"n\": 1\n", "+x.b", "x:\n  \"a\": \"q\"\n  \"n\": 1\n  \"b\": \"new\"\n"),
        ("x:\n  a: |\n    t\n\n\ny: 1\n", "+x.b", "x:\n  a: |\n    t\n  b: new\n\n\ny: 1\n"),
        ("x:\n  a: |+\n    t\n\n", "+x.b", "x:\n  a: |+\n    t\n\n  b: new\n"),
        ("x:\n  a: |+\n    t\n\ny: 1\n", "+x.b", "x:\n  a: |+\n    t\n\n  b: new\ny: 1\n"),
        ("x:\n  a:\n", "+x.b", "x:\n  a:\n  b: new\n"),
        ("x:\n  a:\n  - 1\ny: 1\n", "+x.b", "x:\n  a:\n  - 1\n  b: new\ny: 1\n"),
        ("x: {a: 1}\n", "+x.b", "x: {a: 1, b: new}\n"),
        ("x: { a: 1 }\n", "+x.b", "x: { a: 1, b: new }\n"),
        ("x: {}\n", "+x.b", "x: {b: new}\n"),
        ("{\"a\":1,\"c\":\"x\"}", "+b", "{\"a\":1,\"c\":\"x\",\"b\":\"new\"}"),
        ("{\n  \"a\": 1,\n  \"c\": 2\n}\n", "+b", "{\n  \"a\": 1,\n  \"c\": 2,\n  \"b\": \"new\"\n}\n"),
        ("{\n  a: 1,\n  c: 2,\n}\n", "+b", "{\n  a: 1,\n  c: 2,\n  b: new,\n}\n"),
        ("a: 1\n---\nb: 1\n", "+c", "a: 1\nc: new\n---\nb: 1\n"),
        ("a: 1\n...\n", "+c", "a: 1\nc: new\n...\n"),
        ("\u{feff}a: 1\n", "+c", "\u{feff}a: 1\nc: new\n"),
        ("a: 1\n", "+on", "a: 1\n\"on\": new\n"),
        ("a: 1\n", "+[\"k: x\"]", "a: 1\n\"k: x\": new\n"),
        ("? a\n: 1\n", "+b", "? a\n: 1\nb: new\n"),
        ("&k a: 1\n", "+b", "&k a: 1\nb: new\n"),
        ("b: &b {t: 1}\nc:\n  <<: *b\n", "+c.x", "!merged"),
        ("b: &b {t: 1}\nc: *b\n", "+b.x", "!shared"),
        ("a:\n", "+a.b", "!wrong-kind"),
        ("a: {b: {}}\n", "+a.x.y", "!not-found"),
        ("- 1\n", "+[1]", "!not-found"),
        ("a: one\n  two # c\n", "+b", "a: one\n  two # c\nb: new\n"),
    ] {
        check(text, path, "new", expected);
    }
}

#[test]
fn several_assignments_land_in_one_edit() {
    let text = "image:\n  tag: v1\n  repo:\nreplicas: 1\n";
    let to =
        |path: &str, value: Scalar| Assignment::new(Document::default(), Path::parse(path).unwrap(), value).adding();
    let edited = set(
        text,
        &[
            to("replicas", 3_i64.into()),
            to("new", "x".into()),
            to("image.digest", "d".into()),
            to("image.repo", "r".into()),
            to("image.pull", "p".into()),
            to("image.tag", "v1".into()),
        ],
    )
    .unwrap();
    assert_eq!(edited.text, "image:\n  tag: v1\n  repo: r\n  digest: d\n  pull: p\nreplicas: 3\nnew: x\n");
    let old: Vec<_> = edited.spans.iter().map(|span| span.old.clone()).collect();
    assert_eq!(old, [Some(1_i64.into()), None, None, Some(Scalar::Null), None, Some("v1".into())]);
    assert_eq!(edited.text.get(edited.spans[5].after.clone()), Some("v1"));
    assert_eq!(edited.spans[0].line, 4);
    let twice = set(text, &[to("replicas", 3_i64.into()), to("[\"replicas\"]", 4_i64.into())]);
    assert_eq!(twice.unwrap_err().word(), "set-twice");
    assert_eq!(set(text, &[to("x", "1".into()), to("x", "2".into())]).unwrap_err().word(), "set-twice");
    assert_eq!(set(text, &[]).unwrap().text, text);
}

#[test]
fn values_are_read_by_type() {
    let text = "a: 1.10\nb: '1.10'\nc: |\n  x\nd: &d 3\ne: !!str 3\nf:\ng: *d\nh: !x 1\ni: [1]\nj: on\nk: !!str\n";
    let at = |path: &str| read(text, &Document::default(), &Path::parse(path).unwrap());
    assert_eq!(at("a"), Ok(Some(Scalar::Float("1.10".into()))));
    assert_eq!(at("b"), Ok(Some("1.10".into())));
    assert_eq!(at("c"), Ok(Some("x\n".into())));
    assert_eq!(at("d"), Ok(Some(3_i64.into())));
    assert_eq!(at("e"), Ok(Some("3".into())));
    assert_eq!(at("f"), Ok(Some(Scalar::Null)));
    assert_eq!(at("g").unwrap_err().word(), "alias");
    assert_eq!(at("h").unwrap_err().word(), "tag");
    assert_eq!(at("i").unwrap_err().word(), "wrong-kind");
    assert_eq!(at("j"), Ok(Some("on".into())));
    assert_eq!(at("k"), Ok(Some("".into())));
    assert_eq!(at("z"), Ok(None));
    assert_eq!(at("z.y").unwrap_err().word(), "not-found");
    assert_eq!(at("i[4]").unwrap_err().word(), "not-found");
}

#[test]
fn refusals_say_where_what_and_what_to_do() {
    let text = "spec:\n  containers:\n  - name: app\n  - name: web\n  - name: web\na: 1\nb: 2\nc: 3\nd: 4\ne: 5\n";
    for (path, expected) in [
        ("sepc.x", "line 1: the document has no `sepc`; there is `spec`, `a`, `b`, `c`, `d`"),
        ("spec.x", "line 2: `spec` has no `x`; there is `containers`"),
        (
            "spec.containers[name=x].image",
            "line 3: `spec.containers` has no `[name=x]`; there is `[name=app]`, `[name=web]`, `[name=web]`",
        ),
        ("spec.containers[name=web].image", "2 items of `spec.containers` fit `[name=web]`, on lines 4, 5"),
        ("spec.containers", "line 3: `spec.containers` is a list, not a single value"),
        ("a.b", "line 6: `a` is a single value, not a mapping"),
    ] {
        let refusal = edit(text, "0", path, "x".into()).unwrap_err();
        assert_eq!(refusal.to_string(), expected);
        assert!(refusal.remedy().ends_with('.'));
    }
    let refusal = edit("a: 1\nb: [1\n", "0", "a", "x".into()).unwrap_err();
    assert!(matches!(&refusal, Refusal::DoesNotParse { line, .. } if *line >= 2), "{refusal}");
}
