//! Who is in which group, and whose accounts ended, as Slack, Discord and GitHub say: what a vote's rule names is read at the
//! vote, everything behind it. What was seen is in the ledger (`core::roster`), so that a role that somebody was given a
//! moment ago is known as that after a restart too.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::{Inner, facts};
use crate::{
    clock,
    core::{
        catalog::{ApprovalRule, Approvers, Catalog, Person, Platform, Source},
        decide::{Asker, Incoming, Now, Words, rule_of},
        entry::{Draft, Recorded},
        incident::Incident,
        names::{CommitId, RequestId},
        roster::{FRESH, OLDEST, PREFIXES, Roster, places_of},
        rules::Rules,
    },
    ledger::{Ledger, LedgerError},
    pager::Kind,
};

/// How long reading may take at a vote, so that the click is answered in time.
const AT_THE_VOTE: Duration = Duration::from_millis(700);
/// How long reading may take otherwise.
const BEHIND: Duration = Duration::from_secs(60);
/// How often everything is read.
const EVERY: Duration = Duration::from_secs(300);
/// How long people as they count are kept before they are counted again.
const KEPT: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);
/// Of how many people accounts are looked at each time.
const LOOKED_AT: usize = 40;
/// Where it stands when places were read last.
const READ: &str = "groups/read";
/// Where it stands at which commit the catalog was looked at last.
const LOOKED: &str = "groups/catalog";

/// What is known of groups, and the rules with people as they count.
#[derive(Default)]
pub(super) struct Groups {
    roster: Mutex<Roster>,
    counted: Mutex<Option<Counted>>,
    /// What is news is found and recorded by one at a time, so that it is recorded once.
    turn: tokio::sync::Mutex<()>,
}

/// The rules with people as they count until a moment.
struct Counted {
    of: Arc<Rules>,
    until: Timestamp,
    rules: Arc<Rules>,
}

impl Groups {
    /// What the ledger says.
    pub(super) fn of(ledger: &Ledger) -> Result<Self, LedgerError> {
        let mut roster = Roster::default();
        let mut all = BTreeMap::new();
        for prefix in PREFIXES {
            all.extend(ledger.by_prefix(prefix)?.into_iter().map(|one| (one.entry.seq, one)));
        }
        all.values().for_each(|one| roster.fold(one));
        let note = ledger.note(READ).ok().flatten();
        let read: BTreeMap<Source, Timestamp> =
            note.and_then(|note| serde_json::from_slice(&note).ok()).unwrap_or_default();
        read.iter().for_each(|(source, at)| roster.note_read(source, *at));
        Ok(Self { roster: Mutex::new(roster), ..Self::default() })
    }

    /// Takes in what came to be durable.
    pub(super) fn noticed(&self, recorded: &[Recorded]) {
        let ours = |one: &&Recorded| PREFIXES.iter().any(|prefix| one.entry.subject.starts_with(prefix));
        if recorded.iter().any(|one| ours(&one)) {
            let mut roster = self.roster();
            recorded.iter().filter(ours).for_each(|one| roster.fold(one));
            drop(roster);
            self.forget();
        }
    }

