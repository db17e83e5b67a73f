//! What can go wrong with a repository, sorted by what can be done about it. The caller knows which connection
//! it asked and puts its name in front; nothing here holds a password or an address with one in it.

use crate::core::names::{CommitId, RepoPath};

/// Why a repository could not be read, fetched or pushed to. `Display` is for people; [`GitError::remedy`]
/// says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The host was not reached, broke off, or answered with a server error.
    #[error("the git host cannot be reached: {0}")]
    Unreachable(String),
    /// The host fell silent.
    #[error("the git host did not answer in time")]
    Timeout,
    /// 401 or 403: the credentials are missing, wrong, expired or too weak.
    #[error("the git host refuses our credentials: {0}")]
    Auth(String),
    /// There is no repository at the address, or none that these credentials may see.
    #[error("there is no repository at this address")]
    NotFound,
    /// The repository is elsewhere now, on another host, where our credentials must not go unasked.
    #[error("the repository has moved to `{0}`")]
    Moved(String),
    /// The tracked branch does not exist on the server.
    #[error("the repository has no branch `{0}`")]
    BranchMissing(String),
    /// The branch of a request exists and holds somebody else's commits.
    #[error("the branch `{0}` holds commits that are not ours")]
    BranchTaken(String),
    /// The host's rules forbid this push; in the host's words.
    #[error("the git host protects the branch: {0}")]
    Protected(String),
    /// The host refused the push for another reason; in the host's words.
    #[error("the git host refused the push: {0}")]
    Refused(String),
    /// Others were faster every time.
    #[error("others pushed first, {0} times in a row")]
    LostRace(u32),
    /// A path that Leverframe never writes.
    #[error("`{0}` is never written by Leverframe")]
    ProtectedPath(RepoPath),
    /// A change that cannot be committed as it is: the reason.
    #[error("this change cannot be committed: {0}")]
    Unfit(String),
    /// A commit that is not in the mirror.
    #[error("the commit `{}` is not known here", .0.short())]
    UnknownCommit(CommitId),
    /// The local mirror cannot be read. The next fetch sets it aside and clones again.
    #[error("the local copy of the repository is damaged: {0}")]
    Damaged(String),
    /// An address that cannot be used, or not yet.
    #[error("the repository's address cannot be used: {0}")]
    Address(String),
    /// The key in `sign_with` cannot sign.
    #[error("the key in `sign_with` cannot be used: {0}")]
    SigningKey(String),
    /// Anything else, in libgit2's words.
    #[error("git failed: {0}")]
    Other(String),
}

