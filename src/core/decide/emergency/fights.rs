//! While a debt is open on a target, a change through git that would fight it is refused with the reason. Going back and
//! asking for more stay possible; so does the change that pays the debt.

use crate::core::{
    change::{Line, Plan},
    debt::Debt,
    decide::{Facts, Words},
    names::{CommandName, Field, RequestId, Service, Target},
};

/// What always stays possible: going back, and taking back.
const GOING_BACK: [&str; 3] = ["rollback", "revert", "resume"];

/// Why a change would fight what is owed on its target. What pays a debt fights none.
pub(crate) fn fights(
    (command, target, with): (&CommandName, &Target, &[Service]),
    own: Option<&RequestId>,
    plan: Option<&Plan>,
    facts: Facts<'_>,
) -> Option<Words> {
    if !with.is_empty() {
        let services = std::iter::once(&target.service).chain(with);
        return services.into_iter().find_map(|service| owed_by_one(service, target, facts));
    }
    let lines = plan.map(|plan| plan.lines.as_slice()).unwrap_or_default();
    let fights = |debt: &&Debt| {
        let goes_back = GOING_BACK.contains(&command.as_str());
        own.is_none() && !goes_back && !only_adds(debt, lines)
    };
    let debt = facts.matters.debts_of(target).find(fights)?;
    let text = format!(
        "Glass is broken there: {} is held as it is live ({}), and what follows git is paused, so this would not go \
         live, or would undo it later.",
        debt.opened.target,
        debt.words()
    );
    let remedy = "Merge the pull request of that debt, or press Revert instead on its card. Rolling back, asking for \
                  more replicas and `/breakglass` stay possible.";
    Some(Words::new(text, remedy))
}

/// What is owed on one of several services takes a change of its own, because that goes into the one that pays.
fn owed_by_one(service: &Service, beside: &Target, facts: Facts<'_>) -> Option<Words> {
    let target = Target { service: service.clone(), environment: beside.environment.clone() };
    let debt = facts.matters.debts_of(&target).next()?;
    let text = format!("{target} is held as it is live ({}), and git is owed that.", debt.words());
    Some(Words::new(text, format!("Ask for the others without {service}, and for {service} alone.")))
}

/// Whether all that a change does is to ask for at least as many as are live, beside what is live already.
fn only_adds(debt: &Debt, lines: &[Line]) -> bool {
    let number = |text: &str| text.parse::<i64>().ok();
    let adds = |line: &Line| {
        let is_count = matches!(line.field, Field::Replicas | Field::ReplicasMin | Field::ReplicasMax);
        let (new, old) = (number(&line.new), line.old.as_deref().and_then(number));
        let live = debt.item(&line.field).map(|item| number(&item.live));
        debt.says(line) || (is_count && new >= old && live.is_none_or(|live| new >= live))
    };
    !lines.is_empty() && lines.iter().all(adds)
}

/// Whether what follows git is held off a target, so that nothing may tell it to sync.
pub(crate) fn is_held(target: &Target, facts: Facts<'_>) -> bool {
    facts.matters.overrides.values().any(|glass| glass.opened.target == *target && glass.holds().is_some())
}
