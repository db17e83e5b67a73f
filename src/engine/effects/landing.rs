//! Commits: the edit is made again on the tip that it lands on, and only if it is still the approved change.

use std::{
    fmt::Write,
    sync::{Arc, PoisonError},
};

use super::{Again, Inner, Landing, Onto, Trouble, anchors, compare, homes, landed, legs, may, report, rules};
use crate::{
    core::{
        change::{Line, Plan, PlanRefusal, Planned},
        decide::{Outcome, Step},
        entry::Actor,
        names::CommitId,
        request::{Course, Ending, Request},
        rules::{Rules, Sources},
    },
    git::{Composed, Outcome as Landed, Signature, Tree},
};

/// How much of a diff a description shows, in characters: GitHub takes 65,536 in all.
const MOST_DIFF: usize = 40_000;

/// Whether a message names who approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Approvers {
    /// It does.
    Named,
    /// It does not: nobody has yet.
    Unnamed,
}

/// The address that we commit with.
pub const ADDRESS: &str = "leverframe@users.noreply.invalid";

/// How often rules that changed meanwhile are read before the card says that they do.
const READINGS: usize = 5;

/// Commits to the tracked branch, under the rules that the branch holds at that moment.
pub(super) async fn commit(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
    // What an earlier try pushed is there, whatever time or policy would say of pushing it now.
    if !request.intents.is_empty()
        && let Some(commit) = landed_before(inner, request).await?
    {
        landed(inner, request, commit).await;
        return Ok(());
    }
    let home = inner.home_of(request)?;
    let holds_the_rules = home.name == inner.reach.repository.name;
    for _ in 0..READINGS {
        if !holds_the_rules {
            // The rules are on another branch than the one that is pushed to, so that no lease holds them: they are read
            // as late as can be.
            rules::refresh(inner, &inner.reach.repository).await?;
        }
        let Some(in_force) = inner.rules() else {
            return Err(Trouble::Other("the rules are not read yet.".to_owned()));
        };
        if homes::moved_away(inner, request, &in_force).await? {
            return Ok(());
        }
        // Taken before policy is asked: rules that come later than this are other rules.
        let considered = inner.considered.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (branch, digest) = (home.branch.clone(), course.plan.digest.clone());
        if !may(inner, request, Step::Push { branch, digest }).await {
            return Ok(());
        }
        let place =
            Place { onto: Onto::Tracked, under: holds_the_rules.then_some(considered), approvers: Approvers::Named };
        match land(inner, request, course, place).await {
            Err(Trouble::Git(error)) if error.is_final() => {
                let ending = Ending::Failed { why: error.to_string(), remedy: error.remedy() };
                report(inner, request, Outcome::Ended(ending)).await;
                return Ok(());
            }
            Err(trouble) => return Err(trouble),
            Ok(Landed::Landed { commit, .. } | Landed::AlreadyThere { commit }) => {
                landed(inner, request, commit).await;
                return Ok(());
            }
            Ok(Landed::Stopped(Stop::Replanned(fresh))) => {
                compare(inner, request, course, *fresh).await?;
                return Ok(());
            }
            Ok(Landed::Stopped(Stop::OtherRules)) => rules::refresh(inner, home).await?,
        }
    }
    Err(Trouble::Other("the rules in git change faster than this can land.".to_owned()))
}

/// The commit of an earlier try, where it landed and its answer was lost.
async fn landed_before(inner: &Arc<Inner>, request: &Request) -> Result<Option<CommitId>, Trouble> {
    let mirror = &inner.home_of(request)?.mirror;
    let tip = mirror.fetch().await?;
    Ok(mirror.find_marked(&tip, &request.id, request.at).await?)
}

/// Commits to the request's own branch and says which commit is its head now; `None` when the change is another one.
pub(super) async fn onto_branch(
    inner: &Arc<Inner>,
    request: &Request,
    course: &Course,
) -> Result<Option<CommitId>, Trouble> {
    let place = Place { onto: Onto::Branch(request.branch()), under: None, approvers: Approvers::Unnamed };
    match land(inner, request, course, place).await? {
        Landed::Landed { commit, .. } | Landed::AlreadyThere { commit } => Ok(Some(commit)),
        Landed::Stopped(Stop::OtherRules) => Ok(None),
        Landed::Stopped(Stop::Replanned(fresh)) => match compare(inner, request, course, *fresh).await? {
            Again::Same | Again::Reported => Ok(None),
        },
    }
}

