//! What the repository says at one commit: catalog, policy, commands, and the services that its directories show.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use crate::core::{
    catalog::{ApprovalRule, Approvers, Catalog, CatalogErrors, EnvironmentGroup, Group, Places, Source},
    change::{Locator, SourceFile},
    command::{Commands, Definition, DefinitionError, Templates, Vocabulary},
    names::{CommitId, ConnectionName, Environment, Field, RepoPath, Service, Target},
    policy::{Policy, PolicyError},
    roster::FRESH,
};

/// Where the catalog lives.
pub const CATALOG: &str = ".leverframe/catalog.yaml";
/// Where the repository's own policies live.
pub const POLICY: &str = ".leverframe/policy.cedar";
/// Where the test cases of its policies live.
pub const POLICY_TESTS: &str = ".leverframe/policy_tests.yaml";
/// Where the repository's own commands live.
pub const COMMANDS: &str = ".leverframe/commands";

/// The folder of the catalog, the policy and the commands.
pub const FOLDER: &str = ".leverframe";

/// Which files rules were read from: the git blob of each path.
pub type Sources = BTreeMap<RepoPath, String>;

/// The sources that files are.
pub fn sources(files: &[SourceFile]) -> Sources {
    files.iter().map(|file| (file.path.clone(), file.blob.clone())).collect()
}

/// A repository at a commit.
#[derive(Debug, Clone)]
pub struct Tip {
    /// The commit.
    pub commit: CommitId,
    /// The paths of all its files. Where they are the same list as before, nothing was added or taken away.
    pub paths: Arc<Vec<RepoPath>>,
}

impl Tip {
    fn has_the_paths_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.paths, &other.paths)
    }
}

/// The repositories beside the one that holds the catalog.
#[derive(Debug, Clone, Default)]
pub struct Elsewhere {
    /// What the catalog's own is called; without it every environment is taken to be there.
    pub own: Option<ConnectionName>,
    /// The others, as far as they were read.
    pub others: BTreeMap<ConnectionName, Tip>,
}

impl Elsewhere {
    fn has_the_paths_of(&self, other: &Self) -> bool {
        let same = |(name, tip): (&ConnectionName, &Tip)| {
            other.others.get(name).is_some_and(|other| tip.has_the_paths_of(other))
        };
        self.own == other.own && self.others.len() == other.others.len() && self.others.iter().all(same)
    }
}

/// The rules in force. A copy costs next to nothing.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The commit that they are in force at.
    pub commit: CommitId,
    /// Environments, people, limits.
    pub catalog: Arc<Catalog>,
    /// Who may.
    pub policy: Arc<Policy>,
    /// What can be asked.
    pub commands: Arc<Commands>,
    /// What files can be made of.
    pub templates: Arc<Templates>,
    /// The names that what people type is read against.
    pub vocabulary: Arc<Vocabulary>,
    /// What runs, and where.
    pub services: Arc<BTreeMap<Service, BTreeSet<Environment>>>,
    /// Where each target's files are.
    pub places: Arc<Places>,
    /// When the places beside the catalog that tell who is in a group were read last.
    pub groups_read: Arc<BTreeMap<Source, Timestamp>>,
    tip: Tip,
    elsewhere: Elsewhere,
}

/// Why the rules at a commit cannot be used. The last good ones stay in force.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// There is none.
    #[error("the repository has no `{CATALOG}`")]
    NoCatalog,
    /// It does not load.
    #[error(transparent)]
    Catalog(#[from] CatalogErrors),
    /// It does not load.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A command of the repository does not load.
    #[error(transparent)]
    Command(DefinitionError),
}

impl RulesError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NoCatalog => format!("Write `{CATALOG}` with at least one environment and its path."),
            Self::Catalog(_) => "Correct the catalog in git.".to_owned(),
            Self::Policy(error) => error.remedy(),
            Self::Command(_) => "Correct the command's file in git.".to_owned(),
        }
    }
}

