//! What a card says of the emergency lane: that it is open, that a change went through it, and whose review that owes.

use super::{Button, Look, Progress, Span, deciding::shares, text};
use crate::core::request::{Lane, Request, Review, State};

/// Which lane, and what is owed for it.
pub(super) fn notes(request: &Request, progress: &Progress) -> Vec<Vec<Span>> {
    let decides = matches!(request.state, State::Deciding(_));
    let went = request.review.as_ref().filter(|_| !decides);
    let open = progress.lane.as_ref().filter(|_| decides);
    let lane = went.map(|review| &review.lane).or(open);
    let mut notes: Vec<Vec<Span>> = lane.map(|lane| which(lane, went.is_some())).into_iter().collect();
    notes.extend(went.filter(|_| request.is_review_owed()).map(owed));
    let gave = went.filter(|review| !review.by.is_empty());
    notes.extend(gave.map(given));
    notes
}

fn which(lane: &Lane, went: bool) -> Vec<Span> {
    let words = if went { "Went through the emergency lane of a " } else { "Emergency lane: the rules for a " };
    vec![
        text(words),
        Span::Code(lane.severity.to_string()),
        text(if went { " incident, " } else { " incident apply, " }),
        Span::Code(lane.incident.to_string()),
    ]
}

fn owed(review: &Review) -> Vec<Span> {
    let all = match review.from.as_slice() {
        shares if shares.iter().any(|share| share.contains(" of ")) => shares.to_vec(),
        [] => vec![format!("{} of anybody", review.count)],
        from => vec![format!("{} of {}", review.count, from.join(" or "))],
    };
    let mut words = vec![text("Review owed: ")];
    words.extend(shares(&all, ""));
    words.extend([text(", until "), Span::Day(review.until), text(". Whoever looked at it presses Reviewed")]);
    words
}

fn given(review: &Review) -> Vec<Span> {
    let done = if review.done.is_some() { "Reviewed by " } else { "Reviewed so far by " };
    let by = review.by.iter().enumerate().flat_map(|(index, (actor, at))| {
        let begin = text(if index == 0 { done } else { ", " });
        [begin, Span::Somebody(actor.clone()), text(" at "), Span::Day(*at)]
    });
    by.collect()
}

/// These buttons, and that of the review where one is owed.
pub(super) fn reviewing(request: &Request, mut buttons: Vec<Button>) -> Vec<Button> {
    if request.is_review_owed() {
        let digest = request.course().map(|course| course.plan.digest.short()).unwrap_or_default();
        let value = format!("{}:{digest}", request.id);
        buttons.insert(0, Button::of("reviewed", "Reviewed", Look::Primary, value));
    }
    buttons
}
