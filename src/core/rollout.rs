//! Whether a change has arrived where it runs: what a cluster shows of a workload in, one verdict out.
//! Never done before it is true in the pods: the counters of a Deployment run ahead of them.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{ImageDigest, ImageTag};

/// What a cluster shows of one Deployment or StatefulSet, and of its pods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Workload {
    /// The image of each container of the template, by container.
    pub images: BTreeMap<String, String>,
    /// The variables that the template writes out, by name: the value in each container that has it.
    pub variables: BTreeMap<String, BTreeSet<String>>,
    /// The ConfigMaps that the template takes values from, by name.
    pub config_maps: BTreeSet<String>,
    /// How many pods are asked for (`spec.replicas`, 1 where it is absent).
    pub desired: u32,
    /// How many pods are of the present template.
    pub updated: u32,
    /// How many pods are ready, old ones included.
    pub ready: u32,
    /// How many pods have been ready for long enough, old ones included.
    pub available: u32,
    /// How many pods there are, old ones included.
    pub total: u32,
    /// The number of the present specification.
    pub generation: i64,
    /// The specification that the counters are about.
    pub observed_generation: i64,
    /// Whether its rollout is held.
    pub paused: bool,
    /// What the cluster says where it has given up waiting.
    pub progress_deadline_exceeded: Option<String>,
    /// Its pods, terminating ones included.
    pub pods: Vec<Pod>,
}

