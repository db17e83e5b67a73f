//! `/incident`, `/breakglass` and `/debts`: what was typed, as the core decides on it, or the answer.

use std::{fmt::Write as _, sync::Arc};

use super::Inner;
use crate::{
    clock,
    core::{
        break_glass::{Action, ByHand},
        catalog::Severity,
        command::{Command, Value},
        debt::{Debt, State},
        decide::{Asker, Declared, Emergency, GlassAsked, IncidentAct, Incoming, OfIncident, Words, WriteOffAsked},
        entry::Actor,
        names::{Field, ImageTag, RequestId, Target},
        span::Span,
    },
    engine::reviews,
};

fn text(command: &Command, option: &str) -> Option<String> {
    command.value(option).map(ToString::to_string)
}

/// What somebody says of incidents.
pub(in crate::engine) fn incident(command: &Command, asker: &Asker, channel: &str) -> Result<Incoming, Words> {
    let needed = |option: &str, example: &str| {
        let words = || Words::new(format!("`{option}` is missing."), format!("Type it like `{example}`."));
        text(command, option).ok_or_else(words)
    };
    let act = match text(command, "what").as_deref() {
        Some("stable") => IncidentAct::Stable,
        Some("close") => IncidentAct::Close,
        Some("reopen") => IncidentAct::Reopen,
        Some("note") => IncidentAct::Note(needed("text", "/incident note \"the leak is in v1.2.4\"")?),
        Some("lead") => match command.value("person") {
            Some(Value::Person(person)) => IncidentAct::Lead(person.clone()),
            Some(_) | None => IncidentAct::Lead(own(asker)?),
        },
        Some(_) | None => {
            let example = "/incident declare sev2 checkout \"memory leak\"";
            let severity = Severity::parse(&needed("severity", example)?);
            let severity =
                severity.map_err(|error| Words::new(error.to_string(), format!("Type it like `{example}`.")))?;
            return Ok(Incoming::Emergency(Emergency::Declared(Declared {
                id: clock::request_id(clock::now()),
                asker: asker.clone(),
                severity,
                service: command.service().cloned(),
                title: needed("text", example)?,
                channel: channel.to_owned(),
            })));
        }
    };
    let incident = text(command, "id").and_then(|id| RequestId::parse(&id).ok());
    Ok(Incoming::Emergency(Emergency::OfIncident(OfIncident { asker: asker.clone(), incident, act })))
}

fn own(asker: &Asker) -> Result<crate::core::names::PersonId, Words> {
    asker.person.clone().ok_or_else(|| Words::new("The catalog does not know you.", "Name a person of the catalog."))
}

/// Somebody asks to break glass.
pub(in crate::engine) fn breakglass(command: &Command, asker: &Asker, channel: &str) -> Result<Incoming, Words> {
    let missing = || Words::new("A service and an environment are needed.", "Type `/help breakglass`.");
    let target = command.target().ok_or_else(missing)?;
    let value = text(command, "value").unwrap_or_default();
    let count = || {
        let words = || Words::new(format!("`{value}` is not a number of replicas."), "Give a whole number.");
        value.parse::<u32>().map_err(|_| words())
    };
    let action = match text(command, "what").as_deref() {
        Some("image") => {
            let words = || Words::new(format!("`{value}` is not an image tag."), "Give a tag such as `v1.2.4`.");
            Action::Image(ImageTag::parse(&value).map_err(|_| words())?)
        }
        Some("bounds") => Action::Bounds(count()?),
        Some(_) | None => Action::Scale(count()?),
    };
    let span = match command.value("for") {
        Some(Value::Duration(span)) => *span,
        Some(_) | None => Span::HOUR,
    };
    Ok(Incoming::Emergency(Emergency::Asked(Box::new(GlassAsked {
        id: clock::request_id(clock::now()),
        incident: clock::request_id(clock::now()),
        asker: asker.clone(),
        action,
        target,
        span,
        reason: command.reason().map(str::to_owned),
        channel: channel.to_owned(),
        words: command.to_text().to_owned(),
    }))))
}

