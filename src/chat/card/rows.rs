//! A line for each service, where a request is of several: its name, what it gets, and how far it is, in words.

use super::Progress;
use crate::core::{
    change::Line,
    names::Service,
    request::{Ending, Request, State},
};

/// One of several services on a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Old and new value of each field.
    pub lines: Vec<Line>,
    /// How far it is.
    pub state: String,
}

pub(super) fn of(request: &Request, progress: &Progress) -> Vec<Row> {
    let Some(course) = request.course().filter(|course| !course.plan.legs.is_empty()) else { return Vec::new() };
    let row = |service: &Service| {
        let plan = course.plan.of(service);
        let state = match plan {
            None => "already so".to_owned(),
            Some(_) => state(request, progress, service),
        };
        Row { name: service.to_string(), lines: plan.map(|plan| plan.lines.clone()).unwrap_or_default(), state }
    };
    request.opened.services().map(row).collect()
}

fn state(request: &Request, progress: &Progress, service: &Service) -> String {
    match (&request.state, request.ending_of(service)) {
        (State::Over { commit: None, .. }, _) => "not changed".to_owned(),
        (State::Over { ending: Ending::Landed, .. }, _) => "in git".to_owned(),
        (_, Some(ending)) => ending.told_of_one(),
        (State::Planning | State::Deciding(_), None) => "not changed yet".to_owned(),
        (State::Landing(_), None) => "landing".to_owned(),
        (State::Following(..) | State::Over { .. }, None) => {
            progress.each.get(service).cloned().unwrap_or_else(|| "in git, rolling out".to_owned())
        }
    }
}
