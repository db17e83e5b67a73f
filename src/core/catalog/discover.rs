//! Discovery: which services a repository holds, from the paths of its files alone. The templates are laid out as a
//! tree of steps, so that each path is walked once however many environments there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{environment::EnvironmentRules, template::Step};
use crate::core::names::{RepoPath, Service};

/// What may follow after some steps.
#[derive(Default)]
struct Fork<'a> {
    /// The environments whose template ends here, by index.
    ends: Vec<usize>,
    literal: HashMap<&'a str, Fork<'a>>,
    service: Vec<(&'a str, &'a str, Fork<'a>)>,
}

impl<'a> Fork<'a> {
    fn insert(&mut self, mut steps: impl Iterator<Item = Step<'a>>, environment: usize) {
        let next = match steps.next() {
            None => return self.ends.push(environment),
            Some(Step::Literal(name)) => self.literal.entry(name).or_default(),
            Some(Step::Service { before, after }) => self.service_fork(before, after),
        };
        next.insert(steps, environment);
    }

    fn service_fork(&mut self, before: &'a str, after: &'a str) -> &mut Fork<'a> {
        let place = self.service.iter().position(|fork| (fork.0, fork.1) == (before, after));
        let place = place.unwrap_or_else(|| {
            self.service.push((before, after, Fork::default()));
            self.service.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made just above")]
        &mut self.service[place].2
    }

    /// Follows the steps of a file's path; wherever a template ends above the file, its directory fits.
    fn walk<'p>(
        &self,
        mut steps: std::str::Split<'p, char>,
        service: Option<&'p str>,
        found: &mut dyn FnMut(&'p str, &[usize]),
    ) {
        let Some(step) = steps.next() else { return };
        if let (Some(service), false) = (service, self.ends.is_empty()) {
            found(service, &self.ends);
        }
        if let Some(fork) = self.literal.get(step) {
            fork.walk(steps.clone(), service, found);
        }
        for (before, after, fork) in &self.service {
            let name = step.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            if let Some(name) = name.filter(|name| !name.is_empty() && service.is_none_or(|service| service == *name)) {
                fork.walk(steps.clone(), Some(name), found);
            }
        }
    }
}

/// The services whose directories hold at least one of the files, with the environments (by index) they are in.
pub(super) fn services(environments: &[EnvironmentRules], files: &[RepoPath]) -> BTreeMap<Service, BTreeSet<usize>> {
    let mut root = Fork::default();
    for (index, rules) in environments.iter().enumerate() {
        root.insert(rules.path.steps(), index);
    }
    let mut found: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for file in files {
        root.walk(file.as_str().split('/'), None, &mut |service, environments| {
            found.entry(service).or_default().extend(environments);
        });
    }
    found.into_iter().filter_map(|(name, found)| Some((Service::parse(name).ok()?, found))).collect()
}
