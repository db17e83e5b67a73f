//! Who may do what where, from policy and people, in peace; and what a change of the rules changes about it.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::{
    catalog::Team,
    command::{Action, Definition, Flow},
    decide::principal,
    entry::Actor,
    names::{CommandName, Environment, PersonId, Service, Target},
    policy::{Circumstances, Known, LocalClock, Question, Verdict},
    rules::Rules,
};

/// Up to how many services of an environment each is asked about; beyond, one of each team.
const EACH: usize = 40;
/// The most questions that a comparison asks: half a second's worth.
const MOST: usize = 5_000;

/// What somebody may do with a command in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum May {
    /// With every service.
    Yes,
    /// With these services, of those that were asked about.
    Some(Vec<Service>),
    /// With none: the policy that forbids it.
    No(String),
}

/// Whether policy lets somebody use a command in an environment, and whether their yes to it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// Whether they may.
    pub may: May,
    /// How many must approve, in words; absent: nobody.
    pub needs: Option<String>,
    /// Whether they are among those who may approve it for others.
    pub approves: bool,
}

/// Somebody, a command, an environment.
pub type Which = (PersonId, CommandName, Environment);

/// The right of everybody, with every command in every environment.
pub fn rights(rules: &Rules) -> BTreeMap<Which, Right> {
    let mut rights = BTreeMap::new();
    for environment in rules.catalog.environments() {
        let services = asked_about(rules, &environment.name);
        for definition in rules.commands.iter() {
            let rule = environment.approvals_for(&definition.name).filter(|rule| rule.total() > 0);
            for person in rules.catalog.people() {
                let which = (person.id.clone(), definition.name.clone(), environment.name.clone());
                let approves =
                    rule.is_some_and(|rule| rule.shares().any(|(_, from)| from.is_empty() || person.is_one_of(from)));
                let may = may(rules, &which, &services);
                rights.insert(which, Right { may, needs: rule.map(|rule| rule.words()), approves });
            }
        }
    }
    rights
}

/// How many questions [`rights`] asks.
fn questions(rules: &Rules) -> usize {
    let services: usize =
        rules.catalog.environments().iter().map(|environment| asked_about(rules, &environment.name).len().max(1)).sum();
    services * rules.commands.iter().count() * rules.catalog.people().count()
}

fn asked_about(rules: &Rules, environment: &Environment) -> Vec<Service> {
    let there: Vec<&Service> =
        rules.services.iter().filter(|(_, places)| places.contains(environment)).map(|(name, _)| name).collect();
    if there.len() <= EACH {
        return there.into_iter().cloned().collect();
    }
    let mut teams = BTreeSet::new();
    there.into_iter().filter(|name| teams.insert(rules.catalog.team_of(name))).cloned().collect()
}

fn may(rules: &Rules, (person, command, environment): &Which, services: &[Service]) -> May {
    let mut denied = "default".to_owned();
    let mut permitted = |service: Option<&Service>| match ask(rules, (person, command, environment), service) {
        Verdict::Permitted => true,
        Verdict::Denied(denial) => {
            denied = denial.policy;
            false
        }
    };
    if services.is_empty() {
        return if permitted(None) { May::Yes } else { May::No(denied) };
    }
    let some: Vec<Service> = services.iter().filter(|service| permitted(Some(service))).cloned().collect();
    match some.len() {
        0 => May::No(denied),
        all if all == services.len() => May::Yes,
        _ => May::Some(some),
    }
}

/// The flows that are about a target or an environment.
const ABOUT_TARGETS: [Flow; 4] = [Flow::Freeze, Flow::Unfreeze, Flow::BreakGlass, Flow::Restart];

/// Whether policy would ever let somebody use a command from a channel, with some service somewhere: what forbids it at
/// some moments alone does not count.
pub fn could(rules: &Rules, (actor, channel): (&Actor, &str), definition: &Definition) -> bool {
    let principal = principal(&rules.catalog, actor);
    let circumstances =
        Circumstances { channel: channel.to_owned(), platform: actor.via.clone(), ..Circumstances::default() };
    let could = |environment: Option<&Environment>, service: Option<&Service>| {
        let target = environment.zip(service);
        let target =
            target.map(|(environment, service)| Target { service: service.clone(), environment: environment.clone() });
        rules.policy.permits_ever(&Question {
            principal: &principal,
            action: &definition.name,
            target: target.as_ref(),
            environment,
            team: service.and_then(|service| rules.catalog.team_of(service)).map(Team::as_str),
            circumstances: &circumstances,
        })
    };
    if let Action::Flow(flow) = &definition.action
        && !ABOUT_TARGETS.contains(flow)
    {
        return could(None, None);
    }
    rules.catalog.environments().iter().any(|environment| {
        let services = asked_about(rules, &environment.name);
        let some = || services.iter().any(|service| could(Some(&environment.name), Some(service)));
        if services.is_empty() { could(Some(&environment.name), None) } else { some() }
    })
}

