//! Repositories: a bare mirror each, read without a work tree and written by commits that change only the
//! intended paths. A [`Mirror`] is a handle on two threads, one that reads and one that talks to the host.
//! It knows git; pull requests are `forge`'s.

mod commit;
mod error;
mod history;
mod land;
mod read;
mod refusal;
mod remote;
mod survey;
mod transport;
mod worker;

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;

pub use commit::{Composed, Signature};
pub use error::GitError;
pub use history::{CommitSummary, REQUEST_TRAILER};
pub use land::{Compose, Landing, Onto, Outcome};
pub use read::{MAX_FILE, SourceFile, Tree};
pub use refusal::{Verdict, classify};
pub use survey::{Marked, Survey, survey};

use crate::{
    core::names::{CommitId, ConnectionName, RepoPath, RequestId},
    secret::Secret,
};
use worker::{Lane, Shared};

/// Who we are to a git host, over HTTP.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `x-access-token`, an account, ...
    pub username: String,
    /// Its password or token.
    pub password: Secret,
}

/// A repository and where its mirror is kept.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name in `leverframe.yaml`.
    pub name: ConnectionName,
    /// `https://`, `http://` or `file://`, without credentials in it.
    pub url: String,
    /// The branch that production follows.
    pub branch: String,
    /// For HTTP; without them the host is asked anonymously.
    pub credentials: Option<Credentials>,
    /// The mirror's folder, which is ours alone.
    pub directory: PathBuf,
}

/// A handle on a repository; clones share its threads, which end with the last clone.
#[derive(Clone)]
pub struct Mirror {
    name: ConnectionName,
    reader: Lane,
    writer: Lane,
}

impl Mirror {
    /// Opens or makes the mirror and starts its threads; asks nobody. A folder that is no sound mirror is set
    /// aside (`<directory>.damaged`) and made anew. `http` carries the limits on connecting and on silence.
    ///
    /// # Errors
    /// When the address cannot be used or the folder cannot be written.
    pub fn open(source: Source, http: reqwest::Client, runtime: tokio::runtime::Handle) -> Result<Self, GitError> {
        let url = address(&source.url)?;
        if !git2::Reference::is_valid_name(&format!("refs/heads/{}", source.branch)) {
            return Err(GitError::BranchMissing(source.branch));
        }
        transport::register()?;
        let shared = Arc::new(Shared::new(source.branch, url.clone(), source.directory));
        worker::prepare(&shared)?;
        let start = |what: &str| {
            let credentials = source.credentials.clone();
            let (client, runtime) = (http.clone(), runtime.clone());
            let failure = transport::Failure::default();
            let session = transport::Session { client, runtime, url: url.clone(), credentials, failure };
            Lane::start(&format!("git-{what}-{}", source.name), Arc::clone(&shared), session)
        };
        let (reader, writer) = (start("read")?, start("write")?);
        Ok(Self { name: source.name, reader, writer })
    }

    /// Which repository this is.
    pub fn name(&self) -> &ConnectionName {
        &self.name
    }

    /// Fetches the tracked branch and gives its tip.
    ///
    /// # Errors
    /// When the host cannot be asked, refuses us, or has no such branch.
    pub async fn fetch(&self) -> Result<CommitId, GitError> {
        self.writer.call(|room| read::commit_id(land::fetch(room, None)?.tip)).await
    }

