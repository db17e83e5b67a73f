//! The proof that a debt is paid: git equals live while what follows git is still held off; then it goes on; then git
//! still equals live, what follows git says so itself, and the pods are there. Only then is anything called done.

use std::{sync::Arc, time::Duration};

use super::{Inner, Place, Trouble, check, live_value, pause::goes_on, report, settle::plan_of, watch::wanted};
use crate::{
    cluster::ClusterError,
    core::{
        break_glass::{Course, LivePlan, Paused, State},
        debt::{Debt, Side, State as Debts},
        decide::Came,
        matters::Matters,
        names::{Field, RequestId},
        reconciler as proof,
        rollout::{Verdict, verdict},
    },
    engine::{follow::reconciled::Reconciled, rules},
};

/// Until it is looked at again.
const AGAIN: Duration = Duration::from_millis(500);

fn told(error: ClusterError) -> Trouble {
    Trouble::Other(format!("{error}. {}", error.remedy()))
}

/// What both sides say now: git as the host has it, live as the cluster has it.
async fn sides(inner: &Arc<Inner>, debt: &Debt, plan: &LivePlan) -> Result<(Option<String>, Option<String>), Trouble> {
    let rules = inner.glass_rules()?;
    let home = inner.home(&rules, &debt.opened.target)?;
    rules::refresh(inner, home).await?;
    let rules = inner.glass_rules()?;
    let git = check::git_value(inner, &rules, &debt.opened.target, &debt.opened.field).await?;
    let place = inner.glass_place(&debt.opened.target)?;
    let live = live_value(&place, plan).await.map_err(told)?;
    let live = live.map(|value| match value.as_str() {
        Some(image) => check::parts(image).1,
        None => value.to_string(),
    });
    Ok((git, live))
}

/// Whether letting it go on changes nothing, or only adds: of a count git may ask for more than runs.
fn is_safe(field: &Field, git: &str, live: &str) -> bool {
    let is_count = matches!(field, Field::Replicas | Field::ReplicasMin);
    let count = |text: &str| text.parse::<i64>().ok();
    git == live || (is_count && count(git).zip(count(live)).is_some_and(|(git, live)| git >= live))
}

fn differ(git: Option<&str>, live: Option<&str>) -> String {
    format!("live {}, git {}", live.unwrap_or("gone"), git.unwrap_or("says nothing"))
}

pub(super) async fn prove(inner: &Arc<Inner>, debt: &Debt) -> Result<Duration, Trouble> {
    let plan = plan_of(inner, debt).await?;
    let (git, live) = sides(inner, debt, &plan).await?;
    let safe = git.as_deref().zip(live.as_deref()).is_some_and(|(git, live)| is_safe(&debt.opened.field, git, live));
    if safe {
        report(inner, &debt.id, Came::Proven).await;
        return Ok(Duration::ZERO);
    }
    // One of them moved since: whoever owes it decides anew.
    let why = format!("Git and the cluster do not agree after all: {}.", differ(git.as_deref(), live.as_deref()));
    report(inner, &debt.id, Came::Halted(why)).await;
    Ok(Duration::ZERO)
}

/// What was held off for it.
fn paused(matters: &Matters, debt: &Debt) -> Option<(Paused, Course)> {
    match &matters.overrides.get(&debt.opened.breakglass)?.state {
        State::Active { paused, course, .. } => Some((paused.clone(), course.clone())),
        State::Checking
        | State::Deciding(_)
        | State::Pausing { .. }
        | State::Paused { .. }
        | State::Changing { .. }
        | State::Undoing { .. }
        | State::Over { .. } => None,
    }
}

/// Whether something else still needs it held off.
fn is_needed(matters: &Matters, debt: &Debt, course: &Course) -> bool {
    let held = course.plan.pause.as_ref();
    matters.overrides.values().any(|other| {
        let owed = match &other.state {
            State::Active { debt, .. } => matters.debts.get(debt).is_some_and(Debt::holds),
            State::Pausing { .. } | State::Paused { .. } | State::Changing { .. } => true,
            State::Checking | State::Deciding(_) | State::Undoing { .. } | State::Over { .. } => false,
        };
        other.id != debt.opened.breakglass && owed && held.is_some() && other.holds() == held
    })
}

pub(super) async fn resume(inner: &Arc<Inner>, debt: &Debt) -> Result<Duration, Trouble> {
    let matters = inner.matters().await;
    let place = inner.glass_place(&debt.opened.target)?;
    if let (Some(reconciler), Some((paused, course))) = (&place.reconciler, paused(&matters, debt))
        && !is_needed(&matters, debt, &course)
    {
        let ours = |by: &str| RequestId::parse(by).is_ok_and(|id| matters.overrides.contains_key(&id));
        goes_on(reconciler.as_ref(), &paused, ours).await?;
    }
    report(inner, &debt.id, Came::Resumed).await;
    Ok(Duration::ZERO)
}

pub(super) async fn prove_again(inner: &Arc<Inner>, debt: &Debt) -> Result<Duration, Trouble> {
    let Debts::Resumed { side } = &debt.state else { return Ok(Duration::ZERO) };
    let matters = inner.matters().await;
    let Some((paused, course)) = paused(&matters, debt) else { return Ok(AGAIN) };
    let place = inner.glass_place(&debt.opened.target)?;
    if !is_needed(&matters, debt, &course)
        && paused.follows
        && let Some(words) = follows(inner, debt, &place).await?
    {
        return Err(Trouble::Other(format!("{words}.")));
    }
    // Looked at last, so that what the reconciler did by then is seen.
    let (git, live) = sides(inner, debt, &course.plan).await?;
    if git.is_none() || git != live {
        let words = differ(git.as_deref(), live.as_deref());
        return Err(Trouble::Other(format!("git and the cluster do not agree: {words}.")));
    }
    let workload = place.cluster.workload(&place.namespace, debt.opened.target.service.as_str()).await.map_err(told)?;
    let is_there = match side {
        Side::Git => workload.is_some_and(|workload| verdict(&workload, &wanted(&course)) == Verdict::Live),
        Side::Live => workload.is_some(),
    };
    if !is_there {
        return Ok(AGAIN);
    }
    report(inner, &debt.id, Came::Paid).await;
    Ok(Duration::ZERO)
}

/// What is missing for what follows git to have applied the newest commit; `None` where nothing is.
async fn follows(inner: &Arc<Inner>, debt: &Debt, place: &Place) -> Result<Option<String>, Trouble> {
    let rules = inner.glass_rules()?;
    let (home, commit) = inner.home_at(&rules, &debt.opened.target)?;
    let again = inner.glass_place(&debt.opened.target)?;
    let Some(reconciler) = again.reconciler else { return Ok(None) };
    let at = (place.namespace.as_str(), debt.opened.target.service.as_str());
    Ok(match Reconciled::new(reconciler).judge(home, commit, at).await.map_err(told)? {
        proof::Verdict::Synced | proof::Verdict::NoChangeNeeded => None,
        proof::Verdict::NotYet(words)
        | proof::Verdict::Progressing(words)
        | proof::Verdict::Held(words)
        | proof::Verdict::Failed(words)
        | proof::Verdict::CannotSee(words) => Some(words),
    })
}
