//! Changes: where a field lives (bindings), what would be edited, and the digest that people approve.

mod apply;
mod aside;
mod at;
mod binding;
mod choose;
mod diff;
mod draft;
mod exact;
mod flavour;
mod image;
mod legs;
mod live;
mod locate;
mod marker;
mod pause;
mod plain;
mod plan;
mod quantity;
mod references;
mod refusal;
mod render;
mod set_path;
mod sight;
mod spared;
#[cfg(test)]
mod tests;
mod trees;
mod undo;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use aside::{Aside, Copied, Health, NOT_SET, Past, Paused, Rendered};
pub use binding::{Binding, Flavour, Form, Locator, Pin, Presence, value_at};
pub use choose::{Position, first_there};
pub use diff::{SHOWN_LINES, unified};
pub use exact::{Exact, How, Side, Then, exactly};
pub use image::image_of;
pub use legs::{Leg, together};
pub use live::{Live, RESTARTED_BY};
pub use locate::{locate, locate_in};
pub use marker::Automation;
pub use pause::{Held, Image, given_back, held_off, updaters};
pub use plan::{PlanRefusal, Planned, Wanted, plan};
pub use references::{gathered, gathered_in};
pub use refusal::LocateRefusal;
pub use render::{Repository, Taken, deleted, rendered};
pub use set_path::set_at;
pub use spared::{Beside, spared};
pub use trees::Trees;
pub use undo::{Versions, changed_keys, undo};

use crate::core::{
    names::{CommandName, CommitId, ConnectionName, Digest, Field, RepoPath, Target},
    yaml,
};

/// One text file of the repository at some commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where.
    pub path: RepoPath,
    /// Its content; files that are not UTF-8 are never offered.
    pub text: String,
    /// Its git blob id.
    pub blob: String,
}

/// One place in one file that gets one new value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// The repository, by its name in the configuration.
    pub repository: ConnectionName,
    /// The file.
    pub path: RepoPath,
    /// Which document of the file.
    pub document: yaml::Document,
    /// The way to the value.
    pub yaml_path: yaml::Path,
    /// The value before; absent where the key is added.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub old: Option<Value>,
    /// The value after; absent where the key goes.
    #[serde(skip_serializing_if = "Value::is_null", default)]
    pub new: Value,
}

/// What a change means to people: a field, its value before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The field.
    pub field: Field,
    /// Its value before, as people write it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub old: Option<String>,
    /// Its value after.
    pub new: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.field, self.old.as_deref().unwrap_or("(not set)"), self.new)
    }
}

/// A planned change, as the ledger records it. The digest is what people approve; the rest stands beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// SHA-256 over the RFC 8785 form of the command, the target and the edits.
    pub digest: Digest,
    /// The commit it was planned on.
    pub base: CommitId,
    /// The policies in force then.
    pub policy: Digest,
    /// What is edited.
    pub edits: Vec<Edit>,
    /// The same for people.
    pub lines: Vec<Line>,
    /// Unified diff. Free text in the ledger, so it stands apart from the other facts.
    #[serde(skip)]
    pub diff: String,
    /// The edits that no field describes; they come last among the edits.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub exact: Vec<Exact>,
    /// What people are told beside it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub aside: Option<Box<Aside>>,
    /// What is changed live, where it is not the files.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub live: Option<Box<Live>>,
    /// The same apart for each service, where it is of several; each with the digest that it would have alone. What
    /// stands above is of all of them together.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub legs: Vec<Leg>,
}

impl Plan {
    /// The edits that fields describe.
    pub fn field_edits(&self) -> &[Edit] {
        self.edits.get(..self.edits.len().saturating_sub(self.exact.len())).unwrap_or_default()
    }
}

/// The digest of a change: hexadecimal SHA-256 over the RFC 8785 form of
/// `{"v":1,"command","service","environment","edits":[...]}`, edits sorted by their members.
///
/// # Errors
/// When a value holds a number that RFC 8785 cannot write.
pub fn digest(command: &CommandName, target: &Target, edits: &[Edit]) -> Result<Digest, serde_json::Error> {
    let sorted = sorted(edits);
    let change = json!({
        "v": 1, "command": command, "service": target.service, "environment": target.environment, "edits": sorted,
    });
    Ok(Digest::of(&serde_json_canonicalizer::to_vec(&change)?))
}

/// Edits in the order in which a digest holds them.
fn sorted(edits: &[Edit]) -> Vec<&Edit> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| {
        let old = edit.old.as_ref().map(ToString::to_string);
        (&edit.repository, &edit.path, edit.document.to_string(), edit.yaml_path.to_string(), old, edit.new.to_string())
    });
    sorted
}