fn ask(
    rules: &Rules,
    (person, command, environment): (&PersonId, &CommandName, &Environment),
    service: Option<&Service>,
) -> Verdict {
    let actor = Actor { person: Some(person.clone()), account: None, via: "leverframe".to_owned() };
    let target = service.map(|service| Target { service: service.clone(), environment: environment.clone() });
    let circumstances = Circumstances {
        freeze: Known::No,
        owes: Known::No,
        clock: Some(LocalClock { hour: 10, weekday: "wed" }),
        ..Circumstances::default()
    };
    rules.policy.ask(&Question {
        principal: &principal(&rules.catalog, &actor),
        action: command,
        target: target.as_ref(),
        environment: Some(environment),
        team: service.and_then(|service| rules.catalog.team_of(service)).map(Team::as_str),
        circumstances: &circumstances,
    })
}

/// What a change of the rules does to a right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// Somebody may what they might not, or with other services.
    May(PersonId, String),
    /// Somebody may no longer; what forbids it.
    MayNot(PersonId, String),
    /// Other approvals are needed.
    Needs { now: String, then: String },
}

/// What other rules change about rights: a sentence for each effect, whatever it is on; `None` where there are too many to
/// compare in a moment.
pub fn changed(before: &Rules, after: &Rules) -> Option<Vec<String>> {
    if questions(before).max(questions(after)) > MOST {
        return None;
    }
    let (before, after) = (rights(before), rights(after));
    let mut effects: BTreeMap<Effect, BTreeMap<Environment, BTreeSet<CommandName>>> = BTreeMap::new();
    let mut note = |effect: Effect, (_, command, environment): &Which| {
        let of = effects.entry(effect).or_default();
        of.entry(environment.clone()).or_default().insert(command.clone());
    };
    for (which, now) in &after {
        let then = before.get(which);
        let effect = match then {
            Some(then) => differs(which, then, now),
            None => news(which, now),
        };
        effect.into_iter().for_each(|effect| note(effect, which));
        if let Some(then) = then.filter(|then| then.needs != now.needs) {
            let words = |needs: &Option<String>| needs.clone().unwrap_or_else(|| "nobody's approval".to_owned());
            note(Effect::Needs { now: words(&now.needs), then: words(&then.needs) }, which);
        }
    }
    for (which, then) in &before {
        if !after.contains_key(which) && then.may != May::No("default".to_owned()) {
            note(Effect::MayNot(which.0.clone(), String::new()), which);
        }
    }
    Some(effects.iter().flat_map(|(effect, on)| sentences(effect, on)).collect())
}

/// A sentence for each lot of commands that an effect is on, whatever environments it is on them in.
fn sentences(effect: &Effect, on: &BTreeMap<Environment, BTreeSet<CommandName>>) -> Vec<String> {
    let mut lots: BTreeMap<&BTreeSet<CommandName>, Vec<String>> = BTreeMap::new();
    for (environment, commands) in on {
        lots.entry(commands).or_default().push(format!("`{environment}`"));
    }
    let told = |(commands, environments): (&BTreeSet<CommandName>, Vec<String>)| {
        let plain = |mark: &str| listed(commands.iter().map(|name| format!("{mark}{name}{mark}")).collect());
        let places = listed(environments);
        match effect {
            Effect::May(person, among) => format!("`{person}` may {} in {places} now{among}.", plain("")),
            Effect::MayNot(person, why) => format!("`{person}` may no longer {} in {places}{why}.", plain("")),
            Effect::Needs { now, then } => {
                let (needs, needed) = if commands.len() == 1 { ("needs", "it") } else { ("need", "they") };
                format!("{} in {places} {needs} {now}; {needed} needed {then}.", plain("`"))
            }
        }
    };
    lots.into_iter().map(told).collect()
}

/// How many names a sentence lists.
const LISTED: usize = 6;

/// `a, b and c`, or `a, b and 12 more`.
fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    if more > 1 {
        names.truncate(LISTED);
        return format!("{} and {more} more", names.join(", "));
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}

