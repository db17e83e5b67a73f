//! Effects: one task for each request that has something due. Each effect looks at the world first, records what it
//! is about to do, does it, and reports what came of it. What is in the way for a while is tried again, for ever;
//! the card says so.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use futures::FutureExt as _;
use tokio::sync::Notify;

use super::{Busy, Inner, Resting, facts, follow, rules};
use crate::{
    chat::card::Progress,
    core::{
        change::{Plan, PlanRefusal},
        decide::{Incoming, Outcome, Reply, Step},
        names::{CommitId, RequestId},
        request::{Course, Due, Ending, PullRequest, Request, Way},
    },
    forge::{ForgeError, Merge, Method, NewPullRequest, State as Proposed},
    git::{GitError, Landing, Onto, Outcome as Landed},
};

mod landing;

/// How long between two looks at a pull request that a person will merge: the forge counts our questions.
const BY_HAND: Duration = Duration::from_secs(20);

/// Why an effect is not done yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The git host.
    #[error("{0}")]
    Git(#[from] GitError),
    /// The forge.
    #[error("{0}")]
    Forge(#[from] ForgeError),
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

impl Trouble {
    fn words(&self) -> String {
        match self {
            Self::Git(error) => told(error, &error.remedy()),
            Self::Forge(error) => told(error, &error.remedy()),
            Self::Other(words) => told(&words.trim_end_matches('.'), ""),
        }
    }

    /// How long whoever refused asked us to wait.
    fn wait(&self) -> Duration {
        match self {
            Self::Forge(ForgeError::RateLimited { retry_after }) => Duration::from_secs(*retry_after),
            Self::Forge(_) | Self::Git(_) | Self::Other(_) => Duration::ZERO,
        }
    }
}

/// What is in the way, what to do about it, and that it is tried again.
fn told(trouble: &dyn std::fmt::Display, remedy: &str) -> String {
    let again = if remedy.contains("tried again") { "" } else { "It is tried again by itself." };
    let sentences = [format!("{trouble}."), remedy.to_owned(), again.to_owned()];
    sentences.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Starts the request's task, or wakes it when it waits to try again.
pub(super) fn kick(inner: &Arc<Inner>, id: RequestId) {
    let mut running = inner.running.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(wake) = running.get(&id) {
        wake.notify_one();
        return;
    }
    let wake = Arc::new(Notify::new());
    running.insert(id.clone(), Arc::clone(&wake));
    drop(running);
    let busy = Busy::new(inner);
    inner.tasks.start(attend(Arc::clone(inner), id, wake, busy));
}

/// Does what is due until nothing is.
async fn attend(inner: Arc<Inner>, id: RequestId, wake: Arc<Notify>, busy: Busy) {
    let mut tries = 0_u32;
    while !inner.tasks.is_stopping() {
        let Some(request) = inner.request(&id).await else { break };
        let Some(due) = request.due() else {
            if retire(&inner, &id).await {
                return drop(busy);
            }
            continue;
        };
        match perform(&inner, &request, due).await {
            Ok(()) if inner.request(&id).await.is_none_or(|now| now != request) => tries = 0,
            Ok(()) if due == Due::Merge && request.opened.way == Way::ByHand => {
                let _resting = Resting::new(&inner);
                wait(&inner, &wake, BY_HAND).await;
            }
            // Nothing is in the way: it waits for people, who are not to be asked after every second.
            Ok(()) => {
                tries = tries.saturating_add(1);
                wait(&inner, &wake, back_off(tries)).await;
            }
            Err(trouble) => {
                tries = tries.saturating_add(1);
                tracing::warn!(request = %id, ?due, tries, error = %trouble, "an effect is not done yet");
                // What this very try recorded woke us too; it is no reason to try again at once. Forgotten before the
                // state is looked at, so that what people do from now on wakes us.
                let _ = wake.notified().now_or_never();
                if inner.request(&id).await.is_some_and(|now| now.state == request.state) {
                    inner.note_progress(&id, Progress { trouble: Some(trouble.words()), seen: None });
                    wait(&inner, &wake, back_off(tries).max(trouble.wait())).await;
                }
            }
        }
    }
    inner.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    drop(busy);
}

/// Ends the task unless something became due in this very moment, which only the holder of the lock can tell.
async fn retire(inner: &Arc<Inner>, id: &RequestId) -> bool {
    let requests = inner.requests.lock().await;
    let idle = requests.get(id).is_none_or(|request| request.due().is_none());
    if idle {
        inner.running.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
    idle
}

async fn wait(inner: &Arc<Inner>, wake: &Notify, for_long: Duration) {
    tokio::select! {
        () = inner.tasks.pause(for_long) => {}
        () = wake.notified() => {}
    }
}

/// Half a second, doubling to a minute.
fn back_off(tries: u32) -> Duration {
    Duration::from_millis(500_u64.saturating_mul(1 << tries.min(7))).min(Duration::from_secs(60))
}

async fn perform(inner: &Arc<Inner>, request: &Request, due: Due) -> Result<(), Trouble> {
    match (due, request.course()) {
        (Due::Plan, _) => plan(inner, request).await,
        (Due::OpenPullRequest, Some(course)) => propose(inner, request, course).await,
        (Due::Commit, Some(course)) => landing::commit(inner, request, course).await,
        (Due::Merge, Some(course)) => merge(inner, request, course).await,
        (Due::ClosePullRequest, Some(course)) => close(inner, request, course).await,
        (Due::Follow, Some(course)) => follow::follow(inner, request, course).await,
        (Due::OpenPullRequest | Due::Commit | Due::Merge | Due::ClosePullRequest | Due::Follow, None) => Ok(()),
    }
}

/// Tells the core what came of something.
pub(super) async fn report(inner: &Arc<Inner>, request: &Request, outcome: Outcome) -> Reply {
    inner.take(Incoming::Happened { request: request.id.clone(), outcome }, None).await
}

/// Asks whether a step may be taken, which records it.
async fn may(inner: &Arc<Inner>, request: &Request, step: Step) -> bool {
    report(inner, request, Outcome::Step(step)).await == Reply::Go
}

/// It is in the branch: the rules move along first, so that whoever asks next sees it.
pub(super) async fn landed(inner: &Arc<Inner>, request: &Request, commit: CommitId) {
    if let Err(error) = rules::refresh(inner).await {
        tracing::info!(%error, "the rules at the new tip are read later");
    }
    report(inner, request, Outcome::Landed(commit)).await;
}

/// Plans a request whose facts were missing when it was asked.
async fn plan(inner: &Arc<Inner>, request: &Request) -> Result<(), Trouble> {
    rules::refresh(inner).await?;
    let Some(rules) = inner.rules() else { return Ok(()) };
    let outcome = match facts::replan_words(inner, &rules, request).await {
        Ok(plan) => Outcome::Planned(plan),
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
    rules::refresh(inner).await?;
    let Some(rules) = inner.rules() else { return Err(Trouble::Other("the rules are not read yet.".to_owned())) };
    let fresh = facts::plan_again(inner, &rules, request, &course.plan).await?;
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
        Ok(plan) => Outcome::Replanned { why: facts::difference(&course.plan, &plan), plan },
        Err(PlanRefusal::Already { .. }) => Outcome::Ended(Ending::AlreadyThere),
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
    let Some(forge) = inner.reach.repository.forge.as_ref().filter(|_| request.opened.way != Way::Commit) else {
        return Ok(None);
    };
    let found = forge.find_pull_request(&request.branch()).await?;
    Ok(found.and_then(|found| match found.state {
        Proposed::Merged { commit } => Some(commit.unwrap_or(found.head)),
        Proposed::Open | Proposed::Closed => None,
    }))
}

/// Pushes the request's branch and opens its pull request; finds either when it is there already.
async fn propose(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
    let Some(forge) = &inner.reach.repository.forge else {
        report(inner, request, Outcome::Ended(no_forge())).await;
        return Ok(());
    };
    if let Again::Reported = again(inner, request, course).await? {
        return Ok(());
    }
    let digest = course.plan.digest.clone();
    let step = Step::Push { branch: request.branch(), digest: digest.clone() };
    if !may(inner, request, step).await {
        return Ok(());
    }
    let Some(head) = landing::onto_branch(inner, request, course).await? else { return Ok(()) };
    if !may(inner, request, Step::OpenPullRequest { branch: request.branch() }).await {
        return Ok(());
    }
    let new = NewPullRequest {
        title: request.opened.title.clone(),
        body: landing::description(inner, request, course),
        head: request.branch(),
        base: inner.reach.repository.branch.clone(),
    };
    let at = forge.open_pull_request(new).await?;
    let opened = PullRequest { number: at.number, url: at.url, head, digest };
    report(inner, request, Outcome::PullRequestOpened(opened)).await;
    Ok(())
}

fn no_forge() -> Ending {
    Ending::Failed {
        why: "this environment lands by pull request, and the repository has no `github` in the configuration."
            .to_owned(),
        remedy: "Add `github` to the repository in `leverframe.yaml`, or set `landing: commit`.".to_owned(),
    }
}

/// Merges the pull request at the approved commit and no other, after looking whether it still is what was approved.
async fn merge(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
    let Some(ours) = &course.pull_request else { return Ok(()) };
    let Some(forge) = &inner.reach.repository.forge else {
        report(inner, request, Outcome::Ended(no_forge())).await;
        return Ok(());
    };
    let now = forge.pull_request(ours.number).await?;
    let moved = now.state == Proposed::Open && now.head != ours.head;
    if moved && !request.intents.is_empty() && pushed_by_us(inner, request, course).await? {
        return Ok(());
    }
    if let Some(ending) = taken_over(&now.state, &now.head, ours) {
        report(inner, request, Outcome::Ended(ending)).await;
        return Ok(());
    }
    if let Proposed::Merged { commit } = now.state {
        // Hosts that do not name the commit are believed that it landed; the head stands for it.
        landed(inner, request, commit.unwrap_or(now.head)).await;
        return Ok(());
    }
    if request.opened.way == Way::ByHand {
        return Ok(());
    }
    if let Again::Reported = again(inner, request, course).await? {
        return Ok(());
    }
    let step = Step::Merge { number: ours.number, head: ours.head.clone(), digest: course.plan.digest.clone() };
    if !may(inner, request, step).await {
        return Ok(());
    }
    match forge.merge(ours.number, the_merge(inner, request, course, &ours.head)).await {
        Ok(commit) => {
            landed(inner, request, commit).await;
            Ok(())
        }
        Err(ForgeError::NotMergeable(words)) => rebase(inner, request, course, words).await,
        Err(error) => Err(error.into()),
    }
}

/// Whether the branch moved because we made it anew ourselves and the answer was lost: then its head is noted.
async fn pushed_by_us(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<bool, Trouble> {
    let Some(ours) = &course.pull_request else { return Ok(false) };
    match landing::onto_branch(inner, request, course).await {
        Ok(Some(head)) => {
            report(inner, request, Outcome::PullRequestOpened(PullRequest { head, ..ours.clone() })).await;
            Ok(true)
        }
        Ok(None) => Ok(true),
        Err(Trouble::Git(GitError::BranchTaken(_))) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What people did to the pull request that makes it theirs.
fn taken_over(state: &Proposed, head: &CommitId, ours: &PullRequest) -> Option<Ending> {
    let taken = |why: String, remedy: &str| Some(Ending::TakenOver { why, remedy: remedy.to_owned() });
    match state {
        Proposed::Closed => taken(
            format!("pull request #{} was closed on the forge.", ours.number),
            "Reopen and merge it there, or ask again.",
        ),
        Proposed::Open if head != &ours.head => taken(
            format!(
                "somebody pushed {} to the branch of pull request #{}, which nobody approved here.",
                head.short(),
                ours.number
            ),
            "Review and merge it on the forge, or ask again.",
        ),
        Proposed::Open | Proposed::Merged { .. } => None,
    }
}

/// The forge will not merge as it is. When the branch rests on an older tip it is made anew on the present one; the
/// change is the same, so its approvals stand. Otherwise the forge's words are shown and it is tried again.
async fn rebase(inner: &Arc<Inner>, request: &Request, course: &Course, words: String) -> Result<(), Trouble> {
    let refused = Trouble::Forge(ForgeError::NotMergeable(words));
    let Some(ours) = &course.pull_request else { return Err(refused) };
    let step = Step::Push { branch: request.branch(), digest: course.plan.digest.clone() };
    if !may(inner, request, step).await {
        return Ok(());
    }
    match landing::onto_branch(inner, request, course).await? {
        Some(head) if head != ours.head => {
            let opened = PullRequest { head, ..ours.clone() };
            report(inner, request, Outcome::PullRequestOpened(opened)).await;
            Ok(())
        }
        Some(_) => Err(refused),
        None => Ok(()),
    }
}

fn the_merge(inner: &Arc<Inner>, request: &Request, course: &Course, head: &CommitId) -> Merge {
    let method = match request.opened.way {
        Way::Merge => Method::Merge,
        Way::Rebase => Method::Rebase,
        Way::Squash | Way::Commit | Way::ByHand => Method::Squash,
    };
    let rules = inner.rules();
    let message = landing::body(rules.as_deref(), request, course, landing::Approvers::Named);
    Merge { head: head.clone(), method, title: request.opened.title.clone(), message }
}

/// Closes the pull request of a request that ended without landing, so that nobody merges it by mistake. Where
/// somebody has merged it already, the request has landed all the same.
async fn close(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
    let (Some(forge), Some(ours)) = (&inner.reach.repository.forge, &course.pull_request) else { return Ok(()) };
    let seen = forge.pull_request(ours.number).await?;
    match seen.state {
        Proposed::Merged { commit } => landed(inner, request, commit.unwrap_or(seen.head)).await,
        Proposed::Closed => drop(report(inner, request, Outcome::PullRequestClosed).await),
        Proposed::Open => {
            if may(inner, request, Step::ClosePullRequest { number: ours.number }).await {
                forge.close_pull_request(ours.number).await?;
                report(inner, request, Outcome::PullRequestClosed).await;
            }
        }
    }
    Ok(())
}
