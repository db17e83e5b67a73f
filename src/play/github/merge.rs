//! How a pull request enters its base branch: a squash, a merge commit or a rebase, made in the bare repository
//! without a work tree, and published only if the base has not moved meanwhile.

use git2::{Commit, Oid, Repository};
use jiff::Timestamp;

use super::accounts::Account;
use crate::play::{error::PlayError, repository::signature};

/// How to merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A commit with two parents.
    Merge,
    /// One commit with everything.
    Squash,
    /// Each commit again on top of the base.
    Rebase,
}

impl Method {
    /// `merge`, `squash` or `rebase`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "merge" => Some(Self::Merge),
            "squash" => Some(Self::Squash),
            "rebase" => Some(Self::Rebase),
            _ => None,
        }
    }
}

/// What is merged, and in whose name.
pub(super) struct Merging<'a> {
    pub(super) repository: &'a Repository,
    /// `refs/heads/main`.
    pub(super) base: String,
    pub(super) head: Oid,
    pub(super) method: Method,
    pub(super) message: String,
    /// The author of the pull request.
    pub(super) author: Account,
    /// Who pressed the button.
    pub(super) merger: Account,
    pub(super) at: Timestamp,
}

/// What came of it.
pub(super) enum Merged {
    /// The commit that the base points at now.
    At(Oid),
    /// The two sides change the same lines.
    Conflict,
}

/// Whether head and base can be merged without a person.
pub(super) fn is_clean(repository: &Repository, base: Oid, head: Oid) -> Result<bool, PlayError> {
    let (base, head) = (repository.find_commit(base)?, repository.find_commit(head)?);
    Ok(!repository.merge_commits(&base, &head, None)?.has_conflicts())
}

/// Merges and moves the base; tries again when somebody pushed to it meanwhile.
pub(super) fn merge(merging: &Merging<'_>) -> Result<Merged, PlayError> {
    let mut last = None;
    for _ in 0..20 {
        let base = merging.repository.refname_to_id(&merging.base)?;
        let Some(commit) = merging.commit_on(base)? else { return Ok(Merged::Conflict) };
        match merging.repository.reference_matching(&merging.base, commit, true, base, "merge pull request") {
            Ok(_) => return Ok(Merged::At(commit)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| git2::Error::from_str("the base keeps moving")).into())
}

impl Merging<'_> {
    fn commit_on(&self, base: Oid) -> Result<Option<Oid>, PlayError> {
        let (base, head) = (self.repository.find_commit(base)?, self.repository.find_commit(self.head)?);
        if self.method == Method::Rebase {
            return self.rebase(base, &head);
        }
        let mut index = self.repository.merge_commits(&base, &head, None)?;
        if index.has_conflicts() {
            return Ok(None);
        }
        let tree = self.repository.find_tree(index.write_tree_to(self.repository)?)?;
        let (author, parents) = match self.method {
            Method::Squash => (self.author, vec![&base]),
            Method::Merge | Method::Rebase => (self.merger, vec![&base, &head]),
        };
        let author = signature(author.name, &author.email(), self.at)?;
        let github = signature("GitHub", "noreply@github.com", self.at)?;
        Ok(Some(self.repository.commit(None, &author, &github, &self.message, &tree, &parents)?))
    }

    fn rebase(&self, base: Commit<'_>, head: &Commit<'_>) -> Result<Option<Oid>, PlayError> {
        let mut walk = self.repository.revwalk()?;
        walk.push(head.id())?;
        walk.hide(base.id())?;
        walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE)?;
        let committer = signature(self.merger.name, &self.merger.email(), self.at)?;
        let mut tip = base;
        for id in walk {
            let commit = self.repository.find_commit(id?)?;
            let mut index = self.repository.cherrypick_commit(&commit, &tip, 0, None)?;
            if index.has_conflicts() {
                return Ok(None);
            }
            let tree = self.repository.find_tree(index.write_tree_to(self.repository)?)?;
            let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
            let id = self.repository.commit(None, &commit.author(), &committer, &message, &tree, &[&tip])?;
            tip = self.repository.find_commit(id)?;
        }
        Ok(Some(tip.id()))
    }
}
