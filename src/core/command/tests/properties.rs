//! Properties: the canonical form means the same command, and no text makes the parser fall over.

use proptest::{collection::vec, prelude::*, sample::select};

use super::table::{COMMANDS, VOCABULARY};
use crate::core::{
    command::{Command, Invoked, ParseRefusal, from_options, parse},
    names::CommandName,
};

fn reads(text: &str) -> Result<Command, ParseRefusal> {
    parse(&COMMANDS, &VOCABULARY, Invoked::Under("/lf"), text)
}

/// Values that are easily taken for something else.
fn tag() -> impl Strategy<Value = String> {
    let awkward =
        ["to", "on", "3", "10", "1.10", "because", "checkout", "prod-eu", "twin", "prod", "version", "yes", "4h"];
    prop_oneof![select(awkward.to_vec()).prop_map(str::to_owned), "[A-Za-z0-9_][A-Za-z0-9._-]{0,20}"]
}

fn text() -> impl Strategy<Value = String> {
    let awkward = ["\"", "\\", "“", "’", "a=b", "replicas=3", "--", "because", "to", "reason", "x\\", "`", "=", "é"];
    let words = vec(prop_oneof![select(awkward.to_vec()).prop_map(str::to_owned), "\\PC{0,12}"], 0..8);
    words.prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn the_canonical_form_is_read_as_the_same_command(
        service in select(vec!["checkout", "on", "twin", "double", "api"]),
        environment in select(vec!["prod-eu", "twin", "double", "staging"]),
        version in tag(),
        replicas in proptest::option::of(0..10_000_i32),
        reason in text(),
    ) {
        let replicas = replicas.map(|number| number.to_string()).unwrap_or_default();
        let values =
            [("service", service), ("environment", environment), ("version", &version), ("replicas", &replicas), ("reason", &reason)];
        let name = CommandName::parse("deploy").unwrap();
        if let Ok(command) = from_options(&COMMANDS, &VOCABULARY, &name, &values) {
            prop_assert_eq!(&reads(command.to_text()).unwrap(), &command);
            prop_assert!(!command.to_text().contains('\n'));
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = reads(&text);
        for name in ["deploy", "status", "every"] {
            let _ = parse(&COMMANDS, &VOCABULARY, Invoked::Bare(name), &text);
        }
    }

    #[test]
    fn words_in_any_order_are_one_command_or_a_refusal_with_a_remedy(
        name in select(vec!["deploy", "rollback", "scale", "status", "help", "every"]),
        words in vec(select(vec![
            "checkout", "on", "twin", "double", "prod-eu", "staging", "prod", "v1.2.5", "3", "-1", "latest", "to", "in",
            "because", "--", "replicas", "reason", "version", "replicas=3", "reason=\"a b\"", "\"a b\"", "'x'", "“y”",
            "alice", "bo", "4h", "large", "yes", "fix", "login", "service=web", "x=1", "--force", "=", "\"", ":latest",
        ]), 0..9),
    ) {
        match reads(&format!("{name} {}", words.join(" "))) {
            Ok(command) => {
                prop_assert_eq!(&reads(command.to_text()).unwrap(), &command);
                // What only a value shows, as a field that is none, is refused with a remedy of its own.
                let asked = command.change().map_err(|refusal| refusal.remedy());
                prop_assert!(asked.is_ok() || command.flow().is_some() || asked.is_err_and(|remedy| remedy.ends_with('.')));
            }
            Err(refusal) => prop_assert!(refusal.remedy().ends_with(['.', '?']), "{}", refusal.answer()),
        }
    }
}
