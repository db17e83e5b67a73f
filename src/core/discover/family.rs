//! Families: readings that agree on one template. A family is tried by the very code that finds and binds targets
//! later, and what that finds is its score.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    layout::{Reading, Step},
    look::{Looked, Repository},
};
use crate::core::{
    catalog::{Catalog, Places},
    names::{Environment, RepoPath, Service, Target},
};

/// How many families are tried for each environment.
const TRIED: usize = 12;

/// Readings with one template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Family {
    /// The steps, with `{service}`, `{environment}` and `*` in them.
    pub(super) steps: Vec<String>,
    /// What stands where the service and the environment do (nothing where the path has none), and how it was read.
    pub(super) members: BTreeSet<(Option<String>, String)>,
}

impl Family {
    /// The path in that environment.
    pub(super) fn path(&self, environment: Option<&str>) -> String {
        self.steps.join("/").replace("{environment}", environment.unwrap_or("{environment}"))
    }

    /// The services read in that environment.
    fn services(&self, environment: Option<&str>) -> BTreeSet<&str> {
        let here = self.members.iter().filter(|(name, _)| name.as_deref() == environment);
        here.map(|(_, service)| service.as_str()).collect()
    }
}

/// Groups readings; a name that is the same in all of a group is a step as it stands, one that differs is `*`.
pub(super) fn families(readings: &[Reading]) -> Vec<Family> {
    let mut groups: BTreeMap<Vec<Option<&str>>, Vec<&Reading>> = BTreeMap::new();
    for reading in readings {
        let key = reading.steps.iter().map(|step| match step {
            Step::Fixed(text) => Some(text.as_str()),
            Step::Name(_) => None,
        });
        groups.entry(key.collect()).or_default().push(reading);
    }
    let mut found: Vec<Family> = groups.values().map(|group| family(group)).collect();
    found.extend(widened(&found));
    found
}

fn family(group: &[&Reading]) -> Family {
    let at = |reading: &Reading, index: usize| match reading.steps.get(index) {
        Some(Step::Fixed(text) | Step::Name(text)) => text.clone(),
        None => String::new(),
    };
    let length = group.first().map_or(0, |reading| reading.steps.len());
    let step = |index: usize| {
        let names: BTreeSet<String> = group.iter().map(|reading| at(reading, index)).collect();
        if names.len() == 1 { names.into_iter().next().unwrap_or_default() } else { "*".to_owned() }
    };
    let members = group.iter().map(|reading| (reading.environment.clone(), reading.service.clone())).collect();
    Family { steps: (0..length).map(step).collect(), members }
}

/// Families that differ in one directory, together: `apps/{service}/prod` and `infra/{service}/prod`.
fn widened(families: &[Family]) -> Vec<Family> {
    let mut groups: BTreeMap<Vec<String>, Vec<&Family>> = BTreeMap::new();
    for family in families {
        for (index, step) in family.steps.iter().enumerate().take(family.steps.len().saturating_sub(1)) {
            if step.contains('{') || step == "*" {
                continue;
            }
            let mut steps = family.steps.clone();
            if let Some(step) = steps.get_mut(index) {
                "*".clone_into(step);
            }
            groups.entry(steps).or_default().push(family);
        }
    }
    let several = groups.into_iter().filter(|(_, group)| group.len() > 1);
    several
        .map(|(steps, group)| Family {
            steps,
            members: group.iter().flat_map(|family| family.members.clone()).collect(),
        })
        .collect()
}

/// A template in one environment and what is found by it.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    /// The environment.
    pub(super) environment: Environment,
    /// What it is called in the path; `None` where the path names none.
    pub(super) written: Option<String>,
    /// The path.
    pub(super) path: String,
    /// Its targets that were read as services, and what was found at each.
    pub(super) targets: Vec<(Service, RepoPath, Looked)>,
    /// Directories that fit the path and are no services.
    pub(super) strays: Vec<(Service, RepoPath)>,
    /// What lies at two places.
    pub(super) twice: Vec<(Service, RepoPath, RepoPath)>,
    score: i64,
}

/// The name of an environment as the catalog can hold it.
pub(super) fn environment_name(written: &str) -> Option<Environment> {
    Environment::parse(&written.to_ascii_lowercase().replace(['_', '.'], "-")).ok()
}

