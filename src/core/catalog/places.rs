//! Places: where each target's files are, as the paths of one commit show it.

use std::collections::{BTreeMap, BTreeSet};

use super::discover::Found;
use crate::core::names::{Environment, RepoPath, Service, Target};

/// The targets of a repository and where they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    services: BTreeMap<Service, BTreeSet<Environment>>,
    found: BTreeMap<Target, RepoPath>,
    /// The same by place, of which several targets may have one.
    at: BTreeMap<RepoPath, BTreeSet<Target>>,
    twice: Vec<(Target, RepoPath, RepoPath)>,
}

impl Places {
    pub(super) fn list(&mut self, service: Service) -> &mut BTreeSet<Environment> {
        self.services.entry(service).or_default()
    }

    pub(super) fn add(&mut self, target: Target, found: Found<'_>) {
        match found {
            Found::Once(place) => {
                let Ok(place) = RepoPath::parse(place) else { return };
                self.list(target.service.clone()).insert(target.environment.clone());
                self.at.entry(place.clone()).or_default().insert(target.clone());
                self.found.insert(target, place);
            }
            Found::Twice(first, second) => {
                let both = RepoPath::parse(first).ok().zip(RepoPath::parse(second).ok());
                self.twice.extend(both.map(|(first, second)| (target, first, second)));
            }
        }
    }

    /// The services and the environments each is in.
    pub fn services(&self) -> &BTreeMap<Service, BTreeSet<Environment>> {
        &self.services
    }

    /// Every target that was found, with its directory or file.
    pub fn found(&self) -> impl Iterator<Item = (&Target, &RepoPath)> {
        self.found.iter()
    }

    /// The directory or file of a target.
    pub fn of(&self, target: &Target) -> Option<&RepoPath> {
        self.found.get(target)
    }

    /// Other targets that may read the same files: those of the same service, and those whose place is that of
    /// `target`, lies in it or around it.
    pub fn beside(&self, target: &Target) -> BTreeMap<&Target, &RepoPath> {
        let Some(place) = self.of(target) else { return BTreeMap::new() };
        let below = self.at.range(place.clone()..).take_while(|(at, _)| at.as_str().starts_with(place.as_str()));
        let below = below.filter(|(at, _)| at.is_within(place)).flat_map(|(_, targets)| targets);
        let above = std::iter::successors(place.parent(), RepoPath::parent);
        let above: Vec<RepoPath> = above.collect();
        let above = above.iter().filter_map(|at| self.at.get(at)).flatten();
        let of_service = self.services.get(&target.service).into_iter().flatten();
        let of_service = of_service.filter_map(|environment| {
            let other = Target { service: target.service.clone(), environment: environment.clone() };
            self.found.get_key_value(&other).map(|(other, _)| other)
        });
        let all = below.chain(above).chain(of_service).filter(|other| *other != target);
        all.filter_map(|other| self.found.get_key_value(other)).collect()
    }

    /// What lies at two places where one is allowed, and is therefore no target.
    pub fn twice(&self) -> &[(Target, RepoPath, RepoPath)] {
        &self.twice
    }
}
