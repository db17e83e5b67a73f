//! Signatures and bodies.

use std::{fs, path::Path};

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    client::MessageRef,
    contracts,
    incoming::{Click, Interaction, NotUnderstood, Place, SlashCommand, as_typed, command, interaction},
    verify::{BadSignature, SIGNATURE, TIMESTAMP, Verified, verify},
};
use crate::{core::names::hex, secret::Secret};

const NOW: i64 = 1_795_000_000;

fn headers(time: &str, signature: &str) -> HeaderMap {
    let pairs = [(TIMESTAMP, time), (SIGNATURE, signature)];
    pairs.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn sign(secret: &str, time: &str, body: &[u8]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let message = [b"v0:", time.as_bytes(), b":", body].concat();
    format!("v0={}", hex(ring::hmac::sign(&key, &message).as_ref()))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A body as if Slack had signed it.
pub(super) fn verified(body: impl Into<Bytes>) -> Verified<Bytes> {
    let (body, time) = (body.into(), NOW.to_string());
    let signature = sign("s3cret", &time, &body);
    verify(&Secret::new("s3cret"), &headers(&time, &signature), body, at(NOW)).unwrap()
}

#[test]
fn signatures_are_right_in_time_and_complete_or_refused() {
    let body = Bytes::from_static(b"text=hi");
    let check = |time: &str, signature: &str| {
        verify(&Secret::new("s3cret"), &headers(time, signature), body.clone(), at(NOW)).map(|_| ())
    };
    let good = |time: &str| check(time, &sign("s3cret", time, &body));
    let time = NOW.to_string();
    let right = sign("s3cret", &time, &body);
    assert_eq!(good(&time), Ok(()));
    assert_eq!(good(&(NOW - 300).to_string()), Ok(()));
    assert_eq!(good(&(NOW + 300).to_string()), Ok(()));
    assert_eq!(good(&(NOW - 301).to_string()), Err(BadSignature::Stale));
    assert_eq!(good(&(NOW + 301).to_string()), Err(BadSignature::Stale));
    assert_eq!(good(&i64::MIN.to_string()), Err(BadSignature::Stale));
    assert_eq!(good("soon"), Err(BadSignature::Wrong));
    assert_eq!(check(&time, &right.to_uppercase()), Err(BadSignature::Wrong));
    for bad in [
        "",
        "v0=",
        "v0=zz",
        "v1=00",
        right.strip_suffix(char::is_alphanumeric).unwrap(),
        &format!("{right}0"),
        &right.replace("v0=", ""),
    ] {
        assert_eq!(check(&time, bad), Err(BadSignature::Wrong), "{bad}");
    }
    let secretless = verify(&Secret::new(""), &headers(&time, &sign("", &time, &body)), body.clone(), at(NOW));
    assert_eq!(secretless, Err(BadSignature::Wrong));
    let mut lacking = headers(&time, &right);
    lacking.remove(SIGNATURE);
    assert_eq!(verify(&Secret::new("s3cret"), &lacking, body.clone(), at(NOW)), Err(BadSignature::Missing));
    let mut twice = headers(&time, &right);
    twice.append(SIGNATURE, right.parse().unwrap());
    assert_eq!(verify(&Secret::new("s3cret"), &twice, body.clone(), at(NOW)), Err(BadSignature::Wrong));
}

#[test]
fn signatures_agree_with_slacks_vectors() {
    let Some(folder) = contracts() else { return };
    let vectors: Value = serde_json::from_slice(&fs::read(folder.join("signature-vectors.json")).unwrap()).unwrap();
    for vector in vectors["vectors"].as_array().unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap_or_default();
        let secret = Secret::new(text("signing_secret"));
        let mut headers = HeaderMap::new();
        for (header, member) in [(TIMESTAMP, "timestamp"), (SIGNATURE, "signature")] {
            if let Some(value) = vector[member].as_str() {
                headers.insert(header, value.parse().unwrap());
            }
        }
        let now = at(vector["now"].as_i64().unwrap());
        let found = verify(&secret, &headers, Bytes::from(text("body").to_owned()), now);
        assert_eq!(found.is_ok(), vector["valid"].as_bool().unwrap(), "{}: {found:?}", vector["name"]);
    }
}

#[test]
fn a_slash_command_is_read_as_typed() {
    let body = "token=x&team_id=T1&team_domain=acme&channel_id=C1&channel_name=ops&user_id=U1&user_name=ana\
        &command=%2Fdeploy&text=checkout+v1.2.5+to+prod+%26lt%3Bsoon%26gt%3B&response_url=https%3A%2F%2Fhooks%2F1\
        &trigger_id=1.2.x&is_enterprise_install=false&api_app_id=A1";
    let wanted = SlashCommand {
        team: "T1".into(),
        enterprise: None,
        enterprise_install: false,
        channel: "C1".into(),
        channel_name: "ops".into(),
        user: "U1".into(),
        user_name: "ana".into(),
        command: "/deploy".into(),
        text: "checkout v1.2.5 to prod <soon>".into(),
        trigger: "1.2.x".into(),
        response_url: "https://hooks/1".into(),
    };
    assert_eq!(command(&verified(body)), Ok(wanted));
}

#[test]
fn a_slash_command_that_lacks_something_is_refused_by_name() {
    let whole = "team_id=T1&channel_id=C1&user_id=U1&command=%2Fdeploy&trigger_id=1.2.x";
    let check = |body: String| command(&verified(body)).unwrap_err();
    assert!(command(&verified(whole)).is_ok());
    for name in ["team_id", "channel_id", "user_id", "command", "trigger_id"] {
        assert_eq!(check(whole.replace(name, "x")), NotUnderstood::Missing(name));
        assert_eq!(check(whole.replace(&format!("{name}="), &format!("{name}=&x="))), NotUnderstood::Missing(name));
    }
    assert_eq!(check(whole.replace("U1", "U1%3E")), NotUnderstood::NotAnId("user_id"));
    assert!(matches!(check(format!("{whole}&user_id=U2")), NotUnderstood::NotAForm(_)));
    assert_eq!(check("ssl_check=1&token=x".into()), NotUnderstood::OnlyACheck);
    assert_eq!(check("{}".into()), NotUnderstood::Missing("team_id"));
}

fn interacted(payload: &str) -> Result<Interaction, NotUnderstood> {
    interaction(&verified(serde_urlencoded::to_string([("payload", payload)]).unwrap()))
}

const CLICK: &str = r#"{"type":"block_actions","user":{"id":"U2","team_id":"T1"},"team":{"id":"T1"},"trigger_id":"3.4.y",
    "channel":{"id":"C1"},"container":{"type":"message","message_ts":"17.5","channel_id":"C1","is_ephemeral":false},
    "actions":[{"action_id":"approve","value":"01J","type":"button","action_ts":"1795248000.000100"}],"response_url":"https://hooks/2"}"#;

