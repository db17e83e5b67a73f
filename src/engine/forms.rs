//! What was typed as a command, and what forms ask of the engine: whether something typed wants one, what is wrong with
//! what was filled in, and what can be offered from memory. Nothing here changes anything.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Engine, Said, Typed, facts};
use crate::core::{
    command::{self, Asked, Begun, Command, Invoked, ParseRefusal},
    names::{CommandName, Field, Service},
    request::Request,
    rules::Rules,
};

/// How many versions are offered.
const OFFERED: usize = 25;

impl Engine {
    /// What was begun, where somebody whom the catalog knows typed a command that lacks something required, or
    /// the name that confirms what is hard to undo.
    pub fn begun(&self, typed: &Typed) -> Option<Begun> {
        let rules = self.rules()?;
        facts::asker(&rules, &typed.account, &typed.via).person?;
        let under = under(&rules);
        let begun = match &typed.said {
            Said::Text(text) => {
                command::begun(&rules.commands, &rules.vocabulary, invoked(&rules, typed, &under), text)
            }
            Said::Options(_) => None,
        };
        begun.or_else(|| {
            let command = understood(&rules, typed).ok()?;
            // What the limits refuse need not be confirmed first.
            let none = |set: &BTreeMap<Field, Value>| set.get(&Field::Replicas).is_some_and(|count| *count == 0);
            let to_none = matches!(command.change(), Ok(Asked::Set(set)) if none(&set));
            command.unconfirmed().filter(|_| !to_none || rules.catalog.replica_limits().allow(0))
        })
    }

    /// The option that is wrong, where one is, in what was filled in.
    pub fn misfit(&self, typed: &Typed) -> Option<String> {
        let rules = self.rules()?;
        let refusal = understood(&rules, typed).err()?;
        let definition = rules.commands.get(&CommandName::parse(&typed.invoked).ok()?)?;
        refusal.option(definition).map(str::to_owned)
    }

    /// The versions of a service that requests brought or replaced, the newest first.
    pub async fn versions_seen(&self, service: &str) -> Vec<String> {
        let book = self.inner.book.lock().await;
        let mut versions: Vec<String> = Vec::new();
        let of_it = |request: &&Request| request.opened.services().any(|name| name.as_str() == service);
        let name = Service::parse(service).ok();
        let lines = |request| name.as_ref().map(|name| Request::lines_of(request, name)).unwrap_or_default();
        for line in book.iter().rev().filter(of_it).flat_map(lines) {
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

/// What was typed, as a command.
pub(super) fn understood(rules: &Rules, typed: &Typed) -> Result<Command, ParseRefusal> {
    let under = under(rules);
    let invoked = invoked(rules, typed, &under);
    let (commands, vocabulary) = (&rules.commands, &rules.vocabulary);
    match (&typed.said, CommandName::parse(&typed.invoked)) {
        (Said::Options(options), Ok(name)) => {
            let options: Vec<_> = options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            command::from_options(commands, vocabulary, &name, &options)
        }
        (Said::Text(text), _) => command::parse(commands, vocabulary, invoked, text),
        (Said::Options(_), Err(_)) => command::parse(commands, vocabulary, invoked, ""),
    }
}

/// The one command for all, as it is typed.
fn under(rules: &Rules) -> String {
    format!("/{}", rules.catalog.commands().name.as_str())
}

/// How a command was called, where `under` is the one for all.
fn invoked<'a>(rules: &Rules, typed: &'a Typed, under: &'a str) -> Invoked<'a> {
    let one_for_all = rules.catalog.commands().name.as_str();
    if typed.invoked == one_for_all { Invoked::Under(under) } else { Invoked::Bare(&typed.invoked) }
}
