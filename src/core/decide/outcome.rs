//! Effects report back: what they are about to do (a step, which is permitted only while the request is still what
//! people approved) and what came of it.

use jiff::{SignedDuration, Timestamp};

use super::{Decision, Facts, Reply, Subject, Words, approved_at_once, ask, ourselves, permitted, vote};
use crate::core::{
    change::Plan,
    entry::Draft,
    names::{CommitId, Digest, RequestId},
    policy::Verdict,
    request::{self, Card, Course, Ending, Event, PullRequest, Request, State, Way},
    rules::Rules,
};

/// How long an approval carries a change that could not land.
const STALE: SignedDuration = SignedDuration::from_mins(10);

/// What an effect came to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is about to act on the world.
    Step(Step),
    /// The change was planned after all.
    Planned(Plan),
    /// The same change on a newer tip, where other lines stand around it.
    Redrawn(Plan),
    /// It cannot be planned, or is so already.
    Unplannable(Ending),
    /// On the tip of now it is another change.
    Replanned {
        /// The new plan.
        plan: Plan,
        /// What changed.
        why: String,
    },
    /// The pull request is there.
    PullRequestOpened(PullRequest),
    /// The pull request was closed.
    PullRequestClosed,
    /// It is in the tracked branch.
    Landed(CommitId),
    /// It ended.
    Ended(Ending),
    /// Its card was posted.
    CardPosted(Card),
}

/// What an effect is about to do; recorded before it is done.
#[derive(Debug, Clone)]
pub enum Step {
    /// Push to a branch: the tracked one, or the request's own.
    Push {
        /// The branch.
        branch: String,
        /// The change.
        digest: Digest,
    },
    /// Open the pull request.
    OpenPullRequest {
        /// From which branch.
        branch: String,
    },
    /// Merge the pull request.
    Merge {
        /// Which.
        number: u64,
        /// At which commit and no other.
        head: CommitId,
        /// The change.
        digest: Digest,
    },
    /// Close the pull request.
    ClosePullRequest {
        /// Which.
        number: u64,
    },
}

pub(super) fn decide(id: &RequestId, outcome: &Outcome, facts: Facts<'_>) -> Decision {
    let Some(request) = facts.requests.get(id) else { return Decision::silent(Reply::Stop) };
    match outcome {
        Outcome::Step(step) => about_to(request, step, facts),
        Outcome::Planned(plan) => planned(request, plan, None, facts),
        Outcome::Replanned { plan, why } => planned(request, plan, Some(why), facts),
        Outcome::Unplannable(ending) | Outcome::Ended(ending) => {
            one(request, Event::Ended(ending.clone(), ourselves()))
        }
        Outcome::Redrawn(plan) => one(request, Event::Planned(plan.clone())),
        Outcome::PullRequestOpened(pull_request) => one(request, Event::PullRequestOpened(pull_request.clone())),
        Outcome::PullRequestClosed => one(request, Event::PullRequestClosed),
        Outcome::Landed(commit) => landed(request, commit, facts),
        Outcome::CardPosted(card) => {
            let entry = Draft::new("card.posted", request::subject(id), ourselves()).with("card", card);
            Decision { entries: vec![entry], reply: Reply::Go }
        }
    }
}

/// One event, recorded if it fits; what no longer fits was overtaken by another event and is dropped.
fn one(request: &Request, event: Event) -> Decision {
    if request.state.clone().after(event.clone()).is_err() {
        return Decision::silent(Reply::Stop);
    }
    Decision { entries: vec![event.draft(&request.id, ourselves())], reply: Reply::Go }
}

/// Nothing touches the world that is not approved, permitted and still the same change at this moment.
fn about_to(request: &Request, step: &Step, facts: Facts<'_>) -> Decision {
    let entry = |kind: &str| Draft::new(kind, request::subject(&request.id), ourselves());
    // Trying the same again is no news.
    let go = |entry: Draft| match request.intents.contains_key(&request::intent(&entry.kind, &entry.body)) {
        true => Decision::silent(Reply::Go),
        false => Decision { entries: vec![entry], reply: Reply::Go },
    };
    let Some(rules) = facts.rules else { return Decision::silent(Reply::Stop) };
    match (step, &request.state) {
        (Step::Push { branch, digest }, State::Landing(course)) if &course.plan.digest == digest => {
            still_approved(request, course, rules, facts.now)
                .unwrap_or_else(|| go(entry("push.intent").with("branch", branch).with("digest", digest)))
        }
        (Step::Push { branch, digest }, State::Deciding(course))
            if &course.plan.digest == digest && request.opened.way != Way::Commit =>
        {
            go(entry("push.intent").with("branch", branch).with("digest", digest))
        }
        (Step::OpenPullRequest { branch }, State::Deciding(_) | State::Landing(_)) => {
            go(entry("pull_request.intent").with("branch", branch))
        }
        (Step::Merge { number, head, digest }, State::Landing(course)) if &course.plan.digest == digest => {
            still_approved(request, course, rules, facts.now).unwrap_or_else(|| {
                go(entry("merge.intent").with("number", number).with("head", head).with("digest", digest))
            })
        }
        (Step::ClosePullRequest { number }, State::Over { .. }) => {
            go(entry("pull_request.close").with("number", number))
        }
        (
            Step::Push { .. } | Step::OpenPullRequest { .. } | Step::Merge { .. } | Step::ClosePullRequest { .. },
            State::Planning | State::Deciding(_) | State::Landing(_) | State::Following(..) | State::Over { .. },
        ) => Decision::silent(Reply::Stop),
    }
}

