//! The threads of a repository. libgit2 blocks, so each repository has a reader and a writer thread with a
//! handle of its own on the mirror, and work reaches them through bounded channels. Keeps the mirror usable:
//! what cannot be opened, or turned out damaged, is set aside and made anew.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use git2::{Oid, Repository, RepositoryInitOptions};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot};

use super::{
    error::GitError,
    http::{Answer, Session},
    land::Asked,
    marks::Marks,
    queue,
    read::PathCache,
    receive::Receives,
    sign::SigningKey,
    transport,
    upkeep::Upkeep,
    upload::Speaks,
};
use crate::{clock, core::names::CommitId};

/// How much work may wait for one thread before callers wait to hand theirs in.
const WAITING: usize = 256;

/// How long what the server said last is good enough to try a push on it. The lease finds out where it is not.
const PROVEN_FOR: SignedDuration = SignedDuration::from_secs(60);

/// Whoever waits for an answer.
pub(super) type Reply<T> = oneshot::Sender<Result<T, GitError>>;

/// What a thread is asked to do.
pub(super) enum Job {
    /// Fetch. All that wait are answered by one.
    Fetch(Reply<CommitId>),
    /// Land a change. Those that wait go out together.
    Land(Box<Asked>),
    /// Anything else.
    Run(Box<dyn FnOnce(&mut Room) + Send>),
}

/// What both threads of a repository know.
pub(super) struct Shared {
    /// The tracked branch.
    pub(super) branch: String,
    /// The address, without credentials.
    pub(super) url: String,
    /// Where the mirror is.
    pub(super) directory: PathBuf,
    /// How often the mirror was made anew: a handle from before must be opened again.
    generation: AtomicU64,
    damaged: AtomicBool,
    /// Signs commits, where they are to be signed.
    pub(super) key: Option<SigningKey>,
    /// Held while a job runs, so that nothing is swept away below it.
    busy: RwLock<()>,
}

impl Shared {
    pub(super) fn new(branch: String, url: String, directory: PathBuf, key: Option<SigningKey>) -> Self {
        let (generation, damaged) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { branch, url, directory, generation, damaged, key, busy: RwLock::new(()) }
    }

    /// How often the mirror was made anew, or its files were changed.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Changes the mirror's files while no job runs on either thread, whose handles are opened again after it. `None`
    /// where one runs.
    pub(super) fn alone<T>(&self, change: impl FnOnce() -> T) -> Option<T> {
        let _alone = match self.busy.try_write() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let changed = change();
        self.generation.fetch_add(1, Ordering::SeqCst);
        Some(changed)
    }

    /// The tracked branch as a reference.
    pub(super) fn tracked(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }
}

/// What a job works with: the thread's own handle on the mirror.
pub(super) struct Room {
    pub(super) shared: Arc<Shared>,
    pub(super) repository: Repository,
    pub(super) session: Session,
    pub(super) paths: PathCache,
    /// What the host can do.
    pub(super) known: Known,
    /// The tip of the tracked branch as the server said it last, and when.
    pub(super) proven: Option<(Oid, Timestamp)>,
    /// Which requests' commits the tracked branch holds.
    pub(super) marks: Marks,
    /// When the tracked branch was last raced for and lost, and how long a try took then.
    pub(super) contested: Option<(Timestamp, Duration)>,
    /// The upkeep of the mirror.
    pub(super) upkeep: Upkeep,
    /// The end of the last answer to a push, to be read when nobody waits for us.
    pub(super) ending: Option<Box<Answer>>,
    generation: u64,
}

/// What is known of a host, so that it need not be asked each time.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Its fetching.
    pub(super) upload: Option<Speaks>,
    /// Its receiving.
    pub(super) receive: Option<Receives>,
}

impl Room {
    /// Does one job; a panic in it costs only this job.
    pub(super) fn attempt<T>(&mut self, job: impl FnOnce(&mut Self) -> Result<T, GitError>) -> Result<T, GitError> {
        let shared = Arc::clone(&self.shared);
        let _busy = shared.busy.read().unwrap_or_else(PoisonError::into_inner);
        self.reopen_if_made_anew()?;
        let done = catch_unwind(AssertUnwindSafe(|| job(self)));
        let done = done.unwrap_or_else(|_| Err(GitError::Other("the work on the repository broke off".into())));
        if matches!(done, Err(GitError::Damaged(_))) {
            self.shared.damaged.store(true, Ordering::SeqCst);
        }
        done
    }

    /// Reads the last answer to its end, so that its connection can be used again, and forgets what went wrong before.
    pub(super) fn begin_anew(&mut self) {
        if let Some(answer) = self.ending.take() {
            answer.finish();
        }
        self.session.failure.take();
    }

    /// Remembers where the server's tracked branch is.
    pub(super) fn prove(&mut self, tip: Oid) {
        self.proven = Some((tip, clock::now()));
    }

