//! `leverframe init`: reads a GitOps repository, proposes its catalog, and says what could not be placed and why.
//! Exit 0 when something was proposed, 1 when nothing was.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;

use super::{Ended, Failure, checkout::Checkout, cloned::Cloned, say, table};
use crate::core::{
    change::{Binding, Presence, SourceFile},
    discover::{Proposal, catalog_text, propose},
    names::RepoPath,
    rules::CATALOG,
};

/// How many of the things that could not be placed are shown.
const SHOWN: usize = 30;
/// How many of those with one reason are named.
const NAMED: usize = 8;

/// What is read, and where the catalog goes.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// A checkout of the GitOps repository, or its URL (`https://`, `http://`, `file://`), which is read without
    /// signing in; of a private repository name a checkout
    #[arg(value_name = "PATH-OR-URL")]
    repository: String,
    /// The branch, of a URL; the host's default branch unless said otherwise
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Print the catalog instead of writing it; for a URL it is always printed
    #[arg(long)]
    print: bool,
    /// Print everything that was found as JSON, and write nothing
    #[arg(long)]
    json: bool,
}

/// Where a proposed catalog goes.
enum Goes {
    Printed,
    Json,
    Into(PathBuf),
}

impl Init {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        if self.repository.contains("://") {
            let cloned = Cloned::fetch(&self.repository, self.branch.as_deref())?;
            let proposal = propose(&cloned.paths, &|path| cloned.file(path));
            let goes = if self.json { Goes::Json } else { Goes::Printed };
            return told(&proposal, cloned.paths.len(), &goes);
        }
        let root = Path::new(&self.repository);
        let catalog = root.join(CATALOG);
        let goes = match (self.json, self.print) {
            (true, _) => Goes::Json,
            (false, true) => Goes::Printed,
            (false, false) if catalog.exists() => {
                let remedy = "Read what would be proposed with `--print`, or remove the file first.";
                return Err(Failure::new(format!("`{}` is there already.", catalog.display()), remedy));
            }
            (false, false) => Goes::Into(catalog),
        };
        let checkout = Checkout::open(root)?;
        let proposal = propose(checkout.paths(), &|path| file(&checkout, path));
        told(&proposal, checkout.paths().len(), &goes)
    }
}

/// A file that cannot be read is none that Leverframe could change.
fn file(checkout: &Checkout, path: &RepoPath) -> Option<SourceFile> {
    checkout.file(path).ok().flatten()
}

fn told(proposal: &Proposal, files: usize, goes: &Goes) -> Result<Ended, Failure> {
    let nothing = proposal.environments.is_empty();
    match goes {
        Goes::Json => say(as_json(proposal, files))?,
        Goes::Printed => {
            if !nothing {
                say(catalog_text(proposal).trim_end())?;
            }
            summary(proposal, files, &mut |line| aside(&line))?;
        }
        Goes::Into(catalog) => {
            if !nothing {
                write(catalog, &catalog_text(proposal))?;
            }
            summary(proposal, files, &mut |line| say(line))?;
            if !nothing {
                say(format!(
                    "\nWrote `{}`. Read it, then see what each lever would move: `leverframe check --repo`.",
                    catalog.display()
                ))?;
            }
        }
    }
    Ok(if nothing { Ended::Red } else { Ended::Well })
}

/// Standard output holds the catalog and nothing else, so that it can go into a file.
fn aside(line: &dyn Display) -> Result<(), Failure> {
    // Nobody is left to tell when even standard error is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
    Ok(())
}

fn write(catalog: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            format!("`{}` cannot be written: {error}.", catalog.display()),
            "Check the folder's permissions, or use `--print`.",
        )
    };
    if let Some(folder) = catalog.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    // Never over a file that appeared meanwhile.
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(catalog).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

/// The table, then what was not placed.
fn summary(
    proposal: &Proposal,
    files: usize,
    out: &mut dyn FnMut(String) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (environments, services) = (proposal.environments.len(), proposal.services.len());
    out(format!(
        "{files} files: {environments} environments, {services} services, {} targets, {} fields found.",
        proposal.targets.len(),
        proposal.rows.len()
    ))?;
    if !proposal.rows.is_empty() {
        out(String::new())?;
        let head = ["service", "environment", "field", "value", "place"].map(str::to_owned);
        let rows = proposal.rows.iter().map(|row| {
            let value = match row.value.as_deref() {
                None => "(not set)".to_owned(),
                Some("") => "(empty)".to_owned(),
                Some(value) => value.to_owned(),
            };
            let target = &row.target;
            [
                target.service.to_string(),
                target.environment.to_string(),
                row.field.to_string(),
                value,
                place(&row.binding),
            ]
        });
        let rows: Vec<[String; 5]> = [head].into_iter().chain(rows).collect();
        table::lines(&rows).into_iter().try_for_each(&mut *out)?;
    }
    left(proposal, out)?;
    if proposal.environments.is_empty() {
        out("\nNothing was proposed. Write `.leverframe/catalog.yaml` by hand, with at least one environment and its path, in \
             which `{service}` stands where a service's name does."
            .to_owned())?;
    }
    Ok(())
}

/// Where a field is, or would be.
fn place(binding: &Binding) -> String {
    if binding.presence == Presence::There { binding.to_string() } else { format!("{binding} (would be added there)") }
}

/// What was not placed, each reason once.
fn left(proposal: &Proposal, out: &mut dyn FnMut(String) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for left in &proposal.left {
        reasons.entry(&left.why).or_default().push(&left.what);
    }
    if !reasons.is_empty() {
        out("\nNot placed, and why:".to_owned())?;
    }
    let more = reasons.len().saturating_sub(SHOWN);
    for (why, what) in reasons.into_iter().take(SHOWN) {
        match what.as_slice() {
            [one] => out(format!("  {one}: {why}."))?,
            several => {
                out(format!("  {why}:"))?;
                several.iter().take(NAMED).try_for_each(|what| out(format!("    {what}")))?;
                if several.len() > NAMED {
                    out(format!("    and {} more", several.len() - NAMED))?;
                }
            }
        }
    }
    if more > 0 { out(format!("  and {more} more; `--json` names them all.")) } else { Ok(()) }
}

fn as_json(proposal: &Proposal, files: usize) -> serde_json::Value {
    let environments: Vec<_> = proposal
        .environments
        .iter()
        .map(|environment| {
            json!({
                "name": environment.name, "path": environment.path, "landing": environment.landing.word(),
                "cluster": environment.cluster, "namespace": environment.namespace,
                "reconciler": environment.reconciler, "because": environment.because,
            })
        })
        .collect();
    let services: serde_json::Map<String, serde_json::Value> =
        proposal.services.iter().map(|(name, service)| (name.to_string(), json!({ "image": service.image }))).collect();
    let bindings: Vec<_> = proposal
        .rows
        .iter()
        .map(|row| {
            json!({
                "service": row.target.service, "environment": row.target.environment, "field": row.field,
                "file": row.binding.file, "document": row.binding.document,
                "path": row.binding.yaml_path, "value": row.value,
                "there": row.binding.presence == Presence::There,
            })
        })
        .collect();
    let left: Vec<_> = proposal.left.iter().map(|left| json!({ "what": left.what, "why": left.why })).collect();
    let catalog = (!proposal.environments.is_empty()).then(|| catalog_text(proposal));
    json!({
        "files": files, "environments": environments, "services": services, "targets": proposal.targets,
        "bindings": bindings, "not_placed": left, "catalog": catalog,
    })
}
