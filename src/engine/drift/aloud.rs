//! What must be heard of a drift and not only seen on its card: that fewer will run than somebody wanted, or already do.
//! Said once for each, in the channel of its card, behind the card, to those who can do something about it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::Inner;
use crate::{
    core::{
        drift::{Drift, Ending, State},
        names::RequestId,
    },
    engine::{Busy, glass},
};

/// How often and how long apart it is looked whether the card is there.
const LOOKS: (u32, Duration) = (200, Duration::from_millis(50));

/// Says what is to be said of a drift of which something was recorded.
pub(in crate::engine) fn announce(inner: &Arc<Inner>, id: RequestId, kind: &str) {
    let is_reminder = kind == "drift.reminded";
    if !is_reminder && !matches!(kind, "drift.opened" | "drift.again" | "drift.moved" | "drift.ended") {
        return;
    }
    let (inner, busy) = (Arc::clone(inner), Busy::new(inner));
    inner.tasks.clone().start(async move {
        if let Some(drift) = at_rest(&inner, &id).await
            && let Some((what, words)) = if is_reminder { reminder(&drift) } else { aloud(&drift) }
            && inner.sight.is_unsaid(format!("{id}:{what}"))
        {
            glass::say(&inner, &drift.opened.channel, &words).await;
        }
        drop(busy);
    });
}

/// The drift once its card is there and all that was seen is judged: what was undone at once is told as undone.
async fn at_rest(inner: &Arc<Inner>, id: &RequestId) -> Option<Drift> {
    let (most, apart) = LOOKS;
    for _ in 0..most {
        let drift = inner.matters().await.drifts.get(id).cloned()?;
        let is_judged = inner.sight.unjudged.load(Ordering::Acquire) == 0;
        if (is_judged && drift.card.is_some()) || inner.tasks.is_stopping() {
            return Some(drift);
        }
        inner.tasks.pause(apart).await;
    }
    inner.matters().await.drifts.get(id).cloned()
}

fn call(drift: &Drift) -> String {
    match drift.opened.call.as_slice() {
        [] => String::new(),
        call => format!(" For {}.", call.iter().map(|who| format!("`{who}`")).collect::<Vec<_>>().join(", ")),
    }
}

fn about(drift: &Drift) -> String {
    let seen = &drift.opened;
    let label = seen.field.label();
    format!("{label} of `{}` were changed by hand to {}, and git says {}", seen.target, seen.live, seen.git)
}

/// What is said of it as it stands, and a word for that; `None` where its card says enough.
fn aloud(drift: &Drift) -> Option<(String, String)> {
    let seen = &drift.opened;
    let lost = seen.loses()?;
    let (about, call) = (about(drift), call(drift));
    let fewer = if lost == 1 { "one fewer".to_owned() } else { format!("{lost} fewer") };
    let mark = |word: &str| format!("{word}:{}:{}:{}", drift.again, seen.live, seen.git);
    match &drift.state {
        State::Open { .. } if seen.is_undone_soon() => {
            let what = seen.follower.as_ref().map_or_else(|| "What follows git".to_owned(), ToString::to_string);
            let will = seen.undoes.words(&what, &seen.git);
            Some((mark("open"), format!("{about}. {will}: {fewer} will run.{call}")))
        }
        State::Over { ending: Ending::Undone { .. }, .. } => {
            Some((mark("undone"), format!("{about}. It was set back: {fewer} run now.{call}")))
        }
        State::Open { .. } | State::Kept { .. } | State::Restoring { .. } | State::Left { .. } | State::Over { .. } => {
            None
        }
    }
}

fn reminder(drift: &Drift) -> Option<(String, String)> {
    let is_open = matches!(drift.state, State::Open { .. });
    let words = format!("{}. Nobody has said yet what becomes of it.{}", about(drift), call(drift));
    is_open.then(|| (format!("reminded:{}", drift.reminded), words))
}
