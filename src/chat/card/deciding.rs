//! What a card says while people decide: whose approval is needed, what holds it, what somebody else did to its branch.

use super::{Progress, Span, text};
use crate::core::{
    decide::sentence,
    request::{Course, Request, State},
};

/// Who said what, step by step: while people decide with the time of each, afterwards only whose yes it was.
pub(super) fn said(request: &Request, course: &Course) -> Vec<Vec<Span>> {
    let decides = matches!(request.state, State::Deciding(_));
    let approvers = course.votes.iter().enumerate().flat_map(|(index, vote)| {
        let begin = text(if index == 0 { "Approved by " } else { ", " });
        let when = decides.then(|| [text(" at "), Span::At(vote.at)]).into_iter().flatten();
        [begin, Span::Somebody(vote.actor.clone())].into_iter().chain(when)
    });
    let gone = course.taken_back.iter().filter(|_| decides).enumerate().flat_map(|(index, (actor, at, why))| {
        let begin = text(if index == 0 { "No longer counts: " } else { ", " });
        let why = format!(", {}", why.trim_end_matches('.'));
        [begin, Span::Somebody(actor.clone()), text(" since "), Span::At(*at), text(why)]
    });
    [approvers.collect(), gone.collect()].into_iter().filter(|spans: &Vec<Span>| !spans.is_empty()).collect()
}

/// What to do where somebody else's commit is on the branch.
pub(super) fn theirs(course: &Course) -> Option<String> {
    course.foreign.as_ref().map(|_| {
        "Take that commit off the branch to go on here, merge it on GitHub if it is what you want, or cancel and ask \
         again."
            .to_owned()
    })
}

pub(super) fn deciding(request: &Request, course: &Course, progress: &Progress) -> Vec<Span> {
    let needs = &request.opened.needs;
    let mut status = Vec::new();
    if let Some(foreign) = &course.foreign {
        let what = sentence(&foreign.what);
        return vec![text(format!("{what} Approvals no longer count, and I merge only what I made."))];
    }
    if let Some(at) = request.waits_until() {
        return waiting(at, course);
    }
    if let Some(frozen) = &progress.frozen {
        status.push(text(format!("Held: {}. ", frozen.trim_end_matches('.'))));
    }
    if let Some(at) = request.gives_back_at() {
        let words = ", as was approved with that request. Press Keep if it is to stay.";
        status.extend([text("It was meant for a time, and is given back at "), Span::At(at), text(words)]);
        return status;
    }
    if request.opened.gives_back.is_some() {
        status.push(text(
            "It was meant for a time, and somebody changed the same since, so it is not undone by itself. ",
        ));
    }
    if let Some(why) = &course.replanned {
        status.push(text(format!("Planned anew, so earlier approvals no longer count: {why}. ")));
    }
    let is_met = progress.needed.is_empty();
    if is_met && (needs.count == 0 || progress.lane.is_some()) {
        status.extend([text("Press Approve if it is still wanted, until "), until(request), text(".")]);
        return status;
    }
    let given = u32::try_from(course.votes.len()).unwrap_or(u32::MAX);
    let more = if given > 0 { " more" } else { "" };
    if !is_met && (given > 0 || needs.count == 0 || progress.lane.is_some()) {
        status.extend(shares(&progress.needed, more));
    } else if needs.from.iter().any(|from| from.contains(" of ")) {
        status.extend(shares(&needs.from, ""));
    } else {
        status.push(text(format!("{}{more}", needs.count.saturating_sub(given))));
        match needs.from.as_slice() {
            [] => status.push(text(" from anybody else of the catalog")),
            from => status.extend(sources(from)),
        }
    }
    if given > 0 && needs.count > 0 {
        status.push(text(format!(" ({given} of {} given)", needs.count)));
    }
    status.extend([text(", until "), until(request), text(".")]);
    if let Some(trouble) = &progress.trouble {
        let what = match &course.pull_request {
            None => "The pull request is not there yet",
            Some(_) => "GitHub does not tell how the pull request stands",
        };
        status.push(text(format!(" {what}: {trouble}")));
    }
    status
}

/// Approved, and waiting for its time.
fn waiting(at: jiff::Timestamp, course: &Course) -> Vec<Span> {
    match &course.held {
        None => vec![text("Approved. It begins "), Span::Day(at), text(".")],
        Some(why) => vec![
            text("It was to begin "),
            Span::Day(at),
            text(format!(
                ", and is held: {}. It goes on once that is over; after ten minutes it asks again.",
                why.trim_end_matches('.')
            )),
        ],
    }
}

/// When it is too late to approve it, with its day where that may be days away.
fn until(request: &Request) -> Span {
    let deadline = request.deadline();
    if request.opened.begins.is_some() { Span::Day(deadline) } else { Span::At(deadline) }
}

/// " from the group `leads` or `bo`".
fn sources(from: &[String]) -> Vec<Span> {
    let mut spans = Vec::new();
    for (index, from) in from.iter().enumerate() {
        let (kind, name) = from.split_once(':').unwrap_or(("", from));
        let kind = if matches!(kind, "team" | "group") { format!("the {kind} ") } else { String::new() };
        spans.push(text(format!("{}{kind}", if index == 0 { " from " } else { " or " })));
        spans.push(Span::Code(name.to_owned()));
    }
    spans
}

/// "2 from the group `leads` and 1 from the group `security`".
pub(super) fn shares(all: &[String], more: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    for (index, share) in all.iter().enumerate() {
        let (count, from) = share.split_once(" of ").unwrap_or((share, "anybody"));
        let (and, more) = if index == 0 { ("", more) } else { (" and ", "") };
        spans.push(text(format!("{and}{count}{more}")));
        match from {
            "anybody" => spans.push(text(" from anybody else of the catalog")),
            from => spans.extend(sources(&from.split(" or ").map(str::to_owned).collect::<Vec<_>>())),
        }
    }
    spans
}
