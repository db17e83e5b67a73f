//! Taking what came in: decide, place, wait for the disk, fold, and only then answer.

use std::sync::Arc;

use futures::{FutureExt as _, future::BoxFuture};
use tokio::sync::oneshot;

use super::{Inner, book::Ticket, effects, facts, freezing, glass, groups};
use crate::{
    clock,
    core::{
        decide::{Asker, Click, Decision, Facts, Incoming, Reply, ReviewSays, Reviewed, Words, decide},
        entry::Recorded,
        matters,
        names::RequestId,
        request::{Course, Request},
    },
    ledger::{Append, LedgerError, Receipt, Seen, Submitted},
};

impl Inner {
    /// Takes what came in, to the end: who asked may hang up in the middle, and what the ledger has must be known here.
    pub(super) fn take(self: &Arc<Self>, incoming: Incoming, event: Option<String>) -> BoxFuture<'static, Reply> {
        let (reply, answer) = oneshot::channel();
        let inner = Arc::clone(self);
        self.tasks.start(async move {
            // Nobody may be left to hear it.
            let _: Result<(), Reply> = reply.send(inner.take_whole(incoming, event).await);
        });
        async move { answer.await.unwrap_or_else(|_| unrecorded(&LedgerError::Closed)) }.boxed()
    }

    /// The first answer to an event that came before.
    pub(super) async fn answered(&self, event: Option<&str>) -> Option<Reply> {
        let answer = self.ledger.seen(event?).await.ok().flatten()?;
        self.meter.repeated();
        serde_json::from_value(answer).ok()
    }

    /// Decide, place, fold: one at a time, so that every decision sees what the one before it placed. Then wait for the
    /// disk, together with others: nothing is acknowledged or done before what it rests on is durable.
    async fn take_whole(self: &Arc<Self>, incoming: Incoming, event: Option<String>) -> Reply {
        let incoming = match self.looked_up(incoming, event.as_deref()).await {
            Ok(incoming) => incoming,
            Err(reply) => return reply,
        };
        let taken = match self.decide(&incoming, event).await {
            Ok(taken) => taken,
            Err(reply) => return reply,
        };
        if let Err(error) = taken.receipt.durable().await {
            self.book.lock().await.catch_up(&self.ledger);
            return unrecorded(&error);
        }
        let Some((ticket, recorded, touched)) = taken.placed else { return taken.reply };
        self.meter.recorded(&recorded);
        self.groups.noticed(&recorded);
        self.note_opened(&recorded);
        glass::announce(self, &recorded);
        self.book.lock().await.settle(ticket);
        freezing::noticed(self, &recorded).await;
        self.incident_changed(&recorded).await;
        if recorded.iter().any(|one| one.entry.kind.starts_with("debt.")) {
            self.forge.look.notify_one();
        }
        self.redraw_replaced(&recorded).await;
        self.wake_watches(&recorded).await;
        for request in touched {
            self.forget_progress(&request);
            self.redraw(&request);
            self.wake_debt_of(&request).await;
            effects::kick(self, request);
        }
        taken.reply
    }

    /// Where a debt grows, a break-glass of before may no longer be what is live.
    async fn redraw_replaced(self: &Arc<Self>, recorded: &[Recorded]) {
        let grown = recorded.iter().filter(|one| matches!(one.entry.kind.as_str(), "debt.grown" | "debt.shrunk"));
        let grown: Vec<RequestId> = grown.filter_map(|one| matters::id_of(&one.entry.subject)).collect();
        if grown.is_empty() {
            return;
        }
        let matters = self.matters().await;
        let debts = grown.iter().filter_map(|id| matters.debts.get(id));
        debts.flat_map(|debt| &debt.all).for_each(|item| self.redraw(&item.breakglass));
    }

    /// Where a debt lasts longer or shorter by now, what is held off for it is to say so.
    async fn wake_watches(self: &Arc<Self>, recorded: &[Recorded]) {
        const MOVED: [&str; 4] = ["debt.extended", "debt.retried", "debt.returned", "debt.written_off"];
        let moved = |one: &&Recorded| MOVED.contains(&one.entry.kind.as_str());
        let moved: Vec<RequestId> =
            recorded.iter().filter(moved).filter_map(|one| matters::id_of(&one.entry.subject)).collect();
        if !moved.is_empty() {
            glass::wake(self, |_, debt| moved.contains(debt)).await;
        }
    }

    /// A debt waits for the request that pays it.
    async fn wake_debt_of(self: &Arc<Self>, request: &RequestId) {
        let Some(request) = self.request(request).await else { return };
        super::giving_back::noticed(self, &request);
        if let Some(debt) = request.opened.debt {
            self.redraw(&debt);
            effects::kick(self, debt);
        }
    }

    /// A vote with what other places say of whoever gives it at this moment.
    async fn looked_up(self: &Arc<Self>, incoming: Incoming, event: Option<&str>) -> Result<Incoming, Reply> {
        if let Incoming::Reviewed(review) = &incoming
            && self.is_news(review).await
            && groups::at_the_vote(self, &review.asker, &review.request).await.is_some()
        {
            // Reviews are read from the forge again and again: it counts at the next look, or does not.
            return Err(Reply::Stop);
        }
        let Incoming::Clicked(click) = incoming else { return Ok(incoming) };
        if !click.press.is_vote() || self.answered(event).await.is_some() {
            return Ok(Incoming::Clicked(click));
        }
        if click.barred.is_some() {
            groups::look_at(self, &click.asker);
            return Ok(Incoming::Clicked(click));
        }
        let barred = groups::at_the_vote(self, &click.asker, &click.request).await;
        // The account may have ended just now, or be there again.
        let asker = self.rules().map(|rules| facts::asker(&rules, &click.asker.account, &click.asker.via));
        let person = asker.and_then(|asker| asker.person).or_else(|| click.asker.person.clone());
        let asker = Asker { person, ..click.asker };
        Ok(Incoming::Clicked(Click { barred, asker, ..click }))
    }

    /// Whether a review is a yes that is not counted yet.
    async fn is_news(&self, review: &Reviewed) -> bool {
        let book = self.book.lock().await;
        let course = book.get(&review.request).and_then(Request::course);
        let counted = |course: &Course| course.votes.iter().any(|vote| review.asker.is(&vote.actor));
        review.says == ReviewSays::Yes && course.is_some_and(|course| !counted(course))
    }

    async fn decide(&self, incoming: &Incoming, event: Option<String>) -> Result<Taken, Reply> {
        if let Incoming::Clicked(click) = incoming {
            self.bring(&click.request).await;
        }
        let mut book = self.book.lock().await;
        loop {
            if let Some(answer) = self.answered(event.as_deref()).await {
                return Err(answer);
            }
            book.catch_up(&self.ledger);
            let (rules, now) = (self.rules(), clock::now());
            let facts = Facts {
                now,
                rules: rules.as_deref(),
                requests: book.ahead(),
                matters: book.matters_ahead(),
                freezes: book.freezes(),
            };
            let Decision { entries, reply } = decide(incoming, facts);
            if entries.is_empty() && !book.is_waiting() {
                return Err(reply);
            }
            let seen = event.clone().filter(|_| !entries.is_empty());
            let seen = seen.map(|id| Seen { id, answer: serde_json::to_value(&reply).unwrap_or_default() });
            let append = Append { at: now, drafts: entries, seen };
            match self.ledger.submit(append, book.generation()).await {
                Ok(Submitted::Placed { recorded, receipt }) => {
                    let placed = (!recorded.is_empty()).then(|| {
                        let (ticket, touched) = book.place(&recorded);
                        (ticket, recorded, touched)
                    });
                    return Ok(Taken { reply, receipt, placed });
                }
                Ok(Submitted::SeenBefore { answer, receipt }) => {
                    let reply = serde_json::from_value(answer).unwrap_or(Reply::Taken);
                    return Ok(Taken { reply, receipt, placed: None });
                }
                Ok(Submitted::Stale) => {}
                Err(error) => return Err(unrecorded(&error)),
            }
        }
    }
}

/// What was decided, on its way to the disk.
struct Taken {
    reply: Reply,
    receipt: Receipt,
    /// Its place, its entries, and the requests that stand elsewhere by them.
    placed: Option<(Ticket, Vec<Recorded>, Vec<RequestId>)>,
}

/// No append, no action: what cannot be recorded is not done, and whoever asked is told so.
fn unrecorded(error: &LedgerError) -> Reply {
    tracing::error!(%error, "the ledger did not take an entry; nothing was done");
    Reply::Private(Words::new(
        "This could not be recorded, so nothing was done.",
        format!("Tell whoever runs Leverframe: {error}. {}", error.remedy()),
    ))
}
