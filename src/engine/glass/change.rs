//! The change itself: the debt is opened first, then the object is patched with what people approved, and read back.
//! Looks before it acts, so that after a crash nothing is done twice.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{Inner, Place, Trouble, failed, live_value, passing, pause::is_late, report};
use crate::{
    clock,
    cluster::{ClusterError, DryRun},
    core::{
        break_glass::{Course, Override, Paused, State},
        decide::{Came, Words},
    },
};

pub(super) async fn change(inner: &Arc<Inner>, glass: &Override) -> Result<Duration, Trouble> {
    match &glass.state {
        State::Paused { .. } => {
            report(inner, &glass.id, Came::Begun { debt: clock::request_id(clock::now()) }).await;
        }
        State::Changing { course, paused, .. } => {
            let place = inner.glass_place(&glass.opened.target)?;
            match done(&place, glass, (course, paused)).await? {
                Ok(()) => drop(report(inner, &glass.id, Came::Changed).await),
                Err(words) => return failed(inner, glass, words).await,
            }
        }
        State::Checking
        | State::Deciding(_)
        | State::Pausing { .. }
        | State::Active { .. }
        | State::Undoing { .. }
        | State::Over { .. } => {}
    }
    Ok(Duration::ZERO)
}

/// What may have been done is not given up while nobody can see it, whatever the reason.
fn unseen(error: ClusterError) -> Trouble {
    Trouble::Other(format!("{error}. {}", error.remedy()))
}

/// Changes the object where it is still what was shown. `Err` of the inside: nothing was changed, and why.
async fn done(
    place: &Place,
    glass: &Override,
    (course, paused): (&Course, &Paused),
) -> Result<Result<(), Words>, Trouble> {
    let plan = &course.plan;
    let live = live_value(place, plan).await.map_err(unseen)?;
    if live.as_ref() == Some(&plan.way.to) {
        return Ok(Ok(()));
    }
    if glass.opened.action.is_keeping() {
        return Ok(Err(super::check::undone(plan)));
    }
    if live.as_ref() != Some(&plan.way.from) {
        return Ok(Err(another(live.as_ref(), &plan.object.to_string())));
    }
    if is_late(glass) {
        let text = "The change was not made in time, and nothing was changed.";
        return Ok(Err(Words::new(text, "Look at the cluster, and ask again.")));
    }
    if let Some(reconciler) = &place.reconciler {
        let hold = reconciler.hold().await.map_err(unseen)?;
        let held = hold.is_some_and(|hold| !hold.is_automatic && !hold.is_busy && (paused.shared || hold.by.is_some()));
        if !held {
            let text = "What follows git is no longer held off, so nothing was changed.";
            return Ok(Err(Words::new(text, "See who lets it go on, and ask again.")));
        }
    }
    match place.cluster.change(&plan.object, &plan.patch, DryRun::No).await {
        // Somebody was faster: looked at again, which tells by whom.
        Ok(_) | Err(ClusterError::Invalid { .. }) => {}
        Err(error) => return passing(error).map(Err),
    }
    let live = live_value(place, plan).await.map_err(unseen)?;
    let is_so = live.as_ref() == Some(&plan.way.to);
    Ok(if is_so { Ok(()) } else { Err(another(live.as_ref(), &plan.object.to_string())) })
}

fn another(live: Option<&Value>, object: &str) -> Words {
    let text = match live {
        Some(value) => {
            format!("{object} has {value} there by now, which is not what was approved; nothing was changed.")
        }
        None => format!("{object} is gone, or is another object of that name by now; nothing was changed."),
    };
    Words::new(text, "Look at it and ask again.")
}
