//! Somebody presses a button. A button carries an id, never authority: who may, what stands and whether it is still
//! the same change is read again at the click.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    Asker, Decision, Facts, Now, Press, Reply, Subject, Words, ask, ask::sentence, emergency, giving, is_its_card,
    is_one_human, lane, permitted, say, starting, taking_back,
};
use crate::core::{
    catalog::{ApprovalRule, Person},
    entry::{Actor, Draft},
    names::{CommitId, PersonId, RequestId},
    policy::Verdict,
    request::{self, Course, Ending, Event, Request, State, Vote},
    rules::Rules,
};

/// One click.
#[derive(Debug, Clone)]
pub struct Click {
    /// Who.
    pub asker: Asker,
    /// On which request.
    pub request: RequestId,
    /// Which button.
    pub press: Press,
    /// The first digits of the digest that its card showed.
    pub digest: String,
    /// `platform:channel` of the message it was on.
    pub channel: String,
    /// The message.
    pub message: String,
    /// Why the platform's own word on this account bars it from voting: deactivated, a guest, not seen.
    pub barred: Option<Words>,
    /// Why, in the words of whoever says no.
    pub why: Option<String>,
}

/// A review of the request's pull request, by whoever the forge says gave it.
#[derive(Debug, Clone)]
pub struct Reviewed {
    /// Who.
    pub asker: Asker,
    /// Of which request.
    pub request: RequestId,
    /// What it says.
    pub says: ReviewSays,
    /// The commit that was reviewed.
    pub head: CommitId,
}

/// What a review says to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewSays {
    /// Yes.
    Yes,
    /// Changes are requested: no.
    No,
    /// An earlier yes was dismissed.
    TakenBack,
}

/// A review on the forge is a vote like a click: the same people, the same change, the same rules.
pub(super) fn reviewed(review: &Reviewed, facts: Facts<'_>) -> Decision {
    let silent = || Decision::silent(Reply::Stop);
    let Some((request, rules)) = facts.requests.get(&review.request).zip(facts.rules) else { return silent() };
    let (State::Deciding(course) | State::Landing(course)) = &request.state else { return silent() };
    let ours = course.pull_request.as_ref().filter(|ours| ours.head == review.head);
    if course.foreign.is_some() || ours.is_none_or(|ours| ours.digest != course.plan.digest) {
        return silent();
    }
    let click = as_click(review, course);
    match (review.says, &request.state) {
        (ReviewSays::TakenBack, _) => taking_back::dismissed(&click, request, course, facts.by(rules)),
        (ReviewSays::Yes, State::Landing(_)) => one_more(&click, request, course, rules, facts),
        (ReviewSays::Yes, _) => approve(&click, request, rules, facts),
        (ReviewSays::No, _) if click.asker.is(&request.requester) => silent(),
        (ReviewSays::No, _) => ineligible(&click, request, facts.by(rules))
            .unwrap_or_else(|| ended(request, Ending::Rejected { why: None }, &click)),
    }
}

fn as_click(review: &Reviewed, course: &Course) -> Click {
    let press = match review.says {
        ReviewSays::Yes => Press::Approve,
        ReviewSays::No | ReviewSays::TakenBack => Press::Reject,
    };
    Click {
        asker: review.asker.clone(),
        request: review.request.clone(),
        press,
        digest: course.plan.digest.short().to_owned(),
        channel: String::new(),
        message: String::new(),
        barred: None,
        why: None,
    }
}

/// A yes more than needed, while the forge still holds the merge up.
fn one_more(click: &Click, request: &Request, course: &Course, rules: &Rules, facts: Facts<'_>) -> Decision {
    let known = course.votes.iter().any(|vote| click.asker.is(&vote.actor));
    if known || ineligible(click, request, facts.by(rules)).is_some() {
        return Decision::silent(Reply::Stop);
    }
    let vote = Vote { actor: click.asker.actor(), digest: course.plan.digest.clone(), at: facts.now };
    Decision { entries: vec![Event::Voted(vote).draft(&request.id, click.asker.actor())], reply: Reply::Taken }
}

