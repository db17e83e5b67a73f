//! Held against other people's libraries for the platforms: discord.py reads what we register and send, and a Bolt app
//! believes the same requests as we do. They are run where PEER_CLIENTS names an environment that has them; where it does
//! not, that is said.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use leverframe::{
    chat::{
        discord::{self, register},
        form::Form,
        slack::verify::verify,
    },
    clock,
    core::{
        command::{Begun, Commands},
        names::{CommandName, RequestId},
    },
    play::slack::signature,
    secret::Secret,
};
use serde_json::{Value, json};

use crate::{
    contract::{variable, words},
    discord_cards,
};

/// A Python that has a module; `None`, said, where there is none.
fn python(module: &str) -> Option<PathBuf> {
    let python = variable("PEER_CLIENTS").map(|folder| folder.join("venv/bin/python")).filter(|python| python.exists());
    let has = |python: &PathBuf| {
        let looked = Command::new(python).args(["-c", &format!("import {module}")]).output().unwrap();
        looked.status.success()
    };
    let found = python.filter(has);
    if found.is_none() {
        println!("NOT CHECKED: no Python with the module {module} in PEER_CLIENTS");
    }
    found
}

fn run(python: &Path, script: &str, argument: Option<&str>, lines: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
    let mut command = Command::new(python);
    command.arg(script).args(argument).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut input, lines) = (child.stdin.take().unwrap(), lines.to_owned());
    // What is written and what is read do not wait for each other.
    let writes = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writes.join().unwrap();
    output
}

#[test]
fn discord_py_reads_every_command_card_and_form_without_losing_anything() {
    let Some(python) = python("discord") else { return };
    let mut lines = String::new();
    let mut add = |kind: &str, name: &str, data: &Value| {
        writeln!(lines, "{}", json!({"kind": kind, "name": name, "data": data})).unwrap();
    };
    let commands = Commands::builtin().unwrap();
    for command in register::commands(&commands, &CommandName::parse("lf").unwrap()) {
        add("command", command["name"].as_str().unwrap(), &command);
    }
    for (name, message) in discord_cards::messages() {
        add("message", name, &message);
    }
    let forms = commands.iter().filter(|definition| !definition.options.is_empty()).map(|definition| {
        Form::of_command(&Begun {
            definition: definition.clone(),
            given: [("service".into(), "cart".into())].into(),
            confirm: None,
        })
    });
    let id = RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap();
    let incidents = [(id.clone(), "sev1 cart: slow".to_owned()), (id.clone(), "sev2: all".to_owned())];
    for form in forms.chain([Form::of_rejection(&id, "0123456789ab"), Form::of_note(&incidents[..1], None)]) {
        let modal = discord::form::modal(&form, |_| vec!["cart".to_owned(), "checkout".to_owned()]).unwrap();
        add("modal", &form.title, &modal["data"]);
    }
    let judged = run(&python, "discord_parse.py", None, &lines);
    assert!(judged.status.success(), "{}", words(&judged));
    assert!(words(&judged).contains(&format!("{} read", lines.lines().count())), "{}", words(&judged));
    // What is no component is told from what is one.
    let odd = json!({"kind": "modal", "data": {"components": [{"type": 18, "label": "a", "component": {"type": 77}}]}});
    assert!(!run(&python, "discord_parse.py", None, &odd.to_string()).status.success());
}

/// What claims to be Slack's: how it was made, its headers, and its body as it arrives.
type Claim = (&'static str, Vec<(&'static str, String)>, String);

fn requests(secret: &Secret, now: Timestamp) -> Vec<Claim> {
    let body = "token=x&team_id=T0ACME&channel_id=C1&user_id=U1&command=%2Flf&text=status&trigger_id=1.2.x";
    let signed = |away: i64, secret: &Secret| {
        let at = now.saturating_add(SignedDuration::from_secs(away)).unwrap().as_second().to_string();
        signature::headers(secret, &at, body)
    };
    let without = |name: &str| signed(0, secret).into_iter().filter(|(header, _)| *header != name).collect();
    let with = |name: &'static str, value: &str| {
        let mut headers: Vec<_> = without(name);
        headers.push((name, value.to_owned()));
        headers
    };
    let other = Secret::new("another secret".to_owned());
    vec![
        ("good", signed(0, secret), body.to_owned()),
        ("a little late", signed(-200, secret), body.to_owned()),
        ("a little early", signed(200, secret), body.to_owned()),
        ("stale", signed(-400, secret), body.to_owned()),
        ("from the future", signed(400, secret), body.to_owned()),
        ("tampered", signed(0, secret), body.replace("status", "deploy")),
        ("longer", signed(0, secret), format!("{body}&text=deploy")),
        ("another secret", signed(0, &other), body.to_owned()),
        ("no signature", without("x-slack-signature"), body.to_owned()),
        ("no time", without("x-slack-request-timestamp"), body.to_owned()),
        ("an empty signature", with("x-slack-signature", ""), body.to_owned()),
        ("another version", with("x-slack-signature", "v1=00"), body.to_owned()),
        ("another time", with("x-slack-request-timestamp", &(now.as_second() + 1).to_string()), body.to_owned()),
    ]
}

#[test]
fn a_bolt_app_believes_the_same_requests() {
    let Some(python) = python("slack_bolt") else { return };
    let (secret, now) = (Secret::new("8f742231b10e8888abcd99yyyzzz85a5".to_owned()), clock::now());
    let all = requests(&secret, now);
    let line = |(_, headers, body): &Claim| {
        let headers: serde_json::Map<String, Value> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        format!("{}\n", json!({"headers": headers, "body": body}))
    };
    let lines: String = all.iter().map(line).collect();
    let judged = run(&python, "bolt_signed.py", Some(secret.reveal()), &lines);
    let theirs: Vec<String> = String::from_utf8_lossy(&judged.stdout).lines().map(str::to_owned).collect();
    assert_eq!(theirs.len(), all.len(), "{}", words(&judged));
    let mut told = Vec::new();
    for ((name, headers, body), status) in all.into_iter().zip(theirs) {
        let headers: HeaderMap = headers
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(value).unwrap()))
            .collect();
        let ours = verify(&secret, &headers, Bytes::from(body), now).is_ok();
        assert_eq!(ours, status == "200", "{name}: Bolt answers {status}");
        told.push((name, ours));
    }
    let believed: Vec<&str> = told.into_iter().filter(|(_, ours)| *ours).map(|(name, _)| name).collect();
    assert_eq!(believed, ["good", "a little late", "a little early"]);
}
