//! Keeps each request's one message true: posted once, then edited in place. Cards inform, so a platform that is
//! down holds up nothing, the other platform's cards neither; they are drawn again when it is back. What they say is
//! in the ledger already, which is why an edit needs no entry of its own.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{Engine, Inner};
use crate::{
    chat::{
        Chat, ChatError, Chats, Place,
        card::{self, Card, Links, Progress, drift, emergency, owed},
    },
    clock,
    core::{
        break_glass, debt,
        decide::{Came, Emergency, Incoming, Now, Outcome, lane_of, still_needed},
        entry::Recorded,
        matters,
        names::RequestId,
        request::{self, State},
    },
};

mod outbox;
mod sorting;
mod thread;

use outbox::{Destination, Next, Outbox, Put};
use sorting::sorted;

/// How long until a card that could not be drawn is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// What is to be drawn on one platform, one card at a time, each as it is when its turn comes. What the platform does not
/// take yet waits by itself and holds up nothing else.
pub(super) struct Lane {
    chat: Arc<dyn Chat>,
    outbox: Mutex<Outbox>,
    wake: Notify,
}

/// What a card is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Request,
    Matter,
}

/// One card and where it belongs.
struct Shown {
    id: RequestId,
    sort: Sort,
    channel: String,
    /// Its message, once there is one.
    at: Option<request::Card>,
    since: jiff::Timestamp,
    /// Whoever asked.
    account: Option<String>,
    card: Card,
    /// What is too long for the card.
    detail: Option<String>,
    /// Whether more is to be told than the card says: its steps.
    tells: bool,
    /// Whether nothing more is about to happen at once, or something is in the way.
    rests: bool,
}

/// What is to be shown of a request, an incident, a break-glass or a debt.
async fn shown(inner: &Arc<Inner>, id: &RequestId) -> Option<Shown> {
    let Some(request) = inner.request(id).await else { return matter(inner, id).await };
    let links = Links { repository: inner.home_of(&request).ok().and_then(|home| home.page.as_deref()) };
    let progress = match (inner.rules(), &request.state) {
        (Some(rules), State::Deciding(_)) => {
            let about = (&request.requester, &request.opened.command, &request.opened.target);
            let (frozen, matters) =
                (inner.frozen_for(&rules, about, request.opened.begins).await, inner.matters().await);
            let now = Now { at: clock::now(), rules: &rules, matters: &matters };
            let (needed, lane) = (still_needed(&request, now), lane_of(&request, now));
            Progress { frozen, needed, lane, ..inner.progress(id) }
        }
        (Some(_) | None, _) => inner.progress(id),
    };
    Some(Shown {
        id: id.clone(),
        sort: Sort::Request,
        channel: request.opened.channel.clone(),
        at: request.card.clone(),
        since: request.at,
        account: request.requester.account.clone(),
        card: card::of(&request, &progress, links),
        detail: card::beyond(&request).map(str::to_owned),
        tells: card::tells(&request),
        rests: progress.trouble.is_some() || !matches!(request.state, State::Planning | State::Landing(_)),
    })
}

/// What a card says at a moment, and where it is.
pub struct Snapshot {
    /// The card.
    pub card: Card,
    /// Its message, once there is one.
    pub at: Option<request::Card>,
}

impl Inner {
    /// What was opened in this life: no card of it was posted, and nothing stands in a thread.
    pub(super) fn note_opened(&self, recorded: &[Recorded]) {
        let opened = recorded.iter().filter(|one| one.entry.kind.ends_with(".opened"));
        let id = |subject: &str| request::of_subject(subject).or_else(|| matters::id_of(subject));
        let opened: Vec<RequestId> = opened.filter_map(|one| id(&one.entry.subject)).collect();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        // What is forgotten here is looked up in the thread itself.
        if threads.len() > 10_000 {
            threads.clear();
        }
        threads.extend(opened.iter().map(|id| (id.clone(), None)));
        self.unposted.lock().unwrap_or_else(PoisonError::into_inner).extend(opened);
    }
}

impl Engine {
    /// What the card of a request, an incident, a break-glass or a debt says now; nothing where there is none of that id.
    pub async fn snapshot(&self, id: &RequestId) -> Option<Snapshot> {
        shown(&self.inner, id).await.map(|shown| Snapshot { card: shown.card, at: shown.at })
    }
}

