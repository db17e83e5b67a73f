//! What Discord offers while somebody types an option: names from memory, those that begin as typed first; and which
//! options are offered from what is looked up.

use serde_json::{Value, json};

use super::{
    limits::{DESCRIPTION, ITEMS, cut, length},
    register::{COUNT, TYPED},
};
use crate::core::{
    command::{Action, Change, OptionKind},
    names::{CommandName, Environment, PersonId, Service, Target},
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

/// What is looked up while somebody types it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookedUp {
    /// Versions that the registry has.
    Versions,
    /// Versions that the target had before.
    Past,
    /// Counts near the present one.
    Replicas,
}

/// What the option that is being typed is offered from, where that is looked up, and for which target: the one that
/// the other options name, or any place of the service where no environment is chosen yet.
pub fn looked_up(rules: &Rules, draft: Draft<'_>) -> Option<(LookedUp, Target)> {
    let definition = rules.commands.get(&CommandName::parse(draft.command).ok()?)?;
    let option = definition.option(draft.option)?;
    let counts = matches!(option.kind, OptionKind::Integer { .. }) && option.name == COUNT;
    let restores = matches!(definition.action, Action::Change(Change::Restore { .. }));
    let what = match option.kind == OptionKind::ImageTag {
        true if restores => LookedUp::Past,
        true => LookedUp::Versions,
        false if counts => LookedUp::Replicas,
        false => return None,
    };
    let value = |kind: &OptionKind| {
        let is_it = |name: &str| definition.option(name).is_some_and(|option| option.kind == *kind);
        draft.others.iter().find(|(name, _)| is_it(name)).map(|(_, value)| value.as_str())
    };
    // Of several the first; versions differ between services, and what is typed counts.
    let named = value(&OptionKind::Service).or_else(|| value(&OptionKind::Services))?;
    let service = Service::parse(named.split(',').next()?.trim()).ok()?;
    let chosen = value(&OptionKind::Environment).and_then(|name| Environment::parse(name).ok());
    let environment = chosen.or_else(|| rules.services.get(&service)?.iter().next().cloned())?;
    Some((what, Target { service, environment }))
}

/// Whether the option that is being typed names a request, a commit or an incident of before.
pub fn is_earlier(rules: &Rules, draft: Draft<'_>) -> bool {
    let definition = CommandName::parse(draft.command).ok().and_then(|name| rules.commands.get(&name));
    let option = definition.and_then(|definition| definition.option(draft.option));
    option.is_some_and(|option| option.kind == OptionKind::Commit)
}

/// The most characters of a label.
pub const LABEL: usize = DESCRIPTION;

/// Values with their labels, as Discord takes them: at most 25, counts as numbers, none that is too long.
pub fn offered(what: LookedUp, choices: impl IntoIterator<Item = (String, String)>) -> Vec<Value> {
    let fits = |text: &str| (1..=DESCRIPTION).contains(&length(text));
    let choices = choices.into_iter().map(|(value, label)| (value, cut(&label, DESCRIPTION)));
    let told = |value: &str| match what {
        LookedUp::Versions | LookedUp::Past => json!(value),
        LookedUp::Replicas => value.parse::<u32>().map_or(Value::Null, |count| json!(count)),
    };
    let fitting = choices.filter(|(value, label)| fits(value) && fits(label));
    fitting.take(ITEMS).map(|(value, label)| json!({"name": label, "value": told(&value)})).collect()
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
        Some(OptionKind::Services) => {
            let there = services(rules, value_of(|kind| *kind == OptionKind::Environment));
            one_more(there, draft.text)
        }
        Some(OptionKind::Service) => services(rules, value_of(|kind| *kind == OptionKind::Environment)),
        Some(OptionKind::Environment) => {
            environments(rules, value_of(|kind| matches!(kind, OptionKind::Service | OptionKind::Services)))
        }
        Some(OptionKind::Environments) => {
            let names = rules.vocabulary.environments.iter().chain(rules.vocabulary.groups.keys());
            names.map(Environment::to_string).collect()
        }
        Some(OptionKind::Person) => rules.vocabulary.people.iter().map(PersonId::to_string).collect(),
        Some(OptionKind::Command) => commands(),
        Some(OptionKind::Choice(choices)) => choices.clone(),
        Some(
            OptionKind::ImageTag
            | OptionKind::ImageDigest
            | OptionKind::Integer { .. }
            | OptionKind::Duration
            | OptionKind::Moment
            | OptionKind::Text
            | OptionKind::Commit
            | OptionKind::Word
            | OptionKind::Boolean,
        )
        | None => Vec::new(),
    }
}

/// Services with those before them that were typed already: after `checkout,` there is `checkout,payments`.
fn one_more(services: Vec<String>, typed: &str) -> Vec<String> {
    let Some((before, _)) = typed.rsplit_once(',') else { return services };
    let named: Vec<&str> = before.split(',').map(str::trim).collect();
    let more = services.iter().filter(|service| !named.contains(&service.as_str()));
    more.map(|service| format!("{},{service}", named.join(","))).collect()
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
