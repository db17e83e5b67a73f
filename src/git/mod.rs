//! Repositories: a bare mirror each, read without a work tree and written by commits that change only the
//! intended paths. A [`Mirror`] is a handle on two threads, one that reads and one that talks to the host.
//! It knows git; pull requests are `forge`'s.

mod changed;
mod commit;
mod compare;
mod error;
mod fallback;
mod folder;
mod history;
mod http;
mod land;
mod marks;
mod objects;
mod pack;
mod packets;
mod queue;
mod read;
mod receive;
mod refusal;
mod remote;
mod side;
mod sign;
mod ssh;
mod stack;
mod survey;
mod talk;
mod transport;
mod tree;
mod upkeep;
mod upload;
mod worker;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;

pub use changed::Changed;
pub use commit::{Composed, Signature};
pub use error::GitError;
pub use history::{CommitSummary, REQUEST_TRAILER};
pub use land::{Compose, Landing, Onto, Outcome};
pub use read::{MAX_FILE, SourceFile, Tree};
pub use refusal::{Verdict, classify};
pub use side::{Side, side_files};
pub use sign::SigningKey;
pub use survey::{Marked, Survey, survey};

pub use crate::secret::Renewal;
use crate::{
    core::names::{CommitId, ConnectionName, RepoPath, RequestId},
    secret::Secret,
};
use worker::{Job, Lane, Shared};

/// Who we are to a git host, over HTTP.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `x-access-token`, an account, ...
    pub username: String,
    /// Its password or token.
    pub password: Secret,
    /// Where a newer one can be read, when the host refuses this one.
    pub renewal: Option<Renewal>,
}

/// A repository and where its mirror is kept.
#[derive(Debug)]
pub struct Source {
    /// Its name in `leverframe.yaml`.
    pub name: ConnectionName,
    /// `https://`, `http://`, `file://`, `ssh://` or `user@host:path`, without credentials in it.
    pub url: String,
    /// The branch that production follows.
    pub branch: String,
    /// For HTTP; without them the host is asked anonymously.
    pub credentials: Option<Credentials>,
    /// The mirror's folder, which is ours alone.
    pub directory: PathBuf,
    /// The program that reaches `ssh://` addresses, usually `ssh`.
    pub ssh: PathBuf,
    /// Signs our commits, where they are to be signed.
    pub key: Option<SigningKey>,
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
    /// aside (`<directory>.damaged`) and made anew. `client` carries the limits on connecting and on silence.
    ///
    /// # Errors
    /// When the address cannot be used or the folder cannot be written.
    pub fn open(source: Source, client: reqwest::Client, runtime: tokio::runtime::Handle) -> Result<Self, GitError> {
        let url = address(&source.url)?;
        if !git2::Reference::is_valid_name(&format!("refs/heads/{}", source.branch)) {
            return Err(GitError::BranchMissing(source.branch));
        }
        transport::register()?;
        let shared = Arc::new(Shared::new(source.branch, url.clone(), source.directory, source.key));
        worker::prepare(&shared)?;
        let login = Arc::new(Mutex::new(source.credentials));
        let session = || http::Session {
            client: client.clone(),
            runtime: runtime.clone(),
            url: url.clone(),
            ssh: source.ssh.clone(),
            login: Arc::clone(&login),
            place: Arc::default(),
            failure: http::Failure::default(),
        };
        let start = |what: &str| Lane::start(&format!("git-{what}-{}", source.name), Arc::clone(&shared), session());
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
        self.writer.ask(Job::Fetch).await
    }

    /// The branch that the host shows first; `None` where it says none.
    ///
    /// # Errors
    /// When the host cannot be asked or refuses us.
    pub async fn default_branch(&self) -> Result<Option<String>, GitError> {
        self.writer.call(remote::default_branch).await
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
        self.reader
            .call(move |room| Tree::named(&objects::Objects::of(&room.repository)?, &commit)?.directory(&directory))
            .await
    }

    /// The files of a target: those below its directory or its one file, and those elsewhere that they build on.
    ///
    /// # Errors
    /// When the commit is not in the mirror.
    pub async fn target(&self, commit: &CommitId, path: &RepoPath) -> Result<Vec<SourceFile>, GitError> {
        let (commit, path) = (commit.clone(), path.clone());
        self.reader
            .call(move |room| Tree::named(&objects::Objects::of(&room.repository)?, &commit)?.target(&path))
            .await
    }