#[test]
fn a_click_says_who_where_and_what() {
    let wanted = Click {
        user: "U2".into(),
        teams: vec!["T1".into()],
        action: "approve".into(),
        value: "01J".into(),
        trigger: "3.4.y".into(),
        at: Some("1795248000.000100".into()),
        response_url: Some("https://hooks/2".into()),
        place: Place::Message(MessageRef { channel: "C1".into(), ts: "17.5".into() }),
    };
    assert_eq!(interacted(CLICK), Ok(Interaction::Click(wanted)));
}

#[test]
fn a_click_that_lacks_something_is_refused_by_name() {
    let without = |from: &str, to: &str| interacted(&CLICK.replace(from, to)).unwrap_err();
    assert_eq!(without("\"user\"", "\"x\""), NotUnderstood::Missing("user.id"));
    assert_eq!(without("trigger_id", "x"), NotUnderstood::Missing("trigger_id"));
    assert_eq!(without("action_id", "x"), NotUnderstood::Missing("action_id"));
    assert_eq!(without("message_ts", "x"), NotUnderstood::Missing("message.ts"));
    assert_eq!(without("\"actions\"", "\"x\""), NotUnderstood::Missing("actions"));
    assert_eq!(without("U2", "<!channel>"), NotUnderstood::NotAnId("user.id"));
    assert!(matches!(interacted("{"), Err(NotUnderstood::NotAnInteraction(_))));
    assert_eq!(interaction(&verified("x=1")), Err(NotUnderstood::Missing("payload")));
}

