//! What the forge shows of a request: its approvals as a commit status, labels, who is asked for a review, the
//! description. Useful and no more: what is refused is said on the card once, and stops nothing.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Arc, PoisonError},
};

use super::{Inner, may, report};
use crate::{
    clock,
    core::{
        catalog::Platform,
        decide::{Now, Outcome, Step, still_needed},
        names::{CommitId, RepoPath},
        request::{Course, Nicety, NotDone, Request, State},
        rules::Rules,
    },
    forge::{
        ForgeError, OWNERS_PLACES, Owners, PullRequest as Proposal, Review, ReviewState, Reviewers, Status, StatusState,
    },
    git::Mirror,
};

/// The status that carries our approvals, so that a merge on the forge obeys the same rule as a click.
pub(super) const APPROVAL: &str = "leverframe/approval";
/// The label of every pull request of ours.
const LABEL: &str = "leverframe";
/// How many people are asked at most, which is as many as GitHub takes.
const MOST_ASKED: usize = 15;

/// Does something that is only useful, unless it was refused before. What is in the way for a while is the caller's
/// to try again.
pub(super) async fn nicety(
    inner: &Arc<Inner>,
    request: &Request,
    (number, what): (u64, Nicety),
    doing: impl Future<Output = Result<(), ForgeError>>,
) -> Result<(), ForgeError> {
    if !request.course().is_some_and(|course| course.can(what))
        || !may(inner, request, Step::Edit { number, what }).await
    {
        return Ok(());
    }
    refused(inner, request, what, doing.await).await
}

/// Says on the card what was refused for good.
pub(super) async fn refused(
    inner: &Arc<Inner>,
    request: &Request,
    what: Nicety,
    done: Result<(), ForgeError>,
) -> Result<(), ForgeError> {
    match done {
        Err(error) if !error.is_passing() => {
            let why = format!("{error}. {}", error.remedy());
            report(inner, request, Outcome::NotDone(NotDone { what, why })).await;
            Ok(())
        }
        done => done,
    }
}

/// Publishes how the approvals stand, when that is news. Passing trouble is left for the next look.
pub(super) async fn approval(inner: &Arc<Inner>, request: &Request, course: &Course) {
    let (Some(forge), Some(ours)) = (inner.forge_of(request), &course.pull_request) else { return };
    if !course.can(Nicety::Status) {
        return;
    }
    let status = status(inner, request, course).await;
    if inner.forge.is_published(&ours.head, &status) {
        return;
    }
    let done = forge.publish(&ours.head, &status).await;
    if done.is_ok() {
        inner.forge.note_published(&ours.head, status);
    }
    if let Err(error) = refused(inner, request, Nicety::Status, done).await {
        tracing::info!(request = %request.id, %error, "the approvals are published later");
    }
}

/// Gives the approvals of chat as reviews in the names of those who linked their accounts, once each. What the rules of
/// the branch ask of reviewers is met by the click that way.
pub(super) async fn in_their_names(inner: &Arc<Inner>, request: &Request, course: &Course) {
    let (Some(forge), Some(ours)) = (inner.forge_of(request), &course.pull_request) else { return };
    let Some(accounts) = inner.reach.accounts.as_ref().filter(|_| course.foreign.is_none()) else { return };
    if ours.digest != course.plan.digest {
        return;
    }
    let in_chat = course.votes.iter().filter(|vote| vote.actor.via != "github");
    let people = in_chat.filter_map(|vote| vote.actor.person.as_ref());
    let linked: Vec<_> = people.filter_map(|person| Some((person, accounts.linked(person)?))).collect();
    if linked.is_empty() {
        return;
    }
    // Looked at first: a review that was given and whose answer was lost is not given twice.
    let Ok(given) = forge.reviews(ours.number).await else { return };
    for (person, login) in linked {
        let is_theirs = |review: &Review| {
            review.login.eq_ignore_ascii_case(&login)
                && review.commit.as_ref() == Some(&ours.head)
                && review.state == ReviewState::Approved
        };
        if given.iter().any(is_theirs) {
            continue;
        }
        let approved = async {
            let done = accounts.approve(person, (forge, ours.number), &ours.head).await;
            if done == Err(ForgeError::Unauthorized) {
                tracing::info!(%person, forgotten = accounts.forget(person).is_ok(), "GitHub no longer takes a token");
                return Err(ForgeError::Invalid(format!("`{login}` is no longer linked; `/link` links it again")));
            }
            done
        };
        if let Err(error) = nicety(inner, request, (ours.number, Nicety::Review), approved).await {
            tracing::info!(request = %request.id, %error, "an approval is given as a review at the next look");
        }
    }
}

