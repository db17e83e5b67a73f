//! Effects report back: what they are about to do (a step, which is permitted only while the request is still what
//! people approved) and what came of it.

use jiff::{SignedDuration, Timestamp};

use super::{
    Decision, Facts, Reply, Subject, Words, approved_at_once, ask, emergency,
    landed::{landed, overtaken, target_of},
    lane, ourselves, permitted, vote, waited,
};
use crate::core::{
    change::Plan,
    entry::{Actor, Draft},
    names::{CommitId, Digest, RequestId, Service},
    policy::Verdict,
    request::{self, Card, Course, Ending, Event, Foreign, Nicety, NotDone, PullRequest, Request, State, Way},
    rules::Rules,
};

/// How long an approval carries a change that could not land.
pub(super) const STALE: SignedDuration = SignedDuration::from_mins(10);

/// What an effect came to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is about to act on the world.
    Step(Step),
    /// The change was planned after all.
    Planned {
        /// The plan.
        plan: Plan,
        /// What it is called now, where only the plan says what is restored.
        title: Option<String>,
    },
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
    /// Somebody else pushed to its branch.
    Moved(Foreign),
    /// Somebody opened its pull request again.
    Reopened(Actor),
    /// Something that is only useful was refused.
    NotDone(NotDone),
    /// It is in the tracked branch.
    Landed(Landed),
    /// One of its services came to something.
    Settled(Service, Ending),
    /// It ended.
    Ended(Ending),
    /// People ended it on the forge.
    EndedBy(Ending, Actor),
    /// Its card was posted.
    CardPosted(Card),
}

/// How a change came into the tracked branch.
#[derive(Debug, Clone)]
pub struct Landed {
    /// As this commit.
    pub commit: CommitId,
    /// Who brought it there.
    pub by: Actor,
    /// What stands there instead of what was planned, in words, when that is so.
    pub differs: Option<String>,
}

impl Landed {
    /// What the bot itself brought there, as it was planned.
    pub fn by_us(commit: CommitId) -> Self {
        Self { commit, by: ourselves(), differs: None }
    }
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
    /// Change something about the pull request that is only useful.
    Edit {
        /// Which.
        number: u64,
        /// What.
        what: Nicety,
    },
    /// Close the pull request.
    ClosePullRequest {
        /// Which.
        number: u64,
    },
    /// Tell the reconciler to apply what landed, where it does not by itself.
    Sync {
        /// The commit that landed.
        commit: CommitId,
        /// Of which service.
        service: Service,
    },
    /// Restart the pods.
    Restart {
        /// The change.
        digest: Digest,
    },
}

pub(super) fn decide(id: &RequestId, outcome: &Outcome, facts: Facts<'_>) -> Decision {
    let Some(request) = facts.requests.get(id) else { return Decision::silent(Reply::Stop) };
    match outcome {
        Outcome::Step(step) => about_to(request, step, facts),
        Outcome::Planned { plan, title } => {
            let mut decision = planned(request, plan, None, facts);
            if let (Some(title), [first, ..]) = (title, decision.entries.as_mut_slice())
                && first.kind == "request.planned"
            {
                first.body.insert(request::TITLE.to_owned(), title.as_str().into());
            }
            decision
        }
        Outcome::Replanned { plan, why } => planned(request, plan, Some(why), facts),
        Outcome::Unplannable(ending) | Outcome::Ended(ending) => {
            one(request, Event::Ended(ending.clone(), ourselves()))
        }
        Outcome::Settled(service, _) if !request.unsettled().contains(service) => Decision::silent(Reply::Stop),
        Outcome::Settled(service, ending) => {
            one(request, Event::Settled { service: service.clone(), ending: ending.clone() })
        }
        Outcome::Redrawn(plan) => one(request, Event::Planned(plan.clone())),
        Outcome::PullRequestOpened(pull_request) => one(request, Event::PullRequestOpened(pull_request.clone())),
        Outcome::PullRequestClosed => one(request, Event::PullRequestClosed),
        Outcome::Moved(foreign) => one(request, Event::Moved(foreign.clone())),
        Outcome::Reopened(by) => one_by(request, Event::Reopened, by),
        Outcome::NotDone(undone) => one(request, Event::NotDone(undone.clone())),
        Outcome::EndedBy(ending, by) => one_by(request, Event::Ended(ending.clone(), by.clone()), by),
        Outcome::Landed(how) => landed(request, how, facts),
        Outcome::CardPosted(card) => {
            let entry = Draft::new("card.posted", request::subject(id), ourselves()).with("card", card);
            Decision { entries: vec![entry], reply: Reply::Go }
        }
    }
}

