//! A break-glass that is live is watched: after 1, 5 and 15 s, then every 30. What undoes it is met once; after that,
//! and where somebody else wants something else, a person is called.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    Inner, Place, Trouble, live_value,
    pause::{self, tell},
    prove::shown,
    report,
};
use crate::{
    chat::card::Progress,
    cluster::{ClusterError, DryRun, How},
    core::{
        break_glass::{Course, Override, Paused, State},
        debt::{Item, Moved},
        decide::{Came, Reply},
        matters::Matters,
        names::{Field, ImageTag, RequestId},
        reconciler::Hold,
        rollout::{Verdict, Wanted, verdict},
    },
};

fn pace(looks: u32) -> Duration {
    Duration::from_secs(match looks {
        0 => 1,
        1 => 4,
        2 => 10,
        3 => 15,
        _ => 30,
    })
}

/// What is not as it should be.
enum Wrong {
    /// What follows git follows it again.
    Follows,
    /// The value is as it was before.
    Undone,
    /// The value is something else.
    Other(Value),
    /// The object is gone.
    Gone,
}

/// How many looks the pods have to come before nothing is in flight any more, and how far apart those are.
const COMING: (u32, Duration) = (150, Duration::from_millis(200));

pub(super) async fn watch(inner: &Arc<Inner>, glass: &Override, looks: u32) -> Result<Duration, Trouble> {
    let State::Active { course, .. } = &glass.state else { return Ok(pace(looks)) };
    let place = inner.glass_place(&glass.opened.target)?;
    let (most, apart) = COMING;
    // At first it is looked at until the pods are there.
    for _ in 0..if looks == 0 { most } else { 1 } {
        if !is_watched(inner, glass).await {
            return Ok(pace(looks));
        }
        if !is_right(inner, glass, &place).await? || show(inner, &place, glass, course).await {
            break;
        }
        inner.tasks.pause(apart).await;
        if inner.tasks.is_stopping() {
            break;
        }
    }
    Ok(pace(looks))
}

/// Whether it is meant to stay as it is: not once the debt is being paid.
async fn is_watched(inner: &Arc<Inner>, glass: &Override) -> bool {
    let unchanged = inner.matters().await.overrides.get(&glass.id).is_some_and(|now| now.state == glass.state);
    unchanged && is_owed(inner, glass).await
}

/// Whether it is still meant to be, whatever was recorded of it since.
async fn is_owed(inner: &Arc<Inner>, glass: &Override) -> bool {
    let matters = inner.matters().await;
    let State::Active { debt, .. } = &glass.state else { return false };
    matters.debts.get(debt).is_some_and(|debt| debt.holds() && !debt.is_given_back())
}

/// What of a debt it made, where nothing newer took its place.
fn owes<'m>(matters: &'m Matters, glass: &Override) -> Option<(&'m RequestId, &'m Item)> {
    let State::Active { debt, .. } = &glass.state else { return None };
    let debt = matters.debts.get(debt)?;
    Some((&debt.id, debt.item_of(&glass.id)?))
}

/// Where the cluster has another value by now, that is what git is owed, however a person is called for it: its change is
/// planned anew, and approved anew.
async fn follow_the_cluster(inner: &Arc<Inner>, glass: &Override, course: &Course, wrong: Option<&Wrong>) {
    let matters = inner.matters().await;
    let Some((debt, item)) = owes(&matters, glass) else { return };
    let live = match wrong {
        None => course.plan.new.clone(),
        Some(Wrong::Other(value)) => shown(value),
        Some(Wrong::Follows | Wrong::Undone | Wrong::Gone) => return,
    };
    if live != item.live {
        let (field, to) = (item.field.clone(), Moved::Live(live));
        report(inner, debt, Came::Moved { field, to }).await;
    }
}

/// Looks once, and meets what is not as it should be.
async fn is_right(inner: &Arc<Inner>, glass: &Override, place: &Place) -> Result<bool, Trouble> {
    let State::Active { course, paused, redone, alarm, .. } = &glass.state else { return Ok(true) };
    let matters = inner.matters().await;
    let told = |error: ClusterError| Trouble::Other(format!("{error}. {}", error.remedy()));
    let hold = match &place.reconciler {
        Some(reconciler) => reconciler.hold().await.map_err(told)?,
        None => None,
    };
    keep_mark(&matters, glass, place, hold.as_ref()).await;
    let wrong = look(place, course, (paused, hold.as_ref())).await.map_err(told)?;
    // What a newer one of the same value changed is that one's.
    let wrong = wrong.filter(|wrong| matches!(wrong, Wrong::Follows) || owes(&matters, glass).is_some());
    let is_right = wrong.is_none();
    follow_the_cluster(inner, glass, course, wrong.as_ref()).await;
    match (wrong, alarm) {
        (None, Some(_)) => drop(report(inner, &glass.id, Came::Calmed).await),
        (None, None) => {}
        // Given back meanwhile, as somebody chose.
        (Some(_), _) if !is_watched(inner, glass).await => {}
        (Some(wrong @ (Wrong::Follows | Wrong::Undone)), _) if *redone == 0 && is_met(&wrong, glass) => {
            // Recorded before it is done.
            if report(inner, &glass.id, Came::Redone).await == Reply::Go && is_owed(inner, glass).await {
                once_more(inner, (place, glass), (course, paused)).await.map_err(told)?;
            }
        }
        (Some(wrong), alarm) => {
            let what = words(&wrong, glass, course);
            if alarm.as_ref().is_none_or(|alarm| alarm.what != what) {
                report(inner, &glass.id, Came::Alarmed(what)).await;
            }
        }
    }
    Ok(is_right)
}

