//! `repositories`: where the GitOps repositories are, and which of them holds the catalog.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use url::Url;

use super::reading::Reading;
use crate::{
    core::{
        located::{Fields, Node, Problem, Value},
        names::{ConnectionName, NotAName},
    },
    secret::Secret,
};

/// All repositories. There is always one with the catalog.
#[derive(Debug, Clone)]
pub struct Repositories {
    /// The one that holds `.leverframe/catalog.yaml`.
    pub catalog: (ConnectionName, Repository),
    /// The others.
    pub others: BTreeMap<ConnectionName, Repository>,
}

/// One repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// `https`, `http`, `file` or `ssh`; never with a password in it. What is written as `user@host:path` is here as
    /// `ssh://user@host/path`.
    pub url: Url,
    /// The address as it is written, which is what git is told.
    pub address: String,
    /// The branch that production follows.
    pub branch: BranchName,
    /// Who we are there.
    pub login: RepositoryLogin,
    /// An OpenSSH private key that signs our commits; absent: they are not signed.
    pub sign_with: Option<Secret>,
    /// Its name on GitHub, where its pull requests live; absent: commits only.
    pub github: Option<GitHubRepository>,
}

/// Who we are to a git host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryLogin {
    /// Nobody in particular, or what GitHub's App or the SSH agent gives.
    None,
    /// A user with a password or token.
    Password {
        /// The user.
        username: String,
        /// The password or token.
        password: Secret,
        /// The file it was read from, to be read again when the host refuses it.
        from: Option<PathBuf>,
    },
}

/// A repository's name on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitHubRepository {
    /// The user or organisation.
    pub owner: String,
    /// The name, without `.git`.
    pub name: String,
}

/// A branch, without `refs/heads/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BranchName(String);

impl BranchName {
    /// Parses a branch by git's rules for references.
    ///
    /// # Errors
    /// When git would not take it for a branch.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let step_fits = |step: &str| !step.is_empty() && !step.starts_with('.') && !step.ends_with(".lock");
        let strange = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
        let fits = text.split('/').all(step_fits)
            && !text.contains(strange)
            && !["..", "@{"].iter().any(|pair| text.contains(pair))
            && !text.starts_with('-')
            && text != "@"
            && !text.starts_with("refs/")
            && !text.ends_with('.')
            && text.len() <= 250;
        fits.then(|| Self(text.to_owned())).ok_or_else(|| NotAName {
            found: text.chars().take(80).collect(),
            kind: "a branch",
            rule: "a branch as git names it, without `refs/heads/`",
            example: "main",
        })
    }

    /// The branch as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Repositories {
    /// All of them, the one with the catalog first.
    pub fn iter(&self) -> impl Iterator<Item = (&ConnectionName, &Repository)> {
        std::iter::once((&self.catalog.0, &self.catalog.1)).chain(&self.others)
    }

    /// The one of that name.
    pub fn named(&self, name: &ConnectionName) -> Option<&Repository> {
        self.iter().find(|(other, _)| *other == name).map(|(_, repository)| repository)
    }

    pub(super) fn read(root: Fields<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        let example = "repositories: { deployments: { url: https://github.com/acme/deployments.git, branch: main } }";
        let node = root.required("repositories", example, &mut reading.problems)?;
        let mut all = Vec::new();
        for (name, node) in node.named_entries(ConnectionName::parse, &mut reading.problems) {
            let (repository, chosen) = Repository::read(node, root, reading);
            all.push((name, repository, chosen));
        }
        let chosen = choose_catalog(node, &all, &mut reading.problems)?;
        let mut others = BTreeMap::new();
        let mut catalog = None;
        for (index, (name, repository, _)) in all.into_iter().enumerate() {
            match repository {
                Some(repository) if index == chosen => catalog = Some((name, repository)),
                Some(repository) => drop(others.insert(name, repository)),
                None => {}
            }
        }
        Some(Self { catalog: catalog?, others })
    }
}

/// What a repository says of itself: whether the catalog is there.
type Chosen = Option<bool>;

/// The index of the repository with the catalog: the only one, or the one that says so.
fn choose_catalog(
    node: &Node,
    all: &[(ConnectionName, Option<Repository>, Chosen)],
    problems: &mut Vec<Problem>,
) -> Option<usize> {
    let chosen: Vec<usize> =
        all.iter().enumerate().filter(|(_, (_, _, chosen))| *chosen == Some(true)).map(|(index, _)| index).collect();
    let (found, remedy) = match (all, chosen.as_slice()) {
        (_, [one]) => return Some(*one),
        ([(_, _, None)], []) => return Some(0),
        ([], _) => ("no repository".to_owned(), "Add one with `url` and `branch`."),
        ([_], _) => ("one repository, with `catalog: false`".to_owned(), "Remove `catalog: false`."),
        (_, []) => (
            format!("{} repositories, none with `catalog: true`", all.len()),
            "Write `catalog: true` in the one that holds `.leverframe/catalog.yaml`.",
        ),
        (_, several) => (
            format!("`catalog: true` in {} repositories", several.len()),
            "Keep it in the one that holds `.leverframe/catalog.yaml`.",
        ),
    };
    problems.push(Problem {
        place: node.key_place,
        found,
        ..node.problem("exactly one repository with the catalog", remedy)
    });
    None
}

