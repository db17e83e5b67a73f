//! Freezes as everybody sees them: read from what was typed, said in the home channel when they begin, end or come, shown
//! on cards, in `/status` and on the dashboard. That they hold is decided in `core::decide`; this only informs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::{Engine, Inner, Typed, rules::announce};
use crate::{
    clock,
    core::{
        command::{Command, Flow, Value},
        decide::{Asker, FreezeAsked, Switch},
        entry::{Actor, Recorded},
        freeze::{Calendar, Cause, Frozen, of_subject},
        moment::{self, Moment},
        names::{Environment, Target},
        request::State,
        rules::Rules,
    },
};

/// How long before a freeze begins it is announced.
const AHEAD: SignedDuration = SignedDuration::from_mins(30);
/// How far ahead `/status` and the dashboard look.
const SHOWN_AHEAD: SignedDuration = SignedDuration::from_hours(48);
/// How often it is looked whether one begins or ends.
const EVERY: std::time::Duration = std::time::Duration::from_secs(5);
/// Where it stands what was said already, across restarts.
const SAID: &str = "freezes/said";

/// What somebody asks of freezes, where a command is about them.
pub(super) fn asked(command: &Command, asker: &Asker, typed: &Typed) -> Option<FreezeAsked> {
    let flow = command.flow().filter(|flow| matches!(flow, Flow::Freeze | Flow::Unfreeze))?;
    let Some(Value::Environments(place) | Value::Environment(place)) = command.value("environment") else {
        return None;
    };
    let text = |option: &str| match command.value(option) {
        Some(Value::Text(text)) => Some(text.clone()),
        Some(_) | None => None,
    };
    let moment = |option: &str| match command.value(option) {
        Some(Value::Moment(moment)) => Some(*moment),
        Some(Value::Duration(span)) => Some(Moment::In(*span)),
        Some(_) | None => None,
    };
    let what = match (flow, command.value("switch")) {
        (Flow::Freeze, None) => Switch::On {
            from: moment("from"),
            until: moment("until"),
            except: text("except").unwrap_or_default(),
            reason: text("reason"),
        },
        (_, _) => Switch::Off { reason: text("reason") },
    };
    Some(FreezeAsked {
        id: clock::request_id(clock::now()),
        asker: asker.clone(),
        command: command.name().clone(),
        typed: typed.written(),
        channel: typed.channel.clone(),
        place: place.clone(),
        what,
    })
}

