//! Pull requests: opened, merged at the approved commit and no other, closed when nobody shall merge them. What people
//! do to them on the forge is seen first.

use std::sync::Arc;

use super::{
    Again, Inner, Repository, Trouble, again, anchors, landed, landed_by, landing, may, published, report,
    watching::{self, Seen},
};
use crate::{
    core::{
        change::Plan,
        decide::{Outcome, Step},
        names::CommitId,
        request::{Course, Ending, Nicety, PullRequest, Request, Way},
    },
    forge::{ForgeError, Merge, Method, NewPullRequest, PullRequest as Proposal, State as Proposed},
    git::GitError,
};

/// Pushes the request's branch and opens its pull request; finds either when it is there already.
pub(super) async fn propose(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
    let home = inner.home_of(request)?;
    let Some(forge) = &home.forge else {
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
    let Some(head) = onto_our_branch(inner, request, course).await? else { return Ok(()) };
    if !may(inner, request, Step::OpenPullRequest { branch: request.branch() }).await {
        return Ok(());
    }
    let new = NewPullRequest {
        title: request.opened.title.clone(),
        body: landing::description(inner, request, course),
        head: request.branch(),
        base: home.branch.clone(),
    };
    let (title, text) = (new.title.clone(), new.body.clone());
    let at = forge.open_pull_request(new).await?;
    if course.pull_request.is_some() {
        let described = forge.describe(at.number, &title, &text);
        published::nicety(inner, request, (at.number, Nicety::Description), described).await?;
    }
    let opened = PullRequest { number: at.number, url: at.url, head, digest };
    report(inner, request, Outcome::PullRequestOpened(opened)).await;
    Ok(())
}

/// Puts the change on the request's branch and gives the branch's head. A head that is not the one on record must be one
/// commit beyond the tracked branch that changes only what was planned: a name and a trailer can be anybody's.
pub(super) async fn onto_our_branch(
    inner: &Arc<Inner>,
    request: &Request,
    course: &Course,
) -> Result<Option<CommitId>, Trouble> {
    let Some(head) = landing::onto_branch(inner, request, course).await? else { return Ok(None) };
    let known = course.pull_request.as_ref().is_some_and(|ours| ours.head == head);
    let home = inner.home_of(request)?;
    let Some(forge) = home.forge.as_ref().filter(|_| !known) else { return Ok(Some(head)) };
    let compared = forge.compare(&home.branch, &head).await?;
    let planned = |path| course.plan.edits.iter().any(|edit| edit.path == path);
    let ours = compared.commits == 1 && compared.files.into_iter().all(|file| planned(file.path));
    if ours { Ok(Some(head)) } else { Err(GitError::BranchTaken(request.branch()).into()) }
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
    let home = inner.home_of(request)?;
    let Some(forge) = &home.forge else {
        report(inner, request, Outcome::Ended(no_forge())).await;
        return Ok(());
    };
    let now = forge.pull_request(ours.number).await?;
    if watching::seen(inner, request, course, &now).await? == Seen::Otherwise {
        return Ok(());
    }
    published::approval(inner, request, course).await;
    published::in_their_names(inner, request, course).await;
    watching::reviews(inner, request, (forge, course)).await?;
    if request.opened.way == Way::ByHand || inner.request(&request.id).await.is_none_or(|now| now != *request) {
        return Ok(());
    }
    if let Again::Reported = again(inner, request, course).await? {
        return Ok(());
    }
    if let Rewritten::Yes = anew(inner, request, course).await? {
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
        Err(ForgeError::NotMergeable(words)) => rebase(inner, request, (course, &now), words).await,
        Err(error) => Err(error.into()),
    }
}

/// Whether the tracked branch was rewritten, so that the request's branch was made anew.
pub(super) enum Rewritten {
    /// It was.
    Yes,
    /// It was not.
    No,
}

/// Where somebody force-pushed the tracked branch, the request's branch still stands on what they took out, and merging
/// it would bring that back: it is made anew on the branch as it is. The change is the same, so its approvals stand.
pub(super) async fn anew(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<Rewritten, Trouble> {
    let (Some(rules), Some(ours)) = (inner.rules(), &course.pull_request) else { return Ok(Rewritten::No) };
    let (home, Some(tip)) = (inner.home_of(request)?, rules.commit_of(&request.opened.target)) else {
        return Ok(Rewritten::No);
    };
    if home.mirror.is_ancestor(&course.plan.base, tip).await? {
        return Ok(Rewritten::No);
    }
    let step = Step::Push { branch: request.branch(), digest: course.plan.digest.clone() };
    if may(inner, request, step).await
        && let Some(head) = onto_our_branch(inner, request, course).await?
    {
        if head != ours.head {
            report(inner, request, Outcome::PullRequestOpened(PullRequest { head, ..ours.clone() })).await;
        }
        let base = tip.clone();
        report(inner, request, Outcome::Redrawn(Plan { base, ..course.plan.clone() })).await;
    }
    Ok(Rewritten::Yes)
}

/// The forge will not merge as it is. When the branch rests on an older tip it is made anew on the present one; the
/// change is the same, so its approvals stand. Otherwise the card says who or what is awaited, and it is tried again.
async fn rebase(
    inner: &Arc<Inner>,
    request: &Request,
    (course, now): (&Course, &Proposal),
    words: String,
) -> Result<(), Trouble> {
    let Some(ours) = &course.pull_request else { return Ok(()) };
    let step = Step::Push { branch: request.branch(), digest: course.plan.digest.clone() };
    if !may(inner, request, step).await {
        return Ok(());
    }
    match onto_our_branch(inner, request, course).await? {
        Some(head) if head != ours.head => {
            let opened = PullRequest { head, ..ours.clone() };
            report(inner, request, Outcome::PullRequestOpened(opened)).await;
            Ok(())
        }
        Some(_) => Err(Trouble::Blocked(blocked(inner, request, (ours, now), words).await)),
        None => Ok(()),
    }
}

/// Why GitHub does not merge, in its words and with what its checks and reviewers say.
async fn blocked(
    inner: &Arc<Inner>,
    request: &Request,
    (ours, now): (&PullRequest, &Proposal),
    words: String,
) -> String {
    let refused = ForgeError::NotMergeable(words);
    let Ok(Repository { forge: Some(forge), branch, .. }) = inner.home_of(request) else { return refused.to_string() };
    let said = refused.to_string();
    let queue = said.to_lowercase().contains("merge queue") || forge.has_merge_queue(branch).await.unwrap_or(false);
    if queue {
        return format!(
            "{said}. The branch merges through a merge queue, which no program may enter for you: press \"Merge when \
             ready\" on pull request #{}. It is followed from there",
            ours.number
        );
    }
    let checks = forge.checks(&ours.head).await.unwrap_or_default();
    let listed = |what: &str, names: &[String]| {
        let names: Vec<String> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
    };
    let awaited: Vec<String> = now.awaited.iter().map(|login| watching::name(inner, login)).collect();
    let known = [
        listed("Failing:", &checks.failing),
        listed("Still running:", &checks.pending),
        (!awaited.is_empty()).then(|| format!("Asked for a review: {}", awaited.join(", "))),
    ];
    let mut known: Vec<String> = known.into_iter().flatten().collect();
    if said.contains("approving review") && inner.reach.accounts.is_some() {
        known.push("Whoever links their account with `/link` gives their review with the click".to_owned());
    }
    match known.is_empty() {
        true => format!("{said}. {}", refused.remedy()),
        false => format!("{}. {}", said.trim_end_matches('.'), known.join(". ")),
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
        Way::Squash | Way::Commit | Way::ByHand | Way::Live => Method::Squash,
    };
    let rules = inner.rules();
    let message = landing::body(rules.as_deref(), request, course, (landing::Approvers::Named, checkpoint));
    Merge { head: head.clone(), method, title: request.opened.title.clone(), message }
}

/// Closes the pull request of a request that ended without landing, so that nobody merges it by mistake. Where
/// somebody has merged it already, the request has landed all the same.
pub(super) async fn close(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
    let (Some(forge), Some(ours)) = (inner.forge_of(request), &course.pull_request) else { return Ok(()) };
    let seen = forge.pull_request(ours.number).await?;
    match &seen.state {
        Proposed::Merged { commit } => {
            let commit = commit.clone().unwrap_or_else(|| seen.head.clone());
            landed_by(inner, request, commit, watching::merger(inner, &seen)).await;
        }
        Proposed::Closed => drop(report(inner, request, Outcome::PullRequestClosed).await),
        Proposed::Open => {
            published::approval(inner, request, course).await;
            if may(inner, request, Step::ClosePullRequest { number: ours.number }).await {
                let done = forge.close_pull_request(ours.number).await;
                let closed = done.is_ok();
                published::refused(inner, request, Nicety::Closing, done).await?;
                if closed {
                    report(inner, request, Outcome::PullRequestClosed).await;
                }
            }
        }
    }
    Ok(())
}
