//! Whoever asked ticks on the card what else a rollback restores, or takes it off again. That is another change, so its
//! approvals start again; what is wrong with it is said to whoever ticked, and the request stays as it was.

use super::{
    Asker, Decision, Facts, Reply, Subject, Words, approved_at_once, ask, emergency, is_its_card, lane, permitted,
};
use crate::core::{
    change::Plan,
    entry::Draft,
    names::{Field, RequestId},
    policy::Verdict,
    request::{self, Course, Event, Request, State},
};

/// With this begins the id of a button that ticks; the field follows.
pub const TICK: &str = "also=";

/// What was ticked, and the change with it.
#[derive(Debug, Clone)]
pub struct Tick {
    /// Who.
    pub asker: Asker,
    /// On which request.
    pub request: RequestId,
    /// The first digits of the digest that its card showed.
    pub digest: String,
    /// `platform:channel` of the message it was on.
    pub channel: String,
    /// The message.
    pub message: String,
    /// What.
    pub field: Field,
    /// The change as it would be, or why there is none.
    pub planned: Result<Plan, Words>,
}

pub(super) fn decide(tick: &Tick, facts: Facts<'_>) -> Decision {
    let Some((request, rules)) = facts.requests.get(&tick.request).zip(facts.rules) else {
        return no(tick, &Words::new("This request is not known here.", "Ask again with a command."));
    };
    let course = match open(tick, request) {
        Ok(course) => course,
        Err(words) => return no(tick, &words),
    };
    let plan = match &tick.planned {
        Ok(plan) => plan,
        Err(words) => return no(tick, words),
    };
    if let Verdict::Denied(denial) = permitted(rules, Subject::of(request, facts), Some(plan)) {
        return no(tick, &Words::new(ask::sentence(&denial.reason), denial.remedy));
    }
    let debt = request.opened.debt.as_ref().and_then(|debt| facts.matters.debts.get(debt));
    if let Some(debt) = debt.filter(|debt| !debt.is_paid_by(&plan.lines)) {
        return no(tick, &emergency::unpaid(debt));
    }
    let is_on = course.plan.lines.iter().any(|line| line.field == tick.field);
    let why = format!("`{}` is {}", tick.field, if is_on { "no longer restored too" } else { "restored too" });
    let mut entries = vec![Event::Replanned { plan: plan.clone(), why }.draft(&request.id, tick.asker.actor())];
    let now = facts.by(rules).unless_later(request.opened.begins, &request.opened.with);
    if ask::needs(now, &request.opened.target, &request.opened.command).count == 0 {
        entries.push(approved_at_once(&request.id, (request.opened.begins, facts.now)));
        entries.extend(lane::owed(request, (&[], request.opened.way), now));
    }
    Decision { entries, reply: Reply::Taken }
}

/// What it carries, where it can still be ticked by whoever did.
fn open<'r>(tick: &Tick, request: &'r Request) -> Result<&'r Course, Words> {
    if !is_its_card(request.card.as_ref(), &tick.channel, &tick.message) {
        return Err(Words::new("This button is not on the card of that request.", "Press it on the card itself."));
    }
    if !request.opened.with.is_empty() {
        let text = "Of several services the versions alone are restored at once.";
        return Err(Words::new(text, "Roll back the one that is meant by itself: `/rollback SERVICE ENVIRONMENT`."));
    }
    let course = match &request.state {
        State::Deciding(course) => course,
        State::Planning | State::Landing(_) | State::Following(..) | State::Over { .. } => {
            let text = format!("This is no longer being decided: it is {}.", request.outcome_word());
            return Err(Words::new(text, "Read the card as it is now."));
        }
    };
    if let Some(foreign) = &course.foreign {
        let text = ask::sentence(&foreign.what);
        return Err(Words::new(text, "Take that commit off the branch, or cancel and ask again."));
    }
    if !tick.asker.is(&request.requester) {
        let remedy = "Ask them, or ask for a rollback of your own.";
        return Err(Words::new("Only whoever asked can change what is asked for.", remedy));
    }
    if course.plan.digest.short() != tick.digest {
        let text = "The change was planned anew since that card was shown.";
        return Err(Words::new(text, "Read the card as it is now and press again."));
    }
    Ok(course)
}

/// Recorded and answered privately; the card stays as it is.
fn no(tick: &Tick, words: &Words) -> Decision {
    let entry = Draft::new("tick.refused", request::subject(&tick.request), tick.asker.actor())
        .with("field", &tick.field)
        .with_text("why", &words.text);
    Decision { entries: vec![entry], reply: Reply::Private(words.clone()) }
}
