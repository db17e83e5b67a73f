//! What a card says of a change that begins later, is meant for a time, or pays a debt.

use super::{Span, text};
use crate::core::request::{Folded, GivenBack, Lasts, Request};

pub(super) fn notes(request: &Request) -> impl Iterator<Item = Vec<Span>> {
    let is_ahead = request.commit().is_none() && !request.is_over();
    let begins = request.opened.begins.filter(|_| is_ahead);
    let begins = begins.map(|at| vec![text("To begin "), Span::Day(at)]);
    begins.into_iter().chain(note(request))
}

fn note(request: &Request) -> Option<Vec<Span>> {
    if let Some(gives) = &request.opened.gives_back {
        return Some(vec![text("Gives back what request "), Span::Code(gives.of.to_string()), text(" changed")]);
    }
    let lasts = request.opened.lasts?;
    Some(match (&request.given_back, request.ends_at()) {
        (Some(GivenBack::By(other)), _) => {
            vec![text("Meant for a time; given back by request "), Span::Code(other.to_string())]
        }
        (Some(GivenBack::Not(why)), _) => vec![text(format!("Meant for a time; not given back: {why}"))],
        (None, Some(at)) => vec![text("Meant for a time: given back "), Span::Day(at)],
        (None, None) => match lasts {
            Lasts::For(span) => vec![text(format!("Meant for {span} after it landed; then it is given back"))],
            Lasts::Until(at) => vec![text("Meant until "), Span::Day(at), text("; then it is given back")],
        },
    })
}

/// What goes into git with it because it is live there already.
pub(super) fn paying(request: &Request) -> Option<Vec<Span>> {
    let debt = request.opened.debt.as_ref()?;
    let words = match request.opened.folded {
        Folded::Yes => {
            "Holds what is live there, too, so that one change pays it all; goes live when what follows git goes on. Debt "
        }
        Folded::No => "Pays the debt ",
    };
    Some(vec![text(words), Span::Code(debt.to_string())])
}
