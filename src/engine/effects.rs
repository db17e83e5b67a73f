//! Effects: one task for each request that has something due. Each effect looks at the world first, records what it
//! is about to do, does it, and reports what came of it. What is in the way for a while is tried again, for ever;
//! the card says so.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::FutureExt as _;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{Busy, Inner, Repository, Resting, anchors, facts, follow, glass, homes, legs, restarting, rules, wording};
use crate::{
    chat::card::Progress,
    core::{
        change::{Plan, PlanRefusal},
        decide::{Incoming, Landed, Outcome, Reply, Step, ourselves},
        entry::Actor,
        names::{CommitId, RequestId, Target},
        request::{Course, Due, Ending, Request, Way},
    },
    forge::{ForgeError, State as Proposed},
    git::{GitError, Landing, Onto},
};

mod landing;
mod proposal;
mod published;
pub(super) mod watching;

pub use landing::ADDRESS;

/// How long what is only useful may hold up what is due.
const MOVING_ALONG: Duration = Duration::from_secs(2);

/// Why an effect is not done yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The git host.
    #[error("{0}")]
    Git(#[from] GitError),
    /// The forge.
    #[error("{0}")]
    Forge(#[from] ForgeError),
    /// People or checks on the forge are awaited, in words.
    #[error("{0}")]
    Blocked(String),
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

impl Trouble {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Git(error) => told(error, &error.remedy()),
            Self::Forge(error) => told(error, &error.remedy()),
            Self::Blocked(words) => told(words, "It is tried again when that changes."),
            Self::Other(words) => told(words, ""),
        }
    }

    /// How long whoever refused asked us to wait.
    fn wait(&self) -> Duration {
        match self {
            Self::Forge(ForgeError::RateLimited { retry_after }) => Duration::from_secs(*retry_after),
            Self::Forge(_) | Self::Git(_) | Self::Blocked(_) | Self::Other(_) => Duration::ZERO,
        }
    }
}

/// What is in the way, what to do about it, and that it is tried again.
fn told(trouble: &dyn std::fmt::Display, remedy: &str) -> String {
    let again = if remedy.contains("tried again") { "" } else { "It is tried again by itself." };
    let sentences = [format!("{}.", trouble.to_string().trim_end_matches('.')), remedy.to_owned(), again.to_owned()];
    sentences.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" ")
}

/// How the task of a request is woken. Whoever wakes it is in flight until it is up.
#[derive(Default)]
pub(super) struct Wake {
    pub(super) notify: Notify,
    busy: Mutex<Option<Busy>>,
}

impl Wake {
    fn rouse(&self, inner: &Arc<Inner>) {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = Some(Busy::new(inner));
        self.notify.notify_one();
    }

    /// It is up.
    pub(super) fn is_up(&self) {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(busy);
    }
}

/// Starts the request's task, or wakes it when it waits to try again.
pub(super) fn kick(inner: &Arc<Inner>, id: RequestId) {
    let mut running = inner.running.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(wake) = running.get(&id) {
        wake.rouse(inner);
        return;
    }
    let wake = Arc::new(Wake::default());
    running.insert(id.clone(), Arc::clone(&wake));
    drop(running);
    let busy = Busy::new(inner);
    inner.tasks.start(attend(Arc::clone(inner), id, wake, busy));
}

/// Wakes every request that waits to try again: what was in the way is gone.
pub(super) fn wake_all(inner: &Arc<Inner>) {
    let running = inner.running.lock().unwrap_or_else(PoisonError::into_inner);
    running.values().for_each(|wake| wake.rouse(inner));
}

/// Does what is due until nothing is.
async fn attend(inner: Arc<Inner>, id: RequestId, wake: Arc<Wake>, busy: Busy) {
    if inner.request(&id).await.is_none() {
        return glass::attend(inner, id, wake, busy).await;
    }
    let mut tries = 0_u32;
    while !inner.tasks.is_stopping() {
        wake.is_up();
        let Some(request) = inner.request(&id).await else { break };
        let Some(due) = request.due() else {
            if retire(&inner, &id).await {
                return drop(busy);
            }
            continue;
        };
        match unbroken(&inner, &request, due).await {
            Ok(()) if inner.request(&id).await.is_none_or(|now| now != request) => tries = 0,
            Ok(()) if due == Due::Watch || (due == Due::Merge && request.opened.way == Way::ByHand) => {
                inner.note_progress(&id, Progress::default());
                let _resting = Resting::new(&inner);
                wait(&inner, &wake, look_again(tries)).await;
                tries = tries.saturating_add(1);
            }
            // Nothing is in the way: it waits for people, who are not to be asked after every second.
            Ok(()) => {
                tries = tries.saturating_add(1);
                wait(&inner, &wake, back_off(tries)).await;
            }
            Err(trouble) => {
                tries = tries.saturating_add(1);
                inner.meter.tried();
                tracing::warn!(request = %id, ?due, tries, error = %trouble, "an effect is not done yet");
                // What this very try recorded woke us too; it is no reason to try again at once. Forgotten before the
                // state is looked at, so that what people do from now on wakes us.
                let _ = wake.notify.notified().now_or_never();
                wake.is_up();
                if inner.request(&id).await.is_some_and(|now| now.state == request.state) {
                    inner.note_progress(&id, Progress { trouble: Some(trouble.words()), ..Progress::default() });
                    // What only people or checks can clear is not in flight.
                    let rests = due == Due::Watch || matches!(trouble, Trouble::Blocked(_));
                    let _resting = rests.then(|| Resting::new(&inner));
                    wait(&inner, &wake, back_off(tries).max(trouble.wait())).await;
                }
            }
        }
    }
    inner.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    drop(busy);
}

