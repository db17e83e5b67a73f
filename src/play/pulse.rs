//! A revision number that grows whenever something a person could see has changed.
//! Harnesses and pages wait on it, so that nothing has to sleep or poll.

use std::sync::Arc;

use tokio::sync::watch;

/// Shared by the look-alikes of one world; cloning shares it.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<watch::Sender<u64>>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(1)))
    }
}

impl Pulse {
    /// Says that something changed.
    pub fn beat(&self) {
        self.0.send_modify(|revision| *revision += 1);
    }

    /// The revision now; it starts at 1.
    pub fn revision(&self) -> u64 {
        *self.0.borrow()
    }

    /// Follows the revision; `changed().await` returns after the next beat.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
