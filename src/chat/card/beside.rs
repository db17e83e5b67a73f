//! What a card says beside a change: the versions there were, what is left as it is, what is held off and until when.

use super::{Overdue, Span, text};
use crate::core::{
    change::{Aside, Copied, Past, Paused},
    entry::Actor,
    names::Service,
    request::{Course, Request},
};

/// How many other versions a card names.
const VERSIONS: usize = 5;
/// How many files that stay a card names.
const FILES: usize = 3;
/// How many other targets a card names.
const TARGETS: usize = 5;
/// How many notes of several services stand on a card.
const LEGS: usize = 4;

pub(super) fn notes(request: &Request, aside: &Aside, overdue: Overdue) -> Vec<Vec<Span>> {
    let mut notes: Vec<Vec<Span>> = aside.back_to.iter().map(back_to).collect();
    notes.extend(aside.copied.iter().map(copied));
    if !aside.others.is_empty() && request.commit().is_none() && !request.is_over() {
        notes.push(others(request, &aside.others));
    }
    if !aside.differs.is_empty() {
        notes.push(differs(request, aside));
    }
    notes
        .extend(aside.paused.iter().map(|paused| held_off((request, &request.opened.target.service), paused, overdue)));
    notes.extend(aside.resumed.iter().map(|what| vec![text(format!("Goes on by this commit: {what}"))]));
    if !aside.elsewhere.is_empty() {
        let (few, more) = named(aside.elsewhere.iter().map(ToString::to_string), TARGETS);
        notes.push(vec![text(format!("Not undone here, because each takes a request of its own: {few}{more}"))]);
    }
    if !aside.left.is_empty() {
        let (few, more) = named(aside.left.iter().map(|path| format!("`{path}`")), FILES);
        notes.push(vec![text(format!("Not undone, because it is in no service's place: {few}{more}"))]);
    }
    notes
}

/// The same of several services, each with its name: where it comes from, what is held off.
pub(super) fn of_legs(request: &Request, course: &Course, overdue: Overdue) -> Vec<Vec<Span>> {
    let mut notes = Vec::new();
    for leg in &course.plan.legs {
        let Some(aside) = &leg.plan.aside else { continue };
        let of_it = aside.copied.iter().map(copied).chain(aside.back_to.iter().map(back_to));
        let held = aside.paused.iter().map(|paused| held_off((request, &leg.service), paused, overdue));
        let named = |note: Vec<Span>| {
            let name = [Span::Code(leg.service.to_string()), text(": ")];
            name.into_iter().chain(note).collect()
        };
        notes.extend(of_it.chain(held).map(named));
    }
    // A card has room for so many; the rest is in the ledger.
    notes.truncate(LEGS);
    notes
}

fn copied(copied: &Copied) -> Vec<Span> {
    let seen = copied.seen.as_ref().map(|seen| format!(": {seen}")).unwrap_or_default();
    vec![text("As it is in "), Span::Code(copied.from.to_string()), text(seen)]
}

/// The first few, and how many more.
fn named(names: impl Iterator<Item = String>, most: usize) -> (String, String) {
    let names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (names.into_iter().take(most).collect::<Vec<_>>().join(", "), more)
}

fn back_to(past: &Past) -> Vec<Span> {
    let mut words = vec![text("Back to "), Span::Code(past.version.clone()), text(format!(": {}", past.health.word()))];
    if let Some(person) = &past.by {
        let actor = Actor { person: Some(person.clone()), account: None, via: "git".to_owned() };
        words.extend([text(", by "), Span::Somebody(actor)]);
    }
    words.extend([text(", "), Span::Day(past.at), text(" as "), Span::Code(past.commit.short().to_owned())]);
    words
}

fn others(request: &Request, others: &[Past]) -> Vec<Span> {
    let mut words = vec![text("Other versions: ")];
    for (place, past) in others.iter().take(VERSIONS).enumerate() {
        let between = if place == 0 { "" } else { ", " };
        words.extend([text(between), Span::Code(past.version.clone()), text(format!(" ({})", past.health.word()))]);
    }
    let target = &request.opened.target;
    let typed = format!("/{} {} {} to=VERSION", request.opened.command, target.service, target.environment);
    words.extend([text(". For another one: "), Span::Code(typed)]);
    words
}

fn differs(request: &Request, aside: &Aside) -> Vec<Span> {
    let mut words = vec![text("Left as it is now, not as it was then: ")];
    for (place, line) in aside.differs.iter().enumerate() {
        let between = if place == 0 { "" } else { ", " };
        let now = line.old.as_deref().unwrap_or("not set");
        words.extend([text(between), Span::Code(line.field.to_string()), text(format!(" {now} (then {})", line.new))]);
    }
    let fields: Vec<String> = aside.differs.iter().map(|line| line.field.to_string()).collect();
    let Some(back_to) = &aside.back_to else { return words };
    let (command, target) = (&request.opened.command, &request.opened.target);
    let typed = format!(
        "/{command} {} {} to={} also={}",
        target.service,
        target.environment,
        back_to.version,
        fields.join(",")
    );
    words.extend([text(". To restore it too, press a button below, or type "), Span::Code(typed)]);
    words
}

fn held_off((request, service): (&Request, &Service), paused: &Paused, overdue: Overdue) -> Vec<Span> {
    let owner = Span::Somebody(request.requester.clone());
    if let Some(to_do) = &paused.to_do {
        return vec![text(format!("Not held off, because git cannot say it: {}. {to_do}", paused.what))];
    }
    let typed = format!("/resume {service} {}", request.opened.target.environment);
    vec![
        text(format!("Held off by this commit: {}, by ", paused.what)),
        owner,
        text(match overdue {
            Overdue::No => ", meant until ",
            Overdue::Yes => ". It is still held off, though it was meant to go on since ",
        }),
        Span::Day(paused.until),
        text(". To let it go on: "),
        Span::Code(typed),
    ]
}
