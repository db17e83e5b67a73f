//! Buttons beside those of a decision: an incident's, and what whoever asked for a rollback may tick on its card: what else was
//! different when the version ran. None is ticked by itself, because a rollback restores the version alone.

use super::{Button, Look};
use crate::core::{
    change::Line,
    decide::TICK,
    names::Field,
    request::{Course, Ending, Request, State},
};
use crate::{
    chat::form,
    core::incident::{self, Incident},
};

/// How many can be ticked.
const MOST: usize = 5;
/// The longest name of a field that a button carries on every platform.
const LONGEST: usize = 48;

impl Button {
    pub(super) fn of(action: &'static str, label: &'static str, look: Look, value: String) -> Self {
        Self { action: action.into(), label: label.into(), look, value }
    }
}

/// The buttons, and beside them what can be ticked.
pub(super) fn beside(request: &Request, mut buttons: Vec<Button>) -> Vec<Button> {
    let Some(course) = request.course() else { return buttons };
    let is_landed = match &request.state {
        State::Deciding(course) if course.foreign.is_none() => false,
        State::Following(..) => true,
        State::Over { commit: Some(_), ending, .. } => {
            !matches!(ending, Ending::Superseded { .. } | Ending::TakenOver { .. })
        }
        State::Planning | State::Deciding(_) | State::Landing(_) | State::Over { .. } => return buttons,
    };
    let digest = course.plan.digest.short();
    let button = |line: &Line, words: String| Button {
        action: format!("{TICK}{}", line.field).into(),
        label: words.into(),
        look: Look::Plain,
        value: format!("{}:{digest}", request.id),
    };
    let open = unticked(course)
        .filter(|_| request.opened.debt.is_none() || is_landed)
        .map(|line| button(line, format!("Also {}", from_to(line))));
    // What is live there goes into git with it, whoever would rather leave it out.
    let pays = request.opened.debt.is_some();
    let ticked =
        ticked(course).filter(|_| !is_landed && !pays).map(|line| button(line, format!("Without {}", from_to(line))));
    buttons.extend(open.chain(ticked).take(MOST));
    buttons
}

fn from_to(line: &Line) -> String {
    format!("{} {} → {}", line.field, line.old.as_deref().unwrap_or("not set"), line.new)
}

/// What was different then and stays, where it can be restored by a button.
fn unticked(course: &Course) -> impl Iterator<Item = &Line> {
    let aside = course.plan.aside.iter();
    aside.flat_map(|aside| &aside.differs).filter(|line| line.is_set() && fits(&line.field))
}

/// What is restored beside the version.
fn ticked(course: &Course) -> impl Iterator<Item = &Line> {
    let is_rollback = course.plan.aside.as_ref().is_some_and(|aside| aside.back_to.is_some());
    let lines = course.plan.lines.iter().filter(move |_| is_rollback);
    lines.filter(|line| !line.field.is_version() && fits(&line.field))
}

fn fits(field: &Field) -> bool {
    let name = field.to_string();
    name.len() <= LONGEST && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// What can be pressed on the card of an incident.
pub(super) fn of_incident(incident: &Incident) -> Vec<Button> {
    let of = |action, label, look| Button::of(action, label, look, format!("{}:", incident.id));
    let (note, reopen) = (of(form::NOTE, "Add note", Look::Plain), of("reopen", "Reopen", Look::Plain));
    match &incident.state {
        incident::State::Active => {
            vec![of("stable", "Stable", Look::Primary), note, of("close", "Close", Look::Plain)]
        }
        incident::State::Stable { .. } => vec![of("close", "Close", Look::Primary), note, reopen],
        incident::State::Closed { .. } => vec![reopen],
    }
}
