//! `leverframe plan`: what a command would change in a checkout, as a unified diff. Touches nothing, needs no server.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;

use super::{Ended, Failure, checkout::Checkout, say};
use crate::{
    config::asks_for_no_colour,
    core::{
        change::{self, PlanRefusal, Planned, together},
        command::{self, Asked, Command, Invoked},
        decide::{forbidden_to_all, sentence},
        names::{ConnectionName, Target},
        rules::Rules,
    },
    engine,
};

/// What a command would change.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// The checkout of the GitOps repository
    #[arg(long, value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    /// The repository's name in `leverframe.yaml`, which the digest holds
    #[arg(long, value_name = "NAME", default_value = "deployments")]
    name: ConnectionName,
    /// Print `{"digest","edits","diff"}` as JSON
    #[arg(long)]
    json: bool,
    /// The command, as it would be typed in chat: `deploy checkout prod v1.2.5`
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    words: Vec<String>,
}

impl Plan {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        match planned((&self.repo, &self.name), &self.words)? {
            Some(planned) if self.json => {
                let plan = &planned.plan;
                say(json!({ "digest": plan.digest, "edits": plan.edits, "diff": plan.diff }))?;
            }
            Some(planned) => say(coloured(planned.plan.diff.trim_end(), Colour::here()))?,
            None if self.json => say(json!({ "digest": null, "edits": [], "diff": "" }))?,
            None => {}
        }
        Ok(Ended::Well)
    }
}

/// The plan; `None` when it is so already, which is an empty diff.
fn planned((repo, name): (&Path, &ConnectionName), words: &[String]) -> Result<Option<Planned>, Failure> {
    let checkout = Checkout::open(repo)?;
    let rules = checkout.rules()?;
    let text = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let command = command::parse(&rules.commands, &rules.vocabulary, Invoked::Under(""), &text)
        .map_err(|refusal| Failure::new(&refusal, refusal.remedy()))?;
    let asked = command.change().map_err(|refusal| Failure::new(&refusal, refusal.remedy()))?;
    let Some(target) = command.target() else {
        return Err(Failure::new("This command names no service and environment.", "Name both."));
    };
    if let [_, _, ..] = command.services() {
        let named = command.services().iter().map(|service| {
            let of_it = Target { service: service.clone(), environment: target.environment.clone() };
            (service.clone(), of_it)
        });
        let mut all = Vec::new();
        for (service, of_it) in named {
            all.push((service, planned_for((&checkout, &rules, name), &command, (&of_it, asked.clone()))?));
        }
        return ended(together((command.name(), &target.environment), all));
    }
    ended(planned_for((&checkout, &rules, name), &command, (&target, asked))?)
}

/// What a plan comes to for whoever typed it.
fn ended(planned: Result<Planned, PlanRefusal>) -> Result<Option<Planned>, Failure> {
    match planned {
        Ok(planned) => Ok(Some(planned)),
        Err(PlanRefusal::Already { .. } | PlanRefusal::AllAlready { .. }) => Ok(None),
        Err(refusal) => Err(Failure::new(format!("{refusal}."), refusal.remedy())),
    }
}

/// The plan for one target, where no rule forbids it to everybody.
fn planned_for(
    (checkout, rules, name): (&Checkout, &Rules, &ConnectionName),
    command: &Command,
    (target, asked): (&Target, Asked),
) -> Result<Result<Planned, PlanRefusal>, Failure> {
    let files = checkout.target(rules, target)?;
    let set = match asked {
        Asked::Choose(asked) => engine::chosen(rules, target, &files, &asked)
            .map_err(|words| Failure::new(words.text, words.remedy.unwrap_or_default()))?,
        asked @ (Asked::Set(_)
        | Asked::At(_)
        | Asked::Copy { .. }
        | Asked::Restore { .. }
        | Asked::Revert { .. }
        | Asked::Render(_)
        | Asked::Delete(_)
        | Asked::Resume { .. }) => set(asked)?,
    };
    let beside = checkout.beside(rules, target)?;
    let planned = engine::plan_set(name, rules, (command.name(), target, &rules.commit), &set, (&files, &beside));
    let denied = planned.as_ref().ok().and_then(|one| forbidden_to_all(rules, command.name(), target, &one.plan));
    match denied {
        Some(denial) => Err(Failure::new(sentence(&denial.reason), denial.remedy)),
        None => Ok(planned),
    }
}