#[test]
fn text_comes_back_as_typed() {
    let check = |sent: &str, typed: &str| assert_eq!(as_typed(sent), typed, "{sent}");
    check("checkout v1.2.5 prod", "checkout v1.2.5 prod");
    check("a &amp;&amp; b &lt;c&gt;", "a && b <c>");
    check("&amp;lt;", "&lt;");
    check("by <@U123|ana> in <#C1|ops>", "by @ana in #ops");
    check("<@U123> <#C1> <#C1|>", "@U123 #C1 #C1");
    check("<!here> <!subteam^S1|@payments>", "@here @payments");
    check("<http://example.com|example.com> <https://a.b/c?d=1&amp;e=2>", "example.com https://a.b/c?d=1&e=2");
    check("<mailto:a@b.c|a@b.c> <mailto:a@b.c>", "a@b.c a@b.c");
    check("a < b", "a < b");
    check("déploy 🚀 <", "déploy 🚀 <");
}

pub(super) fn samples(folder: &Path, class: &str) -> Vec<(String, String)> {
    let files = fs::read_dir(folder.join("payloads").join(class)).unwrap();
    let mut samples: Vec<_> = files
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap()))
        .collect();
    samples.sort();
    samples
}

#[test]
fn slacks_sample_commands_are_understood() {
    let Some(folder) = contracts() else { return };
    for (name, body) in samples(&folder, "slash_command") {
        let read = command(&verified(body)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(read.command.starts_with('/'), "{name}");
    }
    for (name, body) in samples(&folder, "form_other") {
        assert_eq!(command(&verified(body)), Err(NotUnderstood::Missing("command")), "{name}");
    }
}

/// Samples of the SDKs' tests that are no whole click: stubs, and a remote function's (it has no `trigger_id`).
const NO_CLICK: [(&str, &str); 5] = [
    ("bolt-python.builtins.L23.json", "channel.id"),
    ("bolt-python.builtins.L67.json", "channel.id"),
    ("bolt-python.internals.L89.json", "channel.id"),
    ("bolt-python.unmatched_suggestions.L20.json", "channel.id"),
    ("java-slack-sdk.BlockActionPayload.L401.json", "trigger_id"),
];

#[test]
fn slacks_sample_interactions_are_understood_or_refused_on_purpose() {
    let Some(folder) = contracts() else { return };
    for (name, payload) in samples(&folder, "block_actions") {
        let refused = NO_CLICK.iter().find(|(file, _)| *file == name).map(|(_, lacks)| NotUnderstood::Missing(lacks));
        let found = interacted(&payload);
        assert_eq!(found.as_ref().err(), refused.as_ref(), "{name}");
        assert!(matches!(found, Ok(Interaction::Click(_)) | Err(_)), "{name}");
    }
    let others = [
        ("view_submission", "view_submission"),
        ("view_closed", "view_closed"),
        ("block_suggestion", "block_suggestion"),
        ("global_shortcut", "shortcut"),
        ("message_shortcut", "message_action"),
        ("interactive_message", "interactive_message"),
    ];
    for (class, kind) in others {
        for (name, payload) in samples(&folder, class) {
            assert_eq!(interacted(&payload), Ok(Interaction::Other { kind: kind.into() }), "{name}");
        }
    }
}
