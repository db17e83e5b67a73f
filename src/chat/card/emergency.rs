//! The cards of incidents, break-glasses and debts. As with requests they say what the ledger says, and are made again
//! from it at any time.

use super::{Button, Card, Look, Mark, Progress, Span, Standing, choices, text};
use crate::chat::form;
use crate::core::{
    break_glass::{self, Course, Override, State},
    change::Line,
    debt::Debt,
    decide::sentence,
    entry::Actor,
    incident::{self, Incident, Moment},
    matters::Matters,
    names::RequestId,
};

/// How many moments of a timeline a card shows.
const MOMENTS: usize = 12;
/// How many debts the card of an incident names.
const OWED: usize = 5;

pub(super) fn button(
    id: &RequestId,
    (action, label, look): (&'static str, &'static str, Look),
    digest: &str,
) -> Button {
    Button { action: action.into(), label: label.into(), look, value: format!("{id}:{digest}") }
}

pub(super) fn working(mut status: Vec<Span>, progress: &Progress) -> Standing {
    if let Some(trouble) = &progress.trouble {
        status.push(text(format!(" Not yet: {trouble}")));
    }
    (Mark::Working, status, None)
}

pub(super) fn card(title: String, (mark, status, remedy): Standing) -> Card {
    let (lines, timeline, notes, buttons, values) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let rows = Vec::new();
    Card {
        title,
        mark,
        status,
        remedy,
        lines,
        rows,
        reason: None,
        diff: String::new(),
        timeline,
        notes,
        buttons,
        values,
    }
}

/// The card of an incident.
pub fn of_incident(incident: &Incident, matters: &Matters) -> Card {
    let debts: Vec<&Debt> = matters.debts_in(&incident.id).collect();
    let standing = match &incident.state {
        incident::State::Active => (Mark::Alarm, vec![text("Active.")], None),
        incident::State::Stable { at } => {
            let close = "Press Close when nothing is owed any more.".to_owned();
            (Mark::Working, vec![text("Stable since "), Span::Day(*at), text(".")], Some(close))
        }
        incident::State::Closed { at, by } => (
            Mark::Done,
            vec![text("Closed by "), Span::Somebody(by.clone()), text(", "), Span::Day(*at), text(".")],
            None,
        ),
    };
    let mut notes = vec![
        vec![text("Commanded by "), Span::Somebody(incident.commander.clone())],
        vec![text("Declared by "), Span::Somebody(incident.declared_by.clone()), text(" at "), Span::At(incident.at)],
    ];
    notes.extend(debts.iter().take(OWED).map(|debt| {
        let words = format!("Owed to git: {} of {} ({}), by ", debt.fields(), debt.opened.target, debt.words());
        vec![text(words), Span::Somebody(debt.opened.owner.clone())]
    }));
    let shown: Vec<&Moment> = incident.timeline.iter().filter(|moment| is_shown(moment)).collect();
    let newest = shown.len().saturating_sub(MOMENTS);
    let timeline = shown.into_iter().skip(newest).map(told).collect();
    notes.push(vec![text("Incident "), Span::Code(incident.id.to_string())]);
    let buttons = choices::of_incident(incident);
    let items = debts.iter().flat_map(|debt| debt.items());
    let values = items.flat_map(|item| [item.git.clone(), Some(item.live.clone())]).flatten().collect();
    Card { timeline, notes, buttons, values, ..card(incident.title(), standing) }
}

fn is_shown(moment: &Moment) -> bool {
    !words(&moment.kind).is_empty()
}

/// What happened, in words.
fn words(kind: &str) -> &'static str {
    match kind {
        "incident.opened" => "declared",
        "incident.stable" => "stable",
        "incident.closed" => "closed",
        "incident.reopened" => "open again",
        "incident.noted" => "note",
        "incident.led" => "another commander",
        "request.opened" => "asked",
        "request.ended" => "ended",
        "approval.given" => "approved a change of git",
        "landing.done" => "in git",
        "breakglass.opened" => "asks to break glass",
        "breakglass.approval" => "approved breaking glass",
        "breakglass.changed" => "the cluster is changed",
        "breakglass.failed" => "could not break glass",
        "breakglass.redone" => "undone by something, done once more",
        "breakglass.alarm" => "alarm",
        "breakglass.ended" => "break-glass over",
        "pause.done" => "what follows git is held off",
        "debt.opened" => "a debt is open",
        "debt.grown" => "the debt grows",
        "debt.write_off_asked" => "asks to write the debt off",
        "debt.written_off" => "the debt is written off",
        "debt.returned" => "the debt is owed again",
        "debt.moved" => "the debt is planned anew",
        "debt.revert" => "chose to give back what git says",
        "debt.extended" => "extended it",
        "debt.proven" => "git equals live",
        "debt.resumed" => "what follows git goes on",
        "debt.ended" => "the debt is paid",
        "drift.opened" | "drift.again" => "changed by hand",
        "drift.ended" => "drift over",
        _ => "",
    }
}

