//! What happened before a commit: who changed a path, whether a request has landed, what descends from what.

use std::collections::HashMap;

use git2::{Commit, Oid, Repository, Sort};
use jiff::Timestamp;

use super::{
    error::GitError,
    objects::Objects,
    read::{Tree, commit_id, known},
};
use crate::core::names::{CommitId, RepoPath, RequestId};

/// The trailer that marks a commit as a request's.
pub const REQUEST_TRAILER: &str = "Leverframe-Request";

/// How many commits are looked at for the history of a path.
pub(super) const DEEPEST: usize = 20_000;

/// A commit in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitSummary {
    /// Its id.
    pub id: CommitId,
    /// Who wrote it.
    pub author: String,
    /// When it was committed.
    pub time: Timestamp,
    /// Its first line.
    pub subject: String,
    /// The trailers of its message, in order.
    pub trailers: Vec<(String, String)>,
}

impl CommitSummary {
    pub(super) fn of(commit: &Commit<'_>) -> Result<Self, GitError> {
        let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
        Ok(Self {
            id: commit_id(commit.id())?,
            author: String::from_utf8_lossy(commit.author().name_bytes()).into_owned(),
            time: time_of(commit),
            subject: message.lines().next().unwrap_or_default().to_owned(),
            trailers: trailers(&message),
        })
    }
}

/// The trailers of a commit message: `Name: value` lines of its last paragraph.
pub(super) fn trailers(message: &str) -> Vec<(String, String)> {
    let found = git2::message_trailers_strs(message);
    found
        .map(|found| found.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        .unwrap_or_default()
}

/// Whether a message carries the request's mark.
pub(super) fn is_marked(message: &str, request: &RequestId) -> bool {
    trailers(message).iter().any(|(name, value)| name == REQUEST_TRAILER && value == request.as_str())
}

pub(super) fn time_of(commit: &Commit<'_>) -> Timestamp {
    Timestamp::from_second(commit.time().seconds()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The commits that change `path`, newest first: those whose file or directory differs from every parent's.
pub(super) fn history(
    repository: &Repository,
    commit: &CommitId,
    path: &RepoPath,
    limit: usize,
) -> Result<Vec<CommitSummary>, GitError> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
    walk.push(known(repository, commit)?)?;
    let mut seen = HashMap::new();
    let mut found = Vec::new();
    for id in walk.take(DEEPEST) {
        if found.len() >= limit {
            break;
        }
        let commit = repository.find_commit(id?)?;
        let here = state_at(repository, commit.id(), path, &mut seen)?;
        seen.remove(&commit.id());
        if differs_from_parents(repository, &commit, here, path, &mut seen)? {
            found.push(CommitSummary::of(&commit)?);
        }
    }
    Ok(found)
}

/// How a branch came from one commit to another: the commits that it was at since, oldest first, at most the newest
/// `limit`. What a merge brought is the merge's.
pub(super) fn since(
    repository: &Repository,
    (from, to): (&CommitId, &CommitId),
    limit: usize,
) -> Result<Vec<CommitSummary>, GitError> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
    walk.simplify_first_parent()?;
    walk.push(known(repository, to)?)?;
    match known(repository, from) {
        Ok(from) => walk.hide(from)?,
        Err(GitError::UnknownCommit(_)) => {}
        Err(error) => return Err(error),
    }
    let newest = walk.take(limit).map(|id| CommitSummary::of(&repository.find_commit(id?)?));
    let mut all = newest.collect::<Result<Vec<_>, GitError>>()?;
    all.reverse();
    Ok(all)
}

/// What stands at a path in a commit: the id of its blob or tree.
fn state_at(
    repository: &Repository,
    commit: Oid,
    path: &RepoPath,
    seen: &mut HashMap<Oid, Option<Oid>>,
) -> Result<Option<Oid>, GitError> {
    if let Some(state) = seen.get(&commit) {
        return Ok(*state);
    }
    let state = Tree::of(&Objects::of(repository)?, commit)?.entry(path)?.map(|found| found.id);
    seen.insert(commit, state);
    Ok(state)
}

fn differs_from_parents(
    repository: &Repository,
    commit: &Commit<'_>,
    here: Option<Oid>,
    path: &RepoPath,
    seen: &mut HashMap<Oid, Option<Oid>>,
) -> Result<bool, GitError> {
    if commit.parent_count() == 0 {
        return Ok(here.is_some());
    }
    for parent in commit.parent_ids() {
        if state_at(repository, parent, path, seen)? == here {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A request and since when its commit may be there.
pub(super) type Sought<'s> = (&'s RequestId, Timestamp);

/// The request whose mark a commit carries.
pub(super) fn mark_of(commit: &Commit<'_>) -> Option<RequestId> {
    let bytes = commit.message_raw_bytes();
    // Most commits are somebody else's: what has not even the word is not read as trailers.
    if !bytes.windows(REQUEST_TRAILER.len()).any(|window| window == REQUEST_TRAILER.as_bytes()) {
        return None;
    }
    let trailers = trailers(&String::from_utf8_lossy(commit.message_bytes()));
    trailers.into_iter().find(|(name, _)| name == REQUEST_TRAILER).and_then(|(_, id)| RequestId::parse(&id).ok())
}

/// Whether `of` contains `commit`. The mirror holds all of what it knows, so a commit that is not here is in
/// none of it.
pub(super) fn is_ancestor(repository: &Repository, commit: &CommitId, of: &CommitId) -> Result<bool, GitError> {
    let of = known(repository, of)?;
    match known(repository, commit) {
        Ok(commit) => Ok(commit == of || repository.graph_descendant_of(of, commit)?),
        Err(GitError::UnknownCommit(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trailer_marks_a_commit() {
        let request = RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap();
        let mark = "Leverframe-Request: 01JD2Z6V8Q3K5N7P9R1T3W5Y7A";
        assert!(is_marked(&format!("deploy\n\nwhy\n\n{mark}\nRequested-by: ana\n"), &request));
        assert!(!is_marked(&format!("deploy\n\nbecause\n{mark}\n\nRequested-by: ana\n"), &request));
        assert!(!is_marked("deploy\n\nLeverframe-Request: 01JD2Z6V8Q3K5N7P9R1T3W5Y7B\n", &request));
    }
}
