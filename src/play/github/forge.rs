//! The pull requests of one repository: what GitHub remembers of them and what can be done to them.
//! What the branches say is read from the bare repository each time, so that pushes show at once.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use super::pull::{PullRequest, Review, State, Verdict};
use super::{
    accounts::Account,
    extras::Extras,
    merge::{self, Merged, Merging, Method},
};
use crate::{
    clock,
    play::{
        error::PlayError,
        pulse::Pulse,
        repository::{CommitShown, DemoRepository, diff_of, shown},
    },
};
use git2::{Oid, Repository};

/// Why something was refused, with GitHub's status and words.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// `message`.
    pub message: String,
    /// `errors`: resource, field (or nothing), code, message (or nothing).
    pub errors: Vec<serde_json::Value>,
}

/// Refused by GitHub, or broken here.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// GitHub says no.
    #[error("{}", .0.message)]
    Refused(Refused),
    /// The repository cannot be read.
    #[error(transparent)]
    Broken(#[from] PlayError),
}

impl From<git2::Error> for ForgeError {
    fn from(error: git2::Error) -> Self {
        Self::Broken(error.into())
    }
}

/// A new pull request.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) title: String,
    pub(super) body: String,
    pub(super) head: String,
    pub(super) base: String,
}

/// How to merge.
#[derive(Debug, Clone, Default)]
pub(super) struct MergeWish {
    pub(super) sha: Option<String>,
    pub(super) title: Option<String>,
    pub(super) message: Option<String>,
    pub(super) method: Option<Method>,
}

/// What the branches say of a pull request.
pub(super) struct Compared {
    pub(super) commits: Vec<CommitShown>,
    pub(super) diff: String,
    /// None while it is not open.
    pub(super) clean: Option<bool>,
}

pub(super) struct Forge {
    pub(super) repository: DemoRepository,
    pub(super) owner: String,
    pub(super) pulse: Pulse,
    pub(super) extras: Extras,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    pulls: Vec<PullRequest>,
    reviews: u64,
    wanted_reviews: usize,
}

impl Forge {
    pub(super) fn new(repository: DemoRepository, owner: String, pulse: Pulse) -> Self {
        Self { repository, owner, pulse, extras: Extras::default(), kept: Mutex::default() }
    }

    /// Every pull request, newest first, as the branches stand now.
    pub(super) fn pulls(&self) -> Result<Vec<PullRequest>, ForgeError> {
        let mut kept = self.kept();
        let repository = self.repository.repository()?;
        for pull in &mut kept.pulls {
            refresh(&repository, pull)?;
        }
        Ok(kept.pulls.iter().rev().cloned().collect())
    }

    pub(super) fn pull(&self, number: u64) -> Result<PullRequest, ForgeError> {
        self.change(number, |_, _| Ok(()))
    }

    pub(super) fn require_reviews(&self, count: usize) {
        self.kept().wanted_reviews = count;
    }

    pub(super) fn wanted_reviews(&self) -> usize {
        self.kept().wanted_reviews
    }

    pub(super) fn open(&self, author: Account, opening: Opening) -> Result<PullRequest, ForgeError> {
        let repository = self.repository.repository()?;
        let head = opening.head.strip_prefix(&format!("{}:", self.owner)).unwrap_or(&opening.head).to_owned();
        let head_sha = branch(&repository, &head).ok_or_else(|| invalid("head"))?;
        let base_sha = branch(&repository, &opening.base).ok_or_else(|| invalid("base"))?;
        let mut kept = self.kept();
        for pull in &mut kept.pulls {
            refresh(&repository, pull)?;
        }
        if kept.pulls.iter().any(|pull| pull.state == State::Open && pull.head == head && pull.base == opening.base) {
            return Err(custom(&format!("A pull request already exists for {}:{head}.", self.owner)));
        }
        if head_sha == base_sha || repository.graph_descendant_of(base_sha, head_sha)? {
            return Err(custom(&format!("No commits between {} and {head}", opening.base)));
        }
        let (number, now) = (kept.pulls.len() as u64 + 1, clock::now());
        let pull = PullRequest {
            number,
            title: opening.title,
            body: opening.body,
            author,
            head,
            head_sha: head_sha.to_string(),
            base: opening.base,
            base_sha: base_sha.to_string(),
            state: State::Open,
            opened: now,
            updated: now,
            reviews: Vec::new(),
        };
        kept.pulls.push(pull.clone());
        self.pulse.beat();
        Ok(pull)
    }

