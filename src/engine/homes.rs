//! Which repository is meant: a target's by the catalog, a request's by what was planned for it. A request stays with
//! the repository that it was planned in; where its environment has moved to another, it ends and says so.

use std::sync::Arc;

use super::{
    Inner, Reach, Repository,
    effects::{Trouble, report},
};
use crate::{
    core::{
        decide::Outcome,
        names::{CommitId, ConnectionName, Target},
        request::{Course, Ending, Request},
        rules::Rules,
    },
    forge::GitHub,
};

impl Reach {
    /// All repositories, the one with the catalog first.
    pub fn repositories(&self) -> impl Iterator<Item = &Repository> {
        std::iter::once(&self.repository).chain(self.others.values())
    }

    fn called(&self, name: &ConnectionName) -> Option<&Repository> {
        if self.repository.name == *name { Some(&self.repository) } else { self.others.get(name) }
    }
}

impl Inner {
    /// Where a target is, by the catalog.
    pub(super) fn home(&self, rules: &Rules, target: &Target) -> Result<&Repository, Trouble> {
        match rules.other_repository(&target.environment) {
            None => Ok(&self.reach.repository),
            Some(other) => self.reach.others.get(other).ok_or_else(|| not_connected(other)),
        }
    }

    /// Where a target is, and the commit that it is read at.
    pub(super) fn home_at<'r>(
        &self,
        rules: &'r Rules,
        target: &Target,
    ) -> Result<(&Repository, &'r CommitId), Trouble> {
        let home = self.home(rules, target)?;
        let commit = rules.commit_of(target);
        commit.map(|commit| (home, commit)).ok_or_else(|| not_read(&home.name))
    }

    /// The repository of what was planned.
    pub(super) fn home_by(&self, course: &Course) -> Option<&Repository> {
        self.reach.called(&course.plan.edits.first()?.repository)
    }

    /// The repository that a request changes: the one that it was planned in. One that was renamed in the configuration
    /// is found by the catalog, as long as there is no pull request, whose number would be another's there.
    pub(super) fn home_of(&self, request: &Request) -> Result<&Repository, Trouble> {
        let course = request.course();
        if let Some(home) = course.and_then(|course| self.home_by(course)) {
            return Ok(home);
        }
        let planned = course.and_then(|course| Some((&course.plan.edits.first()?.repository, &course.pull_request)));
        match (planned, self.rules()) {
            (Some((name, Some(_))), _) => Err(not_connected(name)),
            (_, Some(rules)) => self.home(&rules, &request.opened.target),
            (_, None) => Err(Trouble::Other("the rules are not read yet.".to_owned())),
        }
    }

    /// The forge of a request's pull request, where there is one.
    pub(super) fn forge_of(&self, request: &Request) -> Option<&GitHub> {
        self.home_of(request).ok()?.forge.as_ref()
    }
}

fn not_connected(name: &ConnectionName) -> Trouble {
    Trouble::Other(format!("`leverframe.yaml` has no repository `{name}`; add it under `repositories`."))
}

fn not_read(name: &ConnectionName) -> Trouble {
    Trouble::Other(format!("the repository `{name}` was not read yet."))
}

/// Whether the request's environment is in another repository by now than the one it was planned in. Then it is over:
/// what people approved is a change of files that nothing follows any more.
pub(super) async fn moved_away(inner: &Arc<Inner>, request: &Request, rules: &Rules) -> Result<bool, Trouble> {
    let (was, is) = (inner.home_of(request)?, inner.home(rules, &request.opened.target)?);
    if was.name == is.name {
        return Ok(false);
    }
    let why = format!(
        "`{}` is now in the repository `{}`; this was planned in `{}`.",
        request.opened.target.environment, is.name, was.name
    );
    let ending = Ending::Failed { why, remedy: "Ask again.".to_owned() };
    report(inner, request, Outcome::Ended(ending)).await;
    Ok(true)
}
