//! Which accounts have no vote, whatever the catalog says of them.

use super::client::SlackUser;
use crate::core::decide::Words;

/// Whether a guest may vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guests {
    /// The catalog names this one (`guest_until`).
    Named,
    /// It does not.
    Barred,
}

impl SlackUser {
    /// Why this account cannot vote in the workspace `team`; `None` for a member in good standing, and for a guest whom
    /// the catalog names as one: their vote is weighed by the catalog.
    pub fn barred(&self, team: &str, guests: Guests) -> Option<Words> {
        let why = if self.deleted {
            "Your Slack account is deactivated"
        } else if self.is_bot {
            "Bots cannot vote"
        } else if self.stranger || (self.team != team && !self.teams.iter().any(|one| one == team)) {
            "Your Slack account belongs to another workspace"
        } else if (self.restricted || self.ultra_restricted) && guests == Guests::Barred {
            "Guests cannot vote unless the catalog names them as guests"
        } else {
            return None;
        };
        Some(Words::new(format!("{why}, so this was not counted."), "Ask a member of this workspace."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> SlackUser {
        SlackUser {
            deleted: false,
            is_bot: false,
            restricted: false,
            ultra_restricted: false,
            stranger: false,
            team: "T1".to_owned(),
            teams: Vec::new(),
        }
    }

    #[test]
    fn only_members_in_good_standing_vote() {
        let guest = || SlackUser { restricted: true, ..member() };
        assert_eq!((member().barred("T1", Guests::Barred), guest().barred("T1", Guests::Named)), (None, None));
        // In an organisation of several workspaces the account's own may be another one.
        let grid = |teams: &[&str]| SlackUser {
            team: "T9".to_owned(),
            teams: teams.iter().map(|team| (*team).to_owned()).collect(),
            ..member()
        };
        assert_eq!(grid(&["T9", "T1"]).barred("T1", Guests::Barred), None);
        assert!(grid(&["T9", "T2"]).barred("T1", Guests::Barred).is_some());
        assert!(SlackUser { deleted: true, ..guest() }.barred("T1", Guests::Named).is_some());
        for (account, begins) in [
            (SlackUser { deleted: true, ..member() }, "Your Slack account is deactivated"),
            (SlackUser { is_bot: true, ..member() }, "Bots cannot vote"),
            (SlackUser { stranger: true, ..member() }, "Your Slack account belongs"),
            (SlackUser { team: "T2".to_owned(), ..member() }, "Your Slack account belongs"),
            (SlackUser { team: String::new(), ..member() }, "Your Slack account belongs"),
            (SlackUser { restricted: true, ..member() }, "Guests cannot vote"),
            (SlackUser { ultra_restricted: true, ..member() }, "Guests cannot vote"),
        ] {
            assert!(account.barred("T1", Guests::Barred).unwrap().text.starts_with(begins), "{account:?}");
        }
    }
}
