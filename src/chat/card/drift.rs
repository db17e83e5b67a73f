//! The card of a drift: who changed what as far as the cluster tells, what will become of it and when, and what people
//! may choose. As with requests it says what the ledger says.

use super::{
    Card, Look, Mark, Progress, Span, Standing,
    emergency::{button, card, working},
    text,
};
use crate::core::{
    change::Line,
    decide::sentence,
    drift::{Drift, Ending, First, Opened, State, Weight},
    entry::Actor,
    matters::Matters,
};

/// The card of a drift.
pub fn of_drift(drift: &Drift, progress: &Progress, matters: &Matters) -> Card {
    let seen = &drift.opened;
    let line =
        Line { field: seen.field.clone(), old: Some(format!("git {}", seen.git)), new: format!("live {}", seen.live) };
    let of = |button_of| button(&drift.id, button_of, "");
    Card {
        lines: if drift.is_over() { Vec::new() } else { vec![line] },
        rows: Vec::new(),
        notes: notes(drift, matters),
        buttons: buttons(drift).into_iter().map(of).collect(),
        ..card(drift.title(), standing(drift, progress, matters))
    }
}

type Choice = (&'static str, &'static str, Look);

fn buttons(drift: &Drift) -> Vec<Choice> {
    let hold = |look| ("hold", "Hold for 1 h", look);
    let adopt = |look| ("adopt", "Adopt into git", look);
    let rest = [("restore", "Restore git's value", Look::Danger), ("leave", "Not ours for 7 d", Look::Plain)];
    match &drift.state {
        State::Open { .. } => {
            let first = match drift.opened.first {
                First::Hold => [hold(Look::Primary), adopt(Look::Plain)],
                First::Adopt => [adopt(Look::Primary), hold(Look::Plain)],
            };
            first.into_iter().chain(rest).collect()
        }
        State::Left { .. } => vec![("ours", "Ours after all", Look::Plain)],
        State::Over { ending: Ending::Undone { .. }, .. } => {
            vec![("break_again", "Break glass for 1 h", Look::Primary), adopt(Look::Plain)]
        }
        State::Kept { .. } | State::Restoring { .. } | State::Over { .. } => Vec::new(),
    }
}

/// What follows git there, for people.
fn follower(seen: &Opened) -> String {
    seen.follower.as_ref().map_or_else(|| "What follows git".to_owned(), ToString::to_string)
}

fn standing(drift: &Drift, progress: &Progress, matters: &Matters) -> Standing {
    let seen = &drift.opened;
    match &drift.state {
        State::Open { halted } => open(drift, halted.as_deref()),
        State::Kept { glass } => {
            let status = match matters.overrides.get(glass).map(|glass| glass.opened.title()) {
                Some(title) => vec![text("Kept as it is: "), Span::Code(title), text(", on its own card.")],
                None => vec![text("Kept as it is by a break-glass, on its own card.")],
            };
            working(status, progress)
        }
        State::Restoring { by } => {
            let status =
                vec![text("Giving the cluster what git says, as "), Span::Somebody(by.clone()), text(" chose.")];
            working(status, progress)
        }
        State::Left { by, until } => {
            let status = vec![
                text("Not ours, says "),
                Span::Somebody(by.clone()),
                text(", who answers for it until "),
                Span::Day(*until),
                text(". Nothing is said of it until then."),
            ];
            (Mark::Stopped, status, None)
        }
        State::Over { ending, by, at } => over(seen, ending, (by, *at)),
    }
}

fn open(drift: &Drift, halted: Option<&str>) -> Standing {
    let seen = &drift.opened;
    let mut status = vec![text(format!("{}. ", sentence(&seen.words()).trim_end_matches('.')))];
    status.push(text(format!("{}.", seen.undoes.words(&follower(seen), &seen.git))));
    let lost = seen.loses().filter(|_| seen.is_undone_soon());
    if let Some(lost) = lost {
        status.push(text(format!(" Then {lost} fewer will run.")));
    }
    if let Some(why) = halted {
        status.push(text(format!(" {}", sentence(why))));
    }
    let mark = if lost.is_some() { Mark::Alarm } else { Mark::Owed };
    (mark, status, Some(remedy(seen)))
}

fn remedy(seen: &Opened) -> String {
    match seen.first {
        First::Hold => {
            "Hold keeps it as it is while you decide; Adopt brings it into git; both hold off what follows git first."
        }
        First::Adopt => {
            "Adopt brings it into git, Hold keeps it while you decide; both hold off what follows git first."
        }
    }
    .to_owned()
}

fn over(seen: &Opened, ending: &Ending, (by, at): (&Actor, jiff::Timestamp)) -> Standing {
    let value = &seen.git;
    let said = |words: String| vec![text(words), text(" Seen "), Span::Day(at), text(".")];
    match ending {
        Ending::Undone { manager } => {
            let who = match manager {
                Some(manager) => format!("{manager} set it back to {value}."),
                None => format!("It is {value} again, as git says."),
            };
            match seen.loses() {
                None => (Mark::Done, said(who), None),
                Some(lost) => {
                    let words = format!("{who} {lost} fewer run than somebody wanted.");
                    let remedy =
                        "Break glass where they are needed now, which somebody else approves; or adopt it into git.";
                    (Mark::Alarm, said(words), Some(remedy.to_owned()))
                }
            }
        }
        Ending::Adopted => (Mark::Done, said(format!("Git says {} by now, as it runs.", seen.live)), None),
        Ending::Restored => {
            let mut status = vec![text(format!("The cluster has what git says again: {value}."))];
            if by.person.is_some() {
                status.extend([text(" By "), Span::Somebody(by.clone()), text(".")]);
            }
            (Mark::Done, status, None)
        }
        Ending::Settled => (Mark::Done, said("Git and the cluster agree again.".to_owned()), None),
        Ending::Gone => (Mark::Stopped, said("It is gone, or nothing of it is git's any more.".to_owned()), None),
    }
}

fn notes(drift: &Drift, matters: &Matters) -> Vec<Vec<Span>> {
    let seen = &drift.opened;
    let mut notes = Vec::new();
    if let Some(by) = &seen.by {
        let mut who = vec![text("Changed by "), Span::Code(by.manager.clone())];
        who.extend(by.at.map(|at| [text(", "), Span::Day(at)]).into_iter().flatten());
        who.push(text(", by the name that the client gave itself"));
        notes.push(who);
    }
    let object = Span::Code(format!("{} in {}", seen.object, seen.object.cluster));
    notes.push(vec![object, text(", seen "), Span::Day(drift.at)]);
    if drift.again > 0 {
        notes.push(vec![text(format!("Came again {} times", drift.again))]);
    }
    if seen.weight == Weight::Debt && matches!(drift.state, State::Open { .. }) {
        notes.push(vec![text("A debt until somebody chooses; it counts for everybody there, and reminds")]);
    }
    if let Some(incident) = matters.incident_of(&seen.target.service).filter(|_| !drift.is_over()) {
        notes.push(vec![text(format!("Incident: {}", incident.title()))]);
    }
    notes.push(vec![text("Drift "), Span::Code(drift.id.to_string())]);
    notes
}
