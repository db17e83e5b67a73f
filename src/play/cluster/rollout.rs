//! One Deployment as a cluster works on it: pods come pending, become ready and replace the old ones, step by step.
//! No clock and no I/O; a step is one call.

use std::collections::BTreeMap;

use serde_json::Value;

use super::render::{Workload, split};

/// Versions that never become ready, with the reason their containers wait: `ImagePullBackOff`.
pub(super) type Broken = BTreeMap<String, String>;

/// How many steps without progress until the deadline counts as exceeded.
const DEADLINE: u32 = 20;

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pod {
    pub(super) number: u64,
    pub(super) containers: Vec<(String, String)>,
    pub(super) rest: Rest,
    pub(super) state: PodState,
}

/// What else of a template makes new pods: the variables of its containers, and that it was told to restart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Rest {
    pub(super) settings: BTreeMap<String, Value>,
    pub(super) annotations: BTreeMap<String, String>,
}

/// Where a pod is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PodState {
    /// Its containers are being made.
    Creating,
    /// Its containers wait for this reason.
    Waiting(String),
    Ready,
}

/// How a rollout stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Every pod has the wanted version and is ready.
    Healthy,
    /// It is being worked on.
    Rolling,
    /// It does not get on, for this reason.
    Stuck(String),
}

/// A Deployment and its pods.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rollout {
    pub(super) wanted: Workload,
    pub(super) generation: u64,
    pub(super) observed: u64,
    /// Grows with each change of the pods' containers.
    pub(super) revision: u64,
    pub(super) pods: Vec<Pod>,
    /// What people wrote on the template that the branch does not hold.
    pub(super) annotations: BTreeMap<String, String>,
    stalled: u32,
    born: u64,
}

impl Rollout {
    /// A Deployment that has been running for long.
    pub(super) fn running(wanted: Workload) -> Self {
        let mut rollout = Self::begun(wanted);
        for _ in 0..rollout.wanted.replicas {
            rollout.add(PodState::Ready);
        }
        rollout.observed = 1;
        rollout
    }

    /// A Deployment that has just been created.
    pub(super) fn begun(wanted: Workload) -> Self {
        Self {
            wanted,
            generation: 1,
            observed: 0,
            revision: 1,
            pods: Vec::new(),
            annotations: BTreeMap::new(),
            stalled: 0,
            born: 0,
        }
    }

    /// The branch wants something else now.
    pub(super) fn want(&mut self, wanted: Workload) {
        if wanted == self.wanted {
            return;
        }
        if wanted.containers != self.wanted.containers || wanted.settings != self.wanted.settings {
            self.revision += 1;
        }
        self.wanted = wanted;
        self.generation += 1;
        self.stalled = 0;
    }

    /// Somebody wrote something on the template.
    pub(super) fn annotate(&mut self, annotations: BTreeMap<String, String>) {
        if annotations == self.annotations {
            return;
        }
        self.annotations = annotations;
        self.revision += 1;
        self.generation += 1;
        self.stalled = 0;
    }

    fn rest(&self) -> Rest {
        Rest { settings: self.wanted.settings.clone(), annotations: self.annotations.clone() }
    }

    /// One step; says whether anything changed.
    pub(super) fn step(&mut self, broken: &Broken) -> bool {
        let before = (self.pods.clone(), self.observed, self.stalled >= DEADLINE);
        self.observed = self.generation;
        self.ripen(broken);
        self.retire();
        self.fill();
        let pods_changed = before.0 != self.pods;
        self.stalled = if pods_changed || self.is_done() { 0 } else { self.stalled.saturating_add(1) };
        pods_changed || before.1 != self.observed || before.2 != (self.stalled >= DEADLINE)
    }

    pub(super) fn is_updated(&self, pod: &Pod) -> bool {
        pod.containers == self.wanted.containers && pod.rest == self.rest()
    }

    pub(super) fn count(&self, fits: impl Fn(&Pod) -> bool) -> usize {
        self.pods.iter().filter(|pod| fits(pod)).count()
    }

    pub(super) fn ready(&self) -> usize {
        self.count(|pod| pod.state == PodState::Ready)
    }

    pub(super) fn is_done(&self) -> bool {
        self.observed == self.generation
            && self.pods.len() == self.wanted.replicas
            && self.pods.iter().all(|pod| self.is_updated(pod) && pod.state == PodState::Ready)
    }

    pub(super) fn is_overdue(&self) -> bool {
        self.stalled >= DEADLINE
    }

    pub(super) fn progress(&self) -> Progress {
        let waiting = self.pods.iter().find_map(|pod| match &pod.state {
            PodState::Waiting(reason) => Some(reason.clone()),
            PodState::Creating | PodState::Ready => None,
        });
        match waiting {
            Some(reason) => Progress::Stuck(reason),
            None if self.is_done() => Progress::Healthy,
            None => Progress::Rolling,
        }
    }

