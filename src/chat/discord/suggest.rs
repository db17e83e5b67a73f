//! What Discord offers while somebody types an option: names from memory, those that begin as typed first.

use super::{
    limits::{DESCRIPTION, ITEMS, length},
    register::TYPED,
};
use crate::core::{
    command::OptionKind,
    names::{CommandName, Environment, PersonId, Service},
    rules::Rules,
};

/// What is being typed.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The command.
    pub command: &'a str,
    /// The option that is being typed.
    pub option: &'a str,
    /// Its text so far.
    pub text: &'a str,
    /// The options that have a value already.
    pub others: &'a [(String, String)],
}

/// The names that fit, at most 25.
pub fn choices(rules: &Rules, draft: Draft<'_>) -> Vec<String> {
    let names = names(rules, draft);
    let typed = draft.text.trim().to_lowercase();
    let begins = |name: &&String| name.to_lowercase().starts_with(&typed);
    let holds = |name: &&String| name.to_lowercase().contains(&typed) && !begins(name);
    let found = names.iter().filter(begins).chain(names.iter().filter(holds));
    found.filter(|name| (1..=DESCRIPTION).contains(&length(name))).take(ITEMS).cloned().collect()
}

fn names(rules: &Rules, draft: Draft<'_>) -> Vec<String> {
    let commands = || rules.commands.iter().map(|definition| definition.name.to_string()).collect();
    if draft.command == rules.catalog.commands().name.as_str() && draft.option == TYPED {
        return commands();
    }
    let definition = CommandName::parse(draft.command).ok().and_then(|name| rules.commands.get(&name));
    let Some(definition) = definition else { return Vec::new() };
    let value_of = |wanted: fn(&OptionKind) -> bool| {
        let named = |name: &str| definition.option(name).is_some_and(|option| wanted(&option.kind));
        draft.others.iter().find(|(name, _)| named(name)).map(|(_, value)| value.as_str())
    };
    match definition.option(draft.option).map(|option| &option.kind) {
        Some(OptionKind::Service) => services(rules, value_of(|kind| *kind == OptionKind::Environment)),
        Some(OptionKind::Environment) => environments(rules, value_of(|kind| *kind == OptionKind::Service)),
        Some(OptionKind::Person) => rules.vocabulary.people.iter().map(PersonId::to_string).collect(),
        Some(OptionKind::Command) => commands(),
        Some(OptionKind::Choice(choices)) => choices.clone(),
        Some(
            OptionKind::ImageTag
            | OptionKind::ImageDigest
            | OptionKind::Integer { .. }
            | OptionKind::Duration
            | OptionKind::Text
            | OptionKind::Commit
            | OptionKind::Boolean,
        )
        | None => Vec::new(),
    }
}

/// The services, where an environment is chosen already those that run there.
fn services(rules: &Rules, environment: Option<&str>) -> Vec<String> {
    let there = |places: &std::collections::BTreeSet<Environment>| {
        environment.is_none_or(|environment| places.iter().any(|place| place.as_str() == environment))
    };
    let mut found: Vec<String> =
        rules.services.iter().filter(|(_, places)| there(places)).map(|(name, _)| name.to_string()).collect();
    if found.is_empty() {
        found = rules.vocabulary.services.iter().map(Service::to_string).collect();
    }
    found
}

/// The environments, where a service is chosen already those that it runs in.
fn environments(rules: &Rules, service: Option<&str>) -> Vec<String> {
    let runs_in = service.and_then(|service| rules.services.iter().find(|(name, _)| name.as_str() == service));
    match runs_in {
        Some((_, places)) if !places.is_empty() => places.iter().map(Environment::to_string).collect(),
        Some(_) | None => rules.vocabulary.environments.iter().map(Environment::to_string).collect(),
    }
}
