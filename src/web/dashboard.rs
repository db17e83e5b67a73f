//! The dashboard: what stands, for whoever opens the bot's address. Read-only; nothing here acts.

use std::sync::Arc;

use axum::extract::State;
use maud::{DOCTYPE, Markup, html};

use super::Edge;
use crate::core::request::Request;

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
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Leverframe" }
                style { (STYLE) }
            }
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
                        td { code { (request.id) } }
                    }
                }
            }
        }
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}\
.trouble{border-left:4px solid #c33;padding:.5rem 1rem}code{font-size:.85em}";
