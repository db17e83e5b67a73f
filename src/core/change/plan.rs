//! Planning: which bytes of which files change, so that a field gets its value, and nothing else does.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Binding, LocateRefusal, Locator, Plan, SourceFile, Trees, apply::apply, digest, draft::Draft, locate_in, value_at,
};
use crate::core::{
    names::{CommandName, CommitId, ConnectionName, Digest, Environment, Field, RepoPath, Service, Target},
    yaml::{self, Scalar, Step},
};

/// What is wanted, and where it is looked for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The repository.
    pub repository: &'a ConnectionName,
    /// The command that asks.
    pub command: &'a CommandName,
    /// On what.
    pub target: &'a Target,
    /// The fields and their new values.
    pub set: &'a BTreeMap<Field, Value>,
    /// The commit that the files are of.
    pub base: &'a CommitId,
    /// The policies in force.
    pub policy: &'a Digest,
}

/// A plan and the files as they would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What people approve.
    pub plan: Plan,
    /// Each changed file, whole; `None` where it goes.
    pub after: Vec<(RepoPath, Option<String>)>,
}

/// Why a change cannot be planned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanRefusal {
    /// It is so already.
    #[error("`{}` in `{}` is already at {values}", target.service, target.environment)]
    Already {
        /// The target.
        target: Target,
        /// The values, in words.
        values: String,
    },
    /// All of several services are so already.
    #[error("{services} in `{environment}` are so already")]
    AllAlready {
        /// The services, in words.
        services: String,
        /// The environment.
        environment: Environment,
    },
    /// One of several services cannot be changed, so none is.
    #[error("`{service}`: {refusal}")]
    Of {
        /// The service.
        service: Service,
        /// Why not.
        refusal: Box<PlanRefusal>,
    },
    /// Two of several services would change one file.
    #[error("`{path}` would be changed for two of these services at once")]
    Shared {
        /// The file.
        path: RepoPath,
    },
    /// The field's place was not found, or is not one place.
    #[error(transparent)]
    Place(#[from] LocateRefusal),
    /// The place cannot be edited without harm.
    #[error("`{path}` cannot be edited: {refusal}")]
    Edit {
        /// The file.
        path: RepoPath,
        /// Why.
        refusal: yaml::Refusal,
    },
    /// A path that is never written.
    #[error("`{path}` is never written by Leverframe")]
    Protected {
        /// The file.
        path: RepoPath,
    },
    /// More than the container may have.
    #[error("{place} would ask for {value} of {field}, above the limit of {limit}")]
    AboveLimit {
        /// The field.
        field: Field,
        /// The place.
        place: String,
        /// The value.
        value: String,
        /// The container's limit.
        limit: String,
    },
    /// An autoscaler does not go down to nothing.
    #[error("{place} is an autoscaler's fewest, which cannot be 0")]
    Nothing {
        /// The place.
        place: String,
    },
    /// A place holds something else than when it was seen.
    #[error("{places} changed since")]
    ChangedSince {
        /// The places, in words.
        places: String,
    },
    /// A file that a template gives, or gave, was changed by hand.
    #[error("`{path}` was changed by hand since it was rendered, or was never rendered:\n{difference}")]
    ByHand {
        /// The file.
        path: RepoPath,
        /// What would change, as a diff.
        difference: String,
    },
    /// Nothing applies a file that would be put there.
    #[error("nothing would apply `{path}`: {why}")]
    Unread {
        /// The file.
        path: RepoPath,
        /// Why not.
        why: String,
    },
    /// Another target reads its value from the same place.
    #[error("`{field}` of {target} would change, too: it reads {places} as well")]
    Others {
        /// The other target.
        target: Target,
        /// The field.
        field: Field,
        /// The files.
        places: String,
    },
    /// A value that no file can hold.
    #[error("`{value}` is no value for {field}")]
    Value {
        /// The field.
        field: Field,
        /// The value.
        value: String,
    },
}

impl PlanRefusal {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Already { .. } | Self::AllAlready { .. } => "Nothing to do.".to_owned(),
            Self::Of { refusal, .. } => format!("{} None of the others was asked for.", refusal.remedy()),
            Self::Shared { .. } => "Ask for them one after the other.".to_owned(),
            Self::Place(refusal) => refusal.remedy(),
            Self::Edit { refusal, .. } => refusal.remedy(),
            Self::Protected { .. } => "Change it by hand, in a reviewed commit.".to_owned(),
            Self::Nothing { .. } => {
                "Scale to 1 or more, or take the autoscaler out in git first, in a reviewed commit.".to_owned()
            }
            Self::ChangedSince { .. } => {
                "Look at what came later; change the place by hand, or ask for the value that it shall have.".to_owned()
            }
            Self::ByHand { .. } => {
                "Bring the difference into the template, or change the file by hand in a reviewed commit.".to_owned()
            }
            Self::Unread { .. } => "Add it by hand, in a reviewed commit.".to_owned(),
            Self::AboveLimit { field, limit, .. } => {
                format!("Ask for at most {limit}, or raise the limit of {field} in git first, in a reviewed commit.")
            }
            Self::Others { field, .. } => format!(
                "Give each its own `{field}` in git, in a file that only its environment's `path` in the catalog reaches; or change what they share by hand, in a reviewed commit."
            ),
            Self::Value { field: Field::Cpu, .. } => "Write it like `500m` or `1.5`.".to_owned(),
            Self::Value { field: Field::Memory, .. } => "Write it like `512Mi` or `2Gi`.".to_owned(),
            Self::Value { .. } => "Ask with a text, a number, true or false.".to_owned(),
        }
    }
}

