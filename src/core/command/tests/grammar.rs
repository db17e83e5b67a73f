//! The grammar beyond the built-in commands: every type, and characters that a table cannot show.

use super::table::{COMMANDS, VOCABULARY, check, says};
use crate::core::command::{Commands, LONGEST, from_options};
use crate::core::names::CommandName;

#[test]
fn options_of_one_type_take_words_in_declared_order_and_others_in_any() {
    check(
        r#"
/every alice
  => every alice count=2
/every alice bo
  => every alice second=bo count=2
/every bo alice
  => every bo second=alice count=2
/every 3d @Alice LARGE
  => every alice for=3d size=large count=2
/every alice 120m
  => every alice for=2h count=2
/every alice size="very large" quick=on count=-5
  => every alice size="very large" quick=yes count=-5
/every alice yes 4
  => every alice quick=yes count=4
/every alice no
  => every alice quick=no count=2
/every alice note=one reason=two
  => every alice count=2 note=one reason=two
/every alice because one=two and so on
  => every alice count=2 reason="one=two and so on"
/every alice reason=two and the note
  => every alice count=2 note="and the note" reason=two
/every alice digest=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  => every alice digest=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef count=2
"#,
    );
}

#[test]
fn values_of_the_wrong_type_are_refused_with_a_remedy() {
    check(
        r#"
/every alicia
  There is nobody called `alicia` in the catalog. Did you mean `alice`?
/every bo for=ever
  `for` is a length of time, and `ever` is none. Write `for=30m`, `4h` or `3d`.
/every bo size=huge
  `huge` is not one of the values of `size`. Choose `small`, `large` or `very large`.
/every bo quick=maybe
  `quick` is yes or no, and `maybe` is neither. Write `quick=yes` or `quick=no`.
/every bo digest=sha256:12
  `sha256:12` is not an image digest: `sha256:` and 64 hexadecimal digits. Copy it whole: `digest=sha256:...`.
/every bo count=6
  `count` cannot be 6. Give `count` a number from -5 to 5.
/every bo 6
  `count` cannot be 6. Give `count` a number from -5 to 5.
/every
  `every` needs `first`. Write `/every <first> [second] [digest=sha256:...] [for=4h] [size=small|large|very large] [quick=yes] [count=N] [note=...] [reason=...]`.
/every alice bo alice
  `alice` is one `first` too many. Send one command for each; if it begins a text, write `reason="..."`.
"#,
    );
}

#[test]
fn what_cannot_be_seen_is_dropped_or_refused() {
    let canonical = |line: &str| says(line).map(|command| command.to_text().to_owned());
    assert_eq!(
        canonical("/deploy \u{feff}check\u{200b}out\u{a0}prod-eu\tv1 \n").unwrap(),
        "deploy checkout prod-eu v1"
    );
    assert_eq!(
        canonical("/deploy checkout prod-eu v1 reason=\"a\n  b\"").unwrap(),
        "deploy checkout prod-eu v1 reason=\"a b\""
    );
    for hidden in ["\u{202e}", "\u{2066}", "\u{0}", "\u{1b}"] {
        let answer = says(&format!("/deploy checkout prod-eu v1 {hidden}x")).unwrap_err().answer();
        assert!(answer.starts_with("There is an invisible character in it (U+"), "{answer}");
        assert!(answer.ends_with("Type the command by hand instead of pasting it."), "{answer}");
    }
}

#[test]
fn absurd_lengths_are_bounded() {
    let reason = |length: usize| format!("/deploy checkout prod-eu v1 reason={}", "ü".repeat(length));
    assert!(says(&reason(1_900)).is_ok());
    assert_eq!(
        says(&reason(LONGEST)).unwrap_err().answer(),
        "That is longer than 2000 characters. Keep it under 2000 characters; long texts belong into a link."
    );
    for word in ["to", "a", "v1", "3", "version", "checkout", "\"x\"", "because", "reason"] {
        let _ = says(&format!("/deploy checkout prod-eu {}", format!("{word} ").repeat(400)));
        let _ = says(&format!("/every {}", format!("{word} ").repeat(400)));
    }
    let answer = says(&format!("/deploy {} prod-eu v1", "x".repeat(500))).unwrap_err().answer();
    assert!(answer.len() < 200, "{answer}");
}

#[test]
fn help_for_a_service_called_help_is_the_service() {
    let mut vocabulary = VOCABULARY.clone();
    vocabulary.services.insert(crate::core::names::Service::parse("help").unwrap());
    let commands = Commands::builtin().unwrap();
    let invoked = crate::core::command::Invoked::Bare("status");
    let command = crate::core::command::parse(&commands, &vocabulary, invoked, "help").unwrap();
    assert_eq!(command.to_text(), "status service=help");
}

#[test]
fn options_of_a_form_are_checked_like_typed_ones_and_empty_ones_are_left_out() {
    let name = CommandName::parse("deploy").unwrap();
    let form = |options: &[(&str, &str)]| {
        from_options(&COMMANDS, &VOCABULARY, &name, options)
            .map(|command| command.to_text().to_owned())
            .map_err(|refusal| refusal.answer())
    };
    let given =
        [("environment", "prod-eu"), ("service", "on"), ("version", " v1 "), ("replicas", ""), ("reason", "a \"b\"")];
    assert_eq!(form(&given).unwrap(), r#"deploy service=on environment=prod-eu version=v1 reason="a \"b\"""#);
    assert_eq!(
        form(&[("service", "web"), ("environment", "prod-eu"), ("version", ":latest")]).unwrap_err(),
        "`:latest` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128. Give the tag alone, for example `version=latest`."
    );
    assert_eq!(form(&[("colour", "red")]).unwrap_err().split('.').next(), Some("`deploy` has no option `colour`"));
}
