//! Effects on the cluster report back: what they are about to do, which is recorded first and only permitted while the
//! break-glass is still what people approved, and what came of it.

use super::{
    Came, ask, drift,
    folding::{is_growing, is_undecided, open_debt},
    press,
};
use crate::core::{
    break_glass::{self, Action, Alarm, Course, Event, LivePlan, Override, State, Then},
    change::{Line, Plan},
    debt::{self, Debt, Moved},
    decide::{Decision, Facts, Reply, Subject, Words, ask::sentence, ourselves, permitted},
    entry::{Actor, Draft},
    incident,
    names::{CommitId, Field, RequestId},
    policy::Verdict,
    request::Card,
    rules::Rules,
};

pub(super) fn decide(id: &RequestId, came: &Came, facts: Facts<'_>) -> Decision {
    if let Came::CardPosted(card) = came {
        return posted(id, card, facts);
    }
    let matters = facts.matters;
    match (matters.overrides.get(id), matters.debts.get(id), matters.drifts.get(id)) {
        (Some(glass), ..) => of_glass(glass, came, facts),
        (None, Some(debt), _) => of_debt(debt, came, facts),
        (None, None, Some(differs)) => {
            let failed = if let Came::Failed(words) = came { Some(words) } else { None };
            failed.map_or_else(|| Decision::silent(Reply::Stop), |words| drift::halted(differs, words))
        }
        (None, None, None) => Decision::silent(Reply::Stop),
    }
}

fn posted(id: &RequestId, card: &Card, facts: Facts<'_>) -> Decision {
    let matters = facts.matters;
    let subject = if matters.incidents.contains_key(id) {
        incident::subject(id)
    } else if matters.overrides.contains_key(id) {
        break_glass::subject(id)
    } else if matters.drifts.contains_key(id) {
        crate::core::drift::subject(id)
    } else {
        debt::subject(id)
    };
    let entry = Draft::new("card.posted", subject, ourselves()).with("card", card);
    Decision { entries: vec![entry], reply: Reply::Go }
}

/// One event, recorded if it fits; what no longer fits was overtaken.
fn one(glass: &Override, event: Event) -> Decision {
    if glass.state.clone().after(event.clone()).is_err() {
        return Decision::silent(Reply::Stop);
    }
    Decision { entries: vec![event.draft(&glass.id, ourselves())], reply: Reply::Go }
}

fn failed(glass: &Override, words: &Words, facts: Facts<'_>) -> Decision {
    let (why, remedy) = (words.text.clone(), words.remedy.clone().unwrap_or_default());
    let mut decision = one(glass, Event::Failed { why, remedy });
    // Where the debt was opened and nothing was changed, nothing is owed for it.
    if let (State::Changing { debt, .. }, Reply::Go) = (&glass.state, &decision.reply) {
        let others = facts.matters.debts.get(debt).is_some_and(|debt| debt.is_about_more_than(&glass.id));
        let event = match others {
            true => debt::Event::Shrunk { breakglass: glass.id.clone() },
            false => debt::Event::Ended(debt::Ending::NeverLive, ourselves()),
        };
        decision.entries.push(event.draft(debt, ourselves()));
    }
    if decision.reply == Reply::Go {
        decision.entries.extend(drift::let_go(glass, facts, Some(&words.text)));
    }
    decision
}

fn of_glass(glass: &Override, came: &Came, facts: Facts<'_>) -> Decision {
    match came {
        Came::Planned(plan) => planned(glass, plan, Event::Planned(plan.as_ref().clone()), facts),
        Came::Replanned(plan) => planned(glass, plan, Event::Replanned(plan.as_ref().clone()), facts),
        Came::Failed(words) => failed(glass, words, facts),
        Came::PauseBegun(paused) => {
            still_approved(glass, facts).unwrap_or_else(|| one(glass, Event::PauseBegun(paused.clone())))
        }
        Came::Paused(paused) => one(glass, Event::Paused(paused.clone())),
        Came::Begun { debt } => still_approved(glass, facts).unwrap_or_else(|| begun(glass, debt, facts)),
        Came::Changed => changed(glass, facts),
        Came::Redone if is_given_back(glass, facts) => Decision::silent(Reply::Stop),
        Came::Redone => one(glass, Event::Redone),
        Came::Alarmed(what) => one(glass, Event::Alarmed(Alarm { what: what.clone(), at: facts.now })),
        Came::Calmed => one(glass, Event::Calmed),
        Came::LetGo => match &glass.state {
            State::Undoing { ending, .. } => one(glass, Event::Ended(ending.clone(), ourselves())),
            State::Checking
            | State::Deciding(_)
            | State::Pausing { .. }
            | State::Paused { .. }
            | State::Changing { .. }
            | State::Active { .. }
            | State::Over { .. } => Decision::silent(Reply::Stop),
        },
        Came::CardPosted(_)
        | Came::Halted(_)
        | Came::Moved { .. }
        | Came::Settled(_)
        | Came::Proven
        | Came::Resumed
        | Came::Paid => Decision::silent(Reply::Stop),
    }
}

