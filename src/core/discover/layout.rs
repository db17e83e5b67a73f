//! Layout: which directories are environments, and every way a file's path can be read as a template with a service
//! and an environment in it. Which reading is right is not decided here.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    content::{Content, Contents},
    words::{environment_word, is_container, is_generic, is_plain_stem, is_shared, service_and_environment},
};

/// One way to read a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// The steps, with `{service}`, `{environment}` and, where a name stands that is neither, that name.
    pub(super) steps: Vec<Step>,
    /// What stands where `{environment}` does; `None` where the path names no environment.
    pub(super) environment: Option<String>,
    /// What stands where `{service}` does.
    pub(super) service: String,
}

/// One step of a reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// As it stands, placeholders included.
    Fixed(String),
    /// A name that may differ from path to path.
    Name(String),
}

/// The directories that are environments.
#[derive(Debug, Default)]
pub(super) struct Environments(BTreeSet<String>);

impl Environments {
    /// Finds them by their names and neighbours, and by what points at them.
    pub(super) fn of(contents: &Contents) -> Self {
        let mut children: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for path in contents.sources.keys() {
            let mut rest = path.as_str();
            while let Some((directory, _)) = rest.rsplit_once('/') {
                let (parent, name) = directory.rsplit_once('/').unwrap_or(("", directory));
                children.entry(parent).or_default().insert(name);
                rest = directory;
            }
        }
        let mut found = BTreeSet::new();
        for (parent, names) in &children {
            found.extend(names.iter().filter(|name| is_one(parent, name, names, &children)).map(|n| join(parent, n)));
        }
        found.extend(pointed_at(contents));
        Self(found)
    }

    fn contains(&self, steps: &[&str]) -> bool {
        self.0.contains(&steps.join("/"))
    }
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}

/// Whether a directory is an environment, seen with those beside it.
fn is_one(parent: &str, name: &str, beside: &BTreeSet<&str>, children: &BTreeMap<&str, BTreeSet<&str>>) -> bool {
    let above = parent.rsplit('/').next().unwrap_or_default();
    let below = children.get(join(parent, name).as_str());
    if is_shared(name) {
        return false;
    }
    if environment_word(name).is_some() {
        let named = beside.iter().filter(|name| environment_word(name).is_some()).count();
        let others = beside.iter().filter(|name| environment_word(name).is_none() && !is_shared(name)).count();
        return is_container(above) || named >= others;
    }
    let has_apps = below.is_some_and(|below| below.contains("apps") || below.contains("applications"));
    matches!(above, "clusters" | "environments" | "envs")
        || (matches!(above, "kubernetes" | "k8s" | "cluster") && has_apps && !is_generic(name))
}

/// The directories that an ApplicationSet's list names one environment each: those that differ in one step.
fn pointed_at(contents: &Contents) -> Vec<String> {
    let mut by_file: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for pointer in contents.pointers.iter().filter(|pointer| !pointer.path.contains("{{")) {
        by_file.entry(pointer.file.as_str()).or_default().insert(&pointer.path);
    }
    let mut found = Vec::new();
    for paths in by_file.values().filter(|paths| paths.len() > 1) {
        let last = |path: &str| path.rsplit_once('/').map(|(parent, name)| (parent.to_owned(), name.to_owned()));
        let ends: Vec<_> = paths.iter().filter_map(|path| last(path)).collect();
        let one_parent = ends.iter().all(|(parent, _)| ends.first().is_some_and(|first| first.0 == *parent));
        let named =
            ends.iter().all(|(_, name)| environment_word(name).is_some() || service_and_environment(name).is_some());
        if one_parent && named && ends.len() == paths.len() {
            found.extend(paths.iter().map(|path| (*path).to_owned()));
        }
    }
    found
}

/// Every reading of a file that a service can live in.
pub(super) fn readings(content: &Content, environments: &Environments) -> Vec<Reading> {
    let steps: Vec<&str> = content.path.as_str().split('/').collect();
    let Some((file, directories)) = steps.split_last() else { return Vec::new() };
    let ends = 1..=directories.len();
    let mut at: Vec<usize> = ends
        .filter(|end| directories.get(..*end).is_some_and(|steps| environments.contains(steps)))
        .map(|end| end - 1)
        .collect();
    let mut found = Vec::new();
    found.extend(by_file_name(content, directories, file, at.first().copied()));
    if found.iter().any(|reading| reading.environment.is_some()) && at.is_empty() {
        return found;
    }
    if at.is_empty() {
        found.extend(joined_names(directories));
        if found.iter().any(|reading| reading.environment.is_some()) {
            return found;
        }
        found.extend(in_directories(directories, file, None));
    }
    for place in at.drain(..) {
        found.extend(in_directories(directories, file, Some(place)));
    }
    found
}

/// The steps up to and with `end`, the service and the environment in their places.
fn steps_to(directories: &[&str], end: usize, (service, environment): (Option<usize>, Option<usize>)) -> Vec<Step> {
    let step = |(index, name): (usize, &&str)| {
        if Some(index) == service {
            Step::Fixed("{service}".to_owned())
        } else if Some(index) == environment {
            Step::Fixed("{environment}".to_owned())
        } else if is_generic(name) {
            Step::Fixed((*name).to_owned())
        } else {
            Step::Name((*name).to_owned())
        }
    };
    directories.iter().enumerate().take(end).map(step).collect()
}

