//! Who is in a user group, and whose account ended.

use serde::Deserialize;

use super::{client::SlackClient, error::SlackError, tenant::Tenant};

/// What Slack says of a user group that is in another workspace.
const UNKNOWN_THERE: [&str; 2] = ["no_such_subteam", "subteam_not_found"];

#[derive(Deserialize)]
struct Members {
    users: Vec<String>,
}

impl SlackClient {
    /// The accounts in a user group (`usergroups.users.list`). A token of a whole organisation must say in which of its
    /// workspaces the group is, so each of those that are named is asked until one knows it.
    ///
    /// # Errors
    /// As every call.
    pub async fn user_group(&self, id: &str, ours: &Tenant) -> Result<Vec<String>, SlackError> {
        let teams = ours.enterprise().map(|_| ours.teams()).unwrap_or_default();
        let mut unknown = None;
        for team in teams {
            match self.ask("usergroups.users.list", &[("usergroup", id), ("team_id", team)]).await {
                Ok(Members { users }) => return Ok(users),
                Err(SlackError::Refused { error, detail }) if UNKNOWN_THERE.contains(&error.as_str()) => {
                    unknown = Some(SlackError::Refused { error, detail });
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(unknown) = unknown {
            return Err(unknown);
        }
        let Members { users } = self.ask("usergroups.users.list", &[("usergroup", id)]).await?;
        Ok(users)
    }

    /// Whether an account is deactivated or not in the workspace at all.
    ///
    /// # Errors
    /// As every call.
    pub async fn is_gone(&self, account: &str) -> Result<bool, SlackError> {
        match self.user(account).await {
            Ok(user) => Ok(user.deleted),
            Err(SlackError::Refused { error, .. }) if error == "user_not_found" => Ok(true),
            Err(error) => Err(error),
        }
    }
}
