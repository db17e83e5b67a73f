//! The values that one debt is about. Further break-glasses on the same target are folded in, so that one change of git
//! pays them all; of several on one value the last is what is live.

use serde::{Deserialize, Serialize};

use super::Debt;
use crate::core::{
    change::Line,
    names::{Field, RequestId},
};

/// One value that is live without being in git.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The break-glass that made it so.
    pub breakglass: RequestId,
    /// Which value.
    pub field: Field,
    /// What is live.
    pub live: String,
    /// What git says, where that was known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub git: Option<String>,
}

impl Item {
    /// `live 10, git 3`.
    pub fn words(&self) -> String {
        format!("live {}, git {}", self.live, self.git.as_deref().unwrap_or("unknown"))
    }

    /// Whether a line of a change is about this value. What an autoscaler keeps at least is a count like any other.
    fn is_in(&self, line: &Line) -> bool {
        self.field == line.field || (is_count(&self.field) && is_count(&line.field))
    }

    /// Whether a line says what is live.
    fn is_said_by(&self, line: &Line) -> bool {
        self.is_in(line) && line.new == self.live
    }

    /// Whether a change leaves git with what is live, or with more where that is a count.
    fn is_paid_by(&self, lines: &[Line]) -> bool {
        let enough = |line: &Line| line.new == self.live || (is_count(&self.field) && is_more(&line.new, &self.live));
        match lines.iter().find(|line| self.is_in(line)) {
            Some(line) => enough(line),
            None => self.git.as_ref() == Some(&self.live),
        }
    }
}

/// Whether a field says how many pods run.
pub fn is_count(field: &Field) -> bool {
    matches!(field, Field::Replicas | Field::ReplicasMin)
}

fn is_more(one: &str, other: &str) -> bool {
    one.parse::<i64>().ok().zip(other.parse().ok()).is_some_and(|(one, other): (i64, i64)| one > other)
}

impl Debt {
    /// What is owed now, one of each value.
    pub fn items(&self) -> Vec<&Item> {
        let newer = |place: usize, item: &Item| self.all.iter().skip(place + 1).any(|later| later.field == item.field);
        self.all.iter().enumerate().filter(|(place, item)| !newer(*place, item)).map(|(_, item)| item).collect()
    }

    /// What of it a break-glass made, where nothing newer took its place.
    pub fn item_of(&self, breakglass: &RequestId) -> Option<&Item> {
        self.items().into_iter().find(|item| item.breakglass == *breakglass)
    }

    /// Whether other break-glasses than this one made something of it.
    pub fn is_about_more_than(&self, breakglass: &RequestId) -> bool {
        self.all.iter().any(|item| item.breakglass != *breakglass)
    }

    /// What is owed of a value.
    pub fn item(&self, field: &Field) -> Option<&Item> {
        self.items().into_iter().find(|item| item.field == *field)
    }

    /// `replicas and version`.
    pub fn fields(&self) -> String {
        self.items().iter().map(|item| item.field.word()).collect::<Vec<_>>().join(" and ")
    }

    /// `live 10, git 3`; of several values each with its name.
    pub fn words(&self) -> String {
        match self.items().as_slice() {
            [one] => one.words(),
            _ => self.values(),
        }
    }

    /// `replicas live 10, git 3; version live v1.2.3, git v1.2.4`.
    pub fn values(&self) -> String {
        self.items().iter().map(|item| format!("{} {}", item.field.word(), item.words())).collect::<Vec<_>>().join("; ")
    }

    /// Whether a change leaves git with all that is live.
    pub fn is_paid_by(&self, lines: &[Line]) -> bool {
        self.items().iter().all(|item| item.is_paid_by(lines))
    }

    /// Whether a change says more than what is live already.
    pub fn is_exceeded_by(&self, lines: &[Line]) -> bool {
        !lines.iter().all(|line| self.items().iter().any(|item| item.is_said_by(line)))
    }

    /// Whether a line of a change says what is live.
    pub fn says(&self, line: &Line) -> bool {
        self.items().iter().any(|item| item.is_said_by(line))
    }
}
