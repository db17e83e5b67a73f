//! The card of a debt: what differs, what pays it, and by when.

use super::{
    Card, Look, Mark, Progress, Span, Standing,
    emergency::{button, card, working},
    text,
};
use crate::core::{
    change::Line,
    debt::{self, Debt, Item, Side},
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
        debt::State::WrittenOff { .. } => vec![of(("retry", "Owe it again", Look::Plain)), of(give_back)],
        debt::State::Opened
        | debt::State::Settled { .. }
        | debt::State::Reverting
        | debt::State::Proven { .. }
        | debt::State::Resumed { .. }
        | debt::State::Over { .. } => vec![],
    };
    let digest = debt.write_off_digest();
    let asked = digest.as_ref().map(|digest| {
        let of = |button_of| button(&debt.id, button_of, digest.short());
        [of(("approve", "Agree to write it off", Look::Plain)), of(("reject", "Do not write it off", Look::Plain))]
    });
    let buttons = buttons.into_iter().chain(asked.into_iter().flatten()).collect();
    let line = |item: &Item| Line {
        field: item.field.clone(),
        old: Some(format!("git {}", item.git.as_deref().unwrap_or("unknown"))),
        new: format!("live {}", item.live),
    };
    let lines = || debt.items().into_iter().map(line).collect();
    Card {
        lines: if debt.is_over() { Vec::new() } else { lines() },
        rows: Vec::new(),
        notes: debt_notes(debt, proposal),
        buttons,
        ..card(debt.title(), asked_to_write_off(debt).unwrap_or_else(|| debt_standing(debt, progress, proposal)))
    }
}

/// Where somebody is asked to agree that it is not owed, that stands first: it is what people are to do.
fn asked_to_write_off(debt: &Debt) -> Option<Standing> {
    let wanted = debt.write_off.as_ref().filter(|_| debt.write_off_digest().is_some())?;
    let status = vec![
        text(format!("{}. ", sentence(&debt.words()).trim_end_matches('.'))),
        Span::Somebody(wanted.by.clone()),
        text(" asks to write it off until "),
        Span::Day(wanted.until),
        text(": git and live would differ on purpose."),
    ];
    let remedy = "Somebody else who may approve breaking glass there presses Agree to write it off, or Do not.";
    Some((Mark::Waiting, status, Some(remedy.to_owned())))
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
        debt::State::WrittenOff { asked, agreed } => {
            let status = vec![
                text("Written off until "),
                Span::Day(asked.until),
                text(" by "),
                Span::Somebody(asked.by.clone()),
                text(" and "),
                Span::Somebody(agreed.clone()),
                text(": git and live differ on purpose. Then it is owed again."),
            ];
            (Mark::Stopped, status, None)
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
            let says = debt.items().iter().map(|item| item.live.clone()).collect::<Vec<_>>().join(" and ");
            let words = format!("Paid: git says {says}, as {target} runs, and what follows git goes on.");
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
            "Until it is paid, levers that would undo it are refused; rolling back and more replicas stay possible, and go into the same change of git",
        )]);
    }
    if let Some((at, words)) = debt.moved.as_ref().filter(|_| !debt.is_over()) {
        notes.push(vec![
            text("Planned anew at "),
            Span::At(*at),
            text(format!(": {words}; what was approved before does not count")),
        ]);
    }
    if debt.reminded > 0 && !debt.is_over() {
        let times = if debt.reminded == 1 { "once".to_owned() } else { format!("{} times", debt.reminded) };
        notes.push(vec![text(format!("Reminded {times}"))]);
    }
    notes.extend(proposal.map(|request| vec![text("Request "), Span::Code(request.id.to_string())]));
    notes.push(vec![text("Debt "), Span::Code(debt.id.to_string())]);
    notes
}
