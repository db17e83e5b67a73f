//! Appending: entries get their places at once and wait for the disk together, each append with a receipt.

use serde_json::Value;

use super::{
    Append, Ledger, LedgerError, Outcome, State,
    ahead::Generation,
    receipt::Receipt,
    shared::{Earlier, locked},
    writer::Message,
};
use crate::core::entry::Recorded;

/// When an append is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// While the ledger takes entries.
    Usual,
    /// Also while it is read-only.
    Always,
}

/// What became of an append before it is durable.
#[derive(Debug)]
pub enum Submitted {
    /// The entries have their places. They are recorded once the receipt says so, and until then they are nobody's
    /// business outside.
    Placed {
        /// As they will stand.
        recorded: Vec<Recorded>,
        /// Tells when they do.
        receipt: Receipt,
    },
    /// The event was answered before, with this; nothing was placed.
    SeenBefore {
        /// The first answer.
        answer: Value,
        /// Tells when that is durable.
        receipt: Receipt,
    },
    /// Something that the append was decided on could not be written. Decide again, on what there is.
    Stale,
}

impl Ledger {
    /// Appends entries, all or none. They are durable when this returns.
    ///
    /// # Errors
    /// When the ledger is read-only or closed, a draft breaks a rule, or the disk refuses; then nothing was appended.
    pub async fn append(&self, append: Append) -> Result<Outcome, LedgerError> {
        match self.place(append, None, Admission::Usual).await? {
            Submitted::Placed { recorded, receipt } => receipt.durable().await.map(|()| Outcome::Appended(recorded)),
            Submitted::SeenBefore { answer, receipt } => receipt.durable().await.map(|()| Outcome::SeenBefore(answer)),
            Submitted::Stale => Err(LedgerError::Closed),
        }
    }

    /// Gives entries their places, all or none, without waiting for the disk: those of the next call come after them.
    /// They were decided on facts of the generation `as_of`.
    ///
    /// # Errors
    /// As [`Ledger::append`], but for the disk, of which the receipt tells.
    pub async fn submit(&self, append: Append, as_of: Generation) -> Result<Submitted, LedgerError> {
        self.place(append, Some(as_of), Admission::Usual).await
    }

    /// The generation of the facts that are placed now.
    pub fn generation(&self) -> Generation {
        locked(&self.shared.ahead).generation()
    }

    /// How long the ledger was when a generation ended; `None` while it lasts.
    pub fn end_of(&self, generation: Generation) -> Option<u64> {
        locked(&self.shared.ahead).ends.get(generation.0).copied()
    }

    pub(crate) async fn place(
        &self,
        append: Append,
        as_of: Option<Generation>,
        admission: Admission,
    ) -> Result<Submitted, LedgerError> {
        let permit = self.messages.reserve().await.map_err(|_| LedgerError::Closed)?;
        // Held until the message is sent, so that messages are in the order of their places.
        let mut ahead = locked(&self.shared.ahead);
        if let (State::ReadOnly { why }, Admission::Usual) = (self.shared.state(), admission) {
            return Err(LedgerError::ReadOnly { why });
        }
        if as_of.is_some_and(|as_of| as_of != ahead.generation()) {
            return Ok(Submitted::Stale);
        }
        let (reply, receipt) = Receipt::waiting(&self.bell.0);
        let generation = ahead.generation();
        let (placed, submitted) = match self.shared.earlier(&ahead, &append)? {
            Some(Earlier::Durable(answer)) => {
                return Ok(Submitted::SeenBefore { answer, receipt: Receipt::done() });
            }
            Some(Earlier::Waiting(answer)) => (ahead.nothing(), Submitted::SeenBefore { answer, receipt }),
            None => {
                let (placed, recorded) = ahead.place(append)?;
                (placed, Submitted::Placed { recorded, receipt })
            }
        };
        permit.send(Message::Write { generation, placed, reply });
        Ok(submitted)
    }
}
