//! The steps of a request or a break-glass, a line for each, for the thread under its card: the card says how it stands, the
//! thread how it came to that. Nothing anybody wrote is in it but what the card shows too.

use super::{Span, text};
use crate::core::{
    break_glass,
    decide::sentence,
    entry::{Actor, Recorded},
    request::{self, Event},
};

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The place of its entry in the ledger.
    pub seq: u64,
    /// When and what.
    pub line: Vec<Span>,
}

/// The steps that entries tell, the oldest first.
pub fn steps(entries: &[Recorded]) -> Vec<Step> {
    entries.iter().filter_map(step).collect()
}

fn step(recorded: &Recorded) -> Option<Step> {
    let told = told(recorded)?;
    let mut line = vec![Span::At(recorded.entry.at().ok()?), text(" ")];
    line.extend(told);
    Some(Step { seq: recorded.entry.seq, line })
}

fn told(recorded: &Recorded) -> Option<Vec<Span>> {
    let (kind, actor) = (recorded.entry.kind.as_str(), &recorded.entry.actor);
    if kind.ends_with(".opened") && (kind == "request.opened" || kind == "breakglass.opened") {
        return Some(by("Asked", actor));
    }
    if let Some(done) = request::review_step(recorded) {
        return Some(by(done, actor));
    }
    if let Ok(Some(event)) = Event::read(recorded) {
        return of_request(event, actor);
    }
    match break_glass::Event::read(recorded) {
        Ok(Some(event)) => of_glass(event, actor),
        Ok(None) | Err(_) => None,
    }
}

/// `Approved by ana`; without anybody only what was done.
fn by(done: &str, actor: &Actor) -> Vec<Span> {
    if actor.person.is_none() && actor.account.is_none() {
        return said(done);
    }
    vec![text(format!("{done} by ")), Span::Somebody(actor.clone())]
}

fn said(words: impl Into<String>) -> Vec<Span> {
    vec![text(words)]
}

fn of_request(event: Event, actor: &Actor) -> Option<Vec<Span>> {
    let again = "; approvals start again";
    Some(match event {
        Event::Planned(plan) => vec![text("Planned as change "), Span::Code(plan.digest.short().to_owned())],
        Event::Replanned { plan, .. } => {
            vec![text("Became change "), Span::Code(plan.digest.short().to_owned()), text(again)]
        }
        Event::Voted(_) => by("Approved", actor),
        Event::Withdrawn { of, why } => {
            let why = why.trim_end_matches('.');
            vec![text("The approval of "), Span::Somebody(of), text(format!(" no longer counts: {why}"))]
        }
        // The last vote says it.
        Event::Approved => return None,
        Event::Scheduled { .. } => said("Approved; it begins later"),
        Event::Held { why } => said(format!("Held when it was to begin: {}", why.trim_end_matches('.'))),
        Event::PullRequestOpened(at) => {
            vec![Span::Link { url: at.url, text: format!("Pull request #{}", at.number) }, text(" opened")]
        }
        Event::Moved(foreign) => said(format!("{}{again}", sentence(foreign.what.trim_end_matches('.')))),
        Event::PullRequestClosed => said("Pull request closed"),
        Event::Reopened => said(format!("Pull request opened again{again}")),
        Event::NotDone(undone) => {
            said(format!("Not done: {} ({})", undone.what.words(), undone.why.trim_end_matches('.')))
        }
        Event::Landed { commit, .. } => {
            let mut line = vec![text("In git as "), Span::Code(commit.short().to_owned())];
            if actor.account.is_some() || actor.person.is_some() {
                line.extend([text(", merged by "), Span::Somebody(actor.clone())]);
            }
            line
        }
        Event::Settled { service, ending } => {
            vec![Span::Code(service.to_string()), text(format!(": {}", ending.told_of_one()))]
        }
        Event::Ended(ending, _) => by(&sentence(ending.word()), actor),
    })
}

fn of_glass(event: break_glass::Event, actor: &Actor) -> Option<Vec<Span>> {
    let change = |plan: &break_glass::LivePlan| Span::Code(plan.digest.short().to_owned());
    Some(match event {
        break_glass::Event::Planned(plan) => vec![text("Tried without doing it: change "), change(&plan)],
        break_glass::Event::Replanned(plan) => {
            vec![text("Became change "), change(&plan), text("; approvals start again")]
        }
        break_glass::Event::Voted(_) => by("Approved", actor),
        break_glass::Event::Approved | break_glass::Event::PauseBegun(_) | break_glass::Event::Begun { .. } => {
            return None;
        }
        break_glass::Event::Paused(_) => said("What follows git is held off, and was read back"),
        break_glass::Event::Changed { .. } => said("The cluster is changed, and was read back"),
        break_glass::Event::Redone => said("Something undid it; done once more"),
        break_glass::Event::Alarmed(alarm) => said(format!("Alarm: {}", alarm.what.trim_end_matches('.'))),
        break_glass::Event::Calmed => said("The alarm is over"),
        break_glass::Event::Failed { why, .. } => said(format!("Failed: {}", why.trim_end_matches('.'))),
        break_glass::Event::Ended(ending, _) => by(&sentence(ending.word()), actor),
    })
}

/// Whether there is more to tell of a request than its card does: somebody decided on it, or not all went as planned.
pub fn tells(request: &request::Request) -> bool {
    let course = request.course();
    request.is_review_owed()
        || course
            .is_some_and(|course| !course.votes.is_empty() || !course.not_done.is_empty() || course.foreign.is_some())
}
