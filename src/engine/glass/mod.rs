//! Effects of break-glasses and debts: one task for each that has something due, as with requests. Each effect looks at
//! the cluster first, records what it is about to do, does it, and reports what came of it. Nothing here waits for the
//! git host, the forge or a chat platform, except what is about git itself.

mod announce;
mod ask;
mod change;
pub(super) mod check;
mod digest;
mod pause;
mod prove;
mod record;
mod restore;
mod settle;
mod watch;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::FutureExt as _;
use serde_json::Value;

use super::{
    Busy, Inner, Resting,
    effects::{Trouble, Wake, back_off, kick, wait},
    facts,
};
use crate::{
    chat::card::Progress,
    cluster::{Cluster, ClusterError, Reconciler, reconciler},
    core::{
        break_glass::{self, Override},
        debt::{self, Debt, Item, is_count},
        decide::{Came, Emergency, Incoming, Reply, Words, folds_into},
        drift::Drift,
        matters::Matters,
        names::{CommandName, Field, RequestId, Target},
        rules::Rules,
    },
};

pub(super) use announce::{announce, say};
pub(super) use ask::{breakglass, debt, debts, incident};
pub(super) use digest::digest;

/// What is due of one of them.
enum Work {
    Glass(Box<Override>, break_glass::Due),
    Debt(Box<Debt>, debt::Due),
    Restore(Box<Drift>),
}

impl Work {
    fn of(matters: &Matters, id: &RequestId) -> Option<Self> {
        let glass = || {
            let one = matters.overrides.get(id)?;
            Some(Self::Glass(Box::new(one.clone()), one.due()?))
        };
        let debt = || {
            let one = matters.debts.get(id)?;
            Some(Self::Debt(Box::new(one.clone()), one.due()?))
        };
        let drift = || matters.drifts.get(id).filter(|one| one.is_restoring());
        glass().or_else(debt).or_else(|| Some(Self::Restore(Box::new(drift()?.clone()))))
    }

    /// Whether it only waits for people, or watches, so that nothing is in flight.
    fn rests(&self) -> bool {
        matches!(self, Self::Glass(_, break_glass::Due::Watch) | Self::Debt(_, debt::Due::Await))
    }

    fn is_as_in(&self, matters: &Matters) -> bool {
        match self {
            Self::Glass(one, _) => matters.overrides.get(&one.id).is_some_and(|now| now.state == one.state),
            Self::Debt(one, _) => matters.debts.get(&one.id).is_some_and(|now| now.state == one.state),
            Self::Restore(one) => matters.drifts.get(&one.id).is_some_and(|now| now.state == one.state),
        }
    }
}

/// Does what is due until nothing is.
pub(super) async fn attend(inner: Arc<Inner>, id: RequestId, wake: Arc<Wake>, busy: Busy) {
    let mut tries = 0_u32;
    while !inner.tasks.is_stopping() {
        wake.is_up();
        let Some(work) = Work::of(&inner.matters().await, &id) else {
            if retire(&inner, &id).await {
                return drop(busy);
            }
            continue;
        };
        let done = std::panic::AssertUnwindSafe(perform(&inner, &work, tries)).catch_unwind().await;
        let done =
            done.unwrap_or_else(|_| Err(Trouble::Other("something broke inside; the log says where.".to_owned())));
        if !work.is_as_in(&inner.matters().await) {
            tries = 0;
            continue;
        }
        tries = tries.saturating_add(1);
        let pause = match done {
            // What is not waited for and did not come is not asked for again at once.
            Ok(again) if again.is_zero() => back_off(tries),
            Ok(again) => again,
            Err(trouble) => {
                inner.meter.tried();
                tracing::warn!(matter = %id, tries, error = %trouble, "an effect is not done yet");
                let _ = wake.notify.notified().now_or_never();
                wake.is_up();
                inner.note_progress(&id, Progress { trouble: Some(trouble.words()), ..Progress::default() });
                back_off(tries)
            }
        };
        let _resting = work.rests().then(|| Resting::new(&inner));
        wait(&inner, &wake, pause).await;
    }
    inner.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&id);
    drop(busy);
}

/// Ends the task unless something became due in this very moment.
async fn retire(inner: &Arc<Inner>, id: &RequestId) -> bool {
    let book = inner.book.lock().await;
    let idle = !book.matters().has_due(id);
    if idle {
        inner.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(id);
    }
    idle
}

/// Git says something else: debts that wait for people look whether that is about them.
pub(super) fn git_moved(inner: &Arc<Inner>) {
    let (inner, busy) = (Arc::clone(inner), super::Busy::new(inner));
    inner.tasks.clone().start(async move {
        let matters = inner.matters().await;
        let waiting = matters.open_debts().filter(|debt| debt.due() == Some(debt::Due::Await));
        waiting.for_each(|debt| kick(&inner, debt.id.clone()));
        drop(busy);
    });
}

/// Something came to a break-glass that is watched, or to its debt: it is looked at now, and not when its time comes.
pub(super) async fn wake(inner: &Arc<Inner>, concerns: impl Fn(&Override, &RequestId) -> bool) {
    let matters = inner.matters().await;
    for glass in matters.overrides.values() {
        if let break_glass::State::Active { debt, .. } = &glass.state
            && concerns(glass, debt)
        {
            kick(inner, glass.id.clone());
        }
    }
}

