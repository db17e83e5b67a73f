//! A cluster look-alike: the part of the Kubernetes API that shows what runs, following the branch of the demo
//! repository. A change on the branch rolls out step by step; a broken version sticks.

pub mod render;
pub mod rollout;

mod api;
mod objects;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::Router;
use jiff::Timestamp;
use render::{Workload, desired};
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
    /// How long a step of a rollout takes; 300 ms look lifelike.
    pub step: Duration,
    /// Beats whenever anything about a pod changes.
    pub pulse: Pulse,
}

/// A running cluster. Dropping it stops it.
pub struct ClusterLookalike {
    server: Server,
    shared: Arc<Shared>,
    // Held for its tasks, which end with it.
    _following: JoinSet<()>,
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
    token: Secret,
    pulse: Pulse,
    repository: DemoRepository,
    since: Timestamp,
    state: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    tip: Option<String>,
    rollouts: BTreeMap<(String, String), Rollout>,
    problems: BTreeMap<String, String>,
    broken: Broken,
    following: Following,
    version: u64,
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
        let ClusterOptions { name, repository, token, step, pulse } = options;
        let state = Mutex::default();
        let shared = Arc::new(Shared { name, token, pulse, repository, since: clock::now(), state });
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
        self.shared.live().problems.clone()
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
        for workload in wanted.into_values().filter_map(Result::ok).flatten() {
            live.rollouts.insert(key(&workload), Rollout::running(workload));
        }
        live.tip = Some(tip);
        live.version = 1;
        Ok(())
    }

    fn step(&self) -> Result<(), PlayError> {
        let read = self.read()?;
        let mut live = self.live();
        let mut changed = read.is_some();
        if let Some((tip, wanted)) = read {
            live.want(tip, wanted);
        }
        let Live { rollouts, broken, .. } = &mut *live;
        for rollout in rollouts.values_mut() {
            changed |= rollout.step(broken);
        }
        if changed {
            live.version += 1;
            drop(live);
            self.pulse.beat();
        }
        Ok(())
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
        let read = live.following == Following::No || live.tip.as_ref() == Some(&tip);
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

type Wanted = BTreeMap<String, Result<Vec<Workload>, String>>;

impl Live {
    /// Takes over what the branch wants; a directory that cannot be rendered keeps what ran.
    fn want(&mut self, tip: String, wanted: Wanted) {
        self.tip = Some(tip);
        self.problems.clear();
        let mut kept: Vec<(String, String)> = Vec::new();
        for (service, workloads) in wanted {
            match workloads {
                Ok(workloads) => kept.extend(workloads.into_iter().map(|workload| self.want_one(workload))),
                Err(problem) => {
                    let ran = self.rollouts.iter().filter(|(_, rollout)| rollout.wanted.service == service);
                    kept.extend(ran.map(|(key, _)| key.clone()));
                    self.problems.insert(service, problem);
                }
            }
        }
        self.rollouts.retain(|key, _| kept.contains(key));
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
