//! What comes in past typing. The buttons of a drift's card begin something of their own: keeping it as it is, which needs fresh ids; and after
//! it was undone the same by a command, as if whoever pressed had typed it.

use std::{collections::BTreeMap, sync::Arc};

use super::Inner;
use crate::{
    clock,
    core::{
        break_glass::Then,
        decide::{Click, Emergency, Incoming, KeepAsked, Press, Reply},
        drift::{Drift, State},
        names::Field,
    },
    engine::{Engine, Said, Typed},
};

impl Engine {
    /// Takes what came in; the answer is durable when this returns. `event` is the platform's id of the delivery:
    /// the same one again gets the first answer, and nothing is done.
    pub async fn take(&self, incoming: Incoming, event: Option<String>) -> Reply {
        if let Incoming::Clicked(click) = &incoming
            && let Some(typed) = again(&self.inner, click).await
        {
            return self.typed(typed, event).await;
        }
        let incoming = kept(&self.inner, incoming).await;
        self.inner.take(incoming, event).await
    }

    /// Waits until the watches of the clusters have told everything up to these versions, by the clusters' names.
    pub async fn has_seen(&self, versions: &BTreeMap<String, u64>) {
        self.inner.sight.up_to(versions).await;
    }
}

/// What a click on a drift's card is to be decided on.
async fn kept(inner: &Arc<Inner>, incoming: Incoming) -> Incoming {
    let Incoming::Clicked(click) = incoming else { return incoming };
    let then = match click.press {
        Press::Hold => Then::Decide,
        Press::Adopt => Then::Propose,
        Press::Approve
        | Press::Reject
        | Press::Cancel
        | Press::Stable
        | Press::Close
        | Press::Reopen
        | Press::GiveBack
        | Press::Extend
        | Press::Retry
        | Press::Keep
        | Press::Withdraw
        | Press::Restore
        | Press::Leave
        | Press::Ours
        | Press::Again
        | Press::Reviewed
        | Press::Start => return Incoming::Clicked(click),
    };
    if !inner.matters().await.drifts.contains_key(&click.request) {
        return Incoming::Clicked(click);
    }
    let now = clock::now();
    let (id, incident) = (clock::request_id(now), clock::request_id(now));
    Incoming::Emergency(Emergency::Keep(Box::new(KeepAsked { click, then, id, incident })))
}

/// What somebody would type who wants again what was undone; `None` where the click is about something else.
async fn again(inner: &Arc<Inner>, click: &Click) -> Option<Typed> {
    let matters = inner.matters().await;
    let drift = matters.drifts.get(&click.request)?;
    let State::Over { .. } = drift.state else { return None };
    let (invoked, options) = match click.press {
        Press::Again => ("breakglass", by_hand(drift)?),
        Press::Adopt => through_git(drift)?,
        Press::Approve
        | Press::Reject
        | Press::Cancel
        | Press::Stable
        | Press::Close
        | Press::Reopen
        | Press::GiveBack
        | Press::Extend
        | Press::Retry
        | Press::Keep
        | Press::Withdraw
        | Press::Hold
        | Press::Restore
        | Press::Leave
        | Press::Ours
        | Press::Reviewed
        | Press::Start => return None,
    };
    let options = options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Some(Typed {
        account: click.asker.account.clone(),
        via: click.asker.via.clone(),
        channel: click.channel.clone(),
        invoked: invoked.to_owned(),
        said: Said::Options(options),
    })
}

type Options = Vec<(&'static str, String)>;

fn by_hand(drift: &Drift) -> Option<Options> {
    let what = match drift.opened.field {
        Field::Replicas => "scale",
        Field::ImageTag => "image",
        Field::ImageDigest
        | Field::ReplicasMin
        | Field::ReplicasMax
        | Field::Cpu
        | Field::Memory
        | Field::Env(_)
        | Field::Config(_) => return None,
    };
    let target = &drift.opened.target;
    Some(vec![
        ("what", what.to_owned()),
        ("service", target.service.to_string()),
        ("environment", target.environment.to_string()),
        ("value", drift.opened.live.clone()),
        ("for", "1h".to_owned()),
        ("reason", "it was changed by hand and set back".to_owned()),
    ])
}

fn through_git(drift: &Drift) -> Option<(&'static str, Options)> {
    let (command, option) = match drift.opened.field {
        Field::Replicas => ("scale", "replicas"),
        Field::ImageTag => ("deploy", "version"),
        Field::ImageDigest
        | Field::ReplicasMin
        | Field::ReplicasMax
        | Field::Cpu
        | Field::Memory
        | Field::Env(_)
        | Field::Config(_) => return None,
    };
    let target = &drift.opened.target;
    let options = vec![
        ("service", target.service.to_string()),
        ("environment", target.environment.to_string()),
        (option, drift.opened.live.clone()),
    ];
    Some((command, options))
}
