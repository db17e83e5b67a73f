//! The proof that a debt is paid: git equals live while what follows git is still held off; then it goes on; then git
//! still equals live, what follows git says so itself, and the pods are there. Only then is anything called done.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{Inner, Place, Trouble, check, live_value, pause::goes_on, report, settle::owed};
use crate::{
    cluster::ClusterError,
    core::{
        break_glass::{Course, Object, Paused, State},
        debt::{Debt, Side, State as Debts, is_count},
        decide::Came,
        matters::Matters,
        names::{Field, ImageTag, RequestId},
        reconciler as proof, request,
        rollout::{Verdict, Wanted, verdict},
    },
    engine::{follow::reconciled::Reconciled, rules},
};

/// Until it is looked at again.
const AGAIN: Duration = Duration::from_millis(500);

fn told(error: ClusterError) -> Trouble {
    Trouble::Other(format!("{error}. {}", error.remedy()))
}

/// One value as both sides have it.
struct Sides {
    field: Field,
    git: Option<String>,
    live: Option<String>,
}

impl Sides {
    fn agree(&self) -> bool {
        self.git.is_some() && self.git == self.live
    }

    /// Whether letting what follows git go on changes nothing, or only adds: of a count git may ask for more than runs.
    fn is_safe(&self) -> bool {
        let count = |side: &Option<String>| side.as_ref()?.parse::<i64>().ok();
        let is_more = || count(&self.git).zip(count(&self.live)).is_some_and(|(git, live)| git >= live);
        self.agree() || (is_count(&self.field) && is_more())
    }

    fn words(&self) -> String {
        let (live, git) = (self.live.as_deref(), self.git.as_deref());
        format!("live {}, git {}", live.unwrap_or("gone"), git.unwrap_or("says nothing"))
    }
}

/// What both sides say now of all that is owed: git as the host has it, live as the cluster has it.
async fn sides(inner: &Arc<Inner>, debt: &Debt) -> Result<Vec<Sides>, Trouble> {
    let rules = inner.glass_rules()?;
    let home = inner.home(&rules, &debt.opened.target)?;
    rules::refresh(inner, home).await?;
    let rules = inner.glass_rules()?;
    let place = inner.glass_place(&debt.opened.target)?;
    let mut sides = Vec::new();
    for (item, plan) in owed(inner, debt).await? {
        let git = check::git_value(inner, &rules, &debt.opened.target, &item.field).await?;
        let live = live_value(&place, &plan).await.map_err(told)?;
        sides.push(Sides { field: item.field, git, live: live.map(|value| shown(&value)) });
    }
    Ok(sides)
}

fn differ<'s>(sides: impl Iterator<Item = &'s Sides>) -> String {
    sides.map(Sides::words).collect::<Vec<_>>().join("; ")
}

/// A live value as people write it.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |image| check::parts(image).1)
}

/// What should run where git says this.
fn wanted(sides: &[Sides]) -> Wanted {
    let git = |field: &Field| sides.iter().find(|one| one.field == *field).and_then(|one| one.git.as_ref());
    Wanted {
        tag: git(&Field::ImageTag).and_then(|tag| ImageTag::parse(tag).ok()),
        replicas: git(&Field::Replicas).and_then(|count| count.parse().ok()),
        ..Wanted::default()
    }
}

pub(super) async fn prove(inner: &Arc<Inner>, debt: &Debt) -> Result<Duration, Trouble> {
    let sides = sides(inner, debt).await?;
    if sides.iter().all(Sides::is_safe) {
        report(inner, &debt.id, Came::Proven).await;
        return Ok(Duration::ZERO);
    }
    // One of them moved since: whoever owes it decides anew.
    let differing = differ(sides.iter().filter(|one| !one.is_safe()));
    let why = format!("Git and the cluster do not agree after all: {differing}.");
    report(inner, &debt.id, Came::Halted(why)).await;
    Ok(Duration::ZERO)
}

/// What was held off for it.
fn paused(matters: &Matters, debt: &Debt) -> Option<(Paused, Course)> {
    debt.all.iter().find_map(|item| match &matters.overrides.get(&item.breakglass)?.state {
        State::Active { paused, course, .. } => Some((paused.clone(), course.clone())),
        State::Checking
        | State::Deciding(_)
        | State::Pausing { .. }
        | State::Paused { .. }
        | State::Changing { .. }
        | State::Undoing { .. }
        | State::Over { .. } => None,
    })
}

/// Whether something else still needs it held off than these break-glasses.
pub(super) fn is_needed(matters: &Matters, own: &[RequestId], held: Option<&Object>) -> bool {
    matters.overrides.values().any(|other| {
        let owed = match &other.state {
            State::Active { debt, .. } => matters.debts.get(debt).is_some_and(Debt::holds),
            State::Pausing { .. } | State::Paused { .. } | State::Changing { .. } => true,
            State::Checking | State::Deciding(_) | State::Undoing { .. } | State::Over { .. } => false,
        };
        !own.contains(&other.id) && owed && held.is_some() && other.holds() == held
    })
}

/// The same of a debt.
fn is_needed_beside(matters: &Matters, debt: &Debt, course: &Course) -> bool {
    let own: Vec<RequestId> = debt.all.iter().map(|item| item.breakglass.clone()).collect();
    is_needed(matters, &own, course.plan.pause.as_ref())
}

pub(super) async fn resume(inner: &Arc<Inner>, debt: &Debt) -> Result<Duration, Trouble> {
    let matters = inner.matters().await;
    let place = inner.glass_place(&debt.opened.target)?;
    if let (Some(reconciler), Some((paused, course))) = (&place.reconciler, paused(&matters, debt))
        && !is_needed_beside(&matters, debt, &course)
    {
        let theirs = |by: &str| paused.by.as_deref() == Some(by);
        let ours = |by: &str| theirs(by) || RequestId::parse(by).is_ok_and(|id| matters.overrides.contains_key(&id));
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
    if !is_needed_beside(&matters, debt, &course)
        && paused.follows
        && let Some(words) = follows(inner, debt, &place).await?
    {
        return Err(Trouble::Other(format!("{words}.")));
    }
    // Looked at last, so that what the reconciler did by then is seen.
    let sides = sides(inner, debt).await?;
    if !sides.iter().all(Sides::agree) {
        let words = differ(sides.iter().filter(|one| !one.agree()));
        return Err(Trouble::Other(format!("git and the cluster do not agree: {words}.")));
    }
    let workload = place.cluster.workload(&place.namespace, debt.opened.target.service.as_str()).await.map_err(told)?;
    let is_there = match side {
        Side::Git => workload.is_some_and(|workload| verdict(&workload, &wanted(&sides)) == Verdict::Live),
        Side::Live => workload.is_some(),
    };
    if !is_there || is_followed(inner, debt).await {
        return Ok(AGAIN);
    }
    report(inner, &debt.id, Came::Paid).await;
    Ok(Duration::ZERO)
}

/// Whether a change of git that pays it is still on its way to the pods: it is told first, and its end wakes us.
async fn is_followed(inner: &Arc<Inner>, debt: &Debt) -> bool {
    let book = inner.book.lock().await;
    book.iter()
        .any(|one| one.opened.debt.as_ref() == Some(&debt.id) && matches!(one.state, request::State::Following(..)))
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