/// One event, recorded if it fits; what no longer fits was overtaken by another event and is dropped.
fn one(request: &Request, event: Event) -> Decision {
    one_by(request, event, &ourselves())
}

pub(super) fn one_by(request: &Request, event: Event, actor: &Actor) -> Decision {
    if request.state.clone().after(event.clone()).is_err() {
        return Decision::silent(Reply::Stop);
    }
    Decision { entries: vec![event.draft(&request.id, actor.clone())], reply: Reply::Go }
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
            waited::gives_way(request, course, facts)
                .or_else(|| still_approved(request, course, rules, facts))
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
            let held = waited::gives_way(request, course, facts);
            held.or_else(|| still_approved(request, course, rules, facts)).unwrap_or_else(|| {
                go(entry("merge.intent").with("number", number).with("head", head).with("digest", digest))
            })
        }
        (Step::Edit { number, what }, State::Deciding(_) | State::Landing(_)) => {
            go(entry("pull_request.edit").with("number", number).with("what", what))
        }
        (Step::ClosePullRequest { number }, State::Over { .. }) => {
            go(entry("pull_request.close").with("number", number))
        }
        (Step::Sync { commit, service }, State::Following(_, landed))
            if landed == commit && !emergency::is_held(&target_of(request, service), facts) =>
        {
            let apart = Some(service).filter(|_| !request.opened.with.is_empty());
            go(entry("sync.intent").with("commit", commit).with("service", apart))
        }
        (Step::Restart { digest }, State::Landing(course)) if &course.plan.digest == digest => {
            still_approved(request, course, rules, facts)
                .unwrap_or_else(|| go(entry("restart.intent").with("digest", digest)))
        }
        (
            Step::Push { .. }
            | Step::Restart { .. }
            | Step::OpenPullRequest { .. }
            | Step::Merge { .. }
            | Step::Edit { .. }
            | Step::ClosePullRequest { .. }
            | Step::Sync { .. },
            State::Planning | State::Deciding(_) | State::Landing(_) | State::Following(..) | State::Over { .. },
        ) => Decision::silent(Reply::Stop),
    }
}

/// `None` while policy and the votes of now still carry the change; otherwise what happens instead.
fn still_approved(request: &Request, course: &Course, rules: &Rules, facts: Facts<'_>) -> Option<Decision> {
    let now = facts.now;
    if let Verdict::Denied(denial) = permitted(rules, Subject::of(request, facts), Some(&course.plan)) {
        let why = format!("policy no longer permits it: {}", denial.reason);
        let event = Event::Ended(Ending::Failed { why, remedy: denial.remedy }, ourselves());
        return Some(stopped(request, event));
    }
    if let Some(words) = fought(request, &course.plan, facts) {
        let (why, remedy) = (words.text, words.remedy.unwrap_or_default());
        return Some(stopped(request, Event::Ended(Ending::Failed { why, remedy }, ourselves())));
    }
    let by = facts.by(rules);
    if let Some(why) = lane::closed(request, course, by) {
        let remedy = "Ask again: it lands as usual now.".to_owned();
        return Some(stopped(request, Event::Ended(Ending::Failed { why, remedy }, ourselves())));
    }
    let again = |why: String| stopped(request, Event::Replanned { plan: course.plan.clone(), why });
    let missing = vote::missing(request, &course.votes, by);
    if missing > 0 {
        let changed = if lane::has_ended(request, by) {
            "the incident that let it through is over"
        } else {
            "the catalog changed or time passed"
        };
        return Some(again(format!("{changed}, and {missing} more must approve now")));
    }
    // What waited is not what people had in mind when they said yes. Where nobody is ever asked, nothing waits.
    let reviewed = request.opened.way != Way::Commit || !course.votes.is_empty();
    let waited = Some(now.duration_since(course.since)).filter(|_| reviewed && course.since > Timestamp::UNIX_EPOCH);
    waited
        .filter(|waited| *waited > STALE)
        .map(|waited| again(format!("it could not land for {} minutes after its approval", waited.as_mins())))
}

