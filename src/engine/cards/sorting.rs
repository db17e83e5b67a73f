//! Where a card goes and how urgent it is: less than what it says, which is put together when its turn comes.

use std::sync::Arc;

use super::{
    Inner,
    outbox::{Destination, Sends, Urgency},
};
use crate::core::{
    break_glass,
    names::RequestId,
    request::{self, Request, State},
};

impl Urgency {
    fn of(request: &Request) -> Self {
        match request.state {
            State::Deciding(_) => Self::Decision,
            State::Over { .. } => Self::Ended,
            State::Planning | State::Landing(_) | State::Following(..) => Self::Progress,
        }
    }
}

/// Where a card goes, and how urgent it is; nothing where there is nothing of that id.
pub(super) async fn sorted(inner: &Arc<Inner>, id: &RequestId) -> Option<(Destination, Urgency)> {
    let to = |channel: &String, at: &Option<request::Card>, urgency| {
        let sends = if at.is_some() { Sends::Edit } else { Sends::New };
        Some(((at.as_ref().map_or(channel, |card| &card.channel).clone(), sends), urgency))
    };
    let book = inner.book.lock().await;
    if let Some(request) = book.get(id) {
        return to(&request.opened.channel, &request.card, Urgency::of(request));
    }
    let matters = book.matters();
    if let Some(one) = matters.incidents.get(id) {
        return to(&one.opened.channel, &one.card, Urgency::Progress);
    }
    if let Some(one) = matters.overrides.get(id) {
        let decides = matches!(one.state, break_glass::State::Deciding(_));
        return to(&one.opened.channel, &one.card, if decides { Urgency::Decision } else { Urgency::Ended });
    }
    if let Some(one) = matters.drifts.get(id) {
        return to(&one.opened.channel, &one.card, Urgency::Decision);
    }
    if let Some(one) = matters.debts.get(id) {
        return to(&one.opened.channel, &one.card, Urgency::Progress);
    }
    drop(book);
    let old = inner.request(id).await?;
    to(&old.opened.channel, &old.card, Urgency::of(&old))
}
