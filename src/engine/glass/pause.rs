//! Holding off what follows git: recorded before it is done, told, read back. And letting it go on where nothing was
//! changed after all.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Inner, Place, Trouble, failed, passing, report};
use crate::{
    clock,
    cluster::{How, Mark, Reconciler},
    core::{
        break_glass::{Override, Paused, State},
        decide::{Came, Words},
        matters::Matters,
        names::RequestId,
        reconciler::Hold,
    },
};

/// How long it may take.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// A mark that is no further off is left as it is.
const EXACT: SignedDuration = SignedDuration::from_mins(2);

/// Whether it takes too long by now.
pub(super) fn is_late(glass: &Override) -> bool {
    clock::now().duration_since(glass.since) > PATIENCE
}

/// Whether a mark is that of a break-glass that holds something off.
pub(super) async fn is_ours(inner: &Arc<Inner>, by: &str) -> bool {
    holder(&inner.matters().await, by).is_some()
}

/// The break-glass that holds something off under a mark: its own, or that of the person in whose stead it does.
fn holder<'m>(matters: &'m Matters, by: &str) -> Option<&'m Override> {
    let is_its =
        |one: &&Override| one.id.as_str() == by || noted(one).is_some_and(|paused| paused.by.as_deref() == Some(by));
    matters.overrides.values().filter(|one| one.holds().is_some()).find(is_its)
}

/// How it noted that to be told to follow.
fn noted(one: &Override) -> Option<&Paused> {
    match &one.state {
        State::Changing { paused, .. } | State::Active { paused, .. } | State::Paused { paused, .. } => Some(paused),
        State::Checking | State::Deciding(_) | State::Pausing { .. } | State::Undoing { .. } | State::Over { .. } => {
            None
        }
    }
}

pub(super) async fn pause(inner: &Arc<Inner>, glass: &Override) -> Result<Duration, Trouble> {
    let State::Pausing { before, .. } = &glass.state else { return Ok(Duration::ZERO) };
    let place = inner.glass_place(&glass.opened.target)?;
    let Some(reconciler) = &place.reconciler else {
        report(inner, &glass.id, Came::Paused(Paused { before: None, follows: false, shared: false, by: None })).await;
        return Ok(Duration::ZERO);
    };
    match step(inner, glass, (&place, reconciler.as_ref()), before.as_ref()).await {
        Ok(Ok(came)) => drop(report(inner, &glass.id, came).await),
        Ok(Err(words)) => return failed(inner, glass, words).await,
        Err(trouble) if is_late(glass) => {
            let text = format!("What follows git could not be held off in time: {trouble}");
            return failed(inner, glass, Words::new(text, "Nothing was changed. Look at it and ask again.")).await;
        }
        Err(trouble) => return Err(trouble),
    }
    Ok(Duration::ZERO)
}

/// What comes next: the intent, or that it is held off.
async fn step(
    inner: &Arc<Inner>,
    glass: &Override,
    (place, reconciler): (&Place, &dyn Reconciler),
    before: Option<&Paused>,
) -> Result<Result<Came, Words>, Trouble> {
    let hold = match reconciler.hold().await {
        Ok(Some(hold)) => hold,
        Ok(None) => return Ok(Err(Words::new("What follows git is gone.", "Look at the catalog's `reconciler`."))),
        Err(error) => return passing(error).map(Err),
    };
    let other = hold.by.clone().filter(|by| by != glass.id.as_str());
    let Some(before) = before else {
        let shared = match other {
            Some(by) if is_ours(inner, &by).await => true,
            Some(by) if glass.opened.action.is_keeping() && is_a_persons(&by) && !hold.is_automatic => {
                return Ok(Ok(Came::PauseBegun(taken_over(hold.policy, by))));
            }
            Some(by) => return Ok(Err(Words::new(format!("It is paused by `{by}`."), "Let that go on first."))),
            None => false,
        };
        if let Some(obstacle) = hold.obstacle {
            return Ok(Err(Words::new(format!("It cannot be held off: {}.", obstacle.why), obstacle.way)));
        }
        if hold.is_busy {
            return Err(Trouble::Other(format!("{} is at work; it is held off when that is done.", named(place))));
        }
        return Ok(Ok(Came::PauseBegun(intent(inner, &hold, shared).await)));
    };
    if before.shared {
        return Ok(Ok(Came::Paused(before.clone())));
    }
    held(glass, (place, reconciler), (hold, before)).await
}

/// How it is told to follow, to be given back. Where another break-glass holds it off that is what was noted then.
async fn intent(inner: &Arc<Inner>, hold: &Hold, shared: bool) -> Paused {
    let matters = inner.matters().await;
    let first = hold.by.as_deref().filter(|_| shared).and_then(|by| holder(&matters, by));
    let noted = first.and_then(noted).map(|paused| Paused { shared: true, ..paused.clone() });
    noted.unwrap_or_else(|| Paused { before: hold.policy.clone(), follows: hold.is_automatic, shared, by: None })
}

/// Whether a mark is no break-glass's: a person wrote their name there.
pub(super) fn is_a_persons(by: &str) -> bool {
    RequestId::parse(by).is_err()
}