/// Where and how a change is committed.
struct Place {
    onto: Onto,
    /// The rules that the tip must hold; none where nothing takes effect by it.
    under: Option<Sources>,
    approvers: Approvers,
}

/// Why a change is not committed on a tip.
enum Stop {
    /// The tip holds other rules than those that permitted it.
    OtherRules,
    /// It is another change there, or none.
    Replanned(Box<Result<Plan, PlanRefusal>>),
}

async fn land(inner: &Arc<Inner>, request: &Request, course: &Course, place: Place) -> Result<Landed<Stop>, Trouble> {
    let Some(rules) = inner.rules() else { return Err(Trouble::Other("the rules are not read yet.".to_owned())) };
    let checkpoint = anchors::trailer(inner, &request.id, "push.intent").await?;
    let message = message(&rules, request, course, (place.approvers, checkpoint));
    let author = author(&rules, &request.requester);
    let home = inner.home_of(request)?;
    let (repository, request_again, plan) = (home.name.clone(), request.clone(), course.plan.clone());
    let under = place.under;
    let compose = move |tree: &Tree<'_>| -> Result<Composed, Stop> {
        if under.as_ref().is_some_and(|considered| rules::are_others(considered, tree)) {
            return Err(Stop::OtherRules);
        }
        let replanned = |fresh| Stop::Replanned(Box::new(fresh));
        let planned = legs::plan_on_tree(&repository, &rules, &request_again, &plan, tree)
            .map_err(|refusal| replanned(Err(refusal)))?;
        if planned.plan.digest != plan.digest {
            return Err(replanned(Ok(planned.plan)));
        }
        Ok(composed(planned, author.clone(), message.clone(), &request_again))
    };
    let landing =
        Landing { onto: place.onto, request: request.id.clone(), opened: request.at, compose: Box::new(compose) };
    Ok(home.mirror.land(landing).await?)
}

fn composed(planned: Planned, author: Signature, message: String, request: &Request) -> Composed {
    let files = planned.after.into_iter().map(|(path, text)| (path, text.map(String::into_bytes))).collect();
    Composed { files, author, committer: ourselves(), at: request.at, message }
}

fn ourselves() -> Signature {
    Signature { name: "Leverframe".to_owned(), email: ADDRESS.to_owned() }
}

/// The person, as the catalog knows them.
fn author(rules: &Rules, actor: &Actor) -> Signature {
    let id = actor.person.as_ref();
    let person = id.and_then(|id| rules.catalog.person(id));
    let pseudonym = id.map_or_else(|| actor.account.clone().unwrap_or_else(|| actor.via.clone()), ToString::to_string);
    let local: String = pseudonym.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    Signature {
        name: person.map_or(pseudonym, |person| person.name.clone()),
        email: person
            .and_then(|person| person.email.clone())
            .unwrap_or_else(|| format!("{local}@users.noreply.invalid")),
    }
}

fn message(rules: &Rules, request: &Request, course: &Course, trailers: Trailers) -> String {
    let body = body(Some(rules), request, course, trailers);
    format!("{}\n\n{}", request.opened.title, body.trim_start_matches('\n'))
}

/// What a message says of approvers, and the ledger's checkpoint.
pub(super) type Trailers = (Approvers, Option<String>);

/// What it was before and why, then the trailers.
pub(super) fn body(
    rules: Option<&Rules>,
    request: &Request,
    course: &Course,
    (approvers, checkpoint): Trailers,
) -> String {
    let mut body = String::new();
    for (of, line) in lines(course) {
        let _ = writeln!(body, "{of}{}: {} -> {}", line.field, line.old.as_deref().unwrap_or("(not set)"), line.new);
    }
    if let Some(reason) = &request.reason {
        let _ = writeln!(body, "\n{}", one_paragraph(reason));
    }
    let _ = writeln!(body, "\nLeverframe-Request: {}", request.id);
    let _ = writeln!(body, "Requested-by: {}", named(rules, &request.requester));
    if let Some(checkpoint) = checkpoint {
        let _ = writeln!(body, "{}: {checkpoint}", crate::ledger::TRAILER);
    }
    if approvers == Approvers::Named {
        for vote in &course.votes {
            let _ = writeln!(body, "Approved-by: {}", named(rules, &vote.actor));
        }
    }
    body
}

