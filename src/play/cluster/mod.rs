//! A cluster look-alike: the part of the Kubernetes API that shows what runs, with a controller like Argo CD's or Flux's
//! that follows the branch of the demo repository. What it applies rolls out step by step; a broken version sticks.

pub mod render;
pub mod rollout;

mod api;
mod argocd;
mod change;
mod custom;
mod flux;
mod objects;
mod watching;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::Router;
use jiff::Timestamp;
use render::{Wanted, Workload, desired};
use rollout::{Broken, Progress, Rollout};
use tokio::task::JoinSet;

use super::{
    error::PlayError,
    exchange::Exchanges,
    pulse::Pulse,
    repository::DemoRepository,
    server::{Habits, Server, listen},
};
use crate::{clock, secret::Secret};

/// What a cluster needs.
pub struct ClusterOptions {
    /// Its name, which is also the environment whose directories it follows.
    pub name: String,
    /// The repository it follows.
    pub repository: DemoRepository,
    /// The bearer token.
    pub token: Secret,
    /// The address of that repository, as the reconciler has it.
    pub url: String,
    /// What follows it.
    pub reconciler: ReconcilerKind,
    /// How long a step of a rollout takes; 300 ms look lifelike.
    pub step: Duration,
    /// Beats whenever anything about a pod changes.
    pub pulse: Pulse,
}

/// What makes the cluster follow the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReconcilerKind {
    /// An Argo CD Application `{service}-{environment}` for each service, in `argocd`.
    ArgoCd,
    /// A Flux Kustomization `{service}` for each service, in `flux-system`.
    Flux,
}

impl ReconcilerKind {
    /// What it calls itself where it writes.
    fn manager(self) -> &'static str {
        match self {
            Self::ArgoCd => "argocd-controller",
            Self::Flux => "kustomize-controller",
        }
    }

    fn kind(self) -> &'static custom::Kind {
        match self {
            Self::ArgoCd => &custom::APPLICATION,
            Self::Flux => &custom::KUSTOMIZATION,
        }
    }
}

/// How many steps a reconciler lets pass before it looks at the branch unasked.
const POLL: u64 = 10;

/// A running cluster. Dropping it stops it.
pub struct ClusterLookalike {
    server: Server,
    shared: Arc<Shared>,
    _following: JoinSet<()>, // Its tasks end with it.
}

/// What runs of one Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The service.
    pub service: String,
    /// The cluster.
    pub environment: String,
    /// The version that the branch wants.
    pub version: String,
    /// How many pods of any version are ready.
    pub ready: usize,
    /// How many of those have the wanted version.
    pub updated: usize,
    /// How many are wanted.
    pub wanted: usize,
    /// How the rollout stands.
    pub progress: Progress,
}

struct Shared {
    name: String,
    url: String,
    reconciler: ReconcilerKind,
    token: Secret,
    pulse: Pulse,
    repository: DemoRepository,
    since: Timestamp,
    state: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    /// The branch as it was read last, and what it wants to run.
    tip: Option<String>,
    wanted: Wanted,
    rollouts: BTreeMap<(String, String), Rollout>,
    custom: custom::Store,
    /// Who wrote what of a workload, as Kubernetes writes it down.
    managed: BTreeMap<(String, String), Vec<serde_json::Value>>,
    /// What watches are told of workloads.
    told: watching::Told,
    /// What scales workloads by itself: by namespace and name, how many at least and at most.
    scalers: BTreeMap<(String, String), (usize, usize)>,
    steps: u64,
    broken: Broken,
    following: Following,
    version: u64,
}

/// What a controller's step knows beside the cluster.
struct Surroundings<'a> {
    environment: &'a str,
    url: &'a str,
    branch: &'a str,
    now: Timestamp,
    /// Whether it may look at the branch at all.
    follows: bool,
    /// Whether it looks unasked.
    is_time: bool,
    /// What runs at a commit.
    render: &'a dyn Fn(&str) -> Wanted,
}

/// Whether the cluster follows the branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Following {
    /// What the branch says is rolled out.
    #[default]
    Yes,
    /// Nothing new is read from the branch; what has begun goes on.
    No,
}