    /// The rules with people as they count now.
    pub(super) fn over(&self, rules: Arc<Rules>) -> Arc<Rules> {
        let now = clock::now();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = counted.as_ref().filter(|known| Arc::ptr_eq(&known.of, &rules) && now < known.until) {
            return Arc::clone(&known.rules);
        }
        let (found, read) = {
            let roster = self.roster();
            (roster.over(&rules.catalog, now), roster.all_read().collect())
        };
        let soon = now.checked_add(KEPT).unwrap_or(now);
        let (fresh, until) = match found {
            Some((catalog, until)) => (Arc::new(rules.for_people(catalog, read)), until.min(soon)),
            None => (Arc::clone(&rules), soon),
        };
        *counted = Some(Counted { of: rules, until, rules: Arc::clone(&fresh) });
        fresh
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self) {
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Inner {
    /// The rules in force, with people as they count now.
    pub(super) fn rules(&self) -> Option<Arc<Rules>> {
        self.rules_in_git().map(|rules| self.groups.over(rules))
    }

    /// The rules in force as they stand in git.
    pub(super) fn rules_in_git(&self) -> Option<Arc<Rules>> {
        self.rules.borrow().clone()
    }
}

/// Reads what the vote's rule names, of whoever votes; why the vote cannot be counted, where that cannot be read.
pub(super) async fn at_the_vote(inner: &Arc<Inner>, asker: &Asker, of: &RequestId) -> Option<Words> {
    let rules = inner.rules_in_git()?;
    // As git has them: of whoever left no account leads to a person any more.
    let known = facts::asker(&rules, &asker.account, &asker.via).person.or_else(|| asker.person.clone());
    let person = rules.catalog.person(&known?)?.clone();
    let rule = rule_named(inner, &rules, of).await;
    let (ended, read) =
        futures::join!(ended(inner, &person, &asker.via), read_for(inner, &rules, (rule.as_ref(), &person)),);
    ended.or(read)
}

async fn rule_named(inner: &Arc<Inner>, rules: &Rules, of: &RequestId) -> Option<ApprovalRule> {
    let book = inner.book.lock().await;
    let matters = book.matters();
    let now = Now { at: clock::now(), rules, matters };
    rule_of((book.get(of), matters.overrides.get(of)), now).cloned()
}

/// Reads the places of a rule's groups, of one person.
async fn read_for(
    inner: &Arc<Inner>,
    rules: &Rules,
    (rule, person): (Option<&ApprovalRule>, &Person),
) -> Option<Words> {
    let named: Vec<&Approvers> = rule?.shares().flat_map(|(_, from)| from).collect();
    for source in &places_of(&rules.catalog, &named) {
        let Some(account) = person.known_to(source.platform).map(str::to_owned) else { continue };
        let is_first = inner.groups.roster().read_at(source).is_none();
        let asked = if is_first { accounts_of(&rules.catalog, source.platform) } else { [account].into() };
        let found = tokio::time::timeout(AT_THE_VOTE, members(inner, &rules.catalog, (source, &asked))).await;
        let why = match found {
            Ok(Ok(found)) => {
                note(inner, source, (&asked, &found)).await;
                continue;
            }
            Ok(Err(why)) => why,
            Err(_) => "it did not answer in time".to_owned(),
        };
        if !is_good_enough(inner, source).await {
            let name = platform_name(source.platform);
            let (is, of) = if is_pager(source.platform) { ("on call", "for") } else { ("in", "") };
            let place = format!("{of} `{}`", source.id);
            let text = format!("{name} could not say who is {is} {} ({why}), so this was not counted.", place.trim());
            return Some(Words::new(text, "Press again in a moment; if it stays, ask whoever runs Leverframe."));
        }
    }
    None
}

/// What was read a moment ago is as good as read now; while a sev1 or sev2 is open, what was read within twelve hours is.
async fn is_good_enough(inner: &Arc<Inner>, source: &Source) -> bool {
    let grave = inner.matters().await.incidents.values().any(Incident::is_grave);
    let read = inner.groups.roster().read_at(source);
    read.is_some_and(|read| clock::now().duration_since(read) <= if grave { OLDEST } else { FRESH })
}

/// Whether one of their accounts ended: then none of them counts.
async fn ended(inner: &Arc<Inner>, person: &Person, via: &str) -> Option<Words> {
    let others = person.accounts.iter().filter(|(platform, _)| platform.word() != via);
    let known = inner.groups.roster().ended(&person.id).map(str::to_owned);
    let mut asked_all = true;
    for (platform, account) in others {
        let Some(chat) = inner.reach.chats.on(*platform) else { continue };
        match tokio::time::timeout(AT_THE_VOTE, chat.is_gone(account)).await {
            Ok(Ok(true)) => return Some(end(inner, person, *platform).await),
            Ok(Ok(false)) => {}
            // A platform that is down does not keep people from the other one.
            Ok(Err(_)) | Err(_) => asked_all = false,
        }
    }
    let known = known?;
    if asked_all && let Some(draft) = { inner.groups.roster().standing(&person.id, None) } {
        record(inner, draft).await;
        return None;
    }
    Some(ended_words(&known))
}

/// Records that an account ended, and says so.
async fn end(inner: &Arc<Inner>, person: &Person, platform: Platform) -> Words {
    let name = platform_name(platform);
    let draft = inner.groups.roster().standing(&person.id, Some(name));
    if let Some(draft) = draft {
        record(inner, draft).await;
    }
    ended_words(name)
}

fn ended_words(platform: &str) -> Words {
    let text = format!("Your account on {platform} ended, so none of your accounts counts.");
    Words::new(text, "If that is wrong, ask somebody who keeps the catalog to correct your entry under `people`.")
}

/// Whoever was turned away at the door may have left: then none of their accounts counts from now on.
pub(super) fn look_at(inner: &Arc<Inner>, asker: &Asker) {
    let (inner, asker) = (Arc::clone(inner), asker.clone());
    let busy = super::Busy::new(&inner);
    inner.tasks.clone().start(async move {
        let _busy = busy;
        let person = inner.rules_in_git().and_then(|rules| {
            let known = facts::asker(&rules, &asker.account, &asker.via).person?;
            rules.catalog.person(&known).cloned()
        });
        if let Some(person) = person {
            gone(&inner, &person).await;
        }
    });
}

/// Looks whether one of somebody's accounts ended, or all are there again.
async fn gone(inner: &Arc<Inner>, person: &Person) {
    let mut asked_all = true;
    for (platform, account) in &person.accounts {
        let Some(chat) = inner.reach.chats.on(*platform) else { continue };
        match tokio::time::timeout(BEHIND, chat.is_gone(account)).await {
            Ok(Ok(true)) => return drop(end(inner, person, *platform).await),
            Ok(Ok(false)) => {}
            Ok(Err(_)) | Err(_) => asked_all = false,
        }
    }
    let back = inner.groups.roster().standing(&person.id, None).filter(|_| asked_all);
    if let Some(draft) = back {
        record(inner, draft).await;
    }
}

/// Reads everything again and again.
pub(super) async fn keep(inner: Arc<Inner>) {
    let mut changed = inner.rules.subscribe();
    let mut next = 0;
    while !inner.tasks.is_stopping() {
        if let Some(rules) = inner.rules_in_git() {
            let groups = rules.catalog.sources().map(|(_, source)| source.clone());
            let known: BTreeSet<Source> = groups.chain(rules.catalog.on_call().into_values()).collect();
            for source in &known {
                read(&inner, &rules, source).await;
            }
        }
        tokio::select! {
            () = inner.tasks.pause(EVERY) => next = look_at_some(&inner, next).await,
            _ = changed.changed() => {}
        }
    }
}

/// Looks whether some people's accounts ended, the next ones the next time.
async fn look_at_some(inner: &Arc<Inner>, from: usize) -> usize {
    let Some(rules) = inner.rules_in_git() else { return 0 };
    let people: Vec<&Person> = rules.catalog.people().skip(from).take(LOOKED_AT).collect();
    for person in &people {
        gone(inner, person).await;
    }
    if people.len() < LOOKED_AT { 0 } else { from + LOOKED_AT }
}

async fn read(inner: &Arc<Inner>, rules: &Rules, source: &Source) {
    let read = inner.groups.roster().read_at(source);
    if read.is_some_and(|read| clock::now().duration_since(read) <= FRESH) {
        return;
    }
    let asked = accounts_of(&rules.catalog, source.platform);
    match tokio::time::timeout(BEHIND, members(inner, &rules.catalog, (source, &asked))).await {
        Ok(Ok(found)) => note(inner, source, (&asked, &found)).await,
        Ok(Err(why)) => tracing::info!(%source, why, "who is in a group is read later"),
        Err(_) => tracing::info!(%source, "who is in a group was not told in time"),
    }
}

/// Those of some accounts that are in a place now.
async fn members(
    inner: &Arc<Inner>,
    catalog: &Catalog,
    (source, asked): (&Source, &BTreeSet<String>),
) -> Result<BTreeSet<String>, String> {
    let name = platform_name(source.platform);
    match source.platform {
        Platform::Slack | Platform::Discord => {
            let chat = inner.reach.chats.on(source.platform).ok_or_else(|| format!("{name} is not configured"))?;
            chat.members(&source.id, asked).await.map_err(|error| error.to_string())
        }
        Platform::GitHub => {
            let forge = inner.reach.repository.forge.as_ref().ok_or_else(|| format!("{name} is not configured"))?;
            let (organisation, team) = source.id.split_once('/').unwrap_or((&source.id, ""));
            let all = forge.team(organisation, team).await.map_err(|error| error.to_string())?;
            Ok(all.into_iter().map(|login| login.to_ascii_lowercase()).filter(|login| asked.contains(login)).collect())
        }
        Platform::PagerDuty => on_call(inner, catalog, (Kind::PagerDuty, &source.id)).await,
        Platform::Opsgenie => on_call(inner, catalog, (Kind::Opsgenie, &source.id)).await,
        Platform::Ssh => Err("a terminal knows no groups".to_owned()),
    }
}

/// The people of the catalog who are on call in a schedule now, by their e-mail.
async fn on_call(
    inner: &Arc<Inner>,
    catalog: &Catalog,
    (kind, schedule): (Kind, &str),
) -> Result<BTreeSet<String>, String> {
    let pager = inner.reach.pagers.iter().find(|pager| pager.kind() == kind);
    let pager = pager.ok_or_else(|| format!("{} is not configured", kind.called()))?;
    let found = pager.on_call(schedule).await.map_err(|error| error.to_string())?;
    let is_on_call = |person: &&Person| {
        let email = person.email.as_deref();
        email.is_some_and(|email| found.iter().any(|one| one.eq_ignore_ascii_case(email)))
    };
    Ok(catalog.people().filter(is_on_call).map(|person| person.id.to_string()).collect())
}

fn accounts_of(catalog: &Catalog, platform: Platform) -> BTreeSet<String> {
    catalog.people().filter_map(|person| person.known_to(platform).map(str::to_owned)).collect()
}

/// Notes what was read, in the ledger where it is news.
async fn note(inner: &Arc<Inner>, source: &Source, (asked, found): (&BTreeSet<String>, &BTreeSet<String>)) {
    let _turn = inner.groups.turn.lock().await;
    let news = inner.groups.roster().news(source, asked, found);
    if let Some(draft) = news {
        record(inner, draft).await;
    }
    let read: BTreeMap<Source, Timestamp> = {
        let mut roster = inner.groups.roster();
        roster.note_read(source, clock::now());
        roster.all_read().collect()
    };
    inner.groups.forget();
    if let Err(error) = inner.ledger.set_note(READ, &serde_json::to_vec(&read).unwrap_or_default()) {
        tracing::warn!(%error, "when groups were read is not remembered across a restart");
    }
}

async fn record(inner: &Arc<Inner>, draft: Draft) {
    inner.take(Incoming::Noticed(Box::new(draft)), None).await;
}

/// Roles that newer rules give are noted before these rules are in force.
pub(super) async fn granted(inner: &Arc<Inner>, before: &Rules, after: &Rules) {
    let _turn = inner.groups.turn.lock().await;
    let draft = inner.groups.roster().granted(&before.catalog, &after.catalog);
    if let Some(draft) = draft {
        record(inner, draft).await;
    }
}

/// The commit at which the catalog was looked at last, in an earlier life of the process.
pub(super) fn looked(inner: &Inner) -> Option<CommitId> {
    let note = inner.ledger.note(LOOKED).ok().flatten()?;
    CommitId::parse(std::str::from_utf8(&note).ok()?).ok()
}

/// Remembers at which commit the catalog was looked at.
pub(super) fn note_looked(inner: &Inner, commit: &CommitId) {
    if let Err(error) = inner.ledger.set_note(LOOKED, commit.as_str().as_bytes()) {
        tracing::warn!(%error, "which catalog was in force is not remembered across a restart");
    }
}

fn is_pager(platform: Platform) -> bool {
    matches!(platform, Platform::PagerDuty | Platform::Opsgenie)
}

fn platform_name(platform: Platform) -> &'static str {
    match platform {
        Platform::Slack => "Slack",
        Platform::Discord => "Discord",
        Platform::GitHub => "GitHub",
        Platform::Ssh => "The terminal",
        Platform::PagerDuty => "PagerDuty",
        Platform::Opsgenie => "Opsgenie",
    }
}
