//! `leverframe audit access`: who may do what where, from the policy and the people of a checkout, as a table.

use std::path::PathBuf;

use clap::Args;

use super::super::{Ended, Failure, checkout::Checkout, cloned, say, table};
use crate::core::{
    access::{self, May},
    names::CommitId,
};

/// What is shown.
#[derive(Debug, Args)]
pub(super) struct Access {
    /// The checkout of the GitOps repository
    #[arg(long, value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    /// Show only what is different since this commit of its branch, a sentence each
    #[arg(long, value_name = "COMMIT")]
    changed_since: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Access {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        let rules = Checkout::open(&self.repo)?.rules()?;
        if let Some(since) = self.changed_since {
            let remedy = "Give all 40 digits, as `git rev-parse` prints them.";
            let since = CommitId::parse(&since).map_err(|error| Failure::new(error, remedy))?;
            let before = cloned::rules_at(&self.repo, &since)?;
            let changed = access::changed(&before, &rules).ok_or_else(|| {
                Failure::new(
                    "There are too many people and services to compare.",
                    "Compare two tables of `audit access`.",
                )
            })?;
            changed.iter().try_for_each(say)?;
            if changed.is_empty() {
                say("Nobody's rights changed.")?;
            }
            return Ok(Ended::Well);
        }
        let rights = access::rights(&rules);
        if self.json {
            for ((person, command, environment), right) in &rights {
                let line = serde_json::json!({
                    "person": person, "command": command, "environment": environment, "may": told(&right.may),
                    "needs": right.needs, "approves": right.approves,
                });
                say(line.to_string())?;
            }
            return Ok(Ended::Well);
        }
        let head = ["person", "command", "environment", "may", "needs", "approves"].map(str::to_owned);
        let rows = rights.into_iter().map(|((person, command, environment), right)| {
            let approves = if right.approves { "yes" } else { "-" }.to_owned();
            let needs = right.needs.unwrap_or_else(|| "-".to_owned());
            [person.to_string(), command.to_string(), environment.to_string(), told(&right.may), needs, approves]
        });
        table::lines(&[head].into_iter().chain(rows).collect::<Vec<_>>()).iter().try_for_each(say)?;
        Ok(Ended::Well)
    }
}

fn told(may: &May) -> String {
    match may {
        May::Yes => "yes".to_owned(),
        May::Some(services) => services.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        May::No(policy) => format!("no ({policy})"),
    }
}
