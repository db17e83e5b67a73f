//! Holding a reconciler off: what one shows of being held, and why it could not be.

use serde_json::Value;

/// What a reconciler shows of being held off.
#[derive(Debug, Clone, PartialEq)]
pub struct Hold {
    /// The number of this form of it (`metadata.resourceVersion`).
    pub version: String,
    /// Whether it applies git by itself.
    pub is_automatic: bool,
    /// Whether it is at it just now.
    pub is_busy: bool,
    /// Whose mark it carries: the id of a break-glass.
    pub by: Option<String>,
    /// Until when it is meant to last, as the mark says it.
    pub until: Option<String>,
    /// How it is told to follow, to be given back later; absent where nothing is said.
    pub policy: Option<Value>,
    /// Why holding it off would not last.
    pub obstacle: Option<Obstacle>,
}

/// Why holding a reconciler off would not last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Why: `the ApplicationSet `shop` writes it anew at once`.
    pub why: String,
    /// What does work.
    pub way: String,
}

impl Hold {
    /// Whether it is held off for this break-glass, and at rest.
    pub fn is_held_by(&self, id: &str) -> bool {
        self.by.as_deref() == Some(id) && !self.is_automatic && !self.is_busy
    }
}
