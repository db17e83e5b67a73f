//! What must be heard and not only seen on a card: reminders, deadlines that passed, alarms. Said once when it is
//! recorded; a platform that is down holds nothing up, as the card says the same.

use std::{sync::Arc, time::Duration};

use super::Inner;
use crate::{
    core::{entry::Recorded, matters, matters::Matters, names::RequestId},
    engine::drift,
};

/// How long saying it may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Says what these entries are worth saying of.
pub(in crate::engine) fn announce(inner: &Arc<Inner>, recorded: &[Recorded]) {
    for one in recorded {
        let kind = one.entry.kind.as_str();
        let Some(id) = matters::id_of(&one.entry.subject) else { continue };
        if kind.starts_with("drift.") {
            drift::announce(inner, id, kind);
            continue;
        }
        if !matches!(kind, "debt.reminded" | "debt.overdue" | "breakglass.alarm") {
            continue;
        }
        let (inner, kind) = (Arc::clone(inner), one.entry.kind.clone());
        let what = one.texts.get("what").cloned().unwrap_or_default();
        let busy = super::Busy::new(&inner);
        inner.tasks.clone().start(async move {
            let matters = inner.matters().await;
            if let Some((channel, words)) = words(&matters, &id, (&kind, &what)) {
                say(&inner, &channel, &words).await;
            }
            drop(busy);
        });
    }
}

/// Says something in a channel, `platform:id`.
pub(in crate::engine) async fn say(inner: &Arc<Inner>, channel: &str, words: &str) {
    let Some((chat, id)) = inner.reach.chats.of(channel) else { return };
    match tokio::time::timeout(PATIENCE, chat.say(id, words)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, remedy = error.remedy(), "a reminder could not be said"),
        Err(_) => tracing::warn!("a reminder could not be said in time"),
    }
}

fn words(matters: &Matters, id: &RequestId, (kind, what): (&str, &str)) -> Option<(String, String)> {
    if kind == "breakglass.alarm" {
        let glass = matters.overrides.get(id)?;
        let words = format!("Look at {}: {what}", glass.opened.target);
        return Some((glass.opened.channel.clone(), words));
    }
    let debt = matters.debts.get(id)?;
    let owner = debt.opened.owner.person.as_ref().map_or("nobody of the catalog", |person| person.as_str());
    let about = format!("{} of {}: {}, owed by {owner}", debt.fields(), debt.opened.target, debt.words());
    let words = if kind == "debt.overdue" {
        format!("The break-glass has outlived its time. {about}. Merge the pull request, revert it, or extend it.")
    } else {
        format!("Git and the cluster still differ. {about}.")
    };
    Some((debt.opened.channel.clone(), words))
}
