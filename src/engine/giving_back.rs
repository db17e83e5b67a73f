//! When a change begins and for how long it is meant; and giving back what was meant for a time: ten minutes before, a
//! request is opened that undoes what the first one changed; when its time comes it goes on like any other. Where
//! somebody changed the same since, people are asked instead.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use super::{Busy, Inner, effects::Trouble, facts, rules::announce};
use crate::{
    clock,
    core::{
        change::{self, Plan, Planned},
        command::{self, Command},
        decide::{Asked, Asker, Incoming, Planning, Reply, Words},
        moment::Moment,
        names::{Field, Service, Target},
        request::{AHEAD, GivesBack, Lasts, Request, State},
        rules::Rules,
    },
};

/// How often it is looked whether something is due.
const EVERY: Duration = Duration::from_secs(1);

/// When a command begins and for how long it means what it changes, as moments of now.
pub(super) fn times(
    rules: &Rules,
    command: &Command,
    target: &Target,
) -> Result<(Option<Timestamp>, Option<Lasts>), Words> {
    let begins = command.begins().or_else(|refusal| unless_unplannable(command, refusal))?;
    let begins = begins.map(|moment| after(moment, clock::now(), (rules, target))).transpose()?;
    Ok((begins, lasts(rules, command, (target, begins))?))
}

/// What is wrong with the change is said where it is planned.
fn unless_unplannable<T>(command: &Command, refusal: command::AskingError) -> Result<Option<T>, Words> {
    match command.change() {
        Err(_) => Ok(None),
        Ok(_) => Err(Words::new(refusal.to_string(), refusal.remedy())),
    }
}

fn after(moment: Moment, now: Timestamp, (rules, target): (&Rules, &Target)) -> Result<Timestamp, Words> {
    let over = || Words::new("That moment is over already.", "Name one that comes, or a length of time: `4h`.");
    moment.after(now, &rules.catalog.zone_of(&target.environment)).ok_or_else(over)
}

/// Until when is counted from when it begins: the next Monday after that Friday.
fn lasts(
    rules: &Rules,
    command: &Command,
    (target, begins): (&Target, Option<Timestamp>),
) -> Result<Option<Lasts>, Words> {
    let Some(moment) = command.lasts().or_else(|refusal| unless_unplannable(command, refusal))? else {
        return Ok(None);
    };
    if let Moment::In(span) = moment {
        return Ok(Some(Lasts::For(span)));
    }
    let until = after(moment, begins.unwrap_or_else(clock::now), (rules, target));
    until.map(|until| Some(Lasts::Until(until)))
}

/// Opens what is due, and lets go on what has come.
pub(super) async fn keep(inner: Arc<Inner>) {
    inner.filled().await;
    while !inner.tasks.is_stopping() {
        let now = clock::now();
        let (lent, has_come) = due(&inner, now).await;
        for request in lent {
            open(&inner, &request).await;
        }
        if has_come {
            inner.take(Incoming::Clock, None).await;
        }
        inner.tasks.pause(EVERY).await;
    }
}

/// What is to be given back within ten minutes and has no request for it yet; and whether one that has is due.
async fn due(inner: &Arc<Inner>, now: Timestamp) -> (Vec<Request>, bool) {
    let soon = now.checked_add(AHEAD).unwrap_or(now);
    let book = inner.book.lock().await;
    let lent = book.iter().filter(|request| request.is_lent() && request.ends_at().is_some_and(|at| at <= soon));
    // One that a newer decision took up is not durable yet.
    let lent = lent.filter(|request| book.ahead().get(&request.id).is_some_and(Request::is_lent)).cloned().collect();
    let is_waiting = |request: &Request| matches!(request.state, State::Deciding(_));
    let is_time = |request: &Request| {
        // What is held is looked at now and then.
        let is_held = request.course().is_some_and(|course| course.held.is_some());
        request.gives_back_at().or(request.waits_until().filter(|_| !is_held)).is_some_and(|at| at <= now)
    };
    let has_come = book.iter().any(|request| is_waiting(request) && is_time(request));
    (lent, has_come)
}

/// Asks for what gives back a request's change, in the name of whoever asked for that.
async fn open(inner: &Arc<Inner>, request: &Request) {
    let Some(rules) = inner.rules() else { return };
    let given_back = match planned(inner, &rules, request).await {
        Ok(given_back) => given_back,
        // What cannot be read now is read at the next look.
        Err(trouble) => return tracing::debug!(%trouble, request = %request.id, "not given back yet"),
    };
    let at = match &given_back {
        Undoing::AsItWas(_) => request.ends_at(),
        Undoing::ChangedSince(_) | Undoing::Not(_) => None,
    };
    let planning = match given_back {
        Undoing::AsItWas(plan) | Undoing::ChangedSince(plan) => Planning::Planned(plan),
        Undoing::Not(words) => Planning::Refused(words),
    };
    let asked = Asked {
        id: clock::request_id(clock::now()),
        asker: Asker {
            account: request.requester.account.clone().unwrap_or_default(),
            via: request.requester.via.clone(),
            person: request.requester.person.clone(),
        },
        command: request.opened.command.clone(),
        words: format!("revert {}", request.id),
        target: request.opened.target.clone(),
        with: request.opened.with.clone(),
        title: format!("give back: {}", request.opened.title),
        reason: None,
        channel: request.opened.channel.clone(),
        tag: None,
        planning,
        debt: None,
        lasts: None,
        begins: None,
        gives_back: Some(GivesBack { of: request.id.clone(), at }),
    };
    if let Reply::Private(words) = inner.take(Incoming::Asked(Box::new(asked)), None).await {
        let title = &request.opened.title;
        let remedy = words.remedy.unwrap_or_default();
        announce(inner, None, format!("`{title}` was meant for a time and is not given back: {} {remedy}", words.text));
    }
}

