//! Tells whoever appended when it is durable. Who waits alone writes it: no thread has to be woken for it, nor to wake
//! anybody after it. Where several wait, the ledger's thread writes for all of them at once.

use std::sync::Arc;

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::oneshot,
};

use super::{LedgerError, desk::Desk};

/// Tells when something is durable.
#[derive(Debug)]
pub struct Receipt(Option<Awaited>);

#[derive(Debug)]
struct Awaited {
    answer: oneshot::Receiver<Result<(), LedgerError>>,
    /// Until it is written or the thread was told to.
    desk: Option<Arc<Desk>>,
    /// Every receipt that waits holds it too.
    present: Arc<()>,
}

impl Receipt {
    /// Of what is durable already.
    pub(crate) fn done() -> Self {
        Self(None)
    }

    /// One that waits at this desk, and where its answer is put.
    pub(crate) fn waiting(desk: &Arc<Desk>) -> (oneshot::Sender<Result<(), LedgerError>>, Self) {
        let (reply, answer) = oneshot::channel();
        (reply, Self(Some(Awaited { answer, desk: Some(Arc::clone(desk)), present: Arc::clone(&desk.present) })))
    }

    /// Resolves when it is durable, and everything before it.
    ///
    /// # Errors
    /// When it could not be written; then it is not in the ledger.
    pub async fn durable(self) -> Result<(), LedgerError> {
        let Some(mut awaited) = self.0 else { return Ok(()) };
        if let Some(answer) = awaited.serve() {
            return answer;
        }
        (&mut awaited.answer).await.map_err(|_| LedgerError::Closed)?
    }
}

impl Awaited {
    /// Writes what waits, where nobody else waits and this thread may; else, or where something is left, has the
    /// ledger's thread do it.
    fn serve(&mut self) -> Option<Result<(), LedgerError>> {
        let desk = self.desk.take()?;
        if self.is_alone() && may_block() {
            desk.work_here();
            if let Ok(answer) = self.answer.try_recv() {
                return Some(answer);
            }
        }
        desk.ring();
        None
    }

    /// Whether nobody holds `present` but this and the desk.
    fn is_alone(&self) -> bool {
        Arc::strong_count(&self.present) <= 2
    }
}

impl Drop for Awaited {
    /// What was given a place is written, also when nobody waits for it.
    fn drop(&mut self) {
        if let Some(desk) = self.desk.take() {
            desk.ring();
        }
    }
}

/// Whether this thread is one of several that others' work can go on in.
fn may_block() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}
