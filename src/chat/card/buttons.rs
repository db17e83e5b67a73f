//! What can be pressed on a request's card, by where the request stands.

use super::{Button, Look, Progress, WITHDRAW};
use crate::{
    chat::form,
    core::{
        names::Field,
        request::{Ending, Request, State, Way},
    },
};

pub(super) fn buttons(request: &Request, progress: &Progress) -> Vec<Button> {
    let value = |digest: &str| format!("{}:{digest}", request.id);
    let button = |action, label, look, digest| Button::of(action, label, look, value(digest));
    match &request.state {
        State::Planning => vec![button("cancel", "Cancel", Look::Plain, "")],
        State::Deciding(course) if request.gives_back_at().is_some() => {
            let digest = course.plan.digest.short();
            vec![
                button("give_back", "Give back now", Look::Primary, digest),
                button("keep", "Keep", Look::Plain, digest),
            ]
        }
        State::Deciding(course) if course.scheduled.is_some() => {
            let digest = course.plan.digest.short();
            let withdraw = (!course.votes.is_empty()).then(|| button("withdraw", WITHDRAW, Look::Plain, digest));
            let usual = [
                button("start", "Start now", Look::Primary, digest),
                button("reject", "Reject", Look::Danger, digest),
                button("cancel", "Cancel", Look::Plain, digest),
            ];
            usual.into_iter().chain(withdraw).collect()
        }
        State::Deciding(course) if course.foreign.is_some() => {
            let digest = course.plan.digest.short();
            vec![
                button("reject", "Reject", Look::Danger, digest),
                button(form::REJECT, "Reject with reason", Look::Plain, digest),
                button("cancel", "Cancel", Look::Plain, digest),
            ]
        }
        // What is held up may be taken back.
        State::Landing(course) if progress.trouble.is_some() => {
            let digest = course.plan.digest.short();
            let withdraw = (!course.votes.is_empty()).then(|| button("withdraw", WITHDRAW, Look::Plain, digest));
            std::iter::once(button("cancel", "Cancel", Look::Plain, digest)).chain(withdraw).collect()
        }
        State::Deciding(course) => {
            let digest = course.plan.digest.short();
            let withdraw = (!course.votes.is_empty()).then(|| button("withdraw", WITHDRAW, Look::Plain, digest));
            let usual = [
                button("approve", "Approve", Look::Primary, digest),
                button("reject", "Reject", Look::Danger, digest),
                button(form::REJECT, "Reject with reason", Look::Plain, digest),
                button("cancel", "Cancel", Look::Plain, digest),
            ];
            usual.into_iter().chain(withdraw).collect()
        }
        State::Landing(_) => vec![],
        State::Over { .. } if request.opened.way == Way::Live => vec![],
        // What brought no version has none to go back from.
        State::Following(..) | State::Over { .. } if !brings_version(request) => vec![],
        State::Following(..)
        | State::Over { ending: Ending::Live { .. } | Ending::NotLive { .. } | Ending::Unseen { .. }, .. } => {
            vec![button("rollback", "Roll back", Look::Plain, "")]
        }
        State::Over { .. } => vec![],
    }
}

fn brings_version(request: &Request) -> bool {
    let lines = request.course().map(|course| course.plan.lines.as_slice()).unwrap_or_default();
    lines.iter().any(|line| matches!(line.field, Field::ImageTag | Field::ImageDigest))
}