/// Somebody tells what was done by hand.
pub(in crate::engine) fn debt(command: &Command, asker: &Asker, channel: &str) -> Result<Incoming, Words> {
    let example = "Type it like `/debt record checkout prod replicas 10 \"scaled by hand\"`.";
    let target = command.target().ok_or_else(|| Words::new("A service and an environment are needed.", example))?;
    if text(command, "what").as_deref() == Some("write-off") {
        return write_off(command, asker, target);
    }
    let needed = |option: &str, what: &str| {
        text(command, option).ok_or_else(|| Words::new(format!("{what} is missing."), example))
    };
    let live = needed("value", "What is live now")?;
    let field = match needed("field", "Which value it is")?.as_str() {
        "version" => Field::ImageTag,
        _ => {
            let words = || Words::new(format!("`{live}` is not a number of replicas."), "Give a whole number.");
            live.parse::<u32>().map_err(|_| words())?;
            Field::Replicas
        }
    };
    let reason = command.reason().map(str::to_owned);
    let reason = reason.ok_or_else(|| Words::new("What was done is missing.", example))?;
    let action = Action::Record(ByHand { field, live });
    Ok(Incoming::Emergency(Emergency::Asked(Box::new(GlassAsked {
        id: clock::request_id(clock::now()),
        incident: clock::request_id(clock::now()),
        asker: asker.clone(),
        action,
        target,
        span: Span::HOUR,
        reason: Some(reason),
        channel: channel.to_owned(),
        words: command.to_text().to_owned(),
    }))))
}

/// Somebody asks that git and live may differ on purpose until a day.
fn write_off(command: &Command, asker: &Asker, target: Target) -> Result<Incoming, Words> {
    let example = "Type it like `/debt write-off checkout prod until=2027-01-31 reason=\"kept until the sale ends\"`.";
    let until = match command.value("until") {
        Some(Value::Moment(moment)) => *moment,
        Some(_) | None => return Err(Words::new("A day on which it is owed again is missing.", example)),
    };
    let reason = command.reason().map(str::to_owned).ok_or_else(|| Words::new("Why is missing.", example))?;
    let asked = WriteOffAsked { asker: asker.clone(), target, until, reason };
    Ok(Incoming::Emergency(Emergency::WriteOff(Box::new(asked))))
}

/// Until when it is written off, and by whom.
pub(super) fn written_off(debt: &Debt) -> Option<String> {
    let State::WrittenOff { asked, agreed } = &debt.state else { return None };
    let name = |actor: &Actor| actor.person.as_ref().map_or("somebody", |person| person.as_str()).to_owned();
    let until = asked.until.strftime("%Y-%m-%d %H:%M UTC");
    Some(format!("written off until {until} by {} and {}", name(&asked.by), name(agreed)))
}

/// What is owed, to whoever asks.
pub(in crate::engine) async fn debts(inner: &Arc<Inner>) -> Words {
    let (matters, now) = (inner.matters().await, clock::now());
    let mut told = String::new();
    for debt in matters.debts.values().filter(|debt| !debt.is_over()) {
        let owner = debt.opened.owner.person.as_ref().map_or("nobody of the catalog", |person| person.as_str());
        let minutes = now.duration_since(debt.at).as_mins();
        let late = if now >= debt.until { ", past its time" } else { "" };
        let _ = writeln!(
            told,
            "• *{}*: {} {}, owed by {owner} for {minutes} min ({}{late}). Debt `{}`.",
            debt.opened.target,
            debt.fields(),
            debt.words(),
            written_off(debt).unwrap_or_else(|| debt.state.word().to_owned()),
            debt.id
        );
    }
    for drift in matters.open_drifts() {
        let minutes = now.duration_since(drift.at).as_mins();
        let (seen, word) = (&drift.opened, drift.state.word());
        let _ = writeln!(
            told,
            "• *{}*: {} {}, changed by hand {minutes} min ago ({word}). Drift `{}`.",
            seen.target,
            seen.field,
            seen.words(),
            drift.id
        );
    }
    let reviews = reviews::owed(inner).await;
    if told.is_empty() && !reviews.is_empty() {
        return Words::new(reviews.trim_end(), "Look at each, and press Reviewed on its card.");
    }
    told.push_str(&reviews);
    if told.is_empty() {
        return Words::plain("Nothing is owed: no break-glass is open, and nothing is known to differ.");
    }
    Words::new(told.trim_end(), "Merge the pull request of each, or press one of the buttons on its card.")
}
