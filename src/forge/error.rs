//! What can go wrong with the forge, by what can be done about it.

/// Why the forge did not do what it was asked, by what can be done about it. Words in it are the host's,
/// cleaned and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// 401.
    #[error("GitHub does not accept our token")]
    Unauthorized,
    /// 403, and no limit on the rate.
    #[error("GitHub forbids it: {0}")]
    Forbidden(String),
    /// 403 or 429: too many requests.
    #[error("GitHub asks us to wait {retry_after} s: too many requests")]
    RateLimited {
        /// Seconds.
        retry_after: u64,
    },
    /// 404, or a repository that the token may not see.
    #[error("GitHub finds no such repository or pull request")]
    NotFound,
    /// The repository answers elsewhere now.
    #[error("the repository has moved on GitHub")]
    Moved,
    /// 409, or merged with other commits than those approved.
    #[error("the pull request's branch has other commits than those approved")]
    HeadMoved,
    /// The base branch moved while GitHub was merging.
    #[error("the base branch moved while GitHub was merging")]
    BaseMoved,
    /// 405: conflicts, missing reviews, failing checks.
    #[error("GitHub does not merge it: {0}")]
    NotMergeable(String),
    /// 422.
    #[error("GitHub refuses the request: {0}")]
    Invalid(String),
    /// 5xx.
    #[error("GitHub answered with error {0}")]
    Server(u16),
    /// An answer that cannot be read.
    #[error("GitHub gave an answer that cannot be read: {0}")]
    Garbage(String),
    /// The connection could not be made, or broke.
    #[error("GitHub cannot be reached: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("GitHub did not answer in time")]
    TimedOut,
    /// The address, owner, name or token of the configuration cannot be used.
    #[error("the `github` settings cannot be used: {0}")]
    Settings(String),
}

impl ForgeError {
    /// What to do about it: one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unauthorized => {
                "Put a valid token into `github.token`, or the App's id and key into `github.app`, then start again."
                    .into()
            }
            Self::Forbidden(_) => {
                "Give the token read and write access to pull requests and contents of the repository.".into()
            }
            Self::RateLimited { retry_after } => format!("Wait: it is tried again by itself in {retry_after} s."),
            Self::NotFound => "Correct `github: { owner, name }` of the repository, or let the token see it.".into(),
            Self::Moved => "Write the repository's new owner and name into `leverframe.yaml`.".into(),
            Self::HeadMoved => {
                "Look at the new commits, then ask again: what was approved is no longer what is there.".into()
            }
            Self::BaseMoved => "Wait: it is tried again by itself.".into(),
            Self::NotMergeable(_) => {
                "Open the pull request, see which review, check or conflict is in the way, and clear it.".into()
            }
            Self::Invalid(_) => {
                "Open the repository on GitHub and look whether the branch and its base are there.".into()
            }
            Self::Server(_) | Self::Unreachable(_) | Self::TimedOut => {
                "Wait: it is tried again by itself; if it stays, look at GitHub's status page and the proxy.".into()
            }
            Self::Garbage(_) => {
                "Look whether `github.api` is the API's address; GitHub Enterprise's ends with `/api/v3`.".into()
            }
            Self::Settings(_) => "Correct the `github` settings in `leverframe.yaml`, then start again.".into(),
        }
    }

    /// Whether the same call may succeed later with nothing changed on our side.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::BaseMoved
            | Self::Server(_)
            | Self::Garbage(_)
            | Self::Unreachable(_)
            | Self::TimedOut => true,
            Self::Unauthorized
            | Self::Forbidden(_)
            | Self::NotFound
            | Self::Moved
            | Self::HeadMoved
            | Self::NotMergeable(_)
            | Self::Invalid(_)
            | Self::Settings(_) => false,
        }
    }

    /// Whether the request may have been carried out although its answer was lost.
    pub(super) fn is_ambiguous(&self) -> bool {
        match self {
            Self::Server(_) | Self::Garbage(_) | Self::Unreachable(_) | Self::TimedOut => true,
            Self::Unauthorized
            | Self::Forbidden(_)
            | Self::RateLimited { .. }
            | Self::NotFound
            | Self::Moved
            | Self::HeadMoved
            | Self::BaseMoved
            | Self::NotMergeable(_)
            | Self::Invalid(_)
            | Self::Settings(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_to_do() {
        let words = || "words".to_owned();
        let all = [
            (ForgeError::Unauthorized, false),
            (ForgeError::Forbidden(words()), false),
            (ForgeError::RateLimited { retry_after: 7 }, true),
            (ForgeError::NotFound, false),
            (ForgeError::Moved, false),
            (ForgeError::HeadMoved, false),
            (ForgeError::BaseMoved, true),
            (ForgeError::NotMergeable(words()), false),
            (ForgeError::Invalid(words()), false),
            (ForgeError::Server(502), true),
            (ForgeError::Garbage(words()), true),
            (ForgeError::Unreachable(words()), true),
            (ForgeError::TimedOut, true),
            (ForgeError::Settings(words()), false),
        ];
        for (error, passing) in all {
            assert!(error.remedy().ends_with('.'), "{error}");
            assert_eq!(error.is_passing(), passing, "{error}");
            assert!(passing || !error.is_ambiguous(), "what may have been done is worth asking again: {error}");
        }
    }
}
