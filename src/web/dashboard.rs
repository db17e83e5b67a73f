//! The dashboard: what stands, for whoever opens the bot's address. Read-only; nothing here acts.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use super::Edge;
use crate::{
    chat::card::{Card, Span},
    core::{entry::Actor, names::RequestId, request::Request},
};

/// How many requests are shown.
const SHOWN: usize = 50;

pub(super) async fn page(State(edge): State<Arc<Edge>>) -> Markup {
    let requests = edge.engine.requests(SHOWN).await;
    let trouble = edge.engine.rules_trouble();
    let frozen = edge.engine.freezes().await;
    let (open, over): (Vec<&Request>, Vec<&Request>) = requests.iter().partition(|request| !request.is_over());
    html! {
        (DOCTYPE)
        html lang="en" {
            (head("Leverframe", &html! {}))
            body {
                h1 { "Leverframe" }
                @if let Some(trouble) = trouble { p.trouble role="alert" { "The rules at the tip are not in force: " (trouble) "." } }
                @if let Some(why) = edge.engine.ledger().trouble() { p.trouble role="alert" { "Nothing is done now: " (why) "." } }
                @for line in &frozen { p.trouble role="status" { (line.replace('`', "")) } }
                h2 { "Open" }
                (table(&open))
                h2 { "Over" }
                (table(&over))
                p { (edge.engine.ledger().len()) " entries in the ledger." }
            }
        }
    }
}

/// One request, incident, break-glass or debt, as its card says it; here nothing can be pressed. Its head is what other
/// programs show of a link to it.
pub(super) async fn request(State(edge): State<Arc<Edge>>, Path(id): Path<String>) -> Response {
    let id = RequestId::parse(&id).ok();
    let found = match &id {
        Some(id) => edge.engine.snapshot(id).await,
        None => None,
    };
    let Some(card) = found.map(|snapshot| snapshot.card) else {
        return (StatusCode::NOT_FOUND, "There is no request of that id here.\n").into_response();
    };
    let about = html! {
        meta property="og:site_name" content="Leverframe";
        meta property="og:title" content=(card.title);
        meta property="og:description" content=(format!("{}. {}", card.mark.word(), words(&card.status)));
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{} - Leverframe", card.title), &about))
            body {
                p { a href="/" { "Leverframe" } }
                h1 { (card.title) }
                p { strong { (card.mark.word()) ". " } (words(&card.status)) @if let Some(remedy) = &card.remedy { " " (remedy) } }
                (changes(&card))
                @for note in card.timeline.iter().chain(&card.notes) { p.note { (words(note)) } }
            }
        }
    }
    .into_response()
}

/// The head of a page, with what it says of itself to programs.
fn head(title: &str, about: &Markup) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            (about)
            title { (title) }
            style { (STYLE) }
        }
    }
}

fn changes(card: &Card) -> Markup {
    html! {
        @if !card.lines.is_empty() {
            table {
                thead { tr { th { "What" } th { "Before" } th { "After" } } }
                tbody {
                    @for line in &card.lines {
                        tr { td { (line.field.label()) } td { (line.old.as_deref().unwrap_or("not set")) } td { (line.new) } }
                    }
                }
            }
        }
        @if !card.diff.is_empty() { pre { (card.diff) } }
    }
}

/// A sentence without markup.
fn words(spans: &[Span]) -> String {
    let span = |span: &Span| match span {
        Span::Text(text) | Span::Code(text) => text.clone(),
        Span::Somebody(actor) => who(actor),
        Span::Link { text, .. } => text.clone(),
        Span::At(at) | Span::Day(at) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    };
    spans.iter().map(span).collect()
}

fn who(actor: &Actor) -> String {
    let account = || actor.account.clone().unwrap_or_else(|| actor.via.clone());
    actor.person.as_ref().map_or_else(account, ToString::to_string)
}

fn table(requests: &[&Request]) -> Markup {
    if requests.is_empty() {
        return html! { p { "Nothing." } };
    }
    html! {
        table {
            thead { tr { th { "Request" } th { "What" } th { "Where it stands" } th { "Asked" } th { "Id" } } }
            tbody {
                @for request in requests.iter().take(SHOWN) {
                    tr {
                        td { (request.opened.command) }
                        td { (request.opened.title) }
                        td { (request.outcome_word()) }
                        td { (request.at.strftime("%Y-%m-%d %H:%M UTC").to_string()) }
                        td { a href=(format!("/requests/{}", request.id)) { code { (request.id) } } }
                    }
                }
            }
        }
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}\
.trouble{border-left:4px solid #c33;padding:.5rem 1rem}code{font-size:.85em}";
