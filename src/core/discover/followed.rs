//! Who follows the environments: the cluster, the namespace and the reconciler, where the objects in the repository
//! say the same of every service of an environment. What they do not agree on is left to people.

use std::collections::BTreeSet;

use super::{
    Proposal, ProposedEnvironment,
    content::Contents,
    family::Trial,
    pointer::{Follower, Pointer},
};
use crate::core::names::{ConnectionName, RepoPath, Service};

/// Adds to each environment what points at its services.
pub(super) fn add(proposal: &mut Proposal, trials: &[Trial], contents: &Contents) {
    let services = &proposal.services;
    for environment in &mut proposal.environments {
        let Some(trial) = trials.iter().find(|trial| trial.environment == environment.name) else { continue };
        let targets = trial.targets.iter().filter(|(service, ..)| services.contains_key(service));
        let pointed: Option<Vec<(&Service, &Pointer)>> =
            targets.map(|(service, place, _)| Some((service, pointing(place, trial, contents)?))).collect();
        if let Some(pointed) = pointed {
            follow(environment, &pointed);
        }
    }
}

/// The one object that follows a place: the nearest above or at it, else the only one below.
fn pointing<'a>(place: &RepoPath, trial: &Trial, contents: &'a Contents) -> Option<&'a Pointer> {
    let here = |pointer: &&Pointer| !pointer.path.is_empty() && !pointer.path.contains("{{");
    let directory = |pointer: &Pointer| RepoPath::parse(&pointer.path).ok();
    let of_environment = |pointer: &&Pointer| {
        let written = trial.written.as_deref().unwrap_or_default();
        pointer.path.split('/').chain(pointer.file.as_str().split('/')).any(|step| step == written)
    };
    let above: Vec<&Pointer> = contents
        .pointers
        .iter()
        .filter(here)
        .filter(|pointer| directory(pointer).is_some_and(|directory| place.is_within(&directory)))
        .collect();
    let deepest = above.iter().map(|pointer| pointer.path.len()).max();
    let nearest: Vec<&Pointer> = above.into_iter().filter(|pointer| Some(pointer.path.len()) == deepest).collect();
    let below = || {
        let inside = |pointer: &&Pointer| directory(pointer).is_some_and(|directory| directory.is_within(place));
        contents.pointers.iter().filter(here).filter(inside).collect::<Vec<_>>()
    };
    let found = below();
    let candidates = if found.len() == 1 { found } else { nearest };
    match candidates.as_slice() {
        [one] => Some(one),
        several => {
            let mut mine = several.iter().filter(|pointer| of_environment(pointer));
            mine.next().filter(|_| mine.next().is_none()).copied()
        }
    }
}

fn follow(environment: &mut ProposedEnvironment, pointed: &[(&Service, &Pointer)]) {
    let Some((_, first)) = pointed.first() else { return };
    if pointed.iter().any(|(_, pointer)| pointer.follower != first.follower) {
        return;
    }
    let name = agreed(pointed.iter().map(|(service, pointer)| (*service, Some(pointer.name.as_str()))));
    let namespace = agreed(pointed.iter().map(|(service, pointer)| (*service, pointer.namespace.as_deref())));
    let usual = match first.follower {
        Follower::ArgoCd => "argocd",
        Follower::Flux => "flux-system",
    };
    environment.reconciler = name.map(|name| {
        let object = match first.follower {
            Follower::ArgoCd => format!("argocd: \"{name}\""),
            Follower::Flux => format!("flux: \"Kustomization/{name}\""),
        };
        let namespace = namespace.filter(|namespace| namespace != usual);
        let namespace = namespace.map(|namespace| format!(", namespace: \"{namespace}\"")).unwrap_or_default();
        format!("{{ {object}{namespace} }}")
    });
    environment.cluster = cluster(pointed);
    let deploys_to = agreed(pointed.iter().map(|(service, pointer)| (*service, pointer.deploys_to.as_deref())));
    environment.namespace = deploys_to.filter(|namespace| namespace != "{service}");
}

/// The cluster that all Applications name, or the directory below `clusters/` that all Kustomizations stand in.
fn cluster(pointed: &[(&Service, &Pointer)]) -> Option<String> {
    let of = |pointer: &Pointer| match pointer.follower {
        Follower::ArgoCd => pointer.cluster.clone(),
        Follower::Flux => {
            let mut steps = pointer.file.as_str().split('/').skip_while(|step| *step != "clusters").skip(1);
            steps.next().map(str::to_owned)
        }
    };
    let clusters: BTreeSet<Option<String>> = pointed.iter().map(|(_, pointer)| of(pointer)).collect();
    clusters.into_iter().reduce(|_, _| None).flatten().filter(|name| ConnectionName::parse(name).is_ok())
}

/// The one name, with `{service}` where the service's name stands, that is right for every service.
fn agreed<'a>(names: impl Iterator<Item = (&'a Service, Option<&'a str>)>) -> Option<String> {
    let mut all: Option<BTreeSet<String>> = None;
    for (service, name) in names {
        let name = name?;
        let mut forms = BTreeSet::from([name.to_owned()]);
        if name.contains(service.as_str()) {
            forms.insert(name.replacen(service.as_str(), "{service}", 1));
        }
        all = Some(match all {
            None => forms,
            Some(all) => all.intersection(&forms).cloned().collect(),
        });
    }
    // A name with the service in it says more: `{` sorts last.
    all.and_then(|all| all.into_iter().next_back()).filter(|name| is_name(name))
}

fn is_name(name: &str) -> bool {
    Service::parse(&name.replace("{service}", "s")).is_ok()
}
