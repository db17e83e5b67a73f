//! Where every task starts, so that all of them end: each is told when to stop and is waited for, up to a limit.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet};

/// The tasks of one running bot.
#[derive(Debug, Clone)]
pub struct Tasks {
    set: Arc<Mutex<JoinSet<()>>>,
    stop: Arc<watch::Sender<bool>>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { set: Arc::default(), stop: Arc::new(watch::Sender::new(false)) }
    }
}

impl Tasks {
    /// Starts a task. It must end soon after [`Tasks::stopping`] says so.
    pub fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        while set.try_join_next().is_some() {}
        set.spawn(task);
    }

    /// Resolves when the bot stops.
    pub async fn stopping(&self) {
        let mut stop = self.stop.subscribe();
        let _ = stop.wait_for(|stopping| *stopping).await;
    }

    /// Whether the bot stops.
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits `for_long`, or less when the bot stops.
    pub async fn pause(&self, for_long: Duration) {
        tokio::select! {
            () = tokio::time::sleep(for_long) => {}
            () = self.stopping() => {}
        }
    }

    /// Tells every task to stop and waits for them; those that take longer than `limit` are cut off, which the
    /// ledger makes harmless.
    pub async fn drain(&self, limit: Duration) {
        self.stop.send_replace(true);
        let mut set = std::mem::take(&mut *self.set.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = tokio::time::timeout(limit, async { while set.join_next().await.is_some() {} }).await;
        set.abort_all();
    }
}
