//! What a button asks for, and the word for it in a button's id.

/// What a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// Yes.
    Approve,
    /// No.
    Reject,
    /// Take it back.
    Cancel,
    /// An incident: the trouble is over.
    Stable,
    /// An incident: it is over.
    Close,
    /// An incident: it is not.
    Reopen,
    /// A debt: the cluster gets what git says. What was meant for a time: it is given back now.
    GiveBack,
    /// A debt: the change may last longer.
    Extend,
    /// A debt: try the proposal again.
    Retry,
    /// What was meant for a time: it stays.
    Keep,
    /// A yes of one's own no longer counts.
    Withdraw,
    /// A drift: it stays as it is for an hour, and somebody owes the decision.
    Hold,
    /// A drift: git gets what is live.
    Adopt,
    /// A drift: the cluster gets what git says.
    Restore,
    /// A drift: it is somebody else's for a while.
    Leave,
    /// A drift: it is ours after all.
    Ours,
    /// A drift that was undone: the same by a break-glass.
    Again,
    /// What went through the emergency lane: it was looked at.
    Reviewed,
    /// What begins later: it begins now.
    Start,
}

/// Every one of them.
const ALL: [Press; 19] = [
    Press::Approve,
    Press::Reject,
    Press::Cancel,
    Press::Stable,
    Press::Close,
    Press::Reopen,
    Press::GiveBack,
    Press::Extend,
    Press::Retry,
    Press::Keep,
    Press::Withdraw,
    Press::Hold,
    Press::Adopt,
    Press::Restore,
    Press::Leave,
    Press::Ours,
    Press::Again,
    Press::Reviewed,
    Press::Start,
];

impl Press {
    /// The word in a button's id.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Cancel => "cancel",
            Self::Stable => "stable",
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::GiveBack => "give_back",
            Self::Extend => "extend",
            Self::Retry => "retry",
            Self::Keep => "keep",
            Self::Withdraw => "withdraw",
            Self::Hold => "hold",
            Self::Adopt => "adopt",
            Self::Restore => "restore",
            Self::Leave => "leave",
            Self::Ours => "ours",
            Self::Again => "break_again",
            Self::Reviewed => "reviewed",
            Self::Start => "start",
        }
    }

    /// The press that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        ALL.into_iter().find(|press| press.word() == word)
    }

    /// Whether whoever presses decides on what somebody else asked, so that the platform is asked who they are.
    pub fn is_vote(self) -> bool {
        let on_drift = matches!(self, Self::Hold | Self::Adopt | Self::Restore | Self::Leave);
        on_drift
            || matches!(self, Self::Approve | Self::Reject | Self::Extend | Self::Keep | Self::Reviewed | Self::Start)
    }
}
