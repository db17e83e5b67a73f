//! What a card says beside a change: the versions there were, what is left as it is, what is held off and until when.

use super::{Overdue, Span, text};
use crate::core::{
    change::{Aside, Past, Paused},
    entry::Actor,
    request::Request,
};

/// How many other versions a card names.
const VERSIONS: usize = 5;
/// How many files that stay a card names.
const FILES: usize = 3;

pub(super) fn notes(request: &Request, aside: &Aside, overdue: Overdue) -> Vec<Vec<Span>> {
    let mut notes: Vec<Vec<Span>> = aside.back_to.iter().map(back_to).collect();
    if !aside.others.is_empty() && request.commit().is_none() && !request.is_over() {
        notes.push(others(request, &aside.others));
    }
    if !aside.differs.is_empty() {
        notes.push(differs(aside));
    }
    notes.extend(aside.paused.iter().map(|paused| held_off(request, paused, overdue)));
    notes.extend(aside.resumed.iter().map(|what| vec![text(format!("Goes on by this commit: {what}"))]));
    if !aside.left.is_empty() {
        let names: Vec<String> = aside.left.iter().take(FILES).map(|path| format!("`{path}`")).collect();
        let more = aside.left.len().saturating_sub(FILES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        notes.push(vec![text(format!("Not undone, because it is not this service's: {}{more}", names.join(", ")))]);
    }
    notes
}

fn back_to(past: &Past) -> Vec<Span> {
    let mut words = vec![text("Back to "), Span::Code(past.version.clone()), text(format!(": {}", past.health.word()))];
    if let Some(person) = &past.by {
        let actor = Actor { person: Some(person.clone()), account: None, via: "git".to_owned() };
        words.extend([text(", by "), Span::Somebody(actor)]);
    }
    words.extend([text(" at "), Span::At(past.at), text(" as "), Span::Code(past.commit.short().to_owned())]);
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

fn differs(aside: &Aside) -> Vec<Span> {
    let mut words = vec![text("Left as it is now, not as it was then: ")];
    for (place, line) in aside.differs.iter().enumerate() {
        let between = if place == 0 { "" } else { ", " };
        let now = line.old.as_deref().unwrap_or("not set");
        words.extend([text(between), Span::Code(line.field.to_string()), text(format!(" {now} (then {})", line.new))]);
    }
    let fields: Vec<String> = aside.differs.iter().map(|line| line.field.to_string()).collect();
    words.extend([text(". To restore it too, ask with "), Span::Code(format!("also={}", fields.join(",")))]);
    words
}

fn held_off(request: &Request, paused: &Paused, overdue: Overdue) -> Vec<Span> {
    let owner = Span::Somebody(request.requester.clone());
    if let Some(to_do) = &paused.to_do {
        return vec![text(format!("Not held off, because git cannot say it: {}. {to_do}", paused.what))];
    }
    let target = &request.opened.target;
    let typed = format!("/resume {} {}", target.service, target.environment);
    vec![
        text(format!("Held off by this commit: {}, by ", paused.what)),
        owner,
        text(match overdue {
            Overdue::No => ", meant until ",
            Overdue::Yes => ". It is still held off, though it was meant to go on since ",
        }),
        Span::At(paused.until),
        text(". To let it go on: "),
        Span::Code(typed),
    ]
}
