//! Cards as Discord shows them: the headline and how it stands as the message's words, which notifications and screen
//! readers carry; the change, the reason and who did what in an embed whose colour repeats what a word says. Limits
//! are kept by construction: every part has its room, and the rooms together fit.

use serde_json::Value;
use serenity::{
    builder::{
        CreateActionRow, CreateAllowedMentions, CreateButton, CreateEmbed, CreateEmbedFooter,
        CreateInteractionResponseFollowup, CreateMessage, EditMessage,
    },
    model::{application::ButtonStyle, channel::Nonce},
};

use super::{
    limits::{CONTENT, CUSTOM_ID, LABEL, NONCE, cut, length},
    markup::{self, Markup},
};
use crate::{
    chat::{
        Nudge,
        card::{Button, Card, Look, Mark, Row, Span, Step},
        plain,
    },
    core::{
        change::Line,
        decide::{Words, sentence},
        entry::Actor,
        names::RequestId,
    },
};

/// The rooms of a message's content (2,000).
const TITLE: usize = 400;
const STATUS: usize = 1200;
const REMEDY: usize = 350;
/// The rooms of an embed's description (4,096).
const CHANGES: usize = 1200;
const REASON: usize = 700;
const DIFF: usize = 1300;
const NOTES: usize = 800;
/// The most that one statement of others (a host, a file) takes, so that what follows it is seen too.
const STATEMENT: usize = 400;
/// The room of an embed's footer, which holds a request's id.
const FOOTER: usize = 100;

/// A card's message to a channel: nobody is notified by name, and the same request is not posted twice.
pub fn post(card: &Card, request: &RequestId) -> Value {
    let message = CreateMessage::new()
        .content(content(card))
        .embed(embed(card))
        .components(components(card))
        .allowed_mentions(nobody())
        .nonce(Nonce::String(nonce(request)))
        .enforce_nonce(true);
    plain(&message)
}

/// What a card's message becomes.
pub fn edit(card: &Card) -> Value {
    let message = EditMessage::new().content(content(card)).embed(embed(card));
    plain(&message.components(components(card)).allowed_mentions(nobody()))
}

/// A message that is no card.
pub fn saying(words: &str) -> Value {
    let mut content = Markup::new(CONTENT);
    marked(&mut content, words);
    plain(&CreateMessage::new().content(content.done()).allowed_mentions(nobody()))
}

/// A reminder: the footer is its mark, by which it is found again.
pub fn reminding(nudge: Nudge<'_>) -> Value {
    let mut content = Markup::new(CONTENT);
    marked(&mut content, nudge.words);
    content.raw(" ").raw(nudge.link);
    let embed = CreateEmbed::new().footer(CreateEmbedFooter::new(cut(nudge.mark, FOOTER)));
    plain(&CreateMessage::new().content(content.done()).embed(embed).allowed_mentions(nobody()))
}

/// A message of markup of ours that is no card; under the same nonce it is not posted twice.
pub(super) fn as_written(content: String, nonce: String) -> Value {
    let message = CreateMessage::new().content(content).allowed_mentions(nobody());
    plain(&message.nonce(Nonce::String(nonce)).enforce_nonce(true))
}

/// A message for one person, after an interaction of theirs. `content` is markup.
pub fn privately(content: String) -> Value {
    let message = CreateInteractionResponseFollowup::new().content(content).ephemeral(true);
    plain(&message.allowed_mentions(nobody()))
}

/// Nobody is notified, whatever a message says.
pub(super) fn nobody() -> CreateAllowedMentions {
    CreateAllowedMentions::new()
}

/// What Discord tells repeated posts by: a request's id but for its first digit, which stays `0` until the year 10895.
fn nonce(request: &RequestId) -> String {
    let id = request.as_str();
    id.chars().skip(id.len().saturating_sub(NONCE)).collect()
}

/// As JSON without the members that say nothing.
pub(super) fn plain(message: &impl serde::Serialize) -> Value {
    fn pruned(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let said = members.into_iter().filter(|(name, value)| !value.is_null() && !is_idle(name, value));
                said.map(|(name, value)| (name, pruned(value))).collect()
            }
            Value::Array(items) => items.into_iter().map(pruned).collect(),
            value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => value,
        }
    }
    pruned(serde_json::to_value(message).unwrap_or_default())
}

