//! Which requests' commits a branch holds, remembered from one look to the next: a new tip costs a walk over what is
//! new, however many commits the last hours brought.

use std::collections::HashMap;

use git2::{Oid, Repository, Sort};
use jiff::{SignedDuration, Timestamp};

use super::{
    error::GitError,
    history::{self, Sought},
};
use crate::core::names::RequestId;

/// How far clocks may differ between us and whoever else commits.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_hours(1);

/// How many commits in a row must be too old before a walk ends: one commit with a wrong clock must not end it.
const OLD_IN_A_ROW: usize = 100;

/// From how many marks on they are looked for anew, which leaves the old ones out.
const HIGHEST: usize = 5000;

/// The marks that are at or below a tip, on commits not older than a time.
#[derive(Debug, Default)]
pub(super) struct Marks {
    looked_at: Option<(Oid, Timestamp)>,
    found: HashMap<RequestId, Oid>,
}

impl Marks {
    /// The newest commit of each request that is at or below `tip`.
    pub(super) fn find(
        &mut self,
        repository: &Repository,
        tip: Oid,
        sought: &[Sought<'_>],
    ) -> Result<HashMap<RequestId, Oid>, GitError> {
        let since = sought.iter().map(|(_, since)| *since).min().unwrap_or(Timestamp::MAX);
        let oldest = since.checked_sub(CLOCKS_DIFFER).unwrap_or(Timestamp::MIN);
        let before = self.looked_at.filter(|(_, reached)| *reached <= oldest && self.found.len() < HIGHEST);
        match before {
            Some((known, _)) if known == tip => {}
            Some((known, reached)) if repository.graph_descendant_of(tip, known) == Ok(true) => {
                self.look(repository, (Some(known), tip), reached)?;
            }
            // Another branch, one that was rewritten, or further back than was looked at.
            Some(_) | None => {
                self.found.clear();
                self.look(repository, (None, tip), oldest)?;
            }
        }
        let of = |(request, _): &Sought<'_>| Some(((*request).clone(), *self.found.get(*request)?));
        Ok(sought.iter().filter_map(of).collect())
    }

    /// Looks at what is below `tip` and not below what is known; what fails leaves nothing half-known.
    fn look(
        &mut self,
        repository: &Repository,
        (known, tip): (Option<Oid>, Oid),
        oldest: Timestamp,
    ) -> Result<(), GitError> {
        self.looked_at = None;
        let mut walk = repository.revwalk()?;
        walk.set_sorting(Sort::TIME)?;
        walk.push(tip)?;
        if let Some(known) = known {
            walk.hide(known)?;
        }
        let (mut old, mut found) = (0, HashMap::new());
        for id in walk {
            let commit = repository.find_commit(id?)?;
            old = if history::time_of(&commit) < oldest { old + 1 } else { 0 };
            if old > OLD_IN_A_ROW {
                break;
            }
            if let Some(mark) = history::mark_of(&commit) {
                found.entry(mark).or_insert(commit.id());
            }
        }
        self.found.extend(found);
        self.looked_at = Some((tip, oldest));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use git2::{Signature, Time};

    use super::*;

    const HOUR: i64 = 3600;

    struct Branch {
        folder: tempfile::TempDir,
        now: i64,
    }

    impl Branch {
        fn repository(&self) -> Repository {
            Repository::open_bare(self.folder.path()).unwrap()
        }

        /// Commits on a parent, with a request's mark where there is one.
        fn commit(&self, parent: Option<Oid>, at: i64, marked: Option<&RequestId>) -> Oid {
            let repository = self.repository();
            let who = Signature::new("Ana", "ana@example.com", &Time::new(at, 0)).unwrap();
            let tree = repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
            let parent = parent.map(|id| repository.find_commit(id).unwrap());
            let mark = marked.map(|id| format!("\n\n{}: {id}\n", history::REQUEST_TRAILER)).unwrap_or_default();
            let parents: Vec<_> = parent.iter().collect();
            repository.commit(None, &who, &who, &format!("change at {at}{mark}"), &tree, &parents).unwrap()
        }

        fn find(&self, marks: &mut Marks, tip: Oid, request: &RequestId, opened: i64) -> Option<Oid> {
            let opened = Timestamp::from_second(opened).unwrap();
            marks.find(&self.repository(), tip, &[(request, opened)]).unwrap().remove(request)
        }
    }

    fn branch() -> Branch {
        let folder = tempfile::tempdir().unwrap();
        Repository::init_bare(folder.path()).unwrap();
        Branch { folder, now: 1_700_000_000 }
    }

    fn request(last: char) -> RequestId {
        RequestId::parse(&format!("01JD2Z6V8Q3K5N7P9R1T3W5Y7{last}")).unwrap()
    }

    #[test]
    fn a_mark_is_found_on_every_tip_that_holds_it_and_on_no_other() {
        let (branch, mut marks) = (branch(), Marks::default());
        let (ours, now) = (request('A'), branch.now);
        let first = branch.commit(None, now - 2, None);
        let marked = branch.commit(Some(first), now - 1, Some(&ours));
        let later = branch.commit(Some(marked), now, None);
        // A branch that was rewritten beneath it, newer by the clock.
        let rewritten = branch.commit(Some(first), now + 1, None);
        for (tip, there) in [
            (first, None),
            (marked, Some(marked)),
            (later, Some(marked)),
            (rewritten, None),
            (later, Some(marked)),
            (first, None),
        ] {
            assert_eq!(branch.find(&mut marks, tip, &ours, now), there);
            assert_eq!(branch.find(&mut marks, tip, &request('B'), now), None);
        }
    }

    #[test]
    fn who_was_asked_for_earlier_is_looked_for_further_back() {
        let (branch, mut marks) = (branch(), Marks::default());
        let (old, new, now) = (request('A'), request('B'), branch.now);
        let far = branch.commit(None, now - 48 * HOUR, Some(&old));
        let tip = (0..150).fold(far, |parent, place| branch.commit(Some(parent), now - 47 * HOUR + place, None));
        let tip = branch.commit(Some(tip), now, Some(&new));
        assert_eq!(branch.find(&mut marks, tip, &new, now), Some(tip));
        assert_eq!(branch.find(&mut marks, tip, &old, now), None, "older than an hour before it was asked for");
        assert_eq!(branch.find(&mut marks, tip, &old, now - 48 * HOUR), Some(far));
    }

    #[test]
    fn the_newest_of_two_commits_of_one_request_counts() {
        let (branch, mut marks) = (branch(), Marks::default());
        let (ours, now) = (request('A'), branch.now);
        let first = branch.commit(None, now - 2, Some(&ours));
        assert_eq!(branch.find(&mut marks, first, &ours, now), Some(first));
        let second = branch.commit(Some(first), now - 1, Some(&ours));
        assert_eq!(branch.find(&mut marks, second, &ours, now), Some(second));
    }
}
