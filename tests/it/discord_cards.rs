//! Every card in every state, as the exact JSON that Discord gets, held against what it takes.
//! `INSTA_UPDATE=always cargo test --test it discord_cards` writes them anew, to be read before they are kept.

use leverframe::{
    chat::{
        card::{Card, Span},
        discord::render,
    },
    core::{entry::Actor, names::RequestId},
    play::{discord::check, people},
};
use serde_json::{Value, json};

use crate::{cards, contract};

/// The cards of people who typed in Discord.
fn all() -> Vec<(&'static str, Card)> {
    let theirs = |actor: &mut Actor| {
        let person = actor.person.as_ref().and_then(|person| people::find(person.as_str()));
        let number = format!("4{:017}", actor.account.as_deref().map_or(0, str::len));
        let id = person.map_or(number, |person| person.discord.to_owned());
        if actor.account.take().is_some() {
            (actor.account, actor.via) = (Some(format!("discord:{id}")), "discord".to_owned());
        }
    };
    let moved = |(name, mut card): (&'static str, Card)| {
        for span in card.notes.iter_mut().chain(&mut card.timeline).flatten().chain(&mut card.status) {
            if let Span::Somebody(actor) = span {
                theirs(actor);
            }
        }
        (name, card)
    };
    cards::plain().into_iter().map(moved).collect()
}

/// The message of every card.
pub(crate) fn messages() -> Vec<(&'static str, Value)> {
    all().into_iter().map(|(name, card)| (name, render::post(&card, &request()))).collect()
}

fn request() -> RequestId {
    RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap()
}

#[test]
fn every_card_is_as_it_was_read() {
    for (name, card) in all() {
        if name != "longest" {
            let json = serde_json::to_string_pretty(&render::edit(&card)).unwrap();
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("discord-card-{name}"), json);
            });
        }
    }
}

#[test]
fn every_card_is_taken_and_notifies_nobody() {
    for (name, card) in all() {
        let (post, edit) = (render::post(&card, &request()), render::edit(&card));
        for message in [&post, &edit] {
            assert_eq!(check::message(message).into_json(), None, "{name}");
            assert_eq!(message["allowed_mentions"], json!({"parse": []}), "{name}");
        }
        assert_eq!((&post["nonce"], &post["enforce_nonce"]), (&json!("1JD2Z6V8Q3K5N7P9R1T3W5Y7A"), &json!(true)));
        let footer = edit["embeds"][0]["footer"]["text"].as_str().unwrap();
        assert!(footer.contains(" 01JD2Z6V8Q3K5N7P9R1T3W5Y7"), "{name}: {footer}");
        // Who does not see colours reads the same word.
        let words = edit["content"].as_str().unwrap();
        assert!(words.contains(".** "), "{name}: {words}");
    }
}

#[test]
fn every_card_is_within_the_limits_that_discord_documents() {
    let Some(limits) = contract::limits("contracts/discord/limits.json") else { return };
    let characters = |value: &Value| value.as_str().map_or(0, |text| text.encode_utf16().count());
    for (name, card) in all() {
        let message = render::post(&card, &request());
        let within = |what: &str, found: usize| {
            assert!(found <= limits[what], "{name}: {found} is over {what}, {}", limits[what]);
        };
        within("message.content", characters(&message["content"]));
        within("message.nonce", characters(&message["nonce"]));
        let embeds = message["embeds"].as_array().unwrap();
        within("message.embeds", embeds.len());
        let total = |embed: &Value| {
            within("embed.description", characters(&embed["description"]));
            within("embed.footer.text", characters(&embed["footer"]["text"]));
            let known = ["color", "description", "footer", "type"];
            assert!(embed.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{name}: {embed}");
            characters(&embed["description"]) + characters(&embed["footer"]["text"])
        };
        within("message.embeds.total", embeds.iter().map(total).sum());
        let rows = message["components"].as_array().cloned().unwrap_or_default();
        within("message.action_rows.legacy", rows.len());
        for row in &rows {
            let buttons = row["components"].as_array().unwrap();
            within("action_row.buttons", buttons.len());
            for button in buttons {
                within("button.label", characters(&button["label"]));
                within("component.custom_id", characters(&button["custom_id"]));
            }
        }
    }
}

#[test]
fn what_is_cut_is_closed() {
    let (_, card) = all().pop().unwrap();
    let message = render::edit(&card);
    let text = message["embeds"][0]["description"].as_str().unwrap();
    assert_eq!(text.matches("```").count(), 2, "a fence stays open in {text}");
    assert!(text.contains("\n-# Asked by <@400000000000000001>"), "{text}");
    assert!(!text.contains('\u{202e}'));
    for mention in text.split("<@").skip(1) {
        let id: String = mention.chars().take_while(char::is_ascii_digit).collect();
        assert!(mention.starts_with(&format!("{id}>")) || text.contains("\\<\\@"), "half of a mention in {text}");
    }
}
