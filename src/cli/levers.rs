//! What `check` finds of each lever: where it would put its hand, and what is in the way. Notes that say the same of
//! many targets are said once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Failure, plan::place, say};
use crate::{
    core::{
        change::{Beside, Binding, LocateRefusal, PlanRefusal, SourceFile},
        names::{CommandName, ConnectionName, Field, Target},
        rules::Rules,
    },
    engine,
};

/// What must be mended before a lever can move.
pub(super) const RED: &str = "RED";
/// What is worth knowing.
pub(super) const NOTE: &str = "note";
/// How many notes of one kind are said one by one.
const FEW: usize = 3;
/// How many targets of one kind of note are named.
const NAMED: usize = 6;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// One by one.
    All,
    /// What many have in common, once.
    Summary,
}

/// One field of one target.
pub(super) struct Lever {
    pub(super) target: Target,
    pub(super) field: Field,
    /// Where it is, and its value.
    pub(super) place: Option<(Binding, String)>,
    fault: Option<Fault>,
}

/// Why a lever could not move.
enum Fault {
    /// Nothing there sets it, which may well be meant.
    Absent(PlanRefusal),
    /// A digest goes with the version, so both are given, or it is taken out.
    ByDigest(PlanRefusal),
    /// Something stands in the way.
    Stuck(PlanRefusal),
}

impl Lever {
    /// `at`: the files of the target, and the targets beside it.
    pub(super) fn look(rules: &Rules, target: &Target, field: Field, at: (&[SourceFile], &[Beside])) -> Self {
        let place = place(rules, target, &field, at.0).ok();
        let fault = fault(rules, target, &field, at);
        Self { target: target.clone(), field, place, fault }
    }

    /// A version that is in the way of itself is red; a service whose version or count is set elsewhere is not.
    pub(super) fn mark(&self) -> &'static str {
        match (&self.fault, &self.field) {
            (None, _) => "",
            (Some(Fault::Stuck(_)), Field::ImageTag) => RED,
            (Some(_), _) => NOTE,
        }
    }
}

/// Found by planning a value that nobody has.
fn fault(rules: &Rules, target: &Target, field: &Field, at: (&[SourceFile], &[Beside])) -> Option<Fault> {
    let value = if *field == Field::Replicas { Value::from(8_191) } else { Value::from("leverframe-check") };
    let (name, command) = (ConnectionName::parse("deployments").ok()?, CommandName::parse("deploy").ok()?);
    let set = BTreeMap::from([(field.clone(), value)]);
    match engine::plan_set(&name, rules, (&command, target, &rules.commit), &set, at) {
        Ok(_) | Err(PlanRefusal::Already { .. }) => None,
        Err(refusal) if matches!(refusal, PlanRefusal::Place(LocateRefusal::NotFound { .. })) => {
            Some(Fault::Absent(refusal))
        }
        Err(refusal) if matches!(refusal, PlanRefusal::Place(LocateRefusal::ByDigest { .. })) => {
            Some(Fault::ByDigest(refusal))
        }
        Err(refusal) => Some(Fault::Stuck(refusal)),
    }
}

/// What is said below the table.
#[derive(Default)]
pub(super) struct Findings {
    red: Vec<String>,
    notes: Vec<String>,
    /// By field: each target, and the note as it is said alone.
    absent: BTreeMap<Field, Vec<(Target, String)>>,
}

impl Findings {
    pub(super) fn add(&mut self, lever: &Lever) {
        let Some(Fault::Absent(refusal) | Fault::ByDigest(refusal) | Fault::Stuck(refusal)) = &lever.fault else {
            return;
        };
        let said = format!("{}, `{}`: {refusal}. {}", lever.target, lever.field, refusal.remedy());
        match (&lever.fault, lever.mark()) {
            (_, RED) => self.red.push(said),
            (Some(Fault::Absent(_)), _) => {
                self.absent.entry(lever.field.clone()).or_default().push((lever.target.clone(), said));
            }
            (_, _) => self.notes.push(said),
        }
    }

    /// What lies at two places is no target, which somebody may miss.
    pub(super) fn twice(&mut self, rules: &Rules) {
        for (target, first, second) in rules.places.twice() {
            self.red.push(format!(
                "{target} lies at both `{first}` and `{second}`, so it is no target. Name one of the directories in the environment's `path`, or rename one."
            ));
        }
    }

    pub(super) fn is_red(&self) -> bool {
        !self.red.is_empty()
    }

    pub(super) fn say(&self, show: Show) -> Result<(), Failure> {
        if !self.red.is_empty() || !self.notes.is_empty() || !self.absent.is_empty() {
            say("")?;
        }
        self.red.iter().try_for_each(|said| say(format!("{RED}: {said}")))?;
        self.notes.iter().try_for_each(|said| say(format!("{NOTE}: {said}")))?;
        for (field, absent) in &self.absent {
            if show == Show::All || absent.len() <= FEW {
                absent.iter().try_for_each(|(_, said)| say(format!("{NOTE}: {said}")))?;
            } else {
                say(grouped(field, absent))?;
            }
        }
        Ok(())
    }
}

fn grouped(field: &Field, absent: &[(Target, String)]) -> String {
    let named: Vec<String> = absent.iter().take(NAMED).map(|(target, _)| target.to_string()).collect();
    let more = absent.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "{NOTE}: {} targets have no `{field}` in their files: {}{more}. What sets it elsewhere can be pinned in the catalog; `--all` says each.",
        absent.len(),
        named.join(", ")
    )
}
