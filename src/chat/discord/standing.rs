//! Which accounts may neither ask nor vote, whatever the catalog says of them.

use jiff::Timestamp;
use serde::Deserialize;

use crate::{chat::Act, core::decide::Words};

/// A guest, who came for one voice channel and stays no longer than the call.
const GUEST: u64 = 1 << 5;

/// What Discord says of a member at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The account.
    pub user: Account,
    /// The ids of the roles it has now.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Has not accepted the server's rules yet.
    #[serde(default)]
    pub pending: bool,
    /// Silenced until then.
    #[serde(default)]
    pub communication_disabled_until: Option<Timestamp>,
    #[serde(default)]
    flags: u64,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Not a human.
    #[serde(default)]
    pub bot: bool,
    /// Discord itself.
    #[serde(default)]
    pub system: bool,
}

impl Member {
    /// Why this member cannot act; `None` for one in good standing.
    pub fn barred(&self, now: Timestamp, act: Act) -> Option<Words> {
        let why = if self.user.bot || self.user.system {
            format!("Bots cannot {}", act.verb())
        } else if self.pending {
            "You have not accepted the rules of this server yet".to_owned()
        } else if self.communication_disabled_until.is_some_and(|until| until > now) {
            "You are timed out on this server".to_owned()
        } else if self.flags & GUEST != 0 {
            format!("Guests cannot {}", act.verb())
        } else {
            return None;
        };
        Some(Words::new(format!("{why}, so {}.", act.undone()), "Ask a member of this server."))
    }
}

/// Why an account that is no member cannot vote.
pub fn stranger() -> Words {
    Words::new("You are not a member of this server, so this was not counted.", "Ask a member of this server.")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(change: Value, begins: Option<&str>) {
        let mut member = json!({"user": {"id": "1", "username": "ana"}, "roles": ["7"], "flags": 0, "pending": false});
        member.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let member: Member = serde_json::from_value(member).unwrap();
        let said = member.barred("2026-11-21T08:00:00Z".parse().unwrap(), Act::Vote).map(|words| words.text);
        assert_eq!(said.is_some(), begins.is_some(), "{said:?}");
        assert!(said.unwrap_or_default().starts_with(begins.unwrap_or_default()));
    }

    #[test]
    fn only_members_in_good_standing_vote() {
        check(json!({}), None);
        check(json!({"communication_disabled_until": "2026-11-21T07:59:59Z"}), None);
        check(json!({"communication_disabled_until": null}), None);
        check(json!({"user": {"id": "1", "bot": true}}), Some("Bots"));
        check(json!({"user": {"id": "1", "system": true}}), Some("Bots"));
        check(json!({"pending": true}), Some("You have not accepted"));
        check(json!({"communication_disabled_until": "2026-11-21T08:00:01.000000+00:00"}), Some("You are timed out"));
        check(json!({"flags": 33}), Some("Guests"));
    }
}
