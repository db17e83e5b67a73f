//! `leverframe.yaml` -> [`Config`]: where the bot connects. The only reader of configuration files, secrets and
//! environment variables. All mistakes are reported at once, each with line, column and remedy; what comes in
//! groups (a transport with its secret, a user name with its password) is one value, not several that may be absent.

mod chat;
mod forge;
mod ledger;
mod not_yet;
mod outside;
mod reading;
mod reference;
mod repository;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use url::Url;

use self::reading::Reading;
pub use self::{
    chat::{Discord, DiscordTransport, Slack, SlackTransport},
    forge::{GitHub, GitHubAuth},
    ledger::{LedgerSettings, Over, ShipTo},
    outside::{
        ClusterAccess, ClusterLogin, Opsgenie, PagerDuty, Pagers, Registry, RegistryHost, RegistryLogin, Schedules,
    },
    reading::{Authorities, Proxy},
    reference::{Exposed, Reference, Resolve, Resolved, Unresolved, asks_for_no_colour, read_again},
    repository::{BranchName, GitHubRepository, Repositories, Repository, RepositoryLogin},
};
use crate::{
    core::{
        catalog::Connections,
        located::{self, Fields, Notice, Problems},
        names::ConnectionName,
    },
    secret::Secret,
};

/// Everything that `leverframe.yaml` says, checked, its references resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// What links to this server begin with.
    pub public_url: Option<Url>,
    /// Certificates that every client trusts beside the system's roots.
    pub authorities: Option<Authorities>,
    /// The proxy for outgoing connections, from `HTTPS_PROXY` and `NO_PROXY`.
    pub proxy: Proxy,
    /// The directory of ledger and git mirrors.
    pub data: PathBuf,
    /// The Ed25519 key that signs checkpoints; absent: one is made at first start.
    pub signing_key: Option<Secret>,
    /// Where the ledger is shipped to as it grows.
    pub ship_to: Vec<ShipTo>,
    /// The branch of the catalog's repository where its checkpoints are kept.
    pub audit_branch: Option<String>,
    /// The repositories, the one with the catalog apart.
    pub repositories: Repositories,
    /// GitHub's API.
    pub github: Option<GitHub>,
    /// Slack.
    pub slack: Option<Slack>,
    /// Discord.
    pub discord: Option<Discord>,
    /// How each cluster is reached.
    pub clusters: BTreeMap<ConnectionName, ClusterAccess>,
    /// The registries that may be asked, by host.
    pub registries: BTreeMap<RegistryHost, Registry>,
    /// Who pages.
    pub pagers: Pagers,
    warnings: Vec<Notice>,
    not_yet: Vec<Notice>,
}

/// Why there is no configuration. `Display` is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file itself cannot be read.
    #[error("{}: cannot be read: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file can be read but not followed.
    #[error(transparent)]
    Wrong(#[from] Problems),
}

impl ConfigError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable { .. } => "Write the file, or name another with `--config FILE`.".to_owned(),
            Self::Wrong(_) => "Correct the file; `leverframe check` reads it without starting anything.".to_owned(),
        }
    }
}

const KEYS: [&str; 12] = [
    "listen",
    "public_url",
    "tls",
    "data",
    "ledger",
    "repositories",
    "github",
    "slack",
    "discord",
    "clusters",
    "registries",
    "pager",
];

impl Config {
    /// Reads the file, and the environment variables and files that it refers to.
    ///
    /// # Errors
    /// When the file cannot be read, and with every mistake in it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { file: path.to_owned(), reason: error.to_string() })?;
        Ok(Self::parse(&text, path, &reference::from_the_system)?)
    }

    /// Reads the text of a configuration. `path` names it in messages, and relative paths start in its directory;
    /// `resolve` gives what references stand for.
    ///
    /// # Errors
    /// Every mistake in the text.
    pub fn parse(text: &str, path: &Path, resolve: Resolve<'_>) -> Result<Self, Problems> {
        let name = path.display().to_string();
        let mut root = located::parse(text).map_err(|list| Problems::new(&name, list))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let mut reading = Reading::new(directory, resolve);
        reading.resolve(&mut root);
        let config = Self::read(&root, &mut reading);
        match config {
            Some(config) if reading.problems.is_empty() => {
                Ok(Self { warnings: reading.sorted_warnings(), not_yet: not_yet::notices(&root), ..config })
            }
            Some(_) | None => Err(Problems::new(&name, reading.problems)),
        }
    }

    fn read(root: &located::Node, reading: &mut Reading<'_>) -> Option<Self> {
        let fields = root.fields(&KEYS, &mut reading.problems);
        let listen = listen(fields, reading);
        let data = fields.required("data", "data: ./data", &mut reading.problems);
        let data = data.and_then(|node| reading.path(node));
        let github = fields.get("github").map(|node| GitHub::read(node, reading));
        let repositories = Repositories::read(fields, reading);
        let slack = fields.get("slack").map(|node| Slack::read(node, reading));
        let discord = fields.get("discord").map(|node| Discord::read(node, reading));
        let ledger::Section { signing_key, ship_to, audit_branch } = ledger::section(fields, reading);
        Some(Self {
            public_url: fields.get("public_url").and_then(|node| reading.web(node)),
            authorities: reading.authorities(fields),
            proxy: reading.proxy(),
            signing_key,
            ship_to,
            audit_branch,
            clusters: outside::clusters(fields, reading),
            registries: outside::registries(fields, reading),
            pagers: Pagers::read(fields, reading),
            github: github.flatten(),
            slack: slack.flatten(),
            discord: discord.flatten(),
            listen: listen?,
            data: data?,
            repositories: repositories?,
            warnings: Vec::new(),
            not_yet: Vec::new(),
        })
    }

    /// The keys that have no effect in this version, by line.
    pub fn not_supported_yet(&self) -> &[Notice] {
        &self.not_yet
    }

    /// What is allowed but risky: secrets that others can read, keys that the chosen transport does not use.
    pub fn warnings(&self) -> &[Notice] {
        &self.warnings
    }

    /// The names that a catalog may use for what is connected here.
    pub fn connections(&self) -> Connections {
        Connections {
            repositories: self.repositories.iter().map(|(name, _)| name.clone()).collect(),
            clusters: self.clusters.keys().cloned().collect::<BTreeSet<_>>(),
        }
    }
}

fn listen(fields: Fields<'_>, reading: &mut Reading<'_>) -> Option<SocketAddr> {
    let node = fields.required("listen", "listen: 127.0.0.1:8080", &mut reading.problems)?;
    let address = node.text(&mut reading.problems)?.parse();
    if address.is_err() {
        reading.problems.push(node.problem("an IP address and a port", "Write it like `127.0.0.1:8080`."));
    }
    address.ok()
}
