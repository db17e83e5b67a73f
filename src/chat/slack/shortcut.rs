//! The message shortcut: somebody wants what was said in a channel on an incident's timeline.

use serde::Deserialize;

use super::incoming::{NotUnderstood, as_typed, id, named, present};
use crate::chat::remark::Remark;

/// By this the shortcut is known to be ours.
pub const CALLBACK: &str = "leverframe_note";

/// Somebody picked a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortcut {
    /// Who, `U...` or `W...`.
    pub user: String,
    /// The workspaces it names, `T...`; all must be ours.
    pub teams: Vec<String>,
    /// The event's id.
    pub trigger: String,
    /// The channel, `C...`.
    pub channel: String,
    /// Where the answer may be posted for 30 minutes.
    pub response_url: String,
    /// What was picked.
    pub remark: Remark,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    callback_id: String,
    user: Option<Named>,
    team: Option<Named>,
    enterprise: Option<Named>,
    channel: Option<Named>,
    trigger_id: Option<String>,
    #[serde(default)]
    response_url: String,
    #[serde(default)]
    message: Message,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
    domain: Option<String>,
    team_id: Option<String>,
    enterprise_id: Option<String>,
}

#[derive(Deserialize, Default)]
struct Message {
    #[serde(default)]
    text: String,
    user: Option<String>,
    username: Option<String>,
    ts: Option<String>,
}

/// Reads a message shortcut; nothing where it is none of ours.
pub(super) fn shortcut(payload: &str) -> Result<Option<Shortcut>, NotUnderstood> {
    let payload: Payload =
        serde_json::from_str(payload).map_err(|error| NotUnderstood::NotAnInteraction(error.to_string()))?;
    if payload.callback_id != CALLBACK {
        return Ok(None);
    }
    let (team, its, domain) =
        payload.team.map_or((None, None, None), |team| (team.id, team.enterprise_id, team.domain));
    let (user, own) = payload.user.map_or((None, None), |user| (user.id, user.team_id));
    let teams = named("team.id", [team, own, payload.enterprise.and_then(|enterprise| enterprise.id), its])?;
    let channel = id("channel.id", payload.channel.and_then(|channel| channel.id))?;
    let ts = id("message.ts", payload.message.ts)?;
    let is_name = |domain: &String| domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let place = |domain: String| format!("https://{domain}.slack.com/archives/{channel}/p{}", ts.replace('.', ""));
    let account = payload.message.user.map(|user| id("message.user", Some(user))).transpose()?;
    let remark = Remark {
        name: payload.message.username.or_else(|| account.clone()).unwrap_or_default(),
        account,
        text: as_typed(&payload.message.text),
        link: domain.filter(is_name).map(place),
    };
    Ok(Some(Shortcut {
        user: id("user.id", user)?,
        teams,
        trigger: present("trigger_id", payload.trigger_id)?,
        response_url: payload.response_url,
        remark,
        channel,
    }))
}
