//! Who is in a user group, and whose account ended.

use serde::Deserialize;

use super::{client::SlackClient, error::SlackError};

#[derive(Deserialize)]
struct Members {
    users: Vec<String>,
}

impl SlackClient {
    /// The accounts in a user group (`usergroups.users.list`).
    ///
    /// # Errors
    /// As every call.
    pub async fn user_group(&self, id: &str) -> Result<Vec<String>, SlackError> {
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
