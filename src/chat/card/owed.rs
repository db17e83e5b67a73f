//! The card of a debt: what differs, what pays it, and by when.

use super::{
    Card, Look, Mark, Progress, Span, Standing,
    emergency::{button, card, working},
    text,
};
use crate::core::{
    change::Line,
    debt::{self, Debt, Side},
    decide::sentence,
    request::{PullRequest, Request},
};

/// The card of a debt; `proposal` is the request that pays it, where there is one.
pub fn of_debt(debt: &Debt, progress: &Progress, proposal: Option<&Request>) -> Card {
    let of = |button_of| button(&debt.id, button_of, "");
    let (give_back, extend) = (("give_back", "Revert instead", Look::Plain), ("extend", "1 h longer", Look::Plain));
    let buttons = match &debt.state {
        debt::State::Owed { halted: Some(_) } => {
            vec![of(("retry", "Propose again", Look::Primary)), of(give_back), of(extend)]
        }
        debt::State::Owed { halted: None } | debt::State::Proposed { .. } => vec![of(give_back), of(extend)],
        debt::State::Opened
        | debt::State::Settled { .. }
        | debt::State::Reverting
        | debt::State::Proven { .. }
        | debt::State::Resumed { .. }
        | debt::State::Over { .. } => vec![],
    };
    let line = Line {
        field: debt.opened.field.clone(),
        old: Some(format!("git {}", debt.opened.git.as_deref().unwrap_or("unknown"))),
        new: format!("live {}", debt.opened.live),
    };
    Card {
        lines: if debt.is_over() { Vec::new() } else { vec![line] },
        notes: debt_notes(debt, proposal),
        buttons,
        ..card(debt.title(), debt_standing(debt, progress, proposal))
    }
}

fn debt_standing(debt: &Debt, progress: &Progress, proposal: Option<&Request>) -> Standing {
    match &debt.state {
        debt::State::Opened => working(vec![text("The cluster is about to be changed.")], progress),
        debt::State::Owed { halted: None } => working(
            vec![text(format!("{}. Asking for the change of git.", sentence(&debt.words()).trim_end_matches('.')))],
            progress,
        ),
        debt::State::Owed { halted: Some(why) } => {
            let remedy =
                "Press Propose again to bring it into git, or Revert instead to give the cluster what git says.";
            (Mark::Owed, vec![text(sentence(why))], Some(remedy.to_owned()))
        }
        debt::State::Proposed { .. } => (Mark::Owed, proposed(debt, proposal), None),
        debt::State::Settled { side: Side::Git, .. } => working(
            vec![text("Git says it now. Looking whether git equals live while what follows git is held off.")],
            progress,
        ),
        debt::State::Settled { side: Side::Live, .. } => {
            working(vec![text("The cluster has what git says. Looking whether that is so.")], progress)
        }
        debt::State::Reverting => working(vec![text("Giving the cluster what git says.")], progress),
        debt::State::Proven { .. } => working(vec![text("Git equals live. Letting what follows git go on.")], progress),
        debt::State::Resumed { .. } => {
            working(vec![text("What follows git goes on. Looking whether git still equals live.")], progress)
        }
        debt::State::Over { ending, .. } => debt_over(debt, ending),
    }
}

fn proposed(debt: &Debt, proposal: Option<&Request>) -> Vec<Span> {
    let mut status = vec![text(format!("{}. ", sentence(&debt.words()).trim_end_matches('.')))];
    let found = proposal.and_then(|request| request.course()).and_then(|course| course.pull_request.as_ref());
    match (found, proposal) {
        (Some(PullRequest { number, url, .. }), _) => {
            status.extend([
                text("Waiting for "),
                Span::Link { url: url.clone(), text: format!("#{number}") },
                text("."),
            ]);
        }
        (None, Some(request)) => {
            status.extend([text("Waiting for "), Span::Code(request.opened.title.clone()), text(", on its own card.")]);
        }
        (None, None) => {}
    }
    status
}

fn debt_over(debt: &Debt, ending: &debt::Ending) -> Standing {
    let target = &debt.opened.target;
    match ending {
        debt::Ending::Paid { side: Side::Git } => {
            let words = format!("Paid: git says {}, as {target} runs, and what follows git goes on.", debt.opened.live);
            (Mark::Done, vec![text(words)], None)
        }
        debt::Ending::Paid { side: Side::Live } => {
            let words = format!("Paid: {target} runs what git says again, and what follows git goes on.");
            (Mark::Done, vec![text(words)], None)
        }
        debt::Ending::NeverLive => (Mark::Stopped, vec![text("The cluster was never changed; nothing is owed.")], None),
    }
}

fn debt_notes(debt: &Debt, proposal: Option<&Request>) -> Vec<Vec<Span>> {
    let mut notes =
        vec![vec![text("Owed by "), Span::Somebody(debt.opened.owner.clone()), text(" since "), Span::Day(debt.at)]];
    if !debt.is_over() {
        let late = debt.overdue == debt::Overdue::Said;
        let mut until = vec![text(if late { "It has outlived its time: meant until " } else { "Meant until " })];
        until.push(Span::Day(debt.until));
        if let Some(by) = &debt.extended_by {
            until.extend([text(", extended by "), Span::Somebody(by.clone())]);
        }
        notes.push(until);
        notes.push(vec![text(
            "Until it is paid, levers that would undo it are refused; rolling back and more replicas stay possible",
        )]);
    }
    if debt.reminded > 0 && !debt.is_over() {
        notes.push(vec![text(format!("Reminded {} times", debt.reminded))]);
    }
    notes.extend(proposal.map(|request| vec![text("Request "), Span::Code(request.id.to_string())]));
    notes.push(vec![text("Debt "), Span::Code(debt.id.to_string())]);
    notes
}
