//! Forms and home tabs, as Slack keeps them: a form opens for whoever caused an event within the last three seconds,
//! once; it is searched, filled in and sent; it closes, or says what is wrong. And what people do beside: they mention
//! the bot, or pick a message by the app's shortcut.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{
    Answered, Shared, SlackLookalike, Which,
    deliver::{Attempt, Delivery, EVENTS, INTERACTIONS, OPTIONS, Origin},
    limits, lock,
    workspace::{APP, BOT_USER, Channel, DOMAIN, Message, TEAM, somebody},
};
use crate::{
    clock,
    play::{error::PlayError, people::Person},
};

/// The app's shortcut on messages.
pub(super) const SHORTCUT: &str = "Add to incident timeline";
/// How long a trigger opens a form.
const LIFETIME: SignedDuration = SignedDuration::from_secs(3);

/// The forms and tabs that are open, and what may open one.
#[derive(Default)]
pub(super) struct Forms {
    triggers: BTreeMap<String, (Origin, Timestamp)>,
    open: BTreeMap<&'static str, Form>,
    homes: BTreeMap<&'static str, Value>,
    views: u64,
}

/// An open form.
#[derive(Clone)]
struct Form {
    origin: Origin,
    view: Value,
    /// What was wrong the last time it was sent, by field.
    errors: Map<String, Value>,
}

impl Forms {
    /// Notes that an event of this person may open a form for a moment.
    pub(super) fn expect(&mut self, trigger: &str, origin: &Origin) {
        self.triggers.insert(trigger.to_owned(), (origin.clone(), clock::now()));
    }
}

/// `views.open`.
pub(super) fn open(shared: &Shared, trigger: Option<&str>, mut view: Value) -> Result<Value, &'static str> {
    let mut forms = lock(&shared.forms);
    let trigger = trigger.ok_or("invalid_arguments")?;
    let (origin, at) = forms.triggers.remove(trigger).ok_or("invalid_trigger_id")?;
    if clock::now().duration_since(at) > LIFETIME {
        return Err("expired_trigger_id");
    }
    if !limits::view_complaints(&view).is_empty() {
        return Err("invalid_arguments");
    }
    forms.views += 1;
    let id = format!("V{}", forms.views);
    for (name, value) in [("id", json!(id)), ("team_id", json!(TEAM)), ("state", json!({"values": {}}))] {
        crate::play::json::put(&mut view, name, value);
    }
    forms.open.insert(origin.person.key, Form { origin, view: view.clone(), errors: Map::new() });
    drop(forms);
    shared.workspace.pulse().beat();
    Ok(json!({ "view": view }))
}

/// `views.publish`.
pub(super) fn publish(shared: &Shared, user: Option<&str>, view: &Value) -> Result<Value, &'static str> {
    let person = user.and_then(crate::play::people::find).ok_or("user_not_found")?;
    let blocks = view["blocks"].as_array().cloned().unwrap_or_default();
    if view["type"] != "home" || !limits::complaints(&blocks).is_empty() {
        return Err("invalid_arguments");
    }
    lock(&shared.forms).homes.insert(person.key, json!(blocks));
    shared.workspace.pulse().beat();
    Ok(json!({ "view": view }))
}

/// The form that is open for somebody, as the page shows it: the view, and what is wrong by field.
pub(super) fn shown(shared: &Shared, person: &Person) -> Value {
    lock(&shared.forms)
        .open
        .get(person.key)
        .map_or(Value::Null, |form| json!({"view": form.view, "errors": form.errors}))
}

/// The home tab that the bot drew for somebody.
pub(super) fn home(shared: &Shared, person: &Person) -> Value {
    lock(&shared.forms).homes.get(person.key).cloned().unwrap_or_default()
}

/// Somebody closes their form.
pub(super) fn close(shared: &Shared, person: &Person) {
    lock(&shared.forms).open.remove(person.key);
    shared.workspace.pulse().beat();
}

/// The values of a form as Slack reports them: what it was prefilled with, and what was filled in since.
fn state(view: &Value, filled: &[(&str, &str)]) -> Value {
    let mut values = Map::new();
    for block in view["blocks"].as_array().into_iter().flatten() {
        let (name, element) = (block["block_id"].as_str().unwrap_or_default(), &block["element"]);
        let now = filled.iter().rev().find(|(field, _)| *field == name).map(|(_, value)| *value);
        let kind = element["type"].as_str().unwrap_or_default();
        let value = if kind.ends_with("_select") {
            let picked = now.map(|value| json!({"text": {"type": "plain_text", "text": value}, "value": value}));
            let picked = picked.or_else(|| element.get("initial_option").cloned());
            json!({"type": kind, "selected_option": picked})
        } else {
            let typed = now.map(Value::from).or_else(|| element.get("initial_value").cloned());
            json!({"type": kind, "value": typed})
        };
        let action = element["action_id"].as_str().unwrap_or_default();
        values.insert(name.to_owned(), json!({ action: value }));
    }
    json!({ "values": values })
}