    pub(super) fn edit(
        &self,
        number: u64,
        title: Option<String>,
        body: Option<String>,
        close: Option<Close>,
    ) -> Result<PullRequest, ForgeError> {
        self.change(number, |pull, repository| {
            if let Some(title) = title {
                pull.title = title;
            }
            if let Some(body) = body {
                pull.body = body;
            }
            match (close, &pull.state) {
                (Some(Close::Yes), State::Open) => pull.state = State::Closed { at: clock::now() },
                (Some(Close::No), State::Closed { .. }) => {
                    branch(repository, &pull.head).ok_or_else(|| custom("state cannot be changed."))?;
                    pull.state = State::Open;
                }
                (Some(Close::Yes | Close::No) | None, State::Open | State::Closed { .. } | State::Merged { .. }) => {}
            }
            pull.updated = clock::now();
            Ok(())
        })
    }

    pub(super) fn review(
        &self,
        number: u64,
        by: Account,
        verdict: Verdict,
        body: &str,
    ) -> Result<(PullRequest, Review), ForgeError> {
        let mut kept = self.kept();
        kept.reviews += 1;
        let id = kept.reviews;
        drop(kept);
        let pull = self.change(number, |pull, _| {
            if pull.author == by && verdict != Verdict::Comment {
                let what = if verdict == Verdict::Approve { "approve" } else { "request changes on" };
                return Err(custom(&format!("Can not {what} your own pull request")));
            }
            let (commit, at) = (pull.head_sha.clone(), clock::now());
            pull.reviews.push(Review { id, by, verdict, body: body.to_owned(), commit, at });
            pull.updated = at;
            Ok(())
        })?;
        let review = pull.reviews.iter().find(|review| review.id == id).cloned();
        review.map(|review| (pull, review)).ok_or_else(|| plain(404, "Not Found"))
    }

    /// Somebody takes the weight off a review.
    pub(super) fn dismiss(&self, number: u64, id: u64) -> Result<PullRequest, ForgeError> {
        self.change(number, |pull, _| {
            let review = pull.reviews.iter_mut().find(|review| review.id == id);
            let review = review.ok_or_else(|| plain(404, "Not Found"))?;
            review.verdict = Verdict::Dismissed;
            Ok(())
        })
    }

    pub(super) fn merge(&self, number: u64, by: Account, wish: &MergeWish) -> Result<PullRequest, ForgeError> {
        let (owner, wanted) = (self.owner.clone(), self.kept().wanted_reviews);
        self.change(number, |pull, repository| {
            if pull.state != State::Open {
                return Err(plain(405, "Pull Request is not mergeable"));
            }
            if wish.sha.as_ref().is_some_and(|sha| *sha != pull.head_sha) {
                return Err(plain(409, "Head branch was modified. Review and try the merge again."));
            }
            if let Some(words) = self.extras.kept().in_the_way(&pull.head_sha) {
                return Err(plain(405, &words));
            }
            if approvals(pull) < wanted {
                let words = format!("At least {wanted} approving review is required by reviewers with write access.");
                return Err(plain(405, &words));
            }
            let at = clock::now();
            let method = wish.method.unwrap_or(Method::Merge);
            let merging = Merging {
                repository,
                base: format!("refs/heads/{}", pull.base),
                head: Oid::from_str(&pull.head_sha)?,
                method,
                message: message(pull, &owner, wish, method),
                author: pull.author,
                merger: by,
                at,
            };
            match merge::merge(&merging)? {
                Merged::Conflict => Err(plain(405, "Pull Request is not mergeable")),
                Merged::At(sha) => {
                    pull.state = State::Merged { sha: sha.to_string(), by: Some(by), at };
                    pull.updated = at;
                    Ok(())
                }
            }
        })
    }