impl Rules {
    /// Reads the rules from the files of one commit, all of whose environments are in this repository: `files` are those
    /// under `.leverframe`, `paths` all paths.
    ///
    /// # Errors
    /// When there is no catalog, or one of the files does not load.
    pub fn read(commit: CommitId, files: &[SourceFile], paths: &[RepoPath]) -> Result<Self, RulesError> {
        Self::read_among(Tip { commit, paths: Arc::new(paths.to_vec()) }, files, Elsewhere::default())
    }

    /// The same where environments may be in other repositories.
    ///
    /// # Errors
    /// When there is no catalog, or one of the files does not load.
    pub fn read_among(tip: Tip, files: &[SourceFile], elsewhere: Elsewhere) -> Result<Self, RulesError> {
        let text = |path: &str| files.iter().find(|file| file.path.as_str() == path).map(|file| file.text.as_str());
        let catalog = Catalog::parse(text(CATALOG).ok_or(RulesError::NoCatalog)?, CATALOG)?;
        let own = files.iter().filter(|file| file.path.as_str().starts_with(COMMANDS));
        let own = own
            .filter(|file| file.path.as_str().ends_with(".yaml"))
            .map(|file| Definition::parse(&file.text, file.path.as_str()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(RulesError::Command)?;
        let commands = Commands::builtin().map_err(RulesError::Command)?.with(own);
        let texts = files.iter().map(|file| (&file.path, file.text.as_str()));
        let templates = Templates::starters().with(texts).map_err(RulesError::Command)?;
        let file_of = |name: &str| format!("{COMMANDS}/{name}.yaml");
        templates.fit(&commands, &file_of).map_err(RulesError::Command)?;
        let actions: Vec<_> = commands.iter().map(|definition| definition.name.clone()).collect();
        let policy = Policy::load(text(POLICY).map(|text| (POLICY, text)), &actions)?;
        let places = places(&catalog, &tip, &elsewhere);
        let services = places.services().clone();
        Ok(Self {
            commit: tip.commit.clone(),
            vocabulary: Arc::new(vocabulary(&catalog, &services)),
            catalog: Arc::new(catalog),
            policy: Arc::new(policy),
            commands: Arc::new(commands),
            templates: Arc::new(templates),
            services: Arc::new(services),
            places: Arc::new(places),
            groups_read: Arc::default(),
            tip,
            elsewhere,
        })
    }

    /// The same rules in force at another commit: one that holds the same, or whose own do not load.
    #[must_use]
    pub fn kept_at(&self, tip: Tip) -> Self {
        self.at(tip, self.elsewhere.clone())
    }

    /// The same rules with people as they count at a moment.
    #[must_use]
    pub fn for_people(&self, catalog: Catalog, groups_read: BTreeMap<Source, Timestamp>) -> Self {
        Self { catalog: Arc::new(catalog), groups_read: Arc::new(groups_read), ..self.clone() }
    }

    /// The oldest of what the places said that a rule rests on, where one was not read at the vote.
    pub fn groups_as_of(&self, rule: &ApprovalRule, now: Timestamp) -> Option<Timestamp> {
        let named = |group: &Group| {
            let is_it = |one: &Approvers| matches!(one, Approvers::Group(other) if other == group);
            rule.shares().any(|(_, from)| from.iter().any(is_it))
        };
        let places = self.catalog.sources().filter(|(group, _)| named(group));
        let read = places.filter_map(|(_, source)| self.groups_read.get(source).copied());
        read.filter(|read| now.duration_since(*read) > FRESH).min()
    }

    /// The same rules with the other repositories at these commits.
    #[must_use]
    pub fn among(&self, elsewhere: Elsewhere) -> Self {
        self.at(self.tip.clone(), elsewhere)
    }

    fn at(&self, tip: Tip, elsewhere: Elsewhere) -> Self {
        let same = tip.has_the_paths_of(&self.tip) && elsewhere.has_the_paths_of(&self.elsewhere);
        let rules = Self { commit: tip.commit.clone(), tip, elsewhere, ..self.clone() };
        if same {
            return rules;
        }
        let places = places(&rules.catalog, &rules.tip, &rules.elsewhere);
        let services = places.services().clone();
        Self {
            vocabulary: Arc::new(vocabulary(&rules.catalog, &services)),
            services: Arc::new(services),
            places: Arc::new(places),
            ..rules
        }
    }

    /// The other repository that an environment is in; `None`: the one of the catalog.
    pub fn other_repository(&self, environment: &Environment) -> Option<&ConnectionName> {
        let named = self.catalog.environment(environment)?.repository.as_ref()?;
        let own = self.elsewhere.own.as_ref()?;
        (named != own).then_some(named)
    }

    /// Other targets in the same repository that may read the same files ([`Places::beside`]).
    pub fn beside(&self, target: &Target) -> BTreeMap<&Target, &RepoPath> {
        let mut beside = self.places.beside(target);
        let home = self.other_repository(&target.environment);
        beside.retain(|other, _| self.other_repository(&other.environment) == home);
        beside
    }

    /// The commit that a target is read at: the tip of its repository. `None` where that was never read.
    pub fn commit_of(&self, target: &Target) -> Option<&CommitId> {
        match self.other_repository(&target.environment) {
            None => Some(&self.commit),
            Some(other) => self.elsewhere.others.get(other).map(|tip| &tip.commit),
        }
    }

    /// The commit that a repository beside the catalog's was read at.
    pub fn commit_in(&self, other: &ConnectionName) -> Option<&CommitId> {
        self.elsewhere.others.get(other).map(|tip| &tip.commit)
    }

    /// The directory of a target's files, or its one file; `None` where there is no one place.
    pub fn place_of(&self, target: &Target) -> Option<RepoPath> {
        place_of(&self.catalog, &self.places, target)
    }

    /// Where a field of a target is looked for.
    pub fn locator(&self, target: &Target, field: &Field) -> Locator {
        locator(&self.catalog, &self.places, target, field)
    }
}

/// The directory of a target's files, or its one file: where it was found, or where it would be.
pub fn place_of(catalog: &Catalog, places: &Places, target: &Target) -> Option<RepoPath> {
    let would_be = || catalog.environment(&target.environment)?.path_of(&target.service);
    places.of(target).cloned().or_else(would_be)
}

/// Where a field of a target is looked for.
pub fn locator(catalog: &Catalog, places: &Places, target: &Target, field: &Field) -> Locator {
    let image = catalog.service(&target.service).and_then(|rules| rules.image.as_ref());
    Locator {
        service: target.service.clone(),
        environment: target.environment.clone(),
        directory: place_of(catalog, places, target),
        image: image.map(ToString::to_string),
        pin: catalog.pin(&target.service, field).cloned(),
    }
}

/// Where the targets are: each environment's in its own repository.
fn places(catalog: &Catalog, tip: &Tip, elsewhere: &Elsewhere) -> Places {
    catalog.places_among(&|repository| match (repository, &elsewhere.own) {
        (Some(named), Some(own)) if named != own => {
            elsewhere.others.get(named).map(|tip| tip.paths.as_slice()).unwrap_or_default()
        }
        (Some(_) | None, _) => tip.paths.as_slice(),
    })
}

fn vocabulary(catalog: &Catalog, services: &BTreeMap<Service, BTreeSet<Environment>>) -> Vocabulary {
    let members = |group: &EnvironmentGroup| group.steps.iter().map(|step| step.environment.clone()).collect();
    Vocabulary {
        services: services.keys().cloned().collect(),
        environments: catalog.environments().iter().map(|environment| environment.name.clone()).collect(),
        groups: catalog.groups().iter().map(|group| (group.name.clone(), members(group))).collect(),
        people: catalog.people().map(|person| person.id.clone()).collect(),
    }
}
