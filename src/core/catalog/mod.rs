//! The catalog, `.leverframe/catalog.yaml` of the GitOps repository: services, environments, people, approvals and
//! locks. Text in, typed rules out, or every mistake at once; which services exist is found from the files' paths.

mod approvals;
mod check;
mod discover;
mod environment;
mod freezes;
mod groups;
mod like;
mod lock;
mod names;
mod not_yet;
mod people;
mod places;
mod reminders;
mod service;
mod sources;
mod surroundings;
mod table;
mod template;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

pub use self::{
    approvals::{ApprovalRule, Approvals, EmergencyRule, Share},
    check::Connections,
    environment::{Drift, EnvironmentRules, FluxKind, Landing, MergeMethod, Reconciler},
    groups::{EnvironmentGroup, GroupStep},
    lock::{FieldPattern, Lock},
    names::{Approvers, Group, ImageName, Severity, Team, TimeZoneName},
    people::{Person, Platform},
    places::Places,
    reminders::Reminding,
    service::{DocumentChoice, Pin, ServiceRules},
    sources::Source,
    surroundings::{Channels, CommandNames, ReplicaLimits, Tickets, Tracker},
    table::TableRow,
    template::{NameTemplate, PathTemplate},
};
use self::{lock::Known, people::People};
use crate::core::{
    freeze::Window,
    located::{self, Fields, Key, Node, Notice, Problem, Problems},
    names::{ConnectionName, Environment, Field, PersonId, RepoPath, Service, Target},
};

/// Every mistake of a catalog.
pub type CatalogErrors = Problems;

/// A catalog that holds together.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    environments: Vec<EnvironmentRules>,
    groups: Vec<EnvironmentGroup>,
    services: BTreeMap<Service, ServiceRules>,
    discovery: Discovery,
    locks: Vec<Lock>,
    sensitive: Vec<FieldPattern>,
    replicas: ReplicaLimits,
    freezes: Vec<Window>,
    people: People,
    sources: sources::Sources,
    channels: Channels,
    reminding: Reminding,
    tickets: Option<Tickets>,
    commands: CommandNames,
    environment_nodes: Vec<(Key, Node)>,
    warnings: Vec<Notice>,
    not_yet: Vec<Notice>,
}

/// Which services there are: `discover`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Discovery {
    /// Every directory that fits an environment's path is one.
    EveryDirectory,
    /// Only those that are listed.
    ListedOnly,
}

const KEYS: [&str; 14] = [
    "environments",
    "environment_groups",
    "services",
    "discover",
    "locked",
    "freezes",
    "sensitive",
    "limits",
    "people",
    "groups",
    "channels",
    "reminders",
    "tickets",
    "commands",
];

