//! The one check of the tables: a line that is typed, and below it what comes of it.

use std::sync::LazyLock;

use crate::core::{
    command::{Command, Commands, Definition, Invoked, ParseRefusal, Vocabulary, parse},
    names::{Environment, PersonId, Service},
};

/// A small company. `twin` and `double` are services and environments, `on` is a service with an unlucky name.
pub(super) static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let services = ["checkout", "checkout-api", "api", "web", "payments", "ledger-api", "on", "twin", "double"];
    let environments = ["staging", "prod-eu", "prod-us", "twin", "double"];
    let environment = |name: &str| Environment::parse(name).unwrap();
    Vocabulary {
        services: services.iter().map(|name| Service::parse(name).unwrap()).collect(),
        environments: environments.iter().map(|name| environment(name)).collect(),
        groups: [(environment("prod"), vec![environment("prod-eu"), environment("prod-us")])].into(),
        people: ["alice", "bo"].iter().map(|name| PersonId::parse(name).unwrap()).collect(),
    }
});

/// The built-in commands, and one with an option of every type.
pub(super) static COMMANDS: LazyLock<Commands> = LazyLock::new(|| {
    let every = "
name: every
summary: Has an option of every type
options:
  first: { type: person, required: true }
  second: { type: person }
  digest: { type: image_digest }
  for: { type: duration }
  size: { type: choice, choices: [small, large, very large] }
  quick: { type: boolean }
  count: { type: integer, min: -5, max: 5, default: 2 }
  note: { type: text }
  reason: { type: text }
flow: help
";
    Commands::builtin().unwrap().with([Definition::parse(every, "every.yaml").unwrap()])
});

/// Parses a line as it stands in a chat: `/deploy ...` or `/lf deploy ...`.
pub(super) fn says(line: &str) -> Result<Command, ParseRefusal> {
    let (called, text) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let invoked = if called == "/lf" { Invoked::Under(called) } else { Invoked::Bare(called) };
    parse(&COMMANDS, &VOCABULARY, invoked, text)
}

/// Checks pairs of lines: what is typed, and below it, indented, `=> canonical form` or the answer.
pub(super) fn check(table: &str) {
    let lines: Vec<&str> = table.lines().filter(|line| !line.is_empty()).collect();
    for pair in lines.chunks(2) {
        let [typed, expected] = pair else { panic!("{pair:?} is no pair") };
        let found = match says(typed) {
            Ok(command) => format!("=> {}", command.to_text()),
            Err(refusal) => refusal.answer(),
        };
        assert_eq!(found, expected.trim(), "{typed}");
    }
}
