//! Drift: one list and one watch of each kind and cluster tell what is live; what levers move there is compared with
//! git (`judge.rs`), and a difference that somebody made by hand gets a card. What happened and was undone between two
//! looks is seen too: each change is judged as it came, in order.

mod aloud;
mod judge;
mod keep;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, watch};

use super::{Busy, Inner};
use crate::{
    cluster::{Cluster, ClusterError, Told as Event},
    core::{
        break_glass::{Kind, Object},
        catalog::Drift,
        drift::Sighting,
        names::ConnectionName,
        rules::Rules,
    },
};

pub(super) use aloud::announce;

/// The kinds that are looked at. Autoscalers come first: without them nobody can say whose a count is.
const KINDS: [Kind; 3] = [Kind::HorizontalPodAutoscaler, Kind::Deployment, Kind::StatefulSet];
/// How much may wait to be judged before the watches wait too.
const WAITING: usize = 4096;
/// How long until a watch that broke begins anew, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// Which objects of which cluster; the newest sighting of each.
type Known = BTreeMap<Object, Sighting>;

/// Up to which version each watch has told: what it told before is waiting to be judged, or is. `None`: it tells nothing.
type Told = BTreeMap<(ConnectionName, Kind), Option<String>>;

/// What the watches have seen so far.
pub(super) struct Sight {
    known: Mutex<Known>,
    told: watch::Sender<Told>,
    queue: mpsc::Sender<Waiting>,
    waiting: Mutex<Option<mpsc::Receiver<Waiting>>>,
    /// How much is not judged yet.
    unjudged: AtomicUsize,
    /// What was said aloud.
    said: Mutex<BTreeSet<String>>,
}

/// Something to be judged, which is in flight until it is.
struct Waiting {
    object: Object,
    what: What,
    _busy: Busy,
}

enum What {
    /// It is so.
    Is(Box<Sighting>),
    /// It is gone.
    Gone,
}

impl Default for Sight {
    fn default() -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        Self {
            known: Mutex::default(),
            told: watch::Sender::default(),
            queue,
            waiting: Mutex::new(Some(waiting)),
            unjudged: AtomicUsize::new(0),
            said: Mutex::default(),
        }
    }
}

impl Sight {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object as it was seen last.
    fn newest(&self, object: &Object) -> Option<Sighting> {
        self.known().get(object).cloned()
    }

    /// Whether an autoscaler has the count of a workload.
    fn is_scaled(&self, object: &Object) -> bool {
        let scales = |(of, seen): (&Object, &Sighting)| {
            let here = of.cluster == object.cluster && of.namespace == object.namespace;
            let named =
                seen.scales.as_ref().is_some_and(|(kind, name)| kind == object.kind.word() && *name == object.name);
            here && named
        };
        self.known().iter().any(scales)
    }

    /// Whether something was not said aloud before; from now on it was.
    fn is_unsaid(&self, what: String) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(what)
    }

    fn note(&self, cluster: &ConnectionName, kind: Kind, version: Option<String>) {
        self.told.send_modify(|told| drop(told.insert((cluster.clone(), kind), version)));
    }

    /// Waits until each watch of these clusters has told everything up to a version. Versions are numbers of etcd's.
    pub(super) async fn up_to(&self, versions: &BTreeMap<String, u64>) {
        let mut told = self.told.subscribe();
        let is_so = |told: &Told, cluster: &str, wanted: u64, kind: Kind| {
            let found = told.iter().find(|((name, of), _)| name.as_str() == cluster && *of == kind);
            let reaches = |version: &String| version.parse::<u64>().is_ok_and(|seen| seen >= wanted);
            // What does not tell is not waited for.
            found.is_some_and(|(_, version)| version.as_ref().is_none_or(reaches))
        };
        let all = |told: &Told| {
            versions.iter().all(|(cluster, wanted)| KINDS.into_iter().all(|kind| is_so(told, cluster, *wanted, kind)))
        };
        let _ = told.wait_for(all).await;
    }
}