/// `None` while policy and the votes of now still carry the change; otherwise what happens instead.
fn still_approved(request: &Request, course: &Course, rules: &Rules, now: Timestamp) -> Option<Decision> {
    if let Verdict::Denied(denial) = permitted(rules, Subject::of(request), Some(&course.plan)) {
        let why = format!("policy no longer permits it: {}", denial.reason);
        let event = Event::Ended(Ending::Failed { why, remedy: denial.remedy }, ourselves());
        return Some(stopped(request, event));
    }
    let again = |why: String| stopped(request, Event::Replanned { plan: course.plan.clone(), why });
    let missing = vote::missing(request, &course.votes, rules);
    if missing > 0 {
        return Some(again(format!("the catalog changed, and {missing} more must approve now")));
    }
    // What waited is not what people had in mind when they said yes.
    let waited = course.votes.last().map(|vote| now.duration_since(vote.at));
    waited
        .filter(|waited| *waited > STALE)
        .map(|waited| again(format!("it could not land for {} minutes after its approval", waited.as_mins())))
}

fn stopped(request: &Request, event: Event) -> Decision {
    Decision { entries: vec![event.draft(&request.id, ourselves())], reply: Reply::Stop }
}

/// A plan that came later, or anew: policy sees it, and where nobody need be asked it is approved at once.
fn planned(request: &Request, plan: &Plan, why: Option<&String>, facts: Facts<'_>) -> Decision {
    let Some(rules) = facts.rules else { return Decision::silent(Reply::Stop) };
    if let Verdict::Denied(denial) = permitted(rules, Subject::of(request), Some(plan)) {
        let words = Words::new(ask::sentence(&denial.reason), denial.remedy);
        let ending = Ending::Failed { why: words.text, remedy: words.remedy.unwrap_or_default() };
        return one(request, Event::Ended(ending, ourselves()));
    }
    let needs = ask::needs(rules, &request.opened.target, &request.opened.command, facts.now);
    if let (Some(_), 0, Some(newer)) = (why, needs.count, overtaken(request, facts)) {
        let why = format!("`{}` was asked for after this and landed first.", newer.opened.title);
        let remedy = "Ask again if this is what you want now.".to_owned();
        return one(request, Event::Ended(Ending::Failed { why, remedy }, ourselves()));
    }
    let event = match why {
        None => Event::Planned(plan.clone()),
        Some(why) => Event::Replanned { plan: plan.clone(), why: why.clone() },
    };
    let mut decision = one(request, event);
    if decision.reply == Reply::Go {
        decision.entries.extend(approved_at_once(&request.id, needs.count));
    }
    decision
}

/// The newer change of the same target that landed while this one waited. Where nobody is asked, nothing else would
/// keep this one from undoing it.
fn overtaken<'a>(request: &Request, facts: Facts<'a>) -> Option<&'a Request> {
    let newer = |other: &&Request| other.id > request.id && other.opened.target == request.opened.target;
    facts.requests.values().filter(newer).find(|other| other.commit().is_some())
}

/// Landed: older changes of the same target that are not yet seen live are no longer waited for.
fn landed(request: &Request, commit: &CommitId, facts: Facts<'_>) -> Decision {
    let mut decision = one(request, Event::Landed(commit.clone()));
    if decision.reply != Reply::Go {
        return decision;
    }
    let older = facts.requests.values().filter(|other| {
        other.id != request.id
            && other.opened.target == request.opened.target
            && matches!(other.state, State::Following(..))
    });
    decision.entries.extend(older.map(|other| {
        Event::Ended(Ending::Superseded { by: request.id.clone() }, ourselves()).draft(&other.id, ourselves())
    }));
    let target = &request.opened.target.environment;
    let cluster = facts.rules.and_then(|rules| rules.catalog.environment(target)?.cluster.as_ref());
    if facts.rules.is_some() && cluster.is_none() {
        decision.entries.push(Event::Ended(Ending::Landed, ourselves()).draft(&request.id, ourselves()));
    }
    decision
}

/// What is due because time passed.
pub(super) fn deadlines(facts: Facts<'_>) -> Decision {
    let expired = facts
        .requests
        .values()
        .filter(|request| matches!(request.state, State::Deciding(_)) && facts.now > request.opened.needs.until);
    let entries = expired.map(|request| Event::Ended(Ending::Expired, ourselves()).draft(&request.id, ourselves()));
    Decision { entries: entries.collect(), reply: Reply::Go }
}