pub(super) fn decide(click: &Click, facts: Facts<'_>) -> Decision {
    if facts.matters.has(&click.request) {
        return emergency::pressed(click, facts);
    }
    let Some(request) = facts.requests.get(&click.request) else {
        return no(click, "This request is not known here.", "Ask again with a command.");
    };
    if !is_its_card(request.card.as_ref(), &click.channel, &click.message) {
        return no(click, "This button is not on the card of that request.", "Press it on the card itself.");
    }
    if let Some(words) = click.barred.as_ref().filter(|_| click.press.is_vote()) {
        return no(click, &words.text, words.remedy.as_deref().unwrap_or_default());
    }
    let Some(rules) = facts.rules else {
        return no(
            click,
            "I have not read the repository yet, so I know nobody.",
            "Press again in a moment; if it stays, ask whoever runs Leverframe.",
        );
    };
    if let Some(decision) = giving::pressed(click, request, rules, facts) {
        return decision;
    }
    match click.press {
        Press::Approve => approve(click, request, rules, facts),
        Press::Reject => reject(click, request, facts.by(rules)),
        Press::Cancel => cancel(click, request),
        Press::Withdraw => taking_back::withdraw(click, request, facts.by(rules)),
        Press::Reviewed => lane::reviewed(click, request, facts.by(rules)),
        Press::Start => starting::at_once(click, request, rules, facts),
        Press::Stable
        | Press::Close
        | Press::Reopen
        | Press::GiveBack
        | Press::Extend
        | Press::Retry
        | Press::Keep
        | Press::Hold
        | Press::Adopt
        | Press::Restore
        | Press::Leave
        | Press::Ours
        | Press::Again => no(click, "This button belongs to another card.", "Read the card as it is now."),
    }
}

/// A refused click is recorded and answered privately; the card stays as it is.
pub(super) fn no(click: &Click, text: &str, remedy: &str) -> Decision {
    let entry = Draft::new("approval.refused", request::subject(&click.request), click.asker.actor())
        .with("press", click.press.word())
        .with_text("why", text);
    Decision { entries: vec![entry], reply: Reply::Private(Words::new(text, remedy)) }
}

/// Where nobody need approve, whoever asked may say that it is still wanted.
pub(super) fn confirms(click: &Click, request: &Request, now: Now<'_>) -> bool {
    let alone = rule(request, now).is_none_or(|rule| rule.total() == 0);
    let known = click.asker.person.as_ref().is_some_and(|id| now.rules.catalog.person(id).is_some());
    alone && known && click.asker.is(&request.requester)
}

fn approve(click: &Click, request: &Request, rules: &Rules, facts: Facts<'_>) -> Decision {
    let course = match undecided(click, request) {
        Ok(course) => course,
        Err(decision) => return decision,
    };
    let now = facts.by(rules);
    if let Some(decision) = ineligible(click, request, now).filter(|_| !confirms(click, request, now)) {
        return decision;
    }
    if let Some(foreign) = &course.foreign {
        let text = format!(
            "{}, so this is not the change that the card shows.",
            sentence(&foreign.what).trim_end_matches('.')
        );
        return no(click, &text, "Take that commit off the branch, merge it on the forge, or cancel and ask again.");
    }
    if facts.now > request.deadline() {
        return no(click, "The time to approve this has passed.", "Ask again with a new command.");
    }
    if course.plan.digest.short() != click.digest {
        return no(
            click,
            "The change was planned anew since that card was shown.",
            "Read the card as it is now and press again.",
        );
    }
    if let Some(vote) = course.votes.iter().find(|vote| click.asker.is(&vote.actor)) {
        let at = vote.at.strftime("%H:%M:%S");
        return Decision::silent(Reply::Private(Words::plain(format!(
            "Your approval was already recorded at {at} UTC."
        ))));
    }
    if let Some(decision) = alone_as_a_guest(click, request, course, now) {
        return decision;
    }
    if let Verdict::Denied(denial) = permitted(rules, Subject::of(request, facts), Some(&course.plan)) {
        return no(click, &sentence(&denial.reason), &denial.remedy);
    }
    record(click, request, course, rules, facts)
}

