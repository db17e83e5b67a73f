//! The quick way through a whole journal: one thread reads lines and their checksums, others check what is in them,
//! and what they found is linked in order. It only ever says that everything is sound; what is wrong, `verify.rs` says.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, Sender, SyncSender},
    },
    thread,
};

use super::{
    anchor::Watch,
    inspect::{Inspected, inspect},
    journal::{Lines, Tail},
    line::Header,
    tree::Hash,
};

/// So many bytes of lines are checked at a time.
const AT_ONCE: usize = 512 * 1024;
/// So many of those are under way for each thread.
const AHEAD: u64 = 3;

/// What a sound journal holds.
pub(crate) struct Swept {
    /// The last entry's hash.
    pub(crate) hash: Hash,
    /// Everything that it was held against, which is met, and the tree.
    pub(crate) watch: Watch,
    /// Bytes after the last line that are none yet.
    pub(crate) unfinished: u64,
}

/// Lines that are checked together.
#[derive(Default)]
struct Job {
    lines: Vec<(Header, usize)>,
    bytes: Vec<u8>,
}

impl Job {
    /// Checks each line, and that each follows the one before.
    fn inspected(&self) -> Option<Inspected> {
        let (mut rest, mut found) = (self.bytes.as_slice(), None);
        for (header, length) in &self.lines {
            let (line, after) = rest.split_at_checked(*length)?;
            let one = inspect(header, line)?;
            rest = after;
            found = Some(match found {
                None => one,
                Some(mut found) => Inspected::join(&mut found, one).map(|()| found)?,
            });
        }
        found
    }
}

/// Goes through the journal in `directory` with so many threads that check; `None` where anything is not as it should
/// be, or `is_stopping` says so.
pub(crate) fn sweep(directory: &Path, watch: Watch, hands: u64, is_stopping: &dyn Fn() -> bool) -> Option<Swept> {
    let (jobs, waiting) = mpsc::sync_channel(usize::try_from(hands * AHEAD).ok()?);
    let (done, found) = mpsc::channel();
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        for _ in 0..hands {
            let done = done.clone();
            scope.spawn(|| work(&waiting, done));
        }
        drop(done);
        let sweeper = Sweeper { jobs, found, early: BTreeMap::new(), given: 0, linked: 0, all: None, watch };
        sweeper.go(&mut Lines::open(directory, 0).ok()?, hands, is_stopping)
    })
}

type Found = (u64, Option<Inspected>);

fn work(waiting: &Mutex<Receiver<(u64, Job)>>, done: Sender<Found>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, job)) = next else { return };
        if done.send((number, job.inspected())).is_err() {
            return;
        }
    }
}

struct Sweeper {
    jobs: SyncSender<(u64, Job)>,
    found: Receiver<Found>,
    /// What came before its turn.
    early: BTreeMap<u64, Option<Inspected>>,
    given: u64,
    linked: u64,
    /// Where the chain stands.
    all: Option<Inspected>,
    watch: Watch,
}

impl Sweeper {
    fn go(mut self, lines: &mut Lines, hands: u64, is_stopping: &dyn Fn() -> bool) -> Option<Swept> {
        let mut job = Job::default();
        while let Some(header) = lines.advance().ok()? {
            let line = lines.bytes();
            job.bytes.extend_from_slice(line);
            job.lines.push((header, line.len()));
            if job.bytes.len() >= AT_ONCE {
                self.give(std::mem::take(&mut job))?;
                while self.given - self.linked >= hands * AHEAD {
                    self.link()?;
                }
                if is_stopping() {
                    return None;
                }
            }
        }
        if !job.lines.is_empty() {
            self.give(job)?;
        }
        while self.linked < self.given {
            self.link()?;
        }
        let unfinished = match lines.tail() {
            Tail::Clean => 0,
            Tail::Unfinished { bytes } | Tail::Unterminated { bytes } => bytes,
            Tail::Altered { .. } => return None,
        };
        let hash = self.all.map_or(Hash([0; 32]), |all| all.hash);
        self.watch.verdict().is_none().then_some(Swept { hash, watch: self.watch, unfinished })
    }

    fn give(&mut self, job: Job) -> Option<()> {
        self.jobs.send((self.given, job)).ok()?;
        self.given += 1;
        Some(())
    }

    /// Waits for what comes next in order, and sees that it follows.
    fn link(&mut self) -> Option<()> {
        let found = loop {
            if let Some(found) = self.early.remove(&self.linked) {
                break found?;
            }
            let (number, found) = self.found.recv().ok()?;
            self.early.insert(number, found);
        };
        self.linked += 1;
        found.leaves.iter().for_each(|leaf| self.watch.push_leaf(*leaf));
        let begins = self.all.is_some() || (found.first == 0 && found.prev == Hash([0; 32]));
        match &mut self.all {
            None => self.all = Some(Inspected { leaves: Vec::new(), first: found.next(), ..found }),
            Some(all) => {
                let next = found.next();
                all.join(found)?;
                (all.first, all.leaves) = (next, Vec::new());
            }
        }
        begins.then_some(())
    }
}
