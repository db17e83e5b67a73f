//! Which accounts may neither ask nor vote, whatever the catalog says of them.

use super::{client::SlackUser, tenant::Tenant};
use crate::{chat::Act, core::decide::Words};

/// Whether a guest may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guests {
    /// The catalog names this one (`guest_until`).
    Named,
    /// It does not.
    Barred,
}

impl SlackUser {
    /// Why this account cannot act for ours; `None` for a member in good standing, and for a guest whom the catalog names
    /// as one: what they say is weighed by the catalog.
    pub fn barred(&self, ours: &Tenant, guests: Guests, act: Act) -> Option<Words> {
        let why = if self.deleted {
            "Your Slack account is deactivated".to_owned()
        } else if self.is_bot {
            format!("Bots cannot {}", act.verb())
        } else if !ours.has(self) {
            "Your Slack account belongs to another workspace".to_owned()
        } else if (self.restricted || self.ultra_restricted) && guests == Guests::Barred {
            format!("Guests cannot {} unless the catalog names them as guests", act.verb())
        } else {
            return None;
        };
        Some(Words::new(format!("{why}, so {}.", act.undone()), "Ask a member of this workspace."))
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
            enterprise: None,
        }
    }

    fn barred(account: &SlackUser, guests: Guests) -> Option<Words> {
        account.barred(&Tenant::workspace("T1"), guests, Act::Vote)
    }

    #[test]
    fn only_members_in_good_standing_vote() {
        let guest = || SlackUser { restricted: true, ..member() };
        assert_eq!((barred(&member(), Guests::Barred), barred(&guest(), Guests::Named)), (None, None));
        // In an organisation of several workspaces the account's own may be another one.
        let grid = |teams: &[&str]| SlackUser {
            team: "T9".to_owned(),
            teams: teams.iter().map(|team| (*team).to_owned()).collect(),
            ..member()
        };
        assert_eq!(barred(&grid(&["T9", "T1"]), Guests::Barred), None);
        assert!(barred(&grid(&["T9", "T2"]), Guests::Barred).is_some());
        assert!(barred(&SlackUser { deleted: true, ..guest() }, Guests::Named).is_some());
        for (account, begins) in [
            (SlackUser { deleted: true, ..member() }, "Your Slack account is deactivated"),
            (SlackUser { is_bot: true, ..member() }, "Bots cannot vote"),
            (SlackUser { stranger: true, ..member() }, "Your Slack account belongs"),
            (SlackUser { team: "T2".to_owned(), ..member() }, "Your Slack account belongs"),
            (SlackUser { team: String::new(), ..member() }, "Your Slack account belongs"),
            (SlackUser { restricted: true, ..member() }, "Guests cannot vote"),
            (SlackUser { ultra_restricted: true, ..member() }, "Guests cannot vote"),
        ] {
            assert!(barred(&account, Guests::Barred).unwrap().text.starts_with(begins), "{account:?}");
        }
    }

    #[test]
    fn an_organisation_is_told_from_another() {
        let of =
            |enterprise: &str| SlackUser { team: "T9".to_owned(), enterprise: Some(enterprise.to_owned()), ..member() };
        let whole = Tenant::new(Vec::new(), Some("E1".to_owned()));
        assert_eq!(of("E1").barred(&whole, Guests::Barred, Act::Ask), None);
        let words = of("E2").barred(&whole, Guests::Barred, Act::Ask).unwrap();
        assert_eq!(words.text, "Your Slack account belongs to another workspace, so nothing was done.");
        // An account that is in no organisation is in none of its workspaces.
        assert!(member().barred(&whole, Guests::Barred, Act::Ask).is_some());
        let one = Tenant::new(vec!["T9".to_owned()], Some("E1".to_owned()));
        assert!(of("E2").barred(&one, Guests::Barred, Act::Ask).is_some());
        assert_eq!(of("E1").barred(&one, Guests::Barred, Act::Ask), None);
    }
}