/// A person held it off by hand. It stays so, and follows git again in the end, as it did before they came.
fn taken_over(policy: Option<Value>, by: String) -> Paused {
    let before = policy.filter(|policy| !policy.is_boolean()).map(|mut policy| {
        if let Some(automated) = policy.as_object_mut() {
            automated.remove("enabled");
        }
        policy
    });
    Paused { before, follows: true, shared: true, by: Some(by) }
}

fn named(place: &Place) -> String {
    place.held.as_ref().map_or_else(|| "What follows git".to_owned(), ToString::to_string)
}

/// Tells it, in the second way where the first is not understood, and reads back.
async fn held(
    glass: &Override,
    (place, reconciler): (&Place, &dyn Reconciler),
    (mut hold, before): (Hold, &Paused),
) -> Result<Result<Came, Words>, Trouble> {
    let ways = if before.follows { [How::Switch, How::Removal] } else { [How::Marks, How::Marks] };
    for how in ways {
        if hold.is_held_by(glass.id.as_str()) {
            return Ok(Ok(Came::Paused(before.clone())));
        }
        if hold.by.is_some() && hold.is_busy && !hold.is_automatic {
            break;
        }
        if let Err(error) = tell(glass, reconciler, &hold, how).await {
            return passing(error).map(Err);
        }
        hold = match reconciler.hold().await {
            Ok(Some(hold)) => hold,
            Ok(None) => return Ok(Err(Words::new("What follows git is gone.", "Look at the catalog's `reconciler`."))),
            Err(error) => return passing(error).map(Err),
        };
    }
    if hold.is_held_by(glass.id.as_str()) {
        return Ok(Ok(Came::Paused(before.clone())));
    }
    Err(Trouble::Other(format!("{} was told to hold off and does not show it yet.", named(place))))
}

/// Marks it and tells it to hold off.
pub(super) async fn tell(
    glass: &Override,
    reconciler: &dyn Reconciler,
    hold: &Hold,
    how: How,
) -> Result<(), crate::cluster::ClusterError> {
    let until = clock::now().checked_add(glass.opened.span.duration()).unwrap_or_else(|_| clock::now());
    tell_until(glass, reconciler, (hold, until), how).await
}

/// Writes a new time into the mark where what it is held off for lasts longer by now, or shorter: whoever reads the
/// mark without us (`deploy/watchdog.yaml`) calls people by it.
pub(super) async fn keep_mark(
    glass: &Override,
    reconciler: &dyn Reconciler,
    (hold, until): (&Hold, Timestamp),
) -> Result<(), crate::cluster::ClusterError> {
    let marked: Option<Timestamp> = hold.until.as_deref().and_then(|until| until.parse().ok());
    let is_ours = hold.by.as_deref() == Some(glass.id.as_str());
    let differs = marked.is_none_or(|marked| until.duration_since(marked).abs() > EXACT);
    if is_ours && differs {
        tell_until(glass, reconciler, (hold, until), How::Marks).await?;
    }
    Ok(())
}

async fn tell_until(
    glass: &Override,
    reconciler: &dyn Reconciler,
    (hold, until): (&Hold, Timestamp),
    how: How,
) -> Result<(), crate::cluster::ClusterError> {
    let owner = glass.requester.person.as_ref().map_or("unknown", |person| person.as_str());
    let mark = Mark {
        by: glass.id.as_str(),
        incident: glass.opened.incident.as_str(),
        owner,
        until: &format!("{until:.0}"),
        version: &hold.version,
        how,
    };
    reconciler.pause(&mark).await
}

/// Nothing was changed: what was held off for it goes on as before.
pub(super) async fn let_go(inner: &Arc<Inner>, glass: &Override) -> Result<Duration, Trouble> {
    let State::Undoing { paused, .. } = &glass.state else { return Ok(Duration::ZERO) };
    let place = inner.glass_place(&glass.opened.target)?;
    let matters = inner.matters().await;
    let held = glass.course().and_then(|course| course.plan.pause.as_ref());
    let is_needed = super::prove::is_needed(&matters, std::slice::from_ref(&glass.id), held);
    // Another break-glass may have come to share it meanwhile; that one lets it go on in its time.
    if let (Some(reconciler), false) = (&place.reconciler, paused.shared || is_needed) {
        goes_on(reconciler.as_ref(), paused, |by| by == glass.id.as_str()).await?;
    }
    report(inner, &glass.id, Came::LetGo).await;
    Ok(Duration::ZERO)
}

/// Lets it go on where it carries a mark of ours, and reads back that it does.
pub(super) async fn goes_on(
    reconciler: &dyn Reconciler,
    paused: &Paused,
    ours: impl Fn(&str) -> bool,
) -> Result<(), Trouble> {
    let told = |error: crate::cluster::ClusterError| Trouble::Other(format!("{error}. {}", error.remedy()));
    let Some(hold) = reconciler.hold().await.map_err(told)? else { return Ok(()) };
    if !hold.by.as_deref().is_some_and(&ours) {
        return Ok(());
    }
    reconciler.go_on(paused.before.as_ref(), &hold.version).await.map_err(told)?;
    let after = reconciler.hold().await.map_err(told)?;
    match after {
        Some(after) if after.by.as_deref().is_some_and(ours) || after.is_automatic != paused.follows => {
            Err(Trouble::Other("it was told to go on and does not show it yet.".to_owned()))
        }
        Some(_) | None => Ok(()),
    }
}
