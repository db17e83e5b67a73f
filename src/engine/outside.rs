//! Commits of the tracked branch that came past us: noticed when the branch moves, and recorded with who, which targets
//! and which fields changed from what to what. Where we looked last is remembered across restarts.

use std::{collections::BTreeSet, sync::Arc};

use super::{Inner, Repository, effects, effects::Trouble, facts, gate};
use crate::{
    core::{
        change::{self, Line, SourceFile},
        decide::{Incoming, OutsideCommit, Touched},
        entry::Actor,
        names::{CommitId, Field, RepoPath, RequestId, Target},
        rules::Rules,
    },
    git::{CommitSummary, REQUEST_TRAILER},
};

/// How many commits back is looked at most after a long absence.
const DEEPEST: usize = 200;
/// The fields that are looked for in every target, beside those that the catalog pins.
const FIELDS: [Field; 7] = [
    Field::ImageTag,
    Field::ImageDigest,
    Field::Replicas,
    Field::ReplicasMin,
    Field::ReplicasMax,
    Field::Cpu,
    Field::Memory,
];
/// What a field shows where it has no value.
const NOT_SET: &str = "(not set)";

pub(super) async fn keep(inner: Arc<Inner>) {
    while !inner.tasks.is_stopping() {
        let looking = inner.forge.looking();
        if let Some(rules) = inner.rules() {
            for repository in inner.reach.repositories() {
                catch_up(&inner, &rules, repository).await;
            }
        }
        drop(looking);
        tokio::select! {
            () = inner.forge.moved.notified() => {}
            () = inner.tasks.stopping() => {}
        }
    }
}

/// Looks at what came to a repository since it was looked at last, and remembers where it stands.
async fn catch_up(inner: &Arc<Inner>, rules: &Arc<Rules>, repository: &Repository) {
    let own = repository.name == inner.reach.repository.name;
    let tip = if own { Some(&rules.commit) } else { rules.commit_in(&repository.name) };
    let Some(tip) = tip else { return };
    let note = format!("outside/{}", repository.name);
    let last = inner.ledger.note(&note).ok().flatten();
    let last = last.and_then(|bytes| CommitId::parse(&String::from_utf8_lossy(&bytes)).ok());
    if last.as_ref() == Some(tip) {
        return;
    }
    let looked = match &last {
        Some(last) => look(inner, rules, repository, (last, tip)).await,
        None => Ok(()),
    };
    let noted = looked.map(|()| inner.ledger.set_note(&note, tip.as_str().as_bytes()));
    match noted {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "commits will be looked at once more than needed"),
        Err(error) => tracing::warn!(%error, "new commits could not be looked at"),
    }
}

/// Looks at what came since, oldest first.
async fn look(
    inner: &Arc<Inner>,
    rules: &Arc<Rules>,
    repository: &Repository,
    (last, tip): (&CommitId, &CommitId),
) -> Result<(), Trouble> {
    let mut before = last.clone();
    for commit in since(inner, rules, repository, (last, tip)).await? {
        let known = inner.book.lock().await.iter().any(|request| request.commit() == Some(&commit.id));
        if !known {
            examine(inner, rules, repository, (&before, &commit)).await?;
        }
        before = commit.id;
    }
    Ok(())
}

/// The commits since `last` that touch a folder with targets in it.
async fn since(
    inner: &Arc<Inner>,
    rules: &Rules,
    repository: &Repository,
    (last, tip): (&CommitId, &CommitId),
) -> Result<Vec<CommitSummary>, Trouble> {
    let mirror = &repository.mirror;
    let targets = targets_in(inner, rules, repository);
    let roots: BTreeSet<RepoPath> = targets.iter().filter_map(|target| root(rules, target)).collect();
    let mut all: Vec<CommitSummary> = Vec::new();
    for root in roots {
        for commit in mirror.history(tip, &root, DEEPEST).await? {
            if commit.id == *last || mirror.is_ancestor(&commit.id, last).await? {
                break;
            }
            if !all.iter().any(|other| other.id == commit.id) {
                all.push(commit);
            }
        }
    }
    // The walk is newest first; one root's order is the branch's.
    all.reverse();
    Ok(all)
}

fn targets_in(inner: &Arc<Inner>, rules: &Rules, repository: &Repository) -> Vec<Target> {
    let here = |target: &Target| inner.home(rules, target).is_ok_and(|home| home.name == repository.name);
    targets(rules).into_iter().filter(here).collect()
}

fn targets(rules: &Rules) -> Vec<Target> {
    let of = |(service, places): (&crate::core::names::Service, &BTreeSet<crate::core::names::Environment>)| {
        places.iter().map(|place| Target { service: service.clone(), environment: place.clone() }).collect::<Vec<_>>()
    };
    rules.services.iter().flat_map(of).collect()
}

/// The first step of the way to a target's files.
fn root(rules: &Rules, target: &Target) -> Option<RepoPath> {
    RepoPath::parse(rules.place_of(target)?.as_str().split('/').next()?).ok()
}