impl Repository {
    fn read(node: &Node, root: Fields<'_>, reading: &mut Reading<'_>) -> (Option<Self>, Chosen) {
        let known = ["url", "branch", "username", "password", "sign_with", "github", "catalog"];
        let fields = node.fields(&known, &mut reading.problems);
        let url = repository_url(fields, reading);
        let branch = fields.required("branch", "branch: main", &mut reading.problems);
        let branch = branch.and_then(|node| node.named(BranchName::parse, &mut reading.problems));
        let login = login(fields, url.as_ref().map(|(url, _)| url), reading);
        let sign_with = fields.get("sign_with").and_then(|node| reading.secret(node));
        let github = fields.get("github").and_then(|node| GitHubRepository::read(node, root, reading));
        let chosen = fields.get("catalog").and_then(|node| node.flag(&mut reading.problems));
        let repository = match (url, branch, login) {
            (Some((url, address)), Some(branch), Some(login)) => {
                Some(Self { url, address, branch, login, sign_with, github })
            }
            _ => None,
        };
        (repository, chosen)
    }
}

/// The address, parsed and as it is written.
fn repository_url(fields: Fields<'_>, reading: &mut Reading<'_>) -> Option<(Url, String)> {
    let example = "url: https://github.com/acme/deployments.git";
    let node = fields.required("url", example, &mut reading.problems)?;
    if let Value::Text(text, _) = &node.value
        && let Some(url) = short_ssh(text)
    {
        return Some((url, text.clone()));
    }
    let url = reading.url(node, &["https", "http", "ssh", "file"])?;
    if url.scheme() == "file" && url.to_file_path().is_err() {
        let remedy = "Write all of its path: `file:///srv/git/deployments.git`.";
        reading.problems.push(node.problem("a path on this machine", remedy));
        return None;
    }
    if url.scheme() == "ssh" && !url.has_host() {
        reading.problems.push(node.problem("a host", "Write it like `ssh://git@host/owner/name.git`."));
        return None;
    }
    let address = url.to_string();
    Some((url, address))
}

/// `user@host:path`, which git takes for SSH.
fn short_ssh(text: &str) -> Option<Url> {
    let (host, path) = text.split_once(':').filter(|(_, path)| !path.starts_with("//"))?;
    let (user, name) = host.split_once('@')?;
    let fits = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let fits = fits(user) && fits(name) && !user.starts_with('-') && !path.trim_matches('/').is_empty();
    Url::parse(&format!("ssh://{host}/{}", path.trim_start_matches('/'))).ok().filter(|_| fits)
}

/// User and password go together, and only with a URL that can carry them.
fn login(fields: Fields<'_>, url: Option<&Url>, reading: &mut Reading<'_>) -> Option<RepositoryLogin> {
    let web = url.is_none_or(|url| matches!(url.scheme(), "http" | "https"));
    let password = fields.get("password").map(|node| (node, reading.secret(node)));
    let from = fields.get("password").and_then(|node| reading.file_of(node));
    let username = fields.get("username").map(|node| (node, node.text(&mut reading.problems)));
    match (username, password) {
        (None, None) => Some(RepositoryLogin::None),
        (Some((node, _)), _) | (None, Some((node, _))) if !web => {
            let remedy = "Remove it; over SSH the agent's key is used.";
            let found = "a login beside a URL that takes none".to_owned();
            reading.problems.push(Problem { found, ..node.problem("it only with `http://` or `https://`", remedy) });
            None
        }
        (Some((_, username)), Some((_, password))) => {
            Some(RepositoryLogin::Password { username: username?.to_owned(), password: password?, from })
        }
        (Some(_), None) => {
            reading.problems.push(fields.missing("password", "password: \"${env:GITHUB_TOKEN}\""));
            None
        }
        (None, Some(_)) => {
            reading.problems.push(fields.missing("username", "username: x-access-token"));
            None
        }
    }
}

impl GitHubRepository {
    fn read(node: &Node, root: Fields<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        let fields = node.fields(&["owner", "name"], &mut reading.problems);
        let owner = fields.required("owner", "owner: acme", &mut reading.problems);
        let owner = owner.and_then(|node| node.named(github_name, &mut reading.problems));
        let name = fields.required("name", "name: deployments", &mut reading.problems);
        let name = name.and_then(|node| node.named(github_name, &mut reading.problems));
        if root.get("github").is_none() {
            let found = "it without a `github` section at the top".to_owned();
            let remedy = "Add `github: { token: \"${env:GITHUB_TOKEN}\" }` at the top of the file.";
            reading.problems.push(Problem { found, ..node.problem("a way to ask GitHub", remedy) });
        }
        Some(Self { owner: owner?, name: name? })
    }
}

fn github_name(text: &str) -> Result<String, NotAName> {
    let fits = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let fits = fits && !text.is_empty() && text.len() <= 100 && !matches!(text, "." | "..") && !text.ends_with(".git");
    fits.then(|| text.to_owned()).ok_or_else(|| NotAName {
        found: text.chars().take(80).collect(),
        kind: "a name on GitHub",
        rule: "letters, digits, `-`, `_` and `.`, without `.git` at the end",
        example: "deployments",
    })
}