async fn matter(inner: &Arc<Inner>, id: &RequestId) -> Option<Shown> {
    let (matters, progress) = (inner.matters().await, inner.progress(id));
    let shown = |channel: &String, at: &Option<request::Card>, since, account: &Option<String>, card| Shown {
        id: id.clone(),
        sort: Sort::Matter,
        channel: channel.clone(),
        at: at.clone(),
        since,
        account: account.clone(),
        card,
        detail: None,
        tells: false,
        rests: true,
    };
    if let Some(one) = matters.incidents.get(id) {
        let card = emergency::of_incident(one, &matters);
        return Some(shown(&one.opened.channel, &one.card, one.at, &one.declared_by.account, card));
    }
    if let Some(one) = matters.overrides.get(id) {
        let card = emergency::of_glass(one, &progress, &matters);
        let found = shown(&one.opened.channel, &one.card, one.at, &one.requester.account, card);
        let tells = one.course().is_some_and(|course| !course.votes.is_empty());
        return Some(Shown { tells, rests: progress.trouble.is_some() || rests(&one.state), ..found });
    }
    if let Some(one) = matters.drifts.get(id) {
        let card = drift::of_drift(one, &progress, &matters);
        return Some(shown(&one.opened.channel, &one.card, one.at, &None, card));
    }
    let one = matters.debts.get(id)?;
    let proposal = match &one.state {
        debt::State::Proposed { request } | debt::State::Settled { request: Some(request), .. } => {
            inner.request(request).await
        }
        debt::State::Opened
        | debt::State::Owed { .. }
        | debt::State::Settled { request: None, .. }
        | debt::State::Reverting
        | debt::State::WrittenOff { .. }
        | debt::State::Proven { .. }
        | debt::State::Resumed { .. }
        | debt::State::Over { .. } => None,
    };
    let card = owed::of_debt(one, &progress, proposal.as_ref());
    Some(shown(&one.opened.channel, &one.card, one.at, &one.opened.owner.account, card))
}

/// Whether a break-glass waits for people or for time to pass.
fn rests(state: &break_glass::State) -> bool {
    match state {
        break_glass::State::Deciding(_) | break_glass::State::Active { .. } | break_glass::State::Over { .. } => true,
        break_glass::State::Checking
        | break_glass::State::Pausing { .. }
        | break_glass::State::Paused { .. }
        | break_glass::State::Changing { .. }
        | break_glass::State::Undoing { .. } => false,
    }
}

impl Lane {
    /// A lane for each platform.
    pub(super) fn of(chats: &Chats) -> Vec<Arc<Self>> {
        let lane = |chat: &Arc<dyn Chat>| {
            Arc::new(Self { chat: Arc::clone(chat), outbox: Mutex::default(), wake: Notify::new() })
        };
        chats.iter().map(lane).collect()
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of a channel where it is this platform's.
    fn own<'a>(&self, address: &'a str) -> Option<&'a str> {
        let (platform, id) = address.split_once(':')?;
        (platform == self.chat.platform().word()).then_some(id)
    }
}

/// Sends what is undrawn to its platform.
pub(super) async fn keep_sorted(inner: Arc<Inner>) {
    while !inner.tasks.is_stopping() {
        let Some(id) = inner.undrawn.lock().unwrap_or_else(PoisonError::into_inner).pop_last() else {
            tokio::select! {
                () = inner.drawing.notified() => {}
                () = inner.tasks.stopping() => {}
            }
            continue;
        };
        let sorted = sorted(&inner, &id).await;
        let lane = |channel: &str| inner.lanes.iter().find(|lane| lane.own(channel).is_some());
        let waits = sorted.and_then(|sorted| Some((lane(&sorted.0.0)?, sorted)));
        let waits = waits.is_some_and(|(lane, (destination, urgency))| {
            let put = lane.outbox().put(id, destination, urgency);
            lane.wake.notify_one();
            put == Put::First
        });
        if !waits {
            done(&inner);
        }
    }
}

/// Draws a platform's cards.
pub(super) async fn keep_drawn(inner: Arc<Inner>, lane: Arc<Lane>) {
    while !inner.tasks.is_stopping() {
        let next = lane.outbox().next(Instant::now());
        match next {
            Next::Nothing => tokio::select! {
                () = lane.wake.notified() => {}
                () = inner.tasks.stopping() => {}
            },
            Next::Rest(wait) => tokio::select! {
                () = lane.wake.notified() => {}
                () = inner.tasks.pause(wait) => {}
            },
            Next::Send(id, destination) => match draw(&inner, &lane, &id).await {
                Ok(()) => done(&inner),
                Err(error) => put_off(&inner, &lane, (id, destination), &error),
            },
        }
    }
}

fn done(inner: &Inner) {
    inner.busy.send_modify(|count| *count = count.saturating_sub(1));
}