/// A word that the shell kept together stays together.
fn quoted(word: &str) -> String {
    match word.split_once('=') {
        Some((name, value)) if value.contains(char::is_whitespace) => format!("{name}=\"{}\"", value.replace('"', "'")),
        Some(_) | None if word.contains(char::is_whitespace) => format!("\"{}\"", word.replace('"', "'")),
        Some(_) | None => word.to_owned(),
    }
}

fn set(asked: Asked) -> Result<std::collections::BTreeMap<crate::core::names::Field, serde_json::Value>, Failure> {
    match asked {
        Asked::Set(set) => Ok(set),
        Asked::Restore { to: Some(to), .. } => {
            Ok([(crate::core::names::Field::ImageTag, serde_json::Value::from(to.as_str()))].into())
        }
        Asked::Restore { to: None, .. } => Err(Failure::new(
            "Which version was healthy before is in the ledger, which `plan` does not read.",
            "Name the version: `to=v1.2.3`.",
        )),
        Asked::Choose(_) | Asked::At(_) | Asked::Copy { .. } | Asked::Render(_) | Asked::Delete(_) => {
            Err(Failure::new(
                "What this command changes is planned where the bot runs.",
                "Ask the bot; its card shows the change before anything is done.",
            ))
        }
        Asked::Revert { .. } | Asked::Resume { .. } => Err(Failure::new(
            "What a commit changed, and what is held off, needs the repository's history, which `plan` does not read.",
            "Ask the bot; its card shows the change before anything is done.",
        )),
    }
}

/// How a diff is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colour {
    /// Red and green.
    Yes,
    /// As it is.
    No,
}

impl Colour {
    /// Colours are for terminals, and for people who did not ask to be spared.
    fn here() -> Self {
        if std::io::stdout().is_terminal() && !asks_for_no_colour() { Self::Yes } else { Self::No }
    }
}

fn coloured(diff: &str, colour: Colour) -> String {
    if colour == Colour::No {
        return diff.to_owned();
    }
    let line = |line: &str| match line.chars().next() {
        Some('+') => format!("\u{1b}[32m{line}\u{1b}[0m"),
        Some('-') => format!("\u{1b}[31m{line}\u{1b}[0m"),
        Some('@') => format!("\u{1b}[36m{line}\u{1b}[0m"),
        Some(_) | None => line.to_owned(),
    };
    diff.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Where a field of a target lives, for `check`.
pub(super) fn place(
    rules: &Rules,
    target: &crate::core::names::Target,
    field: &crate::core::names::Field,
    files: &[change::SourceFile],
) -> Result<(change::Binding, String), change::LocateRefusal> {
    let binding = change::locate(field, &engine::locator(rules, target, field), files)?;
    let file = files.iter().find(|file| file.path == binding.file);
    let value = file.and_then(|file| change::value_at(&binding, &file.text).ok().flatten());
    Ok((binding, value.unwrap_or_else(|| "(not set)".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_around_lines_and_nowhere_else() {
        let diff = "--- a/x\n@@ -1 +1 @@\n a: {b: c}\n-x: 1\n+x: 2";
        assert_eq!(coloured(diff, Colour::No), diff);
        let expected = "\u{1b}[31m--- a/x\u{1b}[0m\n\u{1b}[36m@@ -1 +1 @@\u{1b}[0m\n a: {b: c}\n\u{1b}[31m-x: 1\u{1b}[0m\n\u{1b}[32m+x: 2\u{1b}[0m";
        assert_eq!(coloured(diff, Colour::Yes), expected);
    }
}