/// What breaks inside an effect is in the way like anything else: said, and tried again.
async fn unbroken(inner: &Arc<Inner>, request: &Request, due: Due) -> Result<(), Trouble> {
    let done = std::panic::AssertUnwindSafe(perform(inner, request, due)).catch_unwind().await;
    done.unwrap_or_else(|_| Err(Trouble::Other("something broke inside; the log says where.".to_owned())))
}

/// Ends the task unless something became due in this very moment, which only the holder of the lock can tell.
async fn retire(inner: &Arc<Inner>, id: &RequestId) -> bool {
    let book = inner.book.lock().await;
    let idle = book.get(id).is_none_or(|request| request.due().is_none());
    if idle {
        inner.running.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
    idle
}

pub(super) async fn wait(inner: &Arc<Inner>, wake: &Wake, for_long: Duration) {
    tokio::select! {
        () = inner.tasks.pause(for_long) => {}
        () = wake.notify.notified() => {}
    }
}

/// How long until a pull request is looked at again that nobody hinted at: 5 s for a minute, 20 s for a quarter of an
/// hour, then a minute. What has not changed costs nothing of the forge's quota.
fn look_again(looks: u32) -> Duration {
    Duration::from_secs(match looks {
        0..12 => 5,
        12..60 => 20,
        _ => 60,
    })
}

/// Half a second, doubling to a minute.
pub(super) fn back_off(tries: u32) -> Duration {
    Duration::from_millis(500_u64.saturating_mul(1 << tries.min(7))).min(Duration::from_secs(60))
}

async fn perform(inner: &Arc<Inner>, request: &Request, due: Due) -> Result<(), Trouble> {
    let _turns = match due {
        Due::Commit | Due::Merge => turns(inner, request).await,
        Due::Plan | Due::OpenPullRequest | Due::Watch | Due::ClosePullRequest | Due::Follow | Due::Restart => {
            Vec::new()
        }
    };
    match (due, request.course()) {
        (Due::Plan, _) => plan(inner, request).await,
        (Due::OpenPullRequest, Some(course)) => proposal::propose(inner, request, course).await,
        (Due::Watch, Some(course)) => watching::watch(inner, request, course).await,
        (Due::Commit, Some(course)) => landing::commit(inner, request, course).await,
        (Due::Merge, Some(course)) => proposal::merge(inner, request, course).await,
        (Due::ClosePullRequest, Some(course)) => proposal::close(inner, request, course).await,
        (Due::Follow, Some(course)) => follow::follow(inner, request, course).await,
        (Due::Restart, Some(course)) => restarting::restart(inner, request, course).await,
        (
            Due::OpenPullRequest
            | Due::Watch
            | Due::Commit
            | Due::Merge
            | Due::ClosePullRequest
            | Due::Follow
            | Due::Restart,
            None,
        ) => Ok(()),
    }
}

/// A turn for each of its targets. All take them in one order, so that nobody waits for somebody who waits for them.
async fn turns(inner: &Arc<Inner>, request: &Request) -> Vec<OwnedSemaphorePermit> {
    let mut targets: Vec<Target> = request.opened.targets().collect();
    targets.sort();
    let mut turns = Vec::new();
    for target in &targets {
        turns.extend(turn(inner, target).await);
    }
    turns
}

/// Waits until no other change of the target is landing. Without that a change that had landed, and was not recorded
/// yet, could be undone by an older one, or taken for an older one.
async fn turn(inner: &Arc<Inner>, target: &Target) -> Option<OwnedSemaphorePermit> {
    let turns = {
        let mut all = inner.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(target.clone()).or_insert_with(|| Arc::new(Semaphore::new(1))))
    };
    // It is never closed, so that nobody goes without a turn.
    turns.acquire_owned().await.ok()
}

