//! Events and envelopes, held against Slack's own samples.

use std::fs;

use serde_json::{Value, value::RawValue};

use super::{
    contracts,
    event::{Event, event, socket_event},
    incoming::{Interaction, NotUnderstood, socket_command, socket_interaction},
    signed::{samples, verified},
};

/// Samples of mentions that are stubs.
const NO_MENTION: [(&str, &str); 2] =
    [("bolt-python.builtins.L155.json", "event.channel"), ("bolt-python.unmatched_suggestions.L61.json", "team_id")];

/// A sample that mentions another account than the one it says the bot has: its text stays as it is.
const MENTIONS_ANOTHER: &str = "java-slack-sdk.EventRequest.L144.json";

#[test]
fn slacks_sample_events_are_understood_or_left_on_purpose() {
    let Some(folder) = contracts() else { return };
    for (name, body) in samples(&folder, "event_callback/app_mention") {
        let lacks = NO_MENTION.iter().find(|(file, _)| *file == name).map(|(_, lacks)| NotUnderstood::Missing(lacks));
        let found = event(&verified(body));
        assert_eq!(found.as_ref().err(), lacks.as_ref(), "{name}");
        assert!(
            matches!(&found, Ok(Event::Mention(mention)) if mention.text.contains('@') == (name == MENTIONS_ANOTHER))
                || found.is_err(),
            "{name}"
        );
    }
    let kinds = fs::read_dir(folder.join("payloads/event_callback")).unwrap();
    for kind in kinds.map(|kind| kind.unwrap().file_name().to_string_lossy().into_owned()) {
        if kind == "app_mention" {
            continue;
        }
        let bare = kind.split('.').next().unwrap().to_owned();
        for (name, body) in samples(&folder, &format!("event_callback/{kind}")) {
            assert_eq!(event(&verified(body)), Ok(Event::Other { kind: bare.clone() }), "{kind}/{name}");
        }
    }
    for (name, body) in samples(&folder, "url_verification") {
        assert!(matches!(event(&verified(body)), Ok(Event::Challenge(text)) if !text.is_empty()), "{name}");
    }
}

#[test]
fn what_slacks_sample_envelopes_hold_is_understood_as_over_http() {
    let Some(folder) = contracts() else { return };
    let payload = |body: &str| -> Box<RawValue> {
        let envelope: Value = serde_json::from_str(body).unwrap();
        serde_json::value::to_raw_value(&envelope["payload"]).unwrap()
    };
    for (name, body) in samples(&folder, "socket_mode/slash_commands") {
        let found = socket_command(&payload(&body));
        let stub = name == "python-slack-sdk.request.L28.json";
        assert!(found.is_ok_and(|command| command.command.starts_with('/')) || stub, "{name}");
    }
    for (name, body) in samples(&folder, "socket_mode/interactive") {
        let found = socket_interaction(&payload(&body)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(matches!(found, Interaction::Click(_) | Interaction::Other { .. }), "{name}");
    }
    for (name, body) in samples(&folder, "socket_mode/events_api") {
        let found = socket_event(&payload(&body)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(matches!(found, Event::Mention(_) | Event::Other { .. }), "{name}");
    }
}

#[test]
fn a_picked_message_is_understood_in_every_sample_that_is_whole() {
    let Some(folder) = contracts() else { return };
    let mut whole = 0;
    for (name, body) in samples(&folder, "message_shortcut") {
        let mut payload: Value = serde_json::from_str(&body).unwrap();
        payload["callback_id"] = "leverframe_note".into();
        match socket_interaction(&serde_json::value::to_raw_value(&payload).unwrap()) {
            Ok(Interaction::Shortcut(shortcut)) => {
                let link = shortcut.remark.link.unwrap();
                assert!(link.contains(&format!(".slack.com/archives/{}/p", shortcut.channel)), "{name}: {link}");
                whole += 1;
            }
            Err(NotUnderstood::Missing(_)) => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(whole > 0);
}
