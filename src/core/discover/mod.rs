//! Discovery: reads the files of a GitOps repository and proposes a catalog: environments, services, and where what
//! changes lives. Nothing is proposed that the code which changes files would not find; what could not be placed is
//! named with the reason. Pure: paths and texts are given in.

mod content;
mod doubt;
mod family;
mod followed;
mod layout;
mod left;
mod look;
mod pin;
mod pointer;
mod proof;
mod words;
mod write;

use std::collections::{BTreeMap, BTreeSet};

pub use self::{content::is_yaml, pin::ProposedPin, write::catalog_text};
use self::{
    content::{Contents, Reach, contents, is_looked_into},
    family::{Trial, choose, environment_name, families},
    layout::{Environments, Reading, readings},
    look::Repository,
};
use crate::core::{
    catalog::Landing,
    change::{Binding, SourceFile, Trees},
    names::{Environment, Field, RepoPath, Service, Target},
};

/// What a repository seems to be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proposal {
    /// Its environments.
    pub environments: Vec<ProposedEnvironment>,
    /// Environments that are one thing in several places: `prod` of `prod-eu` and `prod-us`.
    pub groups: Vec<(Environment, Vec<Environment>)>,
    /// Its services, by name.
    pub services: BTreeMap<Service, ProposedService>,
    /// Whether every directory that fits a path is a service, so that none need be listed.
    pub every_directory: bool,
    /// Where each field of each target lives.
    pub rows: Vec<Row>,
    /// The targets.
    pub targets: BTreeSet<Target>,
    /// What could not be placed.
    pub left: Vec<Left>,
}

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedEnvironment {
    /// Its name.
    pub name: Environment,
    /// Where its services are.
    pub path: String,
    /// How changes enter the branch.
    pub landing: Landing,
    /// The cluster that the repository names for it.
    pub cluster: Option<String>,
    /// The namespace of its services, where that is not their name; may hold `{service}`.
    pub namespace: Option<String>,
    /// What makes the cluster follow git, as the catalog writes it.
    pub reconciler: Option<String>,
    /// Why it was proposed, a sentence.
    pub because: String,
}

/// One service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProposedService {
    /// Its image, where all environments agree on it.
    pub image: Option<String>,
    /// Where its version is, where looking does not find it.
    pub pin: Option<ProposedPin>,
}

/// One field of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The target.
    pub target: Target,
    /// The field.
    pub field: Field,
    /// Where it lives.
    pub binding: Binding,
    /// Its value; `None` where it is not set yet.
    pub value: Option<String>,
}

/// Something that could not be placed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// What.
    pub what: String,
    /// Why, words that go on after a colon.
    pub why: String,
}

/// Proposes a catalog for a repository of these files. `read` gives the text of a file, `None` where it is no text.
pub fn propose(paths: &[RepoPath], read: &dyn Fn(&RepoPath) -> Option<SourceFile>) -> Proposal {
    let mut sorted = paths.to_vec();
    sorted.sort();
    let first = propose_within(&sorted, read, Reach::Deployed);
    if !first.environments.is_empty() {
        return first;
    }
    let second = propose_within(&sorted, read, Reach::Examples);
    if second.environments.is_empty() { first } else { second }
}

fn propose_within(paths: &[RepoPath], read: &dyn Fn(&RepoPath) -> Option<SourceFile>, reach: Reach) -> Proposal {
    let charts: Vec<RepoPath> =
        paths.iter().filter(|path| path.file_name() == "Chart.yaml").filter_map(RepoPath::parent).collect();
    let looked_into = paths.iter().filter(|path| is_looked_into(path, reach, &charts)).cloned().collect();
    let trees = Trees::default();
    let contents = contents(looked_into, read, &trees);
    let repository = Repository::new(paths, &contents, read, &trees);
    let trials = trials(&contents, &repository);
    proof::proven(&trials, &contents, &repository)
}

/// The best template of each environment; where no path names one, of the one there is.
fn trials(contents: &Contents, repository: &Repository<'_>) -> Vec<Trial> {
    let environments = Environments::of(contents);
    // What several kustomizations include is no place of one environment that nothing names.
    let all = contents.files.iter().flat_map(|content| {
        let all = readings(content, &environments).into_iter();
        all.filter(|reading| reading.environment.is_some() || !content.is_shared).collect::<Vec<_>>()
    });
    let mut readings: Vec<Reading> = all.collect();
    readings.retain(|reading| Service::parse(&reading.service).is_ok());
    keep_sure(&mut readings);
    if readings.iter().any(|reading| reading.environment.is_some()) {
        readings.retain(|reading| reading.environment.is_some());
    }
    let written: BTreeSet<Option<String>> = readings.iter().map(|reading| reading.environment.clone()).collect();
    let named = written.into_iter().filter_map(|written| {
        let name = written.as_deref().map_or_else(|| Environment::parse("default").ok(), environment_name)?;
        Some((written, name))
    });
    choose(&families(&readings), &named.collect(), repository)
}

/// A name like `checkout-dev` says an environment only beside another of the same service: alone it is a name.
fn keep_sure(readings: &mut Vec<Reading>) {
    let is_joint = |reading: &Reading| {
        reading.steps.iter().any(|step| matches!(step, layout::Step::Fixed(text) if text.contains("{service}") && text.contains("{environment}")))
    };
    let mut of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for reading in readings.iter().filter(|reading| is_joint(reading)) {
        of.entry(reading.service.clone()).or_default().extend(reading.environment.clone());
    }
    readings.retain(|reading| !is_joint(reading) || of.get(&reading.service).is_some_and(|names| names.len() > 1));
}
