//! Keeps each pager told of what calls for on-call. Nothing waits for a pager: one that is down is tried again for as long
//! as it is, and people hear in the channel that on-call does not know.

use std::{sync::Arc, time::Duration};

use super::{Inner, glass::say};
use crate::{
    clock,
    core::{
        decide::{self, Incoming},
        paging::{self, Heard, Pages, Telling},
    },
    pager::{Pager, PagerError},
};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);
/// The pauses after a failure: the first, and the longest.
const SOON: Duration = Duration::from_secs(2);
const LATE: Duration = Duration::from_secs(60);
/// What is refused is not tried again sooner.
const REFUSED: Duration = Duration::from_secs(600);

/// How it goes with a pager.
#[derive(Default)]
struct Trouble {
    /// How often it failed since it last worked.
    failed: u32,
    /// The keys of which people heard that on-call does not know.
    said: std::collections::BTreeSet<String>,
}

/// Each pager by itself: one that is down holds no other up.
pub(super) fn begin(inner: &Arc<Inner>) {
    for pager in &inner.reach.pagers {
        inner.tasks.start(keep(Arc::clone(inner), pager.clone()));
    }
}

/// Until the process stops.
async fn keep(inner: Arc<Inner>, pager: Pager) {
    let mut pages = loop {
        match inner.ledger.by_prefix(paging::PREFIX) {
            Ok(recorded) => break Pages::of(pager.kind().name(), &recorded),
            Err(error) => tracing::warn!(%error, "the ledger does not say yet who was paged"),
        }
        if inner.tasks.is_stopping() {
            return;
        }
        inner.tasks.pause(EVERY).await;
    };
    let mut trouble = Trouble::default();
    while !inner.tasks.is_stopping() {
        let wanted = paging::wanted(&inner.matters().await, clock::now());
        let mut pause = EVERY;
        for telling in pages.due(&wanted) {
            if !pages.knows(telling.key()) {
                note(&inner, &pager, &mut pages, (&telling, Heard::Unsure)).await;
            }
            match pager.tell(&telling).await {
                Ok(()) => {
                    worked(&inner, &pager, &telling, &mut trouble).await;
                    note(&inner, &pager, &mut pages, (&telling, Heard::Yes)).await;
                }
                Err(error) => {
                    pause = failed(&inner, &pager, (&telling, &error), &mut trouble).await;
                    break;
                }
            }
        }
        inner.tasks.pause(pause).await;
    }
}

/// Notes what is about to be told, or was. Where the ledger takes nothing people are called all the same: told once more
/// after a restart, under the same key, is told once.
async fn note(inner: &Arc<Inner>, pager: &Pager, pages: &mut Pages, (telling, heard): (&Telling, Heard)) {
    pages.told(telling, heard);
    let entry = paging::told(pager.kind().name(), telling, heard, decide::ourselves());
    inner.take(Incoming::Noticed(Box::new(entry)), None).await;
}

async fn worked(inner: &Arc<Inner>, pager: &Pager, telling: &Telling, trouble: &mut Trouble) {
    trouble.failed = 0;
    if let Telling::Call(alert) = telling
        && !std::mem::take(&mut trouble.said).is_empty()
    {
        let words = format!("{} can be reached again and has the page: {}", pager.kind().called(), alert.summary);
        say(inner, &alert.channel, &words).await;
    }
}

/// How long to wait before the next try; the first failure is said where people are.
async fn failed(
    inner: &Arc<Inner>,
    pager: &Pager,
    (telling, error): (&Telling, &PagerError),
    trouble: &mut Trouble,
) -> Duration {
    tracing::warn!(%error, remedy = error.remedy(), key = telling.key(), "a pager could not be told");
    inner.meter.tried();
    trouble.failed = trouble.failed.saturating_add(1);
    if let Telling::Call(alert) = telling
        && trouble.said.insert(alert.key.clone())
    {
        let words = format!(
            "On-call was not paged by {}: {error}. It is tried again by itself; call whoever is on call yourself. {}",
            pager.kind().called(),
            alert.summary
        );
        say(inner, &alert.channel, &words).await;
    }
    match error {
        PagerError::Refused { .. } => REFUSED,
        PagerError::Later { wait: Some(seconds), .. } => Duration::from_secs(*seconds).clamp(SOON, REFUSED),
        PagerError::Net(_) | PagerError::Garbage { .. } | PagerError::Later { wait: None, .. } => {
            let longest = SOON.saturating_mul(1 << trouble.failed.min(6).saturating_sub(1)).min(LATE);
            longest.mul_f64(0.5 + f64::from(clock::now().subsec_millisecond().unsigned_abs()) / 2000.0)
        }
    }
}
