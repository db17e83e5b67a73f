//! The loop: read facts, decide, append, acknowledge, perform effects, feed what came of them back in. Decisions are made one
//! at a time, on what was read before. No effect is queued: each request's state says what is due, also after a restart.

mod anchors;
mod audit;
mod book;
mod busy;
mod cards;
mod choices;
mod choosing;
mod copying;
mod drift;
mod effects;
mod facts;
mod flows;
mod fold;
mod follow;
mod forms;
mod freezing;
mod gate;
mod giving_back;
mod glass;
mod groups;
mod hints;
mod homes;
mod legs;
mod links;
mod meter;
mod outside;
mod overview;
mod paging;
mod reminding;
mod rendering;
mod restarting;
mod reverting;
mod reviews;
mod rewritten;
mod rollback;
mod rules;
mod shelf;
mod standing;
mod status;
mod take;
#[cfg(test)]
mod tests;
mod tick;
mod trail;
mod wording;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, Semaphore, watch};

use crate::{
    chat::{Chats, card::Progress},
    cluster::Cluster,
    core::{
        decide::{Asker, Incoming, Reply},
        entry::Actor,
        matters::Matters,
        names::{ConnectionName, PersonId, RequestId, Target},
        request::Request,
        rules::{Elsewhere, Rules, Sources},
    },
    forge::{Accounts, GitHub},
    git::Mirror,
    ledger::{Append, Erased, Ledger, LedgerError},
    pager::Pager,
    registry::Registries,
    tasks::Tasks,
};

use book::Book;
use busy::Resting;

pub(crate) use audit::side;
pub use busy::Busy;
pub use cards::Snapshot;
pub use choices::Choice;
pub use choosing::chosen;
pub use effects::ADDRESS;
pub use facts::{Said, Typed, locator, plan_set};
pub use fold::open_requests_of;
use fold::{freezes_of, matters_of};
pub use meter::Gauges;
pub use overview::Overview;
pub use standing::Standing;
pub use tick::Ticked;

/// A repository with services in it.
#[derive(Clone)]
pub struct Repository {
    /// Its name in the configuration.
    pub name: ConnectionName,
    /// Its address, without credentials.
    pub url: String,
    /// The branch that production follows.
    pub branch: String,
    /// The local mirror.
    pub mirror: Mirror,
    /// Where its pull requests live, when it has a forge.
    pub forge: Option<GitHub>,
    /// Its page on the forge, for links.
    pub page: Option<String>,
}

/// What the engine reaches.
pub struct Reach {
    /// The repository with the catalog.
    pub repository: Repository,
    /// The others that an environment may be in, by name.
    pub others: BTreeMap<ConnectionName, Repository>,
    /// The clusters, by name.
    pub clusters: BTreeMap<ConnectionName, Cluster>,
    /// The chat platforms.
    pub chats: Chats,
    /// People's own accounts on the forge, where they can be linked.
    pub accounts: Option<Arc<Accounts>>,
    /// The registries of images.
    pub registries: Registries,
    /// Who wakes people.
    pub pagers: Vec<Pager>,
}

/// A handle on the running engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    reach: Reach,
    ledger: Ledger,
    tasks: Tasks,
    rules: watch::Sender<Option<Arc<Rules>>>,
    troubles: Mutex<rules::Troubles>,
    /// The files that the rules were read from last, whether they loaded or not.
    considered: Mutex<Sources>,
    /// Where the other repositories are.
    elsewhere: Mutex<Elsewhere>,
    /// The repositories that are fetched because somebody was at it, and whether once more because somebody was again.
    refreshing: Mutex<BTreeMap<ConnectionName, Option<Busy>>>,
    book: tokio::sync::Mutex<Book>,
    /// So many of the ledger's first entries were not read at the start.
    unread: u64,
    /// Whether they were since.
    is_filled: watch::Sender<bool>,
    /// The repositories that the ledger was held against.
    held: Mutex<BTreeSet<ConnectionName>>,
    progress: Mutex<BTreeMap<RequestId, Progress>>,
    running: Mutex<HashMap<RequestId, Arc<effects::Wake>>>,
    /// What the forge shows of us, and what is to be looked at there.
    forge: gate::Shown,
    /// One change of a target lands at a time, and is recorded before the next one begins: the ledger's order is git's.
    turns: Mutex<BTreeMap<Target, Arc<Semaphore>>>,
    undrawn: Mutex<BTreeSet<RequestId>>,
    lanes: Vec<Arc<cards::Lane>>,
    /// Opened in this life of the process, and no post of their card was tried: none can be there.
    unposted: Mutex<BTreeSet<RequestId>>,
    /// The last step that was said in the thread of a card, where that is known: none for those opened in this life.
    threads: Mutex<BTreeMap<RequestId, Option<u64>>>,
    drawing: Notify,
    /// What was said of freezes; read from the ledger's notes at first.
    said_of_freezes: tokio::sync::Mutex<Option<freezing::Said>>,
    busy: watch::Sender<usize>,
    meter: meter::Meter,
    /// The versions that targets had.
    versions: rollback::Remembered,
    /// What runs, as the watches of the clusters tell it.
    sight: drift::Sight,
    groups: groups::Groups,
    /// The codes by which people say who they are, by account, while they are good.
    introduced: links::Introduced,
}