/// Whether somebody chose that the cluster gets what git says.
fn is_given_back(glass: &Override, facts: Facts<'_>) -> bool {
    let State::Active { debt, .. } = &glass.state else { return false };
    facts.matters.debts.get(debt).is_some_and(Debt::is_given_back)
}

/// What the change is to policy: its field, from what to what.
fn as_plan(plan: &LivePlan, rules: &Rules) -> Option<Plan> {
    let line = Line { field: plan.field.clone(), old: Some(plan.old.clone()), new: plan.new.clone() };
    Some(Plan {
        digest: plan.digest.clone(),
        base: CommitId::parse(&"0".repeat(40)).ok()?,
        policy: rules.policy.hash().clone(),
        edits: Vec::new(),
        lines: vec![line],
        diff: String::new(),
        exact: Vec::new(),
        aside: None,
        live: None,
        legs: Vec::new(),
    })
}

/// Why policy forbids it, by the facts of now.
fn denied(glass: &Override, plan: &LivePlan, facts: Facts<'_>) -> Option<Words> {
    let (rules, command) = (facts.rules?, ask::breakglass_command()?);
    let subject = Subject {
        id: None,
        actor: &glass.requester,
        command: &command,
        target: &glass.opened.target,
        with: &[],
        channel: &glass.opened.channel,
        tag: None,
        facts: Some(facts),
        begins: None,
        // A freeze does not hold up a rescue.
        ignores_freezes: true,
    };
    match permitted(rules, subject, as_plan(plan, rules).as_ref()) {
        Verdict::Denied(denial) => Some(Words::new(sentence(&denial.reason), denial.remedy)),
        Verdict::Permitted => None,
    }
}

fn planned(glass: &Override, plan: &LivePlan, event: Event, facts: Facts<'_>) -> Decision {
    match denied(glass, plan, facts) {
        Some(words) => failed(glass, &words, facts),
        // Nothing of what runs is changed, so whoever chose it is enough.
        None if glass.opened.action.is_keeping() => {
            let mut decision = one(glass, event);
            if decision.reply == Reply::Go {
                decision.entries.push(Event::Approved.draft(&glass.id, ourselves()));
            }
            decision
        }
        None => one(glass, event),
    }
}

/// `None` while policy and the votes of now still carry it; otherwise what happens instead. The last good rules count
/// where the repository cannot be read: the rescue does not wait for it.
fn still_approved(glass: &Override, facts: Facts<'_>) -> Option<Decision> {
    let Some(Course { plan, votes }) = glass.course() else { return Some(Decision::silent(Reply::Stop)) };
    let Some(rules) = facts.rules else { return Some(Decision::silent(Reply::Stop)) };
    let stop = |words: &Words| Decision { reply: Reply::Stop, ..failed(glass, words, facts) };
    if let Some(words) = denied(glass, plan, facts) {
        return Some(stop(&words));
    }
    let words = Words::new("The catalog changed since it was approved, and more must approve now.", "Ask again.");
    (!press::is_enough(glass, votes, rules, facts.now)).then(|| stop(&words))
}

/// The debt is opened in the same transaction as the intent, or grows in it where one is open already: there can be a
/// debt without a change, never a change without a debt.
fn begun(glass: &Override, debt: &RequestId, facts: Facts<'_>) -> Decision {
    let Some(Course { plan, .. }) = glass.course() else { return Decision::silent(Reply::Stop) };
    let is_kept = matches!(&glass.opened.action, Action::Keep(kept) if kept.then == Then::Decide);
    let into = open_debt(&glass.opened.target, facts.matters, facts.requests).filter(|_| !is_kept);
    let debt = into.map_or(debt, |into| &into.id);
    let mut decision = one(glass, Event::Begun { debt: debt.clone() });
    if decision.reply != Reply::Go {
        return decision;
    }
    let until = facts.now.checked_add(glass.opened.span.duration()).unwrap_or(facts.now);
    if into.is_some() {
        let (breakglass, field) = (glass.id.clone(), plan.field.clone());
        let item = debt::Item { breakglass, field, live: plan.new.clone(), git: plan.git.clone() };
        decision.entries.push(debt::Event::Grown { item, until }.draft(debt, ourselves()));
        return decision;
    }
    let opened = debt::Opened {
        breakglass: glass.id.clone(),
        incident: glass.opened.incident.clone(),
        target: glass.opened.target.clone(),
        field: plan.field.clone(),
        live: plan.new.clone(),
        git: plan.git.clone(),
        owner: glass.requester.clone(),
        until,
        channel: glass.opened.channel.clone(),
    };
    decision.entries.push(debt::opened(debt, &opened, ourselves()));
    decision
}