/// Members that the builders always write and that are what Discord assumes anyway.
fn is_idle(name: &str, value: &Value) -> bool {
    let empty = value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(serde_json::Map::is_empty);
    (empty && !matches!(name, "parse" | "components" | "embeds"))
        || (matches!(name, "tts" | "disabled" | "enforce_nonce" | "autocomplete" | "nsfw") && value == false)
}

/// An answer for one person, as markup. Statements of ours set names apart by backticks, and begin points with a
/// name in asterisks.
pub fn words(words: &Words) -> String {
    let mut content = Markup::new(CONTENT);
    marked(&mut content, &words.text);
    if let Some(remedy) = &words.remedy {
        content.raw("\n");
        marked(&mut content, remedy);
    }
    content.done()
}

fn marked(content: &mut Markup, text: &str) {
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            content.raw("\n");
        }
        let point = line.strip_prefix("• *").and_then(|rest| rest.split_once("*:"));
        let rest = match point {
            Some((name, rest)) => {
                content.raw("• **").text(name).raw("**:");
                rest
            }
            None => line,
        };
        let pieces: Vec<&str> = rest.split('`').collect();
        // With an odd number of backticks the last one is just a backtick.
        let paired = pieces.len().saturating_sub(1) / 2 * 2;
        for (number, piece) in pieces.iter().enumerate() {
            match () {
                () if number % 2 == 1 && number < paired => content.code(piece),
                () if number > paired => content.text("`").text(piece),
                () => sentences(content, piece),
            };
        }
    }
}

/// Sentences of ours, with their moments in the reader's zone.
fn sentences<'m>(content: &'m mut Markup, text: &str) -> &'m mut Markup {
    for piece in plain::pieces(text) {
        match piece {
            plain::Piece::Text(text) => content.text(text),
            plain::Piece::At(at) => content.raw(&format!("<t:{}:f>", at.as_second())),
        };
    }
    content
}

fn mark(mark: Mark) -> (&'static str, u32) {
    match mark {
        Mark::Waiting => ("⏳", 0x00f0_b232),
        Mark::Working => ("⚙️", 0x0058_65f2),
        Mark::Done => ("✅", 0x0023_a559),
        Mark::Stopped => ("🚫", 0x0080_848e),
        Mark::Overtaken => ("⏩", 0x0080_848e),
        Mark::Unseen => ("❔", 0x00f0_b232),
        Mark::Failed => ("❌", 0x00da_373c),
        Mark::Alarm => ("🚨", 0x00da_373c),
        Mark::Owed => ("⚖️", 0x00f0_b232),
    }
}

fn content(card: &Card) -> String {
    let ((sign, _), word) = (mark(card.mark), card.mark.word());
    let (mut title, mut status, mut remedy) = (Markup::new(TITLE), Markup::new(STATUS), Markup::new(REMEDY));
    title.text(&card.title);
    spans(&mut status, &card.status);
    if let Some(words) = &card.remedy {
        marked(remedy.raw(" "), words);
    }
    format!("{sign} **{}**\n**{word}.** {}{}", title.done(), status.done(), remedy.done())
}

fn embed(card: &Card) -> CreateEmbed {
    let mut parts = vec![changes(card)];
    if let Some(reason) = &card.reason {
        let mut quoted = Markup::new(REASON);
        for (number, line) in reason.trim_end().lines().enumerate() {
            quoted.raw(if number == 0 { "> " } else { "\n> " }).text(line);
        }
        parts.push(quoted.done());
    }
    if !card.diff.is_empty() {
        parts.push(markup::diff(&card.diff, DIFF));
    }
    let mut timeline = Markup::new(NOTES);
    for (number, moment) in card.timeline.iter().enumerate() {
        timeline.raw(if number == 0 { "" } else { "\n" });
        spans(&mut timeline, moment);
    }
    parts.push(timeline.done());
    let (notes, footer) = notes(&card.notes);
    parts.push(notes);
    parts.retain(|part| !part.is_empty());
    let embed = CreateEmbed::new().colour(mark(card.mark).1).description(parts.join("\n"));
    if footer.is_empty() { embed } else { embed.footer(CreateEmbedFooter::new(footer)) }
}

