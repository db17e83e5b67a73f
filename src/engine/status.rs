//! Answers that change nothing: how things stand, and what can be asked. Read from the local mirror and the open
//! requests, never from a network.

use std::{
    collections::BTreeSet,
    fmt::Write,
    sync::{Arc, PoisonError},
    time::Duration,
};

use super::{Inner, facts, overview};
use crate::core::{
    access, change,
    command::Command,
    decide::{Asker, Words, principal},
    names::{CommandName, Environment, Field, Target},
    policy::{Circumstances, Denial, Question, Verdict},
    rules::Rules,
};

/// How many targets one answer shows.
const SHOWN: usize = 20;
/// How long the reading may take, so that the answer comes in time.
const IN_TIME: Duration = Duration::from_millis(700);

/// Why policy does not let somebody look, where it does not.
pub(super) fn denied(rules: &Rules, asker: &Asker, command: &Command) -> Option<Words> {
    denied_by_name(rules, asker, command.name())
}

fn denied_by_name(rules: &Rules, asker: &Asker, command: &CommandName) -> Option<Words> {
    denial(rules, asker, command).map(|denial| Words::new(format!("{}.", denial.reason), denial.remedy))
}

/// Why policy does not let somebody use a command at all.
pub(super) fn denial(rules: &Rules, asker: &Asker, command: &CommandName) -> Option<Denial> {
    let principal = principal(&rules.catalog, &asker.actor());
    let circumstances = Circumstances { platform: asker.via.clone(), ..Circumstances::default() };
    let question = Question {
        principal: &principal,
        action: command,
        target: None,
        environment: None,
        team: None,
        circumstances: &circumstances,
    };
    match rules.policy.ask(&question) {
        Verdict::Denied(denial) => Some(denial),
        Verdict::Permitted => None,
    }
}

/// What can be asked, or how one command is.
pub(super) fn help(rules: &Rules, (asker, channel): (&Asker, &str), command: &Command) -> Words {
    let commands = &rules.commands;
    let named = command.value("command").map(ToString::to_string);
    let named = named.and_then(|name| commands.iter().find(|one| one.name.as_str() == name.trim_start_matches('/')));
    if let Some(definition) = named {
        let mut text = format!("`{}`\n{}", commands.usage(definition), definition.summary);
        for option in &definition.options {
            if let Some(help) = &option.help {
                let _ = write!(text, "\n• `{}`: {help}", option.name);
            }
        }
        return Words::plain(text);
    }
    let actor = asker.actor();
    let (own, others): (Vec<_>, Vec<_>) =
        commands.iter().partition(|definition| access::could(rules, (&actor, channel), definition));
    // The list of all must fit into one message; how each is written would not.
    let mut lines: Vec<String> =
        own.iter().map(|definition| format!("• `{}`: {}", commands.typed(definition), definition.summary)).collect();
    if let Some(first) = others.first() {
        let (are, they) = if others.len() == 1 { ("is", "it") } else { ("are", "they") };
        lines.push(format!(
            "{} more {are} for others here; `/help {}` says what {they} would do.",
            others.len(),
            first.name
        ));
    }
    Words::new(
        format!("What you can ask:\n{}", lines.join("\n")),
        "Type `/help deploy` for how one is written. Options may come in any order, or as `name=value`.",
    )
}