/// One pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// What each of its containers runs, by container.
    pub images: BTreeMap<String, PodImage>,
    /// Whether it takes traffic.
    pub ready: bool,
    /// Why a container of it does not run: `ImagePullBackOff`, `CrashLoopBackOff`, ...
    pub trouble: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`, or `Terminating` once it has been told to go.
    pub phase: String,
}

/// What a container was told to run, and what it was found to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodImage {
    /// The pod's own specification: `ghcr.io/acme/checkout:v1.2.5`.
    pub image: String,
    /// What the node pulled, `ghcr.io/acme/checkout@sha256:...`; empty before it did.
    pub image_id: String,
}

/// What should run. What is absent may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The repository of the service's image, which tells its container from sidecars. Without it any
    /// container of that version counts.
    pub image: Option<String>,
    /// The version by tag.
    pub tag: Option<ImageTag>,
    /// The version by digest. Beside a tag it is what the nodes must have pulled for that tag.
    pub digest: Option<ImageDigest>,
    /// How many.
    pub replicas: Option<u32>,
    /// Variables and the value that some container has.
    pub variables: BTreeMap<String, String>,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The cluster has not been told yet.
    NotYet {
        /// What it is told instead: `v1.2.4`, `2 replicas`.
        running: String,
    },
    /// It has been told, and is at it.
    Progressing {
        /// Pods that are right and ready.
        ready: u32,
        /// Pods asked for.
        desired: u32,
    },
    /// It is stuck. It may still come right; somebody should look.
    Failed {
        /// What the cluster says, naming the pod where one is at fault.
        reason: String,
    },
    /// Every pod asked for runs what is wanted and is ready, and no other is left.
    Live,
}

/// Reasons that a container does not come out of by waiting a moment.
const STUCK: [&str; 7] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
];

/// Judges one look at a workload.
pub fn verdict(workload: &Workload, wanted: &Wanted) -> Verdict {
    if let Some(running) = untold(workload, wanted) {
        return Verdict::NotYet { running };
    }
    let pods: Vec<&Pod> = workload.pods.iter().filter(|pod| !is_over(pod)).collect();
    let (right, old): (Vec<&Pod>, Vec<&Pod>) = pods.into_iter().partition(|pod| is_right(pod, workload, wanted));
    let ready = right.iter().filter(|pod| pod.ready && pod.phase != "Terminating").count();
    let ready = u32::try_from(ready).unwrap_or(u32::MAX);
    let progressing = Verdict::Progressing { ready: ready.min(workload.desired), desired: workload.desired };
    if workload.observed_generation < workload.generation {
        return progressing;
    }
    if let Some(reason) = stuck(workload, &right) {
        return Verdict::Failed { reason };
    }
    if is_counted(workload) && ready >= workload.desired && old.is_empty() { Verdict::Live } else { progressing }
}

/// The one digest that the pods of what is wanted were found to run; none where they differ or none is known.
pub fn running_digest(workload: &Workload, wanted: &Wanted) -> Option<String> {
    let subjects = subjects(workload, wanted);
    let own = |pod: &'_ Pod| {
        let found = pod.images.iter().filter(|(name, _)| subjects.iter().any(|(subject, _)| subject == name));
        let digest = |image: &PodImage| {
            let asked = Reference::of(&image.image).digest;
            asked.or(Reference::of(&image.image_id).digest).map(str::to_owned)
        };
        found.map(|(_, image)| digest(image)).collect::<Vec<_>>()
    };
    let mut digests = workload.pods.iter().filter(|pod| !is_over(pod) && is_right(pod, workload, wanted)).flat_map(own);
    let first = digests.next().flatten()?;
    digests.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// What the template asks for, where that is not what is wanted.
fn untold(workload: &Workload, wanted: &Wanted) -> Option<String> {
    let subjects = subjects(workload, wanted);
    if subjects.is_empty() || !subjects.iter().all(|(_, image)| asks_for(image, wanted)) {
        return Some(described(if subjects.is_empty() { workload.images.iter().collect() } else { subjects }));
    }
    let is_set =
        |(name, value): &(&String, &String)| workload.variables.get(*name).is_some_and(|set| set.contains(*value));
    if let Some((name, _)) = wanted.variables.iter().find(|variable| !is_set(variable)) {
        return Some(format!("without the new {name}"));
    }
    wanted.replicas.filter(|replicas| *replicas != workload.desired).map(|_| match workload.desired {
        1 => "1 replica".to_owned(),
        count => format!("{count} replicas"),
    })
}

/// Whether a ConfigMap is called after what it holds, so that another content brings new pods: a dash and ten letters
/// of those that generated names are made of.
pub fn is_named_by_content(config_map: &str) -> bool {
    const LETTERS: &str = "bcdfghkmt2456789";
    let hash = config_map.rsplit_once('-').map(|(_, hash)| hash).unwrap_or_default();
    hash.len() == 10 && hash.chars().all(|letter| LETTERS.contains(letter))
}

/// The containers that a change of version is about: those of the service's own image; where nobody says
/// which that is, or none has it, those that have the wanted version.
fn subjects<'a>(workload: &'a Workload, wanted: &Wanted) -> Vec<(&'a String, &'a String)> {
    let own = |image: &str| wanted.image.as_deref() == Some(Reference::of(image).repository);
    let owned: Vec<_> = workload.images.iter().filter(|(_, image)| own(image)).collect();
    if owned.is_empty() { workload.images.iter().filter(|(_, image)| asks_for(image, wanted)).collect() } else { owned }
}

/// `v1.2.4`, or with several containers `app v1.2.4, proxy 1.20`.
fn described(containers: Vec<(&String, &String)>) -> String {
    match containers.as_slice() {
        [] => "nothing".to_owned(),
        [(_, image)] => Reference::of(image).version(),
        several => {
            let each: Vec<String> =
                several.iter().map(|(name, image)| format!("{name} {}", Reference::of(image).version())).collect();
            each.join(", ")
        }
    }
}

/// Pods that have ended stay listed until they are collected, and run nothing.
fn is_over(pod: &Pod) -> bool {
    matches!(pod.phase.as_str(), "Succeeded" | "Failed")
}

/// Whether a pod is of the present template and runs what is wanted. Containers that were injected are no matter.
fn is_right(pod: &Pod, workload: &Workload, wanted: &Wanted) -> bool {
    let subjects = subjects(workload, wanted);
    workload.images.iter().all(|(name, asked)| {
        let Some(found) = pod.images.get(name) else { return false };
        let subject = subjects.iter().any(|(subject, _)| *subject == name);
        is_same_version(asked, &found.image) && (!subject || runs(found, wanted))
    })
}

/// Why it will not come right by itself, where the cluster knows: its deadline, or a pod of the new version.
/// Past the deadline any trouble of a pod is worth naming.
fn stuck(workload: &Workload, right: &[&Pod]) -> Option<String> {
    let pod = |counts: fn(&str) -> bool| {
        right.iter().find_map(|pod| Some((&pod.name, pod.trouble.as_deref().filter(|trouble| counts(trouble))?)))
    };
    match (&workload.progress_deadline_exceeded, pod(|trouble| STUCK.contains(&trouble)), pod(|_| true)) {
        (Some(deadline), Some((name, trouble)), _) | (Some(deadline), None, Some((name, trouble))) => {
            Some(format!("{deadline} ({name}: {trouble})"))
        }
        (Some(deadline), None, None) => Some(deadline.clone()),
        (None, stuck, _) => stuck.map(|(name, trouble)| format!("{name}: {trouble}")),
    }
}

/// What the workload's own counters say, in the order of `kubectl rollout status`.
fn is_counted(workload: &Workload) -> bool {
    workload.updated >= workload.desired
        && workload.total <= workload.updated
        && workload.available >= workload.updated
        && !workload.paused
}

/// Whether a specification asks for what is wanted.
fn asks_for(image: &str, wanted: &Wanted) -> bool {
    let asked = Reference::of(image);
    let tag = wanted.tag.as_ref().is_none_or(|tag| asked.tag() == Some(tag.as_str()));
    let digest = wanted.digest.as_ref().is_none_or(|digest| match asked.digest {
        Some(asked) => asked == digest.as_str(),
        None => wanted.tag.is_some(),
    });
    tag && digest
}

/// Whether a container was told to run what is wanted and, where a digest is wanted, is proven to.
fn runs(found: &PodImage, wanted: &Wanted) -> bool {
    let proven = wanted.digest.as_ref().is_none_or(|digest| {
        let pulled = Reference::of(&found.image_id).digest;
        Reference::of(&found.image).digest.or(pulled) == Some(digest.as_str())
    });
    asks_for(&found.image, wanted) && proven
}

/// Whether a pod's image is the template's. Mirrors change the repository and admission adds a digest.
fn is_same_version(asked: &str, found: &str) -> bool {
    let (asked, found) = (Reference::of(asked), Reference::of(found));
    match asked.digest {
        Some(digest) => found.digest == Some(digest),
        None => asked.tag() == found.tag(),
    }
}

/// `repository[:tag][@digest]`, taken apart.
struct Reference<'a> {
    repository: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn of(image: &'a str) -> Self {
        let (named, digest) = image.split_once('@').map_or((image, None), |(named, digest)| (named, Some(digest)));
        match named.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => Self { repository, tag: Some(tag), digest },
            _ => Self { repository: named, tag: None, digest },
        }
    }

    /// The tag; with neither tag nor digest it is `latest`.
    fn tag(&self) -> Option<&'a str> {
        self.tag.or(if self.digest.is_none() { Some("latest") } else { None })
    }

    /// The version for people: the tag, or the first digits of the digest.
    fn version(&self) -> String {
        match (self.tag(), self.digest) {
            (Some(tag), _) => tag.to_owned(),
            (None, digest) => digest.unwrap_or_default().chars().take(19).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