/// What giving back comes to.
enum Undoing {
    /// The files are as the request left them there.
    AsItWas(Plan),
    /// Somebody changed the same since: what the change would be now.
    ChangedSince(Plan),
    /// There is nothing to do, or it cannot be done.
    Not(Words),
}

async fn planned(inner: &Arc<Inner>, rules: &Rules, request: &Request) -> Result<Undoing, Trouble> {
    let (command, target) = (&request.opened.command, &request.opened.target);
    let legs = request.course().map(|course| course.plan.legs.as_slice()).unwrap_or_default();
    if legs.is_empty() {
        let found = planned_for(inner, rules, request, target).await?;
        return Ok(match found {
            One::AsItWas(planned) => Undoing::AsItWas(planned.plan),
            One::ChangedSince(planned) => Undoing::ChangedSince(planned.plan),
            One::Not(words) => Undoing::Not(words),
        });
    }
    let (mut all, mut is_as_it_was) = (Vec::new(), true);
    for leg in legs {
        let of_it = Target { service: leg.service.clone(), environment: target.environment.clone() };
        match planned_for(inner, rules, request, &of_it).await? {
            One::AsItWas(planned) => all.push((leg.service.clone(), Ok(planned))),
            One::ChangedSince(planned) => {
                is_as_it_was = false;
                all.push((leg.service.clone(), Ok(planned)));
            }
            One::Not(words) => {
                let text = format!("`{}`: {}", leg.service, words.text);
                return Ok(Undoing::Not(Words { text, ..words }));
            }
        }
    }
    Ok(match change::together((command, &target.environment), all) {
        Ok(planned) if is_as_it_was => Undoing::AsItWas(planned.plan),
        Ok(planned) => Undoing::ChangedSince(planned.plan),
        Err(refusal) => Undoing::Not(Words::new(format!("{refusal}."), refusal.remedy())),
    })
}

/// What giving back comes to for one service.
enum One {
    AsItWas(Planned),
    ChangedSince(Planned),
    Not(Words),
}

async fn planned_for(inner: &Arc<Inner>, rules: &Rules, request: &Request, target: &Target) -> Result<One, Trouble> {
    let about = (&request.opened.command, target);
    let undo = command::Asked::Revert { what: request.id.to_string() };
    let refused = match facts::plan_asked(inner, rules, about, undo).await? {
        Ok(planned) => return Ok(One::AsItWas(planned)),
        Err(words) => words,
    };
    let rendered = request.course().and_then(|course| course.plan.aside.as_ref());
    if rendered.is_some_and(|aside| !aside.rendered.is_empty()) {
        let taken = command::Removing { files: Vec::new(), by_hand: command::ByHand::Taken };
        return Ok(match facts::plan_asked(inner, rules, about, command::Asked::Delete(taken)).await? {
            Ok(planned) => One::ChangedSince(planned),
            Err(_) => One::Not(refused),
        });
    }
    let set = before(request, &target.service);
    if set.is_empty() {
        return Ok(One::Not(refused));
    }
    Ok(match facts::plan_asked(inner, rules, about, command::Asked::Set(set)).await? {
        Ok(planned) => One::ChangedSince(planned),
        Err(_) => One::Not(refused),
    })
}

/// The values that its fields had, where they had one.
fn before(request: &Request, service: &Service) -> BTreeMap<Field, Value> {
    let value = |field: &Field, old: &str| facts::value_of(field, old);
    request
        .lines_of(service)
        .iter()
        .filter_map(|line| Some((line.field.clone(), value(&line.field, line.old.as_ref()?))))
        .collect()
}

/// Something was recorded of a request: what it gives back is drawn with it, and what is meant for a short time needs no
/// waiting.
pub(super) fn noticed(inner: &Arc<Inner>, request: &Request) {
    if let Some(gives) = &request.opened.gives_back {
        inner.redraw(&gives.of);
    }
    let soon = clock::now().checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    if request.is_lent() && request.ends_at().is_some_and(|at| at <= soon) {
        let (busy, inner_of_task, request) = (Busy::new(inner), Arc::clone(inner), request.clone());
        inner.tasks.start(async move {
            let _busy = busy;
            open(&inner_of_task, &request).await;
        });
    }
}