    /// Pods that were being made are ready now, unless their version is broken.
    fn ripen(&mut self, broken: &Broken) {
        for pod in &mut self.pods {
            let reason = pod.containers.iter().find_map(|(_, image)| broken.get(split(image).1));
            pod.state = match (&pod.state, reason) {
                (PodState::Ready, _) | (PodState::Creating | PodState::Waiting(_), None) => PodState::Ready,
                (PodState::Creating | PodState::Waiting(_), Some(reason)) => PodState::Waiting(reason.clone()),
            };
        }
    }

    /// Takes away old pods as far as enough stay ready, and pods that are too many.
    fn retire(&mut self) {
        let (wanted, containers, rest) = (self.wanted.replicas, self.wanted.containers.clone(), self.rest());
        let spare = |replicas: usize| replicas / 4;
        let mut may_go = self.ready().saturating_sub(wanted.saturating_sub(spare(wanted)));
        self.pods.retain(|pod| {
            let old = pod.containers != containers || pod.rest != rest;
            match pod.state {
                PodState::Creating | PodState::Waiting(_) => !old,
                PodState::Ready if old && may_go > 0 => {
                    may_go -= 1;
                    false
                }
                PodState::Ready => true,
            }
        });
        let updated = self.count(|pod| self.is_updated(pod));
        for _ in wanted..updated {
            let last = self.pods.iter().rposition(|pod| pod.containers == containers && pod.rest == rest);
            drop(last.map(|last| self.pods.remove(last)));
        }
    }

    /// Makes new pods, at most a quarter more than wanted at once.
    fn fill(&mut self) {
        let most = self.wanted.replicas + self.wanted.replicas.div_ceil(4);
        while self.count(|pod| self.is_updated(pod)) < self.wanted.replicas && self.pods.len() < most {
            self.add(PodState::Creating);
        }
    }

    fn add(&mut self, state: PodState) {
        self.born += 1;
        let (containers, rest) = (self.wanted.containers.clone(), self.rest());
        self.pods.push(Pod { number: self.born, containers, rest, state });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(tag: &str, replicas: usize) -> Workload {
        Workload {
            service: "checkout".into(),
            namespace: "checkout".into(),
            name: "checkout".into(),
            replicas,
            containers: vec![("checkout".into(), format!("r/checkout:{tag}"))],
            ..Workload::default()
        }
    }

    /// The number of ready pods after each step, until nothing changes.
    fn steps(rollout: &mut Rollout, broken: &Broken) -> Vec<(usize, usize)> {
        let mut seen = Vec::new();
        for _ in 0..200 {
            if !rollout.step(broken) {
                break;
            }
            seen.push((rollout.ready(), rollout.count(|pod| rollout.is_updated(pod) && pod.state == PodState::Ready)));
        }
        seen
    }

    #[test]
    fn a_new_version_comes_pod_by_pod_and_is_never_short() {
        let mut rollout = Rollout::running(wanted("v1", 3));
        rollout.want(wanted("v2", 3));
        assert_eq!(rollout.progress(), Progress::Rolling);
        let seen = steps(&mut rollout, &Broken::new());
        assert!(seen.iter().all(|(ready, _)| *ready >= 3), "{seen:?}");
        assert_eq!(seen.last(), Some(&(3, 3)));
        assert!(seen.len() >= 4, "{seen:?}");
        assert_eq!((rollout.progress(), rollout.generation, rollout.observed), (Progress::Healthy, 2, 2));
    }

    #[test]
    fn a_broken_version_sticks_while_the_old_one_keeps_running_and_going_back_heals() {
        let mut rollout = Rollout::running(wanted("v1", 3));
        rollout.want(wanted("v2", 3));
        let broken = Broken::from([("v2".into(), "ImagePullBackOff".into())]);
        for _ in 0..50 {
            rollout.step(&broken);
        }
        assert_eq!(rollout.progress(), Progress::Stuck("ImagePullBackOff".into()));
        assert_eq!((rollout.ready(), rollout.is_overdue()), (3, true));
        rollout.want(wanted("v1", 3));
        steps(&mut rollout, &broken);
        assert_eq!((rollout.progress(), rollout.is_overdue()), (Progress::Healthy, false));
    }

    #[test]
    fn scaling_adds_and_removes() {
        let mut rollout = Rollout::running(wanted("v1", 3));
        rollout.want(wanted("v1", 10));
        steps(&mut rollout, &Broken::new());
        assert_eq!((rollout.ready(), rollout.revision), (10, 1));
        rollout.want(wanted("v1", 2));
        steps(&mut rollout, &Broken::new());
        assert_eq!((rollout.pods.len(), rollout.progress()), (2, Progress::Healthy));
    }
}
