//! What is owed for the emergency lane, in lines, and the cards that an incident changes by beginning or ending.

use std::{fmt::Write as _, sync::Arc};

use super::Inner;
use crate::{
    clock,
    core::{entry::Recorded, names::RequestId, request::State},
};

/// The reviews that are owed, a line each.
pub(super) async fn owed(inner: &Arc<Inner>) -> String {
    let now = clock::now();
    let book = inner.book.lock().await;
    let mut told = String::new();
    for request in book.iter().filter(|request| request.is_review_owed()) {
        let Some(review) = &request.review else { continue };
        let from = if review.from.is_empty() { "anybody else".to_owned() } else { review.from.join(" or ") };
        let left = review.until.duration_since(now).as_hours();
        let due = if now > review.until { "overdue".to_owned() } else { format!("due in {} h", left.max(1)) };
        let _ = writeln!(
            told,
            "• *{}*: a review of `{}` by {from}, {due}. Request `{}`.",
            request.opened.about(),
            request.opened.title,
            request.id
        );
    }
    told
}

impl Inner {
    /// Where an incident began or ended, other rules may hold for what waits, so its card may say something else.
    pub(super) async fn incident_changed(self: &Arc<Self>, recorded: &[Recorded]) {
        if !recorded.iter().any(|one| one.entry.kind.starts_with("incident.")) {
            return;
        }
        let waiting: Vec<RequestId> = {
            let book = self.book.lock().await;
            let waits = book.iter().filter(|request| matches!(request.state, State::Deciding(_)));
            waits.map(|request| request.id.clone()).collect()
        };
        for request in &waiting {
            self.redraw(request);
        }
    }
}