    /// The tip of the tracked branch as last fetched or pushed; `None` before the first fetch.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub async fn tip(&self) -> Result<Option<CommitId>, GitError> {
        let find = |room: &mut worker::Room| match room.repository.refname_to_id(&room.shared.tracked()) {
            Ok(id) => read::commit_id(id).map(Some),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        };
        self.reader.call(find).await
    }

    /// The path of every file in a commit. Kept for the last commits asked for.
    ///
    /// # Errors
    /// When the commit is not in the mirror.
    pub async fn paths(&self, commit: &CommitId) -> Result<Arc<Vec<RepoPath>>, GitError> {
        let commit = commit.clone();
        self.reader.call(move |room| room.paths.list(&room.repository, &commit)).await
    }

    /// Every text file of at most 1 MiB below a directory; empty where there is none.
    ///
    /// # Errors
    /// When the commit is not in the mirror.
    pub async fn directory(&self, commit: &CommitId, directory: &RepoPath) -> Result<Vec<SourceFile>, GitError> {
        let (commit, directory) = (commit.clone(), directory.clone());
        self.reader.call(move |room| Tree::named(&room.repository, &commit)?.directory(&directory)).await
    }

    /// One text file; `None` where there is none of at most 1 MiB.
    ///
    /// # Errors
    /// When the commit is not in the mirror.
    pub async fn file(&self, commit: &CommitId, path: &RepoPath) -> Result<Option<SourceFile>, GitError> {
        let (commit, path) = (commit.clone(), path.clone());
        self.reader.call(move |room| Tree::named(&room.repository, &commit)?.file(&path)).await
    }

    /// The commits at or before `commit` that change a file or directory, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the commit is not in the mirror.
    pub async fn history(
        &self,
        commit: &CommitId,
        path: &RepoPath,
        limit: usize,
    ) -> Result<Vec<CommitSummary>, GitError> {
        let (commit, path) = (commit.clone(), path.clone());
        self.reader.call(move |room| history::history(&room.repository, &commit, &path, limit)).await
    }

    /// Whether `of` contains `commit`; a commit that is not in the mirror is contained in nothing.
    ///
    /// # Errors
    /// When `of` is not in the mirror.
    pub async fn is_ancestor(&self, commit: &CommitId, of: &CommitId) -> Result<bool, GitError> {
        let (commit, of) = (commit.clone(), of.clone());
        self.reader.call(move |room| history::is_ancestor(&room.repository, &commit, &of)).await
    }

    /// The commit at or before `tip` with the trailer `Leverframe-Request: <request>`, looked for among those
    /// not older than `since` (less an hour, for clocks differ).
    ///
    /// # Errors
    /// When `tip` is not in the mirror.
    pub async fn find_marked(
        &self,
        tip: &CommitId,
        request: &RequestId,
        since: Timestamp,
    ) -> Result<Option<CommitId>, GitError> {
        let (tip, request) = (tip.clone(), request.clone());
        let find = move |room: &mut worker::Room| {
            let tip = read::known(&room.repository, &tip)?;
            history::find_marked(&room.repository, tip, &request, since)?.map(read::commit_id).transpose()
        };
        self.reader.call(find).await
    }

    /// The newest commits at or before `tip` that carry a request's mark and this trailer, at most `most`, among the
    /// last 20,000.
    ///
    /// # Errors
    /// When `tip` is not in the mirror.
    pub async fn newest_with(
        &self,
        tip: &CommitId,
        trailer: &'static str,
        most: usize,
    ) -> Result<Vec<Marked>, GitError> {
        let tip = tip.clone();
        let find = move |room: &mut worker::Room| {
            let tip = read::known(&room.repository, &tip)?;
            survey::newest_with(&room.repository, tip, trailer, (most, history::DEEPEST))
        };
        self.reader.call(find).await
    }

    /// Lands a change once: safe to call again after any failure or crash. Takes the host's time; a lost race
    /// is run again on the new tip, up to about ten seconds.
    ///
    /// # Errors
    /// When the host cannot be asked or refuses, or the change cannot be committed.
    pub async fn land<E: Send + 'static>(&self, mut landing: Landing<E>) -> Result<Outcome<E>, GitError> {
        self.writer.call(move |room| land::land(room, &mut landing)).await
    }
}

/// Checks a repository's address; what is refused never shows a password.
fn address(text: &str) -> Result<String, GitError> {
    let refused = |why: &str| Err(GitError::Address(why.to_owned()));
    let Ok(url) = url::Url::parse(text) else { return refused("it is not a URL") };
    match url.scheme() {
        "http" | "https" | "file" => {}
        "ssh" => return refused("`ssh://` is not supported yet"),
        scheme => return refused(&format!("`{scheme}://` is not supported")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("it holds credentials");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refused("it holds `?` or `#`");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_never_shown_with_their_password() {
        assert!(address("https://git.example.com/acme/deployments.git").is_ok());
        assert!(address("file:///srv/git/deployments.git").is_ok());
        let shown = |text: &str| address(text).unwrap_err().to_string();
        assert!(shown("ssh://git@example.com/a.git").contains("not supported yet"));
        assert!(!shown("https://x-access-token:s3cret@example.com/a.git").contains("s3cret"));
        assert!(!shown("s3cret").contains("s3cret"));
    }
}