/// The yes, and the decision when it was the last one needed.
fn record(click: &Click, request: &Request, course: &Course, rules: &Rules, facts: Facts<'_>) -> Decision {
    let vote = Vote { actor: click.asker.actor(), digest: course.plan.digest.clone(), at: facts.now };
    let votes: Vec<Vote> = course.votes.iter().cloned().chain([vote.clone()]).collect();
    let now = facts.by(rules);
    let mut entries = vec![
        Event::Voted(vote)
            .draft(&request.id, click.asker.actor())
            .with("policy", rules.policy.hash())
            .with("base", &course.plan.base)
            .with("groups_as_of", rule(request, now).and_then(|rule| rules.groups_as_of(rule, facts.now))),
    ];
    if missing(request, &votes, now) == 0 {
        let by = counted(request, &votes, now);
        let approved = starting::approved((request.opened.begins, facts.now));
        entries.push(approved.draft(&request.id, super::ourselves()).with("by", by));
        entries.extend(lane::owed(request, (&votes, request.opened.way), now));
    }
    Decision { entries, reply: Reply::Taken }
}

fn reject(click: &Click, request: &Request, now: Now<'_>) -> Decision {
    if let Err(decision) = undecided(click, request) {
        return decision;
    }
    if click.asker.is(&request.requester) {
        return no(click, "You asked for this yourself.", "Press Cancel to take it back.");
    }
    if let Some(decision) = ineligible(click, request, now) {
        return decision;
    }
    ended(request, Ending::Rejected { why: click.why.clone() }, click)
}

fn cancel(click: &Click, request: &Request) -> Decision {
    if !matches!(request.state, State::Planning | State::Landing(_))
        && let Err(decision) = undecided(click, request)
    {
        return decision;
    }
    if !click.asker.is(&request.requester) {
        return no(
            click,
            "Only whoever asked can take it back.",
            "Ask them, or ask somebody who may approve it to press Reject.",
        );
    }
    ended(request, Ending::Cancelled, click)
}

pub(super) fn ended(request: &Request, ending: Ending, click: &Click) -> Decision {
    let actor = click.asker.actor();
    Decision { entries: vec![Event::Ended(ending, actor.clone()).draft(&request.id, actor)], reply: Reply::Taken }
}

/// The course of a request that people still decide on; words for every other state.
pub(super) fn undecided<'a>(click: &Click, request: &'a Request) -> Result<&'a Course, Decision> {
    match &request.state {
        State::Deciding(course) => Ok(course),
        State::Planning => Err(no(click, "The change is still being planned.", "Press again when the card shows it.")),
        State::Landing(_) | State::Following(..) => {
            Err(no(click, "This is already approved and on its way.", "Follow it on the card."))
        }
        State::Over { ending, commit, .. } => {
            let text = format!("This is already decided: {}.", ending.word());
            let remedy = match commit {
                Some(_) => "Read on the card how it ended.",
                None => "Ask again with a new command if it is still wanted.",
            };
            Err(no(click, &text, remedy))
        }
    }
}

/// Why somebody has no say in a request.
pub(super) fn ineligible(click: &Click, request: &Request, now: Now<'_>) -> Option<Decision> {
    let rules = now.rules;
    let Some(person) = click.asker.person.as_ref().and_then(|id| rules.catalog.person(id)) else {
        let remedy =
            format!("Ask to be added under `people` in the catalog; your account is `{}`.", click.asker.account);
        return Some(no(click, "Your account belongs to nobody in the catalog, so it cannot vote.", &remedy));
    };
    if click.asker.is(&request.requester) {
        return Some(no(click, "You asked for this, so somebody else must approve it.", &ask_whom(rule(request, now))));
    }
    let rule = rule(request, now)?;
    if rules.catalog.may_vote(rule, person, today(now.at)) {
        return None;
    }
    Some(match say::withheld(person, rule) {
        Some(text) => no(click, &text, &ask_whom(Some(rule))),
        None => no(click, "Your vote does not count here.", &ask_whom(Some(rule))),
    })
}