fn told(moment: &Moment) -> Vec<Span> {
    let mut line = vec![Span::At(moment.at), text(" ")];
    if moment.actor.account.is_some() || moment.actor.person.is_some() {
        line.extend([Span::Somebody(moment.actor.clone()), text(" ")]);
    }
    line.push(text(words(&moment.kind)));
    if !moment.words.is_empty() && moment.kind != "debt.ended" && moment.kind != "breakglass.ended" {
        line.push(text(format!(": {}", moment.words)));
    }
    line
}

/// The card of a break-glass.
pub fn of_glass(glass: &Override, progress: &Progress, matters: &Matters) -> Card {
    let course = glass.course();
    let lines = course.map(|course| {
        let plan = &course.plan;
        vec![Line { field: plan.field.clone(), old: Some(plan.old.clone()), new: plan.new.clone() }]
    });
    let digest = course.map(|course| course.plan.digest.short()).unwrap_or_default();
    let of = |button_of| button(&glass.id, button_of, digest);
    let cancel = ("cancel", "Cancel", Look::Plain);
    // A note stands on the timeline of its incident.
    let note = button(&glass.opened.incident, (form::NOTE, "Add note", Look::Plain), "");
    let buttons = match &glass.state {
        State::Checking => vec![of(cancel)],
        State::Deciding(_) => vec![
            of(("approve", "Approve", Look::Primary)),
            of(("reject", "Reject", Look::Danger)),
            of((form::REJECT, "Reject with reason", Look::Plain)),
            of(cancel),
            note,
        ],
        State::Active { .. } => vec![note],
        State::Pausing { .. }
        | State::Paused { .. }
        | State::Changing { .. }
        | State::Undoing { .. }
        | State::Over { .. } => vec![],
    };
    Card {
        lines: lines.unwrap_or_default(),
        rows: Vec::new(),
        reason: glass.reason.clone(),
        diff: course.map(exact).unwrap_or_default(),
        notes: glass_notes(glass, matters),
        buttons,
        values: course.and_then(|course| course.plan.git.clone()).into_iter().collect(),
        ..card(glass.opened.title(), glass_standing(glass, progress, matters))
    }
}

/// The exact patch, as it will be sent, and what undoes it.
fn exact(course: &Course) -> String {
    let plan = &course.plan;
    let mut told = vec![format!("{} in {}", plan.object, plan.object.cluster)];
    told.extend(plan.patch.iter().map(operation));
    told.push(format!("undone by: {}", plan.inverse.last().map(operation).unwrap_or_default()));
    told.join("\n")
}

/// One operation of a patch, in the words of RFC 6902: `replace /spec/replicas = 10`.
fn operation(operation: &serde_json::Value) -> String {
    let word = |name: &str| operation.get(name).and_then(serde_json::Value::as_str);
    match (word("op"), word("path"), operation.get("value")) {
        (Some(verb), Some(path), Some(value)) => format!("{verb} {path} = {value}"),
        (Some(verb), Some(path), None) => format!("{verb} {path}"),
        (_, _, _) => operation.to_string(),
    }
}

fn glass_standing(glass: &Override, progress: &Progress, matters: &Matters) -> Standing {
    match &glass.state {
        State::Checking => {
            working(vec![text("Looking at the cluster, and trying the change without doing it.")], progress)
        }
        State::Deciding(course) => (Mark::Waiting, deciding(glass, course), None),
        State::Pausing { course, .. } | State::Paused { course, .. } => {
            let held = course.plan.pause.as_ref().map(ToString::to_string);
            let held = held.unwrap_or_else(|| "nothing, as nothing follows git there".to_owned());
            working(vec![text("Approved. Holding off "), Span::Code(held), text(".")], progress)
        }
        State::Changing { .. } => working(vec![text("Changing the cluster.")], progress),
        State::Active { alarm: Some(alarm), .. } => {
            let remedy = "Look at it now; a person must decide.".to_owned();
            (Mark::Alarm, vec![text(alarm.what.clone())], Some(remedy))
        }
        State::Active { debt, .. } if is_replaced(glass, matters.debts.get(debt)) => {
            let words =
                "A newer break-glass of the same value took its place. What is owed to git is on a card of its own.";
            working(vec![text(words)], progress)
        }
        State::Active { at, redone, .. } => active(*at, *redone, progress),
        State::Undoing { .. } => working(vec![text("It could not be done. What was held off goes on.")], progress),
        State::Over { ending, by, .. } => glass_over(ending, by),
    }
}

/// Whether what it changed was changed once more by a newer one.
fn is_replaced(glass: &Override, debt: Option<&Debt>) -> bool {
    debt.is_some_and(|debt| debt.item_of(&glass.id).is_none())
}

