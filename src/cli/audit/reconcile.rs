//! `audit reconcile`: whether the ledger is complete, by what git has of us. Integrity is not completeness: a sound
//! ledger may lack what somebody did with our name.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Ended, Failure, For, say, unreadable};
use crate::{
    core::{entry::Entry, names::CommitId},
    engine::ADDRESS,
    git::{self, Marked, Survey},
    ledger::journal::Reader,
};

/// What the ledger tells of commits.
#[derive(Default)]
struct Told {
    /// Requests that were about to push or merge.
    intended: BTreeSet<String>,
    /// Commits that landed, with the place of the entry that says so.
    landed: BTreeMap<CommitId, u64>,
}

pub(super) fn reconcile(directory: &Path, repositories: &[PathBuf], whom: For) -> Result<Ended, Failure> {
    let mut told = Told::default();
    for record in Reader::open(directory).map_err(|error| unreadable(&error))? {
        told.take(&record.map_err(|error| unreadable(&error))?.entry);
    }
    let asked: Vec<CommitId> = told.landed.keys().cloned().collect();
    let survey = survey(repositories, asked)?;
    let known = |commit: &&Marked| {
        let intended = commit.request().is_some_and(|request| told.intended.contains(request));
        !intended && !told.landed.contains_key(&commit.id)
    };
    let without_entry: Vec<&Marked> = survey.ours.iter().filter(known).collect();
    let without_commit: Vec<(u64, &CommitId)> =
        survey.missing.iter().filter_map(|id| told.landed.get(id).map(|seq| (*seq, id))).collect();
    say(in_words(&survey.ours, (&without_entry, &without_commit), whom))?;
    Ok(if without_entry.is_empty() && without_commit.is_empty() { Ended::Well } else { Ended::Red })
}

/// What all of them hold of us together; a commit is missing where none of them has it.
fn survey(repositories: &[PathBuf], asked: Vec<CommitId>) -> Result<Survey, Failure> {
    let mut all = Survey { ours: Vec::new(), missing: asked };
    for repository in repositories {
        let one = git::survey(repository, ADDRESS, &all.missing).map_err(|error| {
            Failure::new(format!("`{}`: {error}.", repository.display()), "Name a git repository on this machine.")
        })?;
        all.ours.extend(one.ours);
        all.missing = one.missing;
    }
    Ok(all)
}

impl Told {
    fn take(&mut self, entry: &Entry) {
        let request = entry.subject.strip_prefix("request/");
        match (entry.kind.as_str(), request) {
            ("push.intent" | "merge.intent", Some(request)) => drop(self.intended.insert(request.to_owned())),
            ("landing.done", _) => {
                let commit = entry.body.get("commit").and_then(Value::as_str);
                let commit = commit.and_then(|text| CommitId::parse(text).ok());
                self.landed.extend(commit.map(|commit| (commit, entry.seq)));
            }
            _ => {}
        }
    }
}

fn in_words(ours: &[Marked], (commits, entries): (&[&Marked], &[(u64, &CommitId)]), whom: For) -> String {
    if whom == For::Machines {
        let commits: Vec<Value> = commits
            .iter()
            .map(|one| json!({ "commit": one.id, "subject": one.subject, "request": one.request() }))
            .collect();
        let entries: Vec<Value> = entries.iter().map(|(seq, id)| json!({ "seq": seq, "commit": id })).collect();
        let ok = commits.is_empty() && entries.is_empty();
        return json!({ "ok": ok, "commits_without_entry": commits, "entries_without_commit": entries }).to_string();
    }
    if commits.is_empty() && entries.is_empty() {
        return format!("{} commits of ours, each with its entry, and each entry with its commit.", ours.len());
    }
    let commits = commits.iter().map(|one| format!("Commit {} has no entry: {}", one.id, one.subject));
    let entries = entries.iter().map(|(seq, id)| format!("Entry {seq} says that {id} landed, and no branch holds it."));
    let lines: Vec<String> = commits.chain(entries).collect();
    format!("{}\nFind out who made the commits, and who took branches back.", lines.join("\n"))
}
