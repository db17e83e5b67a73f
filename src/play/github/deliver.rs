//! Webhooks: when something changes, the bot is told, signed and once. A bot that is not there misses it, as it would
//! elsewhere.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use ring::hmac;
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

use super::{
    Shared,
    accounts::{Account, BOT},
    forge::{PullRequest, State},
    more::run_json,
};
use crate::{
    core::names::hex,
    play::{json::put, post::post, pulse::Pulse},
    secret::Secret,
};

/// Where the bot is, and what signs what it is told.
#[derive(Clone)]
pub(super) struct Bot {
    pub(super) url: String,
    pub(super) secret: Secret,
}

/// Where deliveries go; nowhere until a bot is set.
#[derive(Default)]
pub(super) struct Hook {
    bot: Mutex<Option<Bot>>,
    sent: Mutex<u64>,
    /// The revision of the world up to which everything was delivered.
    seen: watch::Sender<u64>,
}

impl Hook {
    pub(super) fn set(&self, bot: Option<Bot>) {
        *self.bot.lock().unwrap_or_else(PoisonError::into_inner) = bot;
    }

    /// Waits until what had changed by this revision was delivered.
    pub(super) async fn delivered(&self, revision: u64) {
        let mut seen = self.seen.subscribe();
        // The sender lives in `self`, so waiting cannot fail before the number is reached.
        let _ = seen.wait_for(|seen| *seen >= revision).await;
    }

    fn next(&self) -> u64 {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        *sent += 1;
        *sent
    }

    /// Sends one delivery. What comes of it is the bot's.
    pub(super) async fn send(&self, event: &str, body: String) {
        let Some(bot) = self.bot.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("x-github-event", event.to_owned()),
            ("x-github-delivery", format!("{event}-{}", self.next())),
            ("x-hub-signature-256", signature(&bot.secret, body.as_bytes())),
        ];
        let _missed = post(&format!("{}/github/webhooks", bot.url), &headers, body).await;
    }
}

/// As GitHub signs.
pub fn signature(secret: &Secret, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
    format!("sha256={}", hex(hmac::sign(&key, body).as_ref()))
}

/// What there was at the last look.
#[derive(Default)]
struct Look {
    branches: BTreeMap<String, String>,
    pulls: BTreeMap<u64, PullRequest>,
    statuses: usize,
    runs: usize,
}

/// Tells the bot what changes from now on, until the set is dropped.
pub(super) fn start(shared: Arc<Shared>, pulse: &Pulse) -> JoinSet<()> {
    let mut changed = pulse.changed();
    let mut last = look(&shared).unwrap_or_default();
    shared.hook.seen.send_replace(*changed.borrow());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while changed.changed().await.is_ok() {
            let revision = *changed.borrow_and_update();
            let seeing = Arc::clone(&shared);
            if let Ok(Some(now)) = tokio::task::spawn_blocking(move || look(&seeing)).await {
                for (event, body) in events(&shared, &last, &now) {
                    shared.hook.send(event, body.to_string()).await;
                }
                last = now;
            }
            shared.hook.seen.send_replace(revision);
        }
    });
    tasks
}

fn look(shared: &Shared) -> Option<Look> {
    let branches = shared.forge.repository.branches().ok()?.into_iter().collect();
    let pulls = shared.forge.pulls().ok()?.into_iter().map(|pull| (pull.number, pull)).collect();
    let kept = shared.forge.extras.kept();
    Some(Look { branches, pulls, statuses: kept.statuses.len(), runs: kept.runs.len() })
}

fn events(shared: &Shared, before: &Look, now: &Look) -> Vec<(&'static str, Value)> {
    let mut events = Vec::new();
    let none = "0".repeat(40);
    for (branch, sha) in now.branches.iter().filter(|(branch, sha)| before.branches.get(*branch) != Some(*sha)) {
        let was = before.branches.get(branch).unwrap_or(&none);
        let body = json!({"ref": format!("refs/heads/{branch}"), "before": was, "after": sha, "commits": [],
            "created": *was == none, "deleted": false, "forced": false, "base_ref": null, "head_commit": null,
            "compare": shared.places.repository_page(), "pusher": {"name": "somebody", "email": null}});
        events.push(("push", about(shared, body, BOT)));
    }
    for pull in now.pulls.values() {
        of_pull(shared, before.pulls.get(&pull.number), pull, &mut events);
    }
    let kept = shared.forge.extras.kept();
    for status in kept.statuses.iter().skip(before.statuses) {
        let at = status.at.to_string();
        let body = json!({"id": 1, "sha": status.sha, "name": shared.places.name, "context": status.context,
            "state": status.state, "description": status.description, "target_url": null, "branches": [],
            "created_at": at, "updated_at": at});
        events.push(("status", about(shared, body, status.by)));
    }
    for run in kept.runs.iter().skip(before.runs) {
        let action = if run.conclusion.is_some() { "completed" } else { "created" };
        events.push(("check_run", about(shared, json!({"action": action, "check_run": run_json(shared, run)}), BOT)));
    }
    events
}

fn of_pull(shared: &Shared, before: Option<&PullRequest>, now: &PullRequest, events: &mut Vec<(&'static str, Value)>) {
    let body =
        |action: &str| json!({"action": action, "number": now.number, "pull_request": shared.places.pull_in_list(now)});
    let action = match before {
        None => Some("opened"),
        Some(before) => match (&before.state, &now.state) {
            (State::Open, State::Closed { .. } | State::Merged { .. }) => Some("closed"),
            (State::Closed { .. }, State::Open) => Some("reopened"),
            (_, _) if before.head_sha != now.head_sha => Some("synchronize"),
            (_, _) if (&before.title, &before.body) != (&now.title, &now.body) => Some("edited"),
            (_, _) => None,
        },
    };
    events.extend(action.map(|action| ("pull_request", about(shared, body(action), now.author))));
    for review in &now.reviews {
        let was = before.and_then(|before| before.reviews.iter().find(|other| other.id == review.id));
        let action = match was {
            None => "submitted",
            Some(was) if was.verdict != review.verdict => "dismissed",
            Some(_) => continue,
        };
        let mut body = body(action);
        put(&mut body, "review", shared.places.review(now, review));
        events.push(("pull_request_review", about(shared, body, review.by)));
    }
}

fn about(shared: &Shared, mut body: Value, sender: Account) -> Value {
    put(&mut body, "repository", shared.places.repository());
    put(&mut body, "sender", shared.places.user(sender));
    body
}