fn active(at: jiff::Timestamp, redone: u32, progress: &Progress) -> Standing {
    let mut status = vec![text("The cluster is changed since "), Span::At(at), text(".")];
    if let Some(seen) = &progress.seen {
        status.push(text(format!(" {}.", sentence(seen).trim_end_matches('.'))));
    }
    if redone > 0 {
        status.push(text(" Something undid it once, and it was done once more."));
    }
    status.push(text(" What is owed to git is on a card of its own."));
    if let Some(trouble) = &progress.trouble {
        status.push(text(format!(" It cannot be watched just now: {trouble}")));
    }
    (Mark::Working, status, None)
}

fn deciding(glass: &Override, course: &Course) -> Vec<Span> {
    let needs = &glass.opened.needs;
    let given = u32::try_from(course.votes.len()).unwrap_or(u32::MAX);
    let mut status = vec![text(format!("{}", needs.count.saturating_sub(given)))];
    for (index, from) in needs.from.iter().enumerate() {
        let (kind, name) = from.split_once(':').unwrap_or(("", from));
        let kind = if matches!(kind, "team" | "group") { format!("the {kind} ") } else { String::new() };
        status.push(text(format!("{}{kind}", if index == 0 { " from " } else { " or " })));
        status.push(Span::Code(name.to_owned()));
    }
    if needs.from.is_empty() {
        status.push(text(" from anybody else of the catalog"));
    }
    status.extend([text(", until "), Span::At(needs.until), text(". The last approval executes it.")]);
    status
}

fn glass_over(ending: &break_glass::Ending, by: &Actor) -> Standing {
    let by = |words: &str| vec![text(words), Span::Somebody(by.clone()), text(". Nothing was changed.")];
    match ending {
        break_glass::Ending::Reconciled => {
            (Mark::Done, vec![text("Over: git and the cluster agree, and what follows git goes on.")], None)
        }
        break_glass::Ending::Rejected { why: None } => (Mark::Stopped, by("Rejected by "), None),
        break_glass::Ending::Rejected { why: Some(why) } => {
            let mut status = by("Rejected by ");
            status.pop();
            status.push(text(format!(": {}. Nothing was changed.", why.trim().trim_end_matches('.'))));
            (Mark::Stopped, status, None)
        }
        break_glass::Ending::Cancelled => (Mark::Stopped, by("Cancelled by "), None),
        break_glass::Ending::Expired => {
            let again = "Ask again if it is still wanted.".to_owned();
            (Mark::Stopped, vec![text("Nobody approved in time. Nothing was changed.")], Some(again))
        }
        break_glass::Ending::Failed { why, remedy } => {
            let why = if why.is_empty() { "It could not be done. Nothing was changed." } else { why };
            (Mark::Failed, vec![text(sentence(why))], Some(remedy.clone()).filter(|words| !words.is_empty()))
        }
    }
}

/// Words of ours in which names stand between backticks.
fn set_apart(words: &str) -> Vec<Span> {
    let piece = |(place, piece): (usize, &str)| match place % 2 {
        0 => text(piece.to_owned()),
        _ => Span::Code(piece.to_owned()),
    };
    words.split('`').enumerate().filter(|(_, piece)| !piece.is_empty()).map(piece).collect()
}

fn glass_notes(glass: &Override, matters: &Matters) -> Vec<Vec<Span>> {
    let mut notes =
        vec![vec![text("Asked by "), Span::Somebody(glass.requester.clone()), text(" at "), Span::At(glass.at)]];
    if let Some(course) = glass.course() {
        let approvers = course.votes.iter().enumerate().flat_map(|(index, vote)| {
            [text(if index == 0 { "Approved by " } else { ", " }), Span::Somebody(vote.actor.clone())]
        });
        notes.extend(Some(approvers.collect::<Vec<_>>()).filter(|spans| !spans.is_empty()));
        let plan = &course.plan;
        let git = plan.git.as_deref().unwrap_or("what could not be read");
        notes.push(match &plan.pause {
            Some(held) if !glass.is_over() => vec![
                text(format!("Git says {git}, which would come back by itself; so ")),
                Span::Code(held.to_string()),
                text(" is held off until git says what is live"),
            ],
            Some(_) | None => vec![text(format!("Git said {git}"))],
        });
        let is_open = matches!(glass.state, State::Deciding(_));
        notes.extend(plan.remarks.iter().filter(|_| is_open).map(|remark| set_apart(remark)));
        notes.push(vec![text("Change "), Span::Code(plan.digest.short().to_owned())]);
    }
    if let Some(incident) = matters.incidents.get(&glass.opened.incident) {
        notes.push(vec![text(format!("Incident: {}", incident.title()))]);
    }
    notes.push(vec![text("Break-glass "), Span::Code(glass.id.to_string())]);
    notes
}
