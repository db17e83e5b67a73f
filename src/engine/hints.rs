//! What a webhook hints at, looked at at once. Nothing is believed: whoever is woken asks the forge or git.

use std::sync::Arc;

use super::{Engine, Inner, effects, rules};
use crate::{
    clock,
    core::{
        names::RequestId,
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

    /// Whether a delivery names the repository that is looked after here.
    pub fn is_ours(&self, repository: &str) -> bool {
        self.inner.reach.repository.forge.as_ref().is_some_and(|forge| forge.is_called(repository))
    }

    /// Looks at what a hint is about.
    pub async fn hint(&self, hint: Hint) {
        let inner = &self.inner;
        match hint {
            Hint::Push { branch } if branch == inner.reach.repository.branch => rules::refresh_again(inner),
            Hint::Push { branch } => wake(inner, |request, _| request.branch() == branch).await,
            Hint::PullRequest { number } => {
                wake(inner, |_, course| course.pull_request.as_ref().is_some_and(|ours| ours.number == number)).await;
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
