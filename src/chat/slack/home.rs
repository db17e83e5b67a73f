//! The home tab: what waits for whoever looks, what they have open, and what everybody should know of. Only people of
//! the catalog see any of it.

use slack_morphism::prelude::*;

use super::render::{code, escaped, section, somebody};
use crate::core::{
    debt::Debt,
    decide::Asker,
    incident::Incident,
    request::{Card, Request},
};

/// What the tab shows.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Why the rules cannot be read, if so.
    pub trouble: Option<&'a str>,
    /// Requests that wait for their yes.
    pub approvals: &'a [Request],
    /// Their own that are not over.
    pub own: &'a [Request],
    /// Incidents that are open.
    pub incidents: &'a [Incident],
    /// Debts that are open.
    pub debts: &'a [Debt],
    /// What is frozen now or soon, a line each.
    pub freezes: &'a [String],
    /// What ended last.
    pub over: &'a [Request],
}

/// The blocks of somebody's home tab. `help` says what to type for help, in the platform's markup.
pub fn blocks(asker: &Asker, shown: Shown<'_>, help: &str) -> Vec<SlackBlock> {
    if asker.person.is_none() {
        let words = "The catalog does not know this account.\nAsk somebody who reviews `.leverframe/catalog.yaml` to add it \
                     under `people`.";
        return vec![section(words)];
    }
    let requests = |all: &[Request]| all.iter().map(line).collect::<Vec<_>>();
    let mut blocks: Vec<SlackBlock> = Vec::new();
    if let Some(trouble) = shown.trouble {
        blocks.push(section(&format!(":warning: {}", escaped(trouble))));
    }
    let incidents: Vec<String> = shown.incidents.iter().map(incident).collect();
    let debts: Vec<String> = shown.debts.iter().map(debt).collect();
    let freezes: Vec<String> = shown.freezes.iter().map(|line| format!("• {}", escaped(line))).collect();
    blocks.extend([
        list("Waiting for your approval", "Nothing waits for your approval.", &requests(shown.approvals)),
        list("Yours, still open", "You have nothing open.", &requests(shown.own)),
        list("Open incidents", "None.", &incidents),
        list("Owed to git", "Git and the clusters agree, as far as is known.", &debts),
        list("Frozen", "Nothing, now or in the next two days.", &freezes),
        list("Ended last", "Nothing yet.", &requests(shown.over)),
    ]);
    blocks.push(section(help));
    blocks
}

fn list(title: &str, none: &str, lines: &[String]) -> SlackBlock {
    let body = if lines.is_empty() { none.to_owned() } else { lines.join("\n") };
    section(&format!("*{title}*\n{body}"))
}

fn line(request: &Request) -> String {
    let state = if request.is_over() { request.outcome_word() } else { request.state.word() };
    let (who, place) = (somebody(&request.requester), place(request.card.as_ref()));
    format!("• {}: {}, asked by {who}{place}", code(&request.opened.title), escaped(state))
}

fn incident(incident: &Incident) -> String {
    let (who, place) = (somebody(&incident.commander), place(incident.card.as_ref()));
    format!("• {}: {}, commanded by {who}{place}", code(&incident.title()), incident.state.word())
}

fn debt(debt: &Debt) -> String {
    let opened = &debt.opened;
    let (what, who) = (format!("{} of {}", debt.fields(), opened.target), somebody(&opened.owner));
    format!("• {}: {}, owed by {who}{}", code(&what), escaped(&debt.words()), place(debt.card.as_ref()))
}

/// The channel where the card is.
fn place(card: Option<&Card>) -> String {
    let channel = card.and_then(|card| card.channel.strip_prefix("slack:"));
    let place = channel.filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    place.map(|id| format!(", in <#{id}>")).unwrap_or_default()
}
