//! The kinds of things that policies speak of. A name of Cedar's is read by its parser, which takes longer than all else
//! that a question is made of; so they are read once.

use cedar_policy::{EntityId, EntityTypeName, EntityUid};

use super::PolicyError;

/// Read.
#[derive(Debug, Clone)]
pub(super) struct Kinds {
    pub(super) person: EntityTypeName,
    pub(super) action: EntityTypeName,
    pub(super) target: EntityTypeName,
    pub(super) team: EntityTypeName,
    pub(super) group: EntityTypeName,
}

impl Kinds {
    pub(super) fn parse() -> Result<Self, PolicyError> {
        let kind = |name: &str| {
            name.parse::<EntityTypeName>()
                .map_err(|error| PolicyError::Syntax { file: "the vocabulary".to_owned(), words: error.to_string() })
        };
        Ok(Self {
            person: kind("Person")?,
            action: kind("Action")?,
            target: kind("Target")?,
            team: kind("Team")?,
            group: kind("Group")?,
        })
    }
}

/// One of a kind.
pub(super) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