/// What runs where; asked about nothing in particular, before it what concerns whoever asks.
pub(super) async fn status(inner: &Arc<Inner>, rules: &Rules, asker: &Asker, command: &Command) -> Words {
    let (service, environment) = (command.service(), command.environment());
    let targets: Vec<Target> = rules
        .services
        .iter()
        .filter(|(name, _)| service.is_none_or(|wanted| wanted == *name))
        .flat_map(|(name, places)| {
            places.iter().map(|place| Target { service: name.clone(), environment: place.clone() })
        })
        .filter(|target| environment.is_none_or(|wanted| wanted == &target.environment))
        .collect();
    if targets.is_empty() {
        return Words::new("Nothing runs there.", "Type `/status` alone to see everything.");
    }
    let (mut text, mut shown) = (String::new(), 0);
    if service.is_none() && environment.is_none() && asker.person.is_some() {
        for line in overview::overview(inner, rules, asker).await.lines() {
            let _ = writeln!(text, "{line}");
        }
    }
    let places: BTreeSet<&Environment> = targets.iter().map(|target| &target.environment).collect();
    for line in inner.freeze_lines(rules, Some(&places)).await {
        let _ = writeln!(text, "{line}");
    }
    let deadline = tokio::time::Instant::now() + IN_TIME;
    for target in targets.iter().take(SHOWN) {
        let Ok(line) = tokio::time::timeout_at(deadline, line(inner, rules, target)).await else { break };
        let _ = writeln!(text, "{line}");
        shown += 1;
    }
    if let Some(notice) =
        inner.troubles.lock().unwrap_or_else(PoisonError::into_inner).notice(&inner.reach.repository.name)
    {
        let _ = writeln!(text, "{notice}");
    }
    match targets.len().checked_sub(shown) {
        None | Some(0) => Words::plain(text.trim_end()),
        Some(more) => {
            Words::new(text.trim_end(), format!("{more} more: type `/status <service>` or `/status <environment>`."))
        }
    }
}

/// `checkout in prod: v1.2.4, 3 replicas. Last change: deploy checkout ..., Ana, 2026-11-20 10:00 UTC.`
async fn line(inner: &Arc<Inner>, rules: &Rules, target: &Target) -> String {
    let files = match inner.home_at(rules, target) {
        Ok((_, commit)) => facts::files(inner, rules, commit, target).await,
        Err(trouble) => Err(trouble),
    };
    let Ok(files) = files else {
        return format!("• *{target}*: its files cannot be read now.");
    };
    let value = |field: Field| {
        let binding = change::locate(&field, &facts::locator(rules, target, &field), &files);
        let binding = binding.map_err(|refusal| refusal.to_string())?;
        let Some(file) = files.iter().find(|file| file.path == binding.file) else { return Ok::<_, String>(None) };
        let value = change::value_at(&binding, &file.text).map_err(|refusal| format!("`{}`: {refusal}", file.path))?;
        // Where an autoscaler owns the count, git says only how many there are at least.
        Ok(value.map(|value| if binding.field == Field::ReplicasMin { format!("at least {value}") } else { value }))
    };
    let version = match value(Field::ImageTag) {
        Ok(Some(version)) => format!("`{version}`"),
        Ok(None) => "no version".to_owned(),
        Err(why) => format!("version unknown ({why})"),
    };
    let replicas = match value(Field::Replicas).ok().flatten().as_deref() {
        None => String::new(),
        Some(count @ ("1" | "at least 1")) => format!(", {count} replica"),
        Some(count) => format!(", {count} replicas"),
    };
    format!(
        "• *{target}*: {version}{replicas}.{}{}{}",
        last_change(inner, rules, target).await,
        open(inner, target).await,
        owed(inner, target).await
    )
}

/// What the cluster runs otherwise, where glass was broken.
async fn owed(inner: &Arc<Inner>, target: &Target) -> String {
    let matters = inner.matters().await;
    let here = matters.debts.values().filter(|debt| !debt.is_over() && debt.opened.target == *target);
    here.map(|debt| format!(" Owed to git: {}.", debt.values())).collect()
}

async fn last_change(inner: &Arc<Inner>, rules: &Rules, target: &Target) -> String {
    let (Some(place), Ok((home, commit))) = (rules.place_of(target), inner.home_at(rules, target)) else {
        return String::new();
    };
    let history = home.mirror.history(commit, &place, 1).await.unwrap_or_default();
    history.first().map_or_else(String::new, |commit| {
        let at = commit.time.strftime("%Y-%m-%d %H:%M UTC");
        format!(" Last change: {} ({}, {at}).", commit.subject, commit.author)
    })
}

async fn open(inner: &Arc<Inner>, target: &Target) -> String {
    let book = inner.book.lock().await;
    let open: Vec<String> = book
        .iter()
        .filter(|request| request.opened.is_about(target) && !request.is_over())
        .map(|request| format!("{} ({})", request.opened.title, request.state.word()))
        .collect();
    if open.is_empty() { String::new() } else { format!(" Open: {}.", open.join("; ")) }
}