/// One line for each field, or for each of several services; those for which there is no room are counted.
fn changes(card: &Card) -> String {
    const MORE: usize = 40;
    let told = |markup: &mut Markup, line: &Line| {
        markup.text(&line.field.label()).raw(": ");
        match &line.old {
            Some(old) => markup.code(old),
            None => markup.raw("not set"),
        };
        markup.raw(" → ").code(&line.new);
    };
    let line = |line: &Line| {
        let mut markup = Markup::new(CHANGES);
        told(&mut markup, line);
        markup.done()
    };
    let row = |row: &Row| {
        let mut markup = Markup::new(CHANGES);
        markup.raw("**").text(&row.name).raw("**: ");
        for line in &row.lines {
            told(&mut markup, line);
            markup.raw(". ");
        }
        markup.text(&cut(&sentence(&row.state), STATEMENT));
        markup.done()
    };
    let (mut all, mut shown) = (String::new(), 0);
    for line in card.lines.iter().map(line).chain(card.rows.iter().map(row)) {
        if length(&all) + length(&line) >= CHANGES - MORE {
            break;
        }
        all.push_str(if shown == 0 { "" } else { "\n" });
        all.push_str(&line);
        shown += 1;
    }
    match (card.lines.len() + card.rows.len()).saturating_sub(shown) {
        0 => all,
        more => format!("{all}\n… and {more} more"),
    }
}

/// The notes in small print, and the last of them, a request's id, for the footer, where nobody's words can stand.
fn notes(notes: &[Vec<Span>]) -> (String, String) {
    let Some((last, others)) = notes.split_last() else { return (String::new(), String::new()) };
    let mut small = Markup::new(NOTES);
    for (number, note) in others.iter().enumerate() {
        small.raw(if number == 0 { "-# " } else { "\n-# " });
        spans(&mut small, note);
    }
    let footer: String = last
        .iter()
        .map(|span| match span {
            Span::Text(text) | Span::Code(text) | Span::Link { text, .. } => text.clone(),
            Span::Somebody(actor) => actor.via.clone(),
            Span::At(at) | Span::Day(at) => at.to_string(),
        })
        .collect();
    (small.done(), cut(&footer, FOOTER))
}

fn components(card: &Card) -> Vec<CreateActionRow> {
    let button = |button: &Button| {
        let style = match button.look {
            Look::Primary => ButtonStyle::Success,
            Look::Danger => ButtonStyle::Danger,
            Look::Plain => ButtonStyle::Secondary,
        };
        let id = format!("{}:{}", button.action, button.value);
        CreateButton::new(cut(&id, CUSTOM_ID)).label(cut(&button.label, LABEL)).style(style)
    };
    let buttons: Vec<CreateButton> = card.buttons.iter().map(button).collect();
    buttons.chunks(5).take(5).map(|row| CreateActionRow::Buttons(row.to_vec())).collect()
}

/// Steps, a line each, the newest of those for which there is room.
pub(super) fn steps(steps: &[Step], most: usize) -> String {
    let line = |step: &Step| {
        let mut markup = Markup::new(STATEMENT);
        spans(&mut markup, &step.line);
        markup.done().replace('\n', " ")
    };
    let (mut kept, mut left) = (Vec::new(), most);
    for line in steps.iter().rev().map(line) {
        match left.checked_sub(length(&line) + 1) {
            Some(rest) => left = rest,
            None => break,
        }
        kept.push(line);
    }
    kept.reverse();
    kept.join("\n")
}

fn spans(markup: &mut Markup, spans: &[Span]) {
    for span in spans {
        match span {
            Span::Text(text) => markup.text(&cut(text, STATEMENT)),
            Span::Code(text) => markup.code(text),
            Span::Somebody(actor) => somebody(markup, actor),
            Span::Link { url, text } => markup.link(text, url),
            Span::At(at) => markup.raw(&format!("<t:{}:t>", at.as_second())),
            Span::Day(at) => markup.raw(&format!("<t:{}:f>", at.as_second())),
        };
    }
}

/// A mention for a Discord account, which notifies nobody; the pseudonym for whoever came from elsewhere.
fn somebody<'m>(markup: &'m mut Markup, actor: &Actor) -> &'m mut Markup {
    let discord = actor.account.as_deref().and_then(|account| account.strip_prefix("discord:"));
    match (discord, &actor.person) {
        (Some(id), _) if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) => {
            markup.raw(&format!("<@{id}>"))
        }
        (_, Some(person)) => markup.raw("**").text(person.as_str()).raw("**"),
        (_, None) => markup.text(actor.account.as_deref().unwrap_or(&actor.via)),
    }
}