/// How the approvals stand, in GitHub's words.
async fn status(inner: &Arc<Inner>, request: &Request, course: &Course) -> Status {
    let rules = inner.rules();
    let needed = match &rules {
        Some(rules) => {
            let matters = inner.matters().await;
            still_needed(request, Now { at: clock::now(), rules, matters: &matters })
        }
        None => Vec::new(),
    };
    let named = |course: &Course| {
        let names = course.votes.iter().map(|vote| {
            let person = vote.actor.person.as_ref();
            let known = person.and_then(|id| Some(rules.as_ref()?.catalog.person(id)?.name.clone()));
            known.or_else(|| vote.actor.account.clone()).unwrap_or_else(|| vote.actor.via.clone())
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let status = |state, words: &str| Status::new(APPROVAL, state, words);
    match &request.state {
        State::Deciding(_) if course.foreign.is_some() => {
            status(StatusState::Failure, "Somebody else's commit is on this branch; nobody approved that in chat")
        }
        State::Landing(_) if course.votes.is_empty() => status(StatusState::Success, "Nobody need approve this"),
        State::Landing(_) | State::Following(..) => {
            status(StatusState::Success, &format!("Approved by {}", named(course)))
        }
        State::Over { commit: Some(_), .. } => status(StatusState::Success, "Merged"),
        State::Over { ending, .. } => status(StatusState::Failure, &format!("The request is over: {}", ending.word())),
        State::Deciding(Course { scheduled: Some(_), .. }) => {
            let at = request.opened.begins.map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default();
            status(StatusState::Pending, &format!("Approved; merged when it begins, {at}"))
        }
        State::Planning | State::Deciding(_) => status(StatusState::Pending, &awaited(request, course, &needed)),
    }
}

/// What is still needed: by each rule where there are several.
fn awaited(request: &Request, course: &Course, needed: &[String]) -> String {
    let needs = &request.opened.needs;
    let given = u32::try_from(course.votes.len()).unwrap_or(u32::MAX);
    if !needed.is_empty() && (needs.count == 0 || needs.from.iter().any(|from| from.contains(" of "))) {
        let needed: Vec<String> = needed.iter().map(|one| one.replacen(" of ", " more from ", 1)).collect();
        return format!("{}, in chat or as a review here", needed.join(" and "));
    }
    let from = if needs.from.is_empty() { "anybody else".to_owned() } else { needs.from.join(" or ") };
    match needs.count.saturating_sub(given) {
        0 => "Asked whether it is still wanted".to_owned(),
        left => format!("{left} more from {from}, in chat or as a review here"),
    }
}

/// Labels the pull request and asks for reviews, once.
pub(super) async fn dress(inner: &Arc<Inner>, request: &Request, (course, now): (&Course, &Proposal)) {
    let Some(forge) = inner.forge_of(request) else { return };
    let environment = &request.opened.target.environment;
    if !inner.forge.dressed.lock().unwrap_or_else(PoisonError::into_inner).insert(request.id.clone()) {
        return;
    }
    let mut done = Ok(());
    if !now.labels.iter().any(|label| label == LABEL) {
        let labels = [LABEL.to_owned(), format!("environment:{environment}")];
        done = nicety(inner, request, (now.number, Nicety::Labels), forge.label(now.number, &labels)).await;
    }
    let reviewers = match inner.rules() {
        Some(rules) if now.awaited.is_empty() => reviewers(inner, request, (&rules, course, &now.author)).await,
        Some(_) | None => Reviewers::default(),
    };
    if reviewers != Reviewers::default() {
        let asked = forge.ask_for_review(now.number, &reviewers);
        done = done.and(nicety(inner, request, (now.number, Nicety::Reviewers), asked).await);
    }
    if let Err(error) = done {
        tracing::info!(request = %request.id, %error, "labels and reviewers are asked for at the next look");
        inner.forge.dressed.lock().unwrap_or_else(PoisonError::into_inner).remove(&request.id);
    }
}

/// Who owns the changed files by CODEOWNERS, and the service's team; never whoever asked, never ourselves.
async fn reviewers(
    inner: &Arc<Inner>,
    request: &Request,
    (rules, course, author): (&Arc<Rules>, &Course, &str),
) -> Reviewers {
    let owners = match inner.home_at(rules, &request.opened.target) {
        Ok((home, commit)) => owners(&home.mirror, commit).await,
        Err(_) => Owners::default(),
    };
    let (mut people, mut teams) = (BTreeSet::new(), BTreeSet::new());
    for owner in course.plan.edits.iter().flat_map(|edit| owners.of(edit.path.as_str())) {
        match owner.strip_prefix('@').map(|name| name.split_once('/')) {
            Some(Some((_, slug))) => drop(teams.insert(slug.to_owned())),
            Some(None) => drop(people.insert(owner.trim_start_matches('@').to_lowercase())),
            None => {}
        }
    }
    for team in request.opened.services().filter_map(|service| rules.catalog.team_of(service)) {
        let members = rules.catalog.people().filter(|person| person.teams.contains(team));
        people.extend(members.filter_map(|person| person.accounts.get(&Platform::GitHub)).cloned());
    }
    let requester = request.requester.person.as_ref().and_then(|id| rules.catalog.person(id));
    let theirs = requester.and_then(|person| person.accounts.get(&Platform::GitHub));
    people.retain(|login| Some(login) != theirs && !login.eq_ignore_ascii_case(author));
    Reviewers {
        people: people.into_iter().take(MOST_ASKED).collect(),
        teams: teams.into_iter().take(MOST_ASKED).collect(),
    }
}

async fn owners(mirror: &Mirror, commit: &CommitId) -> Owners {
    for place in OWNERS_PLACES {
        let Ok(path) = RepoPath::parse(place) else { continue };
        if let Ok(Some(file)) = mirror.file(commit, &path).await {
            return Owners::parse(&file.text);
        }
    }
    Owners::default()
}
