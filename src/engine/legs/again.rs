//! The change of one target planned once more, on files that may have moved since: the newest commit, or a tree at hand.

use std::sync::Arc;

use super::super::{Inner, effects::Trouble, facts};
use crate::{
    core::{
        change::{self, Beside, Exact, How, Plan, PlanRefusal, Planned, Side, SourceFile, Then, Wanted},
        names::{CommandName, CommitId, ConnectionName, RepoPath, Target},
        rules::Rules,
    },
    git::Tree,
};

/// The same change planned again on other files: what fields describe is looked for anew, exact places must hold what
/// they held. What an automation is held off by is not worth stopping for: where its place is another, it is left out.
fn plan_on(
    repository: &ConnectionName,
    (rules, (command, target), plan): (&Rules, (&CommandName, &Target), &Plan),
    base: &CommitId,
    (files, beside, then): (&[SourceFile], &[Beside], &Then),
) -> Result<Planned, PlanRefusal> {
    let set = plan.lines.iter().map(|line| (line.field.clone(), facts::value_of(&line.field, &line.new))).collect();
    let mut planned = if plan.exact.is_empty() {
        facts::plan_set(repository, rules, (command, target, base), &set, (files, beside))?
    } else {
        let fields = match plan.field_edits() {
            [] => None,
            _ => Some(facts::plan_set(repository, rules, (command, target, base), &set, (files, beside))?),
        };
        let text = |path: &RepoPath| files.iter().find(|file| file.path == *path).map(|file| file.text.as_str());
        let stands = |one: &&Exact| fields.is_none() || one.stands(text(&one.edit.path), Side::Old);
        let exact: Vec<Exact> = plan.exact.iter().filter(stands).cloned().collect();
        let wanted = Wanted { repository, command, target, set: &set, base, policy: rules.policy.hash() };
        let is_exact = fields.is_none();
        let mut planned = change::exactly(&wanted, fields, &exact, (files, then))?;
        if is_exact {
            planned.plan.lines.clone_from(&plan.lines);
        }
        change::spared(&planned, beside, &|other, field| facts::locator(rules, other, field))?;
        planned
    };
    planned.plan.aside.clone_from(&plan.aside);
    Ok(planned)
}

/// What templates gave when it was planned: that is what people approve.
fn rendered(plan: &Plan) -> Then {
    let all = plan.aside.iter().flat_map(|aside| &aside.rendered);
    all.map(|file| (file.path.clone(), Some(file.text.clone()))).collect()
}

/// Plans the same edit of one target again, on the newest commit.
pub(super) async fn plan_again(
    inner: &Arc<Inner>,
    rules: &Rules,
    about: (&CommandName, &Target),
    plan: &Plan,
) -> Result<Result<Planned, PlanRefusal>, Trouble> {
    let (_, target) = about;
    let (home, base) = inner.home_at(rules, target)?;
    let (mut files, mut then) = (facts::files(inner, rules, base, target).await?, rendered(plan));
    let beside = facts::beside(inner, rules, base, target).await?;
    for one in &plan.exact {
        let path = &one.edit.path;
        if files.iter().all(|file| file.path != *path) {
            files.extend(home.mirror.file(base, path).await?);
        }
        if let How::File { as_in } = &one.how {
            then.insert(path.clone(), home.mirror.file(as_in, path).await?.map(|file| file.text));
        }
    }
    Ok(plan_on(&home.name, (rules, about, plan), base, (&files, &beside, &then)))
}

/// Plans the same edit of one target again, on a tree at hand.
pub(super) fn plan_on_tree(
    repository: &ConnectionName,
    rules: &Rules,
    about: (&CommandName, &Target),
    plan: &Plan,
    tree: &Tree<'_>,
) -> Result<Planned, PlanRefusal> {
    let (_, target) = about;
    let place = rules.place_of(target);
    let mut files = place.and_then(|place| tree.target(&place).ok()).unwrap_or_default();
    let mut then = rendered(plan);
    for one in &plan.exact {
        let path = &one.edit.path;
        if files.iter().all(|file| file.path != *path) {
            files.extend(tree.file(path).ok().flatten());
        }
        if let How::File { as_in } = &one.how {
            then.insert(path.clone(), tree.file_in(as_in, path).ok().flatten().map(|file| file.text));
        }
    }
    let read =
        |(other, place): (&Target, &RepoPath)| Some(Beside { target: other.clone(), files: tree.target(place).ok()? });
    let beside: Vec<Beside> = rules.beside(target).into_iter().filter_map(read).collect();
    plan_on(repository, (rules, about, plan), tree.commit(), (&files, &beside, &then))
}