pub(super) fn stopped(request: &Request, event: Event) -> Decision {
    Decision { entries: vec![event.draft(&request.id, ourselves())], reply: Reply::Stop }
}

/// Why it would fight what is owed on its target.
fn fought(request: &Request, plan: &Plan, facts: Facts<'_>) -> Option<Words> {
    let about = (&request.opened.command, &request.opened.target, request.opened.with.as_slice());
    emergency::fights(about, request.opened.debt.as_ref(), Some(plan), facts)
}

/// A plan that came later, or anew: policy sees it, and where nobody need be asked it is approved at once.
fn planned(request: &Request, plan: &Plan, why: Option<&String>, facts: Facts<'_>) -> Decision {
    let Some(rules) = facts.rules else { return Decision::silent(Reply::Stop) };
    if let Verdict::Denied(denial) = permitted(rules, Subject::of(request, facts), Some(plan)) {
        let words = Words::new(ask::sentence(&denial.reason), denial.remedy);
        let ending = Ending::Failed { why: words.text, remedy: words.remedy.unwrap_or_default() };
        return one(request, Event::Ended(ending, ourselves()));
    }
    let about = (&request.opened.target, request.opened.with.as_slice());
    if let Some(words) = ask::unconfirmed(rules, &request.opened.words, about, plan) {
        let ending = Ending::Failed { why: words.text, remedy: words.remedy.unwrap_or_default() };
        return one(request, Event::Ended(ending, ourselves()));
    }
    if let Some(words) = fought(request, plan, facts) {
        let ending = Ending::Failed { why: words.text, remedy: words.remedy.unwrap_or_default() };
        return one(request, Event::Ended(ending, ourselves()));
    }
    let needs = ask::needs(
        facts.by(rules).unless_later(request.opened.begins, &request.opened.with),
        &request.opened.target,
        &request.opened.command,
    );
    let begins = request.opened.begins;
    let by = facts.by(rules);
    if let (Some(_), 0, None, Some(newer)) = (why, needs.count, begins, overtaken(request, facts)) {
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
        // What was to begin later and is another change by then asks whether it is still wanted.
        let waits = request.opened.gives_back.is_some() || (begins.is_some() && why.is_some());
        if needs.count == 0 && !waits {
            decision.entries.push(approved_at_once(&request.id, (begins, facts.now)));
            decision.entries.extend(lane::owed(request, (&[], request.opened.way), by));
        }
    }
    decision
}

/// What is due because time passed: requests that nobody approved in time, and approvals that are too old.
pub(super) fn deadlines(facts: Facts<'_>) -> Decision {
    let mut entries = super::freeze::over(facts);
    for request in facts.requests.values() {
        let State::Deciding(course) = &request.state else { continue };
        if let Some(given_back) = super::giving::due(request, facts) {
            entries.push(given_back);
            continue;
        }
        if course.scheduled.is_some() {
            entries.extend(super::starting::due(request, course, facts));
            continue;
        }
        if facts.now > request.deadline() {
            entries.push(Event::Ended(Ending::Expired, ourselves()).draft(&request.id, ourselves()));
            continue;
        }
        let old = course.votes.iter().filter(|vote| vote::is_too_old(request, vote, facts.now));
        let why = "it was given too long ago".to_owned();
        entries.extend(
            old.map(|vote| {
                Event::Withdrawn { of: vote.actor.clone(), why: why.clone() }.draft(&request.id, ourselves())
            }),
        );
    }
    entries.extend(emergency::deadlines(facts));
    Decision { entries, reply: Reply::Go }
}