fn trial(
    family: &Family,
    (environment, written): (&Environment, Option<&str>),
    repository: &Repository<'_>,
) -> Option<Trial> {
    let path = family.path(written);
    let quoted = serde_json::Value::from(path.as_str());
    let text = format!("environments: {{ {environment}: {{ path: {quoted} }} }}");
    let catalog = Catalog::parse(&text, "").ok()?;
    let places = catalog.places(repository.paths);
    let read = family.services(written);
    let mut trial = Trial {
        environment: environment.clone(),
        written: written.map(str::to_owned),
        path,
        targets: Vec::new(),
        strays: Vec::new(),
        twice: Vec::new(),
        score: 0,
    };
    for (target, place) in places.found() {
        if read.contains(target.service.as_str()) && repository.holds_content(place) {
            let looked = repository.look(&catalog, &places, target);
            trial.targets.push((target.service.clone(), place.clone(), looked));
        } else if !read.contains(target.service.as_str()) {
            trial.strays.push((target.service.clone(), place.clone()));
        }
    }
    trial.twice = twice(&places, &read);
    trial.score = score(&trial, repository);
    Some(trial)
}

fn twice(places: &Places, read: &BTreeSet<&str>) -> Vec<(Service, RepoPath, RepoPath)> {
    let of = |(target, first, second): &(Target, RepoPath, RepoPath)| {
        (target.service.clone(), first.clone(), second.clone())
    };
    places.twice().iter().filter(|(target, ..)| read.contains(target.service.as_str())).map(of).collect()
}

/// A version that is found counts most; a service that is called like what is in it counts more; every step that says
/// less than a name counts against a template.
fn score(trial: &Trial, repository: &Repository<'_>) -> i64 {
    let of = |(service, place, looked): &(Service, RepoPath, Looked)| {
        let called = if repository.is_called(place, service) { 25 } else { 0 };
        match looked {
            Looked::Found { version: Some(_), .. } => 80 + called,
            Looked::Found { .. } => 50 + called,
            Looked::Nothing(_) => 20 + called,
            // Not against it: a template that does not reach what is unclear would be no better.
            Looked::Wrong(_) => 0,
        }
    };
    let plain: i64 = trial.targets.iter().map(of).sum();
    let stars = i64::try_from(trial.path.matches('*').count()).unwrap_or(0);
    let last = trial.path.rsplit('/').next().unwrap_or_default();
    // A directory shows more than one file of it does, unless the file holds all that is an environment's own.
    let of_file = if !last.ends_with("ml") || last.contains("values") {
        0
    } else {
        10 * i64::try_from(trial.targets.len()).unwrap_or(0) + if last.contains('{') { 0 } else { 15 }
    };
    plain - of_file - 10 * stars - i64::try_from(trial.twice.len()).unwrap_or(0) * 30
}

/// The best template of each environment. Environments that are laid out alike get the same.
pub(super) fn choose(
    families: &[Family],
    environments: &BTreeMap<Option<String>, Environment>,
    repository: &Repository<'_>,
) -> Vec<Trial> {
    let mut trials: Vec<Vec<(usize, Trial)>> = Vec::new();
    let mut totals: BTreeMap<usize, i64> = BTreeMap::new();
    for (written, environment) in environments {
        let written = written.as_deref();
        let mut fitting: Vec<(usize, &Family)> =
            families.iter().enumerate().filter(|(_, family)| !family.services(written).is_empty()).collect();
        fitting.sort_by_key(|(_, family)| (usize::MAX - family.services(written).len(), family.steps.len()));
        let tried = fitting
            .into_iter()
            .take(TRIED)
            .filter_map(|(index, family)| Some((index, trial(family, (environment, written), repository)?)));
        let tried: Vec<(usize, Trial)> = tried.collect();
        for (index, trial) in &tried {
            *totals.entry(*index).or_default() += trial.score;
        }
        trials.push(tried);
    }
    trials.into_iter().filter_map(|tried| best(tried, &totals)).collect()
}

/// Among those that come near the best here, the one that is best everywhere.
fn best(tried: Vec<(usize, Trial)>, totals: &BTreeMap<usize, i64>) -> Option<Trial> {
    let top = tried.iter().map(|(_, trial)| trial.score).max().filter(|top| *top > 0)?;
    let near = tried.into_iter().filter(|(_, trial)| trial.score * 10 >= top * 8);
    let total = |index: usize| totals.get(&index).copied().unwrap_or_default();
    let rank = |(index, trial): &(usize, Trial)| (total(*index), trial.score, usize::MAX - trial.path.len());
    near.max_by_key(rank).map(|(_, trial)| trial)
}
