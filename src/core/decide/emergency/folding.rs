//! While a debt is open on a target, rolling back, asking for more and further break-glass go into its one change of git:
//! one pull request, one proof, one resume. What was proposed before gives way to what holds more.

use std::collections::BTreeMap;

use crate::core::{
    break_glass::{Action, Override, State as Glass, Then},
    change::Plan,
    debt::{Debt, State},
    decide::{Asked, Facts, Words, ask, ourselves},
    entry::Draft,
    matters::Matters,
    names::{CommandName, Field, RequestId, Target},
    request::{Ending, Event, Request, State as Asking},
    rules::Rules,
};

/// The commands whose change is folded in.
const FOLDED: [&str; 2] = ["rollback", "scale"];

/// The debt of a target into which more can be folded: nothing that pays it is on its way into git yet.
pub fn open_debt<'m>(
    target: &Target,
    matters: &'m Matters,
    requests: &BTreeMap<RequestId, Request>,
) -> Option<&'m Debt> {
    matters.debts_of(target).find(|debt| match &debt.state {
        State::Opened | State::Owed { halted: None } => true,
        // Which side gives way is for a person to say first, where something was only kept.
        State::Owed { halted: Some(_) } => !is_kept_for_now(debt, matters),
        State::Proposed { request } => requests.get(request).is_none_or(is_undecided),
        // Changed once more, it is owed again.
        State::WrittenOff { .. } => true,
        State::Settled { .. }
        | State::Reverting
        | State::Proven { .. }
        | State::Resumed { .. }
        | State::Over { .. } => false,
    })
}

fn is_kept_for_now(debt: &Debt, matters: &Matters) -> bool {
    let kept = |glass: &Override| matches!(&glass.opened.action, Action::Keep(kept) if kept.then == Then::Decide);
    debt.items().iter().any(|item| matters.overrides.get(&item.breakglass).is_some_and(kept))
}

/// Whether nobody has said the last yes yet.
pub(super) fn is_undecided(request: &Request) -> bool {
    match request.state {
        Asking::Planning | Asking::Deciding(_) => true,
        Asking::Over { .. } => request.commit().is_none(),
        Asking::Landing(_) | Asking::Following(..) => false,
    }
}

/// The debt into which a command's change of a target is folded. Its approvals must be those that paying the debt takes
/// anyway: nobody is spared one by asking for something else beside it.
pub fn folds_into<'m>(
    rules: &Rules,
    (command, target): (&CommandName, &Target),
    matters: &'m Matters,
    requests: &BTreeMap<RequestId, Request>,
) -> Option<&'m Debt> {
    let debt = open_debt(target, matters, requests).filter(|_| FOLDED.contains(&command.as_str()))?;
    let debt = Some(debt).filter(|debt| debt.written_off_until().is_none())?;
    let at = rules.catalog.environment(&target.environment)?;
    let (own, paying) = (at.approvals_for(command), CommandName::parse(paying_command(debt)).ok()?);
    let as_strict = match (at.approvals_for(&paying), own) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(paying), Some(own)) => own.total() >= paying.total() && ask::asked_of(own) == ask::asked_of(paying),
    };
    as_strict.then_some(debt)
}

/// The command that brings into git what a debt is about.
pub fn paying_command(debt: &Debt) -> &'static str {
    if debt.item(&Field::ImageTag).is_some() { "deploy" } else { "scale" }
}

/// The debt that an asked change pays, by itself or because it is folded in.
///
/// # Errors
/// When what is owed moved while the change was planned.
pub(crate) fn paid_by(
    asked: &Asked,
    rules: &Rules,
    plan: Option<&Plan>,
    facts: Facts<'_>,
) -> Result<Option<RequestId>, Words> {
    let plain = asked.gives_back.is_none() && asked.lasts.is_none() && asked.with.is_empty();
    if asked.debt.is_some() || !plain {
        return Ok(asked.debt.clone());
    }
    let Some(debt) = folds_into(rules, (&asked.command, &asked.target), facts.matters, facts.requests) else {
        return Ok(None);
    };
    match plan {
        Some(plan) if !debt.is_paid_by(&plan.lines) => Err(unpaid(debt)),
        Some(_) | None => Ok(Some(debt.id.clone())),
    }
}

/// It would land beside the change that pays, or instead of it.
pub(crate) fn unpaid(debt: &Debt) -> Words {
    let text = format!("This would leave git without what is live there ({}).", debt.words());
    Words::new(text, "Ask for it once more, or when that debt is paid.")
}

/// What was proposed for a debt gives way to a request that holds more.
pub(crate) fn gives_way(debt: &RequestId, to: &RequestId, facts: Facts<'_>) -> Vec<Draft> {
    let open = |one: &&Request| one.opened.debt.as_ref() == Some(debt) && one.id != *to && !one.is_over();
    let undecided = facts.requests.values().filter(open).filter(|one| is_undecided(one));
    undecided
        .map(|one| Event::Ended(Ending::Superseded { by: to.clone() }, ourselves()).draft(&one.id, ourselves()))
        .collect()
}

/// Whether a break-glass of a debt is just about to change the cluster: until that is seen, the debt is not paid.
pub(super) fn is_growing(debt: &Debt, matters: &Matters) -> bool {
    let changing = |glass: &Override| matches!(&glass.state, Glass::Changing { debt: of, .. } if *of == debt.id);
    matters.overrides.values().any(changing)
}