/// Keeps looking at every cluster.
pub(super) fn begin(inner: &Arc<Inner>) {
    for (name, cluster) in &inner.reach.clusters {
        inner.tasks.start(look(Arc::clone(inner), name.clone(), cluster.clone()));
    }
    let waiting = inner.sight.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(waiting) = waiting.filter(|_| !inner.reach.clusters.is_empty()) {
        inner.tasks.start(judge_all(Arc::clone(inner), waiting));
        inner.tasks.start(look_again(Arc::clone(inner)));
    }
}

/// Whether drift in a cluster is anybody's concern.
fn is_wanted(rules: &Rules, cluster: &ConnectionName) -> bool {
    rules.catalog.environments().iter().any(|at| at.cluster.as_ref() == Some(cluster) && at.drift != Drift::Ignore)
}

/// The autoscalers first, then the rest.
async fn look(inner: Arc<Inner>, name: ConnectionName, cluster: Cluster) {
    let mut rules = inner.rules.subscribe();
    loop {
        let wanted = rules.borrow_and_update().as_ref().map(|rules| is_wanted(rules, &name));
        match wanted {
            Some(true) => break,
            Some(false) => KINDS.into_iter().for_each(|kind| inner.sight.note(&name, kind, None)),
            None => {}
        }
        tokio::select! {
            changed = rules.changed() => if changed.is_err() { return },
            () = inner.tasks.stopping() => return,
        }
    }
    for kind in KINDS {
        let started = watch::Sender::new(());
        let mut begun = started.subscribe();
        inner.tasks.start(follow(Arc::clone(&inner), (name.clone(), kind), cluster.clone(), started));
        tokio::select! {
            _ = begun.changed() => {}
            () = inner.tasks.stopping() => return,
        }
    }
}

/// Lists a kind and watches it, for ever. `begun` hears of the first list, or that there can be none.
async fn follow(inner: Arc<Inner>, (name, kind): (ConnectionName, Kind), cluster: Cluster, begun: watch::Sender<()>) {
    let (mut tries, mut version) = (0_u32, None);
    while !inner.tasks.is_stopping() {
        let told = tokio::select! {
            told = one(&inner, (&name, kind), &cluster, (&mut version, &begun)) => told,
            () = inner.tasks.stopping() => return,
        };
        match told {
            Ok(()) => tries = 0,
            Err(error) => {
                said(&name, kind, &error, tries);
                begun.send_replace(());
                tries = tries.saturating_add(1);
                if !error.is_passing() {
                    // What it does not tell is not waited for.
                    inner.sight.note(&name, kind, None);
                }
                let (first, most) = AGAIN;
                let long = if error.is_passing() { first * 2_u32.saturating_pow(tries.min(8)) } else { most };
                inner.tasks.pause(long.min(most)).await;
            }
        }
    }
}

/// Said once for each trouble, and then no more until it is over.
fn said(name: &ConnectionName, kind: Kind, error: &ClusterError, tries: u32) {
    if tries > 0 {
        return tracing::debug!(cluster = %name, kind = kind.plural(), %error, "drift cannot be seen");
    }
    let (kind, remedy) = (kind.plural(), error.remedy());
    if matches!(error, ClusterError::TimedOut) {
        return tracing::debug!(cluster = %name, kind, "a watch went silent");
    }
    tracing::warn!(cluster = %name, kind, %error, remedy, "drift cannot be seen");
}

