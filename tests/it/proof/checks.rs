//! What must hold for any bytes at all: one function for each fuzz target, called by `fuzz/` with what it makes up and
//! by `cargo test` with the kept inputs and seeded mutations of them. A function that returns is content. Those of
//! edits are in `edits.rs`.

use std::path::Path as FilePath;

use leverframe::{
    chat::slack,
    config::{Config, Exposed, Resolved},
    core::{
        catalog::Catalog,
        command::{self, Commands, Definition, Invoked, Vocabulary},
        located,
    },
    secret::Secret,
};

use super::edits::{edit, operations};

/// A target: its name, which is that of its folder in `fuzz/corpus`, and its check.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Every target.
pub(crate) const TARGETS: [Target; 5] =
    [("edit", edit), ("operations", operations), ("command", command), ("catalog", catalog), ("slack", slack)];

/// The most text that a file of ours is tried with.
const LONGEST: usize = 16_384;

/// What somebody types, as `/deploy ...` and as `/lf deploy ...`: a command, or a refusal that says what to do.
fn command(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let commands = Commands::builtin().expect("the built-in commands load");
    let vocabulary = vocabulary();
    for invoked in [Invoked::Under("/lf"), Invoked::Under(""), Invoked::Bare("deploy"), Invoked::Bare("/scale")] {
        match command::parse(&commands, &vocabulary, invoked, &text) {
            Ok(command) => {
                // What it is called in a ledger is what would be typed for it again.
                let again = command::parse(&commands, &vocabulary, Invoked::Under(""), command.to_text());
                assert_eq!(again.as_ref().map(|again| again.to_text()), Ok(command.to_text()));
            }
            Err(refusal) => assert!(!refusal.answer().is_empty() && !refusal.remedy().is_empty()),
        }
    }
}

fn vocabulary() -> Vocabulary {
    Vocabulary {
        services: ["checkout", "cart", "payments-api"].map(|name| name.parse().expect("a service")).into(),
        environments: ["staging", "prod-eu", "prod-us"].map(|name| name.parse().expect("an environment")).into(),
        groups: [("prod".parse().expect("a group"), vec!["prod-eu".parse().expect("an environment")])].into(),
        people: ["ana", "bo"].map(|name| name.parse().expect("a person")).into(),
    }
}

/// A file of ours, taken for each of the kinds that there are: read, or refused with line and remedy.
fn catalog(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.len() > LONGEST {
        return;
    }
    let value = |_: &_| Ok(Resolved { text: "a-value".to_owned(), exposed: Exposed::No });
    let file = FilePath::new("leverframe.yaml");
    let said = [
        located::parse(&text).err().map(|problems| problems.iter().map(ToString::to_string).collect()),
        Catalog::parse(&text, "catalog.yaml").err().map(|wrong| wrong.to_string()),
        Definition::parse(&text, "commands/x.yaml").err().map(|wrong| wrong.to_string()),
        Config::parse(&text, file, &value).err().map(|wrong| wrong.to_string()),
    ];
    for words in said.into_iter().flatten() {
        assert!(!words.trim().is_empty(), "refused without a word");
    }
}

/// A body that says it is Slack's: the first line is its signature, the second its time. It is believed only if it
/// was signed, and what was signed is a command, a click or a refusal.
fn slack(data: &[u8]) {
    let input = String::from_utf8_lossy(data);
    let mut lines = input.splitn(3, '\n');
    let (Some(signature), Some(time), Some(body)) = (lines.next(), lines.next(), lines.next()) else { return };
    let (secret, now) = (Secret::new("8f742231b10e8888abcd99yyyzzz85a5"), jiff::Timestamp::UNIX_EPOCH);
    let verified = |signature: &str, time: &str| {
        let mut headers = http::HeaderMap::new();
        headers.insert(slack::verify::SIGNATURE, signature.parse().ok()?);
        headers.insert(slack::verify::TIMESTAMP, time.parse().ok()?);
        slack::verify::verify(&secret, &headers, body.to_owned().into(), now).ok()
    };
    assert!(verified(signature, time).is_none(), "believed without a signature");
    let right = leverframe::play::slack::signature::sign(&secret, "7", body);
    let body = verified(&right, "7").expect("a body that is signed is believed");
    let refused = [
        slack::incoming::command(&body).err().map(|refusal| refusal.remedy()),
        slack::incoming::interaction(&body).err().map(|refusal| refusal.remedy()),
    ];
    assert!(refused.iter().flatten().all(|remedy| !remedy.is_empty()));
}
