//! The reconciler's part in following a change: it is asked to look once, judged at each look, and told to sync where
//! that is left to people and the approved change is all that a sync would bring.

use std::{collections::BTreeMap, sync::Arc};

use super::{Inner, Place, Request};
use crate::{
    clock,
    cluster::{ClusterError, Order, Reconciler},
    core::{
        decide::Step,
        names::CommitId,
        reconciler::{Ancestry, Seen, Sight, Verdict, Want, commit_of},
    },
    engine::{Repository, effects::may},
    git::GitError,
};

/// How many looks lie between two fetches for a revision that is not here.
const FETCH_EVERY: u32 = 10;
/// For how many looks what is shown must be old before it is asked for again, once.
const OLD_LOOKS: u32 = 6;

/// The reconciler of a target, and what was learnt of it.
pub(in crate::engine) struct Reconciled {
    reconciler: Box<dyn Reconciler>,
    /// Whether it was asked to look.
    is_kicked: bool,
    /// How many looks what it shows was old.
    old: u32,
    /// How many looks until an unknown revision is fetched for again.
    until_fetch: u32,
    /// What was found of revisions. Those that are known stay as they are.
    ancestry: BTreeMap<String, Ancestry>,
}

impl Reconciled {
    pub(in crate::engine) fn new(reconciler: Box<dyn Reconciler>) -> Self {
        Self { reconciler, is_kicked: false, old: 0, until_fetch: 0, ancestry: BTreeMap::new() }
    }

    /// One look; what cannot be asked is a verdict like any other.
    pub(super) async fn look(&mut self, inner: &Arc<Inner>, request: &Request, place: &Place<'_>) -> Verdict {
        self.kick().await;
        let seen = match self.reconciler.read().await {
            Ok(seen) => seen,
            Err(error) => return Verdict::CannotSee(format!("its reconciler cannot be seen ({error})")),
        };
        let home = match inner.home_of(request) {
            Ok(home) => home,
            Err(trouble) => return Verdict::CannotSee(format!("its commits cannot be looked up ({trouble})")),
        };
        self.learn(home, place.commit, &seen).await;
        let sight = Sight {
            commit: place.commit,
            branch: &home.branch,
            repository: &home.url,
            ancestry: &self.ancestry,
            namespace: &place.namespace,
            name: place.name,
        };
        let (verdict, wants) = (seen.verdict(&sight), seen.wants(&sight));
        self.answer(inner, request, (place, seen.version(), wants)).await;
        verdict
    }

    /// How far it is with a commit. It is told nothing.
    pub(in crate::engine) async fn judge(
        &mut self,
        home: &Repository,
        commit: &CommitId,
        (namespace, name): (&str, &str),
    ) -> Result<Verdict, ClusterError> {
        let seen = self.reconciler.read().await?;
        self.learn(home, commit, &seen).await;
        let (branch, repository, ancestry) = (home.branch.as_str(), home.url.as_str(), &self.ancestry);
        Ok(seen.verdict(&Sight { commit, branch, repository, ancestry, namespace, name }))
    }

    /// Asks it once to look at the repository now. Where that is refused it looks when its time comes.
    async fn kick(&mut self) {
        if self.is_kicked {
            return;
        }
        let mark = clock::now().to_string();
        let told = self.reconciler.tell(Order::Refresh { mark: &mark }).await;
        self.is_kicked = match &told {
            Ok(()) => true,
            Err(error) => !error.is_passing(),
        };
        complain(told, "a reconciler could not be asked to look");
    }

    /// Does what the verdict calls for.
    async fn answer(
        &mut self,
        inner: &Arc<Inner>,
        request: &Request,
        (place, version, wants): (&Place<'_>, &str, Want),
    ) {
        self.old += u32::from(wants == Want::Look);
        match wants {
            Want::Look if self.old == OLD_LOOKS => {
                let mark = clock::now().to_string();
                let told = self.reconciler.tell(Order::LookAgain { mark: &mark }).await;
                complain(told, "a reconciler could not be asked to look again");
            }
            Want::Sync if may(inner, request, sync(request, place)).await => {
                let told =
                    self.reconciler.tell(Order::Sync { commit: place.commit, request: &request.id, version }).await;
                complain(told, "a sync could not be started");
            }
            Want::Nothing | Want::Look | Want::Sync => {}
        }
    }

    /// Finds out whether what it shows contains the commit, with one fetch now and then for what is not here.
    async fn learn(&mut self, home: &Repository, commit: &CommitId, seen: &Seen) {
        self.until_fetch = self.until_fetch.saturating_sub(1);
        for revision in seen.revisions() {
            if self.ancestry.get(revision).is_some_and(|known| *known != Ancestry::Unknown) {
                continue;
            }
            let mut found = ancestry(home, commit, revision).await;
            if found == Ancestry::Unknown && self.until_fetch == 0 {
                self.until_fetch = FETCH_EVERY;
                if home.mirror.fetch().await.is_ok() {
                    found = ancestry(home, commit, revision).await;
                }
            }
            self.ancestry.insert(revision.to_owned(), found);
        }
    }
}

fn sync(request: &Request, place: &Place<'_>) -> Step {
    let service = place.apart.unwrap_or(&request.opened.target.service);
    Step::Sync { commit: place.commit.clone(), service: service.clone() }
}

async fn ancestry(home: &Repository, commit: &CommitId, revision: &str) -> Ancestry {
    let Some(of) = commit_of(revision) else { return Ancestry::Unknown };
    match home.mirror.is_ancestor(commit, &of).await {
        Ok(true) => Ancestry::Contains,
        Ok(false) => Ancestry::Behind,
        Err(GitError::UnknownCommit(_)) => Ancestry::Unknown,
        Err(error) => {
            tracing::info!(%error, "whether a revision contains a commit could not be looked up");
            Ancestry::Unknown
        }
    }
}

fn complain(told: Result<(), ClusterError>, what: &'static str) {
    if let Err(error) = told {
        tracing::warn!(%error, remedy = error.remedy(), "{what}");
    }
}
