//! What people do to a pull request of ours, seen while they decide and before every merge: reviews are votes, what
//! others push voids them, what they merge or close is theirs. Whatever hinted at it, the forge is asked.

use std::sync::Arc;

use super::{Again, Inner, Trouble, compare, homes, landed_by, legs, may, proposal, published, report};
use crate::{
    core::{
        change::Side,
        decide::{Asker, Incoming, Outcome, ReviewSays, Reviewed, Step, ourselves},
        entry::Actor,
        names::CommitId,
        request::{Course, Ending, Foreign, PullRequest, Request},
        rules::Rules,
        yaml,
    },
    forge::{GitHub, PullRequest as Proposal, Review, ReviewState, State as Proposed},
    git::GitError,
};

/// Whether the pull request is as we left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is open, at our commit or at one that is known to be somebody else's.
    AsKnown,
    /// It is not, which was reported.
    Otherwise,
}

/// One look while people decide.
pub(super) async fn watch(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
    let (Some(forge), Some(ours)) = (inner.forge_of(request), &course.pull_request) else { return Ok(()) };
    let now = forge.pull_request(ours.number).await?;
    if seen(inner, request, course, &now).await? == Seen::Otherwise {
        return Ok(());
    }
    published::approval(inner, request, course).await;
    if course.foreign.is_some() {
        return Ok(());
    }
    published::dress(inner, request, (course, &now)).await;
    published::in_their_names(inner, request, course).await;
    reviews(inner, request, (forge, course)).await?;
    renew(inner, request, course, &now).await
}

/// Compares the pull request with what we know of it, and reports what is new.
pub(super) async fn seen(
    inner: &Arc<Inner>,
    request: &Request,
    course: &Course,
    now: &Proposal,
) -> Result<Seen, Trouble> {
    let Some(ours) = &course.pull_request else { return Ok(Seen::AsKnown) };
    match &now.state {
        Proposed::Merged { commit } => {
            // Hosts that do not name the commit are believed that it landed; the head stands for it.
            let commit = commit.clone().unwrap_or_else(|| now.head.clone());
            landed_by(inner, request, commit, merger(inner, now)).await;
        }
        Proposed::Closed => closed(inner, request, ours).await,
        Proposed::Open if now.head == ours.head => {
            if course.foreign.is_none() {
                return Ok(Seen::AsKnown);
            }
            // Theirs is gone again: it stands as we made it, and people are asked anew.
            report(inner, request, Outcome::PullRequestOpened(ours.clone())).await;
        }
        Proposed::Open if course.foreign.as_ref().is_some_and(|foreign| foreign.head == now.head) => {
            return Ok(Seen::AsKnown);
        }
        Proposed::Open => {
            if request.intents.is_empty() || !pushed_by_us(inner, request, course).await? {
                let foreign = Foreign { head: now.head.clone(), what: what_moved(inner, course, now).await };
                report(inner, request, Outcome::Moved(foreign)).await;
            }
        }
    }
    Ok(Seen::Otherwise)
}

/// Who merged it: the account that opened it is ours.
pub(super) fn merger(inner: &Inner, now: &Proposal) -> Actor {
    match &now.merged_by {
        Some(login) if *login != now.author => actor(inner, login),
        Some(_) | None => ourselves(),
    }
}

/// Somebody on the forge, and who that is in the catalog.
pub(in crate::engine) fn actor(inner: &Inner, login: &str) -> Actor {
    let rules = inner.rules();
    let person = rules.as_ref().and_then(|rules| rules.catalog.person_by_github(login)).map(|person| person.id.clone());
    Actor { person, account: Some(format!("github:{login}")), via: "github".to_owned() }
}

/// The name that people know somebody by.
pub(in crate::engine) fn name(inner: &Inner, login: &str) -> String {
    let rules = inner.rules();
    let person = rules.as_ref().and_then(|rules| rules.catalog.person_by_github(login));
    person.map_or_else(|| login.to_owned(), |person| person.name.clone())
}

