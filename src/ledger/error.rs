//! What can go wrong with the ledger, in words for the person who must act. Every error has a remedy.

use std::{io, path::Path};

/// Why the ledger did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Another process has this ledger open.
    #[error("the ledger in `{directory}` is held by {}", holder(*.pid))]
    Held {
        /// The ledger's directory.
        directory: String,
        /// The holder's process id, where its lock file tells.
        pid: Option<u32>,
    },
    /// A file or directory of the ledger could not be used.
    #[error("cannot {doing} `{path}`: {cause}")]
    File {
        /// What was tried: "create", "write", ...
        doing: &'static str,
        /// The file or directory.
        path: String,
        /// What the system said.
        cause: String,
    },
    /// The disk refused the record. Nothing of it is in the ledger, and later ones may pass.
    #[error("the ledger could not be written, so nothing was done: {cause}")]
    NotWritten {
        /// What the system said.
        cause: String,
    },
    /// The ledger can be read but takes nothing new.
    #[error("the ledger is read-only: {why}")]
    ReadOnly {
        /// What made it so.
        why: String,
    },
    /// There is no gap to be accepted.
    #[error("the ledger disagrees with nothing outside that could be given up")]
    NoGap,
    /// A draft that must not become an entry.
    #[error("`{kind}` cannot be recorded: {why}")]
    BadDraft {
        /// The draft's kind.
        kind: String,
        /// The rule it breaks.
        why: String,
    },
    /// The operating system gave no random bytes for a salt.
    #[error("the operating system gave no randomness, so nothing was recorded")]
    NoRandomness,
    /// The store beside the journal could not be read.
    #[error("the ledger's store cannot be read: {cause}")]
    Store {
        /// What the store said.
        cause: String,
    },
    /// The journal is damaged where it was read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The ledger was closed, or its thread is gone.
    #[error("the ledger is closed")]
    Closed,
}

impl LedgerError {
    /// One sentence that names what to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Held { pid: Some(pid), .. } => {
                format!("Stop process {pid}, or set `data` in `leverframe.yaml` to another directory.")
            }
            Self::Held { pid: None, .. } => {
                "Stop the other `leverframe`, or set `data` in `leverframe.yaml` to another directory.".into()
            }
            Self::File { path, .. } => {
                format!("Check that `{path}` exists, that its disk has space and that this user may write there.")
            }
            Self::NotWritten { .. } => "Free space on the ledger's disk or repair it, then ask again.".into(),
            Self::ReadOnly { .. } => {
                "Run `leverframe audit verify` to see what is wrong, repair or restore it, then restart `leverframe serve`; what is lost for good is given up with `leverframe audit accept-gap`.".into()
            }
            Self::NoGap => "Run `leverframe audit verify` to see how the ledger stands.".into(),
            Self::BadDraft { .. } => "Report this as a defect of Leverframe, with the command that was typed.".into(),
            Self::NoRandomness => "Check that `/dev/urandom` works on this machine, then ask again.".into(),
            Self::Store { .. } => "Restart `leverframe serve`: it rebuilds the store from the journal.".into(),
            Self::Journal(error) => error.remedy(),
            Self::Closed => "Restart `leverframe serve`.".into(),
        }
    }

    /// For `map_err`: names what was tried on which path.
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::File { doing, path: path.display().to_string(), cause: cause.to_string() }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// Why the journal could not be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// A file of the journal could not be read.
    #[error("cannot read `{path}`: {cause}")]
    Unreadable {
        /// The file or directory.
        path: String,
        /// What the system said.
        cause: String,
    },
    /// A complete line is wrong, or entries are missing.
    #[error("entry {seq} is damaged: `{segment}` at byte {offset}: {why}")]
    Damaged {
        /// The first entry that cannot be trusted.
        seq: u64,
        /// The segment's file name.
        segment: String,
        /// Where in it the line starts.
        offset: u64,
        /// What is wrong.
        why: String,
    },
}

impl JournalError {
    /// One sentence that names what to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable { path, .. } => format!("Check that `{path}` exists and that this user may read it."),
            Self::Damaged { segment, .. } => {
                format!(
                    "Restore `{segment}` from a backup or from where the journal is shipped, then run `leverframe audit verify`."
                )
            }
        }
    }

    /// For `map_err`: names the path.
    pub(crate) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Unreadable { path: path.display().to_string(), cause: cause.to_string() }
    }
}
