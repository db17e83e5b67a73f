//! Keeps each pager told of what calls for on-call. Nothing waits for a pager: one that is down is tried again for as long
//! as it is, and people hear in the channel that on-call does not know.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

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
    /// How often it could not be told since it last answered.
    failed: u32,
    /// The keys of which people heard that on-call does not know.
    said: BTreeSet<String>,
    /// What it refused, and when that is tried again. One that it will not have holds no other up.
    refused: BTreeMap<String, Timestamp>,
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
        let now = clock::now();
        let wanted = paging::wanted(&inner.matters().await, now);
        let mut due = pages.due(&wanted);
        trouble.refused.retain(|_, again| *again > now);
        due.retain(|telling| !trouble.refused.contains_key(telling.key()));
        let pause = tell(&inner, &pager, &mut pages, (&due, &mut trouble)).await;
        inner.tasks.pause(pause).await;
    }
}

/// Tells it what is due, until it cannot be told. How long to wait before the next look.
async fn tell(
    inner: &Arc<Inner>,
    pager: &Pager,
    pages: &mut Pages,
    (due, trouble): (&[Telling], &mut Trouble),
) -> Duration {
    for (at, telling) in due.iter().enumerate() {
        if !pages.knows(telling.key()) {
            note(inner, pager, pages, (telling, Heard::Unsure)).await;
        }
        match pager.tell(telling).await {
            Ok(()) => {
                worked(inner, pager, telling, trouble).await;
                note(inner, pager, pages, (telling, Heard::Yes)).await;
            }
            Err(error) => {
                tracing::warn!(%error, remedy = error.remedy(), key = telling.key(), "a pager could not be told");
                inner.meter.tried();
                let is_refused = matches!(error, PagerError::Refused { .. });
                let unheard = due.get(at..).unwrap_or_default().iter().take(if is_refused { 1 } else { due.len() });
                for telling in unheard {
                    failed(inner, pager, (telling, &error), trouble).await;
                }
                if !is_refused {
                    return trouble.pause(&error);
                }
                let _ = trouble.refused.insert(telling.key().to_owned(), clock::now() + REFUSED);
            }
        }
    }
    EVERY
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
        && trouble.said.remove(&alert.key)
    {
        let words = format!("{} has the page now: {}", pager.kind().called(), alert.summary);
        say(inner, &alert.channel, &words).await;
    }
}

/// It is said where people are, once for each call.
async fn failed(inner: &Arc<Inner>, pager: &Pager, (telling, error): (&Telling, &PagerError), trouble: &mut Trouble) {
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
}

impl Trouble {
    /// How long to wait before it is tried again after what it said.
    fn pause(&mut self, error: &PagerError) -> Duration {
        self.failed = self.failed.saturating_add(1);
        if let PagerError::Later { wait: Some(seconds), .. } = error {
            return Duration::from_secs(*seconds).clamp(SOON, REFUSED);
        }
        let longest = SOON.saturating_mul(1 << self.failed.min(6).saturating_sub(1)).min(LATE);
        longest.mul_f64(0.5 + f64::from(clock::now().subsec_millisecond().unsigned_abs()) / 2000.0)
    }
}
