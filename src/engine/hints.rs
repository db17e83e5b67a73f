//! What a webhook hints at, looked at at once. Nothing is believed: whoever is woken asks the forge or git.

use std::sync::Arc;

use super::{Engine, Inner, Repository, effects, rules};
use crate::{
    clock,
    core::{
        names::{ConnectionName, RequestId},
        request::{Course, Ending, Request, State},
    },
    forge::webhook::Hint,
    ledger::{Append, LedgerError, Outcome, Seen},
};

impl Engine {
    /// Remembers a delivery that hints at something: whether it came for the first time. The same id again, within a
    /// day and across restarts, is nothing new.
    ///
    /// # Errors
    /// When the ledger cannot remember it.
    pub async fn is_new(&self, delivery: &str) -> Result<bool, LedgerError> {
        let seen = Seen { id: delivery.to_owned(), answer: serde_json::Value::Bool(true) };
        let done = self.inner.ledger.append(Append { at: clock::now(), drafts: Vec::new(), seen: Some(seen) }).await?;
        Ok(matches!(done, Outcome::Appended(_)))
    }

    /// The repository looked after here that a delivery names.
    pub fn repository_called(&self, repository: &str) -> Option<ConnectionName> {
        let called = |at: &&Repository| at.forge.as_ref().is_some_and(|forge| forge.is_called(repository));
        self.inner.reach.repositories().find(called).map(|at| at.name.clone())
    }

    /// Looks at what a hint is about, in the repository of that name.
    pub async fn hint(&self, repository: &ConnectionName, hint: Hint) {
        let inner = &self.inner;
        let Some(at) = inner.reach.repositories().find(|at| at.name == *repository) else { return };
        let here = |course: &Course| inner.home_by(course).is_some_and(|home| home.name == at.name);
        match hint {
            Hint::Push { branch } if branch == at.branch => rules::refresh_again(inner, at),
            Hint::Push { branch } => wake(inner, |request, _| request.branch() == branch).await,
            Hint::PullRequest { number } => {
                let ours = |course: &Course| course.pull_request.as_ref().is_some_and(|ours| ours.number == number);
                wake(inner, |_, course| ours(course) && here(course)).await;
                inner.forge.look.notify_one();
            }
            Hint::Commit { commit } => {
                wake(inner, |_, course| course.pull_request.as_ref().is_some_and(|ours| ours.head == commit)).await;
            }
        }
    }
}

/// Wakes the requests that a hint concerns; one that people closed may go on.
async fn wake(inner: &Arc<Inner>, concerned: impl Fn(&Request, &Course) -> bool) {
    let book = inner.book.lock().await;
    let all = book.iter().filter(|request| request.course().is_some_and(|course| concerned(request, course)));
    let (closed, open): (Vec<Request>, Vec<Request>) = all.cloned().partition(is_closed_by_people);
    drop(book);
    let open: Vec<RequestId> = open.into_iter().map(|request| request.id).collect();
    open.into_iter().for_each(|id| effects::kick(inner, id));
    for request in closed {
        effects::watching::reopened(inner, &request).await;
    }
}

/// Whether people closed its pull request, and may open it again.
pub(super) fn is_closed_by_people(request: &Request) -> bool {
    matches!(&request.state, State::Over { ending: Ending::TakenOver { .. }, commit: None, .. })
}