/// One watch, from the version where the last one ended; everything is listed first where there is none.
async fn one(
    inner: &Arc<Inner>,
    (name, kind): (&ConnectionName, Kind),
    cluster: &Cluster,
    (version, begun): (&mut Option<String>, &watch::Sender<()>),
) -> Result<(), ClusterError> {
    let since = match version.as_ref() {
        Some(since) => since.clone(),
        None => {
            let (all, since) = cluster.everything(kind).await?;
            listed(inner, (name, kind), all).await;
            inner.sight.note(name, kind, Some(since.clone()));
            begun.send_replace(());
            since
        }
    };
    let mut watching = match cluster.watch(kind, &since).await {
        Err(ClusterError::Garbage { cause }) if cause.starts_with("410") => {
            *version = None;
            return Ok(());
        }
        watching => watching?,
    };
    *version = Some(since);
    while let Some(told) = watching.next().await? {
        let up_to = match told {
            Event::Is(seen, version) => {
                is(inner, name, *seen).await;
                version
            }
            Event::Gone(seen, version) => {
                gone(inner, object(name, &seen)).await;
                version
            }
            Event::UpTo(version) => version,
            Event::TooOld => {
                *version = None;
                return Ok(());
            }
        };
        inner.sight.note(name, kind, Some(up_to.clone()));
        *version = Some(up_to);
    }
    Ok(())
}

fn object(cluster: &ConnectionName, seen: &Sighting) -> Object {
    Object { cluster: cluster.clone(), kind: seen.kind, namespace: seen.namespace.clone(), name: seen.name.clone() }
}

/// What is not in a list any more is gone.
async fn listed(inner: &Arc<Inner>, (name, kind): (&ConnectionName, Kind), all: Vec<Sighting>) {
    let here: BTreeSet<Object> = all.iter().map(|seen| object(name, seen)).collect();
    let of_kind = |one: &&Object| one.cluster == *name && one.kind == kind;
    let mut lost: Vec<Object> = inner.sight.known().keys().filter(of_kind).cloned().collect();
    let matters = inner.matters().await;
    lost.extend(matters.open_drifts().map(|drift| &drift.opened.object).filter(of_kind).cloned());
    for object in lost.into_iter().filter(|object| !here.contains(object)) {
        gone(inner, object).await;
    }
    for seen in all {
        is(inner, name, seen).await;
    }
}

/// What is as it was seen last is no news.
async fn is(inner: &Arc<Inner>, name: &ConnectionName, seen: Sighting) {
    let object = object(name, &seen);
    let before = inner.sight.known().insert(object.clone(), seen.clone());
    if before.as_ref() != Some(&seen) {
        queue(inner, object, What::Is(Box::new(seen))).await;
    }
}

async fn gone(inner: &Arc<Inner>, object: Object) {
    inner.sight.known().remove(&object);
    queue(inner, object, What::Gone).await;
}

async fn queue(inner: &Arc<Inner>, object: Object, what: What) {
    let waiting = Waiting { object, what, _busy: Busy::new(inner) };
    inner.sight.unjudged.fetch_add(1, Ordering::AcqRel);
    // Nobody takes any more where the bot stops.
    let _ = inner.sight.queue.send(waiting).await;
}

async fn judge_all(inner: Arc<Inner>, mut waiting: mpsc::Receiver<Waiting>) {
    loop {
        let next = tokio::select! {
            next = waiting.recv() => next,
            () = inner.tasks.stopping() => None,
        };
        let Some(Waiting { object, what, _busy }) = next else { return };
        match what {
            What::Is(seen) => judge::judge(&inner, &object, &seen).await,
            What::Gone => judge::gone(&inner, &object).await,
        }
        inner.sight.unjudged.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Git may have moved to what is live: whatever differs is held against every new tip.
async fn look_again(inner: Arc<Inner>) {
    let mut rules = inner.rules.subscribe();
    loop {
        tokio::select! {
            changed = rules.changed() => if changed.is_err() { return },
            () = inner.tasks.stopping() => return,
        }
        drop(rules.borrow_and_update());
        let matters = inner.matters().await;
        for drift in matters.open_drifts() {
            if let Some(seen) = inner.sight.newest(&drift.opened.object) {
                queue(&inner, drift.opened.object.clone(), What::Is(Box::new(seen))).await;
            }
        }
    }
}