impl Catalog {
    /// Reads a catalog. `file` names it in messages.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(text: &str, file: &str) -> Result<Self, CatalogErrors> {
        let root = located::parse(text).map_err(|list| Problems::new(file, list))?;
        let mut problems = Vec::new();
        match Self::read(&root, &mut problems) {
            Some(catalog) if problems.is_empty() => Ok(catalog),
            Some(_) | None => Err(Problems::new(file, problems)),
        }
    }

    fn read(root: &Node, problems: &mut Vec<Problem>) -> Option<Self> {
        let fields = root.fields(&KEYS, problems);
        let environment_nodes = environment_nodes(fields, problems);
        let environments = environments(&environment_nodes, problems);
        let names = environment_names(fields);
        check::shared_paths(&environments, &environment_nodes, problems);
        let groups = groups(fields, &names, problems);
        let known = Known { environments: &names, groups: &groups };
        let locks = locks(fields, known, problems);
        let freezes = freezes::read(fields, (known, &environments), problems);
        let people = fields.get("people").map(|node| People::read(node, problems)).unwrap_or_default();
        let sources = fields.get("groups").map(|node| sources::read(node, problems)).unwrap_or_default();
        let sensitive = fields.get("sensitive").map(|node| node.named_items(FieldPattern::parse, problems));
        let discover = fields.get("discover").is_none_or(|node| node.flag(problems).unwrap_or(true));
        let replicas = fields.get("limits").map(|node| ReplicaLimits::read(node, problems));
        let channels = fields.get("channels").map(|node| Channels::read(node, problems));
        let reminding = fields.get("reminders").map(|node| Reminding::read(node, problems));
        let tickets = fields.get("tickets").map(|node| Tickets::read(node, problems));
        let commands = CommandNames::read(fields.get("commands"), problems);
        Some(Self {
            services: services(fields, problems),
            discovery: if discover { Discovery::EveryDirectory } else { Discovery::ListedOnly },
            locks,
            sensitive: sensitive.unwrap_or_default(),
            replicas: replicas.unwrap_or_default(),
            freezes,
            channels: channels.unwrap_or_default(),
            reminding: reminding.unwrap_or_default(),
            tickets: tickets.flatten(),
            commands: commands?,
            warnings: check::approvals(&environments, &environment_nodes, (&people, &sources)),
            not_yet: not_yet::notices(root),
            environments,
            groups,
            people,
            sources,
            environment_nodes,
        })
    }

    /// The rules of that environment.
    pub fn environment(&self, name: &Environment) -> Option<&EnvironmentRules> {
        self.environments.iter().find(|rules| rules.name == *name)
    }

    /// All environments, in the file's order; at least one.
    pub fn environments(&self) -> &[EnvironmentRules] {
        &self.environments
    }

    /// The groups of environments.
    pub fn groups(&self) -> &[EnvironmentGroup] {
        &self.groups
    }

    /// What the catalog says of that service; `None` where it is not listed.
    pub fn service(&self, name: &Service) -> Option<&ServiceRules> {
        self.services.get(name)
    }

    /// The team that owns the service.
    pub fn team_of(&self, service: &Service) -> Option<&Team> {
        self.services.get(service)?.team.as_ref()
    }

    /// Where that field lives, if the catalog says it.
    pub fn pin(&self, service: &Service, field: &Field) -> Option<&Pin> {
        self.services.get(service)?.bindings.get(field)
    }

    /// Whether a directory that fits an environment's path is a service without being listed.
    pub fn discovers(&self) -> bool {
        self.discovery == Discovery::EveryDirectory
    }

    /// The services and the environments each is in: see [`Catalog::places`].
    pub fn discovered(&self, files: &[RepoPath]) -> BTreeMap<Service, BTreeSet<Environment>> {
        self.places(files).services().clone()
    }

    /// The targets and where each is: services whose directory holds one of `files` or whose file is one of them, and
    /// those that are listed. `files` are the paths of the repository's files, not of its directories.
    pub fn places(&self, files: &[RepoPath]) -> Places {
        self.places_among(&|_| files)
    }

    /// The same where environments are in several repositories: `files` gives the paths of the one that an environment
    /// names; `None` is the catalog's.
    pub fn places_among<'f>(&self, files: &dyn Fn(Option<&ConnectionName>) -> &'f [RepoPath]) -> Places {
        let mut places = Places::default();
        let repositories: BTreeSet<_> = self.environments.iter().map(|rules| rules.repository.as_ref()).collect();
        for repository in repositories {
            let there = |(_, rules): &(usize, &EnvironmentRules)| rules.repository.as_ref() == repository;
            let environments = self.environments.iter().enumerate().filter(there);
            for (service, found) in discover::services(environments, files(repository)) {
                self.add_found(&mut places, &service, found);
            }
        }
        for listed in self.services.keys() {
            places.list(listed.clone());
        }
        places
    }

    fn add_found(&self, places: &mut Places, service: &Service, found: discover::Places<'_>) {
        if self.discovery == Discovery::ListedOnly && !self.services.contains_key(service) {
            return;
        }
        for (index, found) in found {
            let Some(rules) = self.environments.get(index) else { continue };
            places.add(Target { service: service.clone(), environment: rules.name.clone() }, found);
        }
    }

    /// The lock that holds that field of that target, wherever it is written.
    pub fn is_locked(&self, target: &Target, field: &Field) -> Option<&Lock> {
        let directory = self.environment(&target.environment).and_then(|rules| rules.path_of(&target.service));
        self.locks.iter().find(|lock| lock.holds(target, field, directory.as_ref()))
    }

    /// The lock that holds that field of that target in that file: to be asked of each edit, since a lock may name a file.
    pub fn is_locked_in(&self, target: &Target, field: &Field, file: &RepoPath) -> Option<&Lock> {
        self.locks.iter().find(|lock| lock.holds(target, field, Some(file)))
    }

    /// The lock that holds everything of that target in that file, whatever the field.
    pub fn is_all_locked_in(&self, target: &Target, file: &RepoPath) -> Option<&Lock> {
        self.locks.iter().find(|lock| lock.field.is_none() && lock.holds(target, &Field::ImageTag, Some(file)))
    }

    /// Whether the field is shown as changed and never with its value.
    pub fn is_sensitive(&self, field: &Field) -> bool {
        self.sensitive.iter().any(|pattern| pattern.fits(field))
    }

    /// How many replicas may run.
    pub fn replica_limits(&self) -> ReplicaLimits {
        self.replicas
    }

    /// That person.
    pub fn person(&self, id: &PersonId) -> Option<&Person> {
        self.people.by_id(id)
    }

    /// All people.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.iter()
    }

    /// The places beside the catalog that tell who is in a group.
    pub fn sources(&self) -> impl Iterator<Item = (&Group, &Source)> {
        self.sources.iter().flat_map(|(group, places)| places.iter().map(move |place| (group, place)))
    }

    /// The places that tell who is on call, by how rules name them: `oncall:slack/S0123`.
    pub fn on_call(&self) -> BTreeMap<String, Source> {
        sources::on_call(self.environments.iter().map(|rules| &rules.approvals))
    }

    /// The same catalog with these people instead.
    #[must_use]
    pub fn with_people(&self, people: Vec<Person>) -> Self {
        Self { people: People::of(people), ..self.clone() }
    }

    /// Whose account that is.
    pub fn person_by(&self, platform: Platform, account: &str) -> Option<&Person> {
        self.people.by_account(platform, account)
    }

    /// Whose Slack user id that is.
    pub fn person_by_slack(&self, user: &str) -> Option<&Person> {
        self.person_by(Platform::Slack, user)
    }

    /// Whose GitHub login that is, in whatever case.
    pub fn person_by_github(&self, login: &str) -> Option<&Person> {
        self.person_by(Platform::GitHub, login)
    }

    /// Whether that person may vote by the rule on a day. A guest may until their last day, and counts only beside
    /// somebody who is none. Whether the person is the requester is not asked here.
    pub fn may_vote(&self, rule: &ApprovalRule, person: &Person, today: Date) -> bool {
        person.guest_until.is_none_or(|last| today <= last) && rule.shares().any(|(_, from)| person.is_among(from))
    }

    /// Where the bot speaks when nobody asked.
    pub fn channels(&self) -> &Channels {
        &self.channels
    }

    /// When who is reminded of what waits for approval.
    pub fn reminding(&self) -> Reminding {
        self.reminding
    }

    /// Where tickets are opened.
    pub fn tickets(&self) -> Option<&Tickets> {
        self.tickets.as_ref()
    }

    /// What commands are called where they are registered.
    pub fn commands(&self) -> &CommandNames {
        &self.commands
    }

    /// The merged rules of every environment, for `check` to show.
    pub fn table(&self) -> Vec<TableRow> {
        self.environments.iter().map(TableRow::of).collect()
    }

    /// The keys that have no effect in this version, by line.
    pub fn not_supported_yet(&self) -> &[Notice] {
        &self.not_yet
    }

    /// What is allowed but leads nowhere: approvers that nobody is, more approvals than people who could give them.
    pub fn warnings(&self) -> &[Notice] {
        &self.warnings
    }

    /// What the catalog names and `leverframe.yaml` does not connect to, or not in a way that is supported.
    pub fn unconnected(&self, to: &Connections) -> Vec<Notice> {
        check::connections(&self.environments, &self.environment_nodes, to)
    }
}

