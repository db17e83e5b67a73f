//! Why the ledger is not elsewhere, or not back from there, in words for the person who must act.

use crate::ledger::JournalError;

/// Why shipping, a backup or a recovery does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShipError {
    /// The place does not take or give something.
    #[error("{place} cannot be used: {cause}")]
    Unreachable {
        /// The place, as the configuration names it.
        place: String,
        /// What it, or the system, said.
        cause: String,
    },
    /// Another ledger, or a longer one, is kept there. Nothing of it is written over.
    #[error("{place} holds a ledger that this one does not continue")]
    Another {
        /// The place.
        place: String,
    },
    /// Nothing is kept there.
    #[error("{place} holds no ledger")]
    Nothing {
        /// The place.
        place: String,
    },
    /// What is kept there is damaged.
    #[error("what {place} holds is damaged: {why}")]
    Damaged {
        /// The place.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// There is a ledger where one should be made.
    #[error("there is a ledger in `{directory}` already")]
    Occupied {
        /// The directory.
        directory: String,
    },
    /// The journal here cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file here cannot be written.
    #[error("cannot write `{path}`: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        cause: String,
    },
}

impl ShipError {
    /// One sentence that names what to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreachable { .. } => {
                "Check `ledger.ship_to`, that the place is there and that we may write in it; it is tried again.".into()
            }
            Self::Another { place } => format!(
                "Recover from {place} with `leverframe recover` if that is the newer ledger, or name an empty place as `ledger.ship_to`."
            ),
            Self::Nothing { .. } => "Name the place where the ledger was shipped to, with `--from`.".into(),
            Self::Damaged { .. } => "Take an older copy, or another place where the ledger was shipped to.".into(),
            Self::Occupied { directory } => {
                format!("Move `{directory}` away if it is to be replaced, then ask again.")
            }
            Self::Journal(error) => error.remedy(),
            Self::File { path, .. } => format!("Check that `{path}` can be written and its disk has space."),
        }
    }
}
