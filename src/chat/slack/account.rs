//! Which accounts have no vote, whatever the catalog says of them.

use super::client::SlackUser;
use crate::core::decide::Words;

impl SlackUser {
    /// Why this account cannot vote in the workspace `team`; `None` for a member in good standing.
    pub fn barred(&self, team: &str) -> Option<Words> {
        let why = if self.deleted {
            "Your Slack account is deactivated"
        } else if self.is_bot {
            "Bots cannot vote"
        } else if self.stranger || self.team != team {
            "Your Slack account belongs to another workspace"
        } else if self.restricted || self.ultra_restricted {
            "Guests cannot vote"
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
        }
    }

    #[test]
    fn only_members_in_good_standing_vote() {
        assert_eq!(member().barred("T1"), None);
        for (account, begins) in [
            (SlackUser { deleted: true, ..member() }, "Your Slack account is deactivated"),
            (SlackUser { is_bot: true, ..member() }, "Bots cannot vote"),
            (SlackUser { stranger: true, ..member() }, "Your Slack account belongs"),
            (SlackUser { team: "T2".to_owned(), ..member() }, "Your Slack account belongs"),
            (SlackUser { team: String::new(), ..member() }, "Your Slack account belongs"),
            (SlackUser { restricted: true, ..member() }, "Guests cannot vote"),
            (SlackUser { ultra_restricted: true, ..member() }, "Guests cannot vote"),
        ] {
            assert!(account.barred("T1").unwrap().text.starts_with(begins), "{account:?}");
        }
    }
}