    /// The tip, where the server said it not long ago and the mirror holds it.
    pub(super) fn likely_tip(&self) -> Option<Oid> {
        let (tip, when) = self.proven?;
        let fresh = clock::now().duration_since(when) < PROVEN_FOR;
        let here = self.repository.refname_to_id(&self.shared.tracked()).ok();
        (fresh && here == Some(tip) && !self.shared.damaged.load(Ordering::SeqCst)).then_some(tip)
    }

    fn reopen_if_made_anew(&mut self) -> Result<(), GitError> {
        let now = self.shared.generation.load(Ordering::SeqCst);
        if now != self.generation {
            self.repository = Repository::open_bare(&self.shared.directory)?;
            self.paths = PathCache::default();
            self.generation = now;
        }
        Ok(())
    }

    /// Makes the mirror anew if somebody found it damaged. Only the writer does this, before it fetches. The reader
    /// may be at work: what it has open stays readable to it, and it opens the new one for its next job.
    pub(super) fn heal_if_damaged(&mut self) -> Result<(), GitError> {
        if !self.shared.damaged.load(Ordering::SeqCst) {
            return Ok(());
        }
        set_aside(&self.shared.directory)?;
        self.repository = make(&self.shared)?;
        self.generation = self.shared.generation.fetch_add(1, Ordering::SeqCst) + 1;
        self.paths = PathCache::default();
        self.shared.damaged.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Remembers that the mirror must be made anew.
    pub(super) fn mark_damaged(&self) {
        self.shared.damaged.store(true, Ordering::SeqCst);
    }
}

/// The way to one thread.
#[derive(Clone)]
pub(super) struct Lane {
    jobs: mpsc::Sender<Job>,
}

impl Lane {
    /// Starts a thread. It ends when the last handle on it is gone and its work is done.
    pub(super) fn start(name: &str, shared: Arc<Shared>, session: Session) -> Result<Self, GitError> {
        let repository = Repository::open_bare(&shared.directory)?;
        let (jobs, mut waiting) = mpsc::channel::<Job>(WAITING);
        let generation = shared.generation.load(Ordering::SeqCst);
        let work = move || {
            // The HTTP client makes its timers where its requests are made, which is here.
            let runtime = session.runtime.clone();
            let _inside = runtime.enter();
            transport::speak_for(session.clone());
            let mut room = Room {
                shared,
                repository,
                session,
                paths: PathCache::default(),
                known: Known::default(),
                proven: None,
                marks: Marks::default(),
                contested: None,
                upkeep: Upkeep::default(),
                ending: None,
                generation,
            };
            while let Some(first) = waiting.blocking_recv() {
                let mut jobs = vec![first];
                while jobs.len() < WAITING
                    && let Ok(job) = waiting.try_recv()
                {
                    jobs.push(job);
                }
                queue::work(&mut room, jobs);
            }
        };
        let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        started.map_err(|error| GitError::Other(format!("no thread can be started: {error}")))?;
        Ok(Self { jobs })
    }

    /// Has a job done. Where the caller stops waiting, a job that was begun is done all the same, and one that was
    /// not is left: others wait behind it.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Room) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, GitError> {
        let run = |reply: Reply<T>| {
            Job::Run(Box::new(move |room: &mut Room| {
                if !reply.is_closed() {
                    let _ = reply.send(room.attempt(job));
                }
            }))
        };
        self.ask(run).await
    }

    /// Hands in a job that answers, and waits for the answer.
    pub(super) async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, GitError> {
        let stopped = || GitError::Other("the repository's threads have stopped".into());
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// Makes sure there is a mirror that can be used, without asking the network.
pub(super) fn prepare(shared: &Shared) -> Result<(), GitError> {
    let empty = fs::read_dir(&shared.directory).map_or(true, |mut entries| entries.next().is_none());
    if !empty {
        if is_sound(shared) {
            return Ok(());
        }
        tracing::warn!(directory = %shared.directory.display(), "the mirror is damaged; it is set aside and cloned again");
        set_aside(&shared.directory)?;
    }
    make(shared).map(|_| ())
}

/// Whether the mirror opens, and the tip of the tracked branch and its tree can be read.
fn is_sound(shared: &Shared) -> bool {
    let Ok(repository) = Repository::open_bare(&shared.directory) else { return false };
    match repository.refname_to_id(&shared.tracked()) {
        Ok(tip) => repository.find_commit(tip).and_then(|commit| commit.tree()).is_ok(),
        Err(error) => error.code() == git2::ErrorCode::NotFound,
    }
}

fn make(shared: &Shared) -> Result<Repository, GitError> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).mkpath(true).external_template(false).initial_head(&shared.branch);
    Repository::init_opts(&shared.directory, &options)
        .map_err(|error| GitError::Other(format!("no mirror can be made: {}", error.message())))
}

/// Moves the mirror out of the way, to the same name with `.damaged` behind; only the last one is kept.
fn set_aside(directory: &Path) -> Result<(), GitError> {
    let mut aside = directory.as_os_str().to_owned();
    aside.push(".damaged");
    let failed = |error: std::io::Error| GitError::Other(format!("the damaged mirror cannot be set aside: {error}"));
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    match fs::rename(directory, &aside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