/// The environments as they stand in the file, each with what it is like merged in.
fn environment_nodes(fields: Fields<'_>, problems: &mut Vec<Problem>) -> Vec<(Key, Node)> {
    let example = "environments: { prod: { path: \"apps/{service}/prod\" } }";
    let Some(node) = fields.required("environments", example, problems) else { return Vec::new() };
    let entries = node.entries(problems);
    if entries.is_empty() {
        problems.push(node.problem("at least one environment", format!("Write one, for example `{example}`.")));
    }
    like::merged(entries, problems)
}

fn environments(nodes: &[(Key, Node)], problems: &mut Vec<Problem>) -> Vec<EnvironmentRules> {
    let mut environments = Vec::new();
    for (key, node) in nodes {
        match Environment::parse(&key.text) {
            Ok(name) => environments.extend(EnvironmentRules::read(name, node, problems)),
            Err(error) => problems.push(key.refused(error, &node.key)),
        }
    }
    environments
}

/// The environments that the file names, also those with mistakes in them, so that one mistake is reported once.
fn environment_names(fields: Fields<'_>) -> Vec<Environment> {
    let entries = fields.get("environments").map(|node| node.entries(&mut Vec::new())).unwrap_or_default();
    entries.iter().filter_map(|(key, _)| Environment::parse(&key.text).ok()).collect()
}

fn groups(fields: Fields<'_>, environments: &[Environment], problems: &mut Vec<Problem>) -> Vec<EnvironmentGroup> {
    let mut groups = Vec::new();
    let Some(node) = fields.get("environment_groups") else { return groups };
    for (name, node) in node.named_entries(Environment::parse, problems) {
        groups.extend(EnvironmentGroup::read(name, node, environments, problems));
    }
    groups
}

fn services(fields: Fields<'_>, problems: &mut Vec<Problem>) -> BTreeMap<Service, ServiceRules> {
    let mut services = BTreeMap::new();
    let Some(node) = fields.get("services") else { return services };
    for (name, node) in node.named_entries(Service::parse, problems) {
        services.insert(name.clone(), ServiceRules::read(name, node, problems));
    }
    services
}

fn locks(fields: Fields<'_>, known: Known<'_>, problems: &mut Vec<Problem>) -> Vec<Lock> {
    let Some(node) = fields.get("locked") else { return Vec::new() };
    let items = node.items(problems).iter();
    items.filter_map(|item| Lock::read(item, known, problems)).collect()
}
