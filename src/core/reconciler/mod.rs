//! Whether a reconciler has brought a commit to its cluster: what it shows of itself in, one verdict out. What decides
//! is which commits contain which, never the clocks of two machines: a revision that contains the commit was read after
//! the commit was made. Whether a revision contains it is looked up by the caller and passed in.

pub mod argocd;
pub mod flux;
mod hold;
#[cfg(test)]
mod tests;
pub mod undo;

use std::collections::BTreeMap;

use argocd::Application;
use flux::Flux;

pub use hold::{Hold, Obstacle};
pub use undo::Undoes;

use super::names::CommitId;

/// How far a reconciler is with a commit. The words go on after a colon and end without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has not taken the commit up, and will by itself.
    NotYet(String),
    /// It waits for a person: suspended, without auto-sync, outside its sync window.
    Held(String),
    /// It is at it.
    Progressing(String),
    /// It cannot, for this reason. It may come right; somebody should look.
    Failed(String),
    /// It has applied the commit, and finds the result healthy.
    Synced,
    /// The commit changes nothing of what it applies, and that is healthy.
    NoChangeNeeded,
    /// Nobody can tell from here.
    CannotSee(String),
}

/// Whether a revision holds a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// It is that commit, or one that came after it.
    Contains,
    /// It is one that does not have it.
    Behind,
    /// The repository does not know the revision.
    Unknown,
}

/// What the caller wants to know of.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The commit that landed.
    pub commit: &'a CommitId,
    /// The branch that it landed on.
    pub branch: &'a str,
    /// The address of the repository, without credentials.
    pub repository: &'a str,
    /// For each revision that [`Seen::revisions`] names, whether it contains the commit.
    pub ancestry: &'a BTreeMap<String, Ancestry>,
    /// The namespace of the workload.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl Sight<'_> {
    /// Whether a revision contains the commit.
    fn of(&self, revision: &str) -> Ancestry {
        if commit_of(revision).is_some_and(|found| &found == self.commit) {
            return Ancestry::Contains;
        }
        self.ancestry.get(revision).copied().unwrap_or(Ancestry::Unknown)
    }
}

/// What a reconciler can be told to do about a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Nothing: it does by itself what is to be done.
    Nothing,
    /// To look again: what it shows is older than what it did.
    Look,
    /// To apply exactly this commit, which it does not do by itself.
    Sync,
}

/// What a reconciler shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// An Argo CD Application.
    ArgoCd(Box<Application>),
    /// A Flux Kustomization or HelmRelease, with what it depends on.
    Flux(Box<Flux>),
    /// Its object is not there: what is missing, in words.
    Missing(String),
}

impl Seen {
    /// The revisions that the verdict asks about.
    pub fn revisions(&self) -> Vec<&str> {
        match self {
            Self::ArgoCd(application) => application.all_revisions(),
            Self::Flux(flux) => flux.all_revisions(),
            Self::Missing(_) => Vec::new(),
        }
    }

    /// The form that was judged, for what may be done to that form alone.
    pub fn version(&self) -> &str {
        match self {
            Self::ArgoCd(application) => &application.version,
            Self::Flux(_) | Self::Missing(_) => "",
        }
    }

    /// How far it is.
    pub fn verdict(&self, sight: &Sight<'_>) -> Verdict {
        match self {
            Self::ArgoCd(application) => argocd::verdict(application, sight),
            Self::Flux(flux) => flux::verdict(flux, sight),
            Self::Missing(what) => Verdict::CannotSee(what.clone()),
        }
    }

    /// What it should be told.
    pub fn wants(&self, sight: &Sight<'_>) -> Want {
        match self {
            Self::ArgoCd(application) => argocd::wants(application, sight),
            Self::Flux(flux) => flux::wants(flux, sight),
            Self::Missing(_) => Want::Nothing,
        }
    }
}

/// The commit in a revision: `4f2a...`, `main@sha1:4f2a...`, `main/4f2a...`.
pub fn commit_of(revision: &str) -> Option<CommitId> {
    CommitId::parse(revision.rsplit([':', '/']).next()?).ok()
}

/// A revision for people: the first digits of its commit, or as it is.
fn short(revision: &str) -> String {
    commit_of(revision).map_or_else(|| revision.chars().take(40).collect(), |commit| commit.short().to_owned())
}

/// The first line of what somebody else's program said, cut, as it goes on after a colon.
fn said(message: &str) -> String {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it does not say why");
    line.trim_end_matches('.').chars().take(300).collect()
}
