//! A change in words: the subject of its commit, and what differs between two plans of it.

use crate::core::{
    change::{Leg, Plan},
    command::{self, Command},
    decide::Planning,
    names::{Field, Target},
    several,
};

/// What differs between two plans of one request, in words.
pub(super) fn difference(before: &Plan, after: &Plan) -> String {
    let all = |plan: &Plan| plan.lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let said = |plan: &Plan| match plan.legs.as_slice() {
        [] => all(plan),
        legs => legs.iter().map(|leg| format!("{} {}", leg.service, all(&leg.plan))).collect::<Vec<_>>().join("; "),
    };
    let (before, after) = (said(before), said(after));
    if before == after {
        "the place in the file moved".to_owned()
    } else {
        format!("it was {before}, it is now {after}")
    }
}

/// The subject of the commit; what is restored is named, which the command itself may not do.
pub(super) fn title(command: &Command, target: &Target, planning: &Planning) -> String {
    if let Planning::Planned(plan) = planning
        && !plan.legs.is_empty()
    {
        return title_of_several(command, target, plan);
    }
    let version = match planning {
        Planning::Planned(plan) => plan.lines.iter().find(|line| line.field == Field::ImageTag).map(|line| &line.new),
        Planning::Refused(_) | Planning::Later => None,
    };
    match (command.change(), version) {
        (Ok(command::Asked::Revert { what }), _) => {
            let what = if what.starts_with('#') { what.as_str() } else { what.get(..7).unwrap_or(&what) };
            format!("{} {what} of {} in {}", command.name(), target.service, target.environment)
        }
        (Ok(command::Asked::Copy { from, .. }), Some(version)) => {
            format!("{} {} {version} from {from} to {}", command.name(), target.service, target.environment)
        }
        (Ok(command::Asked::Restore { .. }), Some(version)) => {
            format!("{} {} to {version} in {}", command.name(), target.service, target.environment)
        }
        (_, _) => command.subject(),
    }
}

/// The same of several services, each with what it gets.
fn title_of_several(command: &Command, target: &Target, plan: &Plan) -> String {
    let version =
        |leg: &Leg| leg.plan.lines.iter().find(|line| line.field == Field::ImageTag).map(|line| line.new.clone());
    let named = |between: &str| {
        let name = |leg: &Leg| Some(format!("{}{between}{}", leg.service, version(leg)?));
        plan.legs.iter().map(name).collect::<Option<Vec<String>>>().map(|names| several::listed(&names))
    };
    let (name, environment) = (command.name(), &target.environment);
    let title = match command.change() {
        Ok(command::Asked::Copy { from, .. }) => {
            named(" ").map(|named| format!("{name} {named} from {from} to {environment}"))
        }
        Ok(command::Asked::Restore { .. }) => named(" to ").map(|named| format!("{name} {named} in {environment}")),
        Ok(_) | Err(_) => None,
    };
    title.unwrap_or_else(|| command.subject())
}
