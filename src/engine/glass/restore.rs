//! Giving the cluster what git says, where somebody chose that of a drift: one guarded patch on the very value that was
//! shown, or nothing.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{Inner, Trouble, passing, report};
use crate::{
    cluster::{ClusterError, DryRun},
    core::{
        decide::{Came, Emergency, Incoming, Words},
        drift::{Drift, Ending},
    },
};

pub(super) async fn restore(inner: &Arc<Inner>, drift: &Drift) -> Result<Duration, Trouble> {
    let place = inner.glass_place(&drift.opened.target)?;
    match given_back(&place, drift).await {
        Ok(Ok(())) => {
            let ending = Ending::Restored;
            let agreed = Emergency::Agreed { of: drift.id.clone(), ending };
            inner.take(Incoming::Emergency(agreed), None).await;
        }
        Ok(Err(words)) => drop(report(inner, &drift.id, Came::Failed(words)).await),
        Err(error) => {
            let words = passing(error)?;
            report(inner, &drift.id, Came::Failed(words)).await;
        }
    }
    Ok(Duration::ZERO)
}

/// `Err` of the inside: nothing was changed, and why.
async fn given_back(place: &super::Place, drift: &Drift) -> Result<Result<(), Words>, ClusterError> {
    let seen = &drift.opened;
    let live = || async {
        let found = place.cluster.live(&seen.object).await?;
        let same = |found: &Value| found.pointer("/metadata/uid").and_then(Value::as_str) == Some(seen.uid.as_str());
        Ok::<_, ClusterError>(found.filter(same).and_then(|found| found.pointer(&seen.way.pointer).cloned()))
    };
    let another = || Words::new("It has another value by now; nothing was changed.", "Read the card as it is now.");
    match live().await? {
        Some(value) if value == seen.way.from => return Ok(Ok(())),
        Some(value) if value == seen.way.to => {}
        Some(_) | None => return Ok(Err(another())),
    }
    let test = |path: &str, value: &Value| json!({"op": "test", "path": path, "value": value});
    let mut patch = vec![test("/metadata/uid", &json!(seen.uid))];
    patch.extend(seen.beside.iter().map(|(path, value)| test(path, value)));
    patch.push(test(&seen.way.pointer, &seen.way.to));
    patch.push(json!({"op": "replace", "path": seen.way.pointer, "value": seen.way.from}));
    place.cluster.change(&seen.object, &patch, DryRun::No).await?;
    let is_so = live().await?.as_ref() == Some(&seen.way.from);
    Ok(if is_so { Ok(()) } else { Err(another()) })
}
