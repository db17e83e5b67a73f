//! Commits of the tracked branch that came past us: noticed when the branch moves, and recorded with who, which targets
//! and which fields changed from what to what. Where we looked last is remembered across restarts.

use std::{collections::BTreeSet, sync::Arc};

use super::{Inner, Repository, effects, effects::Trouble, facts, rewritten, rules};
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
    if !repository.mirror.is_ancestor(last, tip).await? {
        rewritten::look(inner, rules, repository, (last, tip)).await?;
    }
    let mut before = last.clone();
    for commit in repository.mirror.since(last, tip, DEEPEST).await? {
        let known = inner.book.lock().await.iter().any(|request| request.commit() == Some(&commit.id));
        if !known {
            examine(inner, rules, repository, (&before, &commit)).await?;
        }
        before = commit.id;
    }
    Ok(())
}

/// The targets that a change of these files may concern: those whose directory holds one of them. What lies outside all
/// of them may be what others build on, so that all below the same folder are looked at.
fn concerned(rules: &Rules, targets: &[Target], changed: &[RepoPath]) -> BTreeSet<Target> {
    let first = |path: &RepoPath| path.as_str().split('/').next().unwrap_or_default().to_owned();
    let within = |path: &RepoPath, target: &Target| rules.place_of(target).is_some_and(|place| path.is_within(&place));
    let mut found = BTreeSet::new();
    let mut folders = BTreeSet::new();
    for path in changed {
        let owners: Vec<Target> = targets.iter().filter(|target| within(path, target)).cloned().collect();
        if owners.is_empty() {
            folders.insert(first(path));
        }
        found.extend(owners);
    }
    let below = |target: &&Target| rules.place_of(target).is_some_and(|place| folders.contains(&first(&place)));
    found.extend(targets.iter().filter(below).cloned());
    found
}

fn targets_in(inner: &Arc<Inner>, rules: &Rules, repository: &Repository) -> Vec<Target> {
    let here = |target: &Target| inner.home(rules, target).is_ok_and(|home| home.name == repository.name);
    targets(rules).into_iter().filter(here).collect()
}

pub(super) fn targets(rules: &Rules) -> Vec<Target> {
    let of = |(service, places): (&crate::core::names::Service, &BTreeSet<crate::core::names::Environment>)| {
        places.iter().map(|place| Target { service: service.clone(), environment: place.clone() }).collect::<Vec<_>>()
    };
    rules.services.iter().flat_map(of).collect()
}

/// Records a commit, unless a request of ours says exactly what it did.
async fn examine(
    inner: &Arc<Inner>,
    rules: &Arc<Rules>,
    repository: &Repository,
    (before, commit): (&CommitId, &CommitSummary),
) -> Result<(), Trouble> {
    let mut touched = touched(inner, rules, repository, (before, &commit.id)).await?;
    if touched.is_empty() || is_ours(inner, commit, &touched).await {
        return Ok(());
    }
    let authored = match &repository.forge {
        Some(forge) => forge.commit(&commit.id).await.ok(),
        None => None,
    };
    for line in touched.iter_mut().flat_map(|touched| &mut touched.fields) {
        if rules.catalog.is_sensitive(&line.field) {
            (line.old, line.new) = (None, "(hidden)".to_owned());
        }
    }
    let login = authored.and_then(|authored| authored.login);
    let undone = undone(inner, &touched).await;
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
    if !undone.is_empty() {
        let (commit, branch) = (format!("`{}` of {}", commit.id.short(), commit.author), &repository.branch);
        rules::announce(
            inner,
            None,
            format!("{commit} came to `{branch}` past me and takes back {}.", undone.join("; ")),
        );
    }
    Ok(())
}

/// What a commit takes back that requests of ours had changed, in words.
async fn undone(inner: &Arc<Inner>, touched: &[Touched]) -> Vec<String> {
    let book = inner.book.lock().await;
    let lines = touched.iter().flat_map(|one| one.fields.iter().map(move |line| (&one.target, line)));
    let words = |(target, line): (&Target, &Line)| {
        let theirs = book.iter().rev().filter(|request| request.changed(target));
        let (request, ours) = theirs.into_iter().find_map(|request| {
            let lines = request.lines_of(&target.service);
            Some((request, lines.iter().find(|ours| ours.field == line.field)?))
        })?;
        let before = ours.old.as_deref().unwrap_or(change::NOT_SET);
        let is_back = line.old.as_ref() == Some(&ours.new) && line.new == before;
        is_back.then(|| format!("`{}`: `{}` of {target} is `{}` again", request.opened.title, line.field, line.new))
    };
    lines.filter_map(words).collect()
}

