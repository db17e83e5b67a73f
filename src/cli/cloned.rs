//! A GitOps repository as a host has it, fetched into a temporary folder that goes when it was read.

use std::{collections::HashMap, path::Path};

use tempfile::TempDir;

use super::{Failure, runtime};
use crate::{
    core::{
        change::SourceFile,
        discover::is_yaml,
        names::{CommitId, ConnectionName, RepoPath},
        rules::{FOLDER, Rules},
    },
    git::{GitError, Mirror, Source},
    net::{Outgoing, Tls},
};

/// What was fetched.
pub(super) struct Cloned {
    /// Every file's path.
    pub(super) paths: Vec<RepoPath>,
    files: HashMap<RepoPath, SourceFile>,
}

impl Cloned {
    /// Fetches a branch, or the one that the host follows, and reads its YAML files.
    pub(super) fn fetch(url: &str, branch: Option<&str>) -> Result<Self, Failure> {
        let folder = temporary()?;
        let failed = |error: GitError| Failure::new(format!("{url} cannot be read: {error}."), remedy(&error));
        runtime()?.block_on(async {
            let named = match branch {
                Some(branch) => branch.to_owned(),
                None => {
                    let mirror = open(url, "main", &folder, "asked")?;
                    mirror.default_branch().await.map_err(failed)?.unwrap_or_else(|| "main".to_owned())
                }
            };
            let mirror = open(url, &named, &folder, "fetched")?;
            read(&mirror).await.map_err(failed)
        })
    }

    /// A YAML file.
    pub(super) fn file(&self, path: &RepoPath) -> Option<SourceFile> {
        self.files.get(path).cloned()
    }
}

/// The rules that a checkout's branch held at one of its commits.
pub(super) fn rules_at(checkout: &Path, commit: &CommitId) -> Result<Rules, Failure> {
    let whole = checkout.canonicalize().ok().and_then(|path| url::Url::from_directory_path(path).ok());
    let url = whole.ok_or_else(|| {
        Failure::new(format!("`{}` is no folder.", checkout.display()), "Name the checkout with `--repo PATH`.")
    })?;
    let folder = temporary()?;
    let failed = |error: GitError| {
        let remedy = "Name a commit of the branch that is checked out, of which the checkout has the history.";
        Failure::new(format!("{commit} cannot be read: {error}."), remedy)
    };
    runtime()?.block_on(async {
        let named = open(url.as_str(), "main", &folder, "asked")?.default_branch().await.map_err(failed)?;
        let mirror = open(url.as_str(), named.as_deref().unwrap_or("main"), &folder, "fetched")?;
        mirror.fetch().await.map_err(failed)?;
        let paths = mirror.paths(commit).await.map_err(failed)?;
        let inside = RepoPath::parse(FOLDER).map_err(|error| Failure::new(error, ""))?;
        let files = mirror.directory(commit, &inside).await.map_err(failed)?;
        Rules::read(commit.clone(), &files, &paths).map_err(|error| Failure::new(&error, error.remedy()))
    })
}

fn temporary() -> Result<TempDir, Failure> {
    TempDir::new().map_err(|error| {
        Failure::new(
            format!("No temporary folder can be made: {error}."),
            "Check the temporary folder of this machine.",
        )
    })
}

/// The configuration, which the usual remedies name, has no part in this.
fn remedy(error: &GitError) -> &'static str {
    if matches!(error, GitError::BranchMissing(_)) {
        "Name one with `--branch NAME`."
    } else {
        "Check the address. Of a repository that asks who you are, make a checkout and name its folder."
    }
}

fn open(url: &str, branch: &str, folder: &TempDir, name: &str) -> Result<Mirror, Failure> {
    let failed = |error: GitError| Failure::new(format!("{error}."), error.remedy());
    let net = Outgoing::new(&Tls::default()).map_err(|error| Failure::new(&error, error.remedy()))?;
    let client = url::Url::parse(url).map_or_else(|_| net.client().clone(), |url| net.to(&url).clone());
    let name_of = ConnectionName::parse(name).map_err(|error| Failure::new(error, ""))?;
    let source = Source {
        name: name_of,
        url: url.to_owned(),
        branch: branch.to_owned(),
        credentials: None,
        directory: folder.path().join(name),
        ssh: "ssh".into(),
        key: None,
    };
    Mirror::open(source, client, tokio::runtime::Handle::current()).map_err(failed)
}

async fn read(mirror: &Mirror) -> Result<Cloned, GitError> {
    let tip = mirror.fetch().await?;
    let paths = mirror.paths(&tip).await?.to_vec();
    let mut files = HashMap::new();
    for path in paths.iter().filter(|path| is_yaml(path.as_str())) {
        files.extend(mirror.file(&tip, path).await?.map(|file| (path.clone(), file)));
    }
    Ok(Cloned { paths, files })
}
