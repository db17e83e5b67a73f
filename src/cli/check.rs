//! `leverframe check`: is everything as it must be, and what would each lever move? Exit 1 when anything is red.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;

use super::{
    Ended, Failure,
    checkout::Checkout,
    levers::{Findings, Lever, NOTE, RED, Show},
    say, table,
};
use crate::{
    config::Config,
    core::{
        change::Beside,
        names::{Environment, Field, RepoPath, Target},
        policy::Cases,
        rules::{Elsewhere, POLICY_TESTS, Rules},
    },
};

/// Up to how many targets are shown one by one.
const FEW: usize = 40;

/// What is checked.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration; checked when it is named, or when `leverframe.yaml` is here
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The checkout of the GitOps repository; checked when it is named, or when `.leverframe` is here
    #[arg(long, value_name = "PATH")]
    repo: Option<PathBuf>,
    /// Show every lever and every note one by one, however many there are
    #[arg(long)]
    all: bool,
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
        let rules = here(rules, config.as_ref())?;
        environments(&rules)?;
        let cases = cases(&checkout, &rules)?;
        let levers = targets(&checkout, &rules, if self.all { Show::All } else { Show::Summary })?;
        Ok(if cases == Ended::Red { Ended::Red } else { levers })
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

/// Of the environments those in this repository, as far as the configuration tells; the others are named.
fn here(rules: Rules, config: Option<&Config>) -> Result<Rules, Failure> {
    let Some(config) = config else { return Ok(rules) };
    let own = Some(config.repositories.catalog.0.clone());
    let rules = rules.among(Elsewhere { own, others: BTreeMap::new() });
    for environment in rules.catalog.environments() {
        if let Some(other) = rules.other_repository(&environment.name) {
            say(format!("`{}` is in the repository `{other}`, which is not looked into here.", environment.name))?;
        }
    }
    Ok(rules)
}

/// Runs the policy's own test cases, where there are any.
fn cases(checkout: &Checkout, rules: &Rules) -> Result<Ended, Failure> {
    let path = RepoPath::parse(POLICY_TESTS).map_err(|error| Failure::new(error, ""))?;
    if !checkout.paths().contains(&path) {
        return Ok(Ended::Well);
    }
    let Some(file) = checkout.file(&path)? else { return Ok(Ended::Well) };
    let cases =
        Cases::parse(&file.text, POLICY_TESTS).map_err(|error| Failure::new(&error, "Correct the file in git."))?;
    let failed = cases.run(&rules.policy, &rules.catalog);
    for line in &failed {
        say(format!("{RED} {POLICY_TESTS}:{line}"))?;
    }
    say(format!("{POLICY_TESTS}: {} of {} hold.", cases.len().saturating_sub(failed.len()), cases.len()))?;
    Ok(if failed.is_empty() { Ended::Well } else { Ended::Red })
}

fn environments(rules: &Rules) -> Result<(), Failure> {
    let mut table = vec![["environment", "path", "landing", "cluster", "approvals"].map(str::to_owned)];
    for row in rules.catalog.table() {
        let merge = row.merge.map(|merge| format!(", {}", merge.word())).unwrap_or_default();
        let approvals: Vec<String> =
            row.approvals.iter().map(|(command, rule)| format!("{command}: {}", rule.words())).collect();
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
fn targets(checkout: &Checkout, rules: &Rules, show: Show) -> Result<Ended, Failure> {
    let (mut levers, mut found) = (Vec::new(), Findings::default());
    let named = rules.services.iter().flat_map(|(service, environments)| {
        environments.iter().map(|environment| Target { service: service.clone(), environment: environment.clone() })
    });
    let files = named.map(|target| Ok((target.clone(), checkout.target(rules, &target)?)));
    let by_target = files.collect::<Result<BTreeMap<_, _>, Failure>>()?;
    for (target, files) in &by_target {
        let others = rules.beside(target).into_keys();
        let read = |other: &Target| Some(Beside { target: other.clone(), files: by_target.get(other)?.clone() });
        let beside: Vec<Beside> = others.filter_map(read).collect();
        for field in [Field::ImageTag, Field::Replicas] {
            let lever = Lever::look(rules, target, field, (files, &beside));
            found.add(&lever);
            levers.push(lever);
        }
    }
    found.twice(rules);
    match show {
        Show::All => all(&levers)?,
        Show::Summary if levers.len() <= 2 * FEW => all(&levers)?,
        Show::Summary => summary(&levers)?,
    }
    found.say(show)?;
    Ok(if found.is_red() { Ended::Red } else { Ended::Well })
}

fn all(levers: &[Lever]) -> Result<(), Failure> {
    let head = ["target", "field", "value", "place", ""].map(str::to_owned);
    let row = |lever: &Lever| {
        let (value, place) = match &lever.place {
            Some((binding, value)) => (value.clone(), binding.to_string()),
            None => ("-".to_owned(), "-".to_owned()),
        };
        [lever.target.to_string(), lever.field.to_string(), value, place, lever.mark().to_owned()]
    };
    print(&[head].into_iter().chain(levers.iter().map(row)).collect::<Vec<_>>())
}

/// One line for each environment.
fn summary(levers: &[Lever]) -> Result<(), Failure> {
    let mut environments: BTreeMap<&Environment, [usize; 5]> = BTreeMap::new();
    for lever in levers {
        let [targets, versions, counts, red, notes] = environments.entry(&lever.target.environment).or_default();
        *targets += usize::from(lever.field == Field::ImageTag);
        *versions += usize::from(lever.field == Field::ImageTag && lever.place.is_some());
        *counts += usize::from(lever.field == Field::Replicas && lever.place.is_some());
        *red += usize::from(lever.mark() == RED);
        *notes += usize::from(lever.mark() == NOTE);
    }
    let head = ["environment", "services", "with image_tag", "with replicas", "red", "notes"].map(str::to_owned);
    let row = |(name, [services, versions, counts, red, notes]): (&Environment, [usize; 5])| {
        [
            name.to_string(),
            services.to_string(),
            versions.to_string(),
            counts.to_string(),
            red.to_string(),
            notes.to_string(),
        ]
    };
    print(&[head].into_iter().chain(environments.into_iter().map(row)).collect::<Vec<_>>())?;
    say("\nEvery lever one by one: `leverframe check --all`.")
}

fn print<const N: usize>(table: &[[String; N]]) -> Result<(), Failure> {
    say("")?;
    table::lines(table).iter().try_for_each(say)
}
