//! `services`: what the catalog says of a service beyond what its files say.

use std::{collections::BTreeMap, fmt};

use super::names::{ImageName, Team, refused};
use crate::core::{
    located::{Node, Origin, Problem, Value},
    names::{Field, NotAName, RepoPath, Service},
};

/// One listed service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRules {
    /// Its name.
    pub name: Service,
    /// Who owns it.
    pub team: Option<Team>,
    /// Its image, where its files hold several.
    pub image: Option<ImageName>,
    /// Where its fields live, where discovery finds several places or none.
    pub bindings: BTreeMap<Field, Pin>,
}

/// A field pinned to its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The file, from the target's directory; `{service}` and `{environment}` in it stand for the target's.
    pub file: RepoPath,
    /// The YAML path in it, as it was written.
    pub path: String,
    /// Which document of the file.
    pub document: DocumentChoice,
}

/// Which document of a YAML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentChoice {
    /// By its place, from 0.
    Number(u32),
    /// By kind and `metadata.name`.
    Named {
        /// `Deployment`.
        kind: String,
        /// `checkout`.
        name: String,
    },
}

impl DocumentChoice {
    /// Parses a number or `Kind/name`.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Number(number));
        }
        match text.split_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self::Named { kind: kind.to_owned(), name: name.to_owned() })
            }
            Some(_) | None => {
                Err(refused(text, "a document", "its number from 0, or its `Kind/name`", "Deployment/checkout"))
            }
        }
    }
}

impl fmt::Display for DocumentChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Named { kind, name } => write!(f, "{kind}/{name}"),
        }
    }
}

impl ServiceRules {
    pub(super) fn read(name: Service, node: &Node, problems: &mut Vec<Problem>) -> Self {
        let fields = node.fields(&["team", "image", "bindings"], problems);
        let team = fields.get("team").and_then(|node| node.named(Team::parse, problems));
        let image = fields.get("image").and_then(|node| node.named(ImageName::parse, problems));
        let mut bindings = BTreeMap::new();
        if let Some(node) = fields.get("bindings") {
            for (field, node) in node.named_entries(Field::parse, problems) {
                bindings.extend(Pin::read(node, problems).map(|pin| (field, pin)));
            }
        }
        Self { name, team, image, bindings }
    }
}

impl Pin {
    fn read(node: &Node, problems: &mut Vec<Problem>) -> Option<Self> {
        let fields = node.fields(&["file", "path", "document"], problems);
        let file = fields.required("file", "file: values.yaml", problems);
        let file = file.and_then(|node| node.named(pinned_file, problems));
        let path = fields.required("path", "path: app.image.tag", problems);
        let path = path.and_then(|node| node.text(problems));
        let document = match fields.get("document") {
            None => Some(DocumentChoice::Number(0)),
            Some(node) => match &node.value {
                Value::Text(_, Origin::Literal) => node.named(DocumentChoice::parse, problems),
                Value::Nothing
                | Value::Flag(_)
                | Value::Number(_)
                | Value::Text(..)
                | Value::List(_)
                | Value::Map(_)
                | Value::Reported => node.count(problems).map(DocumentChoice::Number),
            },
        };
        Some(Self { file: file?, path: path?.to_owned(), document: document? })
    }
}

/// A path in which `{service}` and `{environment}` may stand.
fn pinned_file(text: &str) -> Result<RepoPath, NotAName> {
    if text.replace("{service}", "").replace("{environment}", "").contains(['{', '}']) {
        let rule = "`{service}` and `{environment}` are its only placeholders";
        return Err(refused(text, "a file", rule, "values-{environment}.yaml"));
    }
    RepoPath::parse(text)
}
