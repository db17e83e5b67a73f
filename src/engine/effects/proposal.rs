//! Pull requests: opened, merged at the approved commit and no other, closed when nobody shall merge them. What people
//! do to them on the forge is seen first.

use std::sync::Arc;

use super::{Again, Inner, Trouble, again, anchors, landed, landing, may, report};
use crate::{
    core::{
        decide::{Outcome, Step},
        names::CommitId,
        request::{Course, Ending, PullRequest, Request, Way},
    },
    forge::{ForgeError, Merge, Method, NewPullRequest, State as Proposed},
    git::GitError,
};

/// Pushes the request's branch and opens its pull request; finds either when it is there already.
pub(super) async fn propose(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
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
pub(super) async fn merge(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
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
    let checkpoint = anchors::trailer(inner, &request.id, "merge.intent").await?;
    match forge.merge(ours.number, the_merge(inner, request, course, (&ours.head, checkpoint))).await {
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

fn the_merge(
    inner: &Arc<Inner>,
    request: &Request,
    course: &Course,
    (head, checkpoint): (&CommitId, Option<String>),
) -> Merge {
    let method = match request.opened.way {
        Way::Merge => Method::Merge,
        Way::Rebase => Method::Rebase,
        Way::Squash | Way::Commit | Way::ByHand => Method::Squash,
    };
    let rules = inner.rules();
    let message = landing::body(rules.as_deref(), request, course, (landing::Approvers::Named, checkpoint));
    Merge { head: head.clone(), method, title: request.opened.title.clone(), message }
}

/// Closes the pull request of a request that ended without landing, so that nobody merges it by mistake. Where
/// somebody has merged it already, the request has landed all the same.
pub(super) async fn close(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
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