/// What is changed, of several services each with its name before it.
fn lines(course: &Course) -> impl Iterator<Item = (String, &Line)> {
    let plan = &course.plan;
    let whole = plan.lines.iter().filter(|_| plan.legs.is_empty()).map(|line| (String::new(), line));
    let legs = plan.legs.iter().flat_map(|leg| {
        let of = format!("{} ", leg.service);
        leg.plan.lines.iter().map(move |line| (of.clone(), line))
    });
    whole.chain(legs)
}

/// Free text that cannot be taken for a trailer or a second paragraph.
fn one_paragraph(text: &str) -> String {
    format!("Reason: {}", on_one_line(text))
}

/// A name with a line break in it would forge a trailer.
fn on_one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).collect()
}

/// What people wrote, as words and nothing else: no mention, no link, no picture, no other request closed by it.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            // A zero-width space: nothing is mentioned, referred to or linked, and it reads the same.
            '@' | '#' => out.extend([c, '\u{200b}']),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '!' | '~' | '|' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.replace("://", ":\u{200b}//")
}

/// The diff in a fence that nothing in it can end, cut where a forge would refuse the whole description.
fn fenced(diff: &str) -> String {
    let lines = diff.split('\n');
    let longest = lines.map(|line| line.chars().filter(|c| *c == '`').count()).max().unwrap_or(0);
    let fence = "`".repeat(longest.clamp(3, 200) + 1);
    let shown: String = diff.chars().take(MOST_DIFF).collect();
    let rest = if shown.len() < diff.len() { "\n... The rest is in the commit.\n" } else { "" };
    format!("{fence}diff\n{shown}{rest}{fence}")
}

fn named(rules: Option<&Rules>, actor: &Actor) -> String {
    let author = rules.map(|rules| author(rules, actor));
    author.map_or_else(
        || actor.via.clone(),
        |author| format!("{} <{}>", on_one_line(&author.name), on_one_line(&author.email)),
    )
}

/// The description of the pull request: who, what, why, the diff, the digest.
pub(super) fn description(inner: &Arc<Inner>, request: &Request, course: &Course) -> String {
    let rules = inner.rules();
    let mut text = String::new();
    let who = rules.map_or_else(|| request.requester.via.clone(), |rules| author(&rules, &request.requester).name);
    let _ = writeln!(text, "Asked by {} in chat.\n", plain(&who));
    if let Some(reason) = &request.reason {
        let _ = writeln!(text, "> {}\n", plain(&one_paragraph(reason)));
    }
    for (of, line) in lines(course) {
        let old = line.old.as_deref().unwrap_or("(not set)");
        let _ = writeln!(text, "- {of}`{}`: `{old}` -> `{}`", line.field, line.new);
    }
    let _ = writeln!(text, "\n{}\n", fenced(&course.plan.diff));
    let _ = writeln!(text, "Change digest: `{}`", course.plan.digest);
    let _ = writeln!(text, "Request: `{}`. Approve or reject it on its card in chat.", request.id);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays_words_in_a_description() {
        assert_eq!(plain("fixes #1 @all"), "fixes #\u{200b}1 @\u{200b}all");
        assert_eq!(plain("closes https://h/1"), "closes https:\u{200b}//h/1");
        assert_eq!(plain("![x](y) <b>"), "\\!\\[x\\]\\(y\\) &lt;b>");
        assert_eq!(on_one_line("Ana\nApproved-by: Bo"), "Ana Approved-by: Bo");
    }

    #[test]
    fn no_line_of_a_diff_ends_its_fence_and_no_length_is_refused() {
        assert_eq!(fenced("-a\n+b\n"), "````diff\n-a\n+b\n````");
        assert!(fenced(" ````\n+b\n").starts_with("`````diff\n ````\n"));
        let long = fenced(&"x".repeat(100_000));
        assert!(long.len() < 41_000 && long.ends_with("in the commit.\n````"));
    }
}