/// Does one thing; says how long until it is looked at again where nothing changed by it.
async fn perform(inner: &Arc<Inner>, work: &Work, tries: u32) -> Result<Duration, Trouble> {
    match work {
        Work::Glass(glass, due) => match due {
            break_glass::Due::Check => check::check(inner, glass).await,
            break_glass::Due::Pause => pause::pause(inner, glass).await,
            break_glass::Due::Change => change::change(inner, glass).await,
            break_glass::Due::Watch => watch::watch(inner, glass, tries).await,
            break_glass::Due::Resume => pause::let_go(inner, glass).await,
        },
        Work::Restore(drift) => restore::restore(inner, drift).await,
        Work::Debt(debt, due) => match due {
            debt::Due::Propose => settle::propose(inner, debt).await,
            debt::Due::Await => settle::await_request(inner, debt).await,
            debt::Due::Revert => settle::revert(inner, debt).await,
            debt::Due::Prove => prove::prove(inner, debt).await,
            debt::Due::Resume => prove::resume(inner, debt).await,
            debt::Due::ProveAgain => prove::prove_again(inner, debt).await,
        },
    }
}

/// Tells the core what came of something.
async fn report(inner: &Arc<Inner>, of: &RequestId, came: Came) -> Reply {
    inner.take(Incoming::Emergency(Emergency::Happened { of: of.clone(), came }), None).await
}

async fn failed(inner: &Arc<Inner>, glass: &Override, words: Words) -> Result<Duration, Trouble> {
    report(inner, &glass.id, Came::Failed(words)).await;
    Ok(Duration::ZERO)
}

/// Where a target runs, and what follows git there.
pub(super) struct Place {
    pub(super) cluster: Cluster,
    name: crate::core::names::ConnectionName,
    namespace: String,
    pub(super) reconciler: Option<Box<dyn Reconciler>>,
    pub(super) held: Option<break_glass::Object>,
}

impl Place {
    pub(super) fn of(inner: &Inner, rules: &Rules, target: &Target) -> Result<Self, Words> {
        let environment = rules.catalog.environment(&target.environment);
        let name = environment.and_then(|at| at.cluster.clone());
        let (Some(environment), Some(name)) = (environment, name) else {
            let text = format!("The catalog names no cluster for `{}`.", target.environment);
            return Err(Words::new(text, "Name `cluster` in the catalog."));
        };
        let Some(cluster) = inner.reach.clusters.get(&name) else {
            let text = format!("The cluster `{name}` is not in the configuration.");
            return Err(Words::new(text, "Add it under `clusters` in `leverframe.yaml`."));
        };
        Ok(Self {
            reconciler: reconciler(cluster, &environment.reconciler, &target.service),
            held: held(&environment.reconciler, target, &name),
            namespace: environment.namespace_of(&target.service),
            cluster: cluster.clone(),
            name,
        })
    }
}

/// What would be held off.
fn held(
    named: &crate::core::catalog::Reconciler,
    target: &Target,
    cluster: &crate::core::names::ConnectionName,
) -> Option<break_glass::Object> {
    use crate::core::catalog::{FluxKind, Reconciler as Named};
    let (kind, namespace, name) = match named {
        Named::None => return None,
        Named::ArgoCd { application, namespace } => (break_glass::Kind::Application, namespace, application),
        Named::Flux { kind: FluxKind::Kustomization, name, namespace } => {
            (break_glass::Kind::Kustomization, namespace, name)
        }
        Named::Flux { kind: FluxKind::HelmRelease, name, namespace } => {
            (break_glass::Kind::HelmRelease, namespace, name)
        }
    };
    let of = |template: &crate::core::catalog::NameTemplate| template.name_of(&target.service);
    Some(break_glass::Object { cluster: cluster.clone(), kind, namespace: of(namespace), name: of(name) })
}

impl Inner {
    fn glass_rules(&self) -> Result<Arc<Rules>, Trouble> {
        self.rules().ok_or_else(|| Trouble::Other("the rules are not read yet.".to_owned()))
    }

    /// What goes into git with a command's change of a target, because it is live there without being in git: what is
    /// proposed holds all of it.
    pub(super) async fn owed(
        &self,
        rules: &Rules,
        (command, target): (&CommandName, &Target),
    ) -> BTreeMap<Field, Value> {
        let book = self.book.lock().await;
        let debt = folds_into(rules, (command, target), book.matters_ahead(), book.ahead());
        // An autoscaler's bound is asked for as the count, as people do.
        let asked = |field: &Field| if is_count(field) { Field::Replicas } else { field.clone() };
        let value = |item: &Item| (asked(&item.field), facts::value_of(&item.field, &item.live));
        debt.map(|debt| debt.items().into_iter().map(value).collect()).unwrap_or_default()
    }

    fn glass_place(&self, target: &Target) -> Result<Place, Trouble> {
        let rules = self.glass_rules()?;
        Place::of(self, &rules, target).map_err(|words| Trouble::Other(words.text))
    }
}

/// What is in the way for a while is tried again; what is not is the end.
fn passing(error: ClusterError) -> Result<Words, Trouble> {
    if error.is_passing() {
        return Err(Trouble::Other(format!("{error}. {}", error.remedy())));
    }
    let text = crate::core::decide::sentence(&error.to_string());
    Ok(Words::new(text, error.remedy()))
}

/// The value at the plan's place, as it is live; `None` where the object is another one by now.
async fn live_value(place: &Place, plan: &break_glass::LivePlan) -> Result<Option<serde_json::Value>, ClusterError> {
    let Some(found) = place.cluster.live(&plan.object).await? else { return Ok(None) };
    let same = found.pointer("/metadata/uid").and_then(serde_json::Value::as_str) == Some(plan.uid.as_str());
    Ok(same.then(|| found.pointer(&plan.way.pointer).cloned().unwrap_or_default()))
}
