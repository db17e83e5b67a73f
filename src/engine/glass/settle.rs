//! Paying a debt: the change of git is asked for by itself, through the same machinery as everything else, in the name
//! of whoever owes it; or the cluster gets what git says, by the inverse that was stored when people approved.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{Inner, Trouble, check, live_value, passing, report};
use crate::{
    cluster::{ClusterError, DryRun},
    core::{
        break_glass::{Kind, LivePlan},
        debt::{Debt, Item, Moved, Side, State, is_count},
        decide::{Came, Incoming, Reply, Words, paying_command},
        names::Field,
        request::{Folded, Request},
    },
    engine::{Said, Typed, facts},
};

/// How long a request is left alone that nobody says anything of.
const LONG: Duration = Duration::from_secs(60);

/// What is owed of a debt, each value with the plan of the break-glass that made it so.
pub(super) async fn owed(inner: &Arc<Inner>, debt: &Debt) -> Result<Vec<(Item, LivePlan)>, Trouble> {
    let matters = inner.matters().await;
    let planned = |item: &Item| {
        let course = matters.overrides.get(&item.breakglass)?.course()?;
        Some((item.clone(), course.plan.clone()))
    };
    let unknown = || Trouble::Other("the break-glass of this debt is not known here.".to_owned());
    debt.items().into_iter().map(|item| planned(item).ok_or_else(unknown)).collect()
}

async fn halted(inner: &Arc<Inner>, debt: &Debt, words: &Words) -> Duration {
    let why = [words.text.clone(), words.remedy.clone().unwrap_or_default()].join(" ");
    report(inner, &debt.id, Came::Halted(why.trim().to_owned())).await;
    Duration::ZERO
}

/// Asks for the change of git.
pub(super) async fn propose(inner: &Arc<Inner>, debt: &Debt) -> Result<Duration, Trouble> {
    let before = proposed_before(inner, debt).await;
    // What is proposed may hold more than what is owed.
    if before.is_none() && says_all(inner, debt).await {
        report(inner, &debt.id, Came::Settled(Side::Git)).await;
        return Ok(Duration::ZERO);
    }
    let incoming = match facts::read(inner, typed(debt, before.as_ref())).await {
        Ok(Incoming::Asked(mut asked)) => {
            asked.debt = Some(debt.id.clone());
            asked.reason = match before.filter(is_going_back) {
                Some(before) => before.reason,
                None => Some(format!("git as it is live since a break-glass ({})", debt.words())),
            };
            Incoming::Asked(asked)
        }
        Ok(Incoming::Misasked { words, .. }) | Err(words) => return Ok(halted(inner, debt, &words).await),
        Ok(_) => return Err(Trouble::Other("the command that would change git is another one here.".to_owned())),
    };
    match inner.take(incoming, None).await {
        Reply::Private(words) => Ok(halted(inner, debt, &words).await),
        Reply::Taken | Reply::Go | Reply::Stop => Ok(Duration::ZERO),
    }
}

/// The request that was to pay it and is still undecided: a new one takes its place.
async fn proposed_before(inner: &Arc<Inner>, debt: &Debt) -> Option<Request> {
    let book = inner.book.lock().await;
    let open = |one: &&Request| one.opened.debt.as_ref() == Some(&debt.id) && !one.is_over() && one.commit().is_none();
    book.iter().rev().find(open).cloned()
}

fn is_going_back(before: &Request) -> bool {
    before.opened.command.as_str() == "rollback"
}

/// Whether git says all that is live, as far as is known here.
async fn says_all(inner: &Arc<Inner>, debt: &Debt) -> bool {
    let Some(rules) = inner.rules() else { return false };
    for item in debt.items() {
        let git = check::git_value(inner, &rules, &debt.opened.target, &item.field).await;
        if !git.is_ok_and(|git| git.as_ref() == Some(&item.live)) {
            return false;
        }
    }
    true
}

/// What the owner would type; a rollback that was folded in is asked for once more, as it was.
fn typed(debt: &Debt, before: Option<&Request>) -> Typed {
    if let Some(before) = before.filter(|before| is_going_back(before)) {
        let words = before.opened.words.as_str();
        let (command, rest) = words.split_once(' ').unwrap_or((words, ""));
        return Typed {
            account: before.requester.account.clone().unwrap_or_default(),
            via: before.requester.via.clone(),
            channel: before.opened.channel.clone(),
            invoked: command.to_owned(),
            said: Said::Text(rest.to_owned()),
        };
    }
    let target = &debt.opened.target;
    let version = debt.item(&Field::ImageTag).map(|item| ("version", item.live.clone()));
    let count = debt.items().into_iter().find(|item| is_count(&item.field));
    let count = count.map(|item| ("replicas", at_least(&item.live, before)));
    let place = [("service", target.service.to_string()), ("environment", target.environment.to_string())];
    let said = place.into_iter().chain(version).chain(count);
    let owner = &debt.opened.owner;
    Typed {
        account: owner.account.clone().unwrap_or_default(),
        via: owner.via.clone(),
        channel: debt.opened.channel.clone(),
        invoked: paying_command(debt).to_owned(),
        said: Said::Options(said.map(|(name, value)| (name.to_owned(), value)).collect()),
    }
}

/// The count that is live, or the higher one that somebody asked for meanwhile.
fn at_least(live: &str, before: Option<&Request>) -> String {
    let lines = before.and_then(Request::course).map(|course| course.plan.lines.as_slice()).unwrap_or_default();
    let asked = lines.iter().filter(|line| is_count(&line.field)).filter_map(|line| line.new.parse::<u64>().ok()).max();
    let scaled = asked.filter(|_| before.is_some_and(|before| before.opened.folded == Folded::Yes));
    match (scaled, live.parse::<u64>()) {
        (Some(asked), Ok(count)) if asked > count => asked.to_string(),
        (_, _) => live.to_owned(),
    }
}

