//! Values keep their places, whatever YAML they are written in.

use super::*;

/// Every value that holds no others, as `line:column key=value`.
fn leaves(text: &str) -> Vec<String> {
    fn walk(node: &Node, leaves: &mut Vec<String>) {
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| walk(item, leaves)),
            Value::Map(entries) => entries.iter().for_each(|(_, item)| walk(item, leaves)),
            Value::Nothing | Value::Flag(_) | Value::Number(_) | Value::Text(..) | Value::Reported => {
                leaves.push(format!("{}:{} {}={}", node.place.line, node.place.column, node.key, node.found()));
            }
        }
    }
    let mut all = Vec::new();
    walk(&parse(text).unwrap(), &mut all);
    all
}

#[test]
fn places_are_lines_and_characters_from_one() {
    let text =
        "# first\r\nä: { ö: [1, \"x\"],  b: yes }\r\nc:\r\n  - true\r\n  - d: >-\r\n      two\r\n      words\r\ne:\r\n";
    let expected = [
        "2:10 ä.ö[0]=the number `1`",
        "2:13 ä.ö[1]=`x`",
        "2:23 ä.b=`yes`",
        "4:5 c[0]=`true`",
        "6:7 c[1].d=`two words`",
    ];
    assert_eq!(leaves(text)[..5], expected);
    assert!(leaves(text)[5].ends_with(" e=nothing"));
}

#[test]
fn below_an_alias_everything_stands_where_the_alias_does() {
    let text = "a: &x { b: 1, c: [2] }\nd: *x\n\"f.g\": 3\n";
    let expected = [
        "1:12 a.b=the number `1`",
        "1:19 a.c[0]=the number `2`",
        "2:4 d.b=the number `1`",
        "2:4 d.c[0]=the number `2`",
        "3:8 [\"f.g\"]=the number `3`",
    ];
    assert_eq!(leaves(text), expected);
}

#[test]
fn an_empty_file_is_nothing() {
    for text in ["", "# only a comment\n", "---\n", "\u{feff}"] {
        assert_eq!(parse(text).unwrap().value, Value::Nothing, "{text:?}");
    }
}

#[test]
fn what_is_no_plain_yaml_is_refused_where_it_stands() {
    let deep = "[".repeat(100) + &"]".repeat(100);
    let bombs = format!(
        "a: &a [x]\n{}",
        (0..30)
            .map(|n| format!("b{n}: &b{n} [*{0}, *{0}]\n", if n == 0 { "a".into() } else { format!("b{}", n - 1) }))
            .collect::<String>()
    );
    let cases = [
        ("a: 1\nb: {\n", "what is not YAML"),
        (
            "a: 1\nb: 2\na: 3\n",
            "3:1: `a`: found a key that already stands on line 1, expected each key once. Keep one of the two.",
        ),
        (
            "a: b\n---\nc: d\n",
            "2:1: found a second YAML document, expected one. Remove the `---` line, or what follows it.",
        ),
        ("a: !x y\n", "1:7: `a`: found the tag `!x`, expected a value without a tag. Remove the tag."),
        (
            "a:\n  8: x\n",
            "2:3: `a`: found the key `8`, which YAML takes for another type, expected a key that is text. Put the key in quotes: `\"8\"`.",
        ),
        ("? [a]\n: b\n", "found what is not YAML (a key that is no plain text)"),
        (
            "a: *b\n",
            "1:4: found what is not YAML (while parsing node, found unknown anchor), expected YAML. Correct the YAML there, or on the line before it.",
        ),
        (&deep, "values nested deeper than 64"),
        (&bombs, "repetition limit exceeded"),
    ];
    for (text, expected) in cases {
        let said = Problems::new("f", parse(text).unwrap_err()).to_string();
        assert!(said.contains(expected), "{text}\n{said}");
    }
}

#[test]
fn near_words_are_suggested_and_far_ones_are_not() {
    let words = ["transport", "team", "bot_token"];
    for (found, near) in [
        ("trasport", Some("transport")),
        ("Team", Some("team")),
        ("bottoken", Some("bot_token")),
        ("colour", None),
        ("", None),
    ] {
        assert_eq!(nearest(found, words), near, "{found}");
    }
    assert_eq!(either(words), "`transport`, `team` or `bot_token`");
}

#[test]
fn long_and_strange_text_is_shown_cut_and_escaped() {
    let node = parse(&format!("\"\\e[31m{}\"", "ü".repeat(200))).unwrap();
    let shown = node.found();
    assert!(shown.starts_with("`\\u{1b}[31mü") && shown.ends_with("ü...`") && shown.chars().count() < 100, "{shown}");
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "([a-c]|[ \n:,-]|[\\[\\]{}&*!|>'\"#?%@~]|: |- |\n  |\u{e9}){0,60}") {
        let _ = parse(&text);
        let _ = crate::core::catalog::Catalog::parse(&text, "catalog.yaml");
    }
}
