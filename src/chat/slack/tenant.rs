//! Whose Slack this is: the workspaces that are served, and the organisation of several workspaces (Enterprise Grid) that
//! they belong to. Slack calls a workspace `T...` and an organisation `E...`; people and channels have ids that are one
//! person's or channel's in the whole organisation, so that it is enough to hold these two against what is configured.

use super::client::SlackUser;

/// The workspaces that are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    teams: Vec<String>,
    enterprise: Option<String>,
}

impl Tenant {
    /// These workspaces; where none is named, all of the organisation. With neither everything is foreign.
    pub fn new(teams: Vec<String>, enterprise: Option<String>) -> Self {
        Self { teams, enterprise }
    }

    /// One workspace.
    pub fn workspace(team: impl Into<String>) -> Self {
        Self::new(vec![team.into()], None)
    }

    /// The organisation, where one is configured.
    pub fn enterprise(&self) -> Option<&str> {
        self.enterprise.as_deref()
    }

    /// The workspaces that are named.
    pub fn teams(&self) -> &[String] {
        &self.teams
    }

    /// As people read it.
    pub fn words(&self) -> String {
        match (self.teams.as_slice(), &self.enterprise) {
            ([], Some(enterprise)) => format!("organisation {enterprise}"),
            ([one], _) => format!("workspace {one}"),
            (several, _) => format!("workspaces {}", several.join(", ")),
        }
    }

    /// The first of the workspaces and organisations that something names which is none of ours; nothing where all are.
    /// What names none of ours is foreign too.
    pub fn foreign<'n>(&self, named: &'n [String]) -> Option<&'n str> {
        let is_organisation = |id: &str| id.starts_with('E');
        let is_ours = |id: &str| self.enterprise.as_deref() == Some(id) || self.teams.iter().any(|team| team == id);
        // Where no organisation is configured, a workspace of ours may be in any; where only that is, any of its are ours.
        let counts = |id: &&String| match (self.teams.is_empty(), &self.enterprise) {
            (_, None) | (true, Some(_)) => is_organisation(id) == self.teams.is_empty(),
            (false, Some(_)) => true,
        };
        let counted: Vec<&String> = named.iter().filter(counts).collect();
        let nothing = || named.first().map_or("", String::as_str);
        match counted.as_slice() {
            [] => Some(nothing()),
            some => some.iter().find(|id| !is_ours(id)).map(|id| id.as_str()),
        }
    }

    /// Whether an account belongs here, as Slack says of it.
    pub fn has(&self, account: &SlackUser) -> bool {
        let theirs = || account.teams.iter().chain([&account.team]);
        let organisation = match (&self.enterprise, &account.enterprise) {
            (Some(ours), Some(theirs)) => ours == theirs,
            (Some(_), None) => !self.teams.is_empty(),
            (None, _) => true,
        };
        let workspace = self.teams.is_empty() || theirs().any(|team| self.teams.iter().any(|ours| ours == team));
        let known = !self.teams.is_empty() || self.enterprise.is_some();
        organisation && workspace && known && !account.stranger
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tenant: (&[&str], Option<&str>), named: &[&str], foreign: Option<&str>) {
        let texts = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let ours = Tenant::new(texts(tenant.0), tenant.1.map(str::to_owned));
        assert_eq!(ours.foreign(&texts(named)), foreign, "{ours:?} {named:?}");
    }

    #[test]
    fn everything_that_is_named_must_be_ours() {
        let one: (&[&str], Option<&str>) = (&["T1"], None);
        check(one, &["T1"], None);
        check(one, &["T1", "T2"], Some("T2"));
        // The organisation of a workspace says nothing more, and nothing alone.
        check(one, &["T1", "E5"], None);
        check(one, &["E5"], Some("E5"));
        check(one, &[], Some(""));
        let both: (&[&str], Option<&str>) = (&["T1", "T2"], Some("E1"));
        check(both, &["T2", "T1", "E1"], None);
        check(both, &["T1"], None);
        check(both, &["E1"], None);
        check(both, &["T1", "E2"], Some("E2"));
        check(both, &["T3", "E1"], Some("T3"));
        let all: (&[&str], Option<&str>) = (&[], Some("E1"));
        check(all, &["T7", "E1"], None);
        check(all, &["T7"], Some("T7"));
        check(all, &["T7", "E2"], Some("E2"));
        check((&[], None), &["T1"], Some("T1"));
    }
}
