//! Discovery: which services a repository holds and where, from the paths of its files alone. The templates are laid
//! out as a tree of steps, so that each path is walked once however many environments there are.

use std::collections::{BTreeMap, HashMap};

use super::{environment::EnvironmentRules, template::Step};
use crate::core::names::{RepoPath, Service};

/// Files that put others together: no service is named after one.
const NEVER: [&str; 6] =
    ["kustomization.yaml", "kustomization.yml", "Chart.yaml", "values.yaml", "namespace.yaml", "namespaces.yaml"];

/// Where a service is in one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'p> {
    /// There.
    Once(&'p str),
    /// At two places at least, which a `*` makes possible.
    Twice(&'p str, &'p str),
}

impl<'p> Found<'p> {
    fn and(self, place: &'p str) -> Self {
        match self {
            Self::Once(first) if first != place => Self::Twice(first, place),
            Self::Once(_) | Self::Twice(..) => self,
        }
    }
}

/// The places of a service, by the index of the environment.
pub(super) type Places<'p> = BTreeMap<usize, Found<'p>>;

/// What may follow after some steps.
#[derive(Default)]
struct Fork<'a> {
    /// The environments whose template ends here, by index: directories, and files.
    directories: Vec<usize>,
    files: Vec<usize>,
    literal: HashMap<&'a str, Fork<'a>>,
    service: Vec<(&'a str, &'a str, Fork<'a>)>,
    any: Option<Box<Fork<'a>>>,
}

impl<'a> Fork<'a> {
    fn insert(&mut self, mut steps: impl Iterator<Item = Step<'a>>, (environment, is_file): (usize, bool)) {
        let next = match steps.next() {
            None if is_file => return self.files.push(environment),
            None => return self.directories.push(environment),
            Some(Step::Literal(name)) => self.literal.entry(name).or_default(),
            Some(Step::Service { before, after }) => self.service_fork(before, after),
            Some(Step::Any) => self.any.get_or_insert_default(),
        };
        next.insert(steps, (environment, is_file));
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

    /// Follows the steps of a file's path; wherever the template of a directory ends above the file, it fits, and
    /// the template of a file where the path ends.
    fn walk<'p>(
        &self,
        mut steps: std::str::Split<'p, char>,
        (service, left): (Option<&'p str>, usize),
        found: &mut dyn FnMut(&'p str, &[usize], usize),
    ) {
        let ends = if left == 0 { &self.files } else { &self.directories };
        if let (Some(service), false) = (service, ends.is_empty()) {
            found(service, ends, left);
        }
        let Some(step) = steps.next() else { return };
        let left = left.saturating_sub(step.len() + 1);
        if let Some(fork) = self.literal.get(step) {
            fork.walk(steps.clone(), (service, left), found);
        }
        // Directories with a dot in front are for tools: no `*` means them.
        if let Some(fork) = self.any.as_ref().filter(|_| !step.starts_with('.')) {
            fork.walk(steps.clone(), (service, left), found);
        }
        for (before, after, fork) in &self.service {
            let name = step.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            let name = name.filter(|name| !name.is_empty() && service.is_none_or(|service| service == *name));
            if let Some(name) = name.filter(|_| !NEVER.contains(&step)) {
                fork.walk(steps.clone(), (Some(name), left), found);
            }
        }
    }
}

/// The services whose directories hold at least one of the files, or whose file is one of them, with the
/// environments (by index) they are in and where.
pub(super) fn services<'e, 'p>(
    environments: impl Iterator<Item = (usize, &'e EnvironmentRules)>,
    files: &'p [RepoPath],
) -> BTreeMap<Service, Places<'p>> {
    let mut root = Fork::default();
    for (index, rules) in environments {
        root.insert(rules.path.steps(), (index, rules.path.is_file()));
    }
    let mut found: HashMap<&str, Places<'p>> = HashMap::new();
    for file in files {
        let path = file.as_str();
        // A path is one byte shorter than its steps with a slash behind each.
        root.walk(path.split('/'), (None, path.len() + 1), &mut |service, environments, left| {
            let place = path.get(..(path.len() + 1).saturating_sub(left).saturating_sub(1)).unwrap_or(path);
            let places = found.entry(service).or_default();
            for index in environments {
                places.entry(*index).and_modify(|found| *found = found.and(place)).or_insert(Found::Once(place));
            }
        });
    }
    found.into_iter().filter_map(|(name, found)| Some((Service::parse(name).ok()?, found))).collect()
}