impl ClusterLookalike {
    /// Starts on a free loopback port with what the branch wants already running.
    ///
    /// # Errors
    /// When no port can be opened or the repository cannot be read.
    pub async fn start(options: ClusterOptions) -> Result<Self, PlayError> {
        let ClusterOptions { name, repository, url, reconciler, token, step, pulse } = options;
        let state = Mutex::default();
        let shared = Shared { name, url, reconciler, token, pulse, repository, since: clock::now(), state };
        let shared = Arc::new(shared);
        shared.begin()?;
        let router: Router = api::routes(&shared).with_state(Arc::clone(&shared));
        let habits = Habits { kept: &["/api", "/version"], prefix: "" };
        let server = Server::serve(listen(0).await?, router, Exchanges::default(), habits)?;
        let mut following = JoinSet::new();
        following.spawn(follow(Arc::clone(&shared), step));
        Ok(Self { server, shared, _following: following })
    }

    /// What `clusters.NAME.api` must be in the bot's configuration.
    pub fn api(&self) -> String {
        self.server.url()
    }

    /// The server: its exchanges, its faults, stopping and starting it.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Rollouts to this tag never become ready; their containers wait for this reason: `ImagePullBackOff`.
    pub fn break_version(&self, tag: &str, reason: &str) {
        self.shared.live().broken.insert(tag.to_owned(), reason.to_owned());
    }

    /// Rollouts to this tag work again.
    pub fn mend_version(&self, tag: &str) {
        self.shared.live().broken.remove(tag);
    }

    /// Somebody scales a service with kubectl, past the branch; says whether there is such a service.
    pub fn scale_by_hand(&self, service: &str, count: usize) -> bool {
        let mut live = self.shared.live();
        let found = live.rollouts.iter().find(|(_, rollout)| rollout.wanted.service == service);
        let Some((key, wanted)) = found.map(|(key, rollout)| (key.clone(), rollout.wanted.clone())) else {
            return false;
        };
        live.change_by_hand(&key, Workload { replicas: count, ..wanted }, ("kubectl", Some("scale")));
        watching::noted(&self.shared, &mut live);
        self.shared.seen_at_once(&mut live);
        drop(live);
        self.shared.pulse.beat();
        true
    }

    /// The Application or Kustomization of that name, as it is.
    pub fn followed_by(&self, name: &str) -> Option<serde_json::Value> {
        self.shared.live().custom.get(self.shared.reconciler.kind(), name).cloned()
    }

    /// Merges members into that object, whatever they are, as whoever made it could.
    pub fn remake(&self, name: &str, patch: &serde_json::Value) {
        let kind = self.shared.reconciler.kind();
        self.shared.live().custom.change(kind, name, |object| custom::merge(object, patch));
        self.shared.pulse.beat();
    }

    /// Makes the cluster look at the branch, or not.
    pub fn follow(&self, following: Following) {
        self.shared.live().following = following;
    }

    /// What runs, by service.
    pub fn running(&self) -> Vec<Running> {
        self.shared.running()
    }

    /// Directories that could not be rendered, with the reason; what ran of them goes on running.
    pub fn problems(&self) -> BTreeMap<String, String> {
        let live = self.shared.live();
        let failed = live.wanted.iter().filter_map(|(service, found)| Some((service.clone(), found.clone().err()?)));
        failed.collect()
    }

    /// Waits until the cluster has read the branch's tip and every rollout is healthy or stuck.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn settled(&self) -> Result<(), PlayError> {
        let mut changed = self.shared.pulse.changed();
        while !self.shared.is_settled()? {
            // The pulse lives in `self`, so it cannot end.
            let _ = changed.changed().await;
        }
        Ok(())
    }
}

/// Takes a step at every tick, for as long as the cluster lives.
async fn follow(shared: Arc<Shared>, step: Duration) {
    let mut ticks = tokio::time::interval(step.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let task = Arc::clone(&shared);
        // A repository that cannot be read now is read at the next tick.
        let _ = tokio::task::spawn_blocking(move || task.step()).await;
    }
}