/// Whom to ask for a yes, or a review.
pub(super) fn ask_whom(rule: Option<&ApprovalRule>) -> String {
    let from = rule.map(ask::asked_of).unwrap_or_default();
    if from.is_empty() {
        return "Ask any other person of the catalog.".to_owned();
    }
    if from.iter().any(|who| who.contains(" of ")) {
        return format!("Ask {}.", from.join(" and "));
    }
    let said = |who: &String| match who.split_once(':') {
        Some((kind @ ("team" | "group"), name)) => format!("the {kind} `{name}`"),
        Some((_, name)) => format!("`{name}`"),
        None => format!("`{who}`"),
    };
    format!("Ask somebody from {}.", from.iter().map(said).collect::<Vec<_>>().join(" or "))
}

pub(super) fn rule<'a>(request: &Request, now: Now<'a>) -> Option<&'a ApprovalRule> {
    now.unless_later(request.opened.begins, &request.opened.with).rule(&request.opened.command, &request.opened.target)
}

/// Whether a yes was given too long ago to count. What was approved for a later time stays approved until then.
pub(super) fn is_too_old(request: &Request, vote: &Vote, now: Timestamp) -> bool {
    let now = request.course().and_then(|course| course.scheduled).unwrap_or(now);
    now.duration_since(vote.at) > request.patience()
}

/// The day, as a guest's last day is meant.
pub(super) fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// A guest's yes counts only beside that of somebody who is none, so it comes after it.
fn alone_as_a_guest(click: &Click, request: &Request, course: &Course, now: Now<'_>) -> Option<Decision> {
    let person = now.rules.catalog.person(click.asker.person.as_ref()?)?;
    person.guest_until?;
    let remedy = format!("{} Then press again.", ask_whom(rule(request, now)));
    let words = "A guest's approval counts only beside a member's, and no member has approved this yet.";
    counted(request, &course.votes, now).is_empty().then(|| no(click, words, &remedy))
}

/// Whose approvals count under the catalog of now: distinct persons, never the requester, none too old, and guests only
/// beside others.
pub(super) fn counted(request: &Request, votes: &[Vote], now: Now<'_>) -> BTreeSet<PersonId> {
    let catalog = &now.rules.catalog;
    let counts = |actor: &Actor| {
        let person = catalog.person(actor.person.as_ref()?)?;
        let listed = rule(request, now).is_none_or(|rule| catalog.may_vote(rule, person, today(now.at)));
        (listed && !is_one_human(actor, &request.requester)).then_some(person)
    };
    let fresh = votes.iter().filter(|vote| !is_too_old(request, vote, now.at));
    let people: Vec<&Person> = fresh.filter_map(|vote| counts(&vote.actor)).collect();
    if people.iter().all(|person| person.guest_until.is_some()) {
        return BTreeSet::new();
    }
    people.into_iter().map(|person| person.id.clone()).collect()
}

/// How many approvals are still needed under the catalog of now.
pub(super) fn missing(request: &Request, votes: &[Vote], now: Now<'_>) -> usize {
    let Some(rule) = rule(request, now) else { return 0 };
    // People approved it with what it gives back.
    if request.gives_back_at().is_some() {
        return 0;
    }
    let people = counted(request, votes, now);
    let people: Vec<&Person> = people.iter().filter_map(|id| now.rules.catalog.person(id)).collect();
    usize::try_from(rule.total()).unwrap_or(usize::MAX).saturating_sub(rule.filled(&people))
}
