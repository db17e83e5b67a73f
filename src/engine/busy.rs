//! What is in flight, counted: so that somebody can wait until nothing is.

use std::sync::Arc;

use super::Inner;

/// Something is under way but only waits, and nobody need wait for it as long as this lives.
pub(super) struct Resting(Arc<Inner>);

impl Resting {
    pub(super) fn new(inner: &Arc<Inner>) -> Self {
        inner.busy.send_modify(|count| *count = count.saturating_sub(1));
        Self(Arc::clone(inner))
    }
}

impl Drop for Resting {
    fn drop(&mut self) {
        self.0.busy.send_modify(|count| *count += 1);
    }
}

/// Something is under way as long as this lives.
pub struct Busy(Arc<Inner>);

impl Busy {
    pub(super) fn new(inner: &Arc<Inner>) -> Self {
        inner.busy.send_modify(|count| *count += 1);
        Self(Arc::clone(inner))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.send_modify(|count| *count = count.saturating_sub(1));
    }
}