impl Shared {
    fn live(&self) -> MutexGuard<'_, Live> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the branch wants runs already, as if it always had.
    fn begin(&self) -> Result<(), PlayError> {
        let tip = self.repository.tip()?;
        let wanted = desired(&self.repository.files(&tip)?, &self.name);
        let mut live = self.live();
        for workload in wanted.values().filter_map(|found| found.as_ref().ok()).flatten() {
            live.rollouts.insert(key(workload), Rollout::running(workload.clone()));
        }
        (live.tip, live.wanted, live.version) = (Some(tip), wanted, 1);
        // A first look at everything, and what it takes to come to rest.
        while self.reconcile(&mut live) {}
        live.written_by(self.reconciler.manager());
        watching::noted(self, &mut live);
        Ok(())
    }

    fn step(&self) -> Result<(), PlayError> {
        let read = self.read()?;
        let mut live = self.live();
        let mut changed = read.is_some();
        if let Some((tip, wanted)) = read {
            (live.tip, live.wanted) = (Some(tip), wanted);
        }
        live.steps += 1;
        changed |= self.reconcile(&mut live);
        let Live { rollouts, broken, .. } = &mut *live;
        for rollout in rollouts.values_mut() {
            changed |= rollout.step(broken);
        }
        if changed {
            live.version += 1;
            watching::noted(self, &mut live);
            drop(live);
            self.pulse.beat();
        }
        Ok(())
    }

    /// One step of the reconciler; says whether anything changed.
    fn reconcile(&self, live: &mut Live) -> bool {
        // A commit that cannot be read holds nothing.
        let render =
            |commit: &str| self.repository.files(commit).map(|files| desired(&files, &self.name)).unwrap_or_default();
        let around = Surroundings {
            environment: &self.name,
            url: &self.url,
            branch: self.repository.branch(),
            now: clock::now(),
            follows: live.following == Following::Yes,
            is_time: live.steps.is_multiple_of(POLL),
            render: &render,
        };
        match self.reconciler {
            ReconcilerKind::ArgoCd => argocd::step(live, &around),
            ReconcilerKind::Flux => flux::step(live, &around),
        }
    }

    /// What the branch wants, where it has moved.
    fn read(&self) -> Result<Option<(String, Wanted)>, PlayError> {
        let tip = self.repository.tip()?;
        {
            let live = self.live();
            if live.following == Following::No || live.tip.as_ref() == Some(&tip) {
                return Ok(None);
            }
        }
        let wanted = desired(&self.repository.files(&tip)?, &self.name);
        Ok(Some((tip, wanted)))
    }

    fn is_settled(&self) -> Result<bool, PlayError> {
        let tip = self.repository.tip()?;
        let live = self.live();
        let reconciled = || match self.reconciler {
            ReconcilerKind::ArgoCd => argocd::is_settled(&live, &self.name),
            ReconcilerKind::Flux => flux::is_settled(&live),
        };
        let read = live.following == Following::No || (live.tip.as_ref() == Some(&tip) && reconciled());
        Ok(read && live.rollouts.values().all(|rollout| rollout.progress() != Progress::Rolling))
    }

    fn running(&self) -> Vec<Running> {
        let live = self.live();
        let shown = live.rollouts.values().map(|rollout| Running {
            service: rollout.wanted.service.clone(),
            environment: self.name.clone(),
            version: rollout.wanted.version(),
            ready: rollout.ready(),
            updated: rollout.count(|pod| rollout.is_updated(pod) && pod.state == rollout::PodState::Ready),
            wanted: rollout.wanted.replicas,
            progress: rollout.progress(),
        });
        shown.collect()
    }
}

impl Live {
    /// Runs what a service wants, and nothing else of it.
    fn apply(&mut self, service: &str, workloads: Vec<Workload>, manager: &str) {
        for workload in &workloads {
            if self.rollouts.get(&key(workload)).is_none_or(|rollout| rollout.wanted != *workload) {
                self.managed.insert(key(workload), vec![change::written(manager, None, &workload.containers)]);
            }
        }
        let kept: Vec<_> = workloads.into_iter().map(|workload| self.want_one(workload)).collect();
        self.rollouts.retain(|key, rollout| rollout.wanted.service != service || kept.contains(key));
    }

    fn want_one(&mut self, workload: Workload) -> (String, String) {
        let key = key(&workload);
        let rollout = self.rollouts.entry(key.clone());
        rollout.and_modify(|rollout| rollout.want(workload.clone())).or_insert_with(|| Rollout::begun(workload));
        key
    }
}

fn key(workload: &Workload) -> (String, String) {
    (workload.namespace.clone(), workload.name.clone())
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