impl GitError {
    /// What to do about it: one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreachable(_) | Self::Timeout => {
                "Wait: it is tried again by itself; if it stays, look at the host's status page and the proxy.".into()
            }
            Self::Auth(_) => {
                "Give the repository a `password` that is valid and may write contents, then start again.".into()
            }
            Self::NotFound => {
                "Correct `url` in `leverframe.yaml`, or give its account access to the repository.".into()
            }
            Self::Moved(to) => format!("Write `{to}` as the repository's `url` in `leverframe.yaml`."),
            Self::BranchMissing(branch) => {
                format!("Push a first commit to `{branch}`, or correct `branch` in `leverframe.yaml`.")
            }
            Self::BranchTaken(branch) => format!("Delete the branch `{branch}`, or ask again with a new request."),
            Self::Protected(_) => {
                "Use `landing: pull_request` for this environment, or let Leverframe's account bypass the rule.".into()
            }
            Self::Refused(_) => "Ask whoever runs the git host what its hook wants, then ask again.".into(),
            Self::LostRace(_) => "Ask again when the branch is calmer.".into(),
            Self::ProtectedPath(path) => format!("Change `{path}` by hand, in a reviewed commit."),
            Self::Unfit(_) => "Correct the file in git by hand, then ask again.".into(),
            Self::UnknownCommit(_) => "Ask again: the change is planned on the present tip of the branch.".into(),
            Self::Damaged(_) => {
                "Wait: it is set aside and cloned again by itself; look at the disk if it stays.".into()
            }
            Self::Address(_) => {
                "Write `url` as `https://host/owner/name.git` without a password in it; that goes into `password`."
                    .into()
            }
            Self::SigningKey(_) => {
                "Make one with `ssh-keygen -t ed25519 -N ''` and refer to its private file in `sign_with`.".into()
            }
            Self::Other(_) => "Look at the log under this request's id; if it stays, report it.".into(),
        }
    }

    /// Whether the same call may succeed later with nothing changed on our side.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout | Self::LostRace(_) | Self::Damaged(_) => true,
            Self::Auth(_)
            | Self::NotFound
            | Self::Moved(_)
            | Self::BranchMissing(_)
            | Self::BranchTaken(_)
            | Self::Protected(_)
            | Self::Refused(_)
            | Self::ProtectedPath(_)
            | Self::Unfit(_)
            | Self::UnknownCommit(_)
            | Self::Address(_)
            | Self::SigningKey(_)
            | Self::Other(_) => false,
        }
    }

    /// Whether only a new request helps: the host or the file refuses this very change, whenever it is tried.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Protected(_) | Self::Refused(_) | Self::BranchTaken(_) | Self::ProtectedPath(_) | Self::Unfit(_) => {
                true
            }
            Self::Unreachable(_)
            | Self::Timeout
            | Self::Auth(_)
            | Self::NotFound
            | Self::Moved(_)
            | Self::BranchMissing(_)
            | Self::LostRace(_)
            | Self::UnknownCommit(_)
            | Self::Damaged(_)
            | Self::Address(_)
            | Self::SigningKey(_)
            | Self::Other(_) => false,
        }
    }

    /// Sorts what libgit2 says about the mirror itself: objects and references that cannot be read are damage,
    /// for nothing but us writes there.
    pub(super) fn local(error: &git2::Error) -> Self {
        use git2::{ErrorClass, ErrorCode};
        let damage =
            [ErrorClass::Odb, ErrorClass::Zlib, ErrorClass::Object, ErrorClass::Indexer, ErrorClass::Reference]
                .contains(&error.class())
                || [ErrorCode::Locked, ErrorCode::HashsumMismatch].contains(&error.code());
        let words = error.message().to_owned();
        if damage { Self::Damaged(words) } else { Self::Other(words) }
    }
}

impl From<git2::Error> for GitError {
    fn from(error: git2::Error) -> Self {
        Self::local(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_to_do() {
        let commit = CommitId::parse(&"a".repeat(40)).unwrap();
        let path = RepoPath::parse(".github/workflows/x.yaml").unwrap();
        let words = || "words".to_owned();
        let all = [
            (GitError::Unreachable(words()), true),
            (GitError::Timeout, true),
            (GitError::Auth(words()), false),
            (GitError::NotFound, false),
            (GitError::Moved(words()), false),
            (GitError::BranchMissing(words()), false),
            (GitError::BranchTaken(words()), false),
            (GitError::Protected(words()), false),
            (GitError::Refused(words()), false),
            (GitError::LostRace(24), true),
            (GitError::ProtectedPath(path), false),
            (GitError::Unfit(words()), false),
            (GitError::UnknownCommit(commit), false),
            (GitError::Damaged(words()), true),
            (GitError::Address(words()), false),
            (GitError::SigningKey(words()), false),
            (GitError::Other(words()), false),
        ];
        for (error, passing) in all {
            assert!(error.remedy().ends_with('.'), "{error}");
            assert_eq!(error.is_passing(), passing, "{error}");
            let asks_again = error.remedy().contains("sk again") || error.remedy().contains("landing:");
            assert!(!(error.is_final() && error.is_passing()), "{error}");
            assert!(!error.is_final() || asks_again || error.remedy().contains("by hand"), "{error}");
        }
    }
}