/// Plans what is wanted on the files of the target.
///
/// # Errors
/// When it is so already, when a field's place is not exactly one, or when editing it could harm anything else.
pub fn plan(
    wanted: &Wanted<'_>,
    locator: &dyn Fn(&Field) -> Locator,
    files: &[SourceFile],
) -> Result<Planned, PlanRefusal> {
    let mut draft = Draft::default();
    for (binding, value) in places(wanted.set, locator, files)? {
        draft.add(&binding, &value, files)?;
    }
    if draft.lines.is_empty() {
        let values: Vec<String> = wanted.set.iter().map(|(field, value)| words(field, value)).collect();
        return Err(PlanRefusal::Already { target: wanted.target.clone(), values: values.join(" and ") });
    }
    let (edits, operations) = draft.edits(wanted.repository);
    let (after, diff) = apply(operations, files)?;
    let digest = digest(wanted.command, wanted.target, &edits)
        .map_err(|error| PlanRefusal::Value { field: Field::Replicas, value: error.to_string() })?;
    let (base, policy) = (wanted.base.clone(), wanted.policy.clone());
    let (exact, after) = (Vec::new(), after.into_iter().map(|(path, text)| (path, Some(text))).collect());
    let plan = Plan {
        digest,
        base,
        policy,
        edits,
        lines: draft.lines,
        diff,
        exact,
        aside: None,
        live: None,
        legs: Vec::new(),
    };
    Ok(Planned { plan, after })
}

/// Where each wanted field lives, with its value; an autoscaler's most goes up with its fewest.
fn places(
    set: &BTreeMap<Field, Value>,
    locator: &dyn Fn(&Field) -> Locator,
    files: &[SourceFile],
) -> Result<Vec<(Binding, Value)>, PlanRefusal> {
    let (mut places, trees) = (Vec::new(), Trees::default());
    for (field, value) in set {
        let binding = locate_in(field, &locator(field), files, &trees)?;
        if binding.digest.is_some() && *field == Field::ImageTag && !set.contains_key(&Field::ImageDigest) {
            return Err(LocateRefusal::ByDigest { place: binding.to_string() }.into());
        }
        let autoscaled = binding.field == Field::ReplicasMin && *field == Field::Replicas;
        let is_keda = matches!(binding.yaml_path.steps().last(), Some(Step::Key(key)) if key == "minReplicaCount");
        if binding.field == Field::ReplicasMin && value.as_u64() == Some(0) && !is_keda {
            return Err(PlanRefusal::Nothing { place: binding.to_string() });
        }
        places.push((binding, value.clone()));
        if autoscaled && !set.contains_key(&Field::ReplicasMax) {
            places.extend(raised(value, locator, (files, &trees))?.map(|most| (most, value.clone())));
        }
    }
    Ok(places)
}

/// Where an autoscaler's most is written, when it is below what is wanted.
fn raised(
    value: &Value,
    locator: &dyn Fn(&Field) -> Locator,
    (files, trees): (&[SourceFile], &Trees),
) -> Result<Option<Binding>, PlanRefusal> {
    let field = Field::ReplicasMax;
    let most = match locate_in(&field, &locator(&field), files, trees) {
        Err(LocateRefusal::NotFound { .. }) => return Ok(None),
        found => found?,
    };
    let text = &file(files, &most.file)?.text;
    let now = value_at(&most, text).map_err(|refusal| PlanRefusal::Edit { path: most.file.clone(), refusal })?;
    let now = now.and_then(|now| now.parse::<u64>().ok());
    Ok(now.zip(value.as_u64()).is_some_and(|(now, wanted)| now < wanted).then_some(most))
}

/// A file that is there and may be written.
pub(super) fn file<'a>(files: &'a [SourceFile], path: &RepoPath) -> Result<&'a SourceFile, PlanRefusal> {
    if path.is_protected() {
        return Err(PlanRefusal::Protected { path: path.clone() });
    }
    let missing = || LocateRefusal::NoSuchFile { path: path.clone() };
    Ok(files.iter().find(|file| &file.path == path).ok_or_else(missing)?)
}

fn words(field: &Field, value: &Value) -> String {
    match field {
        Field::ImageTag | Field::ImageDigest => format!("`{}`", shown(value)),
        Field::Replicas if value.as_u64() == Some(1) => "1 replica".to_owned(),
        Field::Replicas => format!("{} replicas", shown(value)),
        Field::ReplicasMin | Field::ReplicasMax | Field::Cpu | Field::Memory | Field::Env(_) | Field::Config(_) => {
            format!("`{field}` `{}`", shown(value))
        }
    }
}

/// A value as the ledger holds facts: nothing is null, and a number that is no integer within 2^53 is its digits as
/// they stand in the file (`1.10`).
pub(super) fn fact(value: &Scalar) -> Option<Value> {
    const EXACT: i128 = 1 << 53;
    match value {
        Scalar::Null => None,
        Scalar::Integer(number) if (-EXACT..=EXACT).contains(number) => Some(value.to_json()),
        Scalar::Integer(number) => Some(Value::String(number.to_string())),
        Scalar::Float(digits) => Some(Value::String(digits.clone())),
        Scalar::Bool(_) | Scalar::String(_) => Some(value.to_json()),
    }
}

/// A value as people write it.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
