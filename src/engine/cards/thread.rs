//! What stands in the thread under a card: what is too long for it, and the steps that led to how it stands. Each is said
//! once. The steps are said together whenever a request comes to rest, so that a thread has few messages.

use std::sync::{Arc, PoisonError};

use super::{Inner, Lane, Shown, Sort};
use crate::{
    chat::{
        ChatError, Place,
        card::{self, Step},
    },
    core::{break_glass, names::Digest, request},
};

/// Says in the thread under a card what is too long for it, once: after a crash the platform looks what stands there.
pub(super) async fn detail(inner: &Arc<Inner>, lane: &Lane, shown: &Shown) -> Result<(), ChatError> {
    let (Some(place), Some(text)) = (place(lane, shown), &shown.detail) else { return Ok(()) };
    let (note, digest) = (format!("detail/{}", shown.id), Digest::of(text.as_bytes()));
    if inner.ledger.note(&note).ok().flatten().is_some_and(|last| last == digest.as_str().as_bytes()) {
        return Ok(());
    }
    match lane.chat.detail(&place, "The whole diff", text).await {
        Err(error) if error.is_passing() => return Err(error),
        // Where the bot may not open a thread the card is enough.
        Err(error) => tracing::info!(%error, remedy = error.remedy(), "a thread could not be written"),
        Ok(()) => {}
    }
    if let Err(error) = inner.ledger.set_note(&note, digest.as_str().as_bytes()) {
        tracing::warn!(%error, "a thread will be written once more than needed");
    }
    Ok(())
}

fn place(lane: &Lane, shown: &Shown) -> Option<Place> {
    let card = shown.at.as_ref()?;
    Some(Place { channel: lane.own(&card.channel)?.to_owned(), message: card.message.clone() })
}

/// Says the steps that were not said yet. What was said last is noted; where that may be lost, or the answer to it was,
/// the thread itself is asked.
pub(super) async fn steps(inner: &Arc<Inner>, lane: &Lane, shown: &Shown) -> Result<(), ChatError> {
    let Some(place) = place(lane, shown).filter(|_| shown.rests) else { return Ok(()) };
    let note = format!("steps/{}", shown.id);
    let noted = inner.ledger.note(&note).ok().flatten();
    if noted.is_none() && !shown.tells {
        return Ok(());
    }
    let steps = read(inner, shown).await;
    let Some(last) = steps.last().map(|step| step.seq) else { return Ok(()) };
    if noted.is_some_and(|said| said == last.to_be_bytes()) {
        return Ok(());
    }
    let known = inner.threads.lock().unwrap_or_else(PoisonError::into_inner).remove(&shown.id);
    let said = match known {
        Some(said) => said,
        None => lane.chat.told(&place).await?,
    };
    let fresh: Vec<Step> = steps.into_iter().filter(|step| said.is_none_or(|said| step.seq > said)).collect();
    if !fresh.is_empty() {
        match lane.chat.tell(&place, &shown.card.title, &fresh).await {
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => tracing::info!(%error, remedy = error.remedy(), "a thread could not be written"),
            Ok(()) => {}
        }
    }
    inner.threads.lock().unwrap_or_else(PoisonError::into_inner).insert(shown.id.clone(), Some(last));
    if let Err(error) = inner.ledger.set_note(&note, &last.to_be_bytes()) {
        tracing::warn!(%error, "a thread will be looked at once more than needed");
    }
    Ok(())
}

async fn read(inner: &Arc<Inner>, shown: &Shown) -> Vec<Step> {
    let subject = match shown.sort {
        Sort::Request => request::subject(&shown.id),
        Sort::Matter => break_glass::subject(&shown.id),
    };
    let ledger = inner.ledger.clone();
    let read = tokio::task::spawn_blocking(move || ledger.by_subject(&subject)).await;
    match read {
        Ok(Ok(entries)) => card::steps(&entries),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the steps of a request cannot be read");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}