/// Records a commit, unless a request of ours says exactly what it did.
async fn examine(
    inner: &Arc<Inner>,
    rules: &Arc<Rules>,
    repository: &Repository,
    (before, commit): (&CommitId, &CommitSummary),
) -> Result<(), Trouble> {
    let authored = match &repository.forge {
        Some(forge) => forge.commit(&commit.id).await.ok(),
        None => None,
    };
    let mut candidates = targets_in(inner, rules, repository);
    if let Some(authored) = authored.as_ref().filter(|authored| !authored.files.is_empty()) {
        let touched: BTreeSet<Target> = gate::touched(rules, &authored.files).into_iter().collect();
        candidates.retain(|target| touched.contains(target));
    }
    let mut touched = Vec::new();
    for target in candidates {
        touched.extend(changes(inner, rules, (before, &commit.id), target).await?);
    }
    if touched.is_empty() || is_ours(inner, commit, &touched).await {
        return Ok(());
    }
    for line in touched.iter_mut().flat_map(|touched| &mut touched.fields) {
        if rules.catalog.is_sensitive(&line.field) {
            (line.old, line.new) = (None, "(hidden)".to_owned());
        }
    }
    let login = authored.and_then(|authored| authored.login);
    let nobody = Actor { person: None, account: None, via: "git".to_owned() };
    let outside = OutsideCommit {
        repository: repository.name.clone(),
        commit: commit.id.clone(),
        by: login.map_or(nobody, |login| effects::watching::actor(inner, &login)),
        author: commit.author.clone(),
        subject: commit.subject.clone(),
        touched,
    };
    let event = format!("outside:{}", commit.id);
    inner.take(Incoming::Outside(outside), Some(event)).await;
    Ok(())
}

async fn changes(
    inner: &Arc<Inner>,
    rules: &Arc<Rules>,
    (before, after): (&CommitId, &CommitId),
    target: Target,
) -> Result<Option<Touched>, Trouble> {
    let was = facts::files(inner, rules, before, &target).await?;
    let is = facts::files(inner, rules, after, &target).await?;
    if changed_files(&was, &is).is_empty() {
        return Ok(None);
    }
    let fields = changed_fields(rules, &target, (&was, &is));
    Ok(Some(Touched { target, fields }))
}

/// Whether a request of ours did just this: its trailer alone could be anybody's.
async fn is_ours(inner: &Arc<Inner>, commit: &CommitSummary, touched: &[Touched]) -> bool {
    let marked = commit.trailers.iter().filter(|(name, _)| name == REQUEST_TRAILER);
    let marked: Vec<RequestId> = marked.filter_map(|(_, id)| RequestId::parse(id).ok()).collect();
    let book = inner.book.lock().await;
    let fits = |id: &RequestId, one: &Touched| {
        let Some(request) = book.get(id) else { return false };
        let lines = request.course().map(|course| course.plan.lines.as_slice()).unwrap_or_default();
        request.opened.target == one.target && one.fields.iter().all(|field| lines.contains(field))
    };
    // Merged by hand with a message of their own, a change of ours is known by its pull request soon.
    let open = book.iter().filter(|request| request.course().is_some_and(|course| course.pull_request.is_some()));
    let ids: Vec<RequestId> = if marked.is_empty() { open.map(|request| request.id.clone()).collect() } else { marked };
    touched.iter().all(|one| !one.fields.is_empty() && ids.iter().any(|id| fits(id, one)))
}

/// The paths that differ.
pub(super) fn changed_files<'f>(before: &'f [SourceFile], after: &'f [SourceFile]) -> Vec<&'f RepoPath> {
    let same = |one: &SourceFile, others: &[SourceFile]| {
        others.iter().any(|other| other.path == one.path && other.text == one.text)
    };
    let new = after.iter().filter(|file| !same(file, before)).map(|file| &file.path);
    let gone = before.iter().filter(|file| after.iter().all(|other| other.path != file.path)).map(|file| &file.path);
    new.chain(gone).collect()
}

/// The fields of a target that differ between two states of its files, as far as their places are found.
pub(super) fn changed_fields(
    rules: &Rules,
    target: &Target,
    (before, after): (&[SourceFile], &[SourceFile]),
) -> Vec<Line> {
    let pinned = rules.catalog.service(&target.service).map(|service| service.bindings.keys().cloned());
    let fields: BTreeSet<Field> = FIELDS.into_iter().chain(pinned.into_iter().flatten()).collect();
    let value = |field: &Field, files: &[SourceFile]| {
        let binding = change::locate(field, &facts::locator(rules, target, field), files).ok()?;
        let file = files.iter().find(|file| file.path == binding.file)?;
        change::value_at(&binding, &file.text).ok().flatten()
    };
    let line = |field: Field| {
        let (old, new) = (value(&field, before), value(&field, after));
        (old != new).then(|| Line { field, old, new: new.unwrap_or_else(|| NOT_SET.to_owned()) })
    };
    fields.into_iter().filter_map(line).collect()
}
