//! A change in words: the subject of its commit, and what differs between two plans of it.

use crate::core::{
    change::Plan,
    command::{self, Command},
    decide::Planning,
    names::{Field, Target},
};

/// What differs between two plans of one request, in words.
pub(super) fn difference(before: &Plan, after: &Plan) -> String {
    let said = |plan: &Plan| plan.lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (before, after) = (said(before), said(after));
    if before == after {
        "the place in the file moved".to_owned()
    } else {
        format!("it was {before}, it is now {after}")
    }
}

/// The subject of the commit; what is restored is named, which the command itself may not do.
pub(super) fn title(command: &Command, target: &Target, planning: &Planning) -> String {
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