impl Shared {
    fn form(&self, who: &str) -> Result<Form, PlayError> {
        let person = somebody(who)?;
        let open = lock(&self.forms).open.get(person.key).cloned();
        open.ok_or_else(|| PlayError::NoSuchMessage(format!("a form that is open for `{}`", person.key)))
    }

    fn about(&self, kind: &str, form: &Form, filled: &[(&str, &str)]) -> Value {
        let person = form.origin.person;
        let mut view = form.view.clone();
        crate::play::json::put(&mut view, "state", state(&form.view, filled));
        json!({"type": kind, "team": {"id": TEAM, "domain": DOMAIN}, "api_app_id": APP, "token": self.verification,
            "user": {"id": person.slack, "username": person.key, "name": person.key, "team_id": TEAM},
            "trigger_id": self.trigger(), "view": view, "response_urls": [], "is_enterprise_install": false,
            "enterprise": null})
    }

    /// Somebody sends their form.
    pub(super) async fn submits(&self, who: &str, filled: &[(&str, &str)]) -> Result<Answered, PlayError> {
        let form = self.form(who)?;
        let payload = self.about("view_submission", &form, filled).to_string();
        let body = super::deliver::form(&[("payload", &payload)]);
        let delivery = Delivery { path: INTERACTIONS, form: body, from: None };
        let mut answered = self.deliver(delivery, Attempt::First).await?;
        let answer: Value = serde_json::from_str(&answered.body).unwrap_or_default();
        if answered.status != Some(200) {
            answered.shown = Some("We had some trouble connecting. Try again?".to_owned());
        } else if answer.get("response_action").is_some_and(|action| action == "errors") {
            let errors = answer.get("errors").and_then(Value::as_object).cloned().unwrap_or_default();
            let words: Vec<String> = errors
                .iter()
                .map(|(field, words)| format!("{field}: {}", words.as_str().unwrap_or_default()))
                .collect();
            answered.shown = Some(words.join("\n"));
            if let Some(open) = lock(&self.forms).open.get_mut(form.origin.person.key) {
                (open.errors, open.view) = (errors, refilled(form.view.clone(), filled));
            }
            self.workspace.pulse().beat();
        } else {
            close(self, form.origin.person);
        }
        Ok(answered)
    }

    /// What somebody is offered while they type into a field.
    pub(super) async fn searches(
        &self,
        who: &str,
        (field, text): (&str, &str),
        filled: &[(&str, &str)],
    ) -> Result<Vec<String>, PlayError> {
        let form = self.form(who)?;
        let mut payload = self.about("block_suggestion", &form, filled);
        for (name, value) in [("block_id", field), ("action_id", "value"), ("value", text)] {
            crate::play::json::put(&mut payload, name, json!(value));
        }
        let body = super::deliver::form(&[("payload", &payload.to_string())]);
        let answered = self.deliver(Delivery { path: OPTIONS, form: body, from: None }, Attempt::First).await?;
        let answer: Value = serde_json::from_str(&answered.body).unwrap_or_default();
        let options = answer.get("options").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(options.iter().filter_map(|option| option["value"].as_str().map(str::to_owned)).collect())
    }

    /// Somebody picks a message by the app's shortcut.
    pub(super) async fn picks(&self, who: &str, which: Which<'_>) -> Result<Answered, PlayError> {
        let person = somebody(who)?;
        let message = self.message(person, which, "")?;
        let origin = Origin { person, channel: super::workspace::channel(message.channel)?, command: None };
        let channel = origin.channel;
        let payload = json!({"type": "message_action", "token": self.verification, "callback_id": "leverframe_note",
            "team": {"id": TEAM, "domain": DOMAIN}, "enterprise": null, "is_enterprise_install": false,
            "user": {"id": person.slack, "name": person.key, "username": person.key, "team_id": TEAM},
            "channel": {"id": channel.id, "name": channel.name}, "action_ts": self.workspace.stamp(),
            "message_ts": message.ts, "message": message.json(super::workspace::Metadata::Shown),
            "trigger_id": self.trigger_of(&origin), "response_url": self.responses.issue(&origin, None)});
        let body = super::deliver::form(&[("payload", &payload.to_string())]);
        self.deliver(Delivery { path: INTERACTIONS, form: body, from: Some(origin) }, Attempt::First).await
    }

    /// Somebody opens the bot's home tab.
    pub(super) async fn opens_home(&self, who: &str) -> Result<Answered, PlayError> {
        let person = somebody(who)?;
        let event = json!({"type": "app_home_opened", "user": person.slack, "channel": "D0HOME", "tab": "home",
            "event_ts": self.workspace.stamp()});
        self.happened(event).await
    }

    /// Tells the bot of a message that mentions it.
    pub(super) async fn mentioned(
        &self,
        channel: &Channel,
        message: &Message,
        by: &Person,
    ) -> Result<Answered, PlayError> {
        let event = json!({"type": "app_mention", "user": by.slack, "text": message.content.text, "ts": message.ts,
            "team": TEAM, "user_team": TEAM, "channel": channel.id, "event_ts": message.ts});
        self.happened(event).await
    }