    pub(super) fn compare(&self, pull: &PullRequest) -> Result<Compared, ForgeError> {
        let repository = self.repository.repository()?;
        let (base, head) = (Oid::from_str(&pull.base_sha)?, Oid::from_str(&pull.head_sha)?);
        let from = repository.merge_base(base, head)?;
        let mut walk = repository.revwalk()?;
        walk.push(head)?;
        walk.hide(from)?;
        let commits: Result<Vec<_>, git2::Error> = walk.map(|id| Ok(shown(&repository.find_commit(id?)?))).collect();
        let before = repository.find_commit(from)?.tree()?;
        let diff = diff_of(&repository, Some(&before), &repository.find_commit(head)?.tree()?, 3)?;
        let clean = match (&pull.state, branch(&repository, &pull.base)) {
            (State::Open, Some(tip)) => Some(merge::is_clean(&repository, tip, head)?),
            (State::Open | State::Closed { .. } | State::Merged { .. }, _) => None,
        };
        Ok(Compared { commits: commits?, diff, clean })
    }

    fn change(
        &self,
        number: u64,
        act: impl FnOnce(&mut PullRequest, &Repository) -> Result<(), ForgeError>,
    ) -> Result<PullRequest, ForgeError> {
        let mut kept = self.kept();
        let repository = self.repository.repository()?;
        let found = kept.pulls.iter_mut().find(|pull| pull.number == number);
        let pull = found.ok_or_else(|| plain(404, "Not Found"))?;
        refresh(&repository, pull)?;
        let before = pull.clone();
        act(pull, &repository)?;
        if *pull != before {
            self.pulse.beat();
        }
        Ok(pull.clone())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a pull request is to be closed or opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    Yes,
    No,
}

/// Follows the branches: a push moves the head, a deleted branch closes, a base that holds the head has merged it.
fn refresh(repository: &Repository, pull: &mut PullRequest) -> Result<(), ForgeError> {
    if pull.state != State::Open {
        return Ok(());
    }
    let at = clock::now();
    let Some(head) = branch(repository, &pull.head) else {
        pull.state = State::Closed { at };
        return Ok(());
    };
    if head.to_string() != pull.head_sha {
        pull.head_sha = head.to_string();
        pull.updated = at;
    }
    if let Some(base) = branch(repository, &pull.base)
        && (base == head || repository.graph_descendant_of(base, head)?)
    {
        pull.state = State::Merged { sha: base.to_string(), by: None, at };
    }
    Ok(())
}

/// How many people's last word is yes.
fn approvals(pull: &PullRequest) -> usize {
    let decided = |review: &&Review| !matches!(review.verdict, Verdict::Comment | Verdict::Dismissed);
    let last = |by: Account| pull.reviews.iter().rev().filter(decided).find(|review| review.by == by);
    let mut people: Vec<Account> = Vec::new();
    for review in &pull.reviews {
        if !people.contains(&review.by) {
            people.push(review.by);
        }
    }
    people.into_iter().filter_map(last).filter(|review| review.verdict == Verdict::Approve).count()
}

fn message(pull: &PullRequest, owner: &str, wish: &MergeWish, method: Method) -> String {
    let (title, body) = match method {
        Method::Squash => (format!("{} (#{})", pull.title, pull.number), String::new()),
        Method::Merge | Method::Rebase => {
            (format!("Merge pull request #{} from {owner}/{}", pull.number, pull.head), pull.title.clone())
        }
    };
    let title = wish.title.clone().unwrap_or(title);
    match wish.message.clone().unwrap_or(body) {
        body if body.is_empty() => title,
        body => format!("{title}\n\n{body}"),
    }
}

fn branch(repository: &Repository, name: &str) -> Option<Oid> {
    repository.refname_to_id(&format!("refs/heads/{name}")).ok()
}

pub(super) fn plain(status: u16, message: &str) -> ForgeError {
    ForgeError::Refused(Refused { status, message: message.to_owned(), errors: Vec::new() })
}

fn invalid(field: &str) -> ForgeError {
    let error = serde_json::json!({"resource": "PullRequest", "field": field, "code": "invalid"});
    ForgeError::Refused(Refused { status: 422, message: "Validation Failed".into(), errors: vec![error] })
}

fn custom(message: &str) -> ForgeError {
    let error = serde_json::json!({"resource": "PullRequest", "code": "custom", "message": message});
    ForgeError::Refused(Refused { status: 422, message: "Validation Failed".into(), errors: vec![error] })
}