impl Inner {
    /// What is frozen now, and what will be soon.
    async fn frozen<T>(&self, rules: &Rules, look: impl FnOnce(Calendar<'_>) -> T) -> T {
        let book = self.book.lock().await;
        look(Calendar { freezes: book.freezes(), catalog: &rules.catalog, now: clock::now() })
    }

    /// Why a request of somebody on a target would be held now, or when it begins, in words.
    pub(super) async fn frozen_for(
        &self,
        rules: &Rules,
        (actor, command, target): (&Actor, &crate::core::names::CommandName, &Target),
        begins: Option<Timestamp>,
    ) -> Option<String> {
        let person = actor.person.as_ref().and_then(|id| rules.catalog.person(id));
        let zone = rules.catalog.zone_of(&target.environment);
        let told = |frozen: Frozen<'_>| format!("{} is frozen {}", frozen.places(), frozen.words(&zone));
        self.frozen(rules, |calendar| {
            let now = begins.unwrap_or(calendar.now).max(calendar.now);
            Calendar { now, ..calendar }.holds(person, command, target).map(told)
        })
        .await
    }

    /// Every freeze that holds in one of these environments, or will soon, a line each.
    pub(super) async fn freeze_lines(&self, rules: &Rules, among: Option<&BTreeSet<&Environment>>) -> Vec<String> {
        let concerns = |frozen: &Frozen<'_>| among.is_none_or(|names| names.iter().any(|name| frozen.concerns(name)));
        self.frozen(rules, |calendar| {
            let all = calendar.within(SHOWN_AHEAD);
            all.iter().filter(|frozen| concerns(frozen)).map(|frozen| line(rules, frozen, calendar.now)).collect()
        })
        .await
    }
}

impl Engine {
    /// What is frozen now or within two days, a line each.
    pub async fn freezes(&self) -> Vec<String> {
        match self.inner.rules() {
            Some(rules) => self.inner.freeze_lines(&rules, None).await,
            None => Vec::new(),
        }
    }
}

/// "`prod` is frozen until ..., by `bo`: release night. Exempt: `group:leads`."
fn line(rules: &Rules, frozen: &Frozen<'_>, now: Timestamp) -> String {
    let zone = match frozen.cause {
        Cause::Person(_, declared) => declared.environments.first().map(|place| rules.catalog.zone_of(place)),
        Cause::Window(window) => Some(window.zone.clone()),
        Cause::Unreadable => None,
    };
    let zone = zone.unwrap_or(jiff::tz::TimeZone::UTC);
    let when = match frozen.from > now {
        true => format!("will be frozen from {}", moment::told(frozen.from, &zone)),
        false => "is frozen".to_owned(),
    };
    let exempt: Vec<String> = frozen.exempt().iter().map(|exempt| format!("`{exempt}`")).collect();
    let exempt = if exempt.is_empty() { String::new() } else { format!(" Exempt: {}.", exempt.join(", ")) };
    format!("{} {when} {}.{exempt}", frozen.places(), frozen.words(&zone))
}

/// Freezes that were declared or ended just now: said at once, and shown on the cards that they concern.
pub(super) async fn noticed(inner: &Arc<Inner>, recorded: &[Recorded]) {
    if recorded.iter().any(|one| of_subject(&one.entry.subject).is_some()) {
        look(inner).await;
    }
}

/// Looks again and again whether a freeze begins or ends.
pub(super) async fn keep(inner: Arc<Inner>) {
    while !inner.tasks.is_stopping() {
        look(&inner).await;
        inner.tasks.pause(EVERY).await;
    }
}

/// What was said of freezes, by what it is, and in which channel beside the home channel: it is not said again.
pub(super) type Said = BTreeMap<String, (String, String)>;

/// Says what begins, what ends and what comes, each once.
async fn look(inner: &Arc<Inner>) {
    let Some(rules) = inner.rules() else { return };
    // Held while looking: of two looks at once the later one sees the later freezes.
    let mut last = inner.said_of_freezes.lock().await;
    let now = inner.frozen(&rules, |calendar| said(&rules, calendar)).await;
    let note = || inner.ledger.note(SAID).ok().flatten();
    let before = last.take().or_else(|| serde_json::from_slice(&note()?).ok()).unwrap_or_default();
    let news: Vec<_> = now.iter().filter(|(key, _)| !before.contains_key(*key)).map(|(_, said)| said.clone()).collect();
    let over = before.iter().filter(|(key, _)| key.starts_with("holds ") && !now.contains_key(*key));
    let over = over.map(|(_, (words, channel))| (over_in_words(words), channel.clone()));
    if before != now {
        for (words, channel) in news.into_iter().chain(over) {
            tell(inner, &rules, words, &channel);
        }
        if let Err(error) = inner.ledger.set_note(SAID, &serde_json::to_vec(&now).unwrap_or_default()) {
            tracing::warn!(%error, "what is frozen may be said once more than needed");
        }
        redraw(inner).await;
        inner.forge.look.notify_one();
    }
    *last = Some(now);
}

/// Says something in the home channel and in the one where a freeze was declared, once where they are the same.
fn tell(inner: &Arc<Inner>, rules: &Rules, words: String, channel: &str) {
    let home = rules.catalog.channels().home.as_deref();
    if let Some((_, declared_in)) = inner.reach.chats.of(channel).filter(|(_, id)| home != Some(*id)) {
        announce(inner, Some(declared_in.to_owned()), words.clone());
    }
    announce(inner, None, words);
}

/// What is to be said of every freeze that holds or comes soon, by what it is.
fn said(rules: &Rules, calendar: Calendar<'_>) -> Said {
    let all = calendar.within(AHEAD);
    all.iter()
        .map(|frozen| {
            let begins = if frozen.from > calendar.now { "comes" } else { "holds" };
            let (which, channel) = match frozen.cause {
                Cause::Person(id, declared) => (id.to_string(), declared.channel.clone()),
                Cause::Window(window) => (format!("line {} from {}", window.line, frozen.from), String::new()),
                Cause::Unreadable => ("unreadable".to_owned(), String::new()),
            };
            (format!("{begins} {which}"), (line(rules, frozen, calendar.now), channel))
        })
        .collect()
}

/// "`prod` may change again", of what was said when it began.
fn over_in_words(words: &str) -> String {
    let places = words.split(" is frozen ").next().unwrap_or("Everything");
    format!("{places} may change again: the freeze is over.")
}

/// Cards of requests that people decide on show whether they are held.
async fn redraw(inner: &Arc<Inner>) {
    let book = inner.book.lock().await;
    let open: Vec<_> = book
        .iter()
        .filter(|request| matches!(request.state, State::Deciding(_)))
        .map(|request| request.id.clone())
        .collect();
    drop(book);
    open.iter().for_each(|id| inner.redraw(id));
}
