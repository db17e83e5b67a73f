//! How something stands, at a glance.

/// How a request stands, at a glance. Each has a word beside its sign, for those who do not see colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// People decide.
    Waiting,
    /// The bot or the cluster works.
    Working,
    /// Done, and true in the pods.
    Done,
    /// Ended without a change.
    Stopped,
    /// In git, and a newer change took over.
    Overtaken,
    /// In git, and nobody could see whether it runs.
    Unseen,
    /// It went wrong.
    Failed,
    /// Somebody must look at it.
    Alarm,
    /// Live, and owed to git.
    Owed,
}

impl Mark {
    /// What it says without colours and signs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "Needs approval",
            Self::Working => "In progress",
            Self::Done => "Done",
            Self::Stopped => "Stopped",
            Self::Overtaken => "Overtaken",
            Self::Unseen => "Not seen live",
            Self::Failed => "Failed",
            Self::Alarm => "Needs people",
            Self::Owed => "Owed to git",
        }
    }
}
