//! Places: where each target's files are, as the paths of one commit show it.

use std::collections::{BTreeMap, BTreeSet};

use super::discover::Found;
use crate::core::names::{Environment, RepoPath, Service, Target};

/// The targets of a repository and where they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    services: BTreeMap<Service, BTreeSet<Environment>>,
    found: BTreeMap<Target, RepoPath>,
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

    /// What lies at two places where one is allowed, and is therefore no target.
    pub fn twice(&self) -> &[(Target, RepoPath, RepoPath)] {
        &self.twice
    }
}
