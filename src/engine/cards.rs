//! Keeps each request's one message true: posted once, then edited in place. Cards inform, so a platform that is
//! down holds up nothing; they are drawn again when it is back. What they say is in the ledger already, which is why
//! an edit needs no entry of its own.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use super::{Inner, effects::report};
use crate::{
    chat::{
        card::{self, Links},
        slack::{
            client::{MessageRef, Post, SlackClient},
            error::SlackError,
            render::{self, Rendered},
        },
    },
    core::{
        decide::Outcome,
        names::{Digest, RequestId},
        request::{Card, Request},
    },
};

/// How long until a card that could not be drawn is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// Draws what is undrawn, one card at a time, the newest request first: somebody is waiting for it.
pub(super) async fn keep_drawn(inner: Arc<Inner>) {
    let Some(slack) = inner.reach.slack.clone() else { return };
    while !inner.tasks.is_stopping() {
        let Some(id) = inner.undrawn.lock().unwrap_or_else(PoisonError::into_inner).pop_last() else {
            tokio::select! {
                () = inner.drawing.notified() => {}
                () = inner.tasks.stopping() => {}
            }
            continue;
        };
        if let Err(error) = draw(&inner, &slack, &id).await {
            put_off(&inner, id, &error);
        } else {
            inner.busy.send_modify(|count| *count = count.saturating_sub(1));
        }
    }
}

/// Passing trouble is tried again; what the platform refuses for good is said in the log and left.
fn put_off(inner: &Arc<Inner>, id: RequestId, error: &SlackError) {
    tracing::warn!(request = %id, %error, remedy = error.remedy(), "a card could not be drawn");
    let again = Arc::clone(inner);
    let wait = match error {
        SlackError::RateLimited { retry_after } => *retry_after,
        SlackError::Refused { .. }
        | SlackError::Unreachable { .. }
        | SlackError::TimedOut
        | SlackError::Garbage { .. }
        | SlackError::Settings(_) => AGAIN,
    };
    if error.is_passing() {
        inner.tasks.start(async move {
            again.tasks.pause(wait).await;
            again.redraw(&id);
            again.busy.send_modify(|count| *count = count.saturating_sub(1));
        });
    } else {
        inner.busy.send_modify(|count| *count = count.saturating_sub(1));
    }
}

async fn draw(inner: &Arc<Inner>, slack: &SlackClient, id: &RequestId) -> Result<(), SlackError> {
    let Some(request) = inner.request(id).await else { return Ok(()) };
    let links = Links { repository: inner.reach.repository.page.as_deref() };
    let rendered = render::card(&card::of(&request, &inner.progress(id), links));
    let shown = Digest::of(serde_json::to_string(&rendered.blocks).unwrap_or_default().as_bytes());
    let note = format!("card/{id}");
    if inner.ledger.note(&note).ok().flatten().is_some_and(|last| last == shown.as_str().as_bytes()) {
        return Ok(());
    }
    match &request.card {
        Some(card) => slack.update(&message(card), rendered.text, rendered.blocks).await?,
        None => post(inner, slack, &request, rendered).await?,
    }
    if let Err(error) = inner.ledger.set_note(&note, shown.as_str().as_bytes()) {
        tracing::warn!(%error, "a card will be drawn once more than needed");
    }
    Ok(())
}

fn message(card: &Card) -> MessageRef {
    let channel = card.channel.strip_prefix("slack:").unwrap_or(&card.channel);
    MessageRef { channel: channel.to_owned(), ts: card.message.clone() }
}

/// Posts the card, unless a crash came between an earlier post and its entry: then the message is there.
async fn post(
    inner: &Arc<Inner>,
    slack: &SlackClient,
    request: &Request,
    rendered: Rendered,
) -> Result<(), SlackError> {
    let typed_in = request.opened.channel.strip_prefix("slack:").unwrap_or(&request.opened.channel).to_owned();
    // Taken before the message is sent: a post whose answer never came is looked for before it is repeated.
    let untried = inner.unposted.lock().unwrap_or_else(PoisonError::into_inner).remove(&request.id);
    let place = if untried { None } else { find(inner, slack, request, &typed_in).await? };
    let place = match place {
        // It says what was true when it was posted.
        Some(place) => {
            slack.update(&place, rendered.text, rendered.blocks).await?;
            place
        }
        None => send(inner, slack, request, (typed_in, rendered)).await?,
    };
    let card = Card { channel: format!("slack:{}", place.channel), message: place.ts };
    report(inner, request, Outcome::CardPosted(card)).await;
    Ok(())
}

async fn find(
    inner: &Arc<Inner>,
    slack: &SlackClient,
    request: &Request,
    channel: &str,
) -> Result<Option<MessageRef>, SlackError> {
    let id = request.id.as_str();
    match slack.find(channel, id, request.at).await {
        Ok(Some(place)) => Ok(Some(place)),
        Err(error) if error.is_passing() => Err(error),
        Ok(None) | Err(_) => match home(inner) {
            Some(home) if home != channel => slack.find(&home, id, request.at).await,
            Some(_) | None => Ok(None),
        },
    }
}

/// Posts where the command was typed; where the bot is no member, in the home channel, and the asker gets the link.
async fn send(
    inner: &Arc<Inner>,
    slack: &SlackClient,
    request: &Request,
    (channel, rendered): (String, Rendered),
) -> Result<MessageRef, SlackError> {
    let post = |channel: String| Post {
        channel,
        text: rendered.text.clone(),
        blocks: rendered.blocks.clone(),
        request: request.id.to_string(),
    };
    let refused = match slack.post(post(channel.clone())).await {
        Err(error) if !error.is_passing() => error,
        posted => return posted,
    };
    let Some(home) = home(inner).filter(|home| *home != channel) else { return Err(refused) };
    let place = slack.post(post(home)).await?;
    if let Some(user) = request.requester.account.as_deref().and_then(|account| account.strip_prefix("slack:")) {
        let link = slack.permalink(&place).await.unwrap_or_default();
        let words = format!("I am not in this channel, so the card is here: {link}");
        if let Err(error) = slack.whisper(&channel, user, words).await {
            tracing::info!(%error, "the link to a card could not be whispered");
        }
    }
    Ok(place)
}

fn home(inner: &Inner) -> Option<String> {
    inner.rules()?.catalog.channels().home.clone()
}
