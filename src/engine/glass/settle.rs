//! Paying a debt: the change of git is asked for by itself, through the same machinery as everything else, in the name
//! of whoever owes it; or the cluster gets what git says, by the inverse that was stored when people approved.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{Inner, Trouble, check, live_value, passing, report};
use crate::{
    cluster::{ClusterError, DryRun},
    core::{
        break_glass::{Kind, LivePlan},
        debt::{Debt, Side, State},
        decide::{Came, Incoming, Reply, Words},
        names::Field,
    },
    engine::{Said, Typed, facts},
};

/// How long a request is left alone that nobody says anything of.
const LONG: Duration = Duration::from_secs(60);

/// The plan of the break-glass that made the debt.
pub(super) async fn plan_of(inner: &Arc<Inner>, debt: &Debt) -> Result<LivePlan, Trouble> {
    let matters = inner.matters().await;
    let glass = matters.overrides.get(&debt.opened.breakglass);
    let plan = glass.and_then(|glass| glass.course()).map(|course| course.plan.clone());
    plan.ok_or_else(|| Trouble::Other("the break-glass of this debt is not known here.".to_owned()))
}

async fn halted(inner: &Arc<Inner>, debt: &Debt, words: &Words) -> Duration {
    let why = [words.text.clone(), words.remedy.clone().unwrap_or_default()].join(" ");
    report(inner, &debt.id, Came::Halted(why.trim().to_owned())).await;
    Duration::ZERO
}

/// Asks for the change of git.
pub(super) async fn propose(inner: &Arc<Inner>, debt: &Debt) -> Result<Duration, Trouble> {
    let rules = inner.glass_rules()?;
    let git = check::git_value(inner, &rules, &debt.opened.target, &debt.opened.field).await;
    if git.is_ok_and(|git| git.as_ref() == Some(&debt.opened.live)) {
        report(inner, &debt.id, Came::Settled(Side::Git)).await;
        return Ok(Duration::ZERO);
    }
    let incoming = match facts::read(inner, typed(debt)).await {
        Ok(Incoming::Asked(mut asked)) => {
            asked.debt = Some(debt.id.clone());
            asked.reason = Some(format!("git as it is live since a break-glass ({})", debt.words()));
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

/// What the owner would type.
fn typed(debt: &Debt) -> Typed {
    let target = &debt.opened.target;
    let (command, option) = match debt.opened.field {
        Field::ImageTag => ("deploy", "version"),
        Field::Replicas
        | Field::ReplicasMin
        | Field::ReplicasMax
        | Field::ImageDigest
        | Field::Cpu
        | Field::Memory
        | Field::Env(_)
        | Field::Config(_) => ("scale", "replicas"),
    };
    let said = [
        ("service", target.service.to_string()),
        ("environment", target.environment.to_string()),
        (option, debt.opened.live.clone()),
    ];
    let owner = &debt.opened.owner;
    Typed {
        account: owner.account.clone().unwrap_or_default(),
        via: owner.via.clone(),
        channel: debt.opened.channel.clone(),
        invoked: command.to_owned(),
        said: Said::Options(said.map(|(name, value)| (name.to_owned(), value)).to_vec()),
    }
}

/// Sees how the request goes on. Whoever records something of it wakes this.
pub(super) async fn await_request(inner: &Arc<Inner>, debt: &Debt) -> Result<Duration, Trouble> {
    let State::Proposed { request } = &debt.state else { return Ok(Duration::ZERO) };
    let Some(request) = inner.request(request).await else {
        return Ok(halted(inner, debt, &Words::plain("The request is not known here.")).await);
    };
    let landed = request.commit().is_some();
    if landed && (request.is_over() || !compares(inner, debt).await?) {
        report(inner, &debt.id, Came::Settled(Side::Git)).await;
        return Ok(Duration::ZERO);
    }
    if request.is_over() {
        let words = Words::plain(format!("`{}` ended: {}.", request.opened.title, request.outcome_word()));
        return Ok(halted(inner, debt, &words).await);
    }
    Ok(LONG)
}

/// Whether what is held off still compares git with live, so that the request itself is followed until it is live:
/// Argo CD does; Flux looks at nothing while it is suspended.
async fn compares(inner: &Arc<Inner>, debt: &Debt) -> Result<bool, Trouble> {
    let held = plan_of(inner, debt).await?.pause;
    Ok(held.is_none_or(|held| held.kind == Kind::Application))
}

/// Gives the cluster what git says, and sees that it is so.
pub(super) async fn revert(inner: &Arc<Inner>, debt: &Debt) -> Result<Duration, Trouble> {
    let (rules, plan) = (inner.glass_rules()?, plan_of(inner, debt).await?);
    let place = inner.glass_place(&debt.opened.target)?;
    let git = check::git_value(inner, &rules, &debt.opened.target, &debt.opened.field).await?;
    let to = wanted(&plan, git.as_deref());
    let told = |error: ClusterError| match passing(error) {
        Ok(words) => Trouble::Other(words.text),
        Err(trouble) => trouble,
    };
    let live = live_value(&place, &plan).await.map_err(told)?;
    if live.as_ref() != Some(&to) {
        let patch = if to == plan.way.from { plan.inverse.clone() } else { patch(&plan, live.as_ref(), &to) };
        place.cluster.change(&plan.object, &patch, DryRun::No).await.map_err(told)?;
    }
    if live_value(&place, &plan).await.map_err(told)? != Some(to) {
        return Err(Trouble::Other("the cluster does not show what git says yet.".to_owned()));
    }
    report(inner, &debt.id, Came::Settled(Side::Live)).await;
    Ok(Duration::ZERO)
}

/// What git says, as the object writes it; where git says nothing, what was there before.
fn wanted(plan: &LivePlan, git: Option<&str>) -> Value {
    let Some(git) = git.filter(|git| *git != plan.old) else { return plan.way.from.clone() };
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
