//! What somebody does who may not, in words that fit it.

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// They ask for something.
    Ask,
    /// They decide on what somebody else asked.
    Vote,
}

impl Act {
    /// `Bots cannot ...`.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Ask => "ask for changes",
            Self::Vote => "vote",
        }
    }

    /// What became of it where they may not.
    pub fn undone(self) -> &'static str {
        match self {
            Self::Ask => "nothing was done",
            Self::Vote => "this was not counted",
        }
    }
}
