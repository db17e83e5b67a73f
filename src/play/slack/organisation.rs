//! An organisation of several workspaces (Enterprise Grid) with the app installed in all of it: what Slack sends then
//! names the organisation, and the workspace of whoever did it; what it says of accounts names both. Somebody may belong
//! to another workspace of it, or to another organisation, with which a channel is shared.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::{
    SlackLookalike,
    deliver::{COMMANDS, EVENTS, form},
    lock,
    workspace::{BOT_USER, DOMAIN, TEAM},
};
use crate::play::{json::put, people};

/// Where an account is at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Its workspace, `T...`.
    pub team: String,
    /// The organisation of that, `E...`.
    pub enterprise: String,
}

/// An organisation, where there is one. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct Organisation(Arc<Mutex<Option<Inner>>>);

#[derive(Clone)]
struct Inner {
    id: String,
    /// Those who are at home elsewhere than in the one workspace of the demo, by account.
    homes: BTreeMap<String, Home>,
}

impl Inner {
    fn home(&self, account: &str) -> Home {
        let usual = || Home { team: TEAM.to_owned(), enterprise: self.id.clone() };
        self.homes.get(account).cloned().unwrap_or_else(usual)
    }
}

impl SlackLookalike {
    /// Makes the workspace one of an organisation, in all of which the app is installed.
    pub fn set_organisation(&self, id: &str) {
        *lock(&self.shared.organisation.0) = Some(Inner { id: id.to_owned(), homes: BTreeMap::new() });
    }

    /// Moves somebody, by their key, to another workspace. Where there is no organisation nothing happens.
    pub fn set_home(&self, who: &str, home: Home) {
        let account = people::find(who).map(|person| person.slack.to_owned());
        if let (Some(inner), Some(account)) = (lock(&self.shared.organisation.0).as_mut(), account) {
            inner.homes.insert(account, home);
        }
    }
}

impl Organisation {
    /// A delivery as Slack writes it in an organisation; as it is where there is none.
    pub(super) fn told(&self, path: &str, body: &str) -> String {
        let Some(inner) = lock(&self.0).clone() else { return body.to_owned() };
        match path {
            COMMANDS => inner.command(body),
            EVENTS => {
                let mut event = serde_json::from_str(body).unwrap_or_default();
                inner.event(&mut event);
                event.to_string()
            }
            _ => {
                let fields: Vec<(String, String)> = serde_urlencoded::from_str(body).unwrap_or_default();
                let payload = fields.first().and_then(|(_, payload)| serde_json::from_str(payload).ok());
                let mut payload = payload.unwrap_or_default();
                inner.interaction(&mut payload);
                form(&[("payload", &payload.to_string())])
            }
        }
    }

    /// What is said of an account in an organisation, beside what is always said.
    pub(super) fn describe(&self, account: &str, user: &mut Value) {
        let Some(inner) = lock(&self.0).clone() else { return };
        let home = inner.home(account);
        put(user, "team_id", json!(home.team));
        put(user, "is_stranger", json!(home.enterprise != inner.id));
        let of = json!({"id": account, "enterprise_id": home.enterprise, "enterprise_name": "Acme Holding",
            "teams": [home.team], "is_admin": false, "is_owner": false});
        put(user, "enterprise_user", of);
    }

    /// What the bot's token is of, in an organisation.
    pub(super) fn identify(&self, tested: &mut Value) {
        if let Some(inner) = lock(&self.0).clone() {
            put(tested, "enterprise_id", json!(inner.id));
            put(tested, "is_enterprise_install", json!(true));
        }
    }

    /// Whether a method that wants to know the workspace was told none.
    pub(super) fn lacks_a_team(&self, team: Option<&str>) -> bool {
        lock(&self.0).is_some() && team.is_none()
    }
}

impl Inner {
    fn command(&self, body: &str) -> String {
        let mut fields: BTreeMap<String, String> = serde_urlencoded::from_str(body).unwrap_or_default();
        let home = self.home(fields.get("user_id").map_or("", String::as_str));
        for (name, value) in [
            ("team_id", home.team.as_str()),
            ("enterprise_id", &home.enterprise),
            ("enterprise_name", "Acme Holding"),
            ("is_enterprise_install", "true"),
        ] {
            fields.insert(name.to_owned(), value.to_owned());
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        form(&fields)
    }

    /// What is pressed, picked or sent in. A form belongs to no workspace.
    fn interaction(&self, payload: &mut Value) {
        let home = self.home(payload.pointer("/user/id").and_then(Value::as_str).unwrap_or_default());
        let is_form = payload.get("view").is_some();
        let team = json!({"id": home.team, "domain": DOMAIN, "enterprise_id": home.enterprise,
            "enterprise_name": "Acme Holding"});
        put(payload, "team", if is_form { Value::Null } else { team });
        put(payload, "enterprise", json!({"id": home.enterprise, "name": "Acme Holding"}));
        put(payload, "is_enterprise_install", json!(true));
        if let Some(user) = payload.get_mut("user") {
            put(user, "team_id", json!(home.team));
        }
    }

    fn event(&self, body: &mut Value) {
        let home = self.home(body.pointer("/event/user").and_then(Value::as_str).unwrap_or_default());
        put(body, "team_id", json!(home.team));
        put(body, "enterprise_id", json!(home.enterprise));
        put(
            body,
            "authorizations",
            json!([{"enterprise_id": self.id, "team_id": null, "user_id": BOT_USER,
            "is_bot": true, "is_enterprise_install": true}]),
        );
        if let Some(event) = body.get_mut("event") {
            for name in ["team", "user_team"] {
                if event.get(name).is_some() {
                    put(event, name, json!(home.team));
                }
            }
        }
    }
}
