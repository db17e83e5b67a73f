//! Who is in a team of an organisation.

use serde::Deserialize;

use super::{ForgeError, GitHub, github::limited};

/// How many members a page holds, and how many pages are read.
const PAGE: usize = 100;
const PAGES: u32 = 10;

#[derive(Deserialize)]
struct Member {
    login: String,
}

impl GitHub {
    /// The logins of a team's members, those of teams within it too.
    ///
    /// # Errors
    /// When GitHub cannot be asked, or does not show the team to whoever we are there.
    pub async fn team(&self, organisation: &str, team: &str) -> Result<Vec<String>, ForgeError> {
        let route = format!("/orgs/{organisation}/teams/{team}/members");
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let query = [("per_page", PAGE.to_string()), ("page", page.to_string())];
            let found: Vec<Member> = limited(self.api.get(&route, Some(&query))).await?;
            let last = found.len() < PAGE;
            all.extend(found.into_iter().map(|member| member.login));
            if last {
                break;
            }
        }
        Ok(all)
    }
}