    /// Whether a link leads to a page of the bot's, as the domains of its manifest say in Slack.
    pub(super) fn is_ours(&self, word: &str) -> bool {
        match self.bot() {
            Some(super::Bot::Listens { url, .. }) => {
                let host = |address: &str| address.parse::<url::Url>().ok()?.host_str().map(str::to_owned);
                word.starts_with("http") && host(word).is_some() && host(word) == host(&url)
            }
            Some(super::Bot::Connects) | None => false,
        }
    }

    /// Tells the bot of links of its own in a message.
    pub(super) async fn shared_links(
        &self,
        channel: &Channel,
        message: &Message,
        (by, links): (&Person, &[&str]),
    ) -> Result<Answered, PlayError> {
        let links: Vec<Value> = links.iter().map(|url| json!({"domain": "127.0.0.1", "url": url})).collect();
        let unfurl = format!("C.{}", message.ts);
        let event = json!({"type": "link_shared", "user": by.slack, "channel": channel.id, "message_ts": message.ts,
            "unfurl_id": unfurl, "source": "conversations_history", "links": links, "event_ts": message.ts,
            "is_bot_user_member": channel.bot == super::workspace::Membership::Member});
        self.happened(event).await
    }

    async fn happened(&self, event: Value) -> Result<Answered, PlayError> {
        let id = format!("Ev{}", self.trigger().replace('.', ""));
        let body = json!({"token": self.verification, "team_id": TEAM, "api_app_id": APP, "type": "event_callback",
            "event_id": id, "event_time": clock::now().as_second(), "event": event, "is_ext_shared_channel": false,
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": true, "enterprise_id": null}]});
        self.deliver(Delivery { path: EVENTS, form: body.to_string(), from: None }, Attempt::First).await
    }
}

/// A form with what was filled in, so that it is not asked for again.
fn refilled(mut view: Value, filled: &[(&str, &str)]) -> Value {
    for block in view.get_mut("blocks").and_then(Value::as_array_mut).into_iter().flatten() {
        let name = block["block_id"].as_str().unwrap_or_default().to_owned();
        let Some((_, value)) = filled.iter().rev().find(|(field, _)| *field == name) else { continue };
        let Some(element) = block.get_mut("element").and_then(Value::as_object_mut) else { continue };
        if element.get("type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("_select")) {
            let picked = json!({"text": {"type": "plain_text", "text": value}, "value": value});
            element.insert("initial_option".to_owned(), picked);
        } else {
            element.insert("initial_value".to_owned(), json!(value));
        }
    }
    view
}

impl SlackLookalike {
    /// The form that is open for somebody.
    pub fn form(&self, who: &str) -> Option<Value> {
        self.shared.form(who).ok().map(|form| form.view)
    }

    /// Somebody fills in their form (by field; what is prefilled stays) and sends it. It closes, or what is wrong with it
    /// is what they are shown.
    ///
    /// # Errors
    /// When they have none open, or there is no bot.
    pub async fn submits(&self, who: &str, filled: &[(&str, &str)]) -> Result<Answered, PlayError> {
        self.shared.submits(who, filled).await
    }

    /// What somebody is offered while they type into a field of their form.
    ///
    /// # Errors
    /// When they have none open, or there is no bot.
    pub async fn searches(&self, who: &str, field: &str, text: &str) -> Result<Vec<String>, PlayError> {
        self.shared.searches(who, (field, text), &[]).await
    }

    /// The same, where other fields were filled in before.
    ///
    /// # Errors
    /// As [`Self::searches`].
    pub async fn searches_beside(
        &self,
        who: &str,
        typed: (&str, &str),
        filled: &[(&str, &str)],
    ) -> Result<Vec<String>, PlayError> {
        self.shared.searches(who, typed, filled).await
    }

    /// Somebody picks a message by the app's shortcut.
    ///
    /// # Errors
    /// When there is no such person or message, or no bot.
    pub async fn picks(&self, who: &str, which: Which<'_>) -> Result<Answered, PlayError> {
        self.shared.picks(who, which).await
    }

    /// The blocks of somebody's home tab.
    pub fn home_blocks(&self, who: &str) -> Option<Value> {
        let person = somebody(who).ok()?;
        lock(&self.shared.forms).homes.get(person.key).cloned()
    }

    /// Somebody opens the bot's home tab.
    ///
    /// # Errors
    /// When there is no such person, or no bot.
    pub async fn opens_home(&self, who: &str) -> Result<Answered, PlayError> {
        self.shared.opens_home(who).await
    }

    /// What stands on somebody's home tab.
    pub fn home(&self, who: &str) -> Option<String> {
        let person = somebody(who).ok()?;
        let blocks = lock(&self.shared.forms).homes.get(person.key).cloned()?;
        Some(super::words::of("", blocks.as_array()?))
    }
}