/// What differs between two commits, target by target.
pub(super) async fn touched(
    inner: &Arc<Inner>,
    rules: &Arc<Rules>,
    repository: &Repository,
    (from, to): (&CommitId, &CommitId),
) -> Result<Vec<Touched>, Trouble> {
    let changed = repository.mirror.changed(from, to).await?;
    let mut touched = Vec::new();
    for target in concerned(rules, &targets_in(inner, rules, repository), &changed) {
        touched.extend(changes(inner, rules, (from, to), target).await?);
    }
    Ok(touched)
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
    let mut fields = changed_fields(rules, &target, (&was, &is));
    // What requests of ours say they change is looked for too, whatever kind of field it is.
    let said = said(inner, &target).await;
    let more = said.into_iter().filter(|field| fields.iter().all(|found| found.field != *field));
    let more: Vec<Line> = more.filter_map(|field| differs(rules, &target, &field, (&was, &is))).collect();
    fields.extend(more);
    fields.sort_by(|one, other| one.field.cmp(&other.field));
    Ok(Some(Touched { target, fields }))
}

/// The fields that requests on a target change that are not over.
async fn said(inner: &Arc<Inner>, target: &Target) -> BTreeSet<Field> {
    let book = inner.book.lock().await;
    let theirs = book.iter().filter(|request| request.opened.is_about(target) && !request.is_over());
    let lines = theirs.flat_map(|request| request.lines_of(&target.service));
    lines.map(|line| line.field.clone()).collect()
}

/// Whether a request of ours did just this: its trailer alone could be anybody's.
async fn is_ours(inner: &Arc<Inner>, commit: &CommitSummary, touched: &[Touched]) -> bool {
    let marked = commit.trailers.iter().filter(|(name, _)| name == REQUEST_TRAILER);
    let marked: Vec<RequestId> = marked.filter_map(|(_, id)| RequestId::parse(id).ok()).collect();
    let book = inner.book.lock().await;
    let fits = |id: &RequestId, one: &Touched| {
        let Some(request) = book.get(id) else { return false };
        let plan = request.course().and_then(|course| course.plan.of(&one.target.service));
        let lines = plan.map(|plan| plan.lines.as_slice()).unwrap_or_default();
        let is_beside = plan.is_some_and(|plan| !plan.exact.is_empty());
        let is_said = one.fields.iter().all(|field| lines.contains(field)) && (is_beside || !one.fields.is_empty());
        request.opened.is_about(&one.target) && is_said
    };
    // Merged by hand with a message of their own, a change of ours is known by its pull request soon.
    let open = book.iter().filter(|request| request.course().is_some_and(|course| course.pull_request.is_some()));
    let ids: Vec<RequestId> = if marked.is_empty() { open.map(|request| request.id.clone()).collect() } else { marked };
    touched.iter().all(|one| ids.iter().any(|id| fits(id, one)))
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
    let text = |path: &RepoPath, files: &[SourceFile]| {
        files.iter().find(|file| file.path == *path).map(|file| file.text.clone()).unwrap_or_default()
    };
    let changed = changed_files(before, after);
    let named = changed.into_iter().flat_map(|path| change::changed_keys(&text(path, before), &text(path, after)));
    let fields: BTreeSet<Field> = FIELDS.into_iter().chain(pinned.into_iter().flatten()).chain(named).collect();
    fields.into_iter().filter_map(|field| differs(rules, target, &field, (before, after))).collect()
}

/// What a field was and is, where that differs and its place is found.
fn differs(
    rules: &Rules,
    target: &Target,
    field: &Field,
    (before, after): (&[SourceFile], &[SourceFile]),
) -> Option<Line> {
    let value = |files: &[SourceFile]| {
        let binding = change::locate(field, &facts::locator(rules, target, field), files).ok()?;
        let file = files.iter().find(|file| file.path == binding.file)?;
        change::value_at(&binding, &file.text).ok().flatten()
    };
    let (old, new) = (value(before), value(after));
    let new_or_none = new.clone().unwrap_or_else(|| change::NOT_SET.to_owned());
    (old != new).then(|| Line { field: field.clone(), old, new: new_or_none })
}