/// Whether it is met by doing it once more. What nobody approved is not done by us: a person is called.
fn is_met(wrong: &Wrong, glass: &Override) -> bool {
    matches!(wrong, Wrong::Follows) || !glass.opened.action.is_keeping()
}

/// Where the debt lasts longer than what it is held off by says, that says it too.
async fn keep_mark(matters: &Matters, glass: &Override, place: &Place, hold: Option<&Hold>) {
    let State::Active { debt, .. } = &glass.state else { return };
    let (Some(debt), Some(hold), Some(reconciler)) = (matters.debts.get(debt), hold, &place.reconciler) else { return };
    let until = debt.written_off_until().unwrap_or(debt.until);
    if let Err(error) = pause::keep_mark(glass, reconciler.as_ref(), (hold, until)).await {
        tracing::debug!(%error, "the mark of a break-glass says an older time; it is tried again at the next look");
    }
}

async fn look(
    place: &Place,
    course: &Course,
    (paused, hold): (&Paused, Option<&Hold>),
) -> Result<Option<Wrong>, ClusterError> {
    let plan = &course.plan;
    let live = live_value(place, plan).await?;
    if paused.follows && hold.is_some_and(|hold| hold.is_automatic) {
        return Ok(Some(Wrong::Follows));
    }
    Ok(match live {
        None => Some(Wrong::Gone),
        Some(value) if value == plan.way.to => None,
        Some(value) if value == plan.way.from => Some(Wrong::Undone),
        Some(value) => Some(Wrong::Other(value)),
    })
}

async fn once_more(
    inner: &Arc<Inner>,
    (place, glass): (&Place, &Override),
    (course, paused): (&Course, &Paused),
) -> Result<(), ClusterError> {
    if let Some(reconciler) = &place.reconciler
        && let Some(hold) = reconciler.hold().await?.filter(|hold| hold.is_automatic && paused.follows)
    {
        tell(glass, reconciler.as_ref(), &hold, How::Switch).await?;
    }
    let plan = &course.plan;
    let may = !glass.opened.action.is_keeping() && owes(&inner.matters().await, glass).is_some();
    if may && live_value(place, plan).await?.as_ref() == Some(&plan.way.from) {
        place.cluster.change(&plan.object, &plan.patch, DryRun::No).await?;
    }
    Ok(())
}

fn words(wrong: &Wrong, glass: &Override, course: &Course) -> String {
    let (object, new) = (&course.plan.object, &course.plan.new);
    match wrong {
        Wrong::Follows => {
            let held = course.plan.pause.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{held} follows git again, though it is held off for this. It may undo the change at any moment.")
        }
        Wrong::Undone => {
            format!("{object} was set back to {}, a second time. Somebody or something undoes it.", course.plan.old)
        }
        Wrong::Other(value) => {
            format!("{object} has {value} now, not the {new} that was approved for {}.", glass.opened.target)
        }
        Wrong::Gone => format!("{object} is gone, or is another object by now."),
    }
}

/// Shows how far the pods are; says whether they are there.
async fn show(inner: &Arc<Inner>, place: &Place, glass: &Override, course: &Course) -> bool {
    let name = glass.opened.target.service.as_str();
    let Ok(Some(workload)) = place.cluster.workload(&place.namespace, name).await else { return false };
    let verdict = verdict(&workload, &wanted(course));
    let seen = match &verdict {
        Verdict::Live => format!("{} of {} pods are ready", workload.ready, workload.desired),
        Verdict::Progressing { ready, desired } => format!("{ready} of {desired} pods are ready"),
        Verdict::Failed { reason } => reason.clone(),
        Verdict::NotYet { running } => format!("the cluster shows {running}"),
    };
    inner.note_progress(&glass.id, Progress { seen: Some(seen), ..Progress::default() });
    matches!(verdict, Verdict::Live | Verdict::Failed { .. })
}

/// What should run by it.
fn wanted(course: &Course) -> Wanted {
    let new = course.plan.new.as_str();
    Wanted {
        tag: (course.plan.field == Field::ImageTag).then(|| ImageTag::parse(new).ok()).flatten(),
        replicas: (course.plan.field == Field::Replicas).then(|| new.parse().ok()).flatten(),
        ..Wanted::default()
    }
}
