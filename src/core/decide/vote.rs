//! Somebody presses a button. A button carries an id, never authority: who may, what stands and whether it is still
//! the same change is read again at the click.

use std::collections::BTreeSet;

use super::{Asker, Decision, Facts, Reply, Subject, Words, ask::sentence, is_its_card, is_one_human, permitted};
use crate::core::{
    catalog::ApprovalRule,
    entry::{Actor, Draft},
    names::{PersonId, RequestId},
    policy::Verdict,
    request::{self, Course, Ending, Event, Request, State, Vote},
    rules::Rules,
};

/// What a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// Yes.
    Approve,
    /// No.
    Reject,
    /// Take it back.
    Cancel,
}

impl Press {
    /// The word in a button's id.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Cancel => "cancel",
        }
    }

    /// The press that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Approve, Self::Reject, Self::Cancel].into_iter().find(|press| press.word() == word)
    }
}

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
}

pub(super) fn decide(click: &Click, facts: Facts<'_>) -> Decision {
    let Some(request) = facts.requests.get(&click.request) else {
        return no(click, "This request is not known here.", "Ask again with a command.");
    };
    if !is_its_card(request.card.as_ref(), &click.channel, &click.message) {
        return no(click, "This button is not on the card of that request.", "Press it on the card itself.");
    }
    if let (Some(words), Press::Approve | Press::Reject) = (&click.barred, click.press) {
        return no(click, &words.text, words.remedy.as_deref().unwrap_or_default());
    }
    let Some(rules) = facts.rules else {
        return no(
            click,
            "I have not read the repository yet, so I know nobody.",
            "Press again in a moment; if it stays, ask whoever runs Leverframe.",
        );
    };
    match click.press {
        Press::Approve => approve(click, request, rules, facts),
        Press::Reject => reject(click, request, rules),
        Press::Cancel => cancel(click, request),
    }
}

/// A refused click is recorded and answered privately; the card stays as it is.
fn no(click: &Click, text: &str, remedy: &str) -> Decision {
    let entry = Draft::new("approval.refused", request::subject(&click.request), click.asker.actor())
        .with("press", click.press.word())
        .with_text("why", text);
    Decision { entries: vec![entry], reply: Reply::Private(Words::new(text, remedy)) }
}

fn approve(click: &Click, request: &Request, rules: &Rules, facts: Facts<'_>) -> Decision {
    let course = match undecided(click, request) {
        Ok(course) => course,
        Err(decision) => return decision,
    };
    if let Some(decision) = ineligible(click, request, rules) {
        return decision;
    }
    if facts.now > request.opened.needs.until {
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
    if let Verdict::Denied(denial) = permitted(rules, Subject::of(request), Some(&course.plan)) {
        return no(click, &sentence(&denial.reason), &denial.remedy);
    }
    record(click, request, course, rules, facts)
}

/// The yes, and the decision when it was the last one needed.
fn record(click: &Click, request: &Request, course: &Course, rules: &Rules, facts: Facts<'_>) -> Decision {
    let vote = Vote { actor: click.asker.actor(), digest: course.plan.digest.clone(), at: facts.now };
    let votes: Vec<Vote> = course.votes.iter().cloned().chain([vote.clone()]).collect();
    let mut entries = vec![
        Event::Voted(vote)
            .draft(&request.id, click.asker.actor())
            .with("policy", rules.policy.hash())
            .with("base", &course.plan.base),
    ];
    if missing(request, &votes, rules) == 0 {
        entries
            .push(Event::Approved.draft(&request.id, super::ourselves()).with("by", counted(request, &votes, rules)));
    }
    Decision { entries, reply: Reply::Taken }
}

fn reject(click: &Click, request: &Request, rules: &Rules) -> Decision {
    if let Err(decision) = undecided(click, request) {
        return decision;
    }
    if click.asker.is(&request.requester) {
        return no(click, "You asked for this yourself.", "Press Cancel to take it back.");
    }
    if let Some(decision) = ineligible(click, request, rules) {
        return decision;
    }
    ended(request, Ending::Rejected, click)
}

fn cancel(click: &Click, request: &Request) -> Decision {
    if !matches!(request.state, State::Planning)
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

fn ended(request: &Request, ending: Ending, click: &Click) -> Decision {
    let actor = click.asker.actor();
    Decision { entries: vec![Event::Ended(ending, actor.clone()).draft(&request.id, actor)], reply: Reply::Taken }
}

/// The course of a request that people still decide on; words for every other state.
fn undecided<'a>(click: &Click, request: &'a Request) -> Result<&'a Course, Decision> {
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
fn ineligible(click: &Click, request: &Request, rules: &Rules) -> Option<Decision> {
    let Some(person) = click.asker.person.as_ref().and_then(|id| rules.catalog.person(id)) else {
        let remedy =
            format!("Ask to be added under `people` in the catalog; your account is `{}`.", click.asker.account);
        return Some(no(click, "Your account belongs to nobody in the catalog, so it cannot vote.", &remedy));
    };
    if click.asker.is(&request.requester) {
        return Some(no(click, "You asked for this, so somebody else must approve it.", &ask_whom(request)));
    }
    let rule = rule(request, rules)?;
    (!rules.catalog.may_vote(rule, person)).then(|| no(click, "Your vote does not count here.", &ask_whom(request)))
}

fn ask_whom(request: &Request) -> String {
    let from = &request.opened.needs.from;
    if from.is_empty() {
        return "Ask any other person of the catalog.".to_owned();
    }
    let said = |who: &String| match who.split_once(':') {
        Some((kind @ ("team" | "group"), name)) => format!("the {kind} `{name}`"),
        Some((_, name)) => format!("`{name}`"),
        None => format!("`{who}`"),
    };
    format!("Ask somebody from {}.", from.iter().map(said).collect::<Vec<_>>().join(" or "))
}

fn rule<'a>(request: &Request, rules: &'a Rules) -> Option<&'a ApprovalRule> {
    rules.catalog.environment(&request.opened.target.environment)?.approvals_for(&request.opened.command)
}

/// Whose approvals count under the catalog of now: distinct persons, never the requester.
pub(super) fn counted(request: &Request, votes: &[Vote], rules: &Rules) -> BTreeSet<PersonId> {
    let counts = |actor: &Actor| {
        let person = rules.catalog.person(actor.person.as_ref()?)?;
        let listed = rule(request, rules).is_none_or(|rule| rules.catalog.may_vote(rule, person));
        (listed && !is_one_human(actor, &request.requester)).then(|| actor.person.clone()).flatten()
    };
    votes.iter().filter_map(|vote| counts(&vote.actor)).collect()
}

/// How many approvals are still needed under the catalog of now.
pub(super) fn missing(request: &Request, votes: &[Vote], rules: &Rules) -> usize {
    let needed = rule(request, rules).map_or(0, |rule| rule.count);
    usize::try_from(needed).unwrap_or(usize::MAX).saturating_sub(counted(request, votes, rules).len())
}
