//! Where the writer is: one at a time works there, mostly the ledger's own thread, which sleeps until it is rung for.

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::Thread,
};

use jiff::SignedDuration;

use super::{shared::locked, writer::Writer};
use crate::clock;

/// How often the thread looks for the next append before it sleeps.
const LOOKS: u32 = 1000;

/// A turn that is over within this is not worth finding another thread for whatever else this one is to do.
const QUICK: SignedDuration = SignedDuration::from_millis(2);

/// What one turn at the desk came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Something was done.
    Done,
    /// Nothing waits.
    Idle,
    /// Nothing more comes.
    Over,
}

pub(crate) struct Desk {
    /// Absent once it has ended.
    writer: Mutex<Option<Writer>>,
    thread: OnceLock<Thread>,
    /// Whether the last one that a waiting thread took was quick: disks are the same from one moment to the next.
    was_quick: AtomicBool,
    /// Held by every receipt that waits.
    pub(crate) present: Arc<()>,
}

/// Rings when the last handle on the ledger goes, so that the thread sees it.
pub(crate) struct Bell(pub(crate) Arc<Desk>);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.ring();
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    pub(crate) fn new(writer: Writer) -> Self {
        Self {
            writer: Mutex::new(Some(writer)),
            thread: OnceLock::new(),
            was_quick: AtomicBool::new(false),
            present: Arc::default(),
        }
    }

    /// The thread that is rung for.
    pub(crate) fn belongs_to(&self, thread: &Thread) {
        let _: Result<(), Thread> = self.thread.set(thread.clone());
    }

    /// Something was left for the thread. It is not missed, even when it comes just before the thread falls asleep.
    pub(crate) fn ring(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Works off the group that waits, if one does; blocks.
    pub(crate) fn work(&self) -> Work {
        locked(&self.writer).as_mut().map_or(Work::Over, Writer::work)
    }

    /// Works off what waits on a thread of the runtime, whose other tasks go on elsewhere where it may take a while.
    pub(crate) fn work_here(&self) {
        let began = clock::now();
        match self.was_quick.load(Ordering::Relaxed) {
            true => self.work(),
            false => tokio::task::block_in_place(|| self.work()),
        };
        self.was_quick.store(clock::now().duration_since(began) < QUICK, Ordering::Relaxed);
    }

    /// The thread: works until the ledger is closed or nobody holds a handle.
    pub(crate) fn run(&self) {
        loop {
            match self.work() {
                Work::Done => {}
                Work::Over => break,
                Work::Idle if self.look_again() => {}
                Work::Idle => std::thread::park(),
            }
        }
        let writer = locked(&self.writer).take();
        if let Some(writer) = writer {
            writer.end();
        }
    }

    /// Looks for what comes next for some tens of microseconds: sleeping and being woken takes longer than whoever
    /// was answered just now takes to ask again.
    fn look_again(&self) -> bool {
        (0..LOOKS).any(|_| {
            std::hint::spin_loop();
            self.work() != Work::Idle
        })
    }
}