/// Readings in which a directory is named after the service: all of what is below it, also only as far as the
/// directories go that say no more than what kind of thing is there, and only this one file.
fn in_directories(directories: &[&str], file: &str, environment: Option<usize>) -> Vec<Reading> {
    let mut found = Vec::new();
    for (place, service) in directories.iter().enumerate() {
        if Some(place) == environment || is_generic(service) || is_shared(service) {
            continue;
        }
        let least = environment.map_or(place, |other| other.max(place)) + 1;
        let tail = directories.iter().skip(least).take_while(|name| is_generic(name)).count();
        let reading = |steps| Reading {
            steps,
            environment: environment.and_then(|index| directories.get(index)).map(|name| (*name).to_owned()),
            service: (*service).to_owned(),
        };
        for end in [least, least + tail] {
            found.push(reading(steps_to(directories, end, (Some(place), environment))));
        }
        if least + tail == directories.len() && is_plain_stem(stem(file)) && !file.starts_with("kustomization") {
            let mut steps = steps_to(directories, directories.len(), (Some(place), environment));
            steps.push(Step::Fixed(file.to_owned()));
            found.push(reading(steps));
        }
    }
    found.dedup();
    found
}

fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// What follows a service's name in the names of files.
const ENDS: [&str; 12] = [
    "-values",
    ".values",
    "_values",
    "-release",
    "-helmrelease",
    "-deployment",
    "-deploy",
    "-statefulset",
    "-daemonset",
    "-rollout",
    "-application",
    "-app",
];

/// Readings in which the file's name says the service (`prod/checkout.yaml`), the environment (`values-prod.yaml`) or
/// both (`checkout-prod.yaml`).
fn by_file_name(content: &Content, directories: &[&str], file: &str, environment: Option<usize>) -> Vec<Reading> {
    let (stem, extension) = file.rsplit_once('.').unwrap_or((file, ""));
    if content.is_kustomization || extension.is_empty() {
        return Vec::new();
    }
    let in_directory = |steps: Vec<Step>, last: String, environment: Option<&str>, service: &str| Reading {
        steps: steps.into_iter().chain([Step::Fixed(last)]).collect(),
        environment: environment.map(str::to_owned),
        service: service.to_owned(),
    };
    let count = directories.len();
    if environment.is_none()
        && let Some(parts) = environment_in(stem, content.is_values)
    {
        let last = format!("{}{{environment}}{}.{extension}", parts.0, parts.2);
        let places = directories.iter().enumerate().rev().filter(|(_, name)| !is_generic(name));
        return places
            .take(2)
            .map(|(place, service)| {
                in_directory(steps_to(directories, count, (Some(place), None)), last.clone(), Some(parts.1), service)
            })
            .collect();
    }
    if environment.is_none()
        && let Some((service, name)) = service_and_environment(stem)
    {
        let joint = stem.get(service.len()..).and_then(|rest| rest.chars().next()).unwrap_or('-');
        let steps = steps_to(directories, count, (None, None));
        let last = format!("{{service}}{joint}{{environment}}.{extension}");
        return vec![in_directory(steps, last, Some(name), service)];
    }
    let (service, rest) = ENDS.iter().find_map(|end| Some((stem.strip_suffix(end)?, *end))).unwrap_or((stem, ""));
    let is_called = content.names.iter().any(|name| name.contains(service) || service.contains(name.as_str()));
    if is_plain_stem(service) || environment_word(service).is_some() || !(is_called || content.is_values) {
        return Vec::new();
    }
    let steps = steps_to(directories, count, (None, environment));
    let name = environment.and_then(|index| directories.get(index)).copied();
    vec![in_directory(steps, format!("{{service}}{rest}.{extension}"), name, service)]
}

/// The environment in `values-prod`, `prod-values`, `values.prod` or, of values, `prod`: what is before it, it, and
/// what is after.
fn environment_in(stem: &str, is_values: bool) -> Option<(&str, &str, &str)> {
    for joint in ["values-", "values.", "values_", "config-"] {
        if let Some(name) = stem.strip_prefix(joint).filter(|name| environment_word(name).is_some()) {
            return Some((joint, name, ""));
        }
    }
    for joint in ["-values", ".values", "_values"] {
        if let Some(name) = stem.strip_suffix(joint).filter(|name| environment_word(name).is_some()) {
            return Some(("", name, joint));
        }
    }
    (is_values && environment_word(stem).is_some()).then_some(("", stem, ""))
}

/// Readings of `checkout-prod/` below a directory that names nothing.
fn joined_names(directories: &[&str]) -> Vec<Reading> {
    let mut found = Vec::new();
    for (place, name) in directories.iter().enumerate() {
        let above_is_plain =
            place.checked_sub(1).and_then(|above| directories.get(above)).is_none_or(|n| is_generic(n));
        let Some((service, environment)) = service_and_environment(name).filter(|_| above_is_plain) else { continue };
        let joint = name.get(service.len()..).and_then(|rest| rest.chars().next()).unwrap_or('-');
        let mut steps = steps_to(directories, place, (None, None));
        steps.push(Step::Fixed(format!("{{service}}{joint}{{environment}}")));
        found.push(Reading { steps, environment: Some(environment.to_owned()), service: service.to_owned() });
    }
    found
}
