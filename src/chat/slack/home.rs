//! The home tab: what waits for a decision, what whoever looks has open, and what ended last. Only people of the catalog
//! see any of it.

use slack_morphism::prelude::*;

use super::render::{code, escaped, section, somebody};
use crate::core::{
    decide::Asker,
    request::{Request, State},
};

/// How many requests of a kind are read, and shown at most.
pub const SHOWN: usize = 20;

/// The blocks of somebody's home tab, out of the newest requests. `trouble` is why the rules cannot be read, if so;
/// `help` says what to type for help, in the platform's markup.
pub fn blocks(asker: &Asker, requests: &[Request], trouble: Option<&str>, help: &str) -> Vec<SlackBlock> {
    if asker.person.is_none() {
        let words = "The catalog does not know this account.\nAsk somebody who reviews `.leverframe/catalog.yaml` to add it \
                     under `people`.";
        return vec![section(words)];
    }
    let is_mine = |request: &&Request| asker.is(&request.requester);
    let waits = |request: &&Request| matches!(request.state, State::Deciding(_));
    let waiting = requests.iter().filter(waits).filter(|request| !is_mine(request));
    let mine = requests.iter().filter(is_mine).filter(|request| !request.is_over());
    let over = requests.iter().filter(|request| request.is_over()).take(5);
    let mut blocks: Vec<SlackBlock> = Vec::new();
    if let Some(trouble) = trouble {
        blocks.push(section(&format!(":warning: {}", escaped(trouble))));
    }
    blocks.extend(list("Waiting for approval", "Nothing waits for anybody else's yes.", waiting));
    blocks.extend(list("Yours, still open", "You have nothing open.", mine));
    blocks.extend(list("Ended last", "Nothing yet.", over));
    blocks.push(section(help));
    blocks
}

fn list<'a>(title: &str, none: &str, requests: impl Iterator<Item = &'a Request>) -> Vec<SlackBlock> {
    let lines: Vec<String> = requests.take(SHOWN).map(line).collect();
    let body = if lines.is_empty() { none.to_owned() } else { lines.join("\n") };
    vec![section(&format!("*{title}*\n{body}"))]
}

fn line(request: &Request) -> String {
    let state = if request.is_over() { request.outcome_word() } else { request.state.word() };
    let channel = request.card.as_ref().and_then(|card| card.channel.strip_prefix("slack:"));
    let place = channel.filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let place = place.map(|id| format!(", in <#{id}>")).unwrap_or_default();
    let who = somebody(&request.requester);
    format!("• {}: {}, asked by {who}{place}", code(&request.opened.title), escaped(state))
}