/// Tells the core what came of something.
pub(super) async fn report(inner: &Arc<Inner>, request: &Request, outcome: Outcome) -> Reply {
    inner.take(Incoming::Happened { request: request.id.clone(), outcome }, None).await
}

/// Asks whether a step may be taken, which records it.
pub(super) async fn may(inner: &Arc<Inner>, request: &Request, step: Step) -> bool {
    report(inner, request, Outcome::Step(step)).await == Reply::Go
}

/// It is in the branch: the rules move along first, so that whoever asks next sees it.
pub(super) async fn landed(inner: &Arc<Inner>, request: &Request, commit: CommitId) {
    landed_by(inner, request, commit, ourselves()).await;
}

/// The same, brought there by somebody. What a forge merged is compared with what was planned, place by place.
pub(super) async fn landed_by(inner: &Arc<Inner>, request: &Request, commit: CommitId, by: Actor) {
    // That it landed is not held up by a host that fell silent after it.
    let moved = async {
        match inner.home_of(request) {
            Ok(home) => rules::refresh(inner, home).await.is_ok(),
            Err(_) => false,
        }
    };
    if !matches!(tokio::time::timeout(MOVING_ALONG, moved).await, Ok(true)) {
        tracing::info!(request = %request.id, "the rules at the new tip are read later");
    }
    let differs = match request.course() {
        Some(course) if request.opened.way != Way::Commit => watching::differs(inner, course, &commit).await,
        Some(_) | None => None,
    };
    report(inner, request, Outcome::Landed(Landed { commit, by, differs })).await;
}

/// Plans a request whose facts were missing when it was asked.
async fn plan(inner: &Arc<Inner>, request: &Request) -> Result<(), Trouble> {
    rules::refresh(inner, &inner.reach.repository).await?;
    let home = inner.home_of(request)?;
    if home.name != inner.reach.repository.name {
        rules::refresh(inner, home).await?;
    }
    let Some(rules) = inner.rules() else { return Ok(()) };
    let outcome = match facts::replan_words(inner, &rules, request).await {
        Ok(plan) => Outcome::Planned { title: facts::title_again(&rules, request, &plan), plan },
        Err(words) => {
            Outcome::Unplannable(Ending::Failed { why: words.text, remedy: words.remedy.unwrap_or_default() })
        }
    };
    report(inner, request, outcome).await;
    Ok(())
}

/// The present plan against the plan that was approved, on the tip of now.
pub(super) enum Again {
    /// The same change.
    Same,
    /// Another change, or none, or one that cannot be made any more: reported already.
    Reported,
}

/// Plans the same edit on the tip of now.
async fn again(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<Again, Trouble> {
    rules::refresh_for(inner, inner.home_of(request)?).await?;
    let Some(rules) = inner.rules() else { return Err(Trouble::Other("the rules are not read yet.".to_owned())) };
    if homes::moved_away(inner, request, &rules).await? {
        return Ok(Again::Reported);
    }
    let fresh = legs::plan_again(inner, &rules, request, &course.plan).await?;
    compare(inner, request, course, fresh).await
}

/// Reports a plan that is not the approved one. Where the tip is another because our own pull request was merged,
/// unseen by us until now, that is what is reported.
pub(super) async fn compare(
    inner: &Arc<Inner>,
    request: &Request,
    course: &Course,
    fresh: Result<Plan, PlanRefusal>,
) -> Result<Again, Trouble> {
    let outcome = match fresh {
        Ok(plan) if plan.digest == course.plan.digest => {
            if plan.diff != course.plan.diff {
                report(inner, request, Outcome::Redrawn(plan)).await;
            }
            return Ok(Again::Same);
        }
        Ok(plan) => Outcome::Replanned { why: wording::difference(&course.plan, &plan), plan },
        Err(PlanRefusal::Already { .. } | PlanRefusal::AllAlready { .. }) => Outcome::Ended(Ending::AlreadyThere),
        Err(refusal) => Outcome::Ended(Ending::Failed { why: refusal.to_string(), remedy: refusal.remedy() }),
    };
    match merged_meanwhile(inner, request).await? {
        Some(commit) => landed(inner, request, commit).await,
        None => drop(report(inner, request, outcome).await),
    }
    Ok(Again::Reported)
}

/// The commit that the request's pull request became, when it was merged.
async fn merged_meanwhile(inner: &Arc<Inner>, request: &Request) -> Result<Option<CommitId>, Trouble> {
    let Some(forge) = inner.forge_of(request).filter(|_| request.opened.way != Way::Commit) else {
        return Ok(None);
    };
    let found = forge.find_pull_request(&request.branch()).await?;
    Ok(found.and_then(|found| match found.state {
        Proposed::Merged { commit } => Some(commit.unwrap_or(found.head)),
        Proposed::Open | Proposed::Closed => None,
    }))
}