fn changed(glass: &Override, facts: Facts<'_>) -> Decision {
    let mut decision = one(glass, Event::Changed { at: facts.now });
    if let (State::Changing { debt, .. }, Reply::Go) = (&glass.state, &decision.reply) {
        decision.entries.push(debt::Event::Live.draft(debt, ourselves()));
        if let Action::Keep(kept) = &glass.opened.action
            && kept.then == Then::Decide
        {
            let why = "Kept as it is for now; which side gives way is to be decided.".to_owned();
            decision.entries.push(debt::Event::Halted { why }.draft(debt, ourselves()));
        }
    }
    decision
}

fn of_debt(debt: &Debt, came: &Came, facts: Facts<'_>) -> Decision {
    match came {
        Came::Halted(why) => step(debt, debt::Event::Halted { why: why.clone() }),
        Came::Settled(_) | Came::Proven if is_growing(debt, facts.matters) => Decision::silent(Reply::Stop),
        Came::Settled(side) => step(debt, debt::Event::Settled { side: *side }),
        Came::Proven => step(debt, debt::Event::Proven),
        Came::Moved { field, to } => moved(debt, field, to, facts),
        Came::Resumed => step(debt, debt::Event::Resumed),
        Came::Paid => paid(debt, facts),
        Came::CardPosted(_)
        | Came::Planned(_)
        | Came::Replanned(_)
        | Came::Failed(_)
        | Came::PauseBegun(_)
        | Came::Paused(_)
        | Came::Begun { .. }
        | Came::Changed
        | Came::Redone
        | Came::Alarmed(_)
        | Came::Calmed
        | Came::LetGo => Decision::silent(Reply::Stop),
    }
}

fn step(debt: &Debt, event: debt::Event) -> Decision {
    if debt.state.clone().after(event.clone()).is_err() {
        return Decision::silent(Reply::Stop);
    }
    Decision { entries: vec![event.draft(&debt.id, ourselves())], reply: Reply::Go }
}

/// Git equals live, seen twice: the debt is over, and with it the break-glass.
fn paid(debt: &Debt, facts: Facts<'_>) -> Decision {
    let debt::State::Resumed { side } = &debt.state else { return Decision::silent(Reply::Stop) };
    let by: Actor = ourselves();
    let mut decision = step(debt, debt::Event::Ended(debt::Ending::Paid { side: *side }, by.clone()));
    let of_it = |glass: &&Override| matches!(&glass.state, State::Active { debt: of, .. } if *of == debt.id);
    for glass in facts.matters.overrides.values().filter(of_it) {
        let ended = Event::Ended(break_glass::Ending::Reconciled, by.clone());
        decision.entries.push(ended.draft(&glass.id, by.clone()));
        decision.entries.extend(drift::let_go(glass, facts, None));
    }
    decision
}

/// One side of a value is another one now. What is on its way into git goes its way: the proof tells what came of it.
fn moved(debt: &Debt, field: &Field, to: &Moved, facts: Facts<'_>) -> Decision {
    let item = debt.item(field);
    let is_news = item.is_some_and(|item| match to {
        Moved::Live(live) => item.live != *live,
        Moved::Git(git) => item.git != *git,
    });
    let undecided = match &debt.state {
        debt::State::Proposed { request } => facts.requests.get(request).is_none_or(is_undecided),
        debt::State::Opened
        | debt::State::Owed { .. }
        | debt::State::WrittenOff { .. }
        | debt::State::Settled { .. }
        | debt::State::Reverting
        | debt::State::Proven { .. }
        | debt::State::Resumed { .. }
        | debt::State::Over { .. } => true,
    };
    if !is_news || !undecided {
        return Decision::silent(Reply::Stop);
    }
    step(debt, debt::Event::Moved { field: field.clone(), to: to.clone() })
}
