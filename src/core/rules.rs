//! What the repository says at one commit: catalog, policy, commands, and the services that its directories show.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::{
    catalog::{Catalog, CatalogErrors, EnvironmentGroup, Places},
    change::{Locator, SourceFile},
    command::{Commands, Definition, DefinitionError, Vocabulary},
    names::{CommitId, Environment, Field, RepoPath, Service, Target},
    policy::{Policy, PolicyError},
};

/// Where the catalog lives.
pub const CATALOG: &str = ".leverframe/catalog.yaml";
/// Where the repository's own policies live.
pub const POLICY: &str = ".leverframe/policy.cedar";
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

/// The rules in force.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The commit that they are in force at.
    pub commit: CommitId,
    /// Environments, people, limits.
    pub catalog: Catalog,
    /// Who may.
    pub policy: Policy,
    /// What can be asked.
    pub commands: Commands,
    /// The names that what people type is read against.
    pub vocabulary: Vocabulary,
    /// What runs, and where.
    pub services: BTreeMap<Service, BTreeSet<Environment>>,
    /// Where each target's files are.
    pub places: Places,
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
    /// Reads the rules from the files of one commit: `files` are those under `.leverframe`, `paths` all paths.
    ///
    /// # Errors
    /// When there is no catalog, or one of the files does not load.
    pub fn read(commit: CommitId, files: &[SourceFile], paths: &[RepoPath]) -> Result<Self, RulesError> {
        let text = |path: &str| files.iter().find(|file| file.path.as_str() == path).map(|file| file.text.as_str());
        let catalog = Catalog::parse(text(CATALOG).ok_or(RulesError::NoCatalog)?, CATALOG)?;
        let own = files.iter().filter(|file| file.path.as_str().starts_with(COMMANDS));
        let own = own
            .filter(|file| file.path.as_str().ends_with(".yaml"))
            .map(|file| Definition::parse(&file.text, file.path.as_str()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(RulesError::Command)?;
        let commands = Commands::builtin().map_err(RulesError::Command)?.with(own);
        let actions: Vec<_> = commands.iter().map(|definition| definition.name.clone()).collect();
        let policy = Policy::load(text(POLICY).map(|text| (POLICY, text)), &actions)?;
        let places = catalog.places(paths);
        let services = places.services().clone();
        let vocabulary = vocabulary(&catalog, &services);
        Ok(Self { commit, catalog, policy, commands, vocabulary, services, places })
    }

    /// The same rules in force at another commit, whose own do not load.
    #[must_use]
    pub fn kept_at(&self, commit: CommitId, paths: &[RepoPath]) -> Self {
        let places = self.catalog.places(paths);
        let services = places.services().clone();
        Self { commit, vocabulary: vocabulary(&self.catalog, &services), services, places, ..self.clone() }
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

fn vocabulary(catalog: &Catalog, services: &BTreeMap<Service, BTreeSet<Environment>>) -> Vocabulary {
    let members = |group: &EnvironmentGroup| group.steps.iter().map(|step| step.environment.clone()).collect();
    Vocabulary {
        services: services.keys().cloned().collect(),
        environments: catalog.environments().iter().map(|environment| environment.name.clone()).collect(),
        groups: catalog.groups().iter().map(|group| (group.name.clone(), members(group))).collect(),
        people: catalog.people().map(|person| person.id.clone()).collect(),
    }
}
