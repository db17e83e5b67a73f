//! What forms ask of the engine: whether something typed wants one, what is wrong with what was filled in, and what can
//! be offered from memory. Nothing here changes anything.

use super::{Engine, Said, Typed, facts};
use crate::core::{
    command::{self, Begun},
    names::{CommandName, Field},
};

/// How many versions are offered.
const OFFERED: usize = 25;

impl Engine {
    /// What was begun, where somebody whom the catalog knows typed a command that lacks something required.
    pub fn begun(&self, typed: &Typed) -> Option<Begun> {
        let rules = self.rules()?;
        let Said::Text(text) = &typed.said else { return None };
        facts::asker(&rules, &typed.account, &typed.via).person?;
        let under = facts::under(&rules);
        command::begun(&rules.commands, &rules.vocabulary, facts::invoked(&rules, typed, &under), text)
    }

    /// The option that is wrong, where one is, in what was filled in.
    pub fn misfit(&self, typed: &Typed) -> Option<String> {
        let rules = self.rules()?;
        let refusal = facts::understood(&rules, typed).err()?;
        let definition = rules.commands.get(&CommandName::parse(&typed.invoked).ok()?)?;
        refusal.option(definition).map(str::to_owned)
    }

    /// The versions of a service that requests brought or replaced, the newest first.
    pub async fn versions_seen(&self, service: &str) -> Vec<String> {
        let book = self.inner.book.lock().await;
        let mut versions: Vec<String> = Vec::new();
        let theirs = book.iter().rev().filter(|request| request.opened.target.service.as_str() == service);
        for line in theirs.filter_map(|request| request.course()).flat_map(|course| &course.plan.lines) {
            if line.field != Field::ImageTag {
                continue;
            }
            for version in [Some(&line.new), line.old.as_ref()].into_iter().flatten() {
                if !versions.contains(version) {
                    versions.push(version.clone());
                }
            }
            if versions.len() >= OFFERED {
                break;
            }
        }
        versions
    }
}
