//! Who is in which user group, and whose account is deactivated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::{Value, json};

use super::{SlackLookalike, lock};
use crate::play::people;

/// What an administrator of the workspace decides.
#[derive(Default)]
pub(super) struct Standings {
    groups: Mutex<BTreeMap<String, BTreeSet<&'static str>>>,
    gone: Mutex<BTreeSet<&'static str>>,
}

impl Standings {
    /// The members of a user group, as Slack answers.
    pub(super) fn members(&self, group: &str) -> Option<Value> {
        let groups = lock(&self.groups);
        groups.get(group).map(|members| json!({ "users": members }))
    }

    /// Whether an account is deactivated.
    pub(super) fn is_gone(&self, account: &str) -> bool {
        lock(&self.gone).contains(account)
    }
}

impl SlackLookalike {
    /// Makes a user group of these people, by their keys.
    pub fn set_group(&self, id: &str, who: &[&str]) {
        let members = who.iter().filter_map(|key| people::find(key)).map(|person| person.slack).collect();
        lock(&self.shared.people.groups).insert(id.to_owned(), members);
    }

    /// Deactivates somebody's account.
    pub fn deactivate(&self, who: &str) {
        lock(&self.shared.people.gone).extend(people::find(who).map(|person| person.slack));
    }
}