    /// One text file; `None` where there is none of at most 1 MiB.
    ///
    /// # Errors
    /// When the commit is not in the mirror.
    pub async fn file(&self, commit: &CommitId, path: &RepoPath) -> Result<Option<SourceFile>, GitError> {
        let (commit, path) = (commit.clone(), path.clone());
        self.reader.call(move |room| Tree::named(&objects::Objects::of(&room.repository)?, &commit)?.file(&path)).await
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

    /// How a branch came from one commit to another: the commits that it was at since, oldest first, at most the newest
    /// `limit`. What a merge brought is the merge's.
    ///
    /// # Errors
    /// When `to` is not in the mirror.
    pub async fn since(&self, from: &CommitId, to: &CommitId, limit: usize) -> Result<Vec<CommitSummary>, GitError> {
        let (from, to) = (from.clone(), to.clone());
        self.reader.call(move |room| history::since(&room.repository, (&from, &to), limit)).await
    }

    /// The paths of the files that differ between two commits. Costs what differs, not what there is.
    ///
    /// # Errors
    /// When one of them is not in the mirror.
    pub async fn changed(&self, from: &CommitId, to: &CommitId) -> Result<Vec<RepoPath>, GitError> {
        let (from, to) = (from.clone(), to.clone());
        let compare = move |room: &mut worker::Room| {
            let objects = objects::Objects::of(&room.repository)?;
            let (from, to) = (Tree::named(&objects, &from)?.root(), Tree::named(&objects, &to)?.root());
            compare::changed(&objects, (from, to))
        };
        self.reader.call(compare).await
    }

    /// The one commit at or before `tip` whose id begins with `start`, and what it changed; `None` where there is none
    /// or more than one.
    ///
    /// # Errors
    /// When `tip` is not in the mirror.
    pub async fn changed_by(&self, tip: &CommitId, start: &str) -> Result<Option<Changed>, GitError> {
        let (tip, start) = (tip.clone(), start.to_owned());
        self.reader.call(move |room| changed::changed(&room.repository, &tip, &start)).await
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
            room.marks
                .find(&room.repository, tip, &[(&request, since)])?
                .remove(&request)
                .map(read::commit_id)
                .transpose()
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

    /// Asks the host whether it would take a push from us; nothing is sent. A folder is taken to.
    ///
    /// # Errors
    /// When the host cannot be asked, or does not let us push.
    pub async fn may_push(&self) -> Result<(), GitError> {
        let asked = |room: &mut worker::Room| match room.shared.url.starts_with("file:") {
            true => Ok(()),
            false => receive::greet(room),
        };
        self.writer.call(asked).await
    }

    /// Lands a change once: safe to call again after any failure or crash. Takes the host's time; changes that wait
    /// for the tracked branch go out in one push, a commit each; a lost race is run again on the new tip, up to about
    /// ten seconds.
    ///
    /// # Errors
    /// When the host cannot be asked or refuses, or the change cannot be committed.
    pub async fn land<E: Send + 'static>(&self, landing: Landing<E>) -> Result<Outcome<E>, GitError> {
        self.writer.ask(|reply| Job::Land(Box::new(land::Asked::new(landing, reply)))).await
    }
}

/// Checks a repository's address; what is refused never shows a password.
fn address(text: &str) -> Result<String, GitError> {
    let refused = |why: &str| Err(GitError::Address(why.to_owned()));
    if text.starts_with("ssh://") || !text.contains("://") {
        return ssh::Place::parse(text).map(|_| text.to_owned()).or_else(refused);
    }
    let Ok(url) = url::Url::parse(text) else { return refused("it is not a URL") };
    match url.scheme() {
        "http" | "https" | "file" => {}
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
        assert!(address("ssh://git@example.com/a.git").is_ok() && address("git@example.com:acme/a.git").is_ok());
        assert!(!shown("ssh://git:s3cret@example.com/a.git").contains("s3cret"));
        assert!(!shown("https://x-access-token:s3cret@example.com/a.git").contains("s3cret"));
        assert!(!shown("s3cret").contains("s3cret"));
    }
}