fn news((person, ..): &Which, now: &Right) -> Option<Effect> {
    let is_new = !matches!(now.may, May::No(_));
    is_new.then(|| Effect::May(person.clone(), among(&now.may)))
}

fn differs((person, ..): &Which, then: &Right, now: &Right) -> Option<Effect> {
    match (&then.may, &now.may) {
        (then, now) if then == now => None,
        (May::No(_), May::No(_)) => None,
        (_, May::No(policy)) => Some(Effect::MayNot(person.clone(), format!(" (policy `{policy}`)"))),
        (_, now) => Some(Effect::May(person.clone(), among(now))),
    }
}

/// With what, where not with everything.
fn among(may: &May) -> String {
    match may {
        May::Yes | May::No(_) => String::new(),
        May::Some(services) => {
            let names: Vec<String> = services.iter().map(|name| format!("`{name}`")).collect();
            format!(", with {} alone", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{
        change::SourceFile,
        names::{CommitId, RepoPath},
        rules::{CATALOG, POLICY},
    };

    fn rules(people: &str, count: u32, policy: &str) -> Rules {
        let catalog = format!(
            "environments:
  staging: {{ path: 'apps/{{service}}/staging' }}
  prod: {{ path: 'apps/{{service}}/prod', approvals: {{ deploy: {{ count: {count}, from: [group:leads] }} }} }}
services: {{ a: {{ team: shop }}, b: {{ team: core }} }}
people: {{ {people} }}
"
        );
        let file = |path: &str, text: &str| SourceFile {
            path: RepoPath::parse(path).unwrap(),
            text: text.to_owned(),
            blob: String::new(),
        };
        let paths = ["apps/a/prod/x.yaml", "apps/b/prod/x.yaml", "apps/a/staging/x.yaml"];
        let paths = paths.map(|path| RepoPath::parse(path).unwrap());
        let commit = CommitId::parse(&"a".repeat(40)).unwrap();
        Rules::read(commit, &[file(CATALOG, &catalog), file(POLICY, policy)], &paths).unwrap()
    }

    const BOTH: &str = "ana: { slack: U1, teams: [shop] }, bo: { slack: U2, groups: [leads] }";
    const OWN: &str = r#"@id("own") forbid (principal, action == Action::"deploy", resource)
        when { resource.environment == "prod" && resource.team != "shop" } unless { principal in Group::"leads" };"#;

    #[test]
    fn rights_are_asked_of_policy_for_every_service() {
        let rights = rights(&rules(BOTH, 1, OWN));
        let right = |person: &str, command: &str, environment: &str| {
            let which = (
                PersonId::parse(person).unwrap(),
                CommandName::parse(command).unwrap(),
                Environment::parse(environment).unwrap(),
            );
            let right = &rights[&which];
            (right.may.clone(), right.needs.clone(), right.approves)
        };
        let needs = || Some("1 of group:leads".to_owned());
        let a = Service::parse("a").unwrap();
        assert_eq!(right("ana", "deploy", "prod"), (May::Some(vec![a]), needs(), false));
        assert_eq!(right("bo", "deploy", "prod"), (May::Yes, needs(), true));
        assert_eq!(right("ana", "deploy", "staging"), (May::Yes, None, false));
    }

    #[test]
    fn a_change_of_the_rules_is_told_by_its_effect() {
        let before = rules(BOTH, 1, "");
        let told = |after: &Rules| changed(&before, after).unwrap();
        assert_eq!(told(&before), [""; 0]);
        assert_eq!(told(&rules(BOTH, 1, OWN)), ["`ana` may deploy in `prod` now, with `a` alone."]);
        let none = r#"@id("no") forbid (principal == Person::"ana", action == Action::"scale", resource);"#;
        assert_eq!(
            told(&rules(BOTH, 2, none)),
            [
                "`ana` may no longer scale in `prod` and `staging` (policy `no`).",
                "`app-new`, `database-add`, `deploy`, `env`, `flag`, `preview-create` and 6 more in `prod` need 2 of \
                 group:leads; they needed 1 of group:leads.",
            ]
        );
        let gone = told(&rules("bo: { slack: U2, groups: [leads] }", 1, ""));
        let is_gone = |line: &&String| line.starts_with("`ana` may no longer ") && line.contains(" in `prod`");
        assert_eq!((gone.len(), gone.iter().filter(is_gone).count()), (1, 1), "{gone:?}");
    }
}