/// Sees how the request goes on. Whoever records something of it wakes this.
pub(super) async fn await_request(inner: &Arc<Inner>, debt: &Debt) -> Result<Duration, Trouble> {
    look_at_git(inner, debt).await;
    let State::Proposed { request } = &debt.state else {
        // It waits for a person, unless both sides agree by themselves.
        if says_all(inner, debt).await {
            report(inner, &debt.id, Came::Settled(Side::Git)).await;
        }
        return Ok(LONG);
    };
    let matters = inner.matters().await;
    let Some(request) = inner.request(request).await else {
        return Ok(halted(inner, debt, &Words::plain("The request is not known here.")).await);
    };
    let landed = request.commit().is_some();
    // What does more than pay goes live only once what follows git goes on.
    let is_followed = || request.only_pays(&matters);
    if landed && (request.is_over() || !is_followed() || !compares(inner, debt).await?) {
        report(inner, &debt.id, Came::Settled(Side::Git)).await;
        return Ok(Duration::ZERO);
    }
    if request.is_over() {
        if says_all(inner, debt).await {
            report(inner, &debt.id, Came::Settled(Side::Git)).await;
            return Ok(Duration::ZERO);
        }
        let words = Words::plain(format!("`{}` ended: {}.", request.opened.title, request.outcome_word()));
        return Ok(halted(inner, debt, &words).await);
    }
    Ok(LONG)
}

/// What git says of each value now, where that is another than it was: its card tells it, and its change is planned anew.
async fn look_at_git(inner: &Arc<Inner>, debt: &Debt) {
    let Some(rules) = inner.rules() else { return };
    for item in debt.items() {
        let Ok(git) = check::git_value(inner, &rules, &debt.opened.target, &item.field).await else { continue };
        if git != item.git {
            let (field, to) = (item.field.clone(), Moved::Git(git));
            report(inner, &debt.id, Came::Moved { field, to }).await;
        }
    }
}

/// Whether what is held off still compares git with live, so that the request itself is followed until it is live:
/// Argo CD does; Flux looks at nothing while it is suspended.
async fn compares(inner: &Arc<Inner>, debt: &Debt) -> Result<bool, Trouble> {
    let held = owed(inner, debt).await?.into_iter().find_map(|(_, plan)| plan.pause);
    Ok(held.is_none_or(|held| held.kind == Kind::Application))
}

/// Gives the cluster what git says, and sees that it is so.
pub(super) async fn revert(inner: &Arc<Inner>, debt: &Debt) -> Result<Duration, Trouble> {
    for (item, plan) in owed(inner, debt).await? {
        let first = first_of(inner, debt, &item, &plan).await;
        give_back(inner, debt, (&item.field, &plan), &first).await?;
    }
    report(inner, &debt.id, Came::Settled(Side::Live)).await;
    Ok(Duration::ZERO)
}

/// What stood there before the first of its break-glasses on that value.
async fn first_of(inner: &Arc<Inner>, debt: &Debt, item: &Item, plan: &LivePlan) -> Value {
    let matters = inner.matters().await;
    let first = debt.all.iter().find(|one| one.field == item.field);
    let course = first.and_then(|one| matters.overrides.get(&one.breakglass)?.course());
    course.map_or_else(|| plan.way.from.clone(), |course| course.plan.way.from.clone())
}

/// Gives the cluster what git says of one value, and sees that it is so.
async fn give_back(
    inner: &Arc<Inner>,
    debt: &Debt,
    (field, plan): (&Field, &LivePlan),
    first: &Value,
) -> Result<(), Trouble> {
    let rules = inner.glass_rules()?;
    let place = inner.glass_place(&debt.opened.target)?;
    let git = check::git_value(inner, &rules, &debt.opened.target, field).await?;
    let to = wanted(plan, git.as_deref(), first);
    let told = |error: ClusterError| match passing(error) {
        Ok(words) => Trouble::Other(words.text),
        Err(trouble) => trouble,
    };
    let live = live_value(&place, plan).await.map_err(told)?;
    if live.as_ref() != Some(&to) {
        let is_inverse = to == plan.way.from && live.as_ref() == Some(&plan.way.to);
        let patch = if is_inverse { plan.inverse.clone() } else { patch(plan, live.as_ref(), &to) };
        place.cluster.change(&plan.object, &patch, DryRun::No).await.map_err(told)?;
    }
    if live_value(&place, plan).await.map_err(told)? != Some(to) {
        return Err(Trouble::Other("the cluster does not show what git says yet.".to_owned()));
    }
    Ok(())
}

/// What git says, as the object writes it; where git says nothing, what was there before.
fn wanted(plan: &LivePlan, git: Option<&str>, first: &Value) -> Value {
    let Some(git) = git else { return first.clone() };
    if git == plan.old {
        return plan.way.from.clone();
    }
    match &plan.way.from {
        Value::String(image) => json!(format!("{}:{git}", check::parts(image).0)),
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            git.parse::<u32>().map_or_else(|_| plan.way.from.clone(), |count| json!(count))
        }
    }
}

/// Git has moved since: the same tests, another value.
fn patch(plan: &LivePlan, live: Option<&Value>, to: &Value) -> Vec<Value> {
    let pointer = &plan.way.pointer;
    let is_its = |op: &Value| op.get("path").and_then(Value::as_str) == Some(pointer);
    let mut patch: Vec<Value> = plan.inverse.iter().filter(|op| !is_its(op)).cloned().collect();
    patch.push(json!({"op": "test", "path": pointer, "value": live}));
    patch.push(json!({"op": "replace", "path": pointer, "value": to}));
    patch
}
