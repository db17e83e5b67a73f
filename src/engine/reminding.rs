//! Reminders of what waits for approval: which are due follows from the ledger (`core::decide::reminders_due`). Each is
//! recorded before it is said and after; one that was on its way when the process ended is looked for first.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::Inner;
use crate::{
    chat::{Chat, ChatError, Nudge, Place, To},
    clock,
    core::{
        catalog::Platform,
        decide::{Facts, Incoming, Reminded, Reminder, Reply, reminders_due},
        entry::Actor,
        names::PersonId,
        reminder::Step,
        rules::Rules,
    },
};

/// How often it is looked whether one is due.
const EVERY: Duration = Duration::from_secs(1);
/// How long saying one may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks again and again.
pub(super) async fn keep(inner: Arc<Inner>) {
    while !inner.tasks.is_stopping() {
        for reminder in due(&inner).await {
            let busy = super::Busy::new(&inner);
            remind(&inner, &reminder).await;
            drop(busy);
        }
        inner.tasks.pause(EVERY).await;
    }
}

async fn due(inner: &Arc<Inner>) -> Vec<Reminder> {
    let rules = inner.rules();
    let book = inner.book.lock().await;
    reminders_due(Facts {
        now: clock::now(),
        rules: rules.as_deref(),
        requests: book.ahead(),
        matters: book.matters_ahead(),
        freezes: book.freezes(),
    })
}

async fn remind(inner: &Arc<Inner>, reminder: &Reminder) {
    let Some(rules) = inner.rules() else { return };
    let record = |reminded| Incoming::Reminded { of: reminder.of.clone(), step: reminder.step, reminded };
    if reminder.begun.is_none() && inner.take(record(Reminded::Begin), None).await != Reply::Go {
        return;
    }
    match tokio::time::timeout(PATIENCE, say(inner, &rules, reminder)).await {
        // What is passing is tried again at the next look, and looked for before.
        Ok(Err(error)) if error.is_passing() => {
            tracing::info!(request = %reminder.of, %error, "a reminder is said later");
        }
        Err(_) => tracing::info!(request = %reminder.of, "a reminder was not said in time, and is looked for again"),
        Ok(said) => {
            if let Err(error) = said {
                tracing::warn!(request = %reminder.of, %error, remedy = error.remedy(), "a reminder cannot be said");
            }
            inner.take(record(Reminded::Said), None).await;
        }
    }
}

/// Says it to everybody that it is for; what one platform refuses keeps it from nobody else.
async fn say(inner: &Arc<Inner>, rules: &Rules, reminder: &Reminder) -> Result<(), ChatError> {
    let Some((chat, channel)) = inner.reach.chats.of(&reminder.card.channel) else { return Ok(()) };
    let link = chat.link(&Place { channel: channel.to_owned(), message: reminder.card.message.clone() }).await;
    let said = (words(rules, reminder), link.unwrap_or_default());
    if matches!(reminder.step, Step::Channel | Step::Begins | Step::ReviewLate) {
        return once(chat.as_ref(), To::Channel(channel), (&said, reminder)).await;
    }
    let mut refused = Ok(());
    for person in &reminder.to {
        for (chat, account) in accounts(inner, rules, (person, chat.platform())) {
            match once(chat.as_ref(), To::Account(&account), (&said, reminder)).await {
                Ok(()) => break,
                Err(error) if error.is_passing() => return Err(error),
                Err(error) => refused = Err(error),
            }
        }
    }
    refused
}

/// Says it where it was not said before.
async fn once(
    chat: &dyn Chat,
    to: To<'_>,
    ((words, link), reminder): (&(String, String), &Reminder),
) -> Result<(), ChatError> {
    let mark = format!("{} {} {}", reminder.of, reminder.step.word(), reminder.since.as_millisecond());
    let before = match reminder.begun {
        Some(begun) => chat.reminded(to, &mark, begun).await,
        None => Ok(false),
    };
    match before {
        Ok(true) => Ok(()),
        Err(error) if error.is_passing() => Err(error),
        // Where it cannot be looked for, twice is better than never.
        Ok(false) | Err(_) => chat.remind(to, Nudge { words, link, mark: &mark }).await,
    }
}

/// Where somebody can be reached, on the card's own platform first.
fn accounts(inner: &Arc<Inner>, rules: &Rules, (person, first): (&PersonId, Platform)) -> Vec<(Arc<dyn Chat>, String)> {
    let Some(person) = rules.catalog.person(person) else { return Vec::new() };
    let mut platforms: Vec<Platform> = person.accounts.keys().copied().collect();
    platforms.sort_by_key(|platform| *platform != first);
    let reach = |platform: Platform| {
        Some((Arc::clone(inner.reach.chats.on(platform)?), person.accounts.get(&platform)?.clone()))
    };
    platforms.into_iter().filter_map(reach).collect()
}

/// "`deploy checkout v1.2.5 to prod` waits for your approval: asked by Ana Moreau 2 min ago, needs 1 of `group:leads`."
fn words(rules: &Rules, reminder: &Reminder) -> String {
    let minutes = minutes(reminder.since, clock::now());
    let needed: Vec<String> = reminder.needed.iter().map(|need| need_in_words(need)).collect();
    let (what, who, needed) = (&reminder.what, name(rules, &reminder.requester), needed.join(" and "));
    match reminder.step {
        Step::Approver | Step::Next => {
            format!("`{what}` waits for your approval: {who} asked {minutes} ago, and it needs {needed}.")
        }
        Step::Begins => format!("{what}."),
        Step::Channel => format!("`{what}` has waited {minutes} for approval: {who} asked, and it needs {needed}."),
        Step::Review | Step::ReviewAgain => {
            format!(
                "`{what}` went through the emergency lane: {who} asked {minutes} ago, and it owes a review by {needed}. \
                 Look at it, and press Reviewed on its card."
            )
        }
        Step::ReviewLate => {
            format!("The review of `{what}` is overdue: it went through the emergency lane and needs {needed}.")
        }
    }
}

/// "1 of group:leads" as people are told it: "1 of `leads`".
fn need_in_words(need: &str) -> String {
    let (count, from) = need.split_once(" of ").unwrap_or((need, "anybody"));
    let from: Vec<String> = match from {
        "anybody" => vec!["anybody else".to_owned()],
        from => from.split(" or ").map(|name| format!("`{}`", name.split_once(':').map_or(name, |of| of.1))).collect(),
    };
    format!("{count} of {}", from.join(" or "))
}

fn name(rules: &Rules, actor: &Actor) -> String {
    let person = actor.person.as_ref().and_then(|id| rules.catalog.person(id));
    person.map_or_else(|| "somebody".to_owned(), |person| person.name.clone())
}

fn minutes(since: Timestamp, now: Timestamp) -> String {
    match now.duration_since(since).as_mins() {
        0 => "less than a minute".to_owned(),
        minutes => format!("{minutes} min"),
    }
}