impl Engine {
    /// Reads the ledger and takes up every request where it stands. [`Engine::run`] sets it going.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn new(reach: Reach, ledger: Ledger, tasks: Tasks) -> Result<Self, LedgerError> {
        let (requests, unread) = shelf::begin(&ledger)?;
        let folded = (requests, matters_of(&ledger)?, freezes_of(&ledger)?);
        let book = Book::new(folded, ledger.generation());
        let groups = groups::Groups::of(&ledger)?;
        let inner = Inner {
            lanes: cards::Lane::of(&reach.chats),
            elsewhere: Mutex::new(Elsewhere { own: Some(reach.repository.name.clone()), others: BTreeMap::new() }),
            reach,
            ledger,
            tasks,
            rules: watch::Sender::new(None),
            troubles: Mutex::default(),
            considered: Mutex::default(),
            refreshing: Mutex::default(),
            book: tokio::sync::Mutex::new(book),
            unread,
            is_filled: watch::Sender::new(unread == 0),
            held: Mutex::default(),
            progress: Mutex::default(),
            running: Mutex::default(),
            forge: gate::Shown::default(),
            turns: Mutex::default(),
            undrawn: Mutex::default(),
            unposted: Mutex::default(),
            threads: Mutex::default(),
            drawing: Notify::new(),
            said_of_freezes: tokio::sync::Mutex::default(),
            busy: watch::Sender::new(0),
            meter: meter::Meter::default(),
            versions: rollback::Remembered::default(),
            sight: drift::Sight::default(),
            groups,
            introduced: links::Introduced::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Sets it going: keeps the rules fresh, resumes what is open, draws cards, watches deadlines.
    pub async fn run(&self) {
        let inner = &self.inner;
        for repository in inner.reach.repositories() {
            inner.tasks.start(rules::keep_fresh(Arc::clone(inner), repository.clone()));
        }
        inner.tasks.start(cards::keep_sorted(Arc::clone(inner)));
        for lane in &inner.lanes {
            inner.tasks.start(cards::keep_drawn(Arc::clone(inner), Arc::clone(lane)));
        }
        inner.tasks.start(tick::watch_deadlines(Arc::clone(inner)));
        inner.tasks.start(freezing::keep(Arc::clone(inner)));
        inner.tasks.start(giving_back::keep(Arc::clone(inner)));
        paging::begin(inner);
        inner.tasks.start(gate::keep(Arc::clone(inner)));
        inner.tasks.start(outside::keep(Arc::clone(inner)));
        inner.tasks.start(reminding::keep(Arc::clone(inner)));
        inner.tasks.start(groups::keep(Arc::clone(inner)));
        inner.tasks.start(shelf::keep_noted(Arc::clone(inner)));
        drift::begin(inner);
        if inner.unread > 0 {
            inner.tasks.start(shelf::fill(Arc::clone(inner), inner.unread));
        }
        shelf::take_up(inner).await;
    }

    /// Reads what somebody typed and takes it.
    pub async fn typed(&self, typed: Typed, event: Option<String>) -> Reply {
        // What the ledger says is not kept as an answer: it is looked up again.
        if let Some(answer) = self.inner.answered(event.as_deref()).await.filter(|answer| *answer != Reply::Go) {
            return answer;
        }
        match self.revert_each(&typed, event.as_deref()).await {
            Some(reply) => reply,
            None => self.one(typed, event).await,
        }
    }

    /// Reads one command and takes it.
    async fn one(&self, typed: Typed, event: Option<String>) -> Reply {
        let reply = match facts::read(&self.inner, typed).await {
            Ok(Incoming::Read { asker, wanted }) => {
                match self.inner.take(Incoming::Read { asker, wanted: wanted.clone() }, event).await {
                    Reply::Go => Reply::Private(trail::answer(&self.inner, &wanted).await),
                    other @ (Reply::Taken | Reply::Private(_) | Reply::Stop) => other,
                }
            }
            Ok(incoming) => self.inner.take(incoming, event).await,
            Err(answer) => Reply::Private(answer),
        };
        // Not before it is recorded: nothing is done for what is not in the ledger.
        rules::refresh_soon(&self.inner);
        reply
    }

    /// Whether a delivery was answered already.
    pub async fn knows(&self, event: &str) -> bool {
        self.inner.answered(Some(event)).await.is_some()
    }

    /// Whether an account belongs to nobody, and whose it is can be proven here. One that ended is still its person's.
    pub fn offers_link(&self, account: &str, via: &str) -> bool {
        let is_nobodys =
            |rules: Option<Arc<Rules>>| rules.is_some_and(|rules| facts::asker(&rules, account, via).person.is_none());
        let is_unknown = is_nobodys(self.rules()) && is_nobodys(self.inner.rules_in_git());
        is_unknown && self.inner.reach.accounts.is_some()
    }

    /// Who an account is, by the catalog in force.
    pub fn asker(&self, account: &str, via: &str) -> Asker {
        match self.inner.rules() {
            Some(rules) => facts::asker(&rules, account, via),
            None => Asker { account: account.to_owned(), via: via.to_owned(), person: None },
        }
    }

    /// Something is in flight until this is dropped.
    pub fn busy(&self) -> Busy {
        Busy::new(&self.inner)
    }

    /// The rules in force; absent until the repository was read for the first time.
    pub fn rules(&self) -> Option<Arc<Rules>> {
        self.inner.rules()
    }

    /// Follows the rules in force.
    pub fn rules_changed(&self) -> watch::Receiver<Option<Arc<Rules>>> {
        self.inner.rules.subscribe()
    }

    /// The chat platforms.
    pub fn chats(&self) -> &Chats {
        &self.inner.reach.chats
    }

    /// Resolves when the repository was read for the first time.
    pub async fn ready(&self) {
        let mut rules = self.inner.rules.subscribe();
        let _ = rules.wait_for(Option::is_some).await;
    }

    /// Why the repository cannot be read, or why the rules at the tip are not the ones in force, when that is so.
    pub fn rules_trouble(&self) -> Option<String> {
        self.inner.troubles.lock().unwrap_or_else(PoisonError::into_inner).words(&self.inner.reach.repository.name)
    }

    /// The requests, newest first: at most so many that are open and as many that are over.
    pub async fn requests(&self, most: usize) -> Vec<Request> {
        let book = self.inner.book.lock().await;
        let open = book.iter().rev().filter(|request| !request.is_over()).take(most);
        let over = book.iter().rev().filter(|request| request.is_over()).take(most);
        open.chain(over).cloned().collect()
    }

    /// Resolves when nothing is in flight: no effect runs and every card says what its request says.
    pub async fn settled(&self) {
        let mut busy = self.inner.busy.subscribe();
        let _ = busy.wait_for(|count| *count == 0).await;
    }

    /// Removes a person's texts from the ledger and from what is kept in memory of it.
    ///
    /// # Errors
    /// When the ledger takes no entries, or its files cannot be written.
    pub async fn erase(&self, person: &PersonId, actor: Actor, at: jiff::Timestamp) -> Result<Erased, LedgerError> {
        let ledger = &self.inner.ledger;
        let erased = ledger.erase(person, actor, at).await?;
        let mut book = self.inner.book.lock().await;
        // Nothing is placed while the book is held; what was is durable after this.
        ledger.append(Append { at, drafts: Vec::new(), seen: None }).await?;
        book.catch_up(ledger);
        let requests = shelf::fold(ledger, 0..ledger.len(), &|| false)?;
        book.reset((requests, matters_of(ledger)?, freezes_of(ledger)?));
        Ok(erased)
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.inner.ledger
    }
}

impl Inner {
    /// Incidents, break-glasses and debts as they are durably.
    async fn matters(&self) -> Matters {
        self.book.lock().await.matters().clone()
    }

    fn progress(&self, id: &RequestId) -> Progress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned().unwrap_or_default()
    }

    fn forget_progress(&self, id: &RequestId) {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Notes what the card shows beside the state, and draws it anew when that is news.
    fn note_progress(self: &Arc<Self>, id: &RequestId, progress: Progress) {
        let mut all = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(id) == Some(&progress) {
            return;
        }
        all.insert(id.clone(), progress);
        drop(all);
        self.redraw(id);
    }

    /// Asks for the card to be drawn; several asks before it is drawn are one.
    fn redraw(self: &Arc<Self>, id: &RequestId) {
        if self.lanes.is_empty() {
            return;
        }
        if self.undrawn.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone()) {
            self.busy.send_modify(|count| *count += 1);
        }
        self.drawing.notify_one();
    }
}
