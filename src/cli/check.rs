//! `leverframe check`: is everything as it must be, and what would each lever move? Exit 1 when anything is red.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use serde_json::Value;

use super::{Ended, Failure, checkout::Checkout, plan::place, say};
use crate::{
    config::Config,
    core::{
        change::{PlanRefusal, SourceFile},
        names::{CommandName, ConnectionName, Field, Target},
        rules::Rules,
    },
    engine,
};

/// What is checked.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration; checked when it is named, or when `leverframe.yaml` is here
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The checkout of the GitOps repository; checked when it is named, or when `.leverframe` is here
    #[arg(long, value_name = "PATH")]
    repo: Option<PathBuf>,
}

impl Check {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        let config = self.config.or_else(|| present("leverframe.yaml"));
        let repo = self.repo.or_else(|| present(".leverframe").map(|_| PathBuf::from(".")));
        if config.is_none() && repo.is_none() {
            return Err(Failure::new(
                "There is neither a `leverframe.yaml` nor a `.leverframe` directory here.",
                "Name what to check: `--config FILE`, `--repo PATH`, or both.",
            ));
        }
        let config = config.map(|path| checked(&path)).transpose()?;
        let Some(repo) = repo else { return Ok(Ended::Well) };
        let checkout = Checkout::open(&repo)?;
        let rules = checkout.rules()?;
        notices(&rules, config.as_ref())?;
        environments(&rules)?;
        targets(&checkout, &rules)
    }
}

fn present(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(path);
    path.exists().then_some(path)
}

fn checked(path: &std::path::Path) -> Result<Config, Failure> {
    let config = Config::load(path).map_err(|error| Failure::new(&error, error.remedy()))?;
    say(format!("{}: good.", path.display()))?;
    for notice in config.not_supported_yet().iter().chain(config.warnings()) {
        say(format!("{}:{notice}", path.display()))?;
    }
    Ok(config)
}

fn notices(rules: &Rules, config: Option<&Config>) -> Result<(), Failure> {
    let file = crate::core::rules::CATALOG;
    say(format!("{file}: good. Policy {}, {} commands.", rules.policy.hash().short(), rules.commands.iter().count()))?;
    for notice in rules.catalog.not_supported_yet().iter().chain(rules.catalog.warnings()) {
        say(format!("{file}:{notice}"))?;
    }
    for notice in config.map(|config| rules.catalog.unconnected(&config.connections())).unwrap_or_default() {
        say(format!("{file}:{notice}"))?;
    }
    Ok(())
}

fn environments(rules: &Rules) -> Result<(), Failure> {
    let mut table = vec![["environment", "path", "landing", "cluster", "approvals"].map(str::to_owned)];
    for row in rules.catalog.table() {
        let merge = row.merge.map(|merge| format!(", {}", merge.word())).unwrap_or_default();
        let approvals: Vec<String> = row
            .approvals
            .iter()
            .map(|(command, rule)| {
                let from: Vec<String> = rule.from.iter().map(ToString::to_string).collect();
                let from = if from.is_empty() { "anybody else".to_owned() } else { from.join(" or ") };
                format!("{command}: {} of {from}", rule.count)
            })
            .collect();
        table.push([
            row.environment.to_string(),
            row.path.to_string(),
            format!("{}{merge}", row.landing.word()),
            row.cluster.map_or_else(|| "-".to_owned(), |cluster| cluster.to_string()),
            if approvals.is_empty() { "-".to_owned() } else { approvals.join("; ") },
        ]);
    }
    print(&table)
}

/// Where each lever of each target would put its hand, and below it what is in the way of some.
fn targets(checkout: &Checkout, rules: &Rules) -> Result<Ended, Failure> {
    let mut table = vec![["target", "field", "value", "place", ""].map(str::to_owned)];
    let (mut faults, mut ended) = (Vec::new(), Ended::Well);
    for (service, environments) in &rules.services {
        for environment in environments {
            let target = Target { service: service.clone(), environment: environment.clone() };
            let files = checkout.target(rules, &target)?;
            for field in [Field::ImageTag, Field::Replicas] {
                let found = place(rules, &target, &field, &files);
                let fault = fault(rules, &target, &field, &files);
                // A service without a count of its own is no mistake; one without a version is.
                let mark = match (&fault, &field) {
                    (None, _) => "",
                    (Some(_), Field::ImageTag) => "RED",
                    (Some(_), _) => "note",
                };
                if mark == "RED" {
                    ended = Ended::Red;
                }
                let none = || ("-".to_owned(), "-".to_owned());
                let (value, at) = found.map_or_else(|_| none(), |(binding, value)| (value, binding.to_string()));
                faults.extend(fault.map(|words| format!("{mark}: {target}, `{field}`: {words}")));
                table.push([target.to_string(), field.to_string(), value, at, mark.to_owned()]);
            }
        }
    }
    print(&table)?;
    if !faults.is_empty() {
        say("")?;
    }
    faults.iter().try_for_each(say)?;
    Ok(ended)
}

/// Why a lever could not move: found by planning a value that nobody has.
fn fault(rules: &Rules, target: &Target, field: &Field, files: &[SourceFile]) -> Option<String> {
    let value = if *field == Field::Replicas { Value::from(8_191) } else { Value::from("leverframe-check") };
    let (name, command) = (ConnectionName::parse("deployments").ok()?, CommandName::parse("deploy").ok()?);
    let set = BTreeMap::from([(field.clone(), value)]);
    match engine::plan_set(&name, rules, (&command, target, &rules.commit), &set, files) {
        Ok(_) | Err(PlanRefusal::Already { .. }) => None,
        Err(refusal) => Some(format!("{refusal}. {}", refusal.remedy())),
    }
}

/// Columns as wide as their widest cell.
fn print(table: &[[String; 5]]) -> Result<(), Failure> {
    let width = |column: usize| {
        table.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    say("")?;
    for row in table {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width)).collect();
        say(cells.join("  ").trim_end())?;
    }
    Ok(())
}