/// What came too early waits until its place takes something again. Other passing trouble is tried again by itself; what
/// the platform refuses for good is said in the log and left.
fn put_off(inner: &Arc<Inner>, lane: &Lane, (id, destination): (RequestId, Destination), error: &ChatError) {
    if let Some(wait) = error.wait() {
        lane.outbox().rest(destination, Instant::now() + wait);
        inner.redraw(&id);
        return done(inner);
    }
    tracing::warn!(request = %id, %error, remedy = error.remedy(), "a card could not be drawn");
    if !error.is_passing() {
        return done(inner);
    }
    let again = Arc::clone(inner);
    inner.tasks.start(async move {
        again.tasks.pause(AGAIN).await;
        again.redraw(&id);
        done(&again);
    });
}

async fn draw(inner: &Arc<Inner>, lane: &Lane, id: &RequestId) -> Result<(), ChatError> {
    let Some(found) = shown(inner, id).await else { return Ok(()) };
    let shown = lane.chat.face(&found.card);
    let note = format!("card/{id}");
    if inner.ledger.note(&note).ok().flatten().is_some_and(|last| last == shown.as_str().as_bytes()) {
        return beneath(inner, lane, &found).await;
    }
    match found.at.as_ref().and_then(|card| Some((lane.own(&card.channel)?, &card.message))) {
        Some((channel, message)) => {
            let at = Place { channel: channel.to_owned(), message: message.clone() };
            lane.chat.edit(&at, &found.card).await?;
        }
        None => post(inner, lane, &found).await?,
    }
    if let Err(error) = inner.ledger.set_note(&note, shown.as_str().as_bytes()) {
        tracing::warn!(%error, "a card will be drawn once more than needed");
    }
    beneath(inner, lane, &found).await
}

/// What stands in the thread under a card.
async fn beneath(inner: &Arc<Inner>, lane: &Lane, shown: &Shown) -> Result<(), ChatError> {
    thread::detail(inner, lane, shown).await?;
    thread::steps(inner, lane, shown).await
}

/// Posts the card, unless a crash came between an earlier post and its entry: then the message is there.
async fn post(inner: &Arc<Inner>, lane: &Lane, shown: &Shown) -> Result<(), ChatError> {
    let Some(typed_in) = lane.own(&shown.channel) else { return Ok(()) };
    // Taken before the message is sent: a post whose answer never came is looked for before it is repeated.
    let untried = inner.unposted.lock().unwrap_or_else(PoisonError::into_inner).remove(&shown.id);
    let place = if untried { None } else { find(inner, lane, shown, typed_in).await? };
    let place = match place {
        // It says what was true when it was posted.
        Some(place) => {
            lane.chat.edit(&place, &shown.card).await?;
            place
        }
        None => {
            let sent = send(inner, lane, shown, typed_in).await;
            if untried && matches!(&sent, Err(error) if error.wait().is_some()) {
                // What came too early was not taken, so that it need not be looked for.
                inner.unposted.lock().unwrap_or_else(PoisonError::into_inner).insert(shown.id.clone());
            }
            sent?
        }
    };
    let channel = format!("{}:{}", lane.chat.platform().word(), place.channel);
    let card = request::Card { channel, message: place.message };
    let of = shown.id.clone();
    let posted = match shown.sort {
        Sort::Request => Incoming::Happened { request: of, outcome: Outcome::CardPosted(card) },
        Sort::Matter => Incoming::Emergency(Emergency::Happened { of, came: Came::CardPosted(card) }),
    };
    inner.take(posted, None).await;
    Ok(())
}

async fn find(inner: &Arc<Inner>, lane: &Lane, shown: &Shown, channel: &str) -> Result<Option<Place>, ChatError> {
    match lane.chat.find(channel, &shown.id, shown.since).await {
        Ok(Some(place)) => Ok(Some(place)),
        Err(error) if error.is_passing() => Err(error),
        Ok(None) | Err(_) => match home(inner, lane) {
            Some(home) if home != channel => lane.chat.find(&home, &shown.id, shown.since).await,
            Some(_) | None => Ok(None),
        },
    }
}

/// Posts where the command was typed; where the bot is no member, in the home channel, and the asker gets the link.
async fn send(inner: &Arc<Inner>, lane: &Lane, shown: &Shown, channel: &str) -> Result<Place, ChatError> {
    let refused = match lane.chat.post(channel, &shown.card, &shown.id).await {
        Err(error) if !error.is_passing() => error,
        posted => return posted,
    };
    let Some(home) = home(inner, lane).filter(|home| home != channel) else { return Err(refused) };
    let place = lane.chat.post(&home, &shown.card, &shown.id).await?;
    if let Some(account) = shown.account.as_deref().and_then(|account| lane.own(account))
        && let Err(error) = lane.chat.point(channel, account, &place).await
    {
        tracing::info!(%error, "the link to a card could not be whispered");
    }
    Ok(place)
}

/// The home channel, where it is one of this platform's.
fn home(inner: &Inner, lane: &Lane) -> Option<String> {
    inner.rules()?.catalog.channels().home.clone().filter(|home| lane.chat.has_channel(home))
}
