//! Where a debt stands, and the one function that says what each event makes of each state.

use serde::{Deserialize, Serialize};

use super::{Ending, Event, Moved, WriteOff};
use crate::core::{entry::Actor, names::RequestId};

/// Which side gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Git gets what is live.
    Git,
    /// Live gets what git says.
    Live,
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The change may be live.
    Opened,
    /// The change is live, and git does not say so.
    Owed {
        /// Why the last proposal came to nothing; absent: one is about to be made.
        halted: Option<String>,
    },
    /// A request is under way that brings it into git.
    Proposed {
        /// The request.
        request: RequestId,
    },
    /// One side has given way; that they agree is yet to be seen.
    Settled {
        /// Which.
        side: Side,
        /// The request that brought it into git.
        request: Option<RequestId>,
    },
    /// Somebody chose to give the cluster what git says.
    Reverting,
    /// They agree, seen while the reconciler was held off: it may go on.
    Proven {
        /// Which side gave way.
        side: Side,
    },
    /// The reconciler goes on; that they still agree is yet to be seen.
    Resumed {
        /// Which side gave way.
        side: Side,
    },
    /// Git and live differ on purpose, as two persons said.
    WrittenOff {
        /// What was asked for, by whom.
        asked: WriteOff,
        /// Who agreed.
        agreed: Actor,
    },
    /// Over.
    Over {
        /// How.
        ending: Ending,
        /// By whom.
        by: Actor,
    },
}

/// An event that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` does not fit a debt that is {state}")]
pub struct Refused {
    /// The event's kind.
    pub event: &'static str,
    /// The state's word.
    pub state: &'static str,
}

impl State {
    /// The state in a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Owed { .. } => "owed",
            Self::Proposed { .. } => "proposed to git",
            Self::Settled { .. } => "being proven",
            Self::Reverting => "being given back",
            Self::Proven { .. } => "proven",
            Self::Resumed { .. } => "being proven again",
            Self::WrittenOff { .. } => "written off",
            Self::Over { .. } => "over",
        }
    }

    /// The state after an event; what is not named does not fit.
    ///
    /// # Errors
    /// When the event does not fit, which leaves the state as it was.
    pub fn after(self, event: Event) -> Result<Self, Refused> {
        let refused = Refused { event: event.kind(), state: self.word() };
        let next = match (self, event) {
            // A further value that is live now is to be brought into git with the others.
            (Self::Opened | Self::Owed { .. } | Self::Proposed { .. }, Event::Live) => {
                Some(Self::Owed { halted: None })
            }
            (Self::Owed { .. } | Self::Proposed { .. }, Event::WrittenOff(asked, agreed)) => {
                Some(Self::WrittenOff { asked, agreed })
            }
            (state @ (Self::Owed { .. } | Self::Proposed { .. }), Event::WriteOffAsked(_) | Event::WriteOffRefused) => {
                Some(state)
            }
            (state @ Self::WrittenOff { .. }, event) => state.after_write_off(event),
            // What waits for a person goes on waiting.
            (Self::Owed { halted: None } | Self::Proposed { .. }, Event::Moved { to: Moved::Live(_), .. }) => {
                Some(Self::Owed { halted: None })
            }
            (
                state @ (Self::Opened | Self::Owed { .. } | Self::Proposed { .. }),
                Event::Grown { .. } | Event::Shrunk { .. } | Event::Moved { .. },
            ) => Some(state),
            (Self::Opened, Event::Ended(ending @ Ending::NeverLive, by)) => Some(Self::Over { ending, by }),
            // Another request takes its place where what is owed is another by then.
            (Self::Owed { .. } | Self::Proposed { .. }, Event::Proposed { request }) => {
                Some(Self::Proposed { request })
            }
            (
                Self::Owed { .. } | Self::Proposed { .. } | Self::Reverting | Self::Settled { .. },
                Event::Halted { why },
            ) => Some(Self::Owed { halted: Some(why) }),
            (Self::Owed { halted: Some(_) }, Event::Retried) => Some(Self::Owed { halted: None }),
            (Self::Proposed { request }, Event::Settled { side: Side::Git }) => {
                Some(Self::Settled { side: Side::Git, request: Some(request) })
            }
            (Self::Owed { .. } | Self::Reverting, Event::Settled { side }) => {
                Some(Self::Settled { side, request: None })
            }
            (Self::Owed { .. } | Self::Proposed { .. }, Event::RevertChosen) => Some(Self::Reverting),
            (Self::Settled { side, .. }, Event::Proven) => Some(Self::Proven { side }),
            (Self::Proven { side }, Event::Resumed) => Some(Self::Resumed { side }),
            (Self::Resumed { side }, Event::Ended(Ending::Paid { .. }, by)) => {
                Some(Self::Over { ending: Ending::Paid { side }, by })
            }
            (
                state @ (Self::Opened
                | Self::Owed { .. }
                | Self::Proposed { .. }
                | Self::Settled { .. }
                | Self::Reverting
                | Self::Proven { .. }
                | Self::Resumed { .. }),
                Event::Reminded | Event::Overdue | Event::Extended { .. } | Event::Taken(_),
            ) => Some(state),
            _ => None,
        };
        next.ok_or(refused)
    }

    /// The state after an event, of what is written off.
    fn after_write_off(self, event: Event) -> Option<Self> {
        match event {
            // It is owed again, also where the cluster is changed once more.
            Event::Returned | Event::Retried | Event::Live => Some(Self::Owed { halted: None }),
            Event::RevertChosen => Some(Self::Reverting),
            Event::Settled { side: Side::Git } => Some(Self::Settled { side: Side::Git, request: None }),
            Event::Grown { .. } | Event::Shrunk { .. } | Event::Moved { .. } | Event::Taken(_) => Some(self),
            Event::Settled { side: Side::Live }
            | Event::Proposed { .. }
            | Event::Halted { .. }
            | Event::Proven
            | Event::Resumed
            | Event::Reminded
            | Event::Overdue
            | Event::Extended { .. }
            | Event::WriteOffAsked(_)
            | Event::WriteOffRefused
            | Event::WrittenOff(..)
            | Event::Ended(..) => None,
        }
    }
}
