//! What opening a ledger found, in words for whoever reads the log of the start.

use std::{fmt, path::PathBuf};

/// Something that opening a ledger found and, except for a quarantine, put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The store was behind the journal, as after a crash.
    CaughtUp {
        /// How many entries it lacked.
        entries: u64,
    },
    /// The store could not be trusted, was set aside and made anew from the journal.
    Rebuilt {
        /// How many entries the new one holds.
        entries: u64,
        /// What was wrong with the old one.
        why: String,
        /// Where the old one is.
        kept_in: PathBuf,
    },
    /// The journal ended in the beginning of a record that was never acknowledged.
    TailCut {
        /// How many bytes were cut.
        bytes: u64,
    },
    /// The last record lacked only the byte that ends it.
    TailCompleted,
    /// The journal lacked entries that the store still had.
    Restored {
        /// How many were written back.
        entries: u64,
    },
    /// The journal is damaged: the ledger is read-only.
    Quarantined {
        /// What is wrong.
        why: String,
    },
}

impl Finding {
    /// Why the ledger is read-only, where this is why.
    pub(crate) fn quarantine(&self) -> Option<&str> {
        match self {
            Self::Quarantined { why } => Some(why),
            Self::CaughtUp { .. }
            | Self::Rebuilt { .. }
            | Self::TailCut { .. }
            | Self::TailCompleted
            | Self::Restored { .. } => None,
        }
    }

    /// One sentence that names what to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::CaughtUp { .. } | Self::TailCompleted => "Nothing needs to be done.".into(),
            Self::Rebuilt { kept_in, .. } => {
                format!("Delete `{}` once nobody wants to examine it.", kept_in.display())
            }
            Self::TailCut { .. } => "Nothing needs to be done after a crash; otherwise check this machine's disk.".into(),
            Self::Restored { .. } => "Check this machine's disk, and run `leverframe audit verify`.".into(),
            Self::Quarantined { .. } => {
                "Run `leverframe audit verify`, restore the journal from a backup or from where it is shipped, then restart `leverframe serve`.".into()
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CaughtUp { entries } => write!(f, "the ledger's store was behind and caught up {entries} entries"),
            Self::Rebuilt { entries, why, kept_in } => {
                let kept_in = kept_in.display();
                write!(
                    f,
                    "the ledger's store was rebuilt from {entries} entries and the old one kept in `{kept_in}`: {why}"
                )
            }
            Self::TailCut { bytes } => write!(f, "{bytes} bytes of an unfinished record were cut off the ledger"),
            Self::TailCompleted => f.write_str("the ledger's last record lacked its end and was completed"),
            Self::Restored { entries } => write!(f, "the journal had lost {entries} entries; the store still had them"),
            Self::Quarantined { why } => write!(f, "the ledger is damaged and read-only: {why}"),
        }
    }
}