async fn closed(inner: &Arc<Inner>, request: &Request, ours: &PullRequest) {
    let login = match inner.forge_of(request) {
        Some(forge) => forge.closed_by(ours.number).await.ok().and_then(|closed| closed.0),
        None => None,
    };
    let by = login.as_ref().map(|login| format!(" by {}", name(inner, login))).unwrap_or_default();
    let ending = Ending::TakenOver {
        why: format!("pull request #{} was closed on GitHub{by}.", ours.number),
        remedy: "Reopen it there to go on, or ask again.".to_owned(),
    };
    let actor = login.map_or_else(ourselves, |login| actor(inner, &login));
    report(inner, request, Outcome::EndedBy(ending, actor)).await;
}

/// Whether the branch moved because we made it anew ourselves and the answer was lost: then its head is noted.
async fn pushed_by_us(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<bool, Trouble> {
    let Some(ours) = &course.pull_request else { return Ok(false) };
    match proposal::onto_our_branch(inner, request, course).await {
        Ok(Some(head)) => {
            report(inner, request, Outcome::PullRequestOpened(PullRequest { head, ..ours.clone() })).await;
            Ok(true)
        }
        Ok(None) => Ok(true),
        Err(Trouble::Git(GitError::BranchTaken(_))) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Who pushed, and what the planned places hold there, as far as the forge tells.
async fn what_moved(inner: &Arc<Inner>, course: &Course, now: &Proposal) -> String {
    let Some(forge) = inner.home_by(course).and_then(|home| home.forge.as_ref()) else { return String::new() };
    let login = forge.commit(&now.head).await.ok().and_then(|commit| commit.login);
    let who = login.map_or_else(|| "somebody".to_owned(), |login| name(inner, &login));
    let pushed = format!("{who} pushed {} to the branch of pull request #{}", now.head.short(), now.number);
    let files = forge.files(now.number).await.unwrap_or_default();
    let mut texts = Vec::new();
    for edit in &course.plan.edits {
        let blob = files.iter().find(|file| file.path == edit.path).and_then(|file| file.blob.clone());
        let text = match blob {
            Some(blob) => forge.text_of(&blob).await.ok().flatten(),
            None => None,
        };
        texts.push(text);
    }
    match unlike(course, &texts) {
        Some(words) => format!("{pushed}, where now {words}"),
        None => format!("{pushed}; what was planned is still there beside it"),
    }
}

/// What the planned places hold in these files instead of what was planned.
fn unlike(course: &Course, texts: &[Option<String>]) -> Option<String> {
    let fields = course.plan.field_edits();
    let lines = course.plan.parts().flat_map(|part| part.lines.iter().take(part.field_edits().len()));
    let places = lines.zip(fields).zip(texts);
    let exact = course.plan.exact.iter().zip(texts.iter().skip(fields.len()));
    let moved = exact.filter(|(one, text)| !one.stands(text.as_deref(), Side::New));
    let moved = moved.map(|(one, _)| format!("{} is not as it was planned", one.place()));
    let other = places.filter_map(|((line, edit), text)| {
        let found = text.as_ref().and_then(|text| yaml::read(text, &edit.document, &edit.yaml_path).ok().flatten());
        let found = found.map(|value| value.to_json());
        if found.as_ref() == Some(&edit.new) {
            return None;
        }
        let shown = found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        Some(format!("{} is {} and not {}", line.field, shown.as_deref().unwrap_or("not set"), line.new))
    });
    let other: Vec<String> = other.chain(moved).collect();
    (!other.is_empty()).then(|| other.join(", "))
}

/// What stands at the planned places of a commit instead of what was planned. `None` also where it cannot be seen.
pub(super) async fn differs(inner: &Arc<Inner>, course: &Course, commit: &CommitId) -> Option<String> {
    let mut texts = Vec::new();
    for edit in &course.plan.edits {
        let file = inner.home_by(course)?.mirror.file(commit, &edit.path).await.ok()?;
        texts.push(file.map(|file| file.text));
    }
    let words = unlike(course, &texts)?;
    Some(format!("what was merged is not what was planned here: {words}."))
}

/// The reviews of our commit, each person's last word, as votes.
pub(super) async fn reviews(
    inner: &Arc<Inner>,
    request: &Request,
    (forge, course): (&GitHub, &Course),
) -> Result<(), Trouble> {
    let Some(ours) = &course.pull_request else { return Ok(()) };
    let Some(rules) = inner.rules() else { return Ok(()) };
    let given = forge.reviews(ours.number).await?;
    for (review, says) in last_words(&given, &ours.head) {
        let now = crate::clock::now();
        let fresh = review.at.is_some_and(|at| at > course.voided && now.duration_since(at) <= request.patience());
        if !fresh && says != ReviewSays::TakenBack {
            continue;
        }
        let reviewed = Reviewed {
            asker: asker(&rules, &review.login),
            request: request.id.clone(),
            says,
            head: ours.head.clone(),
        };
        let event = format!("github:review:{}:{:?}", review.id, review.state);
        inner.take(Incoming::Reviewed(reviewed), Some(event)).await;
    }
    Ok(())
}

fn asker(rules: &Rules, login: &str) -> Asker {
    let person = rules.catalog.person_by_github(login).map(|person| person.id.clone());
    Asker { account: format!("github:{login}"), via: "github".to_owned(), person }
}

/// Each account's last decided review of a commit. Remarks decide nothing.
fn last_words<'a>(given: &'a [Review], head: &CommitId) -> Vec<(&'a Review, ReviewSays)> {
    let mut last: Vec<(&Review, ReviewSays)> = Vec::new();
    for review in given.iter().filter(|review| review.commit.as_ref() == Some(head)) {
        let says = match review.state {
            ReviewState::Approved => ReviewSays::Yes,
            ReviewState::ChangesRequested => ReviewSays::No,
            ReviewState::Dismissed => ReviewSays::TakenBack,
            ReviewState::Commented | ReviewState::Pending | ReviewState::Unknown => continue,
        };
        last.retain(|(other, _)| other.login != review.login);
        last.push((review, says));
    }
    last
}

/// The branch moved on: the edit is planned again on it, and where GitHub sees a conflict the request's branch is made
/// anew. The same change keeps its approvals.
async fn renew(inner: &Arc<Inner>, request: &Request, course: &Course, now: &Proposal) -> Result<(), Trouble> {
    let (Some(rules), Some(ours)) = (inner.rules(), &course.pull_request) else { return Ok(()) };
    let conflicts = now.mergeable == Some(false);
    if rules.commit_of(&request.opened.target) == Some(&course.plan.base) && !conflicts {
        return Ok(());
    }
    if conflicts {
        super::rules::refresh_for(inner, inner.home_of(request)?).await?;
    }
    let Some(rules) = inner.rules() else { return Ok(()) };
    if homes::moved_away(inner, request, &rules).await? {
        return Ok(());
    }
    let fresh = legs::plan_again(inner, &rules, request, &course.plan).await?;
    if let Again::Reported = compare(inner, request, course, fresh).await? {
        return Ok(());
    }
    if let proposal::Rewritten::Yes = proposal::anew(inner, request, course).await? {
        return Ok(());
    }
    let step = Step::Push { branch: request.branch(), digest: course.plan.digest.clone() };
    if !conflicts || !may(inner, request, step).await {
        return Ok(());
    }
    match proposal::onto_our_branch(inner, request, course).await? {
        Some(head) if head != ours.head => {
            report(inner, request, Outcome::PullRequestOpened(PullRequest { head, ..ours.clone() })).await;
            Ok(())
        }
        Some(_) | None => Ok(()),
    }
}

/// The request's pull request was closed by people. Where they opened it again, it goes on.
pub(in crate::engine) async fn reopened(inner: &Arc<Inner>, request: &Request) {
    let (Some(forge), Some(ours)) =
        (inner.forge_of(request), request.course().and_then(|course| course.pull_request.clone()))
    else {
        return;
    };
    match forge.pull_request(ours.number).await {
        Ok(now) if now.state == Proposed::Open => {
            let somebody = Actor { person: None, account: None, via: "github".to_owned() };
            report(inner, request, Outcome::Reopened(somebody)).await;
        }
        Ok(Proposal { state: Proposed::Merged { commit: Some(commit) }, merged_by, author, .. }) => {
            let by = merged_by.filter(|login| *login != author).map_or_else(ourselves, |login| actor(inner, &login));
            landed_by(inner, request, commit, by).await;
        }
        Ok(_) => {}
        Err(error) => tracing::info!(request = %request.id, %error, "a closed pull request could not be looked at"),
    }
}
