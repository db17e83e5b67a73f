//! Every sample of what Discord sends: handled, or refused on purpose with words.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use super::{
    super::{
        error::DiscordError,
        incoming::{Interaction, interaction},
        standing::Member,
    },
    contracts, json,
};

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read(&path).unwrap())
    };
    entries.map(named).collect()
}

fn outcome(body: &[u8]) -> String {
    match interaction(body) {
        Ok(Interaction::Ping) => "answered".to_owned(),
        Ok(Interaction::Command { name, options, .. }) => format!("/{name} {options:?}"),
        Ok(Interaction::Typing { name, option, text, .. }) => format!("choices for {option} of /{name}: {text}"),
        Ok(Interaction::Click { action, .. }) => format!("pressed {action}"),
        Ok(Interaction::Filled { form, answers, .. }) => format!("filled in {form}: {answers:?}"),
        Ok(Interaction::Picked { name, remark, .. }) => format!("picked by {name}: {}", remark.note(None)),
        Ok(Interaction::Foreign { what, .. }) => format!("answered that {what} is not for us"),
        Err(error) => format!("refused: {}", error.to_string().split(" at line").next().unwrap()),
    }
}

/// Those that are refused are fragments, which Discord's documentation shows without what every interaction has.
#[test]
fn every_interaction_is_handled_or_refused_on_purpose() {
    let Some(folder) = contracts() else { return };
    let mut told = String::new();
    for class in
        ["PING", "APPLICATION_COMMAND", "APPLICATION_COMMAND_AUTOCOMPLETE", "MESSAGE_COMPONENT", "MODAL_SUBMIT"]
    {
        for (name, body) in files(&folder.join(format!("payloads/interaction.{class}"))) {
            let whole = serde_json::from_slice::<serde_json::Value>(&body).unwrap();
            let outcome = outcome(&body);
            assert!(!outcome.starts_with("refused") || whole["channel_id"].is_null(), "{name}: {outcome}");
            writeln!(told, "{class} {name}: {outcome}").unwrap();
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("discord_samples", told);
    });
}

#[test]
fn every_error_is_one_that_discord_explains() {
    let Some(folder) = contracts() else { return };
    for (name, body) in files(&folder.join("payloads/error")) {
        let error = DiscordError::of(http::StatusCode::BAD_REQUEST, &body);
        let sample: serde_json::Value = serde_json::from_slice(&body).unwrap();
        match sample["code"].as_u64() {
            Some(code) => assert!(error.is_code(code) && !error.remedy().is_empty(), "{name}: {error}"),
            None => assert!(error.is_passing(), "{name}: {error}"),
        }
    }
}

#[test]
fn a_member_is_read_as_discord_shows_one() {
    let Some(folder) = contracts() else { return };
    let mut sample = json(&folder.join("payloads/other/guild.L411.example-guild-member.json"));
    // The sample leaves out what it links to.
    sample["user"] = serde_json::json!({"id": "80351110224678912", "username": "Nelly", "discriminator": "1337"});
    let member: Member = serde_json::from_value(sample).unwrap();
    assert_eq!(member.barred("2026-11-21T08:00:00Z".parse().unwrap(), crate::chat::Act::Vote), None);
}
